/*
 * tier_walk.c
 *		A walk: what comes next, the events of one instant or something that falls due.
 *
 * At one instant things happen in the order of fall_due(), then what ends and begins there
 * (membership, grants), then its events count, all at once.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "core/array.h"
#include "core/json.h"
#include "tiers/tiers_internal.h"

/* Decimals of an amount that is still to be earned, also where all so far are whole. */
#define CENTS			2

/* Events between two looks at interrupts. */
#define INTERRUPT_EVERY 1024

const char *const tier_reason_names[] = { "joined",	 "qualified",	 "requalified",
										  "lapsed",	 "soft landing", "grace ended",
										  "granted", "grant ended" };

/* ---- counting ---- */

static inline void
append_entry(TierWalk *walk, TimestampTz at, int64 value, uint32 measures)
{
	TierEntry *entry;

	if (unlikely(walk->nentries == walk->max_entries))
		walk->entries = array_grow_in(walk->context, walk->entries, &walk->max_entries,
									  walk->nentries + 1, sizeof(TierEntry));
	entry = &walk->entries[walk->nentries++];
	entry->at = at;
	entry->value = value;
	entry->measures = measures;
	if (unlikely(value < 0))
		tier_window_add_negative(walk, at);
	else if (unlikely(tier_while_qualified(walk)))
		walk->due = Min(walk->due, span_least(&walk->window, at));
}

/* An event of a member that counts for some measures, by its kind and label. */
static inline void
count_event(TierWalk *walk, TimestampTz at, int64 value, uint32 measures, int64 event)
{
	TierWindow window = walk->policy->window;
	uint32 carried;
	uint32 raised = 0;
	uint32 left;

	walk->counted_event = event;
	if (unlikely(window == TIER_SINCE_TIER && at <= walk->rules.since))
		return;
	if (walk->has_periods && unlikely(at >= walk->period_end))
		tier_period_enter(walk, at);
	if (value < 0)
		carried = measures & walk->net;
	else
	{
		carried = measures & walk->events;
		if (value > 0)
			carried |= measures & (walk->net | walk->positive);
		raised = carried;
		if (unlikely((measures & walk->days) != 0))
			tier_window_add_days(walk, at, measures & walk->days, &carried, &raised);
	}
	for (left = carried & ~walk->days; left != 0; left &= left - 1)
	{
		int measure = pg_rightmost_one_pos32(left);

		walk->rules.values[measure] += walk->events & ((uint32) 1 << measure) ? 1 : value;
	}
	if (carried == 0)
		return;
	if (unlikely(walk->ends_count && !walk->period_counted))
	{
		walk->period_counted = true;
		walk->due = Min(walk->due, walk->period_end);
	}
	if ((carried & walk->rolling) != 0)
		append_entry(walk, at, value, carried & walk->rolling);
	if (raised != 0)
	{
		walk->rules.raised |= raised;
		walk->rules.raised_event = event;
	}
}

/* What each state counts, where that began at different times. */
static pg_noinline void
count_apart(TierWalk *walk, TimestampTz at, int64 value, uint32 measures, int64 event)
{
	if (walk->apart && walk->policy->window == TIER_SINCE_TIER)
	{
		tier_rules_swap(walk);
		count_event(walk, at, value, measures, event);
		tier_rules_swap(walk);
	}
	count_event(walk, at, value, measures, event);
}

/* ---- making one ---- */

static void
sort_measures(TierWalk *walk)
{
	int i;

	for (i = 0; i < walk->policy->nmeasures; i++)
	{
		const TierMeasure *measure = &walk->policy->measures[i];
		uint32 bit = (uint32) 1 << i;

		if (measure->nkinds == 0)
			walk->of_any_kind |= bit;
		if (measure->window == TIER_ROLLING)
			walk->rolling |= bit;
		else if (tier_is_of_period(measure->window))
			walk->of_period |= bit;
		else
			walk->lasting |= bit;
		if (measure->of == TIER_EVENTS)
			walk->events |= bit;
		else if (measure->of == TIER_DAYS)
			walk->days |= bit;
		else if (measure->positive_only)
			walk->positive |= bit;
		else
			walk->net |= bit;
	}
}

/* The states share values but where they count since the tier began. */
static void
make_values(TierWalk *walk)
{
	int nmeasures = walk->policy->nmeasures;
	int i;

	walk->rules.values = palloc0(nmeasures * sizeof(int128));
	walk->rules.last_days = palloc(nmeasures * TIER_LAST_DAYS * sizeof(TierDay));
	walk->beneath.values = walk->rules.values;
	walk->beneath.last_days = walk->rules.last_days;
	if (walk->policy->window == TIER_SINCE_TIER)
	{
		walk->beneath.values = palloc0(nmeasures * sizeof(int128));
		walk->beneath.last_days = palloc(nmeasures * TIER_LAST_DAYS * sizeof(TierDay));
	}
	for (i = 0; i < nmeasures; i++)
		if (walk->policy->measures[i].rolls && walk->rolled == NULL)
			walk->rolled = palloc0(nmeasures * sizeof(int128));
	for (i = 0; i < walk->policy->nversions; i++)
		if (tier_valid_is_added_to(&walk->policy->versions[i]) && walk->last_values == NULL)
			walk->last_values = palloc0(nmeasures * sizeof(int128));
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
	walk->at_once = !policy->upgrade_at_period_end;
	walk->terms = palloc0(policy->nversions * sizeof(TierTerms));
	for (i = 0; i < policy->nversions; i++)
	{
		const TierVersion *rules = &policy->versions[i];

		walk->terms[i].rules = rules;
		walk->terms[i].starts = zone_day_start(walk->zone, rules->from);
		span_open(&walk->terms[i].valid, &rules->valid_for);
		span_open(&walk->terms[i].grace, &rules->grace);
	}
	walk->rungs = palloc0((DECIMAL_MAX_SCALE + 1) * sizeof(TierRung *));
	sort_measures(walk);
	walk->has_periods = walk->of_period != 0 || tier_is_of_period(policy->window);
	walk->by_calendar = policy->window == TIER_CALENDAR;
	for (i = 0; i < policy->nmeasures; i++)
		walk->by_calendar |= policy->measures[i].window == TIER_CALENDAR;
	walk->may_be_plain = walk->rolling != 0 && policy->nmeasures == 1 && walk->net != 0 &&
						 policy->measures[0].nkinds == 0 && policy->measures[0].nlabels == 0 &&
						 !walk->history;
	for (i = 0; i < policy->nversions; i++)
		if (policy->versions[i].valid == TIER_VALID_WHILE_QUALIFIED)
			walk->may_be_plain = false;
	walk->granted_until = palloc(policy->ntiers * sizeof(TimestampTz));
	make_values(walk);
	walk->ends_count = !walk->at_once || walk->rolled != NULL;
	walk->all_ends_count = !walk->at_once && (walk->rolling | walk->lasting) != 0;
	if (walk->rolling != 0)
		span_open(&walk->window, &policy->rolling);
	if (walk->by_calendar)
	{
		calendar_open(&walk->calendar, policy->period);
		walk->periods = palloc(TIER_PERIOD_SLOTS * sizeof(TierPeriodSlot));
		for (i = 0; i < TIER_PERIOD_SLOTS; i++)
			walk->periods[i].end = DT_NOBEGIN;
	}
	walk->texts =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty tiers", ALLOCSET_SMALL_SIZES);
	tier_walk_texts(walk, NULL, 0, NULL, 0);
	return walk;
}

/* ---- what falls due ---- */

/* The end of a state's validity, if it is before the one and the other limit. */
static inline TimestampTz
end_of_state(const TierWalk *walk, TierState *state, TimestampTz due, TimestampTz before)
{
	if (state->rank == 0 || state->valid_over || state->valid_least >= due)
		return due;
	return state->valid_least < before ? Min(due, tier_valid_until(walk, state))
									   : state->valid_least;
}

/*
 * The next instant at which something falls due, if it is before a limit; else some instant
 * that is not before it. Sets what no instant before needs to be looked at for.
 */
static TimestampTz
next_due(TierWalk *walk, TimestampTz before)
{
	TimestampTz due;
	bool qualified_only;

	if (!walk->is_member)
		return walk->due = walk->member_since;
	qualified_only = tier_while_qualified(walk) && walk->rules.rank > 0;
	due = Min(tier_next_version_at(walk), walk->rules.grace_until);
	if (walk->granted_rank > 0)
		due = Min(due, walk->granted_until[walk->granted_rank]);
	due = end_of_state(walk, &walk->rules, due, before);
	if (unlikely(walk->apart))
	{
		due = end_of_state(walk, &walk->beneath, due, before);
		qualified_only |= tier_while_qualified(walk) && walk->beneath.rank > 0;
	}
	if (walk->has_periods && ((walk->ends_count && walk->period_counted) || qualified_only))
		due = Min(due, walk->period_end);
	if (walk->rolling != 0)
	{
		if (qualified_only)
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
	bool version_begins = tier_rules_come_to(walk, at);
	bool period_begins = false;
	bool raises = false;

	if (walk->rolling != 0)
		raises = tier_window_leave(walk, at);
	if (walk->has_periods && walk->period_end != DT_NOBEGIN)
	{
		tier_window_bring(walk, at - 1);
		period_begins = walk->period_end == at;
	}

	tier_rules_end(walk, at, period_begins && !walk->at_once);
	if (period_begins)
	{
		tier_period_enter(walk, at);
		raises |= walk->has_rolled;
	}
	tier_rules_begin(walk, at, version_begins, raises);
}

/* The measures as they are before the events of an instant, for the history. */
static void
keep_values(TierWalk *walk, TimestampTz at)
{
	walk->value_before = 0;
	if (!walk->history || !walk->is_member)
		return;
	tier_window_bring(walk, at);
	walk->value_before = walk->rules.values[0];
}

/* Membership begins, grants end: what happens at an instant between what falls due and its
 * events, but for grants that begin. */
static void
come_and_go(TierWalk *walk, TimestampTz at)
{
	if (!walk->is_member && walk->member_since <= at)
		tier_rules_join(walk, at);
	if (walk->granted_rank > 0 && walk->granted_until[walk->granted_rank] <= at)
		tier_rules_end_grants(walk, at);
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

static void report_unknown_kind(const TierWalk *walk, const EventText *kind)
	pg_attribute_noreturn();

static void
report_unknown_kind(const TierWalk *walk, const EventText *kind)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("kind \"%.*s%s\" is not in the tier policy", JSON_SHOWN(kind->bytes, kind->len)),
		 walk->customer != NULL ? errdetail("Customer %s.", walk->customer) : 0,
		 errhint("A metric without \"kinds\" counts events without a kind, and of the kinds "
				 "\"purchase\" and \"return\". Name in \"kinds\" what a metric counts, or leave "
				 "other kinds out with \"other_kinds\": \"ignore\".")));
}

/* What isn't just counted: a return lowers what is counted of any kind, whatever its sign. */
static pg_noinline void
count_otherwise(TierWalk *walk, const TierEvent *event, uint32 measures)
{
	int64 value = event->has_value ? event->value : 0;
	uint32 of_any = event->kind_no == walk->return_no ? measures & walk->of_any_kind : 0;

	if ((of_any & walk->net) != 0)
		count_apart(walk, walk->now, value > 0 ? -value : value, of_any & walk->net, event->number);
	if ((measures & ~of_any) != 0)
		count_apart(walk, walk->now, value, measures & ~of_any, event->number);
	walk->counted_event = event->number;
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
		tier_rules_join(walk, walk->now);
	if (walk->is_member)
	{
		tier_rules_grant(walk, walk->now, rank, event->expires_at, event->number);
		return;
	}
	walk->early = array_grow_in(walk->context, walk->early, &walk->max_early, walk->nearly + 1,
								sizeof(TierEarlyGrant));
	walk->early[walk->nearly].rank = rank;
	walk->early[walk->nearly].until = event->expires_at;
	walk->early[walk->nearly].event = event->number;
	walk->nearly++;
}

/* Inline: every event of a timeline comes here. */
static inline void
take_event(TierWalk *walk, const TierEvent *event)
{
	uint32 measures =
		walk->measures_of_kind[event->kind_no] & walk->measures_of_label[event->label_no];

	if (unlikely(event->kind_no == walk->grant_no))
		take_grant(walk, event);
	else if (likely(measures != 0))
	{
		if (walk->now < walk->member_since || event->kind_no == walk->join_no)
			return;
		if (unlikely(walk->apart || event->kind_no == walk->return_no))
			count_otherwise(walk, event, measures);
		else
			count_event(walk, walk->now, event->has_value ? event->value : 0, measures,
						event->number);
	}
	else if (unlikely(walk->is_unknown[event->kind_no]) && !walk->policy->ignores_others)
		report_unknown_kind(walk, &walk->reader.kinds[event->kind_no - 1]);
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
	walk->rules.raised = 0;
	if (unlikely(walk->apart))
		walk->beneath.raised = 0;
	walk->counted_event = -1;
	if (walk->history)
		keep_values(walk, at);
}

/* Can what was raised at an instant mean anything? */
static inline bool
may_rise(const TierWalk *walk)
{
	if (unlikely(walk->apart))
		return walk->at_once && (walk->rules.raised | walk->beneath.raised) != 0;
	return walk->rules.raised != 0 && walk->at_once &&
		   walk->rules.values[0] >= walk->rules.held->moves;
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
	if (may_rise(walk))
		tier_rules_rise(walk, at, walk->rules.raised_event);
	if (unlikely(tier_while_qualified(walk)))
		tier_rules_check(walk, at, walk->counted_event);
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
	Assert(scale >= 0 && scale <= DECIMAL_MAX_SCALE);
	walk->customer = customer;
	walk->scale = walk->amount_scale = scale;
	walk->member_since = member_since;
	walk->join_event = join_event;
	walk->is_member = member_since == DT_NOBEGIN;
	walk->now = walk->due = DT_NOBEGIN;
	walk->value_before = 0;
	tier_rules_start(walk);
	if (walk->has_periods && !walk->by_calendar && !TIMESTAMP_NOT_FINITE(member_since))
		walk->joined_day = zone_day(walk->zone, member_since);
	tier_window_clear(walk);
}

/* Which measures count events with each of these texts. */
static void
number_texts(TierWalk *walk, const EventText *texts, int ntexts, bool are_kinds, uint32 *measures)
{
	const TierPolicy *policy = walk->policy;
	int i;
	int n;

	for (n = 0; n <= ntexts; n++)
		measures[n] = 0;
	for (i = 0; i < policy->nmeasures; i++)
	{
		const TierMeasure *measure = &policy->measures[i];
		const EventText *counted = are_kinds ? measure->kinds : measure->labels;
		int ncounted = are_kinds ? measure->nkinds : measure->nlabels;

		for (n = 0; n <= ntexts; n++)
			if (ncounted == 0 ||
				(n > 0 && event_text_find(&texts[n - 1], counted, ncounted) != NULL))
				measures[n] |= (uint32) 1 << i;
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
	walk->measures_of_kind = array_grow_in(walk->context, walk->measures_of_kind, &walk->max_kinds,
										   nkinds + 1, sizeof(uint32));
	walk->is_unknown = array_grow_in(walk->context, walk->is_unknown, &walk->max_unknown,
									 nkinds + 1, sizeof(bool));
	walk->measures_of_label = array_grow_in(walk->context, walk->measures_of_label,
											&walk->max_labels, nlabels + 1, sizeof(uint32));
	number_texts(walk, kinds, nkinds, true, walk->measures_of_kind);
	number_texts(walk, labels, nlabels, false, walk->measures_of_label);
	memset(walk->is_unknown, 0, (nkinds + 1) * sizeof(bool));
	walk->join_no = number_of(&walk->policy->join_kind, kinds, nkinds);
	walk->grant_no = number_of(&walk->policy->grant_kind, kinds, nkinds);
	walk->return_no = -1;
	walk->labels = labels;
	walk->has_texts = nkinds > 0 || nlabels > 0;
}

/* ---- a timeline ---- */

static const EventText purchase_kind = EVENT_TEXT("purchase");
static const EventText return_kind = EVENT_TEXT("return");

static bool
is_fact(const TierPolicy *policy, const EventText *kind)
{
	return event_text_compare(kind, &policy->join_kind) == 0 ||
		   event_text_compare(kind, &policy->grant_kind) == 0;
}

/* Some measure counts events of any kind: is it one that none knows? */
static bool
is_unknown_kind(const TierWalk *walk, const EventText *kind)
{
	const TierPolicy *policy = walk->policy;
	int i;

	if (event_text_compare(kind, &purchase_kind) == 0 ||
		event_text_compare(kind, &return_kind) == 0 || is_fact(policy, kind))
		return false;
	for (i = 0; i < policy->nmeasures; i++)
		if (event_text_find(kind, policy->measures[i].kinds, policy->measures[i].nkinds) != NULL)
			return false;
	return true;
}

/*
 * What a measure without kinds counts of a timeline: purchases and returns. (Who feeds a walk has
 * decided what counts.)
 */
static void
sort_kinds(TierWalk *walk)
{
	const TimelineReader *reader = &walk->reader;
	int n;

	if (walk->of_any_kind == 0)
		return;
	for (n = 1; n <= reader->nkinds; n++)
	{
		const EventText *kind = &reader->kinds[n - 1];

		if (event_text_compare(kind, &purchase_kind) == 0)
			continue;
		if (event_text_compare(kind, &return_kind) == 0)
			walk->return_no = n;
		else
		{
			walk->measures_of_kind[n] &= ~walk->of_any_kind;
			walk->is_unknown[n] = is_unknown_kind(walk, kind);
		}
		CHECK_FOR_INTERRUPTS();
	}
}

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
	int join_no = walk->join_no;
	TimelineReader ahead = walk->reader;
	Event event;

	for (*number = 0; timeline_next(&ahead, &event); (*number)++)
	{
		if (join_no < 0 ? !(walk->policy->ignores_others && walk->is_unknown[event.kind_no])
						: event.kind_no == join_no)
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
	/* most have none, and what that means stays the same */
	if (walk->has_texts || walk->reader.nkinds > 0 || walk->reader.nlabels > 0)
	{
		tier_walk_texts(walk, walk->reader.kinds, walk->reader.nkinds, walk->reader.labels,
						walk->reader.nlabels);
		sort_kinds(walk);
	}
	member_since = find_join(walk, &join_event);
	tier_walk_start(walk, walk->reader.scale, member_since, join_event, customer);
	walk->amount_scale = Max(walk->scale, CENTS);
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

		walk->rules.values[0] += value;
		if (value > 0)
			raised_by = walk->next.number;
		append_entry(walk, at, value, 1);
		read_next(walk);
		if (unlikely(walk->next.number % INTERRUPT_EVERY == 0))
			CHECK_FOR_INTERRUPTS();
	} while (walk->has_next && walk->next_at == at);
	if (raised_by < 0)
		return;
	if (unlikely(walk->apart))
	{
		walk->rules.raised = 1;
		walk->rules.raised_event = raised_by;
	}
	else if (walk->rules.values[0] < walk->rules.held->moves)
		return;
	tier_rules_rise(walk, at, raised_by);
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
