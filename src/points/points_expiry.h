/*
 * points_expiry.h
 *		When points that were earned on a day are gone, and when they can be spent.
 */
#ifndef LOYALTY_POINTS_EXPIRY_H
#define LOYALTY_POINTS_EXPIRY_H

#include "points/points.h"

/* A policy's rules with what was computed from them before. */
typedef struct PointsClock PointsClock;

extern PointsClock *points_clock_create(const PointsPolicy *policy);

/* The zone of local days. */
extern ZoneDays *points_clock_zone(const PointsClock *clock);

/* When a lot earned at that instant can be spent. */
extern TimestampTz points_clock_available_at(PointsClock *clock, TimestampTz earned_at);

/* When it is gone by the rules; DT_NOEND: never. */
extern TimestampTz points_clock_expires_at(PointsClock *clock, TimestampTz earned_at,
										   TimestampTz available_at, EventText label);

/* When points are gone for want of activity since an instant; DT_NOEND: never. */
extern TimestampTz points_clock_inactive_at(const PointsClock *clock, TimestampTz last);

/* A bound below that, which costs nothing. */
extern TimestampTz points_clock_inactive_bound(const PointsClock *clock, TimestampTz last);

#endif
