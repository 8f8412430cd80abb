/*
 * program_summary.c
 *		program_summary(): where one customer stands at the end of a day, as one row.
 */
#include "postgres.h"

#include "fmgr.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/rows.h"
#include "policy/policy.h"
#include "program/program.h"

PG_FUNCTION_INFO_V1(loyalty_program_summary);

/* Rules that are open, the walk by them, and the row that it fills. */
typedef struct SummaryCall
{
	ProgramPolicy *policy;
	ProgramWalk *walk;
	MemoryContext context;
	Rows *record; /* NULL until there is one */
} SummaryCall;

static void *
open_call(const struct varlena *bytes)
{
	SummaryCall *call = palloc0(sizeof(SummaryCall));

	call->context = CurrentMemoryContext;
	call->policy = program_policy_open(bytes);
	call->walk = program_walk_create(call->policy, 0, NULL);
	return call;
}

static Rows *
begin_record(SummaryCall *call, FunctionCallInfo fcinfo)
{
	if (call->record == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(call->context);
		Rows *record = palloc(sizeof(Rows));

		rows_open_record(record, fcinfo);
		call->record = record;
		MemoryContextSwitchTo(caller);
	}
	rows_begin(call->record);
	return call->record;
}

/* The tier, until when it is promised, and how far it is to the next. */
static void
put_tier(Rows *record, const SummaryCall *call, int rank)
{
	TierWalk *tiers = program_walk_tiers(call->walk);
	TierMissing missing = { .asked = false };

	rows_put_name(record, program_tier_name(call->policy, rank));
	if (rank == TIER_NO_RANK)
		rows_put_null(record);
	else
		rows_put_int(record, rank);
	if (tiers == NULL || rank == TIER_NO_RANK)
	{
		rows_put_null(record);
		rows_put_null(record);
		return;
	}
	rows_put_instant(record, tier_walk_valid_until(tiers));
	missing = tier_walk_missing_to_next(tiers, TIER_ANY_METRIC);
	if (missing.asked)
		rows_put_decimal(record, missing.units, missing.scale);
	else
		rows_put_null(record);
}

/* program_summary(timeline, program, as_of) */
Datum
loyalty_program_summary(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	SummaryCall *call = policy_argument(fcinfo, 1, &program_policy_table, open_call);
	ProgramStanding standing;
	Rows *record;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	program_walk_start(call->walk, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))),
					   NULL);
	program_walk_to_day(call->walk, as_of);
	program_walk_standing(call->walk, &standing);
	record = begin_record(call, fcinfo);
	rows_put_decimal(record, standing.spend, standing.amount_scale);
	rows_put_count(record, standing.orders);
	rows_put_decimal(record, standing.issued, standing.points_scale);
	rows_put_decimal(record, standing.redeemed, standing.points_scale);
	rows_put_decimal(record, standing.expired, standing.points_scale);
	rows_put_decimal(record, standing.pending, standing.points_scale);
	rows_put_decimal(record, standing.balance, standing.points_scale);
	put_tier(record, call, standing.rank);
	return rows_record(record);
}
