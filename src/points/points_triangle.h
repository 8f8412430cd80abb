/*
 * points_triangle.h
 *		What is read from a points_triangle_result: cohorts, the points issued in one period.
 */
#ifndef LOYALTY_POINTS_TRIANGLE_H
#define LOYALTY_POINTS_TRIANGLE_H

#include "postgres.h"

#include "points/points_face.h"

extern const TallyShape points_triangle_shape;

/* The rows of one label and period of issue, by age. */
typedef struct PointsCohort
{
	TallyRow **row;
	TallyRow **end;
	int32 issued_in;
	int128 issued; /* less what was taken back */
	int128 redeemed;
	int128 expired;
	int128 outstanding;
} PointsCohort;

/* Takes the next cohort off the rows of a label, and adds it up; false at the end. */
extern bool points_cohort_next(PointsLabels *labels, PointsCohort *cohort);

static inline int32
points_age(const TallyRow *row)
{
	return (int32) row->key.numbers[2];
}

#endif
