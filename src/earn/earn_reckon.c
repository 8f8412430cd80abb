/*
 * earn_reckon.c
 *		What orders, payments and returns of an instant count for.
 *
 *		ref --> EarnRef --> order of one kind --> order of another --> ...
 *
 * Purchases with the same ref and kind are one order, which is kept as long as the customer
 * is: lines, payments and returns may follow. An order without a ref is forgotten at once.
 *
 * A payment with points waits under its ref for what is left to pay of the orders there. What it
 * pays of an order that has lines at the instant is never earned; of one whose lines came before,
 * it is taken back as by a return. So lines - paid - returned is never below zero, and neither is
 * what all orders, payments and returns have come to, unless the rules take returns of what isn't
 * known.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "earn/earn_internal.h"

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
	ref->waiting = 0;
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
	walk->npayments = 0;
	walk->nshares = 0;
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
	order->kind_no = 0;
	order->label_no = -1;
	order->version = (int32) (terms - walk->terms);
	order->ref = ref;
	order->next = order->group = -1;
	order->turn = -1;
	order->counts = false;
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
make_order(EarnWalk *walk, int32 ref, const Event *line, const EarnTerms *terms)
{
	int32 number = walk->norders_kept;
	EarnOrder *order;

	walk->orders = array_grow_in(walk->context, walk->orders, &walk->max_orders, (int64) number + 1,
								 sizeof(EarnOrder));
	order = &walk->orders[number];
	earn_init_order(walk, order, terms, ref);
	order->kind = line->kind;
	order->kind_no = line->kind_no;
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
add_counted(EarnWalk *walk, int kind_no, int label_no, int128 amount)
{
	EarnCounted *counted;

	walk->counted = array_grow_in(walk->context, walk->counted, &walk->max_counted,
								  (int64) walk->ncounted + 1, sizeof(EarnCounted));
	counted = &walk->counted[walk->ncounted++];
	counted->kind_no = kind_no;
	counted->label_no = label_no;
	counted->amount = amount;
	counted->starts_order = false;
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
	group->order = order < 0 ? make_order(walk, ref, &due->event, terms) : order;
	walk->orders[group->order].turn = walk->turn;
	walk->orders[group->order].group = walk->ngroups - 1;
}

/* Adds the lines of an order at this instant. */
static void
add_lines(EarnWalk *walk, EarnGroup *group)
{
	EarnOrder *order = earn_order_of(walk, group);
	int128 lines = 0;
	int32 line;

	group->before = order->amount;
	for (line = group->first; line >= 0; line = walk->due[line].next)
	{
		const Event *event = &walk->due[line].event;

		lines += event->value;
		if (order->label_no < 0)
			order->label_no = event->label_no;
		else if (event->label_no != order->label_no)
			order->label_no = 0;
		CHECK_FOR_INTERRUPTS();
	}
	order->lines += lines;
	order->amount += lines;
	walk->spend += lines;
}

/* What they count for. */
static void
count_group(EarnWalk *walk, EarnGroup *group)
{
	const EarnOrder *order = earn_order_of(walk, group);
	const Event *event = &walk->due[group->first].event;
	EarnCounted *counted =
		add_counted(walk, event->kind_no, event->label_no, order->amount - group->before);
	int32 line;

	for (line = walk->due[group->first].next; line >= 0; line = walk->due[line].next)
	{
		if (walk->due[line].event.label_no != counted->label_no)
			counted->label_no = 0;
		CHECK_FOR_INTERRUPTS();
	}
	counted->starts_order = group->starts;
}

/* ---- payments with points ---- */

static inline bool
has_lines_now(const EarnWalk *walk, const EarnOrder *order)
{
	return order->turn == walk->turn;
}

/* What of all that has counted can be taken off. */
static inline int128
within_spend(const EarnWalk *walk, int128 amount)
{
	return walk->policy->takes_beyond ? amount : Min(amount, Max(walk->spend, 0));
}

/* What can be paid of an order, or returned. */
static inline int128
left_of(const EarnWalk *walk, const EarnOrder *order)
{
	return within_spend(walk, Max(order->amount - order->counted_back, 0));
}

static void
add_late(EarnWalk *walk, int32 due, int32 order, int128 part)
{
	EarnLate *late;

	walk->late = array_grow_in(walk->context, walk->late, &walk->max_late, (int64) walk->nlate + 1,
							   sizeof(EarnLate));
	if (walk->due[due].next < 0)
		walk->due[due].next = walk->nlate;
	late = &walk->late[walk->nlate++];
	late->due = due;
	late->order = order;
	late->part = part;
	walk->orders[order].counted_back += part;
	walk->spend -= part;
}

/* What has waited under a ref pays for new lines, and not for those it has waited beside. */
static void
pay_from_waiting(EarnWalk *walk, EarnRef *ref)
{
	int32 i;

	for (i = ref->first; i >= 0 && ref->waiting > 0; i = walk->orders[i].next)
	{
		EarnOrder *order = &walk->orders[i];
		int128 part;

		if (!has_lines_now(walk, order))
			continue;
		part = Min(ref->waiting, left_of(walk, order));
		order->amount -= part;
		walk->spend -= part;
		ref->waiting -= part;
	}
}

/* A payment pays what is left to pay under its ref, the first order's first. */
static void
pay(EarnWalk *walk, int32 number)
{
	EarnDue *due = &walk->due[number];
	int128 left = earn_size_of(&due->event);
	int32 i;

	due->ref = find_ref(walk, &due->event, true);
	due->met = false;
	if (walk->fault_sink != NULL)
	{
		EarnPayment *payment;

		walk->payments = array_grow_in(walk->context, walk->payments, &walk->max_payments,
									   walk->npayments + 1, sizeof(EarnPayment));
		payment = &walk->payments[walk->npayments++];
		payment->event = due->event;
		payment->ref = due->ref;
	}
	if (due->ref < 0)
		return;
	for (i = walk->refs[due->ref].first; i >= 0; i = walk->orders[i].next)
	{
		EarnOrder *order = &walk->orders[i];
		int128 part = Min(left, left_of(walk, order));

		due->met |= has_lines_now(walk, order);
		if (part == 0)
			continue;
		if (has_lines_now(walk, order))
		{
			order->amount -= part;
			walk->spend -= part;
		}
		else
			add_late(walk, number, i, part);
		left -= part;
	}
	walk->refs[due->ref].waiting += left;
}

/* ---- returns, and all together ---- */

static void
report_fault(const EarnWalk *walk, EarnFaultType type, const Event *event, int128 amount)
{
	EarnFault fault = { .type = type, .event = event, .amount = amount };

	if (walk->fault_sink != NULL && amount > 0)
		walk->fault_sink(walk->fault_context, &fault);
}

/* A return, at most what is left of the orders that it belongs to, or of all. */
static void
reckon_return(EarnWalk *walk, int32 number)
{
	EarnDue *due = &walk->due[number];
	int128 value = earn_size_of(&due->event);
	int128 known = Min(value, Max(walk->spend, 0)); /* where it belongs to no order */
	int32 ref = find_ref(walk, &due->event, false);
	int32 i;

	due->out = left_out(walk, earn_terms_now(walk), &due->event);
	due->ref = ref >= 0 && walk->refs[ref].bought ? ref : -1;
	if (due->out != EARN_NOT_OUT)
		return;
	due->counted = 0;
	if (due->ref < 0)
	{
		due->counted = within_spend(walk, value);
		walk->spend -= due->counted;
	}
	else
	{
		for (i = walk->refs[ref].first; i >= 0 && due->counted < value; i = walk->orders[i].next)
		{
			EarnOrder *order = &walk->orders[i];
			int128 part = Min(value - due->counted, left_of(walk, order));

			order->counted_back += part;
			walk->spend -= part;
			due->counted += part;
		}
		known = due->counted;
	}
	report_fault(walk, EARN_RETURNED_BEYOND, &due->event, value - known);
	add_counted(walk, due->event.kind_no, due->event.label_no, -due->counted);
}

void
earn_for_role(EarnWalk *walk, EarnRole role, void (*work)(EarnWalk *walk, int32 due))
{
	int32 i;

	if ((walk->roles_due & EARN_ROLE_BIT(role)) == 0)
		return;
	for (i = 0; i < walk->ndue; i++)
	{
		if (walk->due[i].role == role)
			work(walk, i);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Puts the purchases of the instant together, order by order, and settles what they, the payments
 * and the returns count for. */
static void
reckon(EarnWalk *walk)
{
	int32 i;

	walk->reckoned = true;
	walk->ncounted = 0;
	walk->ngroups = 0;
	walk->nlate = 0;
	walk->nscratch = 0;
	walk->turn++;
	earn_for_role(walk, EARN_PURCHASE, gather);
	for (i = 0; i < walk->ngroups; i++)
		add_lines(walk, &walk->groups[i]);
	for (i = 0; i < walk->ngroups; i++)
	{
		int32 ref = earn_order_of(walk, &walk->groups[i])->ref;

		if (ref >= 0 && walk->refs[ref].waiting > 0)
			pay_from_waiting(walk, &walk->refs[ref]);
	}
	earn_for_role(walk, EARN_PAID_WITH_POINTS, pay);
	for (i = 0; i < walk->ngroups; i++)
		count_group(walk, &walk->groups[i]);
	for (i = 0; i < walk->nlate; i++)
	{
		const EarnOrder *order = &walk->orders[walk->late[i].order];

		add_counted(walk, order->kind_no, order->label_no, -walk->late[i].part);
	}
	earn_for_role(walk, EARN_RETURN, reckon_return);
}

const EarnCounted *
earn_walk_reckon(EarnWalk *walk, int *count)
{
	if (!walk->reckoned)
		reckon(walk);
	*count = walk->ncounted;
	return walk->counted;
}

void
earn_walk_close(EarnWalk *walk)
{
	int64 i;

	walk->birthday = walk->anniversary = DT_NOEND;
	/* what is left under a ref is of the last payments */
	for (i = walk->npayments - 1; i >= 0; i--)
	{
		const EarnPayment *payment = &walk->payments[i];
		EarnRef *ref = payment->ref >= 0 ? &walk->refs[payment->ref] : NULL;
		int128 left = earn_size_of(&payment->event);

		if (ref == NULL || !ref->bought)
			report_fault(walk, EARN_PAID_NO_ORDER, &payment->event, left);
		else
		{
			left = Min(left, ref->waiting);
			ref->waiting -= left;
			report_fault(walk, EARN_PAID_BEYOND, &payment->event, left);
		}
		CHECK_FOR_INTERRUPTS();
	}
}
