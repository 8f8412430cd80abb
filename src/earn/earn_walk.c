/*
 * earn_walk.c
 *		A walk: a customer's membership and birth, which instant comes next, birthdays and
 *		anniversaries; what happens at an instant is earn_orders.c's.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "core/json.h"
#include "earn/earn_internal.h"

/* The last year all of whose days are instants. */
#define LAST_YEAR		294275

/* Events between two looks at interrupts. */
#define INTERRUPT_EVERY 1024

/* ---- making one ---- */

EarnWalk *
earn_walk_create(const EarnPolicy *policy, int flags, EarnSink sink, void *context)
{
	EarnWalk *walk = palloc0(sizeof(EarnWalk));

	walk->policy = policy;
	walk->sink = sink;
	walk->sink_context = context;
	walk->context = CurrentMemoryContext;
	ref_table_init(&walk->ref_numbers, walk->context);
	walk->scale = -1;
	if (flags & EARN_WALK_EXPLAIN)
		walk->note = makeStringInfo();
	walk->by_label = (flags & EARN_WALK_BY_LABEL) != 0;
	earn_open_terms(walk);
	return walk;
}

void
earn_walk_kinds(EarnWalk *walk, const EventText *ignored, const EventText *joining)
{
	walk->ignored = ignored;
	walk->joining = joining;
}

void
earn_walk_audit(EarnWalk *walk, EarnFaultSink sink, void *context)
{
	walk->fault_sink = sink;
	walk->fault_context = context;
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

/* ---- days of the year ---- */

/* The start of a day's anniversary in a year: 29 February is 28 February where there is none. */
static TimestampTz
in_year(const EarnWalk *walk, DateADT day, int year)
{
	int first_year;
	int month;
	int mday;

	if (year > LAST_YEAR)
		return DT_NOEND;
	j2date(day + POSTGRES_EPOCH_JDATE, &first_year, &month, &mday);
	mday = Min(mday, day_tab[isleap(year)][month - 1]);
	return zone_day_start(walk->zone, date2j(year, month, mday) - POSTGRES_EPOCH_JDATE);
}

static int
year_of(DateADT day)
{
	int year;
	int month;
	int mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	return year;
}

/* Does any version give that? */
static bool
is_ever_given(const EarnWalk *walk, EarnBonusSort sort)
{
	int i;

	for (i = 0; i < walk->policy->nversions; i++)
		if (walk->policy->versions[i].bonuses->fixed[sort].points.units > 0)
			return true;
	return false;
}

static void
start_years(EarnWalk *walk)
{
	DateADT start;

	walk->birthday = walk->anniversary = DT_NOEND;
	if (walk->member_since == DT_NOEND)
		return;
	start = zone_day(walk->zone, walk->member_since);
	if (is_ever_given(walk, EARN_ANNIVERSARY))
	{
		walk->anniversary_year = year_of(start) + 1;
		walk->anniversary = in_year(walk, start, walk->anniversary_year);
	}
	if (walk->birth != DATEVAL_NOEND && is_ever_given(walk, EARN_BIRTHDAY))
	{
		walk->birthday_year = Max(year_of(start), year_of(walk->birth) + 1);
		while ((walk->birthday = in_year(walk, walk->birth, walk->birthday_year)) <=
			   walk->member_since)
			walk->birthday_year++;
	}
}

static void
celebrate(EarnWalk *walk, TimestampTz at)
{
	const EarnTerms *terms = earn_terms_now(walk);
	const EarnBonuses *bonuses = terms->rules->bonuses;

	if (walk->birthday == at)
	{
		earn_give(walk, terms, EARN_BIRTHDAY, &bonuses->fixed[EARN_BIRTHDAY], NULL, 0);
		walk->birthday = in_year(walk, walk->birth, ++walk->birthday_year);
	}
	if (walk->anniversary == at)
	{
		DateADT start = zone_day(walk->zone, walk->member_since);

		earn_give(walk, terms, EARN_ANNIVERSARY, &bonuses->fixed[EARN_ANNIVERSARY], NULL,
				  walk->anniversary_year - year_of(start));
		walk->anniversary = in_year(walk, start, ++walk->anniversary_year);
	}
}

/* ---- a customer ---- */

/* Which multipliers are for which of his labels; number 0 is none. */
static void
number_labels(EarnWalk *walk, const EventText *labels, int nlabels)
{
	int64 needed = (int64) walk->nrules * (nlabels + 1);
	int rule;
	int i;

	walk->labels = labels;
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

static EarnRole
role_of_kind(const EarnWalk *walk, const EventText *kind)
{
	EarnRole role;

	if (walk->ignored != NULL && event_text_compare(kind, walk->ignored) == 0)
		return EARN_IGNORE;
	role = earn_role_of_kind(walk->policy, kind);
	if (role != EARN_UNKNOWN)
		return role;
	if (walk->joining != NULL && event_text_compare(kind, walk->joining) == 0)
		return EARN_JOIN;
	return walk->policy->ignores_others ? EARN_IGNORE : EARN_UNKNOWN;
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
		walk->roles[i + 1] = role_of_kind(walk, &kinds[i]);
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
	earn_start_terms(walk, scale);
	walk->zone = walk->policy->zone != NULL ? walk->policy->zone : zone_of_session();
	walk->norders = 0;
	walk->spend = 0;
	walk->tier = EARN_NO_TIER;
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
	start_years(walk);
}

/* ---- instants ---- */

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
		earn_come_to(walk, at);
		celebrate(walk, at);
		CHECK_FOR_INTERRUPTS();
	}
}

void
earn_walk_begin(EarnWalk *walk, TimestampTz at)
{
	if (unlikely(earn_walk_next_due(walk) <= at))
		earn_walk_until(walk, at + 1);
	earn_come_to(walk, at);
	walk->ndue = 0;
	walk->roles_due = 0;
	walk->reckoned = false;
}

static void report_unknown_kind(const EarnWalk *walk, const Event *event) pg_attribute_noreturn();

static void
report_unknown_kind(const EarnWalk *walk, const Event *event)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("kind \"%.*s%s\" has no role in the earn_policy",
					JSON_SHOWN(event->kind.bytes, event->kind.len)),
			 walk->customer != NULL
				 ? errdetail("Customer %s, %s.", walk->customer, timestamptz_to_str(event->at))
				 : errdetail("An event at %s.", timestamptz_to_str(event->at)),
			 errhint("Name its role in \"kinds\" (%s), or give \"other_kinds\": \"ignore\" for all "
					 "that aren't named.",
					 earn_role_list())));
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
		case EARN_GIVEN:
		case EARN_REFUND:
		case EARN_ADJUST:
		case EARN_TRANSFER:
		case EARN_FORFEIT:
		case EARN_EXPIRE:
			return event->value == 0 ? EARN_IGNORE : role;
		case EARN_ACTIVATE:
		case EARN_REINSTATE:
		case EARN_BLOCK:
		case EARN_UNBLOCK:
			return event->has_value && event->value == 0 ? EARN_IGNORE : role;
		case EARN_UNKNOWN:
			report_unknown_kind(walk, event);
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
	walk->due = array_grow_in(walk->context, walk->due, &walk->max_due, (int64) walk->ndue + 1,
							  sizeof(EarnDue));
	due = &walk->due[walk->ndue++];
	due->event = *event;
	due->role = role;
	due->next = -1;
	walk->roles_due |= EARN_ROLE_BIT(role);
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

int64
earn_walk_orders(const EarnWalk *walk)
{
	return walk->norders;
}

EventText
earn_walk_label(const EarnWalk *walk, int label_no)
{
	static const EventText none = { NULL, 0 };

	if (label_no == 0)
		return none;
	return label_no <= walk->nlabels ? walk->labels[label_no - 1]
									 : walk->policy->labels[label_no - 1 - walk->nlabels];
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
