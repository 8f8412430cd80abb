/*
 * program_exchange.c
 *		What one of the walks beside a programme's has for another: entries of earning go to
 *		the points, points and amounts count for tiers, and a tier may suspend expiry.
 */
#include "postgres.h"

#include "program/program_state.h"

/* ---- values ---- */

static void report_out_of_range(const ProgramWalk *walk) pg_attribute_noreturn();

static void
report_out_of_range(const ProgramWalk *walk)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("amounts or points are out of range"),
			 walk->customer != NULL ? errdetail("Customer %s.", walk->customer) : 0,
			 errhint("Amounts and rates with fewer decimals leave room for larger numbers.")));
}

/* What is handed from one walk to another as a value. */
static inline int64
as_value(const ProgramWalk *walk, int128 number)
{
	if (unlikely(number > PG_INT64_MAX || number < -PG_INT64_MAX))
		report_out_of_range(walk);
	return (int64) number;
}

/* ---- suspension ---- */

void
program_bring_points(ProgramWalk *walk, TimestampTz at, PointsStep step)
{
	PointsLimit limit = { .at = at, .step = step };

	points_walk_until(walk->points, limit);
}

/* Does the tier stop points from expiring? */
static void
settle(ProgramWalk *walk, TimestampTz at)
{
	bool suspends = walk->rank >= 0 && walk->version->suspends[walk->rank];

	if (suspends == walk->suspended)
		return;
	walk->suspended = suspends;
	if (suspends)
		points_walk_suspend(walk->points);
	else
		points_walk_resume(walk->points, at);
}

static void
enter_version(ProgramWalk *walk, const ProgramVersion *version)
{
	const ProgramPolicy *policy = walk->policy;

	walk->version = version;
	walk->version_ends = version < &policy->versions[policy->nversions - 1]
							 ? zone_day_start(walk->zone, version[1].from)
							 : DT_NOEND;
}

void
program_first_version(ProgramWalk *walk)
{
	enter_version(walk, walk->policy->versions);
}

void
program_change_tier(void *context, TierWalk *tiers, const TierChange *change)
{
	ProgramWalk *walk = context;

	program_bring_points(walk, change->at, POINTS_STEP_EXPIRE);
	walk->rank = change->to_rank;
	if (walk->sinks.change != NULL)
		walk->sinks.change(walk->sinks.context, tiers, change);
	if (!walk->policy->suspends)
		return;
	if (walk->version_ends <= change->at)
		enter_version(walk, walk->version + 1);
	settle(walk, change->at);
}

void
program_bring_tiers(ProgramWalk *walk, TimestampTz before)
{
	TimestampTz version_begins = walk->version_ends;

	tier_walk_until(walk->tiers, before);
	if (likely(!walk->policy->suspends) || version_begins >= before)
		return;
	program_bring_points(walk, version_begins, POINTS_STEP_EXPIRE);
	if (walk->version_ends == version_begins)
		enter_version(walk, walk->version + 1);
	settle(walk, version_begins);
}

/* ---- points, and what of them counts for tiers ---- */

void
program_count(ProgramWalk *walk, int128 value, int kind_no, int label_no)
{
	TierEvent event = { .kind_no = kind_no,
						.label_no = label_no,
						.has_value = true,
						.value = as_value(walk, value),
						.expires_at = DT_NOEND };

	tier_walk_event(walk->tiers, &event);
}

/* The points' sink, where what becomes available counts. */
void
program_note_move(void *context, PointsWalk *points, const PointsMove *move)
{
	ProgramWalk *walk = context;

	int32 nlots;
	const PointsLot *lots = points_walk_lots(points, &nlots);

	if (move->type == POINTS_MOVE_ACTIVATE)
	{
		const Waiting *waiting = &walk->waiting[lots[move->lot].event];

		if (waiting->qualifies)
			program_count(walk, move->points, waiting->kind_no, waiting->label_no);
	}
	else if (move->type == POINTS_MOVE_OVERDRAW ||
			 (move->type == POINTS_MOVE_TAKE && lots[move->lot].state != POINTS_LOT_PENDING))
		walk->taken += move->points;
	if (walk->sinks.move != NULL)
		walk->sinks.move(walk->sinks.context, points, move);
}

static bool
newest_is_pending(const ProgramWalk *walk)
{
	int32 nlots;
	const PointsLot *lots = points_walk_lots(walk->points, &nlots);

	return lots[nlots - 1].state == POINTS_LOT_PENDING;
}

/* An entry whose points have gone to the lots counts, or will once they are available. */
static void
count_entry(ProgramWalk *walk, const EarnEntry *entry, int32 number, int64 value)
{
	int kind_no = entry->type != EARN_ENTRY_BONUS ? entry->event->kind_no : 0;

	if (walk->counts_available && value > 0 && newest_is_pending(walk))
	{
		walk->waiting = array_grow_in(walk->context, walk->waiting, &walk->max_waiting,
									  (int64) number + 1, sizeof(Waiting));
		walk->waiting[number].kind_no = kind_no;
		walk->waiting[number].label_no = entry->label_no;
		walk->waiting[number].qualifies = entry->qualifies;
		return;
	}
	if (walk->counts_available && value < 0)
		value = -walk->taken;
	if (value != 0 && entry->qualifies)
		program_count(walk, value, kind_no, entry->label_no);
}

/* Gives an entry's points to the lots. */
static void
give_points(ProgramWalk *walk, const EarnEntry *entry, int32 number)
{
	static const PointsRole roles[] = { POINTS_EARN, POINTS_RETURN, POINTS_EARN, POINTS_REDEEM };
	PointsEvent event;

	event.at = entry->at;
	event.role = roles[entry->type];
	event.value = as_value(walk, entry->points);
	if (entry->scale < walk->points_scale)
		event.value =
			as_value(walk, (int128) event.value * decimal_power[walk->points_scale - entry->scale]);
	event.number = number;
	event.label_no = entry->label_no;
	event.ref_type = EVENT_REF_NONE;
	if (entry->event != NULL && entry->event->ref_type != EVENT_REF_NONE)
	{
		event.ref_type = entry->event->ref_type;
		event.ref_number = entry->event->ref_number;
		event.ref_text = entry->event->ref_text;
	}
	walk->taken = 0;
	points_walk_give(walk->points, &event);
	if (walk->policy->metric == PROGRAM_POINTS && entry->type != EARN_ENTRY_REDEEM)
		count_entry(walk, entry, number, event.value);
}

void
program_take_entry(void *context, EarnWalk *earn, const EarnEntry *entry)
{
	ProgramWalk *walk = context;

	if (likely(entry->points != 0))
		give_points(walk, entry, walk->nentries);
	walk->nentries++;
	if (walk->sinks.entry != NULL)
		walk->sinks.entry(walk->sinks.context, earn, entry);
}
