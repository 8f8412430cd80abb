/*
 * program_triangle.c
 *		What became of the points of each period, age by age, under a programme: program_triangle(),
 *		its result and table, and that as one of points, which rates and liabilities are of.
 */
#include "postgres.h"

#include "fmgr.h"

#include "metric/tally.h"
#include "points/points.h"
#include "program/program_internal.h"

PG_FUNCTION_INFO_V1(loyalty_program_triangle_table);
PG_FUNCTION_INFO_V1(loyalty_program_triangle_points);

static const char *
find_fault(const Tally *tally)
{
	const char *fault = program_period_fault(tally);

	return fault != NULL ? fault : points_triangle_fault(tally);
}

static const TallyShape shape = {
	.type = "program_triangle_result",
	.maker = "program_triangle() and rollup()",
	.nparameters = PROGRAM_PERIOD_PARAMETERS,
	.parameters = program_period_parameters,
	.nkeys = POINTS_TRIANGLE_KEYS,
	.keys = points_triangle_keys,
	.nsums = TRIANGLE_SUMS,
	.sums = points_triangle_columns,
	.fault = find_fault,
};

static const Metric metric = { PROGRAM_METRIC,
							   .shape = &shape,
							   .narguments = PROGRAM_PERIOD_ARGUMENTS,
							   .arguments = program_period_arguments,
							   .kind = PROGRAM_TRIANGLE,
							   .eventless = METRIC_IGNORE_EVENTLESS };

/* loyalty_program_triangle_result_in, loyalty_program_triangle_result_out,
 * loyalty_program_triangle_result_recv, loyalty_program_triangle_result_send,
 * loyalty_program_triangle_result_merge,
 * loyalty_program_triangle_result_scope */
TALLY_TYPE(program_triangle_result, &shape)

/* loyalty_program_triangle, (base, program, period, as_of, by_label);
 * loyalty_program_triangle_accum */
METRIC_FUNCTIONS(program_triangle, &metric)

/* program_triangle_table(result) */
Datum
loyalty_program_triangle_table(PG_FUNCTION_ARGS)
{
	points_triangle_put(fcinfo, tally_argument(fcinfo, 0, &shape));
	return (Datum) 0;
}

/* The rules of the points as those of a ledger: where points wait for an event, some kind is one.
 */
static const PointsPolicy *
points_of(const ProgramPolicy *program)
{
	PointsPolicy *points = program->points;
	const EarnPolicy *earn = program->earn;
	bool waits = false;
	int i;

	for (i = 0; i < points->nversions; i++)
		waits |= points->versions[i].until_activated;
	if (!waits)
		return points;
	points->kinds = palloc_extended(earn->nkinds * sizeof(PointsKind), MCXT_ALLOC_HUGE);
	for (i = 0; i < earn->nkinds; i++)
		if (earn->kinds[i].role == EARN_ACTIVATE)
		{
			points->kinds[points->nkinds].kind = earn->kinds[i].kind;
			points->kinds[points->nkinds++].role = POINTS_ACTIVATE;
		}
	return points;
}

/* points_triangle_result(result) */
Datum
loyalty_program_triangle_points(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	const ProgramPolicy *program = program_of_result(tally, "program");

	PG_RETURN_POINTER(
		tally_encode(points_triangle_of(tally, program != NULL ? points_of(program) : NULL)));
}
