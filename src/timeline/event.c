/*
 * event.c
 *		make_event: one event from its columns; an event's columns.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "core/decimal.h"
#include "timeline/timeline.h"

/* What an event takes, mostly. */
#define EVENT_SIZE 252

PG_FUNCTION_INFO_V1(loyalty_make_event);
PG_FUNCTION_INFO_V1(loyalty_make_event_ref);

static EventText
text_argument(FunctionCallInfo fcinfo, int n)
{
	EventText result = { NULL, 0 };

	if (!PG_ARGISNULL(n))
	{
		const text *argument = PG_GETARG_TEXT_PP(n);

		result.bytes = VARDATA_ANY(argument);
		result.len = (int) VARSIZE_ANY_EXHDR(argument);
	}
	return result;
}

/* Makes the event whose columns are these arguments; its ref is set already. */
static Datum
make_event(FunctionCallInfo fcinfo, Event *event, int at, int value, int kind, int label,
		   int expires_at)
{
	ByteBuffer out;
	int scale = 0;

	if (PG_ARGISNULL(at))
		PG_RETURN_NULL();
	event->at = PG_GETARG_TIMESTAMPTZ(at);
	timeline_check_instant(event->at);
	if (!PG_ARGISNULL(value))
	{
		Decimal decimal = decimal_from_numeric(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(value)));

		event->has_value = true;
		event->value = decimal.units;
		scale = decimal.scale;
	}
	event->kind = text_argument(fcinfo, kind);
	event->label = text_argument(fcinfo, label);
	if (!PG_ARGISNULL(expires_at))
	{
		event->has_expiry = true;
		event->expires_at = PG_GETARG_TIMESTAMPTZ(expires_at);
		timeline_check_expiry(event->expires_at);
	}
	timeline_datum_begin(&out, EVENT_SIZE);
	timeline_encode(&out, event, 1, scale);
	return timeline_datum_end(&out);
}

/* make_event(at, value, kind, label, ref bigint, expires_at) */
Datum
loyalty_make_event(PG_FUNCTION_ARGS)
{
	Event event;

	memset(&event, 0, sizeof(event));
	if (!PG_ARGISNULL(4))
	{
		event.ref_type = EVENT_REF_NUMBER;
		event.ref_number = PG_GETARG_INT64(4);
	}
	return make_event(fcinfo, &event, 0, 1, 2, 3, 5);
}

/* make_event(ref text, at, value, kind, label, expires_at) */
Datum
loyalty_make_event_ref(PG_FUNCTION_ARGS)
{
	Event event;
	EventText ref = text_argument(fcinfo, 0);

	memset(&event, 0, sizeof(event));
	if (ref.bytes != NULL)
		event_set_ref_text(&event, ref.bytes, ref.len);
	return make_event(fcinfo, &event, 1, 2, 3, 4, 5);
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
