/*
 * points_closing.h
 *		From opening to closing, period by period: the rows that the tables of roll-forwards
 *		have, whatever moves they tell apart.
 *
 *		period_start, period_end, complete, opening, what moved ..., closing, pending, as_of
 */
#ifndef LOYALTY_POINTS_CLOSING_H
#define LOYALTY_POINTS_CLOSING_H

#include "postgres.h"

#include "core/rows.h"
#include "metric/tally.h"
#include "metric/base_metric.h"

/* Where the rows of such a result have what: sums that come in, sums that go, and the last one,
 * the change of pending. */
typedef struct PointsClosing
{
	int period_key;
	int first_out;
	int pending;
	bool by_label; /* rows begin with the key's text */
} PointsClosing;

/* What is wrong with the periods of rows from outside; NULL: nothing so far. */
extern const char *points_closing_fault(const PointsClosing *closing, TallyRow *const *rows,
										int64 nrows, const BaseCalendar *calendar);

/* A row for each period from that of the first of these, of which there is one, to that of as_of.
 */
extern void points_closing_put(const PointsClosing *closing, Rows *rows,
							   const BaseCalendar *calendar, TallyRow *const *row,
							   TallyRow *const *end, int scale);

#endif
