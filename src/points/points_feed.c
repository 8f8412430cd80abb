/*
 * points_feed.c
 *		A walk whose events somebody else makes, and who may have it suspended.
 */
#include "postgres.h"

#include "points/points_moves.h"

void
points_walk_feed(PointsWalk *walk, int scale, const char *customer)
{
	if (!walk->fed)
	{
		timeline_close_within(&walk->reader, walk->texts, WALK_TEXTS);
		memset(&walk->reader, 0, sizeof(TimelineReader));
		walk->labels = NULL;
		walk->nlabels = 0;
		walk->is_plain = false;
		walk->fed = true;
	}
	walk->reader.scale = scale;
	walk_start_over(walk, customer);
	points_walk_close(walk);
}

void
points_walk_set_labels(PointsWalk *walk, const EventText *labels, int nlabels)
{
	walk->labels = labels;
	walk->nlabels = nlabels;
	points_clock_set_labels(walk->clock, labels, nlabels);
}

void
points_walk_give(PointsWalk *walk, const PointsEvent *event)
{
	Due due = { .at = event->at,
				.value = event->value,
				.number = event->number,
				.role = event->role,
				.label_no = event->label_no };

	if (event->value == 0)
		return;
	if (event->role == POINTS_EARN && event->value < 0)
		due.role = POINTS_RETURN;
	due.ref.type = event->ref_type;
	due.ref.number = event->ref_number;
	due.ref.text = event->ref_text;
	if (unlikely(event->at >= walk->next_due))
	{
		PointsLimit before = { .at = event->at, .step = POINTS_STEP_ACTIVATE };

		walk_run_due(walk, before);
	}
	walk_work_off(walk, &due, false);
}

TimestampTz
points_walk_next_due(const PointsWalk *walk)
{
	return walk->next_due;
}

void
points_walk_suspend(PointsWalk *walk)
{
	int32 activating = walk->clock->pends ? walk_first_lot(walk, QUEUE_ACTIVATE) : -1;

	walk->suspended = true;
	walk->next_due = activating < 0 ? DT_NOEND : walk->lots[activating].available_at;
}

void
points_walk_resume(PointsWalk *walk, TimestampTz at)
{
	PointsLimit before = { .at = at, .step = POINTS_STEP_EXPIRE };

	/* what became available until then did so before anything expires */
	walk_run_due(walk, before);
	walk->suspended = false;
	walk->resumed_at = at;
	walk_run_due(walk, before);
}
