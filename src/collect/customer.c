/*
 * customer.c
 *		Customers: from arguments and as columns, in entries, in errors.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/uuid.h"

#include "collect/collect_internal.h"
#include "core/decimal.h"

Customer
customer_from_numeric(Datum datum)
{
	Customer customer = { 0 };
	Numeric number = DatumGetNumeric(datum);

	if (numeric_compare(number, int64_to_numeric(PG_INT64_MIN)) < 0 ||
		numeric_compare(number, int64_to_numeric(PG_INT64_MAX)) > 0)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("customer %s is out of range of bigint",
							   DatumGetCString(DirectFunctionCall1(numeric_out, datum))),
						errhint("Cast customers to text.")));
	customer.number = DatumGetInt64(DirectFunctionCall1(numeric_int8, datum));
	if (numeric_compare(number, int64_to_numeric(customer.number)) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("customer %s is not a whole number",
							   DatumGetCString(DirectFunctionCall1(numeric_out, datum))),
						errhint("Cast customers to text.")));
	return customer;
}

Datum
customer_datum(CustomerType type, Customer customer)
{
	if (type == CUSTOMER_BIGINT)
		return Int64GetDatum(customer.number);
	if (type == CUSTOMER_UUID)
		return PointerGetDatum(customer.bytes.bytes);
	return PointerGetDatum(
		cstring_to_text_with_len((const char *) customer.bytes.bytes, (int) customer.bytes.len));
}

size_t
entry_size(CustomerType type, Customer customer, ByteSpan body)
{
	size_t size = varint_length(body.len) + body.len;

	if (type == CUSTOMER_BIGINT)
		return size + varint_length(zigzag_fold(customer.number));
	if (type == CUSTOMER_TEXT)
		size += varint_length(customer.bytes.len);
	return size + customer.bytes.len;
}

void
entry_write(uint8 *at, CustomerType type, Customer customer, ByteSpan body)
{
	if (type == CUSTOMER_BIGINT)
		at = varint_write(at, zigzag_fold(customer.number));
	else
	{
		if (type == CUSTOMER_TEXT)
			at = varint_write(at, customer.bytes.len);
		memcpy(at, customer.bytes.bytes, customer.bytes.len);
		at += customer.bytes.len;
	}
	at = varint_write(at, body.len);
	memcpy(at, body.bytes, body.len);
}

/* ---- in errors ---- */

static void
add_customer(void *arg)
{
	const BaseErrors *errors = arg;
	const Customer *customer = errors->customer;
	char number[MAXINT8LEN + 1];
	const char *text = number;
	int len;

	switch (errors->type)
	{
		case CUSTOMER_BIGINT:
			len = pg_lltoa(customer->number, number);
			break;
		case CUSTOMER_UUID:
			text = DatumGetCString(
				DirectFunctionCall1(uuid_out, PointerGetDatum(customer->bytes.bytes)));
			len = (int) strlen(text);
			break;
		default: /* CUSTOMER_TEXT */
			text = (const char *) customer->bytes.bytes;
			len = (int) customer->bytes.len;
			break;
	}
	errcontext("customer %.*s", len, text);
}

void
base_name_customer(BaseErrors *errors, CustomerType type, const Customer *customer)
{
	errors->type = type;
	errors->customer = customer;
	errors->callback.callback = add_customer;
	errors->callback.arg = errors;
	errors->callback.previous = error_context_stack;
	error_context_stack = &errors->callback;
}

void
base_forget_customer(BaseErrors *errors)
{
	error_context_stack = errors->callback.previous;
}
