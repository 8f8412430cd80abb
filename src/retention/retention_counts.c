/*
 * retention_counts.c
 *		Results of retention, read cohort by cohort; and what none can hold.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/array.h"
#include "retention/retention_internal.h"

void
retention_kind_of(const Tally *tally, RetentionKind *kind)
{
	retention_kind_of_text(kind, tally_parameter(tally, RETENTION_PARAMETER_OPTIONS));
}

void
retention_counts_open(RetentionCounts *counts, const Tally *tally)
{
	memset(counts, 0, sizeof(RetentionCounts));
	counts->tally = tally;
	retention_kind_of(tally, &counts->kind);
	counts->is_plain = retention_kind_is_plain(&counts->kind);
	if (!tally_calendar(tally, &counts->calendar))
		report_corrupted();
	counts->as_of_given = tally_parameter_day(tally, RETENTION_PARAMETER_AS_OF, &counts->as_of);
	counts->has_last_day =
		tally_parameter_day(tally, RETENTION_PARAMETER_LAST_DAY, &counts->last_day);
}

void
retention_first_cohort(RetentionCounts *counts)
{
	tally_open_rows(&counts->cursor, counts->tally);
	counts->next = tally_next_row(&counts->cursor);
}

const RetentionCohort *
retention_next_cohort(RetentionCounts *counts)
{
	RetentionCohort *cohort = &counts->cohort;
	const TallyRow *row = counts->next;

	if (row == NULL)
	{
		tally_close_rows(&counts->cursor);
		return NULL;
	}
	cohort->number = (int32) row->key.numbers[0];
	cohort->size = (int64) row->sums[counts->is_plain ? RETENTION_RETAINED : RETENTION_SIZE];
	cohort->ncells = 0;
	for (; row != NULL && row->key.numbers[0] == cohort->number;
		 row = tally_next_row(&counts->cursor))
	{
		RetentionCell *cell;

		if (row->key.numbers[1] == TALLY_GROUP)
			continue;
		cohort->cells = array_grow(cohort->cells, &counts->max_cells, cohort->ncells + 1,
								   sizeof(RetentionCell));
		cell = &cohort->cells[cohort->ncells++];
		cell->column = row->key.numbers[1];
		cell->retained = (int64) row->sums[RETENTION_RETAINED];
		cell->ended = (int64) row->sums[RETENTION_ENDED];
		cell->eligible = (int64) row->sums[RETENTION_ELIGIBLE];
	}
	counts->next = row;
	CHECK_FOR_INTERRUPTS();
	return cohort;
}

bool
retention_read_sizes(RetentionCounts *counts, RetentionSizes *sizes)
{
	const RetentionCohort *cohort;

	memset(sizes, 0, sizeof(RetentionSizes));
	retention_first_cohort(counts);
	while ((cohort = retention_next_cohort(counts)) != NULL)
	{
		sizes->ncohorts++;
		sizes->largest = Max(sizes->largest, cohort->size);
		if (__builtin_add_overflow(sizes->memberships, cohort->size, &sizes->memberships))
			return false;
	}
	sizes->customers = counts->kind.recurring ? tally_total(counts->tally, RETENTION_CUSTOMERS)
											  : sizes->memberships;
	return true;
}

bool
retention_day_of_counts(const RetentionCounts *counts, DateADT *as_of)
{
	*as_of = counts->as_of_given ? counts->as_of : counts->last_day;
	return counts->as_of_given || counts->has_last_day;
}

/* ---- what a result from outside can't hold ---- */

/* Can brackets have such counts? */
static bool
brackets_valid(const RetentionKind *kind, const RetentionCohort *cohort, int32 last_period)
{
	int64 i;

	for (i = 0; i < cohort->ncells; i++)
	{
		const RetentionCell *cell = &cohort->cells[i];

		if (cell->column < 0 || cell->column >= kind->nbrackets)
			return false;
		if (cell->retained > cell->ended ||
			cell->ended > (kind->elapsed > 0 ? cell->eligible : cohort->size) ||
			cell->eligible > cohort->size || (cell->ended == 0 && cell->eligible == 0))
			return false;
		if (kind->elapsed == 0 &&
			cohort->number + (int64) kind->brackets[cell->column].from > last_period)
			return false;
	}
	return true;
}

/* Can an elapsed lag be over by as_of, for someone of this cohort? Days of zones apart are let
 * pass. */
static bool
lag_can_be_over(const RetentionCounts *counts, int32 cohort, int64 lag)
{
	int64 days = (int64) counts->as_of - calendar_start(&counts->calendar, cohort) + 3;

	return ((int128) lag + 1) * counts->kind.elapsed <= (int128) days * USECS_PER_DAY;
}

/* Can single lags or windows have such counts? left counts those who haven't ended before. */
static bool
lags_valid(const RetentionCounts *counts, const RetentionCohort *cohort, int32 last_period)
{
	const RetentionKind *kind = &counts->kind;
	const RetentionCell *cells = cohort->cells;
	/* is everybody retained at lag 0? */
	bool all_start = !kind->returns && kind->rolling == 0 && kind->at_least == 1;
	int64 last_column = (int64) last_period - cohort->number + Max(kind->rolling, 1) - 1;
	int64 ended = 0;
	int64 eligible = 0;
	int64 left;
	int64 i;

	for (i = 0; i < cohort->ncells; i++)
		if (__builtin_add_overflow(ended, cells[i].ended, &ended) ||
			__builtin_add_overflow(eligible, cells[i].eligible, &eligible))
			return false;
	if (ended > cohort->size || eligible > cohort->size)
		return false;
	if (all_start && kind->elapsed == 0 &&
		(cohort->ncells == 0 || cells[0].column != 0 || cells[0].retained != cohort->size ||
		 ended != cohort->size))
		return false;
	if (all_start && kind->elapsed > 0 && eligible > 0 &&
		(cells[0].column != 0 || cells[0].retained != eligible || ended != eligible))
		return false;

	left = ended;
	for (i = 0; i < cohort->ncells; i++)
	{
		const RetentionCell *cell = &cells[i];

		if (cell->column < kind->rolling || cell->retained > left)
			return false;
		if (kind->elapsed == 0
				? cell->column > last_column || cell->ended > cell->retained
				: left > eligible || !lag_can_be_over(counts, cohort->number, cell->column))
			return false;
		left -= cell->ended;
		eligible -= cell->eligible;
	}
	return true;
}

/*
 * Can such counts come from customers? Each cohort starts at lag 0 with all of its
 * customers, each of whom ends once, no later than the last active day, whose period a cohort
 * reaches where all days are its own.
 */
static bool
counts_valid(RetentionCounts *counts, const RetentionSizes *sizes)
{
	Calendar *calendar = &counts->calendar;
	const RetentionCohort *cohort;
	int32 first_period;
	int32 last_period;
	bool reaches = false;

	if (counts->has_last_day && counts->as_of_given && counts->last_day > counts->as_of)
		return false;
	if (sizes->ncohorts == 0)
		return sizes->customers == 0 && (!counts->has_last_day || counts->kind.returns);
	if (!counts->has_last_day)
		return false;
	first_period = calendar->unit == CALENDAR_LIST
					   ? 0
					   : calendar_index(calendar, DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE);
	last_period = calendar_index(calendar, counts->last_day);

	retention_first_cohort(counts);
	while ((cohort = retention_next_cohort(counts)) != NULL)
	{
		if (cohort->size <= 0 || cohort->number < first_period || cohort->number > last_period)
			return false;
		if (counts->kind.nbrackets > 0 ? !brackets_valid(&counts->kind, cohort, last_period)
									   : !lags_valid(counts, cohort, last_period))
			return false;
		reaches =
			reaches || (cohort->ncells > 0 &&
						cohort->number + cohort->cells[cohort->ncells - 1].column == last_period);
	}
	if (sizes->customers > sizes->memberships || sizes->customers < sizes->largest)
		return false;
	return reaches || !counts->is_plain;
}

const char *
retention_fault(const Tally *tally)
{
	RetentionCounts counts;
	RetentionSizes sizes;

	if (tally_parameter(tally, RETENTION_PARAMETER_PERIOD) == NULL)
		return "There is no \"period\".";
	retention_counts_open(&counts, tally);
	if (!retention_read_sizes(&counts, &sizes))
		return "There are more members of cohorts than can be counted.";
	if (counts.kind.elapsed > 0 && (tally_parameter(tally, RETENTION_PARAMETER_ZONE) == NULL ||
									(counts.has_last_day && !counts.as_of_given)))
		return "Elapsed lags are counted in a zone, and up to a day.";
	if (counts_valid(&counts, &sizes))
		return NULL;
	return counts.is_plain
			   ? "Each cohort's customers are retained at lag 0, and each ends once, no later than "
				 "the last active day."
			   : "No more customers are retained than are in the cohort, each ends once at most, "
				 "and none after the last active day.";
}
