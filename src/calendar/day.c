/*
 * day.c
 *		Days as text, and what days may not be.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/datetime.h"

#include "calendar/day.h"
#include "core/argument.h"

/* Reads decimal digits, at least min of them and at most max; -1 where there are fewer. */
static int
read_digits(const char **at, const char *end, int min, int max)
{
	const char *p = *at;
	int value = 0;

	while (p < end && p - *at < max && *p >= '0' && *p <= '9')
		value = value * 10 + (*p++ - '0');
	if (p - *at < min)
		return -1;
	*at = p;
	return value;
}

static bool
is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && pg_strncasecmp(text, word, len) == 0;
}

DayText
day_parse(const char *text, size_t len, DateADT *day)
{
	const char *at = text;
	const char *end = text + len;
	int year;
	int month;
	int mday;

	if (is_word(text, len, "infinity") || is_word(text, len, "-infinity"))
	{
		*day = *text == '-' ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
		return DAY_INFINITE;
	}

	year = read_digits(&at, end, 4, 7);
	if (year < 0 || at == end || *at++ != '-')
		return DAY_NOT_ISO;
	month = read_digits(&at, end, 2, 2);
	if (month < 0 || at == end || *at++ != '-')
		return DAY_NOT_ISO;
	mday = read_digits(&at, end, 2, 2);
	if (mday < 0)
		return DAY_NOT_ISO;

	/* there is no year 0: 1 BC is the year before 1 */
	if (year == 0)
		return DAY_OUT_OF_RANGE;
	if (at < end)
	{
		while (at < end && *at == ' ')
			at++;
		if (!is_word(at, end - at, "BC"))
			return DAY_NOT_ISO;
		year = 1 - year;
	}

	if (month < 1 || month > MONTHS_PER_YEAR || mday < 1 ||
		mday > day_tab[isleap(year)][month - 1] || !IS_VALID_JULIAN(year, month, mday))
		return DAY_OUT_OF_RANGE;
	*day = date2j(year, month, mday) - POSTGRES_EPOCH_JDATE;
	return IS_VALID_DATE(*day) ? DAY_READ : DAY_OUT_OF_RANGE;
}

void
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

DateADT
argument_day(FunctionCallInfo fcinfo, int n, const char *name)
{
	argument_refuse_null(fcinfo, n, name, "Give a day, or leave it out for today.");
	return argument_finite_day(fcinfo, n, name);
}
