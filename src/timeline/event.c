/*
 * event.c
 *		Events out of the columns of a row: make_event(), and what collectors and aggregates read
 *		where they take columns of any type; an event's columns.
 *
 * SQL functions are declared for the types that most tables have. Beside those there are forms that
 * take "any", which lose to the others where both fit: floats, enums, and for what makes no sense,
 * an error that says what does. What a call's arguments are is looked up once.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "core/argument.h"
#include "core/decimal.h"
#include "timeline/timeline_internal.h"

/* What an event takes, mostly. */
#define EVENT_SIZE 252

PG_FUNCTION_INFO_V1(loyalty_make_event);
PG_FUNCTION_INFO_V1(loyalty_make_event_ref);
PG_FUNCTION_INFO_V1(loyalty_make_event_kind);
PG_FUNCTION_INFO_V1(loyalty_make_event_label);

/* ---- columns of any type ---- */

static void report_type(const char *name, Oid type, const char *hint) pg_attribute_noreturn();

static void
report_type(const char *name, Oid type, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("%s cannot be of type %s", name, format_type_be(type)), errhint("%s", hint)));
}

/* The type of an argument, that of a domain's values. */
static Oid
argument_type(FunctionCallInfo fcinfo, int n)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, n);

	if (!OidIsValid(type))
		elog(ERROR, "could not determine the type of argument %d", n);
	return getBaseType(type);
}

static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BPCHAROID || type == UNKNOWNOID;
}

/* Is a type one that a kind or a label may have? */
static bool
is_word(Oid type)
{
	return is_text(type) || type == NAMEOID || type_is_enum(type);
}

static EventText
text_from_cstring(const char *text)
{
	EventText result = { text, (int) strlen(text) };

	return result;
}

/* A word of a type that isn't text or varchar. */
static EventText
odd_word(FunctionCallInfo fcinfo, int n, Oid type)
{
	EventText result;
	HeapTuple tuple;

	if (type == BPCHAROID) /* without its blanks, as its cast to text has it */
	{
		char *padded = TextDatumGetCString(PG_GETARG_DATUM(n));

		result.bytes = padded;
		result.len = bpchartruelen(padded, (int) strlen(padded));
		return result;
	}
	if (type == UNKNOWNOID || type == NAMEOID)
		return text_from_cstring((const char *) PG_GETARG_POINTER(n));
	tuple = SearchSysCache1(ENUMOID, PG_GETARG_DATUM(n));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid internal value for enum: %u", PG_GETARG_OID(n))));
	result = text_from_cstring(pstrdup(NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel)));
	ReleaseSysCache(tuple);
	return result;
}

/* An argument that is_word(), or absent. */
static inline EventText
word_argument(FunctionCallInfo fcinfo, int n, Oid type)
{
	EventText result = { NULL, 0 };

	if (n < 0 || PG_ARGISNULL(n))
		return result;
	if (likely(type == TEXTOID || type == VARCHAROID))
	{
		const text *argument = PG_GETARG_TEXT_PP(n);

		result.bytes = VARDATA_ANY(argument);
		result.len = (int) VARSIZE_ANY_EXHDR(argument);
		return result;
	}
	return odd_word(fcinfo, n, type);
}

/* An argument that is a number, or a text that reads as one. */
static Decimal
number_argument(FunctionCallInfo fcinfo, int n, DecimalReader read, Oid type)
{
	char *digits;

	if (likely(read != NULL))
		return read(PG_GETARG_DATUM(n));
	digits =
		type == UNKNOWNOID ? (char *) PG_GETARG_POINTER(n) : text_to_cstring(PG_GETARG_TEXT_PP(n));
	return decimal_of_numeric(DirectFunctionCall3(numeric_in, CStringGetDatum(digits),
												  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* The first instant of a day, in that zone. */
static TimestampTz
start_of_day(EventColumns *columns, DateADT day, ZoneDays *zone)
{
	if (columns->day_zone != zone || columns->day != day)
	{
		check_finite_day(day);
		columns->day_zone = NULL;
		columns->day_start = zone_day_start(zone, day);
		columns->day = day;
		columns->day_zone = zone;
	}
	return columns->day_start;
}

TimestampTz
event_columns_at(FunctionCallInfo fcinfo, EventColumns *columns, ZoneDays **zone)
{
	TimestampTz at;

	if (columns->days)
	{
		if (columns->zone_is_needed)
			argument_refuse_null(fcinfo, columns->zone, "zone",
								 "For days of the session's TimeZone leave it out.");
		*zone = argument_zone(fcinfo, columns->zone);
		return start_of_day(columns, PG_GETARG_DATEADT(columns->at), *zone);
	}
	*zone = NULL;
	at = PG_GETARG_TIMESTAMPTZ(columns->at);
	timeline_check_instant(at);
	return at;
}

bool
event_columns_value(FunctionCallInfo fcinfo, const EventColumns *columns, Decimal *value)
{
	if (columns->value < 0 || PG_ARGISNULL(columns->value))
		return false;
	*value = number_argument(fcinfo, columns->value, columns->read_value, columns->value_type);
	return true;
}

EventText
event_columns_kind(FunctionCallInfo fcinfo, const EventColumns *columns)
{
	return word_argument(fcinfo, columns->kind, columns->kind_type);
}

static void
set_value_column(FunctionCallInfo fcinfo, EventColumns *columns, int n)
{
	columns->value = n;
	columns->value_type = argument_type(fcinfo, n);
	columns->read_value = decimal_reader(columns->value_type);
	if (columns->read_value == NULL && !is_text(columns->value_type))
		report_type("value", columns->value_type, "Cast it to numeric.");
}

static void
set_kind_column(FunctionCallInfo fcinfo, EventColumns *columns, int n)
{
	columns->kind = n;
	columns->kind_type = argument_type(fcinfo, n);
	if (!is_word(columns->kind_type))
		report_type("kind", columns->kind_type, "Cast it to text.");
}

EventColumns *
event_columns(FunctionCallInfo fcinfo, int at, bool has_zone)
{
	EventColumns *columns = fcinfo->flinfo->fn_extra;
	int last = PG_NARGS() - 1 - has_zone;

	if (likely(columns != NULL))
		return columns;
	columns = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(EventColumns));
	columns->at = at;
	columns->days = argument_type(fcinfo, at) == DATEOID;
	columns->zone = has_zone ? last + 1 : -1;
	columns->zone_is_needed = has_zone;
	columns->kind = columns->value = -1;
	if (last == at + 2)
	{
		set_kind_column(fcinfo, columns, at + 1);
		set_value_column(fcinfo, columns, at + 2);
	}
	else if (last == at + 1)
	{
		Oid type = argument_type(fcinfo, last);

		if (is_word(type))
			set_kind_column(fcinfo, columns, last);
		else if (decimal_reader(type) != NULL)
			set_value_column(fcinfo, columns, last);
		else
			report_type("kind or value", type, "Cast a kind to text, a value to numeric.");
	}
	fcinfo->flinfo->fn_extra = columns;
	return columns;
}

/* ---- make_event ---- */

/* Where a form of make_event has its arguments; -1: it hasn't. */
typedef struct EventArguments
{
	int at;
	int value;
	int kind;
	int label;
	int ref;
	int expires_at;
	int until;
	int zone;
} EventArguments;

/* What they are, looked up once. */
typedef struct EventCall
{
	EventColumns columns;
	Oid label_type;
	Oid ref_type;
} EventCall;

static EventCall *
open_call(FunctionCallInfo fcinfo, const EventArguments *arguments)
{
	EventCall *call;
	EventColumns *columns;

	call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(EventCall));
	columns = &call->columns;
	columns->at = arguments->at;
	columns->days = argument_type(fcinfo, arguments->at) == DATEOID;
	columns->zone = columns->days ? arguments->zone : -1;
	set_kind_column(fcinfo, columns, arguments->kind);
	set_value_column(fcinfo, columns, arguments->value);
	call->label_type = argument_type(fcinfo, arguments->label);
	if (!is_word(call->label_type))
		report_type("label", call->label_type, "Cast it to text.");
	call->ref_type = argument_type(fcinfo, arguments->ref);
	fcinfo->flinfo->fn_extra = call;
	return call;
}

/* A number where it is one, or a text that is written exactly as a bigint is; else a text. */
static void
set_ref(FunctionCallInfo fcinfo, int n, Oid type, Event *event)
{
	EventText text;

	if (PG_ARGISNULL(n))
		return;
	event->ref_type = EVENT_REF_NUMBER;
	switch (type)
	{
		case INT2OID:
			event->ref_number = PG_GETARG_INT16(n);
			return;
		case INT4OID:
			event->ref_number = PG_GETARG_INT32(n);
			return;
		case INT8OID:
			event->ref_number = PG_GETARG_INT64(n);
			return;
		case UUIDOID:
			text = text_from_cstring(
				DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(n))));
			break;
		case NUMERICOID:
			text = text_from_cstring(
				DatumGetCString(DirectFunctionCall1(numeric_out, PG_GETARG_DATUM(n))));
			break;
		default:
			if (!is_word(type))
				report_type("ref", type, "Cast it to text.");
			text = word_argument(fcinfo, n, type);
			break;
	}
	event_set_ref_text(event, text.bytes, text.len);
}

/* The end of a span, which is of the type of at; a day is its first instant in the same zone. */
static TimestampTz
end_argument(FunctionCallInfo fcinfo, int n, const EventColumns *columns, ZoneDays *zone)
{
	DateADT day;

	if (!columns->days)
		return PG_GETARG_TIMESTAMPTZ(n);
	day = PG_GETARG_DATEADT(n);
	if (DATE_IS_NOEND(day))
		return DT_NOEND;
	return DATE_IS_NOBEGIN(day) ? DT_NOBEGIN : zone_day_start(zone, day);
}

/* Makes the event whose columns are these arguments; inlined for each form. */
static pg_attribute_always_inline Datum
make_event(FunctionCallInfo fcinfo, EventArguments arguments)
{
	EventCall *call = fcinfo->flinfo->fn_extra;
	Decimal value = { 0, 0 };
	Event event;
	ByteBuffer out;
	ZoneDays *zone;

	if (unlikely(call == NULL))
		call = open_call(fcinfo, &arguments);
	if (PG_ARGISNULL(arguments.at))
		PG_RETURN_NULL();
	memset(&event, 0, sizeof(event));
	event.at = event_columns_at(fcinfo, &call->columns, &zone);
	event.has_value = event_columns_value(fcinfo, &call->columns, &value);
	event.value = value.units;
	event.kind = event_columns_kind(fcinfo, &call->columns);
	event.label = word_argument(fcinfo, arguments.label, call->label_type);
	set_ref(fcinfo, arguments.ref, call->ref_type, &event);
	if (!PG_ARGISNULL(arguments.expires_at))
	{
		event.has_expiry = true;
		event.expires_at = PG_GETARG_TIMESTAMPTZ(arguments.expires_at);
		timeline_check_expiry(event.expires_at);
	}
	if (!PG_ARGISNULL(arguments.until))
	{
		event.has_span = true;
		event.until = end_argument(fcinfo, arguments.until, &call->columns, zone);
		event_check_span(&event);
	}
	timeline_datum_begin(&out, EVENT_SIZE);
	timeline_encode(&out, &event, 1, value.scale);
	return timeline_datum_end(&out);
}

/* make_event(at, value, kind, label, ref bigint, expires_at, until), and with a zone where at is a
 * day */
Datum
loyalty_make_event(PG_FUNCTION_ARGS)
{
	EventArguments arguments = {
		.at = 0, .value = 1, .kind = 2, .label = 3, .ref = 4, .expires_at = 5, .until = 6, .zone = 7
	};

	return make_event(fcinfo, arguments);
}

/* make_event(ref text or uuid, at, value, kind, label, expires_at, until) */
Datum
loyalty_make_event_ref(PG_FUNCTION_ARGS)
{
	EventArguments arguments = {
		.ref = 0, .at = 1, .value = 2, .kind = 3, .label = 4, .expires_at = 5, .until = 6, .zone = 7
	};

	return make_event(fcinfo, arguments);
}

/* make_event(kind enum, at, value, label, ref, expires_at, until) */
Datum
loyalty_make_event_kind(PG_FUNCTION_ARGS)
{
	EventArguments arguments = {
		.kind = 0, .at = 1, .value = 2, .label = 3, .ref = 4, .expires_at = 5, .until = 6, .zone = 7
	};

	return make_event(fcinfo, arguments);
}

/* make_event(label enum, at, value, kind, ref, expires_at, until) */
Datum
loyalty_make_event_label(PG_FUNCTION_ARGS)
{
	EventArguments arguments = {
		.label = 0, .at = 1, .value = 2, .kind = 3, .ref = 4, .expires_at = 5, .until = 6, .zone = 7
	};

	return make_event(fcinfo, arguments);
}

void
event_put_ref(Rows *rows, const Event *event)
{
	char number[MAXINT8LEN + 1];

	if (event == NULL || event->ref_type == EVENT_REF_NONE)
		rows_put_null(rows);
	else if (event->ref_type == EVENT_REF_NUMBER)
		rows_put_text(rows, number, pg_lltoa(event->ref_number, number));
	else
		rows_put_text(rows, event->ref_text.bytes, event->ref_text.len);
}
