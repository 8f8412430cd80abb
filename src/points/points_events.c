/*
 * points_events.c
 *		A customer's events as the walk takes them: read ahead from his timeline, each with the
 *		role of its kind, those of an instant in the order of their roles.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"
#include "points/points_internal.h"

/* Events that are read at once. */
#define EVENTS_AHEAD 32

/* ---- the roles of kinds ---- */

void
points_events_report_kind(const PointsEvents *events, int kind_no)
{
	const PointsPolicy *policy = events->policy;
	StringInfoData known;
	int i;

	initStringInfo(&known);
	for (i = 0; i < policy->nkinds; i++)
		appendStringInfo(&known, "%s\"%.*s\"", i > 0 ? ", " : "", policy->kinds[i].kind.len,
						 policy->kinds[i].kind.bytes);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					kind_no == 0
						? errmsg("event without a kind, where the points policy tells kinds apart")
						: errmsg("kind \"%.*s\" is not in the points policy",
								 events->reader.kinds[kind_no - 1].len,
								 events->reader.kinds[kind_no - 1].bytes),
					events->customer != NULL ? errdetail("Customer %s.", events->customer) : 0,
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
find_roles(PointsEvents *events)
{
	int last = -1;
	int i;

	events->roles = array_grow(events->roles, &events->max_roles,
							   2 * (1 + (int64) events->reader.nkinds), sizeof(PointsRole));
	for (i = 0; i < events->reader.nkinds; i++)
	{
		PointsRole role = find_role(events->policy, &events->reader.kinds[i], last + 1, &last);
		PointsRole *roles = &events->roles[2 * (1 + i)];

		events->has_refunds |= role == POINTS_REDEEM_REFUND;
		events->is_carried |= role == POINTS_CARRY_OVER;
		roles[0] = role;
		roles[1] = role == POINTS_EARN ? POINTS_RETURN : role;
		if (role == POINTS_ROLES && events->policy->sign_decides)
		{
			roles[0] = POINTS_EARN;
			roles[1] = POINTS_REDEEM;
		}
	}
}

/* What an event does; POINTS_IGNORE where it does nothing. */
static inline PointsRole
role_of(const PointsEvents *events, int kind_no, int64 value, bool has_value)
{
	if (value == 0)
		return !has_value && events->policy->nkinds > 0 &&
					   points_role_needs_no_value(events->roles[2 * kind_no])
				   ? events->roles[2 * kind_no]
				   : POINTS_IGNORE;
	if (events->policy->nkinds == 0)
		return value > 0 ? POINTS_EARN : POINTS_REDEEM;
	return events->roles[2 * kind_no + (value < 0)];
}

/* An event that has no kind, label, ref or expiry of its own, nor a value. */
static inline void
clear_due(PointsDue *due, int32 number)
{
	due->value = 0;
	due->number = number;
	due->kind_no = due->label_no = 0;
	due->has_expiry = due->has_value = false;
	due->ref.type = EVENT_REF_NONE;
}

/* Reads events of a plain timeline. */
static void
read_plain(PointsEvents *events, PointsDue *due, int n)
{
	TimelineReader reader = events->reader;
	int32 number = events->nread;
	PointsDue *end = due + n;

	for (; due < end; due++)
	{
		clear_due(due, number++);
		if (reader.flags & TIMELINE_HAS_VALUES)
			timeline_read_instant_and_value(&reader, &due->at, &due->value);
		else
			due->at = timeline_read_instant(&reader);
	}
	events->reader = reader;
}

/* Keeps an event for points_walk_event(). */
static void
keep_event(const PointsEvents *events, const PointsDue *due, bool has_value)
{
	const TimelineReader *reader = &events->reader;
	Event *event = &events->kept[due->number];

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

void
points_events_keep(PointsEvents *events, const PointsEvent *given, const EventText *labels)
{
	Event *event;

	events->kept =
		array_grow(events->kept, &events->max_kept, (int64) given->number + 1, sizeof(Event));
	events->nread = given->number + 1;
	event = &events->kept[given->number];
	memset(event, 0, sizeof(Event));
	event->at = given->at;
	event->has_value = given->value != 0;
	event->value = given->value;
	event->kind = given->kind;
	event->kind_no = given->document;
	event->label_no = given->label_no;
	if (given->label_no > 0)
		event->label = labels[given->label_no - 1];
	event->ref_type = given->ref_type;
	if (given->ref_type == EVENT_REF_NUMBER)
		event->ref_number = given->ref_number;
	else if (given->ref_type == EVENT_REF_TEXT)
		event->ref_text = given->ref_text;
	event->has_expiry = given->has_expiry;
	if (given->has_expiry)
		event->expires_at = given->expires_at;
}

/* Reads events of any timeline. */
static void
read_whole(PointsEvents *events, PointsDue *due, int n)
{
	TimelineReader reader = events->reader;
	int32 number = events->nread;
	PointsDue *end = due + n;

	for (; due < end; due++)
	{
		TimestampTz until;
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
		due->has_value = has_value;
		if (reader.flags & TIMELINE_HAS_SPANS)
			(void) timeline_read_span(&reader, due->at,
									  &until); /* points are due where it begins */
		due->role = role_of(events, due->kind_no, due->value, has_value);
		if (events->kept != NULL)
			keep_event(events, due, has_value);
	}
	events->reader = reader;
}

void
points_events_read_ahead(PointsEvents *events)
{
	int waiting = (int) (events->ahead_end - events->next);
	int room;
	int n;

	memmove(events->ahead, events->next, waiting * sizeof(PointsDue));
	if (waiting > events->max_ahead / 2)
		events->ahead =
			array_grow(events->ahead, &events->max_ahead, events->max_ahead + 1, sizeof(PointsDue));
	events->next = events->ahead;
	events->ahead_end = events->ahead + waiting;
	room = waiting < EVENTS_AHEAD / 2 ? EVENTS_AHEAD : (int) events->max_ahead;
	n = (int) Min(events->reader.left, (uint64) (room - waiting - 1));
	if (events->is_plain)
		read_plain(events, events->ahead_end, n);
	else
		read_whole(events, events->ahead_end, n);
	events->nread += n;
	events->ahead_end += n;
	events->reader.left -= n;
	if (events->reader.left == 0)
		(events->ahead_end++)->at = DT_NOEND;
}
/* ---- events of an instant ---- */

static int
compare_due(const void *a, const void *b)
{
	const PointsDue *x = a;
	const PointsDue *y = b;

	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	if ((x->role == POINTS_ADJUST || x->role == POINTS_TRANSFER) &&
		(x->value > 0) != (y->value > 0))
		return x->value > 0 ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* How many events there are at the next instant. */
static int
count_together(PointsEvents *events)
{
	int n = 0;

	for (;;)
	{
		if (events->next + n == events->ahead_end)
			points_events_read_ahead(events);
		if (events->next[n].at != events->next->at)
			return n;
		n++;
		CHECK_FOR_INTERRUPTS();
	}
}

int
points_events_together(PointsEvents *events)
{
	int n = count_together(events);
	PointsDue *group = events->next;
	bool in_order = true;
	int i;

	for (i = 0; i < n; i++)
	{
		if (events->is_plain)
			group[i].role = group[i].value > 0	 ? POINTS_EARN
							: group[i].value < 0 ? POINTS_REDEEM
												 : POINTS_IGNORE;
		points_events_check_kind(events, &group[i]);
		in_order = in_order && (i == 0 || compare_due(&group[i - 1], &group[i]) < 0);
	}
	if (!in_order)
		qsort(group, n, sizeof(PointsDue), compare_due);
	return n;
}

/* ---- beginning ---- */

void
points_events_init(PointsEvents *events, const PointsPolicy *policy, bool keep)
{
	events->policy = policy;
	events->context = CurrentMemoryContext;
	events->ahead = array_grow(NULL, &events->max_ahead, EVENTS_AHEAD, sizeof(PointsDue));
	if (keep)
		events->kept = array_grow(NULL, &events->max_kept, 64, sizeof(Event));
	events->roles = array_grow(NULL, &events->max_roles, 2, sizeof(PointsRole));
	events->roles[0] = policy->sign_decides ? POINTS_EARN : POINTS_ROLES;
	events->roles[1] = policy->sign_decides ? POINTS_REDEEM : POINTS_ROLES;
}

static void
start_over(PointsEvents *events, const char *customer)
{
	events->customer = customer;
	events->nread = 0;
	events->next = events->ahead_end = events->ahead;
}

void
points_events_start(PointsEvents *events, ByteSpan body, const char *customer)
{
	TimelineReader *reader = &events->reader;
	MemoryContext caller = MemoryContextSwitchTo(events->context);

	timeline_close_within(reader, events->texts, EVENTS_TEXTS);
	reader->kinds = reader->labels = NULL;
	timeline_open_within(reader, body.bytes, body.len, events->texts, EVENTS_TEXTS);
	MemoryContextSwitchTo(caller);
	start_over(events, customer);

	events->has_refunds = events->is_carried = false;
	events->carried_at = DT_NOBEGIN;
	events->is_plain = (reader->flags & TIMELINE_RICH) == 0 && events->policy->sign_decides &&
					   events->kept == NULL;
	if (reader->flags & TIMELINE_HAS_KINDS && events->policy->nkinds > 0)
		find_roles(events);
	if (unlikely(events->is_carried))
		points_find_carry_over(events);
	if (events->kept != NULL)
		events->kept = array_grow(events->kept, &events->max_kept,
								  (int64) Min(reader->count, PG_INT32_MAX), sizeof(Event));
	points_events_read_ahead(events);
}

void
points_events_start_empty(PointsEvents *events, int scale, const char *customer)
{
	timeline_close_within(&events->reader, events->texts, EVENTS_TEXTS);
	memset(&events->reader, 0, sizeof(TimelineReader));
	events->is_plain = false;
	events->has_refunds = events->policy->has_refunds;
	events->reader.scale = scale;
	start_over(events, customer);
	points_events_close(events);
}

void
points_events_close(PointsEvents *events)
{
	events->reader.left = 0;
	events->carried_at = DT_NOBEGIN;
	events->next->at = DT_NOEND;
	events->ahead_end = events->next + 1;
}
