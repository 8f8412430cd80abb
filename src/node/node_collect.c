/*
 * node_collect.c
 *		Collectors that a node feeds from its child, and their parts.
 *
 *		row --> collector --> part, part ...
 *
 * With workers, each participant collects the rows that it gets, and publishes them; takes up what
 * all have published, and with it what is known of all: the zone, the last event, whether there
 * were rows at all. So a participant that had none reads parts as well as any. Rows without a
 * customer are counted by who got them.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "node/node_internal.h"

/* Collectors share what memory there is; a few chunks for each part of each of them. */
#define COLLECTOR_LIMIT_MIN ((size_t) 256 * 1024)

void
node_collect_begin(NodeCollect *collect, NodeState *node, EState *estate, List *aggrefs,
				   List *columns)
{
	GroupRows *rows;
	ListCell *cell;
	ListCell *column;

	collect->node = node;
	collect->limit = Max(get_hash_memory_limit(), NODE_LIMIT_MIN);
	collect->ninputs = list_length(columns);
	collect->inputs = palloc0(collect->ninputs * sizeof(NodeInput));
	foreach (cell, columns)
		foreach (column, (List *) lfirst(cell))
			collect->ncolumns = Max(collect->ncolumns, lfirst_int(column));
	collect->aggregates =
		aggregates_create(estate, aggrefs, columns, ExecGetResultType(node->child), &rows);
}

void
node_collect_note_memory(NodeCollect *collect)
{
	NodeState *node = collect->node;
	Size memory = MemoryContextMemAllocated(node->context, true) +
				  MemoryContextMemAllocated(aggregates_memory(collect->aggregates), true) +
				  collect_grouping_bytes();

	node->counts.memory = Max(node->counts.memory, memory);
}

/* ---- rows ---- */

/* The name of the file of a participant's rows of an input. */
static void
name_file(char *to, int participant, int input)
{
	snprintf(to, MAXPGPATH, "rows%d.%d", participant, input);
}

/* Tells a collector, which has just got its first row, what is to become of it. */
static void
prepare_collector(NodeCollect *collect, int input, Collector *collector)
{
	size_t limit = Max(collect->limit / collect->ninputs, COLLECTOR_LIMIT_MIN);
	char name[MAXPGPATH];

	collect->inputs[input].collector = collector;
	aggregates_take_by(collect->aggregates, input, collector->take);
	if (collect->node->shared == NULL)
	{
		collector_pass(collector, limit);
		return;
	}
	name_file(name, node_shared_number(), input);
	collector_share(collector, limit, node_shared_files(collect->node->shared), name);
}

/* Collects all rows of the child, which takes its memory from the query's: it outlives ours. */
static void
collect_rows(NodeCollect *collect)
{
	MemoryContext old = MemoryContextSwitchTo(collect->node->css.ss.ps.state->es_query_cxt);
	int missing = collect->ninputs;

	aggregates_start(collect->aggregates);
	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode(collect->node->child);
		int i;

		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(slot))
			break;
		slot_getsomeattrs(slot, collect->ncolumns);
		aggregates_feed_slot(collect->aggregates, slot);
		collect->node->counts.rows++;
		for (i = 0; i < collect->ninputs && missing > 0; i++)
		{
			Collector *collector = aggregates_state(collect->aggregates, i);

			if (collector != NULL && collect->inputs[i].collector == NULL)
			{
				prepare_collector(collect, i, collector);
				missing--;
			}
		}
	}
	MemoryContextSwitchTo(old);
	node_collect_note_memory(collect);
}

/* Looks for the last event of those that came in summaries, where somebody asks for it. */
static void
find_last(NodeCollect *collect)
{
	int i;

	for (i = 0; i < collect->ninputs; i++)
		if (collect->inputs[i].needs_last && collect->inputs[i].collector != NULL)
			collector_find_last(collect->inputs[i].collector);
}

/* Makes all collectors have as many parts. */
static void
even_out(NodeCollect *collect)
{
	bool split = false;
	int i;

	for (i = 0; i < collect->ninputs; i++)
		split = split || (collect->inputs[i].collector != NULL &&
						  collect->inputs[i].collector->deal.bits > 0);
	for (i = 0; i < collect->ninputs && split; i++)
		if (collect->inputs[i].collector != NULL && collect->inputs[i].collector->deal.bits == 0)
			collector_split(collect->inputs[i].collector);
}

static void
collect_alone(NodeCollect *collect)
{
	int i;

	collect_rows(collect);
	find_last(collect);
	even_out(collect);
	for (i = 0; i < collect->ninputs; i++)
		if (collect->inputs[i].collector != NULL)
		{
			Collector *collector = collect->inputs[i].collector;

			collect->inputs[i].guests = collector->guests;
			collect->node->counts.written += collector->deal.written;
			collector->deal.limit = 0;
		}
}

/* Publishes what this process has collected, and lets go of it. */
static void
publish(NodeCollect *collect)
{
	CollectorShare *shares = node_shared_share(collect->node->shared, node_shared_number());
	int i;

	find_last(collect);
	for (i = 0; i < collect->ninputs; i++)
	{
		Collector *collector = collect->inputs[i].collector;
		char name[MAXPGPATH];

		name_file(name, node_shared_number(), i);
		collector_publish(collector, &shares[i], node_shared_files(collect->node->shared), name);
		if (collector != NULL)
		{
			collect->inputs[i].guests = collector->guests;
			collect->node->counts.written += collector->deal.written;
			collect->inputs[i].collector = NULL;
		}
	}
	aggregates_end(collect->aggregates);
}

/* Takes up what all have collected. */
static void
take_up(NodeCollect *collect)
{
	int n = node_shared_participants(collect->node->shared);
	const CollectorShare **shares = palloc(n * sizeof(CollectorShare *));
	char **names = palloc(n * sizeof(char *));
	int i;
	int k;

	for (k = 0; k < n; k++)
		names[k] = palloc(MAXPGPATH);
	for (i = 0; i < collect->ninputs; i++)
	{
		for (k = 0; k < n; k++)
		{
			shares[k] = (CollectorShare *) node_shared_share(collect->node->shared, k) + i;
			name_file(names[k], k, i);
		}
		collect->inputs[i].collector =
			collector_take_up(collect->node->context, shares, (const char *const *) names, n,
							  node_shared_files(collect->node->shared));
		if (collect->inputs[i].collector != NULL)
			collect->inputs[i].collector->guests = collect->inputs[i].guests;
	}
}

static void
collect_together(NodeCollect *collect)
{
	if (node_shared_begin(collect->node->shared))
	{
		collect_rows(collect);
		publish(collect);
		node_shared_wait(collect->node->shared);
	}
	take_up(collect);
}

/* What was collected, by part. */
static void
open_pieces(NodeCollect *collect)
{
	PieceSource *sources = palloc(collect->ninputs * sizeof(PieceSource));
	int n = 0;
	int i;

	for (i = 0; i < collect->ninputs; i++)
		if (collect->inputs[i].collector != NULL)
		{
			sources[n].collector = collect->inputs[i].collector;
			sources[n].deal = &sources[n].collector->deal;
			n++;
		}
	pieces_open(&collect->pieces, sources, n, collect->limit, 1, &collect->node->counts.written);
	pfree(sources);
}

void
node_collect_rows(NodeCollect *collect)
{
	MemoryContext old = MemoryContextSwitchTo(collect->node->context);

	collect->next_part = 0;
	if (collect->node->shared != NULL)
		collect_together(collect);
	else
		collect_alone(collect);
	open_pieces(collect);
	MemoryContextSwitchTo(old);
}

/* ---- parts ---- */

const Base *
node_collect_open(const NodeInput *input, Base *base, int part)
{
	if (input == NULL || input->collector == NULL)
		return NULL;
	if (part < 0)
		base_of_collector(base, input->collector);
	else
		base_of_part(base, input->piece, part);
	return base;
}

/* Tells the inputs who has their piece. */
static void
hand_out_piece(NodeCollect *collect)
{
	int n = 0;
	int i;

	for (i = 0; i < collect->ninputs; i++)
		if (collect->inputs[i].collector != NULL)
			collect->inputs[i].piece = piece_source(&collect->pieces, n++)->collector;
}

static int
count_parts(const NodeCollect *collect)
{
	const Pieces *pieces = &collect->pieces;

	return pieces->nsources > 0 ? pieces->first.sources[0].deal->nparts : 0;
}

bool
node_collect_next_part(NodeCollect *collect, int *part)
{
	Pieces *pieces = &collect->pieces;
	NodeShared *shared = collect->node->shared;
	bool found = pieces->nsources > 0 && pieces_next(pieces);

	*part = -1;
	/* parts without rows have no piece; but somebody gets the first part, whoever is in it */
	while (!found && *part != 0)
	{
		*part = shared != NULL ? node_shared_next_part(shared) : collect->next_part++;
		if (*part >= count_parts(collect))
			return false;
		pieces_of_part(pieces, *part);
		found = pieces_next(pieces);
	}
	if (found)
		*part = pieces->part;
	hand_out_piece(collect);
	return true;
}

int64
node_collect_count_part(NodeCollect *collect, int part)
{
	int64 customers = 0;
	Base base;
	int i;

	for (i = 0; i < collect->ninputs; i++)
		if (node_collect_open(&collect->inputs[i], &base, part) != NULL)
			customers += base_count(&base);
	node_collect_note_memory(collect);
	collect->pieces.groups += customers;
	collect->node->counts.groups += customers;
	collect->node->counts.parts += customers > 0;
	return customers;
}

void
node_collect_forget_part(NodeCollect *collect, int part)
{
	int i;

	for (i = 0; i < collect->ninputs; i++)
		if (collect->inputs[i].collector != NULL)
			collector_forget_part(collect->inputs[i].piece, part);
}

void
node_collect_rewind(NodeCollect *collect)
{
	int i;

	pieces_end(&collect->pieces);
	for (i = 0; i < collect->ninputs; i++)
	{
		if (collect->inputs[i].collector != NULL)
			deal_end(&collect->inputs[i].collector->deal);
		collect->inputs[i].collector = collect->inputs[i].piece = NULL;
		collect->inputs[i].guests = 0;
		collect->inputs[i].needs_last = false;
	}
	aggregates_end(collect->aggregates);
}

Size
node_collect_share_size(const NodeCollect *collect)
{
	return collect->ninputs * sizeof(CollectorShare);
}
