/*
 * points_walk.c
 *		Replays a customer's events and what falls due between them, in order.
 *		With the files that points_state.h names the one implementation of the points rules.
 *
 *		timeline --> events of one instant, by role --+
 *													  +--> moves on lots --> totals, sink
 *		lots' expiries, activations, inactivity ------+
 *
 * Lots stand in an array in the order in which they were earned, and in the queues
 * that the rules need (points_queue.h). Queues that only some roles need are filled
 * when the first of them comes. So a walk takes O(n log n) at worst, and a few compares
 * an event where all lots live equally long: next_due is a bound below which nothing
 * falls due, so that most events come without a look at the queues.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "points/points_moves.h"

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
	walk->context = CurrentMemoryContext;
	ref_table_init(&walk->ref_numbers, walk->context);
	walk->max_ahead = WALK_AHEAD;
	walk->ahead = palloc(walk->max_ahead * sizeof(Due));
	walk->max_lots = 64;
	walk->lots = palloc(walk->max_lots * sizeof(PointsLot));
	walk->max_events = flags & POINTS_KEEP_EVENTS ? 64 : 0;
	if (flags & POINTS_KEEP_EVENTS)
		walk->events = palloc(walk->max_events * sizeof(Event));
	walk->max_kinds = 8;
	walk->roles = palloc(2 * (1 + walk->max_kinds) * sizeof(PointsRole));
	walk->roles[0] = walk->roles[1] = POINTS_ROLES;
	init_queue(walk, QUEUE_SPEND, spend);
	init_queue(walk, QUEUE_EXPIRY, LOTS_BY_EXPIRY);
	init_queue(walk, QUEUE_ACTIVATE, LOTS_BY_ACTIVATION);
	init_queue(walk, QUEUE_NEWEST, LOTS_NEWEST);
	init_queue(walk, QUEUE_PENDING, LOTS_NEWEST);
	init_queue(walk, QUEUE_SOONEST, LOTS_BY_EXPIRY);
	init_queue(walk, QUEUE_ALL, LOTS_OLDEST);

	/* where lots don't wait, those to be spent in the order of expiry are those that expire */
	walk->filled_at_first = 1 << QUEUE_SPEND;
	walk->expiry = QUEUE_SPEND;
	if (walk->clock->pends)
		walk->filled_at_first |= 1 << QUEUE_ACTIVATE;
	if (walk->clock->pends || spend != LOTS_BY_EXPIRY)
	{
		walk->filled_at_first |= 1 << QUEUE_EXPIRY;
		walk->expiry = QUEUE_EXPIRY;
	}
	return walk;
}

/* ---- reading events ---- */

static void report_unknown_kind(const PointsWalk *walk, int kind_no) pg_attribute_noreturn();

/* A kind_no of 0: the event has none. */
static void
report_unknown_kind(const PointsWalk *walk, int kind_no)
{
	StringInfoData known;
	int i;

	initStringInfo(&known);
	for (i = 0; i < walk->policy->nkinds; i++)
		appendStringInfo(&known, "%s\"%.*s\"", i > 0 ? ", " : "", walk->policy->kinds[i].kind.len,
						 walk->policy->kinds[i].kind.bytes);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					kind_no == 0
						? errmsg("event without a kind, where the points policy tells kinds apart")
						: errmsg("kind \"%.*s\" is not in the points policy",
								 walk->reader.kinds[kind_no - 1].len,
								 walk->reader.kinds[kind_no - 1].bytes),
					walk->customer != NULL ? errdetail("Customer %s.", walk->customer) : 0,
					errhint("Known kinds: %s. Map it to a role, \"ignore\" if it doesn't matter.",
							known.data)));
}

/* The role of a kind, looked for from the place from on; sets where it was found. */
static PointsRole
find_role(const PointsPolicy *policy, const EventText *kind, int from, int *found)
{
	int low = from;
	int high = policy->nkinds;

	while (low < high)
	{
		int middle = low == from ? low : (low + high) / 2;
		int order = event_text_compare(&policy->kinds[middle].kind, kind);

		if (order == 0)
		{
			*found = middle;
			return policy->kinds[middle].role;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return POINTS_ROLES;
}

/*
 * Finds the roles of the timeline's kinds. Both sides are sorted, and mostly the same: each kind
 * is looked for right behind the one before.
 */
static void
find_roles(PointsWalk *walk)
{
	int last = -1;
	int i;

	if (walk->max_kinds < walk->reader.nkinds)
	{
		walk->roles =
			repalloc_huge(walk->roles, 2 * (1 + (Size) walk->reader.nkinds) * sizeof(PointsRole));
		walk->max_kinds = walk->reader.nkinds;
	}
	for (i = 0; i < walk->reader.nkinds; i++)
	{
		PointsRole role = find_role(walk->policy, &walk->reader.kinds[i], last + 1, &last);
		PointsRole *roles = &walk->roles[2 * (1 + i)];

		roles[0] = role;
		roles[1] = role == POINTS_EARN ? POINTS_RETURN : role;
	}
}

/* What an event does; POINTS_IGNORE where it does nothing. */
static inline PointsRole
role_of(const PointsWalk *walk, int kind_no, int64 value)
{
	if (value == 0)
		return POINTS_IGNORE;
	if (walk->policy->nkinds == 0)
		return value > 0 ? POINTS_EARN : POINTS_REDEEM;
	return walk->roles[2 * kind_no + (value < 0)];
}

/* An event that has no kind, label, ref or expiry of its own, nor a value. */
static inline void
clear_due(Due *due, int32 number)
{
	due->value = 0;
	due->number = number;
	due->kind_no = due->label_no = 0;
	due->has_expiry = false;
	due->ref.type = EVENT_REF_NONE;
}

/* Reads events of a plain timeline. */
static void
read_plain(PointsWalk *walk, Due *due, int n)
{
	TimelineReader reader = walk->reader;
	int32 number = walk->nread;
	Due *end = due + n;

	for (; due < end; due++)
	{
		clear_due(due, number++);
		if (reader.flags & TIMELINE_HAS_VALUES)
			timeline_read_instant_and_value(&reader, &due->at, &due->value);
		else
			due->at = timeline_read_instant(&reader);
	}
	walk->reader = reader;
}

/* Keeps an event for points_walk_event(). */
static void
keep_event(const PointsWalk *walk, const Due *due, bool has_value)
{
	const TimelineReader *reader = &walk->reader;
	Event *event = &walk->events[due->number];

	memset(event, 0, sizeof(Event));
	event->at = due->at;
	event->has_value = has_value;
	event->value = due->value;
	event->kind_no = due->kind_no;
	if (due->kind_no > 0)
		event->kind = reader->kinds[due->kind_no - 1];
	event->label_no = due->label_no;
	if (due->label_no > 0)
		event->label = reader->labels[due->label_no - 1];
	event->ref_type = due->ref.type;
	if (due->ref.type == EVENT_REF_NUMBER)
		event->ref_number = due->ref.number;
	else if (due->ref.type == EVENT_REF_TEXT)
		event->ref_text = due->ref.text;
	event->has_expiry = due->has_expiry;
	if (due->has_expiry)
		event->expires_at = due->expires_at;
}

/* Reads events of any timeline. */
static void
read_whole(PointsWalk *walk, Due *due, int n)
{
	TimelineReader reader = walk->reader;
	int32 number = walk->nread;
	Due *end = due + n;

	for (; due < end; due++)
	{
		bool has_value = false;

		clear_due(due, number++);
		if (reader.flags & TIMELINE_HAS_VALUES)
			has_value = timeline_read_instant_and_value(&reader, &due->at, &due->value);
		else
			due->at = timeline_read_instant(&reader);
		if (reader.flags & TIMELINE_HAS_KINDS)
			due->kind_no = timeline_read_text_no(&reader, reader.nkinds);
		if (reader.flags & TIMELINE_HAS_LABELS)
			due->label_no = timeline_read_text_no(&reader, reader.nlabels);
		if (reader.flags & TIMELINE_HAS_REFS)
			due->ref.type = timeline_read_ref(&reader, &due->ref.number, &due->ref.text);
		if (reader.flags & TIMELINE_HAS_EXPIRIES)
			due->has_expiry = timeline_read_expiry(&reader, due->at, &due->expires_at);
		due->role = role_of(walk, due->kind_no, due->value);
		if (walk->events != NULL)
			keep_event(walk, due, has_value);
	}
	walk->reader = reader;
}

/* Reads further events behind those that wait for their turn, which come to the front. */
static void
read_ahead(PointsWalk *walk)
{
	int waiting = (int) (walk->ahead_end - walk->next);
	int room;
	int n;

	memmove(walk->ahead, walk->next, waiting * sizeof(Due));
	if (waiting > walk->max_ahead / 2)
	{
		walk->ahead = repalloc_huge(walk->ahead, (Size) walk->max_ahead * 2 * sizeof(Due));
		walk->max_ahead *= 2;
	}
	walk->next = walk->ahead;
	walk->ahead_end = walk->ahead + waiting;
	room = waiting < WALK_AHEAD / 2 ? WALK_AHEAD : walk->max_ahead;
	n = (int) Min(walk->reader.left, (uint64) (room - waiting - 1));
	if (walk->is_plain)
		read_plain(walk, walk->ahead_end, n);
	else
		read_whole(walk, walk->ahead_end, n);
	walk->nread += n;
	walk->ahead_end += n;
	walk->reader.left -= n;
	if (walk->reader.left == 0)
		(walk->ahead_end++)->at = DT_NOEND;
}

void
walk_start_over(PointsWalk *walk, const char *customer)
{
	int i;

	walk->customer = customer;
	walk->nread = 0;
	walk->nlots = 0;
	for (i = 0; i < WALK_QUEUES; i++)
		lot_queue_clear(&walk->queues[i]);
	walk->filled = walk->filled_at_first;
	walk_forget_refs(walk);
	memset(&walk->totals, 0, sizeof(PointsTotals));
	memset(&walk->sums, 0, sizeof(WalkSums));
	walk->unbooked = 0;
	walk->last_activity = walk->last_refresh = DT_NOBEGIN;
	walk->inactive_known = false;
	walk->next_due = DT_NOEND;
	walk->suspended = false;
	walk->resumed_at = DT_NOBEGIN;
	walk->next = walk->ahead_end = walk->ahead;
}

void
points_walk_start(PointsWalk *walk, ByteSpan body, const char *customer)
{
	TimelineReader *reader = &walk->reader;
	MemoryContext caller = MemoryContextSwitchTo(walk->context);

	timeline_close_within(reader, walk->texts, WALK_TEXTS);
	reader->kinds = reader->labels = NULL;
	timeline_open_within(reader, body.bytes, body.len, walk->texts, WALK_TEXTS);
	MemoryContextSwitchTo(caller);
	walk_start_over(walk, customer);

	walk->fed = false;
	walk->labels = reader->labels;
	walk->nlabels = reader->nlabels;
	walk->is_plain =
		(reader->flags & TIMELINE_RICH) == 0 && walk->policy->nkinds == 0 && walk->events == NULL;
	if (reader->flags & TIMELINE_HAS_KINDS && walk->policy->nkinds > 0)
		find_roles(walk);
	if (reader->flags & TIMELINE_HAS_LABELS)
		points_clock_set_labels(walk->clock, reader->labels, reader->nlabels);
	if (walk->events != NULL && walk->max_events < (int32) Min(reader->count, PG_INT32_MAX))
	{
		int32 room = (int32) Min(reader->count, PG_INT32_MAX);

		walk->events = repalloc_huge(walk->events, (Size) room * sizeof(Event));
		walk->max_events = room;
	}
	read_ahead(walk);
}

/* ---- what falls due ---- */

/* The last instant of which a limit lets a step happen. */
static inline TimestampTz
last_of(PointsLimit limit, PointsStep step)
{
	return step <= limit.step ? limit.at : limit.at - 1;
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

/* A bound below points_walk_inactive_at(), or that itself where it has been computed. */
static inline TimestampTz
inactive_bound(const PointsWalk *walk)
{
	if (likely(!walk->policy->has_inactive) || walk->last_refresh == DT_NOBEGIN)
		return DT_NOEND;
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
		int32 activating = unlikely(walk->clock->pends) ? walk_first_lot(walk, QUEUE_ACTIVATE) : -1;
		TimestampTz expires_at = expiring < 0 ? DT_NOEND : walk->lots[expiring].expires_at;
		TimestampTz available_at = activating < 0 ? DT_NOEND : walk->lots[activating].available_at;
		TimestampTz inactive_at = inactive_bound(walk);
		TimestampTz first_expiry;

		if (inactive_at <= limit.at)
			inactive_at = points_walk_inactive_at(walk);
		first_expiry = unlikely(walk->suspended) ? DT_NOEND : Min(expires_at, inactive_at);
		if (available_at <= last_activation &&
			(available_at < first_expiry || (available_at == first_expiry && valid_at_boundary)))
			walk_activate(walk, activating);
		else if (first_expiry > last_expiry)
		{
			walk->next_due = Min(first_expiry, available_at);
			break;
		}
		else if (expires_at < inactive_at)
		{
			walk_expire_lot(walk, expiring, Max(expires_at, resumed_at));
			lot_queue_step(expiry, walk->lots, expiring);
		}
		else
			walk_expire_everything(walk, Max(inactive_at, resumed_at));
		CHECK_FOR_INTERRUPTS();
	}
}

void
walk_run_due(PointsWalk *walk, PointsLimit limit)
{
	run_due(walk, limit);
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
		(x->value > 0) != (y->value > 0))
		return x->value > 0 ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* How many events there are at the next instant. */
static int
count_together(PointsWalk *walk)
{
	int n = 0;

	for (;;)
	{
		if (walk->next + n == walk->ahead_end)
			read_ahead(walk);
		if (walk->next[n].at != walk->next->at)
			return n;
		n++;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Works off several events of an instant. */
static void
work_off_together(PointsWalk *walk, int n, bool plain)
{
	Due *group = walk->next;
	bool in_order = true;
	int i;

	for (i = 0; i < n; i++)
	{
		if (plain)
			group[i].role = group[i].value > 0	 ? POINTS_EARN
							: group[i].value < 0 ? POINTS_REDEEM
												 : POINTS_IGNORE;
		if (group[i].role == POINTS_ROLES)
			report_unknown_kind(walk, group[i].kind_no);
		in_order = in_order && (i == 0 || compare_due(&group[i - 1], &group[i]) < 0);
	}
	if (!in_order)
		qsort(group, n, sizeof(Due), compare_due);
	for (i = 0; i < n; i++)
	{
		walk_work_off(walk, &group[i], plain);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The events up to an instant, and what falls due before each. */
static pg_attribute_always_inline void
walk_events(PointsWalk *walk, TimestampTz last, bool plain)
{
	while (walk->next->at <= last)
	{
		Due *due = walk->next;
		int n = 1;

		CHECK_FOR_INTERRUPTS();
		if (unlikely(due->at >= walk->next_due))
		{
			PointsLimit before = { .at = due->at, .step = POINTS_STEP_ACTIVATE };

			run_due(walk, before);
		}
		if (unlikely(due + 1 == walk->ahead_end))
		{
			read_ahead(walk);
			due = walk->next;
		}
		if (likely(due[1].at != due->at))
		{
			if (!plain && due->role == POINTS_ROLES)
				report_unknown_kind(walk, due->kind_no);
			walk_work_off(walk, due, plain);
		}
		else
		{
			n = count_together(walk);
			work_off_together(walk, n, plain);
		}
		walk->next += n;
	}
}

void
points_walk_until(PointsWalk *walk, PointsLimit limit)
{
	/* below DT_NOEND, which stands for there being no event */
	TimestampTz last = Min(last_of(limit, POINTS_STEP_EVENTS), DT_NOEND - 1);

	if (walk->is_plain)
		walk_events(walk, last, true);
	else
		walk_events(walk, last, false);
	if (limit.at >= walk->next_due)
		run_due(walk, limit);
}

void
points_walk_close(PointsWalk *walk)
{
	walk->reader.left = 0;
	walk->next->at = DT_NOEND;
	walk->ahead_end = walk->next + 1;
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
	*nlabels = walk->nlabels;
	return walk->labels;
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

TimestampTz
points_walk_resumed_at(const PointsWalk *walk)
{
	return walk->resumed_at;
}
