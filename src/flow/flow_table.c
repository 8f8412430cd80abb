/*
 * flow_table.c
 *		Rows of flows: event_flow_table(). At each level the nodes with most events are shown, and
 *		what goes through the others is brought together.
 *
 *		level 1 -> step 1 -> level 2 -> step 2 -> level 3 ...	(backward: from right to left)
 *
 * Events and times of links that are brought together add up. Customers don't, where one may go
 * by several of them: then the sets of links tell how often each was counted.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "core/array.h"
#include "core/rows.h"
#include "flow/flow_internal.h"
#include "metric/links.h"
#include "metric/tally.h"

PG_FUNCTION_INFO_V1(loyalty_event_flow_table);

/* ---- nodes ---- */

/* A name at a level, and the events that come there. */
typedef struct FlowNode
{
	int level;
	uint32 name;
	int64 events;
	int place; /* at its level, from 1; PLACE_OTHER: it isn't shown by itself */
} FlowNode;

#define PLACE_OTHER PG_INT32_MAX

typedef struct FlowNodes
{
	const FlowResult *result;
	FlowNode *list; /* by level and name */
	int64 n;
} FlowNodes;

/* The level of a link's side: that of the anchor is 1. */
static int
level_of(const FlowResult *result, const FlowLink *link, bool is_source)
{
	return is_source == result->backward ? link->step + 1 : link->step;
}

static int
compare_nodes(const void *a, const void *b)
{
	const FlowNode *x = a;
	const FlowNode *y = b;

	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

/* For sort_elements(), which hands nothing on. */
typedef struct RankedNode
{
	const Texts *names;
	FlowNode *node;
} RankedNode;

static int
compare_ranks(const void *a, const void *b)
{
	const RankedNode *x = a;
	const RankedNode *y = b;

	if (x->node->level != y->node->level)
		return x->node->level < y->node->level ? -1 : 1;
	if (x->node->events != y->node->events)
		return x->node->events > y->node->events ? -1 : 1;
	return flow_compare_names(x->names, x->node->name, y->node->name);
}

static void
add_node(FlowNodes *nodes, int level, uint32 name, int64 events)
{
	if (name != 0)
		nodes->list[nodes->n++] = (FlowNode){ level, name, events, 0 };
}

/* Gives each node its place; the anchor is always shown. */
static void
rank_nodes(FlowNodes *nodes, int64 top)
{
	RankedNode *ranked = palloc_extended(Max(nodes->n, 1) * sizeof(RankedNode), MCXT_ALLOC_HUGE);
	int level = 0;
	int64 place = 0;
	int64 i;

	for (i = 0; i < nodes->n; i++)
		ranked[i] = (RankedNode){ nodes->result->names, &nodes->list[i] };
	if (nodes->n > 0)
		sort_elements(ranked, nodes->n, sizeof(RankedNode), compare_ranks);
	for (i = 0; i < nodes->n; i++)
	{
		FlowNode *node = ranked[i].node;

		place = node->level == level ? place + 1 : 1;
		level = node->level;
		node->place = (int) (place <= top ? place : PLACE_OTHER);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(ranked);
}

/* What comes to a node leaves it: those of level 1 by what leaves them, the others by what comes.
 */
static void
open_nodes(FlowNodes *nodes, const FlowResult *result, int64 top)
{
	int64 n = 0;
	int64 i;

	nodes->result = result;
	nodes->n = 0;
	nodes->list = palloc_extended(Max(2 * result->nlinks, 1) * sizeof(FlowNode), MCXT_ALLOC_HUGE);
	for (i = 0; i < result->nlinks; i++)
	{
		const FlowLink *link = &result->links[i];

		if (link->step == 1)
			add_node(nodes, 1, result->backward ? link->target : link->source, link->events);
		add_node(nodes, link->step + 1, result->backward ? link->source : link->target,
				 link->events);
	}
	if (nodes->n == 0)
		return;
	sort_elements(nodes->list, nodes->n, sizeof(FlowNode), compare_nodes);
	for (i = 1; i < nodes->n; i++)
	{
		if (compare_nodes(&nodes->list[n], &nodes->list[i]) == 0)
			nodes->list[n].events += nodes->list[i].events;
		else
			nodes->list[++n] = nodes->list[i];
		CHECK_FOR_INTERRUPTS();
	}
	nodes->n = n + 1;
	rank_nodes(nodes, top);
}

/* One side of a link; NULL where a flow ends. */
static const FlowNode *
find_node(const FlowNodes *nodes, const FlowLink *link, bool is_source)
{
	FlowNode wanted = { .level = level_of(nodes->result, link, is_source),
						.name = is_source ? link->source : link->target };

	if (wanted.name == 0)
		return NULL;
	return bsearch(&wanted, nodes->list, nodes->n, sizeof(FlowNode), compare_nodes);
}

/* Its place: behind all others where a flow ends. */
static int64
place_of(const FlowNodes *nodes, const FlowLink *link, bool is_source)
{
	const FlowNode *found = find_node(nodes, link, is_source);

	return found != NULL ? found->place : (int64) PLACE_OTHER + 1;
}

/* ---- links of what is shown ---- */

/* Links of one step that are shown as one row. */
typedef struct Shown
{
	int step;
	int64 source; /* places */
	int64 target;
	const FlowLink *link; /* one of them */
	int64 number;		  /* of the link, among those of the result */
} Shown;

static int
compare_shown(const void *a, const void *b)
{
	const Shown *x = a;
	const Shown *y = b;

	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return (x->target > y->target) - (x->target < y->target);
}

typedef struct FlowTable
{
	const FlowResult *result;
	FlowNodes nodes;
	Shown *shown;		  /* of each link, sorted */
	int64 *row_of;		  /* of a link of the result: its row */
	int64 *repeated;	  /* [row]: how often customers of it count once more than once */
	int64 *of_others;	  /* by level: events of nodes that aren't shown by themselves */
	MemoryContext memory; /* not of a row */
	CountedNumber *times;
	int64 max_times;
} FlowTable;

static int
compare_rows(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return (x > y) - (x < y);
}

/* How often the customers of sets were counted too much in each row. */
static void
count_repeated(FlowTable *table)
{
	int64 *rows = palloc(FLOW_MAX_SET * sizeof(int64));
	int64 room = FLOW_MAX_SET;
	int64 i;

	for (i = 0; i < table->result->nsets; i++)
	{
		const FlowSet *set = &table->result->sets[i];
		int n;

		rows = array_grow(rows, &room, set->nlinks, sizeof(int64));
		for (n = 0; n < set->nlinks; n++)
			rows[n] = table->row_of[set->links[n]];
		sort_elements(rows, set->nlinks, sizeof(int64), compare_rows);
		for (n = 1; n < set->nlinks; n++)
			if (rows[n] == rows[n - 1])
				table->repeated[rows[n]] += set->customers;
		CHECK_FOR_INTERRUPTS();
	}
	pfree(rows);
}

static void
open_table(FlowTable *table, const FlowResult *result, int64 top)
{
	Size n = (Size) Max(result->nlinks, 1);
	int64 nrows = 0;
	int64 i;

	memset(table, 0, sizeof(FlowTable));
	table->result = result;
	table->memory = CurrentMemoryContext;
	open_nodes(&table->nodes, result, top);
	table->shown = palloc_extended(n * sizeof(Shown), MCXT_ALLOC_HUGE);
	table->row_of = palloc_extended(n * sizeof(int64), MCXT_ALLOC_HUGE);
	table->repeated = palloc_extended(n * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < result->nlinks; i++)
	{
		const FlowLink *link = &result->links[i];

		table->shown[i] = (Shown){ link->step, place_of(&table->nodes, link, true),
								   place_of(&table->nodes, link, false), link, i };
	}
	if (result->nlinks > 0)
		sort_elements(table->shown, result->nlinks, sizeof(Shown), compare_shown);
	for (i = 0; i < result->nlinks; i++)
	{
		nrows += i > 0 && compare_shown(&table->shown[i - 1], &table->shown[i]) != 0;
		table->row_of[table->shown[i].number] = nrows;
	}
	count_repeated(table);
	table->of_others = palloc0(((Size) result->steps + 2) * sizeof(int64));
	for (i = 0; i < table->nodes.n; i++)
		if (table->nodes.list[i].place == PLACE_OTHER)
			table->of_others[table->nodes.list[i].level] += table->nodes.list[i].events;
}

/* ---- columns ---- */

static int
compare_times(const void *a, const void *b)
{
	const CountedNumber *x = a;
	const CountedNumber *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int64
nth_time(const CountedNumber *times, int64 n)
{
	while (n >= times->count)
		n -= times++->count;
	return times->number;
}

/* The median of the links' times, as percentile_cont(0.5) has it; NULL where a flow ends. */
static void
put_median(FlowTable *table, Rows *rows, const Shown *shown, int64 nlinks, int64 events)
{
	int64 n = 0;
	int64 low;
	int64 high;
	Interval *interval;
	int64 half; /* microseconds */
	int64 i;
	int64 j;

	for (i = 0; i < nlinks; i++)
		for (j = 1; j < shown[i].link->nrows; j++)
		{
			const TallyRow *row = shown[i].link->rows[j];

			table->times = array_grow_in(table->memory, table->times, &table->max_times, n + 1,
										 sizeof(CountedNumber));
			table->times[n++] = (CountedNumber){ row->key.numbers[FLOW_KEY_SECONDS],
												 (int64) row->sums[FLOW_EVENTS] };
			CHECK_FOR_INTERRUPTS();
		}
	if (n == 0)
	{
		rows_put_null(rows);
		return;
	}
	if (nlinks > 1)
		sort_elements(table->times, n, sizeof(CountedNumber), compare_times);
	low = nth_time(table->times, (events - 1) / 2);
	high = nth_time(table->times, events / 2);
	half = (high - low) % 2 * (USECS_PER_SEC / 2);
	low += (high - low) / 2;
	interval = palloc0(sizeof(Interval));
	interval->day = (int32) (low / SECS_PER_DAY);
	interval->time = low % SECS_PER_DAY * USECS_PER_SEC + half;
	rows_put_datum(rows, IntervalPGetDatum(interval));
}

/* A side of a row. */
static LinkNode
node_of(const FlowTable *table, const Shown *shown, bool is_source)
{
	const FlowLink *link = shown->link;
	uint32 name = is_source ? link->source : link->target;
	LinkNode node = { .level = level_of(table->result, link, is_source) };

	if (name == 0)
		node.name = is_source ? "start" : "stop";
	else if ((is_source ? shown->source : shown->target) == PLACE_OTHER)
		node.name = "other";
	else
	{
		ByteSpan text = texts_get(table->result->names, name);

		node.name = (const char *) text.bytes;
		node.len = (int) text.len;
		node.is_named = true;
		return node;
	}
	node.len = (int) strlen(node.name);
	return node;
}

/* The share of a row among all that leave its node on the anchor's side. */
static double
share_of(const FlowTable *table, const Shown *shown, int64 events)
{
	bool is_source = !table->result->backward;
	int64 all = (is_source ? shown->source : shown->target) == PLACE_OTHER
					? table->of_others[shown->step]
					: find_node(&table->nodes, shown->link, is_source)->events;

	return (double) events / (double) all;
}

static void
put_row(FlowTable *table, Rows *rows, int64 first, int64 end)
{
	const Shown *shown = &table->shown[first];
	LinkNode source = node_of(table, shown, true);
	LinkNode target = node_of(table, shown, false);
	int64 events = 0;
	int64 customers = -table->repeated[table->row_of[shown->number]];
	int64 i;

	for (i = first; i < end; i++)
	{
		events += table->shown[i].link->events;
		customers += table->shown[i].link->customers;
		CHECK_FOR_INTERRUPTS();
	}
	rows_begin(rows);
	rows_put_int(rows, shown->step);
	links_put_node(rows, &source);
	links_put_node(rows, &target);
	if (end - first > 1 && table->result->not_kept[shown->step] > 0)
		rows_put_null(rows);
	else
		rows_put_count(rows, customers);
	rows_put_count(rows, events);
	rows_put_float(rows, share_of(table, shown, events));
	put_median(table, rows, shown, end - first, events);
	links_put_own_name(rows, &source);
	links_put_own_name(rows, &target);
	rows_put_bool(rows, shown->link->source == 0 || shown->link->target == 0);
}

/* event_flow_table(result, top) */
Datum
loyalty_event_flow_table(PG_FUNCTION_ARGS)
{
	const Tally *tally;
	const FlowResult *result;
	const char *fault;
	FlowTable table;
	Rows rows;
	int64 first;
	int64 end;

	rows_open(&rows, fcinfo);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	if (!PG_ARGISNULL(1))
		metric_check_count("top", PG_GETARG_INT32(1));
	tally = tally_argument(fcinfo, 0, &flow_shape);
	result = flow_result_read(tally, &fault);
	if (result == NULL)
		report_corrupted();
	open_table(&table, result, PG_ARGISNULL(1) ? PG_INT64_MAX : PG_GETARG_INT32(1));
	for (first = 0; first < result->nlinks; first = end)
	{
		for (end = first + 1;
			 end < result->nlinks && compare_shown(&table.shown[first], &table.shown[end]) == 0;
			 end++)
			;
		put_row(&table, &rows, first, end);
		metric_put_as_of(&rows, tally);
		rows_end(&rows);
	}
	return (Datum) 0;
}
