/*
 * voice_internal.h
 *		Answers to a question with a scale, counted by score: what the surveys share.
 */
#ifndef LOYALTY_VOICE_INTERNAL_H
#define LOYALTY_VOICE_INTERNAL_H

#include "postgres.h"

#include "fmgr.h"

#include "core/rows.h"
#include "metric/statistics.h"
#include "metric/tally.h"

/* The most points that a scale has. */
#define SCALE_MAX_POINTS 100

/* Scores from first to last. */
typedef struct Scale
{
	int32 first;
	int32 last;
	int32 top; /* how many of the best ones count as satisfied; 0: that isn't asked */
} Scale;

/* A survey's question: its aggregate has the score as an argument, then what the scale has of top
 * and points, then perhaps strict. */
typedef struct Survey
{
	const TallyShape *shape;
	const char *name; /* of the aggregate */
	int top;		  /* the parameter of the result that it is; -1: there is none */
	int points;
	Scale usual; /* where the aggregate leaves it out */
} Survey;

/* The transition function (state, score, arguments). */
extern Datum survey_accumulate(FunctionCallInfo fcinfo, const Survey *survey);

/* The scale of a result, and what is wrong with one from outside; NULL: nothing. */
extern Scale survey_scale(const Survey *survey, const Tally *tally);
extern const char *survey_fault(const Survey *survey, const Tally *tally);

/* What the shapes share: keys, sums, totals, and that there are no customers. */
#define SURVEY_KEYS	  1
#define SURVEY_TOTALS 4
extern const TallyColumn survey_keys[SURVEY_KEYS];
extern const TallyColumn survey_sums[1];
extern const char *const survey_totals[SURVEY_TOTALS];
extern bool survey_lacks(const Tally *tally, const char *name);

/* A result, opened. */
typedef struct Answers
{
	Scale scale;
	int64 counts[SCALE_MAX_POINTS + 1]; /* by score - first */
	int64 valid;						/* all of them; 22003 past 2^63 - 1 */
	int64 invalid;
	int64 answered;
	int64 asked;
} Answers;

/* Of the result in argument n. */
extern void survey_answers(FunctionCallInfo fcinfo, int n, const Survey *survey, Answers *answers);

/* How many gave one of the scores from a to b. */
extern int64 answers_between(const Answers *answers, int32 a, int32 b);

/* Puts asked, answered, response_rate, n. */
extern void survey_put_response(Rows *rows, const Answers *answers);

/* Puts the mean score, and Student's interval of it at that confidence, cut to the scale: NULL
 * where there are no answers, or one. */
extern void survey_put_mean(Rows *rows, const Answers *answers, double confidence);

/* The rows of score_shares(): counts_as says what a score counts as. */
extern Datum survey_shares(FunctionCallInfo fcinfo, const Survey *survey,
						   const char *(*counts_as)(const Scale *scale, int32 score));

#endif
