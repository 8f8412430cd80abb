/*
 * program_compare.c
 *		What one programme gives and another: program_compare(), its result and tables.
 */
#include "postgres.h"

#include "fmgr.h"

#include "metric/tally.h"
#include "program/program_internal.h"

PG_FUNCTION_INFO_V1(loyalty_program_compare_table);
PG_FUNCTION_INFO_V1(loyalty_program_compare_members);

static const TallyParameter parameters[] = { PROGRAM_PARAMETER("program_a"),
											 METRIC_POLICY_ZONE_PARAMETER, METRIC_AS_OF_PARAMETER,
											 PROGRAM_PARAMETER("program_b") };

static const MetricArgument arguments[] = {
	PROGRAM_ARGUMENT("program_a", METRIC_POLICY),
	PROGRAM_ARGUMENT("program_b", METRIC_OTHER_POLICY),
	METRIC_LAST_DAY_ARGUMENT("as_of"),
};

static const TallyColumn keys[COMPARE_KEYS] = {
	[COMPARE_RANK_A] = { "rank_a", TALLY_NUMBER },
	[COMPARE_RANK_B] = { "rank_b", TALLY_NUMBER },
	[COMPARE_OUTCOME] = { "outcome", TALLY_NUMBER },
};

static const TallyColumn columns[COMPARE_SUMS] = {
	[COMPARE_MEMBERS] = { "members", TALLY_COUNT },
	[COMPARE_SPEND] = { "spend", TALLY_VALUE },
	[COMPARE_ISSUED_A] = { "issued_a", TALLY_VALUE },
	[COMPARE_ISSUED_B] = { "issued_b", TALLY_VALUE },
	[COMPARE_BALANCE_A] = { "balance_a", TALLY_VALUE },
	[COMPARE_BALANCE_B] = { "balance_b", TALLY_VALUE },
	[COMPARE_DIFFERENCE] = { "points_difference", TALLY_VALUE },
};

static const int points_a[] = { COMPARE_ISSUED_A, COMPARE_BALANCE_A };
static const int points_b[] = { COMPARE_ISSUED_B, COMPARE_BALANCE_B };
static const int difference[] = { COMPARE_DIFFERENCE };

/* ---- the type ---- */

static const char *
find_row_fault(const TallyRow *row, bool has_as_of)
{
	const int128 *sums = row->sums;
	int128 change = sums[COMPARE_DIFFERENCE];
	int i;

	if (sums[COMPARE_MEMBERS] == 0)
		return "There is something of no members.";
	if (row->key.numbers[COMPARE_OUTCOME] != (change > 0) - (change < 0))
		return "The outcome, -1, 0 or 1, isn't the sign of \"points_difference\".";
	for (i = COMPARE_SPEND; i < COMPARE_SUMS; i++)
		if (sums[i] != 0 && !has_as_of)
			return "There are amounts or points, but no \"as_of\".";
	if (row->key.numbers[COMPARE_RANK_A] == TIER_NO_RANK &&
		(sums[COMPARE_SPEND] != 0 || sums[COMPARE_ISSUED_A] != 0 || sums[COMPARE_BALANCE_A] != 0))
		return "Who isn't a member by \"program_a\" has something under it.";
	if (row->key.numbers[COMPARE_RANK_B] == TIER_NO_RANK &&
		(sums[COMPARE_ISSUED_B] != 0 || sums[COMPARE_BALANCE_B] != 0))
		return "Who isn't a member by \"program_b\" has something under it.";
	return NULL;
}

static const char *
find_fault(const Tally *tally)
{
	const ProgramPolicy *a = program_of_result(tally, "program_a");
	const ProgramPolicy *b = program_of_result(tally, "program_b");
	DateADT as_of;
	bool has_as_of = metric_result_as_of(tally, &as_of);
	const char *fault = NULL;
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	if (nrows > 0 && (a == NULL || b == NULL))
		return "There are rows, but not both programmes.";
	for (i = 0; fault == NULL && i < nrows; i++)
	{
		int64 rank_a = rows[i]->key.numbers[COMPARE_RANK_A];
		int64 rank_b = rows[i]->key.numbers[COMPARE_RANK_B];

		if (!program_has_rank(a, rank_a, TIER_NO_RANK) ||
			!program_has_rank(b, rank_b, TIER_NO_RANK))
			fault = "There is a rank that the programme doesn't have.";
		else if (rank_a == TIER_NO_RANK && rank_b == TIER_NO_RANK)
			fault = "Who isn't a member by either programme isn't counted.";
		else
			fault = find_row_fault(rows[i], has_as_of);
	}
	return fault;
}

static const TallyShape shape = {
	.type = "program_compare_result",
	.maker = "program_compare() and rollup()",
	.nparameters = lengthof(parameters),
	.parameters = parameters,
	.nkeys = COMPARE_KEYS,
	.keys = keys,
	.nsums = COMPARE_SUMS,
	.sums = columns,
	.fault = find_fault,
};

static const Metric metric = {
	PROGRAM_METRIC,			.shape = &shape,		 .narguments = lengthof(arguments),
	.arguments = arguments, .kind = PROGRAM_COMPARE, .eventless = METRIC_COUNT_EVENTLESS
};

/* loyalty_program_compare_result_in, loyalty_program_compare_result_out,
 * loyalty_program_compare_result_recv, loyalty_program_compare_result_send,
 * loyalty_program_compare_result_merge,
 * loyalty_program_compare_result_scope */
TALLY_TYPE(program_compare_result, &shape)

/* loyalty_program_compare, (base, program_a, program_b, as_of); loyalty_program_compare_accum */
METRIC_FUNCTIONS(program_compare, &metric)

/* ---- tables ---- */

/* Adds up what rows from this one on have of the same ranks; returns the first of others. */
static TallyRow **
add_pair(TallyRow **row, TallyRow **end, int128 *sums)
{
	const TallyKey *key = &(*row)->key;
	int i;

	memset(sums, 0, COMPARE_SUMS * sizeof(int128));
	for (; row < end && (*row)->key.numbers[COMPARE_RANK_A] == key->numbers[COMPARE_RANK_A] &&
		   (*row)->key.numbers[COMPARE_RANK_B] == key->numbers[COMPARE_RANK_B];
		 row++)
		for (i = 0; i < COMPARE_SUMS; i++)
			decimal_sum_add(&sums[i], (*row)->sums[i], PROGRAM_SUM);
	return row;
}

/* program_compare_table(result): a row for each pair of tiers that somebody has */
Datum
loyalty_program_compare_table(PG_FUNCTION_ARGS)
{
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	const ProgramPolicy *a = program_of_result(tally, "program_a");
	const ProgramPolicy *b = program_of_result(tally, "program_b");
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	int scale = tally_scale(tally);
	int scale_a;
	int scale_b;
	Rows rows;

	rows_open(&rows, fcinfo);
	if (a == NULL || b == NULL)
		return (Datum) 0;
	scale_a = program_points_scale(tally, a, points_a, lengthof(points_a));
	scale_b = program_points_scale(tally, b, points_b, lengthof(points_b));
	while (row < end)
	{
		const TallyKey *key = &(*row)->key;
		int128 sums[COMPARE_SUMS];

		row = add_pair(row, end, sums);
		rows_begin(&rows);
		program_put_tier(&rows, a, (int) key->numbers[COMPARE_RANK_A]);
		program_put_tier(&rows, b, (int) key->numbers[COMPARE_RANK_B]);
		program_put_count(&rows, sums[COMPARE_MEMBERS]);
		rows_put_decimal(&rows, sums[COMPARE_SPEND], scale);
		program_put_points(&rows, sums[COMPARE_ISSUED_A], scale, scale_a);
		program_put_points(&rows, sums[COMPARE_ISSUED_B], scale, scale_b);
		program_put_points(&rows, sums[COMPARE_BALANCE_A], scale, scale_a);
		program_put_points(&rows, sums[COMPARE_BALANCE_B], scale, scale_b);
		metric_put_as_of(&rows, tally);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* program_compare_members(result): who wins and who loses */
Datum
loyalty_program_compare_members(PG_FUNCTION_ARGS)
{
	static const struct
	{
		int outcome;
		const char *name;
	} outcomes[] = { { 1, "winners" }, { -1, "losers" }, { 0, "unchanged" } };
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	const ProgramPolicy *a = program_of_result(tally, "program_a");
	const ProgramPolicy *b = program_of_result(tally, "program_b");
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	int points_scale;
	Rows rows;
	int i;
	int64 n;

	rows_open(&rows, fcinfo);
	if (a == NULL || b == NULL)
		return (Datum) 0;
	points_scale = Max(program_points_scale(tally, a, difference, lengthof(difference)),
					   program_points_scale(tally, b, difference, lengthof(difference)));
	for (i = 0; i < (int) lengthof(outcomes); i++)
	{
		int128 members = 0;
		int128 change = 0;

		for (n = 0; n < nrows; n++)
			if (row[n]->key.numbers[COMPARE_OUTCOME] == outcomes[i].outcome)
			{
				decimal_sum_add(&members, row[n]->sums[COMPARE_MEMBERS], PROGRAM_SUM);
				decimal_sum_add(&change, row[n]->sums[COMPARE_DIFFERENCE], PROGRAM_SUM);
			}
		rows_begin(&rows);
		rows_put_name(&rows, outcomes[i].name);
		program_put_count(&rows, members);
		program_put_points(&rows, change, tally_scale(tally), points_scale);
		rows_end(&rows);
	}
	return (Datum) 0;
}
