/*
 * iso.c
 *		Days, instants and lists of them as ISO text, the same in every session.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/argument.h"

/* As many digits of a year as dates, and as timestamps have. */
#define YEAR_DIGITS_MIN		4
#define YEAR_DIGITS_MAX		7
#define INSTANT_YEAR_DIGITS 6

/* Microseconds are read to this many decimals; the next one rounds. */
#define FRACTION_DIGITS		6

/* Offsets from UTC stay below this many hours, as in timestamptz's input. */
#define OFFSET_HOURS		16

/* ---- the scanner ---- */

bool
iso_take_word(IsoScan *scan, const char *word)
{
	size_t len = strlen(word);

	if ((size_t) (scan->end - scan->at) < len || pg_strncasecmp(scan->at, word, len) != 0)
		return false;
	scan->at += len;
	return true;
}

void
iso_take_blanks(IsoScan *scan)
{
	while (scan->at < scan->end && scanner_isspace(*scan->at))
		scan->at++;
}

bool
iso_take_number(IsoScan *scan, int min, int max, int *number)
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

bool
iso_take_element(IsoScan *scan, const char *until, IsoScan *element)
{
	bool quoted = iso_take(scan, '"');

	element->at = scan->at;
	while (scan->at < scan->end && (quoted ? *scan->at != '"' : strchr(until, *scan->at) == NULL))
		scan->at++;
	element->end = scan->at;
	return !quoted || iso_take(scan, '"');
}

/* Takes YYYY-MM-DD, of a year that may have so many digits. */
static bool
take_date(IsoScan *scan, int year_digits, struct pg_tm *tm)
{
	return iso_take_number(scan, YEAR_DIGITS_MIN, year_digits, &tm->tm_year) &&
		   iso_take(scan, '-') && iso_take_number(scan, 2, 2, &tm->tm_mon) && iso_take(scan, '-') &&
		   iso_take_number(scan, 2, 2, &tm->tm_mday);
}

/* Makes the year that was read, of which there is no 0, the astronomical one; is there such a day
 * in it? */
static bool
settle_date(struct pg_tm *tm, bool bc)
{
	if (tm->tm_year == 0)
		return false;
	if (bc)
		tm->tm_year = 1 - tm->tm_year;
	return tm->tm_mon >= 1 && tm->tm_mon <= MONTHS_PER_YEAR && tm->tm_mday >= 1 &&
		   tm->tm_mday <= day_tab[isleap(tm->tm_year)][tm->tm_mon - 1];
}

/* ---- days ---- */

static bool
is_word(IsoScan scan, const char *word)
{
	return iso_take_word(&scan, word) && scan.at == scan.end;
}

DayText
day_parse(const char *text, size_t len, DateADT *day)
{
	IsoScan scan = iso_scan(text, len);
	struct pg_tm tm;
	bool bc;

	if (is_word(scan, "infinity") || is_word(scan, "-infinity"))
	{
		*day = *text == '-' ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
		return DAY_INFINITE;
	}
	if (!take_date(&scan, YEAR_DIGITS_MAX, &tm))
		return DAY_NOT_ISO;
	if (tm.tm_year == 0)
		return DAY_OUT_OF_RANGE;
	bc = scan.at < scan.end;
	if (bc)
	{
		while (iso_take(&scan, ' '))
			;
		if (!is_word(scan, "BC"))
			return DAY_NOT_ISO;
	}
	if (!settle_date(&tm, bc) || !IS_VALID_JULIAN(tm.tm_year, tm.tm_mon, tm.tm_mday))
		return DAY_OUT_OF_RANGE;
	*day = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
	return IS_VALID_DATE(*day) ? DAY_READ : DAY_OUT_OF_RANGE;
}

/* The name tells which day it is. */
static void
check_finite_named_day(DateADT day, const char *name)
{
	if (DATE_NOT_FINITE(day))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("%s must be finite, not '%s'", name,
							   DATE_IS_NOEND(day) ? "infinity" : "-infinity")));
}

void
check_finite_day(DateADT day)
{
	check_finite_named_day(day, "day");
}

char *
day_text(DateADT day)
{
	char text[MAXDATELEN + 1];
	struct pg_tm tm;

	if (DATE_NOT_FINITE(day))
		return pstrdup(DATE_IS_NOEND(day) ? "infinity" : "-infinity");
	memset(&tm, 0, sizeof(tm));
	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	EncodeDateOnly(&tm, USE_ISO_DATES, text);
	return pstrdup(text);
}

/* ---- days that come in ---- */

DateADT
json_as_day(const JsonbValue *value, const char *type, const char *key)
{
	char *text;
	DateADT day;

	if (value == NULL || value->type != jbvString)
		json_report_wrong_type(value, type, key, "a date, YYYY-MM-DD");
	text = json_as_string(value, type, key);
	switch (day_parse(text, strlen(text), &day))
	{
		case DAY_READ:
			return day;
		case DAY_OUT_OF_RANGE:
			ereport(ERROR, (errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
							errmsg("day out of range: \"%s\"", text)));
			break;
		case DAY_INFINITE:
			check_finite_day(day);
			break;
		case DAY_NOT_ISO:
			break;
	}
	json_report_wrong_type(value, type, key, "a date, YYYY-MM-DD");
}

DateADT
argument_finite_day(FunctionCallInfo fcinfo, int n, const char *name)
{
	DateADT day = PG_GETARG_DATEADT(n);

	check_finite_named_day(day, name);
	return day;
}

ZoneDays *
argument_zone(FunctionCallInfo fcinfo, int n)
{
	const struct varlena *name;

	if (n < 0 || PG_ARGISNULL(n))
		return zone_of_session();
	name = PG_GETARG_VARLENA_PP(n);
	return zone_by_name(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

DateADT
argument_day(FunctionCallInfo fcinfo, int n, const char *name)
{
	argument_refuse_null(fcinfo, n, name, "Give a day, or leave it out for today.");
	return argument_finite_day(fcinfo, n, name);
}

/* ---- instants ---- */

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

/* Takes the decimals of a second, as microseconds; further ones round. */
static bool
take_fraction(IsoScan *scan, fsec_t *fraction)
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
take_offset(IsoScan *scan, int *west)
{
	bool ahead;
	int hours;
	int minutes = 0;
	int seconds = 0;

	*west = 0;
	if (iso_take(scan, 'Z') || iso_take(scan, 'z'))
		return INSTANT_OK;
	ahead = scan->at < scan->end && *scan->at == '+';
	if (!iso_take(scan, '+') && !iso_take(scan, '-'))
		return INSTANT_NO_OFFSET;
	if (!iso_take_number(scan, 2, 2, &hours))
		return INSTANT_MALFORMED;
	if (iso_take(scan, ':'))
	{
		if (!iso_take_number(scan, 2, 2, &minutes))
			return INSTANT_MALFORMED;
		if (iso_take(scan, ':') && !iso_take_number(scan, 2, 2, &seconds))
			return INSTANT_MALFORMED;
	}
	else if (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9' &&
			 !iso_take_number(scan, 2, 2, &minutes))
		return INSTANT_MALFORMED;
	if (hours >= OFFSET_HOURS || minutes >= MINS_PER_HOUR || seconds >= SECS_PER_MINUTE)
		return INSTANT_OUT_OF_RANGE;
	*west = (hours * MINS_PER_HOUR + minutes) * SECS_PER_MINUTE + seconds;
	if (ahead)
		*west = -*west;
	return INSTANT_OK;
}

static bool
equals(IsoScan scan, const char *word)
{
	size_t len = strlen(word);

	return (size_t) (scan.end - scan.at) == len && memcmp(scan.at, word, len) == 0;
}

/* Turns what was read to an instant. */
static InstantParse
instant_of(struct pg_tm *tm, fsec_t fraction, int west, bool bc, TimestampTz *at)
{
	if (!settle_date(tm, bc))
		return INSTANT_OUT_OF_RANGE;

	/* 24:00:00 is the end of the day, and a leap second counts as the next one. */
	if (tm->tm_min >= MINS_PER_HOUR || tm->tm_sec > SECS_PER_MINUTE ||
		tm->tm_hour > HOURS_PER_DAY ||
		(tm->tm_hour == HOURS_PER_DAY && (tm->tm_min > 0 || tm->tm_sec > 0 || fraction > 0)))
		return INSTANT_OUT_OF_RANGE;
	return tm2timestamp(tm, fraction, &west, at) == 0 ? INSTANT_OK : INSTANT_OUT_OF_RANGE;
}

InstantParse
instant_from_text(const char *text, int len, TimestampTz *at)
{
	IsoScan scan = iso_scan(text, len);
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
	if (!take_date(&scan, INSTANT_YEAR_DIGITS, &tm))
		return INSTANT_MALFORMED;
	if (scan.at == scan.end)
		return INSTANT_NO_OFFSET;
	if ((!iso_take(&scan, 'T') && !iso_take(&scan, 't') && !iso_take(&scan, ' ')) ||
		!iso_take_number(&scan, 2, 2, &tm.tm_hour) || !iso_take(&scan, ':') ||
		!iso_take_number(&scan, 2, 2, &tm.tm_min))
		return INSTANT_MALFORMED;
	if (iso_take(&scan, ':'))
	{
		if (!iso_take_number(&scan, 2, 2, &tm.tm_sec))
			return INSTANT_MALFORMED;
		if (iso_take(&scan, '.') && !take_fraction(&scan, &fraction))
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
