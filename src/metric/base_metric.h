/*
 * base_metric.h
 *		What the SQL faces of metrics over everyone's timelines share: the arguments, the fold
 *		over a base, the aggregate over timelines, the parameters of results.
 *
 *		base_metric(fcinfo, metric)			f(base, policy, ...)
 *		base_metric_add(fcinfo, metric)		f_accum(state, timeline, policy, ...)
 *
 * Both ask the same question, whose answers become the parameters of the result. A metric
 * describes its arguments, opens its policy, or two that it compares, and brings the fold.
 */
#ifndef LOYALTY_BASE_METRIC_H
#define LOYALTY_BASE_METRIC_H

#include "postgres.h"

#include "fmgr.h"

#include "core/codec.h"
#include "core/decimal.h"
#include "metric/tally.h"

typedef enum BaseArgumentType
{
	BASE_POLICY,	   /* there is one; not NULL */
	BASE_OTHER_POLICY, /* one to compare with, of the same type; not NULL */
	BASE_PERIOD,	   /* not NULL */
	BASE_AS_OF, /* the day up to which is counted; over a base, NULL is that of the last event */
	BASE_DAY,	/* another day, not NULL */
	BASE_FLAG,	/* not NULL; an aggregate may leave it out, at the end: false */
	BASE_NUMBER /* not NULL; a decimal */
} BaseArgumentType;

#define BASE_ARGUMENT_TYPES (BASE_NUMBER + 1)

/* At most one of each type. */
typedef struct BaseArgument
{
	const char *name;
	BaseArgumentType type;
	int parameter;		   /* of the result */
	const char *null_hint; /* where NULL is refused; or NULL */
} BaseArgument;

/* What a call asks. */
typedef struct BaseQuestion
{
	void *policy;				  /* opened */
	void *other_policy;			  /* NULL: not asked */
	ZoneDays *zone;				  /* that the policies and the period name, or the session's */
	const CalendarPeriod *period; /* NULL: not asked */
	bool has_as_of;
	DateADT as_of;
	DateADT day;
	bool flag;
	Decimal number; /* at its smallest scale */
} BaseQuestion;

typedef struct BaseMetric
{
	const TallyShape *shape;
	int zone_parameter;
	int narguments;
	const BaseArgument *arguments; /* behind the base, or the timeline */

	/* Opens a detoasted policy in the current memory context; where its zone is kept, which is
	 * set where it names none. */
	void *(*open_policy)(const struct varlena *policy);
	ZoneDays **(*policy_zone)(void *policy);

	/* What may not be asked, with an error of its own; NULL: nothing. */
	void (*check)(const BaseQuestion *question);

	/* A fold in the current memory context; it adds a body, and brings what it has counted into
	 * a tally and starts anew. */
	void *(*start)(int fold_kind, const BaseQuestion *question);
	void (*add)(void *fold, ByteSpan body);
	void (*flush)(void *fold, Tally *tally);
	int fold_kind; /* the metric's own */

	/* A base without any event, and no day asked: the customers, who are members all the same.
	 * NULL: they don't count. */
	void (*add_eventless)(Tally *tally, int64 customers);
} BaseMetric;

extern Datum base_metric(FunctionCallInfo fcinfo, const BaseMetric *metric);
extern Datum base_metric_add(FunctionCallInfo fcinfo, const BaseMetric *metric);

/* ---- parameters of results ---- */

/* A number that was written as JSON. */
extern char *base_canonical_number(const char *text);

#define BASE_PARAMETER_POLICY(read)                           \
	{                                                         \
		.name = "policy", .is_json = true, .canonical = read, \
		.hint = "Count all of them by one policy."            \
	}
#define BASE_PARAMETER_ZONE                                                        \
	{                                                                              \
		.name = "zone", .may_be_unknown = true, .canonical = tally_canonical_zone, \
		.hint = "Name the zone in the policy: '{\"zone\": \"Europe/Helsinki\"}'."  \
	}
#define BASE_PARAMETER_AS_OF                                                       \
	{                                                                              \
		.name = "as_of", .may_be_unknown = true, .canonical = tally_canonical_day, \
		.hint = "Give the same as_of to all of them."                              \
	}
#define BASE_PARAMETER_PERIOD                                  \
	{                                                          \
		.name = "period", .canonical = tally_canonical_period, \
		.hint = "Add up results of one period and one zone."   \
	}

/* The periods up to as_of that a result's table shows. */
typedef struct BaseCalendar
{
	Calendar calendar;
	DateADT as_of;
	int32 last;			 /* period of as_of */
	int32 last_complete; /* the last one that is over */
} BaseCalendar;

/* Of the parameters "period" and as_of; false where the result has no rows. */
extern bool base_result_calendar(const Tally *tally, int as_of_parameter, BaseCalendar *calendar);

/* What is wrong with these parameters of a result that has rows, from outside; NULL: nothing, and
 * the calendar is there. */
extern const char *base_calendar_fault(const Tally *tally, int period_parameter,
									   int as_of_parameter, BaseCalendar *calendar);

#endif
