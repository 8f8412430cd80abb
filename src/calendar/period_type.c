/*
 * period_type.c
 *		The SQL type calendar_period: its stored form, its text, its operators.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/array.h"
#include "core/codec.h"
#include "core/soft_input.h"

#define PERIOD_VERSION 1

/* As stored. */
typedef enum PeriodKind
{
	PERIOD_DAY = 1,
	PERIOD_WEEK = 2,
	PERIOD_MONTH = 3,
	PERIOD_QUARTER = 4,
	PERIOD_HALF_YEAR = 5,
	PERIOD_YEAR = 6,
	PERIOD_LIST = 7
} PeriodKind;

/*
 *	 length | version | kind | month | day | [ number of starts | start ... ] | [ zone ... \0 ]
 *	 int32	| byte	  | byte | byte	 | byte|	int32			  int32			text
 *
 * Starts are there for a list only; they are aligned, so that a calendar can
 * point at them. The zone is there where one is given, in its own spelling.
 *
 *		kind			month							day
 *		day, list		0								0
 *		week			0								weekday it starts on, 0 = Monday
 *		month ... year	0-based month it starts in,		day of month it starts on
 *						less than its length
 *
 * Equal periods have equal bytes.
 */
struct CalendarPeriod
{
	int32 vl_len_;
	uint8 version; /* low 4 bits; the others are flags, of which there are none */
	uint8 kind;
	uint8 month;
	uint8 day;
	char tail[FLEXIBLE_ARRAY_MEMBER];
};

#define PERIOD_BODY(period)		((const uint8 *) (period) + VARHDRSZ)
#define PERIOD_BODY_LEN(period) (VARSIZE(period) - VARHDRSZ)
#define PERIOD_BODY_HEADER		(offsetof(CalendarPeriod, tail) - VARHDRSZ)

/* A body taken apart. */
typedef struct PeriodParts
{
	PeriodKind kind;
	int month;
	int day;
	uint32 nstarts;
	const uint8 *starts; /* maybe not aligned */
	const char *zone;	 /* NULL: none */
} PeriodParts;

static const char *const kind_names[] = { NULL,		 "day",		  "week", "month",
										  "quarter", "half_year", "year" };

/* Length in months of those that are counted in months. */
static const int kind_months[] = { 0, 0, 0, 1, 3, 6, 12 };

#define WEEKDAYS 7

static const char *const weekdays[WEEKDAYS] = { "monday", "tuesday",  "wednesday", "thursday",
												"friday", "saturday", "sunday" };

/* Longest part of a bad text to show. */
#define SHOWN_TEXT_BYTES 100

PG_FUNCTION_INFO_V1(loyalty_calendar_period_out);
PG_FUNCTION_INFO_V1(loyalty_calendar_period_recv);
PG_FUNCTION_INFO_V1(loyalty_calendar_period_send);
PG_FUNCTION_INFO_V1(loyalty_calendar_period);

/* ---- the stored form ---- */

/* Takes a body apart; false where its lengths or its kind don't hold together. */
static bool
take_apart(const uint8 *body, size_t len, PeriodParts *parts)
{
	const uint8 *at = body + PERIOD_BODY_HEADER;
	const uint8 *end = body + len;

	if (len < PERIOD_BODY_HEADER || body[0] != PERIOD_VERSION || body[1] < PERIOD_DAY ||
		body[1] > PERIOD_LIST)
		return false;
	parts->kind = body[1];
	parts->month = body[2];
	parts->day = body[3];
	parts->nstarts = 0;
	parts->starts = NULL;
	parts->zone = NULL;
	if (parts->kind == PERIOD_LIST)
	{
		if (end - at < (ptrdiff_t) sizeof(uint32))
			return false;
		memcpy(&parts->nstarts, at, sizeof(uint32));
		at += sizeof(uint32);
		if (parts->nstarts < 1 || parts->nstarts > (size_t) (end - at) / sizeof(DateADT))
			return false;
		parts->starts = at;
		at += parts->nstarts * sizeof(DateADT);
	}
	if (at < end)
	{
		if (end[-1] != '\0')
			return false;
		parts->zone = (const char *) at;
	}
	return true;
}

static void
take_apart_stored(const CalendarPeriod *period, PeriodParts *parts)
{
	if (!take_apart(PERIOD_BODY(period), PERIOD_BODY_LEN(period), parts))
		report_corrupted();
}

static CalendarPeriod *
build_period(PeriodKind kind, int month, int day, const DateADT *starts, uint32 nstarts,
			 const char *zone)
{
	size_t starts_len = kind == PERIOD_LIST ? sizeof(uint32) + nstarts * sizeof(DateADT) : 0;
	size_t zone_len = zone != NULL ? strlen(zone) + 1 : 0;
	size_t len = offsetof(CalendarPeriod, tail) + starts_len + zone_len;
	CalendarPeriod *period =
		datum_allocate(len, "calendar_period", "Give fewer starts of periods.");

	period->version = PERIOD_VERSION;
	period->kind = (uint8) kind;
	period->month = (uint8) month;
	period->day = (uint8) day;
	if (kind == PERIOD_LIST)
	{
		memcpy(period->tail, &nstarts, sizeof(uint32));
		memcpy(period->tail + sizeof(uint32), starts, nstarts * sizeof(DateADT));
	}
	if (zone_len > 0)
		memcpy(period->tail + starts_len, zone, zone_len);
	return period;
}

/*
 * The first month of the year in which a period starts on the day of month that
 * its definition says, 0-based; -1 if there is none. A quarter that starts on 31
 * August starts in February too, but '02-31' would be no day.
 */
static int
month_with_day(PeriodKind kind, int month, int day)
{
	for (; month < MONTHS_PER_YEAR; month += kind_months[kind])
		if (day <= day_tab[1][month])
			return month;
	return -1;
}

void
calendar_open(Calendar *calendar, const CalendarPeriod *period)
{
	PeriodParts parts;

	take_apart_stored(period, &parts);
	memset(calendar, 0, sizeof(*calendar));
	calendar->zone = parts.zone;
	calendar->context = CurrentMemoryContext;
	switch (parts.kind)
	{
		case PERIOD_DAY:
			calendar->unit = CALENDAR_DAY;
			break;
		case PERIOD_WEEK:
			calendar->unit = CALENDAR_WEEK;
			/* 2000-01-01, day 0, was a Saturday. */
			calendar->first_day = (parts.day + 2) % WEEKDAYS;
			break;
		case PERIOD_LIST:
			calendar->unit = CALENDAR_LIST;
			calendar->nstarts = (int) parts.nstarts;
			calendar->starts = (const DateADT *) parts.starts;
			break;
		default:
			calendar->unit = CALENDAR_MONTHS;
			calendar->months = kind_months[parts.kind];
			calendar->first_month = parts.month;
			calendar->first_day = parts.day;
	}
}

/* ---- text ---- */

static void report_bad_period(const char *text, const char *detail) pg_attribute_noreturn();

static void
report_bad_period(const char *text, const char *detail)
{
	int len = (int) strlen(text);
	int shown = pg_mbcliplen(text, len, SHOWN_TEXT_BYTES);

	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("unknown calendar period \"%.*s%s\"", shown, text, shown < len ? "..." : ""),
		 detail != NULL ? errdetail("%s", detail) : 0,
		 errhint(
			 "Write day, week, month, quarter, half_year or year; with another start week:sunday, "
			 "month:15, quarter:02-01, half_year:02-01 or year:04-01 (MM-DD); or a list of "
			 "period starts {2024-01-01,2024-01-29}. A time zone may follow: month@Europe/Helsinki.")));
}

static bool
read_month_day(IsoScan *scan, int *month, int *day)
{
	return iso_take_number(scan, 1, 2, month) && iso_take(scan, '-') &&
		   iso_take_number(scan, 1, 2, day) && *month >= 1 && *month <= MONTHS_PER_YEAR &&
		   *day >= 1;
}

/* Reads a day of a list, which may stand in quotes, as an array's text has it. */
static DateADT
read_day(const char *text, IsoScan *scan)
{
	bool quoted = scan->at < scan->end && *scan->at == '"';
	IsoScan element;
	const char *begin;
	int len;
	DateADT day = 0;

	if (!iso_take_element(scan, ",}", &element))
		report_bad_period(text, "A quote isn't closed.");
	begin = element.at;
	len = (int) (element.end - begin);
	while (!quoted && len > 0 && scanner_isspace(begin[len - 1]))
		len--;
	switch (day_parse(begin, len, &day))
	{
		case DAY_READ:
			break;
		case DAY_INFINITE:
			check_finite_day(day);
			break;
		case DAY_OUT_OF_RANGE:
			report_bad_period(text, psprintf("There is no day %.*s.",
											 pg_mbcliplen(begin, len, SHOWN_TEXT_BYTES), begin));
			break;
		case DAY_NOT_ISO:
			report_bad_period(text,
							  psprintf("Dates are written YYYY-MM-DD; this isn't one: \"%.*s\".",
									   pg_mbcliplen(begin, len, SHOWN_TEXT_BYTES), begin));
			break;
	}
	return day;
}

/* Starts from anywhere: at least one, each later than the one before. */
static CalendarPeriod *
build_list(const DateADT *starts, uint32 nstarts, const char *zone)
{
	uint32 i;

	if (nstarts < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a list of period starts must not be empty"),
						errhint("Give at least one date, such as {2024-01-01,2024-01-29}.")));
	for (i = 0; i < nstarts; i++)
	{
		check_finite_day(starts[i]);
		if (i > 0 && starts[i] <= starts[i - 1])
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("period starts must be in ascending order: %s follows %s",
						day_text(starts[i]), day_text(starts[i - 1])),
				 errhint("Sort the dates, each one once: array_agg(DISTINCT day ORDER BY day).")));
	}
	return build_period(PERIOD_LIST, 0, 0, starts, nstarts, zone);
}

/* Reads from the opening brace to behind the closing one. */
static DateADT *
read_list(const char *text, IsoScan *scan, uint32 *nstarts)
{
	DateADT *starts = NULL;
	int64 max = 0;

	*nstarts = 0;
	scan->at++;
	iso_take_blanks(scan);
	if (iso_take(scan, '}'))
		return starts;
	for (;;)
	{
		iso_take_blanks(scan);
		starts = array_grow(starts, &max, (int64) *nstarts + 1, sizeof(DateADT));
		starts[(*nstarts)++] = read_day(text, scan);
		iso_take_blanks(scan);
		if (iso_take(scan, '}'))
			return starts;
		if (!iso_take(scan, ','))
			report_bad_period(text, "A list is dates with commas between them, in braces.");
	}
}

/* Reads what stands behind a colon. */
static void
read_start(const char *text, IsoScan *scan, PeriodKind kind, int *month, int *day)
{
	int i;

	switch (kind)
	{
		case PERIOD_WEEK:
			for (i = 0; i < WEEKDAYS; i++)
				if (iso_take_word(scan, weekdays[i]))
				{
					*day = i;
					return;
				}
			report_bad_period(text, "A week starts on a weekday: monday to sunday.");
			break;
		case PERIOD_MONTH:
			if (!iso_take_number(scan, 1, 2, day) || *day < 1 || *day > 31)
				report_bad_period(text, "A month starts on a day from 1 to 31.");
			break;
		case PERIOD_QUARTER:
		case PERIOD_HALF_YEAR:
		case PERIOD_YEAR:
			if (!read_month_day(scan, month, day) || *day > day_tab[1][*month - 1])
				report_bad_period(
					text, psprintf("A %s starts on a day of the year, MM-DD.", kind_names[kind]));
			*month = (*month - 1) % kind_months[kind];
			break;
		default:
			report_bad_period(text, psprintf("A %s has no other start.", kind_names[kind]));
	}
}

CalendarPeriod *
calendar_period_parse(const char *text)
{
	IsoScan scan = iso_scan(text, strlen(text));
	PeriodKind kind;
	int month = 0;
	int day = 0;
	DateADT *starts = NULL;
	uint32 nstarts = 0;
	const char *zone = NULL;

	iso_take_blanks(&scan);
	if (scan.at < scan.end && *scan.at == '{')
	{
		kind = PERIOD_LIST;
		starts = read_list(text, &scan, &nstarts);
	}
	else
	{
		size_t len = strcspn(scan.at, ":@ \t\n\r\f\v");

		for (kind = PERIOD_DAY; kind <= PERIOD_YEAR; kind++)
			if (strlen(kind_names[kind]) == len &&
				pg_strncasecmp(scan.at, kind_names[kind], len) == 0)
				break;
		if (kind > PERIOD_YEAR)
			report_bad_period(text, NULL);
		scan.at += len;
		if (kind >= PERIOD_MONTH)
			day = 1;
		if (iso_take(&scan, ':'))
			read_start(text, &scan, kind, &month, &day);
	}
	if (iso_take(&scan, '@'))
	{
		size_t len = scan.end - scan.at;

		while (len > 0 && scanner_isspace(scan.at[len - 1]))
			len--;
		if (len == 0)
			report_bad_period(text, "After @ the name of a time zone is missing.");
		zone = zone_name(zone_by_name(scan.at, len));
		scan.at += len;
	}
	iso_take_blanks(&scan);
	if (scan.at < scan.end)
		report_bad_period(text, NULL);
	if (kind == PERIOD_LIST)
		return build_list(starts, nstarts, zone);
	return build_period(kind, month, day, NULL, 0, zone);
}

char *
calendar_period_text(const CalendarPeriod *period)
{
	PeriodParts parts;
	StringInfoData out;
	uint32 i;

	take_apart_stored(period, &parts);
	initStringInfo(&out);
	if (parts.kind == PERIOD_LIST)
	{
		for (i = 0; i < parts.nstarts; i++)
		{
			DateADT start;
			char *day;

			memcpy(&start, parts.starts + i * sizeof(DateADT), sizeof(DateADT));
			day = day_text(start);
			appendStringInfoChar(&out, i == 0 ? '{' : ',');
			/* As an array's text has it: BC is set off by a blank. */
			appendStringInfo(&out, strchr(day, ' ') != NULL ? "\"%s\"" : "%s", day);
			pfree(day);
		}
		appendStringInfoChar(&out, '}');
	}
	else
		appendStringInfoString(&out, kind_names[parts.kind]);

	if (parts.kind == PERIOD_WEEK && parts.day != 0)
		appendStringInfo(&out, ":%s", weekdays[parts.day % WEEKDAYS]);
	else if (parts.kind == PERIOD_MONTH && parts.day != 1)
		appendStringInfo(&out, ":%d", parts.day);
	else if (parts.kind > PERIOD_MONTH && parts.kind < PERIOD_LIST &&
			 (parts.month != 0 || parts.day != 1))
		appendStringInfo(&out, ":%02d-%02d", month_with_day(parts.kind, parts.month, parts.day) + 1,
						 parts.day);

	if (parts.zone != NULL)
		appendStringInfo(&out, "@%s", parts.zone);
	return out.data;
}

/* ---- SQL functions ---- */

SOFT_INPUT(loyalty_calendar_period_in)
{
	PG_RETURN_POINTER(calendar_period_parse(PG_GETARG_CSTRING(0)));
}

Datum
loyalty_calendar_period_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(calendar_period_text(PG_GETARG_CALENDAR_PERIOD(0)));
}

/* The binary form is the text: it is short, and the same on every machine. */
Datum
loyalty_calendar_period_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int len;

	PG_RETURN_POINTER(calendar_period_parse(pq_getmsgtext(in, in->len - in->cursor, &len)));
}

Datum
loyalty_calendar_period_send(PG_FUNCTION_ARGS)
{
	char *text = calendar_period_text(PG_GETARG_CALENDAR_PERIOD(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendtext(&out, text, (int) strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* calendar_period(date[]): a period for each date, from it to the next. */
Datum
loyalty_calendar_period(PG_FUNCTION_ARGS)
{
	ArrayType *days = PG_GETARG_ARRAYTYPE_P(0);
	Datum *elements;
	DateADT *starts;
	int n;
	int i;

	argument_refuse_matrix(days, "a list of period starts");
	if (array_contains_nulls(days))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("a list of period starts must not contain NULL"),
						errhint("Leave NULLs out: array_remove(days, NULL).")));
	deconstruct_array(days, DATEOID, sizeof(DateADT), true, TYPALIGN_INT, &elements, NULL, &n);
	starts = palloc(Max(n, 1) * sizeof(DateADT));
	for (i = 0; i < n; i++)
		starts[i] = DatumGetDateADT(elements[i]);
	PG_RETURN_POINTER(build_list(starts, (uint32) n, NULL));
}
