/*
 * earn_orders.c
 *		What the events of an instant do, once it is known what they count for: what orders
 *		earn, what returns and late payments take back, the bonuses that come with them, and
 *		what passes through.
 *
 * At one instant things happen in this order: what time gives, joining, referrals, purchases, what
 * was earned elsewhere, activations, refunds of redemptions, reinstatements, adjustments,
 *transfers, late payments, returns, and the rest of what passes through: as points have it.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "earn/earn_internal.h"

const char *const earn_entry_names[] = { "earn",	 "return",		  "bonus",	   "redeem",
										 "activate", "redeem_refund", "reinstate", "adjust",
										 "transfer", "block",		  "unblock",   "forfeit",
										 "expire" };

/* ---- entries ---- */

/* Reports an entry of the instant, which it completes; without points only if it's explained, or
 * does something all the same. */
static void
emit(EarnWalk *walk, EarnEntry *entry)
{
	if (entry->points != 0 || walk->note != NULL || earn_needs_no_points(entry->type))
	{
		entry->at = walk->now;
		entry->explanation = walk->note != NULL ? walk->note->data : NULL;
		walk->sink(walk->sink_context, walk, entry);
	}
	if (walk->note != NULL)
		resetStringInfo(walk->note);
}

/* An entry for a purchase or a return. */
static EarnEntry
entry_of(const EarnWalk *walk, EarnEntryType type, const Event *event)
{
	EarnEntry entry = { .type = type,
						.event = event,
						.label = event->label,
						.label_no = event->label_no,
						.kind_no = event->kind_no,
						.qualifies = true,
						.has_amount = true,
						.amount = event->value,
						.scale = walk->policy->scale };

	return entry;
}

/* ---- bonuses ---- */

void
earn_give(EarnWalk *walk, const EarnTerms *terms, EarnBonusSort sort, const EarnBonus *bonus,
		  const Event *event, int64 n)
{
	int scale = walk->policy->scale;
	EarnEntry entry = { .type = EARN_ENTRY_BONUS,
						.event = event,
						.label_no = walk->nlabels + 1 + bonus->label,
						.label = walk->policy->labels[bonus->label],
						.qualifies = terms->rules->bonuses_qualify,
						.scale = scale };
	int64 points;

	if (bonus->points.units == 0)
		return;
	points = decimal_rescale(bonus->points.units, bonus->points.scale, scale);
	if (walk->note != NULL)
		earn_note_bonus(walk, sort, bonus, n);
	if (bonus->counter >= 0)
	{
		int64 caps[EARN_SPANS];

		earn_scale_caps(walk->policy, &bonus->cap, caps);
		points = earn_within_caps(walk, bonus->counter, caps, points, NULL);
	}
	if (walk->counts_all)
		points = earn_within_caps(walk, 0, terms->caps, points, NULL);
	entry.points = points;
	emit(walk, &entry);
}

/* The bonuses of an order that starts. */
static void
give_for_order(EarnWalk *walk, const EarnTerms *terms, const Event *event)
{
	const EarnBonuses *bonuses = terms->rules->bonuses;
	int i;

	if (walk->norders == 1)
		earn_give(walk, terms, EARN_FIRST_PURCHASE, &bonuses->fixed[EARN_FIRST_PURCHASE], event, 1);
	for (i = 0; i < bonuses->nnth; i++)
	{
		const EarnNth *nth = &bonuses->nth[i];

		if (nth->every ? walk->norders % nth->n == 0 : walk->norders == nth->n)
			earn_give(walk, terms, EARN_NTH_PURCHASE, &nth->bonus, event, walk->norders);
	}
}

/* ---- earning ---- */

static EarnShare *
shares_of(const EarnWalk *walk, const EarnTerms *terms, const EarnOrder *order)
{
	if (terms->ncapped == 0)
		return NULL;
	return order->ref < 0 ? &walk->scratch[order->shares] : &walk->shares[order->shares];
}

/* Adds a line's weight by its multipliers. */
static int128
add_weight(EarnWalk *walk, const EarnTerms *terms, EarnOrder *order, int64 value, int label_no)
{
	int128 weight = earn_weight(walk, terms, label_no, shares_of(walk, terms, order), value);

	order->weighted = earn_add(walk, order->weighted, earn_mul(walk, weight, value));
	return weight;
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
		if (walk->by_label)
			walk->parts.added[1 + i] = more;
		if (points <= 0 || more <= 0 || rule->counter < 0)
			continue;
		if (caps[EARN_ORDER] >= 0 && granted > caps[EARN_ORDER] - share->granted)
		{
			granted = caps[EARN_ORDER] - share->granted;
			if (walk->note != NULL)
				earn_note_cap(walk, rule, EARN_ORDER, caps[EARN_ORDER]);
		}
		granted = earn_within_caps(walk, rule->counter, caps, granted, rule);
		share->granted += granted;
		more = Min(more - granted, points);
		points -= more;
		if (walk->by_label)
			walk->parts.added[1 + i] -= more;
	}
	return points;
}

/* Does an order that would earn so many points find that enough others have begun to? */
static inline bool
comes_too_late(EarnWalk *walk, const EarnTerms *terms, int64 points)
{
	return unlikely(terms->limits_orders) && points > 0 && !earn_may_begin(walk, terms);
}

/* The points that lines have added to an order, negative where they have made it earn less; before
 * caps on everything, and within them. */
static int64
settle(EarnWalk *walk, const EarnTerms *terms, EarnOrder *order, const EarnGroup *group,
	   int64 *before)
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
	if (!order->counts && comes_too_late(walk, terms, points))
		points = 0;
	if (terms->ncapped > 0)
		points = cut_shares(walk, terms, order, points);
	*before = points;
	if (points >= 0)
	{
		if (walk->counts_all)
			points = earn_within_caps(walk, 0, terms->caps, points, NULL);
		if (points > 0 && unlikely(walk->counts_orders) && !order->counts)
		{
			order->counts = true;
			earn_count_order(walk);
		}
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
	int64 before;
	int32 line;

	if (unlikely(walk->by_label))
		earn_parts_begin(walk, terms);
	for (line = group->first; line >= 0; line = walk->due[line].next)
	{
		int128 weight = terms->one;

		walk->named = 0;
		if (terms->rules->nrules > 0)
			weight = add_weight(walk, terms, order, walk->due[line].event.value,
								walk->due[line].event.label_no);
		if (unlikely(walk->by_label))
			earn_parts_line(walk, &walk->due[line].event, weight - walk->named);
		amount += walk->due[line].event.value;
		CHECK_FOR_INTERRUPTS();
	}
	/* one by one: an initializer clears all of it first, which takes longer */
	entry.at = walk->now;
	entry.explanation = NULL;
	entry.event = event;
	entry.label = label_no != 0 ? event->label : no_label;
	entry.label_no = label_no;
	entry.kind_no = event->kind_no;
	entry.has_expiry = false;
	entry.passes = false;
	entry.qualifies = true;
	entry.has_amount = true;
	entry.amount = amount;
	entry.points = settle(walk, terms, order, group, &before);
	entry.type = entry.points < 0 ? EARN_ENTRY_RETURN : EARN_ENTRY_EARN;
	entry.scale = walk->policy->scale;
	entry.nparts = 0;
	if (unlikely(walk->by_label))
		earn_parts_end(walk, terms, before, &entry);
	emit(walk, &entry);
	if (group->starts)
	{
		walk->norders++;
		give_for_order(walk, terms, event);
	}
}

/* The purchases of the instant, order by order. */
static void
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
			emit(walk, &entry);
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

/* Takes back up to so much of an order; what is left. The points that are taken are added. */
static int128
take_of_order(EarnWalk *walk, EarnOrder *order, const char *what, int128 left, int128 *taken)
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
		earn_note_order_return(walk, what, part, order, points);
	return left - part;
}

static void
take_back(EarnWalk *walk, int32 number)
{
	const EarnDue *due = &walk->due[number];
	const Event *event = &due->event;
	int128 value = earn_size_of(event);
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
		int128 left = due->counted;

		for (; order >= 0 && left > 0; order = walk->orders[order].next)
			left = take_of_order(walk, &walk->orders[order], "return", left, &entry.points);
		if (entry.points > PG_INT64_MAX)
			earn_report_out_of_range(walk);
		entry.points = -entry.points;
		if (due->counted == 0 && walk->note != NULL)
			earn_note_text(walk, "nothing left of the order to return");
	}
	else if (due->counted > 0)
	{
		const EarnTerms *terms = earn_terms_now(walk);

		if (walk->note != NULL)
			earn_note_return(walk, terms, event->label_no, due->counted);
		entry.points = return_at_rate(walk, terms, due->counted, event->label_no);
	}
	else if (walk->note != NULL)
		earn_note_text(walk, "nothing bought that could be returned");
	emit(walk, &entry);
}

/* ---- late payments ---- */

/* What a payment takes back of an order. */
static void
take_late(EarnWalk *walk, const Event *event, const EarnLate *late)
{
	EarnOrder *order = &walk->orders[late->order];
	EarnEntry entry = entry_of(walk, EARN_ENTRY_RETURN, event);

	entry.kind_no = order->kind_no;
	entry.label_no = order->label_no;
	entry.label.bytes = NULL;
	entry.label.len = 0;
	if (order->label_no > 0)
		entry.label = walk->labels[order->label_no - 1];
	entry.amount = -late->part;
	(void) take_of_order(walk, order, "payment with points", late->part, &entry.points);
	entry.points = -entry.points;
	emit(walk, &entry);
}

static void
settle_payment(EarnWalk *walk, int32 number)
{
	const EarnDue *due = &walk->due[number];
	int32 i;

	for (i = due->next; i >= 0 && i < walk->nlate && walk->late[i].due == number; i++)
		take_late(walk, &due->event, &walk->late[i]);
	if (due->next < 0 && !due->met && walk->note != NULL)
	{
		EarnEntry entry = entry_of(walk, EARN_ENTRY_RETURN, &due->event);

		entry.amount = -earn_size_of(&due->event);
		if (due->ref >= 0 && walk->refs[due->ref].bought)
			earn_note_text(walk, "nothing left of the order to pay");
		else
			earn_note_waiting(walk, earn_size_of(&due->event));
		emit(walk, &entry);
	}
}

/* ---- an instant ---- */

static void
join(EarnWalk *walk, int32 due)
{
	EarnTerms *terms = earn_terms_now(walk);

	if (walk->joined)
		return;
	walk->joined = true;
	earn_give(walk, terms, EARN_JOINING, &terms->rules->bonuses->fixed[EARN_JOINING],
			  &walk->due[due].event, 0);
}

static void
refer(EarnWalk *walk, int32 due)
{
	EarnTerms *terms = earn_terms_now(walk);

	if (walk->now >= walk->member_since)
		earn_give(walk, terms, EARN_REFERRED, &terms->rules->bonuses->fixed[EARN_REFERRED],
				  &walk->due[due].event, 0);
}

/* Passes on what a points ledger has, with the decimals that it needs. */
static void
pass_on(EarnWalk *walk, int32 due)
{
	static const EarnEntryType types[] = {
		[EARN_REDEMPTION] = EARN_ENTRY_REDEEM, [EARN_GIVEN] = EARN_ENTRY_EARN,
		[EARN_REFUND] = EARN_ENTRY_REFUND,	   [EARN_ADJUST] = EARN_ENTRY_ADJUST,
		[EARN_TRANSFER] = EARN_ENTRY_TRANSFER, [EARN_FORFEIT] = EARN_ENTRY_FORFEIT,
		[EARN_EXPIRE] = EARN_ENTRY_EXPIRE,	   [EARN_REINSTATE] = EARN_ENTRY_REINSTATE,
		[EARN_ACTIVATE] = EARN_ENTRY_ACTIVATE, [EARN_BLOCK] = EARN_ENTRY_BLOCK,
		[EARN_UNBLOCK] = EARN_ENTRY_UNBLOCK,
	};
	static const char *const words[] = {
		[EARN_REDEMPTION] = "redemption",	[EARN_GIVEN] = "earned elsewhere",
		[EARN_ACTIVATE] = "activation",		[EARN_BLOCK] = "block",
		[EARN_UNBLOCK] = "unblock",			[EARN_REFUND] = "refund of a redemption",
		[EARN_REINSTATE] = "reinstatement", [EARN_ADJUST] = "adjustment",
		[EARN_TRANSFER] = "transfer",		[EARN_FORFEIT] = "forfeit",
		[EARN_EXPIRE] = "booked expiry"
	};
	const Event *event = &walk->due[due].event;
	EarnRole role = walk->due[due].role;
	EarnEntry entry = entry_of(walk, types[role], event);

	if (role == EARN_GIVEN && event->value < 0)
		entry.type = EARN_ENTRY_RETURN;
	entry.has_amount = false;
	entry.passes = true;
	entry.qualifies = role == EARN_GIVEN && walk->now >= walk->member_since;
	/* of how many points an activation is doesn't matter */
	entry.scale = role == EARN_ACTIVATE ? 0 : decimal_minimal_scale(event->value, walk->scale);
	if (role != EARN_ACTIVATE)
		entry.points = event->value / decimal_power[walk->scale - entry.scale];
	if (role == EARN_REDEMPTION || role == EARN_FORFEIT || role == EARN_EXPIRE ||
		role == EARN_BLOCK)
		entry.points = entry.points < 0 ? entry.points : -entry.points;
	else if (role == EARN_REFUND || role == EARN_REINSTATE || role == EARN_UNBLOCK)
		entry.points = entry.points < 0 ? -entry.points : entry.points;
	if (event->has_expiry && role != EARN_REFUND && role != EARN_UNBLOCK &&
		(entry.points > 0 || role == EARN_REINSTATE))
	{
		entry.has_expiry = true;
		entry.expires_at = event->expires_at;
	}
	if (walk->note != NULL)
		earn_note_text(walk, words[role]);
	emit(walk, &entry);
}

static void
pass_on_coming(EarnWalk *walk, int32 due)
{
	if (walk->due[due].event.value > 0)
		pass_on(walk, due);
}

static void
pass_on_going(EarnWalk *walk, int32 due)
{
	if (walk->due[due].event.value < 0)
		pass_on(walk, due);
}

void
earn_walk_end(EarnWalk *walk, int tier)
{
	int ncounted;

	walk->tier = tier;
	(void) earn_walk_reckon(walk, &ncounted);
	if ((walk->roles_due & ~EARN_ROLE_BIT(EARN_PURCHASE)) == 0)
	{
		earn_purchases(walk);
		return;
	}
	earn_for_role(walk, EARN_JOIN, join);
	earn_for_role(walk, EARN_REFERRAL, refer);
	earn_purchases(walk);
	earn_for_role(walk, EARN_GIVEN, pass_on_coming);
	earn_for_role(walk, EARN_ACTIVATE, pass_on);
	earn_for_role(walk, EARN_REFUND, pass_on);
	earn_for_role(walk, EARN_REINSTATE, pass_on);
	earn_for_role(walk, EARN_ADJUST, pass_on);
	earn_for_role(walk, EARN_TRANSFER, pass_on_coming);
	earn_for_role(walk, EARN_TRANSFER, pass_on_going);
	earn_for_role(walk, EARN_PAID_WITH_POINTS, settle_payment);
	earn_for_role(walk, EARN_RETURN, take_back);
	earn_for_role(walk, EARN_GIVEN, pass_on_going);
	earn_for_role(walk, EARN_BLOCK, pass_on);
	earn_for_role(walk, EARN_UNBLOCK, pass_on);
	earn_for_role(walk, EARN_REDEMPTION, pass_on);
	earn_for_role(walk, EARN_FORFEIT, pass_on);
	earn_for_role(walk, EARN_EXPIRE, pass_on);
}

/* ---- one order alone ---- */

/* alone: nobody has earned anything before. */
static pg_attribute_always_inline int64
earn_of_line(EarnWalk *walk, EarnTerms *terms, int64 value, int label_no, bool alone)
{
	EarnOrder order;
	bool capped;
	int64 points;

	walk->nscratch = 0;
	earn_init_order(walk, &order, terms, -1);
	order.lines = order.amount = value;
	if (terms->rules->nrules > 0)
		(void) add_weight(walk, terms, &order, value, label_no);
	points = points_of(walk, terms, &order, weighted_of(terms, &order), &capped);
	if (!alone && comes_too_late(walk, terms, points))
		points = 0;
	return cut_shares(walk, terms, &order, points);
}

int64
earn_single(EarnWalk *walk, int64 value, int label_no)
{
	EarnTerms *terms = earn_terms_now(walk);

	if (value < 0)
		return return_at_rate(walk, terms, -(int128) value, label_no);
	return earn_of_line(walk, terms, value, label_no, true);
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

	Assert(walk->note == NULL && !walk->by_label && event->at >= walk->member_since);
	earn_come_to(walk, event->at);
	walk->tier = tier;
	terms = earn_terms_now(walk);
	entry.points = earn_of_line(walk, terms, event->value, 0, false);
	if (walk->counts_all)
		entry.points = earn_within_caps(walk, 0, terms->caps, (int64) entry.points, NULL);
	if (entry.points > 0 && unlikely(walk->counts_orders))
		earn_count_order(walk);
	emit(walk, &entry);
	walk->spend += event->value;
	walk->norders++;
	give_for_order(walk, terms, event);
}
