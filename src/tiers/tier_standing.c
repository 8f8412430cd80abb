/*
 * tier_standing.c
 *		Where a walk stands: the tier, the measures, what is missing to the next tier and to
 *		keeping this one; and where it ends up.
 */
#include "postgres.h"

#include "tiers/tiers_internal.h"

/* ---- where it stands ---- */

int
tier_walk_rank(const TierWalk *walk)
{
	return walk->rank;
}

TimestampTz
tier_walk_valid_until(TierWalk *walk)
{
	return tier_effective_until(walk);
}

TimestampTz
tier_walk_member_since(const TierWalk *walk)
{
	return walk->is_member ? walk->member_since : DT_NOEND;
}

int128
tier_walk_value(TierWalk *walk, int measure)
{
	tier_window_bring(walk, walk->now);
	return walk->values[measure];
}

int
tier_walk_scale(const TierWalk *walk, int measure)
{
	return walk->policy->measures[measure].of == TIER_SUM ? walk->scale : 0;
}

/* ---- what is missing ---- */

int
tier_walk_next_rank(const TierWalk *walk)
{
	const TierLevel *levels = tier_terms(walk)->rules->levels;
	int rank;

	for (rank = Max(walk->rank, 0) + 1; rank < walk->policy->ntiers; rank++)
		if (levels[rank - 1].reach.ntests > 0)
			return rank;
	return TIER_NO_RANK;
}

/* What a value lacks to a threshold, exactly: at the larger scale of the two. */
static TierMissing
missing_of(const TierWalk *walk, const TierTest *test)
{
	int scale = tier_walk_scale(walk, test->measure);
	int128 value = walk->values[test->measure];
	int128 threshold = test->threshold.units;
	TierMissing missing = { true, 0, Max(scale, test->threshold.scale) };

	threshold *= decimal_power[missing.scale - test->threshold.scale];
	value *= decimal_power[missing.scale - scale];
	missing.units = Max(0, threshold - value);
	return missing;
}

static bool
is_more(const TierMissing *a, const TierMissing *b)
{
	int128 left = a->units;
	int128 right = b->units;

	if (a->scale < b->scale)
		left *= decimal_power[b->scale - a->scale];
	else
		right *= decimal_power[a->scale - b->scale];
	return left > right;
}

static TierMissing
missing_in(TierWalk *walk, const TierCondition *condition, int measure)
{
	TierMissing missing = { 0 };
	int i;

	tier_window_bring(walk, walk->now);
	for (i = 0; i < condition->ntests; i++)
	{
		const TierTest *test = &condition->tests[i];
		TierMissing one;

		if (measure != TIER_ANY_MEASURE && measure != test->measure)
			continue;
		one = missing_of(walk, test);
		if (!missing.asked || is_more(&one, &missing) == condition->all)
			missing = one;
	}
	return missing;
}

TierMissing
tier_walk_missing_to_next(TierWalk *walk, int measure)
{
	TierMissing none = { 0 };
	int next = tier_walk_next_rank(walk);

	if (next == TIER_NO_RANK)
		return none;
	return missing_in(walk, &tier_terms(walk)->rules->levels[next - 1].reach, measure);
}

TierMissing
tier_walk_missing_to_keep(TierWalk *walk, int measure)
{
	TierMissing none = { 0 };
	const TierLevel *level;

	if (walk->rank <= 0)
		return none;
	level = &tier_terms(walk)->rules->levels[walk->rank - 1];
	return missing_in(walk, walk->rank > walk->rule_rank ? &level->reach : &level->keep, measure);
}

int
tier_walk_projected(TierWalk *walk)
{
	int rank = walk->rank;
	TimestampTz end;

	tier_walk_close(walk);
	if (rank <= 0)
		return rank;
	end = tier_effective_until(walk);
	if (walk->rule_rank == rank && walk->grace_until != DT_NOEND)
	{
		end = walk->grace_until;
		if (walk->granted_rank == rank)
			end = Max(end, walk->granted_until[rank]);
	}
	if (end == DT_NOEND)
		return rank;
	tier_walk_until(walk, end + 1);
	if (walk->rank == rank && walk->rule_rank == rank && walk->grace_until != DT_NOEND)
		tier_walk_until(walk, walk->grace_until + 1);
	return walk->rank;
}
