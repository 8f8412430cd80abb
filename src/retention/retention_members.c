/*
 * retention_members.c
 *		Who is in a cell of retention's table.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/argument.h"
#include "retention/retention_internal.h"

/* The arguments of a cell. */
enum
{
	CELL_COHORT,
	CELL_LAG,
	CELL_NUMBER,
	CELL_ARGUMENTS
};

static const char *const number_names[RETENTION_NUMBERS] = {
	[RETENTION_OF_RETAINED] = "retained",
	[RETENTION_OF_RETAINED_AFTER] = "retained_after",
	[RETENTION_OF_ELIGIBLE] = "eligible",
	[RETENTION_OF_COHORT] = "cohort_size",
};

/* The bracket that begins at a lag. */
static int64
find_bracket(const RetentionKind *kind, int32 lag)
{
	int n = 0;
	int found = 0;
	int i;

	for (i = 0; i < kind->nbrackets; i++)
		if (kind->brackets[i].from == lag)
		{
			found = i;
			n++;
		}
	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 n == 0 ? errmsg("no bracket begins at lag %d", lag)
						: errmsg("%d brackets begin at lag %d", n, lag),
				 errhint("lag is the first one of a bracket. Of several, ask with one alone, as in "
						 "brackets => '{{1,3}}'.")));
	return found;
}

/* The column that a lag names. */
static int64
column_of(const RetentionKind *kind, int32 lag)
{
	if (lag < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("lag must not be negative: %d", lag)));
	if (kind->nbrackets > 0)
		return find_bracket(kind, lag);
	if (lag < kind->rolling)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("windows of %d lags end at lag %d or later, not at %d",
							   kind->rolling, kind->rolling, lag),
						errhint("lag is the last one of a window, and none has lag 0 in it.")));
	return lag;
}

static void *
start(FunctionCallInfo fcinfo, int n, const MetricQuestion *question)
{
	int32 cohort = metric_cell_period(fcinfo, n + CELL_COHORT, "cohort", question->period);
	int64 column;

	argument_refuse_null(fcinfo, n + CELL_LAG, "lag", "Give the lag of a row of the table.");
	column = column_of(question->own, PG_GETARG_INT32(n + CELL_LAG));
	return retention_watch(question, cohort, column,
						   (RetentionNumber) metric_cell_number(fcinfo, n + CELL_NUMBER,
																number_names, RETENTION_NUMBERS));
}

static bool
is_active_member(void *fold, ByteSpan body)
{
	retention_customer(fold, body);
	return retention_watched(fold);
}

static bool
is_returning_member(void *fold, ByteSpan starts, ByteSpan returns)
{
	retention_customer_of_two(fold, starts, returns);
	return retention_watched(fold);
}

static bool
is_member_by_events(void *fold, ByteSpan body)
{
	retention_timeline(fold, body);
	return retention_watched(fold);
}

#define MEMBERS_OF(of)                                                                  \
	.metric = (of), .before = RETENTION_AS_OF, .ncell = CELL_ARGUMENTS, .start = start, \
	.has_cell = retention_has_watched

static const MetricMembers by_days = {
	MEMBERS_OF(&retention_by_days),
	.is_member = is_active_member,
};
static const MetricMembers by_returns = {
	MEMBERS_OF(&retention_by_returns),
	.is_member_of_two = is_returning_member,
};
static const MetricMembers by_timelines = {
	MEMBERS_OF(&retention_by_timelines),
	.is_member = is_member_by_events,
};

/* loyalty_retention_members, (base, period, cohort, lag, who, as_of, mode, brackets, rolling,
 * at_least) */
METRIC_MEMBERS(retention, &by_days)

/* loyalty_retention_returns_members, of starts and returns */
METRIC_MEMBERS(retention_returns, &by_returns)

/* loyalty_retention_elapsed_members, (base, period, cohort, lag, who, as_of, elapsed, brackets,
 * rolling, at_least) */
METRIC_MEMBERS(retention_elapsed, &by_timelines)
