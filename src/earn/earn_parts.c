/*
 * earn_parts.c
 *		What an order earns at an instant, by label: what each multiplier with a name adds is under
 *		that, and the rest, the order's own, under the labels of its lines.
 *
 *		lines		food 40		toys 20		weekend (x2)
 *		points			own 60				60
 *						|	  \				|
 *		labels		food 40  toys 20	weekend 60
 *
 * Where a multiplier takes away, and where caps on everything cut, what was added last loses first.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "earn/earn_internal.h"

void
earn_parts_begin(EarnWalk *walk, const EarnTerms *terms)
{
	EarnParts *parts = &walk->parts;

	parts->nlines = 0;
	parts->n = 0;
	parts->added = array_grow_in(walk->context, parts->added, &parts->max_added,
								 (int64) terms->ncapped + 1, sizeof(int64));
}

void
earn_parts_line(EarnWalk *walk, const Event *line, int128 weight)
{
	EarnParts *parts = &walk->parts;
	EarnLine *added;

	parts->lines = array_grow_in(walk->context, parts->lines, &parts->max_lines, parts->nlines + 1,
								 sizeof(EarnLine));
	added = &parts->lines[parts->nlines++];
	added->label_no = line->label_no;
	added->label = line->label;
	added->value = line->value;
	added->weighted = earn_mul(walk, Max(weight, 0), line->value);
}

/* ---- what was added, and taken away ---- */

/* Takes off what was added last, up to a place; what is left to be taken. */
static int64
take_last(int64 *added, int n, int64 points)
{
	int i;

	for (i = n - 1; i >= 0 && points > 0; i--)
	{
		int64 part = Min(added[i], points);

		added[i] -= part;
		points -= part;
	}
	return points;
}

/* Makes parts of what the order's own points, at 0, and multipliers behind them add and take away,
 * which come to so many points. */
static void
level_parts(int64 *added, int n, int64 points)
{
	int64 owed = 0; /* what was taken away before there was something */
	int64 sum = 0;
	int i;

	for (i = 0; i < n; i++)
	{
		if (added[i] < 0)
		{
			int64 less = -added[i];

			added[i] = 0;
			owed += take_last(added, i, less);
		}
		else
		{
			int64 paid = Min(owed, added[i]);

			added[i] -= paid;
			owed -= paid;
		}
	}
	for (i = 0; i < n; i++)
		sum += added[i];
	(void) take_last(added, n, sum - points);
}

/* ---- under labels ---- */

static void
add_part(EarnWalk *walk, int label_no, int64 points)
{
	EarnParts *parts = &walk->parts;

	parts->list =
		array_grow_in(walk->context, parts->list, &parts->max, parts->n + 1, sizeof(EarnPart));
	parts->list[parts->n].label_no = label_no;
	parts->list[parts->n++].points = points;
}

static int
compare_lines(const void *a, const void *b)
{
	return event_text_compare(&((const EarnLine *) a)->label, &((const EarnLine *) b)->label);
}

/* Puts lines of the same label together; where multipliers leave nothing of all, their values
 * weigh. What all of them weigh. */
static int128
join_lines(EarnWalk *walk)
{
	EarnParts *parts = &walk->parts;
	int64 n = 0;
	int128 total = 0;
	int64 i;

	for (i = 0; i < parts->nlines; i++)
		total = earn_add(walk, total, parts->lines[i].weighted);
	for (i = 0; i < parts->nlines && total == 0; i++)
		parts->lines[i].weighted = parts->lines[i].value;
	sort_elements(parts->lines, parts->nlines, sizeof(EarnLine), compare_lines);
	total = 0;
	for (i = 0; i < parts->nlines; i++)
	{
		total += parts->lines[i].weighted;
		if (n > 0 && compare_lines(&parts->lines[n - 1], &parts->lines[i]) == 0)
			parts->lines[n - 1].weighted += parts->lines[i].weighted;
		else
			parts->lines[n++] = parts->lines[i];
	}
	parts->nlines = n;
	return total;
}

/* The order's own points, under the labels of its lines, in proportion to what those weigh. */
static void
share_own(EarnWalk *walk, int64 points)
{
	EarnParts *parts = &walk->parts;
	int128 total = join_lines(walk);
	int128 rest = points;
	int64 i;

	if (parts->nlines == 1 || total == 0)
	{
		add_part(walk, parts->lines[0].label_no, points);
		return;
	}
	if (total > SHARES_MAX_TOTAL)
		earn_report_out_of_range(walk);
	parts->shares = array_grow_in(walk->context, parts->shares, &parts->max_shares, parts->nlines,
								  sizeof(Share));
	for (i = 0; i < parts->nlines; i++)
		rest -= share_of(&parts->shares[i], i, points, parts->lines[i].weighted, total);
	shares_give_rest(parts->shares, parts->nlines, rest);
	for (i = 0; i < parts->nlines; i++)
		if (parts->shares[i].units > 0)
			add_part(walk, parts->lines[parts->shares[i].place].label_no,
					 (int64) parts->shares[i].units);
}

static EventText
label_of(const EarnWalk *walk, const EarnPart *part)
{
	return earn_walk_label(walk, part->label_no);
}

static int
compare_parts(const void *a, const void *b, void *walk)
{
	EventText x = label_of(walk, a);
	EventText y = label_of(walk, b);

	return event_text_compare(&x, &y);
}

/* By label, each once: the name of a multiplier may be a label of lines, too. */
static void
sort_parts(EarnWalk *walk)
{
	EarnPart *list = walk->parts.list;
	int64 n = 0;
	int64 i;

	qsort_arg(list, walk->parts.n, sizeof(EarnPart), compare_parts, walk);
	for (i = 0; i < walk->parts.n; i++)
	{
		if (n > 0 && compare_parts(&list[n - 1], &list[i], walk) == 0)
			list[n - 1].points += list[i].points;
		else
			list[n++] = list[i];
	}
	walk->parts.n = n;
}

/* What the capped multipliers added, as that of the order and that of those with a name; how many
 * there are. */
static int
tell_apart(EarnWalk *walk, const EarnTerms *terms, int64 points, int *labels)
{
	int64 *added = walk->parts.added;
	int n = 1;
	int i;

	for (i = 1; i <= terms->ncapped; i++)
	{
		int label = terms->rules->rules[terms->capped[i - 1]].label;

		if (label < 0)
			continue;
		points -= added[i];
		added[n] = added[i];
		labels[n++] = label;
	}
	added[0] = points;
	return n;
}

void
earn_parts_end(EarnWalk *walk, const EarnTerms *terms, int64 before, EarnEntry *entry)
{
	EarnParts *parts = &walk->parts;
	int labels[EARN_MAX_MULTIPLIERS + 1];
	int n;
	int i;

	if (entry->points <= 0)
		return;
	n = tell_apart(walk, terms, before, labels);
	level_parts(parts->added, n, (int64) entry->points);
	if (parts->added[0] > 0)
		share_own(walk, parts->added[0]);
	for (i = 1; i < n; i++)
		if (parts->added[i] > 0)
			add_part(walk, walk->nlabels + 1 + labels[i], parts->added[i]);
	sort_parts(walk);
	entry->nparts = (int) parts->n;
	entry->parts = parts->list;
}
