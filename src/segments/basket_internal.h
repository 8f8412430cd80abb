/*
 * basket_internal.h
 *		What moved between the labels of a customer's purchases from one period to the next: the
 *		walk through his events, and what it emits.
 *
 * His basket of a period is what he spent there by label; what he gave back lowers it. A basket
 * with a purchase (an event that isn't negative) is an active one; what is given back in a period
 * without any stands apart, as returned. Of a label that had b before and has a now, a - b is made
 * of
 *
 *		new			a, where he bought nothing at all in the period before
 *		lost		b, where he buys nothing at all in this one
 *		else, with gains (a > b) and losses (a < b) over all labels:
 *		switched	what one label lost to another that gained: the smaller of all gains and all
 *					losses, each label's loss in proportion to the gains
 *		increased	gains beyond all losses
 *		decreased	losses beyond all gains
 *
 * Amounts are whole units of the timeline's decimals, two at least, and rounding must neither make
 * nor lose one. So the losses are taken in the order of their labels (by bytes; what has none comes
 * first), and each is shared out in proportion to what the gains have left: rounded down, and the
 * units that are left go to the largest remainders, of equal ones to the first label. "Decreased"
 * is a gain behind all labels here, which takes what losses have beyond gains; "increased" is what
 * gains have left in the end.
 */
#ifndef LOYALTY_BASKET_INTERNAL_H
#define LOYALTY_BASKET_INTERNAL_H

#include "postgres.h"

#include "calendar/calendar.h"
#include "core/codec.h"
#include "core/shares.h"
#include "core/texts.h"
#include "timeline/timeline.h"

/* What is known of a label in a period; amounts but for the first. */
typedef enum BasketSum
{
	BASKET_CUSTOMERS, /* who bought it */
	BASKET_SPEND,
	BASKET_NEW,
	BASKET_INCREASED,
	BASKET_LOST,
	BASKET_DECREASED,
	BASKET_RETURNED,
	BASKET_LABEL_SUMS,

	BASKET_SWITCHED = BASKET_LABEL_SUMS, /* of two labels, as is BASKET_CUSTOMERS there */
	BASKET_SUMS
} BasketSum;

/* A part of a basket. */
typedef struct BasketEntry
{
	int label; /* its number in the customer's timeline; 0: none */
	bool bought;
	int128 amount;
} BasketEntry;

typedef struct Basket
{
	int32 period;
	bool is_active;
	BasketEntry *entries;
	int64 n;
	int64 max;
} Basket;

/* A loss or gain of a label. */
typedef struct BasketChange
{
	int label; /* BASKET_NO_LABEL: the gain that stands for what decreased */
	int128 amount;
} BasketChange;

#define BASKET_NO_LABEL	  (-1)

/* There may be as many pairs as the square of that. */
#define BASKET_MAX_LABELS 1000

typedef struct BasketChanges
{
	BasketChange *list;
	int64 n;
	int64 max;
	int128 total;
} BasketChanges;

typedef struct BasketWalk BasketWalk;

/* Takes an amount of a label, or of two; they are numbers in walk->labels, 0: none. to is 0 where
 * there is one. */
typedef void (*BasketTaker)(void *context, BasketSum sum, int32 period, uint32 label, uint32 to,
							int128 amount);

struct BasketWalk
{
	Periods *periods;
	TimestampTz end;   /* of what counts */
	int32 last_period; /* that it lies in, once it is known */
	bool last_is_known;
	Texts *labels; /* of all customers */
	BasketTaker take;
	void *taker;
	MemoryContext memory;

	/* of a customer */
	TimelineReader reader;
	EventText room[DICTIONARY_ROOM];
	int64 factor; /* from his values to amounts */
	uint32 *numbers;
	int64 max_numbers;
	int64 *slots; /* by label: 1 + its place in the basket of now */
	int64 max_slots;
	Basket now;
	Basket before;
	BasketChanges losses;
	BasketChanges gains;
	Share *parts; /* of a loss, while it is shared out over the gains */
	int64 max_parts;
};

/* A walk that takes memory of the current context. */
extern BasketWalk *basket_walk_create(const CalendarPeriod *period, ZoneDays *zone, DateADT as_of,
									  BasketTaker take, void *taker);

/* Opens a customer's timeline, and tells how many decimals amounts have; then walks it. */
extern int basket_walk_open(BasketWalk *walk, ByteSpan body);
extern void basket_walk(BasketWalk *walk);

#endif
