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

#endif
