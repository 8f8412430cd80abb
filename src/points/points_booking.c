/*
 * points_booking.c
 *		Sinks that book a walk's moves; the header explains it.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "points/points_internal.h"
#include "core/array.h"
#include "core/hash_key.h"
#include "calendar/calendar.h"

/* ---- labels ---- */

typedef struct LabelEntry
{
	EventText text;
	int32 label;
	uint32 hash;
	char status;
} LabelEntry;

static inline uint32
hash_label(EventText text)
{
	return (uint32) hash_bytes_keyed(text.bytes, text.len);
}

static inline bool
same_label(EventText a, EventText b)
{
	return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

#define SH_PREFIX				labels
#define SH_ELEMENT_TYPE			LabelEntry
#define SH_KEY_TYPE				EventText
#define SH_KEY					text
#define SH_HASH_KEY(table, key) hash_label(key)
#define SH_EQUAL(table, a, b)	same_label(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE				  static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* ---- the state ---- */

struct PointsBooking
{
	Periods *periods;
	Cells *cells;
	bool expires_before_events; /* at one instant */
	bool by_label;
	bool nets_expiries;
	PointsShares *shares; /* NULL: a lot has one label */
	MemoryContext context;

	labels_hash *labels; /* all customers' */
	EventText *texts;	 /* by number, from 1 on */
	int32 nlabels;
	int64 max_labels;

	/* of the customer */
	int32 *label_numbers; /* by label_no */
	int64 max_label_numbers;
	TimestampTz came_in_at; /* the instant of the last lot made or restored */
	int128 pending;			/* of his points, so far */
	int32 *issued_in;		/* period, by lot */
	int64 max_lots;
};

PointsBooking *
points_booking_create(const PointsPolicy *policy, const CalendarPeriod *period, bool by_label)
{
	PointsBooking *booking = palloc0(sizeof(PointsBooking));

	booking->periods = periods_open(period, policy->zone);
	booking->expires_before_events = !policy->valid_at_boundary;
	booking->by_label = by_label;
	booking->context = CurrentMemoryContext;
	hash_key_need();
	booking->labels = labels_create(CurrentMemoryContext, 16, NULL);
	booking->max_labels = 16;
	booking->texts = palloc0(booking->max_labels * sizeof(EventText));
	booking->max_label_numbers = 16;
	booking->label_numbers = palloc0(booking->max_label_numbers * sizeof(int32));
	booking->max_lots = 64;
	booking->issued_in = palloc(booking->max_lots * sizeof(int32));
	return booking;
}

void
points_booking_net_expiries(PointsBooking *booking)
{
	booking->nets_expiries = true;
}

void
points_booking_share(PointsBooking *booking, PointsShares *shares)
{
	booking->shares = shares;
}

EventText
points_booking_label(const PointsBooking *booking, int32 label)
{
	return booking->texts[label];
}

/* The number of a label; texts[0] is that of none. */
static int32
number_label(PointsBooking *booking, EventText text)
{
	bool found;
	LabelEntry *entry = labels_lookup(booking->labels, text);
	char *copy;

	if (entry != NULL)
		return entry->label;
	booking->texts = array_grow(booking->texts, &booking->max_labels, (int64) booking->nlabels + 2,
								sizeof(EventText));
	copy = MemoryContextAlloc(booking->context, Max(1, text.len));
	memcpy(copy, text.bytes, text.len);
	text.bytes = copy;
	entry = labels_insert(booking->labels, text, &found);
	entry->label = ++booking->nlabels;
	booking->texts[entry->label] = text;
	return entry->label;
}

void
points_booking_start(PointsBooking *booking, const PointsWalk *walk, Cells *cells)
{
	booking->cells = cells;
	booking->came_in_at = DT_NOBEGIN;
	booking->pending = 0;
	if (booking->by_label)
	{
		int nlabels;
		const EventText *labels = points_walk_labels(walk, &nlabels);
		int i;

		booking->label_numbers = array_grow(booking->label_numbers, &booking->max_label_numbers,
											(int64) nlabels + 1, sizeof(int32));
		for (i = 0; i < nlabels; i++)
			booking->label_numbers[i + 1] = number_label(booking, labels[i]);
	}
}

/* ---- where a move goes ---- */

#define MOVE(type) (1 << (type))

/* Those that change the state of what there is, and those that change what there is. */
#define STATE_MOVES \
	(MOVE(POINTS_MOVE_ACTIVATE) | MOVE(POINTS_MOVE_BLOCK) | MOVE(POINTS_MOVE_UNBLOCK))
#define BOOKED_MOVES                                                                        \
	(MOVE(POINTS_MOVE_LOT) | MOVE(POINTS_MOVE_TAKE) | MOVE(POINTS_MOVE_OVERDRAW) |          \
	 MOVE(POINTS_MOVE_RESTORE) | MOVE(POINTS_MOVE_CANCEL_DEBT) | MOVE(POINTS_MOVE_EXPIRE) | \
	 MOVE(POINTS_MOVE_REPAY))

static inline const PointsLot *
lot_of(const PointsWalk *walk, const PointsMove *move)
{
	int32 nlots;

	return &points_walk_lots(walk, &nlots)[move->lot];
}

static inline int32
label_of(const PointsBooking *booking, const PointsLot *lot)
{
	return booking->by_label ? booking->label_numbers[lot->label_no] : 0;
}

/* What expired did so before all else of its instant; not if it came in there, too old, or was
 * overdue when the walk was resumed. */
static inline bool
expired_first(const PointsBooking *booking, const PointsWalk *walk, const PointsMove *move)
{
	return booking->expires_before_events && booking->came_in_at != move->at &&
		   points_walk_resumed_at(walk) != move->at;
}

/* The period of a move; moves come in order. */
static inline int32
period_of_move(PointsBooking *booking, const PointsWalk *walk, const PointsMove *move)
{
	if (move->type == POINTS_MOVE_LOT || move->type == POINTS_MOVE_RESTORE)
		booking->came_in_at = move->at;
	else if (move->type == POINTS_MOVE_EXPIRE && expired_first(booking, walk, move))
		return period_of(booking->periods, move->at - 1);
	return period_of(booking->periods, move->at);
}

/* ---- roll-forward ---- */

/* Columns of what comes in and what goes, by role; a negative sign: going lowers the column. */
static const RollforwardSum column_in[POINTS_ROLES] = {
	[POINTS_EARN] = ROLLFORWARD_ISSUED,			 [POINTS_REDEEM_REFUND] = ROLLFORWARD_REINSTATED,
	[POINTS_REINSTATE] = ROLLFORWARD_REINSTATED, [POINTS_ADJUST] = ROLLFORWARD_ADJUSTED,
	[POINTS_TRANSFER] = ROLLFORWARD_TRANSFERRED,
};

static const RollforwardSum column_out[POINTS_ROLES] = {
	[POINTS_ADJUST] = ROLLFORWARD_ADJUSTED,	  [POINTS_TRANSFER] = ROLLFORWARD_TRANSFERRED,
	[POINTS_RETURN] = ROLLFORWARD_RETURNED,	  [POINTS_REDEEM] = ROLLFORWARD_REDEEMED,
	[POINTS_FORFEIT] = ROLLFORWARD_FORFEITED, [POINTS_EXPIRE] = ROLLFORWARD_EXPIRED,
};

static inline void
book_out(int128 *sums, PointsRole role, int64 points)
{
	if (role == POINTS_ADJUST || role == POINTS_TRANSFER)
		sums[column_out[role]] -= points;
	else
		sums[column_out[role]] += points;
}

static inline void
book_pending(PointsBooking *booking, int128 *sums, int64 points)
{
	sums[ROLLFORWARD_PENDING] += points;
	booking->pending += points;
}

/* A move, or what of it is under a label. */
static inline void
book_rollforward(PointsBooking *booking, PointsWalk *walk, const PointsMove *move, int32 label)
{
	const PointsLot *lot = move->lot >= 0 ? lot_of(walk, move) : NULL;
	int32 period = period_of_move(booking, walk, move);
	int128 *sums;

	sums = cell_at(booking->cells, label, 0, period);
	switch (move->type)
	{
		case POINTS_MOVE_LOT:
			if (move->role == POINTS_REINSTATE && booking->nets_expiries)
				sums[ROLLFORWARD_EXPIRED] -= move->points;
			else
				sums[column_in[move->role]] += move->points;
			if (lot->state == POINTS_LOT_PENDING)
				book_pending(booking, sums, move->points);
			break;
		case POINTS_MOVE_ACTIVATE:
			book_pending(booking, sums, -move->points);
			break;
		case POINTS_MOVE_BLOCK:
			sums[ROLLFORWARD_BLOCKED] += move->points;
			if (lot->state == POINTS_LOT_PENDING)
				book_pending(booking, sums, -move->points);
			break;
		case POINTS_MOVE_UNBLOCK:
			sums[ROLLFORWARD_BLOCKED] -= move->points;
			if (lot->state == POINTS_LOT_PENDING)
				book_pending(booking, sums, move->points);
			break;
		case POINTS_MOVE_TAKE:
			book_out(sums, move->role, move->points);
			if (move->blocked > 0)
				sums[ROLLFORWARD_BLOCKED] -= move->blocked;
			else if (lot->state == POINTS_LOT_PENDING)
				book_pending(booking, sums, -move->points);
			break;
		case POINTS_MOVE_EXPIRE:
			sums[ROLLFORWARD_EXPIRED] += move->points;
			sums[ROLLFORWARD_BLOCKED] -= move->blocked;
			/* the lot's state doesn't say any more whether it was still waiting */
			if (booking->pending > 0 && points_walk_totals(walk)->pending < booking->pending)
				book_pending(booking, sums, move->blocked - move->points);
			break;
		case POINTS_MOVE_RESTORE:
			sums[ROLLFORWARD_REINSTATED] += move->points;
			break;
		case POINTS_MOVE_OVERDRAW:
			book_out(sums, move->role, move->points);
			break;
		case POINTS_MOVE_CANCEL_DEBT:
			sums[ROLLFORWARD_REINSTATED] += move->points;
			break;
		default: /* POINTS_MOVE_REPAY */
			if (booking->by_label)
			{
				/* the debt leaves the books without label for those of the lot */
				PointsRole role = points_walk_debt(walk, move->debt)->role;

				book_out(sums, role, move->points);
				book_out(cell_at(booking->cells, 0, 0, period), role, -move->points);
			}
			break;
	}
}

typedef void (*BookPart)(PointsBooking *booking, PointsWalk *walk, const PointsMove *move,
						 int32 label);

/* A move of a lot with several labels, label by label. */
static pg_noinline void
book_split(PointsBooking *booking, PointsWalk *walk, const PointsMove *move, BookPart book)
{
	PointsMove part = *move;
	int n;
	const PointsShare *split = points_shares_split(booking->shares, walk, move, &n);
	int i;

	for (i = 0; i < n; i++)
	{
		part.points = split[i].points;
		part.blocked = split[i].blocked;
		book(booking, walk, &part, booking->label_numbers[split[i].label_no]);
	}
}

void
points_book_rollforward(void *context, PointsWalk *walk, const PointsMove *move)
{
	PointsBooking *booking = context;

	if (!(MOVE(move->type) & (BOOKED_MOVES | STATE_MOVES)))
		return;
	if (unlikely(booking->shares != NULL) && move->lot >= 0)
		book_split(booking, walk, move, book_rollforward);
	else
		book_rollforward(booking, walk, move,
						 move->lot >= 0 ? label_of(booking, lot_of(walk, move)) : 0);
}

/* ---- triangle ---- */

static const TriangleSum triangle_column[POINTS_ROLES] = {
	[POINTS_ADJUST] = TRIANGLE_TAKEN_BACK,	[POINTS_TRANSFER] = TRIANGLE_TAKEN_BACK,
	[POINTS_RETURN] = TRIANGLE_TAKEN_BACK,	[POINTS_REDEEM] = TRIANGLE_REDEEMED,
	[POINTS_FORFEIT] = TRIANGLE_TAKEN_BACK, [POINTS_EXPIRE] = TRIANGLE_EXPIRED,
};

static inline void
note_issue(PointsBooking *booking, int32 lot, int32 period)
{
	if (unlikely(lot >= booking->max_lots))
		booking->issued_in =
			array_grow(booking->issued_in, &booking->max_lots, (int64) lot + 1, sizeof(int32));
	booking->issued_in[lot] = period;
}

static inline void
book_triangle(PointsBooking *booking, PointsWalk *walk, const PointsMove *move, int32 label)
{
	int32 period = period_of_move(booking, walk, move);
	int64 points = move->points;
	int128 *sums;
	int32 issued_in;

	if (move->type == POINTS_MOVE_LOT)
	{
		/* what was carried over, or brought back, stays in the period in which it was issued */
		if (lot_of(walk, move)->earned_at < move->at)
			note_issue(booking, move->lot,
					   period_of(booking->periods, lot_of(walk, move)->earned_at));
		else
			note_issue(booking, move->lot, period);
	}
	issued_in = booking->issued_in[move->lot];
	sums = cell_at(booking->cells, label, issued_in, period - issued_in);
	switch (move->type)
	{
		case POINTS_MOVE_LOT:
			if (move->role == POINTS_REINSTATE)
				sums[TRIANGLE_EXPIRED] -= points;
			else
				sums[TRIANGLE_ISSUED] += points;
			break;
		case POINTS_MOVE_TAKE:
			sums[triangle_column[move->role]] += points;
			break;
		case POINTS_MOVE_EXPIRE:
			sums[TRIANGLE_EXPIRED] += points;
			break;
		case POINTS_MOVE_RESTORE:
			sums[TRIANGLE_REDEEMED] -= points;
			break;
		default: /* POINTS_MOVE_REPAY */
			sums[triangle_column[points_walk_debt(walk, move->debt)->role]] += points;
			break;
	}
}

void
points_book_triangle(void *context, PointsWalk *walk, const PointsMove *move)
{
	PointsBooking *booking = context;

	int n;

	if (!(MOVE(move->type) & BOOKED_MOVES) || move->lot < 0)
	{
		/* what is blocked of a lot's labels decides what a later move takes of them */
		if (unlikely(booking->shares != NULL) && (MOVE(move->type) & STATE_MOVES))
			(void) points_shares_split(booking->shares, walk, move, &n);
		return;
	}
	if (unlikely(booking->shares != NULL))
		book_split(booking, walk, move, book_triangle);
	else
		book_triangle(booking, walk, move, label_of(booking, lot_of(walk, move)));
}
