/*
 * effect_sums.c
 *		Exact sums of values, their squares and products; and what is made of them: the difference
 *		of large numbers that are nearly the same, without losing digits.
 *
 * Sums are integers of 128 bits, so that they don't depend on the order of rows, or on who counted
 * which. What is multiplied with them goes beyond that, and is the server's numeric.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/int128.h"
#include "effect/effect_internal.h"

/* ---- adding values ---- */

DecimalReader
effect_reader(FunctionCallInfo fcinfo, int n, const char *name)
{
	Oid type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, n));
	DecimalReader reader = decimal_reader(type);

	if (reader == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s can't be of type %s", name, format_type_be(type)),
				 errhint("Give a number, of any type: an amount, or a count of something.")));
	return reader;
}

Decimal
effect_value(DecimalReader reader, Datum datum)
{
	Decimal value = reader(datum);

	if (unlikely(value.scale > EFFECT_MAX_DECIMALS))
	{
		int scale = decimal_minimal_scale(value.units, value.scale);

		if (scale > EFFECT_MAX_DECIMALS)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("value %s has more than %d decimals",
								   decimal_to_text(value.units, value.scale), EFFECT_MAX_DECIMALS),
							errdetail("Squares are summed exactly, and have twice as many."),
							errhint("Use round(), as in round(value::numeric, 2).")));
		value.units /= decimal_power[value.scale - scale];
		value.scale = scale;
	}
	return value;
}

static void report_sum(const Tally *tally, int sum) pg_attribute_noreturn();

static void
report_sum(const Tally *tally, int sum)
{
	decimal_report_sum(tally_shape(tally)->sums[sum].name);
}

void
effect_add_value(Tally *tally, TallyRow *row, int sum, Decimal value)
{
	int128 factor = tally_use_scale(tally, 2 * value.scale);
	int128 amount;

	if (int128_mul_overflow((int128) value.units * decimal_power[value.scale], factor, &amount))
		report_sum(tally, sum);
	tally_add(tally, row, sum, amount);
}

void
effect_add_product(Tally *tally, TallyRow *row, int sum, Decimal a, Decimal b)
{
	int scale = Max(a.scale, b.scale);
	int128 factor = tally_use_scale(tally, 2 * scale);
	int128 product = (int128) a.units * b.units;

	if (int128_mul_overflow(product, decimal_power[2 * scale - a.scale - b.scale], &product) ||
		int128_mul_overflow(product, factor, &product))
		report_sum(tally, sum);
	tally_add(tally, row, sum, product);
}

/* ---- exact numbers ---- */

Numeric
exact_sum(const Tally *tally, int128 sum)
{
	return decimal_sum_to_numeric(sum, tally_scale(tally));
}

double
arms_distance(const Arms *arms)
{
	const Arm *treated = &arms->arm[ARM_TREATED];
	const Arm *control = &arms->arm[ARM_CONTROL];

	return exact_float(exact_minus(exact_times(treated->sum, exact_whole(control->n)),
								   exact_times(control->sum, exact_whole(treated->n))));
}

void
arms_add_sizes(Arms *to, const Arms *from)
{
	int128 all = 0;
	int i;

	for (i = 0; i < (int) lengthof(to->arm); i++)
	{
		all += (int128) to->arm[i].n + to->arm[i].missing + from->arm[i].n + from->arm[i].missing;
		if (all > PG_INT64_MAX)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("number of those assigned is out of range")));
		to->arm[i].n += from->arm[i].n;
		to->arm[i].missing += from->arm[i].missing;
	}
}
