/*
 * tier_walk.c
 *		A walk: what comes next, the events of one instant or something that falls due.
 *
 * At one instant things happen in the order of fall_due(), then what ends and begins there
 * (membership, grants), then its events count, all at once.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/json.h"
#include "tiers/tier_count.h"

#define FIRST_ENTRIES	16

/* Events between two looks at interrupts. */
#define INTERRUPT_EVERY 1024

const char *const tier_reason_names[] = { "joined",	 "qualified",	 "requalified",
										  "lapsed",	 "soft landing", "grace ended",
										  "granted", "grant ended" };

/* ---- making one ---- */

static void
sort_metrics(TierWalk *walk)
{
	int i;

	for (i = 0; i < walk->policy->nmetrics; i++)
	{
		const TierMetric *metric = &walk->policy->metrics[i];
		uint32 bit = (uint32) 1 << i;

		if (metric->of == TIER_EVENTS)
			walk->events |= bit;
		else if (metric->of == TIER_DAYS)
			walk->days |= bit;
		else if (metric->positive_only)
			walk->positive |= bit;
		else
			walk->net |= bit;
	}
}

TierWalk *
tier_walk_create(const TierPolicy *policy, int flags, TierSink sink, void *context)
{
	TierWalk *walk = palloc0(sizeof(TierWalk));
	int i;

	walk->policy = policy;
	walk->zone = tier_policy_zone(policy);
	walk->history = (flags & TIER_WALK_HISTORY) != 0;
	walk->sink = sink;
	walk->sink_context = context;
	walk->context = CurrentMemoryContext;
	walk->has_periods = policy->window == TIER_CALENDAR || policy->window == TIER_MEMBERSHIP_YEAR;
	walk->at_once = !policy->upgrade_at_period_end;
	walk->terms = palloc0(policy->nversions * sizeof(TierTerms));
	for (i = 0; i < policy->nversions; i++)
	{
		const TierVersion *rules = &policy->versions[i];

		walk->terms[i].rules = rules;
		walk->terms[i].starts = zone_day_start(walk->zone, rules->from);
		tier_span_open(&walk->terms[i].valid, &rules->valid_for);
		tier_span_open(&walk->terms[i].grace, &rules->grace);
	}
	walk->rungs = palloc0((DECIMAL_MAX_SCALE + 1) * sizeof(TierRung *));
	sort_metrics(walk);
	walk->may_be_plain = policy->window == TIER_ROLLING && policy->nmetrics == 1 &&
						 walk->net != 0 && policy->metrics[0].nkinds == 0 &&
						 policy->metrics[0].nlabels == 0 && !walk->history;
	for (i = 0; i < policy->nversions; i++)
		if (policy->versions[i].valid == TIER_VALID_WHILE_QUALIFIED)
			walk->may_be_plain = false;
	walk->granted_until = palloc(policy->ntiers * sizeof(TimestampTz));
	walk->values = palloc0(policy->nmetrics * sizeof(int128));
	walk->last_days = palloc(policy->nmetrics * TIER_LAST_DAYS * sizeof(TierDay));
	if (policy->window == TIER_ROLLING)
		tier_span_open(&walk->window, &policy->rolling);
	else if (policy->window == TIER_CALENDAR)
	{
		calendar_open(&walk->calendar, policy->period);
		walk->periods = palloc(TIER_PERIOD_SLOTS * sizeof(TierPeriodSlot));
		for (i = 0; i < TIER_PERIOD_SLOTS; i++)
			walk->periods[i].end = DT_NOBEGIN;
	}
	walk->max_entries = walk->max_negatives = FIRST_ENTRIES;
	walk->near.size = walk->near_negatives.size = FIRST_ENTRIES;
	walk->entries = palloc(FIRST_ENTRIES * sizeof(TierEntry));
	walk->negatives = palloc(FIRST_ENTRIES * sizeof(TimestampTz));
	walk->near.ends = palloc(FIRST_ENTRIES * sizeof(TierEnd));
	walk->near_negatives.ends = palloc(FIRST_ENTRIES * sizeof(TierEnd));
	walk->max_early = walk->max_kinds = walk->max_labels = FIRST_ENTRIES;
	walk->early = palloc(FIRST_ENTRIES * sizeof(TierEarlyGrant));
	walk->kind_metrics = palloc(FIRST_ENTRIES * sizeof(uint32));
	walk->label_metrics = palloc(FIRST_ENTRIES * sizeof(uint32));
	walk->texts =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty tiers", ALLOCSET_SMALL_SIZES);
	tier_walk_texts(walk, NULL, 0, NULL, 0);
	return walk;
}

/* ---- what falls due ---- */

/*
 * The next instant at which something falls due, if it is before a limit; else some instant
 * that is not before it. Sets what no instant before needs to be looked at for.
 */
static TimestampTz
next_due(TierWalk *walk, TimestampTz before)
{
	TimestampTz due;
	bool while_qualified;

	if (!walk->is_member)
		return walk->due = walk->member_since;
	while_qualified = tier_while_qualified(walk) && walk->rule_rank > 0;
	due = Min(tier_next_version_at(walk), walk->grace_until);
	if (walk->granted_rank > 0)
		due = Min(due, walk->granted_until[walk->granted_rank]);
	if (walk->rule_rank > 0 && !walk->valid_over && walk->valid_least < due)
		due = walk->valid_least < before ? Min(due, tier_valid_until(walk)) : walk->valid_least;
	if (walk->has_periods && ((!walk->at_once && walk->period_counted) || while_qualified))
		due = Min(due, walk->period_end);
	if (walk->policy->window == TIER_ROLLING)
	{
		if (while_qualified)
			due = Min(due, tier_window_next_end(walk, Min(due, before)));
		else if (walk->nnegatives > 0)
			due = Min(due, tier_window_next_negative_end(walk, Min(due, before)));
	}
	return walk->due = due;
}

/* What happens at an instant before its events, in this order. */
static void
fall_due(TierWalk *walk, TimestampTz at)
{
	bool version_begins = false;
	bool period_begins = false;
	bool negative_left = false;

	for (; tier_next_version_at(walk) <= at; version_begins = true)
		tier_next_version(walk);
	if (walk->policy->window == TIER_ROLLING)
		negative_left = tier_window_leave(walk, at);
	else if (walk->has_periods && walk->period_end != DT_NOBEGIN)
	{
		tier_window_bring(walk, at - 1);
		period_begins = walk->period_end == at;
	}

	/* judged on the period that has ended, if one has */
	if (period_begins && !walk->at_once)
		tier_judge_period(walk, at);
	if (walk->rule_rank > 0 && !walk->valid_over && walk->valid_least <= at &&
		tier_valid_until(walk) == at)
		tier_validity_ends(walk, at);
	if (walk->grace_until == at)
		tier_grace_ends(walk, at);

	if (period_begins)
		tier_period_enter(walk, at);
	if (version_begins && walk->at_once)
	{
		int rank = tier_highest(walk, walk->rule_rank);

		if (rank > walk->rule_rank)
			tier_qualify(walk, at, rank, -1);
	}
	if (negative_left && walk->at_once)
		tier_rise(walk, at, -1);
	if (tier_while_qualified(walk))
		tier_check_kept(walk, at, -1);
}

/* The metrics as they are before the events of an instant, for the history. */
static void
keep_values(TierWalk *walk, TimestampTz at)
{
	walk->value_before = 0;
	if (!walk->history || !walk->is_member)
		return;
	tier_window_bring(walk, at);
	walk->value_before = walk->values[0];
}

/* Membership begins, grants end: what happens at an instant between what falls due and its
 * events, but for grants that begin. */
static void
come_and_go(TierWalk *walk, TimestampTz at)
{
	if (!walk->is_member && walk->member_since <= at)
		tier_join(walk, at);
	if (walk->granted_rank > 0 && walk->granted_until[walk->granted_rank] <= at)
		tier_end_grants(walk, at);
}

static void
run_due(TierWalk *walk, TimestampTz before)
{
	TimestampTz at;

	while ((at = next_due(walk, before)) < before)
	{
		walk->now = at;
		if (walk->is_member)
			fall_due(walk, at);
		keep_values(walk, at);
		come_and_go(walk, at);
		CHECK_FOR_INTERRUPTS();
	}
}

void
tier_walk_until(TierWalk *walk, TimestampTz before)
{
	if (before > walk->due)
		run_due(walk, before);
	walk->now = Max(walk->now, before - 1);
}

/* ---- the events of an instant ---- */

static void report_unknown_tier(const TierWalk *walk, const EventText *name)
	pg_attribute_noreturn();

static void
report_unknown_tier(const TierWalk *walk, const EventText *name)
{
	StringInfoData known;
	int rank;

	initStringInfo(&known);
	for (rank = 0; rank < walk->policy->ntiers; rank++)
		appendStringInfo(&known, "%s\"%s\"", rank > 0 ? ", " : "", walk->policy->tiers[rank]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 name == NULL ? errmsg("a grant has no label, which names its tier")
						  : errmsg("a grant is of a tier that isn't in the policy: \"%.*s%s\"",
								   JSON_SHOWN(name->bytes, name->len)),
			 walk->customer != NULL ? errdetail("Customer %s.", walk->customer) : 0,
			 errhint("Tiers of the policy: %s.", known.data)));
}

/* A grant begins at its instant, or with membership. */
static void
take_grant(TierWalk *walk, const TierEvent *event)
{
	const EventText *label = event->label_no > 0 ? &walk->labels[event->label_no - 1] : NULL;
	int rank = label != NULL ? tier_rank_of(walk->policy, label->bytes, label->len) : TIER_NO_RANK;

	if (rank == TIER_NO_RANK)
		report_unknown_tier(walk, label);
	if (!walk->is_member && walk->member_since <= walk->now)
		tier_join(walk, walk->now);
	if (walk->is_member)
	{
		tier_grant(walk, walk->now, rank, event->expires_at, event->number);
		return;
	}
	if (walk->nearly == walk->max_early)
	{
		walk->max_early *= 2;
		walk->early = repalloc_huge(walk->early, walk->max_early * sizeof(TierEarlyGrant));
	}
	walk->early[walk->nearly].rank = rank;
	walk->early[walk->nearly].until = event->expires_at;
	walk->early[walk->nearly].event = event->number;
	walk->nearly++;
}

/* Inline: every event of a timeline comes here. */
static inline void
take_event(TierWalk *walk, const TierEvent *event)
{
	uint32 metrics = walk->kind_metrics[event->kind_no] & walk->label_metrics[event->label_no];

	if (unlikely(event->kind_no == walk->grant_no))
		take_grant(walk, event);
	else if (metrics != 0 && walk->now >= walk->member_since && event->kind_no != walk->join_no)
		tier_count(walk, walk->now, event->has_value ? event->value : 0, metrics, event->number);
}

static inline void
begin_instant(TierWalk *walk, TimestampTz at)
{
	if (unlikely(at >= walk->due))
	{
		run_due(walk, at);
		if (walk->is_member && next_due(walk, at + 1) == at)
			fall_due(walk, at);
	}
	walk->now = at;
	walk->raised = 0;
	walk->counted_event = -1;
	if (walk->history)
		keep_values(walk, at);
}

static inline void
end_instant(TierWalk *walk)
{
	TimestampTz at = walk->now;

	if (unlikely(!walk->is_member || walk->granted_rank > 0))
	{
		come_and_go(walk, at);
		if (!walk->is_member)
			return;
	}
	if (walk->raised != 0 && walk->at_once && walk->values[0] >= walk->held->moves)
		tier_rise(walk, at, walk->raised_event);
	if (unlikely(tier_while_qualified(walk)))
		tier_check_kept(walk, at, walk->counted_event);
}

void
tier_walk_begin(TierWalk *walk, TimestampTz at)
{
	begin_instant(walk, at);
}

void
tier_walk_event(TierWalk *walk, const TierEvent *event)
{
	take_event(walk, event);
}

void
tier_walk_end(TierWalk *walk)
{
	end_instant(walk);
}

/* ---- a customer ---- */

void
tier_walk_start(TierWalk *walk, int scale, TimestampTz member_since, int64 join_event,
				const char *customer)
{
	int rank;

	Assert(scale >= 0 && scale <= DECIMAL_MAX_SCALE);
	walk->customer = customer;
	walk->scale = scale;
	walk->rung = tier_rungs(walk, scale);
	walk->member_since = member_since;
	walk->join_event = join_event;
	walk->is_member = member_since == DT_NOBEGIN;
	walk->now = walk->due = DT_NOBEGIN;
	walk->term = walk->terms;
	tier_set_rule_rank(walk, 0);
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
	walk->value_before = 0;
	if (walk->policy->window == TIER_MEMBERSHIP_YEAR && !TIMESTAMP_NOT_FINITE(member_since))
		walk->joined_day = zone_day(walk->zone, member_since);
	tier_window_clear(walk);
}

/* Which metrics count events with each of these texts. */
static void
number_texts(TierWalk *walk, const EventText *texts, int ntexts, bool are_kinds, uint32 *metrics)
{
	const TierPolicy *policy = walk->policy;
	int i;
	int n;

	for (n = 0; n <= ntexts; n++)
		metrics[n] = 0;
	for (i = 0; i < policy->nmetrics; i++)
	{
		const TierMetric *metric = &policy->metrics[i];
		const EventText *counted = are_kinds ? metric->kinds : metric->labels;
		int ncounted = are_kinds ? metric->nkinds : metric->nlabels;

		for (n = 0; n <= ntexts; n++)
			if (ncounted == 0 ||
				(n > 0 && event_text_find(&texts[n - 1], counted, ncounted) != NULL))
				metrics[n] |= (uint32) 1 << i;
		CHECK_FOR_INTERRUPTS();
	}
}

/* The number of a text; -1: it isn't there. */
static int
number_of(const EventText *text, const EventText *texts, int ntexts)
{
	int n;

	for (n = 0; n < ntexts; n++)
		if (event_text_compare(text, &texts[n]) == 0)
			return n + 1;
	return -1;
}

void
tier_walk_texts(TierWalk *walk, const EventText *kinds, int nkinds, const EventText *labels,
				int nlabels)
{
	if (walk->max_kinds <= nkinds)
	{
		walk->max_kinds = nkinds + 1;
		walk->kind_metrics = repalloc_huge(walk->kind_metrics, walk->max_kinds * sizeof(uint32));
	}
	if (walk->max_labels <= nlabels)
	{
		walk->max_labels = nlabels + 1;
		walk->label_metrics = repalloc_huge(walk->label_metrics, walk->max_labels * sizeof(uint32));
	}
	number_texts(walk, kinds, nkinds, true, walk->kind_metrics);
	number_texts(walk, labels, nlabels, false, walk->label_metrics);
	walk->join_no = number_of(&walk->policy->join_kind, kinds, nkinds);
	walk->grant_no = number_of(&walk->policy->grant_kind, kinds, nkinds);
	walk->labels = labels;
	walk->has_texts = nkinds > 0 || nlabels > 0;
}

/* ---- a timeline ---- */

static inline void
read_next(TierWalk *walk)
{
	TimelineReader *reader = &walk->reader;
	TierEvent *next = &walk->next;
	Event event;

	if (reader->left == 0)
	{
		walk->has_next = false;
		return;
	}
	next->number++;
	if (likely((reader->flags & TIMELINE_RICH) == 0))
	{
		reader->left--;
		walk->next_at = timeline_read_instant(reader);
		next->has_value =
			(reader->flags & TIMELINE_HAS_VALUES) && timeline_read_value(reader, &next->value);
		return;
	}
	(void) timeline_next(reader, &event);
	walk->next_at = event.at;
	next->kind_no = event.kind_no;
	next->label_no = event.label_no;
	next->has_value = event.has_value;
	next->value = event.value;
	next->expires_at = event.has_expiry ? event.expires_at : DT_NOEND;
}

/* When membership begins, and with which event. */
static TimestampTz
find_join(TierWalk *walk, int64 *number)
{
	int join_no = number_of(&walk->policy->join_kind, walk->reader.kinds, walk->reader.nkinds);
	TimelineReader ahead = walk->reader;
	Event event;

	for (*number = 0; timeline_next(&ahead, &event); (*number)++)
	{
		if (join_no < 0 || event.kind_no == join_no)
			return event.at;
		if (*number % INTERRUPT_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
	}
	return DT_NOBEGIN;
}

void
tier_walk_timeline(TierWalk *walk, ByteSpan body, const char *customer)
{
	MemoryContext caller;
	TimestampTz member_since;
	int64 join_event;

	if (walk->has_texts)
		MemoryContextReset(walk->texts);
	caller = MemoryContextSwitchTo(walk->texts);
	timeline_open(&walk->reader, body.bytes, body.len);
	MemoryContextSwitchTo(caller);
	member_since = find_join(walk, &join_event);
	tier_walk_start(walk, walk->reader.scale, member_since, join_event, customer);
	/* most have none, and what that means stays the same */
	if (walk->has_texts || walk->reader.nkinds > 0 || walk->reader.nlabels > 0)
		tier_walk_texts(walk, walk->reader.kinds, walk->reader.nkinds, walk->reader.labels,
						walk->reader.nlabels);
	walk->plain = walk->may_be_plain && (walk->reader.flags & TIMELINE_RICH) == 0;
	memset(&walk->next, 0, sizeof(TierEvent));
	walk->next.number = -1;
	walk->has_next = true;
	read_next(walk);
}

/*
 * Takes the events of the next instant where nothing falls due at it, and where all they can do
 * is add to the only sum, and raise the tier by it.
 */
static inline void
take_plain_instant(TierWalk *walk, TimestampTz at)
{
	int64 raised_by = -1;

	do
	{
		int64 value = walk->next.has_value ? walk->next.value : 0;

		walk->values[0] += value;
		if (value > 0)
			raised_by = walk->next.number;
		tier_append_entry(walk, at, value, 1);
		read_next(walk);
		if (unlikely(walk->next.number % INTERRUPT_EVERY == 0))
			CHECK_FOR_INTERRUPTS();
	} while (walk->has_next && walk->next_at == at);
	if (raised_by >= 0 && walk->values[0] >= walk->held->moves)
		tier_rise(walk, at, raised_by);
}

void
tier_walk_to(TierWalk *walk, TimestampTz before)
{
	while (walk->has_next && walk->next_at < before)
	{
		TimestampTz at = walk->next_at;

		if (walk->plain && at < walk->due)
		{
			take_plain_instant(walk, at);
			continue;
		}
		begin_instant(walk, at);
		do
		{
			take_event(walk, &walk->next);
			read_next(walk);
			if (unlikely(walk->next.number % INTERRUPT_EVERY == 0))
				CHECK_FOR_INTERRUPTS();
		} while (walk->has_next && walk->next_at == at);
		end_instant(walk);
	}
	tier_walk_until(walk, before);
}

void
tier_walk_close(TierWalk *walk)
{
	walk->has_next = false;
}
