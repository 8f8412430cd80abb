/*
 * engagement.h
 *		How often active customers are active: stickiness, and active days in a window.
 *
 * Stickiness of a period (a month) is the mean number of customers active in one of its
 * parts (a day), by the number of those active in it at all: daily by monthly active users.
 * Parts that reach over the period's edge, as weeks do, are cut there, and each piece is a
 * part. In the period that still runs only parts that are over count, so that it doesn't
 * look lower than it is.
 *
 * No fmgr here: engagement.c is the SQL face.
 */
#ifndef LOYALTY_ENGAGEMENT_H
#define LOYALTY_ENGAGEMENT_H

#include "postgres.h"

#include "metric/metric.h"

/* ---- stickiness ---- */

enum
{
	STICKINESS_ACTIVE,		  /* customers active in the period */
	STICKINESS_ACTIVE_WITHIN, /* those active in each of its parts, added up */
	STICKINESS_SUMS
};

extern void *stickiness_start(const MetricQuestion *question, Tally *tally);
extern void stickiness_customer(void *fold, ByteSpan body);

/* How many parts of a period from start to end (exclusive) are over by as_of, which isn't before
 * start. */
extern int64 stickiness_parts(Calendar *within, DateADT start, DateADT end, DateADT as_of);

/* ---- active days ---- */

/* Counts customers by how many of the question's number of days up to as_of they were active on. */
extern void *active_days_start(const MetricQuestion *question, Tally *tally);
extern void active_days_customer(void *fold, ByteSpan body);

#endif
