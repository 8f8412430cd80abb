/*
 * points_method.c
 *		The type redemption_method: how redemptions to come are estimated. Its keys, and what
 *		contradicts what.
 */
#include "postgres.h"

#include <math.h>

#include "policy/policy.h"
#include "points/points_internal.h"

#define RATE_DECIMALS	9
#define MAX_TAIL_FACTOR 100
#define MIN_REPLICATES	100
#define MAX_REPLICATES	100000

static const char *const by_names[] = { "chain_ladder", "bornhuetter_ferguson", "cape_cod" };
static const char *const tail_names[] = { "none", "exponential", "inverse_power" };
static const char *const error_names[] = { "analytic", "bootstrap" };

/* ---- keys ---- */

static double
number_of(const Decimal *decimal)
{
	return (double) decimal->units / (double) decimal_power[decimal->scale];
}

static bool
is_given(const Decimal *decimal)
{
	return decimal->units >= 0;
}

static void
report_range(const PolicyObject *object, const PolicyKey *key, const char *problem,
			 const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" of a %s is %s", policy_path(object, key->name), object->type, problem),
			 errhint("%s", hint)));
}

static const Decimal *
decimal_at(const PolicyKey *key, const void *method)
{
	return (const Decimal *) ((const char *) method + key->at);
}

static void
check_rate(const PolicyObject *object, const PolicyKey *key, void *method, void *version)
{
	if (number_of(decimal_at(key, method)) > 1)
		report_range(object, key, "more than 1",
					 "It is a share of the points issued, such as 0.7.");
}

static void
check_factor(const PolicyObject *object, const PolicyKey *key, void *method, void *version)
{
	const Decimal *factor = decimal_at(key, method);

	if (!is_given(factor))
		return;
	if (number_of(factor) < 1)
		report_range(
			object, key, "below 1",
			"What was redeemed by the oldest age grows by it: 1.05 is 5 % more, 1 nothing.");
	if (number_of(factor) > MAX_TAIL_FACTOR)
		report_range(object, key, psprintf("more than %d", MAX_TAIL_FACTOR),
					 "Where so much is still to come, the triangle says nothing: take by "
					 "\"bornhuetter_ferguson\" with a prior_rate.");
}

static void
check_replicates(const PolicyObject *object, const PolicyKey *key, void *method, void *version)
{
	if (((const RedemptionMethod *) method)->replicates < MIN_REPLICATES)
		report_range(object, key, psprintf("below %d", MIN_REPLICATES),
					 "Fewer don't show an interval; 1000 is the default.");
}

static const PolicyKey keys[] = {
	{ .name = "by",
	  .type = POLICY_CHOICE,
	  .argument = 1,
	  POLICY_AT(RedemptionMethod, by),
	  POLICY_NAMES(by_names) },
	{ .name = "prior_rate",
	  .type = POLICY_NUMBER_OR_ZERO,
	  .argument = 2,
	  .most = RATE_DECIMALS,
	  POLICY_AT(RedemptionMethod, given_prior),
	  .check = check_rate },
	{ .name = "prior_error",
	  .type = POLICY_NUMBER_OR_ZERO,
	  .argument = 3,
	  .most = RATE_DECIMALS,
	  POLICY_AT(RedemptionMethod, given_prior_error),
	  .check = check_rate },
	{ .name = "tail",
	  .type = POLICY_CHOICE,
	  .argument = 4,
	  POLICY_AT(RedemptionMethod, tail),
	  POLICY_NAMES(tail_names) },
	{ .name = "tail_factor",
	  .type = POLICY_NUMBER_OR_ZERO,
	  .argument = 5,
	  .most = RATE_DECIMALS,
	  POLICY_AT(RedemptionMethod, given_tail),
	  .check = check_factor },
	{ .name = "tail_error",
	  .type = POLICY_NUMBER_OR_ZERO,
	  .argument = 6,
	  .most = RATE_DECIMALS,
	  POLICY_AT(RedemptionMethod, given_tail_error) },
	{ .name = "last_age",
	  .type = POLICY_COUNT,
	  .argument = 7,
	  .most = METRIC_MAX_COUNT,
	  .hint = "It is the age, in periods of the triangle, at which points are gone.",
	  POLICY_AT(RedemptionMethod, last_age) },
	{ .name = "errors",
	  .type = POLICY_CHOICE,
	  .argument = 8,
	  POLICY_AT(RedemptionMethod, bootstraps),
	  POLICY_NAMES(error_names) },
	{ .name = "replicates",
	  .type = POLICY_COUNT,
	  .argument = 9,
	  .most = MAX_REPLICATES,
	  .hint = "1000 show an interval of 95 %; a longer bootstrap only takes longer.",
	  POLICY_AT(RedemptionMethod, replicates),
	  .check = check_replicates },
	{ .name = "seed",
	  .type = POLICY_COUNT,
	  .argument = 10,
	  .most = INT_MAX,
	  .hint = "Any whole number from 0 to 2147483647 does.",
	  POLICY_AT(RedemptionMethod, seed) },
	{ .name = NULL }
};

/* ---- what contradicts what ---- */

static void
check_method(const PolicyObject *object, const PolicyKey *key, void *opened, void *version)
{
	const RedemptionMethod *method = opened;

	if (method->by == REDEMPTION_BORNHUETTER_FERGUSON && !is_given(&method->given_prior))
		policy_report_needs(
			object, "by", "prior_rate",
			"By \"bornhuetter_ferguson\", say which share of points you expect to be "
			"redeemed in the end; \"cape_cod\" takes it from the triangle.");
	if (method->by == REDEMPTION_CHAIN_LADDER && is_given(&method->given_prior))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"prior_rate\" of a %s is given, but it goes by \"%s\"", object->type,
						by_names[method->by]),
				 errhint("The chain ladder knows no prior rate: by \"bornhuetter_ferguson\" "
						 "it counts, by \"cape_cod\" as long as the triangle says nothing.")));
	if (!is_given(&method->given_prior) && policy_has(object, "prior_error"))
		policy_report_needs(object, "prior_error", "prior_rate",
							"It is the standard error of that rate.");
	policy_refuse_both(object, "tail", "tail_factor",
					   "A tail is fitted to the triangle, or given as a factor.");
	if (!is_given(&method->given_tail) && policy_has(object, "tail_error"))
		policy_report_needs(object, "tail_error", "tail_factor",
							"It is the standard error of that factor; that of a fitted tail comes "
							"from the fit.");
	if (!method->bootstraps && policy_has(object, "replicates"))
		policy_report_needs(object, "replicates", "errors",
							"Replicates are those of \"errors\": \"bootstrap\".");
	if (!method->bootstraps && policy_has(object, "seed"))
		policy_report_needs(object, "seed", "errors",
							"It is the seed of \"errors\": \"bootstrap\".");
	if (policy_has(object, "last_age") && method->tail == REDEMPTION_NO_TAIL &&
		!is_given(&method->given_tail))
		policy_report_needs(object, "last_age", "tail",
							"It says how far a tail goes: fitted, or given as tail_factor.");
}

static void
set_numbers(void *opened)
{
	RedemptionMethod *method = opened;

	method->prior_rate = is_given(&method->given_prior) ? number_of(&method->given_prior) : NAN;
	method->prior_error = number_of(&method->given_prior_error);
	method->tail_factor = is_given(&method->given_tail) ? number_of(&method->given_tail) : NAN;
	method->tail_error = number_of(&method->given_tail_error);
}

/* A number below zero: it isn't given. */
static const RedemptionMethod default_method = { .nversions = 1,
												 .given_prior = { .units = -1 },
												 .given_tail = { .units = -1 },
												 .last_age = REDEMPTION_NO_LAST_AGE,
												 .replicates = 1000,
												 .seed = 1 };
static const RedemptionVersion no_version = { .from = DATEVAL_NOBEGIN };

const PolicyTable redemption_method_table = { .type = "redemption_method",
											  .null_hint = "'{}' is the chain ladder.",
											  .keys = keys,
											  POLICY_STRUCTS(RedemptionMethod, RedemptionMethod,
															 RedemptionVersion),
											  .policy = &default_method,
											  .version = &no_version,
											  .check = check_method,
											  .finish = set_numbers };

/* loyalty_make_redemption_method, loyalty_redemption_method_in, loyalty_redemption_method_out,
 * loyalty_redemption_method_recv, loyalty_redemption_method_send, loyalty_redemption_method */
POLICY_TYPE(redemption_method, RedemptionMethod)

static void *
open_method(const struct varlena *method)
{
	return redemption_method_open(method);
}

const RedemptionMethod *
redemption_method_argument(FunctionCallInfo fcinfo, int n)
{
	return policy_argument(fcinfo, n, &redemption_method_table, open_method);
}
