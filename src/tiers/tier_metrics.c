/*
 * tier_metrics.c
 *		The metrics of a tier_policy from JSON: what is counted, by name.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "tiers/tier_read.h"

static const char *const metric_keys[] = { "of", "values", "kinds", "labels", NULL };

const char *const tier_measure_names[] = { "sum", "events", "days" };
const char *const tier_values_names[] = { "net", "positive" };

/* A list of kinds or labels: strings, each once; sorted. */
static void
read_texts(const PolicyObject *object, const char *key, int *count, EventText **texts)
{
	const char *path = policy_path(object, key);
	JsonbValue value;
	JsonbContainer *list;
	JsonbIterator *iterator;
	int i;

	if (json_member(object->json, key, &value) == NULL)
		return;
	list = json_as_array(&value, object->type, path);
	if (JsonContainerSize(list) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a %s is empty", path, object->type),
						errhint("Leave it out where all events count.")));
	*texts = palloc_extended(JsonContainerSize(list) * sizeof(EventText), MCXT_ALLOC_HUGE);
	iterator = JsonbIteratorInit(list);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_ELEM)
	{
		char *text = json_as_string(&value, object->type, path);

		(*texts)[*count].bytes = text;
		(*texts)[*count].len = (int) strlen(text);
		(*count)++;
		CHECK_FOR_INTERRUPTS();
	}
	qsort(*texts, *count, sizeof(EventText), event_text_order);
	for (i = 1; i < *count; i++)
		if (event_text_compare(&(*texts)[i - 1], &(*texts)[i]) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of a %s has \"%.*s%s\" twice", path, object->type,
								   JSON_SHOWN((*texts)[i].bytes, (*texts)[i].len)),
							errhint("Leave one of them out.")));
}

/* Member facts say who is a member, and which tier was given: they never count. */
static void
refuse_fact_kind(const PolicyObject *object, const TierMetric *metric, const char *key,
				 const EventText *kind)
{
	if (event_text_find(kind, metric->kinds, metric->nkinds) != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" of a %s has \"%.*s%s\", which is the %s", policy_path(object, "kinds"),
					object->type, JSON_SHOWN(kind->bytes, kind->len), key),
			 errhint("Events of that kind never count. Leave it out, or name another %s.", key)));
}

static void
read_metric(const PolicyObject *object, const TierPolicy *policy, TierMetric *metric)
{
	int number;

	policy_check_keys(object, metric_keys);
	if (policy_get_choice(object, "of", tier_measure_names, lengthof(tier_measure_names), &number))
		metric->of = (TierMeasure) number;
	if (policy_get_choice(object, "values", tier_values_names, lengthof(tier_values_names),
						  &number))
	{
		if (metric->of != TIER_SUM)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of a %s is only for sums", policy_path(object, "values"),
								   object->type),
							errhint("Events and days with a negative value never count.")));
		metric->positive_only = number == 1;
	}
	read_texts(object, "kinds", &metric->nkinds, &metric->kinds);
	read_texts(object, "labels", &metric->nlabels, &metric->labels);
	refuse_fact_kind(object, metric, "join_kind", &policy->join_kind);
	refuse_fact_kind(object, metric, "grant_kind", &policy->grant_kind);
}

void
tier_metrics_read(const PolicyObject *root, TierPolicy *policy)
{
	JsonbValue key;
	JsonbValue value;
	JsonbContainer *metrics;
	JsonbIterator *iterator;

	if (json_member(root->json, "metrics", &value) == NULL)
	{
		policy->nmetrics = 1;
		policy->metrics = palloc0(sizeof(TierMetric));
		policy->metrics[0].name = TIER_METRIC_NAME;
		return;
	}
	metrics = json_as_object(&value, root->type, "metrics");
	if (JsonContainerSize(metrics) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"metrics\" of a %s is empty", root->type),
						errhint("Leave it out where the sum of values decides.")));
	if (JsonContainerSize(metrics) > TIER_MAX_METRICS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a %s can't have more than %d metrics", root->type, TIER_MAX_METRICS)));
	policy->metrics = palloc0(JsonContainerSize(metrics) * sizeof(TierMetric));
	iterator = JsonbIteratorInit(metrics);
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		TierMetric *metric = &policy->metrics[policy->nmetrics++];
		PolicyObject place;

		(void) JsonbIteratorNext(&iterator, &value, true);
		if (key.val.string.len == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"metrics\" of a %s has one without a name", root->type)));
		metric->name = pnstrdup(key.val.string.val, key.val.string.len);
		policy_enter(root, &value, tier_member_path("metrics", &key), &place);
		read_metric(&place, policy, metric);
	}
}
