/*
 * earn_reckon.c
 *		Orders: their lines and returns, and what these count for before anything is earned.
 *
 *		ref --> EarnRef --> order of one kind --> order of another --> ...
 *
 * Purchases with the same ref and kind are one order, which is kept as long as the customer
 * is: lines, payments and returns may follow. An order without a ref is forgotten at once.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "earn/earn_state.h"

/* ---- refs ---- */

/* The number of an event's ref, which is there; -1: nobody had it, unless create. */
static int32
number_ref(EarnWalk *walk, const Event *event, bool create)
{
	RefKey key = { .type = event->ref_type, .number = event->ref_number, .text = event->ref_text };
	int32 known = walk->ref_numbers.count;
	int32 number;
	EarnRef *ref;

	if (!create)
		return ref_table_find(&walk->ref_numbers, &key);
	number = ref_table_add(&walk->ref_numbers, &key);
	if (number < known)
		return number;
	walk->refs = array_grow_in(walk->context, walk->refs, &walk->max_refs, (int64) number + 1,
							   sizeof(EarnRef));
	ref = &walk->refs[number];
	ref->paid = 0;
	ref->bought = false;
	ref->first = ref->last = -1;
	return number;
}

/* ... -1 as well: the event has none. */
static inline int32
find_ref(EarnWalk *walk, const Event *event, bool create)
{
	return event->ref_type == EVENT_REF_NONE ? -1 : number_ref(walk, event, create);
}

void
earn_forget_orders(EarnWalk *walk)
{
	ref_table_clear(&walk->ref_numbers);
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

/* Room for the shares of an order's capped multipliers; they are zero. */
static void
init_shares(EarnWalk *walk, EarnOrder *order, const EarnTerms *terms)
{
	size_t size = terms->ncapped * sizeof(EarnShare);

	if (order->ref < 0)
	{
		order->shares = walk->nscratch;
		walk->nscratch += terms->ncapped;
		walk->scratch = array_grow_in(walk->context, walk->scratch, &walk->max_scratch,
									  walk->nscratch, sizeof(EarnShare));
		memset(&walk->scratch[order->shares], 0, size);
		return;
	}
	order->shares = walk->nshares;
	walk->nshares += terms->ncapped;
	walk->shares = array_grow_in(walk->context, walk->shares, &walk->max_shares, walk->nshares,
								 sizeof(EarnShare));
	memset(&walk->shares[order->shares], 0, size);
}

void
earn_init_order(EarnWalk *walk, EarnOrder *order, const EarnTerms *terms, int32 ref)
{
	/* one by one: a memset of that size costs more than all else here */
	order->lines = order->weighted = order->amount = order->counted_back = order->returned = 0;
	order->total = order->earned = order->taken = order->shares = 0;
	order->kind.bytes = NULL;
	order->kind.len = 0;
	order->version = (int32) (terms - walk->terms);
	order->ref = ref;
	order->next = order->group = -1;
	order->turn = -1;
	if (terms->ncapped > 0)
		init_shares(walk, order, terms);
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

	walk->orders = array_grow_in(walk->context, walk->orders, &walk->max_orders, (int64) number + 1,
								 sizeof(EarnOrder));
	order = &walk->orders[number];
	earn_init_order(walk, order, terms, ref);
	order->kind = *kind;
	if (walk->refs[ref].first < 0)
		walk->refs[ref].first = number;
	else
		walk->orders[walk->refs[ref].last].next = number;
	walk->refs[ref].last = number;
	walk->norders_kept++;
	return number;
}

/* ---- what counts ---- */

/* Why a purchase or a return doesn't count, if it doesn't. */
static EarnOut
left_out(const EarnWalk *walk, const EarnTerms *terms, const Event *event)
{
	const EarnVersion *rules = terms->rules;

	if (walk->now < walk->member_since)
		return EARN_OUT_EARLY;
	if (rules->nexcluded_labels > 0 && event->label.bytes != NULL &&
		event_text_find(&event->label, rules->excluded_labels, rules->nexcluded_labels) != NULL)
		return EARN_OUT_LABEL;
	if (rules->nexcluded_kinds > 0 && event->kind.bytes != NULL &&
		event_text_find(&event->kind, rules->excluded_kinds, rules->nexcluded_kinds) != NULL)
		return EARN_OUT_KIND;
	return EARN_NOT_OUT;
}

static EarnCounted *
add_counted(EarnWalk *walk, const Event *event)
{
	EarnCounted *counted;

	walk->counted = array_grow_in(walk->context, walk->counted, &walk->max_counted,
								  (int64) walk->ncounted + 1, sizeof(EarnCounted));
	counted = &walk->counted[walk->ncounted++];
	counted->event = event;
	counted->label_no = event->label_no;
	return counted;
}

static EarnGroup *
add_group(EarnWalk *walk, int32 line)
{
	EarnGroup *group;

	walk->groups = array_grow_in(walk->context, walk->groups, &walk->max_groups,
								 (int64) walk->ngroups + 1, sizeof(EarnGroup));
	group = &walk->groups[walk->ngroups++];
	group->order = -1;
	group->first = group->last = line;
	group->starts = true;
	return group;
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
	due->out = left_out(walk, terms, &due->event);
	if (due->out != EARN_NOT_OUT)
		return;
	if (ref < 0)
	{
		group = add_group(walk, line);
		earn_init_order(walk, &group->own, terms, -1);
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

/* What of the payments with points under its ref is an order's: what those before it leave. */
static int128
paid_of(const EarnWalk *walk, const EarnOrder *order)
{
	int128 paid = walk->refs[order->ref].paid;
	int32 before;

	for (before = walk->refs[order->ref].first; &walk->orders[before] != order && paid > 0;
		 before = walk->orders[before].next)
		paid -= Min(paid, walk->orders[before].lines);
	return Min(paid, order->lines);
}

/* The lines of an order at this instant. */
static void
reckon_group(EarnWalk *walk, EarnGroup *group)
{
	EarnOrder *order = earn_order_of(walk, group);
	EarnCounted *counted = add_counted(walk, &walk->due[group->first].event);
	int128 before = order->amount;
	int128 lines = order->lines;
	int32 line;

	for (line = group->first; line >= 0; line = walk->due[line].next)
	{
		const Event *event = &walk->due[line].event;

		lines += event->value;
		if (event->label_no != counted->label_no)
			counted->label_no = 0;
		CHECK_FOR_INTERRUPTS();
	}
	order->lines = lines;
	order->amount = order->ref < 0 ? lines : lines - paid_of(walk, order);
	counted->amount = order->amount - before;
	counted->starts_order = group->starts;
}

/* A return, at most what is left of the orders that it belongs to. */
static void
reckon_return(EarnWalk *walk, EarnDue *due)
{
	int128 value = earn_size(&due->event);
	int128 left = value;
	int32 ref = find_ref(walk, &due->event, false);
	EarnCounted *counted;

	due->out = left_out(walk, earn_terms_now(walk), &due->event);
	due->ref = ref >= 0 && walk->refs[ref].bought ? ref : -1;
	if (due->out != EARN_NOT_OUT)
		return;
	if (due->ref >= 0)
	{
		int32 i = walk->refs[ref].first;

		for (; i >= 0 && left > 0; i = walk->orders[i].next)
		{
			EarnOrder *order = &walk->orders[i];
			int128 part = Min(left, order->amount - order->counted_back);

			if (part <= 0)
				continue;
			order->counted_back += part;
			left -= part;
		}
	}
	else
		left = 0;
	counted = add_counted(walk, &due->event);
	counted->amount = left - value;
	counted->starts_order = false;
}

void
earn_reckon(EarnWalk *walk)
{
	int32 i;

	walk->reckoned = true;
	walk->ncounted = 0;
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
		reckon_group(walk, &walk->groups[i]);
	if ((walk->roles_due & EARN_ROLE_BIT(EARN_RETURN)) == 0)
		return;
	for (i = 0; i < walk->ndue; i++)
	{
		if (walk->due[i].role == EARN_RETURN)
			reckon_return(walk, &walk->due[i]);
		CHECK_FOR_INTERRUPTS();
	}
}
