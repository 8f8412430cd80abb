/*
 * program_sql.c
 *		program_summary(): where one customer stands at the end of a day, as one row; and
 *		program_statement(): what happened to him, row by row, and why.
 */
#include "postgres.h"

#include "fmgr.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/array.h"
#include "core/rows.h"
#include "policy/policy.h"
#include "program/program.h"
#include "timeline/timeline.h"

PG_FUNCTION_INFO_V1(loyalty_program_summary);
PG_FUNCTION_INFO_V1(loyalty_program_statement);

/* ---- program_summary ---- */

/* Rules that are open, the walk by them, and the row that it fills. */
typedef struct SummaryCall
{
	ProgramPolicy *policy;
	ProgramWalk *walk;
	MemoryContext context;
	Rows *record; /* NULL until there is one */
} SummaryCall;

static void *
open_for_summary(const struct varlena *bytes)
{
	SummaryCall *call = palloc0(sizeof(SummaryCall));

	call->context = CurrentMemoryContext;
	call->policy = program_policy_open(bytes);
	call->walk = program_walk_create(call->policy, 0, NULL);
	return call;
}

static Rows *
begin_record(SummaryCall *call, FunctionCallInfo fcinfo)
{
	if (call->record == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(call->context);
		Rows *record = palloc(sizeof(Rows));

		rows_open_record(record, fcinfo);
		call->record = record;
		MemoryContextSwitchTo(caller);
	}
	rows_begin(call->record);
	return call->record;
}

/* The tier, until when it is promised, and how far it is to the next. */
static void
put_tier(Rows *record, const SummaryCall *call, int rank)
{
	TierWalk *tiers = program_walk_tiers(call->walk);
	TierMissing missing = { .asked = false };

	rows_put_name(record, program_tier_name(call->policy, rank));
	if (rank == TIER_NO_RANK)
		rows_put_null(record);
	else
		rows_put_int(record, rank);
	if (tiers == NULL || rank == TIER_NO_RANK)
	{
		rows_put_null(record);
		rows_put_null(record);
		return;
	}
	rows_put_instant(record, tier_walk_valid_until(tiers));
	missing = tier_walk_missing_to_next(tiers, TIER_ANY_MEASURE);
	if (missing.asked)
		rows_put_decimal(record, missing.units, missing.scale);
	else
		rows_put_null(record);
}

/* program_summary(timeline, program, as_of) */
Datum
loyalty_program_summary(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	SummaryCall *call = policy_argument(fcinfo, 1, &program_policy_table, open_for_summary);
	ProgramStanding standing;
	Rows *record;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	program_walk_start(call->walk, timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0))),
					   NULL);
	program_walk_to_day(call->walk, as_of);
	program_walk_standing(call->walk, &standing);
	record = begin_record(call, fcinfo);
	rows_put_decimal(record, standing.spend, standing.amount_scale);
	rows_put_count(record, standing.orders);
	rows_put_decimal(record, standing.issued, standing.points_scale);
	rows_put_decimal(record, standing.redeemed, standing.points_scale);
	rows_put_decimal(record, standing.expired, standing.points_scale);
	rows_put_decimal(record, standing.pending, standing.points_scale);
	rows_put_decimal(record, standing.blocked, standing.points_scale);
	rows_put_decimal(record, standing.balance, standing.points_scale);
	put_tier(record, call, standing.rank);
	return rows_record(record);
}

/* ---- program_statement ---- */

/*
 * Rows are written as the walk's sinks are told. What expires at one instant is held back until
 * something else comes, and added up by label. An entry's points go to the lots before it is told:
 * what expires of them at once is held back until its row is there.
 */

/* What expired of a label at the instant that is held back. */
typedef struct Expired
{
	EventText label;
	int128 points;
	int128 spendable; /* what of it was in the balance */
} Expired;

typedef struct Ref
{
	EventRefType type;
	int64 number;
	EventText text;
} Ref;

/* A refund of which something is left until the redemptions of its instant have taken theirs. */
typedef struct LateRefund
{
	int64 number; /* of its entry */
	EventText label;
	char *explanation;
} LateRefund;

typedef struct Statement
{
	const ProgramPolicy *policy;
	ProgramWalk *walk;
	Rows *rows; /* of this call */
	int amount_scale;
	int points_scale;
	int rank;		/* after the last row */
	int128 balance; /* ... and after the last move */
	Ref *refs;		/* by number of entry, for points that become available */
	int64 nrefs;
	int64 max_refs;
	TimestampTz expired_at;
	Expired *expired;
	int64 nexpired;
	int64 max_expired;
	bool giving;	   /* points of the next entry; what is held back expired of them */
	int128 refunded;   /* by the next entry, at once */
	int128 reinstated; /* by the next entry */
	int128 blocked;	   /* or unblocked, by the next entry */
	LateRefund *late;
	int64 nlate;
	int64 max_late;
	int64 first_late; /* those before are through */
} Statement;

static void
begin_row(Statement *statement, TimestampTz at, const char *role, EventText label)
{
	rows_begin(statement->rows);
	rows_put_instant(statement->rows, at);
	rows_put_name(statement->rows, role);
	rows_put_text(statement->rows, label.bytes, label.len);
}

/* The last four columns. */
static void
end_row(Statement *statement, const int128 *points, int128 balance, const char *explanation)
{
	Rows *rows = statement->rows;

	if (points != NULL)
		rows_put_decimal(rows, *points, statement->points_scale);
	else
		rows_put_null(rows);
	rows_put_decimal(rows, balance, statement->points_scale);
	rows_put_name(rows, program_tier_name(statement->policy, statement->rank));
	rows_put_name(rows, explanation);
	rows_end(rows);
}

/* ---- what expires ---- */

/* What could be spent before what is held back expired. */
static int128
balance_before_expired(const Statement *statement)
{
	int128 balance = statement->balance;
	int64 i;

	for (i = 0; i < statement->nexpired; i++)
		balance += statement->expired[i].spendable;
	return balance;
}

/* Writes the rows of the instant that is held back. */
static void
put_expired(Statement *statement)
{
	int128 balance = balance_before_expired(statement);
	int64 i;

	for (i = 0; i < statement->nexpired; i++)
	{
		int128 points = -statement->expired[i].points;

		balance -= statement->expired[i].spendable;
		begin_row(statement, statement->expired_at, points_role_names[POINTS_EXPIRE],
				  statement->expired[i].label);
		rows_put_null(statement->rows);
		rows_put_null(statement->rows);
		end_row(statement, &points, balance, NULL);
	}
	statement->nexpired = 0;
}

static EventText
label_of_lot(const PointsWalk *points, int32 lot)
{
	static const EventText none = { NULL, 0 };
	int32 nlots;
	int nlabels;
	int32 label_no = points_walk_lots(points, &nlots)[lot].label_no;

	return label_no > 0 ? points_walk_labels(points, &nlabels)[label_no - 1] : none;
}

static void
hold_expired(Statement *statement, PointsWalk *points, const PointsMove *move, int128 spendable)
{
	EventText label = label_of_lot(points, move->lot);
	Expired *expired;
	int64 i;

	statement->expired_at = move->at;
	for (i = 0; i < statement->nexpired; i++)
		if (event_text_compare(&statement->expired[i].label, &label) == 0)
			break;
	if (i == statement->nexpired)
	{
		statement->expired =
			array_grow(statement->expired, &statement->max_expired, i + 1, sizeof(Expired));
		expired = &statement->expired[statement->nexpired++];
		expired->label = label;
		expired->points = expired->spendable = 0;
	}
	expired = &statement->expired[i];
	expired->points += move->points;
	expired->spendable += spendable;
}

/* ---- refs of lots ---- */

static void
note_ref(Statement *statement, const Event *event)
{
	Ref *ref;

	statement->refs =
		array_grow(statement->refs, &statement->max_refs, statement->nrefs + 1, sizeof(Ref));
	ref = &statement->refs[statement->nrefs++];
	ref->type = event != NULL ? event->ref_type : EVENT_REF_NONE;
	if (ref->type == EVENT_REF_NUMBER)
		ref->number = event->ref_number;
	else if (ref->type == EVENT_REF_TEXT)
		ref->text = event->ref_text;
}

static void
put_ref_of_entry(Statement *statement, int64 number)
{
	const Ref *ref = &statement->refs[number];
	Event event = { .ref_type = ref->type, .ref_number = ref->number, .ref_text = ref->text };

	event_put_ref(statement->rows, &event);
}

static void
put_ref_of_lot(Statement *statement, const PointsWalk *points, int32 lot)
{
	int32 nlots;

	put_ref_of_entry(statement, points_walk_lots(points, &nlots)[lot].event);
}

/* ---- refunds in two parts ---- */

static void
hold_refund(Statement *statement, const EarnEntry *entry)
{
	LateRefund *late;

	statement->late =
		array_grow(statement->late, &statement->max_late, statement->nlate + 1, sizeof(LateRefund));
	late = &statement->late[statement->nlate++];
	late->number = statement->nrefs - 1;
	late->label = entry->label;
	late->explanation = entry->explanation != NULL ? pstrdup(entry->explanation) : NULL;
}

/* They come to their end in their order. */
static void
put_late_refund(Statement *statement, const PointsMove *move)
{
	const LateRefund *late = &statement->late[statement->first_late++];
	int128 points = move->points;

	Assert(late->number == move->event);
	begin_row(statement, move->at, earn_entry_names[EARN_ENTRY_REFUND], late->label);
	put_ref_of_entry(statement, late->number);
	rows_put_null(statement->rows);
	end_row(statement, &points, balance_before_expired(statement), late->explanation);
	statement->giving = false;
}

/* ---- the sinks ---- */

static void
take_move(void *context, PointsWalk *points, const PointsMove *move)
{
	Statement *statement = context;
	int128 before = statement->balance;
	bool is_refund = move->role == POINTS_REDEEM_REFUND;

	if (!statement->giving)
	{
		statement->giving = move->event == statement->nrefs || (is_refund && move->event >= 0);
		if (statement->nexpired > 0 &&
			(move->type != POINTS_MOVE_EXPIRE || move->at != statement->expired_at))
			put_expired(statement);
	}
	statement->balance = points_walk_spendable(points);
	if (move->type == POINTS_MOVE_EXPIRE)
		hold_expired(statement, points, move, before - statement->balance);
	else if (move->type == POINTS_MOVE_ACTIVATE && move->points > 0)
	{
		int128 activated = move->points;

		begin_row(statement, move->at, "activate", label_of_lot(points, move->lot));
		put_ref_of_lot(statement, points, move->lot);
		rows_put_null(statement->rows);
		end_row(statement, &activated, statement->balance, NULL);
	}
	else if (move->type == POINTS_MOVE_DONE && is_refund)
	{
		if (move->event == statement->nrefs)
			statement->refunded = move->points;
		else
			put_late_refund(statement, move);
	}
	else if (move->type == POINTS_MOVE_DONE && move->role == POINTS_REINSTATE)
		statement->reinstated = move->points;
	/* what a frozen account blocks as it comes in is nothing that an entry does */
	else if (move->type == POINTS_MOVE_BLOCK && move->role == POINTS_BLOCK)
		statement->blocked -= move->points;
	else if (move->type == POINTS_MOVE_UNBLOCK)
		statement->blocked += move->points;
}

static void
put_entry(void *context, EarnWalk *earn, const EarnEntry *entry)
{
	Statement *statement = context;
	int128 points = entry->points * decimal_power[Max(statement->points_scale - entry->scale, 0)];

	if (!statement->giving)
		put_expired(statement);
	statement->giving = false;
	note_ref(statement, entry->event);
	if (entry->type == EARN_ENTRY_REFUND && statement->refunded < points)
	{
		hold_refund(statement, entry);
		points = statement->refunded;
		if (points == 0)
			return;
	}
	statement->refunded = 0;
	/* what it activated has rows of its own */
	if (entry->type == EARN_ENTRY_ACTIVATE)
		return;
	if (entry->type == EARN_ENTRY_REINSTATE)
		points = statement->reinstated;
	else if (points == 0 && earn_needs_no_points(entry->type))
		points = statement->blocked;
	statement->blocked = 0;
	begin_row(statement, entry->at, earn_entry_names[entry->type], entry->label);
	if (entry->event != NULL)
		event_put_ref(statement->rows, entry->event);
	else
		rows_put_null(statement->rows);
	if (entry->has_amount)
		rows_put_decimal(statement->rows, entry->amount, statement->amount_scale);
	else
		rows_put_null(statement->rows);
	end_row(statement, &points, balance_before_expired(statement), entry->explanation);
}

static void
put_change(void *context, TierWalk *tiers, const TierChange *change)
{
	static const EventText no_label = { NULL, 0 };
	Statement *statement = context;
	const char *reason = tier_reason_names[change->reason];

	put_expired(statement);
	statement->rank = change->to_rank;
	begin_row(statement, change->at, "tier", no_label);
	if (change->from_rank != TIER_NO_RANK)
		reason = psprintf("%s to %s, %s", program_tier_name(statement->policy, change->from_rank),
						  program_tier_name(statement->policy, change->to_rank), reason);
	rows_put_null(statement->rows);
	rows_put_null(statement->rows);
	end_row(statement, NULL, statement->balance, reason);
}

/* ---- the call ---- */

static void *
open_for_statement(const struct varlena *bytes)
{
	Statement *statement = palloc0(sizeof(Statement));
	ProgramPolicy *policy = program_policy_open(bytes);
	ProgramSinks sinks = {
		.entry = put_entry, .move = take_move, .change = put_change, .context = statement
	};

	statement->policy = policy;
	statement->walk = program_walk_create(policy, PROGRAM_WALK_EXPLAIN, &sinks);
	return statement;
}

/* program_statement(timeline, program, as_of) */
Datum
loyalty_program_statement(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	Statement *statement;
	Rows rows;
	ByteSpan body;
	ProgramStanding standing;

	rows_open(&rows, fcinfo);
	statement = policy_argument(fcinfo, 1, &program_policy_table, open_for_statement);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	body = timeline_event_body(PointerGetDatum(PG_GETARG_VARLENA_PP(0)));
	program_walk_start(statement->walk, body, NULL);
	program_walk_standing(statement->walk, &standing);
	statement->rows = &rows;
	statement->amount_scale = standing.amount_scale;
	statement->points_scale = standing.points_scale;
	statement->rank = standing.rank;
	statement->balance = 0;
	statement->expired = NULL;
	statement->nexpired = statement->max_expired = 0;
	statement->giving = false;
	statement->refunded = 0;
	statement->blocked = 0;
	statement->late = NULL;
	statement->nlate = statement->max_late = statement->first_late = 0;
	statement->refs = NULL;
	statement->nrefs = statement->max_refs = 0;
	program_walk_to_day(statement->walk, as_of);
	put_expired(statement);
	return (Datum) 0;
}
