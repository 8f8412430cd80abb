/*
 * policy.h
 *		What all policies share: reading their JSON, writing it, and keeping one
 *		open from call to call.
 *
 * A policy is stored as a version byte and its canonical JSON text, written from
 * what it means: equal policies have equal bytes. The getters word their errors
 * with the place of a key ("versions[1].pending"), what was found, and what is
 * allowed: 22P02 for a wrong JSON type, 22023 for a wrong meaning.
 */
#ifndef LOYALTY_POLICY_H
#define LOYALTY_POLICY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

#include "core/calendar.h"
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

/* ---- writing ---- */

/* Starts a member: a comma, unless it is the first of its object, and its key. */
extern void policy_put_key(StringInfo out, const char *key);
extern void policy_put_name(StringInfo out, const char *key, const char *name);
extern void policy_put_interval(StringInfo out, const char *key, const Interval *interval);

/* An interval as PostgreSQL's style has it, with months written out: '1 year 6 months'. */
extern char *policy_interval_text(const Interval *interval);

/* ---- the stored form ---- */

#define POLICY_VERSION 1

/* A canonical text as a policy, and back: palloc'd; an unknown version is XX001. */
extern struct varlena *policy_pack(const char *text, int len);
extern char *policy_unpack(const struct varlena *policy);

/* Binary I/O: the text. */
extern char *policy_receive(FunctionCallInfo fcinfo);
extern Datum policy_send(FunctionCallInfo fcinfo);

/* ---- in a call ---- */

/*
 * Opens a detoasted argument, which may have a short header, in the current memory context: the
 * policy, or something that has it and may be filled further in that context (a walk by it,
 * what was computed for it).
 */
typedef void *(*PolicyOpener)(const struct varlena *policy);

/*
 * What a call site has opened for the policy in argument n. It is kept from call to call, as
 * long as the policy's bytes and the session's zone stay the same; then its memory goes as a whole
 * and it is opened anew. fn_extra is the policies' by that. A NULL policy is error 22004.
 */
extern void *policy_argument(FunctionCallInfo fcinfo, int n, const char *type, PolicyOpener open);

#endif
