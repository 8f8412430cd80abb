/*
 * growth_money_fold.c
 *		Counts growth and adds up its money over timelines.
 *
 * A customer's events become one entry for each of his periods first: at the end of
 * summer time, or where a zone moved over the date line, a local day can come after a
 * later one.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/int128.h"
#include "growth/growth.h"
#include "timeline/timeline.h"

/* A customer in a period. */
typedef struct Entry
{
	int128 revenue; /* in units of his timeline */
	int32 period;
	bool active;
} Entry;

typedef struct MoneyFold
{
	Calendar calendar;
	DateADT as_of;
	ZoneDays *zone;
	Tally *tally;
	MetricCells cells;
	int nentries; /* of one customer, by period */
	int room;
	Entry *entries;
} MoneyFold;

#define FIRST_ROOM 32

void *
growth_money_start(const MetricQuestion *question, Tally *tally)
{
	MoneyFold *fold = palloc0(sizeof(MoneyFold));

	calendar_open(&fold->calendar, question->period);
	fold->as_of = question->as_of;
	fold->zone = question->zone;
	fold->tally = tally;
	metric_cells_open(&fold->cells, tally);
	fold->room = FIRST_ROOM;
	fold->entries = palloc(FIRST_ROOM * sizeof(Entry));
	return fold;
}

/* ---- a customer's periods ---- */

/* The entry of a period that isn't that of the last one. */
static Entry *
find_entry(MoneyFold *fold, int32 period)
{
	int at = fold->nentries;

	while (at > 0 && fold->entries[at - 1].period > period)
		at--;
	if (at > 0 && fold->entries[at - 1].period == period)
		return &fold->entries[at - 1];
	if (fold->nentries == fold->room)
	{
		fold->entries = repalloc_huge(fold->entries, (Size) fold->room * 2 * sizeof(Entry));
		fold->room *= 2;
	}
	memmove(&fold->entries[at + 1], &fold->entries[at], (fold->nentries - at) * sizeof(Entry));
	fold->nentries++;
	memset(&fold->entries[at], 0, sizeof(Entry));
	fold->entries[at].period = period;
	return &fold->entries[at];
}

static inline void
add_event(MoneyFold *fold, TimestampTz at, bool has_value, int64 value)
{
	DateADT day = zone_day(fold->zone, at);
	int32 period;
	Entry *entry;

	if (day > fold->as_of)
		return;
	period = calendar_index(&fold->calendar, day);
	entry = fold->nentries > 0 && fold->entries[fold->nentries - 1].period == period
				? &fold->entries[fold->nentries - 1]
				: find_entry(fold, period);
	if (has_value)
		entry->revenue += value;
	entry->active = entry->active || !has_value || value >= 0;
}

static void
add_events(MoneyFold *fold, TimelineReader *reader)
{
	if (reader->flags & TIMELINE_RICH)
	{
		Event event;

		while (timeline_next(reader, &event))
		{
			add_event(fold, event.at, event.has_value, event.value);
			CHECK_FOR_INTERRUPTS();
		}
		return;
	}
	for (; reader->left > 0; reader->left--)
	{
		TimestampTz at = timeline_read_instant(reader);
		int64 value = 0;
		bool has_value =
			(reader->flags & TIMELINE_HAS_VALUES) != 0 && timeline_read_value(reader, &value);

		add_event(fold, at, has_value, value);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- what they move ---- */

/* Adds money of a customer to a row. */
static void
add_money(const MoneyFold *fold, TallyRow *row, int sum, int128 units, int128 factor)
{
	if (int128_mul_overflow(units, factor, &units))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("revenue is out of range"),
				 errhint("Fewer decimals leave room for larger sums: use round(value, 2).")));
	tally_add(fold->tally, row, sum, units);
}

static void
add_entries(MoneyFold *fold, int128 factor)
{
	const Entry *before = NULL; /* the last active one */
	int i;

	for (i = 0; i < fold->nentries; i++)
	{
		const Entry *entry = &fold->entries[i];
		TallyRow *row = metric_cell(&fold->cells, entry->period);

		if (!entry->active)
		{
			add_money(fold, row, GROWTH_RETURNED, -entry->revenue, factor);
			continue;
		}
		if (before == NULL)
		{
			row->sums[GROWTH_NEW]++;
			add_money(fold, row, GROWTH_NEW_REVENUE, entry->revenue, factor);
		}
		else if (entry->period != before->period + 1)
		{
			row->sums[GROWTH_RESURRECTED]++;
			add_money(fold, row, GROWTH_RESURRECTED_REVENUE, entry->revenue, factor);
		}
		else
		{
			int128 more = entry->revenue - before->revenue;

			row->sums[GROWTH_RETAINED]++;
			add_money(fold, row, GROWTH_RETAINED_REVENUE, entry->revenue, factor);
			if (more > 0)
				add_money(fold, row, GROWTH_EXPANSION, more, factor);
			else if (more < 0)
				add_money(fold, row, GROWTH_CONTRACTION, -more, factor);
		}
		before = entry;
	}
}

void
growth_money_customer(void *of, ByteSpan body)
{
	MoneyFold *fold = of;
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;

	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	fold->nentries = 0;
	add_events(fold, &reader);
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	if (fold->nentries > 0)
		add_entries(fold, tally_use_scale(fold->tally, reader.scale));
}
