/*
 * value_fit.c
 *		Fitting a model to a sample: what is counted there as arrays, times and amounts in units of
 *		their largest, places to start from, and the model that comes out.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "core/codec.h"
#include "value/value_internal.h"

/* ---- from a sample to rows ---- */

/* How many have more than k of what is counted. rows: (number, customers) of each, ascending. */
typedef struct Beyond
{
	double *beyond;
	int64 n;
} Beyond;

static Beyond
beyond_create(int64 most)
{
	Beyond beyond = { palloc0((most + 1) * sizeof(double)), most };

	return beyond;
}

static void
beyond_finish(Beyond *beyond, ValueRows *rows)
{
	int64 k;

	/* so far those who have exactly k + 1 */
	for (k = beyond->n - 2; k >= 0; k--)
		beyond->beyond[k] += beyond->beyond[k + 1];
	rows->beyond = beyond->beyond;
	rows->nbeyond = beyond->n;
}

static void
beyond_add(Beyond *beyond, int64 number, double customers)
{
	if (number > 0)
		beyond->beyond[number - 1] += customers;
}

/* The rows of a sample, and the largest number in its first column; NULL where there are none. */
static TallyRow **
sample_rows(const Tally *sample, int64 *nrows, int64 *most)
{
	TallyRow **rows = tally_rows(sample, nrows);

	if (*nrows == 0)
		return NULL;
	*most = rows[*nrows - 1]->key.numbers[0];
	if (rows[0]->key.numbers[0] < 0 || *most > VALUE_MAX_PURCHASES)
		report_corrupted();
	return rows;
}

/* The zone of the days that were counted; NULL: not known. */
static ZoneDays *
zone_of_sample(const Tally *sample)
{
	const char *zone = tally_parameter(sample, SAMPLE_ZONE);

	return zone != NULL ? zone_noted(zone, strlen(zone)) : NULL;
}

static void *
rows_allocate(int64 nrows, size_t size)
{
	return palloc_extended(nrows * size, MCXT_ALLOC_HUGE);
}

/* ---- from an optimum to a model ---- */

/* A problem, over rows. */
typedef struct Fit
{
	ValueProblem problem; /* first */
	ValueRows rows;
	PurchaseKind kind; /* of purchases */
} Fit;

/* Of more rows than that, the search begins where it ends for so many of them. */
#define MANY_ROWS 20000

/* That many rows, evenly spread over all. */
static void *
some_of(const void *rows, int64 nrows, size_t size)
{
	char *some = rows_allocate(MANY_ROWS, size);
	int64 i;

	for (i = 0; i < MANY_ROWS; i++)
		memcpy(some + i * size, (const char *) rows + i * nrows / MANY_ROWS * size, size);
	return some;
}

/*
 * scale: what everything was divided by that is measured in the unit; and densities: how many
 * densities of such a thing customers' likelihoods have, in all. some: the same problem, over some
 * of the rows; NULL: these aren't many.
 */
static ValueModel *
fit_model(Fit *fit, Fit *some, const PolicyTable *table, int kind, double scale, double densities)
{
	ValueModel *model = value_model_create(table, kind);
	const ValueKind *of = value_kind(model);
	ValueOptimum optimum = { .value = 0 };
	int i;
	int j;

	fit->problem.n = of->nparameters;
	if (some != NULL)
	{
		some->problem.n = of->nparameters;
		value_optimise(&some->problem, &optimum);
		memcpy(fit->problem.starts[0], optimum.parameters, sizeof(optimum.parameters));
		fit->problem.nstarts = 1;
		fit->problem.is_near = true;
	}
	value_optimise(&fit->problem, &optimum);
	model->customers = (int64) fit->rows.customers;
	model->log_likelihood = optimum.value * fit->rows.customers - densities * log(scale);
	model->iterations = optimum.iterations;
	model->converged = optimum.converged && !optimum.any_on_edge;
	for (i = 0; i < of->nparameters; i++)
	{
		model->parameters[i] = optimum.parameters[i] * ((of->scales & 1 << i) != 0 ? scale : 1);
		model->on_edge[i] = optimum.on_edge[i];
		if (optimum.on_edge[i])
			ereport(WARNING,
					(errmsg("parameter %s of %s ends on the edge of what is looked at: %g",
							of->parameters[i], of->name, model->parameters[i]),
					 errdetail("The likelihood rises further beyond it: customers don't tell this "
							   "parameter."),
					 errhint("Fit to more customers, or to a longer time. The model says so: its "
							 "\"converged\" is false.")));
	}
	if (!optimum.converged && !optimum.any_on_edge)
		ereport(WARNING, (errmsg("the fit of %s has not converged", of->name),
						  errdetail("The likelihood is flat where the search for its top ended, "
									"at %s = %g.",
									of->parameters[0], model->parameters[0]),
						  errhint("Fit to more customers, or to a longer time. The model says so: "
								  "its \"converged\" is false.")));
	model->has_covariance = model->converged && optimum.has_inverse;
	for (i = 0; i < of->nparameters && model->has_covariance; i++)
		for (j = 0; j <= i; j++)
			model->covariance[i][j] = model->covariance[j][i] =
				optimum.inverse[i][j] / fit->rows.customers * model->parameters[i] *
				model->parameters[j];
	return model;
}

static double
mean(Fit *fit, double sum, double *gradient)
{
	int i;

	for (i = 0; i < fit->problem.n; i++)
		gradient[i] /= fit->rows.customers;
	return sum / fit->rows.customers;
}

/* ---- purchases ---- */

static int
compare_times(const void *a, const void *b)
{
	double left = *(const double *) a;
	double right = *(const double *) b;

	return left < right ? -1 : left > right;
}

static int32
find_time(const double *times, int64 n, double time)
{
	int64 low = 0;
	int64 high = n - 1;

	while (low < high)
	{
		int64 middle = (low + high) / 2;

		if (times[middle] < time)
			low = middle + 1;
		else
			high = middle;
	}
	return (int32) low;
}

/* Sorts times, and leaves one of each; returns how many there are. */
static int64
distinct_times(double *times, int64 n)
{
	int64 distinct = 0;
	int64 i;

	qsort(times, n, sizeof(double), compare_times);
	for (i = 0; i < n; i++)
		if (distinct == 0 || times[i] != times[distinct - 1])
			times[distinct++] = times[i];
	return distinct;
}

static void
find_times(ValueRows *all, PurchaseRow *rows)
{
	double *times = rows_allocate(2 * all->nrows, sizeof(double));
	int64 groups = 0;
	int64 begin = 0;

	all->times.times = times;
	all->times.ntimes = rows_allocate(all->nrows, sizeof(int64));
	while (begin < all->nrows)
	{
		int64 end = begin;
		int64 n = 0;
		int64 i;

		/* t_x are in their order already: one of each goes in */
		for (; end < all->nrows && rows[end].x == rows[begin].x; end++)
		{
			if (n == 0 || rows[end].t_x != rows[end - 1].t_x)
				times[n++] = rows[end].t_x;
			times[n++] = rows[end].age;
		}
		n = distinct_times(times, n);
		for (i = begin; i < end; i++)
		{
			rows[i].last = i > begin && rows[i].t_x == rows[i - 1].t_x
							   ? rows[i - 1].last
							   : find_time(times, n, rows[i].t_x);
			rows[i].now = find_time(times, n, rows[i].age);
		}
		all->times.ntimes[groups++] = n;
		all->times.most = Max(all->times.most, n);
		times += n;
		begin = end;
		CHECK_FOR_INTERRUPTS();
	}
}

static double
evaluate_purchases(ValueProblem *problem, const double *parameters, double *gradient)
{
	Fit *fit = (Fit *) problem;
	double sum =
		fit->kind == PURCHASE_PARETONBD
			? pareto_log_likelihood(&fit->rows, parameters, gradient)
			: bgnbd_log_likelihood(&fit->rows, fit->kind == PURCHASE_MBGNBD, parameters, gradient);

	return mean(fit, sum, gradient);
}

/* Takes up rows that are sorted, of customers with at most so many purchases. */
static void
take_purchases(Fit *fit, PurchaseRow *rows, int64 nrows, int64 most)
{
	Beyond beyond = beyond_create(most);
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		fit->rows.customers += rows[i].customers;
		beyond_add(&beyond, rows[i].x, rows[i].customers);
	}
	beyond_finish(&beyond, &fit->rows);
	fit->rows.rows = rows;
	fit->rows.nrows = nrows;
	find_times(&fit->rows, rows);
}

ValueModel *
purchase_fit(const Tally *sample, PurchaseKind kind)
{
	/* r, alpha in units of the mean interval, a, b; or s, and beta in units of the longest age */
	double starts[][VALUE_MAX_PARAMETERS] = {
		{ 0.5, 0.5, 1, 2 }, { 1, 1, 0.5, 3 }, { 2, 2, 0.3, 1 }, { 0.2, 0.2, 2, 10 }
	};
	double pareto_starts[][VALUE_MAX_PARAMETERS] = {
		{ 0.5, 0.5, 0.5, 0.3 }, { 1, 1, 1, 1 }, { 2, 2, 0.3, 0.1 }, { 0.3, 0.3, 2, 5 }
	};
	Fit fit = { .problem = { .evaluate = evaluate_purchases,
							 .nstarts = lengthof(starts),
							 .starts = kind == PURCHASE_PARETONBD ? pareto_starts : starts },
				.kind = kind };
	Fit some = fit;
	double purchases = 0;
	double time = 0;
	double scale = 0;
	PurchaseRow *rows;
	ValueModel *model;
	int64 nrows;
	int64 most;
	TallyRow **counted = sample_rows(sample, &nrows, &most);
	const char *period = tally_parameter(sample, PURCHASE_SAMPLE_PERIOD);
	int64 i;

	if (counted == NULL)
		return NULL;
	rows = rows_allocate(nrows, sizeof(PurchaseRow));
	for (i = 0; i < nrows; i++)
	{
		const TallyRow *row = counted[i];

		rows[i].x = row->key.numbers[0];
		rows[i].t_x = tally_key_float(row->key.numbers[1]);
		rows[i].age = tally_key_float(row->key.numbers[2]);
		rows[i].customers = (double) row->sums[0];
		scale = Max(scale, rows[i].age);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(counted);
	if (scale == 0)
		scale = 1;
	for (i = 0; i < nrows; i++)
	{
		rows[i].t_x /= scale;
		rows[i].age /= scale;
		purchases += rows[i].x * rows[i].customers;
		time += rows[i].age * rows[i].customers;
	}
	for (i = 0; i < fit.problem.nstarts; i++)
		fit.problem.starts[i][BGNBD_ALPHA] *= purchases > 0 && time > 0 ? time / purchases : 1;
	take_purchases(&fit, rows, nrows, most);
	if (nrows > MANY_ROWS)
		take_purchases(&some, some_of(rows, nrows, sizeof(PurchaseRow)), MANY_ROWS, most);
	model = fit_model(&fit, nrows > MANY_ROWS ? &some : NULL, &purchase_model_table, kind, scale,
					  purchases);
	for (i = 0; i < (int) lengthof(value_period_names) && period != NULL; i++)
		if (strcmp(period, value_period_names[i]) == 0)
			model->period = VALUE_DAY + i;
	model->zone = zone_of_sample(sample);
	pfree(rows);
	return model;
}

/* ---- spend ---- */

static double
evaluate_spend(ValueProblem *problem, const double *parameters, double *gradient)
{
	Fit *fit = (Fit *) problem;

	return mean(fit, gamma_gamma_log_likelihood(&fit->rows, parameters, gradient), gradient);
}

ValueModel *
spend_fit(const Tally *sample)
{
	double starts[][VALUE_MAX_PARAMETERS] = {
		{ 2, 3, 1 }, { 6, 4, 0.5 }, { 20, 10, 0.45 }, { 0.5, 2, 2 }
	};
	Fit fit = { .problem = {
					.evaluate = evaluate_spend, .nstarts = lengthof(starts), .starts = starts } };
	Fit some = fit;
	double scale = 0; /* the mean over customers */
	SpendRow *rows;
	ValueModel *model;
	int64 nrows;
	int64 most;
	TallyRow **counted = sample_rows(sample, &nrows, &most);
	int64 i;

	if (counted == NULL)
		return NULL;
	rows = rows_allocate(nrows, sizeof(SpendRow));
	for (i = 0; i < nrows; i++)
		fit.rows.customers += (double) counted[i]->sums[0];
	for (i = 0; i < nrows; i++)
	{
		rows[i].x = counted[i]->key.numbers[0];
		rows[i].m = tally_key_float(counted[i]->key.numbers[1]);
		rows[i].customers = (double) counted[i]->sums[0];
		scale += rows[i].m * (rows[i].customers / fit.rows.customers);
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < nrows; i++)
		rows[i].m /= scale;
	pfree(counted);
	fit.rows.rows = rows;
	fit.rows.nrows = nrows;
	if (nrows > MANY_ROWS)
	{
		SpendRow *few = some_of(rows, nrows, sizeof(SpendRow));

		some.rows.rows = few;
		some.rows.nrows = MANY_ROWS;
		for (i = 0; i < MANY_ROWS; i++)
			some.rows.customers += few[i].customers;
	}
	model = fit_model(&fit, nrows > MANY_ROWS ? &some : NULL, &spend_model_table, 0, scale,
					  fit.rows.customers);
	model->zone = zone_of_sample(sample);
	pfree(rows);
	return model;
}

/* ---- renewals ---- */

static double
evaluate_renewals(ValueProblem *problem, const double *parameters, double *gradient)
{
	Fit *fit = (Fit *) problem;

	return mean(fit, sbg_log_likelihood(&fit->rows, parameters, gradient), gradient);
}

ValueModel *
renewal_fit(const Tally *sample)
{
	double starts[][VALUE_MAX_PARAMETERS] = { { 1, 3 }, { 0.5, 1 }, { 3, 20 } };
	Fit fit = {
		.problem = { .evaluate = evaluate_renewals, .nstarts = lengthof(starts), .starts = starts }
	};
	RenewalRow *rows;
	ValueModel *model;
	int64 nrows;
	int64 most;
	TallyRow **counted = sample_rows(sample, &nrows, &most);
	Beyond beyond;
	int64 i;

	if (counted == NULL)
		return NULL;
	beyond = beyond_create(most);
	rows = rows_allocate(nrows, sizeof(RenewalRow));
	for (i = 0; i < nrows; i++)
	{
		rows[i].periods = counted[i]->key.numbers[0];
		rows[i].lost = (double) counted[i]->sums[0];
		rows[i].kept = (double) counted[i]->sums[1];
		fit.rows.customers += rows[i].lost + rows[i].kept;
		beyond_add(&beyond, rows[i].periods, rows[i].lost + rows[i].kept);
	}
	pfree(counted);
	beyond_finish(&beyond, &fit.rows);
	fit.rows.rows = rows;
	fit.rows.nrows = nrows;
	model = fit_model(&fit, NULL, &renewal_model_table, 0, 1, 0);
	pfree(rows);
	return model;
}
