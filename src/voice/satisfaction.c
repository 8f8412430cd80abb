/*
 * satisfaction.c
 *		Customer satisfaction (CSAT): which share of the answers is one of the best scores. And
 *		customer effort (CES): how easy it was, as a mean, and which share agrees that it was.
 */
#include "postgres.h"

#include "metric/metric.h"
#include "voice/voice_internal.h"

/* ---- results ---- */

#define SAME_SCALE "Count all of them with one scale."

static const TallyParameter csat_parameters[] = {
	{ .name = "top", .is_json = true, .canonical = metric_canonical_count, .hint = SAME_SCALE },
	{ .name = "scale", .is_json = true, .canonical = metric_canonical_count, .hint = SAME_SCALE },
};
static const TallyParameter ces_parameters[] = {
	{ .name = "scale", .is_json = true, .canonical = metric_canonical_count, .hint = SAME_SCALE },
};

static const char *csat_fault(const Tally *tally);
static const char *ces_fault(const Tally *tally);

static const TallyShape csat_shape = {
	.type = "csat_result",
	.maker = "csat() and rollup()",
	TALLY_PARAMETERS(csat_parameters),
	TALLY_KEYS(survey_keys),
	TALLY_SUMS(survey_sums),
	TALLY_TOTALS(survey_totals),
	.lacks = survey_lacks,
	.fault = csat_fault,
};
static const TallyShape ces_shape = {
	.type = "ces_result",
	.maker = "ces() and rollup()",
	TALLY_PARAMETERS(ces_parameters),
	TALLY_KEYS(survey_keys),
	TALLY_SUMS(survey_sums),
	TALLY_TOTALS(survey_totals),
	.lacks = survey_lacks,
	.fault = ces_fault,
};

static const Survey csat = { &csat_shape, "csat", 0, 1, { 1, 5, 2 } };
static const Survey ces = { &ces_shape, "ces", -1, 0, { 1, 7, 0 } };

static const char *
csat_fault(const Tally *tally)
{
	return survey_fault(&csat, tally);
}

static const char *
ces_fault(const Tally *tally)
{
	return survey_fault(&ces, tally);
}

/* loyalty_csat_result_in, loyalty_csat_result_out, loyalty_csat_result_recv,
 * loyalty_csat_result_send, loyalty_csat_result_merge, loyalty_csat_result_scope */
TALLY_TYPE(csat_result, &csat_shape)

/* loyalty_ces_result_in, loyalty_ces_result_out, loyalty_ces_result_recv, loyalty_ces_result_send,
 * loyalty_ces_result_merge, loyalty_ces_result_scope */
TALLY_TYPE(ces_result, &ces_shape)

/* ---- aggregates ---- */

PG_FUNCTION_INFO_V1(loyalty_csat_accum);
PG_FUNCTION_INFO_V1(loyalty_ces_accum);

/* csat_accum(state, score [, top, scale [, strict]]) */
Datum
loyalty_csat_accum(PG_FUNCTION_ARGS)
{
	return survey_accumulate(fcinfo, &csat);
}

/* ces_accum(state, score [, scale [, strict]]) */
Datum
loyalty_ces_accum(PG_FUNCTION_ARGS)
{
	return survey_accumulate(fcinfo, &ces);
}

/* ---- tables ---- */

PG_FUNCTION_INFO_V1(loyalty_csat_table);
PG_FUNCTION_INFO_V1(loyalty_ces_table);
PG_FUNCTION_INFO_V1(loyalty_csat_shares);
PG_FUNCTION_INFO_V1(loyalty_ces_shares);

static int32
first_satisfied(const Scale *scale)
{
	return scale->last - scale->top + 1;
}

/* The first score above the middle: 5 of 7. */
static int32
first_easy(const Scale *scale)
{
	return (scale->last + 1) / 2 + 1;
}

/* The row of a result: those whose score is first or better, and the mean. */
static Datum
put_table(FunctionCallInfo fcinfo, const Survey *survey, int32 (*first)(const Scale *scale))
{
	double confidence = PG_GETARG_FLOAT8(1);
	double z = confidence_quantile(confidence);
	Answers answers;
	int64 best;
	Rows rows;

	survey_answers(fcinfo, 0, survey, &answers);
	best = answers_between(&answers, first(&answers.scale), answers.scale.last);
	rows_open(&rows, fcinfo);
	rows_begin(&rows);
	survey_put_response(&rows, &answers);
	rows_put_count(&rows, best);
	rows_put_count(&rows, answers.invalid);
	metric_put_rate(&rows, best, answers.valid, z);
	survey_put_mean(&rows, &answers, confidence);
	rows_end(&rows);
	return (Datum) 0;
}

/* csat_table(result, confidence) */
Datum
loyalty_csat_table(PG_FUNCTION_ARGS)
{
	return put_table(fcinfo, &csat, first_satisfied);
}

/* ces_table(result, confidence) */
Datum
loyalty_ces_table(PG_FUNCTION_ARGS)
{
	return put_table(fcinfo, &ces, first_easy);
}

static const char *
satisfied(const Scale *scale, int32 score)
{
	return score >= first_satisfied(scale) ? "satisfied" : "not satisfied";
}

static const char *
easy(const Scale *scale, int32 score)
{
	return score >= first_easy(scale) ? "easy" : "not easy";
}

/* score_shares(result, confidence) */
Datum
loyalty_csat_shares(PG_FUNCTION_ARGS)
{
	return survey_shares(fcinfo, &csat, satisfied);
}

Datum
loyalty_ces_shares(PG_FUNCTION_ARGS)
{
	return survey_shares(fcinfo, &ces, easy);
}
