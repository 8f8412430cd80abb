/*
 * durations.c
 *		Durations as survival's aggregates take them: numbers and intervals.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"

#include "survival/durations.h"

/* A microsecond is 1.16 x 10^-11 of a day. */
#define DAY_DECIMALS 11

const TallyColumn duration_sums[2] = {
	[DURATION_EVENTS] = { "events", TALLY_COUNT },
	[DURATION_CENSORED] = { "censored", TALLY_COUNT },
};

static void
check_not_negative(Decimal duration)
{
	if (unlikely(duration.units < 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("duration must not be negative: %s",
							   decimal_to_text(duration.units, duration.scale)),
						errhint("A duration runs from its start to its end: until - since.")));
}

Decimal
duration_from_numeric(const struct varlena *number)
{
	Decimal duration = decimal_from_numeric(number);

	check_not_negative(duration);
	return duration;
}

Decimal
duration_from_interval(const Interval *span)
{
	int128 time;
	int64 days;
	int64 rest;
	Decimal part;
	Decimal duration;

#ifdef INTERVAL_NOT_FINITE
	if (INTERVAL_NOT_FINITE(span))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("duration must be finite"),
				 errhint("What hasn't ended is censored: how long it lasted so far.")));
#endif
	time = ((int128) span->month * DAYS_PER_MONTH + span->day) * USECS_PER_DAY + span->time;
	days = (int64) (time / USECS_PER_DAY);
	rest = (int64) (time % USECS_PER_DAY);

	/* 10^11 / USECS_PER_DAY is 1000 / 864. Rounded away from 0 at the half. */
	part.units = (rest * 1000 + (rest < 0 ? -432 : 432)) / 864;
	part.scale = DAY_DECIMALS;
	duration.scale = decimal_minimal_scale(part.units, part.scale);
	duration.units = decimal_rescale(days, 0, duration.scale) +
					 part.units / decimal_power[DAY_DECIMALS - duration.scale];
	check_not_negative(duration);
	return duration;
}

int64
duration_key(Tally *tally, Decimal duration)
{
	tally_use_scale(tally, duration.scale);
	return decimal_rescale(duration.units, duration.scale, tally_scale(tally));
}

void
duration_count(Tally *tally, const TallyKey *key, bool event)
{
	tally_add(tally, tally_row(tally, key), event ? DURATION_EVENTS : DURATION_CENSORED, 1);
}

const char *
duration_fault(const Tally *tally, int column)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 observations = 0;
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (rows[i]->key.numbers[column] < 0)
			return "A duration is negative.";
		if (pg_add_s64_overflow(observations, (int64) rows[i]->sums[DURATION_EVENTS],
								&observations) ||
			pg_add_s64_overflow(observations, (int64) rows[i]->sums[DURATION_CENSORED],
								&observations))
			return "There are more observations than 2^63 - 1.";
	}
	pfree(rows);
	return NULL;
}
