/*
 * instant_text.c
 *		Instants as ISO 8601 text, the same in every session.
 */
#include "postgres.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "calendar/instant_text.h"

/* As many digits of a year as timestamps have. */
#define YEAR_DIGITS_MIN 4
#define YEAR_DIGITS_MAX 6

/* Microseconds are read to this many decimals; the next one rounds. */
#define FRACTION_DIGITS 6

/* Offsets from UTC stay below this many hours, as in timestamptz's input. */
#define OFFSET_HOURS	16

/* Writes '2024-01-05T10:00:00.25+00:00', with ' BC' where it is, or 'infinity', '-infinity'. */
void
instant_to_text(TimestampTz at, char *text)
{
	struct pg_tm tm;
	fsec_t fraction;
	char *end;

	if (TIMESTAMP_NOT_FINITE(at))
	{
		snprintf(text, INSTANT_TEXT_SIZE, "%s", at == DT_NOEND ? "infinity" : "-infinity");
		return;
	}
	if (timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	end = text + snprintf(text, INSTANT_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d",
						  tm.tm_year > 0 ? tm.tm_year : 1 - tm.tm_year, tm.tm_mon, tm.tm_mday,
						  tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (fraction != 0)
	{
		end += snprintf(end, INSTANT_TEXT_SIZE - (end - text), ".%06d", (int) fraction);
		while (end[-1] == '0')
			end--;
	}
	snprintf(end, INSTANT_TEXT_SIZE - (end - text), "+00:00%s", tm.tm_year > 0 ? "" : " BC");
}

/* Text that is not looked at yet. */
typedef struct Scan
{
	const char *at;
	const char *end;
} Scan;

/* Takes a character, if it is one of these two. */
static bool
take(Scan *scan, char a, char b)
{
	if (scan->at == scan->end || (*scan->at != a && *scan->at != b))
		return false;
	scan->at++;
	return true;
}

/* Takes a number of at least min and at most max digits. */
static bool
take_number(Scan *scan, int min, int max, int *number)
{
	int digits = 0;

	*number = 0;
	while (digits < max && scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
	{
		*number = *number * 10 + (*scan->at++ - '0');
		digits++;
	}
	return digits >= min;
}

/* Takes the decimals of a second, as microseconds; further ones round. */
static bool
take_fraction(Scan *scan, fsec_t *fraction)
{
	int digits = 0;
	int value = 0;

	for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++)
	{
		if (digits < FRACTION_DIGITS)
			value = value * 10 + (*scan->at - '0');
		else if (digits == FRACTION_DIGITS)
			value += *scan->at >= '5';
		digits++;
	}
	if (digits == 0)
		return false;
	for (; digits < FRACTION_DIGITS; digits++)
		value *= 10;
	*fraction = value;
	return true;
}

/* Takes an offset as seconds west of UTC, as struct pg_tm counts it. */
static InstantParse
take_offset(Scan *scan, int *west)
{
	bool ahead;
	int hours;
	int minutes = 0;
	int seconds = 0;

	*west = 0;
	if (take(scan, 'Z', 'z'))
		return INSTANT_OK;
	ahead = scan->at < scan->end && *scan->at == '+';
	if (!take(scan, '+', '-'))
		return INSTANT_NO_OFFSET;
	if (!take_number(scan, 2, 2, &hours))
		return INSTANT_MALFORMED;
	if (take(scan, ':', ':'))
	{
		if (!take_number(scan, 2, 2, &minutes))
			return INSTANT_MALFORMED;
		if (take(scan, ':', ':') && !take_number(scan, 2, 2, &seconds))
			return INSTANT_MALFORMED;
	}
	else if (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9' &&
			 !take_number(scan, 2, 2, &minutes))
		return INSTANT_MALFORMED;
	if (hours >= OFFSET_HOURS || minutes >= MINS_PER_HOUR || seconds >= SECS_PER_MINUTE)
		return INSTANT_OUT_OF_RANGE;
	*west = (hours * MINS_PER_HOUR + minutes) * SECS_PER_MINUTE + seconds;
	if (ahead)
		*west = -*west;
	return INSTANT_OK;
}

static bool
equals(Scan scan, const char *word)
{
	size_t len = strlen(word);

	return (size_t) (scan.end - scan.at) == len && memcmp(scan.at, word, len) == 0;
}

/* Turns what was read to an instant; the year is not astronomical yet. */
static InstantParse
instant_of(struct pg_tm *tm, fsec_t fraction, int west, bool bc, TimestampTz *at)
{
	if (tm->tm_year == 0)
		return INSTANT_OUT_OF_RANGE;
	if (bc)
		tm->tm_year = 1 - tm->tm_year;
	if (tm->tm_mon < 1 || tm->tm_mon > MONTHS_PER_YEAR || tm->tm_mday < 1 ||
		tm->tm_mday > day_tab[isleap(tm->tm_year)][tm->tm_mon - 1])
		return INSTANT_OUT_OF_RANGE;

	/* 24:00:00 is the end of the day, and a leap second counts as the next one. */
	if (tm->tm_min >= MINS_PER_HOUR || tm->tm_sec > SECS_PER_MINUTE ||
		tm->tm_hour > HOURS_PER_DAY ||
		(tm->tm_hour == HOURS_PER_DAY && (tm->tm_min > 0 || tm->tm_sec > 0 || fraction > 0)))
		return INSTANT_OUT_OF_RANGE;
	return tm2timestamp(tm, fraction, &west, at) == 0 ? INSTANT_OK : INSTANT_OUT_OF_RANGE;
}

/*
 * Reads a date, 'T' or a blank, a time and an offset ('Z', '+02', '+0200', '+02:00'), then ' BC'
 * where it is; 'infinity' and '-infinity' too. DateStyle and TimeZone are not looked at.
 */
InstantParse
instant_from_text(const char *text, int len, TimestampTz *at)
{
	Scan scan = { text, text + len };
	struct pg_tm tm;
	fsec_t fraction = 0;
	InstantParse parse;
	int west;
	bool bc = false;

	if (equals(scan, "infinity") || equals(scan, "-infinity"))
	{
		*at = *text == '-' ? DT_NOBEGIN : DT_NOEND;
		return INSTANT_OK;
	}
	memset(&tm, 0, sizeof(tm));
	if (!take_number(&scan, YEAR_DIGITS_MIN, YEAR_DIGITS_MAX, &tm.tm_year) ||
		!take(&scan, '-', '-') || !take_number(&scan, 2, 2, &tm.tm_mon) || !take(&scan, '-', '-') ||
		!take_number(&scan, 2, 2, &tm.tm_mday))
		return INSTANT_MALFORMED;
	if (scan.at == scan.end)
		return INSTANT_NO_OFFSET;
	if ((!take(&scan, 'T', 't') && !take(&scan, ' ', ' ')) ||
		!take_number(&scan, 2, 2, &tm.tm_hour) || !take(&scan, ':', ':') ||
		!take_number(&scan, 2, 2, &tm.tm_min))
		return INSTANT_MALFORMED;
	if (take(&scan, ':', ':'))
	{
		if (!take_number(&scan, 2, 2, &tm.tm_sec))
			return INSTANT_MALFORMED;
		if (take(&scan, '.', '.') && !take_fraction(&scan, &fraction))
			return INSTANT_MALFORMED;
	}
	parse = take_offset(&scan, &west);
	if (parse == INSTANT_NO_OFFSET && scan.at < scan.end && !equals(scan, " BC"))
		return INSTANT_MALFORMED;
	if (parse != INSTANT_OK)
		return parse;
	if (equals(scan, " BC"))
		bc = true;
	else if (scan.at != scan.end)
		return INSTANT_MALFORMED;
	return instant_of(&tm, fraction, west, bc, at);
}
