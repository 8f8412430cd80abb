/*
 * argument.c
 *		Arguments of SQL functions: what they may not be, and copies that outlive a call.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "core/codec.h"
#include "core/compat.h"
#include "core/json.h"

void
argument_refuse_null(FunctionCallInfo fcinfo, int n, const char *name, const char *hint)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name),
				 hint != NULL ? errhint("%s", hint) : 0));
}

bool
argument_beside_null(FunctionCallInfo fcinfo, Datum *result)
{
	int beside = PG_ARGISNULL(0) ? 1 : 0;

	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1))
		return false;
	fcinfo->isnull = PG_ARGISNULL(beside);
	*result = fcinfo->isnull ? (Datum) 0 : PG_GETARG_DATUM(beside);
	return true;
}

int
choice_find(const char *text, size_t len, const char *const *names, int nnames)
{
	int i;

	for (i = 0; i < nnames; i++)
		if (names[i] != NULL && strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
			return i;
	return -1;
}

int
choice_of(const char *text, size_t len, const char *const *names, int nnames, int sqlstate,
		  const char *refusal, const char *quote)
{
	int number = choice_find(text, len, names, nnames);
	StringInfoData allowed;
	int i;

	if (number >= 0)
		return number;
	initStringInfo(&allowed);
	for (i = 0; i < nnames; i++)
		if (names[i] != NULL)
			appendStringInfo(&allowed, "%s%s%s%s", allowed.len > 0 ? ", " : "", quote, names[i],
							 quote);
	ereport(ERROR,
			(errcode(sqlstate), errmsg("%s \"%.*s%s\"", refusal, JSON_SHOWN(text, (int) len)),
			 errhint("Allowed: %s.", allowed.data)));
}

int
argument_choice(FunctionCallInfo fcinfo, int n, const char *name, const char *const *names,
				int nnames, const char *refusal, const char *quote)
{
	const struct varlena *text;

	argument_refuse_null(fcinfo, n, name, NULL);
	text = PG_GETARG_VARLENA_PP(n);
	return choice_of(VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text), names, nnames,
					 ERRCODE_INVALID_PARAMETER_VALUE, refusal, quote);
}

TimestampTz
argument_instant(FunctionCallInfo fcinfo, int n, const char *name)
{
	TimestampTz at;

	argument_refuse_null(fcinfo, n, name, "Give an instant, or leave it out for now.");
	at = PG_GETARG_TIMESTAMPTZ(n);
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("%s must be finite, not '%s'", name,
							   TIMESTAMP_IS_NOEND(at) ? "infinity" : "-infinity")));
	return at;
}

struct varlena *
argument_copy(const struct varlena *value)
{
	struct varlena *copy;
	Size size;

	if (value == NULL)
		return NULL;
	size = VARSIZE_ANY_EXHDR(value);
	copy = datum_allocate(VARHDRSZ + size, "argument", "Give a shorter one.");
	memcpy(VARDATA(copy), VARDATA_ANY(value), size);
	return copy;
}

bool
argument_same(const struct varlena *a, const struct varlena *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		   memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

void
argument_refuse_matrix(const ArrayType *array, const char *name)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be an array of one dimension", name)));
}

void
any_text_open(FunctionCallInfo fcinfo, int n, AnyText *reader)
{
	Oid type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, n));
	Oid output;
	bool is_varlena;

	reader->is_text = type == TEXTOID || type == VARCHAROID;
	getTypeOutputInfo(type, &output, &is_varlena);
	fmgr_info_cxt(output, &reader->output, fcinfo->flinfo->fn_mcxt);
}

const char *
any_text(AnyText *reader, Datum value, int *len)
{
	const char *made;

	if (reader->is_text)
	{
		const text *name = DatumGetTextPP(value);

		*len = (int) VARSIZE_ANY_EXHDR(name);
		return VARDATA_ANY(name);
	}
	made = OutputFunctionCall(&reader->output, value);
	*len = (int) strlen(made);
	return made;
}
