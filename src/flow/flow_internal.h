/*
 * flow_internal.h
 *		Flows: what customers do after an event, or what they did before it, event by event.
 *
 * Events go by a name: their kind, or their label. What has none isn't there. The others of a
 * customer stand in the order of his timeline; with collapse, those of one name that follow each
 * other are one, at the first one's instant.
 *
 * A flow begins at an event of a name, its anchor, and goes on by so many steps:
 *
 *		forward		anchor -> next -> next ...		as long as there are events no later than the
 *													anchor's instant + within
 *		backward	... before -> before -> anchor	as long as there are events whose instant +
 *		within isn't before the anchor's
 *
 * A step is a link from a source to a target, the earlier and the later event. Where a flow goes no
 * further before its steps are done, its last step is a link with nothing on that side: it stops
 * (forward), or starts there (backward). So what comes into a node of a step leaves it in the next.
 *
 * A customer's flow is that from his first anchor, from the last, or there is one from each; these
 * may overlap. Then he may go several ways in one step, and is one customer of each of these links.
 *
 * How long a link takes is kept in whole seconds below 10 minutes, in minutes below 10 hours, in
 * hours below 25 days, then in days; always rounded down.
 *
 * flow_walk.c finds a customer's flows; flow_fold.c counts everyone's; event_flow.c is the metric,
 * flow_result.c reads a result back, and flow_table.c makes rows of it.
 */
#ifndef LOYALTY_FLOW_INTERNAL_H
#define LOYALTY_FLOW_INTERNAL_H

#include "postgres.h"

#include "calendar/calendar.h"
#include "core/codec.h"
#include "core/ref.h"
#include "core/texts.h"
#include "metric/metric.h"
#include "timeline/timeline.h"

/* Each flow is followed step by step: what is longer is no chart. */
#define FLOW_MAX_STEPS 100

/* There may be as many links as the square of the names in each step; each has memory of its own.
 */
#define FLOW_MAX_LINKS 1000000

/* Each link of a result has its names in it; and its times, at most so many bytes of them. */
#define FLOW_MAX_NAME  10000
#define FLOW_MAX_BYTES (512 * 1024 * 1024)

/* How much of the customers who go several ways is kept: bytes of the names in all sets of links;
 * links of one set. Beyond, such customers are only counted link by link. */
#define FLOW_MAX_KEPT  (64 * 1024 * 1024)
#define FLOW_MAX_SET   1000

typedef enum FlowOccurrence
{
	FLOW_FIRST,
	FLOW_LAST,
	FLOW_EACH
} FlowOccurrence;

typedef struct FlowRules
{
	bool by_label;
	bool backward;
	EventText anchor; /* absent: any event */
	int steps;
	FlowOccurrence occurrence;
	bool collapse;
	Span *within; /* NULL: any time */
	ZoneDays *zone;
	TimestampTz end; /* events from here on don't exist */
} FlowRules;

/* ---- one customer ---- */

/* Numbers of names are those in walk->names; 0: nothing. */
typedef struct FlowEvent
{
	TimestampTz at;
	uint32 name;
} FlowEvent;

/* Where a flow begins, and how many steps it can go. */
typedef struct FlowAnchor
{
	int64 event;
	int reach;
} FlowAnchor;

typedef struct FlowWalk
{
	const FlowRules *rules;
	MemoryContext memory;
	Texts *names; /* of all customers */

	/* of a customer */
	uint32 *numbers; /* by number in his dictionary; 0: not looked up yet */
	int64 max_numbers;
	FlowEvent *events;
	int64 nevents;
	int64 max_events;
	FlowAnchor *anchors;
	int64 nanchors;
	int64 max_anchors;
} FlowWalk;

/* A walk that takes memory of the current context; the rules must live as long. */
extern FlowWalk *flow_walk_create(const FlowRules *rules);

/* Finds a customer's flows. */
extern void flow_walk(FlowWalk *walk, ByteSpan body);

typedef struct FlowStep
{
	uint32 source; /* 0: nothing */
	uint32 target;
	int64 seconds; /* between them, rounded down; FLOW_UNTIMED: one of them is nothing */
} FlowStep;

#define FLOW_UNTIMED (-1)

/* The n-th step of a flow, from 1; false: it has ended before. */
extern bool flow_walk_step(const FlowWalk *walk, const FlowAnchor *anchor, int n, FlowStep *step);

/* ---- everyone ---- */

/* The keys and sums of a result; event_flow.c says what they mean. */
enum
{
	FLOW_KEY_STEP,
	FLOW_KEY_LINKS,
	FLOW_KEY_SECONDS,
	FLOW_KEYS
};

enum
{
	FLOW_EVENTS,
	FLOW_CUSTOMERS,
	FLOW_SUMS
};

extern void *flow_fold_start(const MetricQuestion *question, Tally *tally);
extern void flow_fold_customer(void *fold, ByteSpan body);
extern void flow_fold_finish(void *fold, Tally *tally);

/* ---- a result ---- */

/* A link, and its rows in the tally: the first one has its customers, the others times. */
typedef struct FlowLink
{
	int step;
	uint32 source; /* numbers in result->names; 0: nothing */
	uint32 target;
	int64 events;
	int64 customers;
	TallyRow **rows;
	int64 nrows;
} FlowLink;

/* Customers who go by exactly these links in a step: two or more, in the order of links. */
typedef struct FlowSet
{
	int64 *links; /* numbers in result->links */
	int nlinks;
	int64 customers;
} FlowSet;

typedef struct FlowResult
{
	int steps;
	bool backward;
	bool has_anchor;
	FlowOccurrence occurrence;
	Texts *names;
	FlowLink *links; /* by step, source and target */
	int64 nlinks;
	FlowSet *sets;
	int64 nsets;
	int64 *not_kept; /* by step: customers who go several ways, which aren't known */
} FlowResult;

extern const TallyShape flow_shape;

/* Reads a result; NULL where it can't be one, and why, as a DETAIL. */
extern FlowResult *flow_result_read(const Tally *tally, const char **fault);

/* The text of a link, or of several, in the tally's keys: pairs of names in one JSON array. */
extern void flow_links_begin(StringInfo out);
extern void flow_links_put(StringInfo out, const Texts *names, uint32 source, uint32 target);
extern void flow_links_end(StringInfo out);

/* The order of names in it: by bytes, nothing comes first. */
extern int flow_compare_names(const Texts *names, uint32 a, uint32 b);

/* Places of parameters, and texts of choices. */
extern const char *const flow_by_names[];
extern const char *const flow_occurrence_names[];

#endif
