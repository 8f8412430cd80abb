/*
 * tier_ladder.c
 *		The rules made ready for a scale of values: what each rank asks, by version; and the ranks
 *		that values reach by it.
 */
#include "postgres.h"

#include "tiers/tiers_internal.h"

/* ---- made ready ---- */

int128
tier_need(const Decimal *threshold, int scale, bool exceeded)
{
	int128 need = threshold->units;

	if (threshold->scale <= scale)
		need = need * decimal_power[scale - threshold->scale] + (exceeded ? 1 : 0);
	else
	{
		int64 factor = decimal_power[threshold->scale - scale];

		need = threshold->units / factor + (exceeded || threshold->units % factor != 0 ? 1 : 0);
	}
	return need;
}

static void
make_ask(const TierWalk *walk, const TierCondition *condition, int scale, bool exceeded,
		 TierAsk *ask)
{
	int i;

	ask->all = condition->all;
	ask->nneeds = condition->ntests;
	ask->nsets = condition->nsets;
	ask->set_ends = condition->set_ends;
	ask->needs = palloc(Max(ask->nneeds, 1) * sizeof(TierNeed));
	for (i = 0; i < ask->nneeds; i++)
	{
		const TierTest *test = &condition->tests[i];

		ask->needs[i].measure = test->measure;
		ask->needs[i].need =
			tier_need(&test->threshold,
					  walk->policy->measures[test->measure].of == TIER_SUM ? scale : 0, exceeded);
	}
	if (ask->nneeds > 0)
		ask->first = ask->needs[0];
}

#define MORE_THAN_ALL ((int128) 1 << 126)

/* What the only measure must be at least for anything to move up from a rank, or be renewed. */
static void
set_moves(const TierPolicy *policy, TierRung *rungs)
{
	int128 above = MORE_THAN_ALL;
	int rank;

	for (rank = policy->ntiers - 1; rank >= 0; rank--)
	{
		TierRung *rung = &rungs[rank];

		rung->above = policy->nmeasures > 1 ? -MORE_THAN_ALL : above;
		rung->moves = rung->above;
		if (rank > 0 && rung->keep.nneeds > 0)
			rung->moves = Min(above, rung->keep.first.need);
		if (rank > 0 && rung->reach.nneeds > 0)
			above = Min(above, rung->reach.first.need);
		if (policy->nmeasures > 1)
			rung->moves = -MORE_THAN_ALL;
	}
}

TierRung *
tier_rungs_at(TierWalk *walk, int scale)
{
	const TierPolicy *policy = walk->policy;
	MemoryContext caller;
	TierRung *rungs;
	int version;
	int rank;

	if (walk->rungs[scale] != NULL)
		return walk->rungs[scale];
	caller = MemoryContextSwitchTo(walk->context);
	rungs = palloc0_array(TierRung, policy->nversions * policy->ntiers);
	for (version = 0; version < policy->nversions; version++)
	{
		for (rank = 1; rank < policy->ntiers; rank++)
		{
			const TierVersion *rules = &policy->versions[version];
			TierRung *rung = &rungs[version * policy->ntiers + rank];

			make_ask(walk, &rules->levels[rank - 1].reach, scale, rules->exceeded, &rung->reach);
			make_ask(walk, &rules->levels[rank - 1].keep, scale, rules->exceeded, &rung->keep);
		}
		set_moves(policy, &rungs[version * policy->ntiers]);
	}
	MemoryContextSwitchTo(caller);
	walk->rungs[scale] = rungs;
	return rungs;
}

/* ---- asked ---- */

int
tier_version_at(const TierWalk *walk, TimestampTz at)
{
	int version = walk->policy->nversions - 1;

	while (version > 0 && walk->terms[version].starts > at)
		version--;
	return version;
}

int
tier_set_that_holds(const int128 *values, const TierAsk *ask)
{
	int set;
	int i = 0;

	for (set = 0; set < ask->nsets; set++)
	{
		int start = i;

		for (; i < ask->set_ends[set]; i++)
			if (values[ask->needs[i].measure] < ask->needs[i].need)
				break;
		if (i == ask->set_ends[set])
			return start;
		i = ask->set_ends[set];
	}
	return -1;
}

int
tier_reached(const TierWalk *walk, const TierRung *rungs)
{
	int rank;

	for (rank = walk->policy->ntiers - 1; rank > 0; rank--)
		if (tier_holds(walk, &rungs[rank].reach))
			break;
	return rank;
}
