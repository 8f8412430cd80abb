/*
 * tally_check.c
 *		What a tally from outside, as text or bytes, may hold.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/json.h"
#include "metric/metric_internal.h"

int
tally_hint(const TallyShape *shape)
{
	return errhint("A%s is made by %s.", a_type(shape->type) + 1, shape->maker);
}

bool
tally_lacks(const Tally *tally, const char *name)
{
	return tally->shape->lacks != NULL && tally->shape->lacks(tally, name);
}

/* What a tally of these parameters can't have. */
static const char *
what_it_lacks(const Tally *tally)
{
	const TallyShape *shape = tally->shape;
	int64 n;
	int i;

	for (i = 0; i < tally->ntotals; i++)
		if (tally->totals[i] != 0 && tally_lacks(tally, tally->total_names[i]))
			return tally->total_names[i];
	for (i = 0; i < shape->nsums; i++)
	{
		if (!tally_lacks(tally, shape->sums[i].name))
			continue;
		for (n = 0; n < tally->nlist; n++)
			if (tally->list[n]->sums[i] != 0)
				return shape->sums[i].name;
	}
	return NULL;
}

/* A sum that stands in a group's own row, and is one of its cells', or the other way round: a text
 * would lose it. NULL: there is none. */
static const char *
misplaced_sum(const Tally *tally)
{
	const TallyShape *shape = tally->shape;
	int64 n;
	int i;

	if (shape->groups == NULL)
		return NULL;
	for (n = 0; n < tally->nlist; n++)
	{
		const TallyRow *row = tally->list[n];
		bool is_own = row->key.numbers[1] == TALLY_GROUP;

		for (i = 0; i < shape->nsums; i++)
			if (row->sums[i] != 0 && is_own != (i < shape->groups->nsums))
				return shape->sums[i].name;
		CHECK_FOR_INTERRUPTS();
	}
	return NULL;
}

void
tally_check(const Tally *tally, int sqlstate)
{
	const char *lacking = what_it_lacks(tally);
	const char *misplaced = misplaced_sum(tally);
	const char *fault = NULL;

	if (lacking != NULL)
		fault = psprintf("By its parameters it has no \"%s\".", lacking);
	else if (misplaced != NULL)
		fault = psprintf("\"%s\" stands where none can be counted.", misplaced);
	else if (tally->shape->fault != NULL)
		fault = tally->shape->fault(tally);
	if (fault != NULL)
		ereport(ERROR, (errcode(sqlstate), errmsg("%s holds what can't be", tally->shape->type),
						errdetail("%s", fault), tally_hint(tally->shape)));
}
