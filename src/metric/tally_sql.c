/*
 * tally_sql.c
 *		The SQL face of tallies: I/O of their types, and aggregates whose state is a result.
 *
 * A state is an expanded object in a memory context of its own below the aggregate's. It is
 * flattened when a worker hands it over, or when a result is wanted: then the fold's counts
 * go into the tally first. The fold can go on after that.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "core/rows.h"
#include "metric/tally.h"

/* ---- I/O ---- */

Datum
tally_in(FunctionCallInfo fcinfo, const TallyShape *shape)
{
	PG_RETURN_POINTER(tally_encode(tally_from_text(shape, PG_GETARG_CSTRING(0))));
}

Datum
tally_out(FunctionCallInfo fcinfo, const TallyShape *shape)
{
	PG_RETURN_CSTRING(tally_to_text(tally_argument(fcinfo, 0, shape)));
}

Datum
tally_recv(FunctionCallInfo fcinfo, const TallyShape *shape)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int len = message->len - message->cursor;
	const uint8 *bytes = (const uint8 *) pq_getmsgbytes(message, len);

	PG_RETURN_POINTER(tally_encode(tally_from_bytes(shape, bytes, (size_t) len)));
}

Datum
tally_send(FunctionCallInfo fcinfo, const TallyShape *shape)
{
	PG_RETURN_BYTEA_P((bytea *) tally_to_bytes(tally_argument(fcinfo, 0, shape)));
}

/* ---- states ---- */

static void
flush(TallyState *state)
{
	MemoryContext old;

	if (state->fold == NULL)
		return;
	old = MemoryContextSwitchTo(state->header.eoh_context);
	state->flush(state->fold, state->tally);
	MemoryContextSwitchTo(old);
}

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	TallyState *state = (TallyState *) header;
	MemoryContext old;

	flush(state);
	old = MemoryContextSwitchTo(header->eoh_context);
	if (state->flat != NULL)
		pfree(state->flat);
	state->flat = NULL;
	state->flat = tally_encode(state->tally);
	MemoryContextSwitchTo(old);
	return VARSIZE(state->flat);
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	memcpy(result, ((TallyState *) header)->flat, allocated_size);
}

static const ExpandedObjectMethods tally_methods = { get_flat_size, flatten_into };

/* The state that an argument is, expanded; NULL where it is flat. */
static TallyState *
expanded_argument(FunctionCallInfo fcinfo, int n, const TallyShape *shape)
{
	Datum datum = PG_GETARG_DATUM(n);
	TallyState *state;

	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum)))
		return NULL;
	state = (TallyState *) DatumGetEOHP(datum);
	if (state->header.eoh_methods != &tally_methods || tally_shape(state->tally) != shape)
		return NULL;
	return state;
}

Tally *
tally_argument(FunctionCallInfo fcinfo, int n, const TallyShape *shape)
{
	TallyState *state = expanded_argument(fcinfo, n, shape);

	if (state == NULL)
		return tally_decode(shape, PG_GETARG_VARLENA_PP(n));
	flush(state);
	return state->tally;
}

/* A copy of a tally in the current context. */
static Tally *
copy_tally(const Tally *from)
{
	Tally *copy = tally_create(tally_shape(from));
	int i;

	for (i = 0; i < tally_shape(from)->nparameters; i++)
		tally_set_parameter(copy, i, tally_parameter(from, i));
	tally_add_tally(copy, from);
	return copy;
}

/* A state of its own for the result in an argument; an empty one where it is NULL. */
static TallyState *
new_state(FunctionCallInfo fcinfo, int n, const TallyShape *shape)
{
	TallyState *source = PG_ARGISNULL(n) ? NULL : expanded_argument(fcinfo, n, shape);
	struct varlena *flat = PG_ARGISNULL(n) || source != NULL ? NULL : PG_GETARG_VARLENA_PP(n);
	MemoryContext parent;
	MemoryContext context;
	MemoryContext old;
	TallyState *state;

	if (source != NULL)
		flush(source);
	if (!AggCheckCallContext(fcinfo, &parent))
		parent = CurrentMemoryContext;
	context = AllocSetContextCreate(parent, "loyalty tally", ALLOCSET_START_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	state = palloc0(sizeof(TallyState));
	EOH_init_header(&state->header, &tally_methods, context);
	if (source != NULL)
		state->tally = copy_tally(source->tally);
	else
		state->tally = flat != NULL ? tally_decode(shape, flat) : tally_create(shape);
	MemoryContextSwitchTo(old);
	return state;
}

TallyState *
tally_state(FunctionCallInfo fcinfo, int n, const TallyShape *shape, bool *is_new)
{
	*is_new = PG_ARGISNULL(n);
	if (!*is_new && VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(PG_GETARG_DATUM(n))))
	{
		TallyState *state = expanded_argument(fcinfo, n, shape);

		if (state != NULL)
			return state;
	}
	return new_state(fcinfo, n, shape);
}

/* Adds a result to a result: rollup(), and the combine function of the other aggregates. */
Datum
tally_merge(FunctionCallInfo fcinfo, const TallyShape *shape)
{
	TallyState *state;
	bool is_new;

	if (PG_ARGISNULL(0))
	{
		if (PG_ARGISNULL(1))
			PG_RETURN_NULL();
		state = new_state(fcinfo, 1, shape);
	}
	else
	{
		state = tally_state(fcinfo, 0, shape, &is_new);
		if (!PG_ARGISNULL(1))
			tally_add_tally(state->tally, tally_argument(fcinfo, 1, shape));
	}
	TALLY_RETURN_STATE(state);
}

/* ---- what a result is about ---- */

/* The parameters that have a column of their own; what is left goes into one object. */
static bool
has_column(const TallyParameter *parameter)
{
	static const char *const columns[] = { "period", "zone",   "as_of",	 "to_day",
										   "until",	 "policy", "program" };
	int i;

	for (i = 0; i < (int) lengthof(columns); i++)
		if (strcmp(columns[i], parameter->name) == 0)
			return true;
	return parameter->is_latest;
}

static const char *
text_of(const Tally *tally, const char *name)
{
	int number = tally_parameter_number(tally_shape(tally), name);

	return number >= 0 ? tally_parameter(tally, number) : NULL;
}

/* Either of two parameters: a metric has one of them at most. */
static const char *
either(const Tally *tally, const char *name, const char *other)
{
	const char *text = text_of(tally, name);

	return text != NULL ? text : text_of(tally, other);
}

static void
put_json(Rows *rows, const char *text)
{
	if (text != NULL)
		rows_put_datum(rows, DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	else
		rows_put_null(rows);
}

/* All other parameters, as an object; NULL where a metric has none. */
static const char *
other_parameters(const Tally *tally)
{
	const TallyShape *shape = tally_shape(tally);
	StringInfoData out;
	int i;

	initStringInfo(&out);
	for (i = 0; i < shape->nparameters; i++)
	{
		const char *text = tally_parameter(tally, i);

		if (has_column(&shape->parameters[i]))
			continue;
		appendStringInfoString(&out, out.len == 0 ? "{" : ", ");
		escape_json(&out, shape->parameters[i].name);
		appendStringInfoString(&out, ": ");
		if (text == NULL)
			appendStringInfoString(&out, "null");
		else if (shape->parameters[i].is_json)
			appendStringInfoString(&out, text);
		else
			escape_json(&out, text);
	}
	if (out.len == 0)
		return NULL;
	appendStringInfoChar(&out, '}');
	return out.data;
}

/* The zone in which days were counted: it is noted by itself, or in the period. */
static const char *
zone_text(const Tally *tally)
{
	const char *zone = text_of(tally, "zone");
	Calendar calendar;

	if (zone == NULL && tally_calendar(tally, &calendar))
		zone = calendar.zone;
	return zone;
}

/* The day up to which it counts: where none was asked for, the last one with an event. */
static const char *
last_day(const Tally *tally)
{
	const TallyShape *shape = tally_shape(tally);
	const char *day = either(tally, "as_of", "to_day");
	int i;

	if (day == NULL)
		day = text_of(tally, "until");
	for (i = 0; i < shape->nparameters && day == NULL; i++)
		if (shape->parameters[i].is_latest)
			day = tally_parameter(tally, i);
	return day;
}

/* result_scope(result) */
Datum
tally_scope(FunctionCallInfo fcinfo, const TallyShape *shape)
{
	const Tally *tally = tally_argument(fcinfo, 0, shape);
	const char *policy = either(tally, "policy", "program");
	const char *day = last_day(tally);
	DateADT as_of;
	Rows rows;

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	rows_put_text(&rows, shape->type, (int) (strlen(shape->type) - strlen("_result")));
	rows_put_name(&rows, text_of(tally, "period"));
	rows_put_name(&rows, zone_text(tally));
	if (day != NULL && day_parse(day, strlen(day), &as_of) == DAY_READ)
		rows_put_day(&rows, as_of);
	else
		rows_put_null(&rows);
	put_json(&rows, policy);
	put_json(&rows, other_parameters(tally));
	rows_put_count(&rows, tally_guests(tally));
	rows_put_count(&rows, tally_eventless(tally));
	return rows_record(&rows);
}
