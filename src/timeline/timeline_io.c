/*
 * timeline_io.c
 *		Text (JSON) and binary input and output of timeline_event and event_timeline.
 *
 * Text is a JSON object for an event, an array of them for a timeline:
 *		{"at": "2024-01-05T10:00:00+00:00", "value": 12.50, "kind": "earn", "label": "x",
 *		 "ref": 42, "expires_at": "2025-01-05T10:00:00+00:00", "until": "2024-02-05T10:00:00+00:00"}
 * Binary, all in network order:
 *		byte	version
 *		byte	scale of the values
 *		int32	number of events
 *		then each event:
 *			int64	instant, microseconds from 2000-01-01 UTC
 *			byte	which of these follow, in this order (EVENT_SENDS_...)
 *			int64	value in units of 10^-scale
 *			text	kind, then label: int32 length, bytes in the client's encoding
 *			int64	ref as a number, or text ref
 *			int64	expiry
 *			int64	end of its span
 * Input of either kind takes events in any order.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "core/decimal.h"
#include "core/soft_input.h"
#include "calendar/calendar.h"
#include "timeline/timeline_internal.h"

#define BINARY_VERSION		 1

#define EVENT_SENDS_VALUE	 0x01
#define EVENT_SENDS_KIND	 0x02
#define EVENT_SENDS_LABEL	 0x04
#define EVENT_SENDS_NUMBER	 0x08 /* ref */
#define EVENT_SENDS_TEXT	 0x10 /* ref */
#define EVENT_SENDS_EXPIRY	 0x20
#define EVENT_SENDS_SPAN	 0x40
#define EVENT_SENDS_UNKNOWN	 0x80

/* The shortest event: instant and presence byte. */
#define EVENT_SENT_MIN_BYTES 9

/* What is shown of a key or text in an error. */
#define SHOWN_BYTES			 60

PG_FUNCTION_INFO_V1(loyalty_timeline_event_out);
PG_FUNCTION_INFO_V1(loyalty_timeline_event_recv);
PG_FUNCTION_INFO_V1(loyalty_timeline_event_send);
PG_FUNCTION_INFO_V1(loyalty_event_timeline_out);
PG_FUNCTION_INFO_V1(loyalty_event_timeline_recv);
PG_FUNCTION_INFO_V1(loyalty_event_timeline_send);

/* ---- JSON out ---- */

static void
append_json_text(StringInfo out, const char *key, EventText text)
{
	char *terminated = pnstrdup(text.bytes, text.len);

	appendStringInfo(out, ", \"%s\": ", key);
	escape_json(out, terminated);
	pfree(terminated);
}

/* Appends an event as a JSON object. */
void
event_append_json(StringInfo out, const Event *event, int scale)
{
	char instant[INSTANT_TEXT_SIZE];

	instant_to_text(event->at, instant);
	appendStringInfo(out, "{\"at\": \"%s\"", instant);
	if (event->has_value)
	{
		char *value = decimal_to_text(event->value, scale);

		appendStringInfo(out, ", \"value\": %s", value);
		pfree(value);
	}
	if (event->kind.bytes != NULL)
		append_json_text(out, "kind", event->kind);
	if (event->label.bytes != NULL)
		append_json_text(out, "label", event->label);
	if (event->ref_type == EVENT_REF_NUMBER)
		appendStringInfo(out, ", \"ref\": " INT64_FORMAT, event->ref_number);
	else if (event->ref_type == EVENT_REF_TEXT)
		append_json_text(out, "ref", event->ref_text);
	if (event->has_expiry)
	{
		instant_to_text(event->expires_at, instant);
		appendStringInfo(out, ", \"expires_at\": \"%s\"", instant);
	}
	if (event->has_span)
	{
		instant_to_text(event->until, instant);
		appendStringInfo(out, ", \"until\": \"%s\"", instant);
	}
	appendStringInfoChar(out, '}');
}

static char *
timeline_to_json(ByteSpan body, bool array)
{
	TimelineReader reader;
	StringInfoData out;
	Event event;

	timeline_open(&reader, body.bytes, body.len);
	initStringInfo(&out);
	if (array)
		appendStringInfoChar(&out, '[');
	while (timeline_next(&reader, &event))
	{
		if (out.len > 1)
			appendStringInfoString(&out, ", ");
		event_append_json(&out, &event, reader.scale);
		CHECK_FOR_INTERRUPTS();
	}
	if (array)
		appendStringInfoChar(&out, ']');
	return out.data;
}

/* ---- JSON in ---- */

/* Where in the text an event stands, for errors. */
typedef struct EventPlace
{
	const char *type;
	int64 number; /* 0: the only one */
} EventPlace;

static int
errdetail_place(const EventPlace *place)
{
	if (place->number > 0)
		errdetail("It is event number %lld of the timeline.", (long long) place->number);
	return 0;
}

static int
errhint_keys(void)
{
	return errhint("An event has the key \"at\", and may have \"value\", \"kind\", \"label\", "
				   "\"ref\", \"expires_at\" and \"until\".");
}

static const char *
json_type_name(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		case jbvArray:
			return "an array";
		default:
			return "an object";
	}
}

/* What is shown of a text in an error. */
static char *
shown(const char *bytes, int len)
{
	return pnstrdup(bytes, pg_mbcliplen(bytes, len, SHOWN_BYTES));
}

static void report_json_type(const EventPlace *place, const char *key, const JsonbValue *value,
							 const char *wanted) pg_attribute_noreturn();

static void
report_json_type(const EventPlace *place, const char *key, const JsonbValue *value,
				 const char *wanted)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("invalid %s: key \"%s\" is %s", place->type, key, json_type_name(value)),
					errdetail_place(place), errhint("It must be %s.", wanted)));
}

static EventText
json_text(const EventPlace *place, const char *key, const JsonbValue *value, const char *wanted)
{
	EventText text;

	if (value->type != jbvString)
		report_json_type(place, key, value, wanted);
	text.bytes = value->val.string.val;
	text.len = value->val.string.len;
	return text;
}

static TimestampTz
json_instant(const EventPlace *place, const char *key, const JsonbValue *value)
{
	EventText text = json_text(place, key, value,
							   "a string with an instant, such as \"2024-01-05T10:00:00+00:00\"");
	TimestampTz at = 0;
	InstantParse parse = instant_from_text(text.bytes, text.len, &at);

	if (parse == INSTANT_OK)
		return at;
	if (parse == INSTANT_OUT_OF_RANGE)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("invalid %s: \"%s\" of key \"%s\" is out of range", place->type,
							   shown(text.bytes, text.len), key),
						errdetail_place(place)));
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					parse == INSTANT_NO_OFFSET
						? errmsg("invalid %s: \"%s\" of key \"%s\" has no offset from UTC",
								 place->type, shown(text.bytes, text.len), key)
						: errmsg("invalid %s: \"%s\" of key \"%s\" is not an instant", place->type,
								 shown(text.bytes, text.len), key),
					errdetail_place(place),
					errhint("Write it in ISO 8601 with an offset or Z, such as "
							"\"2024-01-05T10:00:00+00:00\".")));
	return 0; /* keep the compiler quiet */
}

static void
json_ref(const EventPlace *place, const JsonbValue *value, Event *event)
{
	if (value->type == jbvNumeric)
	{
		char *number =
			DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));

		event_set_ref_text(event, number, (int) strlen(number));
		if (event->ref_type != EVENT_REF_NUMBER)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid %s: key \"ref\" is the number %s", place->type,
							shown(number, (int) strlen(number))),
					 errdetail_place(place),
					 errhint("A number must be a whole one that fits bigint; write others as a "
							 "string.")));
	}
	else
	{
		EventText text = json_text(place, "ref", value, "a string or a whole number");

		event_set_ref_text(event, text.bytes, text.len);
	}
}

static bool
key_is(const JsonbValue *key, const char *name)
{
	size_t len = strlen(name);

	return (size_t) key->val.string.len == len && memcmp(key->val.string.val, name, len) == 0;
}

/* Sets the column of an event that a key names. */
static void
set_json_column(const EventPlace *place, const JsonbValue *key, const JsonbValue *value,
				Event *event, int *scale)
{
	bool absent = value->type == jbvNull;

	if (key_is(key, "at"))
	{
		event->at = json_instant(place, "at", value);
		timeline_check_instant(event->at);
	}
	else if (key_is(key, "value"))
	{
		Decimal decimal;

		if (absent)
			return;
		if (value->type != jbvNumeric)
			report_json_type(place, "value", value, "a number");
		decimal = decimal_from_numeric((struct varlena *) value->val.numeric);
		event->has_value = true;
		event->value = decimal.units;
		*scale = decimal.scale;
	}
	else if (key_is(key, "kind"))
	{
		if (!absent)
			event->kind = json_text(place, "kind", value, "a string");
	}
	else if (key_is(key, "label"))
	{
		if (!absent)
			event->label = json_text(place, "label", value, "a string");
	}
	else if (key_is(key, "ref"))
	{
		if (!absent)
			json_ref(place, value, event);
	}
	else if (key_is(key, "expires_at"))
	{
		if (absent)
			return;
		event->has_expiry = true;
		event->expires_at = json_instant(place, "expires_at", value);
		timeline_check_expiry(event->expires_at);
	}
	else if (key_is(key, "until"))
	{
		if (absent)
			return;
		event->has_span = true;
		event->until = json_instant(place, "until", value);
	}
	else
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid %s: unknown key \"%s\"", place->type,
							   shown(key->val.string.val, key->val.string.len)),
						errdetail_place(place), errhint_keys()));
}

/* Reads the object that the iterator stands in. Texts point into the JSON. */
static void
read_json_event(const EventPlace *place, JsonbIterator **iterator, Event *event, int *scale)
{
	JsonbValue key;
	JsonbValue value;
	bool has_instant = false;

	memset(event, 0, sizeof(Event));
	*scale = 0;
	while (JsonbIteratorNext(iterator, &key, false) == WJB_KEY)
	{
		JsonbIteratorNext(iterator, &value, false);
		set_json_column(place, &key, &value, event, scale);
		has_instant |= key_is(&key, "at");
	}
	if (!has_instant)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid %s: key \"at\" is missing", place->type),
						errdetail_place(place), errhint_keys()));
	event_check_span(event);
}

static Jsonb *
parse_json(const char *input)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(input)));
}

static Datum
event_from_json(const char *input)
{
	EventPlace place = { "timeline_event", 0 };
	Jsonb *json = parse_json(input);
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	JsonbValue value;
	ByteBuffer out;
	Event event;
	int scale;

	if (JsonbIteratorNext(&iterator, &value, false) != WJB_BEGIN_OBJECT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid timeline_event: it is not a JSON object"), errhint_keys()));
	read_json_event(&place, &iterator, &event, &scale);
	timeline_datum_begin(&out, strlen(input));
	timeline_encode(&out, &event, 1, scale);
	return timeline_datum_end(&out);
}

static Datum
timeline_from_json(const char *input)
{
	EventPlace place = { "event_timeline", 0 };
	Jsonb *json = parse_json(input);
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	JsonbValue value;
	ByteBuffer out;
	Event *events;
	int *scales;
	int scale = 0;
	int64 count = 0;
	int64 i;

	if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("invalid event_timeline: it is not a JSON array"),
						errhint("Write a timeline as an array of objects, such as "
								"[{\"at\": \"2024-01-05T10:00:00+00:00\", \"value\": 12.50}].")));
	events = timeline_alloc(JB_ROOT_COUNT(json), sizeof(Event));
	scales = timeline_alloc(JB_ROOT_COUNT(json), sizeof(int));
	JsonbIteratorNext(&iterator, &value, false);
	for (;;)
	{
		JsonbIteratorToken token = JsonbIteratorNext(&iterator, &value, false);

		CHECK_FOR_INTERRUPTS();
		if (token == WJB_END_ARRAY)
			break;
		place.number = count + 1;
		if (token != WJB_BEGIN_OBJECT)
			ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
							errmsg("invalid event_timeline: an element is %s, not an object",
								   json_type_name(&value)),
							errdetail_place(&place), errhint_keys()));
		read_json_event(&place, &iterator, &events[count], &scales[count]);
		scale = Max(scale, scales[count]);
		count++;
	}
	for (i = 0; i < count; i++)
		if (events[i].has_value)
			events[i].value = decimal_rescale(events[i].value, scales[i], scale);
	timeline_datum_begin(&out, TIMELINE_HEAD_MAX);
	timeline_encode(&out, events, count, scale);
	return timeline_datum_end(&out);
}

/* ---- binary out ---- */

static void
send_text(StringInfo out, EventText text)
{
	char *converted = pg_server_to_client(text.bytes, text.len);
	int len = converted == text.bytes ? text.len : (int) strlen(converted);

	pq_sendint32(out, len);
	pq_sendbytes(out, converted, len);
	if (converted != text.bytes)
		pfree(converted);
}

static void
send_event(StringInfo out, const Event *event)
{
	uint8 sends = (event->has_value ? EVENT_SENDS_VALUE : 0) |
				  (event->kind.bytes != NULL ? EVENT_SENDS_KIND : 0) |
				  (event->label.bytes != NULL ? EVENT_SENDS_LABEL : 0) |
				  (event->ref_type == EVENT_REF_NUMBER ? EVENT_SENDS_NUMBER : 0) |
				  (event->ref_type == EVENT_REF_TEXT ? EVENT_SENDS_TEXT : 0) |
				  (event->has_expiry ? EVENT_SENDS_EXPIRY : 0) |
				  (event->has_span ? EVENT_SENDS_SPAN : 0);

	pq_sendint64(out, event->at);
	pq_sendbyte(out, sends);
	if (sends & EVENT_SENDS_VALUE)
		pq_sendint64(out, event->value);
	if (sends & EVENT_SENDS_KIND)
		send_text(out, event->kind);
	if (sends & EVENT_SENDS_LABEL)
		send_text(out, event->label);
	if (sends & EVENT_SENDS_NUMBER)
		pq_sendint64(out, event->ref_number);
	if (sends & EVENT_SENDS_TEXT)
		send_text(out, event->ref_text);
	if (sends & EVENT_SENDS_EXPIRY)
		pq_sendint64(out, event->expires_at);
	if (sends & EVENT_SENDS_SPAN)
		pq_sendint64(out, event->until);
}

static bytea *
timeline_to_binary(ByteSpan body)
{
	TimelineReader reader;
	StringInfoData out;
	Event event;

	timeline_open(&reader, body.bytes, body.len);
	pq_begintypsend(&out);
	pq_sendbyte(&out, BINARY_VERSION);
	pq_sendbyte(&out, reader.scale);
	pq_sendint32(&out, (int32) reader.count);
	while (timeline_next(&reader, &event))
	{
		send_event(&out, &event);
		CHECK_FOR_INTERRUPTS();
	}
	return pq_endtypsend(&out);
}

/* ---- binary in ---- */

static void report_binary(const char *type, const char *fault) pg_attribute_noreturn();

static void
report_binary(const char *type, const char *fault)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid binary %s: %s", type, fault)));
}

static EventText
receive_text(StringInfo in)
{
	int len = (int) pq_getmsgint(in, 4);
	EventText text;
	int received;

	text.bytes = pq_getmsgtext(in, len, &received);
	text.len = received;
	return text;
}

static void
receive_event(StringInfo in, const char *type, Event *event)
{
	int sends;

	memset(event, 0, sizeof(Event));
	event->at = pq_getmsgint64(in);
	if (!IS_VALID_TIMESTAMP(event->at))
		report_binary(type, "an instant is out of range");
	sends = pq_getmsgbyte(in);
	if ((sends & EVENT_SENDS_UNKNOWN) != 0 ||
		((sends & EVENT_SENDS_NUMBER) != 0 && (sends & EVENT_SENDS_TEXT) != 0))
		report_binary(type, "unknown columns of an event");
	if (sends & EVENT_SENDS_VALUE)
	{
		event->has_value = true;
		event->value = pq_getmsgint64(in);
		if (event->value == PG_INT64_MIN)
			report_binary(type, "a value is out of range");
	}
	if (sends & EVENT_SENDS_KIND)
		event->kind = receive_text(in);
	if (sends & EVENT_SENDS_LABEL)
		event->label = receive_text(in);
	if (sends & EVENT_SENDS_NUMBER)
	{
		event->ref_type = EVENT_REF_NUMBER;
		event->ref_number = pq_getmsgint64(in);
	}
	if (sends & EVENT_SENDS_TEXT)
	{
		EventText text = receive_text(in);

		event_set_ref_text(event, text.bytes, text.len);
	}
	if (sends & EVENT_SENDS_EXPIRY)
	{
		event->has_expiry = true;
		event->expires_at = pq_getmsgint64(in);
		if (event->expires_at != DT_NOEND && !IS_VALID_TIMESTAMP(event->expires_at))
			report_binary(type, "an expiry is out of range");
	}
	if (sends & EVENT_SENDS_SPAN)
	{
		event->has_span = true;
		event->until = pq_getmsgint64(in);
		if (event->until != DT_NOEND && !IS_VALID_TIMESTAMP(event->until))
			report_binary(type, "the end of a span is out of range");
		if (event_span_fault(event) != NULL)
			report_binary(type, event_span_fault(event));
	}
}

static Datum
timeline_from_binary(StringInfo in, const char *type, bool one)
{
	ByteBuffer out;
	Event *events;
	int64 count;
	int64 i;
	int scale;

	if (pq_getmsgbyte(in) != BINARY_VERSION)
		report_binary(type, "unknown version");
	scale = pq_getmsgbyte(in);
	if (scale > DECIMAL_MAX_SCALE)
		report_binary(type, "the scale is out of range");
	count = (int32) pq_getmsgint(in, 4);

	/* No allocation that the bytes don't warrant. */
	if (count < 0 || count > (in->len - in->cursor) / EVENT_SENT_MIN_BYTES)
		report_binary(type, "more events than bytes");
	if (one && count != 1)
		report_binary(type, "not one event");
	events = timeline_alloc(count, sizeof(Event));
	for (i = 0; i < count; i++)
	{
		receive_event(in, type, &events[i]);
		CHECK_FOR_INTERRUPTS();
	}
	timeline_datum_begin(&out, TIMELINE_HEAD_MAX);
	timeline_encode(&out, events, count, scale);
	return timeline_datum_end(&out);
}

/* ---- the SQL functions ---- */

static ByteSpan
body_argument(FunctionCallInfo fcinfo)
{
	return timeline_event_body(PointerGetDatum(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0))));
}

SOFT_INPUT(loyalty_timeline_event_in)
{
	return event_from_json(PG_GETARG_CSTRING(0));
}

Datum
loyalty_timeline_event_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(timeline_to_json(body_argument(fcinfo), false));
}

Datum
loyalty_timeline_event_recv(PG_FUNCTION_ARGS)
{
	return timeline_from_binary((StringInfo) PG_GETARG_POINTER(0), "timeline_event", true);
}

Datum
loyalty_timeline_event_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(timeline_to_binary(body_argument(fcinfo)));
}

SOFT_INPUT(loyalty_event_timeline_in)
{
	return timeline_from_json(PG_GETARG_CSTRING(0));
}

Datum
loyalty_event_timeline_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(timeline_to_json(body_argument(fcinfo), true));
}

Datum
loyalty_event_timeline_recv(PG_FUNCTION_ARGS)
{
	return timeline_from_binary((StringInfo) PG_GETARG_POINTER(0), "event_timeline", false);
}

Datum
loyalty_event_timeline_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(timeline_to_binary(body_argument(fcinfo)));
}
