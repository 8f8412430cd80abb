/*
 * comparison.c
 *		Order, equality and hashing of types whose equal values have equal bytes.
 *
 * The order is that of the bytes: it means nothing to a person, but lets
 * DISTINCT, GROUP BY, UNION and IS DISTINCT FROM work.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"

#include "core/codec.h"
#include "core/comparison.h"

PG_FUNCTION_INFO_V1(loyalty_bytes_hash);
PG_FUNCTION_INFO_V1(loyalty_bytes_hash_extended);

static int
compare_bytes(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	ByteSpan a_bytes = { (const uint8 *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a) };
	ByteSpan b_bytes = { (const uint8 *) VARDATA_ANY(b), VARSIZE_ANY_EXHDR(b) };
	int result = span_compare(a_bytes, b_bytes);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

COMPARISON_FUNCTIONS(loyalty_bytes, compare_bytes);

Datum
loyalty_bytes_hash(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	Datum hash = hash_any((unsigned char *) VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value));

	PG_FREE_IF_COPY(value, 0);
	PG_RETURN_DATUM(hash);
}

Datum
loyalty_bytes_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);
	Datum hash = hash_any_extended((unsigned char *) VARDATA_ANY(value),
								   (int) VARSIZE_ANY_EXHDR(value), PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(value, 0);
	PG_RETURN_DATUM(hash);
}
