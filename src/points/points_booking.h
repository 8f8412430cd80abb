/*
 * points_booking.h
 *		Booking a walk's moves into cells: by period, or by period of issue and age; points_result.h
 *		has the rules.
 */
#ifndef LOYALTY_POINTS_BOOKING_H
#define LOYALTY_POINTS_BOOKING_H

#include "postgres.h"

#include "metric/cells.h"
#include "points/points_result.h"

typedef struct PointsBooking PointsBooking;

/* In the current memory context. Days are those of the policy's zone. */
extern PointsBooking *points_booking_create(const PointsPolicy *policy,
											const CalendarPeriod *period, bool by_label);

/* Begins with a customer, whose walk was started: his moves go into these cells. */
extern void points_booking_start(PointsBooking *booking, const PointsWalk *walk, Cells *cells);

/* The text of a label's number in cells; 0: no label. */
extern EventText points_booking_label(const PointsBooking *booking, int32 label);

/* Sinks; the context is the booking. */
extern void points_book_rollforward(void *context, PointsWalk *walk, const PointsMove *move);
extern void points_book_triangle(void *context, PointsWalk *walk, const PointsMove *move);

#endif
