/*
 * calendar_call.h
 *		The period argument of a function that is called for each row.
 */
#ifndef LOYALTY_CALENDAR_CALL_H
#define LOYALTY_CALENDAR_CALL_H

#include "postgres.h"

#include "fmgr.h"

#include "calendar/calendar.h"

/*
 * The calendar of argument n, which isn't NULL: that of the call before where the period is
 * the same, so that its look-up table is made once. It takes up fn_extra.
 */
extern Calendar *calendar_call_argument(FunctionCallInfo fcinfo, int n);

#endif
