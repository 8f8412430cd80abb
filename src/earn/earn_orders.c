/*
 * earn_orders.c
 *		What orders earn, and what their returns take back, once it is settled what they count
 *		for (earn_reckon.c).
 */
#include "postgres.h"

#include "miscadmin.h"

#include "earn/earn_state.h"

/* ---- earning ---- */

static EarnShare *
shares_of(const EarnWalk *walk, const EarnTerms *terms, const EarnOrder *order)
{
	if (terms->ncapped == 0)
		return NULL;
	return order->ref < 0 ? &walk->scratch[order->shares] : &walk->shares[order->shares];
}

/* Adds a line's weight by its multipliers. */
static void
add_weight(EarnWalk *walk, const EarnTerms *terms, EarnOrder *order, int64 value, int label_no)
{
	int128 weight = earn_weight(walk, terms, label_no, shares_of(walk, terms, order), value);

	order->weighted = earn_add(walk, order->weighted, earn_mul(walk, weight, value));
}

/* Without multipliers, lines weigh what they are. */
static inline int128
weighted_of(const EarnTerms *terms, const EarnOrder *order)
{
	return terms->rules->nrules > 0 ? order->weighted : order->lines;
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

	total = points_of(walk, terms, order, weighted_of(terms, order), &capped);
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
	if (terms->ncapped > 0)
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

/* The lines of an order at this instant earn. */
static void
earn_group(EarnWalk *walk, EarnGroup *group, int label_no)
{
	static const EventText no_label = { NULL, 0 };
	EarnOrder *order = earn_order_of(walk, group);
	EarnTerms *terms = &walk->terms[order->version];
	const Event *event = &walk->due[group->first].event;
	int128 amount = 0;
	EarnEntry entry;
	int32 line;

	for (line = group->first; line >= 0; line = walk->due[line].next)
	{
		if (terms->rules->nrules > 0)
			add_weight(walk, terms, order, walk->due[line].event.value,
					   walk->due[line].event.label_no);
		amount += walk->due[line].event.value;
		CHECK_FOR_INTERRUPTS();
	}
	/* one by one: an initializer clears all of it first, which takes longer */
	entry.at = walk->now;
	entry.explanation = NULL;
	entry.event = event;
	entry.label = label_no != 0 ? event->label : no_label;
	entry.label_no = label_no;
	entry.qualifies = true;
	entry.has_amount = true;
	entry.amount = amount;
	entry.points = settle(walk, terms, order, group);
	entry.type = entry.points < 0 ? EARN_ENTRY_RETURN : EARN_ENTRY_EARN;
	entry.scale = walk->policy->scale;
	earn_emit(walk, &entry);
	if (group->starts)
	{
		walk->norders++;
		earn_give_for_order(walk, terms, event);
	}
}

/* An entry for a purchase or a return. */
static EarnEntry
entry_of(const EarnWalk *walk, EarnEntryType type, const Event *event)
{
	EarnEntry entry = { .type = type,
						.event = event,
						.label = event->label,
						.label_no = event->label_no,
						.qualifies = true,
						.has_amount = true,
						.amount = event->value,
						.scale = walk->policy->scale };

	return entry;
}

void
earn_purchases(EarnWalk *walk)
{
	int32 i;

	/* those that don't count are entries where they are explained */
	for (i = 0; i < walk->ndue && walk->note != NULL; i++)
	{
		const EarnDue *due = &walk->due[i];

		if (due->role == EARN_PURCHASE && due->out != EARN_NOT_OUT)
		{
			EarnEntry entry = entry_of(walk, EARN_ENTRY_EARN, &due->event);

			earn_note_out(walk, due);
			earn_emit(walk, &entry);
		}
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < walk->ngroups; i++)
		earn_group(walk, &walk->groups[i], walk->counted[i].label_no);
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
earn_return(EarnWalk *walk, const EarnDue *due)
{
	const Event *event = &due->event;
	int128 value = earn_size(event);
	EarnEntry entry = entry_of(walk, EARN_ENTRY_RETURN, event);

	entry.amount = -value;
	if (due->out != EARN_NOT_OUT)
	{
		if (walk->note != NULL)
			earn_note_out(walk, due);
	}
	else if (due->ref >= 0)
	{
		int32 order = walk->refs[due->ref].first;
		int128 left = value;

		for (; order >= 0 && left > 0; order = walk->orders[order].next)
			left = return_order(walk, &walk->orders[order], left, &entry.points);
		if (entry.points > PG_INT64_MAX)
			earn_report_out_of_range(walk);
		entry.points = -entry.points;
		if (left == value && walk->note != NULL)
			earn_note_text(walk, "nothing left of the order to return");
	}
	else
	{
		const EarnTerms *terms = earn_terms_now(walk);

		if (walk->note != NULL)
			earn_note_return(walk, terms, event->label_no, value);
		entry.points = return_at_rate(walk, terms, value, event->label_no);
	}
	earn_emit(walk, &entry);
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
	earn_init_order(walk, &order, terms, -1);
	order.lines = order.amount = value;
	if (terms->rules->nrules > 0)
		add_weight(walk, terms, &order, value, label_no);
	return cut_shares(walk, terms, &order,
					  points_of(walk, terms, &order, weighted_of(terms, &order), &capped));
}
