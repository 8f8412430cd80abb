/*
 * earn_walk.c
 *		A walk: membership and birth, the events of one instant by their roles, and what
 *		comes out.
 *
 * At one instant things happen in this order: what time gives, payments with points (they
 * count for all lines of their instant), joining, referrals, purchases, returns, redemptions.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "earn/earn_state.h"

/* Events between two looks at interrupts. */
#define INTERRUPT_EVERY 1024

const char *const earn_entry_names[] = { "earn", "return", "bonus", "redeem" };

void
earn_report_out_of_range(const EarnWalk *walk)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("points are out of range"),
			 walk->customer != NULL ? errdetail("Customer %s.", walk->customer) : 0,
			 errhint("Amounts and rates with fewer decimals leave room for larger numbers.")));
}

/* ---- making one ---- */

/* Numbers the multipliers of all versions; those that several versions share, once. */
static void
number_rules(EarnWalk *walk)
{
	const EarnPolicy *policy = walk->policy;
	int64 count = 0;
	int v;
	int i;

	for (v = 0; v < policy->nversions; v++)
		count += policy->versions[v].nrules;
	walk->rules = palloc_extended((count + 1) * sizeof(EarnRule *), MCXT_ALLOC_HUGE);
	for (v = 0; v < policy->nversions; v++)
	{
		const EarnVersion *version = &policy->versions[v];
		EarnTerms *terms = &walk->terms[v];

		if (v > 0 && version->rules == version[-1].rules)
		{
			terms->first_rule = terms[-1].first_rule;
			continue;
		}
		terms->first_rule = walk->nrules;
		for (i = 0; i < version->nrules; i++)
		{
			walk->rules[walk->nrules++] = &version->rules[i];
			walk->has_labels |= version->rules[i].nlabels > 0;
		}
	}
}

/* What of a version's terms doesn't depend on the scale of values. */
static void
open_terms(EarnWalk *walk, EarnTerms *terms)
{
	const EarnVersion *rules = terms->rules;
	int span;
	int i;

	terms->unit = decimal_power[walk->policy->scale - rules->decimals];
	earn_scale_caps(walk->policy, &rules->caps, terms->caps);
	for (span = EARN_DAY; span < EARN_SPANS; span++)
		walk->counts_all |= terms->caps[span] >= 0;
	terms->capped = palloc((rules->nrules + 1) * sizeof(int));
	terms->capped_caps = palloc((rules->nrules + 1) * EARN_SPANS * sizeof(int64));
	for (i = 0; i < rules->nrules; i++)
	{
		if (rules->rules[i].counter < 0)
			continue;
		earn_scale_caps(walk->policy, &rules->rules[i].cap,
						&terms->capped_caps[terms->ncapped * EARN_SPANS]);
		terms->capped[terms->ncapped++] = i;
	}
}

EarnWalk *
earn_walk_create(const EarnPolicy *policy, int flags, EarnSink sink, void *context)
{
	EarnWalk *walk = palloc0(sizeof(EarnWalk));
	int i;

	walk->policy = policy;
	walk->sink = sink;
	walk->sink_context = context;
	walk->context = CurrentMemoryContext;
	ref_table_init(&walk->ref_numbers, walk->context);
	walk->scale = -1;
	if (flags & EARN_WALK_EXPLAIN)
		walk->note = makeStringInfo();
	walk->terms =
		palloc_extended(policy->nversions * sizeof(EarnTerms), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < policy->nversions; i++)
	{
		walk->terms[i].rules = &policy->versions[i];
		open_terms(walk, &walk->terms[i]);
		CHECK_FOR_INTERRUPTS();
	}
	number_rules(walk);
	walk->counters = palloc_extended(policy->ncounters * sizeof(EarnCounter), MCXT_ALLOC_HUGE);
	return walk;
}

void
earn_walk_ignore(EarnWalk *walk, const EventText *kind)
{
	walk->ignored = kind;
}

void
earn_walk_tiers(EarnWalk *walk, const EventText *tiers, int ntiers)
{
	int64 needed = (int64) walk->nrules * ntiers;
	int rule;
	int i;

	walk->rule_tiers =
		array_grow_in(walk->context, walk->rule_tiers, &walk->max_rule_tiers, needed, sizeof(bool));
	walk->ntiers = ntiers;
	for (rule = 0; rule < walk->nrules; rule++)
		for (i = 0; i < ntiers; i++)
			walk->rule_tiers[(int64) rule * ntiers + i] =
				event_text_find(&tiers[i], walk->rules[rule]->tiers, walk->rules[rule]->ntiers) !=
				NULL;
}

/* ---- a customer ---- */

/* Which multipliers are for which of his labels; number 0 is none. */
static void
number_labels(EarnWalk *walk, const EventText *labels, int nlabels)
{
	int64 needed = (int64) walk->nrules * (nlabels + 1);
	int rule;
	int i;

	walk->nlabels = nlabels;
	if (!walk->has_labels)
		return;
	walk->rule_labels = array_grow_in(walk->context, walk->rule_labels, &walk->max_rule_labels,
									  needed, sizeof(bool));
	for (rule = 0; rule < walk->nrules; rule++)
	{
		bool *holds = &walk->rule_labels[(int64) rule * (nlabels + 1)];

		holds[0] = false;
		for (i = 0; i < nlabels; i++)
			holds[i + 1] = event_text_find(&labels[i], walk->rules[rule]->labels,
										   walk->rules[rule]->nlabels) != NULL;
		CHECK_FOR_INTERRUPTS();
	}
}

EarnRole
earn_role_of_kind(const EarnPolicy *policy, const EventText *kind)
{
	int low = 0;
	int high = policy->nkinds;

	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = event_text_compare(&policy->kinds[middle].kind, kind);

		if (order == 0)
			return policy->kinds[middle].role;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return EARN_BY_SIGN;
}

/* Sets the roles of his kinds; which of them occur. */
static uint32
number_kinds(EarnWalk *walk, const EventText *kinds, int nkinds)
{
	uint32 roles = EARN_ROLE_BIT(EARN_BY_SIGN);
	int i;

	walk->roles = array_grow_in(walk->context, walk->roles, &walk->max_kinds, (int64) nkinds + 1,
								sizeof(EarnRole));
	walk->roles[0] = EARN_BY_SIGN;
	for (i = 0; i < nkinds; i++)
	{
		if (walk->ignored != NULL && event_text_compare(&kinds[i], walk->ignored) == 0)
			walk->roles[i + 1] = EARN_IGNORE;
		else
			walk->roles[i + 1] = earn_role_of_kind(walk->policy, &kinds[i]);
		roles |= EARN_ROLE_BIT(walk->roles[i + 1]);
	}
	return roles;
}

/* Membership begins with the first event that joins, else with the first that isn't just a
 * fact; birth is told by the first event that does. */
static void
find_facts(EarnWalk *walk, const TimelineReader *reader, uint32 roles)
{
	uint32 facts = EARN_ROLE_BIT(EARN_BIRTH) | EARN_ROLE_BIT(EARN_IGNORE);
	TimelineReader ahead = *reader;
	bool has_birth = (roles & EARN_ROLE_BIT(EARN_BIRTH)) != 0;
	int64 read = 0;
	Event event;

	walk->member_since = DT_NOEND;
	walk->birth = DATEVAL_NOEND;
	walk->joins = false;
	while (timeline_next(&ahead, &event))
	{
		EarnRole role = walk->roles[event.kind_no];

		if (role == EARN_JOIN && !walk->joins)
		{
			walk->joins = true;
			walk->member_since = event.at;
		}
		else if (walk->member_since == DT_NOEND && (EARN_ROLE_BIT(role) & facts) == 0)
			walk->member_since = event.at;
		else if (role == EARN_BIRTH && walk->birth == DATEVAL_NOEND)
			walk->birth = zone_day(walk->zone, event.at);
		if ((walk->joins || (roles & EARN_ROLE_BIT(EARN_JOIN)) == 0) &&
			walk->member_since != DT_NOEND && (!has_birth || walk->birth != DATEVAL_NOEND))
			break;
		if (++read % INTERRUPT_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
	}
}

static void
start_customer(EarnWalk *walk, int scale, const char *customer)
{
	walk->customer = customer;
	earn_prepare(walk, scale);
	walk->zone = walk->policy->zone != NULL ? walk->policy->zone : zone_of_session();
	walk->norders = 0;
	walk->tier = EARN_NO_TIER;
	earn_counters_clear(walk);
	earn_forget_orders(walk);
	if (walk->note != NULL)
		resetStringInfo(walk->note);
}

void
earn_walk_start(EarnWalk *walk, const TimelineReader *reader, const char *customer)
{
	start_customer(walk, reader->scale, customer);
	number_labels(walk, reader->labels, reader->nlabels);
	find_facts(walk, reader, number_kinds(walk, reader->kinds, reader->nkinds));
	walk->joined = false;
	earn_start_years(walk);
}

/* ---- instants ---- */

static void
come_to(EarnWalk *walk, TimestampTz at)
{
	walk->now = at;
	walk->today = zone_day(walk->zone, at);
	walk->has_keys = false;
	walk->has_time = true;
	walk->time = -1;
	walk->tier = EARN_NO_TIER;
}

void
earn_emit(EarnWalk *walk, EarnEntry *entry)
{
	if (entry->points != 0 || walk->note != NULL)
	{
		entry->at = walk->now;
		entry->explanation = walk->note != NULL ? walk->note->data : NULL;
		walk->sink(walk->sink_context, walk, entry);
	}
	if (walk->note != NULL)
		resetStringInfo(walk->note);
}

TimestampTz
earn_walk_next_due(const EarnWalk *walk)
{
	return Min(walk->birthday, walk->anniversary);
}

void
earn_walk_until(EarnWalk *walk, TimestampTz before)
{
	TimestampTz at;

	while ((at = earn_walk_next_due(walk)) < before)
	{
		come_to(walk, at);
		earn_celebrate(walk, at);
		CHECK_FOR_INTERRUPTS();
	}
}

void
earn_walk_begin(EarnWalk *walk, TimestampTz at)
{
	if (unlikely(earn_walk_next_due(walk) <= at))
		earn_walk_until(walk, at + 1);
	come_to(walk, at);
	walk->ndue = 0;
	walk->roles_due = 0;
	walk->reckoned = false;
}

/* What an event is, its sign included; EARN_IGNORE where it does nothing. */
static EarnRole
role_of(const EarnWalk *walk, const Event *event)
{
	EarnRole role = walk->roles[event->kind_no];

	switch (role)
	{
		case EARN_BY_SIGN:
			if (!event->has_value)
				return EARN_IGNORE;
			return event->value < 0 ? EARN_RETURN : EARN_PURCHASE;
		case EARN_PURCHASE:
			return event->value < 0 ? EARN_RETURN : EARN_PURCHASE;
		case EARN_RETURN:
		case EARN_REDEMPTION:
		case EARN_PAID_WITH_POINTS:
			return event->value == 0 ? EARN_IGNORE : role;
		default:
			return role;
	}
}

void
earn_walk_event(EarnWalk *walk, const Event *event)
{
	EarnRole role = role_of(walk, event);
	EarnDue *due;

	if (role == EARN_IGNORE || role == EARN_BIRTH)
		return;
	if (role == EARN_PAID_WITH_POINTS)
	{
		earn_pay(walk, event);
		return;
	}
	walk->due = array_grow_in(walk->context, walk->due, &walk->max_due, (int64) walk->ndue + 1,
							  sizeof(EarnDue));
	due = &walk->due[walk->ndue++];
	due->event = *event;
	due->role = role;
	due->next = -1;
	walk->roles_due |= EARN_ROLE_BIT(role);
}

const EarnCounted *
earn_walk_reckon(EarnWalk *walk, int *count)
{
	if (!walk->reckoned)
		earn_reckon(walk);
	*count = walk->ncounted;
	return walk->counted;
}

static void
join(EarnWalk *walk, const EarnDue *due)
{
	EarnTerms *terms = earn_terms_now(walk);

	if (walk->joined)
		return;
	walk->joined = true;
	earn_give(walk, terms, EARN_JOINING, &terms->rules->bonuses->fixed[EARN_JOINING], &due->event,
			  0);
}

static void
refer(EarnWalk *walk, const EarnDue *due)
{
	EarnTerms *terms = earn_terms_now(walk);

	if (walk->now >= walk->member_since)
		earn_give(walk, terms, EARN_REFERRED, &terms->rules->bonuses->fixed[EARN_REFERRED],
				  &due->event, 0);
}

static void
redeem(EarnWalk *walk, const EarnDue *due)
{
	const Event *event = &due->event;
	int scale = decimal_minimal_scale(event->value, walk->scale);
	int64 points = event->value / decimal_power[walk->scale - scale];
	EarnEntry entry = { .type = EARN_ENTRY_REDEEM,
						.event = event,
						.label = event->label,
						.label_no = event->label_no,
						.points = points < 0 ? points : -points,
						.scale = scale };

	if (walk->note != NULL)
		earn_note_text(walk, "redemption");
	earn_emit(walk, &entry);
}

/* Does what the events of one role do. */
static void
for_role(EarnWalk *walk, EarnRole role, void (*work)(EarnWalk *walk, const EarnDue *due))
{
	int32 i;

	if ((walk->roles_due & EARN_ROLE_BIT(role)) == 0)
		return;
	for (i = 0; i < walk->ndue; i++)
	{
		if (walk->due[i].role == role)
			work(walk, &walk->due[i]);
		CHECK_FOR_INTERRUPTS();
	}
}

void
earn_walk_end(EarnWalk *walk, int tier)
{
	walk->tier = tier;
	if (!walk->reckoned)
		earn_reckon(walk);
	for_role(walk, EARN_JOIN, join);
	for_role(walk, EARN_REFERRAL, refer);
	if (walk->roles_due & EARN_ROLE_BIT(EARN_PURCHASE))
		earn_purchases(walk);
	for_role(walk, EARN_RETURN, earn_return);
	for_role(walk, EARN_REDEMPTION, redeem);
}

void
earn_walk_timeline(EarnWalk *walk, ByteSpan body, const char *customer)
{
	TimelineReader reader;
	Event event;
	bool more;

	timeline_open(&reader, body.bytes, body.len);
	earn_walk_start(walk, &reader, customer);
	more = timeline_next(&reader, &event);
	while (more)
	{
		TimestampTz at = event.at;

		earn_walk_begin(walk, at);
		do
		{
			earn_walk_event(walk, &event);
			more = timeline_next(&reader, &event);
			CHECK_FOR_INTERRUPTS();
		} while (more && event.at == at);
		earn_walk_end(walk, EARN_NO_TIER);
	}
}

void
earn_walk_purchase(EarnWalk *walk, const Event *event, int tier)
{
	EarnTerms *terms;
	EarnEntry entry = { .type = EARN_ENTRY_EARN,
						.event = event,
						.has_amount = true,
						.amount = event->value,
						.scale = walk->policy->scale,
						.qualifies = true };

	Assert(walk->note == NULL && event->at >= walk->member_since);
	come_to(walk, event->at);
	walk->tier = tier;
	terms = earn_terms_now(walk);
	entry.points = earn_single(walk, event->value, 0);
	if (walk->counts_all)
		entry.points = earn_within_caps(walk, 0, terms->caps, (int64) entry.points, NULL);
	earn_emit(walk, &entry);
	walk->norders++;
	earn_give_for_order(walk, terms, event);
}

int64
earn_walk_orders(const EarnWalk *walk)
{
	return walk->norders;
}

TimestampTz
earn_walk_member_since(const EarnWalk *walk)
{
	return walk->member_since;
}

/* ---- one order ---- */

int64
earn_walk_one(EarnWalk *walk, Decimal amount, DateADT day, EventText label, EventText tier)
{
	int label_no = label.bytes != NULL ? 1 : 0;
	const EarnTerms *terms;

	start_customer(walk, amount.scale, NULL);
	number_labels(walk, &label, label_no);
	earn_walk_tiers(walk, &tier, tier.bytes != NULL ? 1 : 0);
	walk->today = day;
	walk->has_keys = false;
	walk->has_time = false;
	walk->tier = tier.bytes != NULL ? 0 : EARN_NO_TIER;
	terms = earn_terms_now(walk);
	if (label_no > 0 && event_text_find(&label, terms->rules->excluded_labels,
										terms->rules->nexcluded_labels) != NULL)
		return 0;
	return earn_single(walk, amount.units, label_no);
}
