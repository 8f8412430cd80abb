/*
 * referrals_text.c
 *		The JSON text of who brought whom.
 *
 *		{"rows_without_customer": 0, "referrals": [[1], [2, 1], [3, 1, 9]]}
 *
 * A customer, and the referrers who were named with him; numbers, or strings. Input takes them in
 * any order, also several times. It is read piece by piece: jsonb ends at 256 MB, which is some
 * millions of customers.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/uuid.h"

#include "advocacy/advocacy_internal.h"
#include "core/json.h"

#define GUESTS_KEY	  "rows_without_customer"
#define REFERRALS_KEY "referrals"
#define TEXT_HINT	  "It is written {\"" GUESTS_KEY "\": 0, \"" REFERRALS_KEY "\": [[2, 1]]}."

/* ---- writing ---- */

static void
put_customer(StringInfo out, const Referrals *referrals, int32 node)
{
	Customer customer = referrals_customer(referrals, node);
	char *text;

	if (referrals->type == CUSTOMER_BIGINT)
	{
		appendStringInfo(out, INT64_FORMAT, customer.number);
		return;
	}
	text =
		referrals->type == CUSTOMER_UUID
			? DatumGetCString(DirectFunctionCall1(uuid_out, PointerGetDatum(customer.bytes.bytes)))
			: pnstrdup((const char *) customer.bytes.bytes, customer.bytes.len);
	escape_json(out, text);
	pfree(text);
}

char *
referrals_to_text(const Referrals *referrals)
{
	StringInfoData out;
	const char *before = "";
	int32 i;
	int32 j;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"" GUESTS_KEY "\": " INT64_FORMAT ", \"" REFERRALS_KEY "\": [",
					 referrals->guests);
	for (i = 0; i < referrals->count; i++)
	{
		if (!referrals->customer[i])
			continue;
		appendStringInfo(&out, "%s[", before);
		put_customer(&out, referrals, i);
		for (j = referrals->first[i]; j < referrals->first[i + 1]; j++)
		{
			appendStringInfoString(&out, ", ");
			put_customer(&out, referrals, referrals->referrers[j]);
		}
		appendStringInfoChar(&out, ']');
		before = ", ";
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoString(&out, "]}");
	return out.data;
}

/* ---- reading ---- */

typedef enum TextKey
{
	KEY_NONE,
	KEY_GUESTS,
	KEY_REFERRALS
} TextKey;

typedef struct TextReader
{
	ReferralSet *set;
	TextKey key;
	bool has_guests;
	bool has_referrals;
	int depth;		/* how many arrays and objects are open */
	int32 customer; /* of the list that is open; -1: none yet */
} TextReader;

/* Objects and arrays that a reader is inside of where it is among the lists, and in one. */
#define AMONG_LISTS 2
#define IN_LIST		3

static void report_text(const TextReader *reader, const char *what) pg_attribute_noreturn();

static void
report_text(const TextReader *reader, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("a referrals_result_%s %s", referrals_customer_type(reader->set->type), what),
			 errhint(TEXT_HINT)));
}

JSON_CALLBACK
object_starts(void *state)
{
	TextReader *reader = state;

	if (reader->depth++ > 0)
		report_text(reader, "has an object where none belongs");
	JSON_CALLBACK_DONE;
}

JSON_CALLBACK
key_starts(void *state, char *key, bool isnull)
{
	TextReader *reader = state;
	bool *has;

	if (strcmp(key, GUESTS_KEY) == 0)
		reader->key = KEY_GUESTS;
	else if (strcmp(key, REFERRALS_KEY) == 0)
		reader->key = KEY_REFERRALS;
	else
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("unknown key \"%.*s%s\" in a referrals_result_%s",
							   JSON_SHOWN(key, (int) strlen(key)),
							   referrals_customer_type(reader->set->type)),
						errhint("Allowed: " GUESTS_KEY ", " REFERRALS_KEY ".")));
	has = reader->key == KEY_GUESTS ? &reader->has_guests : &reader->has_referrals;
	if (*has)
		report_text(reader, "has a key twice");
	*has = true;
	JSON_CALLBACK_DONE;
}

JSON_CALLBACK
array_starts(void *state)
{
	TextReader *reader = state;

	if (++reader->depth > IN_LIST || reader->key != KEY_REFERRALS)
		report_text(reader, "has an array where none belongs");
	reader->customer = -1;
	JSON_CALLBACK_DONE;
}

JSON_CALLBACK
array_ends(void *state)
{
	TextReader *reader = state;

	if (reader->depth-- == IN_LIST && reader->customer < 0)
		report_text(reader, "has a list without customer");
	CHECK_FOR_INTERRUPTS();
	JSON_CALLBACK_DONE;
}

static void
read_guests(TextReader *reader, const char *token, JsonTokenType type)
{
	if (type != JSON_TOKEN_NUMBER || strspn(token, "0123456789") != strlen(token))
		report_text(reader, "has \"" GUESTS_KEY "\" that is not a whole number, 0 or more");
	referral_set_guests(reader->set, pg_strtoint64(token));
}

static Customer
read_customer(const TextReader *reader, const char *token, JsonTokenType type)
{
	Customer customer = { 0 };

	if (reader->set->type == CUSTOMER_BIGINT)
	{
		const char *digits = token[0] == '-' ? token + 1 : token;

		if (type != JSON_TOKEN_NUMBER || strspn(digits, "0123456789") != strlen(digits))
			report_text(reader, "has a customer that is not a whole number");
		customer.number = pg_strtoint64(token);
		return customer;
	}
	if (type != JSON_TOKEN_STRING)
		report_text(reader, "has a customer that is not a string");
	if (reader->set->type == CUSTOMER_UUID)
		return customer_from_uuid(DirectFunctionCall1(uuid_in, CStringGetDatum(token)));
	customer.bytes.bytes = (const uint8 *) token;
	customer.bytes.len = strlen(token);
	return customer;
}

JSON_CALLBACK
scalar(void *state, char *token, JsonTokenType type)
{
	TextReader *reader = state;
	int32 node;

	if (reader->depth == 1 && reader->key == KEY_GUESTS)
		read_guests(reader, token, type);
	else if (reader->depth == IN_LIST)
	{
		node = referral_set_node(reader->set, read_customer(reader, token, type));
		if (reader->customer < 0)
		{
			referral_set_customer(reader->set, node);
			reader->customer = node;
		}
		else
			referral_set_referrer(reader->set, reader->customer, node);
	}
	else
		report_text(reader, reader->depth == AMONG_LISTS ? "has a customer outside of a list"
														 : "is written as a JSON object of lists");
	pfree(token); /* ours: of millions they add up */
	JSON_CALLBACK_DONE;
}

ReferralSet *
referrals_from_text(CustomerType type, const char *text)
{
	TextReader reader = { .set = referral_set_create(type) };
	JsonSemAction action;

	memset(&action, 0, sizeof(action));
	action.semstate = &reader;
	action.object_start = object_starts;
	action.object_field_start = key_starts;
	action.array_start = array_starts;
	action.array_end = array_ends;
	action.scalar = scalar;
	json_walk(text, &action);
	if (!reader.has_referrals)
		report_text(&reader, "has no \"" REFERRALS_KEY "\"");
	return reader.set;
}
