/*
 * event_rows.c
 *		Writes columns of events.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "timeline/event_rows.h"

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
