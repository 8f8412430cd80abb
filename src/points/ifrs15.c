/*
 * ifrs15.c
 *		Revenue from sales that come with points: what of the price belongs to the
 *		points, and when it is earned.
 *
 * Points that a customer gets for buying are a right that was paid for with the goods
 * (IFRS 15 B39-B43; ASC 606-10-55-41 to 45). The price is divided by stand-alone
 * selling prices, where points count by how likely they are to be redeemed:
 *
 *		points' = points * value_per_point * redemption_rate
 *		deferred = price * points' / (price + points')
 *
 * What is deferred becomes revenue as points are redeemed, in proportion to all that
 * ever will be, so that the share of those that won't be comes along (B44-B47; ASC
 * 606-10-55-46 to 49). A new estimate applies to the past as well. Illustrative
 * Example 52 (ASC: Example 52 too) goes through both.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core/decimal.h"

PG_FUNCTION_INFO_V1(loyalty_ifrs15_allocation);
PG_FUNCTION_INFO_V1(loyalty_ifrs15_revenue);

static Numeric
calculate(PGFunction operation, Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(operation, NumericGetDatum(a), NumericGetDatum(b)));
}

static char *
text_of(Numeric number)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
}

static Numeric
amount_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	Numeric amount = PG_GETARG_NUMERIC(n);

	if (numeric_is_nan(amount) || numeric_is_inf(amount))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be finite, not %s", name, text_of(amount)),
						errhint("An amount that isn't known is NULL, and so is the answer.")));
	if (numeric_compare(amount, int64_to_numeric(0)) < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must not be negative, but is %s", name, text_of(amount)),
						errhint("Take returns off the sales of their own period first.")));
	return amount;
}

static Numeric
rate_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	Numeric rate = PG_GETARG_NUMERIC(n);

	/* NaN is above all numbers */
	if (numeric_compare(rate, int64_to_numeric(0)) < 0 ||
		numeric_compare(rate, int64_to_numeric(1)) > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be between 0 and 1, not %s", name, text_of(rate)),
						errhint("A rate of 95 %% is 0.95.")));
	return rate;
}

Datum
loyalty_ifrs15_allocation(PG_FUNCTION_ARGS)
{
	Numeric price = amount_argument(fcinfo, 0, "price");
	Numeric points = amount_argument(fcinfo, 1, "points");
	Numeric value = amount_argument(fcinfo, 2, "value_per_point");
	Numeric rate = rate_argument(fcinfo, 3, "redemption_rate");
	Numeric selling_price = calculate(numeric_mul, calculate(numeric_mul, points, value), rate);
	Numeric both = calculate(numeric_add, price, selling_price);
	Numeric deferred = int64_to_numeric(0);
	TupleDesc desc;
	Datum columns[2];
	bool nulls[2] = { false, false };

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (numeric_compare(both, int64_to_numeric(0)) > 0)
		deferred = calculate(numeric_div, calculate(numeric_mul, price, selling_price), both);
	columns[0] = NumericGetDatum(calculate(numeric_sub, price, deferred));
	columns[1] = NumericGetDatum(deferred);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), columns, nulls)));
}

/*
 * Not more than was deferred: the price doesn't grow with redemptions beyond the
 * estimate (B46 distributes the liability there is). Where as many are redeemed as
 * ever will be, nothing is owed any more, even if that is none at all: an expectation
 * of 0 says that redemption is remote, and B46 then makes the rest revenue at once.
 */
Datum
loyalty_ifrs15_revenue(PG_FUNCTION_ARGS)
{
	Numeric deferred = amount_argument(fcinfo, 0, "deferred");
	Numeric redeemed = amount_argument(fcinfo, 1, "redeemed_to_date");
	Numeric expected = amount_argument(fcinfo, 2, "expected_total");

	if (numeric_compare(redeemed, expected) >= 0)
		PG_RETURN_NUMERIC(deferred);
	PG_RETURN_NUMERIC(calculate(numeric_div, calculate(numeric_mul, deferred, redeemed), expected));
}
