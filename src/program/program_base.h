/*
 * program_base.h
 *		A programme over everyone: folds over customers' walks, into tallies.
 *
 *		timelines --> one walk each, to the end of as_of --> where it stands  --> program_totals
 *						|							   \-> moves, by period --> program_rollforward
 *						\-> another one, by other rules --> both, side by side --> program_compare
 *
 * Who isn't a member by the end of as_of isn't counted; a customer without any event is a
 * member all the time. Who is one by one of two programmes only has nothing under the other.
 * The roll-forward books the moves as points/points_base.h has it, without labels.
 *
 * No fmgr here: program_totals.c, program_compare.c and program_rollforward.c are the SQL faces.
 */
#ifndef LOYALTY_PROGRAM_BASE_H
#define LOYALTY_PROGRAM_BASE_H

#include "postgres.h"

#include "calendar/calendar.h"
#include "metric/tally.h"
#include "program/program.h"

typedef enum ProgramFoldKind
{
	PROGRAM_TOTALS,
	PROGRAM_COMPARE,
	PROGRAM_ROLLFORWARD
} ProgramFoldKind;

/* ---- keys and sums of the tallies, in the order of their shapes ---- */

/* By rank. issued = redeemed + expired + pending + balance. */
typedef enum WholeSum
{
	WHOLE_MEMBERS,
	WHOLE_SPEND,
	WHOLE_ORDERS,
	WHOLE_ISSUED,
	WHOLE_REDEEMED,
	WHOLE_EXPIRED,
	WHOLE_PENDING,
	WHOLE_BALANCE,
	WHOLE_SUMS
} WholeSum;

typedef enum CompareKey
{
	COMPARE_RANK_A, /* TIER_NO_RANK: not a member by this one */
	COMPARE_RANK_B,
	COMPARE_OUTCOME, /* -1: holds fewer points under b, 0: as many, 1: more */
	COMPARE_KEYS
} CompareKey;

typedef enum CompareSum
{
	COMPARE_MEMBERS,
	COMPARE_SPEND, /* under a */
	COMPARE_ISSUED_A,
	COMPARE_ISSUED_B,
	COMPARE_BALANCE_A,
	COMPARE_BALANCE_B,
	COMPARE_DIFFERENCE, /* of points held, pending ones too: under b less under a */
	COMPARE_SUMS
} CompareSum;

/* By period. Redeemed to expired are what goes; pending is its change. */
typedef enum ForwardSum
{
	FORWARD_ISSUED,
	FORWARD_REDEEMED,
	FORWARD_RETURNED,
	FORWARD_EXPIRED,
	FORWARD_PENDING,
	FORWARD_SUMS
} ForwardSum;

/* ---- folds ---- */

typedef struct ProgramQuestion
{
	const ProgramPolicy *program; /* its parts have the zone, too */
	const ProgramPolicy *other;	  /* PROGRAM_COMPARE: b */
	ZoneDays *zone;
	const CalendarPeriod *period; /* PROGRAM_ROLLFORWARD */
	DateADT as_of;
} ProgramQuestion;

typedef struct ProgramFold ProgramFold;

/* In the current memory context; what the question points at must live as long. */
extern ProgramFold *program_fold_create(ProgramFoldKind kind, const ProgramQuestion *question);

/* Adds a customer: the body of his timeline. */
extern void program_fold_customer(ProgramFold *fold, ByteSpan body);

/* Brings what was counted into a tally of the kind's shape, and starts anew. */
extern void program_fold_flush(ProgramFold *fold, Tally *tally);

#endif
