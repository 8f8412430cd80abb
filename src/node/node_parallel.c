/*
 * node_parallel.c
 *		What the participants of a parallel GROUP BY share.
 *
 *		each		deals the rows that it gets from the child, and publishes them: by part, in a
 *file all			wait until everyone has each		takes one part after another, with what all
 *have published of it; groups, emits
 *
 * Nobody waits once he has emitted a row: whoever would read it might be waiting himself. Who comes
 * when the others have done with dealing has missed nothing: they have read all of the child's
 *rows. Files hold what is shared, not shared memory: they are written and read in long stretches,
 *which costs less than the page faults of shared memory that everyone maps anew.
 */
#include "postgres.h"

#include "access/parallel.h"
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

/* Of one participant; the leader is the first. */
typedef struct GroupShare
{
	DealPublished rows;
	DealPublished keyless;
	int64 nrows;
	GroupCounts counts;
} GroupShare;

struct GroupShared
{
	Barrier barrier;
	pg_atomic_uint32 next_part;
	dsm_handle segment;
	SharedFileSet files;
	int nshares;
	GroupShare shares[FLEXIBLE_ARRAY_MEMBER];
};

static int
own_number(void)
{
	return IsParallelWorker() ? ParallelWorkerNumber + 1 : 0;
}

Size
group_shared_size(int workers)
{
	return offsetof(GroupShared, shares) + (Size) (workers + 1) * sizeof(GroupShare);
}

static void
start(GroupShared *shared)
{
	BarrierInit(&shared->barrier, 0);
	pg_atomic_init_u32(&shared->next_part, 0);
	memset(shared->shares, 0, shared->nshares * sizeof(GroupShare));
}

void
group_shared_create(GroupShared *shared, ParallelContext *context)
{
	shared->nshares = context->nworkers + 1;
	shared->segment = dsm_segment_handle(context->seg);
	SharedFileSetInit(&shared->files, context->seg);
	start(shared);
}

void
group_shared_restart(GroupShared *shared)
{
	SharedFileSetDeleteAll(&shared->files);
	start(shared);
}

void
group_shared_attach(GroupShared *shared)
{
	SharedFileSetAttach(&shared->files, dsm_find_mapping(shared->segment));
}

bool
group_shared_begin(GroupShared *shared, Deal *deal, Deal *keyless)
{
	char name[MAXPGPATH];

	if (BarrierAttach(&shared->barrier) != PHASE_DEALING)
	{
		BarrierDetach(&shared->barrier);
		return false;
	}
	snprintf(name, sizeof(name), "rows%d", own_number());
	deal_share(deal, &shared->files, name);
	snprintf(name, sizeof(name), "keyless%d", own_number());
	deal_share(keyless, &shared->files, name);
	return true;
}

void
group_shared_publish(GroupShared *shared, Deal *deal, Deal *keyless, int64 rows)
{
	GroupShare *share = &shared->shares[own_number()];

	deal_publish(deal, &share->rows);
	deal_publish(keyless, &share->keyless);
	share->nrows = rows;
	BarrierArriveAndWait(&shared->barrier, PG_WAIT_EXTENSION);
	BarrierDetach(&shared->barrier);
}

int64
group_shared_take_up(GroupShared *shared, Deal *deal, Deal *keyless)
{
	int64 rows = 0;
	int i;

	for (i = 0; i < shared->nshares; i++)
	{
		const GroupShare *share = &shared->shares[i];
		char name[MAXPGPATH];

		snprintf(name, sizeof(name), "rows%d", i);
		deal_take_up(deal, &shared->files, name, &share->rows);
		snprintf(name, sizeof(name), "keyless%d", i);
		deal_take_up(keyless, &shared->files, name, &share->keyless);
		rows += share->nrows;
	}
	return rows;
}

int
group_shared_next_part(GroupShared *shared)
{
	return (int) pg_atomic_fetch_add_u32(&shared->next_part, 1);
}

void
group_shared_note(GroupShared *shared, const GroupCounts *counts)
{
	shared->shares[own_number()].counts = *counts;
}

void
group_shared_add_others(const GroupShared *shared, GroupCounts *counts)
{
	int i;

	for (i = 1; i < shared->nshares; i++)
		group_counts_add(counts, &shared->shares[i].counts);
}
