/*
 * earn_orders.c
 *		Orders: their lines, what they earn, and their returns.
 *
 *		ref --> EarnRef --> order of one kind --> order of another --> ...
 *
 * Purchases with the same ref and kind are one order, which is kept as long as the customer
 * is: lines, payments and returns may follow. An order without a ref is forgotten at once.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"

#include "program/earn_state.h"

/* ---- refs ---- */

typedef struct RefKey
{
	EventText text;
	int64 number;
	EventRefType type;
} RefKey;

typedef struct RefEntry
{
	RefKey key;
	int32 ref;
	uint32 hash;
	char status;
} RefEntry;

static inline uint32
hash_ref(RefKey key)
{
	if (key.type == EVENT_REF_NUMBER)
		return murmurhash32((uint32) key.number ^ (uint32) ((uint64) key.number >> 32));
	return hash_bytes((const unsigned char *) key.text.bytes, key.text.len);
}

static inline bool
same_ref(RefKey a, RefKey b)
{
	if (a.type != b.type)
		return false;
	if (a.type == EVENT_REF_NUMBER)
		return a.number == b.number;
	return a.text.len == b.text.len && memcmp(a.text.bytes, b.text.bytes, a.text.len) == 0;
}

#define SH_PREFIX				earn_refs
#define SH_ELEMENT_TYPE			RefEntry
#define SH_KEY_TYPE				RefKey
#define SH_KEY					key
#define SH_HASH_KEY(table, key) hash_ref(key)
#define SH_EQUAL(table, a, b)	same_ref(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE				  static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* The number of an event's ref; -1: it has none, or, unless create, nobody had it. */
static int32
find_ref(EarnWalk *walk, const Event *event, bool create)
{
	RefKey key = { .type = event->ref_type, .number = event->ref_number, .text = event->ref_text };
	RefEntry *entry;
	EarnRef *ref;
	bool found;

	if (event->ref_type == EVENT_REF_NONE || (walk->ref_numbers == NULL && !create))
		return -1;
	if (!create)
	{
		entry = earn_refs_lookup(walk->ref_numbers, key);
		return entry == NULL ? -1 : entry->ref;
	}
	if (walk->ref_numbers == NULL)
		walk->ref_numbers = earn_refs_create(walk->context, 64, NULL);
	entry = earn_refs_insert(walk->ref_numbers, key, &found);
	if (found)
		return entry->ref;
	walk->refs =
		earn_grow(walk, walk->refs, &walk->max_refs, (int64) walk->nrefs + 1, sizeof(EarnRef));
	entry->ref = walk->nrefs++;
	ref = &walk->refs[entry->ref];
	ref->paid = 0;
	ref->bought = false;
	ref->first = ref->last = -1;
	return entry->ref;
}

void
earn_forget_orders(EarnWalk *walk)
{
	if (walk->nrefs > 0)
		earn_refs_reset(walk->ref_numbers);
	walk->nrefs = 0;
	walk->norders_kept = 0;
	walk->nshares = 0;
}

void
earn_pay(EarnWalk *walk, const Event *event)
{
	int32 ref = find_ref(walk, event, true);

	if (ref >= 0)
		walk->refs[ref].paid += event->value < 0 ? -event->value : event->value;
}

/* ---- finding an order ---- */

static void
init_order(EarnOrder *order, const EarnTerms *terms, const EarnWalk *walk)
{
	memset(order, 0, sizeof(EarnOrder));
	order->version = (int32) (terms - walk->terms);
	order->ref = order->next = -1;
	order->turn = -1;
}

/* Room for the shares of an order's capped multipliers; they are zero. */
static void
init_shares(EarnWalk *walk, EarnOrder *order, const EarnTerms *terms)
{
	size_t size = terms->ncapped * sizeof(EarnShare);

	if (terms->ncapped == 0)
		return;
	if (order->ref < 0)
	{
		order->shares = walk->nscratch;
		walk->nscratch += terms->ncapped;
		walk->scratch =
			earn_grow(walk, walk->scratch, &walk->max_scratch, walk->nscratch, sizeof(EarnShare));
		memset(&walk->scratch[order->shares], 0, size);
		return;
	}
	order->shares = walk->nshares;
	walk->nshares += terms->ncapped;
	walk->shares =
		earn_grow(walk, walk->shares, &walk->max_shares, walk->nshares, sizeof(EarnShare));
	memset(&walk->shares[order->shares], 0, size);
}

static EarnShare *
shares_of(const EarnWalk *walk, const EarnTerms *terms, const EarnOrder *order)
{
	if (terms->ncapped == 0)
		return NULL;
	return order->ref < 0 ? &walk->scratch[order->shares] : &walk->shares[order->shares];
}

/* The order of a ref that is of a kind; -1: none. */
static int32
find_order(const EarnWalk *walk, int32 ref, const EventText *kind)
{
	int32 order = walk->refs[ref].first;

	while (order >= 0 && event_text_compare(&walk->orders[order].kind, kind) != 0)
		order = walk->orders[order].next;
	return order;
}

static int32
make_order(EarnWalk *walk, int32 ref, const EventText *kind, const EarnTerms *terms)
{
	int32 number = walk->norders_kept;
	EarnOrder *order;

	walk->orders =
		earn_grow(walk, walk->orders, &walk->max_orders, (int64) number + 1, sizeof(EarnOrder));
	order = &walk->orders[number];
	init_order(order, terms, walk);
	order->kind = *kind;
	order->ref = ref;
	init_shares(walk, order, terms);
	if (walk->refs[ref].first < 0)
		walk->refs[ref].first = number;
	else
		walk->orders[walk->refs[ref].last].next = number;
	walk->refs[ref].last = number;
	walk->norders_kept++;
	return number;
}

static bool
is_excluded(EarnWalk *walk, const EarnTerms *terms, const Event *event)
{
	const EarnVersion *rules = terms->rules;

	if (rules->nexcluded_labels > 0 && event->label.bytes != NULL &&
		event_text_find(&event->label, rules->excluded_labels, rules->nexcluded_labels) != NULL)
	{
		if (walk->note != NULL)
			earn_note_nothing(walk, "label", event->label);
		return true;
	}
	if (rules->nexcluded_kinds > 0 && event->kind.bytes != NULL &&
		event_text_find(&event->kind, rules->excluded_kinds, rules->nexcluded_kinds) != NULL)
	{
		if (walk->note != NULL)
			earn_note_nothing(walk, "kind", event->kind);
		return true;
	}
	return false;
}

/* ---- the lines of an instant, by order ---- */

static EarnGroup *
add_group(EarnWalk *walk, int32 line)
{
	EarnGroup *group;

	walk->groups = earn_grow(walk, walk->groups, &walk->max_groups, (int64) walk->ngroups + 1,
							 sizeof(EarnGroup));
	group = &walk->groups[walk->ngroups++];
	group->order = -1;
	group->first = group->last = line;
	group->starts = true;
	return group;
}

static void
report_nothing(EarnWalk *walk, EarnEntryType type, const Event *event)
{
	int128 amount = event->value;

	earn_emit(walk, type, event, event->label, &amount, 0, walk->policy->scale);
}

/* Puts a purchase with those of its order. */
static void
gather(EarnWalk *walk, int32 line)
{
	EarnDue *due = &walk->due[line];
	int32 ref = find_ref(walk, &due->event, true);
	int32 order = ref < 0 ? -1 : find_order(walk, ref, &due->event.kind);
	EarnTerms *terms = order < 0 ? earn_terms_now(walk) : &walk->terms[walk->orders[order].version];
	EarnGroup *group;

	due->next = -1;
	if (ref >= 0)
		walk->refs[ref].bought = true;
	if (walk->now < walk->member_since)
	{
		if (walk->note != NULL)
			earn_note_text(walk, "before membership");
		report_nothing(walk, EARN_ENTRY_EARN, &due->event);
		return;
	}
	if (is_excluded(walk, terms, &due->event))
	{
		report_nothing(walk, EARN_ENTRY_EARN, &due->event);
		return;
	}
	if (ref < 0)
	{
		group = add_group(walk, line);
		init_order(&group->own, terms, walk);
		init_shares(walk, &group->own, terms);
		return;
	}
	if (order >= 0 && walk->orders[order].turn == walk->turn)
	{
		group = &walk->groups[walk->orders[order].group];
		walk->due[group->last].next = line;
		group->last = line;
		return;
	}
	group = add_group(walk, line);
	group->starts = order < 0;
	group->order = order < 0 ? make_order(walk, ref, &due->event.kind, terms) : order;
	walk->orders[group->order].turn = walk->turn;
	walk->orders[group->order].group = walk->ngroups - 1;
}

/* ---- earning ---- */

static void
add_line(EarnWalk *walk, const EarnTerms *terms, EarnOrder *order, int64 value, int label_no)
{
	order->lines += value;
	if (terms->rules->nrules > 0)
	{
		int128 weight = earn_weight(walk, terms, label_no, shares_of(walk, terms, order), value);

		order->weighted = earn_add(walk, order->weighted, earn_mul(walk, weight, value));
	}
	else
		order->weighted = order->lines;
}

/* What of the payments with points under its ref is an order's: what those before it leave. */
static int128
paid_of(const EarnWalk *walk, const EarnOrder *order)
{
	int128 paid;
	int32 before;

	if (order->ref < 0)
		return 0;
	paid = walk->refs[order->ref].paid;
	for (before = walk->refs[order->ref].first; &walk->orders[before] != order && paid > 0;
		 before = walk->orders[before].next)
		paid -= Min(paid, walk->orders[before].lines);
	return Min(paid, order->lines);
}

/* The points of an order whose lines weigh so much, within its own cap. */
static int64
points_of(const EarnWalk *walk, const EarnTerms *terms, const EarnOrder *order, int128 weighted,
		  bool *capped)
{
	int64 points;

	if (order->amount < terms->needed)
		return 0;
	points = earn_points(walk, terms, order->amount, order->lines, weighted, false);
	if (terms->caps[EARN_ORDER] < 0 || points <= terms->caps[EARN_ORDER])
		return points;
	*capped = true;
	return terms->caps[EARN_ORDER];
}

/*
 * Takes off what capped multipliers add beyond their caps. A multiplier adds the difference
 * that it makes to the rounded points, all in the order of the rules.
 */
static int64
cut_shares(EarnWalk *walk, const EarnTerms *terms, const EarnOrder *order, int64 points)
{
	EarnShare *shares = shares_of(walk, terms, order);
	bool ignored;
	int i;

	for (i = 0; i < terms->ncapped; i++)
	{
		const EarnRule *rule = &terms->rules->rules[terms->capped[i]];
		const int64 *caps = &terms->capped_caps[i * EARN_SPANS];
		EarnShare *share = &shares[i];
		int64 added = points_of(walk, terms, order, share->with, &ignored) -
					  points_of(walk, terms, order, share->without, &ignored);
		int64 more = added - share->added;
		int64 granted = more;

		share->added = added;
		if (points <= 0 || more <= 0)
			continue;
		if (caps[EARN_ORDER] >= 0 && granted > caps[EARN_ORDER] - share->granted)
		{
			granted = caps[EARN_ORDER] - share->granted;
			if (walk->note != NULL)
				earn_note_cap(walk, rule, EARN_ORDER, caps[EARN_ORDER]);
		}
		granted = earn_within_caps(walk, rule->counter, caps, granted, rule);
		share->granted += granted;
		points -= Min(more - granted, points);
	}
	return points;
}

/* The points that lines have added to an order, negative where they have made it earn less. */
static int64
settle(EarnWalk *walk, const EarnTerms *terms, EarnOrder *order, const EarnGroup *group)
{
	bool capped = false;
	int64 total;
	int64 points;
	int64 standing = order->earned - order->taken;

	order->amount = order->lines - paid_of(walk, order);
	total = points_of(walk, terms, order, order->weighted, &capped);
	points = total - order->total;
	if (walk->note != NULL)
	{
		earn_note_order(walk, terms, order, group);
		if (capped)
			earn_note_cap(walk, NULL, EARN_ORDER, terms->caps[EARN_ORDER]);
		if (order->total > 0)
			earn_note_before(walk, order->total);
	}
	order->total = total;
	points = cut_shares(walk, terms, order, points);
	if (points >= 0)
	{
		if (walk->counts_all)
			points = earn_within_caps(walk, 0, terms->caps, points, NULL);
		order->earned += points;
		return points;
	}
	points = Max(order->earned - total, 0);
	order->earned -= points;
	return -Min(points, standing);
}

/* The label that the lines of a group share. */
static EventText
shared_label(const EarnWalk *walk, const EarnGroup *group)
{
	static const EventText none;
	EventText label = walk->due[group->first].event.label;
	int32 line;

	for (line = walk->due[group->first].next; line >= 0; line = walk->due[line].next)
		if (event_text_compare(&walk->due[line].event.label, &label) != 0)
			return none;
	return label;
}

/* The lines of an order at this instant earn. */
static void
earn_group(EarnWalk *walk, EarnGroup *group)
{
	EarnOrder *order = group->order < 0 ? &group->own : &walk->orders[group->order];
	EarnTerms *terms = &walk->terms[order->version];
	const Event *event = &walk->due[group->first].event;
	int128 amount = 0;
	int64 points;
	int32 line;

	for (line = group->first; line >= 0; line = walk->due[line].next)
	{
		add_line(walk, terms, order, walk->due[line].event.value, walk->due[line].event.label_no);
		amount += walk->due[line].event.value;
		CHECK_FOR_INTERRUPTS();
	}
	points = settle(walk, terms, order, group);
	earn_emit(walk, points < 0 ? EARN_ENTRY_RETURN : EARN_ENTRY_EARN, event,
			  shared_label(walk, group), &amount, points, walk->policy->scale);
	if (group->starts)
	{
		walk->norders++;
		earn_give_for_order(walk, terms, event);
	}
}

void
earn_purchases(EarnWalk *walk)
{
	int32 i;

	walk->ngroups = 0;
	walk->nscratch = 0;
	walk->turn++;
	for (i = 0; i < walk->ndue; i++)
	{
		if (walk->due[i].role == EARN_PURCHASE)
			gather(walk, i);
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < walk->ngroups; i++)
		earn_group(walk, &walk->groups[i]);
}

/* ---- returns ---- */

/* A return that belongs to no order, at the rate of its own instant. */
static int64
return_at_rate(EarnWalk *walk, const EarnTerms *terms, int128 amount, int label_no)
{
	int128 weight = earn_weight(walk, terms, label_no, NULL, 0);

	return earn_points(walk, terms, amount, amount, earn_mul(walk, weight, amount), true);
}

/* Returns up to so much of an order; what is left. The points that are taken back are added. */
static int128
return_order(EarnWalk *walk, EarnOrder *order, int128 left, int128 *taken)
{
	EarnTerms *terms = &walk->terms[order->version];
	int128 part = Min(left, order->amount - order->returned);
	int128 keeps;
	int64 points;

	if (part <= 0)
		return left;
	order->returned += part;
	keeps = earn_mul(walk, order->earned, order->amount - order->returned);
	keeps = earn_divide(keeps, earn_mul(walk, order->amount, terms->unit), terms->rules->rounding) *
			terms->unit;
	points = (int64) Max(order->earned - order->taken - keeps, 0);
	order->taken += points;
	*taken += points;
	if (walk->note != NULL)
		earn_note_order_return(walk, part, order, points);
	return left - part;
}

void
earn_return(EarnWalk *walk, const Event *event)
{
	EarnTerms *terms = earn_terms_now(walk);
	int128 value = event->value < 0 ? -(int128) event->value : event->value;
	int128 amount = -value;
	int128 points = 0;
	int32 ref = find_ref(walk, event, false);

	if (walk->now < walk->member_since)
	{
		if (walk->note != NULL)
			earn_note_text(walk, "before membership");
	}
	else if (is_excluded(walk, terms, event))
		points = 0;
	else if (ref >= 0 && walk->refs[ref].bought)
	{
		int32 order = walk->refs[ref].first;
		int128 left = value;

		for (; order >= 0 && left > 0; order = walk->orders[order].next)
			left = return_order(walk, &walk->orders[order], left, &points);
		if (points > PG_INT64_MAX)
			earn_report_out_of_range(walk);
		points = -points;
		if (left == value && walk->note != NULL)
			earn_note_text(walk, "nothing left of the order to return");
	}
	else
	{
		if (walk->note != NULL)
			earn_note_return(walk, terms, event->label_no, value);
		points = return_at_rate(walk, terms, value, event->label_no);
	}
	earn_emit(walk, EARN_ENTRY_RETURN, event, event->label, &amount, points, walk->policy->scale);
}

/* ---- one order alone ---- */

int64
earn_single(EarnWalk *walk, int64 value, int label_no)
{
	EarnTerms *terms = earn_terms_now(walk);
	EarnOrder order;
	bool capped;

	if (value < 0)
		return return_at_rate(walk, terms, -(int128) value, label_no);
	walk->nscratch = 0;
	init_order(&order, terms, walk);
	init_shares(walk, &order, terms);
	add_line(walk, terms, &order, value, label_no);
	order.amount = order.lines;
	return cut_shares(walk, terms, &order, points_of(walk, terms, &order, order.weighted, &capped));
}
