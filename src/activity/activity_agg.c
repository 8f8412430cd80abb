/*
 * activity_agg.c
 *		Aggregates that make an activity_set: activity_agg() of instants or days,
 *		and rollup() of sets. They differ in what they add; the state is the same.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "activity/activity.h"
#include "calendar/calendar.h"

/*
 * The days of one group, in one chunk of the aggregate's context. A chunk of
 * AllocSet takes a power of two, so that is what is asked for: there are many
 * groups, and most are small.
 *
 *	 | used | capacity | last | step | step | ... | step | free ... |  64, 128, 256 ... bytes
 *
 * A step is the zigzag varint of the days since the day before it (the first
 * one since 2000-01-01), in the order in which rows came; a day equal to the one
 * before is left out. As bytes, 20 days or so fit the first chunk, and a row
 * touches a cache line or two: an array of days took twice the memory
 * and, since groups are visited at random, a good part more time.
 *
 * Where there is no room for another step, the days are sorted and repetitions
 * dropped: only days that are really many make the chunk grow.
 */
typedef struct ActivityState
{
	uint32 used;	 /* bytes */
	uint32 capacity; /* bytes */
	DateADT last;	 /* the day that the next step starts from */
	uint8 steps[FLEXIBLE_ARRAY_MEMBER];
} ActivityState;

#define STATE_HEADER	  offsetof(ActivityState, steps)
#define STATE_FIRST_BYTES 64
#define STEP_MAX_BYTES	  5

PG_FUNCTION_INFO_V1(loyalty_activity_agg_add_at);
PG_FUNCTION_INFO_V1(loyalty_activity_agg_add_day);
PG_FUNCTION_INFO_V1(loyalty_activity_agg_add_at_zone);
PG_FUNCTION_INFO_V1(loyalty_activity_agg_add_day_zone);
PG_FUNCTION_INFO_V1(loyalty_activity_agg_add_set);
PG_FUNCTION_INFO_V1(loyalty_activity_agg_combine);
PG_FUNCTION_INFO_V1(loyalty_activity_agg_serialize);
PG_FUNCTION_INFO_V1(loyalty_activity_agg_deserialize);
PG_FUNCTION_INFO_V1(loyalty_activity_agg_final);

/* ---- the state ---- */

/* The size of the chunk for so many bytes of steps. */
static Size
chunk_size(uint64 steps)
{
	if (steps > MaxAllocSize - STATE_HEADER)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many days in one group"),
				 errhint("The state of an activity_set holds less than 1 GB. Split the group.")));
	return Min(Max(pg_nextpower2_64(STATE_HEADER + steps), STATE_FIRST_BYTES), MaxAllocSize);
}

static ActivityState *
state_create(MemoryContext context, uint64 steps)
{
	Size size = chunk_size(steps);
	ActivityState *state = MemoryContextAlloc(context, size);

	state->used = 0;
	state->capacity = size - STATE_HEADER;
	state->last = 0;
	return state;
}

/* The days of a state, distinct and ascending, palloc'd. */
static DateADT *
state_days(const ActivityState *state, int *ndays)
{
	const uint8 *at = state->steps;
	const uint8 *end = at + state->used;
	DateADT *days =
		MemoryContextAllocHuge(CurrentMemoryContext, Max(state->used, 1) * sizeof(DateADT));
	DateADT day = 0;
	int n = 0;

	while (at < end)
	{
		day += (DateADT) signed_next(&at, end);
		days[n++] = day;
	}
	*ndays = activity_sort_days(days, n);
	return days;
}

/* Writes a step at the end, where there is room for it. */
static inline void
state_put(ActivityState *state, DateADT day)
{
	uint8 *end = varint_write(state->steps + state->used, zigzag_fold((int64) day - state->last));

	state->used = end - state->steps;
	state->last = day;
	Assert(state->used <= state->capacity);
}

/*
 * Makes room for a step. At least half of the chunk is free afterwards, so that
 * sorting stays cheap for each row.
 */
static ActivityState *
state_make_room(ActivityState *state)
{
	int ndays;
	DateADT *days = state_days(state, &ndays);
	DateADT last = 0;
	uint64 sorted = 0;
	int i;

	CHECK_FOR_INTERRUPTS();
	for (i = 0; i < ndays; i++)
	{
		sorted += varint_length(zigzag_fold((int64) days[i] - last));
		last = days[i];
	}
	if (2 * sorted > state->capacity || sorted + STEP_MAX_BYTES > state->capacity)
	{
		/* near the limit of a chunk there may be some room left, though not twice as much */
		uint64 wanted = Max(Min(2 * sorted, MaxAllocSize - STATE_HEADER), sorted + STEP_MAX_BYTES);
		Size size = chunk_size(wanted);

		if (size - STATE_HEADER > state->capacity)
		{
			state = repalloc(state, size);
			state->capacity = size - STATE_HEADER;
		}
	}
	state->used = 0;
	state->last = 0;
	for (i = 0; i < ndays; i++)
		state_put(state, days[i]);
	pfree(days);
	return state;
}

static inline ActivityState *
state_add(ActivityState *state, DateADT day)
{
	if (state->last == day && state->used > 0)
		return state;
	if (unlikely(state->capacity - state->used < STEP_MAX_BYTES))
		state = state_make_room(state);
	state_put(state, day);
	return state;
}

/*
 * The state of an aggregate's transition: argument 0, or a new one.
 *
 * Only an aggregate hands in a state, and repalloc keeps a chunk where it is:
 * so the aggregate's context is asked for once a group and not once a row.
 */
static inline ActivityState *
transition_state(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (likely(!PG_ARGISNULL(0)))
		return (ActivityState *) PG_GETARG_POINTER(0);
	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function %s is called outside an aggregate", "activity_agg")));
	return state_create(context, 0);
}

/* ---- transitions ---- */

/* activity_agg(at timestamptz): the day in the session's zone */
Datum
loyalty_activity_agg_add_at(PG_FUNCTION_ARGS)
{
	ActivityState *state = transition_state(fcinfo);

	if (!PG_ARGISNULL(1))
		state = state_add(state, zone_day(zone_of_session(), PG_GETARG_TIMESTAMPTZ(1)));
	PG_RETURN_POINTER(state);
}

/* activity_agg(day date) */
Datum
loyalty_activity_agg_add_day(PG_FUNCTION_ARGS)
{
	ActivityState *state = transition_state(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		DateADT day = PG_GETARG_DATEADT(1);

		check_finite_day(day);
		state = state_add(state, day);
	}
	PG_RETURN_POINTER(state);
}

static ZoneDays *
zone_argument(FunctionCallInfo fcinfo)
{
	const text *name;

	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("zone of activity_agg must not be null"),
						errhint("For days in the session's TimeZone leave it out.")));
	name = PG_GETARG_TEXT_PP(2);
	return zone_by_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

/* activity_agg(at timestamptz, zone text) */
Datum
loyalty_activity_agg_add_at_zone(PG_FUNCTION_ARGS)
{
	ActivityState *state = transition_state(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		ZoneDays *zone = zone_argument(fcinfo);

		state = state_add(state, zone_day(zone, PG_GETARG_TIMESTAMPTZ(1)));
	}
	PG_RETURN_POINTER(state);
}

/* activity_agg(day date, zone text): the day itself, which is one of that zone */
Datum
loyalty_activity_agg_add_day_zone(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(1))
		(void) zone_argument(fcinfo);
	return loyalty_activity_agg_add_day(fcinfo);
}

/* rollup(activity activity_set) */
Datum
loyalty_activity_agg_add_set(PG_FUNCTION_ARGS)
{
	ActivityState *state;
	ByteSpan body;
	ActivityCursor cursor;
	DateADT day;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_POINTER(PG_GETARG_POINTER(0));
	}
	state = transition_state(fcinfo);
	body = activity_set_body(PG_GETARG_DATUM(1));
	activity_open(&cursor, body.bytes, body.len);
	while (activity_next(&cursor, &day))
		state = state_add(state, day);
	PG_RETURN_POINTER(state);
}

/* ---- partial aggregation ---- */

Datum
loyalty_activity_agg_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	ActivityState *state = PG_ARGISNULL(0) ? NULL : (ActivityState *) PG_GETARG_POINTER(0);
	const ActivityState *other = PG_ARGISNULL(1) ? NULL : (ActivityState *) PG_GETARG_POINTER(1);

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s is called outside an aggregate", "activity_agg_combine")));
	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
	{
		state = state_create(context, other->used);
		memcpy(state->steps, other->steps, other->used);
		state->used = other->used;
		state->last = other->last;
	}
	else
	{
		const uint8 *at = other->steps;
		const uint8 *end = at + other->used;
		DateADT day = 0;

		while (at < end)
		{
			day += (DateADT) signed_next(&at, end);
			state = state_add(state, day);
		}
	}
	PG_RETURN_POINTER(state);
}

static Datum
state_to_set(const ActivityState *state)
{
	int ndays;
	DateADT *days = state_days(state, &ndays);
	Datum set = activity_set_from_days(days, ndays);

	pfree(days);
	return set;
}

/* Hands over the set that the group would be by now: workers do the sorting. */
Datum
loyalty_activity_agg_serialize(PG_FUNCTION_ARGS)
{
	if (!AggCheckCallContext(fcinfo, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s is called outside an aggregate", "activity_agg_serialize")));
	return state_to_set((ActivityState *) PG_GETARG_POINTER(0));
}

Datum
loyalty_activity_agg_deserialize(PG_FUNCTION_ARGS)
{
	ByteSpan body;
	ActivityState *state;
	ActivityCursor cursor;
	DateADT day;

	if (!AggCheckCallContext(fcinfo, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s is called outside an aggregate", "activity_agg_deserialize")));
	body = activity_set_body(PG_GETARG_DATUM(0));
	if (!activity_body_valid(body.bytes, body.len))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("partial state of activity_agg is malformed")));
	state = state_create(CurrentMemoryContext, body.len + STEP_MAX_BYTES);
	activity_open(&cursor, body.bytes, body.len);
	while (activity_next(&cursor, &day))
		state = state_add(state, day);
	PG_RETURN_POINTER(state);
}

/* Leaves the state as it is: a window adds rows and asks again. */
Datum
loyalty_activity_agg_final(PG_FUNCTION_ARGS)
{
	if (!AggCheckCallContext(fcinfo, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s is called outside an aggregate", "activity_agg_final")));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return state_to_set((ActivityState *) PG_GETARG_POINTER(0));
}
