/*
 * program_walk.c
 *		A walk: what one of the walks beside it has for another (entries of earning go to the
 *		points, points and amounts count for tiers, a tier may suspend expiry), which instant comes
 *		next, and what happens at one, in this order:
 *
 *		points expire			points, up to POINTS_STEP_EXPIRE
 *		tiers by time			tier_walk_until(); suspension follows
 *		points become available	points, up to POINTS_STEP_ACTIVATE
 *		birthdays, events		earning, at the tier held then; each entry goes to the points
 *		tiers by events			tier_walk_end(); suspension follows
 *								(before earning, where the order that reaches a tier earns at it)
 *		points expire			points, where they are valid at the boundary
 *
 * Instants of events and of what time gives are worked off one by one. What falls due between them
 * in points and tiers is theirs, and is not looked at before the next instant, unless one has to do
 * with the other: then a change of tier brings the points to it first (change_tier()), and
 * where points count for tiers only once they are available, each time that they become so is an
 * instant, too.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"
#include "program/program.h"

/* Events between two looks at interrupts. */
#define INTERRUPT_EVERY 1024

/* Dictionaries up to this size are read without an allocation. */
#define WALK_TEXTS		64

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
	PointsShares *shares; /* NULL: points of an order stand under one label */
	bool explains;
	bool keeps;			   /* what the points are given */
	bool crosses_after;	   /* some version has the order that reaches a tier earn at it */
	bool counts_available; /* tiers count points once they are available */
	bool in_step;		   /* somebody looks at what falls due in its order */

	/* The customer. */
	const char *customer;
	bool has_events;
	TimestampTz member_since;
	int points_scale;
	EventText *labels; /* his labels, and behind them those of the rules */
	int64 max_labels;
	PointsShare *parts; /* of an entry */
	int64 max_parts;
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

/* What falls due in points up to a step of an instant. */
static void
bring_points(ProgramWalk *walk, TimestampTz at, PointsStep step)
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

/* The tiers' sink. */
static void
change_tier(void *context, TierWalk *tiers, const TierChange *change)
{
	ProgramWalk *walk = context;

	bring_points(walk, change->at, POINTS_STEP_EXPIRE);
	walk->rank = change->to_rank;
	if (walk->sinks.change != NULL)
		walk->sinks.change(walk->sinks.context, tiers, change);
	if (!walk->policy->suspends)
		return;
	if (walk->version_ends <= change->at)
		enter_version(walk, walk->version + 1);
	settle(walk, change->at);
}

/* What time does to tiers before an instant, and a version of the programme that begins there. */
static void
bring_tiers(ProgramWalk *walk, TimestampTz before)
{
	TimestampTz version_begins = walk->version_ends;

	tier_walk_until(walk->tiers, before);
	if (likely(!walk->policy->suspends) || version_begins >= before)
		return;
	bring_points(walk, version_begins, POINTS_STEP_EXPIRE);
	if (walk->version_ends == version_begins)
		enter_version(walk, walk->version + 1);
	settle(walk, version_begins);
}

/* ---- points, and what of them counts for tiers ---- */

/* Counts for tiers at the instant. */
static void
count_for_tiers(ProgramWalk *walk, int128 value, int kind_no, int label_no)
{
	TierEvent event = { .kind_no = kind_no,
						.label_no = label_no,
						.has_value = true,
						.value = as_value(walk, value),
						.expires_at = DT_NOEND };

	tier_walk_event(walk->tiers, &event);
}

/* The points' sink, where what becomes available counts. */
static void
note_move(void *context, PointsWalk *points, const PointsMove *move)
{
	ProgramWalk *walk = context;

	int32 nlots;
	const PointsLot *lots = points_walk_lots(points, &nlots);

	if (move->type == POINTS_MOVE_ACTIVATE)
	{
		const Waiting *waiting = &walk->waiting[lots[move->lot].event];

		/* to be blocked is nothing that tiers look at */
		if (waiting->qualifies)
			count_for_tiers(walk, (int128) move->points + move->blocked, waiting->kind_no,
							waiting->label_no);
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
	if (walk->counts_available && value > 0 && newest_is_pending(walk))
	{
		walk->waiting = array_grow_in(walk->context, walk->waiting, &walk->max_waiting,
									  (int64) number + 1, sizeof(Waiting));
		walk->waiting[number].kind_no = entry->kind_no;
		walk->waiting[number].label_no = entry->label_no;
		walk->waiting[number].qualifies = entry->qualifies;
		return;
	}
	if (walk->counts_available && value < 0)
		value = -walk->taken;
	if (value != 0 && entry->qualifies)
		count_for_tiers(walk, value, entry->kind_no, entry->label_no);
}

/* What the lot of an entry will be made of. */
static pg_noinline void
announce_parts(ProgramWalk *walk, const EarnEntry *entry, int32 number)
{
	int64 factor = decimal_power[walk->points_scale - entry->scale];
	int i;

	walk->parts = array_grow_in(walk->context, walk->parts, &walk->max_parts, entry->nparts,
								sizeof(PointsShare));
	for (i = 0; i < entry->nparts; i++)
	{
		walk->parts[i].label_no = entry->parts[i].label_no;
		walk->parts[i].points = as_value(walk, (int128) entry->parts[i].points * factor);
	}
	points_shares_announce(walk->shares, number, walk->parts, entry->nparts);
}

/* Gives an entry's points to the lots. */
static void
give_points(ProgramWalk *walk, const EarnEntry *entry, int32 number)
{
	static const PointsRole roles[] = {
		[EARN_ENTRY_EARN] = POINTS_EARN,		   [EARN_ENTRY_RETURN] = POINTS_RETURN,
		[EARN_ENTRY_BONUS] = POINTS_EARN,		   [EARN_ENTRY_REDEEM] = POINTS_REDEEM,
		[EARN_ENTRY_ACTIVATE] = POINTS_ACTIVATE,   [EARN_ENTRY_BLOCK] = POINTS_BLOCK,
		[EARN_ENTRY_UNBLOCK] = POINTS_UNBLOCK,	   [EARN_ENTRY_REFUND] = POINTS_REDEEM_REFUND,
		[EARN_ENTRY_REINSTATE] = POINTS_REINSTATE, [EARN_ENTRY_ADJUST] = POINTS_ADJUST,
		[EARN_ENTRY_TRANSFER] = POINTS_TRANSFER,   [EARN_ENTRY_FORFEIT] = POINTS_FORFEIT,
		[EARN_ENTRY_EXPIRE] = POINTS_EXPIRE,
	};
	PointsEvent event;

	event.at = entry->at;
	event.role = roles[entry->type];
	event.value = as_value(walk, entry->points);
	if (entry->scale < walk->points_scale)
		event.value =
			as_value(walk, (int128) event.value * decimal_power[walk->points_scale - entry->scale]);
	event.number = number;
	event.label_no = entry->label_no;
	event.has_expiry = entry->has_expiry;
	if (entry->has_expiry)
		event.expires_at = entry->expires_at;
	event.ref_type = EVENT_REF_NONE;
	if (entry->event != NULL && entry->event->ref_type != EVENT_REF_NONE)
	{
		event.ref_type = entry->event->ref_type;
		event.ref_number = entry->event->ref_number;
		event.ref_text = entry->event->ref_text;
	}
	if (unlikely(walk->keeps))
	{
		event.kind.bytes = earn_entry_names[entry->type];
		event.kind.len = (int) strlen(event.kind.bytes);
		event.document = entry->passes ? entry->kind_no : 0;
	}
	if (unlikely(entry->nparts > 0))
		announce_parts(walk, entry, number);
	walk->taken = 0;
	points_walk_give(walk->points, &event);
	if (walk->policy->metric == PROGRAM_POINTS && entry->type <= EARN_ENTRY_BONUS)
		count_entry(walk, entry, number, event.value);
}

/* Earning's sink. */
static void
take_entry(void *context, EarnWalk *earn, const EarnEntry *entry)
{
	ProgramWalk *walk = context;

	if (likely(entry->points != 0) || earn_needs_no_points(entry->type))
		give_points(walk, entry, walk->nentries);
	walk->nentries++;
	if (walk->sinks.entry != NULL)
		walk->sinks.entry(walk->sinks.context, earn, entry);
}

/* ---- making one ---- */

ProgramWalk *
program_walk_create(const ProgramPolicy *policy, int flags, const ProgramSinks *sinks)
{
	ProgramWalk *walk = palloc0(sizeof(ProgramWalk));
	int i;

	walk->policy = policy;
	walk->zone = policy->zone != NULL ? policy->zone : zone_of_session();
	walk->context = CurrentMemoryContext;
	if (sinks != NULL)
		walk->sinks = *sinks;
	walk->explains = (flags & PROGRAM_WALK_EXPLAIN) != 0;
	walk->keeps = (flags & PROGRAM_WALK_KEEP) != 0;
	if (flags & PROGRAM_WALK_BY_LABEL)
		walk->shares = points_shares_create();
	for (i = 0; i < policy->earn->nversions; i++)
		walk->crosses_after |= policy->tiers != NULL && policy->earn->versions[i].crossing_after;
	walk->counts_available = policy->metric == PROGRAM_POINTS && !policy->pending_counts;
	walk->in_step = walk->counts_available || policy->suspends || walk->sinks.entry != NULL ||
					walk->sinks.move != NULL || walk->sinks.change != NULL;

	walk->earn = earn_walk_create(policy->earn,
								  (walk->explains ? EARN_WALK_EXPLAIN : 0) |
									  (walk->shares != NULL ? EARN_WALK_BY_LABEL : 0),
								  take_entry, walk);
	walk->points = points_walk_create(policy->points, walk->keeps ? POINTS_KEEP_EVENTS : 0,
									  walk->counts_available ? note_move : walk->sinks.move,
									  walk->counts_available ? walk : walk->sinks.context);
	if (policy->tiers != NULL)
	{
		EventText *names = palloc(policy->tiers->ntiers * sizeof(EventText));

		walk->tiers = tier_walk_create(policy->tiers, 0, walk->in_step ? change_tier : NULL, walk);
		for (i = 0; i < policy->tiers->ntiers; i++)
		{
			names[i].bytes = policy->tiers->tiers[i];
			names[i].len = (int) strlen(names[i].bytes);
		}
		earn_walk_tiers(walk->earn, names, policy->tiers->ntiers);
		earn_walk_kinds(walk->earn, &policy->tiers->grant_kind, &policy->join_kind);
	}
	walk->has_texts = true;
	return walk;
}

/* ---- a customer ---- */

/* Numbers his labels, with those of the rules behind them, for all that ask for them. */
static void
number_texts(ProgramWalk *walk)
{
	TimelineReader *reader = &walk->reader;
	const EarnPolicy *rules = walk->policy->earn;
	int nlabels = reader->nlabels + (walk->shares != NULL ? rules->nlabels : rules->nbonus_labels);
	int i;

	walk->labels =
		array_grow_in(walk->context, walk->labels, &walk->max_labels, nlabels, sizeof(EventText));
	if (reader->nlabels > 0)
		memcpy(walk->labels, reader->labels, reader->nlabels * sizeof(EventText));
	memcpy(walk->labels + reader->nlabels, rules->labels,
		   (nlabels - reader->nlabels) * sizeof(EventText));
	points_walk_set_labels(walk->points, walk->labels, nlabels);
	walk->grant_no = -1;
	if (walk->tiers == NULL)
		return;
	tier_walk_texts(walk->tiers, reader->kinds, reader->nkinds, walk->labels, nlabels);
	for (i = 0; i < reader->nkinds; i++)
		if (event_text_compare(&reader->kinds[i], &walk->policy->tiers->grant_kind) == 0)
			walk->grant_no = i + 1;
}

/* The scale of his points: that of the rules, but what a ledger gives may have more decimals. */
static int
find_points_scale(const ProgramWalk *walk)
{
	int scale = walk->policy->earn->scale;
	TimelineReader ahead;
	Event event;
	int64 read = 0;
	bool *passes;
	bool any = false;
	int i;

	if (likely(walk->reader.nkinds == 0) || walk->reader.scale <= scale)
		return scale;
	passes = palloc_extended((Size) walk->reader.nkinds + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < walk->reader.nkinds; i++)
	{
		EarnRole role = earn_role_of_kind(walk->policy->earn, &walk->reader.kinds[i]);

		any |= passes[i + 1] = earn_is_ledger_role(role) && role != EARN_ACTIVATE;
	}
	ahead = walk->reader;
	while (any && scale < ahead.scale && timeline_next(&ahead, &event))
	{
		if (passes[event.kind_no] && event.has_value)
			scale = Max(scale, decimal_minimal_scale(event.value, ahead.scale));
		if (++read % INTERRUPT_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
	}
	pfree(passes);
	return scale;
}

static inline void
read_next(ProgramWalk *walk)
{
	TimelineReader *reader = &walk->reader;

	if (!walk->plain)
		walk->has_next = timeline_next(reader, &walk->next);
	else if ((walk->has_next = reader->left > 0))
	{
		reader->left--;
		walk->next.has_value =
			timeline_read_instant_and_value(reader, &walk->next.at, &walk->next.value);
	}
}

static void
start_tiers(ProgramWalk *walk)
{
	const ProgramPolicy *policy = walk->policy;
	int scale = policy->metric == PROGRAM_SPEND	   ? walk->reader.scale
				: policy->metric == PROGRAM_POINTS ? walk->points_scale
												   : 0;

	tier_walk_start(walk->tiers, scale, walk->has_events ? walk->member_since : DT_NOBEGIN, -1,
					walk->customer);
	walk->rank = walk->has_events ? TIER_NO_RANK : 0;
	walk->suspended = false;
	enter_version(walk, walk->policy->versions);
}

void
program_walk_start(ProgramWalk *walk, ByteSpan body, const char *customer)
{
	TimelineReader *reader = &walk->reader;
	MemoryContext caller = MemoryContextSwitchTo(walk->context);

	timeline_close_within(reader, walk->texts, WALK_TEXTS);
	reader->kinds = reader->labels = NULL;
	timeline_open_within(reader, body.bytes, body.len, walk->texts, WALK_TEXTS);
	MemoryContextSwitchTo(caller);
	walk->customer = customer;
	walk->has_events = reader->left > 0;
	walk->points_scale = find_points_scale(walk);
	earn_walk_start(walk->earn, reader, customer);
	walk->member_since = earn_walk_member_since(walk->earn);
	points_walk_feed(walk->points, walk->points_scale, customer);
	/* most have none, and what that means stays the same */
	if (walk->has_texts || reader->nkinds > 0 || reader->nlabels > 0)
	{
		walk->has_texts = true;
		number_texts(walk);
	}
	walk->has_texts = reader->nkinds > 0 || reader->nlabels > 0;
	if (walk->tiers != NULL)
		start_tiers(walk);
	walk->reached = DT_NOBEGIN;
	walk->spend = 0;
	walk->nentries = 0;
	walk->ngrants = 0;
	if (walk->shares != NULL)
		points_shares_start(walk->shares);
	walk->plain = !walk->explains && walk->shares == NULL && (reader->flags & TIMELINE_RICH) == 0 &&
				  (reader->flags & TIMELINE_HAS_VALUES) != 0;
	memset(&walk->next, 0, sizeof(Event));
	memset(&walk->single, 0, sizeof(Event));
	walk->single.has_value = true;
	read_next(walk);
}

/* ---- an instant ---- */

/* Tells of a grant that gives nothing; returns whether that is since nobody knows its tier. */
static pg_noinline bool
is_unknown_grant(const ProgramWalk *walk, const Event *event)
{
	const TierPolicy *tiers = walk->policy->tiers;
	ProgramFault fault;

	if (event->label_no == 0)
		fault = PROGRAM_GRANT_OF_NONE;
	else if (tier_rank_of(tiers, event->label.bytes, event->label.len) == TIER_NO_RANK)
		fault = PROGRAM_GRANT_OF_UNKNOWN;
	else if (event->has_expiry && event->expires_at <= event->at)
		fault = PROGRAM_GRANT_OVER;
	else
		return false;
	walk->sinks.fault(walk->sinks.context, event, fault);
	return fault != PROGRAM_GRANT_OVER;
}

static void
take_grant(ProgramWalk *walk, const Event *event)
{
	TierEvent grant = { .kind_no = event->kind_no,
						.label_no = event->label_no,
						.expires_at = event->has_expiry ? event->expires_at : DT_NOEND };

	if (walk->sinks.fault != NULL && is_unknown_grant(walk, event))
		return;
	walk->grants = array_grow_in(walk->context, walk->grants, &walk->max_grants, walk->ngrants + 1,
								 sizeof(TierEvent));
	walk->grants[walk->ngrants++] = grant;
}

/* The events of an instant: grants are the tiers', all others those of earning. */
static void
take_events(ProgramWalk *walk, TimestampTz at)
{
	do
	{
		if (unlikely(walk->next.kind_no == walk->grant_no))
			take_grant(walk, &walk->next);
		else
			earn_walk_event(walk->earn, &walk->next);
		read_next(walk);
		CHECK_FOR_INTERRUPTS();
	} while (walk->has_next && walk->next.at == at);
}

/* Adds to spend, and tells the tiers what they are to see. */
static inline void
count(ProgramWalk *walk, int128 amount, int kind_no, int label_no, bool starts_order)
{
	walk->spend += amount;
	if (walk->tiers == NULL)
		return;
	if (walk->policy->metric == PROGRAM_SPEND)
		count_for_tiers(walk, amount, kind_no, label_no);
	else if (walk->policy->metric == PROGRAM_ORDERS && starts_order)
		count_for_tiers(walk, 1, kind_no, label_no);
}

/* What the instant's events count for. */
static void
reckon(ProgramWalk *walk)
{
	int n;
	const EarnCounted *counted = earn_walk_reckon(walk->earn, &n);
	int i;

	for (i = 0; i < n; i++)
		count(walk, counted[i].amount, counted[i].kind_no, counted[i].label_no,
			  counted[i].starts_order);
}

/* What was counted at the instant, and granted, does to the tier. */
static void
end_tiers(ProgramWalk *walk)
{
	int64 i;

	for (i = 0; i < walk->ngrants; i++)
		tier_walk_event(walk->tiers, &walk->grants[i]);
	walk->ngrants = 0;
	tier_walk_end(walk->tiers);
}

static bool
crosses_after(const ProgramWalk *walk, TimestampTz at)
{
	return earn_version_on(walk->policy->earn, zone_day(walk->zone, at))->crossing_after;
}

/* The tier at which the instant's events earn: who joins with them has the base tier. */
static int
tier_now(const ProgramWalk *walk)
{
	return Max(tier_walk_rank(walk->tiers), 0);
}

/*
 * Is a plain timeline's event at an instant the only thing that happens there, and a purchase?
 * It is read then, to single.
 */
static inline bool
take_single(ProgramWalk *walk, TimestampTz at)
{
	const Event *next = &walk->next;

	if (next->at != at || !walk->has_next || !next->has_value || next->value < 0 ||
		earn_walk_next_due(walk->earn) <= at)
		return false;
	walk->single.at = at;
	walk->single.value = next->value;
	read_next(walk);
	return true;
}

static void
work_off(ProgramWalk *walk, TimestampTz at)
{
	TierWalk *tiers = walk->tiers;
	int tier = EARN_NO_TIER;
	bool tiers_first = false;
	bool has_single = walk->plain && take_single(walk, at);
	bool alone = has_single && !(walk->has_next && walk->next.at == at);

	if (tiers != NULL)
	{
		bring_tiers(walk, at + 1);
		tier_walk_begin(tiers, at);
		tier = tier_now(walk);
	}
	if (walk->in_step)
		bring_points(walk, at, POINTS_STEP_ACTIVATE);
	if (alone)
		count(walk, walk->single.value, 0, 0, true);
	else
	{
		earn_walk_begin(walk->earn, at);
		if (has_single)
			earn_walk_event(walk->earn, &walk->single);
		if (walk->has_next && walk->next.at == at)
			take_events(walk, at);
		reckon(walk);
	}
	if (unlikely(walk->crosses_after))
		tiers_first = crosses_after(walk, at);
	if (tiers_first)
	{
		end_tiers(walk);
		tier = tier_now(walk);
	}
	if (alone)
		earn_walk_purchase(walk->earn, &walk->single, tier);
	else
		earn_walk_end(walk->earn, tier);
	if (tiers != NULL && !tiers_first)
		end_tiers(walk);
	if (walk->counts_available)
		bring_points(walk, at, POINTS_STEP_EXPIRE_AFTER);
}

/* The next instant to be worked off. */
static inline TimestampTz
next_instant(const ProgramWalk *walk)
{
	TimestampTz at = earn_walk_next_due(walk->earn);

	if (likely(walk->has_next))
		at = Min(at, walk->next.at);
	if (unlikely(walk->counts_available))
		at = Min(at, points_walk_next_due(walk->points));
	if (unlikely(walk->policy->suspends))
		at = Min(at, walk->version_ends);
	return at;
}

static void
walk_until(ProgramWalk *walk, TimestampTz before)
{
	TimestampTz at;

	while ((at = next_instant(walk)) < before)
	{
		work_off(walk, at);
		CHECK_FOR_INTERRUPTS();
	}
	if (walk->tiers != NULL)
		bring_tiers(walk, before);
	bring_points(walk, before, POINTS_STEP_EXPIRE);
	walk->reached = before;
}

void
program_walk_to_day(ProgramWalk *walk, DateADT day)
{
	check_finite_day(day);
	walk_until(walk, zone_day_start(walk->zone, day + 1));
}

void
program_walk_close(ProgramWalk *walk)
{
	walk->has_next = false;
	walk->reader.left = 0;
	earn_walk_close(walk->earn);
}

void
program_walk_run_out(ProgramWalk *walk)
{
	walk_until(walk, END_TIMESTAMP - 1);
}

/* ---- where it stands ---- */

void
program_walk_standing(ProgramWalk *walk, ProgramStanding *standing)
{
	const PointsTotals *totals = points_walk_totals(walk->points);

	if (walk->tiers != NULL)
		standing->rank = tier_walk_rank(walk->tiers);
	else
		standing->rank = !walk->has_events || walk->member_since < walk->reached ? 0 : TIER_NO_RANK;
	standing->amount_scale = walk->reader.scale;
	standing->points_scale = walk->points_scale;
	standing->orders = earn_walk_orders(walk->earn);
	standing->spend = walk->spend;
	standing->issued = totals->earned + totals->adjusted + totals->transferred - totals->returned;
	standing->redeemed = totals->redeemed - (totals->reinstated - totals->brought_back);
	standing->expired = totals->expired - totals->brought_back + totals->forfeited;
	standing->pending = totals->pending;
	standing->blocked = totals->blocked;
	standing->balance = totals->active - totals->overdrawn;
}

TimestampTz
program_walk_member_since(const ProgramWalk *walk)
{
	return walk->has_events ? walk->member_since : DT_NOBEGIN;
}

PointsShares *
program_walk_shares(const ProgramWalk *walk)
{
	return walk->shares;
}

EarnWalk *
program_walk_earn(const ProgramWalk *walk)
{
	return walk->earn;
}

PointsWalk *
program_walk_points(const ProgramWalk *walk)
{
	return walk->points;
}

TierWalk *
program_walk_tiers(const ProgramWalk *walk)
{
	return walk->tiers;
}
