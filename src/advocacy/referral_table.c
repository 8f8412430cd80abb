/*
 * referral_table.c
 *		Rows about who brought whom: customers, what was named, generations, and all in one.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "advocacy/advocacy_internal.h"
#include "core/array.h"
#include "core/rows.h"

PG_FUNCTION_INFO_V1(loyalty_referral_table);
PG_FUNCTION_INFO_V1(loyalty_referral_links);
PG_FUNCTION_INFO_V1(loyalty_referral_generations);
PG_FUNCTION_INFO_V1(loyalty_referral_summary);

void
referrals_put_node(Rows *rows, const Referrals *referrals, int32 node)
{
	static const Oid oids[] = {
		[CUSTOMER_BIGINT] = INT8OID, [CUSTOMER_UUID] = UUIDOID, [CUSTOMER_TEXT] = TEXTOID
	};

	/* A damaged value may say that it is of another type than its column. */
	if (TupleDescAttr(rows->desc, rows->ncolumns)->atttypid != oids[referrals->type])
		report_corrupted();
	if (node < 0)
		rows_put_null(rows);
	else
		rows_put_datum(rows, customer_datum(referrals->type, referrals_customer(referrals, node)));
}

/* A number of which -1 is none. */
static void
put_count(Rows *rows, int32 number)
{
	if (number < 0)
		rows_put_null(rows);
	else
		rows_put_count(rows, number);
}

static void
put_ratio(Rows *rows, int64 part, int64 whole)
{
	rows_put_float(rows, whole > 0 ? (double) part / (double) whole : NAN);
}

/* referral_table(result) */
Datum
loyalty_referral_table(PG_FUNCTION_ARGS)
{
	const Referrals *referrals = referrals_decode(PG_GETARG_VARLENA_PP(0));
	const ReferralForest *forest = referral_forest(referrals);
	Rows rows;
	int32 i;

	rows_open(&rows, fcinfo);
	for (i = 0; i < referrals->count; i++)
	{
		rows_begin(&rows);
		referrals_put_node(&rows, referrals, i);
		referrals_put_node(&rows, referrals, forest->referrer[i]);
		referrals_put_node(&rows, referrals, forest->root[i]);
		if (forest->depth[i] >= 0)
			rows_put_int(&rows, forest->depth[i]);
		else
			rows_put_null(&rows);
		rows_put_count(&rows, forest->direct[i]);
		put_count(&rows, forest->downstream[i]);
		rows_put_bool(&rows, referrals->customer[i]);
		rows_put_int(&rows, forest->named[i]);
		rows_put_bool(&rows, referrer_is_unknown(forest, i));
		rows_put_bool(&rows, forest->self[i]);
		rows_put_bool(&rows, forest->in_cycle[i]);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* referral_links(result) */
Datum
loyalty_referral_links(PG_FUNCTION_ARGS)
{
	const Referrals *referrals = referrals_decode(PG_GETARG_VARLENA_PP(0));
	const ReferralForest *forest = referral_forest(referrals);
	Rows rows;
	int32 i;

	rows_open(&rows, fcinfo);
	for (i = 0; i < referrals->count; i++)
	{
		int32 j = referrals->first[i];

		if (!referrals->customer[i])
			continue;
		do
		{
			bool is_named = j < referrals->first[i + 1];
			int32 referrer = is_named ? referrals->referrers[j] : -1;

			rows_begin(&rows);
			referrals_put_node(&rows, referrals, i);
			referrals_put_node(&rows, referrals, referrer);
			if (is_named)
				rows_put_bool(&rows, referrer == forest->referrer[i]);
			else
				rows_put_null(&rows);
			rows_end(&rows);
		} while (++j < referrals->first[i + 1]);
	}
	return (Datum) 0;
}

/* ---- generations ---- */

typedef struct Generation
{
	int64 members;
	int64 referring; /* of them, brought somebody */
	int64 brought;	 /* by them */
} Generation;

/* By depth; how many there are. */
static Generation *
count_generations(const ReferralForest *forest, int64 *ngenerations)
{
	Generation *generations = NULL;
	int64 max = 0;
	int64 n = 0;
	int32 i;

	for (i = 0; i < forest->referrals->count; i++)
	{
		int32 depth = forest->depth[i];

		if (depth < 0)
			continue;
		if (depth >= n)
		{
			generations = array_grow(generations, &max, (int64) depth + 1, sizeof(Generation));
			memset(&generations[n], 0, (depth + 1 - n) * sizeof(Generation));
			n = (int64) depth + 1;
		}
		generations[depth].members++;
		generations[depth].referring += forest->direct[i] > 0;
		generations[depth].brought += forest->direct[i];
		CHECK_FOR_INTERRUPTS();
	}
	*ngenerations = n;
	return generations;
}

/*
 * referral_generations(result)
 *
 * Customers brought by a generation, for each of its members: the mean number of offspring of a
 * branching process (Harris, The Theory of Branching Processes, 1963), as it was observed.
 */
Datum
loyalty_referral_generations(PG_FUNCTION_ARGS)
{
	const Referrals *referrals = referrals_decode(PG_GETARG_VARLENA_PP(0));
	int64 n;
	const Generation *generations = count_generations(referral_forest(referrals), &n);
	Rows rows;
	int64 i;

	rows_open(&rows, fcinfo);
	for (i = 0; i < n; i++)
	{
		rows_begin(&rows);
		rows_put_int(&rows, (int32) i);
		rows_put_count(&rows, generations[i].members);
		rows_put_count(&rows, generations[i].referring);
		rows_put_count(&rows, generations[i].brought);
		put_ratio(&rows, generations[i].referring, generations[i].members);
		put_ratio(&rows, generations[i].brought, generations[i].referring);
		put_ratio(&rows, generations[i].brought, generations[i].members);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* ---- all ---- */

typedef struct ReferralCounts
{
	int64 customers;
	int64 referred;
	int64 roots;
	int64 referring;
	int64 with_depth; /* customers in chains, and the sum of their depths */
	int64 depths;
	int32 max_depth;
	int64 unknown;
	int64 self;
	int64 several;
	int64 in_cycles;
	int64 below_cycles;
} ReferralCounts;

static ReferralCounts
count_referrals(const ReferralForest *forest)
{
	ReferralCounts counts = { .max_depth = -1 };
	int32 i;

	for (i = 0; i < forest->referrals->count; i++)
	{
		bool is_customer = forest->referrals->customer[i];

		counts.customers += is_customer;
		counts.unknown += !is_customer;
		counts.referred += forest->referrer[i] >= 0;
		counts.roots += forest->depth[i] == 0;
		counts.referring += forest->direct[i] > 0;
		if (is_customer && forest->depth[i] >= 0)
		{
			counts.with_depth++;
			counts.depths += forest->depth[i];
			counts.max_depth = Max(counts.max_depth, forest->depth[i]);
		}
		counts.self += forest->self[i];
		counts.several += forest->named[i] > 1;
		counts.in_cycles += forest->in_cycle[i];
		counts.below_cycles += forest->root[i] < 0 && !forest->in_cycle[i];
		CHECK_FOR_INTERRUPTS();
	}
	return counts;
}

/* referral_summary(result) */
Datum
loyalty_referral_summary(PG_FUNCTION_ARGS)
{
	const Referrals *referrals = referrals_decode(PG_GETARG_VARLENA_PP(0));
	const ReferralForest *forest = referral_forest(referrals);
	ReferralCounts counts = count_referrals(forest);
	Rows rows;

	rows_open_record(&rows, fcinfo);
	rows_begin(&rows);
	rows_put_count(&rows, counts.customers);
	rows_put_count(&rows, counts.referred);
	put_ratio(&rows, counts.referred, counts.customers);
	rows_put_count(&rows, counts.roots);
	rows_put_count(&rows, counts.referring);
	put_ratio(&rows, counts.depths, counts.with_depth);
	if (counts.max_depth >= 0)
		rows_put_int(&rows, counts.max_depth);
	else
		rows_put_null(&rows);
	put_ratio(&rows, counts.referred, counts.customers + counts.unknown);
	rows_put_count(&rows, counts.unknown);
	rows_put_count(&rows, counts.self);
	rows_put_count(&rows, counts.several);
	rows_put_count(&rows, forest->cycles);
	rows_put_count(&rows, counts.in_cycles);
	rows_put_count(&rows, counts.below_cycles);
	rows_put_count(&rows, referrals->guests);
	return rows_record(&rows);
}
