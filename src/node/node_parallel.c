/*
 * node_parallel.c
 *		What the participants of a parallel node share.
 *
 *		each	deals the rows that it gets from the child, and publishes them: by part, in a file
 *		all		wait until everyone has
 *		each	takes one part after another, with what all have published of it; groups, emits
 *
 * Nobody waits once he has emitted a row: whoever would read it might be waiting himself. Who comes
 * when the others have done with dealing has missed nothing: they have read all of the child's
 * rows. Files hold what is shared, not shared memory: they are written and read in long stretches,
 * which costs less than the page faults of shared memory that everyone maps anew.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/barrier.h"
#include "storage/dsm.h"
#include "storage/sharedfileset.h"
#if PG_VERSION_NUM >= 180000
#include "utils/wait_classes.h"
#endif

#include "core/compat.h"
#include "node/node_internal.h"

/* The barrier's phases. */
#define PHASE_DEALING 0

/* What each participant has in shared memory: its counts, and behind them its share. */
typedef struct NodeShare
{
	NodeCounts counts;
} NodeShare;

struct NodeShared
{
	Barrier barrier;
	pg_atomic_uint32 next_part;
	dsm_handle segment;
	SharedFileSet files;
	int nshares;
	Size share_size; /* with what stands before it */
	char shares[FLEXIBLE_ARRAY_MEMBER] pg_attribute_aligned(MAXIMUM_ALIGNOF);
};

static NodeShare *
share_of(const NodeShared *shared, int n)
{
	return (NodeShare *) unconstify(char *, shared->shares + n * shared->share_size);
}

static Size
whole_share(Size share)
{
	return MAXALIGN(sizeof(NodeShare)) + MAXALIGN(share);
}

Size
node_shared_size(int workers, Size share)
{
	return offsetof(NodeShared, shares) + (Size) (workers + 1) * whole_share(share);
}

static void
start(NodeShared *shared)
{
	BarrierInit(&shared->barrier, 0);
	pg_atomic_init_u32(&shared->next_part, 0);
	memset(shared->shares, 0, shared->nshares * shared->share_size);
}

void
node_shared_create(NodeShared *shared, ParallelContext *context, Size share)
{
	shared->nshares = context->nworkers + 1;
	shared->share_size = whole_share(share);
	shared->segment = dsm_segment_handle(context->seg);
	SharedFileSetInit(&shared->files, context->seg);
	start(shared);
}

void
node_shared_restart(NodeShared *shared)
{
	SharedFileSetDeleteAll(&shared->files);
	start(shared);
}

void
node_shared_attach(NodeShared *shared)
{
	SharedFileSetAttach(&shared->files, dsm_find_mapping(shared->segment));
}

int
node_shared_number(void)
{
	return IsParallelWorker() ? ParallelWorkerNumber + 1 : 0;
}

int
node_shared_participants(const NodeShared *shared)
{
	return shared->nshares;
}

void *
node_shared_share(const NodeShared *shared, int n)
{
	return (char *) share_of(shared, n) + MAXALIGN(sizeof(NodeShare));
}

SharedFileSet *
node_shared_files(NodeShared *shared)
{
	return &shared->files;
}

bool
node_shared_begin(NodeShared *shared)
{
	if (BarrierAttach(&shared->barrier) == PHASE_DEALING)
		return true;
	BarrierDetach(&shared->barrier);
	return false;
}

void
node_shared_wait(NodeShared *shared)
{
	BarrierArriveAndWait(&shared->barrier, PG_WAIT_EXTENSION);
	BarrierDetach(&shared->barrier);
}

int
node_shared_next_part(NodeShared *shared)
{
	return (int) pg_atomic_fetch_add_u32(&shared->next_part, 1);
}

void
node_shared_note(NodeShared *shared, const NodeCounts *counts)
{
	share_of(shared, node_shared_number())->counts = *counts;
}

void
node_shared_add_others(const NodeShared *shared, NodeCounts *counts)
{
	int i;

	for (i = 1; i < shared->nshares; i++)
		node_counts_add(counts, &share_of(shared, i)->counts);
}

void
node_explain_counts(const NodeCounts *counts, ExplainState *es)
{
	int64 memory = (int64) (counts->memory / 1024);
	int64 disk = counts->written / 1024;

	if (!es->analyze)
		return;
	if (es->format == EXPLAIN_FORMAT_TEXT)
	{
		appendStringInfoSpaces(es->str, es->indent * 2);
		appendStringInfo(es->str,
						 "Parts: " INT64_FORMAT "  Groups: " INT64_FORMAT "  Rows: " INT64_FORMAT
						 "  Memory: " INT64_FORMAT "kB  Disk: " INT64_FORMAT "kB\n",
						 counts->parts, counts->groups, counts->rows, memory, disk);
		return;
	}
	ExplainPropertyInteger("Parts", NULL, counts->parts, es);
	ExplainPropertyInteger("Groups", NULL, counts->groups, es);
	ExplainPropertyInteger("Rows", NULL, counts->rows, es);
	ExplainPropertyInteger("Memory", "kB", memory, es);
	ExplainPropertyInteger("Disk", "kB", disk, es);
}
