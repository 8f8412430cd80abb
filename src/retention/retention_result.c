/*
 * retention_result.c
 *		The stored form of retention_result, its text and its binary I/O.
 *
 *		byte	version (low 4 bits), flags (RESULT_...)
 *		varint	length of the period's text, text
 *		zigzag	as-of day					(if given)
 *		zigzag	last active day				(if there is one)
 *		varint	members without events
 *		varint	rows without customer
 *		varint	cohorts, then each:
 *			zigzag	number of its period	(first cohort)
 *			varint	periods since the cohort before (others)
 *			varint	cells, then each:
 *				varint	lags since the cell before; the first cell is lag 0 and has none
 *				varint	retained
 *				varint	ended
 *
 * Text and binary input go through the counts: they are checked as counts, and
 * encoded anew.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "core/decimal.h"
#include "core/json.h"
#include "retention/retention.h"

#define RESULT_VERSION		1
#define RESULT_AS_OF_GIVEN	0x10
#define RESULT_HAS_LAST_DAY 0x20
#define RESULT_HAS_ZONE		0x40

/* Where a text or binary form is wrong. */
#define RESULT_HINT			"A retention_result is made by retention() and rollup()."

bool
retention_as_of(const RetentionScope *scope, DateADT *as_of)
{
	*as_of = scope->as_of_given ? scope->as_of : scope->last_day;
	return scope->as_of_given || scope->has_last_day;
}

/* The cell behind the last one of a cohort. */
static int64
cohort_end(const RetentionCounts *counts, int64 first)
{
	int64 i = first + 1;

	while (i < counts->ncells && counts->cells[i].cohort == counts->cells[first].cohort)
		i++;
	return i;
}

struct varlena *
retention_encode(const RetentionCounts *counts)
{
	const RetentionScope *scope = &counts->scope;
	char *period = calendar_period_text(scope->period);
	ByteBuffer out;
	uint64 ncohorts = 0;
	int64 first;
	int64 end;
	int64 i;

	for (first = 0; first < counts->ncells; first = cohort_end(counts, first))
		ncohorts++;

	buffer_init(&out, 256 + 8 * (size_t) counts->ncells);
	out.len = VARHDRSZ;
	buffer_put_byte(&out, RESULT_VERSION | (scope->as_of_given ? RESULT_AS_OF_GIVEN : 0) |
							  (scope->has_last_day ? RESULT_HAS_LAST_DAY : 0) |
							  (scope->zone != NULL ? RESULT_HAS_ZONE : 0));
	buffer_put_varint(&out, strlen(period));
	buffer_put_bytes(&out, period, strlen(period));
	if (scope->zone != NULL)
	{
		buffer_put_varint(&out, strlen(scope->zone));
		buffer_put_bytes(&out, scope->zone, strlen(scope->zone));
	}
	if (scope->as_of_given)
		buffer_put_signed(&out, scope->as_of);
	if (scope->has_last_day)
		buffer_put_signed(&out, scope->last_day);
	buffer_put_varint(&out, (uint64) scope->idle);
	buffer_put_varint(&out, (uint64) scope->guests);
	buffer_put_varint(&out, ncohorts);
	for (first = 0; first < counts->ncells; first = end)
	{
		const RetentionCell *cell = &counts->cells[first];

		end = cohort_end(counts, first);
		if (first == 0)
			buffer_put_signed(&out, cell->cohort);
		else
			buffer_put_varint(&out, (uint32) cell->cohort - (uint32) cell[-1].cohort);
		buffer_put_varint(&out, (uint64) (end - first));
		for (i = first; i < end; i++)
		{
			cell = &counts->cells[i];
			if (i > first)
				buffer_put_varint(&out, cell->lag - cell[-1].lag);
			buffer_put_varint(&out, (uint64) cell->retained);
			buffer_put_varint(&out, (uint64) cell->ended);
		}
	}
	if (out.len > MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("retention result is too large to be a single value"),
						errhint("Take a longer period, or an earlier as_of.")));
	SET_VARSIZE(out.data, out.len);
	return (struct varlena *) out.data;
}

/* Appends a cell to counts that grow. */
static RetentionCell *
add_cell(RetentionCounts *counts, int64 *room)
{
	if (counts->ncells == *room)
	{
		*room *= 2;
		counts->cells = repalloc_huge(counts->cells, *room * sizeof(RetentionCell));
	}
	return &counts->cells[counts->ncells++];
}

static void
start_cells(RetentionCounts *counts, int64 *room)
{
	*room = 64;
	counts->ncells = 0;
	counts->cells = palloc(*room * sizeof(RetentionCell));
}

/* Reads a text with its length before it. */
static bool
read_name(ByteReader *in, char **name)
{
	uint64 len;
	const uint8 *bytes;

	if (!read_varint(in, &len) || len > (size_t) (in->end - in->at) ||
		!read_bytes(in, len, &bytes) || memchr(bytes, '\0', len) != NULL)
		return false;
	*name = pnstrdup((const char *) bytes, len);
	return true;
}

/* Reads a stored form; false where it isn't one. Whether the counts make sense is for
 * counts_valid(). */
static bool
read_result(ByteReader *in, RetentionCounts *counts)
{
	RetentionScope *scope = &counts->scope;
	uint8 head;
	uint64 number;
	int64 day;
	uint64 ncohorts;
	int64 room;
	int64 cohort = 0;
	uint64 i;
	char *name;

	memset(counts, 0, sizeof(RetentionCounts));
	if (!read_byte(in, &head) || (head & 0x0F) != RESULT_VERSION ||
		(head & 0xF0 & ~(RESULT_AS_OF_GIVEN | RESULT_HAS_LAST_DAY | RESULT_HAS_ZONE)) != 0)
		return false;
	if (!read_name(in, &name))
		return false;
	scope->period = calendar_period_parse(name);
	if (head & RESULT_HAS_ZONE)
	{
		if (!read_name(in, &name))
			return false;
		scope->zone = zone_name(zone_by_name(name, strlen(name)));
	}
	scope->as_of_given = (head & RESULT_AS_OF_GIVEN) != 0;
	scope->has_last_day = (head & RESULT_HAS_LAST_DAY) != 0;
	scope->last_day = DATEVAL_NOBEGIN;
	if (scope->as_of_given)
	{
		if (!read_signed(in, &day) || !IS_VALID_DATE(day))
			return false;
		scope->as_of = (DateADT) day;
	}
	if (scope->has_last_day)
	{
		if (!read_signed(in, &day) || !IS_VALID_DATE(day))
			return false;
		scope->last_day = (DateADT) day;
	}
	if (!read_varint(in, &number) || number > PG_INT64_MAX)
		return false;
	scope->idle = (int64) number;
	if (!read_varint(in, &number) || number > PG_INT64_MAX)
		return false;
	scope->guests = (int64) number;

	if (!read_varint(in, &ncohorts))
		return false;
	start_cells(counts, &room);
	for (i = 0; i < ncohorts; i++)
	{
		uint64 ncells;
		uint64 lag = 0;
		uint64 n;

		if (i == 0 ? !read_signed(in, &cohort) : !read_varint(in, &number))
			return false;
		if (i > 0)
		{
			if (number == 0 || number > PG_UINT32_MAX)
				return false;
			cohort += (int64) number;
		}
		if (cohort < PG_INT32_MIN || cohort > PG_INT32_MAX || !read_varint(in, &ncells) ||
			ncells == 0)
			return false;
		for (n = 0; n < ncells; n++)
		{
			RetentionCell *cell;
			uint64 retained;
			uint64 ended;

			if (n > 0)
			{
				if (!read_varint(in, &number) || number == 0 || number > PG_UINT32_MAX)
					return false;
				lag += number;
			}
			if (lag > PG_UINT32_MAX || !read_varint(in, &retained) || !read_varint(in, &ended) ||
				retained > PG_INT64_MAX || ended > PG_INT64_MAX)
				return false;
			cell = add_cell(counts, &room);
			cell->cohort = (int32) cohort;
			cell->lag = (uint32) lag;
			cell->retained = (int64) retained;
			cell->ended = (int64) ended;
		}
		CHECK_FOR_INTERRUPTS();
	}
	return in->at == in->end;
}

void
retention_decode(const struct varlena *result, RetentionCounts *counts)
{
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(result);
	ByteReader in = { bytes, bytes + VARSIZE_ANY_EXHDR(result) };

	if (!read_result(&in, counts))
		report_corrupted();
}

/*
 * Can such counts come from customers? Each cohort starts at lag 0 with all of its
 * customers, each of whom ends once, no later than the last active day.
 */
static bool
counts_valid(const RetentionCounts *counts)
{
	const RetentionScope *scope = &counts->scope;
	Calendar calendar;
	int32 first_period;
	int32 last_period;
	int64 customers = 0;
	bool reached = false;
	int64 first;
	int64 end;
	int64 i;

	if (scope->idle < 0 || scope->guests < 0)
		return false;
	if (counts->ncells == 0)
		return !scope->has_last_day;
	if (!scope->has_last_day || (scope->as_of_given && scope->last_day > scope->as_of))
		return false;
	calendar_open(&calendar, scope->period);
	first_period = calendar.unit == CALENDAR_LIST
					   ? 0
					   : calendar_index(&calendar, DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE);
	last_period = calendar_index(&calendar, scope->last_day);

	for (first = 0; first < counts->ncells; first = end)
	{
		int64 size = counts->cells[first].retained;
		int64 left = size;

		end = cohort_end(counts, first);
		if (counts->cells[first].lag != 0 || size <= 0 || size > PG_INT64_MAX - customers)
			return false;
		customers += size;
		if (counts->cells[first].cohort < first_period)
			return false;
		for (i = first; i < end; i++)
		{
			const RetentionCell *cell = &counts->cells[i];

			if (cell->retained <= 0 || cell->retained > left || cell->ended < 0 ||
				cell->ended > cell->retained || cell->cohort + (int64) cell->lag > last_period ||
				(i > first && cell->lag <= cell[-1].lag))
				return false;
			left -= cell->ended;
			reached = reached || cell->cohort + (int64) cell->lag == last_period;
		}
		if (left != 0)
			return false;
	}
	return reached;
}

static struct varlena *
checked_result(const RetentionCounts *counts, int sqlstate)
{
	if (!counts_valid(counts))
		ereport(ERROR,
				(errcode(sqlstate), errmsg("retention_result holds impossible counts"),
				 errdetail("Each cohort's customers are retained at lag 0, and each ends once, "
						   "no later than the last active day."),
				 errhint(RESULT_HINT)));
	return retention_encode(counts);
}

/* ---- binary I/O: the stored form ---- */

PG_FUNCTION_INFO_V1(loyalty_retention_result_recv);
PG_FUNCTION_INFO_V1(loyalty_retention_result_send);

Datum
loyalty_retention_result_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int len = message->len - message->cursor;
	const uint8 *bytes = (const uint8 *) pq_getmsgbytes(message, len);
	ByteReader in = { bytes, bytes + len };
	RetentionCounts counts;

	if (!read_result(&in, &counts))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid bytes for a retention_result"), errhint(RESULT_HINT)));
	PG_RETURN_POINTER(checked_result(&counts, ERRCODE_INVALID_BINARY_REPRESENTATION));
}

Datum
loyalty_retention_result_send(PG_FUNCTION_ARGS)
{
	struct varlena *result = PG_GETARG_VARLENA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, VARDATA_ANY(result), VARSIZE_ANY_EXHDR(result));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---- text I/O: JSON ---- */

PG_FUNCTION_INFO_V1(loyalty_retention_result_in);
PG_FUNCTION_INFO_V1(loyalty_retention_result_out);

Datum
loyalty_retention_result_out(PG_FUNCTION_ARGS)
{
	RetentionCounts counts;
	RetentionScope *scope = &counts.scope;
	Calendar calendar;
	StringInfoData out;
	int64 first;
	int64 end;
	int64 i;

	retention_decode(PG_GETARG_VARLENA_PP(0), &counts);
	calendar_open(&calendar, scope->period);
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"period\": ");
	escape_json(&out, calendar_period_text(scope->period));
	if (scope->zone != NULL)
		appendStringInfo(&out, ", \"zone\": \"%s\"", scope->zone);
	if (scope->as_of_given)
		appendStringInfo(&out, ", \"as_of\": \"%s\"", day_text(scope->as_of));
	if (scope->has_last_day)
		appendStringInfo(&out, ", \"last_day\": \"%s\"", day_text(scope->last_day));
	appendStringInfo(&out,
					 ", \"members_without_events\": " INT64_FORMAT
					 ", \"rows_without_customer\": " INT64_FORMAT ", \"cohorts\": [",
					 scope->idle, scope->guests);
	for (first = 0; first < counts.ncells; first = end)
	{
		end = cohort_end(&counts, first);
		appendStringInfo(&out, "%s{\"cohort\": \"%s\", \"cells\": [", first > 0 ? ", " : "",
						 day_text(calendar_start(&calendar, counts.cells[first].cohort)));
		for (i = first; i < end; i++)
			appendStringInfo(&out, "%s[%u, " INT64_FORMAT ", " INT64_FORMAT "]",
							 i > first ? ", " : "", counts.cells[i].lag, counts.cells[i].retained,
							 counts.cells[i].ended);
		appendStringInfoString(&out, "]}");
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

static const char *const result_keys[] = {
	"period",  "zone", "as_of", "last_day", "members_without_events", "rows_without_customer",
	"cohorts", NULL
};
static const char *const cohort_keys[] = { "cohort", "cells", NULL };

#define RESULT_TYPE "retention_result"

/* Reads one cohort with its cells. */
static void
read_cohort(const JsonbValue *value, Calendar *calendar, RetentionCounts *counts, int64 *room)
{
	JsonbContainer *cohort = json_as_object(value, RESULT_TYPE, "cohorts");
	JsonbValue found;
	JsonbContainer *cells;
	DateADT start;
	int32 index;
	uint32 i;

	json_check_keys(cohort, RESULT_TYPE, cohort_keys);
	start = json_as_day(json_member(cohort, "cohort", &found), RESULT_TYPE, "cohort");
	index = calendar_index(calendar, start);
	if (calendar_start(calendar, index) != start)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("cohort %s of a retention_result doesn't start a period", day_text(start)),
				 errhint(RESULT_HINT)));
	if (counts->ncells > 0 && counts->cells[counts->ncells - 1].cohort >= index)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("cohorts of a retention_result are not in order"), errhint(RESULT_HINT)));
	cells = json_as_array(json_member(cohort, "cells", &found), RESULT_TYPE, "cells");
	for (i = 0; i < JsonContainerSize(cells); i++)
	{
		JsonbValue *item = getIthJsonbValueFromContainer(cells, i);
		JsonbContainer *triple = json_as_array(item, RESULT_TYPE, "cells");
		int64 numbers[3];
		RetentionCell *cell;
		int n;

		if (JsonContainerSize(triple) != 3)
			ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
							errmsg("a cell of a retention_result is not [lag, retained, ended]"),
							errhint(RESULT_HINT)));
		for (n = 0; n < 3; n++)
			numbers[n] =
				json_as_count(getIthJsonbValueFromContainer(triple, n), RESULT_TYPE, "cells");
		if (numbers[0] > PG_UINT32_MAX)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("lag " INT64_FORMAT " of a retention_result is out of range",
								   numbers[0])));
		cell = add_cell(counts, room);
		cell->cohort = index;
		cell->lag = (uint32) numbers[0];
		cell->retained = numbers[1];
		cell->ended = numbers[2];
		CHECK_FOR_INTERRUPTS();
	}
}

Datum
loyalty_retention_result_in(PG_FUNCTION_ARGS)
{
	JsonbContainer *root = json_parse_object(PG_GETARG_CSTRING(0), RESULT_TYPE);
	RetentionCounts counts;
	RetentionScope *scope = &counts.scope;
	JsonbContainer *cohorts;
	JsonbValue found;
	Calendar calendar;
	int64 room;
	uint32 i;

	memset(&counts, 0, sizeof(counts));
	json_check_keys(root, RESULT_TYPE, result_keys);
	scope->period = calendar_period_parse(
		json_as_string(json_member(root, "period", &found), RESULT_TYPE, "period"));
	if (json_member(root, "zone", &found) != NULL)
	{
		char *name = json_as_string(&found, RESULT_TYPE, "zone");

		scope->zone = zone_name(zone_by_name(name, strlen(name)));
	}
	scope->last_day = DATEVAL_NOBEGIN;
	if (json_member(root, "as_of", &found) != NULL)
	{
		scope->as_of_given = true;
		scope->as_of = json_as_day(&found, RESULT_TYPE, "as_of");
	}
	if (json_member(root, "last_day", &found) != NULL)
	{
		scope->has_last_day = true;
		scope->last_day = json_as_day(&found, RESULT_TYPE, "last_day");
	}
	if (json_member(root, "members_without_events", &found) != NULL)
		scope->idle = json_as_count(&found, RESULT_TYPE, "members_without_events");
	if (json_member(root, "rows_without_customer", &found) != NULL)
		scope->guests = json_as_count(&found, RESULT_TYPE, "rows_without_customer");

	cohorts = json_as_array(json_member(root, "cohorts", &found), RESULT_TYPE, "cohorts");
	calendar_open(&calendar, scope->period);
	start_cells(&counts, &room);
	for (i = 0; i < JsonContainerSize(cohorts); i++)
		read_cohort(getIthJsonbValueFromContainer(cohorts, i), &calendar, &counts, &room);
	PG_RETURN_POINTER(checked_result(&counts, ERRCODE_INVALID_TEXT_REPRESENTATION));
}
