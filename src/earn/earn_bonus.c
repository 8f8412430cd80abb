/*
 * earn_bonus.c
 *		Bonuses, and the birthdays and anniversaries that time gives.
 */
#include "postgres.h"

#include "utils/datetime.h"

#include "earn/earn.h"
#include "earn/earn_state.h"

/* The last year all of whose days are instants. */
#define LAST_YEAR 294275

/* ---- days of the year ---- */

/* The start of a day's anniversary in a year: 29 February is 28 February where there is none. */
static TimestampTz
in_year(const EarnWalk *walk, DateADT day, int year)
{
	int first_year;
	int month;
	int mday;

	if (year > LAST_YEAR)
		return DT_NOEND;
	j2date(day + POSTGRES_EPOCH_JDATE, &first_year, &month, &mday);
	mday = Min(mday, day_tab[isleap(year)][month - 1]);
	return zone_day_start(walk->zone, date2j(year, month, mday) - POSTGRES_EPOCH_JDATE);
}

static int
year_of(DateADT day)
{
	int year;
	int month;
	int mday;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	return year;
}

/* Does any version give that? */
static bool
is_ever_given(const EarnWalk *walk, EarnBonusSort sort)
{
	int i;

	for (i = 0; i < walk->policy->nversions; i++)
		if (walk->policy->versions[i].bonuses->fixed[sort].points.units > 0)
			return true;
	return false;
}

void
earn_start_years(EarnWalk *walk)
{
	DateADT start;

	walk->birthday = walk->anniversary = DT_NOEND;
	if (walk->member_since == DT_NOEND)
		return;
	start = zone_day(walk->zone, walk->member_since);
	if (is_ever_given(walk, EARN_ANNIVERSARY))
	{
		walk->anniversary_year = year_of(start) + 1;
		walk->anniversary = in_year(walk, start, walk->anniversary_year);
	}
	if (walk->birth != DATEVAL_NOEND && is_ever_given(walk, EARN_BIRTHDAY))
	{
		walk->birthday_year = Max(year_of(start), year_of(walk->birth) + 1);
		while ((walk->birthday = in_year(walk, walk->birth, walk->birthday_year)) <=
			   walk->member_since)
			walk->birthday_year++;
	}
}

void
earn_celebrate(EarnWalk *walk, TimestampTz at)
{
	const EarnTerms *terms = earn_terms_now(walk);
	const EarnBonuses *bonuses = terms->rules->bonuses;

	if (walk->birthday == at)
	{
		earn_give(walk, terms, EARN_BIRTHDAY, &bonuses->fixed[EARN_BIRTHDAY], NULL, 0);
		walk->birthday = in_year(walk, walk->birth, ++walk->birthday_year);
	}
	if (walk->anniversary == at)
	{
		DateADT start = zone_day(walk->zone, walk->member_since);

		earn_give(walk, terms, EARN_ANNIVERSARY, &bonuses->fixed[EARN_ANNIVERSARY], NULL,
				  walk->anniversary_year - year_of(start));
		walk->anniversary = in_year(walk, start, ++walk->anniversary_year);
	}
}

/* ---- giving ---- */

void
earn_give(EarnWalk *walk, const EarnTerms *terms, EarnBonusSort sort, const EarnBonus *bonus,
		  const Event *event, int64 n)
{
	int scale = walk->policy->scale;
	EarnEntry entry = { .type = EARN_ENTRY_BONUS,
						.event = event,
						.label_no = walk->nlabels + 1 + sort,
						.qualifies = terms->rules->bonuses_qualify,
						.scale = scale };
	int64 points;

	if (bonus->points.units == 0)
		return;
	points = decimal_rescale(bonus->points.units, bonus->points.scale, scale);
	if (walk->note != NULL)
		earn_note_bonus(walk, sort, bonus, n);
	if (bonus->counter >= 0)
	{
		int64 caps[EARN_SPANS];

		earn_scale_caps(walk->policy, &bonus->cap, caps);
		points = earn_within_caps(walk, bonus->counter, caps, points, NULL);
	}
	if (walk->counts_all)
		points = earn_within_caps(walk, 0, terms->caps, points, NULL);
	entry.label.bytes = earn_bonus_names[sort];
	entry.label.len = (int) strlen(entry.label.bytes);
	entry.points = points;
	earn_emit(walk, &entry);
}

void
earn_give_for_order(EarnWalk *walk, const EarnTerms *terms, const Event *event)
{
	const EarnBonuses *bonuses = terms->rules->bonuses;
	int i;

	if (walk->norders == 1)
		earn_give(walk, terms, EARN_FIRST_PURCHASE, &bonuses->fixed[EARN_FIRST_PURCHASE], event, 1);
	for (i = 0; i < bonuses->nnth; i++)
	{
		const EarnNth *nth = &bonuses->nth[i];

		if (nth->every ? walk->norders % nth->n == 0 : walk->norders == nth->n)
			earn_give(walk, terms, EARN_NTH_PURCHASE, &nth->bonus, event, walk->norders);
	}
}
