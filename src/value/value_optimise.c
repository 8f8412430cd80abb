/*
 * value_optimise.c
 *		The parameters that make a likelihood as large as possible: the method of Broyden, Fletcher,
 *		Goldfarb and Shanno on their logarithms, inside of a box, and steps of Newton's at the end.
 *
 * Logarithms keep parameters above 0. The box keeps out the flats on which a likelihood rises
 * without end, and from which others' programs return whatever the last step was: a parameter
 * that ends there is named. Steps are bounded, and each goes up. What is reported as converged is
 * checked by itself: at the end the gradient is nothing, compared with the curvature, and the
 * curvature is downwards in each direction.
 *
 * Nocedal, J. and Wright, S. J. (2006): Numerical Optimization, 2nd ed., chapters 6 and 16.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "value/value_internal.h"

#define N				VALUE_MAX_PARAMETERS
#define MAX_ITERATIONS	200
#define MAX_NEWTONS		8
#define MAX_HALVINGS	40
#define LONGEST_STEP	2.0	  /* of a logarithm */
#define ROUGH_GRADIENT	1e-6  /* where Newton's steps begin */
#define DIFFERENCE		1e-4  /* of logarithms, for second derivatives */
#define LARGEST_MISTAKE 1e-12 /* of the mean log-likelihood */

/* A place, and what is the case there. Of what is made smaller: the negative of the likelihood. */
typedef struct Place
{
	double at[N]; /* logarithms */
	double value;
	double slope[N];
	bool fixed[N]; /* on the edge, and further down is beyond it */
} Place;

typedef double Square[N][N];

/* ---- places ---- */

/* On the edge exactly that. */
static double
parameter_at(double at)
{
	return at <= log(VALUE_LEAST_PARAMETER)	 ? VALUE_LEAST_PARAMETER
		   : at >= log(VALUE_MOST_PARAMETER) ? VALUE_MOST_PARAMETER
											 : exp(at);
}

static void
look(ValueProblem *problem, Place *place)
{
	double least = log(VALUE_LEAST_PARAMETER);
	double most = log(VALUE_MOST_PARAMETER);
	double parameters[N] = { 0 };
	int i;

	for (i = 0; i < problem->n; i++)
	{
		place->at[i] = Min(Max(place->at[i], least), most);
		parameters[i] = parameter_at(place->at[i]);
	}
	place->value = -problem->evaluate(problem, parameters, place->slope);
	for (i = 0; i < problem->n; i++)
	{
		place->slope[i] = -place->slope[i];
		place->fixed[i] = (place->at[i] <= least && place->slope[i] >= 0) ||
						  (place->at[i] >= most && place->slope[i] <= 0);
	}
}

static double
steepest(const ValueProblem *problem, const Place *place)
{
	double steepest = 0;
	int i;

	for (i = 0; i < problem->n; i++)
		if (!place->fixed[i])
			steepest = Max(steepest, fabs(place->slope[i]));
	return steepest;
}

static bool
is_better(const Place *found, const Place *than)
{
	return isfinite(found->value) && found->value < than->value;
}

/* ---- matrices ---- */

/*
 * The inverse of a symmetric matrix, among what isn't fixed, by Cholesky's decomposition; false
 * where it isn't positive definite to the digits there are.
 */
static bool
invert(const ValueProblem *problem, Square matrix, const bool *fixed, Square inverse)
{
	int n = problem->n;
	Square root = { { 0 } };
	int i;
	int j;
	int k;

	for (i = 0; i < n; i++)
		for (j = 0; j <= i; j++)
		{
			double rest = fixed[i] || fixed[j] ? i == j : matrix[i][j];

			for (k = 0; k < j; k++)
				rest -= root[i][k] * root[j][k];
			if (i != j)
				root[i][j] = rest / root[j][j];
			else if (rest > 1e-9 * fabs(matrix[i][i]) && isfinite(rest))
				root[i][i] = sqrt(rest);
			else if (fixed[i])
				root[i][i] = 1;
			else
				return false;
		}
	for (k = 0; k < n; k++)
	{
		double column[N];

		for (i = 0; i < n; i++)
		{
			column[i] = i == k;
			for (j = 0; j < i; j++)
				column[i] -= root[i][j] * column[j];
			column[i] /= root[i][i];
		}
		for (i = n - 1; i >= 0; i--)
		{
			for (j = i + 1; j < n; j++)
				column[i] -= root[j][i] * column[j];
			column[i] /= root[i][i];
		}
		for (i = k; i < n; i++)
			inverse[i][k] = inverse[k][i] = fixed[i] || fixed[k] ? 0 : column[i];
	}
	return true;
}

/* Second derivatives, by differences of gradients on both sides. */
static void
curvature(ValueProblem *problem, const Place *place, Square matrix)
{
	int n = problem->n;
	int i;
	int j;

	memset(matrix, 0, sizeof(Square));
	for (i = 0; i < n; i++)
	{
		Place up = *place;
		Place down = *place;

		if (place->fixed[i])
			continue;
		up.at[i] += DIFFERENCE;
		down.at[i] -= DIFFERENCE;
		look(problem, &up);
		look(problem, &down);
		for (j = 0; j < n; j++)
			matrix[i][j] = (up.slope[j] - down.slope[j]) / (up.at[i] - down.at[i]);
	}
	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			matrix[i][j] = matrix[j][i] =
				place->fixed[i] || place->fixed[j] ? 0 : (matrix[i][j] + matrix[j][i]) / 2;
}

/* The step that a matrix makes of a slope; and how far it goes down, to first order. */
static double
step_of(const ValueProblem *problem, const Place *place, Square matrix, double *step)
{
	double down = 0;
	double longest = 0;
	int i;
	int j;

	for (i = 0; i < problem->n; i++)
	{
		step[i] = 0;
		for (j = 0; j < problem->n && !place->fixed[i]; j++)
			if (!place->fixed[j])
				step[i] -= matrix[i][j] * place->slope[j];
		longest = Max(longest, fabs(step[i]));
	}
	for (i = 0; i < problem->n; i++)
	{
		if (longest > LONGEST_STEP)
			step[i] *= LONGEST_STEP / longest;
		down -= step[i] * place->slope[i];
	}
	return down;
}

/* ---- the way down ---- */

static void
reset(Square matrix)
{
	int i;

	memset(matrix, 0, sizeof(Square));
	for (i = 0; i < N; i++)
		matrix[i][i] = 1;
}

/* Goes a step, or as much of it as goes down; false where nothing does. */
static bool
go(ValueProblem *problem, Place *place, const double *step, double down)
{
	double share = 1;
	int tries;

	for (tries = 0; tries < MAX_HALVINGS; tries++)
	{
		Place next = *place;
		int i;

		for (i = 0; i < problem->n; i++)
			next.at[i] += share * step[i];
		look(problem, &next);
		if (isfinite(next.value) && next.value <= place->value - 1e-4 * share * down &&
			next.value < place->value)
		{
			*place = next;
			return true;
		}
		share /= 2;
	}
	return false;
}

/* What was seen on the way improves the matrix, which stands for the inverse of the curvature. */
static void
learn(const ValueProblem *problem, Square matrix, const Place *from, const Place *to, bool is_first)
{
	int n = problem->n;
	double way[N];
	double turn[N];
	double image[N];
	double product = 0;
	double length = 0;
	double spread = 0;
	int i;
	int j;

	for (i = 0; i < n; i++)
	{
		way[i] = to->at[i] - from->at[i];
		turn[i] = to->slope[i] - from->slope[i];
		product += way[i] * turn[i];
		length += turn[i] * turn[i];
	}
	if (product <= 1e-14 * length)
		return;
	if (is_first)
		for (i = 0; i < n; i++)
			matrix[i][i] = product / length;
	for (i = 0; i < n; i++)
	{
		image[i] = 0;
		for (j = 0; j < n; j++)
			image[i] += matrix[i][j] * turn[j];
		spread += image[i] * turn[i];
	}
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			matrix[i][j] += (1 + spread / product) * way[i] * way[j] / product -
							(image[i] * way[j] + way[i] * image[j]) / product;
}

static void
go_down(ValueProblem *problem, Place *place, int *iterations)
{
	Square matrix;
	bool is_new = true;

	reset(matrix);
	for (; *iterations < MAX_ITERATIONS; (*iterations)++)
	{
		Place before = *place;
		double step[N];
		double down;

		if (steepest(problem, place) <= ROUGH_GRADIENT)
			return;
		down = step_of(problem, place, matrix, step);
		if (down > 0 && go(problem, place, step, down))
		{
			learn(problem, matrix, &before, place, is_new);
			is_new = false;
		}
		else if (is_new)
			return;
		else
		{
			reset(matrix);
			is_new = true;
		}
		if (memcmp(before.fixed, place->fixed, sizeof(before.fixed)) != 0)
		{
			reset(matrix);
			is_new = true;
		}
	}
}

/* ... and the rest of it, where it is a bowl. */
static void
settle(ValueProblem *problem, Place *place, ValueOptimum *optimum)
{
	Square matrix;
	double step[N];
	double down;
	int i;

	optimum->has_inverse = false;
	optimum->converged = false;
	for (i = 0; i < MAX_NEWTONS; i++)
	{
		Place next = *place;
		int j;

		if (i < 2 || !optimum->converged)
		{
			curvature(problem, place, matrix);
			optimum->has_inverse = invert(problem, matrix, place->fixed, optimum->inverse);
			if (!optimum->has_inverse)
				return;
		}
		down = step_of(problem, place, optimum->inverse, step);
		optimum->converged = down <= LARGEST_MISTAKE;
		if (down <= LARGEST_MISTAKE * DBL_EPSILON)
			return;
		for (j = 0; j < problem->n; j++)
			next.at[j] += step[j];
		look(problem, &next);
		optimum->iterations++;
		/* at the end only the slope shows a difference, values have no digits left for it */
		if (!isfinite(next.value) || next.value > place->value + LARGEST_MISTAKE ||
			(optimum->converged && steepest(problem, &next) >= steepest(problem, place) / 2))
			return;
		*place = next;
	}
}

/* On a flat, the search ends some way before the edge that the likelihood rises to. */
static bool
is_near_edge(double parameter)
{
	return parameter < 10 * VALUE_LEAST_PARAMETER || parameter > VALUE_MOST_PARAMETER / 10;
}

static void
optimise_from(ValueProblem *problem, Place *place, ValueOptimum *optimum)
{
	int i;

	optimum->iterations = 0;
	if (problem->is_near)
		settle(problem, place, optimum);
	if (!problem->is_near || !optimum->converged)
	{
		go_down(problem, place, &optimum->iterations);
		settle(problem, place, optimum);
	}
	optimum->value = -place->value;
	optimum->any_on_edge = false;
	for (i = 0; i < problem->n; i++)
	{
		optimum->parameters[i] = parameter_at(place->at[i]);
		optimum->on_edge[i] =
			place->fixed[i] || (!optimum->converged && is_near_edge(optimum->parameters[i]));
		optimum->any_on_edge |= optimum->on_edge[i];
	}
}

void
value_optimise(ValueProblem *problem, ValueOptimum *optimum)
{
	Place *places = palloc0(problem->nstarts * sizeof(Place));
	int tries = problem->nstarts;
	int i;
	int j;

	for (i = 0; i < problem->nstarts; i++)
	{
		Place place = { .value = 0 };

		for (j = 0; j < problem->n; j++)
			place.at[j] = log(problem->starts[i][j]);
		look(problem, &place);
		for (j = i; j > 0 && is_better(&place, &places[j - 1]); j--)
			places[j] = places[j - 1];
		places[j] = place;
	}
	/* the best start first; others where that leads nowhere, and one more where it leads to an edge
	 */
	for (i = 0; i < tries; i++)
	{
		ValueOptimum other = { .value = 0 };

		optimise_from(problem, &places[i], &other);
		if (i == 0 || other.value > optimum->value + LARGEST_MISTAKE ||
			(other.converged && !optimum->converged &&
			 other.value > optimum->value - LARGEST_MISTAKE))
			*optimum = other;
		if (optimum->converged)
			tries = optimum->any_on_edge ? Min(tries, 2) : 0;
	}
	pfree(places);
}
