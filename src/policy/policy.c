/*
 * policy.c
 *		What all policies are read and written with: typed values from JSON, and canonical text.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "calendar/calendar.h"
#include "core/argument.h"
#include "policy/policy.h"

/* ---- where something stands ---- */

const char *
policy_path(const PolicyObject *object, const char *key)
{
	return object->path[0] == '\0' ? key : psprintf("%s%s", object->path, key);
}

void
policy_enter(const PolicyObject *outer, const JsonbValue *value, const char *path,
			 PolicyObject *inner)
{
	inner->json = json_as_object(value, outer->type, path);
	inner->type = outer->type;
	inner->path = psprintf("%s.", path);
}

void
policy_check_keys(const PolicyObject *object, const char *const *names)
{
	const char *place = object->type;

	if (object->path[0] != '\0')
		place =
			psprintf("%s at \"%.*s\"", object->type, (int) strlen(object->path) - 1, object->path);
	json_check_keys(object->json, place, names);
}

const char *
policy_member_path(const char *path, const JsonbValue *key)
{
	return psprintf("%s.%.*s%s", path, JSON_SHOWN(key->val.string.val, key->val.string.len));
}

bool
policy_next_member(JsonbContainer *members, JsonbIterator **iterator, JsonbValue *key,
				   JsonbValue *value)
{
	CHECK_FOR_INTERRUPTS();
	if (*iterator == NULL)
	{
		*iterator = JsonbIteratorInit(members);
		(void) JsonbIteratorNext(iterator, key, true);
	}
	if (JsonbIteratorNext(iterator, key, true) != WJB_KEY)
		return false;
	(void) JsonbIteratorNext(iterator, value, true);
	return true;
}

bool
policy_next_element(JsonbContainer *elements, JsonbIterator **iterator, JsonbValue *value)
{
	CHECK_FOR_INTERRUPTS();
	if (*iterator == NULL)
	{
		*iterator = JsonbIteratorInit(elements);
		(void) JsonbIteratorNext(iterator, value, true);
	}
	return JsonbIteratorNext(iterator, value, true) == WJB_ELEM;
}

/* ---- typed values ---- */

bool
policy_has(const PolicyObject *object, const char *key)
{
	JsonbValue found;

	return json_member(object->json, key, &found) != NULL;
}

bool
policy_names(const PolicyObject *object, const char *key)
{
	JsonbValue found;

	return getKeyJsonValueFromContainer(object->json, key, (int) strlen(key), &found) != NULL;
}

bool
policy_get_bool(const PolicyObject *object, const char *key, bool *value)
{
	JsonbValue found;

	if (json_member(object->json, key, &found) == NULL)
		return false;
	*value = json_as_bool(&found, object->type, policy_path(object, key));
	return true;
}

bool
policy_get_day(const PolicyObject *object, const char *key, DateADT *value)
{
	JsonbValue found;

	if (json_member(object->json, key, &found) == NULL)
		return false;
	*value = json_as_day(&found, object->type, policy_path(object, key));
	return true;
}

bool
policy_get_zone(const PolicyObject *object, const char *key, ZoneDays **value)
{
	JsonbValue found;
	char *name;

	if (json_member(object->json, key, &found) == NULL)
		return false;
	name = json_as_string(&found, object->type, policy_path(object, key));
	*value = zone_by_name(name, strlen(name));
	return true;
}

bool
policy_get_month_day(const PolicyObject *object, const char *key, int *month, int *day)
{
	JsonbValue found;
	const char *path;
	char *text;
	IsoScan scan;

	if (json_member(object->json, key, &found) == NULL)
		return false;
	path = policy_path(object, key);
	text = json_as_string(&found, object->type, path);
	scan = iso_scan(text, strlen(text));
	if (iso_take_number(&scan, 2, 2, month) && iso_take(&scan, '-') &&
		iso_take_number(&scan, 2, 2, day) && scan.at == scan.end && *month >= 1 &&
		*month <= MONTHS_PER_YEAR && *day >= 1 && *day <= day_tab[1][*month - 1])
		return true;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" of %s is not a day of the year: \"%.*s%s\"", path,
						   a_type(object->type), JSON_SHOWN(text, (int) strlen(text))),
					errhint("Write MM-DD, such as 12-31.")));
}

int
policy_choice(const PolicyObject *object, const JsonbValue *value, const char *path,
			  const char *const *names, int nnames)
{
	char *text = json_as_string(value, object->type, path);

	return choice_of(text, strlen(text), names, nnames, ERRCODE_INVALID_PARAMETER_VALUE,
					 psprintf("\"%s\" of %s can't be", path, a_type(object->type)), "");
}

bool
policy_get_choice(const PolicyObject *object, const char *key, const char *const *names, int nnames,
				  int *value)
{
	JsonbValue found;

	if (json_member(object->json, key, &found) == NULL)
		return false;
	*value = policy_choice(object, &found, policy_path(object, key), names, nnames);
	return true;
}

/*
 * Reads an interval as its input function does in PostgreSQL's own IntervalStyle, whatever the
 * session's is: a policy's text means the same everywhere.
 */
bool
policy_parse_interval(const char *text, Interval *interval)
{
	struct pg_itm_in parts;
	char buffer[256];
	char *fields[MAXDATEFIELDS];
	int types[MAXDATEFIELDS];
	int nfields;
	int unit = DTK_DELTA;
	int style = IntervalStyle;
	int error;

	memset(&parts, 0, sizeof(parts));
	error = ParseDateTime(text, buffer, sizeof(buffer), fields, types, MAXDATEFIELDS, &nfields);
	if (error == 0)
	{
		IntervalStyle = INTSTYLE_POSTGRES;
		PG_TRY();
		{
			error = DecodeInterval(fields, types, nfields, INTERVAL_FULL_RANGE, &unit, &parts);
		}
		PG_FINALLY();
		{
			IntervalStyle = style;
		}
		PG_END_TRY();
	}
	if (error == DTERR_BAD_FORMAT)
		error = DecodeISO8601Interval((char *) text, &unit, &parts);
	return error == 0 && unit == DTK_DELTA && itmin2interval(&parts, interval) == 0;
}

void
policy_check_interval(const Interval *interval, bool may_be_zero, const char *type,
					  const char *path, const char *text)
{
	const char *wrong = NULL;

#ifdef INTERVAL_NOT_FINITE
	if (INTERVAL_NOT_FINITE(interval))
		wrong = "infinite";
	else
#endif
		if (interval->month < 0 || interval->day < 0 || interval->time < 0)
		wrong = "negative";
	else if (!may_be_zero && interval->month == 0 && interval->day == 0 && interval->time == 0)
		wrong = "zero";
	if (wrong != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of %s is %s: \"%.*s%s\"", path, a_type(type), wrong,
							   JSON_SHOWN(text, (int) strlen(text))),
						errhint("Write an interval of %s, such as \"12 months\".",
								may_be_zero ? "0 or more" : "more than 0")));
}

char *
policy_canonical_interval(const char *text, const char *type, const char *path, const char *example)
{
	Interval interval;

	if (!policy_parse_interval(text, &interval))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
						errmsg("\"%s\" of %s is not an interval: \"%.*s%s\"", path, a_type(type),
							   JSON_SHOWN(text, (int) strlen(text))),
						errhint("Write one such as \"%s\".", example)));
	policy_check_interval(&interval, false, type, path, text);
	return policy_interval_text(&interval);
}

bool
policy_get_interval(const PolicyObject *object, const char *key, bool may_be_zero, Interval *value)
{
	JsonbValue found;
	const char *path;
	char *text;

	if (json_member(object->json, key, &found) == NULL)
		return false;
	path = policy_path(object, key);
	if (found.type != jbvString)
		json_report_wrong_type(&found, object->type, path, "an interval such as \"12 months\"");
	text = json_as_string(&found, object->type, path);
	if (!policy_parse_interval(text, value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of %s is not an interval: \"%.*s%s\"", path,
							   a_type(object->type), JSON_SHOWN(text, (int) strlen(text))),
						errhint("Write one such as \"12 months\" or \"90 days\".")));
	policy_check_interval(value, may_be_zero, object->type, path, text);
	return true;
}

bool
policy_interval_same(const Interval *a, const Interval *b)
{
	return a->month == b->month && a->day == b->day && a->time == b->time;
}

bool
policy_get_count(const PolicyObject *object, const char *key, int64 *number)
{
	JsonbValue found;

	if (json_member(object->json, key, &found) == NULL)
		return false;
	*number = json_as_count(&found, object->type, policy_path(object, key));
	return true;
}

Decimal
policy_number(const PolicyObject *object, const JsonbValue *value, const char *path, int decimals,
			  bool may_be_zero)
{
	Decimal number;
	int scale;

	if (value->type != jbvNumeric)
		json_report_wrong_type(value, object->type, path, "a number");
	number = decimal_from_numeric((const struct varlena *) value->val.numeric);
	if (number.units < 0 || (number.units == 0 && !may_be_zero))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of %s is %s", path, a_type(object->type),
							   decimal_to_text(number.units, number.scale)),
						errhint("It is %s.", may_be_zero ? "0 or more" : "more than 0")));
	scale = decimal_minimal_scale(number.units, number.scale);
	if (scale > decimals)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of %s has more than %d decimals: %s", path, a_type(object->type),
						decimals, decimal_to_text(number.units, number.scale))));
	number.units /= decimal_power[number.scale - scale];
	number.scale = scale;
	return number;
}

bool
policy_get_number(const PolicyObject *object, const char *key, int decimals, bool may_be_zero,
				  Decimal *number)
{
	JsonbValue found;

	if (json_member(object->json, key, &found) == NULL)
		return false;
	*number = policy_number(object, &found, policy_path(object, key), decimals, may_be_zero);
	return true;
}

bool
policy_get_texts(const PolicyObject *object, const char *key, const char *empty_hint, int *count,
				 EventText **texts)
{
	const char *path = policy_path(object, key);
	JsonbValue found;
	JsonbContainer *list;
	JsonbIterator *iterator = NULL;
	int i;

	if (json_member(object->json, key, &found) == NULL)
		return false;
	list = json_as_array(&found, object->type, path);
	if (JsonContainerSize(list) == 0 && empty_hint != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of %s is empty", path, a_type(object->type)),
						errhint("%s", empty_hint)));
	*count = 0;
	*texts = palloc_extended((JsonContainerSize(list) + 1) * sizeof(EventText), MCXT_ALLOC_HUGE);
	while (policy_next_element(list, &iterator, &found))
	{
		EventText *text = &(*texts)[(*count)++];

		text->bytes = json_as_string(&found, object->type, path);
		text->len = (int) strlen(text->bytes);
	}
	qsort(*texts, *count, sizeof(EventText), event_text_order);
	for (i = 1; i < *count; i++)
		if (event_text_compare(&(*texts)[i - 1], &(*texts)[i]) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of %s has \"%.*s%s\" twice", path, a_type(object->type),
								   JSON_SHOWN((*texts)[i].bytes, (*texts)[i].len)),
							errhint("Leave one of them out.")));
	return true;
}

void
policy_refuse_both(const PolicyObject *object, const char *a, const char *b, const char *hint)
{
	if (policy_has(object, a) && policy_has(object, b))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" and \"%s\" of %s contradict each other", policy_path(object, a),
						policy_path(object, b), a_type(object->type)),
				 errhint("%s", hint)));
}

void
policy_report_needs(const PolicyObject *object, const char *key, const char *needed,
					const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" of %s needs \"%s\"", policy_path(object, key),
						   a_type(object->type), policy_path(object, needed)),
					errhint("%s", hint)));
}

/* ---- writing ---- */

void
policy_put_key(StringInfo out, const char *key)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoString(out, ", ");
	escape_json(out, key);
	appendStringInfoString(out, ": ");
}

void
policy_put_name(StringInfo out, const char *key, const char *name)
{
	policy_put_key(out, key);
	escape_json(out, name);
}

void
policy_put_bool(StringInfo out, const char *key, bool value)
{
	policy_put_key(out, key);
	appendStringInfoString(out, value ? "true" : "false");
}

void
policy_put_number(StringInfo out, const char *key, const Decimal *number)
{
	policy_put_key(out, key);
	appendStringInfoString(out, decimal_to_text(number->units, number->scale));
}

void
policy_put_element(StringInfo out)
{
	if (out->data[out->len - 1] != '[')
		appendStringInfoString(out, ", ");
}

void
policy_put_interval(StringInfo out, const char *key, const Interval *interval)
{
	policy_put_name(out, key, policy_interval_text(interval));
}

static void
put_unit(StringInfo out, int64 number, const char *unit)
{
	if (number != 0)
		appendStringInfo(out, "%s" INT64_FORMAT " %s%s", out->len > 0 ? " " : "", number, unit,
						 number == 1 ? "" : "s");
}

char *
policy_interval_text(const Interval *interval)
{
	StringInfoData out;

	initStringInfo(&out);
	put_unit(&out, interval->month / MONTHS_PER_YEAR, "year");
	put_unit(&out, interval->month % MONTHS_PER_YEAR, "month");
	put_unit(&out, interval->day, "day");
	if (interval->time != 0)
	{
		int fraction = (int) (interval->time % USECS_PER_SEC);

		appendStringInfo(&out, "%s%02lld:%02d:%02d", out.len > 0 ? " " : "",
						 (long long) (interval->time / USECS_PER_HOUR),
						 (int) (interval->time / USECS_PER_MINUTE % MINS_PER_HOUR),
						 (int) (interval->time / USECS_PER_SEC % SECS_PER_MINUTE));
		if (fraction != 0)
		{
			appendStringInfo(&out, ".%06d", fraction);
			while (out.data[out.len - 1] == '0')
				out.data[--out.len] = '\0';
		}
	}
	if (out.len == 0)
		appendStringInfoString(&out, "0 days");
	return out.data;
}
