/*
 * metric.h
 *		The framework of metrics over everyone: their arguments, the walk over a base, the
 *		aggregate over customers' summaries, the parameters and the rows of results.
 *
 *		base, or a summary a row  ->  Metric (start, customer, customer ..., finish)  ->  Tally
 *
 * A metric declares what it is asked, what its result is made of, and how it counts a customer.
 * The function over a base and the two-level aggregate are the same code for all of them.
 */
#ifndef LOYALTY_METRIC_H
#define LOYALTY_METRIC_H

#include "postgres.h"

#include "fmgr.h"

#include "calendar/calendar.h"
#include "collect/collect.h"
#include "core/decimal.h"
#include "core/rows.h"
#include "metric/cells.h"
#include "metric/tally.h"

/* ---- a metric ---- */

/* What is folded over: the customers of a base, or a summary a row. */
typedef enum MetricInput
{
	METRIC_ACTIVITIES,		   /* of activity sets: days, as they were collected */
	METRIC_STARTS_AND_RETURNS, /* of two bases of those, or two sets a row */
	METRIC_TIMELINES		   /* of timelines: instants, whose local days count */
} MetricInput;

typedef enum MetricArgumentType
{
	METRIC_POLICY,
	METRIC_OTHER_POLICY, /* one to compare with, of the same type */
	METRIC_PERIOD,
	METRIC_WITHIN,		/* periods inside of those */
	METRIC_AS_OF,		/* the day up to which is counted; over a base, NULL is the last one */
	METRIC_DAY,			/* another day */
	METRIC_FLAG,		/* an aggregate may leave it out, at the end: false */
	METRIC_ZONE,		/* over timelines: that of days, by default the session's */
	METRIC_COUNT,		/* a whole number from 1 to METRIC_MAX_COUNT */
	METRIC_OTHER_COUNT, /* another one */
	METRIC_DECIMAL,		/* a number, at its smallest scale */
	METRIC_SPAN,		/* an interval, its text, or so many days */
	METRIC_VALUE		/* any number of varlenas that Metric.open() reads: texts, arrays */
} MetricArgumentType;

#define METRIC_MAX_COUNT	 36525 /* a century of days */
#define METRIC_MAX_ARGUMENTS 10

/* At most one of each type, but for METRIC_VALUE. It becomes the parameter of the result that has
 * its name. */
typedef struct MetricArgument
{
	const char *name;
	MetricArgumentType type;
	/* Else an error; METRIC_AS_OF over a base may always be, and is the last day then. Where it may
	 * be anyway, there is no such default: all that there is counts. */
	bool may_be_null;
	const char *null_hint; /* where NULL is refused; or NULL */
	/* Over a base, where it is NULL it is found from all customers, whom one process has to see. */
	bool by_all;
	/* Where an aggregate leaves it out, at the end: of METRIC_WITHIN and METRIC_COUNT. */
	const char *by_default;
	/* METRIC_FLAG: the result has the parameter only where it is true. */
	bool if_true;
	/* METRIC_AS_OF: over a base it is today by default, whenever the last event was. */
	bool is_today;
	/* METRIC_AS_OF: in an aggregate it may be NULL, too. Then what there is up to today counts, and
	 * the parameter that is the latest day tells how far that goes. */
	bool is_open;
} MetricArgument;

/* What a call asks; what the metric has no argument for is 0. */
typedef struct MetricQuestion
{
	int kind; /* the metric's */
	void *policy;
	void *other_policy;
	const CalendarPeriod *period;
	const CalendarPeriod *within;
	bool has_as_of;
	bool takes_all; /* as_of is NULL in an aggregate that may have it: later days count, too */
	DateADT as_of;	/* what comes after it doesn't count */
	DateADT day;
	bool flag;
	int32 count; /* 0: none given, where it may be */
	int32 other_count;
	Decimal decimal;
	bool has_span;
	Interval span;
	ZoneDays *zone; /* over timelines: that the policies and the period name, or the session's */
	const char *zone_name; /* of the days that are counted; NULL: unknown, as of stored sets */

	void *own; /* what Metric.open() has made of them */

	/* Arguments that are varlenas, in their order: as they came, then copies with a long header.
	 * NULL where one is, or where the function doesn't have it. */
	struct varlena *values[METRIC_MAX_ARGUMENTS];
} MetricQuestion;

/* Kinds and labels of events that a question goes by: where no event of a base has one of them, a
 * NOTICE tells. */
typedef struct MetricNames MetricNames;

/* A type of policies that a metric asks about. */
typedef struct MetricPolicy
{
	/* Opens a detoasted one in the current memory context. */
	void *(*open)(const struct varlena *policy);
	/* The zone that it names, NULL: none; and sets the one that all that is asked is in. */
	ZoneDays *(*zone)(const void *policy);
	void (*set_zone)(void *policy, ZoneDays *zone);
	/* Adds the kinds and labels that its rules name. */
	void (*names)(const void *policy, MetricNames *names);
} MetricPolicy;

/* A base without any event, and no day asked: what of its customers? */
typedef enum MetricEventless
{
	METRIC_FOLD_EVENTLESS,	 /* they are folded: it is the same on whatever day */
	METRIC_COUNT_EVENTLESS,	 /* members, on whatever day: the first sum of the row of zeros */
	METRIC_IGNORE_EVENTLESS, /* they don't count */
} MetricEventless;

typedef struct Metric
{
	const TallyShape *shape;
	MetricInput input;
	const MetricPolicy *policy; /* NULL: it has no such argument */
	int narguments;
	const MetricArgument *arguments; /* behind the base, or the summary */
	int kind;						 /* for those who count several metrics by one fold */
	MetricEventless eventless;

	/* Opens what it has METRIC_VALUEs for, in the current memory context, where the question lives
	 * as well: question->own. It takes zone_name out where no zone matters. NULL: it has none. */
	void (*open)(MetricQuestion *question);

	/* What may not be asked, with an error of its own; NULL: nothing. */
	void (*check)(const MetricQuestion *question);

	/* Adds the kinds and labels that it asks about beside the policies'; NULL: none. */
	void (*names)(const MetricQuestion *question, MetricNames *names);

	/* The text of a parameter that isn't the zone, and which no argument is, or a METRIC_SPAN or
	 * METRIC_VALUE; NULL: there is none. */
	const char *(*text)(const MetricQuestion *question, const char *parameter);

	/* A fold in the current memory context; the question lives as long, and is shared with other
	 * folds. It counts into the tally, or apart. */
	void *(*start)(const MetricQuestion *question, Tally *tally);
	/* Counts a customer: the body of his summary. */
	void (*customer)(void *fold, ByteSpan body);
	/* The same of METRIC_STARTS_AND_RETURNS; bytes are NULL where he has no such summary. */
	void (*customer_of_two)(void *fold, ByteSpan starts, ByteSpan returns);
	/* Brings what was counted apart into the tally, and starts anew; NULL: nothing is. */
	void (*finish)(void *fold, Tally *tally);
} Metric;

/* Members of a Metric, by an array. */
#define METRIC_ARGUMENTS(array) .narguments = lengthof(array), .arguments = array

/* Refuses arguments of an aggregate that change from row to row (22023), by their names. */
extern void metric_report_changing_arguments(const char *names, bool several)
	pg_attribute_noreturn();

/* The function (base, arguments). */
extern Datum metric_over_base(FunctionCallInfo fcinfo, const Metric *metric);

/* What it returns, opened, for functions that ask something of it at once; NULL where the base
 * is. */
extern Tally *metric_tally_over_base(FunctionCallInfo fcinfo, const Metric *metric);

/* How many bases, or summaries of a row, stand before the arguments. */
extern int metric_inputs(const Metric *metric);

/* The transition function (state, summary, arguments). */
extern Datum metric_accumulate(FunctionCallInfo fcinfo, const Metric *metric);

/* Defines both: loyalty_<name> and loyalty_<name>_accum. */
#define METRIC_FUNCTIONS(name, metric) METRIC_FUNCTIONS_APART(name, metric, metric)

/* The same where the aggregate has its arguments otherwise. */
#define METRIC_FUNCTIONS_APART(name, metric, of_rows) \
	PG_FUNCTION_INFO_V1(loyalty_##name);              \
	Datum loyalty_##name(PG_FUNCTION_ARGS)            \
	{                                                 \
		return metric_over_base(fcinfo, metric);      \
	}                                                 \
	PG_FUNCTION_INFO_V1(loyalty_##name##_accum);      \
	Datum loyalty_##name##_accum(PG_FUNCTION_ARGS)    \
	{                                                 \
		return metric_accumulate(fcinfo, of_rows);    \
	}

/*
 * For a function of one customer that asks what the metric asks, from its n-th argument on: the
 * question, opened. The call site keeps it as long as the arguments stay the same.
 */
extern const MetricQuestion *metric_question(FunctionCallInfo fcinfo, int n, const Metric *metric);

/*
 * For a function that goes through a base by itself, whose customers it must know: the base in
 * argument n, and the question behind it, opened; as_of is found as a metric's is. NULL where the
 * base is.
 */
extern const Base *metric_base(FunctionCallInfo fcinfo, int n, const Metric *metric,
							   MetricQuestion *question);

/* ---- who is in a cell ---- */

/*
 * The members of a cell of a metric's table, by name: of <metric>_members(), which takes what the
 * metric takes and, behind its first arguments, which cell. Who was counted there is found by the
 * fold that counted.
 */
typedef struct MetricMembers
{
	const Metric *metric;
	int before; /* how many of its arguments stand before the cell's, */
	int ncell;	/* and how many those are */

	/* A fold in the current memory context, which tells who is in the cell that the arguments from
	 * the n-th on name; the question lives as long. */
	void *(*start)(FunctionCallInfo fcinfo, int n, const MetricQuestion *question);
	/* Is a customer in the cell? */
	bool (*is_member)(void *fold, ByteSpan body);
	/* The same of METRIC_STARTS_AND_RETURNS, as Metric.customer_of_two. */
	bool (*is_member_of_two)(void *fold, ByteSpan starts, ByteSpan returns);
	/* Has the table such a cell, now that everyone was seen? NULL: it has. */
	bool (*has_cell)(void *fold);
	/* Where the base has no event, and no day is asked: are its customers in the cell? NULL: as
	 * is_member() says, as those of METRIC_FOLD_EVENTLESS; else nobody. */
	bool (*has_eventless)(const void *fold);
} MetricMembers;

/* Set-returning: a row for each. */
extern Datum metric_members(FunctionCallInfo fcinfo, const MetricMembers *members);

/* Defines loyalty_<name>_members. */
#define METRIC_MEMBERS(name, members)                \
	PG_FUNCTION_INFO_V1(loyalty_##name##_members);   \
	Datum loyalty_##name##_members(PG_FUNCTION_ARGS) \
	{                                                \
		return metric_members(fcinfo, members);      \
	}

/* For MetricMembers.start: the period of the day in argument n, 22004 where it is NULL. Which of
 * some numbers of a table is asked, by its column. */
extern int32 metric_cell_period(FunctionCallInfo fcinfo, int n, const char *name,
								const CalendarPeriod *period);
extern int metric_cell_number(FunctionCallInfo fcinfo, int n, const char *const *names, int nnames);

/* ---- part after part ---- */

/*
 * What the function over a base does, for who has everyone in parts: starts, folds each part, and
 * finishes. Several processes may do so, each with parts of its own; results of theirs are added.
 */
typedef struct MetricFolding MetricFolding;

/* The metric whose function over a base this is; NULL: it is none. */
extern const Metric *metric_of_function(Oid function);

/* By a call of that function, do the bases have to know when their last event is? */
extern bool metric_needs_last(FunctionCallInfo fcinfo, const Metric *metric);

/* Opens what a call asks: about bases, of which no customer is looked at, but what is known of all
 * of them; guests are those of this process. In the current memory context; NULL where base is. */
extern MetricFolding *metric_start(FunctionCallInfo fcinfo, const Metric *metric, const Base *base,
								   const Base *returns);
extern void metric_fold(MetricFolding *folding, const Base *part, const Base *returns);

/* names: those that were asked about, and what became of them; NULL: there are none. */
extern Tally *metric_finish(MetricFolding *folding, MetricNames **names);

/* ---- names that a question goes by ---- */

/* In the current memory context. */
extern MetricNames *metric_names_create(void);

/* Adds a name, whose bytes stay where they are. */
extern void metric_add_name(MetricNames *names, bool is_label, const EventText *name);
extern void metric_add_names(MetricNames *names, bool is_label, const EventText *list, int n);

/* A name that needn't be any event's. */
extern void metric_add_known_name(MetricNames *names, bool is_label, const EventText *name);

/* All are added. */
extern void metric_names_ready(MetricNames *names);

/* Looks for them in a customer's body; or in that of one without events. */
extern void metric_names_see(MetricNames *names, const CollectOps *ops, ByteSpan body);
extern void metric_names_see_nothing(MetricNames *names);

/* What was seen, as bytes; and adds it to what was seen of the same names elsewhere (NULL: nothing
 * yet). */
extern void metric_names_put(const MetricNames *names, ByteBuffer *out);
extern MetricNames *metric_names_add(MetricNames *names, ByteSpan bytes);

/* A NOTICE of those that no customer's events have, and what they have instead. */
extern void metric_names_tell(MetricNames *names);

/* A NOTICE of all of them. The same one comes once for a statement. */
extern void metric_notice_missing(MetricNames *names);

/* ---- arguments and parameters that many have ---- */

#define METRIC_PERIOD_ARGUMENT          \
	{                                   \
		"period", .type = METRIC_PERIOD \
	}
#define METRIC_AS_OF_HINT                                               \
	"Give a day: an aggregate doesn't know the last day of all groups " \
	"beforehand. The function over a base does."
#define METRIC_AS_OF_ARGUMENT                                         \
	{                                                                 \
		"as_of", .type = METRIC_AS_OF, .null_hint = METRIC_AS_OF_HINT \
	}
/* The same of a metric whose fold doesn't depend on it. */
#define METRIC_OPEN_AS_OF_ARGUMENT                      \
	{                                                   \
		"as_of", .type = METRIC_AS_OF, .is_open = true, \
	}
#define METRIC_LAST_DAY_ARGUMENT(argument)                                                     \
	{                                                                                          \
		argument,                                                                              \
			.type = METRIC_AS_OF,                                                              \
			.null_hint = "Give a day: an aggregate doesn't know the last event of all groups " \
						 "beforehand. The function over timelines(...) does."                  \
	}

#define METRIC_POLICY_PARAMETER(parameter, read, which)        \
	{                                                          \
		.name = parameter, .is_json = true, .canonical = read, \
		.hint = "Count all of them by one " which "."          \
	}
#define METRIC_PERIOD_PARAMETER                                \
	{                                                          \
		.name = "period", .canonical = tally_canonical_period, \
		.hint = "Add up results of one period and one zone."   \
	}
#define METRIC_ZONE_PARAMETER                                                      \
	{                                                                              \
		.name = "zone", .may_be_unknown = true, .canonical = tally_canonical_zone, \
		.hint = "Add up results of days in one zone."                              \
	}
#define METRIC_POLICY_ZONE_PARAMETER                                               \
	{                                                                              \
		.name = "zone", .may_be_unknown = true, .canonical = tally_canonical_zone, \
		.hint = "Name the zone in the policy: '{\"zone\": \"Europe/Helsinki\"}'."  \
	}
/* The day of the last event counted, where as_of was left open. */
#define METRIC_LATEST_PARAMETER                                                       \
	{                                                                                 \
		.name = "last_day", .may_be_unknown = true, .canonical = tally_canonical_day, \
		.is_latest = true                                                             \
	}
#define METRIC_AS_OF_PARAMETER METRIC_LAST_DAY_PARAMETER("as_of")
#define METRIC_LAST_DAY_PARAMETER(parameter)                                         \
	{                                                                                \
		.name = parameter, .may_be_unknown = true, .canonical = tally_canonical_day, \
		.hint = "Give the same " parameter " to all of them."                        \
	}
#define METRIC_COUNT_PARAMETER(parameter)                                        \
	{                                                                            \
		.name = parameter, .is_json = true, .canonical = metric_canonical_count, \
		.hint = "Give the same " parameter " to all of them."                    \
	}
#define METRIC_DECIMAL_PARAMETER(parameter)                                        \
	{                                                                              \
		.name = parameter, .is_json = true, .canonical = metric_canonical_decimal, \
		.hint = "Give the same " parameter " to all of them."                      \
	}

/* The text of a count and of a number that came as JSON, checked. */
extern char *metric_canonical_count(const char *text);
extern char *metric_canonical_decimal(const char *text);

/* The day after which nothing counts: as_of, or today where there is none. */
extern DateADT metric_limit(const MetricQuestion *question);

/* Refuses a METRIC_DAY from_day that is after the last day, to_day; for Metric.check. */
extern void metric_check_days(const MetricQuestion *question);

/* Refuses a count that isn't between 1 and METRIC_MAX_COUNT. */
extern void metric_check_count(const char *name, int32 count);

/* The length of lags that go by elapsed time, in microseconds; 22023 where it has months, or is too
 * short. */
#define METRIC_MIN_ELAPSED USECS_PER_MINUTE

extern int64 metric_elapsed(const Interval *interval);

/* ---- reading results ---- */

/* The text of a parameter by its name; NULL: none. */
extern const char *metric_parameter(const Tally *tally, const char *name);

/* The day up to which a result counts: as_of, or the latest one; false where it has none. */
extern bool metric_result_as_of(const Tally *tally, DateADT *as_of);

/* Puts a parameter that is a day as a column, NULL where there is none; and the day up to which a
 * result counts. */
extern void metric_put_day(Rows *rows, const Tally *tally, const char *name);
extern void metric_put_as_of(Rows *rows, const Tally *tally);

/* Puts the rate part / whole with its Wilson score interval: three columns, NULL where whole is
 * 0. */
extern void metric_put_rate(Rows *rows, int64 part, int64 whole, double z);

/* A sum of a row; 0 where there is no row. */
static inline int128
metric_sum(const TallyRow *row, int sum)
{
	return row != NULL ? row->sums[sum] : 0;
}

/* The periods up to as_of that a result's table shows. */
typedef struct MetricCalendar
{
	Calendar calendar;
	DateADT as_of;
	int32 last;			 /* period of as_of */
	int32 last_complete; /* the last one that is over */
} MetricCalendar;

/* Of the parameters "period" and "as_of"; false where the result has no rows. */
extern bool metric_result_calendar(const Tally *tally, MetricCalendar *calendar);

/* What is wrong with them in a result from outside that has rows; NULL: nothing, and the calendar
 * is there. */
extern const char *metric_calendar_fault(const Tally *tally, MetricCalendar *calendar);

/* Walks the periods of a result by period, from the first that has a row to that of as_of. */
typedef struct MetricPeriods
{
	Calendar calendar;
	DateADT as_of;
	int64 last;	 /* period of as_of */
	int64 index; /* where the walk is: */
	DateADT start;
	DateADT end;			/* exclusive; DATEVAL_NOEND for the open end of a list */
	bool complete;			/* it has ended by as_of */
	const TallyRow *row;	/* NULL: there is none */
	const TallyRow *before; /* of the period before */
	TallyRow **next_row;
	TallyRow **end_rows;
} MetricPeriods;

/* Stands before the first period; false where the result has no rows. */
extern bool metric_periods_open(MetricPeriods *periods, const Tally *tally);
extern bool metric_periods_next(MetricPeriods *periods);

/* Puts period_start, period_end and complete. */
extern void metric_put_period(Rows *rows, const MetricPeriods *periods);

/* What is wrong with period and as_of of a result from outside, as TallyShape.fault has it. */
extern const char *metric_period_fault(const Tally *tally);

#endif
