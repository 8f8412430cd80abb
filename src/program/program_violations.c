/*
 * program_violations.c
 *		What doesn't fit together in a customer's timeline: program_violations().
 *
 * Earning, points and tiers each find what is theirs, on one walk: what events claim to have been
 * bought, what the ledger that earning makes of them claims to be there, and which grants give
 * nothing. Here the three lists become one.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "core/argument.h"
#include "core/array.h"
#include "core/rows.h"
#include "policy/policy.h"
#include "program/program.h"
#include "timeline/timeline.h"

PG_FUNCTION_INFO_V1(loyalty_program_violations);

/* Whose a violation is; of one instant in this order. */
typedef enum Owner
{
	OF_EARN,
	OF_POINTS,
	OF_TIERS
} Owner;

static const char *const owner_names[] = { "earn", "points", "tiers" };

static const char *const grant_problems[PROGRAM_FAULTS] = {
	[PROGRAM_GRANT_OF_NONE] = "grant that names no tier",
	[PROGRAM_GRANT_OF_UNKNOWN] = "grant of a tier that isn't there",
	[PROGRAM_GRANT_OVER] = "grant that ends before it begins",
};

typedef struct Violation
{
	TimestampTz at;
	Owner owner;
	int64 number; /* among those of the owner */
	Event event;
	const char *problem;
	bool has_amount;
	int128 amount;
	int scale;
} Violation;

typedef struct ViolationsCall
{
	ProgramWalk *walk;
	EarnViolations *earn;
	PointsFindings *points;

	/* of this call */
	Violation *list;
	int64 n;
	int64 max;
} ViolationsCall;

static Violation *
add_violation(ViolationsCall *call, Owner owner, TimestampTz at, const Event *event,
			  const char *problem)
{
	Violation *violation;

	call->list = array_grow(call->list, &call->max, call->n + 1, sizeof(Violation));
	violation = &call->list[call->n];
	violation->at = at;
	violation->owner = owner;
	violation->number = call->n++;
	violation->event = *event;
	violation->problem = problem;
	violation->has_amount = false;
	return violation;
}

static void
set_amount(Violation *violation, int128 amount, int scale)
{
	violation->has_amount = true;
	violation->amount = amount;
	violation->scale = scale;
}

/* ---- each part's ---- */

static void
find_of_points(void *context, PointsWalk *walk, const PointsMove *move)
{
	points_find_violation(((ViolationsCall *) context)->points, walk, move);
}

static void
find_of_tiers(void *context, const Event *event, ProgramFault fault)
{
	(void) add_violation(context, OF_TIERS, event->at, event, grant_problems[fault]);
}

static void
add_those_of_earning(ViolationsCall *call, int scale)
{
	EarnFault fault;
	int64 i;

	earn_violations_end(call->earn);
	for (i = 0; earn_violation(call->earn, i, &fault); i++)
	{
		set_amount(
			add_violation(call, OF_EARN, fault.event->at, fault.event, earn_problems[fault.type]),
			fault.amount, scale);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
add_those_of_points(ViolationsCall *call, int scale)
{
	const PointsWalk *walk = program_walk_points(call->walk);
	PointsViolation found;
	int64 i;

	points_findings_end(call->points, walk);
	for (i = 0; points_finding(call->points, walk, i, &found); i++)
	{
		set_amount(add_violation(call, OF_POINTS, found.at, found.event, found.problem),
				   found.points, scale);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- all of them ---- */

static int
compare_violations(const void *left, const void *right)
{
	const Violation *a = left;
	const Violation *b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->owner != b->owner)
		return a->owner < b->owner ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void
put_violations(ViolationsCall *call, Rows *rows)
{
	int64 i;

	sort_elements(call->list, call->n, sizeof(Violation), compare_violations);
	for (i = 0; i < call->n; i++)
	{
		const Violation *violation = &call->list[i];

		rows_begin(rows);
		rows_put_instant(rows, violation->at);
		event_put_ref(rows, &violation->event);
		rows_put_name(rows, violation->problem);
		if (violation->has_amount)
			rows_put_decimal(rows, violation->amount, violation->scale);
		else
			rows_put_null(rows);
		rows_put_name(rows, owner_names[violation->owner]);
		rows_end(rows);
		CHECK_FOR_INTERRUPTS();
	}
}

static void *
open_call(const struct varlena *bytes)
{
	ViolationsCall *call = palloc0(sizeof(ViolationsCall));
	ProgramPolicy *policy = program_policy_open(bytes);
	ProgramSinks sinks = { .move = find_of_points, .fault = find_of_tiers, .context = call };

	if (policy->zone == NULL)
		policy->points->zone = zone_of_session();
	/* what a policy would refuse is listed */
	if (policy->points->overdraft == POINTS_OVERDRAFT_REFUSE)
		policy->points->overdraft = POINTS_OVERDRAFT_CLIP;
	call->walk = program_walk_create(policy, PROGRAM_WALK_KEEP, &sinks);
	call->earn = earn_violations_create(program_walk_earn(call->walk));
	call->points = points_findings_create(policy->points);
	return call;
}

/* program_violations(timeline, program, as_of) */
Datum
loyalty_program_violations(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	ViolationsCall *call;
	ProgramStanding standing;
	Rows rows;

	rows_open(&rows, fcinfo);
	call = policy_argument(fcinfo, 1, &program_policy_table, open_call);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	call->list = NULL;
	call->n = call->max = 0;
	earn_violations_start(call->earn);
	points_findings_start(call->points);
	program_walk_start(call->walk, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))),
					   NULL);
	program_walk_to_day(call->walk, as_of);
	program_walk_standing(call->walk, &standing);
	add_those_of_earning(call, standing.amount_scale);
	add_those_of_points(call, standing.points_scale);
	put_violations(call, &rows);
	return (Datum) 0;
}
