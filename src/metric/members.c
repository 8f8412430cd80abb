/*
 * members.c
 *		Who is in a cell of a metric's table, by name: the walk over a base that is common to all.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/tuplestore.h"

#include "core/argument.h"
#include "core/rows.h"
#include "metric/metric_internal.h"

/* Tells of each customer of a base. */
typedef struct MemberSearch
{
	const MetricMembers *members;
	void *fold;
	CustomerType type;
	Customer customer;	/* whom the walk is at */
	MetricNames *names; /* NULL: none are asked about */
	const CollectOps *ops;
	Rows rows;
} MemberSearch;

static void
put_customer(MemberSearch *search, const Customer *customer)
{
	rows_begin(&search->rows);
	rows_put_datum(&search->rows, customer_datum(search->type, *customer));
	rows_end(&search->rows);
}

static void
try_customer(void *of, ByteSpan body)
{
	MemberSearch *search = of;

	if (search->names != NULL)
		metric_names_see(search->names, search->ops, body);
	if (search->members->is_member(search->fold, body))
		put_customer(search, &search->customer);
}

static void
put_customer_of(void *of, ByteSpan body)
{
	MemberSearch *search = of;

	put_customer(search, &search->customer);
}

/* Everyone of two bases who starts; where there are no returns, nobody has any. */
static void
search_two(MemberSearch *search, const Base *starts, const Base *returns)
{
	BaseErrors errors;
	ByteSpan first;
	ByteSpan second = { NULL, 0 };

	if (returns == NULL)
	{
		BaseCursor cursor;

		base_rewind(&cursor, starts);
		base_name_customer(&errors, search->type, &search->customer);
		while (base_next(&cursor, &search->customer, &first))
		{
			if (search->members->is_member_of_two(search->fold, first, second))
				put_customer(search, &search->customer);
			CHECK_FOR_INTERRUPTS();
		}
	}
	else
	{
		BaseJoin join;

		base_join_open(&join, starts, returns);
		base_name_customer(&errors, search->type, &join.customer);
		while (base_join_next(&join, &first, &second))
		{
			if (search->members->is_member_of_two(search->fold, first, second))
				put_customer(search, &join.customer);
			CHECK_FOR_INTERRUPTS();
		}
	}
	base_forget_customer(&errors);
}

Datum
metric_members(FunctionCallInfo fcinfo, const MetricMembers *members)
{
	const Metric *metric = members->metric;
	MemberSearch search = { .members = members };
	int inputs = metric_inputs(metric);
	MetricQuestion question;
	const Base *returns;
	const Base *base = metric_bases(fcinfo, metric, members->before, members->ncell, &question,
									&returns, &search.names);

	search.fold = members->start(fcinfo, inputs + members->before, &question);
	rows_open_column(&search.rows, fcinfo);
	if (base == NULL)
		return (Datum) 0;
	search.type = base->type;
	search.ops = base->ops;
	if (inputs == 2)
		search_two(&search, base, returns);
	else if (question.has_as_of || metric->eventless == METRIC_FOLD_EVENTLESS)
		base_fold_at(base, question.zone, try_customer, &search, &search.customer);
	else
	{
		if (search.names != NULL && base_count(base) > 0)
			metric_names_see_nothing(search.names);
		if (members->has_eventless != NULL && members->has_eventless(search.fold))
			base_fold_at(base, question.zone, put_customer_of, &search, &search.customer);
	}
	if (search.names != NULL)
		metric_names_tell(search.names);
	if (members->has_cell != NULL && !members->has_cell(search.fold))
		tuplestore_clear(search.rows.result->setResult);
	return (Datum) 0;
}

int32
metric_cell_period(FunctionCallInfo fcinfo, int n, const char *name, const CalendarPeriod *period)
{
	Calendar calendar;

	argument_refuse_null(fcinfo, n, name, "Give a day of the period, as the table has it.");
	calendar_open(&calendar, period);
	return calendar_index(&calendar, argument_finite_day(fcinfo, n, name));
}

int
metric_cell_number(FunctionCallInfo fcinfo, int n, const char *const *names, int nnames)
{
	return argument_choice(fcinfo, n, "who", names, nnames, "unknown number of customers:", "'");
}
