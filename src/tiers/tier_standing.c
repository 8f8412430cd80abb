/*
 * tier_standing.c
 *		Where a walk stands: the tier, the measures; where it ends up, and what is missing until
 *		then to keep the tier.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"
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
	return walk->rules.values[measure];
}

int
tier_walk_scale(const TierWalk *walk, int measure)
{
	return walk->policy->measures[measure].of == TIER_SUM ? walk->scale : 0;
}

/* ---- what lies ahead ---- */

/*
 * What must be earned to keep the tier is found by trying it. The walk is brought to the last
 * instant before the tier ends; there the measures get an amount, the rules do what they do with
 * events, and what they do at the end. Of amounts it is enough to try those with which something
 * just reaches a threshold. What rolls over at the end is left out while amounts are tried: it
 * would be another number with each, and what it gives comes after the tier has been lost.
 */
struct TierAhead
{
	TierWalk *walk;
	TimestampTz end; /* of what is promised, or of the grace that runs */
	int rank;		 /* is it kept? */
	bool reaching;	 /* by the condition for reaching it */
	bool period_begins;
	bool negative_left;
	TierWalk before;	/* as it is before the end, */
	int128 *values;		/* the measures then, */
	int128 *beneath;	/* those of the state beneath, */
	int128 *last;		/* those of the last period, if they are asked for, */
	int128 *leftover;	/* and what of them is left at the end, where that is less or more */
	int128 *amounts;	/* by measure, what is tried */
	int128 *candidates; /* of a measure, ascending */
	int64 ncandidates;
	int64 max_candidates;
};

/* When the effective tier ends, if nothing more happens; DT_NOEND: it doesn't. */
static TimestampTz
end_of_tier(TierWalk *walk)
{
	TimestampTz end = DT_NOBEGIN;

	if (walk->rank <= 0)
		return DT_NOEND;
	if (walk->rules.rank == walk->rank)
	{
		end = walk->rules.grace_until;
		if (end == DT_NOEND && !walk->rules.valid_over)
			end = tier_valid_until(walk, &walk->rules);
	}
	if (walk->granted_rank == walk->rank)
		end = Max(end, walk->granted_until[walk->rank]);
	return end;
}

/* It is kept for the next customer. */
static TierAhead *
look_ahead(TierWalk *walk)
{
	TierAhead *ahead = walk->ahead;

	if (ahead == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(walk->context);
		int n = walk->policy->nmeasures;

		walk->ahead = ahead = palloc0(sizeof(TierAhead));
		ahead->walk = walk;
		ahead->values = palloc(n * sizeof(int128));
		ahead->beneath = palloc(n * sizeof(int128));
		ahead->amounts = palloc(n * sizeof(int128));
		if (walk->last_values != NULL)
			ahead->last = palloc(n * sizeof(int128));
		if (walk->rolling != 0)
			ahead->leftover = palloc(n * sizeof(int128));
		MemoryContextSwitchTo(caller);
	}
	ahead->end = end_of_tier(walk);
	ahead->rank = walk->rank;
	ahead->reaching = tier_by_reaching(walk);
	return ahead;
}

/* Goes on to the last instant before the end. */
static void
come_before_end(TierAhead *ahead)
{
	TierWalk *walk = ahead->walk;
	Size size = walk->policy->nmeasures * sizeof(int128);

	tier_walk_until(walk, ahead->end);
	tier_window_bring(walk, ahead->end - 1);
	memcpy(ahead->values, walk->rules.values, size);
	memcpy(ahead->beneath, walk->beneath.values, size);
	memset(ahead->amounts, 0, size);
	if (ahead->last != NULL)
		memcpy(ahead->last, walk->last_values, size);
	ahead->negative_left = false;
	if (ahead->leftover != NULL)
	{
		ahead->negative_left = tier_window_leave(walk, ahead->end);
		memcpy(ahead->leftover, walk->rules.values, size);
	}
	ahead->period_begins = walk->has_periods && walk->period_end == ahead->end;
	ahead->before = *walk;
}

/* Sets measures to what they were, with the amounts, at the scale that is tried. */
static void
set_values(TierAhead *ahead, int128 *values, const int128 *were, bool with_amounts, int scale)
{
	const TierPolicy *policy = ahead->walk->policy;
	int i;

	for (i = 0; i < policy->nmeasures; i++)
	{
		values[i] = were[i];
		if (policy->measures[i].of == TIER_SUM)
			values[i] = tier_at_scale(values[i], ahead->before.scale, scale);
		if (with_amounts)
			values[i] += ahead->amounts[i];
	}
}

/* Is the tier kept with the amounts? Leaves the walk behind the end. */
static bool
is_kept(TierAhead *ahead, int scale)
{
	TierWalk *walk = ahead->walk;
	TimestampTz last = ahead->end - 1;
	bool has_version;
	bool raises = false;
	int i;

	*walk = ahead->before;
	walk->rung = tier_rungs_at(walk, scale) + (walk->term - walk->terms) * walk->policy->ntiers;
	walk->rules.held = &walk->rung[walk->rules.rank];
	if (walk->apart)
		walk->beneath.held = &walk->rung[walk->beneath.rank];
	set_values(ahead, walk->beneath.values, ahead->beneath, true, scale);
	set_values(ahead, walk->rules.values, ahead->values, true, scale);
	if (ahead->last != NULL)
		set_values(ahead, walk->last_values, ahead->last, false, scale);
	for (i = 0; i < walk->policy->nmeasures; i++)
		raises = raises || ahead->amounts[i] > 0;
	walk->now = last;
	walk->rules.raised = walk->beneath.raised = raises;
	walk->rules.raised_event = walk->beneath.raised_event = 0;
	if (raises && walk->at_once)
		tier_rules_rise(walk, last, 0);
	if (raises && tier_while_qualified(walk))
		tier_rules_check(walk, last, 0);

	walk->now = ahead->end;
	if (ahead->leftover != NULL)
		set_values(ahead, walk->rules.values, ahead->leftover, true, scale);
	has_version = tier_rules_come_to(walk, ahead->end);
	tier_rules_end(walk, ahead->end, ahead->period_begins && !walk->at_once);
	if (ahead->period_begins)
		tier_period_enter(walk, ahead->end);
	tier_rules_begin(walk, ahead->end, has_version,
					 ahead->negative_left || (ahead->period_begins && walk->has_rolled));
	if (walk->granted_rank > 0)
		tier_rules_end_grants(walk, ahead->end);
	return walk->rank > ahead->rank ||
		   (walk->rank == ahead->rank &&
			(walk->rules.rank < ahead->rank || walk->granted_rank == ahead->rank ||
			 walk->rules.grace_until == DT_NOEND));
}

static void
add_candidate(TierAhead *ahead, int128 amount)
{
	ahead->candidates =
		array_grow_in(ahead->walk->context, ahead->candidates, &ahead->max_candidates,
					  ahead->ncandidates + 1, sizeof(int128));
	ahead->candidates[ahead->ncandidates++] = Max(1, amount);
}

/* What a measure lacks to what a condition asks of it. */
static void
add_lacking(TierAhead *ahead, const TierAsk *ask, int measure, int factor_of)
{
	int64 factor = decimal_power[factor_of];
	int i;

	for (i = 0; i < ask->nneeds; i++)
	{
		if (ask->needs[i].measure != measure)
			continue;
		add_candidate(ahead, ask->needs[i].need - ahead->values[measure] * factor);
		add_candidate(ahead, ask->needs[i].need - ahead->beneath[measure] * factor);
		if (ahead->leftover != NULL)
			add_candidate(ahead, ask->needs[i].need - ahead->leftover[measure] * factor);
	}
}

static int
compare_amounts(const void *a, const void *b)
{
	int128 left = *(const int128 *) a;
	int128 right = *(const int128 *) b;

	return (left > right) - (left < right);
}

/* What may keep a tier, or reach it or a higher one, by the version before the end and the one at
 * it; ascending. */
static void
find_candidates(TierAhead *ahead, int measure, int scale)
{
	const TierWalk *before = &ahead->before;
	const TierPolicy *policy = before->policy;
	int factor_of = policy->measures[measure].of == TIER_SUM ? scale - before->scale : 0;
	int nversion = (int) (before->term - before->terms);
	int rank;

	ahead->ncandidates = 0;
	add_candidate(ahead, 1);
	for (; nversion < policy->nversions && before->terms[nversion].starts <= ahead->end; nversion++)
	{
		const TierRung *rungs = tier_rungs_at(ahead->walk, scale) + nversion * policy->ntiers;

		for (rank = ahead->rank; rank < policy->ntiers; rank++)
		{
			add_lacking(ahead, &rungs[rank].reach, measure, factor_of);
			add_lacking(ahead, &rungs[rank].keep, measure, factor_of);
		}
	}
	qsort(ahead->candidates, ahead->ncandidates, sizeof(int128), compare_amounts);
}

/* What a measure lacks to a threshold before the end, at a scale of sums. */
static int128
lack_of(const TierAhead *ahead, const TierTest *test, int scale)
{
	const TierWalk *before = &ahead->before;
	bool is_sum = before->policy->measures[test->measure].of == TIER_SUM;
	int128 value = ahead->values[test->measure];

	if (is_sum)
		value = tier_at_scale(value, before->scale, scale);
	return Max(
		0, tier_need(&test->threshold, is_sum ? scale : 0, tier_terms(before)->rules->exceeded) -
			   value);
}

/* What the other measures of a condition that asks for all get beside one. */
static void
fill_others(TierAhead *ahead, const TierCondition *condition, int measure, int scale)
{
	int i;

	memset(ahead->amounts, 0, ahead->walk->policy->nmeasures * sizeof(int128));
	for (i = 0; condition->all && i < condition->ntests; i++)
		if (condition->tests[i].measure != measure)
			ahead->amounts[condition->tests[i].measure] =
				lack_of(ahead, &condition->tests[i], scale);
}

/* The least amount of a measure that keeps the tier. */
static TierMissing
find_missing(TierAhead *ahead, const TierCondition *condition, const TierTest *test)
{
	int measure = test->measure;
	TierMissing missing = { true, 0, tier_missing_scale(&ahead->before, test) };
	int scale = Max(ahead->before.scale, missing.scale);
	int64 i;

	fill_others(ahead, condition, measure, scale);
	if (is_kept(ahead, scale))
		return missing;
	find_candidates(ahead, measure, scale);
	for (i = 0; i < ahead->ncandidates; i++)
	{
		missing.units = ahead->amounts[measure] = ahead->candidates[i];
		if ((i == 0 || ahead->candidates[i] > ahead->candidates[i - 1]) && is_kept(ahead, scale))
			return missing;
		CHECK_FOR_INTERRUPTS();
	}
	missing.asked = false;
	return missing;
}

/* Do the amounts of all tests of a condition together keep the tier? */
static bool
is_kept_together(TierAhead *ahead, const TierCondition *condition, const TierMissing *missing)
{
	const TierPolicy *policy = ahead->walk->policy;
	int scale = ahead->before.scale;
	int i;

	for (i = 0; i < condition->ntests; i++)
		scale = Max(scale, missing[i].scale);
	memset(ahead->amounts, 0, policy->nmeasures * sizeof(int128));
	for (i = 0; i < condition->ntests; i++)
	{
		int measure = condition->tests[i].measure;

		if (!missing[i].asked)
			return true;
		ahead->amounts[measure] = policy->measures[measure].of == TIER_SUM
									  ? tier_at_scale(missing[i].units, missing[i].scale, scale)
									  : missing[i].units;
	}
	return is_kept(ahead, scale);
}

/* What the condition asks, whatever else may keep the tier. */
static TierMissing
lacking(const TierAhead *ahead, const TierTest *test)
{
	TierMissing missing = { true, 0, tier_missing_scale(&ahead->before, test) };

	missing.units = lack_of(ahead, test, missing.scale);
	return missing;
}

/* What each test of a condition without sets lacks, where the tier isn't kept as it is. */
static void
find_missing_of_tests(TierAhead *ahead, const TierCondition *condition, TierMissing *missing)
{
	int i;

	for (i = 0; i < condition->ntests; i++)
		missing[i] = find_missing(ahead, condition, &condition->tests[i]);
	if (condition->all && !is_kept_together(ahead, condition, missing))
		for (i = 0; i < condition->ntests; i++)
			missing[i] = lacking(ahead, &condition->tests[i]);
}

/* Of a condition with sets, each as if it were the whole of it. */
static void
find_missing_of_sets(TierAhead *ahead, const TierCondition *condition, TierMissing *missing)
{
	int set;

	for (set = 0; set < condition->nsets; set++)
	{
		int start = tier_set_start(condition, set);
		TierCondition alone = { .ntests = condition->set_ends[set] - start,
								.tests = &condition->tests[start] };

		alone.all = alone.ntests > 1;
		find_missing_of_tests(ahead, &alone, &missing[start]);
	}
}

static void
find_all_missing(TierAhead *ahead, TierOutlook *outlook)
{
	TierWalk *walk = ahead->walk;
	const TierLevel *level = &tier_terms(&ahead->before)->rules->levels[ahead->rank - 1];
	const TierCondition *condition = ahead->reaching ? &level->reach : &level->keep;
	TierMissing *missing = tier_room_for_missing(walk);
	int i;

	ahead->before.missing = walk->missing;
	ahead->before.stops_rollover = true;
	if (!is_kept(ahead, ahead->before.scale))
	{
		if (condition->nsets > 0)
			find_missing_of_sets(ahead, condition, missing);
		else
			find_missing_of_tests(ahead, condition, missing);
	}
	else
		for (i = 0; i < condition->ntests; i++)
			missing[i] =
				(TierMissing){ true, 0, tier_missing_scale(&ahead->before, &condition->tests[i]) };
	ahead->before.stops_rollover = false;
	for (i = 0; i < condition->ntests; i++)
		missing[i] = tier_missing_shown(&ahead->before, &condition->tests[i], missing[i]);
	for (i = 0; i < walk->policy->nmeasures; i++)
		outlook->to_keep[i] = tier_missing_of(condition, missing, i);
	outlook->to_keep_it = tier_missing_of(condition, missing, TIER_ANY_MEASURE);
}

void
tier_walk_outlook(TierWalk *walk, TierOutlook *outlook)
{
	TierAhead *ahead = look_ahead(walk);

	tier_walk_close(walk);
	memset(outlook, 0, sizeof(TierOutlook));
	outlook->projected_rank = walk->rank;
	if (ahead->end == DT_NOEND)
		return;
	come_before_end(ahead);
	find_all_missing(ahead, outlook);

	/* and if nothing happens */
	memset(ahead->amounts, 0, walk->policy->nmeasures * sizeof(int128));
	(void) is_kept(ahead, ahead->before.scale);
	walk->due = DT_NOBEGIN;
	if (walk->rank == ahead->rank && walk->rules.rank == ahead->rank &&
		walk->rules.grace_until != DT_NOEND)
		tier_walk_until(walk, walk->rules.grace_until + 1);
	outlook->projected_rank = walk->rank;
}
