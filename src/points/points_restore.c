/*
 * points_restore.c
 *		What was carried over comes in: lots, debts and what else is known of an account, or of
 *several side by side, at the instant at which they were carried over.
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

const char *const points_brought_names[POINTS_BROUGHT] = { "last earned", "last redeemed",
														   "overdrawn since", "held since" };

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
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("points were carried over at %s and at %s",
					pstrdup(timestamptz_to_str(events->carried_at)), timestamptz_to_str(event->at)),
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
	int64 nunbooked;	 /* computed expiries among them */
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
	const PointsDue *a = left;
	const PointsDue *b = right;
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
	if (held->brought[which] == DT_NOBEGIN ||
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
	if (makes_lot(due))
		held->sum += is_over(walk, due, now) ? 0 : Abs(due->value);
	else if (makes_debt(due))
	{
		held->sum -= Abs(due->value);
		held->owed_at = Min(held->owed_at, due->at);
	}
	else if (due->role == POINTS_EXPIRE)
		held->nunbooked++;
	else
		report_sum(walk, now, held->sum);
	walk->held = array_grow_in(walk->events.context, walk->held, &walk->max_held, held->n + 1,
							   sizeof(PointsDue));
	walk->held[held->n++] = *due;
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
			sort_elements(walk->held + first, held->n - first, sizeof(PointsDue), compare_held);
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

static int
compare_expiries(const void *left, const void *right)
{
	const PointsDue *a = left;
	const PointsDue *b = right;

	if (a->expires_at != b->expires_at)
		return a->expires_at < b->expires_at ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* Expiries that wait for their booking, in the order in which points expired. */
static void
bring_unbooked(PointsWalk *walk, const Held *held, TimestampTz now)
{
	PointsDue *expiries = palloc_extended(held->nunbooked * sizeof(PointsDue), MCXT_ALLOC_HUGE);
	int64 n = 0;
	int64 i;

	for (i = 0; i < held->n; i++)
		if (walk->held[i].role == POINTS_EXPIRE)
			expiries[n++] = walk->held[i];
	sort_elements(expiries, n, sizeof(PointsDue), compare_expiries);
	for (i = 0; i < n; i++)
	{
		points_bring_unbooked(walk, &expiries[i], now);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(expiries);
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
	for (i = 0; i < held.n; i++)
	{
		if (makes_lot(&walk->held[i]))
			points_bring_lot(walk, &walk->held[i], now);
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < held.n; i++)
	{
		if (makes_debt(&walk->held[i]))
			points_bring_debt(walk, &walk->held[i], now);
		CHECK_FOR_INTERRUPTS();
	}
	if (held.nunbooked > 0)
		bring_unbooked(walk, &held, now);
	if (walk->last_refresh == DT_NOBEGIN && held.brought[BROUGHT_HELD] != DT_NOBEGIN)
		points_bring_held_since(walk, held.brought[BROUGHT_HELD]);
	points_settle(walk, now);
	if (walk->totals.overdrawn > 0)
		walk->overdrawn_since = held.brought[BROUGHT_OVERDRAWN] != DT_NOBEGIN
									? held.brought[BROUGHT_OVERDRAWN]
									: held.owed_at;
}
