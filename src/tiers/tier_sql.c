/*
 * tier_sql.c
 *		One customer's tier: on a day, at an instant, its whole history, how far it is to the
 *		next one and by which ways, and what rolls over from period to period.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/rows.h"
#include "policy/policy.h"
#include "tiers/tiers.h"
#include "timeline/timeline.h"

PG_FUNCTION_INFO_V1(loyalty_tier_for);
PG_FUNCTION_INFO_V1(loyalty_tier);
PG_FUNCTION_INFO_V1(loyalty_tier_rank);
PG_FUNCTION_INFO_V1(loyalty_tier_at);
PG_FUNCTION_INFO_V1(loyalty_tier_history);
PG_FUNCTION_INFO_V1(loyalty_tier_progress);
PG_FUNCTION_INFO_V1(loyalty_tier_ways);
PG_FUNCTION_INFO_V1(loyalty_tier_rollover);

/* ---- a call ---- */

/* What a call site keeps of a policy (policy_argument()). */
typedef struct TierCall
{
	TierPolicy *policy;
	ZoneDays *zone; /* of its days */
	TierWalk *walk;
	void *reading; /* what the sink reads for, in this call */
	MemoryContext context;
	bool has_limit;
	DateADT limit_day;
	TimestampTz limit;
} TierCall;

static void *
open_call(const struct varlena *policy)
{
	TierCall *call = palloc0(sizeof(TierCall));

	call->context = CurrentMemoryContext;
	call->policy = tier_policy_open(policy);
	call->zone = tier_policy_zone(call->policy);
	return call;
}

/*
 * Opens the policy in argument n; a NULL one is error 22004. The sink gets the TierCall as its
 * context.
 */
static TierCall *
call_with_policy(FunctionCallInfo fcinfo, int n, int flags, TierSink sink)
{
	TierCall *call = policy_argument(fcinfo, n, &tier_policy_table, open_call);

	if (unlikely(call->walk == NULL))
	{
		MemoryContext old = MemoryContextSwitchTo(call->context);

		call->walk = tier_walk_create(call->policy, flags, sink, call);
		MemoryContextSwitchTo(old);
	}
	return call;
}

/*
 * Arguments 0 and 1 of a call: timeline and policy. Starts the walk; NULL where the timeline is
 * NULL.
 */
static TierCall *
call_with_timeline(FunctionCallInfo fcinfo, int flags, TierSink sink)
{
	TierCall *call = call_with_policy(fcinfo, 1, flags, sink);

	if (PG_ARGISNULL(0))
		return NULL;
	tier_walk_timeline(call->walk, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))),
					   NULL);
	return call;
}

/* Walks to the end of a local day. */
static void
walk_to_day(TierCall *call, DateADT day)
{
	if (!call->has_limit || call->limit_day != day)
	{
		call->limit = tier_day_end(call->policy, day);
		call->limit_day = day;
		call->has_limit = true;
	}
	tier_walk_to(call->walk, call->limit);
}

/* ---- the ladder alone ---- */

static DateADT
local_today(ZoneDays *zone)
{
	return zone_day(zone, GetCurrentTransactionStartTimestamp());
}

static bool
number_holds(Numeric value, const TierCondition *condition, bool exceeded)
{
	Numeric threshold;
	int order;

	if (condition->ntests == 0)
		return false;
	threshold = decimal_to_numeric(condition->tests[0].threshold.units,
								   condition->tests[0].threshold.scale);
	order = numeric_compare(value, threshold);
	return exceeded ? order > 0 : order >= 0;
}

/* tier_for(value, policy) */
Datum
loyalty_tier_for(PG_FUNCTION_ARGS)
{
	TierCall *call = call_with_policy(fcinfo, 1, 0, NULL);
	const TierVersion *rules;
	Numeric value;
	int rank;

	if (call->policy->nmeasures > 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a number has no tier where the policy has %d metrics",
							   call->policy->nmeasures),
						errhint("tier() takes a timeline, from which it computes all of them.")));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	value = PG_GETARG_NUMERIC(0);
	if (numeric_is_nan(value))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("value must be a number, not NaN")));
	rules = tier_version_on(call->policy, local_today(call->zone));
	for (rank = call->policy->ntiers - 1; rank > 0; rank--)
		if (number_holds(value, &rules->levels[rank - 1].reach, rules->exceeded))
			break;
	PG_RETURN_TEXT_P(cstring_to_text(call->policy->tiers[rank]));
}

/* ---- the tier ---- */

/* tier(timeline, policy, as_of) */
Datum
loyalty_tier(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	TierCall *call = call_with_timeline(fcinfo, 0, NULL);
	int rank;

	if (call == NULL)
		PG_RETURN_NULL();
	walk_to_day(call, as_of);
	rank = tier_walk_rank(call->walk);
	if (rank == TIER_NO_RANK)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(call->policy->tiers[rank]));
}

/* tier_rank(timeline, policy, as_of) */
Datum
loyalty_tier_rank(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	TierCall *call = call_with_timeline(fcinfo, 0, NULL);
	int rank;

	if (call == NULL)
		PG_RETURN_NULL();
	walk_to_day(call, as_of);
	rank = tier_walk_rank(call->walk);
	if (rank == TIER_NO_RANK)
		PG_RETURN_NULL();
	PG_RETURN_INT32(rank);
}

/* tier_at(timeline, policy, at) */
Datum
loyalty_tier_at(PG_FUNCTION_ARGS)
{
	TierCall *call;
	TimestampTz at = argument_instant(fcinfo, 2, "at");
	int rank;

	call = call_with_timeline(fcinfo, 0, NULL);
	if (call == NULL)
		PG_RETURN_NULL();
	tier_walk_to(call->walk, at + 1);
	rank = tier_walk_rank(call->walk);
	if (rank == TIER_NO_RANK)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(call->policy->tiers[rank]));
}

/* ---- the history ---- */

/* A row is put once it is known how long it holds. */
typedef struct HistoryRows
{
	Rows rows;
	const Event *events; /* of the timeline; NULL: it has no refs */
	bool requalifications;
	bool has_last;
	TierChange last;
} HistoryRows;

/* DT_NOEND: it holds. */
static void
put_spell(TierCall *call, const TierChange *change, TimestampTz valid_to, TimestampTz promised)
{
	HistoryRows *history = call->reading;
	Rows *rows = &history->rows;
	const TierPolicy *policy = call->policy;

	rows_begin(rows);
	rows_put_name(rows, policy->tiers[change->to_rank]);
	rows_put_int(rows, change->to_rank);
	rows_put_name(rows,
				  change->from_rank == TIER_NO_RANK ? NULL : policy->tiers[change->from_rank]);
	rows_put_instant(rows, change->at);
	rows_put_instant(rows, valid_to);
	rows_put_instant(rows, promised);
	rows_put_name(rows, tier_reason_names[change->reason]);
	rows_put_name(rows, policy->measures[change->measure].name);
	rows_put_decimal(rows, change->value, tier_walk_scale(call->walk, change->measure));
	if (change->event < 0 || history->events == NULL)
		rows_put_null(rows);
	else
		event_put_ref(rows, &history->events[change->event]);
	rows_end(rows);
}

static void
note_change(void *context, TierWalk *walk, const TierChange *change)
{
	TierCall *call = context;
	HistoryRows *history = call->reading;

	if (change->from_rank == change->to_rank && !history->requalifications)
		return;
	if (history->has_last)
		put_spell(call, &history->last, change->at,
				  history->requalifications ? history->last.valid_until : change->promised_before);
	history->last = *change;
	history->has_last = true;
}

/* tier_history(timeline, policy, as_of, requalifications) */
Datum
loyalty_tier_history(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	HistoryRows history = { 0 };
	TierCall *call;

	argument_refuse_null(fcinfo, 3, "requalifications", "Give true or false.");
	history.requalifications = PG_GETARG_BOOL(3);
	rows_open(&history.rows, fcinfo);
	call = call_with_timeline(fcinfo, TIER_WALK_HISTORY, note_change);
	if (call == NULL)
		return (Datum) 0;
	if (!PG_ARGISNULL(0))
	{
		ByteSpan body = timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0)));
		int64 nevents;
		int scale;

		history.events = timeline_decode(body.bytes, body.len, &nevents, &scale);
	}
	call->reading = &history;
	walk_to_day(call, as_of);
	if (history.has_last)
		put_spell(call, &history.last, DT_NOEND,
				  history.requalifications ? history.last.valid_until
										   : tier_walk_valid_until(call->walk));
	return (Datum) 0;
}

/* ---- how far it is ---- */

static void
put_missing(Rows *rows, TierMissing missing)
{
	if (missing.asked)
		rows_put_decimal(rows, missing.units, missing.scale);
	else
		rows_put_null(rows);
}

/* What a row of progress says of a measure. */
typedef struct Progress
{
	int128 value;
	TierMissing to_next;
	TierMissing as_of;
} Progress;

/* tier_progress(timeline, policy, as_of) */
Datum
loyalty_tier_progress(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	Rows rows;
	TierCall *call;
	Progress progress[TIER_MAX_MEASURES];
	TierOutlook outlook;
	int rank;
	int next;
	TimestampTz valid_until;
	int i;

	rows_open(&rows, fcinfo);
	call = call_with_timeline(fcinfo, 0, NULL);
	if (call == NULL)
		return (Datum) 0;
	walk_to_day(call, as_of);
	rank = tier_walk_rank(call->walk);
	if (rank == TIER_NO_RANK)
		return (Datum) 0;
	next = tier_walk_next_rank(call->walk);
	valid_until = tier_walk_valid_until(call->walk);
	for (i = 0; i < call->policy->nmeasures; i++)
	{
		progress[i].value = tier_walk_value(call->walk, i);
		progress[i].to_next = tier_walk_missing_to_next(call->walk, i);
		progress[i].as_of = tier_walk_missing_as_of(call->walk, i);
	}
	tier_walk_outlook(call->walk, &outlook);
	for (i = 0; i < call->policy->nmeasures; i++)
	{
		rows_begin(&rows);
		rows_put_name(&rows, call->policy->tiers[rank]);
		rows_put_int(&rows, rank);
		rows_put_name(&rows, next == TIER_NO_RANK ? NULL : call->policy->tiers[next]);
		rows_put_name(&rows, call->policy->measures[i].name);
		rows_put_decimal(&rows, progress[i].value, tier_walk_scale(call->walk, i));
		put_missing(&rows, progress[i].to_next);
		rows_put_instant(&rows, valid_until);
		put_missing(&rows, outlook.to_keep[i]);
		put_missing(&rows, progress[i].as_of);
		rows_put_name(&rows, call->policy->tiers[outlook.projected_rank]);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* ---- by which ways ---- */

/* tier_ways(timeline, policy, as_of) */
Datum
loyalty_tier_ways(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	Rows rows;
	TierCall *call;
	int rank;

	rows_open(&rows, fcinfo);
	call = call_with_timeline(fcinfo, 0, NULL);
	if (call == NULL)
		return (Datum) 0;
	walk_to_day(call, as_of);
	rank = tier_walk_rank(call->walk);
	if (rank == TIER_NO_RANK)
		return (Datum) 0;
	for (rank++; rank < call->policy->ntiers; rank++)
	{
		TierWay way;
		int number;

		for (number = 0; tier_walk_way(call->walk, rank, number, &way); number++)
		{
			int measure = way.test.measure;

			rows_begin(&rows);
			rows_put_name(&rows, call->policy->tiers[rank]);
			rows_put_int(&rows, rank);
			rows_put_int(&rows, way.way);
			rows_put_name(&rows, call->policy->measures[measure].name);
			rows_put_decimal(&rows, tier_walk_value(call->walk, measure),
							 tier_walk_scale(call->walk, measure));
			rows_put_decimal(&rows, way.test.threshold.units, way.test.threshold.scale);
			put_missing(&rows, way.missing);
			rows_end(&rows);
		}
	}
	return (Datum) 0;
}

/* ---- what rolls over ---- */

static void
put_rollover(void *context, TierWalk *walk, const TierRollover *rollover)
{
	TierCall *call = context;
	Rows *rows = call->reading;
	int scale = tier_walk_scale(walk, rollover->measure);

	rows_begin(rows);
	rows_put_day(rows, rollover->period_start);
	rows_put_day(rows, rollover->period_end);
	rows_put_bool(rows, rollover->has_ended);
	rows_put_name(rows, call->policy->measures[rollover->measure].name);
	rows_put_decimal(rows, rollover->rolled_in, scale);
	rows_put_decimal(rows, rollover->value - rollover->rolled_in, scale);
	rows_put_decimal(rows, rollover->value, scale);
	rows_put_name(rows, call->policy->tiers[rollover->rank]);
	if (rollover->threshold != NULL)
		rows_put_decimal(rows, rollover->threshold->units, rollover->threshold->scale);
	else
		rows_put_null(rows);
	rows_put_decimal(rows, rollover->rolls_over, scale);
	rows_end(rows);
}

/* tier_rollover(timeline, policy, as_of) */
Datum
loyalty_tier_rollover(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	Rows rows;
	TierCall *call;

	rows_open(&rows, fcinfo);
	call = call_with_timeline(fcinfo, 0, NULL);
	if (call == NULL)
		return (Datum) 0;
	call->reading = &rows;
	tier_walk_watch_rollover(call->walk, put_rollover);
	walk_to_day(call, as_of);
	tier_walk_report_rollover(call->walk);
	return (Datum) 0;
}
