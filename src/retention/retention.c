/*
 * retention.c
 *		The SQL face of counting cohort retention: over bases, and as aggregates over
 *		customers' summaries and over results.
 *
 * The aggregate's state is a retention_result too, expanded: a fold that lives in
 * a memory context of its own below the aggregate's. So partial states travel as
 * results, and rollup() and the combine function are one.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#include "collect/collect.h"
#include "core/compat.h"
#include "metric/metric.h"
#include "retention/retention.h"
#include "retention/retention_call.h"
#include "timeline/timeline.h"

/* ---- over bases ---- */

/* What is asked of a base, from the n-th argument on: period, as_of and the kind. */
typedef struct Question
{
	const CalendarPeriod *period;
	bool as_of_given;
	DateADT as_of;
	RetentionKind kind;
} Question;

static Question
read_question(FunctionCallInfo fcinfo, int n, RetentionPlaces places)
{
	Question question;

	question.period = metric_period_argument(fcinfo, n);
	question.as_of_given = metric_as_of_argument(fcinfo, n + 1, &question.as_of);
	question.kind = retention_kind_arguments(fcinfo, places);
	return question;
}

static RetentionFold *
start_fold(const Question *question, ZoneDays *zone)
{
	return retention_fold_start(question->period, &question->kind, question->as_of_given,
								question->as_of, zone);
}

static Datum
finish_fold(RetentionFold *fold)
{
	RetentionCounts counts;

	retention_fold_finish(fold, &counts);
	PG_RETURN_POINTER(retention_encode(&counts));
}

PG_FUNCTION_INFO_V1(loyalty_retention);
PG_FUNCTION_INFO_V1(loyalty_retention_returns);
PG_FUNCTION_INFO_V1(loyalty_retention_elapsed);

Datum
loyalty_retention(PG_FUNCTION_ARGS)
{
	RetentionPlaces places = { 3, 4, 5, -1 };
	Question question = read_question(fcinfo, 1, places);
	const Base *base;
	RetentionFold *fold;
	BaseCursor cursor;
	Customer customer;
	ByteSpan body;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	base = base_open(PG_GETARG_DATUM(0));
	fold = start_fold(&question, NULL);
	metric_check_zone(base, retention_fold_calendar(fold));
	retention_fold_scope(fold)->guests = base->guests;
	retention_fold_scope(fold)->zone = base->zone;
	base_rewind(&cursor, base);
	while (base_next(&cursor, &customer, &body))
		retention_fold_customer(fold, body);
	return finish_fold(fold);
}

/* Nobody came back where there is no base of returns. */
Datum
loyalty_retention_returns(PG_FUNCTION_ARGS)
{
	RetentionPlaces places = { 4, 5, 6, -1 };
	Question question = read_question(fcinfo, 2, places);
	ByteSpan none = { NULL, 0 };
	const Base *starts;
	const Base *returns;
	RetentionFold *fold;
	RetentionScope *scope;
	ByteSpan start;
	ByteSpan back;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	question.kind.returns = true;
	starts = base_open(PG_GETARG_DATUM(0));
	returns = PG_ARGISNULL(1) ? NULL : base_open(PG_GETARG_DATUM(1));
	fold = start_fold(&question, NULL);
	scope = retention_fold_scope(fold);
	metric_check_zone(starts, retention_fold_calendar(fold));
	scope->guests = starts->guests;
	scope->zone = starts->zone;
	if (returns == NULL)
	{
		BaseCursor cursor;
		Customer customer;

		base_rewind(&cursor, starts);
		while (base_next(&cursor, &customer, &start))
			retention_fold_returns(fold, start, none);
	}
	else
	{
		BaseJoin join;

		if (returns->type != starts->type)
			ereport(
				ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("customers of starts and of returns are of different types"),
				 errhint("Cast the customers of one of them: activities(customer::text, at).")));
		if (starts->zone_state == ZONE_KNOWN && returns->zone_state == ZONE_KNOWN &&
			strcmp(starts->zone, returns->zone) != 0)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("days of starts were collected in zone \"%s\", those of returns in \"%s\"",
						starts->zone, returns->zone),
				 errhint("Collect in one zone: activities(customer, at, zone).")));
		metric_check_zone(returns, retention_fold_calendar(fold));
		scope->guests += returns->guests;
		if (starts->zone_state == ZONE_NOT_NOTED || returns->zone_state == ZONE_MIXED)
			scope->zone = returns->zone;
		base_join_open(&join, starts, returns);
		while (base_join_next(&join, &start, &back))
		{
			retention_fold_returns(fold, start, back);
			CHECK_FOR_INTERRUPTS();
		}
	}
	return finish_fold(fold);
}

/* The zone that a period names, or the session's. */
static ZoneDays *
zone_of_period(const CalendarPeriod *period)
{
	Calendar calendar;

	calendar_open(&calendar, period);
	return calendar.zone != NULL ? zone_by_name(calendar.zone, strlen(calendar.zone))
								 : zone_of_session();
}

/* The local day of the last event of all; false where there is none. */
static bool
last_day_of_base(const Base *base, ZoneDays *zone, DateADT *day)
{
	int64 last;

	if (!base_last(base, &last))
		return false;
	*day = zone_day(zone, last);
	return true;
}

static void
refuse_null_elapsed(const RetentionKind *kind)
{
	if (kind->elapsed == 0)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("elapsed must not be null"),
						errhint("For lags by the calendar, take retention() over activities.")));
}

Datum
loyalty_retention_elapsed(PG_FUNCTION_ARGS)
{
	RetentionPlaces places = { -1, 4, 5, 3 };
	Question question = read_question(fcinfo, 1, places);
	ZoneDays *zone = zone_of_period(question.period);
	const Base *base;
	RetentionFold *fold;
	BaseCursor cursor;
	BaseErrors errors;
	Customer customer = { 0 };
	ByteSpan body;

	refuse_null_elapsed(&question.kind);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	base = base_open(PG_GETARG_DATUM(0));
	if (!question.as_of_given)
		question.as_of_given = last_day_of_base(base, zone, &question.as_of);
	fold = start_fold(&question, zone);
	retention_fold_scope(fold)->guests = base->guests;
	base_rewind(&cursor, base);
	base_name_customer(&errors, base->type, &customer);
	while (base_next(&cursor, &customer, &body))
		retention_fold_timeline(fold, body);
	base_forget_customer(&errors);
	return finish_fold(fold);
}

/* ---- the aggregates over summaries and over results ---- */

typedef struct ExpandedRetention
{
	ExpandedObjectHeader header;
	RetentionFold *fold;
	bool knows_options; /* of the rows: */
	struct varlena *options;
	struct varlena *flat; /* made for flattening */
} ExpandedRetention;

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	ExpandedRetention *state = (ExpandedRetention *) header;
	MemoryContext old = MemoryContextSwitchTo(header->eoh_context);
	RetentionCounts counts;

	if (state->flat != NULL)
		pfree(state->flat);
	retention_fold_finish(state->fold, &counts);
	state->flat = retention_encode(&counts);
	pfree(counts.cohorts);
	pfree(counts.cells);
	MemoryContextSwitchTo(old);
	return VARSIZE(state->flat);
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	memcpy(result, ((ExpandedRetention *) header)->flat, allocated_size);
}

static const ExpandedObjectMethods retention_methods = { get_flat_size, flatten_into };

static ExpandedRetention *
new_state(FunctionCallInfo fcinfo, const Question *question, ZoneDays *zone)
{
	MemoryContext parent;
	MemoryContext context;
	MemoryContext old;
	ExpandedRetention *state;

	if (!AggCheckCallContext(fcinfo, &parent))
		parent = CurrentMemoryContext;
	context = AllocSetContextCreate(parent, "loyalty retention", ALLOCSET_START_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	state = palloc0(sizeof(ExpandedRetention));
	EOH_init_header(&state->header, &retention_methods, context);
	state->fold = start_fold(question, zone);
	MemoryContextSwitchTo(old);
	return state;
}

/* The state in an argument that isn't NULL: in place if it is ours to change, else a copy. */
static ExpandedRetention *
state_argument(FunctionCallInfo fcinfo, int n)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(PG_GETARG_DATUM(n));
	RetentionCounts counts;
	Question question;
	ZoneDays *zone = NULL;
	ExpandedRetention *state;

	if (VARATT_IS_EXTERNAL_EXPANDED_RW(value))
	{
		ExpandedObjectHeader *header = DatumGetEOHP(PG_GETARG_DATUM(n));

		if (header->eoh_methods == &retention_methods)
			return (ExpandedRetention *) header;
	}
	retention_decode(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(n)), &counts);
	question.period = counts.scope.period;
	question.as_of_given = counts.scope.as_of_given;
	question.as_of = counts.scope.as_of;
	question.kind = counts.scope.kind;
	if (counts.scope.kind.elapsed > 0)
		zone = zone_by_name(counts.scope.zone, strlen(counts.scope.zone));
	state = new_state(fcinfo, &question, zone);
	retention_fold_counts(state->fold, &counts);
	return state;
}

/* ---- rows of the aggregates ---- */

/* What the aggregates differ in. */
typedef struct Summaries
{
	int count; /* arguments behind the state that are summaries */
	bool returns;
	bool are_timelines;
} Summaries;

static bool
same_options(const ExpandedRetention *state, const struct varlena *options)
{
	if (!state->knows_options || state->options == NULL || options == NULL)
		return state->knows_options && state->options == options;
	return VARSIZE_ANY_EXHDR(state->options) == VARSIZE_ANY_EXHDR(options) &&
		   memcmp(VARDATA_ANY(state->options), VARDATA_ANY(options), VARSIZE_ANY_EXHDR(options)) ==
			   0;
}

static RetentionKind
read_options(const struct varlena *options, const Summaries *summaries)
{
	RetentionKind kind = retention_kind_option(options);
	const char *fault;

	if (kind.elapsed > 0 && !summaries->are_timelines)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("elapsed lags need instants, which an activity_set doesn't have"),
						errhint("Aggregate timelines: retention(event_timeline, period, as_of, "
								"options).")));
	if (kind.elapsed == 0 && summaries->are_timelines)
		kind.elapsed = USECS_PER_DAY;
	kind.returns = summaries->returns;
	fault = retention_kind_fault(&kind);
	if (fault != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", fault)));
	return kind;
}

static void
keep_options(ExpandedRetention *state, const struct varlena *options)
{
	state->knows_options = true;
	state->options = NULL;
	if (options != NULL)
	{
		state->options = MemoryContextAlloc(state->header.eoh_context, VARSIZE_ANY(options));
		memcpy(state->options, options, VARSIZE_ANY(options));
	}
}

/* The state for a row: as the arguments behind the summaries ask. */
static ExpandedRetention *
state_for_row(FunctionCallInfo fcinfo, const Summaries *summaries)
{
	int n = 1 + summaries->count;
	const struct varlena *options =
		PG_NARGS() > n + 2 && !PG_ARGISNULL(n + 2) ? PG_GETARG_VARLENA_PP(n + 2) : NULL;
	ExpandedRetention *state;
	RetentionScope *scope;
	Question question;

	question.period = metric_period_argument(fcinfo, n);
	question.as_of_given = metric_as_of_argument(fcinfo, n + 1, &question.as_of);
	if (PG_ARGISNULL(0))
	{
		if (summaries->are_timelines && !question.as_of_given)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of must not be null"),
					 errhint("Give a day: an aggregate doesn't know the last day of all groups "
							 "beforehand. The function over a base does.")));
		question.kind = read_options(options, summaries);
		state = new_state(fcinfo, &question,
						  summaries->are_timelines ? zone_of_period(question.period) : NULL);
		keep_options(state, options);
		return state;
	}

	state = state_argument(fcinfo, 0);
	scope = retention_fold_scope(state->fold);
	if (!calendar_period_equal(scope->period, question.period) ||
		scope->as_of_given != question.as_of_given || scope->as_of != question.as_of)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("period and as_of must be the same for all rows of an aggregate"),
						errhint("GROUP BY what they depend on.")));
	if (!same_options(state, options))
	{
		RetentionKind kind = read_options(options, summaries);

		if (!retention_kind_equal(&kind, &scope->kind))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("options must be the same for all rows of an aggregate"),
							errhint("GROUP BY what they depend on.")));
		keep_options(state, options);
	}
	return state;
}

/* The body of a summary, which may be a copy that is to be freed. */
static ByteSpan
summary_argument(FunctionCallInfo fcinfo, int n, struct varlena **summary)
{
	ByteSpan body = { NULL, 0 };

	*summary = NULL;
	if (PG_ARGISNULL(n))
		return body;
	*summary = PG_GETARG_VARLENA_PP(n);
	body.bytes = (const uint8 *) VARDATA_ANY(*summary);
	body.len = VARSIZE_ANY_EXHDR(*summary);
	return body;
}

static void
free_summary(FunctionCallInfo fcinfo, int n, struct varlena *summary)
{
	if (summary != NULL && (Pointer) summary != DatumGetPointer(PG_GETARG_DATUM(n)))
		pfree(summary);
}

PG_FUNCTION_INFO_V1(loyalty_retention_accum);
PG_FUNCTION_INFO_V1(loyalty_retention_returns_accum);
PG_FUNCTION_INFO_V1(loyalty_retention_elapsed_accum);
PG_FUNCTION_INFO_V1(loyalty_retention_merge);

/* Adds a customer's activity set; a NULL one adds nothing. */
Datum
loyalty_retention_accum(PG_FUNCTION_ARGS)
{
	static const Summaries summaries = { 1, false, false };
	ExpandedRetention *state = state_for_row(fcinfo, &summaries);
	MemoryContext old = MemoryContextSwitchTo(state->header.eoh_context);
	struct varlena *summary;
	ByteSpan body = summary_argument(fcinfo, 1, &summary);

	if (summary != NULL)
		retention_fold_customer(state->fold, body);
	free_summary(fcinfo, 1, summary);
	MemoryContextSwitchTo(old);
	PG_RETURN_DATUM(EOHPGetRWDatum(&state->header));
}

/* Adds a customer's sets of starts and of returns; who has no set of starts isn't counted. */
Datum
loyalty_retention_returns_accum(PG_FUNCTION_ARGS)
{
	static const Summaries summaries = { 2, true, false };
	ExpandedRetention *state = state_for_row(fcinfo, &summaries);
	MemoryContext old = MemoryContextSwitchTo(state->header.eoh_context);
	struct varlena *start;
	struct varlena *back;
	ByteSpan starts = summary_argument(fcinfo, 1, &start);
	ByteSpan returns = summary_argument(fcinfo, 2, &back);

	retention_fold_returns(state->fold, starts, returns);
	free_summary(fcinfo, 1, start);
	free_summary(fcinfo, 2, back);
	MemoryContextSwitchTo(old);
	PG_RETURN_DATUM(EOHPGetRWDatum(&state->header));
}

/* Adds a customer's timeline; a NULL one adds nothing. */
Datum
loyalty_retention_elapsed_accum(PG_FUNCTION_ARGS)
{
	static const Summaries summaries = { 1, false, true };
	ExpandedRetention *state = state_for_row(fcinfo, &summaries);
	MemoryContext old = MemoryContextSwitchTo(state->header.eoh_context);
	struct varlena *summary;
	ByteSpan body = summary_argument(fcinfo, 1, &summary);

	if (summary != NULL)
		retention_fold_timeline(state->fold, body);
	free_summary(fcinfo, 1, summary);
	MemoryContextSwitchTo(old);
	PG_RETURN_DATUM(EOHPGetRWDatum(&state->header));
}

/* Adds a result to a result: rollup(), and the combine function of both aggregates. */
Datum
loyalty_retention_merge(PG_FUNCTION_ARGS)
{
	ExpandedRetention *state;
	RetentionCounts counts;

	if (PG_ARGISNULL(0))
	{
		if (PG_ARGISNULL(1))
			PG_RETURN_NULL();
		state = state_argument(fcinfo, 1);
		PG_RETURN_DATUM(EOHPGetRWDatum(&state->header));
	}
	state = state_argument(fcinfo, 0);
	if (!PG_ARGISNULL(1))
	{
		retention_decode(PG_GETARG_VARLENA_PP(1), &counts);
		retention_fold_counts(state->fold, &counts);
	}
	PG_RETURN_DATUM(EOHPGetRWDatum(&state->header));
}
