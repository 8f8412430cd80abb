/*
 * wallet.c
 *		Which share of what a customer spends on a category is ours: share_of_wallet(), and
 *		wallet_allocation(), which tells it from how he ranks brands.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"

PG_FUNCTION_INFO_V1(loyalty_share_of_wallet);
PG_FUNCTION_INFO_V1(loyalty_wallet_allocation);

/* An amount that is finite, and not below 0. */
static double
amount_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	double amount = PG_GETARG_FLOAT8(n);

	if (isnan(amount) || isinf(amount))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s must be finite", name), errhint("What isn't known is NULL.")));
	if (amount < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative: %g", name, amount),
				 errhint("Where more was given back than bought, use greatest(amount, 0).")));
	return amount;
}

/* share_of_wallet(ours, total) */
Datum
loyalty_share_of_wallet(PG_FUNCTION_ARGS)
{
	double ours = amount_argument(fcinfo, 0, "ours");
	double total = amount_argument(fcinfo, 1, "total");

	if (ours > total)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ours must be part of total: %g of %g", ours, total),
				 errhint("total is all that is spent on the category, with us and with others. "
						 "Where that was told too low, use greatest(total, ours).")));
	if (total == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(ours / total);
}

/* wallet_allocation(rank, brands) */
Datum
loyalty_wallet_allocation(PG_FUNCTION_ARGS)
{
	double rank = PG_GETARG_FLOAT8(0);
	int32 brands = PG_GETARG_INT32(1);

	if (brands < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("brands must be 1 or more, not %d", brands),
						errhint("Count the brands that the customer buys, yours included.")));
	if (!(rank >= 1 && rank <= brands))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("rank must be from 1 to brands, which is %d, not %g", brands, rank),
						errhint("1 is the best; brands that tie have the mean of their ranks.")));
	PG_RETURN_FLOAT8((1 - rank / (brands + 1.0)) * (2.0 / brands));
}
