/*
 * node_exec.c
 *		The executor's side of the node for GROUP BY customer: takes all of the child's rows, deals
 *		them to parts by their key's hash, then groups part by part, and emits group by group.
 *
 * No state is kept but that of the group at hand: its rows are all there when it starts. A hash
 * table that visits a state for each row pays for misses of the cache; a part fits it.
 *
 *		input ... -> Deal -> part -> Grouper -> group -> row
 *					  ^       |
 *					  +-------+---- too large: dealt again, by the next bits of the hash
 *							  |
 *							  +---- too large, and all rows have one hash: one group, whose rows are
 *									fed as they stand; as are those without a key
 *
 * Memory is that of the rows, up to the limit, and of one part being grouped, a quarter of it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/uuid.h"

#include "collect/deal.h"
#include "core/compat.h"
#include "node/node_internal.h"

/* Rows are dealt to parts when they are more than this, which is quick to group. */
#define SINGLE_MAX	   (64 * 1024)

/* So often can rows be dealt until all of a hash was looked at. */
#define MAX_LEVELS	   (64 / PART_BITS)

/* Rows that are fed at once, where they are not grouped. */
#define STREAM_ROWS	   256

/* Memory for each group of a part, about. */
#define GROUP_BYTES	   160

/* What of the limit one part may take to be grouped; the rest may hold other parts. */
#define GROUPING_SHARE 4

typedef struct DealLevel
{
	Deal deal;
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
	NodeState node;
	GroupAggregates *aggregates;
	GroupRows *rows;
	DealForm form;
	int key;	  /* the child's column of the key, from 0 */
	int ncolumns; /* of the child, up to the last one that is needed */
	Oid key_type; /* of what a domain is over */
	double expected_groups;
	size_t limit;
	MemoryContext row_context; /* of the input's row at hand */
	Arena arena;

	bool dealt;
	bool intact; /* all that was dealt can be read again */
	DealLevel levels[MAX_LEVELS];
	int depth;
	Deal keyless; /* rows whose key is NULL; they come last */
	PartMode mode;

	/* PART_GROUPED */
	Grouper *grouper;
	uint32 ngroups;
	uint32 next;

	/* PART_STREAM */
	Deal *stream;
	DealPart *stream_part;
	bool more; /* groups that are still to come */
	MemoryContext done_context;
	ByteSpan *done; /* keys of groups that were emitted, all of one hash */
	int ndone;

	int64 rows_in;
} GroupScanState;

/* ---- the input ---- */

static void
take_key_type(GroupScanState *state, TupleDesc desc)
{
	Form_pg_attribute key = TupleDescAttr(desc, state->key);

	state->key_type = getBaseType(key->atttypid);
	switch (state->key_type)
	{
		case INT2OID:
		case INT4OID:
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
	state->node.counts.memory =
		Max(state->node.counts.memory, MemoryContextMemAllocated(state->node.context, true));
}

/* What is in the file in part goes there whole, and more of it: some memory is for grouping. */
static void
settle(GroupScanState *state, Deal *deal)
{
	note_memory(state);
	if (deal->file == NULL)
		return;
	deal_write_down(deal, state->limit - state->limit / GROUPING_SHARE);
	state->node.counts.written += deal->written;
}

/* Makes a single part many. */
static void
split(GroupScanState *state, Deal *single)
{
	Deal many;

	deal_init(&many, &state->arena, state->form, 0, PART_BITS, state->limit);
	deal_again(single, &single->parts[0], &many);
	deal_end(single);
	*single = many;
}

/* Deals the row of a slot; inlined for numbers with rows of one size, and for all else. */
static pg_attribute_always_inline void
deal_slot(GroupScanState *state, Deal *deal, Deal *keyless, const TupleTableSlot *slot, bool simple)
{
	static const uint8 zeros[UUID_LEN] = { 0 };
	const Customer nobody = { .bytes = { zeros, UUID_LEN } };
	uint32 size = simple ? state->rows->fixed_size
						 : rows_measure(state->rows, slot->tts_values, slot->tts_isnull);
	uint8 *payload;

	if (unlikely(slot->tts_isnull[state->key]))
		payload = deal_row(keyless, nobody, size);
	else
	{
		Customer key = read_key(state, slot->tts_values[state->key]);

		if (simple)
		{
			const DealForm form = { .type = CUSTOMER_BIGINT };
			uint64 hash = hash_number((uint64) key.number);
			uint8 *at = deal_place(deal, &deal->parts[deal_part_of(deal, hash)],
								   deal_row_size(&form, &key, size));

			payload = deal_row_write(&form, at, hash, &key, size);
		}
		else
			payload = deal_row(deal, key, size);
	}
	if (state->rows->plain)
		rows_write_plain(state->rows, payload, slot->tts_values, slot->tts_isnull);
	else
		rows_write(state->rows, payload, slot->tts_values, slot->tts_isnull);
}

/* Deals all rows of the child. */
static void
deal_rows(GroupScanState *state, Deal *deal, Deal *keyless)
{
	bool simple = state->form.type == CUSTOMER_BIGINT && !state->form.sized;

	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode(state->node.child);
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(slot))
			break;
		slot_getsomeattrs(slot, state->ncolumns);
		if (!state->row_context->isReset)
			MemoryContextReset(state->row_context);
		old = MemoryContextSwitchTo(state->row_context);
		if (simple)
			deal_slot(state, deal, keyless, slot, true);
		else
			deal_slot(state, deal, keyless, slot, false);
		MemoryContextSwitchTo(old);
		state->rows_in++;
		if (unlikely(deal->bits == 0 && deal->bytes > SINGLE_MAX))
			split(state, deal);
	}
	MemoryContextReset(state->row_context);
}

static void
start_deals(GroupScanState *state, int bits)
{
	deal_init(&state->levels[0].deal, &state->arena, state->form, 0, bits, state->limit);
	deal_init(&state->keyless, &state->arena, state->form, 0, 0, state->limit / 4);
}

/* What a participant has published. */
typedef struct GroupShare
{
	DealPublished rows;
	DealPublished keyless;
	int64 nrows;
} GroupShare;

#define ROWS_FILE	 "rows"
#define KEYLESS_FILE "keyless"

static void
share_deal(GroupScanState *state, Deal *deal, const char *files)
{
	char name[MAXPGPATH];

	snprintf(name, sizeof(name), "%s%d", files, node_shared_number());
	deal_share(deal, node_shared_files(state->node.shared), name);
}

static void
take_up_deal(GroupScanState *state, Deal *deal, const char *files, int number,
			 const DealPublished *published)
{
	char name[MAXPGPATH];

	snprintf(name, sizeof(name), "%s%d", files, number);
	deal_take_up(deal, node_shared_files(state->node.shared), name, published);
}

/* Deals the rows that this process gets, for all; then takes up what all have dealt. */
static void
deal_together(GroupScanState *state)
{
	Deal *deal = &state->levels[0].deal;
	Deal *keyless = &state->keyless;
	int i;

	start_deals(state, PART_BITS);
	if (node_shared_begin(state->node.shared))
	{
		GroupShare *share = node_shared_share(state->node.shared, node_shared_number());

		share_deal(state, deal, ROWS_FILE);
		share_deal(state, keyless, KEYLESS_FILE);
		deal_rows(state, deal, keyless);
		note_memory(state);
		deal_publish(deal, &share->rows);
		deal_publish(keyless, &share->keyless);
		share->nrows = state->rows_in;
		node_shared_wait(state->node.shared);
		state->node.counts.written += deal->written + keyless->written;
		deal_end(deal);
		deal_end(keyless);
		start_deals(state, PART_BITS);
	}
	state->rows_in = 0;
	for (i = 0; i < node_shared_participants(state->node.shared); i++)
	{
		const GroupShare *share = node_shared_share(state->node.shared, i);

		take_up_deal(state, deal, ROWS_FILE, i, &share->rows);
		take_up_deal(state, keyless, KEYLESS_FILE, i, &share->keyless);
		state->rows_in += share->nrows;
	}
	state->intact = false;
}

static void
deal_input(GroupScanState *state)
{
	state->dealt = state->intact = true;
	state->rows_in = 0;
	state->depth = 0;
	state->levels[0].part = -1;
	state->mode = PART_NONE;
	if (state->node.shared != NULL)
		deal_together(state);
	else
	{
		start_deals(state, 0);
		deal_rows(state, &state->levels[0].deal, &state->keyless);
		settle(state, &state->levels[0].deal);
		settle(state, &state->keyless);
	}
}

/* ---- parts ---- */

/* How many groups so many rows make, going by what was seen, or by what was planned. */
static double
guess_groups(const GroupScanState *state, int64 rows)
{
	double share = state->node.counts.rows > 0
					   ? (double) state->node.counts.groups / (double) state->node.counts.rows
					   : state->expected_groups / (double) Max(1, state->rows_in);

	return (double) rows * Min(1.0, share);
}

/* Would grouping a part take more than its share of the memory? */
static bool
is_too_large(const GroupScanState *state, const Deal *deal, const DealPart *part)
{
	int64 rows = deal_rows_of(part);
	size_t row =
		sizeof(uint32) + (state->form.sized ? sizeof(uint8 *) : (size_t) state->form.payload_size);
	double needed = (double) rows * (double) row + guess_groups(state, rows) * GROUP_BYTES;

	if (part->written != NULL)
		needed += (double) deal_bytes_of(part);
	return deal->bits > 0 && needed > (double) (state->limit / GROUPING_SHARE);
}

/* Do all rows of a part have the same hash? */
static bool
is_uniform(const GroupScanState *state, Deal *deal, DealPart *part)
{
	DealWalk walk;
	const DealChunk *chunk;
	uint64 hash = 0;
	bool any = false;

	deal_walk(&walk, deal, part);
	while ((chunk = deal_walk_next(&walk)) != NULL)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		while (at < end)
		{
			DealRow row = { .hash = 0 };

			deal_read(&state->form, &at, &row);
			if (any && row.hash != hash)
			{
				deal_walk_end(&walk);
				return false;
			}
			hash = row.hash;
			any = true;
		}
	}
	return true;
}

static void
leave_part(GroupScanState *state)
{
	if (state->mode == PART_GROUPED)
	{
		DealLevel *level = &state->levels[state->depth];
		DealPart *part = &level->deal.parts[level->part];

		if (part->written != NULL)
			deal_unload(&level->deal, part);
	}
	state->mode = PART_NONE;
}

static void
open_stream(GroupScanState *state, Deal *deal, DealPart *part)
{
	MemoryContextReset(state->done_context);
	state->done = NULL;
	state->ndone = 0;
	state->stream = deal;
	state->stream_part = part;
	state->more = true;
	state->mode = PART_STREAM;
	state->node.counts.parts++;
}

static void
open_groups(GroupScanState *state, Deal *deal, DealPart *part)
{
	while (deal_load(deal, part, SIZE_MAX))
		;
	deal_settle(part);
	state->ngroups = grouper_group(state->grouper, deal, part);
	state->next = 0;
	state->mode = PART_GROUPED;
	state->node.counts.parts++;
	note_memory(state);
}

/* Makes memory free for finer parts. */
static void
make_room(GroupScanState *state, Deal *deal)
{
	int64 before = deal->written;

	if (deal->file == NULL)
		return;
	deal_write(deal);
	state->node.counts.written += deal->written - before;
}

static void
open_part(GroupScanState *state)
{
	DealLevel *level = &state->levels[state->depth];
	Deal *deal = &level->deal;
	DealPart *part = &deal->parts[level->part];

	if (!is_too_large(state, deal, part))
		open_groups(state, deal, part);
	else if (state->depth + 1 == MAX_LEVELS || is_uniform(state, deal, part))
		open_stream(state, deal, part);
	else
	{
		DealLevel *finer = &state->levels[++state->depth];

		state->intact = false;
		finer->part = -1;
		make_room(state, deal);
		deal_init(&finer->deal, &state->arena, state->form, deal->skip + deal->bits, PART_BITS,
				  state->limit);
		deal_again(deal, part, &finer->deal);
		settle(state, &finer->deal);
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
		/* behind the parts: those without a key; and behind these: nothing */
		if (state->depth == 0 && state->node.shared != NULL)
			level->part = node_shared_next_part(state->node.shared);
		else if (level->part <= level->deal.nparts)
			level->part++;
		if (level->part < level->deal.nparts)
		{
			if (deal_rows_of(&level->deal.parts[level->part]) > 0)
				open_part(state);
		}
		else if (state->depth > 0)
		{
			deal_end(&level->deal);
			state->depth--;
		}
		else if (level->part > level->deal.nparts)
			return false;
		else if (deal_rows_of(&state->keyless.parts[0]) > 0)
			open_stream(state, &state->keyless, &state->keyless.parts[0]);
	}
	return true;
}

/* ---- groups ---- */

/* Feeds the next group of a part in memory. */
static bool
feed_grouped(GroupScanState *state, Datum *key, bool *null)
{
	DealGroup group;
	RowBatch batch = { .stride = state->form.payload_size };

	if (state->next == state->ngroups)
		return false;
	grouper_get(state->grouper, state->next++, &group);
	batch.n = (int) group.nrows;
	batch.first = group.payloads;
	batch.rows = state->form.sized ? group.of_their_own : NULL;
	aggregates_start(state->aggregates);
	aggregates_feed(state->aggregates, &batch);
	state->node.counts.rows += group.nrows;
	*key = key_datum(state, &group.key);
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
	bool no_key = state->stream == &state->keyless;
	bool by_bytes = !no_key && state->form.type != CUSTOMER_BIGINT;
	bool found = no_key;
	Customer customer = { 0 };
	const uint8 *payloads[STREAM_ROWS];
	RowBatch batch = { .rows = payloads };
	DealWalk walk;
	const DealChunk *chunk;

	if (!state->more)
		return false;
	state->more = false;
	aggregates_start(state->aggregates);
	deal_walk(&walk, state->stream, state->stream_part);
	while ((chunk = deal_walk_next(&walk)) != NULL)
	{
		const uint8 *at = chunk->data;
		const uint8 *end = at + chunk->used;

		while (at < end)
		{
			DealRow row = { .hash = 0 };

			deal_read(&state->form, &at, &row);
			if (!found && (!by_bytes || !is_done(state, row.key.bytes)))
			{
				customer = note_key(state, &row.key);
				found = true;
			}
			if (!by_bytes || (found && span_compare(row.key.bytes, customer.bytes) == 0))
				payloads[batch.n++] = row.payload;
			else if (found && !is_done(state, row.key.bytes))
				state->more = true;
			if (batch.n == STREAM_ROWS || (at == end && batch.n > 0))
			{
				aggregates_feed(state->aggregates, &batch);
				state->node.counts.rows += batch.n;
				batch.n = 0;
			}
		}
	}
	Assert(found);
	*null = no_key;
	*key = no_key ? (Datum) 0 : key_datum(state, &customer);
	return true;
}

/* The next group, as a row of key and aggregates. */
static TupleTableSlot *
group_next(NodeState *node, TupleTableSlot *slot)
{
	GroupScanState *state = (GroupScanState *) node;

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
			node->counts.groups++;
			return ExecStoreVirtualTuple(slot);
		}
		if (!next_part(state))
			return slot;
	}
}

/* ---- the node ---- */

static void
group_begin(NodeState *node, EState *estate)
{
	GroupScanState *state = (GroupScanState *) node;
	const CustomScan *scan = (CustomScan *) node->css.ss.ps.plan;
	TupleDesc desc = ExecGetResultType(node->child);
	List *aggrefs = NIL;
	List *columns = NIL;
	MemoryContext old;
	ListCell *cell;
	int i;

	state->row_context =
		AllocSetContextCreate(state->node.context, "loyalty row", ALLOCSET_DEFAULT_SIZES);
	state->done_context =
		AllocSetContextCreate(state->node.context, "loyalty keys", ALLOCSET_SMALL_SIZES);
	arena_init(&state->arena,
			   AllocSetContextCreate(state->node.context, "loyalty rows", ALLOCSET_DEFAULT_SIZES));
	state->grouper = grouper_create(state->node.context);
	state->limit = Max(get_hash_memory_limit(), NODE_LIMIT_MIN);
	state->expected_groups = group_plan_groups(scan);
	state->key = group_plan_key(scan) - 1;
	state->ncolumns = state->key + 1;
	take_key_type(state, desc);

	for (i = 1; i < list_length(scan->custom_scan_tlist); i++)
	{
		aggrefs = lappend(aggrefs, list_nth_node(TargetEntry, scan->custom_scan_tlist, i)->expr);
		columns = lappend(columns, group_plan_columns(scan, i - 1));
		foreach (cell, (List *) llast(columns))
			state->ncolumns = Max(state->ncolumns, lfirst_int(cell));
	}
	old = MemoryContextSwitchTo(state->node.context);
	state->aggregates = aggregates_create(estate, aggrefs, columns, desc, &state->rows);
	MemoryContextSwitchTo(old);
	state->form.sized = state->rows->nvarying > 0 || state->rows->fixed_size > PG_UINT16_MAX;
	if (!state->form.sized)
		state->form.payload_size = (uint16) state->rows->fixed_size;
}

/* What was dealt is kept where it can be read again. */
static bool
group_rewind(NodeState *node, bool same_rows)
{
	GroupScanState *state = (GroupScanState *) node;

	leave_part(state);
	aggregates_end(state->aggregates);
	state->stream = NULL;
	if (!state->dealt)
		return false;
	for (; state->depth > 0; state->depth--)
		deal_end(&state->levels[state->depth].deal);
	state->levels[0].part = -1;
	if (same_rows && state->intact)
		return true;
	deal_end(&state->levels[0].deal);
	deal_end(&state->keyless);
	state->dealt = false;
	return false;
}

/* The key, as the query has it. */
static void
explain_key(CustomScanState *node, List *ancestors, ExplainState *es)
{
	const CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	const TargetEntry *entry = linitial_node(TargetEntry, scan->custom_scan_tlist);
	List *context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, ancestors);
#if PG_VERSION_NUM >= 180000
	bool prefix = es->rtable_size > 1 || es->verbose;
#else
	bool prefix = list_length(es->rtable) > 1 || es->verbose;
#endif

	ExplainPropertyList("Group Key",
						list_make1(deparse_expression((Node *) entry->expr, context, prefix, true)),
						es);
}

static void
group_explain(CustomScanState *node, List *ancestors, ExplainState *es)
{
	explain_key(node, ancestors, es);
	node_explain(node, ancestors, es);
}

static Size
group_share_size(const NodeState *node)
{
	return sizeof(GroupShare);
}

static const NodeMethods methods = {
	.exec = { .CustomName = GROUP_NODE_NAME,
			  NODE_EXEC_METHODS,
			  NODE_SHARED_METHODS,
			  .ExplainCustomScan = group_explain },
	.memory = "loyalty groups",
	.begin = group_begin,
	.next = group_next,
	.rewind = group_rewind,
	.share_size = group_share_size,
};

static Node *
group_create(CustomScan *scan)
{
	return node_create(sizeof(GroupScanState), &methods);
}

const CustomScanMethods group_scan_methods = {
	.CustomName = GROUP_NODE_NAME,
	.CreateCustomScanState = group_create,
};
