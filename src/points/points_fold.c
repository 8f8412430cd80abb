/*
 * points_fold.c
 *		Folds over customers' walks: what is counted of each, and how it gets into a tally.
 *
 * Values of customers whose timelines have the same scale are added up as they are,
 * each scale apart; a tally brings them together.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/decimal.h"
#include "points/points_internal.h"

#define SCALES (DECIMAL_MAX_SCALE + 1)

typedef struct PointsFold
{
	PointsMetric metric;
	PointsWalk *walk;
	PointsLimit limit;
	MemoryContext context;
	MemoryContext customer; /* what one customer's walk needs */
	PointsBooking *booking; /* NULL for totals */

	bool seen[SCALES]; /* is there a customer of this scale? */
	Cells *cells[SCALES];

	int64 members;
	int64 members_with_balance;
	int64 members_overdrawn;
	PointsTotals totals[SCALES];
} PointsFold;

void *
points_fold_start(const MetricQuestion *question, Tally *tally)
{
	PointsFold *fold = palloc0(sizeof(PointsFold));
	const PointsPolicy *policy = question->policy;
	PointsSink sink = NULL;

	fold->metric = (PointsMetric) question->kind;
	fold->context = CurrentMemoryContext;
	fold->customer = AllocSetContextCreate(CurrentMemoryContext, "loyalty points customer",
										   ALLOCSET_SMALL_SIZES);
	if (fold->metric != POINTS_TOTALS)
		fold->booking = points_booking_create(policy, question->period, question->flag);
	if (fold->metric == POINTS_ROLLFORWARD)
		sink = points_book_rollforward;
	else if (fold->metric == POINTS_TRIANGLE)
		sink = points_book_triangle;
	fold->walk = points_walk_create(policy, 0, sink, fold->booking);
	fold->limit = points_limit_day(policy, question->as_of);
	return fold;
}

/* ---- a customer ---- */

/* The cells for values of a scale. */
static Cells *
cells_of_scale(PointsFold *fold, int scale)
{
	if (fold->cells[scale] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fold->context);

		fold->cells[scale] =
			cells_create(fold->metric == POINTS_ROLLFORWARD ? ROLLFORWARD_SUMS : TRIANGLE_SUMS);
		MemoryContextSwitchTo(old);
	}
	return fold->cells[scale];
}

static void
add_totals(PointsFold *fold, int scale)
{
	const PointsTotals *from = points_walk_totals(fold->walk);
	PointsTotals *to = &fold->totals[scale];

	fold->members++;
	fold->members_with_balance += from->active > from->overdrawn;
	fold->members_overdrawn += from->active < from->overdrawn;
	to->earned += from->earned;
	to->reinstated += from->reinstated;
	to->adjusted += from->adjusted;
	to->transferred += from->transferred;
	to->redeemed += from->redeemed;
	to->returned += from->returned;
	to->expired += from->expired;
	to->forfeited += from->forfeited;
	to->pending += from->pending;
	to->active += from->active;
	to->blocked += from->blocked;
	to->overdrawn += from->overdrawn;
	to->unmet += from->unmet;
}

void
points_fold_customer(void *opaque, ByteSpan body)
{
	PointsFold *fold = opaque;
	MemoryContext old = MemoryContextSwitchTo(fold->customer);
	int scale;

	points_walk_start(fold->walk, body, NULL);
	scale = points_walk_scale(fold->walk);
	fold->seen[scale] = true;
	if (fold->booking != NULL)
		points_booking_start(fold->booking, fold->walk, cells_of_scale(fold, scale));
	points_walk_until(fold->walk, fold->limit);
	if (fold->booking == NULL)
		add_totals(fold, scale);
	MemoryContextSwitchTo(old);
	MemoryContextReset(fold->customer);
}

/* ---- into a tally ---- */

/* Where cells go. */
typedef struct Flushing
{
	const PointsFold *fold;
	Tally *tally;
	int scale; /* of what is flushed */
} Flushing;

static void
add_value(const Flushing *flushing, TallyRow *row, int sum, int128 units)
{
	if (!decimal_sum_rescale(&units, flushing->scale, tally_scale(flushing->tally)))
		decimal_report_sum(POINTS_SUM);
	tally_add(flushing->tally, row, sum, units);
}

static void
flush_cell(const Flushing *flushing, const TallyKey *key, const int128 *sums, int nsums)
{
	TallyRow *row = NULL;
	int i;

	for (i = 0; i < nsums; i++)
	{
		if (sums[i] == 0)
			continue;
		if (row == NULL)
			row = tally_row(flushing->tally, key);
		add_value(flushing, row, i, sums[i]);
	}
}

/* Keys are (label, period), or (label, period of issue, age). */
static void
flush_block(void *context, int32 label, int32 row, int32 column, const int128 *block)
{
	const Flushing *flushing = context;
	const PointsFold *fold = flushing->fold;
	bool rollforward = fold->metric == POINTS_ROLLFORWARD;
	int nsums = rollforward ? ROLLFORWARD_SUMS : TRIANGLE_SUMS;
	EventText text = points_booking_label(fold->booking, label);
	TallyKey key = { .text = text.bytes, .text_len = text.len };
	int i;

	for (i = 0; i < CELLS_BLOCK; i++)
	{
		key.numbers[1] = rollforward ? column + i : row;
		key.numbers[2] = rollforward ? 0 : column + i;
		flush_cell(flushing, &key, block + i * nsums, nsums);
	}
}

static void
flush_totals(const Flushing *flushing, const PointsTotals *totals)
{
	TallyKey key = { 0 };
	TallyRow *row = tally_row(flushing->tally, &key);

	add_value(flushing, row, TOTALS_EARNED, totals->earned);
	add_value(flushing, row, TOTALS_REINSTATED, totals->reinstated);
	add_value(flushing, row, TOTALS_ADJUSTED, totals->adjusted);
	add_value(flushing, row, TOTALS_TRANSFERRED, totals->transferred);
	add_value(flushing, row, TOTALS_REDEEMED, totals->redeemed);
	add_value(flushing, row, TOTALS_RETURNED, totals->returned);
	add_value(flushing, row, TOTALS_EXPIRED, totals->expired);
	add_value(flushing, row, TOTALS_FORFEITED, totals->forfeited);
	add_value(flushing, row, TOTALS_PENDING, totals->pending);
	add_value(flushing, row, TOTALS_ACTIVE, totals->active);
	add_value(flushing, row, TOTALS_OVERDRAWN, totals->overdrawn);
	add_value(flushing, row, TOTALS_UNMET, totals->unmet);
	add_value(flushing, row, TOTALS_BLOCKED, totals->blocked);
}

static void
flush_members(PointsFold *fold, Tally *tally)
{
	TallyKey key = { 0 };
	TallyRow *row = tally_row(tally, &key);

	tally_add(tally, row, TOTALS_MEMBERS, fold->members);
	tally_add(tally, row, TOTALS_MEMBERS_WITH_BALANCE, fold->members_with_balance);
	tally_add(tally, row, TOTALS_MEMBERS_OVERDRAWN, fold->members_overdrawn);
	fold->members = fold->members_with_balance = fold->members_overdrawn = 0;
}

void
points_fold_finish(void *opaque, Tally *tally)
{
	PointsFold *fold = opaque;
	Flushing flushing = { .fold = fold, .tally = tally };
	int scale;

	if (fold->metric == POINTS_TOTALS)
		flush_members(fold, tally);
	for (scale = 0; scale < SCALES; scale++)
	{
		if (!fold->seen[scale])
			continue;
		flushing.scale = scale;
		(void) tally_use_scale(tally, scale);
		if (fold->metric == POINTS_TOTALS)
			flush_totals(&flushing, &fold->totals[scale]);
		else
		{
			cells_visit(fold->cells[scale], flush_block, &flushing);
			cells_free(fold->cells[scale]);
			fold->cells[scale] = NULL;
		}
		fold->seen[scale] = false;
	}
	memset(fold->totals, 0, sizeof(fold->totals));
}
