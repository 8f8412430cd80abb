/*
 * referral_value.c
 *		What the customers of a chain spent: who began it, those whom he brought, and those whom
 *		these brought.
 *
 * All that a base's customers spent is in one row: a chain's, that of customers in circles or below
 * one, or that of customers whom no referral names. So the rows add up to the base.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "advocacy/advocacy_internal.h"
#include "core/decimal.h"
#include "core/int128.h"
#include "core/rows.h"
#include "metric/metric.h"
#include "timeline/timeline.h"

PG_FUNCTION_INFO_V1(loyalty_referral_value);

static const MetricArgument arguments[] = { METRIC_LAST_DAY_ARGUMENT("as_of") };

static const Metric question_of_value = {
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(arguments),
};

/* What the rows of a chain are called; also their order. */
typedef enum ChainKind
{
	CHAIN_OF_CUSTOMER = 1,
	CHAIN_OF_UNKNOWN,
	CHAIN_CYCLE,
	CHAIN_NONE
} ChainKind;

static const char *const chain_names[] = { [CHAIN_OF_CUSTOMER] = "customer",
										   [CHAIN_OF_UNKNOWN] = "unknown referrer",
										   [CHAIN_CYCLE] = "cycle",
										   [CHAIN_NONE] = "no referral" };

/* Spending, at one scale for all. */
typedef struct Spending
{
	int scale;
	int128 *own;	/* by node */
	bool *has_base; /* the base has him */
	int128 others;	/* of customers whom no referral names, */
	int64 nothers;	/* and how many they are */
	int32 nnodes;
} Spending;

static void report_spending(void) pg_attribute_noreturn();

static void
report_spending(void)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("spending is out of range"),
					errhint("Fewer decimals leave room for larger sums: use round(value, 2).")));
}

static void
add_to(int128 *sum, int128 amount)
{
	if (unlikely(__builtin_add_overflow(*sum, amount, sum)))
		report_spending();
}

static void
scale_up(int128 *sum, int64 factor)
{
	if (*sum != 0 && int128_mul_overflow(*sum, factor, sum))
		report_spending();
}

/* The factor that brings a customer's values to the scale of all, which becomes his where that is
 * larger. */
static int64
use_scale(Spending *spending, int scale)
{
	int64 factor;
	int32 i;

	if (likely(scale <= spending->scale))
		return decimal_power[spending->scale - scale];
	factor = decimal_power[scale - spending->scale];
	spending->scale = scale;
	scale_up(&spending->others, factor);
	for (i = 0; i < spending->nnodes; i++)
	{
		scale_up(&spending->own[i], factor);
		CHECK_FOR_INTERRUPTS();
	}
	return 1;
}

/* What a customer spent before an instant. */
static int128
spent_before(Spending *spending, ByteSpan body, TimestampTz end)
{
	EventText room[DICTIONARY_ROOM];
	TimelineReader reader;
	int128 sum = 0;

	timeline_open_within(&reader, body.bytes, body.len, room, DICTIONARY_ROOM);
	if (reader.flags & TIMELINE_HAS_VALUES)
		timeline_sum_between(&reader, DT_NOBEGIN, end, &sum);
	timeline_close_within(&reader, room, DICTIONARY_ROOM);
	if (sum != 0)
		scale_up(&sum, use_scale(spending, reader.scale));
	return sum;
}

/* Days that were collected as such are in the zone that has their first instants. */
static TimestampTz
end_of_day(const Base *base, const MetricQuestion *question)
{
	ZoneDays *zone =
		base->zone_state == ZONE_DAYS ? zone_noted(base->zone, strlen(base->zone)) : question->zone;

	return zone_day_start(zone, question->as_of + 1);
}

static void
add_base(Spending *spending, const ReferralSet *nodes, const Base *base,
		 const MetricQuestion *question)
{
	TimestampTz end = question->has_as_of ? end_of_day(base, question) : DT_NOBEGIN;
	BaseErrors errors;
	BaseCursor cursor;
	Customer customer = { 0 };
	ByteSpan body;

	base_rewind(&cursor, base);
	base_name_customer(&errors, base->type, &customer);
	while (base_next(&cursor, &customer, &body))
	{
		int32 node = referral_set_find(nodes, customer);
		int128 spent = spent_before(spending, body, end);

		if (node >= 0)
		{
			spending->own[node] = spent;
			spending->has_base[node] = true;
		}
		else
		{
			spending->nothers++;
			add_to(&spending->others, spent);
		}
		CHECK_FOR_INTERRUPTS();
	}
	base_forget_customer(&errors);
}

/* A chain: by the node that began it. */
typedef struct Chain
{
	int128 direct;
	int128 downstream;
	int32 absent; /* customers whom the base doesn't have */
} Chain;

/* The customers in circles and below them. */
typedef struct Rootless
{
	int64 members;
	int64 absent;
	int128 spent;
} Rootless;

static Chain *
add_chains(const ReferralForest *forest, const Spending *spending, Rootless *rootless)
{
	Chain *chains = palloc_extended(Max(1, spending->nnodes) * sizeof(Chain),
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int32 i;

	memset(rootless, 0, sizeof(Rootless));
	for (i = 0; i < spending->nnodes; i++)
	{
		int32 root = forest->root[i];

		if (root < 0)
		{
			rootless->members++;
			rootless->absent += !spending->has_base[i];
			add_to(&rootless->spent, spending->own[i]);
			continue;
		}
		chains[root].absent += !spending->has_base[i];
		if (forest->depth[i] == 1)
			add_to(&chains[root].direct, spending->own[i]);
		if (forest->depth[i] > 0)
			add_to(&chains[root].downstream, spending->own[i]);
		CHECK_FOR_INTERRUPTS();
	}
	return chains;
}

static void
put_as_of(Rows *rows, const MetricQuestion *question)
{
	if (question->has_as_of)
		rows_put_day(rows, question->as_of);
	else
		rows_put_null(rows);
}

static void
put_kind(Rows *rows, ChainKind kind)
{
	rows_put_name(rows, chain_names[kind]);
	rows_put_int(rows, kind);
}

/* A row of customers who are in no chain. */
static void
put_others(Rows *rows, const Referrals *referrals, const MetricQuestion *question, ChainKind kind,
		   int64 members, int64 absent, int128 spent, int scale)
{
	int i;

	if (members == 0)
		return;
	rows_begin(rows);
	referrals_put_node(rows, referrals, -1);
	put_kind(rows, kind);
	rows_put_count(rows, members);
	for (i = 0; i < 2; i++) /* direct and downstream */
		rows_put_null(rows);
	rows_put_decimal(rows, spent, scale);
	for (i = 0; i < 2; i++)
		rows_put_null(rows);
	rows_put_count(rows, absent);
	put_as_of(rows, question);
	rows_end(rows);
}

/* referral_value(referrals, base, as_of) */
Datum
loyalty_referral_value(PG_FUNCTION_ARGS)
{
	MetricQuestion question;
	const Base *base = metric_base(fcinfo, 1, &question_of_value, &question);
	Referrals *referrals;
	const ReferralForest *forest;
	ReferralSet *nodes;
	Spending spending = { 0 };
	const Chain *chains;
	Rootless rootless;
	Rows rows;
	int32 i;

	rows_open(&rows, fcinfo);
	if (PG_ARGISNULL(0) || base == NULL)
		return (Datum) 0;
	referrals = referrals_decode(PG_GETARG_VARLENA_PP(0));
	if (base->type != referrals->type)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("customers of the referrals are of type %s, those of the base of %s",
							   referrals_customer_type(referrals->type),
							   referrals_customer_type(base->type)),
						errhint("Cast the customers of one of them: timelines(customer::%s, at, "
								"value).",
								referrals_customer_type(referrals->type))));
	forest = referral_forest(referrals);

	/* into a new set nodes come in their order: they have the same numbers */
	nodes = referral_set_create(referrals->type);
	referral_set_add_all(nodes, referrals);
	spending.nnodes = referrals->count;
	spending.own = palloc_extended(Max(1, referrals->count) * sizeof(int128),
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	spending.has_base =
		palloc_extended(Max(1, referrals->count), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	add_base(&spending, nodes, base, &question);

	chains = add_chains(forest, &spending, &rootless);
	for (i = 0; i < referrals->count; i++)
	{
		if (forest->root[i] != i)
			continue;
		rows_begin(&rows);
		referrals_put_node(&rows, referrals, i);
		put_kind(&rows, referrals->customer[i] ? CHAIN_OF_CUSTOMER : CHAIN_OF_UNKNOWN);
		rows_put_count(&rows, 1 + forest->downstream[i]);
		rows_put_count(&rows, forest->direct[i]);
		rows_put_count(&rows, forest->downstream[i]);
		rows_put_decimal(&rows, spending.own[i], spending.scale);
		rows_put_decimal(&rows, chains[i].direct, spending.scale);
		rows_put_decimal(&rows, chains[i].downstream, spending.scale);
		rows_put_count(&rows, chains[i].absent);
		put_as_of(&rows, &question);
		rows_end(&rows);
	}
	put_others(&rows, referrals, &question, CHAIN_CYCLE, rootless.members, rootless.absent,
			   rootless.spent, spending.scale);
	put_others(&rows, referrals, &question, CHAIN_NONE, spending.nothers, 0, spending.others,
			   spending.scale);
	return (Datum) 0;
}
