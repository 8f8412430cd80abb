/*
 * program_totals.c
 *		What a programme gives and holds, by tier: program_totals(), its result and table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "metric/tally.h"
#include "program/program_internal.h"

PG_FUNCTION_INFO_V1(loyalty_program_totals_table);

static const TallyParameter parameters[] = { PROGRAM_PARAMETER("program"),
											 METRIC_POLICY_ZONE_PARAMETER, METRIC_AS_OF_PARAMETER };

static const MetricArgument arguments[] = {
	PROGRAM_ARGUMENT("program", METRIC_POLICY),
	METRIC_LAST_DAY_ARGUMENT("as_of"),
};

static const TallyColumn keys[] = { { "rank", TALLY_NUMBER } };

static const TallyColumn columns[WHOLE_SUMS] = {
	[WHOLE_MEMBERS] = { "members", TALLY_COUNT },
	[WHOLE_SPEND] = { "spend", TALLY_VALUE },
	[WHOLE_ORDERS] = { "orders", TALLY_COUNT },
	[WHOLE_ISSUED] = { "points_issued", TALLY_VALUE },
	[WHOLE_REDEEMED] = { "points_redeemed", TALLY_VALUE },
	[WHOLE_EXPIRED] = { "points_expired", TALLY_VALUE },
	[WHOLE_PENDING] = { "points_pending", TALLY_VALUE },
	[WHOLE_BLOCKED] = { "points_blocked", TALLY_VALUE },
	[WHOLE_BALANCE] = { "balance", TALLY_VALUE },
};

static const int points[] = { WHOLE_ISSUED,	 WHOLE_REDEEMED, WHOLE_EXPIRED,
							  WHOLE_PENDING, WHOLE_BLOCKED,	 WHOLE_BALANCE };

/* What is wrong with a tier's sums. */
static const char *
find_row_fault(const ProgramPolicy *program, const int128 *sums, bool has_as_of)
{
	int128 gone = 0;
	int i;

	if (sums[WHOLE_MEMBERS] == 0)
		return "There is something of no members.";
	for (i = WHOLE_REDEEMED; i <= WHOLE_BLOCKED; i++)
		if (sums[i] < 0 && (i != WHOLE_REDEEMED || !program_has_ledger(program)))
			return psprintf("\"%s\" is below zero.", columns[i].name);
	for (i = WHOLE_REDEEMED; i <= WHOLE_BALANCE; i++)
		decimal_sum_add(&gone, sums[i], PROGRAM_SUM);
	if (gone != sums[WHOLE_ISSUED])
		return "What was issued isn't what was redeemed, expired, and is left.";
	for (i = WHOLE_SPEND; i < WHOLE_SUMS; i++)
		if (sums[i] != 0 && !has_as_of)
			return "There are orders or points, but no \"as_of\".";
	return NULL;
}

static const char *
find_fault(const Tally *tally)
{
	const ProgramPolicy *program = program_of_result(tally, "program");
	DateADT as_of;
	bool has_as_of = metric_result_as_of(tally, &as_of);
	const char *fault = NULL;
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	if (nrows > 0 && program == NULL)
		return "There are rows, but no \"program\".";
	for (i = 0; fault == NULL && i < nrows; i++)
		if (!program_has_rank(program, rows[i]->key.numbers[0], 0))
			fault = "There is a rank that the programme doesn't have.";
		else
			fault = find_row_fault(program, rows[i]->sums, has_as_of);
	return fault;
}

static const TallyShape shape = {
	.type = "program_totals_result",
	.maker = "program_totals() and rollup()",
	.nparameters = lengthof(parameters),
	.parameters = parameters,
	.nkeys = lengthof(keys),
	.keys = keys,
	.nsums = WHOLE_SUMS,
	.sums = columns,
	.fault = find_fault,
};

static const Metric metric = {
	PROGRAM_METRIC,			.shape = &shape,		.narguments = lengthof(arguments),
	.arguments = arguments, .kind = PROGRAM_TOTALS, .eventless = METRIC_COUNT_EVENTLESS
};

/* loyalty_program_totals_result_in, loyalty_program_totals_result_out,
 * loyalty_program_totals_result_recv, loyalty_program_totals_result_send,
 * loyalty_program_totals_result_merge,
 * loyalty_program_totals_result_scope */
TALLY_TYPE(program_totals_result, &shape)

/* loyalty_program_totals, (base, program, as_of); loyalty_program_totals_accum */
METRIC_FUNCTIONS(program_totals, &metric)

/* ---- the table ---- */

/* The columns behind tier and rank. */
static void
put_sums(Rows *rows, const Tally *tally, const int128 *sums, int points_scale)
{
	int scale = tally_scale(tally);
	int i;

	program_put_count(rows, sums[WHOLE_MEMBERS]);
	rows_put_decimal(rows, sums[WHOLE_SPEND], scale);
	program_put_count(rows, sums[WHOLE_ORDERS]);
	for (i = 0; i < (int) lengthof(points); i++)
		program_put_points(rows, sums[points[i]], scale, points_scale);
	metric_put_as_of(rows, tally);
	rows_end(rows);
}

/* program_totals_table(result): a row for each tier, also where nobody is in it, and one in all */
Datum
loyalty_program_totals_table(PG_FUNCTION_ARGS)
{
	static const int128 nothing[WHOLE_SUMS];
	Tally *tally = tally_argument(fcinfo, 0, &shape);
	const ProgramPolicy *program = program_of_result(tally, "program");
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	int128 all[WHOLE_SUMS] = { 0 };
	int points_scale;
	Rows rows;
	int rank;
	int i;

	rows_open(&rows, fcinfo);
	if (program == NULL)
		return (Datum) 0;
	points_scale = program_points_scale(tally, program, points, lengthof(points));
	for (rank = 0; rank < program_ntiers(program); rank++)
	{
		const int128 *sums = nothing;

		if (row < end && (*row)->key.numbers[0] == rank)
			sums = (*row++)->sums;
		for (i = 0; i < WHOLE_SUMS; i++)
			decimal_sum_add(&all[i], sums[i], PROGRAM_SUM);
		rows_begin(&rows);
		program_put_tier(&rows, program, rank);
		put_sums(&rows, tally, sums, points_scale);
	}
	rows_begin(&rows);
	rows_put_null(&rows);
	rows_put_null(&rows);
	put_sums(&rows, tally, all, points_scale);
	return (Datum) 0;
}
