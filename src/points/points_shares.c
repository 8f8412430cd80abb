/*
 * points_shares.c
 *		Lots with several labels: how many of a lot's points are under each, move by move.
 *
 *		lot 3	[ food 40 | toys 20 | weekend 60 ]		a list of a few, in the order of their
 *		labels
 *
 * A lot that was made with one label, its own, has no list.
 */
#include "postgres.h"

#include "core/array.h"
#include "core/shares.h"
#include "points/points_internal.h"

/* Points of a lot under one label. */
typedef struct LotShare
{
	int32 label_no;
	int64 points;
	int64 remaining;
	int64 blocked;	/* of these */
	int64 redeemed; /* and not given back */
	int64 expired;	/* and not brought back */
} LotShare;

/* Where in the list those of a lot stand. */
typedef struct LotShares
{
	int64 first;
	int32 n; /* 0: it has its own label alone */
} LotShares;

struct PointsShares
{
	MemoryContext context;
	LotShares *lots;
	int64 max_lots;
	LotShare *list;
	int64 n;
	int64 max;

	/* of the event to come: what is in no lot yet */
	int32 event;
	LotShare *announced;
	int32 nannounced;
	int64 max_announced;

	Share *shares; /* of a move */
	int64 max_shares;
	int64 *units; /* they, by place */
	int64 max_units;
	PointsShare *split; /* what a move does under each label */
	int64 max_split;
};

PointsShares *
points_shares_create(void)
{
	PointsShares *shares = palloc0(sizeof(PointsShares));

	shares->context = CurrentMemoryContext;
	return shares;
}

void
points_shares_start(PointsShares *shares)
{
	shares->n = 0;
	shares->event = -1;
	shares->nannounced = 0;
}

void
points_shares_announce(PointsShares *shares, int32 event, const PointsShare *list, int n)
{
	int i;

	shares->event = event;
	shares->nannounced = n;
	shares->announced = array_grow_in(shares->context, shares->announced, &shares->max_announced, n,
									  sizeof(LotShare));
	for (i = 0; i < n; i++)
	{
		LotShare share = { .label_no = list[i].label_no, .remaining = list[i].points };

		shares->announced[i] = share;
	}
}

static int64
remaining_of(const LotShare *share)
{
	return share->remaining;
}

static int64
free_of(const LotShare *share)
{
	return share->remaining - share->blocked;
}

static int64
blocked_of(const LotShare *share)
{
	return share->blocked;
}

static int64
redeemed_of(const LotShare *share)
{
	return share->redeemed;
}

static int64
expired_of(const LotShare *share)
{
	return share->expired;
}

/* Shares points out in proportion to what each has of something: units, in their order. */
static void
share_out(PointsShares *shares, const LotShare *list, int32 n, int64 points,
		  int64 (*weight)(const LotShare *share))
{
	int128 rest = points;
	int64 total = 0;
	int32 i;

	shares->shares =
		array_grow_in(shares->context, shares->shares, &shares->max_shares, n, sizeof(Share));
	shares->units =
		array_grow_in(shares->context, shares->units, &shares->max_units, n, sizeof(int64));
	for (i = 0; i < n; i++)
		total += weight(&list[i]);
	if (total < points)
		elog(ERROR, "more points than labels have");
	for (i = 0; i < n; i++)
		rest -= share_of(&shares->shares[i], i, points, weight(&list[i]), Max(total, 1));
	shares_give_rest(shares->shares, n, rest);
	for (i = 0; i < n; i++)
		shares->units[shares->shares[i].place] = (int64) shares->shares[i].units;
}

/* Begins with a lot, of up to so many shares. */
static LotShares *
begin_lot(PointsShares *shares, int32 number, int32 n)
{
	LotShares *entry;

	shares->lots = array_grow_in(shares->context, shares->lots, &shares->max_lots,
								 (int64) number + 1, sizeof(LotShares));
	shares->list =
		array_grow_in(shares->context, shares->list, &shares->max, shares->n + n, sizeof(LotShare));
	entry = &shares->lots[number];
	entry->first = shares->n;
	entry->n = 0;
	return entry;
}

static void
add_share(PointsShares *shares, LotShares *entry, int32 label_no, int64 points)
{
	LotShare share = { .label_no = label_no, .points = points, .remaining = points };

	shares->list[shares->n++] = share;
	entry->n++;
}

/* A lot that the event to come makes, of which there may be several. */
static void
note_lot(PointsShares *shares, const PointsLot *lot, int32 number)
{
	bool announced = lot->event == shares->event;
	int32 n = announced ? shares->nannounced : 0;
	LotShares *entry = begin_lot(shares, number, n);
	int32 i;

	if (n == 0)
		return;
	share_out(shares, shares->announced, n, lot->points, remaining_of);
	for (i = 0; i < n; i++)
	{
		int64 points = shares->units[i];

		if (points == 0)
			continue;
		shares->announced[i].remaining -= points;
		add_share(shares, entry, shares->announced[i].label_no, points);
	}
}

/* A lot of what had expired of an older one. */
static void
note_part(PointsShares *shares, const PointsLot *lot, int32 number, int32 old)
{
	int32 n = shares->lots[old].n;
	LotShares *entry = begin_lot(shares, number, n);
	LotShare *list = &shares->list[shares->lots[old].first];
	int32 i;

	if (n == 0)
		return;
	share_out(shares, list, n, lot->points, expired_of);
	for (i = 0; i < n; i++)
	{
		int64 points = shares->units[i];

		if (points == 0)
			continue;
		list[i].expired -= points;
		list[i].points -= points;
		add_share(shares, entry, list[i].label_no, points);
	}
}

/* What made the points go: of a debt that is paid, that which made it. */
static PointsRole
role_of(const PointsWalk *walk, const PointsMove *move)
{
	return move->type == POINTS_MOVE_REPAY ? points_walk_debt(walk, move->debt)->role : move->role;
}

/* What a move goes by. */
static int64 (*weight_of_move(const PointsMove *move))(const LotShare *share)
{
	switch (move->type)
	{
		case POINTS_MOVE_RESTORE:
			return redeemed_of;
		case POINTS_MOVE_UNBLOCK:
			return blocked_of;
		case POINTS_MOVE_TAKE:
			return move->blocked > 0 ? blocked_of : free_of;
		case POINTS_MOVE_EXPIRE:
			return remaining_of;
		default:
			return free_of;
	}
}

/* What a move does under a label; returns how many of the points were blocked. */
static int64
move_share(LotShare *share, PointsRole role, const PointsMove *move, int64 points)
{
	int64 blocked = 0;

	switch (move->type)
	{
		case POINTS_MOVE_BLOCK:
			share->blocked += points;
			return 0;
		case POINTS_MOVE_UNBLOCK:
			share->blocked -= points;
			return 0;
		case POINTS_MOVE_RESTORE:
			points = -points;
			break;
		case POINTS_MOVE_TAKE:
			blocked = move->blocked > 0 ? points : 0;
			break;
		case POINTS_MOVE_EXPIRE:
			blocked = share->blocked;
			break;
		case POINTS_MOVE_REPAY:
			break;
		default:
			return 0;
	}
	share->remaining -= points;
	share->blocked -= blocked;
	if (role == POINTS_REDEEM || role == POINTS_REDEEM_REFUND)
		share->redeemed += points;
	else if (role == POINTS_EXPIRE)
		share->expired += points;
	return blocked;
}

static PointsShare *
make_split(PointsShares *shares, int32 n)
{
	shares->split =
		array_grow_in(shares->context, shares->split, &shares->max_split, n, sizeof(PointsShare));
	return shares->split;
}

const PointsShare *
points_shares_split(PointsShares *shares, const PointsWalk *walk, const PointsMove *move, int *n)
{
	int32 nlots;
	const PointsLot *lot = &points_walk_lots(walk, &nlots)[move->lot];
	const LotShares *of_lot;
	LotShare *list;
	PointsShare *split;
	PointsRole role;
	int32 i;

	if (move->type == POINTS_MOVE_LOT)
	{
		if (move->of < 0)
			note_lot(shares, lot, move->lot);
		else
			note_part(shares, lot, move->lot, move->of);
	}
	of_lot = &shares->lots[move->lot];
	if (of_lot->n == 0)
	{
		split = make_split(shares, 1);
		split->label_no = lot->label_no;
		split->points = move->points;
		split->blocked = move->blocked;
		*n = 1;
		return split;
	}
	list = &shares->list[of_lot->first];
	/* what a frozen account blocks as it comes in is what the move before shared out */
	if (move->type != POINTS_MOVE_BLOCK || move->role == POINTS_BLOCK)
		share_out(shares, list, of_lot->n, move->points, weight_of_move(move));
	role = role_of(walk, move);
	split = make_split(shares, of_lot->n);
	*n = 0;
	for (i = 0; i < of_lot->n; i++)
	{
		int64 points = shares->units[i];

		if (points == 0)
			continue;
		split[*n].label_no = list[i].label_no;
		split[*n].points = points;
		split[(*n)++].blocked = move_share(&list[i], role, move, points);
	}
	return split;
}

const PointsShare *
points_shares_of_lot(PointsShares *shares, const PointsWalk *walk, int32 number, int *n)
{
	int32 nlots;
	const PointsLot *lot = &points_walk_lots(walk, &nlots)[number];
	const LotShares *of_lot = &shares->lots[number];
	PointsShare *split = make_split(shares, Max(of_lot->n, 1));
	int32 i;

	*n = 0;
	if (of_lot->n == 0)
	{
		split->label_no = lot->label_no;
		split->points = lot->points;
		split->remaining = lot->remaining + lot->blocked;
		split->blocked = lot->blocked;
		*n = 1;
	}
	for (i = 0; i < of_lot->n; i++)
	{
		const LotShare *share = &shares->list[of_lot->first + i];

		/* all of it was brought back, in another lot */
		if (share->points == 0)
			continue;
		split[*n].label_no = share->label_no;
		split[*n].points = share->points;
		split[*n].remaining = share->remaining;
		split[(*n)++].blocked = share->blocked;
	}
	return split;
}
