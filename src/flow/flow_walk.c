/*
 * flow_walk.c
 *		The flows of one customer; flow_internal.h has the rules.
 *
 * Only what flows can need is kept of his events: from the first anchor on, up to it, or from the
 * last one on; and where one flow is enough, reading ends with it.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"
#include "flow/flow_internal.h"

FlowWalk *
flow_walk_create(const FlowRules *rules)
{
	FlowWalk *walk = palloc0(sizeof(FlowWalk));

	walk->rules = rules;
	walk->memory = CurrentMemoryContext;
	walk->names = texts_create(CurrentMemoryContext);
	return walk;
}

/* ---- reading ---- */

/* The number of the anchor in a customer's dictionary: 0 where it may be any event; -1: he has no
 * such event. */
static int
find_anchor(const FlowRules *rules, const EventText *texts, int ntexts)
{
	const EventText *found;

	if (rules->anchor.bytes == NULL)
		return 0;
	found = event_text_find(&rules->anchor, texts, ntexts);
	return found != NULL ? (int) (found - texts) + 1 : -1;
}

static uint32
number_of(FlowWalk *walk, const EventText *texts, int number)
{
	if (walk->numbers[number] == 0)
	{
		ByteSpan text = { (const uint8 *) texts[number - 1].bytes, texts[number - 1].len };

		if (unlikely(text.len > FLOW_MAX_NAME))
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("%s of %zu bytes is too long for a flow",
								   walk->rules->by_label ? "a label" : "a kind", (size_t) text.len),
							errdetail("It may have %d bytes.", FLOW_MAX_NAME),
							errhint("Collect events with short names of what happened.")));
		walk->numbers[number] = texts_number(walk->names, text);
	}
	return walk->numbers[number];
}

static void
add_anchor(FlowWalk *walk)
{
	walk->anchors = array_grow_in(walk->memory, walk->anchors, &walk->max_anchors,
								  walk->nanchors + 1, sizeof(FlowAnchor));
	walk->anchors[walk->nanchors++] = (FlowAnchor){ walk->nevents, 0 };
}

/* Notes an event that is an anchor, before it is kept. */
static void
take_anchor(FlowWalk *walk)
{
	switch (walk->rules->occurrence)
	{
		case FLOW_FIRST:
			if (walk->nanchors == 0)
				add_anchor(walk);
			break;
		case FLOW_LAST:
			if (!walk->rules->backward)
				walk->nevents = 0;
			walk->nanchors = 0;
			add_anchor(walk);
			break;
		case FLOW_EACH:
			add_anchor(walk);
			break;
	}
}

/* Is an event behind all anchors so far needed? */
static inline bool
is_needed(const FlowWalk *walk)
{
	const FlowRules *rules = walk->rules;

	if (rules->backward)
		return true;
	return walk->nanchors > 0 && (rules->occurrence == FLOW_EACH || walk->nevents <= rules->steps);
}

/* Has the only flow all that it can need? */
static inline bool
is_complete(const FlowWalk *walk)
{
	const FlowRules *rules = walk->rules;

	return rules->occurrence == FLOW_FIRST && walk->nanchors > 0 &&
		   (rules->backward || walk->nevents > rules->steps);
}

static void
read_events(FlowWalk *walk, TimelineReader *reader, const EventText *texts, int anchor)
{
	const FlowRules *rules = walk->rules;
	int last = 0;
	Event event;

	for (; reader->left > 0 && !is_complete(walk); reader->left--)
	{
		int name;

		/* as timeline_next(), which clears all of an event first */
		event.at = timeline_read_instant(reader);
		if (reader->flags & TIMELINE_HAS_VALUES)
			(void) timeline_read_value(reader, &event.value);
		timeline_read_rest(reader, &event);
		if (event.at >= rules->end)
			return;
		name = rules->by_label ? event.label_no : event.kind_no;
		if (name == 0 || (rules->collapse && name == last))
			continue;
		last = name;
		if (name == anchor || anchor == 0)
			take_anchor(walk);
		if (is_needed(walk))
		{
			walk->events = array_grow_in(walk->memory, walk->events, &walk->max_events,
										 walk->nevents + 1, sizeof(FlowEvent));
			walk->events[walk->nevents++] = (FlowEvent){ event.at, number_of(walk, texts, name) };
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- how far ---- */

static int
reach_of(const FlowWalk *walk, int64 from)
{
	const FlowRules *rules = walk->rules;
	int64 left = rules->backward ? from : walk->nevents - 1 - from;
	int most = (int) Min(left, rules->steps);
	TimestampTz limit;
	int n;

	if (rules->within == NULL)
		return most;
	limit = span_end(rules->within, rules->zone, walk->events[from].at);
	for (n = 0; n < most; n++)
		if (rules->backward ? span_end(rules->within, rules->zone, walk->events[from - n - 1].at) <
								  walk->events[from].at
							: walk->events[from + n + 1].at > limit)
			break;
	return n;
}

void
flow_walk(FlowWalk *walk, ByteSpan body)
{
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	const EventText *texts;
	int ntexts;
	int anchor;
	int64 i;

	walk->nevents = walk->nanchors = 0;
	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	texts = walk->rules->by_label ? reader.labels : reader.kinds;
	ntexts = walk->rules->by_label ? reader.nlabels : reader.nkinds;
	anchor = find_anchor(walk->rules, texts, ntexts);
	if (anchor >= 0 && ntexts > 0)
	{
		walk->numbers = array_grow_in(walk->memory, walk->numbers, &walk->max_numbers,
									  (int64) ntexts + 1, sizeof(uint32));
		memset(walk->numbers, 0, ((size_t) ntexts + 1) * sizeof(uint32));
		read_events(walk, &reader, texts, anchor);
	}
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	for (i = 0; i < walk->nanchors; i++)
	{
		walk->anchors[i].reach = reach_of(walk, walk->anchors[i].event);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- its steps ---- */

/* In whole units, smaller ones where it is short. */
static int64
rounded_seconds(TimestampTz from, TimestampTz to)
{
	int64 seconds = (int64) (((uint64) to - (uint64) from) / USECS_PER_SEC);

	if (seconds < 10 * SECS_PER_MINUTE)
		return seconds;
	if (seconds < 10 * SECS_PER_HOUR)
		return seconds - seconds % SECS_PER_MINUTE;
	if (seconds < 25 * SECS_PER_DAY)
		return seconds - seconds % SECS_PER_HOUR;
	return seconds - seconds % SECS_PER_DAY;
}

bool
flow_walk_step(const FlowWalk *walk, const FlowAnchor *anchor, int n, FlowStep *step)
{
	bool backward = walk->rules->backward;
	const FlowEvent *near; /* to the anchor */
	const FlowEvent *far;

	if (n > anchor->reach + 1)
		return false;
	near = &walk->events[anchor->event + (backward ? 1 - n : n - 1)];
	step->source = step->target = near->name;
	step->seconds = FLOW_UNTIMED;
	if (n > anchor->reach)
		*(backward ? &step->source : &step->target) = 0;
	else if (backward)
	{
		far = near - 1;
		step->source = far->name;
		step->seconds = rounded_seconds(far->at, near->at);
	}
	else
	{
		far = near + 1;
		step->target = far->name;
		step->seconds = rounded_seconds(near->at, far->at);
	}
	return true;
}
