/*
 * kaplan_meier.c
 *		Kaplan-Meier's estimate, its intervals, median and restricted mean.
 *
 * Kaplan, E. L. and Meier, P. (1958): Nonparametric estimation from incomplete observations.
 * Journal of the American Statistical Association 53, 457-481. The variance is Greenwood's.
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "miscadmin.h"

#include "metric/kaplan_meier.h"

/* An S that is 0.5 in exact arithmetic must count as 0.5. What rounding adds stays far below. */
#define HALF (0.5 + 1e-11)

void
survival_start(SurvivalWalk *walk, SurvivalTimes of)
{
	int64 observations = 0;
	int64 i;

	for (i = 0; i < of.ntimes; i++)
	{
		if (pg_add_s64_overflow(observations, of.times[i].events, &observations) ||
			pg_add_s64_overflow(observations, of.times[i].censored, &observations))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("number of observations is out of range")));
		CHECK_FOR_INTERRUPTS();
	}
	memset(walk, 0, sizeof(SurvivalWalk));
	walk->survival = walk->at_censoring = 1;
	walk->next = of.times;
	walk->end = of.times + of.ntimes;
	walk->left = walk->uncensored = observations;
}

bool
survival_next(SurvivalWalk *walk)
{
	const SurvivalTime *time = walk->next;

	if (time == walk->end)
		return false;
	CHECK_FOR_INTERRUPTS();
	walk->time = time;
	walk->next++;
	walk->at_risk = walk->left;
	walk->left -= time->events;
	if (time->events > 0)
	{
		walk->survival = walk->at_censoring * ((double) walk->left / (double) walk->uncensored);
		walk->log_variance += (double) time->events / (double) walk->at_risk / (double) walk->left;
	}
	if (time->censored > 0)
	{
		walk->left -= time->censored;
		walk->uncensored = walk->left;
		walk->at_censoring = walk->survival;
	}
	return true;
}

double
survival_std_error(const SurvivalWalk *walk)
{
	return walk->survival > 0 ? walk->survival * sqrt(walk->log_variance) : NAN;
}

void
survival_interval(const SurvivalWalk *walk, double z, SurvivalInterval kind, double *lower,
				  double *upper)
{
	double s = walk->survival;
	double half = z * sqrt(walk->log_variance);

	*lower = *upper = NAN;
	if (s <= 0 || (s >= 1 && kind == SURVIVAL_LOG_LOG))
		return;
	switch (kind)
	{
		case SURVIVAL_LOG_LOG:
			half /= -log(s);
			*lower = pow(s, exp(half));
			*upper = pow(s, exp(-half));
			break;
		case SURVIVAL_LOG:
			*lower = s * exp(-half);
			*upper = Min(s * exp(half), 1);
			break;
		case SURVIVAL_PLAIN:
			*lower = Max(s - s * half, 0);
			*upper = Min(s + s * half, 1);
			break;
	}
}

SurvivalMedian
survival_median(SurvivalTimes of, double z, SurvivalInterval kind)
{
	SurvivalMedian found = { NULL, NULL, NULL };
	SurvivalWalk walk;

	survival_start(&walk, of);
	while (found.upper == NULL && survival_next(&walk))
	{
		double lower;
		double upper;

		survival_interval(&walk, z, kind, &lower, &upper);
		if (found.median == NULL && walk.survival <= HALF)
			found.median = walk.time;
		if (found.lower == NULL && lower <= HALF)
			found.lower = walk.time;
		if (upper <= HALF)
			found.upper = walk.time;
	}
	return found;
}

/* A rectangle of the area under S. */
static double
rectangle(const SurvivalWalk *walk, int64 from, double until)
{
	if (walk->survival <= 0) /* until may be infinite */
		return 0;
	/* Durations are subtracted as they are: a difference keeps digits that their doubles lose. */
	if (walk->next < walk->end && (double) walk->next->duration <= until)
		return walk->survival * (double) (walk->next->duration - from);
	return walk->survival * (until - (double) from);
}

void
survival_mean(SurvivalTimes of, double until, double *mean, double *std_error)
{
	SurvivalWalk walk;
	double area;
	double variance = 0;
	double before;

	*mean = *std_error = NAN;
	survival_start(&walk, of);
	area = rectangle(&walk, 0, until);
	while (walk.next < walk.end && (double) walk.next->duration <= until)
	{
		survival_next(&walk);
		area += rectangle(&walk, walk.time->duration, until);
	}
	if (walk.survival > 0 && (of.ntimes == 0 || until > (double) of.times[of.ntimes - 1].duration))
		return;

	/* The areas that follow each event: what is left of the whole. */
	survival_start(&walk, of);
	before = rectangle(&walk, 0, until);
	while (walk.next < walk.end && (double) walk.next->duration <= until)
	{
		survival_next(&walk);
		if (walk.time->events > 0 && walk.survival > 0)
		{
			double after = Max(area - before, 0);

			variance += after * after * (double) walk.time->events / (double) walk.at_risk /
						(double) (walk.at_risk - walk.time->events);
		}
		before += rectangle(&walk, walk.time->duration, until);
	}
	*mean = area;
	*std_error = sqrt(variance);
}
