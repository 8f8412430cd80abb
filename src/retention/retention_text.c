/*
 * retention_text.c
 *		The text form of retention_result: JSON.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "calendar/calendar.h"
#include "core/json.h"
#include "core/soft_input.h"
#include "retention/retention.h"

PG_FUNCTION_INFO_V1(loyalty_retention_result_out);

/* ---- writing ---- */

static void
put_scope(StringInfo out, const RetentionScope *scope)
{
	appendStringInfoString(out, "{\"period\": ");
	escape_json(out, calendar_period_text(scope->period));
	if (!retention_kind_is_plain(&scope->kind))
	{
		appendStringInfoString(out, ", \"options\": ");
		retention_kind_put(out, &scope->kind);
	}
	if (scope->zone != NULL)
		appendStringInfo(out, ", \"zone\": \"%s\"", scope->zone);
	if (scope->as_of_given)
		appendStringInfo(out, ", \"as_of\": \"%s\"", day_text(scope->as_of));
	if (scope->has_last_day)
		appendStringInfo(out, ", \"last_day\": \"%s\"", day_text(scope->last_day));
	appendStringInfo(out,
					 ", \"members_without_events\": " INT64_FORMAT
					 ", \"rows_without_customer\": " INT64_FORMAT,
					 scope->idle, scope->guests);
	if (scope->kind.recurring)
		appendStringInfo(out, ", \"customers\": " INT64_FORMAT, scope->customers);
}

Datum
loyalty_retention_result_out(PG_FUNCTION_ARGS)
{
	RetentionCounts counts;
	const RetentionScope *scope = &counts.scope;
	const RetentionCell *cell;
	Calendar calendar;
	StringInfoData out;
	bool is_plain;
	int64 i;
	int64 n;

	retention_decode(PG_GETARG_VARLENA_PP(0), &counts);
	is_plain = retention_kind_is_plain(&scope->kind);
	calendar_open(&calendar, scope->period);
	initStringInfo(&out);
	put_scope(&out, scope);
	appendStringInfoString(&out, ", \"cohorts\": [");
	cell = counts.cells;
	for (i = 0; i < counts.ncohorts; i++)
	{
		const RetentionCohort *cohort = &counts.cohorts[i];

		appendStringInfo(&out, "%s{\"cohort\": \"%s\", ", i > 0 ? ", " : "",
						 day_text(calendar_start(&calendar, cohort->number)));
		if (!is_plain)
			appendStringInfo(&out, "\"size\": " INT64_FORMAT ", ", cohort->size);
		appendStringInfoString(&out, "\"cells\": [");
		for (n = 0; n < cohort->ncells; n++, cell++)
		{
			appendStringInfo(&out, "%s[%u, " INT64_FORMAT ", " INT64_FORMAT, n > 0 ? ", " : "",
							 cell->column, cell->retained, cell->ended);
			if (scope->kind.elapsed > 0)
				appendStringInfo(&out, ", " INT64_FORMAT, cell->eligible);
			appendStringInfoChar(&out, ']');
		}
		appendStringInfoString(&out, "]}");
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

/* ---- reading ---- */

static const char *const result_keys[] = { "period",
										   "options",
										   "zone",
										   "as_of",
										   "last_day",
										   "members_without_events",
										   "rows_without_customer",
										   "customers",
										   "cohorts",
										   NULL };
static const char *const cohort_keys[] = { "cohort", "size", "cells", NULL };
static const char *const plain_cohort_keys[] = { "cohort", "cells", NULL };

/* A number that isn't there is 0. */
static int64
count_member(JsonbContainer *object, const char *key)
{
	JsonbValue found;

	return json_member(object, key, &found) != NULL ? json_as_count(&found, RETENTION_TYPE, key)
													: 0;
}

static bool
day_member(JsonbContainer *object, const char *key, DateADT *day)
{
	JsonbValue found;

	if (json_member(object, key, &found) == NULL)
		return false;
	*day = json_as_day(&found, RETENTION_TYPE, key);
	return true;
}

static void
read_scope(JsonbContainer *root, RetentionScope *scope)
{
	JsonbValue found;

	scope->period = calendar_period_parse(
		json_as_string(json_member(root, "period", &found), RETENTION_TYPE, "period"));
	if (json_member(root, "options", &found) != NULL)
		retention_kind_read(&scope->kind, json_as_object(&found, RETENTION_TYPE, "options"), true);
	if (json_member(root, "zone", &found) != NULL)
	{
		char *name = json_as_string(&found, RETENTION_TYPE, "zone");

		scope->zone = zone_name(zone_by_name(name, strlen(name)));
	}
	scope->as_of_given = day_member(root, "as_of", &scope->as_of);
	scope->has_last_day = day_member(root, "last_day", &scope->last_day);
	scope->idle = count_member(root, "members_without_events");
	scope->guests = count_member(root, "rows_without_customer");
	if (scope->kind.recurring)
		scope->customers = count_member(root, "customers");
	else if (json_member(root, "customers", &found) != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"customers\" of a retention_result needs the mode \"recurring\""),
						errhint(RETENTION_HINT)));
}

static void
read_cell(const JsonbValue *value, RetentionReading *reading)
{
	JsonbContainer *numbers = json_as_array(value, RETENTION_TYPE, "cells");
	bool is_elapsed = reading->counts.scope.kind.elapsed > 0;
	int nnumbers = is_elapsed ? 4 : 3;
	int64 read[4] = { 0 };
	RetentionCell *cell;
	int n;

	if (JsonContainerSize(numbers) != (uint32) nnumbers)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("a cell of a retention_result is not [lag, retained, ended%s]",
							   is_elapsed ? ", eligible" : ""),
						errhint(RETENTION_HINT)));
	for (n = 0; n < nnumbers; n++)
		read[n] = json_as_count(getIthJsonbValueFromContainer(numbers, n), RETENTION_TYPE, "cells");
	if (read[0] > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("lag " INT64_FORMAT " of a retention_result is out of range", read[0])));
	cell = retention_reading_cell(reading);
	cell->column = (uint32) read[0];
	cell->retained = read[1];
	cell->ended = read[2];
	cell->eligible = read[3];
}

/* Reads one cohort with its cells. */
static void
read_cohort(const JsonbValue *value, Calendar *calendar, RetentionReading *reading)
{
	JsonbContainer *object = json_as_object(value, RETENTION_TYPE, "cohorts");
	RetentionCounts *counts = &reading->counts;
	bool is_plain = retention_kind_is_plain(&counts->scope.kind);
	RetentionCohort *cohort;
	JsonbValue found;
	JsonbContainer *cells;
	DateADT start;
	int32 number;
	int64 first_cell = counts->ncells;
	uint32 i;

	json_check_keys(object, RETENTION_TYPE, is_plain ? plain_cohort_keys : cohort_keys);
	start = json_as_day(json_member(object, "cohort", &found), RETENTION_TYPE, "cohort");
	number = calendar_index(calendar, start);
	if (calendar_start(calendar, number) != start)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("cohort %s of a retention_result doesn't start a period", day_text(start)),
				 errhint(RETENTION_HINT)));
	if (counts->ncohorts > 0 && counts->cohorts[counts->ncohorts - 1].number >= number)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("cohorts of a retention_result are not in order"),
						errhint(RETENTION_HINT)));
	cohort = retention_reading_cohort(reading, number);
	cells = json_as_array(json_member(object, "cells", &found), RETENTION_TYPE, "cells");
	for (i = 0; i < JsonContainerSize(cells); i++)
	{
		read_cell(getIthJsonbValueFromContainer(cells, i), reading);
		CHECK_FOR_INTERRUPTS();
	}
	if (!is_plain)
		cohort->size = json_as_count(json_member(object, "size", &found), RETENTION_TYPE, "size");
	else if (counts->ncells > first_cell)
		cohort->size = counts->cells[first_cell].retained;
	if (!counts->scope.kind.recurring &&
		__builtin_add_overflow(counts->scope.customers, cohort->size, &counts->scope.customers))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of customers of a retention_result is out of range")));
}

SOFT_INPUT(loyalty_retention_result_in)
{
	JsonbContainer *root = json_parse_object(PG_GETARG_CSTRING(0), RETENTION_TYPE);
	RetentionReading reading;
	JsonbContainer *cohorts;
	JsonbValue found;
	Calendar calendar;
	uint32 i;

	retention_reading_start(&reading);
	json_check_keys(root, RETENTION_TYPE, result_keys);
	read_scope(root, &reading.counts.scope);
	cohorts = json_as_array(json_member(root, "cohorts", &found), RETENTION_TYPE, "cohorts");
	calendar_open(&calendar, reading.counts.scope.period);
	for (i = 0; i < JsonContainerSize(cohorts); i++)
		read_cohort(getIthJsonbValueFromContainer(cohorts, i), &calendar, &reading);
	PG_RETURN_POINTER(
		retention_encode_checked(&reading.counts, ERRCODE_INVALID_TEXT_REPRESENTATION));
}
