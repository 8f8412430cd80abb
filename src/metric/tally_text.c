/*
 * tally_text.c
 *		The JSON text of a tally, and the texts of parameters that many shapes have.
 *
 *		{"policy": {...}, "period": "month", "as_of": "2024-12-31", "scale": 2,
 *		 "rows_without_customer": 0,
 *		 "rows": [{"period": "2024-01-01", "label": "promo", "members": 3, "issued": 12.50}]}
 *
 * Parameters that there are, in the shape's order; "scale" where the shape has decimals; totals;
 * rows, or what they are in where the shape has groups; keys by the name of their column, an absent
 * text left out; sums that aren't 0. Input takes rows and members in any order; without "scale" it
 * is that of the value with most decimals.
 */
#include "postgres.h"

#include "common/shortest_dec.h"
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

#define SCALE_KEY	"scale"
#define FLOAT_SCALE "float"
#define ROWS_KEY	"rows"

/* ---- writing ---- */

static void
put_name(StringInfo out, bool *is_first, const char *name)
{
	appendStringInfoString(out, *is_first ? "{" : ", ");
	*is_first = false;
	escape_json(out, name);
	appendStringInfoString(out, ": ");
}

/* Writes a column of a key; calendar is NULL where there is no period. */
static void
put_key(StringInfo out, const Tally *tally, const TallyKey *key, int i, bool *is_first,
		const Calendar *calendar)
{
	const TallyColumn *column = &tally->shape->keys[i];
	char *text;

	if (column->type == TALLY_TEXT)
	{
		if (key->text == NULL)
			return;
		text = pnstrdup(key->text, key->text_len);
		put_name(out, is_first, column->name);
		escape_json(out, text);
		pfree(text);
		return;
	}
	put_name(out, is_first, column->name);
	if (column->type == TALLY_PERIOD)
	{
		if (calendar == NULL)
			elog(ERROR, "rows of a %s without a period", tally->shape->type);
		text = day_text(calendar_start(calendar, (int32) key->numbers[i]));
		appendStringInfo(out, "\"%s\"", text);
		pfree(text);
	}
	else if (column->type == TALLY_DECIMAL)
	{
		text = tally->scale == TALLY_FLOATS ? tally_float_text(tally_key_float(key->numbers[i]))
											: decimal_to_text(key->numbers[i], tally->scale);
		appendStringInfoString(out, text);
		pfree(text);
	}
	else
		appendStringInfo(out, INT64_FORMAT, key->numbers[i]);
}

static void
put_row(StringInfo out, const Tally *tally, const TallyRow *row, const Calendar *calendar)
{
	const TallyShape *shape = tally->shape;
	bool is_first = true;
	int i;

	for (i = 0; i < shape->nkeys; i++)
		put_key(out, tally, &row->key, i, &is_first, calendar);
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

/* ---- groups ---- */

/* The sums that a tally has in its groups: their numbers. */
typedef struct GroupSums
{
	int own[TALLY_MAX_SUMS]; /* of a group itself */
	int nown;
	int cell[TALLY_MAX_SUMS]; /* of its cells */
	int ncell;
} GroupSums;

static void
find_group_sums(const Tally *tally, GroupSums *sums)
{
	const TallyShape *shape = tally->shape;
	int i;

	sums->nown = sums->ncell = 0;
	if (shape->groups == NULL)
		return;
	for (i = 0; i < shape->nsums; i++)
	{
		if (tally_lacks(tally, shape->sums[i].name))
			continue;
		if (i < shape->groups->nsums)
			sums->own[sums->nown++] = i;
		else
			sums->cell[sums->ncell++] = i;
	}
}

static void
put_cell(StringInfo out, const GroupSums *sums, const TallyRow *row)
{
	int i;

	appendStringInfo(out, "[" INT64_FORMAT, row->key.numbers[1]);
	for (i = 0; i < sums->ncell; i++)
		appendStringInfo(out, ", " INT64_FORMAT, (int64) row->sums[sums->cell[i]]);
	appendStringInfoChar(out, ']');
}

/* Writes the group whose rows begin here; returns where they end. */
static TallyRow **
put_group(StringInfo out, const Tally *tally, const GroupSums *sums, TallyRow **row, TallyRow **end,
		  const Calendar *calendar)
{
	const TallyShape *shape = tally->shape;
	int64 group = (*row)->key.numbers[0];
	const TallyRow *own = (*row)->key.numbers[1] == TALLY_GROUP ? *row : NULL;
	bool is_first = true;
	bool is_first_cell = true;
	int i;

	put_key(out, tally, &(*row)->key, 0, &is_first, calendar);
	for (i = 0; i < sums->nown; i++)
	{
		put_name(out, &is_first, shape->sums[sums->own[i]].name);
		appendStringInfo(out, INT64_FORMAT, own != NULL ? (int64) own->sums[sums->own[i]] : 0);
	}
	put_name(out, &is_first, shape->groups->cells);
	appendStringInfoChar(out, '[');
	for (row += own != NULL; row < end && (*row)->key.numbers[0] == group; row++)
	{
		if (!is_first_cell)
			appendStringInfoString(out, ", ");
		is_first_cell = false;
		put_cell(out, sums, *row);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoString(out, "]}");
	return row;
}

/* The name of the array of rows, or of their groups. */
static const char *
rows_key(const TallyShape *shape)
{
	return shape->groups != NULL ? shape->groups->name : ROWS_KEY;
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
	TallyRow **row;
	GroupSums sums;
	int i;

	find_group_sums(tally, &sums);
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
		if (tally->scale == TALLY_FLOATS)
			appendStringInfoString(&out, "\"" FLOAT_SCALE "\"");
		else
			appendStringInfo(&out, "%d", tally->scale);
	}
	for (i = 0; i < tally->ntotals; i++)
		if (!tally_lacks(tally, tally->total_names[i]) &&
			(i != tally->eventless || tally->totals[i] != 0))
		{
			put_name(&out, &is_first, tally->total_names[i]);
			appendStringInfo(&out, INT64_FORMAT, tally->totals[i]);
		}
	put_name(&out, &is_first, rows_key(shape));
	appendStringInfoChar(&out, '[');
	for (row = rows; row < rows + nrows;)
	{
		if (row > rows)
			appendStringInfoString(&out, ", ");
		if (shape->groups != NULL)
			row = put_group(&out, tally, &sums, row, rows + nrows, has_calendar ? &calendar : NULL);
		else
			put_row(&out, tally, *row++, has_calendar ? &calendar : NULL);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoString(&out, "]}");
	pfree(rows);
	return out.data;
}

char *
tally_float_text(double number)
{
	char *text = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	double_to_shortest_decimal_buf(number, text);
	return text;
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

static int64
read_float(const JsonbValue *value, Tally *tally, const char *key)
{
	Datum number;

	if (value == NULL || value->type != jbvNumeric)
		json_report_wrong_type(value, tally->shape->type, key, "a number");
	number = DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric));
	return tally_float_key(DatumGetFloat8(number));
}

/* The same for a key, which has 64 bits. */
static int64
read_decimal(const JsonbValue *value, Tally *tally, const char *key, bool scale_is_given)
{
	int128 units;

	if (tally->scale == TALLY_FLOATS)
		return read_float(value, tally, key);
	units = read_value(value, tally, key, scale_is_given);

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

/* Reads a column of a key; calendar is NULL where there is no period. */
static void
read_key(JsonbContainer *object, Tally *tally, int i, TallyKey *key, Calendar *calendar,
		 bool scale_is_given)
{
	const TallyShape *shape = tally->shape;
	const TallyColumn *column = &shape->keys[i];
	JsonbValue room;
	JsonbValue *value = json_member(object, column->name, &room);

	switch (column->type)
	{
		case TALLY_TEXT:
			if (value == NULL)
				break;
			key->text = json_as_string(value, shape->type, column->name);
			key->text_len = (int) strlen(key->text);
			break;
		case TALLY_PERIOD:
			if (calendar == NULL)
				json_report_wrong_type(NULL, shape->type, "period", "a calendar_period");
			key->numbers[i] = read_period(value, shape, column->name, calendar);
			break;
		case TALLY_DECIMAL:
			key->numbers[i] = read_decimal(value, tally, column->name, scale_is_given);
			break;
		default:
			key->numbers[i] = read_whole(value, shape, column->name, PG_INT64_MIN);
	}
}

/* A row that must not have been there. */
static TallyRow *
new_row(Tally *tally, const TallyKey *key)
{
	bool found;
	TallyRow *row = tally_enter(tally, key, &found);

	if (found)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("two rows of %s have the same keys", a_type(tally->shape->type)),
						tally_hint(tally->shape)));
	return row;
}

static void
read_row(JsonbContainer *object, Tally *tally, Calendar *calendar, bool scale_is_given)
{
	const TallyShape *shape = tally->shape;
	TallyKey key = { .text = NULL };
	JsonbValue room;
	JsonbValue *value;
	TallyRow *row;
	int i;

	for (i = 0; i < shape->nkeys; i++)
		read_key(object, tally, i, &key, calendar, scale_is_given);
	row = new_row(tally, &key);
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

/* ---- reading groups ---- */

static void report_zeros(const TallyShape *shape) pg_attribute_noreturn();

static void
report_zeros(const TallyShape *shape)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("\"%s\" of %s has nothing but zeros", shape->groups->name, a_type(shape->type)),
			 tally_hint(shape)));
}

static void report_no_cell(const TallyShape *shape, const GroupSums *sums) pg_attribute_noreturn();

static void
report_no_cell(const TallyShape *shape, const GroupSums *sums)
{
	StringInfoData names;
	int i;

	initStringInfo(&names);
	appendStringInfoString(&names, shape->keys[1].name);
	for (i = 0; i < sums->ncell; i++)
		appendStringInfo(&names, ", %s", shape->sums[sums->cell[i]].name);
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("one of \"%s\" of %s is not [%s]", shape->groups->cells,
						   a_type(shape->type), names.data),
					tally_hint(shape)));
}

/* Reads the cells of a group, whose key this is. */
static void
read_cells(JsonbContainer *cells, Tally *tally, const GroupSums *sums, TallyKey key)
{
	const TallyShape *shape = tally->shape;
	uint32 n;
	int i;

	for (n = 0; n < JsonContainerSize(cells); n++)
	{
		JsonbContainer *cell = json_as_array(getIthJsonbValueFromContainer(cells, n), shape->type,
											 shape->groups->cells);
		bool has_sums = false;
		TallyRow *row;

		if (JsonContainerSize(cell) != (uint32) sums->ncell + 1)
			report_no_cell(shape, sums);
		key.numbers[1] =
			read_whole(getIthJsonbValueFromContainer(cell, 0), shape, shape->keys[1].name, 0);
		row = new_row(tally, &key);
		for (i = 0; i < sums->ncell; i++)
		{
			int sum = sums->cell[i];

			row->sums[sum] = read_whole(getIthJsonbValueFromContainer(cell, i + 1), shape,
										shape->sums[sum].name, 0);
			has_sums = has_sums || row->sums[sum] != 0;
		}
		if (!has_sums)
			report_zeros(shape);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
read_group(JsonbContainer *object, Tally *tally, const GroupSums *sums, Calendar *calendar)
{
	const TallyShape *shape = tally->shape;
	const char *names[TALLY_MAX_SUMS + 3];
	TallyKey key = { .numbers = { 0, TALLY_GROUP } };
	JsonbContainer *cells;
	JsonbValue room;
	bool has_sums = false;
	TallyRow *row;
	int i;

	names[0] = shape->keys[0].name;
	names[1] = shape->groups->cells;
	for (i = 0; i < sums->nown; i++)
		names[i + 2] = shape->sums[sums->own[i]].name;
	names[sums->nown + 2] = NULL;
	json_check_keys(object, shape->type, names);
	read_key(object, tally, 0, &key, calendar, true);
	if (sums->nown > 0)
	{
		row = new_row(tally, &key);
		for (i = 0; i < sums->nown; i++)
		{
			int sum = sums->own[i];

			row->sums[sum] =
				read_whole(json_member(object, names[i + 2], &room), shape, names[i + 2], 0);
			has_sums = has_sums || row->sums[sum] != 0;
		}
	}
	cells = json_as_array(json_member(object, shape->groups->cells, &room), shape->type, names[1]);
	if (!has_sums && (sums->nown > 0 || JsonContainerSize(cells) == 0))
		report_zeros(shape);
	read_cells(cells, tally, sums, key);
}

/* ---- reading all of it ---- */

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
	GroupSums sums;
	uint32 n;
	int i;

	find_group_sums(tally, &sums);

	for (i = 0; i < shape->nkeys; i++)
		names[nnames++] = shape->keys[i].name;
	for (i = 0; i < shape->nsums; i++)
		names[nnames++] = shape->sums[i].name;
	names[nnames] = NULL;

	caller = MemoryContextSwitchTo(context);
	for (n = 0; n < JsonContainerSize(rows); n++)
	{
		JsonbContainer *row =
			json_as_object(getIthJsonbValueFromContainer(rows, n), shape->type, rows_key(shape));

		if (shape->groups != NULL)
			read_group(row, tally, &sums, has_calendar ? &calendar : NULL);
		else
		{
			json_check_keys(row, shape->type, names);
			read_row(row, tally, has_calendar ? &calendar : NULL, scale_is_given);
		}
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

static void
read_totals(JsonbContainer *root, Tally *tally)
{
	JsonbValue room;
	int i;

	for (i = 0; i < tally->ntotals; i++)
	{
		const char *name = tally->total_names[i];

		if (json_member(root, name, &room) == NULL)
			continue;
		if (tally_lacks(tally, name))
			ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
							errmsg("%s of these parameters has no \"%s\"",
								   a_type(tally->shape->type), name),
							tally_hint(tally->shape)));
		tally_add_total(tally, i, read_whole(&room, tally->shape, name, 0));
	}
}

/* How many decimals there are, or TALLY_FLOATS. */
static int
read_scale(const JsonbValue *value, const Tally *tally)
{
	const TallyShape *shape = tally->shape;
	int64 decimals;

	if (tally->may_have_floats && value->type == jbvString &&
		value->val.string.len == strlen(FLOAT_SCALE) &&
		memcmp(value->val.string.val, FLOAT_SCALE, strlen(FLOAT_SCALE)) == 0)
		return TALLY_FLOATS;
	decimals = read_whole(value, shape, SCALE_KEY, 0);
	if (decimals > DECIMAL_MAX_SCALE)
		report_out_of_range(shape, SCALE_KEY);
	return (int) decimals;
}

Tally *
tally_from_text(const TallyShape *shape, const char *text)
{
	JsonbContainer *root = json_parse_object(text, shape->type);
	Tally *tally = tally_create(shape);
	const char *names[TALLY_MAX_PARAMETERS + TALLY_MAX_TOTALS + 3];
	int nnames = 0;
	JsonbValue room;
	JsonbValue *scale = NULL;
	int i;

	json_check_unique_keys(text, shape->type);
	for (i = 0; i < shape->nparameters; i++)
		names[nnames++] = shape->parameters[i].name;
	if (tally->has_scale)
		names[nnames++] = SCALE_KEY;
	for (i = 0; i < tally->ntotals; i++)
		names[nnames++] = tally->total_names[i];
	names[nnames++] = rows_key(shape);
	names[nnames] = NULL;
	json_check_keys(root, shape->type, names);

	for (i = 0; i < shape->nparameters; i++)
		if (json_member(root, shape->parameters[i].name, &room) != NULL)
			tally_set_parameter(tally, i, read_parameter(&room, shape, &shape->parameters[i]));
	if (tally->has_scale)
		scale = json_member(root, SCALE_KEY, &room);
	if (scale != NULL)
		tally_use_scale(tally, read_scale(scale, tally));
	read_totals(root, tally);
	read_rows(
		json_as_array(json_member(root, rows_key(shape), &room), shape->type, rows_key(shape)),
		tally, scale != NULL);
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
tally_canonical_flag(const char *text, const char *name)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"%s\" must be true or false, not %s", name, text)));
	return pstrdup(text);
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
	return pstrdup(zone_name(zone_noted(text, strlen(text))));
}
