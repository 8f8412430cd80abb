/*
 * earn_sql.c
 *		The SQL functions of earning: one order, and a customer's timeline of amounts as one of
 *		points, or as a list that explains them.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/date.h"

#include "core/argument.h"
#include "core/array.h"
#include "core/rows.h"
#include "earn/earn.h"
#include "policy/policy.h"
#include "timeline/timeline.h"

PG_FUNCTION_INFO_V1(loyalty_points_earned);
PG_FUNCTION_INFO_V1(loyalty_points_accrual);
PG_FUNCTION_INFO_V1(loyalty_points_accrual_events);
PG_FUNCTION_INFO_V1(loyalty_points_accrual_violations);

/* Rules that are open, and the walk by them. */
typedef struct EarnCall
{
	EarnPolicy *policy;
	EarnWalk *walk;
	EarnWalk *by_label; /* of points_accrual(); NULL until asked for */
	MemoryContext context;
	void *reading; /* what the sink collects for, in this call */
} EarnCall;

static void *
open_with(const struct varlena *bytes, int flags, EarnSink sink)
{
	EarnCall *call = palloc0(sizeof(EarnCall));

	call->context = CurrentMemoryContext;
	call->policy = earn_policy_open(bytes);
	call->walk = earn_walk_create(call->policy, flags, sink, call);
	return call;
}

/* Something that doesn't fit together. */
typedef struct Violation
{
	EarnFaultType type;
	Event event;
	int128 amount;
	int64 number; /* in the order in which they are told */
} Violation;

const char *const earn_problems[EARN_FAULTS] = { "payment with points for no order",
												 "payment with points of more than its order",
												 "return of more than was bought" };

/* ---- one order ---- */

static void *
open_for_one(const struct varlena *bytes)
{
	return open_with(bytes, 0, NULL);
}

/* A text argument that may be NULL. */
static EventText
text_argument(FunctionCallInfo fcinfo, int n)
{
	EventText text = { NULL, 0 };

	if (!PG_ARGISNULL(n))
	{
		const struct varlena *value = PG_GETARG_VARLENA_PP(n);

		text.bytes = VARDATA_ANY(value);
		text.len = (int) VARSIZE_ANY_EXHDR(value);
	}
	return text;
}

/* points_earned(amount, policy, label, on_date, tier) */
Datum
loyalty_points_earned(PG_FUNCTION_ARGS)
{
	EarnCall *call = policy_argument(fcinfo, 1, &earn_policy_table, open_for_one);
	DateADT day = PG_ARGISNULL(3) ? GetSQLCurrentDate() : PG_GETARG_DATEADT(3);
	Decimal amount;
	int64 points;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	check_finite_day(day);
	amount = decimal_from_numeric((const struct varlena *) PG_GETARG_VARLENA_PP(0));
	points =
		earn_walk_one(call->walk, amount, day, text_argument(fcinfo, 2), text_argument(fcinfo, 4));
	PG_RETURN_NUMERIC(decimal_to_numeric(points, call->policy->scale));
}

/* ---- a timeline of points ---- */

/* The events so far. */
typedef struct Accrual
{
	Event *events;
	int8 *scales; /* of their points */
	int64 nevents;
	int64 max_events;
	int64 max_scales;
	int scale; /* the largest */
} Accrual;

static void
collect(Accrual *accrual, const EarnEntry *entry, EventText label, int128 points)
{
	Event *event;

	accrual->events =
		array_grow(accrual->events, &accrual->max_events, accrual->nevents + 1, sizeof(Event));
	accrual->scales =
		array_grow(accrual->scales, &accrual->max_scales, accrual->nevents + 1, sizeof(int8));
	accrual->scales[accrual->nevents] = (int8) entry->scale;
	accrual->scale = Max(accrual->scale, entry->scale);
	event = &accrual->events[accrual->nevents++];
	memset(event, 0, sizeof(Event));
	event->at = entry->at;
	event->value = (int64) points;
	/* without a value it is of everything */
	event->has_value = entry->points != 0 || !earn_needs_no_points(entry->type);
	event->kind.bytes = earn_entry_names[entry->type];
	event->kind.len = (int) strlen(event->kind.bytes);
	event->label = label;
	event->has_expiry = entry->has_expiry;
	event->expires_at = entry->has_expiry ? entry->expires_at : 0;
	if (entry->event != NULL)
	{
		event->ref_type = entry->event->ref_type;
		event->ref_number = entry->event->ref_number;
		event->ref_text = entry->event->ref_text;
	}
}

static void
collect_entry(void *context, EarnWalk *walk, const EarnEntry *entry)
{
	Accrual *accrual = ((EarnCall *) context)->reading;
	int i;

	for (i = 0; i < entry->nparts; i++)
		collect(accrual, entry, earn_walk_label(walk, entry->parts[i].label_no),
				entry->parts[i].points);
	if (entry->nparts == 0)
		collect(accrual, entry, entry->label, entry->points);
}

static void *
open_for_accrual(const struct varlena *bytes)
{
	return open_with(bytes, 0, collect_entry);
}

static EarnWalk *
walk_for_accrual(EarnCall *call, bool by_label)
{
	if (by_label && call->by_label == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(call->context);

		call->by_label = earn_walk_create(call->policy, EARN_WALK_BY_LABEL, collect_entry, call);
		MemoryContextSwitchTo(old);
	}
	return by_label ? call->by_label : call->walk;
}

/* points_accrual(timeline, policy, by_label) */
Datum
loyalty_points_accrual(PG_FUNCTION_ARGS)
{
	EarnCall *call = policy_argument(fcinfo, 1, &earn_policy_table, open_for_accrual);
	Accrual accrual = { 0 };
	EarnWalk *walk;
	ByteBuffer out;
	int64 i;

	if (PG_ARGISNULL(2))
		argument_refuse_null(fcinfo, 2, "by_label", NULL);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	call->reading = &accrual;
	walk = walk_for_accrual(call, PG_GETARG_BOOL(2));
	earn_walk_timeline(walk, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))), NULL);
	for (i = 0; i < accrual.nevents; i++)
		accrual.events[i].value =
			decimal_rescale(accrual.events[i].value, accrual.scales[i], accrual.scale);
	timeline_datum_begin(&out, 64 + accrual.nevents * 8);
	timeline_encode(&out, accrual.events, accrual.nevents, accrual.scale);
	PG_RETURN_DATUM(timeline_datum_end(&out));
}

/* ---- what made the points ---- */

/* What a list is written to, and the scale of its amounts. */
typedef struct Explained
{
	Rows rows;
	int scale;
} Explained;

static void
put_entry(void *context, EarnWalk *walk, const EarnEntry *entry)
{
	Explained *explained = ((EarnCall *) context)->reading;
	Rows *rows = &explained->rows;

	rows_begin(rows);
	rows_put_instant(rows, entry->at);
	event_put_ref(rows, entry->event);
	if (entry->has_amount)
		rows_put_decimal(rows, entry->amount, explained->scale);
	else
		rows_put_null(rows);
	if (entry->points == 0 && earn_needs_no_points(entry->type))
		rows_put_null(rows);
	else
		rows_put_decimal(rows, entry->points, entry->scale);
	rows_put_name(rows, entry->explanation);
	rows_end(rows);
}

static void *
open_for_explanation(const struct varlena *bytes)
{
	return open_with(bytes, EARN_WALK_EXPLAIN, put_entry);
}

/* points_accrual_events(timeline, policy) */
Datum
loyalty_points_accrual_events(PG_FUNCTION_ARGS)
{
	EarnCall *call;
	Explained explained;
	ByteSpan body;
	TimelineReader reader;

	rows_open(&explained.rows, fcinfo);
	call = policy_argument(fcinfo, 1, &earn_policy_table, open_for_explanation);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	body = timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0)));
	timeline_open(&reader, body.bytes, body.len);
	explained.scale = reader.scale;
	call->reading = &explained;
	earn_walk_timeline(call->walk, body, NULL);
	return (Datum) 0;
}

/* ---- what doesn't fit together ---- */

struct EarnViolations
{
	EarnWalk *walk;
	Violation *list;
	int64 n;
	int64 max;
};

static void
note_fault(void *context, const EarnFault *fault)
{
	EarnViolations *violations = context;
	Violation *violation;

	violations->list =
		array_grow(violations->list, &violations->max, violations->n + 1, sizeof(Violation));
	violation = &violations->list[violations->n];
	violation->number = violations->n++;
	violation->type = fault->type;
	violation->event = *fault->event;
	violation->amount = fault->amount;
}

EarnViolations *
earn_violations_create(EarnWalk *walk)
{
	EarnViolations *violations = palloc0(sizeof(EarnViolations));

	violations->walk = walk;
	earn_walk_audit(walk, note_fault, violations);
	return violations;
}

void
earn_violations_start(EarnViolations *violations)
{
	violations->list = NULL;
	violations->n = violations->max = 0;
}

/* By instant, then as they are listed in the type. */
static int
compare_violations(const void *left, const void *right)
{
	const Violation *a = left;
	const Violation *b = right;

	if (a->event.at != b->event.at)
		return a->event.at < b->event.at ? -1 : 1;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	/* payments are told from the last to the first */
	if (a->type == EARN_RETURNED_BEYOND)
		return a->number < b->number ? -1 : a->number > b->number;
	return a->number > b->number ? -1 : a->number < b->number;
}

void
earn_violations_end(EarnViolations *violations)
{
	earn_walk_close(violations->walk);
	sort_elements(violations->list, violations->n, sizeof(Violation), compare_violations);
}

bool
earn_violation(const EarnViolations *violations, int64 number, EarnFault *fault)
{
	if (number >= violations->n)
		return false;
	fault->type = violations->list[number].type;
	fault->event = &violations->list[number].event;
	fault->amount = violations->list[number].amount;
	return true;
}

static void
ignore_entry(void *context, EarnWalk *walk, const EarnEntry *entry)
{
}

static void *
open_for_violations(const struct varlena *bytes)
{
	EarnCall *call = open_with(bytes, 0, ignore_entry);

	call->reading = earn_violations_create(call->walk);
	return call;
}

/* points_accrual_violations(timeline, policy) */
Datum
loyalty_points_accrual_violations(PG_FUNCTION_ARGS)
{
	EarnCall *call;
	ByteSpan body;
	TimelineReader reader;
	EarnFault fault;
	Rows rows;
	int64 i;

	rows_open(&rows, fcinfo);
	call = policy_argument(fcinfo, 1, &earn_policy_table, open_for_violations);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	body = timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0)));
	timeline_open(&reader, body.bytes, body.len);
	earn_violations_start(call->reading);
	earn_walk_timeline(call->walk, body, NULL);
	earn_violations_end(call->reading);
	for (i = 0; earn_violation(call->reading, i, &fault); i++)
	{
		rows_begin(&rows);
		rows_put_instant(&rows, fault.event->at);
		event_put_ref(&rows, fault.event);
		rows_put_name(&rows, earn_problems[fault.type]);
		rows_put_decimal(&rows, fault.amount, reader.scale);
		rows_end(&rows);
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}
