/*
 * policy.h
 *		What all policies share: reading their JSON, and writing it.
 *
 * The getters word their errors with the place of a key ("versions[1].pending"), what
 * was found, and what is allowed: 22P02 for a wrong JSON type, 22023 for a wrong meaning.
 */
#ifndef LOYALTY_POLICY_H
#define LOYALTY_POLICY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "calendar/calendar.h"
#include "core/json.h"

/* An object of a policy's JSON, and where it stands. */
typedef struct PolicyObject
{
	JsonbContainer *json;
	const char *type; /* of the policy, for errors */
	const char *path; /* "" for the policy itself, else "versions[1]." */
} PolicyObject;

/* The place of a key, as errors name it; palloc'd where it isn't the key itself. */
extern const char *policy_path(const PolicyObject *object, const char *key);

/* A value that must be an object itself, and stands at that path. */
extern void policy_enter(const PolicyObject *outer, const JsonbValue *value, const char *path,
						 PolicyObject *inner);

/* Every key must be one of these (NULL-terminated). */
extern void policy_check_keys(const PolicyObject *object, const char *const *keys);

/* Is a key there, and not null? */
extern bool policy_has(const PolicyObject *object, const char *key);

/* Is a key there, be it null? */
extern bool policy_names(const PolicyObject *object, const char *key);

/* The value of a key; false, and nothing set, where it isn't there or null. */
extern bool policy_get_bool(const PolicyObject *object, const char *key, bool *value);
extern bool policy_get_day(const PolicyObject *object, const char *key, DateADT *value);
extern bool policy_get_zone(const PolicyObject *object, const char *key, ZoneDays **value);
extern bool policy_get_month_day(const PolicyObject *object, const char *key, int *month, int *day);

/* Number of the name among these. */
extern bool policy_get_choice(const PolicyObject *object, const char *key, const char *const *names,
							  int nnames, int *value);
extern int policy_choice(const PolicyObject *object, const JsonbValue *value, const char *path,
						 const char *const *names, int nnames);

/* An interval that isn't negative, nor zero unless that is allowed. */
extern bool policy_get_interval(const PolicyObject *object, const char *key, bool may_be_zero,
								Interval *value);

/* Reads an interval's text, whatever the session's IntervalStyle is; false where it isn't one. */
extern bool policy_parse_interval(const char *text, Interval *interval);

/* Refuses what such an interval may not be, by its key; text is how errors show it. */
extern void policy_check_interval(const Interval *interval, bool may_be_zero, const char *type,
								  const char *path, const char *text);

/* Are two intervals written the same? Unlike '=', which takes 1 month for 30 days. */
extern bool policy_interval_same(const Interval *a, const Interval *b);

/* Two keys that exclude each other; a key that is nothing without another. 22023. */
extern void policy_refuse_both(const PolicyObject *object, const char *a, const char *b,
							   const char *hint);
extern void policy_report_needs(const PolicyObject *object, const char *key, const char *needed,
								const char *hint) pg_attribute_noreturn();

/* ---- dated versions ---- */

/* What a version may say. Both lists are NULL-terminated. */
typedef struct PolicyVersionKeys
{
	const char *const *policy;	/* the keys of the policy itself */
	const char *const *version; /* "from", and those that can change from a day on */
	const char *fixed_hint;		/* for another of the policy's keys */
	const char *null_hint;		/* for a null: how to say that there is none from then on */
	const char *empty_hint;		/* for a version that says nothing */
} PolicyVersionKeys;

/* Goes through the versions of a policy's JSON, in the order of their days. */
typedef struct PolicyVersions
{
	const PolicyObject *root;
	const PolicyVersionKeys *keys;
	JsonbIterator *iterator; /* NULL: there are none */
	int number;				 /* how many have been read */
	PolicyObject object;	 /* where the iteration is: the version, whose keys are checked */
	DateADT from;
} PolicyVersions;

/* Stands before the first version. Returns how many there are. */
extern uint32 policy_versions_open(PolicyVersions *versions, const PolicyObject *root,
								   const PolicyVersionKeys *keys);
extern bool policy_versions_next(PolicyVersions *versions);

/* The number of the version in force on a day. A version is a struct of that size that begins with
 * its DateADT; they ascend from DATEVAL_NOBEGIN. */
extern int policy_version_on(const void *versions, int nversions, size_t size, DateADT day);

/* ---- writing ---- */

/* Starts a member: a comma, unless it is the first of its object, and its key. */
extern void policy_put_key(StringInfo out, const char *key);
extern void policy_put_name(StringInfo out, const char *key, const char *name);
extern void policy_put_interval(StringInfo out, const char *key, const Interval *interval);

/* An interval as PostgreSQL's style has it, with months written out: '1 year 6 months'. */
extern char *policy_interval_text(const Interval *interval);

#endif
