/*
 * retention_call.c
 *		The arguments of a call that say which kind of retention is asked for, and
 *		retention_options(), which makes one value of them for aggregates.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "core/compat.h"
#include "core/json.h"
#include "metric/metric.h"
#include "retention/retention_call.h"

static bool
mode_argument(FunctionCallInfo fcinfo, int n)
{
	static const char *const names[] = { "first", "recurring" };

	return argument_choice(fcinfo, n, "mode", names, lengthof(names), "unknown mode of retention",
						   "") == 1;
}

static void
brackets_argument(FunctionCallInfo fcinfo, int n, RetentionKind *kind)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(n);
	Datum *bounds;
	bool *nulls;
	int nbounds;
	int i;

	if (ARR_NDIM(array) != 2 || ARR_DIMS(array)[1] != 2 || array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("brackets must be an array of pairs of lags"),
						errhint("Write them as in '{{1,3},{4,6}}': from the first to the second, "
								"both included.")));
	deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, &bounds, &nulls, &nbounds);
	kind->nbrackets = nbounds / 2;
	kind->brackets = palloc_extended(kind->nbrackets * sizeof(RetentionBracket), MCXT_ALLOC_HUGE);
	for (i = 0; i < kind->nbrackets; i++)
	{
		kind->brackets[i].from = DatumGetInt32(bounds[2 * i]);
		kind->brackets[i].until = DatumGetInt32(bounds[2 * i + 1]);
	}
}

static bool
is_given(FunctionCallInfo fcinfo, int n)
{
	return n >= 0 && !PG_ARGISNULL(n);
}

RetentionKind
retention_kind_arguments(FunctionCallInfo fcinfo, RetentionPlaces places)
{
	RetentionKind kind = { 0 };
	const char *fault;

	if (places.mode >= 0)
		kind.recurring = mode_argument(fcinfo, places.mode);
	if (is_given(fcinfo, places.brackets))
		brackets_argument(fcinfo, places.brackets, &kind);
	if (is_given(fcinfo, places.rolling))
	{
		kind.rolling = PG_GETARG_INT32(places.rolling);
		metric_check_count("rolling", kind.rolling);
	}
	if (is_given(fcinfo, places.elapsed))
		kind.elapsed = retention_elapsed_of(PG_GETARG_INTERVAL_P(places.elapsed));
	fault = retention_kind_fault(&kind);
	if (fault != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", fault)));
	return kind;
}

RetentionKind
retention_kind_option(const struct varlena *options)
{
	RetentionKind kind = { 0 };

	if (options != NULL)
	{
		/* with a long header, as jsonb is read in place */
		Jsonb *json = DatumGetJsonbP(PointerGetDatum(options));

		json_check_object(&json->root, "retention_options");
		retention_kind_read(&kind, &json->root, false);
	}
	return kind;
}

PG_FUNCTION_INFO_V1(loyalty_retention_options);

Datum
loyalty_retention_options(PG_FUNCTION_ARGS)
{
	RetentionPlaces places = { 0, 1, 2, 3 };
	RetentionKind kind = retention_kind_arguments(fcinfo, places);
	StringInfoData text;

	initStringInfo(&text);
	retention_kind_put(&text, &kind);
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
}
