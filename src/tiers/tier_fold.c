/*
 * tier_fold.c
 *		Tiers of everyone: what the metrics are made of; folds over customers' walks, what is
 *		counted of each, and how it gets into a tally; what reading results has in common.
 *
 * Ranks are few: what is counted by rank stands in small arrays. Values of customers whose
 * timelines have the same scale are added up as they are, each scale apart.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "calendar/calendar.h"
#include "core/int128.h"
#include "metric/cells.h"
#include "tiers/tiers_internal.h"

/* ---- parameters and arguments ---- */

char *
tier_canonical_policy(const char *text)
{
	return policy_canonical(&tier_policy_table, text);
}

const TallyParameter tier_plain_parameters[TIER_PLAIN_PARAMETERS] = { TIER_PARAMETERS,
																	  METRIC_AS_OF_PARAMETER };

const MetricArgument tier_plain_arguments[TIER_PLAIN_ARGUMENTS] = {
	TIER_POLICY_ARGUMENT, METRIC_LAST_DAY_ARGUMENT("as_of")
};

/* ---- the policy ---- */

static void *
open_policy(const struct varlena *policy)
{
	return tier_policy_open(policy);
}

static ZoneDays *
zone_of_policy(const void *policy)
{
	return ((const TierPolicy *) policy)->zone;
}

static void
set_zone(void *policy, ZoneDays *zone)
{
	((TierPolicy *) policy)->zone = zone;
}

static void
names_of_policy(const void *policy, MetricNames *names)
{
	tier_policy_names(policy, names);
}

const MetricPolicy tier_metric_policy = { open_policy, zone_of_policy, set_zone, names_of_policy };

/* ---- a fold ---- */

#define SCALES (DECIMAL_MAX_SCALE + 1)

typedef struct TierFold
{
	TierFoldKind kind;
	MetricQuestion question;
	const TierPolicy *policy;
	TierWalk *walk;
	MemoryContext context;
	TimestampTz limit; /* the end of as_of */

	int64 *counts; /* by rank: members, or those of NearSum; TIER_MIGRATION: by both ranks */

	/* TIER_CENSUS */
	int128 *values[SCALES]; /* by rank; NULL: no customer of this scale yet */

	/* TIER_MIGRATION */
	TimestampTz from_limit;

	/* TIER_FLOW, by period and rank; TIER_TENURE, by rank and days */
	Cells *cells;
	Periods *periods;
	int64 eventless;
	DateADT held_since; /* the tier that the customer has now */
} TierFold;

/* ---- changes ---- */

static void
count_flow(void *context, TierWalk *walk, const TierChange *change)
{
	TierFold *fold = context;
	int32 period = period_of(fold->periods, change->at);

	if (change->from_rank == TIER_NO_RANK)
	{
		cell_at(fold->cells, 0, period, change->to_rank)[FLOW_JOINED]++;
		return;
	}
	if (change->to_rank > change->from_rank)
	{
		cell_at(fold->cells, 0, period, change->from_rank)[FLOW_UPGRADED_OUT]++;
		cell_at(fold->cells, 0, period, change->to_rank)[FLOW_UPGRADED_IN]++;
	}
	else
	{
		cell_at(fold->cells, 0, period, change->from_rank)[FLOW_DOWNGRADED_OUT]++;
		cell_at(fold->cells, 0, period, change->to_rank)[FLOW_DOWNGRADED_IN]++;
	}
}

/* A tier was held up to a day. Where a day comes twice, the later instant may be on the earlier
 * day. */
static int128 *
spell_until(TierFold *fold, int rank, DateADT day)
{
	return cell_at(fold->cells, 0, rank, Max(day - fold->held_since, 0));
}

static void
count_spell(void *context, TierWalk *walk, const TierChange *change)
{
	TierFold *fold = context;
	DateADT day = zone_day(fold->question.zone, change->at);

	if (change->from_rank != TIER_NO_RANK)
		spell_until(fold, change->from_rank, day)[TENURE_ENDED]++;
	fold->held_since = day;
}

/* ---- making one ---- */

void *
tier_fold_start(const MetricQuestion *question, Tally *tally)
{
	TierFold *fold = palloc0(sizeof(TierFold));
	const TierPolicy *policy = question->policy;
	int ntiers = policy->ntiers;
	TierSink sink = NULL;

	fold->kind = (TierFoldKind) question->kind;
	fold->question = *question;
	fold->policy = policy;
	fold->context = CurrentMemoryContext;
	switch (fold->kind)
	{
		case TIER_CENSUS:
			fold->counts = palloc0(ntiers * sizeof(int64));
			break;
		case TIER_MIGRATION:
			fold->counts = palloc0((ntiers + 1) * ntiers * sizeof(int64));
			fold->from_limit = tier_day_end(policy, question->day);
			break;
		case TIER_FLOW:
			fold->periods = periods_open(question->period, question->zone);
			fold->cells = cells_create(FLOW_SUMS);
			sink = count_flow;
			break;
		case TIER_TENURE:
			fold->cells = cells_create(TENURE_SUMS);
			sink = count_spell;
			break;
		case TIER_NEAR:
			fold->counts = palloc0(NEAR_SUMS * ntiers * sizeof(int64));
			break;
	}
	fold->walk = tier_walk_create(policy, 0, sink, fold);
	fold->limit = tier_day_end(policy, question->as_of);
	return fold;
}

/* ---- a customer ---- */

static void
add_value(TierFold *fold, int rank)
{
	int scale = tier_walk_scale(fold->walk, 0);

	if (unlikely(fold->values[scale] == NULL))
		fold->values[scale] =
			MemoryContextAllocZero(fold->context, fold->policy->ntiers * sizeof(int128));
	fold->values[scale][rank] += tier_walk_value(fold->walk, 0);
}

/* Is something missing, and less than was asked for? */
static bool
is_near(const TierFold *fold, TierMissing missing)
{
	Decimal within = fold->question.decimal;

	if (!missing.asked || missing.units <= 0)
		return false;
	if (missing.scale >= within.scale)
		return missing.units < (int128) within.units * decimal_power[missing.scale - within.scale];
	/* with so much missing, the product may not fit, nor be near */
	return missing.units <= PG_INT64_MAX &&
		   missing.units * decimal_power[within.scale - missing.scale] < within.units;
}

void
tier_fold_customer(void *opaque, ByteSpan body)
{
	TierFold *fold = opaque;
	TierWalk *walk = fold->walk;
	TierOutlook outlook;
	int from = TIER_NO_RANK;
	int rank;

	tier_walk_timeline(walk, body, NULL);
	if (fold->kind == TIER_MIGRATION)
	{
		tier_walk_to(walk, fold->from_limit);
		from = tier_walk_rank(walk);
	}
	tier_walk_to(walk, fold->limit);
	rank = tier_walk_rank(walk);
	if (rank == TIER_NO_RANK)
		return;
	switch (fold->kind)
	{
		case TIER_CENSUS:
			fold->counts[rank]++;
			add_value(fold, rank);
			break;
		case TIER_MIGRATION:
			fold->counts[(from + 1) * fold->policy->ntiers + rank]++;
			break;
		case TIER_FLOW:
			fold->eventless += tier_walk_member_since(walk) == DT_NOBEGIN;
			break;
		case TIER_TENURE:
			if (tier_walk_member_since(walk) != DT_NOBEGIN)
				spell_until(fold, rank, fold->question.as_of + 1)[TENURE_RUNNING]++;
			break;
		case TIER_NEAR:
			fold->counts[rank * NEAR_SUMS + NEAR_MEMBERS]++;
			fold->counts[rank * NEAR_SUMS + NEAR_NEXT] +=
				is_near(fold, tier_walk_missing_to_next(walk, TIER_ANY_MEASURE));
			tier_walk_outlook(walk, &outlook);
			fold->counts[rank * NEAR_SUMS + NEAR_KEEP] += is_near(fold, outlook.to_keep_it);
			break;
	}
}

int64
tier_fold_near(const void *opaque, int rank, NearSum sum)
{
	return ((const TierFold *) opaque)->counts[rank * NEAR_SUMS + sum];
}

/* ---- into a tally ---- */

static void
add_to_row(Tally *tally, const TallyKey *key, int sum, int128 amount)
{
	if (amount != 0)
		tally_add(tally, tally_row(tally, key), sum, amount);
}

static void
flush_census(TierFold *fold, Tally *tally)
{
	int ntiers = fold->policy->ntiers;
	TallyKey key = { 0 };
	int scale;

	for (key.numbers[0] = 0; key.numbers[0] < ntiers; key.numbers[0]++)
		add_to_row(tally, &key, CENSUS_MEMBERS, fold->counts[key.numbers[0]]);
	for (scale = 0; scale < SCALES; scale++)
	{
		int128 *values = fold->values[scale];
		int128 factor;

		if (values == NULL)
			continue;
		factor = tally_use_scale(tally, scale);
		for (key.numbers[0] = 0; key.numbers[0] < ntiers; key.numbers[0]++)
		{
			int128 value;

			if (int128_mul_overflow(values[key.numbers[0]], factor, &value))
				decimal_report_sum("values");
			add_to_row(tally, &key, CENSUS_VALUE, value);
		}
		pfree(values);
		fold->values[scale] = NULL;
	}
	memset(fold->counts, 0, ntiers * sizeof(int64));
}

static void
flush_migration(TierFold *fold, Tally *tally)
{
	int ntiers = fold->policy->ntiers;
	int64 *count = fold->counts;
	TallyKey key = { 0 };
	int from;
	int to;

	for (from = TIER_NO_RANK; from < ntiers; from++)
		for (to = 0; to < ntiers; to++)
		{
			key.numbers[MIGRATION_FROM] = from;
			key.numbers[MIGRATION_TO] = to;
			add_to_row(tally, &key, 0, *count);
			*count++ = 0;
		}
}

static void
flush_near(TierFold *fold, Tally *tally)
{
	int64 *count = fold->counts;
	TallyKey key = { 0 };
	int sum;

	for (; key.numbers[0] < fold->policy->ntiers; key.numbers[0]++)
		for (sum = 0; sum < NEAR_SUMS; sum++)
		{
			add_to_row(tally, &key, sum, *count);
			*count++ = 0;
		}
}

/* Keys of cells are (row, column). */
static void
flush_block(void *context, int32 layer, int32 row, int32 column, const int128 *block)
{
	Tally *tally = context;
	int nsums = tally_shape(tally)->nsums;
	TallyKey key = { 0 };
	int i;

	key.numbers[0] = row;
	for (i = 0; i < CELLS_BLOCK * nsums; i++)
	{
		key.numbers[1] = column + i / nsums;
		add_to_row(tally, &key, i % nsums, block[i]);
	}
}

static void
flush_cells(TierFold *fold, Tally *tally)
{
	MemoryContext old = MemoryContextSwitchTo(fold->context);

	if (fold->eventless > 0)
	{
		TallyKey key = { 0 };

		key.numbers[FLOW_PERIOD] = period_of(fold->periods, fold->limit - 1);
		add_to_row(tally, &key, FLOW_EVENTLESS, fold->eventless);
		fold->eventless = 0;
	}
	cells_visit(fold->cells, flush_block, tally);
	cells_free(fold->cells);
	fold->cells = cells_create(tally_shape(tally)->nsums);
	MemoryContextSwitchTo(old);
}

void
tier_fold_finish(void *opaque, Tally *tally)
{
	TierFold *fold = opaque;

	switch (fold->kind)
	{
		case TIER_CENSUS:
			flush_census(fold, tally);
			break;
		case TIER_MIGRATION:
			flush_migration(fold, tally);
			break;
		case TIER_FLOW:
		case TIER_TENURE:
			flush_cells(fold, tally);
			break;
		case TIER_NEAR:
			flush_near(fold, tally);
			break;
	}
}

/* ---- reading results ---- */

TierPolicy *
tier_result_policy(const Tally *tally)
{
	const char *text = tally_parameter(tally, TIER_PARAMETER_POLICY);

	return text != NULL ? policy_open_text(&tier_policy_table, text) : NULL;
}

const char *
tier_rows_fault(const Tally *tally, int rank_key)
{
	const TierPolicy *policy = tier_result_policy(tally);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	if (nrows > 0 && policy == NULL)
		return "There are rows, but no \"policy\".";
	for (i = 0; i < nrows; i++)
		if (rows[i]->key.numbers[rank_key] < 0 || rows[i]->key.numbers[rank_key] >= policy->ntiers)
			return "There is a rank that the policy doesn't have.";
	return NULL;
}

double
tier_share(int128 members, int128 all)
{
	return all > 0 ? (double) members / (double) all : NAN;
}
