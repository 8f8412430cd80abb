/*
 * earn_rate.c
 *		Exact rates: what an amount earns, with its multipliers, rounded once.
 *
 * Everything is a fraction of 128-bit integers:
 *
 *		amount x num / den						a rate per amount
 *		floor(amount x step_mul / step_div)		full steps
 *		x weighted / (lines x one)				the mean of the lines' multipliers
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "earn/earn_state.h"

/* ---- fractions ---- */

static int128
common_divisor(int128 a, int128 b)
{
	while (b != 0)
	{
		int128 rest = a % b;

		a = b;
		b = rest;
	}
	return a < 0 ? -a : a;
}

/* Makes a fraction as short as it can be; den is more than 0. */
static void
shorten(int128 *num, int128 *den)
{
	int128 divisor = common_divisor(*num, *den);

	if (divisor > 1)
	{
		*num /= divisor;
		*den /= divisor;
	}
}

static void
multiply(const EarnWalk *walk, int128 *num, int128 *den, int128 by_num, int128 by_den)
{
	int128 new_num;
	int128 new_den;

	if (int128_mul_overflow(*num, by_num, &new_num) || int128_mul_overflow(*den, by_den, &new_den))
	{
		shorten(num, den);
		shorten(&by_num, &by_den);
		shorten(num, &by_den);
		shorten(&by_num, den);
		new_num = earn_mul(walk, *num, by_num);
		new_den = earn_mul(walk, *den, by_den);
	}
	*num = new_num;
	*den = new_den;
}

int128
earn_divide(int128 num, int128 den, EarnRounding rounding)
{
	int128 whole = num / den;
	int128 rest = num % den;
	int128 away = num < 0 ? -1 : 1;
	int half; /* the rest against one half: -1, 0, 1 */

	if (rest == 0)
		return whole;
	if (rest < 0)
		rest = -rest;
	half = rest > den - rest ? 1 : rest == den - rest ? 0 : -1;
	switch (rounding)
	{
		case EARN_TRUNCATE:
			return whole;
		case EARN_FLOOR:
			return num < 0 ? whole - 1 : whole;
		case EARN_CEILING:
			return num < 0 ? whole : whole + 1;
		case EARN_HALF_UP:
			return half >= 0 ? whole + away : whole;
		case EARN_HALF_DOWN:
			return half > 0 ? whole + away : whole;
		case EARN_HALF_EVEN:
			return half > 0 || (half == 0 && whole % 2 != 0) ? whole + away : whole;
	}
	elog(ERROR, "unknown rounding %d", (int) rounding);
}

/* ---- terms ---- */

/* How many decimals the weights of a version's lines have. */
static int
weight_scale(const EarnVersion *rules)
{
	int scale = 0;
	int i;

	for (i = 0; i < rules->nrules; i++)
		scale = rules->combine == EARN_MULTIPLY ? scale + rules->rules[i].times.scale
												: Max(scale, rules->rules[i].times.scale);
	return scale;
}

/* The least amount, at the scale of values, that isn't less than the minimum. */
static int128
least_amount(const EarnWalk *walk, const Decimal *minimum, int scale)
{
	int64 power;

	if (minimum->scale <= scale)
		return earn_mul(walk, minimum->units, decimal_power[scale - minimum->scale]);
	power = decimal_power[minimum->scale - scale];
	return ((int128) minimum->units + power - 1) / power;
}

static void
prepare_terms(EarnWalk *walk, EarnTerms *terms, int scale)
{
	const EarnVersion *rules = terms->rules;
	int64 decimals = decimal_power[rules->decimals];

	terms->num =
		earn_mul(walk, (int128) rules->rate.units * decimals, decimal_power[rules->per.scale]);
	terms->den = (int128) rules->per.units * decimal_power[rules->rate.scale];
	shorten(&terms->num, &terms->den);
	multiply(walk, &terms->num, &terms->den, 1, decimal_power[scale]);
	shorten(&terms->num, &terms->den);
	terms->weigh_num = terms->num;
	terms->weigh_den = terms->den;
	multiply(walk, &terms->weigh_num, &terms->weigh_den, 1, terms->one);
	shorten(&terms->weigh_num, &terms->weigh_den);
	terms->step_mul = decimal_power[rules->per.scale];
	terms->step_div = rules->per.units;
	shorten(&terms->step_mul, &terms->step_div);
	multiply(walk, &terms->step_mul, &terms->step_div, 1, decimal_power[scale]);
	terms->step_num = (int128) rules->rate.units * decimals;
	terms->step_den = decimal_power[rules->rate.scale];
	terms->needed = least_amount(walk, &rules->minimum, scale);
}

void
earn_prepare(EarnWalk *walk, int scale)
{
	int i;

	if (walk->scale == scale)
		return;
	walk->scale = -1; /* until all of them are done */
	for (i = 0; i < walk->policy->nversions; i++)
	{
		EarnTerms *terms = &walk->terms[i];

		terms->weight_scale = weight_scale(terms->rules);
		terms->one = decimal_power[terms->weight_scale];
		prepare_terms(walk, terms, scale);
		CHECK_FOR_INTERRUPTS();
	}
	walk->scale = scale;
}

/* ---- points ---- */

/* A rounded number of units of the version's own decimals, as points. */
static int64
as_points(const EarnWalk *walk, const EarnTerms *terms, int128 units)
{
	int128 points = earn_mul(walk, units, terms->unit);

	if (points > PG_INT64_MAX || points < -PG_INT64_MAX)
		earn_report_out_of_range(walk);
	return (int64) points;
}

int64
earn_points(const EarnWalk *walk, const EarnTerms *terms, int128 amount, int128 lines,
			int128 weighted, bool negative)
{
	const EarnVersion *rules = terms->rules;
	int128 num;
	int128 den;

	if (amount == 0 || weighted == 0)
		return 0;
	if (rules->full_steps)
	{
		num = earn_mul(walk, amount, terms->step_mul) / terms->step_div;
		num = earn_mul(walk, num, terms->step_num);
		den = terms->step_den;
	}
	else if (amount == lines)
	{
		num = weighted;
		den = terms->weigh_den;
		multiply(walk, &num, &den, terms->weigh_num, 1);
		lines = 0; /* all of them are in it */
	}
	else
	{
		num = amount;
		den = terms->den;
		multiply(walk, &num, &den, terms->num, 1);
	}
	if (lines != 0 && rules->nrules > 0)
	{
		int128 weight = earn_mul(walk, lines, terms->one);

		if (weighted != weight)
			multiply(walk, &num, &den, weighted, weight);
	}
	if (!negative && num <= PG_INT64_MAX && den <= PG_INT64_MAX && rules->rounding == EARN_TRUNCATE)
		return as_points(walk, terms, (int64) num / (int64) den);
	return as_points(walk, terms, earn_divide(negative ? -num : num, den, rules->rounding));
}

/* ---- multipliers ---- */

/* Seconds of the local day. */
static int32
time_now(EarnWalk *walk)
{
	if (walk->time < 0)
	{
		struct pg_tm tm;
		fsec_t fraction;
		int offset;

		if (timestamp2tm(walk->now, &offset, &tm, &fraction, NULL, walk->zone->zone) != 0)
			ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
							errmsg("timestamp out of range")));
		walk->time =
			tm.tm_hour * SECS_PER_HOUR + tm.tm_min * SECS_PER_MINUTE + tm.tm_sec % SECS_PER_MINUTE;
	}
	return walk->time;
}

static bool
is_within_hours(EarnWalk *walk, const EarnRule *rule)
{
	int32 now;

	if (!walk->has_time)
		return false;
	now = time_now(walk);
	if (rule->hours_from < rule->hours_until)
		return now >= rule->hours_from && now < rule->hours_until;
	return now >= rule->hours_from || now < rule->hours_until;
}

/* 0 is Monday. */
static int
weekday_of(DateADT day)
{
	int weekday = (day + 5) % 7; /* 2000-01-01 was a Saturday */

	return weekday < 0 ? weekday + 7 : weekday;
}

bool
earn_rule_holds(EarnWalk *walk, const EarnTerms *terms, int rule, int label_no)
{
	const EarnRule *conditions = &terms->rules->rules[rule];
	int number = terms->first_rule + rule;

	if (conditions->nlabels > 0 &&
		!walk->rule_labels[(int64) number * (walk->nlabels + 1) + label_no])
		return false;
	if (conditions->ntiers > 0 &&
		(walk->tier < 0 || !walk->rule_tiers[(int64) number * walk->ntiers + walk->tier]))
		return false;
	if (walk->today < conditions->from || walk->today >= conditions->until)
		return false;
	if (conditions->weekdays != 0 && (conditions->weekdays & (1 << weekday_of(walk->today))) == 0)
		return false;
	return !conditions->has_hours || is_within_hours(walk, conditions);
}

/* A multiplier as a weight. */
static int64
weight_of(const EarnTerms *terms, int rule)
{
	const Decimal *times = &terms->rules->rules[rule].times;

	return decimal_rescale(times->units, times->scale, terms->weight_scale);
}

/* The multiplier that counts where the highest does; -1: none holds. */
static int
highest_rule(EarnWalk *walk, const EarnTerms *terms, int label_no)
{
	int highest = -1;
	int i;

	for (i = 0; i < terms->rules->nrules; i++)
		if ((highest < 0 || weight_of(terms, i) > weight_of(terms, highest)) &&
			earn_rule_holds(walk, terms, i, label_no))
			highest = i;
	return highest;
}

int128
earn_weight(EarnWalk *walk, const EarnTerms *terms, int label_no, EarnShare *shares, int64 value)
{
	const EarnVersion *rules = terms->rules;
	bool only_highest = rules->combine == EARN_HIGHEST;
	int highest = only_highest ? highest_rule(walk, terms, label_no) : -1;
	int128 weight = terms->one;
	int capped = 0;
	int i;

	for (i = 0; i < rules->nrules; i++)
	{
		int128 before = Max(weight, 0);

		if (only_highest ? i == highest : earn_rule_holds(walk, terms, i, label_no))
		{
			if (only_highest)
				weight = weight_of(terms, i);
			else if (rules->combine == EARN_ADD)
				weight += weight_of(terms, i) - terms->one;
			else
				weight = earn_mul(walk, weight, rules->rules[i].times.units) /
						 decimal_power[rules->rules[i].times.scale];
		}
		if (shares != NULL && capped < terms->ncapped && terms->capped[capped] == i)
		{
			EarnShare *share = &shares[capped++];

			share->without = earn_add(walk, share->without, earn_mul(walk, before, value));
			share->with = earn_add(walk, share->with, earn_mul(walk, Max(weight, 0), value));
		}
	}
	return Max(weight, 0);
}
