/*
 * node_exec.c
 *		The executor's side of the node for GROUP BY customer: takes all of the child's rows, deals
 *		them to parts by their key's hash, then groups part by part, and emits group by group.
 *
 * No state is kept but that of the group at hand: its rows are all there when it starts. A hash
 * table that visits a state for each row pays for misses of the cache; a part fits it.
 *
 *		input ... -> deal (collect/deal.h) -> part -> groups (collect/deal_group.h) -> group -> row
 *						 ^                      |
 *						 +----- too large ------+----- all rows have one key: not grouped, but read
 *												|		 again and again, if need be, from where
 *												|		 they are
 *												+----- no key: one group, read the same way
 *
 * Memory is that of the rows, up to the limit, and of one part being grouped.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "collect/deal.h"
#include "collect/deal_group.h"
#include "core/compat.h"
#include "node/node_internal.h"

/* Dealt again by the next bits, so often can a part be until all of a hash was looked at. */
#define MAX_LEVELS	(64 / PART_BITS)

/* Rows that are fed at once, where they are not grouped. */
#define STREAM_ROWS 256

typedef struct DealLevel
{
	Deal *deal;
	int part; /* at hand; -1: none yet */
} DealLevel;

/* How groups come from the part at hand. */
typedef enum PartMode
{
	PART_NONE,	  /* there is none */
	PART_GROUPED, /* in memory */
	PART_STREAM	  /* read once for each group, of which there is one */
} PartMode;

typedef struct GroupScanState
{
	CustomScanState css;
	PlanState *child;
	GroupAggregates *aggregates;
	GroupRows *rows;
	RowForm form;
	Oid key_type; /* of what a domain is over */
	double expected_groups;
	size_t limit;
	MemoryContext context;	   /* of all that this node holds */
	MemoryContext row_context; /* of the input's row at hand */

	bool dealt;
	DealLevel levels[MAX_LEVELS];
	int depth;
	PartMode mode;
	RowGroups groups;
	uint32 next; /* group of the part */

	/* of a part that is read as it stands */
	bool more; /* groups that are still to come */
	MemoryContext done_context;
	ByteSpan *done; /* keys of groups that were emitted, all of one hash */
	int ndone;

	/* for EXPLAIN, and to guess how many groups a part has */
	int64 input_rows;
	int64 grouped_rows;
	int64 ngroups;
	int64 nparts;
	int64 written;
	Size peak;
} GroupScanState;

/* ---- the input ---- */

static void
take_key_type(GroupScanState *state, TupleDesc desc)
{
	Form_pg_attribute key = TupleDescAttr(desc, GROUP_KEY_COLUMN - 1);

	state->key_type = getBaseType(key->atttypid);
	state->form.number_size = sizeof(int64);
	switch (state->key_type)
	{
		case INT2OID:
		case INT4OID:
			state->form.number_size = sizeof(int32);
			pg_fallthrough;
		case INT8OID:
			state->form.type = CUSTOMER_BIGINT;
			break;
		case UUIDOID:
			state->form.type = CUSTOMER_UUID;
			break;
		case TEXTOID:
		case VARCHAROID:
			state->form.type = CUSTOMER_TEXT;
			break;
		default:
			elog(ERROR, "type %u is no key of the node for GROUP BY", state->key_type);
	}
}

static inline Customer
read_key(const GroupScanState *state, Datum key)
{
	switch (state->key_type)
	{
		case INT2OID:
			return customer_from_smallint(key);
		case INT4OID:
			return customer_from_integer(key);
		case INT8OID:
			return customer_from_bigint(key);
		case UUIDOID:
			return customer_from_uuid(key);
		default:
			return customer_from_text(key);
	}
}

/* A key as a value again, which lives as long as the group. */
static Datum
key_datum(const GroupScanState *state, const Customer *customer)
{
	ByteSpan bytes = customer->bytes;
	struct varlena *text;

	switch (state->key_type)
	{
		case INT2OID:
			return Int16GetDatum((int16) customer->number);
		case INT4OID:
			return Int32GetDatum((int32) customer->number);
		case INT8OID:
			return Int64GetDatum(customer->number);
		case UUIDOID:
			return PointerGetDatum(bytes.bytes);
		default:
			text = MemoryContextAlloc(aggregates_memory(state->aggregates), VARHDRSZ + bytes.len);
			datum_set_size(text, VARHDRSZ + bytes.len, "text", "There is none.");
			memcpy(VARDATA(text), bytes.bytes, bytes.len);
			return PointerGetDatum(text);
	}
}

static void
note_memory(GroupScanState *state)
{
	state->peak = Max(state->peak, MemoryContextMemAllocated(state->context, true));
}

/* Deals all rows of the child. */
static void
deal_input(GroupScanState *state)
{
	Deal *deal = deal_create(state->context, &state->form, 0, state->limit);

	state->depth = 0;
	state->levels[0].deal = deal;
	state->levels[0].part = -1;
	state->mode = PART_NONE;
	state->input_rows = 0;
	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode(state->child);
		Customer customer = { 0 };
		MemoryContext old;
		bool no_key;
		uint8 *payload;

		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(slot))
			break;
		slot_getallattrs(slot);
		MemoryContextReset(state->row_context);
		old = MemoryContextSwitchTo(state->row_context);
		no_key = slot->tts_isnull[0];
		if (!no_key)
			customer = read_key(state, slot->tts_values[0]);
		payload = deal_row(deal, &customer, no_key,
						   rows_measure(state->rows, slot->tts_values, slot->tts_isnull));
		rows_write(state->rows, payload, slot->tts_values, slot->tts_isnull);
		MemoryContextSwitchTo(old);
		state->input_rows++;
	}
	MemoryContextReset(state->row_context);
	note_memory(state);
	deal_close(deal);
	state->written += deal->written;
	state->dealt = true;
}

/* ---- parts ---- */

/* How many of these rows' groups there are, going by what was seen, or by what was planned. */
static int64
guess_groups(const GroupScanState *state, int64 rows)
{
	double share = state->grouped_rows > 0
					   ? (double) state->ngroups / (double) state->grouped_rows
					   : state->expected_groups / (double) Max(1, state->input_rows);

	return Max(1, (int64) ((double) rows * Min(1.0, share)));
}

/* Is grouping a part beyond the limit of memory? */
static bool
is_too_large(const GroupScanState *state, const Deal *deal, const DealPart *part)
{
	size_t needed = group_rows_memory(&state->form, part->rows, guess_groups(state, part->rows));
	size_t room = deal->limit;

	if (deal->nparts == 1)
		return false;
	if (deal_spilled(deal))
		needed += part->bytes;
	else
		room = Max(room - Min(room, deal->held), room / 4);
	return needed > room;
}

static void
leave_part(GroupScanState *state)
{
	const DealLevel *level = &state->levels[state->depth];

	if (state->mode == PART_GROUPED)
		deal_unload(level->deal, level->part);
	state->mode = PART_NONE;
}

static void
open_stream(GroupScanState *state)
{
	MemoryContextReset(state->done_context);
	state->done = NULL;
	state->ndone = 0;
	state->more = true;
	state->mode = PART_STREAM;
	state->nparts++;
}

static void
open_part(GroupScanState *state)
{
	DealLevel *level = &state->levels[state->depth];
	Deal *deal = level->deal;
	const DealPart *part = &deal->parts[level->part];

	if (level->part == deal->nparts)
		open_stream(state);
	else if (!is_too_large(state, deal, part))
	{
		const DealChunk *chunks = deal_load(deal, level->part);

		group_rows(&state->groups, &state->form,
				   deal->nparts == 1 ? deal->skip : deal->skip + PART_BITS, chunks, part->rows,
				   guess_groups(state, part->rows));
		state->next = 0;
		state->mode = PART_GROUPED;
		state->nparts++;
		note_memory(state);
	}
	else if (state->depth + 1 == MAX_LEVELS || deal_is_uniform(deal, level->part))
		open_stream(state);
	else
	{
		Deal *again = deal_again(state->context, deal, level->part, state->limit);

		group_rows_free(&state->groups);
		note_memory(state);
		state->written += again->written;
		level = &state->levels[++state->depth];
		level->deal = again;
		level->part = -1;
	}
}

/* Goes on to the next part that has rows; false: there is none. */
static bool
next_part(GroupScanState *state)
{
	leave_part(state);
	while (state->mode == PART_NONE)
	{
		DealLevel *level = &state->levels[state->depth];

		CHECK_FOR_INTERRUPTS();
		if (level->part + 1 < deal_parts(level->deal))
		{
			level->part++;
			if (level->deal->parts[level->part].rows > 0)
				open_part(state);
		}
		else if (state->depth == 0)
			return false;
		else
		{
			deal_destroy(level->deal);
			level->deal = NULL;
			state->depth--;
		}
	}
	return true;
}

/* ---- groups ---- */

/* Feeds the next group of a part in memory. */
static bool
feed_grouped(GroupScanState *state, Datum *key, bool *null)
{
	const RowGroups *groups = &state->groups;
	const RowGroup *group;
	RowBatch batch = { 0 };

	if (state->next == groups->ngroups)
		return false;
	group = &groups->groups[state->next++];
	batch.n = (int) group->nrows;
	if (state->form.own_size)
		batch.rows = groups->own_payloads + group->first;
	else
	{
		batch.first = groups->payloads + group->first * (size_t) state->form.size;
		batch.stride = state->form.size;
	}
	aggregates_start(state->aggregates);
	aggregates_feed(state->aggregates, &batch);
	state->grouped_rows += group->nrows;
	*key = key_datum(state, &group->customer);
	*null = false;
	return true;
}

static bool
is_done(const GroupScanState *state, ByteSpan key)
{
	int i;

	for (i = 0; i < state->ndone; i++)
		if (span_compare(state->done[i], key) == 0)
			return true;
	return false;
}

/* Notes a key of whose hash all rows of the part are. */
static Customer
note_key(GroupScanState *state, const Customer *customer)
{
	Customer copy = *customer;
	MemoryContext old = MemoryContextSwitchTo(state->done_context);
	uint8 *bytes;

	if (state->form.type != CUSTOMER_BIGINT)
	{
		bytes = palloc(Max(1, customer->bytes.len));
		memcpy(bytes, customer->bytes.bytes, customer->bytes.len);
		copy.bytes.bytes = bytes;
		state->done = state->done == NULL
						  ? palloc(sizeof(ByteSpan))
						  : repalloc(state->done, (state->ndone + 1) * sizeof(ByteSpan));
		state->done[state->ndone++] = copy.bytes;
	}
	MemoryContextSwitchTo(old);
	return copy;
}

/*
 * Feeds the next group of a part whose rows all have one hash, or no key. Keys that share all of a
 * hash by chance are groups of their own, each of which reads the part again.
 */
static bool
feed_stream(GroupScanState *state, Datum *key, bool *null)
{
	const DealLevel *level = &state->levels[state->depth];
	bool no_key = level->part == level->deal->nparts;
	bool by_bytes = !no_key && state->form.type != CUSTOMER_BIGINT;
	bool found = no_key;
	Customer customer = { 0 };
	const uint8 *payloads[STREAM_ROWS];
	RowBatch batch = { .rows = payloads };
	DealReader reader;
	const DealChunk *chunk;

	if (!state->more)
		return false;
	state->more = false;
	aggregates_start(state->aggregates);
	deal_open(&reader, level->deal, level->part);
	while ((chunk = deal_next(&reader)) != NULL)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		while (at < end)
		{
			DealtRow row;

			at = row_read(&state->form, at, &row);
			if (!found && (!by_bytes || !is_done(state, row.customer.bytes)))
			{
				customer = note_key(state, &row.customer);
				found = true;
			}
			if (!by_bytes || (found && span_compare(row.customer.bytes, customer.bytes) == 0))
				payloads[batch.n++] = row.payload;
			else if (found && !is_done(state, row.customer.bytes))
				state->more = true;
			if (batch.n == STREAM_ROWS || (at == end && batch.n > 0))
			{
				aggregates_feed(state->aggregates, &batch);
				state->grouped_rows += batch.n;
				batch.n = 0;
			}
		}
	}
	deal_done(&reader);
	Assert(found);
	*null = no_key;
	*key = no_key ? (Datum) 0 : key_datum(state, &customer);
	return true;
}

/* The next group, as a row of key and aggregates. */
static TupleTableSlot *
next_group(ScanState *node)
{
	GroupScanState *state = (GroupScanState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (!state->dealt)
		deal_input(state);
	for (;;)
	{
		if ((state->mode == PART_GROUPED &&
			 feed_grouped(state, &slot->tts_values[0], &slot->tts_isnull[0])) ||
			(state->mode == PART_STREAM &&
			 feed_stream(state, &slot->tts_values[0], &slot->tts_isnull[0])))
		{
			aggregates_finish(state->aggregates, slot->tts_values + 1, slot->tts_isnull + 1);
			state->ngroups++;
			return ExecStoreVirtualTuple(slot);
		}
		if (!next_part(state))
			return slot;
	}
}

/* There are no rows of tables that could be locked and checked again. */
static bool
recheck_group(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
group_exec(CustomScanState *node)
{
	return ExecScan(&node->ss, next_group, recheck_group);
}

/* ---- the node ---- */

static void
group_begin(CustomScanState *node, EState *estate, int eflags)
{
	GroupScanState *state = (GroupScanState *) node;
	const CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	TupleDesc desc;
	List *aggrefs = NIL;
	List *columns = NIL;
	MemoryContext old;
	int i;

	/* What was dealt is there to be read again, whatever the child can do. */
	eflags &= ~(EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK);
	state->child = ExecInitNode(linitial(scan->custom_plans), estate, eflags);
	node->custom_ps = list_make1(state->child);
	desc = ExecGetResultType(state->child);

	state->context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty groups", ALLOCSET_DEFAULT_SIZES);
	state->row_context =
		AllocSetContextCreate(state->context, "loyalty row", ALLOCSET_DEFAULT_SIZES);
	state->done_context =
		AllocSetContextCreate(state->context, "loyalty keys", ALLOCSET_SMALL_SIZES);
	state->groups.context = state->context;
	state->limit = get_hash_memory_limit();
	state->expected_groups = group_plan_groups(scan);
	take_key_type(state, desc);

	for (i = 1; i < list_length(scan->custom_scan_tlist); i++)
	{
		aggrefs = lappend(aggrefs, list_nth_node(TargetEntry, scan->custom_scan_tlist, i)->expr);
		columns = lappend(columns, group_plan_columns(scan, i - 1));
	}
	old = MemoryContextSwitchTo(state->context);
	state->aggregates = aggregates_create(estate, aggrefs, columns, desc, &state->rows);
	MemoryContextSwitchTo(old);
	state->form.own_size = state->rows->nvarying > 0;
	state->form.size = state->rows->fixed_size;
}

/* Lets go of what was dealt, but for the first level if it is to be read again. */
static void
leave_levels(GroupScanState *state, bool keep_first)
{
	leave_part(state);
	aggregates_end(state->aggregates);
	for (; state->depth > 0; state->depth--)
		deal_destroy(state->levels[state->depth].deal);
	state->levels[0].part = -1;
	if (!keep_first && state->levels[0].deal != NULL)
	{
		deal_destroy(state->levels[0].deal);
		state->levels[0].deal = NULL;
		state->dealt = false;
	}
}

static void
group_rescan(CustomScanState *node)
{
	GroupScanState *state = (GroupScanState *) node;

	if (node->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(state->child, node->ss.ps.chgParam);
	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	leave_levels(state, state->dealt && state->child->chgParam == NULL);
	if (!state->dealt && state->child->chgParam == NULL)
		ExecReScan(state->child);
	ExecScanReScan(&node->ss);
}

static void
group_end(CustomScanState *node)
{
	GroupScanState *state = (GroupScanState *) node;

	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	leave_levels(state, false);
	MemoryContextDelete(state->context);
	ExecEndNode(state->child);
}

static void
group_explain(CustomScanState *node, List *ancestors, ExplainState *es)
{
	const GroupScanState *state = (const GroupScanState *) node;

	if (!es->analyze)
		return;
	ExplainPropertyInteger("Parts", NULL, state->nparts, es);
	ExplainPropertyInteger("Groups", NULL, state->ngroups, es);
	ExplainPropertyInteger("Rows", NULL, state->grouped_rows, es);
	ExplainPropertyInteger("Memory", "kB", (int64) ((state->peak + 1023) / 1024), es);
	ExplainPropertyInteger("Disk", "kB", (state->written + 1023) / 1024, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = GROUP_NODE_NAME,
	.BeginCustomScan = group_begin,
	.ExecCustomScan = group_exec,
	.EndCustomScan = group_end,
	.ReScanCustomScan = group_rescan,
	.ExplainCustomScan = group_explain,
};

static Node *
group_create(CustomScan *scan)
{
	GroupScanState *state = (GroupScanState *) newNode(sizeof(GroupScanState), T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

const CustomScanMethods group_scan_methods = {
	.CustomName = GROUP_NODE_NAME,
	.CreateCustomScanState = group_create,
};
