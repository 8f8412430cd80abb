/*
 * metric.h
 *		What metrics over everyone share: their arguments, the walk over a base, the
 *		aggregate over customers' summaries, and the rows of a result by period.
 *
 *		base, or a summary a row  ->  Metric (start, customer, customer ...)  ->  Tally
 *
 * A metric says what it is asked and how it counts one customer; its two faces, the
 * function over a base and the two-level aggregate, are the same code for all of them.
 */
#ifndef LOYALTY_METRIC_H
#define LOYALTY_METRIC_H

#include "postgres.h"

#include "fmgr.h"

#include "collect/collect.h"
#include "calendar/calendar.h"
#include "core/rows.h"
#include "metric/tally.h"

/* ---- arguments ---- */

/* A period that must not be NULL (22004). */
extern const CalendarPeriod *metric_period_argument(FunctionCallInfo fcinfo, int n);

/* A finite day; false where it is NULL, or isn't there. */
extern bool metric_as_of_argument(FunctionCallInfo fcinfo, int n, DateADT *as_of);

/* Refuses a number that isn't between 1 and METRIC_MAX_NUMBER, a century of days. */
extern void metric_check_number(const char *name, int32 number);

#define METRIC_MAX_NUMBER 36525

/* Refuses a period in another zone than the days of a base were collected in. */
extern void metric_check_zone(const Base *base, const Calendar *calendar);

/* Puts the rate part / whole with its Wilson score interval: three columns, NULL where whole is
 * 0. */
extern void metric_put_rate(Rows *rows, int64 part, int64 whole, double z);

/* ---- a metric and its two faces ---- */

/* What a call asks; what the metric has no argument for is 0. */
typedef struct MetricQuestion
{
	const CalendarPeriod *period;
	const CalendarPeriod *within;
	int32 number;	/* 0: none given, where it may be */
	DateADT as_of;	/* days after it don't count */
	ZoneDays *zone; /* over timelines: whose local days count */
} MetricQuestion;

/* What a parameter of a result is. All up to as_of are arguments, too, in the shape's order. */
typedef enum MetricParameter
{
	METRIC_PERIOD,
	METRIC_WITHIN,
	METRIC_NUMBER,
	METRIC_OPTIONAL_NUMBER, /* may be NULL */
	METRIC_AS_OF,
	METRIC_ZONE,   /* of the days; unknown for stored sets */
	METRIC_COUNTED /* "days" over activity sets, "orders" over timelines */
} MetricParameter;

typedef struct Metric
{
	const TallyShape *shape;
	const MetricParameter *parameters; /* what those of the shape are */
	bool over_timelines;			   /* else over activity sets */
	/* A fold that counts into a tally, in the current memory context; period and within live as
	 * long. */
	void *(*start)(const MetricQuestion *question, Tally *tally);
	/* Counts a customer: the body of his summary. */
	void (*customer)(void *fold, ByteSpan body);
} Metric;

/* The function (base, arguments). */
extern Datum metric_over_base(FunctionCallInfo fcinfo, const Metric *metric);

/* The transition function (state, summary, arguments). */
extern Datum metric_accumulate(FunctionCallInfo fcinfo, const Metric *metric);

/* Parameters that shapes are made of. */
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
#define METRIC_AS_OF_PARAMETER                                                     \
	{                                                                              \
		.name = "as_of", .may_be_unknown = true, .canonical = tally_canonical_day, \
		.hint = "Give the same as_of to all of them."                              \
	}
#define METRIC_NUMBER_PARAMETER(as)                                        \
	{                                                                      \
		.name = as, .is_json = true, .canonical = metric_canonical_number, \
		.hint = "Give the same " as " to all of them."                     \
	}

/* A number's text, checked. */
extern char *metric_canonical_number(const char *text);

/* ---- rows by a number, for folds ---- */

/*
 * Finds the rows of a tally whose last key is a number or a period, and its only one, or the others
 * given, at the cost of an array look-up. The array covers the numbers that occur as long as they
 * lie close together.
 */
typedef struct MetricCells
{
	Tally *tally;
	MemoryContext context;
	TallyKey key; /* of any row, but for the number */
	int column;	  /* where the number stands in it */
	int32 first;  /* cells[0] is its row */
	uint32 ncells;
	TallyRow **cells; /* NULL: not asked for yet */
} MetricCells;

/* In the current memory context. */
extern void metric_cells_open(MetricCells *cells, Tally *tally);

/* The same of rows with two keys, whose first one is this. */
extern void metric_cells_open_under(MetricCells *cells, Tally *tally, int64 first_key);

extern TallyRow *metric_cell_slow(MetricCells *cells, int32 number);

static inline TallyRow *
metric_cell(MetricCells *cells, int32 number)
{
	uint32 slot = (uint32) number - (uint32) cells->first;

	if (likely(slot < cells->ncells && cells->cells[slot] != NULL))
		return cells->cells[slot];
	return metric_cell_slow(cells, number);
}

/* ---- reading results ---- */

/* The text of a parameter by its name; NULL: none. */
extern const char *metric_parameter(const Tally *tally, const char *name);

/* The day up to which a result counts; false where it has none. */
extern bool metric_result_as_of(const Tally *tally, DateADT *as_of);

/* Puts it as a column. */
extern void metric_put_as_of(Rows *rows, const Tally *tally);

/* A sum of a row; 0 where there is no row. */
static inline int128
metric_sum(const TallyRow *row, int sum)
{
	return row != NULL ? row->sums[sum] : 0;
}

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
