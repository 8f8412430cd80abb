/*
 * nps.c
 *		The net promoter score: of those who say on a scale of 0 to 10 whether they would recommend
 *		us, how many more percent are promoters (9, 10) than detractors (0 to 6).
 *
 * Reichheld, F. F. (2003): The one number you need to grow. Harvard Business Review 81(12), 46-54.
 *
 * Its interval is the adjusted Wald interval: as if 3/4 more were promoters, 3/2 passive and 3/4
 * detractors, the score plus and minus z times the square root of (P + D - (P - D)^2) / n. Of two
 * scores, which are independent, the adjusted variances add up.
 *
 * Rocks, B. (2016): Interval estimation for the "net promoter score". The American Statistician
 * 70, 365-372. Lewis, J. and Sauro, J. (2021): How to statistically compare two net promoter
 * scores. MeasuringU.
 */
#include "postgres.h"

#include <math.h>

#include "voice/voice_internal.h"

#define NPS_BEST		   10
#define NPS_FIRST_PASSIVE  7
#define NPS_FIRST_PROMOTER 9

/* Answers that the adjusted interval adds: promoters, detractors, and all. */
#define NPS_ADDED_END	   0.75
#define NPS_ADDED		   3.0

/* Points that a share of 1 is. */
#define NPS_POINTS		   100.0

static const char *nps_fault(const Tally *tally);

static const TallyShape nps_shape = {
	.type = "nps_result",
	.maker = "nps() and rollup()",
	TALLY_KEYS(survey_keys),
	TALLY_SUMS(survey_sums),
	TALLY_TOTALS(survey_totals),
	.lacks = survey_lacks,
	.fault = nps_fault,
};

static const Survey nps = { &nps_shape, "nps", -1, -1, { 0, NPS_BEST, 0 } };

static const char *
nps_fault(const Tally *tally)
{
	return survey_fault(&nps, tally);
}

/* loyalty_nps_result_in, loyalty_nps_result_out, loyalty_nps_result_recv, loyalty_nps_result_send,
 * loyalty_nps_result_merge, loyalty_nps_result_scope */
TALLY_TYPE(nps_result, &nps_shape)

PG_FUNCTION_INFO_V1(loyalty_nps_accum);
PG_FUNCTION_INFO_V1(loyalty_nps_table);
PG_FUNCTION_INFO_V1(loyalty_nps_shares);
PG_FUNCTION_INFO_V1(loyalty_nps_difference);

/* nps_accum(state, score [, strict]) */
Datum
loyalty_nps_accum(PG_FUNCTION_ARGS)
{
	return survey_accumulate(fcinfo, &nps);
}

/* Shares of 1. */
typedef struct NetPromoters
{
	int64 promoters;
	int64 passives;
	int64 detractors;
	double score;	 /* NaN without answers */
	double adjusted; /* the score with what the interval adds, */
	double variance; /* and the variance of that */
} NetPromoters;

static NetPromoters
net_promoters(const Answers *answers)
{
	NetPromoters net;
	double promoters;
	double detractors;
	double n = (double) answers->valid + NPS_ADDED;

	net.promoters = answers_between(answers, NPS_FIRST_PROMOTER, NPS_BEST);
	net.passives = answers_between(answers, NPS_FIRST_PASSIVE, NPS_FIRST_PROMOTER - 1);
	net.detractors = answers_between(answers, 0, NPS_FIRST_PASSIVE - 1);
	net.score = net.adjusted = net.variance = NAN;
	if (answers->valid > 0)
	{
		promoters = ((double) net.promoters + NPS_ADDED_END) / n;
		detractors = ((double) net.detractors + NPS_ADDED_END) / n;
		net.score = (double) (net.promoters - net.detractors) / (double) answers->valid;
		net.adjusted = (double) (net.promoters - net.detractors) / n;

		/* P + D - (P - D)^2, without taking away what is nearly the same */
		net.variance = (promoters * (1 - promoters) + detractors * (1 - detractors) +
						2 * promoters * detractors) /
					   n;
	}
	return net;
}

/* Puts an interval in points, cut to what there can be. */
static void
put_interval(Rows *rows, double middle, double half, double limit)
{
	rows_put_float(rows, isnan(middle) ? NAN : NPS_POINTS * Max(middle - half, -limit));
	rows_put_float(rows, isnan(middle) ? NAN : NPS_POINTS * Min(middle + half, limit));
}

/* nps_table(result, confidence) */
Datum
loyalty_nps_table(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(1));
	Answers answers;
	NetPromoters net;
	Rows rows;

	survey_answers(fcinfo, 0, &nps, &answers);
	net = net_promoters(&answers);
	rows_open(&rows, fcinfo);
	rows_begin(&rows);
	survey_put_response(&rows, &answers);
	rows_put_count(&rows, net.promoters);
	rows_put_count(&rows, net.passives);
	rows_put_count(&rows, net.detractors);
	rows_put_count(&rows, answers.invalid);
	rows_put_float(&rows, NPS_POINTS * net.score);
	put_interval(&rows, net.adjusted, z * sqrt(net.variance), 1);
	rows_end(&rows);
	return (Datum) 0;
}

/* nps_difference(a, b, confidence) */
Datum
loyalty_nps_difference(PG_FUNCTION_ARGS)
{
	double z = confidence_quantile(PG_GETARG_FLOAT8(2));
	Answers answers;
	NetPromoters a;
	NetPromoters b;
	double adjusted;
	double std_error;
	Rows rows;

	survey_answers(fcinfo, 0, &nps, &answers);
	a = net_promoters(&answers);
	survey_answers(fcinfo, 1, &nps, &answers);
	b = net_promoters(&answers);
	adjusted = a.adjusted - b.adjusted;
	std_error = sqrt(a.variance + b.variance);
	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	rows_put_float(&rows, NPS_POINTS * (a.score - b.score));
	put_interval(&rows, adjusted, z * std_error, 2);
	rows_put_float(&rows, adjusted / std_error);
	rows_put_float(&rows, normal_two_sided(adjusted / std_error));
	return rows_record(&rows);
}

static const char *
counts_as(const Scale *scale, int32 score)
{
	if (score >= NPS_FIRST_PROMOTER)
		return "promoter";
	return score >= NPS_FIRST_PASSIVE ? "passive" : "detractor";
}

/* score_shares(result, confidence) */
Datum
loyalty_nps_shares(PG_FUNCTION_ARGS)
{
	return survey_shares(fcinfo, &nps, counts_as);
}
