/*
 * activity_base.c
 *		The collector activities(customer, at, ...), and the base that it makes.
 *
 * The five forms of the second argument times the six types of customers are one
 * function, inlined for each.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "activity/activity.h"
#include "collect/collect.h"
#include "calendar/calendar.h"
#include "core/soft_input.h"

static void
merge_rows(ByteBuffer *out, const ByteSpan *bodies, int nbodies, void *rows, int nrows,
		   const Texts *texts)
{
	activity_merge(out, bodies, nbodies, (const DateADT *) rows, nrows);
}

/* The last day. */
static int64
last_of(ByteSpan body)
{
	ActivityCursor cursor;
	DateADT day;
	int64 last = PG_INT64_MIN;

	activity_open(&cursor, body.bytes, body.len);
	while (activity_next(&cursor, &day))
		last = day;
	return last;
}

static const RowForm days = { .size = sizeof(DateADT) };

const CollectOps activity_collect_ops = {
	.id = ACTIVITY_OPS_ID,
	.name = "activity_base",
	.body_type = "activity_set",
	.size_hint = ACTIVITY_SIZE_HINT,
	.row_size = sizeof(DateADT),
	.nforms = 1,
	.forms = &days,
	.merge = merge_rows,
	.valid = activity_body_valid,
	.last = last_of,
	.compare = activity_compare_bodies,
	.hash = activity_hash_body,
};

/* ---- the collector ---- */

typedef enum ActivityArgument
{
	ARGUMENT_AT,
	ARGUMENT_DAY,
	ARGUMENT_AT_ZONE,
	ARGUMENT_DAY_ZONE,
	ARGUMENT_SET
} ActivityArgument;

/* The day that a row means, by its arguments behind the customer, and the zone in which it was
 * counted, if that is known. */
static pg_attribute_always_inline DateADT
read_day(const NullableDatum *args, ActivityArgument argument, ZoneDays **zone)
{
	DateADT day;

	*zone = NULL;
	if (args[0].isnull)
		return ACTIVITY_NO_DAY;
	if (argument == ARGUMENT_AT)
		*zone = zone_of_session();
	else if (argument != ARGUMENT_DAY)
	{
		text *name;

		if (args[1].isnull)
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("zone must not be null where %s is given",
								   argument == ARGUMENT_DAY_ZONE ? "a day" : "at")));
		name = DatumGetTextPP(args[1].value);
		*zone = zone_by_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	}
	if (argument == ARGUMENT_AT || argument == ARGUMENT_AT_ZONE)
		return zone_day(*zone, DatumGetTimestampTz(args[0].value));
	day = DatumGetDateADT(args[0].value);
	check_finite_day(day);
	return day;
}

static pg_attribute_always_inline void
add_day(Collector *state, const NullableDatum *args, CustomerType type, Customer customer,
		ActivityArgument argument)
{
	ZoneDays *zone;
	DateADT day = read_day(args, argument, &zone);

	if (day != ACTIVITY_NO_DAY)
	{
		if (zone == NULL)
			collector_note_zone(state, ZONE_MIXED, NULL);
		else if (unlikely(state->noted != zone))
		{
			collector_note_zone(state, ZONE_KNOWN, zone_name(zone));
			state->noted = zone;
		}
		collector_note_last(state, day);
	}
	memcpy(collector_place_row(state, type, customer, sizeof(day)), &day, sizeof(day));
}

static pg_attribute_always_inline void
take_activity(Collector *state, const NullableDatum *args, CustomerType type,
			  Customer (*read_customer)(Datum), ActivityArgument argument)
{
	if (args[0].isnull)
		state->guests++;
	else if (argument == ARGUMENT_SET)
	{
		const uint8 nobody = ACTIVITY_VERSION;
		ByteSpan body = { &nobody, 1 };

		if (!args[1].isnull)
		{
			struct varlena *set = PG_DETOAST_DATUM_PACKED(args[1].value);

			body.bytes = (const uint8 *) VARDATA_ANY(set);
			body.len = VARSIZE_ANY_EXHDR(set);
		}
		collector_note_zone(state, ZONE_MIXED, NULL);
		state->last_unknown = true;
		collector_add_body(state, read_customer(args[0].value), body);
	}
	else
		add_day(state, &args[1], type, read_customer(args[0].value), argument);
}

#define ACTIVITIES_FUNCTION(name, type, customer, argument)                          \
	static void take_##name(Collector *state, const NullableDatum *args)             \
	{                                                                                \
		take_activity(state, args, type, customer, argument);                        \
	}                                                                                \
	PG_FUNCTION_INFO_V1(name);                                                       \
	Datum name(PG_FUNCTION_ARGS)                                                     \
	{                                                                                \
		Collector *state =                                                           \
			collector_state(fcinfo, &activity_collect_ops, type,                     \
							(argument) == ARGUMENT_SET ? NULL : &days, take_##name); \
                                                                                     \
		take_##name(state, &fcinfo->args[1]);                                        \
		PG_RETURN_POINTER(state);                                                    \
	}                                                                                \
	extern int no_such_variable

/*
 * The functions that this pastes:
 *
 * loyalty_activities_smallint_at, loyalty_activities_smallint_day,
 * loyalty_activities_smallint_zone, loyalty_activities_smallint_day_zone,
 * loyalty_activities_smallint_set, loyalty_activities_integer_at,
 * loyalty_activities_integer_day, loyalty_activities_integer_zone,
 * loyalty_activities_integer_day_zone, loyalty_activities_integer_set,
 * loyalty_activities_bigint_at, loyalty_activities_bigint_day, loyalty_activities_bigint_zone,
 * loyalty_activities_bigint_day_zone, loyalty_activities_bigint_set,
 * loyalty_activities_numeric_at, loyalty_activities_numeric_day,
 * loyalty_activities_numeric_zone, loyalty_activities_numeric_day_zone,
 * loyalty_activities_numeric_set, loyalty_activities_uuid_at, loyalty_activities_uuid_day,
 * loyalty_activities_uuid_zone, loyalty_activities_uuid_day_zone, loyalty_activities_uuid_set,
 * loyalty_activities_text_at, loyalty_activities_text_day, loyalty_activities_text_zone,
 * loyalty_activities_text_day_zone, loyalty_activities_text_set.
 */
#define ACTIVITIES_OF(customer, type)                                                             \
	ACTIVITIES_FUNCTION(loyalty_activities_##customer##_at, type, customer_from_##customer,       \
						ARGUMENT_AT);                                                             \
	ACTIVITIES_FUNCTION(loyalty_activities_##customer##_day, type, customer_from_##customer,      \
						ARGUMENT_DAY);                                                            \
	ACTIVITIES_FUNCTION(loyalty_activities_##customer##_zone, type, customer_from_##customer,     \
						ARGUMENT_AT_ZONE);                                                        \
	ACTIVITIES_FUNCTION(loyalty_activities_##customer##_day_zone, type, customer_from_##customer, \
						ARGUMENT_DAY_ZONE);                                                       \
	ACTIVITIES_FUNCTION(loyalty_activities_##customer##_set, type, customer_from_##customer,      \
						ARGUMENT_SET)

ACTIVITIES_OF(smallint, CUSTOMER_BIGINT);
ACTIVITIES_OF(integer, CUSTOMER_BIGINT);
ACTIVITIES_OF(bigint, CUSTOMER_BIGINT);
ACTIVITIES_OF(numeric, CUSTOMER_BIGINT);
ACTIVITIES_OF(uuid, CUSTOMER_UUID);
ACTIVITIES_OF(text, CUSTOMER_TEXT);

/* ---- activity_agg() as a collector's rows ---- */

static void
deal_at(uint8 *to, const NullableDatum *args)
{
	ZoneDays *zone;
	DateADT day = read_day(args, ARGUMENT_AT, &zone);

	memcpy(to, &day, sizeof(day));
}

static void
deal_day(uint8 *to, const NullableDatum *args)
{
	ZoneDays *zone;
	DateADT day = read_day(args, ARGUMENT_DAY, &zone);

	memcpy(to, &day, sizeof(day));
}

const SummaryForm activity_summary_forms[] = {
	{ .transition = loyalty_activity_agg_add_at,
	  .ops = &activity_collect_ops,
	  .nargs = 1,
	  .dealt_size = sizeof(DateADT),
	  .deal = deal_at },
	{ .transition = loyalty_activity_agg_add_day,
	  .ops = &activity_collect_ops,
	  .nargs = 1,
	  .dealt_size = sizeof(DateADT),
	  .deal = deal_day },
	{ .transition = NULL },
};

/* ---- the base types ---- */

/*
 * The functions that this pastes:
 *
 * loyalty_activity_base_in, loyalty_activity_base_recv, loyalty_activity_base_bigint_in,
 * loyalty_activity_base_bigint_recv, loyalty_activity_base_uuid_in,
 * loyalty_activity_base_uuid_recv, loyalty_activity_base_text_in,
 * loyalty_activity_base_text_recv.
 */
#define ACTIVITY_BASE_INPUT(name, type)                  \
	SOFT_INPUT(loyalty_##name##_in)                      \
	{                                                    \
		return base_in(fcinfo, ACTIVITY_OPS_ID, type);   \
	}                                                    \
	PG_FUNCTION_INFO_V1(loyalty_##name##_recv);          \
	Datum loyalty_##name##_recv(PG_FUNCTION_ARGS)        \
	{                                                    \
		return base_recv(fcinfo, ACTIVITY_OPS_ID, type); \
	}                                                    \
	extern int no_such_variable

ACTIVITY_BASE_INPUT(activity_base, 0);
ACTIVITY_BASE_INPUT(activity_base_bigint, CUSTOMER_BIGINT);
ACTIVITY_BASE_INPUT(activity_base_uuid, CUSTOMER_UUID);
ACTIVITY_BASE_INPUT(activity_base_text, CUSTOMER_TEXT);

PG_FUNCTION_INFO_V1(loyalty_customer_activities);

Datum
loyalty_customer_activities(PG_FUNCTION_ARGS)
{
	return base_customers(fcinfo);
}
