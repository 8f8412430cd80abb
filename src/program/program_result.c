/*
 * program_result.c
 *		A programme over everyone: what metrics are made of, and what reading their results has in
 *		common.
 */
#include "postgres.h"

#include "core/decimal.h"
#include "policy/policy.h"
#include "program/program_internal.h"

/* ---- the programme ---- */

char *
program_canonical(const char *text)
{
	return policy_canonical(&program_policy_table, text);
}

static void *
open_program(const struct varlena *program)
{
	return program_policy_open(program);
}

static ZoneDays *
zone_of_program(const void *program)
{
	return ((const ProgramPolicy *) program)->zone;
}

/* All parts go by the same one. */
static void
set_zone(void *opaque, ZoneDays *zone)
{
	ProgramPolicy *program = opaque;

	program->zone = program->earn->zone = program->points->zone = zone;
	if (program->tiers != NULL)
		program->tiers->zone = zone;
}

/* Points and tiers go by what earning makes of events: with their labels, or a bonus's name or
 * sort. */
static void
names_of_program(const void *opaque, MetricNames *names)
{
	const ProgramPolicy *program = opaque;
	int i;

	earn_policy_names(program->earn, names);
	points_policy_names(program->points, names);
	if (program->tiers != NULL)
		tier_policy_names(program->tiers, names);
	for (i = 0; i < program->earn->nbonus_labels; i++)
		metric_add_known_name(names, true, &program->earn->labels[i]);
}

const MetricPolicy program_metric_policy = { open_program, zone_of_program, set_zone,
											 names_of_program };

const TallyParameter program_period_parameters[PROGRAM_PERIOD_PARAMETERS] = {
	PROGRAM_PARAMETER("program"), METRIC_POLICY_ZONE_PARAMETER, METRIC_AS_OF_PARAMETER,
	METRIC_PERIOD_PARAMETER,	  POINTS_BY_LABEL_PARAMETER,
};

const MetricArgument program_period_arguments[PROGRAM_PERIOD_ARGUMENTS] = {
	PROGRAM_ARGUMENT("program", METRIC_POLICY),
	METRIC_PERIOD_ARGUMENT,
	METRIC_LAST_DAY_ARGUMENT("as_of"),
	{ "by_label", .type = METRIC_FLAG, .if_true = true },
};

/* ---- reading results ---- */

const char *
program_period_fault(const Tally *tally)
{
	if (metric_parameter(tally, "by_label") != NULL && !points_is_by_label(tally))
		return "\"by_label\" is there only where it is true.";
	if (tally_has_rows(tally) && metric_parameter(tally, "program") == NULL)
		return "There are rows, but no \"program\".";
	return NULL;
}

ProgramPolicy *
program_of_result(const Tally *tally, const char *parameter)
{
	const char *text = metric_parameter(tally, parameter);

	return text != NULL ? policy_open_text(&program_policy_table, text) : NULL;
}

bool
program_has_rank(const ProgramPolicy *program, int64 rank, int64 least)
{
	return rank >= least && rank < program_ntiers(program);
}

int
program_points_scale(const Tally *tally, const ProgramPolicy *program, const int *sums, int nsums)
{
	int scale = Min(program->earn->scale, tally_scale(tally));
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;
	int sum;

	for (i = 0; i < nrows; i++)
		for (sum = 0; sum < nsums; sum++)
		{
			int128 rest = decimal_power[tally_scale(tally) - scale];

			for (; rows[i]->sums[sums[sum]] % rest != 0; rest /= 10)
				scale++;
		}
	return scale;
}

void
program_put_tier(Rows *rows, const ProgramPolicy *program, int rank)
{
	rows_put_name(rows, rank == TIER_NO_RANK ? TIER_NOT_YET : program_tier_name(program, rank));
	rows_put_int(rows, rank);
}

void
program_put_count(Rows *rows, int128 count)
{
	if (count > PG_INT64_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("bigint out of range")));
	rows_put_count(rows, (int64) count);
}

void
program_put_points(Rows *rows, int128 units, int from_scale, int to_scale)
{
	rows_put_decimal(rows, units / decimal_power[from_scale - to_scale], to_scale);
}
