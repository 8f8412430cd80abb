/*
 * tier_rules.c
 *		What the rules decide: up, down, how long a tier is valid; and what grants do beside.
 *
 * The rules have a state of their own, on which grants have no bearing. After every step that
 * changes it, or the grants, what is effective is looked at: settle().
 *
 * Grace mustn't take away what one would have without it. So, from the first grace on, there is a
 * second state beneath, which goes by the same rules without grace: a step is done to it, then to
 * the member's, which then takes over what is better beneath. Once both are the same again, one
 * does.
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
		walk->rules.held += walk->policy->ntiers;
		walk->beneath.held += walk->policy->ntiers;
		walk->rules.valid_in = walk->beneath.valid_in = DT_NOBEGIN;
	}
	return begins;
}

static inline void
set_rule_rank(TierWalk *walk, int rank)
{
	walk->rules.rank = rank;
	walk->rules.held = &walk->rung[rank];
}

/* ---- what holds ---- */

static int
highest(const TierWalk *walk, int rank)
{
	int i;

	if (walk->rules.values[0] < walk->rung[rank].above)
		return rank;
	for (i = walk->policy->ntiers - 1; i > rank; i--)
		if (tier_holds(walk, &walk->rung[i].reach))
			return i;
	return rank;
}

static inline bool
keeps(const TierWalk *walk)
{
	return walk->rules.rank == 0 || tier_holds(walk, &walk->rules.held->keep);
}

/* ---- two states ---- */

typedef void (*RulesStep)(TierWalk *walk, TimestampTz at, int64 event);

static void take_over(TierWalk *walk, TimestampTz at);

void
tier_rules_swap(TierWalk *walk)
{
	TierState rules = walk->rules;

	walk->rules = walk->beneath;
	walk->beneath = rules;
	walk->is_beneath = !walk->is_beneath;
}

static void
step_beneath(TierWalk *walk, RulesStep step, TimestampTz at, int64 event)
{
	tier_rules_swap(walk);
	step(walk, at, event);
	tier_rules_swap(walk);
}

static inline void
take_step(TierWalk *walk, RulesStep step, TimestampTz at, int64 event)
{
	if (unlikely(walk->apart))
		step_beneath(walk, step, at, event);
	step(walk, at, event);
	if (unlikely(walk->apart))
		take_over(walk, at);
}

/* Each has values of its own where they count since the tier began. */
static void
copy_state(TierWalk *walk, TierState *to, const TierState *from)
{
	int128 *values = to->values;
	TierDay *last_days = to->last_days;

	*to = *from;
	to->values = values;
	to->last_days = last_days;
	if (values == from->values)
		return;
	memcpy(values, from->values, walk->policy->nmeasures * sizeof(int128));
	memcpy(last_days, from->last_days, walk->policy->nmeasures * TIER_LAST_DAYS * sizeof(TierDay));
}

static bool
is_better_beneath(TierWalk *walk)
{
	if (walk->beneath.rank != walk->rules.rank)
		return walk->beneath.rank > walk->rules.rank;
	return walk->rules.rank > 0 &&
		   tier_valid_until(walk, &walk->beneath) > tier_valid_until(walk, &walk->rules);
}

static bool
are_the_same(TierWalk *walk)
{
	return walk->beneath.rank == walk->rules.rank && walk->beneath.since == walk->rules.since &&
		   walk->rules.grace_until == DT_NOEND &&
		   (walk->rules.rank == 0 ||
			tier_valid_until(walk, &walk->beneath) == tier_valid_until(walk, &walk->rules));
}

/* Does grace put off what is lost? */
static inline bool
has_grace(const TierWalk *walk)
{
	return tier_terms(walk)->rules->has_grace && !walk->is_beneath;
}

/* ---- validity ---- */

static void
begin_validity(TierWalk *walk, TimestampTz at, bool by_time)
{
	TierTerms *terms = tier_terms(walk);

	walk->rules.valid_from = at;
	walk->rules.valid_span = NULL;
	walk->rules.valid_known = true;
	walk->rules.valid_over = false;
	walk->rules.valid_until = DT_NOEND;
	walk->rules.valid_in = DT_NOBEGIN;
	switch (terms->rules->valid)
	{
		case TIER_VALID_INTERVAL:
			walk->rules.valid_span = &terms->valid;
			walk->rules.valid_known = false;
			walk->rules.valid_least = span_least(&terms->valid, at);
			walk->due = Min(walk->due, walk->rules.valid_least);
			return;
		case TIER_VALID_PERIOD_END:
			walk->rules.valid_until = tier_period_end(walk, at);
			break;
		case TIER_VALID_NEXT_PERIOD_END:
			walk->rules.valid_until =
				by_time ? tier_period_end(walk, at) : tier_next_period_end(walk, at);
			break;
		case TIER_VALID_WHILE_QUALIFIED:
			walk->due = DT_NOBEGIN; /* whatever lowers a measure is looked at from now on */
			break;
		case TIER_VALID_FOREVER:
			break;
	}
	if (walk->has_periods && !by_time)
		walk->rules.valid_in = walk->period_end;
	if (tier_valid_is_added_to(terms->rules) && walk->rules.valid_until != DT_NOEND)
		walk->rules.valid_until = span_end(&terms->valid, walk->zone, walk->rules.valid_until);
	walk->rules.valid_least = walk->rules.valid_until;
	walk->due = Min(walk->due, walk->rules.valid_least);
}

/*
 * The common renewals: to the end of a period, once more in the same one; or for the same interval,
 * which ends later for sure, and nobody wants to see it. False where it is another. What falls due
 * only gets later: it isn't looked at anew.
 */
static inline bool
renew_plainly(TierWalk *walk, TimestampTz at)
{
	Span *span = &tier_terms(walk)->valid;

	if (walk->rules.valid_in == walk->period_end && walk->has_periods &&
		walk->rules.grace_until == DT_NOEND)
		return true;
	if (walk->rules.valid_span != span || walk->history || walk->rules.grace_until != DT_NOEND ||
		walk->policy->window == TIER_SINCE_TIER ||
		(at - walk->rules.valid_from <= SURELY_LATER &&
		 !span_keeps_order(span, walk->zone, walk->rules.valid_from)))
		return false;
	if (at > walk->rules.valid_from)
	{
		walk->rules.valid_from = at;
		walk->rules.valid_known = false;
		walk->rules.valid_least = span_least(span, at);
		walk->rules.valid_over = false;
	}
	return true;
}

/* Renews validity where that is for longer, or grace runs; was it renewed? */
static bool
renew_validity(TierWalk *walk, TimestampTz at, bool by_time)
{
	bool in_grace = walk->rules.grace_until != DT_NOEND;
	TimestampTz before;
	TimestampTz from;
	Span *span;
	bool over;

	before = tier_valid_until(walk, &walk->rules);
	from = walk->rules.valid_from;
	span = walk->rules.valid_span;
	over = walk->rules.valid_over;
	begin_validity(walk, at, by_time);
	if (tier_valid_until(walk, &walk->rules) > before || in_grace)
	{
		walk->rules.grace_until = DT_NOEND;
		return true;
	}
	walk->rules.valid_from = from;
	walk->rules.valid_span = span;
	walk->rules.valid_over = over;
	walk->rules.valid_until = walk->rules.valid_least = before;
	walk->rules.valid_known = true;
	return false;
}

/* ---- what is effective ---- */

TimestampTz
tier_effective_until(TierWalk *walk)
{
	TimestampTz until = DT_NOBEGIN;

	if (walk->rank <= 0)
		return DT_NOEND;
	if (walk->rules.rank == walk->rank)
		until = tier_valid_until(walk, &walk->rules);
	if (walk->granted_rank == walk->rank)
		until = Max(until, walk->granted_until[walk->rank]);
	return until;
}

/* The first measure of a condition; of those that meet it, or of the first set that does, where
 * holding is asked for. */
static TierDeciding
deciding_measure(const TierWalk *walk, const TierAsk *ask, bool holding)
{
	TierDeciding deciding = { 0 };
	int i;

	if (ask->nneeds > 0)
		deciding.measure = ask->needs[0].measure;
	if (holding && ask->nsets > 0)
	{
		i = tier_set_that_holds(walk->rules.values, ask);
		if (i >= 0)
			deciding.measure = ask->needs[i].measure;
	}
	else
		for (i = 0; holding && i < ask->nneeds; i++)
			if (walk->rules.values[ask->needs[i].measure] >= ask->needs[i].need)
			{
				deciding.measure = ask->needs[i].measure;
				break;
			}
	deciding.value = walk->rules.values[deciding.measure];
	return deciding;
}

/* Reports what a step has changed, if anything. */
static void
settle(TierWalk *walk, TimestampTz at, TierReason reason, TierDeciding deciding, int64 event)
{
	TierChange change;

	if (walk->is_beneath)
	{
		walk->cause = deciding;
		walk->cause_event = event;
		return;
	}
	change.from_rank = walk->rank;
	walk->rank = Max(walk->rules.rank, walk->granted_rank);
	if (walk->sink == NULL)
		return;
	change.to_rank = walk->rank;
	if (walk->history)
	{
		TimestampTz before = walk->shown_until;

		walk->shown_until = change.valid_until = tier_effective_until(walk);
		change.promised_before = before;
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

/* Where what is beneath is better, the member has it from now on. */
static void
take_over(TierWalk *walk, TimestampTz at)
{
	bool rises = walk->beneath.rank > walk->rules.rank;

	if (is_better_beneath(walk))
	{
		copy_state(walk, &walk->rules, &walk->beneath);
		walk->apart = false;
		settle(walk, at, rises ? TIER_QUALIFIED : TIER_REQUALIFIED, walk->cause, walk->cause_event);
	}
	else if (are_the_same(walk))
		walk->apart = false;
}

/* ---- up, and renewed ---- */

static void
qualify(TierWalk *walk, TimestampTz at, int rank, bool by_time, int64 event)
{
	TierDeciding deciding = deciding_measure(walk, &walk->rung[rank].reach, true);

	set_rule_rank(walk, rank);
	walk->rules.grace_until = DT_NOEND;
	begin_validity(walk, at, by_time);
	restart_count(walk, at, event);
	settle(walk, at, TIER_QUALIFIED, deciding, event);
}

/* Keeping holds: the tier is renewed. */
static void
requalify(TierWalk *walk, TimestampTz at, bool by_time, int64 event)
{
	TierDeciding deciding = { 0 };
	bool renewed;

	if (walk->history)
		deciding = deciding_measure(walk, &walk->rules.held->keep, true);
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

/* By an event, or (-1) by time. */
static inline void
rise(TierWalk *walk, TimestampTz at, int64 event)
{
	int rank = highest(walk, walk->rules.rank);
	bool kept = walk->rules.rank > 0 && keeps(walk);

	if (rank == walk->rules.rank && !kept)
		return;
	if (walk->rolling != 0 && is_stale(walk, at))
	{
		/* All that can be left in it are contributions: without them it isn't more. */
		(void) tier_window_leave(walk, at);
		rank = highest(walk, walk->rules.rank);
		kept = walk->rules.rank > 0 && keeps(walk);
	}
	if (rank > walk->rules.rank)
		qualify(walk, at, rank, false, event);
	else if (kept && !renew_plainly(walk, at))
		requalify(walk, at, false, event);
}

/* The step of an instant's events. */
static void
rise_by_events(TierWalk *walk, TimestampTz at, int64 event)
{
	if (walk->rules.raised != 0)
		rise(walk, at, walk->rules.raised_event);
}

void
tier_rules_rise(TierWalk *walk, TimestampTz at, int64 event)
{
	if (likely(!walk->apart))
	{
		rise(walk, at, event);
		return;
	}
	if (walk->policy->window != TIER_SINCE_TIER)
	{
		walk->beneath.raised = walk->rules.raised;
		walk->beneath.raised_event = walk->rules.raised_event;
	}
	take_step(walk, rise_by_events, at, -1);
}

static void
version_begins(TierWalk *walk, TimestampTz at, int64 event)
{
	int rank = highest(walk, walk->rules.rank);

	if (rank > walk->rules.rank)
		qualify(walk, at, rank, false, event);
}

/* What a period gives at its end counts as earned in it: it is valid for the one that begins. */
static void
period_ends(TierWalk *walk, TimestampTz at, int64 event)
{
	int rank = highest(walk, walk->rules.rank);

	if (rank > walk->rules.rank)
		qualify(walk, at, rank, true, event);
	else if (walk->rules.rank > 0 && keeps(walk))
		requalify(walk, at, true, event);
}

/* ---- down ---- */

/* Turns from the period that it is in to the one before, and back; what isn't of a period stays. */
static void
look_back(TierWalk *walk)
{
	int128 *values = walk->rules.values;
	int i;

	for (i = 0; i < walk->policy->nmeasures; i++)
		if ((walk->of_period & ((uint32) 1 << i)) == 0)
			walk->last_values[i] = values[i];

	walk->rules.values = walk->last_values;
	walk->last_values = values;
}

/* The highest rank below the one that is lost whose condition holds. */
static int
reached_below(const TierWalk *walk)
{
	int rank;

	for (rank = walk->rules.rank - 1; rank > 0; rank--)
		if (tier_holds(walk, &walk->rung[rank].reach))
			break;
	return rank;
}

/* looks_back: by the measure, it is the better of two periods. */
static void
downgrade(TierWalk *walk, TimestampTz at, TierReason reason, bool looks_back, int64 event)
{
	TierDeciding deciding = deciding_measure(walk, &walk->rules.held->keep, false);
	int rank = 0;

	switch (tier_terms(walk)->rules->downgrade)
	{
		case TIER_TO_MEASURE:
			rank = reached_below(walk);
			if (looks_back)
			{
				look_back(walk);
				rank = Max(rank, reached_below(walk));
				look_back(walk);
			}
			break;
		case TIER_ONE_LEVEL:
			rank = walk->rules.rank - 1;
			break;
		case TIER_TO_ENTRY:
			break;
	}
	set_rule_rank(walk, rank);
	walk->rules.grace_until = DT_NOEND;
	if (rank > 0)
		begin_validity(walk, at, true);
	restart_count(walk, at, event);
	if (walk->apart && !walk->is_beneath && is_better_beneath(walk))
	{
		copy_state(walk, &walk->rules, &walk->beneath);
		walk->apart = false;
	}
	settle(walk, at, reason, deciding, event);
}

static TierReason
lapse_reason(const TierWalk *walk)
{
	return tier_terms(walk)->rules->downgrade == TIER_ONE_LEVEL ? TIER_SOFT_LANDING : TIER_LAPSED;
}

/* The tier is held on; beneath, the step is what it is without grace. */
static void
begin_grace(TierWalk *walk, TimestampTz at, RulesStep step, int64 event)
{
	if (!walk->apart)
	{
		copy_state(walk, &walk->beneath, &walk->rules);
		walk->apart = true;
		step_beneath(walk, step, at, event);
	}
	walk->rules.grace_until = span_end(&tier_terms(walk)->grace, walk->zone, at);
	walk->due = Min(walk->due, walk->rules.grace_until);
}

/* What was promised beyond the end of a period is judged on that period, too: on the better of
 * the last one and the one that runs. */
static void
validity_ends(TierWalk *walk, TimestampTz at, int64 event)
{
	bool looks_back = tier_valid_is_added_to(tier_terms(walk)->rules);
	bool kept;

	if (walk->rules.rank == 0 || walk->rules.valid_over || walk->rules.valid_least > at ||
		tier_valid_until(walk, &walk->rules) != at)
		return;
	kept = keeps(walk);
	if (kept)
		requalify(walk, at, true, event);
	else if (looks_back)
	{
		look_back(walk);
		kept = keeps(walk);
		if (kept)
			requalify(walk, at, true, event);
		look_back(walk);
	}
	if (kept)
		return;
	if (has_grace(walk))
	{
		begin_grace(walk, at, validity_ends, event);
		walk->rules.valid_over = true;
	}
	else
		downgrade(walk, at, lapse_reason(walk), looks_back, event);
}

/* Where tiers are valid while qualified: does keeping hold? */
static void
check_kept(TierWalk *walk, TimestampTz at, int64 event)
{
	while (!keeps(walk))
	{
		if (has_grace(walk))
		{
			if (walk->rules.grace_until == DT_NOEND)
				begin_grace(walk, at, check_kept, event);
			return;
		}
		downgrade(walk, at, lapse_reason(walk), false, event);
	}
	walk->rules.grace_until = DT_NOEND;
}

static void
grace_ends(TierWalk *walk, TimestampTz at, int64 event)
{
	if (walk->rules.grace_until != at)
		return;
	downgrade(walk, at, TIER_GRACE_ENDED, false, event);
	if (tier_while_qualified(walk) && has_grace(walk) && !keeps(walk))
		begin_grace(walk, at, check_kept, event);
}

/* ---- what falls due at an instant ---- */

void
tier_rules_end(TierWalk *walk, TimestampTz at, bool judges_period)
{
	if (judges_period)
		take_step(walk, period_ends, at, -1);
	take_step(walk, validity_ends, at, -1);
	take_step(walk, grace_ends, at, -1);
}

void
tier_rules_begin(TierWalk *walk, TimestampTz at, bool has_version, bool raises)
{
	if (has_version && walk->at_once)
		take_step(walk, version_begins, at, -1);
	if (raises && walk->at_once)
		take_step(walk, rise, at, -1);
	if (tier_while_qualified(walk))
		take_step(walk, check_kept, at, -1);
}

void
tier_rules_check(TierWalk *walk, TimestampTz at, int64 event)
{
	take_step(walk, check_kept, at, event);
}

/* ---- membership and grants ---- */

static TierDeciding
first_measure(const TierWalk *walk)
{
	TierDeciding deciding = { 0 };

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
	walk->rules.since = at - 1;
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
	walk->rung = tier_rungs_at(walk, walk->scale);
	set_rule_rank(walk, 0);
	walk->beneath.held = walk->rung;
	walk->rules.valid_span = NULL;
	walk->rules.valid_known = true;
	walk->rules.valid_least = walk->rules.valid_until = DT_NOEND;
	walk->rules.valid_over = false;
	walk->rules.valid_in = DT_NOBEGIN;
	walk->rules.grace_until = DT_NOEND;
	for (rank = 0; rank < walk->policy->ntiers; rank++)
		walk->granted_until[rank] = DT_NOBEGIN;
	walk->granted_rank = 0;
	walk->nearly = 0;
	walk->rank = walk->is_member ? 0 : TIER_NO_RANK;
	walk->shown_until = DT_NOEND;
	walk->apart = walk->is_beneath = false;
	walk->rules.raised = 0;
}
