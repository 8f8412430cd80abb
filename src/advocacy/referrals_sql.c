/*
 * referrals_sql.c
 *		referrals(customer, referrer) and rollup(result), and the types of what they give.
 *
 * The state of both is a result: an expanded object around a set in a memory context of its own
 * below the aggregate's, flattened where a worker hands it over or a result is wanted. So partial
 * states travel as results, and rollup() and the combine function are one.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#include "advocacy/advocacy_internal.h"
#include "core/rows.h"
#include "core/soft_input.h"

PG_FUNCTION_INFO_V1(loyalty_referrals_merge);
PG_FUNCTION_INFO_V1(loyalty_referrals_out);
PG_FUNCTION_INFO_V1(loyalty_referrals_send);
PG_FUNCTION_INFO_V1(loyalty_referrals_scope);

/* ---- states ---- */

typedef struct ReferralState
{
	ExpandedObjectHeader header; /* eoh_context is where all of it lives */
	ReferralSet *set;
	struct varlena *flat; /* made for flattening */
} ReferralState;

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	ReferralState *state = (ReferralState *) header;
	MemoryContext old = MemoryContextSwitchTo(header->eoh_context);

	if (state->flat != NULL)
		pfree(state->flat);
	state->flat = NULL;
	state->flat = referrals_encode(state->set, false);
	MemoryContextSwitchTo(old);
	return VARSIZE(state->flat);
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	memcpy(result, ((ReferralState *) header)->flat, allocated_size);
}

static const ExpandedObjectMethods referral_methods = { get_flat_size, flatten_into };

static ReferralState *
new_state(FunctionCallInfo fcinfo, CustomerType type)
{
	MemoryContext parent;
	MemoryContext context;
	MemoryContext old;
	ReferralState *state;

	if (!AggCheckCallContext(fcinfo, &parent))
		parent = CurrentMemoryContext;
	context = AllocSetContextCreate(parent, "loyalty referrals", ALLOCSET_START_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	state = palloc0(sizeof(ReferralState));
	EOH_init_header(&state->header, &referral_methods, context);
	state->set = referral_set_create(type);
	MemoryContextSwitchTo(old);
	return state;
}

static void
add_result(ReferralState *state, const struct varlena *result)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty result", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Referrals *referrals = referrals_decode(result);

	if (referrals->type != state->set->type)
		report_corrupted();
	referral_set_add_all(state->set, referrals);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* The state in argument 0 of a transition or combine function, to be changed: itself where it may
 * be, a copy where it is flat; NULL where it is NULL. */
static ReferralState *
state_argument(FunctionCallInfo fcinfo)
{
	ReferralState *state;
	struct varlena *flat;

	if (PG_ARGISNULL(0))
		return NULL;
	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(PG_GETARG_DATUM(0))))
	{
		state = (ReferralState *) DatumGetEOHP(PG_GETARG_DATUM(0));
		if (state->header.eoh_methods == &referral_methods)
			return state;
	}
	flat = PG_GETARG_VARLENA_PP(0);
	state = new_state(fcinfo, referrals_type(flat));
	add_result(state, flat);
	return state;
}

#define RETURN_STATE(state) PG_RETURN_DATUM(EOHPGetRWDatum(&(state)->header))

/* (state, result): rollup(result), and what combines states */
Datum
loyalty_referrals_merge(PG_FUNCTION_ARGS)
{
	ReferralState *state = state_argument(fcinfo);
	struct varlena *result;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		RETURN_STATE(state);
	}
	result = PG_GETARG_VARLENA_PP(1);
	if (state == NULL)
		state = new_state(fcinfo, referrals_type(result));
	add_result(state, result);
	RETURN_STATE(state);
}

static pg_attribute_always_inline Datum
collect_referral(FunctionCallInfo fcinfo, CustomerType type, Customer (*read_customer)(Datum))
{
	ReferralState *state = state_argument(fcinfo);
	Customer customer;
	Customer referrer;

	if (state == NULL)
		state = new_state(fcinfo, type);
	if (PG_ARGISNULL(1))
	{
		referral_set_guests(state->set, 1);
		RETURN_STATE(state);
	}
	customer = read_customer(PG_GETARG_DATUM(1));
	if (!PG_ARGISNULL(2))
		referrer = read_customer(PG_GETARG_DATUM(2));
	referral_set_add(state->set, customer, PG_ARGISNULL(2) ? NULL : &referrer);
	RETURN_STATE(state);
}

/*
 * (state, customer, referrer), of each type of customers. The functions that this pastes:
 *
 * loyalty_referrals_smallint, loyalty_referrals_integer, loyalty_referrals_bigint,
 * loyalty_referrals_numeric, loyalty_referrals_uuid, loyalty_referrals_text.
 */
#define REFERRALS_OF(customer, type)                                     \
	PG_FUNCTION_INFO_V1(loyalty_referrals_##customer);                   \
	Datum loyalty_referrals_##customer(PG_FUNCTION_ARGS)                 \
	{                                                                    \
		return collect_referral(fcinfo, type, customer_from_##customer); \
	}                                                                    \
	extern int no_such_variable

REFERRALS_OF(smallint, CUSTOMER_BIGINT);
REFERRALS_OF(integer, CUSTOMER_BIGINT);
REFERRALS_OF(bigint, CUSTOMER_BIGINT);
REFERRALS_OF(numeric, CUSTOMER_BIGINT);
REFERRALS_OF(uuid, CUSTOMER_UUID);
REFERRALS_OF(text, CUSTOMER_TEXT);

/* ---- I/O ---- */

static Datum
receive(FunctionCallInfo fcinfo, CustomerType type)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	ByteSpan bytes;

	bytes.len = message->len - message->cursor;
	bytes.bytes = (const uint8 *) pq_getmsgbytes(message, (int) bytes.len);
	PG_RETURN_POINTER(referrals_encode(referrals_from_bytes(type, bytes), false));
}

/*
 * The functions that this pastes:
 *
 * loyalty_referrals_result_bigint_in, loyalty_referrals_result_bigint_recv,
 * loyalty_referrals_result_uuid_in, loyalty_referrals_result_uuid_recv,
 * loyalty_referrals_result_text_in, loyalty_referrals_result_text_recv.
 */
#define REFERRALS_INPUT(name, type)                                                    \
	SOFT_INPUT(loyalty_referrals_result_##name##_in)                                   \
	{                                                                                  \
		PG_RETURN_POINTER(                                                             \
			referrals_encode(referrals_from_text(type, PG_GETARG_CSTRING(0)), false)); \
	}                                                                                  \
	PG_FUNCTION_INFO_V1(loyalty_referrals_result_##name##_recv);                       \
	Datum loyalty_referrals_result_##name##_recv(PG_FUNCTION_ARGS)                     \
	{                                                                                  \
		return receive(fcinfo, type);                                                  \
	}                                                                                  \
	extern int no_such_variable

REFERRALS_INPUT(bigint, CUSTOMER_BIGINT);
REFERRALS_INPUT(uuid, CUSTOMER_UUID);
REFERRALS_INPUT(text, CUSTOMER_TEXT);

Datum
loyalty_referrals_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(referrals_to_text(referrals_decode(PG_GETARG_VARLENA_PP(0))));
}

Datum
loyalty_referrals_send(PG_FUNCTION_ARGS)
{
	const Referrals *referrals = referrals_decode(PG_GETARG_VARLENA_PP(0));
	ReferralSet *set = referral_set_create(referrals->type);

	referral_set_add_all(set, referrals);
	PG_RETURN_BYTEA_P((bytea *) referrals_encode(set, true));
}

/* result_scope(result) */
Datum
loyalty_referrals_scope(PG_FUNCTION_ARGS)
{
	const Referrals *referrals = referrals_decode(PG_GETARG_VARLENA_PP(0));
	Rows rows;
	int i;

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	rows_put_name(&rows, "referrals");
	for (i = 0; i < 5; i++) /* no period, zone, as_of, policy, arguments */
		rows_put_null(&rows);
	rows_put_count(&rows, referrals->guests);
	rows_put_count(&rows, 0);
	return rows_record(&rows);
}
