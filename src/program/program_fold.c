/*
 * program_fold.c
 *		Folds over customers' walks: what is counted of each, and how it gets into a tally.
 *
 * Tiers are few: what is counted by rank, or by pair of ranks and outcome, stands in a small
 * array, a cell of a few sums for each:
 *
 *		sums[scale] -> [ cell 0: members, spend, ... ] [ cell 1: ... ] ...
 *
 * Values of customers at the same scale are added up as they are, each scale apart. What is
 * counted stands with scale 0.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/decimal.h"
#include "core/int128.h"
#include "metric/cells.h"
#include "points/points.h"
#include "program/program_internal.h"

#define SCALES	 (DECIMAL_MAX_SCALE + 1)
#define OUTCOMES 3

typedef struct ProgramFold
{
	ProgramFoldKind kind;
	DateADT as_of;
	const ProgramPolicy *program; /* its parts have the zone, too */
	const ProgramPolicy *against; /* PROGRAM_COMPARE: b */
	ProgramWalk *walk;
	ProgramWalk *other; /* PROGRAM_COMPARE */
	MemoryContext context;
	MemoryContext customer; /* what one customer's walk needs */

	/* PROGRAM_TOTALS, PROGRAM_COMPARE */
	int ncells;
	int nsums;			  /* of a cell */
	int128 *sums[SCALES]; /* NULL: nothing of this scale yet */

	/* PROGRAM_ROLLFORWARD, PROGRAM_TRIANGLE */
	TimestampTz limit; /* the end of as_of */
	PointsBooking *booking;
	Cells *cells[SCALES];
} ProgramFold;

/* ---- making one ---- */

void *
program_fold_start(const MetricQuestion *question, Tally *tally)
{
	ProgramFold *fold = palloc0(sizeof(ProgramFold));
	const ProgramPolicy *program = question->policy;
	ProgramSinks sinks = { 0 };
	int flags = 0;

	fold->kind = (ProgramFoldKind) question->kind;
	fold->as_of = question->as_of;
	fold->program = program;
	fold->against = question->other_policy;
	fold->context = CurrentMemoryContext;
	fold->customer = AllocSetContextCreate(CurrentMemoryContext, "loyalty program customer",
										   ALLOCSET_SMALL_SIZES);
	switch (fold->kind)
	{
		case PROGRAM_TOTALS:
			fold->ncells = program_ntiers(program);
			fold->nsums = WHOLE_SUMS;
			break;
		case PROGRAM_COMPARE:
			fold->ncells =
				(1 + program_ntiers(program)) * (1 + program_ntiers(fold->against)) * OUTCOMES;
			fold->nsums = COMPARE_SUMS;
			fold->other = program_walk_create(fold->against, 0, NULL);
			break;
		case PROGRAM_ROLLFORWARD:
		case PROGRAM_TRIANGLE:
			fold->booking =
				points_booking_create(program->points, question->period, question->flag);
			points_booking_net_expiries(fold->booking);
			fold->limit = points_limit_day(program->points, question->as_of).at;
			sinks.move =
				fold->kind == PROGRAM_ROLLFORWARD ? points_book_rollforward : points_book_triangle;
			sinks.context = fold->booking;
			if (question->flag)
				flags |= PROGRAM_WALK_BY_LABEL;
			break;
	}
	fold->walk = program_walk_create(program, flags, &sinks);
	if (fold->booking != NULL)
		points_booking_share(fold->booking, program_walk_shares(fold->walk));
	return fold;
}

/* ---- a customer ---- */

/* The sums of a cell, for values at a scale. */
static inline int128 *
sums_at(ProgramFold *fold, int scale, int cell)
{
	if (unlikely(fold->sums[scale] == NULL))
		fold->sums[scale] = MemoryContextAllocZero(fold->context, (Size) fold->ncells *
																	  fold->nsums * sizeof(int128));
	return fold->sums[scale] + cell * fold->nsums;
}

static void
walk_to_standing(const ProgramFold *fold, ProgramWalk *walk, ByteSpan body,
				 ProgramStanding *standing)
{
	program_walk_start(walk, body, NULL);
	program_walk_to_day(walk, fold->as_of);
	program_walk_standing(walk, standing);
}

static void
add_totals(ProgramFold *fold, ByteSpan body)
{
	ProgramStanding standing;
	int128 *sums;

	walk_to_standing(fold, fold->walk, body, &standing);
	if (standing.rank == TIER_NO_RANK)
		return;
	sums = sums_at(fold, 0, standing.rank);
	sums[WHOLE_MEMBERS]++;
	sums[WHOLE_ORDERS] += standing.orders;
	sums_at(fold, standing.amount_scale, standing.rank)[WHOLE_SPEND] += standing.spend;
	sums = sums_at(fold, standing.points_scale, standing.rank);
	sums[WHOLE_ISSUED] += standing.issued;
	sums[WHOLE_REDEEMED] += standing.redeemed;
	sums[WHOLE_EXPIRED] += standing.expired;
	sums[WHOLE_PENDING] += standing.pending;
	sums[WHOLE_BLOCKED] += standing.blocked;
	sums[WHOLE_BALANCE] += standing.balance;
}

static void report_out_of_range(void) pg_attribute_noreturn();

static void
report_out_of_range(void)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("sum of amounts or points out of range"),
					errhint("Fewer decimals leave room for larger sums: use round(value, 2).")));
}

/* What he holds at a scale. */
static int128
points_held(const ProgramStanding *standing, int scale)
{
	int128 held = standing->pending + standing->blocked + standing->balance;

	if (!decimal_sum_rescale(&held, standing->points_scale, scale))
		report_out_of_range();
	return held;
}

/* Who isn't a member has nothing. */
static void
clear_unless_member(ProgramStanding *standing)
{
	if (standing->rank == TIER_NO_RANK)
		standing->spend = standing->issued = standing->pending = standing->blocked =
			standing->balance = 0;
}

static void
add_comparison(ProgramFold *fold, ByteSpan body)
{
	ProgramStanding a;
	ProgramStanding b;
	int128 difference;
	int scale;
	int cell;

	walk_to_standing(fold, fold->walk, body, &a);
	walk_to_standing(fold, fold->other, body, &b);
	if (a.rank == TIER_NO_RANK && b.rank == TIER_NO_RANK)
		return;
	clear_unless_member(&a);
	clear_unless_member(&b);
	scale = Max(a.points_scale, b.points_scale);
	difference = points_held(&b, scale) - points_held(&a, scale);
	cell = (a.rank + 1) * (1 + program_ntiers(fold->against)) + b.rank + 1;
	cell = cell * OUTCOMES + 1 + (difference > 0) - (difference < 0);
	sums_at(fold, 0, cell)[COMPARE_MEMBERS]++;
	sums_at(fold, a.amount_scale, cell)[COMPARE_SPEND] += a.spend;
	sums_at(fold, a.points_scale, cell)[COMPARE_ISSUED_A] += a.issued;
	sums_at(fold, a.points_scale, cell)[COMPARE_BALANCE_A] += a.balance;
	sums_at(fold, b.points_scale, cell)[COMPARE_ISSUED_B] += b.issued;
	sums_at(fold, b.points_scale, cell)[COMPARE_BALANCE_B] += b.balance;
	sums_at(fold, scale, cell)[COMPARE_DIFFERENCE] += difference;
}

/* The cells for moves of points at a scale. */
static Cells *
cells_of_scale(ProgramFold *fold, int scale)
{
	if (fold->cells[scale] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fold->context);

		fold->cells[scale] =
			cells_create(fold->kind == PROGRAM_ROLLFORWARD ? ROLLFORWARD_SUMS : TRIANGLE_SUMS);
		MemoryContextSwitchTo(old);
	}
	return fold->cells[scale];
}

static void
book_moves(ProgramFold *fold, ByteSpan body)
{
	const PointsWalk *points = program_walk_points(fold->walk);

	program_walk_start(fold->walk, body, NULL);
	if (program_walk_member_since(fold->walk) >= fold->limit)
		return;
	points_booking_start(fold->booking, points, cells_of_scale(fold, points_walk_scale(points)));
	program_walk_to_day(fold->walk, fold->as_of);
}

void
program_fold_customer(void *opaque, ByteSpan body)
{
	ProgramFold *fold = opaque;
	MemoryContext old = MemoryContextSwitchTo(fold->customer);

	switch (fold->kind)
	{
		case PROGRAM_TOTALS:
			add_totals(fold, body);
			break;
		case PROGRAM_COMPARE:
			add_comparison(fold, body);
			break;
		case PROGRAM_ROLLFORWARD:
		case PROGRAM_TRIANGLE:
			book_moves(fold, body);
			break;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(fold->customer);
}

/* ---- into a tally ---- */

/* Where values go. */
typedef struct Flushing
{
	const ProgramFold *fold;
	Tally *tally;
	int128 factor; /* from the scale that is flushed to the tally's */
} Flushing;

static void
add_value(const Flushing *flushing, const TallyKey *key, int sum, int128 units)
{
	if (units == 0)
		return;
	if (tally_shape(flushing->tally)->sums[sum].type == TALLY_VALUE &&
		int128_mul_overflow(units, flushing->factor, &units))
		report_out_of_range();
	tally_add(flushing->tally, tally_row(flushing->tally, key), sum, units);
}

/* Keys are (rank), or (rank under a, rank under b, outcome). */
static TallyKey
key_of_cell(const ProgramFold *fold, int cell)
{
	TallyKey key = { 0 };
	int nb;

	if (fold->kind == PROGRAM_TOTALS)
	{
		key.numbers[0] = cell;
		return key;
	}
	nb = 1 + program_ntiers(fold->against);
	key.numbers[COMPARE_OUTCOME] = cell % OUTCOMES - 1;
	key.numbers[COMPARE_RANK_B] = cell / OUTCOMES % nb - 1;
	key.numbers[COMPARE_RANK_A] = cell / OUTCOMES / nb - 1;
	return key;
}

static void
flush_sums(const Flushing *flushing, const int128 *sums)
{
	const ProgramFold *fold = flushing->fold;
	int cell;
	int i;

	for (cell = 0; cell < fold->ncells; cell++)
	{
		TallyKey key = key_of_cell(fold, cell);

		for (i = 0; i < fold->nsums; i++)
			add_value(flushing, &key, i, *sums++);
	}
}

/* Keys are (label, period). */
static void
flush_rollforward(void *context, int32 label, int32 row, int32 column, const int128 *block)
{
	const Flushing *flushing = context;
	EventText text = points_booking_label(flushing->fold->booking, label);
	int i;

	for (i = 0; i < CELLS_BLOCK; i++)
	{
		TallyKey key = { .numbers = { 0, column + i }, .text = text.bytes, .text_len = text.len };
		const int128 *booked = &block[i * ROLLFORWARD_SUMS];

		add_value(context, &key, FORWARD_ISSUED,
				  booked[ROLLFORWARD_ISSUED] + booked[ROLLFORWARD_ADJUSTED] +
					  booked[ROLLFORWARD_TRANSFERRED]);
		add_value(context, &key, FORWARD_REDEEMED,
				  booked[ROLLFORWARD_REDEEMED] - booked[ROLLFORWARD_REINSTATED]);
		add_value(context, &key, FORWARD_RETURNED, booked[ROLLFORWARD_RETURNED]);
		add_value(context, &key, FORWARD_EXPIRED,
				  booked[ROLLFORWARD_EXPIRED] + booked[ROLLFORWARD_FORFEITED]);
		add_value(context, &key, FORWARD_PENDING, booked[ROLLFORWARD_PENDING]);
		add_value(context, &key, FORWARD_BLOCKED, booked[ROLLFORWARD_BLOCKED]);
	}
}

/* Keys are (label, period of issue, age). */
static void
flush_triangle(void *context, int32 label, int32 row, int32 column, const int128 *block)
{
	const Flushing *flushing = context;
	EventText text = points_booking_label(flushing->fold->booking, label);
	TallyKey key = { .numbers = { 0, row }, .text = text.bytes, .text_len = text.len };
	int i;
	int sum;

	for (i = 0; i < CELLS_BLOCK; i++)
	{
		key.numbers[2] = column + i;
		for (sum = 0; sum < TRIANGLE_SUMS; sum++)
			add_value(flushing, &key, sum, block[i * TRIANGLE_SUMS + sum]);
	}
}

void
program_fold_finish(void *opaque, Tally *tally)
{
	ProgramFold *fold = opaque;
	Flushing flushing = { .fold = fold, .tally = tally };
	int scale;

	for (scale = 0; scale < SCALES; scale++)
	{
		if (fold->sums[scale] == NULL && fold->cells[scale] == NULL)
			continue;
		flushing.factor = tally_use_scale(tally, scale);
		if (fold->booking != NULL)
		{
			cells_visit(fold->cells[scale],
						fold->kind == PROGRAM_ROLLFORWARD ? flush_rollforward : flush_triangle,
						&flushing);
			cells_free(fold->cells[scale]);
			fold->cells[scale] = NULL;
		}
		else
		{
			flush_sums(&flushing, fold->sums[scale]);
			pfree(fold->sums[scale]);
			fold->sums[scale] = NULL;
		}
	}
}
