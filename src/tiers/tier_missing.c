/*
 * tier_missing.c
 *		What measures lack to a condition: of each test, of each measure, of the whole.
 *
 * A condition is met in one of several ways: each is tests that must all hold, one for any, a set
 * of them, or all there are. A way lacks the most of its tests, a condition the least of its ways.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "tiers/tiers_internal.h"

/* ---- of a test ---- */

int
tier_missing_scale(const TierWalk *walk, const TierTest *test)
{
	return walk->policy->measures[test->measure].of == TIER_SUM
			   ? Max(Max(walk->scale, walk->amount_scale), test->threshold.scale)
			   : 0;
}

TierMissing
tier_missing_shown(const TierWalk *walk, const TierTest *test, TierMissing missing)
{
	int least = Max(walk->scale, test->threshold.scale);

	for (; missing.scale > least && missing.units % 10 == 0; missing.scale--)
		missing.units /= 10;
	return missing;
}

int128
tier_at_scale(int128 value, int from_scale, int to_scale)
{
	if (!decimal_sum_rescale(&value, from_scale, to_scale))
		decimal_report_sum("values");
	return value;
}

/* What a value lacks to a threshold, exactly. */
static TierMissing
missing_of(const TierWalk *walk, const TierTest *test)
{
	TierMissing missing = { true, 0, tier_missing_scale(walk, test) };
	int128 value = tier_at_scale(walk->rules.values[test->measure],
								 tier_walk_scale(walk, test->measure), missing.scale);

	missing.units = Max(
		0, tier_need(&test->threshold, missing.scale, tier_terms(walk)->rules->exceeded) - value);
	return tier_missing_shown(walk, test, missing);
}

static bool
is_more(const TierMissing *a, const TierMissing *b)
{
	return decimal_units_compare(a->units, a->scale, b->units, b->scale) > 0;
}

/* ---- of a way ---- */

/* Ways are numbered from 0 on. */
static int
nways(const TierCondition *condition)
{
	if (condition->nsets > 0)
		return condition->nsets;
	return condition->all ? 1 : condition->ntests;
}

/* The test behind its last one. */
static int
way_end(const TierCondition *condition, int way)
{
	if (condition->nsets > 0)
		return condition->set_ends[way];
	return condition->all ? condition->ntests : way + 1;
}

/* Takes in the number of a test: the most. Those that no amount meets are left out. */
static void
take_most(TierMissing *most, const TierMissing *one)
{
	if (one->asked && (!most->asked || is_more(one, most)))
		*most = *one;
}

/* ---- of a condition ---- */

/* What a way lacks; *number: the number of a measure in it; *whole: all of them have one. */
static TierMissing
missing_of_way(const TierCondition *condition, const TierMissing *of_tests, int start, int end,
			   int measure, int *number, bool *whole)
{
	TierMissing most = { 0 };
	int i;

	*number = -1;
	*whole = true;
	for (i = start; i < end; i++)
	{
		take_most(&most, &of_tests[i]);
		*whole = *whole && of_tests[i].asked;
		if (condition->tests[i].measure == measure)
			*number = i;
	}
	return most;
}

/* Does a way lack less than the best so far? One that no amount meets lacks more than any. */
static bool
is_less(const TierMissing *one, const TierMissing *best)
{
	return one->asked && (!best->asked || is_more(best, one));
}

TierMissing
tier_missing_of(const TierCondition *condition, const TierMissing *of_tests, int measure)
{
	TierMissing best = { 0 };
	TierMissing found = { 0 };
	bool best_whole = false;
	bool has_best = false;
	int start = 0;
	int way;

	for (way = 0; way < nways(condition); way++)
	{
		int end = way_end(condition, way);
		int number;
		bool whole;
		TierMissing most =
			missing_of_way(condition, of_tests, start, end, measure, &number, &whole);

		start = end;
		if (measure == TIER_ANY_MEASURE)
		{
			if (most.asked && !is_less(&found, &most))
				found = most;
		}
		else if (number >= 0 && (!has_best || (whole && !best_whole) ||
								 (whole == best_whole && is_less(&most, &best))))
		{
			has_best = true;
			best = most;
			best_whole = whole;
			found = of_tests[number];
		}
	}
	return found;
}

TierMissing *
tier_room_for_missing(TierWalk *walk)
{
	const TierPolicy *policy = walk->policy;
	int most = 0;
	int version;
	int i;

	if (walk->missing != NULL)
		return walk->missing;
	for (version = 0; version < policy->nversions; version++)
		for (i = 0; i < policy->ntiers - 1; i++)
		{
			const TierLevel *level = &policy->versions[version].levels[i];

			most = Max(most, Max(level->reach.ntests, level->keep.ntests));
		}
	walk->missing = MemoryContextAlloc(walk->context, Max(most, 1) * sizeof(TierMissing));
	return walk->missing;
}

static TierMissing
missing_in(TierWalk *walk, const TierCondition *condition, int measure)
{
	TierMissing *of_tests = tier_room_for_missing(walk);
	int i;

	tier_window_bring(walk, walk->now);
	for (i = 0; i < condition->ntests; i++)
		of_tests[i] = missing_of(walk, &condition->tests[i]);
	return tier_missing_of(condition, of_tests, measure);
}

/* ---- of the tiers ---- */

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

TierMissing
tier_walk_missing_to_next(TierWalk *walk, int measure)
{
	TierMissing none = { 0 };
	int next = tier_walk_next_rank(walk);

	if (next == TIER_NO_RANK)
		return none;
	return missing_in(walk, &tier_terms(walk)->rules->levels[next - 1].reach, measure);
}

bool
tier_by_reaching(const TierWalk *walk)
{
	return walk->rank > walk->rules.rank;
}

TierMissing
tier_walk_missing_as_of(TierWalk *walk, int measure)
{
	TierMissing none = { 0 };
	const TierLevel *level;

	if (walk->rank <= 0)
		return none;
	level = &tier_terms(walk)->rules->levels[walk->rank - 1];
	return missing_in(walk, tier_by_reaching(walk) ? &level->reach : &level->keep, measure);
}

bool
tier_walk_way(TierWalk *walk, int rank, int number, TierWay *way)
{
	const TierCondition *reach = &tier_terms(walk)->rules->levels[rank - 1].reach;

	if (number >= reach->ntests)
		return false;
	tier_window_bring(walk, walk->now);
	for (way->way = 1; way_end(reach, way->way - 1) <= number; way->way++)
		;
	way->test = reach->tests[number];
	way->missing = missing_of(walk, &reach->tests[number]);
	return true;
}
