/*
 * points_walk.c
 *		Replays a customer's events and what falls due between them, in order.
 *		With points_roles.c and points_lots.c the one implementation of the points rules.
 *
 *		timeline --> events of one instant, by role --+
 *													  +--> moves on lots --> totals, sink
 *		lots' expiries, activations, inactivity ------+
 *
 * Lots stand in an array in the order in which they were earned, and in the queues
 * that the rules need (points_queue.h). Queues that only some roles need are filled
 * when the first of them comes. So a walk takes O(n log n) at worst, and a few compares
 * an event where all lots live equally long.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "points/points_state.h"

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
	walk->context = CurrentMemoryContext;
	walk->max_group = 4;
	walk->group = palloc(walk->max_group * sizeof(Due));
	walk->max_lots = 64;
	walk->lots = palloc(walk->max_lots * sizeof(PointsLot));
	walk->max_events = flags & POINTS_KEEP_EVENTS ? 64 : 0;
	if (flags & POINTS_KEEP_EVENTS)
		walk->events = palloc(walk->max_events * sizeof(Event));
	walk->max_roles = 8;
	walk->roles = palloc(walk->max_roles * sizeof(PointsRole));
	lot_queue_init(&walk->queues[QUEUE_SPEND], 1 << QUEUE_SPEND, spend, LOTS_ACTIVE_WITH_POINTS);
	lot_queue_init(&walk->queues[QUEUE_EXPIRY], 1 << QUEUE_EXPIRY, LOTS_BY_EXPIRY,
				   LOTS_WITH_POINTS);
	lot_queue_init(&walk->queues[QUEUE_ACTIVATE], 1 << QUEUE_ACTIVATE, LOTS_BY_ACTIVATION,
				   LOTS_PENDING);
	lot_queue_init(&walk->queues[QUEUE_NEWEST], 1 << QUEUE_NEWEST, LOTS_NEWEST,
				   LOTS_ACTIVE_WITH_POINTS);
	lot_queue_init(&walk->queues[QUEUE_PENDING], 1 << QUEUE_PENDING, LOTS_NEWEST,
				   LOTS_PENDING_WITH_POINTS);
	lot_queue_init(&walk->queues[QUEUE_SOONEST], 1 << QUEUE_SOONEST, LOTS_BY_EXPIRY,
				   LOTS_ACTIVE_WITH_POINTS);
	lot_queue_init(&walk->queues[QUEUE_ALL], 1 << QUEUE_ALL, LOTS_OLDEST, LOTS_WITH_POINTS);
	return walk;
}

/* ---- reading events ---- */

static void
report_unknown_kind(const PointsWalk *walk, EventText kind)
{
	StringInfoData known;
	int i;

	initStringInfo(&known);
	for (i = 0; i < walk->policy->nkinds; i++)
		appendStringInfo(&known, "%s\"%.*s\"", i > 0 ? ", " : "", walk->policy->kinds[i].kind.len,
						 walk->policy->kinds[i].kind.bytes);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					kind.bytes == NULL
						? errmsg("event without a kind, where the points policy tells kinds apart")
						: errmsg("kind \"%.*s\" is not in the points policy", kind.len, kind.bytes),
					walk->customer != NULL ? errdetail("Customer %s.", walk->customer) : 0,
					errhint("Known kinds: %s. Map it to a role, \"ignore\" if it doesn't matter.",
							known.data)));
}

static PointsRole
role_of_kind(const PointsWalk *walk, EventText kind)
{
	const PointsKind *kinds = walk->policy->kinds;
	int low = 0;
	int high = walk->policy->nkinds;

	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = event_text_compare(&kinds[middle].kind, &kind);

		if (order == 0)
			return kinds[middle].role;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return POINTS_ROLES;
}

static void
read_next(PointsWalk *walk)
{
	walk->has_next = timeline_next(&walk->reader, &walk->next);
	walk->nread += walk->has_next;
}

void
points_walk_start(PointsWalk *walk, ByteSpan body, const char *customer)
{
	int i;

	timeline_open(&walk->reader, body.bytes, body.len);
	walk->customer = customer;
	walk->nread = 0;
	walk->nlots = 0;
	walk->npieces = 0;
	for (i = 0; i < WALK_QUEUES; i++)
	{
		lot_queue_clear(&walk->queues[i]);
		walk->filled[i] = i <= QUEUE_ACTIVATE;
	}
	walk_forget_refs(walk);
	memset(&walk->totals, 0, sizeof(PointsTotals));
	walk->unbooked = 0;
	walk->last_activity = walk->last_refresh = DT_NOBEGIN;
	walk->inactive_known = false;
	walk->inactive_bound = DT_NOEND;

	if (walk->policy->nkinds > 0)
	{
		if (walk->max_roles < walk->reader.nkinds)
		{
			walk->max_roles = walk->reader.nkinds;
			walk->roles = repalloc_huge(walk->roles, walk->max_roles * sizeof(PointsRole));
		}
		for (i = 0; i < walk->reader.nkinds; i++)
			walk->roles[i] = role_of_kind(walk, walk->reader.kinds[i]);
	}
	if (walk->events != NULL && walk->max_events < (int32) Min(walk->reader.count, PG_INT32_MAX))
	{
		walk->max_events = (int32) Min(walk->reader.count, PG_INT32_MAX);
		walk->events = repalloc_huge(walk->events, walk->max_events * sizeof(Event));
	}
	read_next(walk);
}

/* What an event does, and with how many points; POINTS_IGNORE where it does nothing. */
static PointsRole
role_of(const PointsWalk *walk, const Event *event)
{
	PointsRole role;

	if (!event->has_value || event->value == 0)
		return POINTS_IGNORE;
	if (walk->policy->nkinds == 0)
		return event->value > 0 ? POINTS_EARN : POINTS_REDEEM;
	role = event->kind_no == 0 ? POINTS_ROLES : walk->roles[event->kind_no - 1];
	if (role == POINTS_ROLES)
		report_unknown_kind(walk, event->kind);
	if (role == POINTS_EARN && event->value < 0)
		return POINTS_RETURN;
	return role;
}

/* ---- what falls due ---- */

static inline bool
is_within(TimestampTz at, PointsStep step, PointsLimit limit)
{
	return at < limit.at || (at == limit.at && step <= limit.step);
}

TimestampTz
points_walk_inactive_at(PointsWalk *walk)
{
	if (walk->last_refresh == DT_NOBEGIN)
		return DT_NOEND;
	if (!walk->inactive_known)
	{
		walk->inactive_at = points_clock_inactive_at(walk->clock, walk->last_refresh);
		walk->inactive_known = true;
	}
	return walk->inactive_at;
}

/* Works off what falls due up to a limit, in order. */
static void
run_due(PointsWalk *walk, PointsLimit limit)
{
	PointsStep expire =
		walk->policy->valid_at_boundary ? POINTS_STEP_EXPIRE_AFTER : POINTS_STEP_EXPIRE;

	for (;;)
	{
		int32 expiring = walk_first_lot(walk, QUEUE_EXPIRY);
		int32 activating = walk_first_lot(walk, QUEUE_ACTIVATE);
		TimestampTz expires_at = expiring < 0 ? DT_NOEND : walk->lots[expiring].expires_at;
		TimestampTz available_at = activating < 0 ? DT_NOEND : walk->lots[activating].available_at;
		TimestampTz inactive_at = DT_NOEND;

		if (walk->inactive_bound <= limit.at)
			inactive_at = points_walk_inactive_at(walk);
		if (activating >= 0 && is_within(available_at, POINTS_STEP_ACTIVATE, limit) &&
			(available_at < Min(expires_at, inactive_at) ||
			 (available_at == Min(expires_at, inactive_at) && expire > POINTS_STEP_ACTIVATE)))
			walk_activate(walk, activating);
		else if (expires_at < inactive_at && is_within(expires_at, expire, limit))
			walk_expire_lot(walk, expiring, expires_at);
		else if (inactive_at != DT_NOEND && is_within(inactive_at, expire, limit))
			walk_expire_everything(walk, inactive_at);
		else
			break;
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- walking ---- */

static int
compare_due(const void *a, const void *b)
{
	const Due *x = a;
	const Due *y = b;

	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	if ((x->role == POINTS_ADJUST || x->role == POINTS_TRANSFER) &&
		(x->event.value > 0) != (y->event.value > 0))
		return x->event.value > 0 ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* Takes the event read ahead into the group of its instant, if it does anything. */
static int
join_group(PointsWalk *walk, int n)
{
	Due *due;
	PointsRole role = role_of(walk, &walk->next);

	if (walk->events != NULL)
		walk->events[walk->nread - 1] = walk->next;
	if (role == POINTS_IGNORE)
		return n;
	if (n == walk->max_group)
	{
		walk->max_group *= 2;
		walk->group = repalloc_huge(walk->group, walk->max_group * sizeof(Due));
	}
	due = &walk->group[n];
	due->event = walk->next;
	due->number = walk->nread - 1;
	due->role = role;
	due->points = walk->next.value < 0 ? -walk->next.value : walk->next.value;
	return n + 1;
}

void
points_walk_until(PointsWalk *walk, PointsLimit limit)
{
	PointsLimit before = { .step = POINTS_STEP_ACTIVATE };

	while (walk->has_next && is_within(walk->next.at, POINTS_STEP_EVENTS, limit))
	{
		int n = 0;
		int i;

		CHECK_FOR_INTERRUPTS();
		before.at = walk->next.at;
		do
		{
			n = join_group(walk, n);
			read_next(walk);
		} while (walk->has_next && walk->next.at == before.at);

		run_due(walk, before);
		if (n > 1)
			qsort(walk->group, n, sizeof(Due), compare_due);
		for (i = 0; i < n; i++)
		{
			walk_work_off(walk, &walk->group[i]);
			CHECK_FOR_INTERRUPTS();
		}
	}
	run_due(walk, limit);
}

void
points_walk_close(PointsWalk *walk)
{
	walk->has_next = false;
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
points_walk_totals(const PointsWalk *walk)
{
	return &walk->totals;
}

int
points_walk_scale(const PointsWalk *walk)
{
	return walk->reader.scale;
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
	*nlabels = walk->reader.nlabels;
	return walk->reader.labels;
}

const Event *
points_walk_event(const PointsWalk *walk, int32 event)
{
	Assert(walk->events != NULL && event >= 0 && event < walk->nread);
	return &walk->events[event];
}

TimestampTz
points_walk_last_activity(const PointsWalk *walk)
{
	return walk->last_activity;
}
