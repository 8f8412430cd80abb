/*
 * event_rows.h
 *		Columns of an event, as the rows of customers' lists show them.
 */
#ifndef LOYALTY_EVENT_ROWS_H
#define LOYALTY_EVENT_ROWS_H

#include "postgres.h"

#include "core/rows.h"
#include "timeline/timeline.h"

/* Its ref, as text; NULL where it has none, or there is no event. */
extern void event_put_ref(Rows *rows, const Event *event);

#endif
