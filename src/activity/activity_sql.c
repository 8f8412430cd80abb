/*
 * activity_sql.c
 *		Questions to one activity_set, comparison, and the set operators.
 *
 * All of them walk the stored bytes; none builds the list of days.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "activity/activity.h"
#include "core/comparison.h"
#include "core/argument.h"
#include "calendar/calendar.h"

PG_FUNCTION_INFO_V1(loyalty_activity_set_union);
PG_FUNCTION_INFO_V1(loyalty_activity_set_difference);
PG_FUNCTION_INFO_V1(loyalty_activity_set_intersection);
PG_FUNCTION_INFO_V1(loyalty_activity_replace);
PG_FUNCTION_INFO_V1(loyalty_activity_set_contains);
PG_FUNCTION_INFO_V1(loyalty_activity_set_contained);
PG_FUNCTION_INFO_V1(loyalty_activity_set_eq);
PG_FUNCTION_INFO_V1(loyalty_activity_set_ne);
PG_FUNCTION_INFO_V1(loyalty_activity_set_hash);
PG_FUNCTION_INFO_V1(loyalty_activity_set_hash_extended);
PG_FUNCTION_INFO_V1(loyalty_activity_set_range);
PG_FUNCTION_INFO_V1(loyalty_activity_first);
PG_FUNCTION_INFO_V1(loyalty_activity_last);
PG_FUNCTION_INFO_V1(loyalty_activity_count);
PG_FUNCTION_INFO_V1(loyalty_activity_count_range);
PG_FUNCTION_INFO_V1(loyalty_activity_count_periods);
PG_FUNCTION_INFO_V1(loyalty_activity_days);
PG_FUNCTION_INFO_V1(loyalty_activity_gaps);
PG_FUNCTION_INFO_V1(loyalty_activity_streak);
PG_FUNCTION_INFO_V1(loyalty_activity_longest_streak);

/* Starts a walk over argument n. */
static ByteSpan
open_argument(FunctionCallInfo fcinfo, int n, ActivityCursor *cursor)
{
	ByteSpan body = activity_set_body(PG_GETARG_DATUM(n));

	activity_open(cursor, body.bytes, body.len);
	return body;
}

/* ---- the days of a range ---- */

static void report_no_bound(bool is_upper) pg_attribute_noreturn();

static void
report_no_bound(bool is_upper)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a range without %s bound has days without end", is_upper ? "upper" : "lower"),
			 is_upper ? errhint("Give as_of, the last day that counts.")
					  : errhint("Give the day on which it begins.")));
}

/* The first and the last day of a range; false where it is empty. */
static bool
range_days(FunctionCallInfo fcinfo, RangeType *range, DateADT *first, DateADT *last)
{
	RangeBound lower;
	RangeBound upper;
	bool empty;

	range_deserialize(range_get_typcache(fcinfo, RangeTypeGetOid(range)), range, &lower, &upper,
					  &empty);
	if (empty)
		return false;
	if (lower.infinite || DATE_NOT_FINITE(DatumGetDateADT(lower.val)))
		report_no_bound(false);
	*first = DatumGetDateADT(lower.val);
	/* a finite bound is exclusive, as daterange writes it */
	if (upper.infinite || DATE_IS_NOEND(DatumGetDateADT(upper.val)))
		*last = DATEVAL_NOEND;
	else
		*last = DatumGetDateADT(upper.val) - 1;
	return true;
}

/* activity_set(during daterange, as_of) */
Datum
loyalty_activity_set_range(PG_FUNCTION_ARGS)
{
	DateADT as_of = DATEVAL_NOEND;
	DateADT first;
	DateADT last;
	DateADT *days;
	int n;
	int i;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1))
		as_of = argument_finite_day(fcinfo, 1, "as_of");
	if (!range_days(fcinfo, PG_GETARG_RANGE_P(0), &first, &last))
		PG_RETURN_DATUM(activity_set_from_days(NULL, 0));
	last = Min(last, as_of);
	if (last == DATEVAL_NOEND)
		report_no_bound(true);
	if (last < first)
		PG_RETURN_DATUM(activity_set_from_days(NULL, 0));
	check_span_length((int64) last - first + 1, "days");
	n = last - first + 1;
	days = palloc(n * sizeof(DateADT));
	for (i = 0; i < n; i++)
		days[i] = first + i;
	PG_RETURN_DATUM(activity_set_from_days(days, n));
}

/* ---- set operators ---- */

/* A set being written, as the varlena that it will be. */
typedef struct SetWriter
{
	ByteBuffer buf;
	DateADT last;
	bool started;
} SetWriter;

/* Its days are likely to take so many bytes. */
static void
writer_begin(SetWriter *writer, size_t size)
{
	buffer_init(&writer->buf, VARHDRSZ + VARINT_MAX_BYTES + size);
	writer->buf.len = VARHDRSZ;
	buffer_put_byte(&writer->buf, ACTIVITY_VERSION);
	writer->started = false;
}

static Datum
writer_end(SetWriter *writer)
{
	datum_set_size(writer->buf.data, writer->buf.len, "activity_set", ACTIVITY_SIZE_HINT);
	return PointerGetDatum(writer->buf.data);
}

/* Days come in order; one that is there already is left out. */
static void
writer_add(SetWriter *writer, DateADT day)
{
	if (writer->started && writer->last == day)
		return;
	if (writer->started)
		buffer_put_varint(&writer->buf, (uint32) day - (uint32) writer->last);
	else
		buffer_put_signed(&writer->buf, day);
	writer->last = day;
	writer->started = true;
}

/* Merges arguments 0 and 1, keeping the days that are in one, in the other, in both. */
static Datum
merge_arguments(FunctionCallInfo fcinfo, bool only_first, bool only_second, bool both)
{
	ActivityCursor first;
	ActivityCursor second;
	ByteSpan first_body = open_argument(fcinfo, 0, &first);
	ByteSpan second_body = open_argument(fcinfo, 1, &second);
	SetWriter writer;
	DateADT a = 0;
	DateADT b = 0;
	bool has_a = activity_next(&first, &a);
	bool has_b = activity_next(&second, &b);

	writer_begin(&writer, first_body.len + (only_second ? second_body.len : 0));
	while ((has_a && (has_b || only_first)) || (has_b && only_second))
	{
		CHECK_FOR_INTERRUPTS();
		if (has_a && (!has_b || a < b))
		{
			if (only_first)
				writer_add(&writer, a);
			has_a = activity_next(&first, &a);
		}
		else if (has_b && (!has_a || b < a))
		{
			if (only_second)
				writer_add(&writer, b);
			has_b = activity_next(&second, &b);
		}
		else
		{
			if (both)
				writer_add(&writer, a);
			has_a = activity_next(&first, &a);
			has_b = activity_next(&second, &b);
		}
	}
	return writer_end(&writer);
}

Datum
loyalty_activity_set_union(PG_FUNCTION_ARGS)
{
	Datum alone;

	if (argument_beside_null(fcinfo, &alone))
		return alone;
	return merge_arguments(fcinfo, true, true, true);
}

Datum
loyalty_activity_set_difference(PG_FUNCTION_ARGS)
{
	return merge_arguments(fcinfo, true, false, false);
}

Datum
loyalty_activity_set_intersection(PG_FUNCTION_ARGS)
{
	return merge_arguments(fcinfo, false, false, true);
}

/* activity_replace(stored, fresh, since, until); a NULL bound is open */
Datum
loyalty_activity_replace(PG_FUNCTION_ARGS)
{
	DateADT since = PG_ARGISNULL(2) ? DATEVAL_NOBEGIN : PG_GETARG_DATEADT(2);
	DateADT until = PG_ARGISNULL(3) ? DATEVAL_NOEND : PG_GETARG_DATEADT(3);
	const uint8 nothing = ACTIVITY_VERSION;
	ByteSpan bodies[2] = { { &nothing, 1 }, { &nothing, 1 } };
	ActivityCursor stored;
	ActivityCursor fresh;
	SetWriter writer;
	DateADT old_day = 0;
	DateADT new_day = 0;
	bool has_old;
	bool has_new;
	int i;

	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	for (i = 0; i < 2; i++)
		if (!PG_ARGISNULL(i))
			bodies[i] = activity_set_body(PG_GETARG_DATUM(i));
	activity_open(&stored, bodies[0].bytes, bodies[0].len);
	activity_open(&fresh, bodies[1].bytes, bodies[1].len);
	writer_begin(&writer, bodies[0].len + bodies[1].len);
	has_old = activity_next(&stored, &old_day);
	has_new = activity_next(&fresh, &new_day);
	while (has_old || has_new)
	{
		CHECK_FOR_INTERRUPTS();
		if (has_new && (!has_old || new_day <= old_day))
		{
			if (new_day < since || new_day >= until)
				ereport(
					ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the fresh day %s is outside of the time that is replaced",
							day_text(new_day)),
					 errhint("Take fresh rows of that time alone: day >= since AND day < until.")));
			writer_add(&writer, new_day);
			has_new = activity_next(&fresh, &new_day);
		}
		else
		{
			if (old_day < since || old_day >= until)
				writer_add(&writer, old_day);
			has_old = activity_next(&stored, &old_day);
		}
	}
	return writer_end(&writer);
}

static bool
contains(FunctionCallInfo fcinfo, int set_arg, int day_arg)
{
	DateADT wanted = PG_GETARG_DATEADT(day_arg);
	ActivityCursor cursor;
	DateADT day;

	open_argument(fcinfo, set_arg, &cursor);
	while (activity_next(&cursor, &day))
	{
		CHECK_FOR_INTERRUPTS();
		if (day >= wanted)
			return day == wanted;
	}
	return false;
}

/* activity_set @> date */
Datum
loyalty_activity_set_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(contains(fcinfo, 0, 1));
}

/* date <@ activity_set */
Datum
loyalty_activity_set_contained(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(contains(fcinfo, 1, 0));
}

/* ---- comparison ---- */

/* As arrays of the days compare: the first difference decides, then the length. */
static int
compare_days(ActivityCursor *first, ActivityCursor *second)
{
	for (;;)
	{
		DateADT a;
		DateADT b;
		bool has_a = activity_next(first, &a);
		bool has_b = activity_next(second, &b);

		CHECK_FOR_INTERRUPTS();
		if (!has_a || !has_b)
			return has_a - has_b;
		if (a != b)
			return a < b ? -1 : 1;
	}
}

static int
compare_arguments(FunctionCallInfo fcinfo)
{
	ActivityCursor first;
	ActivityCursor second;

	open_argument(fcinfo, 0, &first);
	open_argument(fcinfo, 1, &second);
	return compare_days(&first, &second);
}

int
activity_compare_bodies(ByteSpan a, ByteSpan b)
{
	ActivityCursor first;
	ActivityCursor second;

	activity_open(&first, a.bytes, a.len);
	activity_open(&second, b.bytes, b.len);
	return compare_days(&first, &second);
}

uint64
activity_hash_body(ByteSpan body, uint64 seed)
{
	return hash_bytes_extended(body.bytes, (int) body.len, seed);
}

/* Equal sets have equal bytes; different lengths are seen without detoasting. */
static bool
equal_arguments(FunctionCallInfo fcinfo)
{
	ByteSpan a;
	ByteSpan b;

	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) != toast_raw_datum_size(PG_GETARG_DATUM(1)))
		return false;
	a = activity_set_body(PG_GETARG_DATUM(0));
	b = activity_set_body(PG_GETARG_DATUM(1));
	return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

Datum
loyalty_activity_set_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(equal_arguments(fcinfo));
}

Datum
loyalty_activity_set_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!equal_arguments(fcinfo));
}

ORDER_FUNCTIONS(loyalty_activity_set, compare_arguments);

Datum
loyalty_activity_set_hash(PG_FUNCTION_ARGS)
{
	ByteSpan body = activity_set_body(PG_GETARG_DATUM(0));

	return hash_any(body.bytes, body.len);
}

Datum
loyalty_activity_set_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT64(
		activity_hash_body(activity_set_body(PG_GETARG_DATUM(0)), (uint64) PG_GETARG_INT64(1)));
}

/* ---- days ---- */

Datum
loyalty_activity_first(PG_FUNCTION_ARGS)
{
	ActivityCursor cursor;
	DateADT day;

	open_argument(fcinfo, 0, &cursor);
	if (!activity_next(&cursor, &day))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(day);
}

Datum
loyalty_activity_last(PG_FUNCTION_ARGS)
{
	ActivityCursor cursor;
	DateADT day;

	open_argument(fcinfo, 0, &cursor);
	if (!activity_next(&cursor, &day))
		PG_RETURN_NULL();
	while (activity_next(&cursor, &day))
		CHECK_FOR_INTERRUPTS();
	PG_RETURN_DATEADT(day);
}

Datum
loyalty_activity_count(PG_FUNCTION_ARGS)
{
	ByteSpan body = activity_set_body(PG_GETARG_DATUM(0));

	PG_RETURN_INT64(activity_body_count(body.bytes, body.len));
}

/* Days in [since, until); a null bound is open. */
Datum
loyalty_activity_count_range(PG_FUNCTION_ARGS)
{
	ActivityCursor cursor;
	DateADT day;
	DateADT since;
	int64 until;
	int64 count = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	since = PG_ARGISNULL(1) ? DATEVAL_NOBEGIN : PG_GETARG_DATEADT(1);
	until = PG_ARGISNULL(2) ? DATEVAL_NOEND : PG_GETARG_DATEADT(2);
	open_argument(fcinfo, 0, &cursor);
	while (activity_next(&cursor, &day) && day < until)
	{
		CHECK_FOR_INTERRUPTS();
		count += day >= since;
	}
	PG_RETURN_INT64(count);
}

/* activity_days(a): the days, one a row */
Datum
loyalty_activity_days(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	DateADT day;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		ActivityCursor *cursor;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		cursor = palloc(sizeof(ActivityCursor));
		open_argument(fcinfo, 0, cursor);
		call->user_fctx = cursor;
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	if (activity_next(call->user_fctx, &day))
		SRF_RETURN_NEXT(call, DateADTGetDatum(day));
	SRF_RETURN_DONE(call);
}

/* Days from each active day to the next. */
Datum
loyalty_activity_gaps(PG_FUNCTION_ARGS)
{
	ActivityCursor cursor;
	ByteSpan body = open_argument(fcinfo, 0, &cursor);
	int64 ndays = activity_body_count(body.bytes, body.len);
	ArrayType *array;
	Size size;
	int32 *gap;
	DateADT last = 0;
	DateADT day;

	if (ndays < 2)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT4OID));
	size = ARR_OVERHEAD_NONULLS(1) + (ndays - 1) * sizeof(int32);
	array = datum_allocate(size, "array of gaps", "Compute them over activity_days().");
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = INT4OID;
	ARR_DIMS(array)[0] = (int) (ndays - 1);
	ARR_LBOUND(array)[0] = 1;

	gap = (int32 *) ARR_DATA_PTR(array);
	activity_next(&cursor, &last);
	while (activity_next(&cursor, &day))
	{
		CHECK_FOR_INTERRUPTS();
		*gap++ = day - last;
		last = day;
	}
	PG_RETURN_ARRAYTYPE_P(array);
}

/* ---- periods ---- */

/* Distinct periods with an active day. */
Datum
loyalty_activity_count_periods(PG_FUNCTION_ARGS)
{
	Calendar *calendar = calendar_call_argument(fcinfo, 1);
	ActivityCursor cursor;
	DateADT day;
	int64 count = 0;
	int32 last = 0;

	open_argument(fcinfo, 0, &cursor);
	while (activity_next(&cursor, &day))
	{
		int32 index = calendar_index(calendar, day);

		CHECK_FOR_INTERRUPTS();
		if (count == 0 || index != last)
			count++;
		last = index;
	}
	PG_RETURN_INT64(count);
}

/* The run of active periods that a walk is in. */
typedef struct Streak
{
	int32 run;	/* periods in a row up to last */
	int32 last; /* the latest active period; holds where run > 0 */
	int32 longest;
} Streak;

/* Walks the days of argument 0 up to as_of. */
static Streak
walk_streaks(FunctionCallInfo fcinfo, Calendar *calendar, DateADT as_of)
{
	Streak streak = { 0 };
	ActivityCursor cursor;
	DateADT day;

	open_argument(fcinfo, 0, &cursor);
	while (activity_next(&cursor, &day) && day <= as_of)
	{
		int32 index = calendar_index(calendar, day);

		CHECK_FOR_INTERRUPTS();
		if (streak.run > 0 && index == streak.last)
			continue;
		if (streak.run > 0 && index - 1 == streak.last)
			streak.run++;
		else
			streak.run = 1;
		streak.last = index;
		streak.longest = Max(streak.longest, streak.run);
	}
	return streak;
}

/* The run that ends in the period of as_of, or in the one before, which can still go on. */
Datum
loyalty_activity_streak(PG_FUNCTION_ARGS)
{
	Calendar *calendar = calendar_call_argument(fcinfo, 1);
	DateADT as_of = PG_GETARG_DATEADT(2);
	Streak streak;

	check_finite_day(as_of);
	streak = walk_streaks(fcinfo, calendar, as_of);
	if (streak.run == 0 || calendar_index(calendar, as_of) - 1 > streak.last)
		PG_RETURN_INT32(0);
	PG_RETURN_INT32(streak.run);
}

Datum
loyalty_activity_longest_streak(PG_FUNCTION_ARGS)
{
	Calendar *calendar = calendar_call_argument(fcinfo, 1);

	PG_RETURN_INT32(walk_streaks(fcinfo, calendar, DATEVAL_NOEND).longest);
}
