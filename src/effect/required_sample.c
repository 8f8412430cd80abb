/*
 * required_sample.c
 *		How many customers a campaign takes to show a lift.
 *
 * The two-sided test of two rates by the pooled rate, as R's power.prop.test() has it: the variance
 * is the pooled one where there is no difference, and that of both rates where there is. With the
 * share s of all n that is treated, p1 and p0 the rates, d = p1 - p0, and the pooled rate
 * p = s p1 + (1 - s) p0:
 *
 *		n = (z_a sqrt(p (1 - p) / (s (1 - s))) + z_b sqrt(p1 (1 - p1) / s + p0 (1 - p0) / (1 -
 *		s)))^2 / d^2
 *
 * Fleiss, J. L., Levin, B. and Paik, M. C. (2003): Statistical Methods for Rates and Proportions,
 * 3rd ed., chapter 4, without correction for continuity.
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"

#include "effect/effect_internal.h"

PG_FUNCTION_INFO_V1(loyalty_required_sample);

/* The rate that base_rate becomes. */
static double
lifted_rate(double base_rate, double lift)
{
	double rate = base_rate * (1 + lift);

	if (!(base_rate > 0 && base_rate < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("base_rate must be between 0 and 1, not %g", base_rate)));
	if (lift == 0 || !(rate >= 0 && rate <= 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						lift == 0 ? errmsg("lift must not be 0")
								  : errmsg("a lift of %g makes a rate of %g of base_rate %g", lift,
										   rate, base_rate),
						errhint("Lift is relative: 0.1 is 10 %% more, from 0.2 to 0.22.")));
	return rate;
}

static void report_out_of_range(double sample) pg_attribute_noreturn();

static void
report_out_of_range(double sample)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("a sample of %g is out of range", sample)));
}

/* A number of customers, rounded up: one at least. */
static int64
whole_customers(double number)
{
	number = Max(ceil(number), 1);
	if (!(number < 9e18))
		report_out_of_range(number);
	return (int64) number;
}

/* required_sample(base_rate, lift, power, confidence, planned_share) */
Datum
loyalty_required_sample(PG_FUNCTION_ARGS)
{
	double p0 = PG_GETARG_FLOAT8(0);
	double p1 = lifted_rate(p0, PG_GETARG_FLOAT8(1));
	double power = effect_share_argument(fcinfo, 2, "power");
	double z_a = confidence_quantile(PG_GETARG_FLOAT8(3));
	double s = effect_share_argument(fcinfo, 4, "planned_share");
	double pooled = s * p1 + (1 - s) * p0;
	double d = p0 * PG_GETARG_FLOAT8(1);
	double root = z_a * sqrt(pooled * (1 - pooled) / (s * (1 - s))) +
				  normal_quantile(power) * sqrt(p1 * (1 - p1) / s + p0 * (1 - p0) / (1 - s));
	double exact = root > 0 ? (root / d) * (root / d) : 0;
	int64 treated = whole_customers(exact * s);
	int64 control = whole_customers(exact * (1 - s));
	int64 total;
	Rows rows;

	if (pg_add_s64_overflow(treated, control, &total))
		report_out_of_range(exact);
	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	rows_put_count(&rows, treated);
	rows_put_count(&rows, control);
	rows_put_count(&rows, total);
	rows_put_float(&rows, exact);
	return rows_record(&rows);
}
