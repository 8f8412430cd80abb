/*
 * retention_fold.c
 *		Counts retention over activity sets.
 *
 * Cells stand in blocks of BLOCK_LAGS neighbouring lags of one cohort, found
 * through a hash table. So there is no limit to cohorts or lags, a few cells cost
 * little, and a customer's walk seldom leaves a block.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "activity/activity.h"
#include "retention/retention.h"

#define BLOCK_LAGS 32

typedef struct Block
{
	int64 retained[BLOCK_LAGS];
	int64 ended[BLOCK_LAGS];
} Block;

typedef struct BlockEntry
{
	uint64 key; /* cohort, number of the block */
	Block *block;
	char status;
} BlockEntry;

static inline uint32
block_hash(uint64 key)
{
	key *= UINT64CONST(0x9E3779B97F4A7C15); /* Fibonacci hashing: neighbours spread evenly */
	return (uint32) (key >> 32);
}

#define SH_PREFIX				blocks
#define SH_ELEMENT_TYPE			BlockEntry
#define SH_KEY_TYPE				uint64
#define SH_KEY					key
#define SH_HASH_KEY(table, key) block_hash(key)
#define SH_EQUAL(table, a, b)	((a) == (b))
#define SH_SCOPE				static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct RetentionFold
{
	RetentionScope scope;
	Calendar calendar;
	MemoryContext context;
	blocks_hash *blocks;
	uint64 last_key; /* the block found last */
	Block *last_block;
};

RetentionFold *
retention_fold_start(const CalendarPeriod *period, bool as_of_given, DateADT as_of)
{
	RetentionFold *fold = palloc0(sizeof(RetentionFold));
	CalendarPeriod *copy = palloc(VARSIZE(period));

	memcpy(copy, period, VARSIZE(period));
	fold->scope.period = copy;
	fold->scope.as_of_given = as_of_given;
	fold->scope.as_of = as_of;
	fold->scope.last_day = DATEVAL_NOBEGIN;
	fold->context = CurrentMemoryContext;
	calendar_open(&fold->calendar, copy);
	fold->blocks = blocks_create(CurrentMemoryContext, 16, NULL);
	return fold;
}

RetentionScope *
retention_fold_scope(RetentionFold *fold)
{
	return &fold->scope;
}

Calendar *
retention_fold_calendar(RetentionFold *fold)
{
	return &fold->calendar;
}

static Block *
find_block(RetentionFold *fold, uint64 key)
{
	bool found;
	BlockEntry *entry = blocks_insert(fold->blocks, key, &found);

	if (!found)
		entry->block = MemoryContextAllocZero(fold->context, sizeof(Block));
	fold->last_key = key;
	fold->last_block = entry->block;
	return entry->block;
}

/* The block of a cell. */
static inline Block *
cell_block(RetentionFold *fold, int32 cohort, uint32 lag)
{
	uint64 key = (uint64) (uint32) cohort << 32 | lag / BLOCK_LAGS;

	if (likely(key == fold->last_key && fold->last_block != NULL))
		return fold->last_block;
	return find_block(fold, key);
}

void
retention_fold_customer(RetentionFold *fold, ByteSpan body)
{
	DateADT limit = fold->scope.as_of_given ? fold->scope.as_of : DATEVAL_NOEND;
	ActivityCursor cursor;
	DateADT day;
	DateADT last;
	int32 cohort;
	uint32 lag = 0;
	Block *block;

	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &day) || day > limit)
	{
		fold->scope.idle++;
		return;
	}

	cohort = calendar_index(&fold->calendar, day);
	block = cell_block(fold, cohort, 0);
	block->retained[0]++;
	last = day;
	while (activity_next(&cursor, &day) && day <= limit)
	{
		uint32 next = (uint32) calendar_index(&fold->calendar, day) - (uint32) cohort;

		last = day;
		if (next == lag)
			continue;
		if (next / BLOCK_LAGS != lag / BLOCK_LAGS)
			block = cell_block(fold, cohort, next);
		lag = next;
		block->retained[lag % BLOCK_LAGS]++;
	}
	block->ended[lag % BLOCK_LAGS]++;
	if (last > fold->scope.last_day)
		fold->scope.last_day = last;
	fold->scope.has_last_day = true;
}

/*
 * An as-of day that was not given is that of the last event: results of which one
 * has it given agree if the other has no event behind it.
 */
static void
merge_scope(RetentionScope *to, const RetentionScope *from)
{
	if (!calendar_period_equal(to->period, from->period))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("retention results by \"%s\" and by \"%s\" can't be added up",
						calendar_period_text(to->period), calendar_period_text(from->period)),
				 errhint("Add up results of one period and one zone.")));
	if (to->zone != NULL && from->zone != NULL && strcmp(to->zone, from->zone) != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("retention results of days in zone \"%s\" and in zone \"%s\" can't be added up",
					to->zone, from->zone),
			 errhint("Collect in one zone: activities(customer, at, zone).")));
	if (to->as_of_given && from->as_of_given
			? to->as_of != from->as_of
			: (to->as_of_given && from->has_last_day && from->last_day > to->as_of) ||
				  (from->as_of_given && to->has_last_day && to->last_day > from->as_of))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("retention results as of different days can't be added up"),
						errdetail("One counts up to %s, the other up to %s.",
								  day_text(to->as_of_given ? to->as_of : to->last_day),
								  day_text(from->as_of_given ? from->as_of : from->last_day)),
						errhint("Give the same as_of to all of them.")));

	if (to->zone == NULL)
		to->zone = from->zone;
	if (from->as_of_given)
	{
		to->as_of_given = true;
		to->as_of = from->as_of;
	}
	if (from->has_last_day)
	{
		to->last_day = to->has_last_day ? Max(to->last_day, from->last_day) : from->last_day;
		to->has_last_day = true;
	}
	to->idle += from->idle;
	to->guests += from->guests;
}

void
retention_fold_counts(RetentionFold *fold, const RetentionCounts *counts)
{
	int64 i;

	merge_scope(&fold->scope, &counts->scope);
	for (i = 0; i < counts->ncells; i++)
	{
		const RetentionCell *cell = &counts->cells[i];
		Block *block = cell_block(fold, cell->cohort, cell->lag);

		block->retained[cell->lag % BLOCK_LAGS] += cell->retained;
		block->ended[cell->lag % BLOCK_LAGS] += cell->ended;
	}
}

static int
compare_entries(const void *a, const void *b)
{
	const BlockEntry *x = a;
	const BlockEntry *y = b;
	int32 x_cohort = (int32) (x->key >> 32);
	int32 y_cohort = (int32) (y->key >> 32);

	if (x_cohort != y_cohort)
		return x_cohort < y_cohort ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

void
retention_fold_finish(RetentionFold *fold, RetentionCounts *counts)
{
	uint32 nblocks = fold->blocks->members;
	BlockEntry *entries = palloc_extended(Max(1, nblocks) * sizeof(BlockEntry), MCXT_ALLOC_HUGE);
	BlockEntry *entry;
	blocks_iterator iterator;
	int64 ncells = 0;
	uint32 n = 0;
	uint32 i;
	int lag;

	blocks_start_iterate(fold->blocks, &iterator);
	while ((entry = blocks_iterate(fold->blocks, &iterator)) != NULL)
		entries[n++] = *entry;
	qsort(entries, n, sizeof(BlockEntry), compare_entries);

	for (i = 0; i < n; i++)
		for (lag = 0; lag < BLOCK_LAGS; lag++)
			ncells += entries[i].block->retained[lag] > 0;
	counts->scope = fold->scope;
	counts->ncells = ncells;
	counts->cells = palloc_extended(Max(1, ncells) * sizeof(RetentionCell), MCXT_ALLOC_HUGE);
	ncells = 0;
	for (i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (lag = 0; lag < BLOCK_LAGS; lag++)
		{
			RetentionCell *cell = &counts->cells[ncells];

			if (entries[i].block->retained[lag] == 0)
				continue;
			cell->cohort = (int32) (entries[i].key >> 32);
			cell->lag = (uint32) entries[i].key * BLOCK_LAGS + lag;
			cell->retained = entries[i].block->retained[lag];
			cell->ended = entries[i].block->ended[lag];
			ncells++;
		}
	}
	pfree(entries);
}
