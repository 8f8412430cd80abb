/*
 * logrank_sql.c
 *		The SQL face of the log-rank test: the aggregate, and the test of its result.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/rows.h"
#include "metric/tally.h"
#include "survival/durations.h"
#include "survival/logrank.h"

/* Sorted by segment, so that they come out numbered. */
#define LOGRANK_SEGMENT	 0
#define LOGRANK_DURATION 1

static const TallyColumn logrank_keys[] = {
	[LOGRANK_SEGMENT] = { "segment", TALLY_TEXT },
	[LOGRANK_DURATION] = { "duration", TALLY_DECIMAL },
};

static const char *
logrank_fault(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);

	/* an absent one sorts first */
	if (nrows > 0 && rows[0]->key.text == NULL)
		return "A row has no segment.";
	pfree(rows);
	return duration_fault(tally, LOGRANK_DURATION);
}

static const TallyShape logrank_shape = {
	.type = "logrank_result",
	.maker = "logrank() and rollup()",
	.nkeys = lengthof(logrank_keys),
	.keys = logrank_keys,
	.nsums = lengthof(duration_sums),
	.sums = duration_sums,
	.fault = logrank_fault,
};

/* loyalty_logrank_result_in, loyalty_logrank_result_out, loyalty_logrank_result_recv,
 * loyalty_logrank_result_send, loyalty_logrank_result_merge */
TALLY_TYPE(logrank_result, &logrank_shape)

/* ---- the aggregate ---- */

PG_FUNCTION_INFO_V1(loyalty_logrank_accum);
PG_FUNCTION_INFO_V1(loyalty_logrank_accum_interval);

static bool
has_observation(FunctionCallInfo fcinfo)
{
	return !PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3);
}

static void
add(TallyState *state, Decimal duration, bool event, const text *segment)
{
	TallyKey key;

	key.numbers[LOGRANK_DURATION] = duration_key(state->tally, duration);
	key.text = VARDATA_ANY(segment);
	key.text_len = (int) VARSIZE_ANY_EXHDR(segment);
	duration_count(state->tally, &key, event);
}

Datum
loyalty_logrank_accum(PG_FUNCTION_ARGS)
{
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, &logrank_shape, &is_new);

	if (has_observation(fcinfo))
		add(state, duration_from_numeric(PG_GETARG_VARLENA_PP(1)), PG_GETARG_BOOL(2),
			PG_GETARG_TEXT_PP(3));
	TALLY_RETURN_STATE(state);
}

Datum
loyalty_logrank_accum_interval(PG_FUNCTION_ARGS)
{
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, &logrank_shape, &is_new);

	if (has_observation(fcinfo))
		add(state, duration_from_interval(PG_GETARG_INTERVAL_P(1)), PG_GETARG_BOOL(2),
			PG_GETARG_TEXT_PP(3));
	TALLY_RETURN_STATE(state);
}

/* ---- the test ---- */

PG_FUNCTION_INFO_V1(loyalty_logrank_test);

static LogrankWeighting
weighting_argument(FunctionCallInfo fcinfo, int n)
{
	char *weighting = text_to_cstring(PG_GETARG_TEXT_PP(n));

	if (strcmp(weighting, "logrank") == 0)
		return LOGRANK_EQUAL;
	if (strcmp(weighting, "wilcoxon") == 0)
		return LOGRANK_AT_RISK;
	if (strcmp(weighting, "tarone-ware") == 0)
		return LOGRANK_ROOT;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown weighting: \"%s\"", weighting),
					errhint("There are 'logrank', 'wilcoxon' (Gehan-Breslow) and "
							"'tarone-ware'.")));
}

/* Numbers the segments of rows that are sorted by them; names[i] is a row of segment i. */
static LogrankTime *
logrank_times(TallyRow **rows, int64 nrows, const TallyKey **names, int *nsegments)
{
	LogrankTime *times = palloc_extended(Max(nrows, 1) * sizeof(LogrankTime), MCXT_ALLOC_HUGE);
	int n = 0;
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		const TallyKey *key = &rows[i]->key;

		CHECK_FOR_INTERRUPTS();
		if (n == 0 || names[n - 1]->text_len != key->text_len ||
			memcmp(names[n - 1]->text, key->text, key->text_len) != 0)
		{
			if (n == LOGRANK_MAX_SEGMENTS)
				ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
								errmsg("a log-rank test can't have more than %d segments",
									   LOGRANK_MAX_SEGMENTS),
								errhint("Is the segment what tells customers apart?")));
			names[n++] = key;
		}
		times[i].duration = key->numbers[LOGRANK_DURATION];
		times[i].segment = n - 1;
		times[i].events = (int64) rows[i]->sums[DURATION_EVENTS];
		times[i].censored = (int64) rows[i]->sums[DURATION_CENSORED];
	}
	*nsegments = n;
	return times;
}

Datum
loyalty_logrank_test(PG_FUNCTION_ARGS)
{
	LogrankWeighting weighting = weighting_argument(fcinfo, 1);
	Tally *tally = tally_argument(fcinfo, 0, &logrank_shape);
	const TallyKey *names[LOGRANK_MAX_SEGMENTS];
	LogrankSegment segments[LOGRANK_MAX_SEGMENTS];
	int64 nrows;
	TallyRow **counted = tally_rows(tally, &nrows);
	int nsegments;
	LogrankTime *times = logrank_times(counted, nrows, names, &nsegments);
	LogrankTest test = logrank_test(times, nrows, weighting, segments, nsegments);
	Rows rows;
	int i;

	rows_open(&rows, fcinfo);
	for (i = 0; i < nsegments; i++)
	{
		rows_begin(&rows);
		rows_put_text(&rows, names[i]->text, names[i]->text_len);
		rows_put_count(&rows, segments[i].observations);
		rows_put_float(&rows, segments[i].observed);
		rows_put_float(&rows, segments[i].expected);
		rows_put_float(&rows, test.chi_squared);
		rows_put_int(&rows, test.degrees);
		rows_put_float(&rows, test.p);
		rows_end(&rows);
	}
	return (Datum) 0;
}
