/*
 * retention_part.h
 *		The inside of a retention fold: shared by retention_fold.c, which keeps the cells, and
 *		retention_members.c, which counts customers of the other kinds.
 *
 * Cells stand in blocks of BLOCK_COLUMNS neighbouring columns of one cohort, found
 * through a hash table. So there is no limit to cohorts or lags, a few cells cost
 * little, and a customer's walk seldom leaves a block.
 */
#ifndef LOYALTY_RETENTION_PART_H
#define LOYALTY_RETENTION_PART_H

#include "postgres.h"

#include "retention/retention.h"

#define BLOCK_COLUMNS 32

typedef struct Block
{
	int64 retained[BLOCK_COLUMNS];
	int64 ended[BLOCK_COLUMNS];
	int64 eligible[FLEXIBLE_ARRAY_MEMBER]; /* as many; elapsed lags only */
} Block;

/* A period, or an elapsed lag, in which the customer is active who is being counted. */
typedef struct ActivePeriod
{
	int32 number;
	DateADT last; /* his last active day in it */
} ActivePeriod;

struct RetentionFold
{
	RetentionScope scope;
	Calendar calendar;
	ZoneDays *zone;	 /* elapsed lags: of the days of customers' first instants, */
	TimestampTz end; /* and the end of as_of */
	bool is_plain;
	MemoryContext context;
	struct blocks_hash *blocks;
	struct sizes_hash *sizes; /* of cohorts; NULL where they are what is retained at lag 0 */
	uint64 last_key;		  /* the block found last */
	Block *last_block;
	ActivePeriod *active;
	int64 nactive;
	int64 max_active;
};

extern Block *retention_find_block(RetentionFold *fold, uint64 key);

/* The size of a cohort, to be added to. */
extern int64 *retention_cohort_size(RetentionFold *fold, int32 cohort);

/* The block of a cell. */
static inline Block *
cell_block(RetentionFold *fold, int32 cohort, uint32 column)
{
	uint64 key = (uint64) (uint32) cohort << 32 | column / BLOCK_COLUMNS;

	if (likely(key == fold->last_key && fold->last_block != NULL))
		return fold->last_block;
	return retention_find_block(fold, key);
}

/* The last day that counts. */
static inline DateADT
last_day_that_counts(const RetentionFold *fold)
{
	return fold->scope.as_of_given ? fold->scope.as_of : DATEVAL_NOEND;
}

static inline void
note_last_day(RetentionFold *fold, DateADT day)
{
	if (day > fold->scope.last_day)
		fold->scope.last_day = day;
	fold->scope.has_last_day = true;
}

#endif
