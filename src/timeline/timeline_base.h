/*
 * timeline_base.h
 *		Everyone's timelines, by customer.
 */
#ifndef LOYALTY_TIMELINE_BASE_H
#define LOYALTY_TIMELINE_BASE_H

#include "collect/collect.h"
#include "calendar/calendar.h"

/* Rows are TimelineRows. */
extern const CollectOps timeline_collect_ops;

#define TIMELINE_OPS_ID 2

/* The local day of the last event of all; false where there is none. */
extern bool timeline_base_last_day(const Base *base, ZoneDays *zone, DateADT *day);

#endif
