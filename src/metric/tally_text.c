/*
 * tally_text.c
 *		The JSON text of a tally, and the texts of parameters that many shapes have.
 *
 *		{"policy": {...}, "period": "month", "as_of": "2024-12-31", "scale": 2,
 *		 "rows_without_customer": 0,
 *		 "rows": [{"period": "2024-01-01", "label": "promo", "members": 3, "issued": 12.50}]}
 *
 * Parameters that there are, in the shape's order; "scale" where the shape has decimals; keys
 * by the name of their column, an absent text left out; sums that aren't 0. Input takes rows
 * and members in any order; without "scale" it is that of the value with most decimals.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "core/decimal.h"
#include "core/json.h"
#include "metric/metric_internal.h"

#define SCALE_KEY  "scale"
#define GUESTS_KEY "rows_without_customer"
#define ROWS_KEY   "rows"

/* ---- writing ---- */

static void
put_name(StringInfo out, bool *is_first, const char *name)
{
	appendStringInfoString(out, *is_first ? "{" : ", ");
	*is_first = false;
	escape_json(out, name);
	appendStringInfoString(out, ": ");
}

/* Writes a row; calendar is NULL where there is no period. */
static void
put_row(StringInfo out, const Tally *tally, const TallyRow *row, const Calendar *calendar)
{
	const TallyShape *shape = tally->shape;
	bool is_first = true;
	int i;

	for (i = 0; i < shape->nkeys; i++)
	{
		const TallyColumn *column = &shape->keys[i];

		if (column->type == TALLY_TEXT)
		{
			char *text;

			if (row->key.text == NULL)
				continue;
			text = pnstrdup(row->key.text, row->key.text_len);
			put_name(out, &is_first, column->name);
			escape_json(out, text);
			pfree(text);
			continue;
		}
		put_name(out, &is_first, column->name);
		if (column->type == TALLY_PERIOD)
		{
			char *day;

			if (calendar == NULL)
				elog(ERROR, "rows of a %s without a period", shape->type);
			day = day_text(calendar_start(calendar, (int32) row->key.numbers[i]));

			appendStringInfo(out, "\"%s\"", day);
			pfree(day);
		}
		else if (column->type == TALLY_DECIMAL)
		{
			char *number = decimal_to_text(row->key.numbers[i], tally->scale);

			appendStringInfoString(out, number);
			pfree(number);
		}
		else
			appendStringInfo(out, INT64_FORMAT, row->key.numbers[i]);
	}
	for (i = 0; i < shape->nsums; i++)
	{
		char *number;

		if (row->sums[i] == 0)
			continue;
		number = decimal_sum_to_text(row->sums[i],
									 shape->sums[i].type == TALLY_VALUE ? tally->scale : 0);
		put_name(out, &is_first, shape->sums[i].name);
		appendStringInfoString(out, number);
		pfree(number);
	}
	appendStringInfoChar(out, '}');
}

char *
tally_to_text(const Tally *tally)
{
	const TallyShape *shape = tally->shape;
	StringInfoData out;
	bool is_first = true;
	Calendar calendar;
	bool has_calendar = tally_calendar(tally, &calendar);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 n;
	int i;

	initStringInfo(&out);
	for (i = 0; i < shape->nparameters; i++)
	{
		const char *text = tally->parameters[i];

		if (text == NULL)
			continue;
		put_name(&out, &is_first, shape->parameters[i].name);
		if (shape->parameters[i].is_json)
			appendStringInfoString(&out, text);
		else
			escape_json(&out, text);
	}
	if (tally->has_scale)
	{
		put_name(&out, &is_first, SCALE_KEY);
		appendStringInfo(&out, "%d", tally->scale);
	}
	put_name(&out, &is_first, GUESTS_KEY);
	appendStringInfo(&out, INT64_FORMAT, tally->guests);
	put_name(&out, &is_first, ROWS_KEY);
	appendStringInfoChar(&out, '[');
	for (n = 0; n < nrows; n++)
	{
		if (n > 0)
			appendStringInfoString(&out, ", ");
		put_row(&out, tally, rows[n], has_calendar ? &calendar : NULL);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoString(&out, "]}");
	pfree(rows);
	return out.data;
}

/* ---- reading ---- */

static void report_out_of_range(const TallyShape *shape, const char *key) pg_attribute_noreturn();

static void
report_out_of_range(const TallyShape *shape, const char *key)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("\"%s\" of %s is out of range", key, a_type(shape->type))));
}

/* A whole number that is min at least, and fits 64 bits. */
static int64
read_whole(const JsonbValue *value, const TallyShape *shape, const char *key, int64 min)
{
	int128 units;
	int scale;

	if (value == NULL || value->type != jbvNumeric)
		json_report_wrong_type(value, shape->type, key, "a whole number");
	if (!decimal_sum_from_numeric(value->val.numeric, &units, &scale))
		report_out_of_range(shape, key);
	if (!decimal_sum_rescale(&units, scale, 0))
		json_report_wrong_type(value, shape->type, key, "a whole number");
	if (units < min && min == 0)
		json_report_wrong_type(value, shape->type, key, "a whole number, 0 or more");
	if (units < min || units > PG_INT64_MAX)
		report_out_of_range(shape, key);
	return (int64) units;
}

/* A value as units at the tally's scale, which grows where it wasn't given. */
static int128
read_value(const JsonbValue *value, Tally *tally, const char *key, bool scale_is_given)
{
	int128 units;
	int scale;

	if (value == NULL || value->type != jbvNumeric)
		json_report_wrong_type(value, tally->shape->type, key, "a number");
	if (!decimal_sum_from_numeric(value->val.numeric, &units, &scale))
		report_out_of_range(tally->shape, key);
	if (!scale_is_given)
		tally_use_scale(tally, scale);
	else if (scale > tally->scale && units % decimal_power[scale - tally->scale] != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"%s\" of %s has more than %d decimals", key,
							   a_type(tally->shape->type), tally->scale),
						errhint("\"%s\" is how many decimals values have.", SCALE_KEY)));
	if (!decimal_sum_rescale(&units, scale, tally->scale))
		report_out_of_range(tally->shape, key);
	return units;
}

/* The same for a key, which has 64 bits. */
static int64
read_decimal(const JsonbValue *value, Tally *tally, const char *key, bool scale_is_given)
{
	int128 units = read_value(value, tally, key, scale_is_given);

	if (units < PG_INT64_MIN || units > PG_INT64_MAX)
		report_out_of_range(tally->shape, key);
	return (int64) units;
}

static int64
read_period(const JsonbValue *value, const TallyShape *shape, const char *key, Calendar *calendar)
{
	DateADT day = json_as_day(value, shape->type, key);
	int32 period = calendar_index(calendar, day);

	if (calendar_start(calendar, period) != day)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"%s\" of %s is a day that doesn't start a period", key,
							   a_type(shape->type)),
						errdetail("Found: %s.", day_text(day))));
	return period;
}

/* Reads a row; calendar is NULL where there is no period. */
static void
read_row(JsonbContainer *object, Tally *tally, Calendar *calendar, bool scale_is_given)
{
	const TallyShape *shape = tally->shape;
	TallyKey key = { .text = NULL };
	JsonbValue room;
	JsonbValue *value;
	bool found;
	TallyRow *row;
	int i;

	for (i = 0; i < shape->nkeys; i++)
	{
		const TallyColumn *column = &shape->keys[i];

		value = json_member(object, column->name, &room);
		switch (column->type)
		{
			case TALLY_TEXT:
				if (value == NULL)
					break;
				key.text = json_as_string(value, shape->type, column->name);
				key.text_len = (int) strlen(key.text);
				break;
			case TALLY_PERIOD:
				if (calendar == NULL)
					json_report_wrong_type(NULL, shape->type, "period", "a calendar_period");
				key.numbers[i] = read_period(value, shape, column->name, calendar);
				break;
			case TALLY_DECIMAL:
				key.numbers[i] = read_decimal(value, tally, column->name, scale_is_given);
				break;
			default:
				key.numbers[i] = read_whole(value, shape, column->name, PG_INT64_MIN);
		}
	}
	row = tally_enter(tally, &key, &found);
	if (found)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("two rows of %s have the same keys", a_type(shape->type)),
						tally_hint(shape)));
	for (i = 0; i < shape->nsums; i++)
	{
		const TallyColumn *column = &shape->sums[i];

		value = json_member(object, column->name, &room);
		if (value == NULL)
			continue;
		row->sums[i] = column->type == TALLY_VALUE
						   ? read_value(value, tally, column->name, scale_is_given)
						   : read_whole(value, shape, column->name, 0);
	}
}

static void
read_rows(JsonbContainer *rows, Tally *tally, bool scale_is_given)
{
	const TallyShape *shape = tally->shape;
	const char *names[TALLY_MAX_KEYS + TALLY_MAX_SUMS + 1];
	int nnames = 0;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty tally row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;
	Calendar calendar;
	bool has_calendar = tally_calendar(tally, &calendar);
	uint32 n;
	int i;

	for (i = 0; i < shape->nkeys; i++)
		names[nnames++] = shape->keys[i].name;
	for (i = 0; i < shape->nsums; i++)
		names[nnames++] = shape->sums[i].name;
	names[nnames] = NULL;

	caller = MemoryContextSwitchTo(context);
	for (n = 0; n < JsonContainerSize(rows); n++)
	{
		JsonbContainer *row =
			json_as_object(getIthJsonbValueFromContainer(rows, n), shape->type, ROWS_KEY);

		json_check_keys(row, shape->type, names);
		read_row(row, tally, has_calendar ? &calendar : NULL, scale_is_given);
		MemoryContextReset(context);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* A parameter's text from its JSON value. */
static char *
read_parameter(JsonbValue *value, const TallyShape *shape, const TallyParameter *parameter)
{
	char *text;

	if (parameter->is_json)
	{
		Jsonb *json = JsonbValueToJsonb(value);

		text = JsonbToCString(NULL, &json->root, (int) VARSIZE(json));
	}
	else
		text = json_as_string(value, shape->type, parameter->name);
	return parameter->canonical != NULL ? parameter->canonical(text) : text;
}

Tally *
tally_from_text(const TallyShape *shape, const char *text)
{
	JsonbContainer *root = json_parse_object(text, shape->type);
	Tally *tally = tally_create(shape);
	const char *names[TALLY_MAX_PARAMETERS + 4];
	int nnames = 0;
	JsonbValue room;
	JsonbValue *scale = NULL;
	int i;

	json_check_unique_keys(text, shape->type);
	for (i = 0; i < shape->nparameters; i++)
		names[nnames++] = shape->parameters[i].name;
	if (tally->has_scale)
		names[nnames++] = SCALE_KEY;
	names[nnames++] = GUESTS_KEY;
	names[nnames++] = ROWS_KEY;
	names[nnames] = NULL;
	json_check_keys(root, shape->type, names);

	for (i = 0; i < shape->nparameters; i++)
		if (json_member(root, shape->parameters[i].name, &room) != NULL)
			tally_set_parameter(tally, i, read_parameter(&room, shape, &shape->parameters[i]));
	if (tally->has_scale)
		scale = json_member(root, SCALE_KEY, &room);
	if (scale != NULL)
	{
		int64 decimals = read_whole(scale, shape, SCALE_KEY, 0);

		if (decimals > DECIMAL_MAX_SCALE)
			report_out_of_range(shape, SCALE_KEY);
		tally_use_scale(tally, (int) decimals);
	}
	if (json_member(root, GUESTS_KEY, &room) != NULL)
		tally_add_guests(tally, read_whole(&room, shape, GUESTS_KEY, 0));
	read_rows(json_as_array(json_member(root, ROWS_KEY, &room), shape->type, ROWS_KEY), tally,
			  scale != NULL);
	tally_check(tally, ERRCODE_INVALID_TEXT_REPRESENTATION);
	return tally;
}

/* ---- parameters that many shapes have ---- */

char *
tally_canonical_period(const char *text)
{
	return calendar_period_text(calendar_period_parse(text));
}

char *
tally_canonical_day(const char *text)
{
	DateADT day;

	switch (day_parse(text, strlen(text), &day))
	{
		case DAY_READ:
			return day_text(day);
		case DAY_OUT_OF_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
					 errmsg("day out of range: \"%.*s%s\"", JSON_SHOWN(text, (int) strlen(text)))));
			break;
		case DAY_INFINITE:
			check_finite_day(day);
			break;
		case DAY_NOT_ISO:
			break;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("not a date, YYYY-MM-DD: \"%.*s%s\"", JSON_SHOWN(text, (int) strlen(text)))));
}

char *
tally_canonical_choice(const char *text, const char *refusal, const char *const *names, int nnames)
{
	return pstrdup(names[choice_of(text, strlen(text), names, nnames,
								   ERRCODE_INVALID_TEXT_REPRESENTATION, refusal, "")]);
}

char *
tally_canonical_zone(const char *text)
{
	return pstrdup(zone_name(zone_by_name(text, strlen(text))));
}
