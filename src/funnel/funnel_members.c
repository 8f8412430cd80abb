/*
 * funnel_members.c
 *		Who is in a step of a funnel: funnel_members(), funnel_by_period_members().
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/argument.h"
#include "funnel/funnel_internal.h"
#include "metric/metric.h"

typedef enum FunnelMember
{
	MEMBER_REACHED,
	MEMBER_STOPPED,
	MEMBER_ELIGIBLE
} FunnelMember;

static const char *const who_names[] = { "reached", "stopped", "eligible" };

/* A cell of a funnel's table. */
typedef struct MemberFold
{
	Funnel *funnel;
	TimestampTz end;
	Periods *periods; /* NULL: one funnel of all */
	int32 period;
	int step; /* from 0 */
	FunnelMember who;
	bool is_member; /* of the customer at hand */
} MemberFold;

/* step, who: arguments from the n-th on. */
static MemberFold *
open_cell(FunctionCallInfo fcinfo, int n, const MetricQuestion *question)
{
	MemberFold *fold = palloc0(sizeof(MemberFold));
	int nsteps;

	fold->funnel = question->own;
	fold->end = zone_day_start(question->zone, metric_limit(question) + 1);
	fold->funnel->rules.end = fold->end;
	nsteps = fold->funnel->rules.list.nsteps;
	if (PG_ARGISNULL(n))
		argument_refuse_null(fcinfo, n, "step", "Give its number, from 1.");
	fold->step = PG_GETARG_INT32(n) - 1;
	if (fold->step < 0 || fold->step >= nsteps)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step must be between 1 and %d, not %d", nsteps, PG_GETARG_INT32(n))));
	fold->who = metric_cell_number(fcinfo, n + 1, who_names, lengthof(who_names));
	return fold;
}

static void *
start_members(FunctionCallInfo fcinfo, int n, const MetricQuestion *question)
{
	return open_cell(fcinfo, n, question);
}

static void *
start_members_by_period(FunctionCallInfo fcinfo, int n, const MetricQuestion *question)
{
	MemberFold *fold = open_cell(fcinfo, n + 1, question);

	fold->periods = periods_open(question->period, question->zone);
	fold->period = metric_cell_period(fcinfo, n, "period_start", question->period);
	return fold;
}

/* Does a chain that has come to a step go on to the next one that isn't optional? */
static bool
goes_on(const Funnel *funnel, const FunnelChain *chain, int step)
{
	return step < funnel->names.step_of_level[chain->depth];
}

static void
look_at_chain(void *opaque, const FunnelChain *chain)
{
	MemberFold *fold = opaque;

	if (fold->periods != NULL && period_of(fold->periods, chain->ats[0]) != fold->period)
		return;
	if (fold->step >= chain->nsteps || chain->ats[fold->step] == NO_STEP)
		return;
	if (fold->who == MEMBER_STOPPED && goes_on(fold->funnel, chain, fold->step))
		return;
	if (fold->who == MEMBER_ELIGIBLE && !funnel_is_over(fold->funnel, chain->tried, fold->end))
		return;
	fold->is_member = true;
}

static bool
is_member(void *opaque, ByteSpan body)
{
	MemberFold *fold = opaque;

	fold->is_member = false;
	funnel_chains(fold->funnel, body, fold->periods, look_at_chain, fold);
	return fold->is_member;
}

static const MetricMembers members = {
	.metric = &funnel_totals_metric,
	.before = 1,
	.ncell = 2,
	.start = start_members,
	.is_member = is_member,
};

static const MetricMembers members_by_period = {
	.metric = &funnel_by_period_metric,
	.before = 3,
	.ncell = 3,
	.start = start_members_by_period,
	.is_member = is_member,
};

/* loyalty_funnel_members, (base, steps, step, who, within, mode, by, step_within, as_of, zone,
 * hold); loyalty_funnel_by_period_members, (base, steps, within, period, period_start, step, who,
 * mode, by, step_within, as_of, hold) */
METRIC_MEMBERS(funnel, &members)
METRIC_MEMBERS(funnel_by_period, &members_by_period)
