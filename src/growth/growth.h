/*
 * growth.h
 *		Growth accounting: who is new, comes again, comes back, and leaves, period by period.
 *
 * Of those active in a period, each is one of
 *		new			it is his first active period
 *		retained	he was active in the period before, too
 *		resurrected	he was active before, but not in the period before
 * and who was active in the period before and isn't now has churned. A result holds the
 * first three: active and churned follow, so that active(t) = active(t-1) + new +
 * resurrected - churned always.
 *
 * Money moves the same way. The revenue of a customer in a period is the sum of his values
 * in it, which returns may bring below zero; he is active in it if one of his events isn't
 * a negative one. Revenue of a period is that of those active in it. What others gave back
 * (they have nothing but negative values in it) stands apart as returned: it belongs to
 * no one's growth, and would be undone in the period after.
 *		new, resurrected	revenue of those customers
 *		expansion			how much more retained ones brought than in the period before,
 *		contraction			and how much less, customer by customer
 *		churned				what those who churned had brought in the period before
 * So revenue(t) = revenue(t-1) + new + expansion + resurrected - contraction - churned.
 *
 * No fmgr here: growth.c is the SQL face.
 */
#ifndef LOYALTY_GROWTH_H
#define LOYALTY_GROWTH_H

#include "postgres.h"

#include "metric/metric.h"

/* Sums of a row; those from GROWTH_COUNTS on are values, over timelines only. */
enum
{
	GROWTH_NEW,
	GROWTH_RETAINED,
	GROWTH_RESURRECTED,
	GROWTH_COUNTS,

	GROWTH_NEW_REVENUE = GROWTH_COUNTS,
	GROWTH_RETAINED_REVENUE,
	GROWTH_RESURRECTED_REVENUE,
	GROWTH_EXPANSION,
	GROWTH_CONTRACTION,
	GROWTH_RETURNED,
	GROWTH_SUMS
};

/* Over activity sets (growth_fold.c). */
extern void *growth_start(const MetricQuestion *question, Tally *tally);
extern void growth_customer(void *fold, ByteSpan body);

/* Over timelines (growth_money_fold.c). */
extern void *growth_money_start(const MetricQuestion *question, Tally *tally);
extern void growth_money_customer(void *fold, ByteSpan body);

#endif
