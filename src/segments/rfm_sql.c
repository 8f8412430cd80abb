/*
 * rfm_sql.c
 *		One customer: recency, frequency and monetary value, and their scores.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "core/argument.h"
#include "core/rows.h"
#include "segments/rfm_internal.h"

PG_FUNCTION_INFO_V1(loyalty_rfm);
PG_FUNCTION_INFO_V1(loyalty_rfm_score);

/* Walks the timeline in the first argument up to the end of a day. */
static void
walk_argument(FunctionCallInfo fcinfo, RfmWalk *walk, ZoneDays *zone, DateADT as_of,
			  OrderSet *orders)
{
	rfm_walk_open(walk, timeline_event_body(PG_GETARG_DATUM(0)), zone, orders);
	rfm_walk_until(walk, zone_day_start(zone, as_of + 1));
	rfm_walk_close(walk);
}

static void
put_nulls(Rows *rows, int n)
{
	while (n-- > 0)
		rows_put_null(rows);
}

/* rfm(timeline, as_of, zone) */
Datum
loyalty_rfm(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 1, "as_of");
	ZoneDays *zone = argument_zone(fcinfo, 2);
	RfmWalk walk;
	const RfmCustomer *customer = &walk.customer;
	OrderSet orders;
	int64 norders;
	Datum monetary;
	Rows rows;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	order_set_init(&orders, CurrentMemoryContext);
	walk_argument(fcinfo, &walk, zone, as_of, &orders);
	norders = order_set_count(&orders);
	monetary = NumericGetDatum(decimal_sum_to_numeric(customer->monetary, customer->scale));

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	if (customer->frequency > 0)
		rows_put_int(&rows, as_of - customer->last);
	else
		rows_put_null(&rows);
	rows_put_int(&rows, customer->frequency);
	rows_put_count(&rows, norders);
	rows_put_decimal(&rows, customer->monetary, customer->scale);
	if (customer->frequency > 0)
	{
		rows_put_datum(&rows, DirectFunctionCall2(numeric_div, monetary,
												  NumericGetDatum(int64_to_numeric(norders))));
		rows_put_int(&rows, as_of - customer->first);
	}
	else
		put_nulls(&rows, 2);
	return rows_record(&rows);
}

static void *
open_scorer(const struct varlena *scale)
{
	return rfm_scorer_create(rfm_scale_open(scale));
}

/* rfm_score(timeline, scale, as_of, zone) */
Datum
loyalty_rfm_score(PG_FUNCTION_ARGS)
{
	DateADT as_of = argument_day(fcinfo, 2, "as_of");
	ZoneDays *zone = argument_zone(fcinfo, 3);
	RfmScorer *scorer;
	RfmWalk walk;
	int scores[RFM_MEASURES];
	Rows rows;
	int i;

	argument_refuse_null(fcinfo, 1, "scale", RFM_SCALE_HINT);
	scorer = policy_argument(fcinfo, 1, &rfm_scale_table, open_scorer);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	walk_argument(fcinfo, &walk, zone, as_of, NULL);
	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	if (walk.customer.frequency == 0)
		put_nulls(&rows, RFM_MEASURES);
	else
	{
		rfm_scores(scorer, &walk.customer, as_of, scores);
		for (i = 0; i < RFM_MEASURES; i++)
			rows_put_int(&rows, scores[i]);
	}
	return rows_record(&rows);
}
