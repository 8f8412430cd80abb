/*
 * earn_rate.c
 *		Exact rates: what an amount earns, with its multipliers, rounded once and within caps; and
 *		the words of points_accrual_events() for that.
 *
 * Everything is a fraction of 128-bit integers:
 *
 *		amount x num / den						a rate per amount
 *		floor(amount x step_mul / step_div)		full steps
 *		x weighted / (lines x one)				the mean of the lines' multipliers
 *
 * The words are documented in doc/reference-program.md; parts are joined by ", ":
 *
 *		42.50 at 1 per 1.00, x2 saturday, capped by 30 a day
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/datetime.h"

#include "calendar/calendar.h"
#include "earn/earn_internal.h"

/* Of a bucket that nothing was counted in. */
#define NO_KEY PG_INT32_MIN

void
earn_report_out_of_range(const EarnWalk *walk)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("points are out of range"),
			 walk->customer != NULL ? errdetail("Customer %s.", walk->customer) : 0,
			 errhint("Amounts and rates with fewer decimals leave room for larger numbers.")));
}

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

void
earn_scale_caps(const EarnPolicy *policy, const EarnCaps *caps, int64 *scaled)
{
	int i;

	for (i = 0; i < EARN_SPANS; i++)
	{
		const Decimal *most = &caps->most[i];

		scaled[i] = -1;
		if (caps->any && most->units >= 0)
			scaled[i] = decimal_rescale(most->units, most->scale, policy->scale);
	}
}

/* Numbers the multipliers of all versions; those that several versions share, once. */
static void
number_rules(EarnWalk *walk)
{
	const EarnPolicy *policy = walk->policy;
	int64 count = 0;
	int v;
	int i;

	for (v = 0; v < policy->nversions; v++)
		count += policy->versions[v].nrules;
	walk->rules = palloc_extended((count + 1) * sizeof(EarnRule *), MCXT_ALLOC_HUGE);
	for (v = 0; v < policy->nversions; v++)
	{
		const EarnVersion *version = &policy->versions[v];
		EarnTerms *terms = &walk->terms[v];

		if (v > 0 && version->rules == version[-1].rules)
		{
			terms->first_rule = terms[-1].first_rule;
			continue;
		}
		terms->first_rule = walk->nrules;
		for (i = 0; i < version->nrules; i++)
		{
			walk->rules[walk->nrules++] = &version->rules[i];
			walk->has_labels |= version->rules[i].nlabels > 0;
		}
	}
}

/* What of a version's terms doesn't depend on the scale of values. */
static void
open_version(EarnWalk *walk, EarnTerms *terms)
{
	const EarnVersion *rules = terms->rules;
	int span;
	int i;

	terms->unit = decimal_power[walk->policy->scale - rules->decimals];
	earn_scale_caps(walk->policy, &rules->caps, terms->caps);
	for (span = EARN_DAY; span < EARN_SPANS; span++)
	{
		walk->counts_all |= terms->caps[span] >= 0;
		terms->max_orders[span] = rules->max_orders.most[span].units;
	}
	terms->limits_orders = rules->max_orders.any;
	walk->counts_orders |= rules->max_orders.any;
	terms->capped = palloc((rules->nrules + 1) * sizeof(int));
	terms->capped_caps = palloc((rules->nrules + 1) * EARN_SPANS * sizeof(int64));
	for (i = 0; i < rules->nrules; i++)
	{
		if (rules->rules[i].counter < 0 && !(walk->by_label && rules->rules[i].label >= 0))
			continue;
		earn_scale_caps(walk->policy, &rules->rules[i].cap,
						&terms->capped_caps[terms->ncapped * EARN_SPANS]);
		terms->capped[terms->ncapped++] = i;
	}
}

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
earn_open_terms(EarnWalk *walk)
{
	const EarnPolicy *policy = walk->policy;
	int i;

	walk->scale = -1;
	walk->terms =
		palloc_extended(policy->nversions * sizeof(EarnTerms), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < policy->nversions; i++)
	{
		walk->terms[i].rules = &policy->versions[i];
		open_version(walk, &walk->terms[i]);
		CHECK_FOR_INTERRUPTS();
	}
	number_rules(walk);
	walk->counters = palloc_extended(policy->ncounters * sizeof(EarnCounter), MCXT_ALLOC_HUGE);
}

static void
set_scale(EarnWalk *walk, int scale)
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

static void
clear_counter(EarnCounter *counter)
{
	int span;

	memset(counter, 0, sizeof(EarnCounter));
	for (span = 0; span < 3; span++)
		counter->spans[span].key[0] = counter->spans[span].key[1] = NO_KEY;
}

static void
clear_counters(EarnWalk *walk)
{
	int i;

	for (i = 0; i < walk->policy->ncounters; i++)
		clear_counter(&walk->counters[i]);
	if (walk->counts_orders)
		clear_counter(&walk->earning);
}

void
earn_start_terms(EarnWalk *walk, int scale)
{
	set_scale(walk, scale);
	clear_counters(walk);
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

/* Does a multiplier hold now, for a label? */
static bool
rule_holds(EarnWalk *walk, const EarnTerms *terms, int rule, int label_no)
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
			rule_holds(walk, terms, i, label_no))
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

		if (only_highest ? i == highest : rule_holds(walk, terms, i, label_no))
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
			if (rules->rules[i].label >= 0)
				walk->named += Max(weight, 0) - before;
		}
	}
	return Max(weight, 0);
}

/* ---- parts of a note ---- */

static void
next_part(EarnWalk *walk)
{
	if (walk->note->len > 0)
		appendStringInfoString(walk->note, ", ");
}

/* A number without zeros at its end. */
static void
put_number(EarnWalk *walk, int64 units, int scale)
{
	int minimal = decimal_minimal_scale(units, scale);

	appendStringInfoString(walk->note,
						   decimal_to_text(units / decimal_power[scale - minimal], minimal));
}

static void
put_points(EarnWalk *walk, int64 points)
{
	put_number(walk, points, walk->policy->scale);
}

/* An amount with all decimals that the timeline's have. */
static void
put_amount(EarnWalk *walk, int128 amount)
{
	appendStringInfoString(walk->note, decimal_sum_to_text(amount, walk->scale));
}

/* An amount of the rules, with as many decimals as the timeline's have. */
static void
put_limit(EarnWalk *walk, const Decimal *limit)
{
	int scale = Max(limit->scale, walk->scale);

	appendStringInfoString(
		walk->note,
		decimal_sum_to_text((int128) limit->units * decimal_power[scale - limit->scale], scale));
}

static void
put_rate(EarnWalk *walk, const EarnVersion *rules)
{
	appendStringInfoString(walk->note, " at ");
	put_number(walk, rules->rate.units, rules->rate.scale);
	appendStringInfoString(walk->note, rules->full_steps ? " per full " : " per ");
	put_limit(walk, &rules->per);
}

static void
put_words(EarnWalk *walk, const EventText *words, int count)
{
	int i;

	for (i = 0; i < count; i++)
		appendStringInfo(walk->note, " %s", words[i].bytes);
}

/* A multiplier by its name, else by what it depends on. */
static void
put_rule(EarnWalk *walk, const EarnRule *rule)
{
	int day;

	appendStringInfoChar(walk->note, 'x');
	put_number(walk, rule->times.units, rule->times.scale);
	if (rule->name != NULL)
	{
		appendStringInfo(walk->note, " %s", rule->name);
		return;
	}
	put_words(walk, rule->labels, rule->nlabels);
	put_words(walk, rule->tiers, rule->ntiers);
	for (day = 0; day < 7; day++)
		if (rule->weekdays & (1 << day))
			appendStringInfo(walk->note, " %s", earn_weekday_names[day]);
	if (rule->has_hours)
		appendStringInfo(walk->note, " %02d:%02d-%02d:%02d", rule->hours_from / SECS_PER_HOUR,
						 rule->hours_from / SECS_PER_MINUTE % MINS_PER_HOUR,
						 rule->hours_until / SECS_PER_HOUR,
						 rule->hours_until / SECS_PER_MINUTE % MINS_PER_HOUR);
	if (rule->from != DATEVAL_NOBEGIN)
		appendStringInfo(walk->note, " from %s", day_text(rule->from));
	if (rule->until != DATEVAL_NOEND)
		appendStringInfo(walk->note, " until %s", day_text(rule->until));
}

/* Does a multiplier count for a label? Of those that hold the highest alone may. */
static bool
rule_counts(EarnWalk *walk, const EarnTerms *terms, int rule, int label_no)
{
	if (terms->rules->combine == EARN_HIGHEST)
		return highest_rule(walk, terms, label_no) == rule;
	return rule_holds(walk, terms, rule, label_no);
}

/* A multiplier, if it counts for lines of a group; on how much, if not for all. */
static void
put_rule_of_group(EarnWalk *walk, const EarnTerms *terms, int rule, const EarnGroup *group)
{
	int128 amount = 0;
	bool any = false;
	bool all = true;
	int32 line;

	for (line = group->first; line >= 0; line = walk->due[line].next)
	{
		const Event *event = &walk->due[line].event;

		if (!rule_counts(walk, terms, rule, event->label_no))
		{
			all = false;
			continue;
		}
		any = true;
		amount += event->value;
	}
	if (!any)
		return;
	next_part(walk);
	put_rule(walk, &terms->rules->rules[rule]);
	if (!all)
	{
		appendStringInfoString(walk->note, " on ");
		put_amount(walk, amount);
	}
}

/* ---- whole notes ---- */

void
earn_note_text(EarnWalk *walk, const char *text)
{
	next_part(walk);
	appendStringInfoString(walk->note, text);
}

void
earn_note_order(EarnWalk *walk, const EarnTerms *terms, const EarnOrder *order,
				const EarnGroup *group)
{
	int i;

	put_amount(walk, order->amount);
	if (order->amount < terms->needed)
	{
		appendStringInfoString(walk->note, " is less than ");
		put_limit(walk, &terms->rules->minimum);
	}
	else
		put_rate(walk, terms->rules);
	if (order->amount < order->lines)
	{
		next_part(walk);
		put_amount(walk, order->lines - order->amount);
		appendStringInfoString(walk->note, " paid with points");
	}
	for (i = 0; i < terms->rules->nrules && order->amount >= terms->needed; i++)
		put_rule_of_group(walk, terms, i, group);
}

void
earn_note_before(EarnWalk *walk, int64 points)
{
	next_part(walk);
	appendStringInfoString(walk->note, "less ");
	put_points(walk, points);
	appendStringInfoString(walk->note, " before");
}

static const char *const span_words[] = { "an order", "a day", "a month", "a year", "in all" };

void
earn_note_cap(EarnWalk *walk, const EarnRule *rule, EarnSpan span, int64 most)
{
	next_part(walk);
	if (rule != NULL)
	{
		put_rule(walk, rule);
		appendStringInfoChar(walk->note, ' ');
	}
	appendStringInfoString(walk->note, "capped by ");
	put_points(walk, most);
	appendStringInfo(walk->note, " %s", span_words[span]);
}

void
earn_note_max_orders(EarnWalk *walk, EarnSpan span, int64 most)
{
	next_part(walk);
	appendStringInfo(walk->note, "capped by " INT64_FORMAT " %s %s", most,
					 most == 1 ? "order" : "orders", span_words[span]);
}

void
earn_note_out(EarnWalk *walk, const EarnDue *due)
{
	const EventText *text = due->out == EARN_OUT_LABEL ? &due->event.label : &due->event.kind;

	if (due->out == EARN_OUT_EARLY)
	{
		earn_note_text(walk, "before membership");
		return;
	}
	next_part(walk);
	appendStringInfo(walk->note, "%s %.*s earns nothing",
					 due->out == EARN_OUT_LABEL ? "label" : "kind", text->len, text->bytes);
}

void
earn_note_return(EarnWalk *walk, const EarnTerms *terms, int label_no, int128 amount)
{
	int i;

	appendStringInfoString(walk->note, "return of ");
	put_amount(walk, amount);
	put_rate(walk, terms->rules);
	for (i = 0; i < terms->rules->nrules; i++)
		if (rule_counts(walk, terms, i, label_no))
		{
			next_part(walk);
			put_rule(walk, &terms->rules->rules[i]);
		}
}

void
earn_note_order_return(EarnWalk *walk, const char *what, int128 returned, const EarnOrder *order,
					   int64 taken)
{
	next_part(walk);
	appendStringInfo(walk->note, "%s of ", what);
	put_amount(walk, returned);
	appendStringInfoString(walk->note, " of ");
	put_amount(walk, order->amount);
	appendStringInfoString(walk->note, ", ");
	put_points(walk, taken);
	appendStringInfoString(walk->note, " of ");
	put_points(walk, order->earned);
	appendStringInfoString(walk->note, " taken back");
}

void
earn_note_waiting(EarnWalk *walk, int128 amount)
{
	put_amount(walk, amount);
	appendStringInfoString(walk->note, " paid with points, for no order so far");
}

void
earn_note_bonus(EarnWalk *walk, EarnBonusSort sort, const EarnBonus *bonus, int64 n)
{
	static const char *const words[] = { "joining bonus",  "first purchase bonus",
										 "birthday bonus", "anniversary bonus",
										 "referral bonus", "bonus" };

	appendStringInfo(walk->note, "%s of ", words[sort]);
	put_number(walk, bonus->points.units, bonus->points.scale);
	if (sort == EARN_NTH_PURCHASE)
		appendStringInfo(walk->note, " for purchase " INT64_FORMAT, n);
	else if (sort == EARN_ANNIVERSARY)
		appendStringInfo(walk->note, " for year " INT64_FORMAT, n);
}

/* ---- caps ---- */

/*
 * A counter is of all points, of a multiplier or of a bonus. Instants only go forward, so that
 * it needs no more than the current day, month and year, and the one before for zones that set
 * their clock back over midnight.
 */

/* What the current day, month or year has used up. */
static int128 *
used_now(EarnWalk *walk, EarnBucket *bucket, int span)
{
	int32 key = walk->keys[span];
	int slot;

	for (slot = 0; slot < 2; slot++)
		if (bucket->key[slot] == key)
			return &bucket->used[slot];
	slot = bucket->key[0] < bucket->key[1] ? 0 : 1;
	bucket->key[slot] = key;
	bucket->used[slot] = 0;
	return &bucket->used[slot];
}

static void
set_keys(EarnWalk *walk)
{
	int year;
	int month;
	int day;

	j2date(walk->today + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	walk->keys[0] = walk->today;
	walk->keys[1] = year * MONTHS_PER_YEAR + month;
	walk->keys[2] = year;
	walk->has_keys = true;
}

/* What the spans from the day on have used up of a counter now. */
static void
find_used(EarnWalk *walk, EarnCounter *count, int128 **used)
{
	int span;

	if (!walk->has_keys)
		set_keys(walk);
	for (span = EARN_DAY; span < EARN_LIFETIME; span++)
		used[span] = used_now(walk, &count->spans[span - EARN_DAY], span - EARN_DAY);
	used[EARN_LIFETIME] = &count->lifetime;
}

int64
earn_within_caps(EarnWalk *walk, int counter, const int64 *caps, int64 points, const EarnRule *rule)
{
	int128 *used[EARN_SPANS];
	int span;

	find_used(walk, &walk->counters[counter], used);
	for (span = EARN_DAY; span < EARN_SPANS; span++)
	{
		int128 left;

		if (caps[span] < 0)
			continue;
		left = Max(caps[span] - *used[span], 0);
		if (points > left)
		{
			points = (int64) left;
			if (walk->note != NULL)
				earn_note_cap(walk, rule, (EarnSpan) span, caps[span]);
		}
	}
	for (span = EARN_DAY; span < EARN_SPANS; span++)
		*used[span] += points;
	return points;
}

bool
earn_may_begin(EarnWalk *walk, const EarnTerms *terms)
{
	int128 *used[EARN_SPANS];
	int span;

	find_used(walk, &walk->earning, used);
	for (span = EARN_DAY; span < EARN_SPANS; span++)
	{
		int64 most = terms->max_orders[span];

		if (most < 0 || *used[span] < most)
			continue;
		if (walk->note != NULL)
			earn_note_max_orders(walk, (EarnSpan) span, most);
		return false;
	}
	return true;
}

void
earn_count_order(EarnWalk *walk)
{
	int128 *used[EARN_SPANS];
	int span;

	find_used(walk, &walk->earning, used);
	for (span = EARN_DAY; span < EARN_SPANS; span++)
		++*used[span];
}
