/*
 * calendar_call.c
 *		Keeps the calendar of a call site open from row to row.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "calendar/calendar_call.h"
#include "core/compat.h"

/* The period of the call before, kept open: nearly always it is the same for all rows. */
typedef struct OpenPeriod
{
	MemoryContext context;	/* holds what follows */
	struct varlena *period; /* NULL: none is open */
	Calendar calendar;
} OpenPeriod;

Calendar *
calendar_call_argument(FunctionCallInfo fcinfo, int n)
{
	OpenPeriod *open = fcinfo->flinfo->fn_extra;
	struct varlena *period = (struct varlena *) PG_GETARG_CALENDAR_PERIOD(n);
	struct varlena *kept;
	MemoryContext old;

	if (open == NULL)
	{
		open = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(OpenPeriod));
		open->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "loyalty calendar",
											  ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = open;
	}
	else if (open->period != NULL && VARSIZE(open->period) == VARSIZE(period) &&
			 memcmp(open->period, period, VARSIZE(period)) == 0)
		return &open->calendar;

	open->period = NULL;
	MemoryContextReset(open->context);
	old = MemoryContextSwitchTo(open->context);
	kept = palloc(VARSIZE(period));
	memcpy(kept, period, VARSIZE(period));
	calendar_open(&open->calendar, (CalendarPeriod *) kept);
	MemoryContextSwitchTo(old);
	open->period = kept;
	return &open->calendar;
}
