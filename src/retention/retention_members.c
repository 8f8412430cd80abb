/*
 * retention_members.c
 *		Counts the customers of the other kinds of retention: what a customer does becomes a
 *		list of lags for each cohort that he is in, and the list is counted by column.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "activity/activity.h"
#include "retention/retention_part.h"
#include "timeline/timeline.h"

/* Lags from this on are never over: a calendar doesn't know of lags that aren't. */
#define NEVER_OVER PG_UINT32_MAX

/* A member of a cohort: where he is active, and the number of lag 0 there. */
typedef struct Member
{
	int32 cohort;
	const ActivePeriod *active;
	int64 nactive;
	int32 zero;
	uint32 over; /* lags that are over for him; NEVER_OVER: the cohort's period tells */
} Member;

static inline uint32
lag_of(const Member *member, int64 i)
{
	return (uint32) member->active[i].number - (uint32) member->zero;
}

/* The column in which he was last seen, and that which is the last over for him. */
static void
count_end(RetentionFold *fold, const Member *member, uint32 first_column, uint32 last)
{
	last = Min(last, member->over - 1);
	if (last >= first_column)
		cell_block(fold, member->cohort, last)->ended[last % BLOCK_COLUMNS]++;
}

static void
count_eligible(RetentionFold *fold, const Member *member, uint32 first_column)
{
	uint32 last = member->over - 1;

	if (member->over != NEVER_OVER && last >= first_column)
		cell_block(fold, member->cohort, last)->eligible[last % BLOCK_COLUMNS]++;
}

static void
count_lags(RetentionFold *fold, const Member *member)
{
	int64 i;

	for (i = 0; i < member->nactive; i++)
	{
		uint32 lag = lag_of(member, i);

		if (lag >= member->over)
			break;
		cell_block(fold, member->cohort, lag)->retained[lag % BLOCK_COLUMNS]++;
	}
	if (member->nactive > 0)
		count_end(fold, member, 0, lag_of(member, member->nactive - 1));
	count_eligible(fold, member, 0);
}

/* Each activity is in the windows that end at its lag and up to rolling - 1 later. */
static void
count_windows(RetentionFold *fold, const Member *member)
{
	uint32 width = (uint32) fold->scope.kind.rolling;
	uint32 next = width; /* windows before it are counted, or there are none */
	int64 i;

	for (i = 0; i < member->nactive; i++)
	{
		uint32 lag = lag_of(member, i);
		uint32 column;

		if (lag == 0)
			continue;
		for (column = Max(next, lag); column < lag + width && column < member->over; column++)
			cell_block(fold, member->cohort, column)->retained[column % BLOCK_COLUMNS]++;
		next = lag + width;
		CHECK_FOR_INTERRUPTS();
	}
	if (next > width)
		count_end(fold, member, width, next - 1);
	count_eligible(fold, member, width);
}

/* The first activity at a lag or later. */
static int64
find_lag(const Member *member, uint32 lag)
{
	int64 low = 0;
	int64 high = member->nactive;

	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (lag_of(member, middle) < lag)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
count_brackets(RetentionFold *fold, const Member *member)
{
	uint32 column;

	for (column = 0; column < (uint32) fold->scope.kind.nbrackets; column++)
	{
		const RetentionBracket *bracket = &fold->scope.kind.brackets[column];
		int64 found = find_lag(member, (uint32) bracket->from);
		bool is_after = found < member->nactive;
		Block *block;
		uint32 slot = column % BLOCK_COLUMNS;

		if ((uint32) bracket->until >= member->over)
			continue;
		block = cell_block(fold, member->cohort, column);
		block->retained[slot] += is_after && lag_of(member, found) <= (uint32) bracket->until;
		block->ended[slot] += is_after;
		if (member->over != NEVER_OVER)
			block->eligible[slot]++;
	}
}

static void
count_member(RetentionFold *fold, const Member *member)
{
	const RetentionKind *kind = &fold->scope.kind;

	++*retention_cohort_size(fold, member->cohort);
	if (kind->nbrackets > 0)
		count_brackets(fold, member);
	else if (member->over == 0)
		; /* nothing is over yet */
	else if (kind->rolling > 0)
		count_windows(fold, member);
	else
		count_lags(fold, member);
	CHECK_FOR_INTERRUPTS();
}

/* Appends a period, or an elapsed lag, where the customer is active; they come in order. */
static void
add_active(RetentionFold *fold, int32 number, DateADT day)
{
	if (fold->nactive > 0 && fold->active[fold->nactive - 1].number == number)
	{
		fold->active[fold->nactive - 1].last = day;
		return;
	}
	if (fold->nactive == fold->max_active)
	{
		fold->max_active = Max(64, fold->max_active * 2);
		fold->active =
			fold->active == NULL
				? MemoryContextAllocHuge(fold->context, fold->max_active * sizeof(ActivePeriod))
				: repalloc_huge(fold->active, fold->max_active * sizeof(ActivePeriod));
	}
	fold->active[fold->nactive].number = number;
	fold->active[fold->nactive++].last = day;
}

/* ---- by days ---- */

/* Reads the periods of the days from one on, up to the last that counts. */
static void
read_active(RetentionFold *fold, ByteSpan body, DateADT from)
{
	DateADT limit = last_day_that_counts(fold);
	ActivityCursor cursor;
	DateADT day;

	fold->nactive = 0;
	if (body.bytes == NULL)
		return;
	activity_open(&cursor, body.bytes, body.len);
	while (activity_next(&cursor, &day) && day <= limit)
	{
		if (day >= from)
			add_active(fold, calendar_index(&fold->calendar, day), day);
		note_last_day(fold, day);
	}
}

/* What comes back is counted from the first day on that starts a cohort in a period. */
void
retention_fold_returns(RetentionFold *fold, ByteSpan starts, ByteSpan returns)
{
	DateADT limit = last_day_that_counts(fold);
	ActivityCursor cursor;
	Member member = { .over = NEVER_OVER };
	DateADT day;
	DateADT last;
	bool is_first = true;

	if (starts.bytes == NULL)
	{
		read_active(fold, returns, DATEVAL_NOEND);
		return;
	}
	activity_open(&cursor, starts.bytes, starts.len);
	if (!activity_next(&cursor, &day) || day > limit)
	{
		fold->scope.idle++;
		read_active(fold, returns, DATEVAL_NOEND);
		return;
	}

	read_active(fold, returns, day);
	member.active = fold->active;
	member.nactive = fold->nactive;
	do
	{
		int32 cohort = calendar_index(&fold->calendar, day);

		last = day;
		if (!is_first && cohort == member.cohort)
			continue;
		is_first = false;
		member.cohort = member.zero = cohort;
		while (member.nactive > 0 &&
			   (member.active->number < cohort ||
				(member.active->number == cohort && member.active->last < day)))
		{
			member.active++;
			member.nactive--;
		}
		count_member(fold, &member);
	} while (fold->scope.kind.recurring && activity_next(&cursor, &day) && day <= limit);
	if (fold->scope.kind.returns && !fold->scope.kind.recurring)
		while (activity_next(&cursor, &day) && day <= limit)
			last = day;
	fold->scope.customers++;
	note_last_day(fold, last);
}

/* ---- by elapsed time ---- */

/* The number of the lag that an instant is in, or of lags up to it. */
static uint32
lags_until(const RetentionFold *fold, TimestampTz first, TimestampTz at)
{
	uint64 lags = ((uint64) at - (uint64) first) / (uint64) fold->scope.kind.elapsed;

	if (lags > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a customer's events are more than %d lags apart", PG_INT32_MAX),
				 errhint("Take a longer elapsed, or filter out events far from the others.")));
	return (uint32) lags;
}

void
retention_fold_timeline(RetentionFold *fold, ByteSpan body)
{
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	Event event;
	Member member;
	TimestampTz first = 0;
	TimestampTz last = 0;
	bool has_first = false;

	fold->nactive = 0;
	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	while (timeline_next(&reader, &event) && event.at < fold->end)
	{
		if (event.has_value && event.value < 0)
			continue;
		if (!has_first)
			first = event.at;
		has_first = true;
		last = event.at;
		add_active(fold, (int32) lags_until(fold, first, last), 0);
		CHECK_FOR_INTERRUPTS();
	}
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	if (!has_first)
	{
		fold->scope.idle++;
		return;
	}
	member.cohort = calendar_index(&fold->calendar, zone_day(fold->zone, first));
	member.active = fold->active;
	member.nactive = fold->nactive;
	member.zero = 0;
	member.over = lags_until(fold, first, fold->end);
	count_member(fold, &member);
	fold->scope.customers++;
	note_last_day(fold, zone_day(fold->zone, last));
}
