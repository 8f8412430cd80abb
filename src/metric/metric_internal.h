/*
 * metric_internal.h
 *		The parts of a tally: shared by tally.c, which makes and changes it, and the files
 *		that write and read it (tally_stored.c, tally_text.c); and how a function over bases is
 *		called.
 */
#ifndef LOYALTY_METRIC_INTERNAL_H
#define LOYALTY_METRIC_INTERNAL_H

#include "postgres.h"

#include "metric/metric.h"
#include "metric/tally.h"

struct rows_hash;

struct Tally
{
	const TallyShape *shape;
	MemoryContext context; /* where all of it lives */
	char *parameters[TALLY_MAX_PARAMETERS];
	int ntotals;
	const char *const *total_names;
	int64 totals[TALLY_MAX_TOTALS];
	int guests;	   /* which of them is TALLY_GUESTS, */
	int eventless; /* and TALLY_EVENTLESS, where the framework counts those; else -1 */
	int scale;
	bool has_decimals;	  /* columns of TALLY_DECIMAL */
	bool has_scale;		  /* columns of TALLY_VALUE or TALLY_DECIMAL */
	bool may_have_floats; /* no TALLY_VALUE among them */
	int text_column;	  /* the key that is a text; -1: none */
	TallyRow **list;	  /* all rows, as they came */
	char *block;		  /* where rows without text come from, */
	int64 free_rows;	  /* and for how many there is room */
	int64 nlist;
	int64 max_list;
	bool in_order;			/* the list is sorted */
	struct rows_hash *rows; /* the first nrows of them by key; NULL: none */
	int64 nrows;
	TallyRow *last; /* the row found last */
	bool has_large; /* a sum came out of adding tallies, or of a stored one, that is large */
};

/*
 * Each sum fits where it stands. What a metric makes of several may not: numbers of all customers,
 * revenue of a period. A reader refuses that (TallyShape.fault), and so it must not be written.
 * Only sums that are beyond what is counted anywhere can come there, and the others pay nothing.
 */
static inline bool
tally_sum_is_large(TallyType type, int128 sum)
{
	int bits = type == TALLY_COUNT ? 40 : 100;

	return sum >> bits != 0 && sum >> bits != -1;
}

/*
 * The bases that a function over them is called with, open, and the question behind them, with all
 * that the function over a base does before it counts; arguments of another kind stand behind so
 * many of the question's. NULL where the base is; *returns is NULL where there is no such base, and
 * *names where none are asked about.
 */
extern const Base *metric_bases(FunctionCallInfo fcinfo, const Metric *metric, int before,
								int nothers, MetricQuestion *question, const Base **returns,
								MetricNames **names);

/* As tally_row(), and says whether the row was there. */
extern TallyRow *tally_enter(Tally *tally, const TallyKey *key, bool *found);

/* Has it no such sum, or total, by its parameters? */
extern bool tally_lacks(const Tally *tally, const char *name);

/* Compares texts by bytes; an absent one (NULL) comes first. */
extern int tally_compare_texts(const char *a, int a_len, const char *b, int b_len);

/* Checks a tally from outside: that it has what it may have, and shape->fault; an error with that
 * SQLSTATE where there is one. */
extern void tally_check(const Tally *tally, int sqlstate);

/* The hint for a tally from outside that isn't one. */
extern int tally_hint(const TallyShape *shape);

/* ---- questions (question.c) ---- */

/* What was asked last at a call site, in its fn_extra. */
typedef struct KeptQuestion
{
	MetricQuestion question;
	FmgrInfo *site;
	ZoneDays *session_zone;
	MemoryContext context;
	MemoryContextCallback forget;
} KeptQuestion;

/* The argument of a type of which there is one; NULL: none. */
extern const MetricArgument *metric_argument_of(const Metric *metric, MetricArgumentType type);

/* The text that the i-th argument is as a parameter; NULL where it is unknown, or not given. */
extern const char *metric_argument_text(const Metric *metric, const MetricQuestion *question,
										int i);

extern bool metric_is_kept(const KeptQuestion *kept, const MetricQuestion *asked,
						   const Metric *metric);

/* Opens a question in a memory context. The call site keeps it as long as that lives; NULL: none
 * does. */
extern KeptQuestion *metric_keep_question(FmgrInfo *site, MemoryContext context,
										  const Metric *metric, const MetricQuestion *asked);

/* Opens what was asked, in the current memory context; of a base, or of what comes a row. */
extern void metric_open_question(const Metric *metric, MetricQuestion *question, const Base *base);

/* The text of a parameter: of the argument that has its name, the zone, or the metric's own. */
extern const char *metric_parameter_text(const Metric *metric, const MetricQuestion *question,
										 int parameter);

extern void metric_read_question(FunctionCallInfo fcinfo, int n, const Metric *metric,
								 MetricQuestion *question);

/* What a call asks, as it came: the arguments from the n-th on, among which others stand behind so
 * many. */
extern void metric_read_question_around(FunctionCallInfo fcinfo, int n, const Metric *metric,
										int before, int nothers, MetricQuestion *question);

/* Are all the others, but for texts of policies and periods? */
extern bool metric_same_common(const MetricQuestion *a, const MetricQuestion *b);

extern bool metric_same_question(const MetricQuestion *a, const MetricQuestion *b,
								 const Metric *metric);

/* Is an argument that Metric.open() reads the same? */
extern bool metric_same_value(const MetricQuestion *a, const MetricQuestion *b,
							  const Metric *metric, int i);

#endif
