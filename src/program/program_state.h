/*
 * program_state.h
 *		The state of a walk, shared by the files that are the engine:
 *
 *		program_walk.c		which instant comes next, and what happens at one
 *		program_exchange.c	what one of the walks beside it has for another: entries for
 *							points, values for tiers, suspension
 */
#ifndef LOYALTY_PROGRAM_STATE_H
#define LOYALTY_PROGRAM_STATE_H

#include "core/array.h"
#include "program/program.h"

/* Dictionaries up to this size are read without an allocation. */
#define WALK_TEXTS 64

/* What points that aren't available yet will count as for tiers; by the number of their entry. */
typedef struct Waiting
{
	int32 kind_no;
	int32 label_no;
	bool qualifies;
} Waiting;

struct ProgramWalk
{
	/* What it walks by; the same for all customers. */
	const ProgramPolicy *policy;
	ZoneDays *zone;
	ProgramSinks sinks;
	MemoryContext context;
	EarnWalk *earn;
	PointsWalk *points;
	TierWalk *tiers;
	bool explains;
	bool crosses_after;	   /* some version has the order that reaches a tier earn at it */
	bool counts_available; /* tiers count points once they are available */
	bool in_step;		   /* somebody looks at what falls due in its order */

	/* The customer. */
	const char *customer;
	bool has_events;
	TimestampTz member_since;
	int points_scale;
	EventText *labels; /* his labels, and behind them the sorts of bonuses */
	int64 max_labels;
	bool has_texts; /* kinds or labels */
	int grant_no;	/* kind_no of grants; -1: no such kind */
	TimelineReader reader;
	bool plain; /* just instants and values, and nobody has them explained */
	Event next; /* read ahead */
	bool has_next;
	Event single; /* the first event of an instant, where they are plain */

	/* Where he stands. */
	TimestampTz reached; /* everything before has happened */
	int128 spend;
	int32 nentries;
	int64 taken; /* by the entry that is given, of points that could be spent, or as a debt */
	Waiting *waiting;
	int64 max_waiting;

	/* Suspension. */
	const ProgramVersion *version; /* in force */
	TimestampTz version_ends;	   /* DT_NOEND: never */
	int rank;					   /* the effective one, after the last change that was told */
	bool suspended;

	/* The instant. */
	TierEvent *grants;
	int64 ngrants;
	int64 max_grants;

	EventText texts[WALK_TEXTS];
};

/* ---- program_exchange.c ---- */

/* The sinks of the walks beside it; their context is the ProgramWalk. */
extern void program_take_entry(void *context, EarnWalk *earn, const EarnEntry *entry);
extern void program_note_move(void *context, PointsWalk *points, const PointsMove *move);
extern void program_change_tier(void *context, TierWalk *tiers, const TierChange *change);

/* What falls due in points up to a step of an instant. */
extern void program_bring_points(ProgramWalk *walk, TimestampTz at, PointsStep step);

/* What time does to tiers before an instant, and a version of the programme that begins there. */
extern void program_bring_tiers(ProgramWalk *walk, TimestampTz before);

/* The first version is in force. */
extern void program_first_version(ProgramWalk *walk);

/* Counts for tiers at the instant. */
extern void program_count(ProgramWalk *walk, int128 value, int kind_no, int label_no);

#endif
