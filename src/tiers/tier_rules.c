/*
 * tier_rules.c
 *		What the rules decide: up, down, how long a tier is valid; and what grants do beside.
 *
 * The rules have a state of their own, on which grants have no bearing. After every step that
 * changes it, or the grants, what is effective is looked at: settle().
 */
#include "postgres.h"

#include "miscadmin.h"

#include "tiers/tiers_internal.h"

/* Renewed after so long, a validity of the same interval ends later for sure: months are
 * clamped by at most three days, and zones shift. */
#define SURELY_LATER (6 * USECS_PER_DAY)

/* ---- versions of the rules ---- */

bool
tier_rules_come_to(TierWalk *walk, TimestampTz at)
{
	bool begins = false;

	for (; tier_next_version_at(walk) <= at; begins = true)
	{
		walk->term++;
		walk->rung += walk->policy->ntiers;
		walk->held += walk->policy->ntiers;
	}
	return begins;
}

static inline void
set_rule_rank(TierWalk *walk, int rank)
{
	walk->rule_rank = rank;
	walk->held = &walk->rung[rank];
}

static inline bool
holds(const TierWalk *walk, const TierAsk *ask)
{
	int i;

	if (ask->nneeds == 1)
		return walk->values[ask->first.measure] >= ask->first.need;
	for (i = 0; i < ask->nneeds; i++)
		if ((walk->values[ask->needs[i].measure] >= ask->needs[i].need) != ask->all)
			return !ask->all;
	return ask->all && ask->nneeds > 0;
}

/* ---- the ladder at a scale ---- */

/* The least value, in units at a scale, that meets a threshold. */
static int128
need_of(const Decimal *threshold, int scale, bool exceeded)
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
	ask->needs = palloc(Max(ask->nneeds, 1) * sizeof(TierNeed));
	for (i = 0; i < ask->nneeds; i++)
	{
		const TierTest *test = &condition->tests[i];

		ask->needs[i].measure = test->measure;
		ask->needs[i].need =
			need_of(&test->threshold,
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

static TierRung *
rungs_at(TierWalk *walk, int scale)
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

static int
highest(const TierWalk *walk, int rank)
{
	int i;

	if (walk->values[0] < walk->rung[rank].above)
		return rank;
	for (i = walk->policy->ntiers - 1; i > rank; i--)
		if (holds(walk, &walk->rung[i].reach))
			return i;
	return rank;
}

static inline bool
keeps(const TierWalk *walk)
{
	return walk->rule_rank == 0 || holds(walk, &walk->held->keep);
}

/* ---- validity ---- */

static void
begin_validity(TierWalk *walk, TimestampTz at, bool by_time)
{
	TierTerms *terms = tier_terms(walk);

	walk->valid_from = at;
	walk->valid_span = NULL;
	walk->valid_known = true;
	walk->valid_over = false;
	walk->valid_until = DT_NOEND;
	switch (terms->rules->valid)
	{
		case TIER_VALID_INTERVAL:
			walk->valid_span = &terms->valid;
			walk->valid_known = false;
			walk->valid_least = span_least(&terms->valid, at);
			walk->due = Min(walk->due, walk->valid_least);
			return;
		case TIER_VALID_PERIOD_END:
			walk->valid_until = tier_period_end(walk, at);
			break;
		case TIER_VALID_NEXT_PERIOD_END:
			walk->valid_until =
				by_time ? tier_period_end(walk, at) : tier_next_period_end(walk, at);
			break;
		case TIER_VALID_WHILE_QUALIFIED:
			walk->due = DT_NOBEGIN; /* whatever lowers a measure is looked at from now on */
			break;
		case TIER_VALID_FOREVER:
			break;
	}
	walk->valid_least = walk->valid_until;
	walk->due = Min(walk->due, walk->valid_least);
}

TimestampTz
tier_valid_until(TierWalk *walk)
{
	if (!walk->valid_known)
	{
		walk->valid_until = span_end(walk->valid_span, walk->zone, walk->valid_from);
		walk->valid_least = walk->valid_until;
		walk->valid_known = true;
	}
	return walk->valid_until;
}

/*
 * The common renewal: for the same interval, which ends later for sure, and nobody wants to see
 * it. False where it is another. What falls due only gets later: it isn't looked at anew.
 */
static inline bool
renew_plainly(TierWalk *walk, TimestampTz at)
{
	Span *span = &tier_terms(walk)->valid;

	if (walk->valid_span != span || walk->history || walk->grace_until != DT_NOEND ||
		walk->policy->window == TIER_SINCE_TIER ||
		(at - walk->valid_from <= SURELY_LATER &&
		 !span_keeps_order(span, walk->zone, walk->valid_from)))
		return false;
	if (at > walk->valid_from)
	{
		walk->valid_from = at;
		walk->valid_known = false;
		walk->valid_least = span_least(span, at);
		walk->valid_over = false;
	}
	return true;
}

/* Renews validity where that is for longer, or grace runs; was it renewed? */
static bool
renew_validity(TierWalk *walk, TimestampTz at, bool by_time)
{
	bool in_grace = walk->grace_until != DT_NOEND;
	TimestampTz before;
	TimestampTz from;
	Span *span;
	bool over;

	before = tier_valid_until(walk);
	from = walk->valid_from;
	span = walk->valid_span;
	over = walk->valid_over;
	begin_validity(walk, at, by_time);
	if (tier_valid_until(walk) > before || in_grace)
	{
		walk->grace_until = DT_NOEND;
		return true;
	}
	walk->valid_from = from;
	walk->valid_span = span;
	walk->valid_over = over;
	walk->valid_until = walk->valid_least = before;
	walk->valid_known = true;
	return false;
}

/* ---- what is effective ---- */

TimestampTz
tier_effective_until(TierWalk *walk)
{
	TimestampTz until = DT_NOBEGIN;

	if (walk->rank <= 0)
		return DT_NOEND;
	if (walk->rule_rank == walk->rank)
		until = tier_valid_until(walk);
	if (walk->granted_rank == walk->rank)
		until = Max(until, walk->granted_until[walk->rank]);
	return until;
}

/* What decided, for the history. */
typedef struct Deciding
{
	int measure;
	int128 value;
} Deciding;

/* The first measure of a condition; of those that meet it, where holding is asked for. */
static Deciding
deciding_measure(const TierWalk *walk, const TierAsk *ask, bool holding)
{
	Deciding deciding = { 0 };
	int i;

	if (ask->nneeds > 0)
		deciding.measure = ask->needs[0].measure;
	for (i = 0; holding && i < ask->nneeds; i++)
		if (walk->values[ask->needs[i].measure] >= ask->needs[i].need)
		{
			deciding.measure = ask->needs[i].measure;
			break;
		}
	deciding.value = walk->values[deciding.measure];
	return deciding;
}

/* Reports what a step has changed, if anything. */
static void
settle(TierWalk *walk, TimestampTz at, TierReason reason, Deciding deciding, int64 event)
{
	TierChange change;

	change.from_rank = walk->rank;
	walk->rank = Max(walk->rule_rank, walk->granted_rank);
	if (walk->sink == NULL)
		return;
	change.to_rank = walk->rank;
	if (walk->history)
	{
		TimestampTz before = walk->shown_until;

		walk->shown_until = change.valid_until = tier_effective_until(walk);
		if (change.from_rank == change.to_rank && change.valid_until <= before)
			return;
		change.measure = deciding.measure;
		change.value = deciding.value;
		change.event = event;
	}
	else if (change.from_rank == change.to_rank)
		return;
	change.at = at;
	change.reason = reason;
	walk->sink(walk->sink_context, walk, &change);
}

/* The count since the tier began starts over: with the events of that instant, unless it was
 * they that made it. */
static void
restart_count(TierWalk *walk, TimestampTz at, int64 event)
{
	if (walk->policy->window == TIER_SINCE_TIER)
		tier_window_restart(walk, event >= 0 ? at : at - 1);
}

/* ---- up, and renewed ---- */

static void
qualify(TierWalk *walk, TimestampTz at, int rank, int64 event)
{
	Deciding deciding = deciding_measure(walk, &walk->rung[rank].reach, true);

	set_rule_rank(walk, rank);
	walk->grace_until = DT_NOEND;
	begin_validity(walk, at, false);
	restart_count(walk, at, event);
	settle(walk, at, TIER_QUALIFIED, deciding, event);
}

/* Keeping holds: the tier is renewed. */
static void
requalify(TierWalk *walk, TimestampTz at, bool by_time, int64 event)
{
	Deciding deciding = { 0 };
	bool renewed;

	if (walk->history)
		deciding = deciding_measure(walk, &walk->held->keep, true);
	renewed = renew_validity(walk, at, by_time);
	restart_count(walk, at, event);
	if (renewed && walk->history)
		settle(walk, at, TIER_REQUALIFIED, deciding, event);
}

/* May something have left that was not taken out yet? */
static inline bool
is_stale(const TierWalk *walk, TimestampTz at)
{
	return (walk->first_far < walk->nentries &&
			span_least(&walk->window, walk->entries[walk->first_far].at) <= at) ||
		   (walk->near.count > 0 && walk->near.ends[0].at <= at);
}

void
tier_rules_rise(TierWalk *walk, TimestampTz at, int64 event)
{
	int rank = highest(walk, walk->rule_rank);
	bool kept = walk->rule_rank > 0 && keeps(walk);

	if (rank == walk->rule_rank && !kept)
		return;
	if (walk->policy->window == TIER_ROLLING && is_stale(walk, at))
	{
		/* All that can be left in it are contributions: without them it isn't more. */
		(void) tier_window_leave(walk, at);
		rank = highest(walk, walk->rule_rank);
		kept = walk->rule_rank > 0 && keeps(walk);
	}
	if (rank > walk->rule_rank)
		qualify(walk, at, rank, event);
	else if (kept && !renew_plainly(walk, at))
		requalify(walk, at, false, event);
}

void
tier_rules_version_begins(TierWalk *walk, TimestampTz at)
{
	int rank = highest(walk, walk->rule_rank);

	if (rank > walk->rule_rank)
		qualify(walk, at, rank, -1);
}

void
tier_rules_period_ends(TierWalk *walk, TimestampTz at)
{
	int rank = highest(walk, walk->rule_rank);

	if (rank > walk->rule_rank)
		qualify(walk, at, rank, -1);
	else if (walk->rule_rank > 0 && keeps(walk))
		requalify(walk, at, true, -1);
}

/* ---- down ---- */

static void
downgrade(TierWalk *walk, TimestampTz at, TierReason reason, int64 event)
{
	Deciding deciding = deciding_measure(walk, &walk->held->keep, false);
	int rank = 0;

	switch (tier_terms(walk)->rules->downgrade)
	{
		case TIER_TO_MEASURE:
			for (rank = walk->rule_rank - 1; rank > 0; rank--)
				if (holds(walk, &walk->rung[rank].reach))
					break;
			break;
		case TIER_ONE_LEVEL:
			rank = walk->rule_rank - 1;
			break;
		case TIER_TO_ENTRY:
			break;
	}
	set_rule_rank(walk, rank);
	walk->grace_until = DT_NOEND;
	if (rank > 0)
		begin_validity(walk, at, true);
	restart_count(walk, at, event);
	settle(walk, at, reason, deciding, event);
}

static TierReason
lapse_reason(const TierWalk *walk)
{
	return tier_terms(walk)->rules->downgrade == TIER_ONE_LEVEL ? TIER_SOFT_LANDING : TIER_LAPSED;
}

static void
begin_grace(TierWalk *walk, TimestampTz at)
{
	walk->grace_until = span_end(&tier_terms(walk)->grace, walk->zone, at);
	walk->due = Min(walk->due, walk->grace_until);
}

void
tier_rules_validity_ends(TierWalk *walk, TimestampTz at)
{
	if (keeps(walk))
		requalify(walk, at, true, -1);
	else if (tier_terms(walk)->rules->has_grace)
	{
		walk->valid_over = true;
		begin_grace(walk, at);
	}
	else
		downgrade(walk, at, lapse_reason(walk), -1);
}

void
tier_rules_grace_ends(TierWalk *walk, TimestampTz at)
{
	downgrade(walk, at, TIER_GRACE_ENDED, -1);
	if (tier_while_qualified(walk) && tier_terms(walk)->rules->has_grace && !keeps(walk))
		begin_grace(walk, at);
}

void
tier_rules_check(TierWalk *walk, TimestampTz at, int64 event)
{
	while (!keeps(walk))
	{
		if (tier_terms(walk)->rules->has_grace)
		{
			if (walk->grace_until == DT_NOEND)
				begin_grace(walk, at);
			return;
		}
		downgrade(walk, at, lapse_reason(walk), event);
	}
	walk->grace_until = DT_NOEND;
}

/* ---- membership and grants ---- */

static Deciding
first_measure(const TierWalk *walk)
{
	Deciding deciding = { 0 };

	deciding.value = walk->value_before;
	return deciding;
}

void
tier_rules_grant(TierWalk *walk, TimestampTz at, int rank, TimestampTz until, int64 event)
{
	if (rank == 0 || until <= at)
		return;
	walk->granted_until[rank] = Max(walk->granted_until[rank], until);
	walk->granted_rank = Max(walk->granted_rank, rank);
	walk->due = Min(walk->due, walk->granted_until[walk->granted_rank]);
	settle(walk, at, TIER_GRANTED, first_measure(walk), event);
}

void
tier_rules_join(TierWalk *walk, TimestampTz at)
{
	int64 i;

	walk->is_member = true;
	walk->due = DT_NOBEGIN;
	(void) tier_rules_come_to(walk, at);
	walk->since = at - 1;
	settle(walk, at, TIER_JOINED, first_measure(walk), walk->join_event);
	for (i = 0; i < walk->nearly; i++)
	{
		tier_rules_grant(walk, at, walk->early[i].rank, walk->early[i].until, walk->early[i].event);
		CHECK_FOR_INTERRUPTS();
	}
}

void
tier_rules_end_grants(TierWalk *walk, TimestampTz at)
{
	while (walk->granted_rank > 0 && walk->granted_until[walk->granted_rank] <= at)
		walk->granted_rank--;
	if (walk->granted_rank > 0)
		walk->due = Min(walk->due, walk->granted_until[walk->granted_rank]);
	settle(walk, at, TIER_GRANT_ENDED, first_measure(walk), -1);
}

/* ---- a customer ---- */

void
tier_rules_start(TierWalk *walk)
{
	int rank;

	walk->term = walk->terms;
	walk->rung = rungs_at(walk, walk->scale);
	set_rule_rank(walk, 0);
	walk->valid_span = NULL;
	walk->valid_known = true;
	walk->valid_least = walk->valid_until = DT_NOEND;
	walk->valid_over = false;
	walk->grace_until = DT_NOEND;
	for (rank = 0; rank < walk->policy->ntiers; rank++)
		walk->granted_until[rank] = DT_NOBEGIN;
	walk->granted_rank = 0;
	walk->nearly = 0;
	walk->rank = walk->is_member ? 0 : TIER_NO_RANK;
	walk->shown_until = DT_NOEND;
}
