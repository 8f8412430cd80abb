/*
 * customer.h
 *		Customers as they come in as arguments: of any integer type, numeric, uuid or text.
 */
#ifndef LOYALTY_CUSTOMER_H
#define LOYALTY_CUSTOMER_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/uuid.h"

#include "collect/collect.h"

/* A number without fraction; anything else is an error that names it (22023, 22003). */
extern Customer customer_from_numeric(Datum datum);

static inline Customer
customer_from_smallint(Datum datum)
{
	Customer customer = { .number = DatumGetInt16(datum) };

	return customer;
}

static inline Customer
customer_from_integer(Datum datum)
{
	Customer customer = { .number = DatumGetInt32(datum) };

	return customer;
}

static inline Customer
customer_from_bigint(Datum datum)
{
	Customer customer = { .number = DatumGetInt64(datum) };

	return customer;
}

static inline Customer
customer_from_uuid(Datum datum)
{
	Customer customer = { .bytes = { DatumGetUUIDP(datum)->data, UUID_LEN } };

	return customer;
}

static inline Customer
customer_from_text(Datum datum)
{
	struct varlena *text = PG_DETOAST_DATUM_PACKED(datum);
	Customer customer = { .bytes = { (const uint8 *) VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text) } };

	return customer;
}

/*
 * The state of a collecting aggregate: the first argument, or a new one.
 */
static inline Collector *
collector_state(FunctionCallInfo fcinfo, const CollectOps *ops, CustomerType type,
				bool takes_bodies)
{
	MemoryContext context;

	if (likely(!PG_ARGISNULL(0)))
		return (Collector *) PG_GETARG_POINTER(0);
	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "collector called outside an aggregate");
	return collector_create(context, ops, type, takes_bodies);
}

#endif
