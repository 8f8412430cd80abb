/*
 * tier_base.h
 *		Tiers of everyone: folds over customers' walks, into tallies.
 *
 *		timelines --> one walk each, to the end of as_of --> where it stands	--> census, near
 *														\-> at two days		--> migration
 *														\-> its changes		--> flow, tenure
 *
 * All go by the effective rank. Who isn't a member yet isn't counted; a customer without any
 * event is a member in the base tier all the time, who never joined.
 *
 * No fmgr here: tier_census.c, tier_migration.c, tier_flow.c, tier_tenure.c and tier_near.c are
 * the SQL faces.
 */
#ifndef LOYALTY_TIER_BASE_H
#define LOYALTY_TIER_BASE_H

#include "postgres.h"

#include "calendar/calendar.h"
#include "metric/tally.h"
#include "tiers/tiers.h"

typedef enum TierFoldKind
{
	TIER_CENSUS,
	TIER_MIGRATION,
	TIER_FLOW,
	TIER_TENURE,
	TIER_NEAR
} TierFoldKind;

/* ---- keys and sums of the tallies, in the order of their shapes ---- */

/* By rank. */
typedef enum CensusSum
{
	CENSUS_MEMBERS,
	CENSUS_VALUE, /* of the first metric */
	CENSUS_SUMS
} CensusSum;

typedef enum MigrationKey
{
	MIGRATION_FROM, /* TIER_NO_RANK: not yet a member */
	MIGRATION_TO,
	MIGRATION_KEYS
} MigrationKey;

typedef enum FlowKey
{
	FLOW_PERIOD,
	FLOW_RANK,
	FLOW_KEYS
} FlowKey;

typedef enum FlowSum
{
	FLOW_JOINED,
	FLOW_UPGRADED_IN,
	FLOW_UPGRADED_OUT,
	FLOW_DOWNGRADED_IN,
	FLOW_DOWNGRADED_OUT,
	FLOW_EVENTLESS, /* members all the time: in the last period, since the first one isn't known
					   before all results are added up */
	FLOW_SUMS
} FlowSum;

typedef enum TenureKey
{
	TENURE_RANK,
	TENURE_DAYS,
	TENURE_KEYS
} TenureKey;

typedef enum TenureSum
{
	TENURE_ENDED,
	TENURE_RUNNING,
	TENURE_SUMS
} TenureSum;

/* By rank. */
typedef enum NearSum
{
	NEAR_MEMBERS,
	NEAR_NEXT,
	NEAR_KEEP,
	NEAR_SUMS
} NearSum;

/* ---- folds ---- */

typedef struct TierQuestion
{
	const TierPolicy *policy;
	ZoneDays *zone;				  /* the policy's, which has one */
	const CalendarPeriod *period; /* TIER_FLOW */
	DateADT from_day;			  /* TIER_MIGRATION */
	DateADT as_of;
	Decimal within; /* TIER_NEAR */
} TierQuestion;

typedef struct TierFold TierFold;

/* In the current memory context; what the question points at must live as long. */
extern TierFold *tier_fold_create(TierFoldKind kind, const TierQuestion *question);

/* Adds a customer: the body of his timeline. */
extern void tier_fold_customer(TierFold *fold, ByteSpan body);

/* Brings what was counted into a tally of the kind's shape, and starts anew. */
extern void tier_fold_flush(TierFold *fold, Tally *tally);

#endif
