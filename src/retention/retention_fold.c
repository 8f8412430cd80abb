/*
 * retention_fold.c
 *		Counts retention over activity sets: the cells of a fold, adding them up, and the
 *		plain kind, by the first activity and single lags.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "activity/activity.h"
#include "core/array.h"
#include "retention/retention_part.h"

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

typedef struct SizeEntry
{
	int32 cohort;
	int64 size;
	char status;
} SizeEntry;

#define SH_PREFIX				sizes
#define SH_ELEMENT_TYPE			SizeEntry
#define SH_KEY_TYPE				int32
#define SH_KEY					cohort
#define SH_HASH_KEY(table, key) block_hash((uint32) (key))
#define SH_EQUAL(table, a, b)	((a) == (b))
#define SH_SCOPE				static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

RetentionFold *
retention_fold_start(const CalendarPeriod *period, const RetentionKind *kind, bool as_of_given,
					 DateADT as_of, ZoneDays *zone)
{
	RetentionFold *fold = palloc0(sizeof(RetentionFold));
	CalendarPeriod *copy = palloc(VARSIZE(period));

	memcpy(copy, period, VARSIZE(period));
	fold->scope.period = copy;
	fold->scope.kind = retention_kind_copy(kind);
	fold->scope.as_of_given = as_of_given;
	fold->scope.as_of = as_of;
	fold->scope.last_day = DATEVAL_NOBEGIN;
	fold->context = CurrentMemoryContext;
	fold->is_plain = retention_kind_is_plain(kind);
	calendar_open(&fold->calendar, copy);
	fold->blocks = blocks_create(CurrentMemoryContext, 16, NULL);
	if (!fold->is_plain)
		fold->sizes = sizes_create(CurrentMemoryContext, 16, NULL);
	if (zone != NULL)
	{
		fold->zone = zone;
		fold->scope.zone = zone_name(zone);
		/* without any event there is no day, and nothing to count up to it */
		fold->end = as_of_given ? zone_day_start(zone, as_of + 1) : DT_NOBEGIN;
	}
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

/* ---- cells ---- */

Block *
retention_find_block(RetentionFold *fold, uint64 key)
{
	bool found;
	BlockEntry *entry = blocks_insert(fold->blocks, key, &found);

	if (!found)
		entry->block = MemoryContextAllocZero(fold->context, fold->scope.kind.elapsed > 0
																 ? offsetof(Block, eligible) +
																	   BLOCK_COLUMNS * sizeof(int64)
																 : sizeof(Block));
	fold->last_key = key;
	fold->last_block = entry->block;
	return entry->block;
}

int64 *
retention_cohort_size(RetentionFold *fold, int32 cohort)
{
	bool found;
	SizeEntry *entry = sizes_insert(fold->sizes, cohort, &found);

	if (!found)
		entry->size = 0;
	return &entry->size;
}

/* ---- a customer of the plain kind ---- */

/* By single lags from the first activity; the other kinds are retention_members.c's. */
static void
count_plain(RetentionFold *fold, ByteSpan body)
{
	DateADT limit = last_day_that_counts(fold);
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
		if (next / BLOCK_COLUMNS != lag / BLOCK_COLUMNS)
			block = cell_block(fold, cohort, next);
		lag = next;
		block->retained[lag % BLOCK_COLUMNS]++;
	}
	block->ended[lag % BLOCK_COLUMNS]++;
	fold->scope.customers++;
	note_last_day(fold, last);
}

void
retention_fold_customer(RetentionFold *fold, ByteSpan body)
{
	if (likely(fold->is_plain))
		count_plain(fold, body);
	else
		retention_fold_returns(fold, body, body);
}

/* ---- adding up ---- */

static char *
kind_text(const RetentionKind *kind)
{
	StringInfoData text;

	initStringInfo(&text);
	retention_kind_put(&text, kind);
	return text.data;
}

/*
 * An as-of day that was not given is that of the last event: results of which one
 * has it given agree if the other has no event behind it.
 */
static void
merge_scope(RetentionScope *to, const RetentionScope *from)
{
	if (!retention_kind_equal(&to->kind, &from->kind))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("retention results of different kinds can't be added up"),
						errdetail("One is %s, the other %s.", kind_text(&to->kind),
								  kind_text(&from->kind)),
						errhint("Add up results with the same options.")));
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
	to->customers += from->customers;
	to->idle += from->idle;
	to->guests += from->guests;
}

void
retention_fold_counts(RetentionFold *fold, const RetentionCounts *counts)
{
	const RetentionCell *cell = counts->cells;
	int64 i;

	merge_scope(&fold->scope, &counts->scope);
	for (i = 0; i < counts->ncohorts; i++)
	{
		const RetentionCohort *cohort = &counts->cohorts[i];
		const RetentionCell *end = cell + cohort->ncells;

		if (!fold->is_plain)
			*retention_cohort_size(fold, cohort->number) += cohort->size;
		for (; cell < end; cell++)
		{
			Block *block = cell_block(fold, cohort->number, cell->column);
			uint32 slot = cell->column % BLOCK_COLUMNS;

			block->retained[slot] += cell->retained;
			block->ended[slot] += cell->ended;
			if (fold->scope.kind.elapsed > 0)
				block->eligible[slot] += cell->eligible;
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- taking it apart ---- */

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

static int
compare_cohorts(const void *a, const void *b)
{
	int32 x = ((const RetentionCohort *) a)->number;
	int32 y = ((const RetentionCohort *) b)->number;

	return x < y ? -1 : x > y;
}

static BlockEntry *
sorted_blocks(RetentionFold *fold)
{
	BlockEntry *entries =
		palloc_extended(Max(1, fold->blocks->members) * sizeof(BlockEntry), MCXT_ALLOC_HUGE);
	BlockEntry *entry;
	blocks_iterator iterator;
	uint32 n = 0;

	blocks_start_iterate(fold->blocks, &iterator);
	while ((entry = blocks_iterate(fold->blocks, &iterator)) != NULL)
		entries[n++] = *entry;
	sort_elements(entries, n, sizeof(BlockEntry), compare_entries);
	return entries;
}

/* Cohorts and their sizes, in order. Those of the plain kind are its blocks' at lag 0. */
static void
put_cohorts(RetentionFold *fold, const BlockEntry *entries, RetentionCounts *counts)
{
	uint32 room = fold->is_plain ? fold->blocks->members : fold->sizes->members;
	int64 n = 0;
	uint32 i;

	counts->cohorts =
		palloc_extended(Max(1, room) * sizeof(RetentionCohort), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (fold->is_plain)
	{
		for (i = 0; i < fold->blocks->members; i++)
			if ((uint32) entries[i].key == 0)
			{
				counts->cohorts[n].number = (int32) (entries[i].key >> 32);
				counts->cohorts[n++].size = entries[i].block->retained[0];
			}
	}
	else
	{
		SizeEntry *entry;
		sizes_iterator iterator;

		sizes_start_iterate(fold->sizes, &iterator);
		while ((entry = sizes_iterate(fold->sizes, &iterator)) != NULL)
		{
			counts->cohorts[n].number = entry->cohort;
			counts->cohorts[n++].size = entry->size;
		}
		sort_elements(counts->cohorts, n, sizeof(RetentionCohort), compare_cohorts);
	}
	counts->ncohorts = n;
}

/* A cell as the counts have it; false where it is all zeros. */
static bool
take_cell(const RetentionFold *fold, const BlockEntry *entry, int slot, RetentionCell *cell)
{
	cell->column = (uint32) entry->key * BLOCK_COLUMNS + slot;
	cell->retained = entry->block->retained[slot];
	cell->ended = entry->block->ended[slot];
	cell->eligible = fold->scope.kind.elapsed > 0 ? entry->block->eligible[slot] : 0;
	return (cell->retained | cell->ended | cell->eligible) != 0;
}

void
retention_fold_finish(RetentionFold *fold, RetentionCounts *counts)
{
	BlockEntry *entries = sorted_blocks(fold);
	uint32 nentries = fold->blocks->members;
	RetentionCohort *cohort;
	RetentionCell cell;
	int64 ncells = 0;
	uint32 i;
	int slot;

	counts->scope = fold->scope;
	put_cohorts(fold, entries, counts);
	for (i = 0; i < nentries; i++)
		for (slot = 0; slot < BLOCK_COLUMNS; slot++)
			ncells += take_cell(fold, &entries[i], slot, &cell);
	counts->ncells = ncells;
	counts->cells = palloc_extended(Max(1, ncells) * sizeof(RetentionCell), MCXT_ALLOC_HUGE);
	ncells = 0;
	cohort = counts->cohorts;
	for (i = 0; i < nentries; i++)
	{
		CHECK_FOR_INTERRUPTS();
		while (cohort->number != (int32) (entries[i].key >> 32))
			cohort++;
		for (slot = 0; slot < BLOCK_COLUMNS; slot++)
			if (take_cell(fold, &entries[i], slot, &cell))
			{
				counts->cells[ncells++] = cell;
				cohort->ncells++;
			}
	}
	pfree(entries);
}
