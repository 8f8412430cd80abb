/*
 * activity_io.c
 *		activity_set as text, in binary, and as an array of dates.
 *
 * Text is an array literal of dates in ISO form, {2024-01-05,"0044-03-15 BC"},
 * whatever DateStyle says: input reads just that form, so that it is immutable.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/array.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "activity/activity.h"
#include "core/argument.h"
#include "core/array.h"
#include "calendar/calendar.h"
#include "core/soft_input.h"

/* How much of a faulty text an error shows. */
#define SHOWN_BYTES 64

PG_FUNCTION_INFO_V1(loyalty_activity_set_out);
PG_FUNCTION_INFO_V1(loyalty_activity_set_recv);
PG_FUNCTION_INFO_V1(loyalty_activity_set_send);
PG_FUNCTION_INFO_V1(loyalty_activity_set_from_dates);
PG_FUNCTION_INFO_V1(loyalty_activity_set_to_dates);

static void report_bad_text(const char *text, const char *detail) pg_attribute_noreturn();
static void report_bad_day(const char *text, int len) pg_attribute_noreturn();
static void report_day_out_of_range(const char *text, int len) pg_attribute_noreturn();

/* ---- text ---- */

/* Days read so far. */
typedef struct DayList
{
	DateADT *days;
	int64 ndays;
	int64 max;
} DayList;

static void
add_day(DayList *list, DateADT day)
{
	if (list->ndays >= (int64) (MaxAllocSize / sizeof(DateADT)))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("text for activity_set has too many days")));
	list->days = array_grow(list->days, &list->max, list->ndays + 1, sizeof(DateADT));
	list->days[list->ndays++] = day;
}

static void
report_bad_text(const char *text, const char *detail)
{
	int shown = pg_mbcliplen(text, strlen(text), SHOWN_BYTES);

	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("invalid input syntax for type %s: \"%.*s%s\"", "activity_set", shown,
						   text, text[shown] != '\0' ? "..." : ""),
					errdetail("%s", detail),
					errhint("Write days as {2024-01-05,2024-01-09}, and {} for none.")));
}

static void
report_bad_day(const char *text, int len)
{
	int shown = pg_mbcliplen(text, len, SHOWN_BYTES);

	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
		 errmsg("invalid day in text for type activity_set: \"%.*s%s\"", shown, text,
				len > shown ? "..." : ""),
		 errhint("Write a day as 2024-01-05, or \"0044-03-15 BC\" for one before the year 1.")));
}

static void
report_day_out_of_range(const char *text, int len)
{
	ereport(ERROR, (errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
					errmsg("day out of range in text for type activity_set: \"%.*s\"",
						   Min(len, SHOWN_BYTES), text)));
}

/* One day, without the blanks around it. */
static DateADT
parse_day(const char *text, int len)
{
	DateADT day;

	switch (day_parse(text, len, &day))
	{
		case DAY_READ:
			break;
		case DAY_INFINITE:
			check_finite_day(day);
			break;
		case DAY_OUT_OF_RANGE:
			report_day_out_of_range(text, len);
		case DAY_NOT_ISO:
			report_bad_day(text, len);
	}
	return day;
}

/* Reads one element, quoted or not, up to the comma or brace after it. */
static void
read_element(const char *text, IsoScan *scan, DayList *list)
{
	bool quoted = scan->at < scan->end && *scan->at == '"';
	IsoScan element;

	if (!iso_take_element(scan, ",{}\"", &element))
		report_bad_text(text, "A quoted day does not end.");
	if (quoted)
		iso_take_blanks(scan);
	iso_take_blanks(&element);
	while (element.end > element.at && scanner_isspace(element.end[-1]))
		element.end--;
	if (element.end == element.at)
		report_bad_text(text, "A day is missing.");
	add_day(list, parse_day(element.at, (int) (element.end - element.at)));
}

/* {day,...} in any order, with repetitions -> activity_set */
SOFT_INPUT(loyalty_activity_set_in)
{
	const char *text = PG_GETARG_CSTRING(0);
	IsoScan scan = iso_scan(text, strlen(text));
	DayList list = { 0 };

	iso_take_blanks(&scan);
	if (!iso_take(&scan, '{'))
		report_bad_text(text, "It does not start with \"{\".");
	iso_take_blanks(&scan);
	if (!iso_take(&scan, '}'))
	{
		for (;;)
		{
			CHECK_FOR_INTERRUPTS();
			read_element(text, &scan, &list);
			if (!iso_take(&scan, ','))
				break;
			iso_take_blanks(&scan);
		}
		if (!iso_take(&scan, '}'))
			report_bad_text(text, "The list of days does not end with \"}\".");
	}
	iso_take_blanks(&scan);
	if (scan.at < scan.end)
		report_bad_text(text, "There is text after the closing brace.");

	return activity_set_from_days(list.days, activity_sort_days(list.days, (int) list.ndays));
}

Datum
loyalty_activity_set_out(PG_FUNCTION_ARGS)
{
	ByteSpan body = activity_set_body(PG_GETARG_DATUM(0));
	StringInfoData text;
	ActivityCursor cursor;
	DateADT day;
	const char *separator = "";

	activity_open(&cursor, body.bytes, body.len);
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	while (activity_next(&cursor, &day))
	{
		struct pg_tm tm;
		char buf[MAXDATELEN + 1];

		CHECK_FOR_INTERRUPTS();
		j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
		EncodeDateOnly(&tm, USE_ISO_DATES, buf);
		appendStringInfoString(&text, separator);
		if (strchr(buf, ' ') != NULL)
			appendStringInfo(&text, "\"%s\"", buf);
		else
			appendStringInfoString(&text, buf);
		separator = ",";
	}
	appendStringInfoChar(&text, '}');
	PG_RETURN_CSTRING(text.data);
}

/* ---- binary: byte version, int32 number of days, int32 days from 2000-01-01 ---- */

Datum
loyalty_activity_set_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int version = pq_getmsgbyte(in);
	int ndays;
	DateADT *days;
	int i;

	if (version != ACTIVITY_VERSION)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("activity_set in binary has the unknown format %d", version)));
	ndays = pq_getmsgint(in, 4);
	if (ndays < 0 || (int64) ndays * 4 != in->len - in->cursor)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("activity_set in binary says %d days but has %d bytes for them",
							   ndays, in->len - in->cursor)));

	days = palloc(Max(ndays, 1) * sizeof(DateADT));
	for (i = 0; i < ndays; i++)
	{
		DateADT day = (DateADT) pq_getmsgint(in, 4);

		CHECK_FOR_INTERRUPTS();
		check_finite_day(day);
		if (!IS_VALID_DATE(day))
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
							errmsg("day out of range in binary activity_set: %d", day)));
		if (i > 0 && day <= days[i - 1])
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("days of activity_set in binary are not in ascending order")));
		days[i] = day;
	}
	return activity_set_from_days(days, ndays);
}

Datum
loyalty_activity_set_send(PG_FUNCTION_ARGS)
{
	ByteSpan body = activity_set_body(PG_GETARG_DATUM(0));
	StringInfoData out;
	ActivityCursor cursor;
	DateADT day;

	activity_open(&cursor, body.bytes, body.len);
	pq_begintypsend(&out);
	pq_sendbyte(&out, ACTIVITY_VERSION);
	pq_sendint32(&out, (uint32) activity_body_count(body.bytes, body.len));
	while (activity_next(&cursor, &day))
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(&out, (uint32) day);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---- arrays ---- */

/* date[] -> activity_set */
Datum
loyalty_activity_set_from_dates(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	int ndays = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const DateADT *elements = (const DateADT *) ARR_DATA_PTR(array);
	DateADT *days;
	int i;

	if (ARR_ELEMTYPE(array) != DATEOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("array of dates expected")));
	argument_refuse_matrix(array, "days");
	if (array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("a day of an activity_set must not be null"),
						errhint("Take the nulls out with array_remove(days, NULL).")));

	days = palloc(Max(ndays, 1) * sizeof(DateADT));
	for (i = 0; i < ndays; i++)
	{
		check_finite_day(elements[i]);
		days[i] = elements[i];
	}
	ndays = activity_sort_days(days, ndays);
	return activity_set_from_days(days, ndays);
}

/* activity_set -> date[] */
Datum
loyalty_activity_set_to_dates(PG_FUNCTION_ARGS)
{
	ByteSpan body = activity_set_body(PG_GETARG_DATUM(0));
	int64 ndays;
	Size size;
	ArrayType *array;
	DateADT *days;
	ActivityCursor cursor;
	DateADT day;

	activity_open(&cursor, body.bytes, body.len);
	ndays = activity_body_count(body.bytes, body.len);
	if (ndays == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(DATEOID));

	size = ARR_OVERHEAD_NONULLS(1) + ndays * sizeof(DateADT);
	array = datum_allocate(size, "array of days", "Read them row by row with activity_days().");
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = DATEOID;
	ARR_DIMS(array)[0] = (int) ndays;
	ARR_LBOUND(array)[0] = 1;
	days = (DateADT *) ARR_DATA_PTR(array);
	while (activity_next(&cursor, &day))
	{
		CHECK_FOR_INTERRUPTS();
		*days++ = day;
	}
	PG_RETURN_ARRAYTYPE_P(array);
}
