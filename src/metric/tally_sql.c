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
#include "utils/memutils.h"

#include "core/compat.h"
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
