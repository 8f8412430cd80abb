/*
 * program_points.c
 *		Questions about one customer's points that points_...() answer of a ledger, answered of a
 *		programme: what expires and when, lots, movements, days.
 *
 * The questions are those of points; here is the walk that they are put to, which the programme
 * feeds.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/memutils.h"

#include "core/argument.h"
#include "policy/policy.h"
#include "program/program.h"
#include "timeline/timeline.h"

PG_FUNCTION_INFO_V1(loyalty_program_expiring);
PG_FUNCTION_INFO_V1(loyalty_program_expiry_schedule);
PG_FUNCTION_INFO_V1(loyalty_program_lots);
PG_FUNCTION_INFO_V1(loyalty_program_movements);
PG_FUNCTION_INFO_V1(loyalty_program_daily);

/* ---- feeding ---- */

static void
feed_to_day(PointsCall *call, DateADT day)
{
	program_walk_to_day(call->feeding, day);
}

static void
feed_no_more(PointsCall *call)
{
	program_walk_close(call->feeding);
}

static void
feed_to_the_end(PointsCall *call)
{
	program_walk_run_out(call->feeding);
}

static const PointsFeeder feeder = { feed_to_day, feed_no_more, feed_to_the_end };

/* ---- a call ---- */

/* What a call site keeps of a programme: its rules, and a walk without labels and one by label. */
typedef struct ProgramCall
{
	const ProgramPolicy *policy;
	MemoryContext context;
	PointsCall calls[2];
} ProgramCall;

static void *
open_call(const struct varlena *bytes)
{
	ProgramCall *call = palloc0(sizeof(ProgramCall));
	ProgramPolicy *policy = program_policy_open(bytes);

	if (policy->zone == NULL)
		policy->points->zone = zone_of_session();
	call->policy = policy;
	call->context = CurrentMemoryContext;
	return call;
}

/* The walk that a question is put to, made once. */
static PointsCall *
call_of(ProgramCall *program, const PointsQuestion *question, bool tells_label, bool by_label)
{
	PointsCall *call = &program->calls[by_label];
	ProgramSinks sinks = { .move = question->sink, .context = call };
	MemoryContext old;

	if (call->walk != NULL)
		return call;
	old = MemoryContextSwitchTo(program->context);
	call->feeding =
		program_walk_create(program->policy,
							((question->flags & POINTS_KEEP_EVENTS) ? PROGRAM_WALK_KEEP : 0) |
								(by_label ? PROGRAM_WALK_BY_LABEL : 0),
							&sinks);
	call->policy = program->policy->points;
	call->context = program->context;
	call->feeder = &feeder;
	call->tells_label = tells_label;
	call->shares = program_walk_shares(call->feeding);
	call->walk = program_walk_points(call->feeding);
	MemoryContextSwitchTo(old);
	return call;
}

/* Puts a question to (timeline, program, ...); by_label is the argument of that number, -1: there
 * is none. */
static Datum
ask(FunctionCallInfo fcinfo, const PointsQuestion *question, int by_label)
{
	ProgramCall *program = policy_argument(fcinfo, 1, &program_policy_table, open_call);
	PointsCall *call;

	if (by_label >= 0 && PG_ARGISNULL(by_label))
		argument_refuse_null(fcinfo, by_label, "by_label", NULL);
	if (PG_ARGISNULL(0))
		return question->answer(fcinfo, NULL);
	call = call_of(program, question, by_label >= 0, by_label >= 0 && PG_GETARG_BOOL(by_label));
	program_walk_start(call->feeding, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))),
					   NULL);
	return question->answer(fcinfo, call);
}

/* ---- the functions ---- */

/* program_expiring(timeline, program, as_of, until) */
Datum
loyalty_program_expiring(PG_FUNCTION_ARGS)
{
	return ask(fcinfo, &points_expiring_question, -1);
}

/* program_expiry_schedule(timeline, program, as_of, by_label) */
Datum
loyalty_program_expiry_schedule(PG_FUNCTION_ARGS)
{
	return ask(fcinfo, &points_expiry_schedule_question, 3);
}

/* program_lots(timeline, program, as_of, by_label) */
Datum
loyalty_program_lots(PG_FUNCTION_ARGS)
{
	return ask(fcinfo, &points_lots_question, 3);
}

/* program_movements(timeline, program, as_of, by_label) */
Datum
loyalty_program_movements(PG_FUNCTION_ARGS)
{
	return ask(fcinfo, &points_movements_question, 3);
}

/* program_daily(timeline, program, since, until) */
Datum
loyalty_program_daily(PG_FUNCTION_ARGS)
{
	return ask(fcinfo, &points_daily_question, -1);
}
