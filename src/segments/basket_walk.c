/*
 * basket_walk.c
 *		The walk through a customer's events, basket by basket; basket_internal.h has the rules.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"
#include "core/decimal.h"
#include "core/int128.h"
#include "segments/basket_internal.h"

/* Whole amounts are shared out in hundredths. */
#define LEAST_DECIMALS 2

BasketWalk *
basket_walk_create(const CalendarPeriod *period, ZoneDays *zone, DateADT as_of, BasketTaker take,
				   void *taker)
{
	BasketWalk *walk = palloc0(sizeof(BasketWalk));

	walk->periods = periods_open(period, zone);
	walk->end = zone_day_start(zone, as_of + 1);
	walk->labels = texts_create(CurrentMemoryContext);
	walk->take = take;
	walk->taker = taker;
	walk->memory = CurrentMemoryContext;
	return walk;
}

int
basket_walk_open(BasketWalk *walk, ByteSpan body)
{
	TimelineReader *reader = &walk->reader;
	int i;

	timeline_open_within(reader, body.bytes, body.len, walk->room, DICTIONARY_ROOM);
	walk->factor = decimal_power[Max(LEAST_DECIMALS - reader->scale, 0)];
	walk->numbers = array_grow_in(walk->memory, walk->numbers, &walk->max_numbers,
								  (int64) reader->nlabels + 1, sizeof(uint32));
	walk->slots = array_grow_in(walk->memory, walk->slots, &walk->max_slots,
								(int64) reader->nlabels + 1, sizeof(int64));
	memset(walk->slots, 0, (reader->nlabels + 1) * sizeof(int64));
	walk->numbers[0] = 0;
	for (i = 0; i < reader->nlabels; i++)
	{
		ByteSpan text = { (const uint8 *) reader->labels[i].bytes, reader->labels[i].len };

		walk->numbers[i + 1] = texts_number(walk->labels, text);
		if (unlikely(walk->numbers[i + 1] > BASKET_MAX_LABELS))
			ereport(
				ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d labels are too many to switch between", BASKET_MAX_LABELS),
				 errhint("Collect events with categories or brands as labels, not articles.")));
		CHECK_FOR_INTERRUPTS();
	}
	walk->now.n = walk->before.n = 0;
	walk->now.is_active = walk->before.is_active = false;
	return Max(reader->scale, LEAST_DECIMALS);
}

/* ---- what is emitted ---- */

static inline void
emit(const BasketWalk *walk, BasketSum sum, int32 period, int label, int128 amount)
{
	if (amount != 0)
		walk->take(walk->taker, sum, period, walk->numbers[label], 0, amount);
}

static void
emit_basket(const BasketWalk *walk, BasketSum sum, int32 period, const Basket *basket)
{
	int64 i;

	for (i = 0; i < basket->n; i++)
	{
		emit(walk, sum, period, basket->entries[i].label, basket->entries[i].amount);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
emit_switched(const BasketWalk *walk, int32 period, int from, int to, int128 amount)
{
	walk->take(walk->taker, BASKET_SWITCHED, period, walk->numbers[from], walk->numbers[to],
			   amount);
}

/* ---- sharing out ---- */

/* A loss, in proportion to what gains have left, of which all together aren't less. */
static void
share_out(BasketWalk *walk, int128 loss, int128 left)
{
	int128 rest = loss;
	int64 i;

	for (i = 0; i < walk->gains.n; i++)
	{
		/* each has 63 bits */
		rest -= share_of(&walk->parts[i], i, loss, walk->gains.list[i].amount, left);
		CHECK_FOR_INTERRUPTS();
	}
	/* a part with a remainder is below its gain by one unit at least */
	shares_give_rest(walk->parts, walk->gains.n, rest);
}

static void
give_part(BasketWalk *walk, int32 period, int label, const Share *part)
{
	BasketChange *gain = &walk->gains.list[part->place];

	if (part->units == 0)
		return;
	gain->amount -= part->units;
	if (gain->label == BASKET_NO_LABEL)
		emit(walk, BASKET_DECREASED, period, label, part->units);
	else
		emit_switched(walk, period, label, gain->label, part->units);
}

static void
add_change(BasketWalk *walk, BasketChanges *changes, int label, int128 amount)
{
	changes->list = array_grow_in(walk->memory, changes->list, &changes->max, changes->n + 1,
								  sizeof(BasketChange));
	changes->list[changes->n++] = (BasketChange){ label, amount };
	changes->total += amount;
}

/* Settles losses by gains. */
static void
settle_changes(BasketWalk *walk, int32 period)
{
	int128 left;
	int64 i;
	int64 j;

	if (walk->losses.total > walk->gains.total)
		add_change(walk, &walk->gains, BASKET_NO_LABEL, walk->losses.total - walk->gains.total);
	if (walk->gains.total > PG_INT64_MAX)
		decimal_report_sum("a customer's values");
	left = walk->gains.total;
	walk->parts =
		array_grow_in(walk->memory, walk->parts, &walk->max_parts, walk->gains.n, sizeof(Share));
	for (i = 0; i < walk->losses.n; i++)
	{
		const BasketChange *loss = &walk->losses.list[i];

		share_out(walk, loss->amount, left);
		for (j = 0; j < walk->gains.n; j++)
			give_part(walk, period, loss->label, &walk->parts[j]);
		left -= loss->amount;
	}
	for (j = 0; left > 0 && j < walk->gains.n; j++)
		emit(walk, BASKET_INCREASED, period, walk->gains.list[j].label, walk->gains.list[j].amount);
}

/* ---- from one basket to the next ---- */

/* A label's amounts in both, where one of them has it. */
static void
note_change(BasketWalk *walk, int label, int128 before, int128 now)
{
	if (now > before)
		add_change(walk, &walk->gains, label, now - before);
	else if (now < before)
		add_change(walk, &walk->losses, label, before - now);
}

/* Two active baskets, one right after the other. */
static void
compare_baskets(BasketWalk *walk)
{
	const BasketEntry *a = walk->before.entries;
	const BasketEntry *a_end = a + walk->before.n;
	const BasketEntry *b = walk->now.entries;
	const BasketEntry *b_end = b + walk->now.n;

	walk->losses.n = walk->gains.n = 0;
	walk->losses.total = walk->gains.total = 0;
	while (a < a_end || b < b_end)
	{
		CHECK_FOR_INTERRUPTS();
		if (b == b_end || (a < a_end && a->label < b->label))
		{
			note_change(walk, a->label, a->amount, 0);
			a++;
		}
		else if (a == a_end || b->label < a->label)
		{
			note_change(walk, b->label, 0, b->amount);
			b++;
		}
		else
		{
			note_change(walk, a->label, a->amount, b->amount);
			a++;
			b++;
		}
	}
	settle_changes(walk, walk->now.period);
}

static int
compare_entries(const void *a, const void *b)
{
	return ((const BasketEntry *) a)->label - ((const BasketEntry *) b)->label;
}

/* Brings a basket in order, and its values to amounts. */
static void
complete_basket(BasketWalk *walk)
{
	Basket *basket = &walk->now;
	int64 i;

	for (i = 0; i < basket->n; i++)
	{
		BasketEntry *entry = &basket->entries[i];

		if (int128_mul_overflow(entry->amount, walk->factor, &entry->amount) ||
			entry->amount > PG_INT64_MAX || entry->amount < -PG_INT64_MAX)
			decimal_report_sum("a customer's values");
		walk->slots[entry->label] = 0;
		CHECK_FOR_INTERRUPTS();
	}
	sort_elements(basket->entries, basket->n, sizeof(BasketEntry), compare_entries);
}

static void
emit_spend(const BasketWalk *walk)
{
	const Basket *basket = &walk->now;
	int64 i;

	emit_basket(walk, BASKET_SPEND, basket->period, basket);
	for (i = 0; i < basket->n; i++)
		emit(walk, BASKET_CUSTOMERS, basket->period, basket->entries[i].label,
			 basket->entries[i].bought);
}

/* What isn't bought any more, in the period after the basket of before; has that begun? */
static void
emit_lost(BasketWalk *walk)
{
	if (!walk->before.is_active)
		return;
	if (!walk->last_is_known)
		walk->last_period = period_of(walk->periods, walk->end - 1);
	walk->last_is_known = true;
	if (walk->before.period < walk->last_period)
		emit_basket(walk, BASKET_LOST, walk->before.period + 1, &walk->before);
}

/* Ends the basket of now. */
static void
close_basket(BasketWalk *walk)
{
	Basket empty = walk->before;
	int64 i;

	complete_basket(walk);
	if (!walk->now.is_active)
	{
		for (i = 0; i < walk->now.n; i++)
			walk->now.entries[i].amount = -walk->now.entries[i].amount;
		emit_basket(walk, BASKET_RETURNED, walk->now.period, &walk->now);
		walk->now.n = 0;
		return;
	}
	emit_spend(walk);
	if (walk->before.is_active && walk->before.period == walk->now.period - 1)
		compare_baskets(walk);
	else
	{
		emit_lost(walk);
		emit_basket(walk, BASKET_NEW, walk->now.period, &walk->now);
	}
	walk->before = walk->now;
	walk->now = empty;
	walk->now.n = 0;
	walk->now.is_active = false;
}

static BasketEntry *
entry_of(BasketWalk *walk, int label)
{
	Basket *basket = &walk->now;

	if (walk->slots[label] == 0)
	{
		basket->entries = array_grow_in(walk->memory, basket->entries, &basket->max, basket->n + 1,
										sizeof(BasketEntry));
		basket->entries[basket->n] = (BasketEntry){ label, false, 0 };
		walk->slots[label] = ++basket->n;
	}
	return &basket->entries[walk->slots[label] - 1];
}

void
basket_walk(BasketWalk *walk)
{
	Event event;

	while (timeline_next(&walk->reader, &event) && event.at < walk->end)
	{
		int32 period = period_of(walk->periods, event.at);
		BasketEntry *entry;

		if (walk->now.n > 0 && walk->now.period != period)
			close_basket(walk);
		walk->now.period = period;
		entry = entry_of(walk, event.label_no);
		if (event.has_value)
			entry->amount += event.value;
		if (!event.has_value || event.value >= 0)
			entry->bought = walk->now.is_active = true;
		CHECK_FOR_INTERRUPTS();
	}
	if (walk->now.n > 0)
		close_basket(walk);
	emit_lost(walk);
	timeline_close_within(&walk->reader, walk->room, DICTIONARY_ROOM);
}
