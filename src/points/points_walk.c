/*
 * points_walk.c
 *		Replays a customer's events and what falls due between them, in order: the one
 *		implementation of the points rules.
 *
 *		timeline --> events of one instant, by role --+
 *													  +--> moves on lots --> totals, sink
 *		lots' expiries, activations, inactivity ------+
 *
 * points_events.c reads the events, and points_roles.c does what they do. Here they are brought
 * together with what falls due.
 *
 * Lots stand in an array in the order in which they were earned, and in the queues
 * that the rules need (points_lots.c). Queues that only some roles need are filled
 * when the first of them comes. So a walk takes O(n log n) at worst, and a few compares
 * an event where all lots live equally long: next_due is a bound below which nothing
 * falls due, so that most events come without a look at the queues.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"
#include "points/points_internal.h"

/* ---- beginning ---- */

static void
init_queue(PointsWalk *walk, WalkQueue queue, LotOrder order)
{
	lot_queue_init(&walk->queues[queue], 1 << queue, false, order);
}

PointsWalk *
points_walk_create(const PointsPolicy *policy, int flags, PointsSink sink, void *context)
{
	PointsWalk *walk = palloc0(sizeof(PointsWalk));
	LotOrder spend = policy->order == POINTS_SOONEST_EXPIRY ? LOTS_BY_EXPIRY
					 : policy->order == POINTS_OLDEST		? LOTS_OLDEST
															: LOTS_NEWEST;

	walk->policy = policy;
	walk->clock = points_clock_create(policy);
	walk->sink = sink;
	walk->sink_context = context;
	walk->notes_expiries = policy->books_expiry || policy->has_grace;
	lot_refs_init(&walk->refs, 1 << WALK_QUEUES, 2 << WALK_QUEUES, policy->has_activations);
	walk->lots = array_grow(NULL, &walk->max_lots, 64, sizeof(PointsLot));
	points_events_init(&walk->events, policy, (flags & POINTS_KEEP_EVENTS) != 0);
	init_queue(walk, QUEUE_SPEND, spend);
	init_queue(walk, QUEUE_EXPIRY, LOTS_BY_EXPIRY);
	init_queue(walk, QUEUE_ACTIVATE, LOTS_BY_ACTIVATION);
	init_queue(walk, QUEUE_NEWEST, LOTS_NEWEST);
	init_queue(walk, QUEUE_PENDING, LOTS_NEWEST);
	init_queue(walk, QUEUE_SOONEST, LOTS_BY_EXPIRY);
	init_queue(walk, QUEUE_ALL, LOTS_OLDEST);
	init_queue(walk, QUEUE_BLOCKED, LOTS_NEWEST);

	/* where lots don't wait, nor are blocked, those to be spent in the order of expiry are those
	 * that expire */
	walk->filled_at_first = 1 << QUEUE_SPEND;
	walk->expiry = QUEUE_SPEND;
	if (walk->clock->pends)
		walk->filled_at_first |= 1 << QUEUE_ACTIVATE;
	if (walk->clock->pends || policy->has_blocks || spend != LOTS_BY_EXPIRY)
	{
		walk->filled_at_first |= 1 << QUEUE_EXPIRY;
		walk->expiry = QUEUE_EXPIRY;
	}
	return walk;
}
static void
start_over(PointsWalk *walk)
{
	int i;

	walk->restores_expired = false;
	for (i = 0; i < POINTS_BROUGHT; i++)
		walk->brought[i] = DT_NOBEGIN;
	walk->nlots = 0;
	for (i = 0; i < WALK_QUEUES; i++)
		lot_queue_clear(&walk->queues[i]);
	walk->filled = walk->filled_at_first;
	lot_refs_clear(&walk->refs);
	memset(&walk->totals, 0, sizeof(PointsTotals));
	memset(&walk->sums, 0, sizeof(WalkSums));
	walk->unbooked = 0;
	walk->nexpired = 0;
	walk->last_expired = -1;
	walk->expired_by_ref = false;
	walk->knows_debts = walk->sink != NULL || walk->events.has_refunds;
	walk->returned = 0;
	walk->nrefunds = 0;
	walk->last_activity = walk->last_refresh = DT_NOBEGIN;
	walk->lapses_from = DT_NOEND;
	walk->first_held = 0;
	walk->ngiven_back = walk->first_given_back = 0;
	walk->inactive_known = false;
	walk->frozen = false;
	walk->activated = 0;
	walk->first_waiting = 0;
	walk->next_due = DT_NOEND;
	walk->suspended = false;
	walk->resumed_at = DT_NOBEGIN;
}

void
points_walk_start(PointsWalk *walk, ByteSpan body, const char *customer)
{
	const TimelineReader *reader = &walk->events.reader;

	points_events_start(&walk->events, body, customer);
	start_over(walk);
	walk->fed = false;
	walk->labels = reader->labels;
	walk->nlabels = reader->nlabels;
	if (reader->flags & TIMELINE_HAS_LABELS)
		points_clock_set_labels(walk->clock, reader->labels, reader->nlabels);
}

/* ---- what falls due ---- */

/* The last instant of which a limit lets a step happen. */
static inline TimestampTz
last_of(PointsLimit limit, PointsStep step)
{
	return step <= limit.step ? limit.at : limit.at - 1;
}

/* A bound below points_inactive_at(), or that itself where it has been computed. */
static inline TimestampTz
inactive_bound(const PointsWalk *walk)
{
	if (likely(!walk->policy->has_inactive))
		return DT_NOEND;
	if (walk->last_refresh == DT_NOBEGIN)
		return walk->lapses_from;
	return walk->inactive_known ? walk->inactive_at
								: points_clock_inactive_bound(walk->clock, walk->last_refresh);
}

/* Works off what falls due up to a limit, in order. */
static void
run_due(PointsWalk *walk, PointsLimit limit)
{
	LotQueue *expiry = &walk->queues[walk->expiry];
	bool valid_at_boundary = walk->policy->valid_at_boundary;
	TimestampTz last_activation = last_of(limit, POINTS_STEP_ACTIVATE);
	TimestampTz last_expiry =
		last_of(limit, valid_at_boundary ? POINTS_STEP_EXPIRE_AFTER : POINTS_STEP_EXPIRE);
	TimestampTz resumed_at = walk->resumed_at;

	for (;;)
	{
		int32 expiring = lot_queue_first(expiry, LOTS_WITH_POINTS, walk->lots);
		int32 activating = unlikely(walk->clock->pends) ? points_first_to_activate(walk) : -1;
		TimestampTz expires_at = expiring < 0 ? DT_NOEND : walk->lots[expiring].expires_at;
		TimestampTz available_at = activating < 0 ? DT_NOEND : walk->lots[activating].waits_until;
		TimestampTz inactive_at = inactive_bound(walk);
		TimestampTz first_expiry;

		if (inactive_at <= limit.at)
			inactive_at = points_inactive_at(walk);
		first_expiry = unlikely(walk->suspended) ? DT_NOEND : Min(expires_at, inactive_at);
		if (available_at <= last_activation &&
			(available_at < first_expiry || (available_at == first_expiry && valid_at_boundary)))
			points_activate(walk, activating);
		else if (first_expiry > last_expiry)
		{
			walk->next_due = Min(first_expiry, available_at);
			break;
		}
		else if (expires_at < inactive_at)
		{
			points_expire_lot(walk, expiring, Max(expires_at, resumed_at));
			lot_queue_step(expiry, walk->lots, expiring);
		}
		else
			points_lapse(walk, inactive_at, Max(inactive_at, resumed_at));
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- walking ---- */

/* Of a walk that is fed, refunds wait until there is something else to be done. */
static inline void
finish_refunds_before(PointsWalk *walk, TimestampTz at)
{
	if (unlikely(walk->nrefunds > 0) && walk->refunds_at < at)
		points_finish_refunds(walk);
}

/* The events up to an instant, and what falls due before each. */
static void
walk_events(PointsWalk *walk, TimestampTz last)
{
	PointsEvents *events = &walk->events;

	if (unlikely(events->carried_at != DT_NOBEGIN))
	{
		if (events->carried_at > last)
			return;
		points_restore(walk);
	}
	while (events->next->at <= last)
	{
		TimestampTz at = events->next->at;
		int n;
		int i;

		if (at >= walk->next_due)
		{
			PointsLimit before = { .at = at, .step = POINTS_STEP_ACTIVATE };

			run_due(walk, before);
		}
		if (events->next + 1 == events->ahead_end)
			points_events_read_ahead(events);
		if (events->next[1].at != at)
		{
			points_work_off_alone(walk, last);
			continue;
		}
		n = points_events_together(events);
		for (i = 0; i < n; i++)
		{
			points_work_off(walk, &events->next[i]);
			CHECK_FOR_INTERRUPTS();
		}
		if (walk->nrefunds > 0)
			points_finish_refunds(walk);
		events->next += n;
	}
}

void
points_walk_until(PointsWalk *walk, PointsLimit limit)
{
	/* below DT_NOEND, which stands for there being no event */
	TimestampTz last = Min(last_of(limit, POINTS_STEP_EVENTS), DT_NOEND - 1);

	walk_events(walk, last);
	finish_refunds_before(walk, last + 1);
	if (limit.at >= walk->next_due)
		run_due(walk, limit);
}

void
points_walk_close(PointsWalk *walk)
{
	points_events_close(&walk->events);
}

PointsLimit
points_limit_day(const PointsPolicy *policy, DateADT day)
{
	PointsLimit limit = { .step = POINTS_STEP_EXPIRE };

	check_finite_day(day);
	limit.at = zone_day_start(policy->zone != NULL ? policy->zone : zone_of_session(), day + 1);
	return limit;
}

PointsLimit
points_limit_instant(TimestampTz at)
{
	PointsLimit limit = { .at = at, .step = POINTS_STEP_EXPIRE_AFTER };

	return limit;
}

/* ---- where it stands ---- */

const PointsTotals *
points_walk_totals(PointsWalk *walk)
{
	walk->totals.earned += walk->sums.earned;
	walk->totals.redeemed += walk->sums.redeemed;
	walk->totals.expired += walk->sums.expired;
	walk->totals.active += walk->sums.active;
	memset(&walk->sums, 0, sizeof(WalkSums));
	return &walk->totals;
}

int128
points_walk_spendable(PointsWalk *walk)
{
	const PointsTotals *totals = points_walk_totals(walk);

	return totals->active - totals->overdrawn;
}

int
points_walk_scale(const PointsWalk *walk)
{
	return walk->events.reader.scale;
}

const PointsLot *
points_walk_lots(const PointsWalk *walk, int32 *nlots)
{
	*nlots = walk->nlots;
	return walk->lots;
}

const EventText *
points_walk_labels(const PointsWalk *walk, int *nlabels)
{
	*nlabels = walk->nlabels;
	return walk->labels;
}

EventText
points_walk_label(const PointsWalk *walk, int32 label_no)
{
	static const EventText none = { NULL, 0 };

	return label_no > 0 ? walk->labels[label_no - 1] : none;
}

const Event *
points_walk_event(const PointsWalk *walk, int32 event)
{
	Assert(walk->events.kept != NULL && event >= 0 && event < walk->events.nread);
	return &walk->events.kept[event];
}

const PointsDebt *
points_walk_debt(const PointsWalk *walk, int32 debt)
{
	Assert(debt >= 0 && debt < walk->refs.ndebts);
	return &walk->refs.debts[debt].debt;
}

bool
points_walk_is_frozen(const PointsWalk *walk)
{
	return walk->frozen;
}

TimestampTz
points_walk_overdrawn_since(const PointsWalk *walk)
{
	return walk->totals.overdrawn > 0 ? walk->overdrawn_since : DT_NOEND;
}

TimestampTz
points_walk_last_activity(const PointsWalk *walk)
{
	return walk->last_activity;
}

TimestampTz
points_walk_resumed_at(const PointsWalk *walk)
{
	return walk->resumed_at;
}

/* ---- fed from outside ---- */

void
points_walk_feed(PointsWalk *walk, int scale, const char *customer)
{
	points_events_start_empty(&walk->events, scale, customer);
	start_over(walk);
	if (!walk->fed)
	{
		walk->labels = NULL;
		walk->nlabels = 0;
		walk->fed = true;
	}
}

void
points_walk_set_labels(PointsWalk *walk, const EventText *labels, int nlabels)
{
	walk->labels = labels;
	walk->nlabels = nlabels;
	points_clock_set_labels(walk->clock, labels, nlabels);
}

void
points_walk_give(PointsWalk *walk, const PointsEvent *event)
{
	PointsDue due = { .at = event->at,
					  .value = event->value,
					  .number = event->number,
					  .role = event->role,
					  .label_no = event->label_no,
					  .has_expiry = event->has_expiry,
					  .has_value = event->value != 0,
					  .expires_at = event->expires_at };

	if (unlikely(walk->events.kept != NULL))
		points_events_keep(&walk->events, event, walk->labels);
	if (event->value == 0 && !points_role_needs_no_value(event->role))
		return;
	if (event->role == POINTS_EARN && event->value < 0)
		due.role = POINTS_RETURN;
	due.ref.type = event->ref_type;
	due.ref.number = event->ref_number;
	due.ref.text = event->ref_text;
	finish_refunds_before(walk, event->at);
	if (unlikely(event->at >= walk->next_due))
	{
		PointsLimit before = { .at = event->at, .step = POINTS_STEP_ACTIVATE };

		run_due(walk, before);
	}
	points_work_off(walk, &due);
}

TimestampTz
points_walk_next_due(const PointsWalk *walk)
{
	return walk->next_due;
}

void
points_walk_suspend(PointsWalk *walk)
{
	int32 activating = walk->clock->pends ? points_first_to_activate(walk) : -1;

	walk->suspended = true;
	walk->next_due = activating < 0 ? DT_NOEND : walk->lots[activating].waits_until;
}

void
points_walk_resume(PointsWalk *walk, TimestampTz at)
{
	PointsLimit before = { .at = at, .step = POINTS_STEP_EXPIRE };

	/* what became available until then did so before anything expires */
	run_due(walk, before);
	walk->suspended = false;
	walk->resumed_at = at;
	run_due(walk, before);
}
