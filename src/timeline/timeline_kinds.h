/*
 * timeline_kinds.h
 *		The kinds of a timeline that is being merged of rows and bodies, as long as they are few:
 *		numbered as they come, then in the order of dictionaries.
 */
#ifndef LOYALTY_TIMELINE_KINDS_H
#define LOYALTY_TIMELINE_KINDS_H

#include "postgres.h"

#include "core/texts.h"
#include "timeline/timeline.h"

/* Kinds up to this many are looked for one by one. */
#define KINDS_FEW 16

typedef struct TimelineKinds
{
	int count;
	EventText texts[KINDS_FEW];
	uint32 numbers[KINDS_FEW]; /* in the collector's texts; 0: not met there */
} TimelineKinds;

/* The number of a kind, from 1 on, new or known; 0: they are too many. */
extern uint32 timeline_kind_of_text(TimelineKinds *kinds, EventText text);

/* The same of a kind that rows refer to. */
extern uint32 timeline_kind_of_number(TimelineKinds *kinds, uint32 number, const Texts *texts);

/* Puts the kinds in order, and tells the rows. */
extern void timeline_kinds_sort(TimelineKinds *kinds, TimelineRow *rows, int64 nrows);

#endif
