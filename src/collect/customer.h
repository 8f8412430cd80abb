/*
 * customer.h
 *		Customers: as arguments, and with their bodies in entries.
 */
#ifndef LOYALTY_CUSTOMER_H
#define LOYALTY_CUSTOMER_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/uuid.h"

#include "core/codec.h"

typedef enum CustomerType
{
	CUSTOMER_BIGINT = 1,
	CUSTOMER_UUID = 2,
	CUSTOMER_TEXT = 3
} CustomerType;

/* A customer: a number for bigint, bytes for the others. */
typedef struct Customer
{
	int64 number;
	ByteSpan bytes;
} Customer;

/* ---- entries ---- */

/* Reads an entry that was checked before. */
static inline void
entry_next(const uint8 **at, const uint8 *end, CustomerType type, Customer *customer,
		   ByteSpan *body)
{
	if (type == CUSTOMER_BIGINT)
		customer->number = signed_next(at, end);
	else
	{
		size_t len = type == CUSTOMER_UUID ? 16 : (size_t) varint_next(at, end);

		if (unlikely(len > (size_t) (end - *at)))
			report_corrupted();
		customer->bytes.bytes = *at;
		customer->bytes.len = len;
		*at += len;
	}
	body->len = (size_t) varint_next(at, end);
	if (unlikely(body->len > (size_t) (end - *at)))
		report_corrupted();
	body->bytes = *at;
	*at += body->len;
}

/* ---- customers as arguments, of any integer type, numeric, uuid or text ---- */

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

/* ... and as a column, of bigint, uuid or text; a uuid where its bytes are. */
extern Datum customer_datum(CustomerType type, Customer customer);

#endif
