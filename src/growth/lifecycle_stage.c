/*
 * lifecycle_stage.c
 *		Finds the stage that a customer is at; the header has the rule.
 */
#include "postgres.h"

#include "activity/activity.h"
#include "growth/lifecycle.h"

const char *const lifecycle_names[LIFECYCLE_STAGES] = {
	[LIFECYCLE_NEVER] = "never",	 [LIFECYCLE_NEW] = "new",
	[LIFECYCLE_CURRENT] = "current", [LIFECYCLE_AT_RISK] = "at risk",
	[LIFECYCLE_DORMANT] = "dormant", [LIFECYCLE_RESURRECTED] = "resurrected",
};

LifecycleStage
lifecycle_stage(const LifecycleRule *rule, ByteSpan body)
{
	ActivityCursor cursor;
	DateADT day;
	int32 now;
	int32 last;
	int64 before; /* the active period before the last one */
	int64 missed;

	activity_open(&cursor, body.bytes, body.len);
	if (!activity_next(&cursor, &day) || day > rule->as_of)
		return LIFECYCLE_NEVER;
	last = calendar_index(rule->calendar, day);
	before = PG_INT64_MIN;
	while (activity_next(&cursor, &day) && day <= rule->as_of)
	{
		int32 period = calendar_index(rule->calendar, day);

		if (period != last)
			before = last;
		last = period;
	}

	now = calendar_index(rule->calendar, rule->as_of);
	if (last == now)
	{
		if (before == PG_INT64_MIN)
			return LIFECYCLE_NEW;
		return now - before - 1 >= rule->dormant_after ? LIFECYCLE_RESURRECTED : LIFECYCLE_CURRENT;
	}
	missed = (int64) now - last - 1;
	if (calendar_start(rule->calendar, now + 1) == rule->as_of + 1)
		missed++;
	if (missed == 0)
		return LIFECYCLE_CURRENT;
	return missed >= rule->dormant_after ? LIFECYCLE_DORMANT : LIFECYCLE_AT_RISK;
}
