/*
 * rfm_fold.c
 *		What the metrics of segments have in common: scale and rules as arguments and as parameters,
 *		the rank of a customer's segment, and customers who are kept until their own scale is known.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"
#include "segments/rfm_internal.h"

/* ---- what is asked ---- */

#define ARGUMENT_SCALE 0
#define ARGUMENT_RULES 1

void
rfm_open_question(MetricQuestion *question)
{
	RfmSegmenter *segmenter = palloc(sizeof(RfmSegmenter));
	const struct varlena *scale = question->values[ARGUMENT_SCALE];

	rfm_segmenter_open(segmenter, scale != NULL ? rfm_scale_open(scale) : NULL,
					   rfm_rules_open(question->values[ARGUMENT_RULES]));
	question->own = segmenter;
}

const char *
rfm_parameter_text(const MetricQuestion *question, const char *parameter)
{
	const struct varlena *value =
		question->values[strcmp(parameter, RFM_SCALE) == 0 ? ARGUMENT_SCALE : ARGUMENT_RULES];

	return value != NULL ? policy_unpack(value) : NULL;
}

/* ---- segments ---- */

/* Scores whose segments are looked up: so many bins at most. */
#define GRID_BINS 16

void
rfm_segmenter_open(RfmSegmenter *segmenter, const RfmScale *scale, const RfmRules *rules)
{
	int bins = scale != NULL ? scale->recency.n + 1 : 0;
	int scores[RFM_MEASURES];
	int *rank;

	segmenter->scorer = scale != NULL ? rfm_scorer_create(scale) : NULL;
	segmenter->rules = rules;
	segmenter->ranks = NULL;
	if (bins > GRID_BINS)
		return;
	segmenter->ranks = rank = palloc((bins * bins * bins + 1) * sizeof(int));
	for (scores[RFM_RECENCY] = 1; scores[RFM_RECENCY] <= bins; scores[RFM_RECENCY]++)
		for (scores[RFM_FREQUENCY] = 1; scores[RFM_FREQUENCY] <= bins; scores[RFM_FREQUENCY]++)
			for (scores[RFM_MONETARY] = 1; scores[RFM_MONETARY] <= bins; scores[RFM_MONETARY]++)
				*rank++ = rfm_rules_rank(rules, scores);
}

int
rfm_segmenter_rank(const RfmSegmenter *segmenter, const RfmCustomer *customer, DateADT as_of)
{
	int scores[RFM_MEASURES];
	int bins;

	if (customer->frequency == 0)
		return segmenter->rules->nsegments + 1;
	bins = segmenter->scorer->bins;
	rfm_scores(segmenter->scorer, customer, as_of, scores);
	if (segmenter->ranks == NULL)
		return rfm_rules_rank(segmenter->rules, scores);
	return segmenter->ranks[((scores[RFM_RECENCY] - 1) * bins + scores[RFM_FREQUENCY] - 1) * bins +
							scores[RFM_MONETARY] - 1];
}

/* ---- customers who are kept ---- */

int64
rfm_monetary_units(const RfmCustomer *customer)
{
	if (customer->monetary != (int64) customer->monetary)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the sum of a customer's values is out of range: %s",
						decimal_sum_to_text(customer->monetary, customer->scale)),
				 errhint("Fewer decimals leave room for larger sums: use round(value, 2).")));
	return (int64) customer->monetary;
}

void
rfm_keep(RfmCrowd *crowd, const RfmCustomer *customer)
{
	RfmKept *kept;

	crowd->customers =
		array_grow_in(crowd->context, crowd->customers, &crowd->max, crowd->n + 1, sizeof(RfmKept));
	kept = &crowd->customers[crowd->n++];
	kept->monetary = rfm_monetary_units(customer);
	kept->last = customer->last;
	kept->frequency = customer->frequency;
	kept->scale = customer->scale;
}

RfmCustomer
rfm_kept_customer(const RfmCrowd *crowd, int64 n)
{
	const RfmKept *kept = &crowd->customers[n];
	RfmCustomer customer = { .frequency = kept->frequency,
							 .last = kept->last,
							 .monetary = kept->monetary,
							 .scale = kept->scale };

	return customer;
}

RfmScale *
rfm_scale_of_crowd(const RfmCrowd *crowd, int64 step, int64 offset, DateADT as_of)
{
	CountedNumbers counted[RFM_MEASURES] = { { 0 } };
	RfmValues values[RFM_MEASURES];
	RfmScale *made;
	int scale = 0;
	int64 i;

	for (i = offset; i < crowd->n; i += step)
		scale = Max(scale, crowd->customers[i].scale);
	for (i = 0; i < RFM_MEASURES; i++)
		counted_reserve(&counted[i], crowd->context, crowd->n / step);
	for (i = offset; i < crowd->n; i += step)
	{
		const RfmKept *kept = &crowd->customers[i];

		if (kept->frequency == 0)
			continue;
		counted_add(&counted[RFM_RECENCY], crowd->context, as_of - kept->last);
		counted_add(&counted[RFM_FREQUENCY], crowd->context, kept->frequency);
		counted_add(&counted[RFM_MONETARY], crowd->context,
					decimal_rescale(kept->monetary, kept->scale, scale));
	}
	for (i = 0; i < RFM_MEASURES; i++)
	{
		counted_settle(&counted[i], crowd->context);
		values[i].values = counted[i].counted;
		values[i].n = counted[i].ncounted;
	}
	made = rfm_scale_of_values(values, scale, RFM_BINS);
	for (i = 0; i < RFM_MEASURES; i++)
		counted_clear(&counted[i]);
	return made;
}

/* ---- results ---- */

RfmRules *
rfm_result_rules(const Tally *tally)
{
	const char *rules = tally_parameter(tally, RFM_PARAMETER_RULES);

	return rules != NULL ? policy_open_text(&rfm_rules_table, rules) : NULL;
}

const char *
rfm_result_fault(const Tally *tally, int nkeys, RfmRules **rules)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;
	int key;

	*rules = rfm_result_rules(tally);
	if (*rules == NULL)
		return "There is no \"rules\".";
	for (i = 0; i < nrows; i++)
		for (key = 0; key < nkeys; key++)
		{
			int64 rank = rows[i]->key.numbers[key];

			if (rank < 1 || rank > (*rules)->nsegments + 1)
				return "There is a rank that the rules don't have.";
			if (rank <= (*rules)->nsegments && tally_parameter(tally, RFM_PARAMETER_SCALE) == NULL)
				return "There are customers who have bought, but no \"rfm_scale\".";
		}
	return NULL;
}
