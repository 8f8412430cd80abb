/*
 * policy_type.c
 *		The SQL types of policies: I/O of their types, the cast from jsonb, their constructors,
 *		and the cache of a call.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/argument.h"
#include "core/codec.h"
#include "core/compat.h"
#include "policy/policy.h"

/* ---- the stored form ---- */

struct varlena *
policy_pack(const char *text)
{
	Size len = strlen(text);
	Size size = VARHDRSZ + 1 + len;
	struct varlena *policy = datum_allocate(size, "policy", "Write shorter rules.");

	VARDATA(policy)[0] = POLICY_VERSION;
	memcpy(VARDATA(policy) + 1, text, len);
	return policy;
}

char *
policy_unpack(const struct varlena *policy)
{
	Size len = VARSIZE_ANY_EXHDR(policy);
	const char *bytes = VARDATA_ANY(policy);

	if (len < 1 || bytes[0] != POLICY_VERSION)
		report_corrupted();
	return pnstrdup(bytes + 1, len - 1);
}

static struct varlena *
policy_from_object(const PolicyTable *table, JsonbContainer *json)
{
	return policy_pack(policy_text(table, policy_read(table, json)));
}

void *
policy_open_text(const PolicyTable *table, const char *text)
{
	return policy_read(table, json_parse_object(text, table->type));
}

void *
policy_open(const struct varlena *policy, const PolicyTable *table)
{
	return policy_open_text(table, policy_unpack(policy));
}

/* The policy that a JSON text means; everything is checked. */
static struct varlena *
policy_from_text(const PolicyTable *table, const char *text)
{
	JsonbContainer *json = json_parse_object(text, table->type);

	json_check_unique_keys(text, table->type);
	return policy_from_object(table, json);
}

char *
policy_canonical(const PolicyTable *table, const char *text)
{
	return policy_unpack(policy_from_text(table, text));
}

struct varlena *
policy_from_json(const PolicyTable *table, const struct varlena *json)
{
	Jsonb *rules = DatumGetJsonbP(PointerGetDatum(json));

	json_check_object(&rules->root, table->type);
	return policy_from_object(table, &rules->root);
}

/* ---- I/O and the cast ---- */

Datum
policy_in(FunctionCallInfo fcinfo, const PolicyTable *table)
{
	PG_RETURN_POINTER(policy_from_text(table, PG_GETARG_CSTRING(0)));
}

Datum
policy_out(FunctionCallInfo fcinfo)
{
	PG_RETURN_CSTRING(policy_unpack(PG_GETARG_VARLENA_PP(0)));
}

/* Binary I/O is the text. */
Datum
policy_recv(FunctionCallInfo fcinfo, const PolicyTable *table)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int len;

	PG_RETURN_POINTER(
		policy_from_text(table, pq_getmsgtext(message, message->len - message->cursor, &len)));
}

Datum
policy_send(FunctionCallInfo fcinfo)
{
	char *text = policy_unpack(PG_GETARG_VARLENA_PP(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendtext(&out, text, (int) strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/*
 * The cast from jsonb. A column of rules mostly has the same for many rows that follow each other,
 * so the last one is kept.
 */
Datum
policy_cast(FunctionCallInfo fcinfo, const PolicyTable *table, PolicyOpener from_json)
{
	const struct varlena *policy = policy_argument(fcinfo, 0, table, from_json);
	struct varlena *copy = palloc(VARSIZE(policy));

	memcpy(copy, policy, VARSIZE(policy));
	PG_RETURN_POINTER(copy);
}

/* ---- in a call ---- */

/* An argument's policy; a call may have several. */
typedef struct PolicyCache
{
	struct PolicyCache *next;
	int argument;
	MemoryContext context; /* what belongs to this policy */
	void *opened;		   /* NULL: none */
	ZoneDays *zone;		   /* the session's, then */
	Size len;
	char *bytes;
} PolicyCache;

void *
policy_argument(FunctionCallInfo fcinfo, int n, const PolicyTable *table, PolicyOpener open)
{
	FmgrInfo *flinfo = fcinfo->flinfo;
	PolicyCache *cache;
	struct varlena *policy;
	MemoryContext caller;

	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("policy must not be null"),
						errhint("%s", table->null_hint)));
	policy = PG_GETARG_VARLENA_PP(n);
	for (cache = flinfo->fn_extra; cache != NULL; cache = cache->next)
		if (cache->argument == n)
			break;
	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(PolicyCache));
		cache->argument = n;
		cache->context =
			AllocSetContextCreate(flinfo->fn_mcxt, "loyalty policy", ALLOCSET_SMALL_SIZES);
		cache->next = flinfo->fn_extra;
		flinfo->fn_extra = cache;
	}
	if (cache->opened == NULL || cache->zone != zone_of_session() ||
		cache->len != VARSIZE_ANY_EXHDR(policy) ||
		memcmp(cache->bytes, VARDATA_ANY(policy), cache->len) != 0)
	{
		cache->opened = NULL;
		cache->zone = zone_of_session();
		MemoryContextReset(cache->context);
		caller = MemoryContextSwitchTo(cache->context);
		cache->len = VARSIZE_ANY_EXHDR(policy);
		cache->bytes = palloc(cache->len);
		memcpy(cache->bytes, VARDATA_ANY(policy), cache->len);
		cache->opened = open(policy);
		MemoryContextSwitchTo(caller);
	}
	PG_FREE_IF_COPY(policy, n);
	return cache->opened;
}

/* ---- make_<type>() ---- */

static void
set_string(JsonbValue *value, const char *text)
{
	value->type = jbvString;
	value->val.string.val = (char *) text;
	value->val.string.len = (int) strlen(text);
}

static void
set_number(JsonbValue *value, const char *key, const char *type, Numeric number)
{
	if (numeric_is_nan(number) || numeric_is_inf(number))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("\"%s\" of %s must be a finite number", key, a_type(type))));
	value->type = jbvNumeric;
	value->val.numeric = number;
}

static void
set_interval(JsonbValue *value, const char *key, const char *type, bool may_be_zero, Datum datum)
{
	Interval *interval = DatumGetIntervalP(datum);

	policy_check_interval(interval, may_be_zero, type, key,
						  DatumGetCString(DirectFunctionCall1(interval_out, datum)));
	set_string(value, policy_interval_text(interval));
}

static void
set_json(JsonbValue *value, Jsonb *json)
{
	value->type = jbvBinary;
	value->val.binary.data = &json->root;
	value->val.binary.len = (int) VARSIZE(json) - VARHDRSZ;
}

static void
set_texts(JsonbValue *value, const char *key, const char *type, Datum datum)
{
	Datum *elements;
	bool *nulls;
	int count;
	int i;
	JsonbBuild array = { 0 };

	argument_refuse_matrix(DatumGetArrayTypeP(datum), psprintf("\"%s\" of %s", key, a_type(type)));
	deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &count);
	jsonb_push(&array, WJB_BEGIN_ARRAY, NULL);
	for (i = 0; i < count; i++)
	{
		JsonbValue element;

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("\"%s\" of %s has a NULL element", key, a_type(type))));
		set_string(&element, TextDatumGetCString(elements[i]));
		jsonb_push(&array, WJB_ELEM, &element);
	}
	jsonb_push(&array, WJB_END_ARRAY, NULL);
	set_json(value, JsonbValueToJsonb(array.result));
}

static void
set_argument(JsonbValue *value, const PolicyKey *key, const char *type, Datum datum)
{
	PolicyKeyType given_as = key->type == POLICY_CUSTOM ? key->given_as : key->type;

	switch (given_as)
	{
		case POLICY_CUSTOM:
		case POLICY_VERSIONS:
		case POLICY_JSON:
			set_json(value, DatumGetJsonbP(datum));
			break;
		case POLICY_NUMBER:
		case POLICY_NUMBER_OR_ZERO:
			set_number(value, key->name, type, DatumGetNumeric(datum));
			break;
		case POLICY_COUNT:
			set_number(value, key->name, type, int64_to_numeric(DatumGetInt32(datum)));
			break;
		case POLICY_CHOICE:
		case POLICY_DAY:
		case POLICY_TEXT:
		case POLICY_ZONE:
			set_string(value, TextDatumGetCString(datum));
			break;
		case POLICY_TEXTS:
			set_texts(value, key->name, type, datum);
			break;
		case POLICY_BOOL:
			value->type = jbvBool;
			value->val.boolean = DatumGetBool(datum);
			break;
		case POLICY_INTERVAL:
		case POLICY_INTERVAL_OR_ZERO:
			set_interval(value, key->name, type, given_as == POLICY_INTERVAL_OR_ZERO, datum);
			break;
		case POLICY_POLICY:
			set_json(value, DatumGetJsonbP(DirectFunctionCall1(
								jsonb_in,
								CStringGetDatum(policy_unpack(PG_DETOAST_DATUM_PACKED(datum))))));
			break;
	}
}

static void
push_argument(FunctionCallInfo fcinfo, const PolicyTable *table, const PolicyKey *key, int n,
			  JsonbBuild *object)
{
	JsonbValue name;
	JsonbValue value;

	if (PG_ARGISNULL(n))
	{
		if (key->required)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", key->name), errhint("%s", table->null_hint)));
		return;
	}
	set_string(&name, key->name);
	set_argument(&value, key, table->type, PG_GETARG_DATUM(n));
	jsonb_push(object, WJB_KEY, &name);
	jsonb_push(object, WJB_VALUE, &value);
}

Datum
policy_make(FunctionCallInfo fcinfo, const PolicyTable *table)
{
	JsonbBuild object = { 0 };
	const PolicyKey *key;

	jsonb_push(&object, WJB_BEGIN_OBJECT, NULL);
	for (key = table->keys; key->name != NULL; key++)
		if (key->argument > 0)
			push_argument(fcinfo, table, key, key->argument - 1, &object);
	jsonb_push(&object, WJB_END_OBJECT, NULL);
	PG_RETURN_POINTER(policy_from_object(table, &JsonbValueToJsonb(object.result)->root));
}
