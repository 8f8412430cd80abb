/*
 * results.c
 *		Reading results of metrics: their parameters, their rates, and their rows period by period.
 */
#include "postgres.h"

#include <math.h>

#include "calendar/calendar.h"
#include "core/codec.h"
#include "metric/metric.h"
#include "metric/statistics.h"

/* ---- parameters and rates ---- */

const char *
metric_parameter(const Tally *tally, const char *name)
{
	int parameter = tally_parameter_number(tally_shape(tally), name);

	return parameter >= 0 ? tally_parameter(tally, parameter) : NULL;
}

bool
metric_result_as_of(const Tally *tally, DateADT *as_of)
{
	return tally_parameter_day(tally, tally_parameter_number(tally_shape(tally), "as_of"), as_of) ||
		   tally_latest(tally, as_of);
}

void
metric_put_day(Rows *rows, const Tally *tally, const char *name)
{
	DateADT day;

	if (tally_parameter_day(tally, tally_parameter_number(tally_shape(tally), name), &day))
		rows_put_day(rows, day);
	else
		rows_put_null(rows);
}

void
metric_put_as_of(Rows *rows, const Tally *tally)
{
	DateADT as_of;

	if (metric_result_as_of(tally, &as_of))
		rows_put_day(rows, as_of);
	else
		rows_put_null(rows);
}

void
metric_put_rate(Rows *rows, int64 part, int64 whole, double z)
{
	double lower;
	double upper;

	wilson_interval((double) part, (double) whole, z, &lower, &upper);
	rows_put_float(rows, whole > 0 ? (double) part / (double) whole : NAN);
	rows_put_float(rows, lower);
	rows_put_float(rows, upper);
}

/* ---- results period by period ---- */

bool
metric_result_calendar(const Tally *tally, MetricCalendar *calendar)
{
	if (!tally_has_rows(tally))
		return false;
	if (!tally_calendar(tally, &calendar->calendar) ||
		!metric_result_as_of(tally, &calendar->as_of))
		report_corrupted();
	calendar->last = calendar_index(&calendar->calendar, calendar->as_of);
	calendar->last_complete =
		calendar_start(&calendar->calendar, calendar->last + 1) == calendar->as_of + 1
			? calendar->last
			: calendar->last - 1;
	return true;
}

const char *
metric_calendar_fault(const Tally *tally, MetricCalendar *calendar)
{
	DateADT as_of;

	if (metric_parameter(tally, "period") == NULL)
		return "There are rows, but no \"period\".";
	if (!metric_result_as_of(tally, &as_of))
		return "There are rows, but no \"as_of\".";
	metric_result_calendar(tally, calendar);
	return NULL;
}

bool
metric_periods_open(MetricPeriods *periods, const Tally *tally)
{
	int64 nrows;

	memset(periods, 0, sizeof(MetricPeriods));
	periods->next_row = tally_rows(tally, &nrows);
	periods->end_rows = periods->next_row + nrows;
	if (nrows == 0)
		return false;
	if (!tally_calendar(tally, &periods->calendar) || !metric_result_as_of(tally, &periods->as_of))
		report_corrupted();
	periods->last = calendar_index(&periods->calendar, periods->as_of);
	periods->index = (*periods->next_row)->key.numbers[0] - 1;
	periods->end = calendar_start(&periods->calendar, (int32) (periods->index + 1));
	return true;
}

bool
metric_periods_next(MetricPeriods *periods)
{
	if (periods->index >= periods->last)
		return false;
	periods->index++;
	periods->start = periods->end;
	periods->end = calendar_start(&periods->calendar, (int32) (periods->index + 1));
	periods->complete = periods->end != DATEVAL_NOEND && periods->end - 1 <= periods->as_of;
	periods->before = periods->row;
	periods->row = NULL;
	if (periods->next_row < periods->end_rows &&
		(*periods->next_row)->key.numbers[0] == periods->index)
		periods->row = *periods->next_row++;
	return true;
}

void
metric_put_period(Rows *rows, const MetricPeriods *periods)
{
	rows_put_day(rows, periods->start);
	rows_put_day(rows, periods->end);
	rows_put_bool(rows, periods->complete);
}

const char *
metric_period_fault(const Tally *tally)
{
	int64 nrows;
	TallyRow **rows;
	Calendar calendar;
	DateADT as_of;

	if (!tally_calendar(tally, &calendar))
		return "There is no \"period\".";
	rows = tally_rows(tally, &nrows);
	if (nrows == 0)
		return NULL;
	if (!metric_result_as_of(tally, &as_of))
		return "There are rows, but no \"as_of\".";
	if (calendar_start(&calendar, (int32) rows[nrows - 1]->key.numbers[0]) > as_of)
		return "There is a period after \"as_of\".";
	return NULL;
}
