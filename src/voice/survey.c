/*
 * survey.c
 *		Counting answers by score, and what all surveys make of that.
 *
 * A row is somebody who was asked. NULL is no answer; a score that isn't on the scale is an error,
 * or an answer that counts as invalid.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "core/argument.h"
#include "core/codec.h"
#include "core/decimal.h"
#include "metric/metric.h"
#include "voice/voice_internal.h"

/* ---- the shape ---- */

#define SURVEY_SCORE   0
#define SURVEY_ANSWERS 0

typedef enum SurveyTotal
{
	SURVEY_NO_ANSWER,
	SURVEY_INVALID,
	SURVEY_GUESTS,
	SURVEY_EVENTLESS
} SurveyTotal;

const TallyColumn survey_keys[SURVEY_KEYS] = { { "score", TALLY_NUMBER } };
const TallyColumn survey_sums[1] = { { "answers", TALLY_COUNT } };
const char *const survey_totals[SURVEY_TOTALS] = {
	[SURVEY_NO_ANSWER] = "no_answer",
	[SURVEY_INVALID] = "invalid",
	[SURVEY_GUESTS] = TALLY_GUESTS,
	[SURVEY_EVENTLESS] = TALLY_EVENTLESS,
};

bool
survey_lacks(const Tally *tally, const char *name)
{
	return strcmp(name, TALLY_GUESTS) == 0 || strcmp(name, TALLY_EVENTLESS) == 0;
}

/* The number that a parameter is; 0 where there is none. */
static int32
number_of(const Tally *tally, int parameter)
{
	const char *text = parameter >= 0 ? tally_parameter(tally, parameter) : NULL;

	return text != NULL ? pg_strtoint32(text) : 0;
}

Scale
survey_scale(const Survey *survey, const Tally *tally)
{
	Scale scale = survey->usual;

	if (survey->points >= 0)
		scale.last = number_of(tally, survey->points);
	if (survey->top >= 0)
		scale.top = number_of(tally, survey->top);
	return scale;
}

/* What a scale can't be, or NULL. */
static const char *
scale_fault(const Survey *survey, const Scale *scale)
{
	if (survey->points >= 0 && (scale->last < 2 || scale->last > SCALE_MAX_POINTS))
		return psprintf("scale must be between 2 and %d, not %d", SCALE_MAX_POINTS, scale->last);
	if (survey->top >= 0 && (scale->top < 1 || scale->top >= scale->last))
		return psprintf("top must be between 1 and %d, one less than scale, not %d",
						scale->last - 1, scale->top);
	return NULL;
}

const char *
survey_fault(const Survey *survey, const Tally *tally)
{
	Scale scale = survey_scale(survey, tally);
	const char *fault = scale_fault(survey, &scale);
	int64 nrows;
	TallyRow **rows;

	if (fault != NULL)
		return psprintf("In it, %s.", fault);
	rows = tally_rows(tally, &nrows);
	if (nrows > 0 && (rows[0]->key.numbers[SURVEY_SCORE] < scale.first ||
					  rows[nrows - 1]->key.numbers[SURVEY_SCORE] > scale.last))
		return psprintf("A score is outside of %d to %d.", scale.first, scale.last);
	pfree(rows);
	return NULL;
}

/* ---- reading a score ---- */

typedef enum ScoreFault
{
	SCORE_VALID,
	SCORE_OUTSIDE,
	SCORE_FRACTION
} ScoreFault;

/* Types of the score, but for integers, which are one. */
static ScoreFault
score_of_float(double number, const Scale *scale, int32 *score)
{
	/* Out go NaN, and what doesn't fit an integer. */
	if (!(number >= scale->first && number <= scale->last))
		return SCORE_OUTSIDE;
	*score = (int32) number;
	return *score == number ? SCORE_VALID : SCORE_FRACTION;
}

static ScoreFault
score_of_numeric(Numeric number, const Scale *scale, int32 *score)
{
	ScoreFault fault;

	if (numeric_is_nan(number) || numeric_is_inf(number) ||
		numeric_compare(number, int64_to_numeric(scale->first)) < 0 ||
		numeric_compare(number, int64_to_numeric(scale->last)) > 0)
		return SCORE_OUTSIDE;
	fault = score_of_float(
		DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(number))),
		scale, score);

	/* A fraction may be too small for a float. */
	return fault == SCORE_VALID && numeric_compare(number, int64_to_numeric(*score)) != 0
			   ? SCORE_FRACTION
			   : fault;
}

static ScoreFault
read_score(Oid type, Datum datum, const Scale *scale, int32 *score)
{
	int64 number;

	switch (type)
	{
		case INT2OID:
			number = DatumGetInt16(datum);
			break;
		case INT4OID:
			number = DatumGetInt32(datum);
			break;
		case INT8OID:
			number = DatumGetInt64(datum);
			break;
		case FLOAT4OID:
			return score_of_float(DatumGetFloat4(datum), scale, score);
		case FLOAT8OID:
			return score_of_float(DatumGetFloat8(datum), scale, score);
		default: /* NUMERICOID */
			return score_of_numeric(DatumGetNumeric(datum), scale, score);
	}
	if (number < scale->first || number > scale->last)
		return SCORE_OUTSIDE;
	*score = (int32) number;
	return SCORE_VALID;
}

/* The type of the argument, in the call site's fn_extra. */
static Oid
score_type(FunctionCallInfo fcinfo)
{
	Oid *type = fcinfo->flinfo->fn_extra;

	if (type != NULL)
		return *type;
	type = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(Oid));
	*type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 1));
	if (decimal_reader(*type) == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a score can't be of type %s", format_type_be(*type)),
						errhint("Give whole numbers, of any type of numbers: score::int.")));
	fcinfo->flinfo->fn_extra = type;
	return *type;
}

/* So much of a score is shown. */
#define SHOWN_SCORE 40

static void report_score(const Survey *survey, const Scale *scale, ScoreFault fault, Oid type,
						 Datum score) pg_attribute_noreturn();

static void
report_score(const Survey *survey, const Scale *scale, ScoreFault fault, Oid type, Datum score)
{
	Oid output;
	bool is_varlena;
	char *text;

	getTypeOutputInfo(type, &output, &is_varlena);
	text = OidOutputFunctionCall(output, score);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 fault == SCORE_FRACTION
				 ? errmsg("score %.*s%s has a fraction", SHOWN_SCORE, text,
						  strlen(text) > SHOWN_SCORE ? "..." : "")
				 : errmsg("score %.*s%s is outside of %d to %d", SHOWN_SCORE, text,
						  strlen(text) > SHOWN_SCORE ? "..." : "", scale->first, scale->last),
			 errhint("Scores are whole numbers from %d to %d. With false for strict, the "
					 "last argument of %s(), others count as invalid.",
					 scale->first, scale->last, survey->name)));
}

/* ---- the aggregate ---- */

/* What a call asks. */
typedef struct SurveyCall
{
	Scale scale;
	bool strict;
} SurveyCall;

static SurveyCall
read_call(FunctionCallInfo fcinfo, const Survey *survey)
{
	SurveyCall call = { survey->usual, true };
	int n = 2;

	if (survey->top >= 0 && n + 1 < PG_NARGS())
	{
		argument_refuse_null(fcinfo, n, "top", NULL);
		call.scale.top = PG_GETARG_INT32(n++);
	}
	if (survey->points >= 0 && n < PG_NARGS())
	{
		argument_refuse_null(fcinfo, n, "scale", NULL);
		call.scale.last = PG_GETARG_INT32(n++);
	}
	if (n < PG_NARGS())
	{
		argument_refuse_null(fcinfo, n, "strict", NULL);
		call.strict = PG_GETARG_BOOL(n);
	}
	return call;
}

/* Counts are in the tally at once. */
static void
flush_nothing(void *fold, Tally *tally)
{
}

/* The scale of a state; with its first row, what that one asks. */
static const Scale *
settle_scale(TallyState *state, bool is_new, const Survey *survey, const Scale *asked)
{
	Scale *scale;

	if (state->fold != NULL)
		return state->fold;
	scale = MemoryContextAlloc(state->header.eoh_context, sizeof(Scale));
	if (is_new)
	{
		const char *fault = scale_fault(survey, asked);

		if (fault != NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", fault)));
		*scale = *asked;
		if (survey->top >= 0)
			tally_set_parameter(state->tally, survey->top, psprintf("%d", asked->top));
		if (survey->points >= 0)
			tally_set_parameter(state->tally, survey->points, psprintf("%d", asked->last));
	}
	else
		*scale = survey_scale(survey, state->tally);
	state->fold = scale;
	state->flush = flush_nothing;
	return scale;
}

Datum
survey_accumulate(FunctionCallInfo fcinfo, const Survey *survey)
{
	Oid type = score_type(fcinfo);
	SurveyCall call = read_call(fcinfo, survey);
	bool is_new;
	TallyState *state = tally_state(fcinfo, 0, survey->shape, &is_new);
	const Scale *scale = settle_scale(state, is_new, survey, &call.scale);
	TallyKey key = { .text = NULL };
	ScoreFault fault;
	int32 score;

	if (unlikely(scale->last != call.scale.last || scale->top != call.scale.top))
		metric_report_changing_arguments(survey->top >= 0 ? "top and scale" : "scale",
										 survey->top >= 0);
	if (PG_ARGISNULL(1))
	{
		tally_add_total(state->tally, SURVEY_NO_ANSWER, 1);
		TALLY_RETURN_STATE(state);
	}
	fault = read_score(type, PG_GETARG_DATUM(1), scale, &score);
	if (likely(fault == SCORE_VALID))
	{
		key.numbers[SURVEY_SCORE] = score;
		tally_add(state->tally, tally_row(state->tally, &key), SURVEY_ANSWERS, 1);
	}
	else if (call.strict)
		report_score(survey, scale, fault, type, PG_GETARG_DATUM(1));
	else
		tally_add_total(state->tally, SURVEY_INVALID, 1);
	TALLY_RETURN_STATE(state);
}

/* ---- reading results ---- */

static int64
add_counts(int64 a, int64 b)
{
	if (pg_add_s64_overflow(a, b, &a))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of answers is out of range")));
	return a;
}

void
survey_answers(FunctionCallInfo fcinfo, int n, const Survey *survey, Answers *answers)
{
	const Tally *tally = tally_argument(fcinfo, n, survey->shape);
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	memset(answers, 0, sizeof(Answers));
	answers->scale = survey_scale(survey, tally);
	for (i = 0; i < nrows; i++)
	{
		int64 score = rows[i]->key.numbers[SURVEY_SCORE];
		int64 count = (int64) rows[i]->sums[SURVEY_ANSWERS];

		if (score < answers->scale.first || score > answers->scale.last ||
			answers->scale.last > SCALE_MAX_POINTS)
			report_corrupted();
		answers->counts[score - answers->scale.first] = count;
		answers->valid = add_counts(answers->valid, count);
	}
	answers->invalid = tally_total(tally, SURVEY_INVALID);
	answers->answered = add_counts(answers->valid, answers->invalid);
	answers->asked = add_counts(answers->answered, tally_total(tally, SURVEY_NO_ANSWER));
}

int64
answers_between(const Answers *answers, int32 a, int32 b)
{
	int64 sum = 0;

	for (; a <= b; a++)
		sum += answers->counts[a - answers->scale.first];
	return sum;
}

void
survey_put_response(Rows *rows, const Answers *answers)
{
	rows_put_count(rows, answers->asked);
	rows_put_count(rows, answers->answered);
	rows_put_float(rows,
				   answers->asked > 0 ? (double) answers->answered / (double) answers->asked : NAN);
	rows_put_count(rows, answers->valid);
}

void
survey_put_mean(Rows *rows, const Answers *answers, double confidence)
{
	const Scale *scale = &answers->scale;
	double n = (double) answers->valid;
	double mean = NAN;
	double half = NAN;
	int128 sum = 0;
	double squares = 0;
	int32 score;

	for (score = scale->first; score <= scale->last; score++)
		sum += (int128) score * answers->counts[score - scale->first];
	if (answers->valid > 0)
		mean = (double) sum / n;
	for (score = scale->first; score <= scale->last; score++)
		squares += (score - mean) * (score - mean) * (double) answers->counts[score - scale->first];
	if (answers->valid > 1)
		half = student_quantile(confidence, n - 1) * sqrt(squares / (n - 1) / n);
	rows_put_float(rows, mean);
	rows_put_float(rows, isnan(half) ? NAN : Max(mean - half, scale->first));
	rows_put_float(rows, isnan(half) ? NAN : Min(mean + half, scale->last));
}

Datum
survey_shares(FunctionCallInfo fcinfo, const Survey *survey,
			  const char *(*counts_as)(const Scale *scale, int32 score))
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	Answers answers;
	Rows rows;
	int32 score;

	survey_answers(fcinfo, 0, survey, &answers);
	rows_open(&rows, fcinfo);
	for (score = answers.scale.first; score <= answers.scale.last; score++)
	{
		int64 count = answers.counts[score - answers.scale.first];

		rows_begin(&rows);
		rows_put_int(&rows, score);
		rows_put_name(&rows, counts_as(&answers.scale, score));
		rows_put_count(&rows, count);
		metric_put_rate(&rows, count, answers.valid, z);
		rows_end(&rows);
	}
	return (Datum) 0;
}
