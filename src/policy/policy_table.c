/*
 * policy_table.c
 *		Policies by the table of their keys: read, compared, written.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "calendar/calendar.h"
#include "policy/policy.h"

/* ---- one key ---- */

/* The struct that a key stands in. */
static inline const void *
owner_of(const PolicyKey *key, const void *policy, const void *version)
{
	return key->changes ? version : policy;
}

static inline const void *
value_in(const PolicyKey *key, const void *owner)
{
	return (const char *) owner + key->at;
}

static void
report_missing(const PolicyObject *object, const PolicyKey *key)
{
	json_report_wrong_type(NULL, object->type, policy_path(object, key->name),
						   key->type == POLICY_COUNT ? "a whole number" : "a number");
}

static void
read_choice(const PolicyObject *object, const PolicyKey *key, void *value)
{
	int number;

	if (!policy_get_choice(object, key->name, key->names, key->nnames, &number))
		return;
	if (key->size == sizeof(bool))
		*(bool *) value = number == 1;
	else
		*(int *) value = number;
}

static void
read_count(const PolicyObject *object, const PolicyKey *key, void *value)
{
	int64 number;

	if (!policy_get_count(object, key->name, &number))
		return;
	if (key->most > 0 && number > key->most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of %s is " INT64_FORMAT, policy_path(object, key->name),
							   a_type(object->type), number),
						errhint("%s", key->hint)));
	if (key->size == sizeof(int64))
		*(int64 *) value = number;
	else
		*(int *) value = (int) number;
}

static void
read_text(const PolicyObject *object, const PolicyKey *key, void *value)
{
	JsonbValue found;
	const char *text;

	if (json_member(object->json, key->name, &found) == NULL)
		return;
	text = json_as_string(&found, object->type, policy_path(object, key->name));
	if (key->size == sizeof(EventText))
	{
		((EventText *) value)->bytes = text;
		((EventText *) value)->len = (int) strlen(text);
	}
	else
		*(const char **) value = text;
}

static void
read_key(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	char *owner = key->changes ? version : policy;
	void *value = owner + key->at;

	if (key->required && key->type != POLICY_CUSTOM && !policy_has(object, key->name))
		report_missing(object, key);
	switch (key->type)
	{
		case POLICY_BOOL:
			(void) policy_get_bool(object, key->name, value);
			break;
		case POLICY_CHOICE:
			read_choice(object, key, value);
			break;
		case POLICY_INTERVAL:
		case POLICY_INTERVAL_OR_ZERO:
			(void) policy_get_interval(object, key->name, key->type == POLICY_INTERVAL_OR_ZERO,
									   value);
			break;
		case POLICY_NUMBER:
		case POLICY_NUMBER_OR_ZERO:
			(void) policy_get_number(object, key->name, key->most,
									 key->type == POLICY_NUMBER_OR_ZERO, value);
			break;
		case POLICY_COUNT:
			read_count(object, key, value);
			break;
		case POLICY_DAY:
			(void) policy_get_day(object, key->name, value);
			break;
		case POLICY_TEXT:
			read_text(object, key, value);
			break;
		case POLICY_TEXTS:
			(void) policy_get_texts(object, key->name, key->hint, value,
									(EventText **) (owner + key->list));
			break;
		case POLICY_ZONE:
			(void) policy_get_zone(object, key->name, value);
			break;
		case POLICY_CUSTOM:
			if (key->read != NULL)
				key->read(object, key, policy, version);
			break;
		case POLICY_VERSIONS:
		case POLICY_JSON:
		case POLICY_POLICY:
			break;
	}
	if (key->check != NULL)
		key->check(object, key, policy, version);
}

static const char *
text_of(const PolicyKey *key, const void *value)
{
	return key->size == sizeof(EventText) ? ((const EventText *) value)->bytes
										  : *(const char *const *) value;
}

static void
put_texts(StringInfo out, const EventText *texts, int count)
{
	int i;

	appendStringInfoChar(out, '[');
	for (i = 0; i < count; i++)
	{
		policy_put_element(out);
		escape_json(out, texts[i].bytes);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, ']');
}

static void
put_key(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		const void *before)
{
	const void *value = value_in(key, now);

	switch (key->type)
	{
		case POLICY_BOOL:
			policy_put_bool(out, key->name, *(const bool *) value);
			break;
		case POLICY_CHOICE:
			policy_put_name(out, key->name,
							key->names[key->size == sizeof(bool) ? *(const bool *) value
																 : *(const int *) value]);
			break;
		case POLICY_INTERVAL:
		case POLICY_INTERVAL_OR_ZERO:
			policy_put_interval(out, key->name, value);
			break;
		case POLICY_NUMBER:
		case POLICY_NUMBER_OR_ZERO:
			policy_put_number(out, key->name, value);
			break;
		case POLICY_COUNT:
			policy_put_key(out, key->name);
			appendStringInfo(out, INT64_FORMAT,
							 key->size == sizeof(int64) ? *(const int64 *) value
														: *(const int *) value);
			break;
		case POLICY_DAY:
			policy_put_name(out, key->name, day_text(*(const DateADT *) value));
			break;
		case POLICY_TEXT:
			policy_put_name(out, key->name, text_of(key, value));
			break;
		case POLICY_TEXTS:
			policy_put_key(out, key->name);
			put_texts(out, *(const EventText *const *) ((const char *) now + key->list),
					  *(const int *) value);
			break;
		case POLICY_ZONE:
			policy_put_name(out, key->name, zone_name(*(ZoneDays *const *) value));
			break;
		case POLICY_CUSTOM:
			if (key->write != NULL)
				key->write(out, key, policy, now, before);
			break;
		case POLICY_VERSIONS:
		case POLICY_JSON:
		case POLICY_POLICY:
			break;
	}
}

/* ---- what is the same ---- */

/* Is the same written for both? */
static bool
is_written_same(const PolicyKey *key, const void *policy, const void *now, const void *before)
{
	StringInfoData left;
	StringInfoData right;
	bool same;

	initStringInfo(&left);
	initStringInfo(&right);
	appendStringInfoChar(&left, '{');
	appendStringInfoChar(&right, '{');
	put_key(&left, key, policy, now, NULL);
	put_key(&right, key, policy, before, NULL);
	same = left.len == right.len && memcmp(left.data, right.data, left.len) == 0;
	pfree(left.data);
	pfree(right.data);
	return same;
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
key_same(const PolicyKey *key, const void *policy, const void *now, const void *before)
{
	const void *a = value_in(key, now);
	const void *b = value_in(key, before);

	if (key->size > 0 && key->type != POLICY_TEXTS && memcmp(a, b, key->size) == 0)
		return true;
	switch (key->type)
	{
		case POLICY_NUMBER:
		case POLICY_NUMBER_OR_ZERO:
			return ((const Decimal *) a)->units == ((const Decimal *) b)->units &&
				   ((const Decimal *) a)->scale == ((const Decimal *) b)->scale;
		case POLICY_TEXT:
			return is_same_text(text_of(key, a), text_of(key, b));
		case POLICY_TEXTS:
			return memcmp((const char *) now + key->list, (const char *) before + key->list,
						  sizeof(EventText *)) == 0 ||
				   is_written_same(key, policy, now, before);
		case POLICY_CUSTOM:
			if (key->same != NULL)
				return key->same(key, policy, now, before);
			return key->write == NULL || is_written_same(key, policy, now, before);
		default:
			return false;
	}
}

/* ---- the keys of an object ---- */

/* The names of all, or of those that can change. */
static char *
list_of(const PolicyKey *keys, bool all)
{
	StringInfoData list;
	const PolicyKey *key;

	initStringInfo(&list);
	for (key = keys; key->name != NULL; key++)
		if (all || key->changes)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", key->name);
	return list.data;
}

char *
policy_key_names(const PolicyKey *keys)
{
	return list_of(keys, true);
}

/* Their names, as far as a version may have them or all. */
static const char **
names_of(const PolicyKey *keys, bool all)
{
	const PolicyKey *key;
	const char **names;
	int count = 0;

	for (key = keys; key->name != NULL; key++)
		count++;
	names = palloc((count + 2) * sizeof(char *));
	count = 0;
	if (!all)
		names[count++] = "from";
	for (key = keys; key->name != NULL; key++)
		if (all || key->changes)
			names[count++] = key->name;
	names[count] = NULL;
	return names;
}

void
policy_check_members(const PolicyObject *object, const PolicyKey *keys)
{
	policy_check_keys(object, names_of(keys, true));
}

/* Only those that a version may change, or all. */
static void
read_keys(const PolicyObject *object, const PolicyKey *keys, bool all, void *policy, void *version)
{
	const PolicyKey *key;
	bool more = true;
	int turn;

	for (turn = 0; more; turn++)
	{
		more = false;
		for (key = keys; key->name != NULL; key++)
			if (key->turn > turn)
				more = true;
			else if (key->turn == turn && (all || key->changes))
				read_key(object, key, policy, version);
	}
}

void
policy_read_keys(const PolicyObject *object, const PolicyKey *keys, void *policy, void *version)
{
	read_keys(object, keys, true, policy, version);
}

void
policy_put_keys(StringInfo out, const PolicyKey *keys, const void *policy, const void *defaults)
{
	const PolicyKey *key;

	for (key = keys; key->name != NULL; key++)
		if (key->required || key->always || !key_same(key, policy, policy, defaults))
			put_key(out, key, policy, policy, defaults);
}

/* ---- dated versions ---- */

static inline int *
nversions_of(const PolicyTable *table, void *policy)
{
	return (int *) ((char *) policy + table->nversions_at);
}

static inline char **
versions_of(const PolicyTable *table, void *policy)
{
	return (char **) ((char *) policy + table->versions_at);
}

static const char *
version_of(const PolicyTable *table, const void *policy, int number)
{
	return *(const char *const *) ((const char *) policy + table->versions_at) +
		   number * table->version_size;
}

/* Is every key of a version one that can change, and is there one? */
static void
check_version_keys(const PolicyTable *table, const PolicyObject *object)
{
	const PolicyKey *key;
	bool changes = false;

	for (key = table->keys; key->name != NULL; key++)
	{
		if (!policy_names(object, key->name))
			continue;
		if (!key->changes)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of %s can't change from a day on",
								   policy_path(object, key->name), a_type(object->type)),
							errhint(table->fixed_hint, list_of(table->keys, false))));
		if (!policy_has(object, key->name))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of %s is null", policy_path(object, key->name),
								   a_type(object->type)),
							errhint("A version keeps what it leaves out. %s", table->none_hint)));
		changes = true;
	}
	policy_check_keys(object, names_of(table->keys, false));
	if (!changes)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%.*s\" of %s changes nothing", (int) strlen(object->path) - 1,
							   object->path, a_type(object->type)),
						errhint(table->empty_hint, list_of(table->keys, false))));
}

/* Is anything not as before? What is takes the very value of before, so that lists are shared. */
static bool
changes_anything(const PolicyTable *table, const void *policy, char *version)
{
	char *before = version - table->version_size;
	const PolicyKey *key;
	bool changes = false;

	for (key = table->keys; key->name != NULL; key++)
		if (!key->changes)
			continue;
		else if (key_same(key, policy, version, before))
			memcpy(version + key->at, before + key->at, key->size);
		else
			changes = true;
	return changes;
}

/* Reads a version whose keys are checked, over the one before. It is left out where it changes
 * nothing. */
static void
read_version(const PolicyTable *table, void *policy, const PolicyObject *object, DateADT from)
{
	int *nversions = nversions_of(table, policy);
	char **versions = versions_of(table, policy);
	char *version;

	/* there is room for a power of two */
	if ((*nversions & (*nversions - 1)) == 0)
		*versions = repalloc_huge(*versions, (Size) *nversions * 2 * table->version_size);
	version = *versions + *nversions * table->version_size;
	memcpy(version, version - table->version_size, table->version_size);
	*(DateADT *) version = from;
	read_keys(object, table->keys, false, policy, version);
	if (table->check != NULL)
		table->check(object, NULL, policy, version);
	if (changes_anything(table, policy, version))
		(*nversions)++;
}

static void
read_versions(const PolicyTable *table, const PolicyObject *root, void *policy)
{
	DateADT last = DATEVAL_NOBEGIN;
	JsonbIterator *iterator = NULL;
	JsonbContainer *list;
	JsonbValue value;
	int number = 0;

	if (json_member(root->json, "versions", &value) == NULL)
		return;
	list = json_as_array(&value, root->type, "versions");
	while (policy_next_element(list, &iterator, &value))
	{
		PolicyObject object;
		DateADT from;

		policy_enter(root, &value, psprintf("versions[%d]", number++), &object);
		check_version_keys(table, &object);
		if (!policy_get_day(&object, "from", &from))
			(void) json_as_day(NULL, object.type, policy_path(&object, "from"));
		if (from <= last)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of %s is %s, which isn't after %s",
								   policy_path(&object, "from"), a_type(object.type),
								   day_text(from), day_text(last)),
							errhint("Versions stand in the order of their days, one for a day.")));
		last = from;
		read_version(table, policy, &object, from);
	}
}

void
policy_add_version(const PolicyTable *table, void *policy, const PolicyObject *object, DateADT from)
{
	check_version_keys(table, object);
	read_version(table, policy, object, from);
}

int
policy_version_on(const void *versions, int nversions, size_t size, DateADT day)
{
	int low = 0;
	int high = nversions;

	while (high - low > 1)
	{
		int middle = low + (high - low) / 2;

		if (*(const DateADT *) ((const char *) versions + middle * size) <= day)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* ---- the whole, read ---- */

void *
policy_begin(const PolicyTable *table, JsonbContainer *json)
{
	PolicyObject root = { json, table->type, "" };
	void *policy = palloc(table->policy_size);
	char *first = palloc(table->version_size);

	memcpy(policy, table->policy, table->policy_size);
	memcpy(first, table->version, table->version_size);
	*versions_of(table, policy) = first;
	*nversions_of(table, policy) = 1;
	if (table->long_form != NULL)
		root.json = table->long_form(&root);
	policy_check_members(&root, table->keys);
	read_keys(&root, table->keys, true, policy, first);
	if (table->check != NULL)
		table->check(&root, NULL, policy, first);
	read_versions(table, &root, policy);
	return policy;
}

void
policy_finish(const PolicyTable *table, void *policy)
{
	if (table->finish != NULL)
		table->finish(policy);
}

void *
policy_read(const PolicyTable *table, JsonbContainer *json)
{
	void *policy = policy_begin(table, json);

	policy_finish(table, policy);
	return policy;
}

/* ---- the whole, written ---- */

static void
put_versions(StringInfo out, const PolicyTable *table, const char *name, const void *policy)
{
	int nversions = *(const int *) ((const char *) policy + table->nversions_at);
	int i;

	if (nversions == 1)
		return;
	policy_put_key(out, name);
	appendStringInfoChar(out, '[');
	for (i = 1; i < nversions; i++)
	{
		policy_put_element(out);
		appendStringInfoChar(out, '{');
		policy_put_name(out, "from", day_text(*(const DateADT *) version_of(table, policy, i)));
		policy_put_version(out, table, policy, i);
		appendStringInfoChar(out, '}');
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, ']');
}

static void
put_members(StringInfo out, const PolicyTable *table, const void *policy, bool as_part, bool late)
{
	const void *first = version_of(table, policy, 0);
	const PolicyKey *key;

	for (key = table->keys; key->name != NULL; key++)
	{
		const void *now = owner_of(key, policy, first);
		const void *defaults = owner_of(key, table->policy, table->version);

		if (key->late != late ||
			(as_part && (key->type == POLICY_ZONE || key->type == POLICY_VERSIONS)))
			continue;
		if (key->type == POLICY_VERSIONS && table->put_versions != NULL)
			table->put_versions(out, policy);
		else if (key->type == POLICY_VERSIONS)
			put_versions(out, table, key->name, policy);
		else if (key->required || key->always || !key_same(key, policy, now, defaults))
			put_key(out, key, policy, now, defaults);
	}
}

void
policy_put_rules(StringInfo out, const PolicyTable *table, const void *policy)
{
	put_members(out, table, policy, true, false);
	put_members(out, table, policy, true, true);
}

void
policy_put_version(StringInfo out, const PolicyTable *table, const void *policy, int number)
{
	const void *now = version_of(table, policy, number);
	const void *before = version_of(table, policy, number - 1);
	const PolicyKey *key;

	for (key = table->keys; key->name != NULL; key++)
		if (key->changes && !key_same(key, policy, now, before))
			put_key(out, key, policy, now, before);
}

char *
policy_text(const PolicyTable *table, const void *policy)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	put_members(&out, table, policy, false, false);
	put_members(&out, table, policy, false, true);
	appendStringInfoChar(&out, '}');
	return out.data;
}
