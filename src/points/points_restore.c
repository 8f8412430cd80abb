/*
 * points_restore.c
 *		What was carried over comes in: lots, debts and what else is known of an account, or of
 *		several side by side, at the instant at which they were carried over.
 *
 * Lots are made in the order in which they were earned, so that they stand in the walk as they did
 * before; then come debts, the oldest first, and lots pay them.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "core/array.h"
#include "core/decimal.h"
#include "points/points_internal.h"

const char *const points_brought_names[POINTS_BROUGHT] = { "last earned",	  "last redeemed",
														   "overdrawn since", "held since",
														   "frozen since",	  "available since" };

/* ---- the sum ---- */

#define CARRY_HINT                                                                                 \
	"Carry over every account at the same instant, by the same rules, and add nothing but events " \
	"from that instant on, as timeline_slice(…, since => …) gives them."

static int
customer_detail(const PointsEvents *events)
{
	return events->customer != NULL ? errdetail("Customer %s.", events->customer) : 0;
}

static void
report_value(const PointsEvents *events, const Event *event)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("points were carried over at %s and at %s",
						   pstrdup(timestamptz_to_str(events->carried_at)),
						   pstrdup(timestamptz_to_str(event->at))),
					customer_detail(events),
					errhint("Kinds of role \"carry_over\" are for what points_carry_over() gives; "
							"points that the ledger itself carries over are \"adjust\" or "
							"\"transfer\". " CARRY_HINT)));
}

static void
report_sum(const PointsWalk *walk, TimestampTz at, int128 found)
{
	const PointsEvents *events = &walk->events;
	int scale = points_walk_scale(walk);

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s points were carried over at %s, but %s stand before",
						   decimal_sum_to_text(events->carried, scale), timestamptz_to_str(at),
						   decimal_sum_to_text(found, scale)),
					customer_detail(events), errhint(CARRY_HINT)));
}

static void
report_role(const PointsEvents *events, const PointsDue *due, TimestampTz at)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("event of role \"%s\" at %s stands before the points that were carried "
						   "over at %s",
						   points_role_names[due->role], pstrdup(timestamptz_to_str(due->at)),
						   pstrdup(timestamptz_to_str(at))),
					customer_detail(events), errhint(CARRY_HINT)));
}

void
points_find_carry_over(PointsEvents *events)
{
	TimelineReader reader = events->reader;
	Event event;

	events->carried = 0;
	while (timeline_next(&reader, &event))
	{
		CHECK_FOR_INTERRUPTS();
		if (!event.has_value || event.kind_no == 0 ||
			events->roles[2 * event.kind_no] != POINTS_CARRY_OVER)
			continue;
		if (events->carried_at != DT_NOBEGIN && events->carried_at != event.at)
			report_value(events, &event);
		events->carried_at = event.at;
		events->carried += event.value;
	}
}

/* ---- what stands before ---- */

/* What comes in, in the walk's array. */
typedef struct Held
{
	int64 n;
	bool has_expired;	 /* some are lots that are over */
	bool has_unbooked;	 /* ... computed expiries */
	int64 nnotes;		 /* of the instant that is read */
	int128 sum;			 /* of lots less debts */
	TimestampTz owed_at; /* the first debt; DT_NOEND: none */
	TimestampTz brought[POINTS_BROUGHT];
} Held;

/* Does an event of an account that was carried over make a lot, or a debt? */
static bool
makes_lot(const PointsDue *due)
{
	return due->role == POINTS_EARN || due->role == POINTS_REDEEM_REFUND ||
		   ((due->role == POINTS_ADJUST || due->role == POINTS_TRANSFER) && due->value > 0);
}

static bool
makes_debt(const PointsDue *due)
{
	return due->role == POINTS_RETURN || due->role == POINTS_REDEEM ||
		   ((due->role == POINTS_ADJUST || due->role == POINTS_TRANSFER) && due->value < 0);
}

static bool
is_over(const PointsWalk *walk, const PointsDue *due, TimestampTz now)
{
	return due->has_expiry &&
		   (due->expires_at < now || (due->expires_at == now && !walk->policy->valid_at_boundary));
}

/* What is known of the lots of an instant and a ref, beside their own events. */
static bool
is_note(const PointsDue *due)
{
	return due->role == POINTS_CARRY_OVER || due->role == POINTS_BLOCK;
}

static int
compare_keys(const RefKey *a, const RefKey *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->type == EVENT_REF_NUMBER)
		return a->number < b->number ? -1 : a->number > b->number;
	return a->type == EVENT_REF_NONE ? 0 : event_text_compare(&a->text, &b->text);
}

/*
 * The order in which the lots of an instant were made. What a refund gave came after the events of
 * other roles. Lots of the same event, or of equal ones, have different points now: the sooner to
 * expire was the first.
 */
static int
compare_held(const void *left, const void *right)
{
	const PointsDue *a = &((const PointsHeld *) left)->due;
	const PointsDue *b = &((const PointsHeld *) right)->due;
	int order;

	if ((a->role == POINTS_REDEEM_REFUND) != (b->role == POINTS_REDEEM_REFUND))
		return a->role == POINTS_REDEEM_REFUND ? 1 : -1;
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	if (a->kind_no != b->kind_no)
		return a->kind_no < b->kind_no ? -1 : 1;
	if (a->label_no != b->label_no)
		return a->label_no < b->label_no ? -1 : 1;
	if ((order = compare_keys(&a->ref, &b->ref)) != 0)
		return order;
	if (a->has_expiry && b->has_expiry && a->expires_at != b->expires_at)
		return a->expires_at < b->expires_at ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* By ref, what is known of it first. */
static int
compare_notes(const void *left, const void *right)
{
	const PointsDue *a = &(*(PointsHeld *const *) left)->due;
	const PointsDue *b = &(*(PointsHeld *const *) right)->due;
	int order = compare_keys(&a->ref, &b->ref);

	if (order != 0)
		return order;
	if (is_note(a) != is_note(b))
		return is_note(a) ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* By ref, label and expiry, how many points of such lots are blocked first. */
static int
compare_blocks(const void *left, const void *right)
{
	const PointsDue *a = &(*(PointsHeld *const *) left)->due;
	const PointsDue *b = &(*(PointsHeld *const *) right)->due;
	int order = compare_keys(&a->ref, &b->ref);

	if (order != 0)
		return order;
	if (a->label_no != b->label_no)
		return a->label_no < b->label_no ? -1 : 1;
	if (a->has_expiry != b->has_expiry)
		return a->has_expiry ? 1 : -1;
	if (a->has_expiry && a->expires_at != b->expires_at)
		return a->expires_at < b->expires_at ? -1 : 1;
	if (is_note(a) != is_note(b))
		return is_note(a) ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* Of lots of an instant that are alike, as many points as there are notes of. */
static void
apply_blocks(PointsHeld **lots, int64 n)
{
	const PointsDue *of = NULL;
	int128 blocked = 0;
	int64 i;

	sort_elements(lots, n, sizeof(PointsHeld *), compare_blocks);
	for (i = 0; i < n; i++)
	{
		const PointsDue *due = &lots[i]->due;

		if (of == NULL || compare_keys(&of->ref, &due->ref) != 0 || of->label_no != due->label_no ||
			of->has_expiry != due->has_expiry ||
			(due->has_expiry && of->expires_at != due->expires_at))
			blocked = 0;
		of = due;
		if (due->role == POINTS_BLOCK)
			blocked += llabs(due->value);
		else if (makes_lot(due))
		{
			lots[i]->blocked = (int64) Min(blocked, llabs(due->value));
			blocked -= lots[i]->blocked;
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/* Lots of an instant that could be spent sooner, or later, than the rules have it. */
static void
apply_notes(PointsHeld *held, int64 n)
{
	PointsHeld **by_ref = palloc_extended(n * sizeof(PointsHeld *), MCXT_ALLOC_HUGE);
	const PointsDue *note = NULL;
	int64 i;

	for (i = 0; i < n; i++)
		by_ref[i] = &held[i];
	sort_elements(by_ref, n, sizeof(PointsHeld *), compare_notes);
	for (i = 0; i < n; i++)
	{
		const PointsDue *due = &by_ref[i]->due;

		if (due->role == POINTS_CARRY_OVER)
			note = due;
		else if (note != NULL && compare_keys(&note->ref, &due->ref) == 0 &&
				 due->role == POINTS_EARN)
			by_ref[i]->available_at = note->expires_at;
		CHECK_FOR_INTERRUPTS();
	}
	apply_blocks(by_ref, n);
	pfree(by_ref);
}

static PointsHeld *
add_held(PointsWalk *walk, Held *held, const PointsDue *due)
{
	PointsHeld *added;

	walk->held = array_grow_in(walk->events.context, walk->held, &walk->max_held, held->n + 1,
							   sizeof(PointsHeld));
	added = &walk->held[held->n++];
	added->due = *due;
	added->available_at = DT_NOBEGIN;
	added->blocked = 0;
	return added;
}

/* Something else that is known, by its label: of several accounts the last activity, the first
 * debt. */
static void
hold_mark(PointsWalk *walk, Held *held, const PointsDue *due)
{
	const EventText *label =
		due->label_no > 0 ? &walk->events.reader.labels[due->label_no - 1] : NULL;
	int which = label == NULL
					? -1
					: choice_find(label->bytes, label->len, points_brought_names, POINTS_BROUGHT);

	if (which < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("event of role \"carry_over\" at %s without points, and without a "
							   "label that says what it is",
							   timestamptz_to_str(due->at)),
						customer_detail(&walk->events),
						errhint("Take what points_carry_over() gives as it is.")));
	if (which == BROUGHT_AVAILABLE)
	{
		add_held(walk, held, due)->due.role = POINTS_CARRY_OVER;
		held->nnotes++;
	}
	else if (held->brought[which] == DT_NOBEGIN ||
			 (which >= BROUGHT_OVERDRAWN) == (due->at < held->brought[which]))
		held->brought[which] = due->at;
}

static void
hold(PointsWalk *walk, Held *held, const PointsDue *due, TimestampTz now)
{
	if (due->role == POINTS_IGNORE)
	{
		if (walk->events.roles[2 * due->kind_no] == POINTS_CARRY_OVER)
			hold_mark(walk, held, due);
		return;
	}
	if (makes_lot(due) && is_over(walk, due, now))
		held->has_expired = true;
	else if (makes_lot(due))
		held->sum += llabs(due->value);
	else if (makes_debt(due))
	{
		held->sum -= llabs(due->value);
		held->owed_at = Min(held->owed_at, due->at);
	}
	else if (due->role == POINTS_EXPIRE)
		held->has_unbooked = true;
	else if (due->role == POINTS_BLOCK && due->value != 0)
		held->nnotes++;
	else
		report_role(&walk->events, due, now);
	(void) add_held(walk, held, due);
}

static void
hold_all(PointsWalk *walk, Held *held, TimestampTz now)
{
	PointsEvents *events = &walk->events;

	while (events->next->at < now)
	{
		int n = points_events_together(events);
		int64 first = held->n;
		int i;

		for (i = 0; i < n; i++)
		{
			hold(walk, held, &events->next[i], now);
			CHECK_FOR_INTERRUPTS();
		}
		if (held->n - first > 1)
			sort_elements(walk->held + first, held->n - first, sizeof(PointsHeld), compare_held);
		if (held->nnotes > 0)
			apply_notes(walk->held + first, held->n - first);
		held->nnotes = 0;
		events->next += n;
	}
}

/* ---- what comes in ---- */

/* An earning or a redemption was the last one; it refreshes, unless all have lapsed since. */
static void
bring_activity(PointsWalk *walk, TimestampTz at, bool refreshes, TimestampTz now)
{
	if (refreshes && points_clock_inactive_bound(walk->clock, at) <= now)
	{
		TimestampTz lapse = points_clock_inactive_at(walk->clock, at);

		refreshes = lapse > now || (lapse == now && walk->policy->valid_at_boundary);
	}
	points_bring_activity(walk, at, refreshes);
}

static void
bring_activities(PointsWalk *walk, const Held *held, TimestampTz now)
{
	TimestampTz earned = held->brought[BROUGHT_EARNED];
	TimestampTz redeemed = held->brought[BROUGHT_REDEEMED];

	if (earned != DT_NOBEGIN && earned <= redeemed)
		bring_activity(walk, earned, walk->policy->refreshed_by_earn, now);
	if (redeemed != DT_NOBEGIN)
		bring_activity(walk, redeemed, walk->policy->refreshed_by_redeem, now);
	if (earned != DT_NOBEGIN && earned > redeemed)
		bring_activity(walk, earned, walk->policy->refreshed_by_earn, now);
}

/* What expired together did so in the order of lots. */
static int
compare_expiries(const void *left, const void *right)
{
	const PointsHeld *a = *(PointsHeld *const *) left;
	const PointsHeld *b = *(PointsHeld *const *) right;

	if (a->due.expires_at != b->due.expires_at)
		return a->due.expires_at < b->due.expires_at ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* What expired before comes in in that order: lots that may come back, or what isn't booked yet. */
static void
bring_expired(PointsWalk *walk, const Held *held, bool lots, TimestampTz now)
{
	PointsHeld **expired = palloc_extended(held->n * sizeof(PointsHeld *), MCXT_ALLOC_HUGE);
	int64 n = 0;
	int64 i;

	for (i = 0; i < held->n; i++)
	{
		PointsHeld *one = &walk->held[i];

		if (lots ? makes_lot(&one->due) && is_over(walk, &one->due, now)
				 : one->due.role == POINTS_EXPIRE)
			expired[n++] = one;
	}
	sort_elements(expired, n, sizeof(PointsHeld *), compare_expiries);
	for (i = 0; i < n; i++)
	{
		if (lots)
			points_bring_lot(walk, expired[i], now);
		else
			points_bring_unbooked(walk, &expired[i]->due, now);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(expired);
}

/* What has expired was, or will be, booked on its own. */
static void
bring_expired_lots(PointsWalk *walk, const Held *held, TimestampTz now)
{
	walk->restores_expired = true;
	bring_expired(walk, held, true, now);
	walk->restores_expired = false;
	walk->unbooked = 0;
}

void
points_restore(PointsWalk *walk)
{
	TimestampTz now = walk->events.carried_at;
	Held held = { .owed_at = DT_NOEND };
	int64 i;

	for (i = 0; i < POINTS_BROUGHT; i++)
		held.brought[i] = DT_NOBEGIN;
	walk->events.carried_at = DT_NOBEGIN;
	hold_all(walk, &held, now);
	if (held.sum != walk->events.carried)
		report_sum(walk, now, held.sum);
	memcpy(walk->brought, held.brought, sizeof(walk->brought));

	bring_activities(walk, &held, now);
	if (held.has_expired)
		bring_expired_lots(walk, &held, now);
	for (i = 0; i < held.n; i++)
	{
		const PointsHeld *one = &walk->held[i];

		if (makes_lot(&one->due) && !is_over(walk, &one->due, now))
			points_bring_lot(walk, one, now);
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < held.n; i++)
	{
		if (makes_debt(&walk->held[i].due))
			points_bring_debt(walk, &walk->held[i].due, now);
		CHECK_FOR_INTERRUPTS();
	}
	if (held.has_unbooked)
		bring_expired(walk, &held, false, now);
	if (walk->last_refresh == DT_NOBEGIN && held.brought[BROUGHT_HELD] != DT_NOBEGIN)
		points_bring_held_since(walk, held.brought[BROUGHT_HELD]);
	points_settle(walk, now);
	walk->frozen = held.brought[BROUGHT_FROZEN] != DT_NOBEGIN;
	if (walk->totals.overdrawn > 0)
		walk->overdrawn_since = held.brought[BROUGHT_OVERDRAWN] != DT_NOBEGIN
									? held.brought[BROUGHT_OVERDRAWN]
									: held.owed_at;
}
