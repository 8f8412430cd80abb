/*
 * earn_explain.c
 *		The words of points_accrual_events(): what made an entry's points.
 *
 * The wording is documented in doc/reference-program.md; parts are joined by ", ":
 *
 *		42.50 at 1 per 1.00, x2 saturday, capped by 30 a day
 */
#include "postgres.h"

#include "calendar/calendar.h"
#include "earn/earn_policy.h"
#include "earn/earn_state.h"

/* ---- parts ---- */

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
	const EarnVersion *rules = terms->rules;
	int i;

	if (!earn_rule_holds(walk, terms, rule, label_no))
		return false;
	for (i = 0; i < rules->nrules && rules->combine == EARN_HIGHEST; i++)
	{
		int64 other = decimal_rescale(rules->rules[i].times.units, rules->rules[i].times.scale,
									  terms->weight_scale);
		int64 own = decimal_rescale(rules->rules[rule].times.units, rules->rules[rule].times.scale,
									terms->weight_scale);

		if (i != rule && (other > own || (other == own && i < rule)) &&
			earn_rule_holds(walk, terms, i, label_no))
			return false;
	}
	return true;
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

void
earn_note_cap(EarnWalk *walk, const EarnRule *rule, EarnSpan span, int64 most)
{
	static const char *const words[] = { "an order", "a day", "a month", "a year", "in all" };

	next_part(walk);
	if (rule != NULL)
	{
		put_rule(walk, rule);
		appendStringInfoChar(walk->note, ' ');
	}
	appendStringInfoString(walk->note, "capped by ");
	put_points(walk, most);
	appendStringInfo(walk->note, " %s", words[span]);
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
earn_note_order_return(EarnWalk *walk, int128 returned, const EarnOrder *order, int64 taken)
{
	next_part(walk);
	appendStringInfoString(walk->note, "return of ");
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
