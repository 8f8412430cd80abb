/*
 * basket_switching.c
 *		The spend that moved between labels from one period to the next: basket_switching(), and its
 *		rows by label and by where it went.
 *
 *		period	labels			sums
 *		March	["Tea"]			customers, spend, new, increased, lost, decreased, returned
 *		March	["Tea", "Mate"]	what customers switched from the one to the other, and how many did
 *
 * A key has one text, so that labels stand in a JSON array there; null is what has none. From one
 * period to the next, to the last unit:
 *
 *		spend = spend before + new + increased + switched in - lost - decreased - switched out
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "core/array.h"
#include "core/int128.h"
#include "core/rows.h"
#include "metric/metric.h"
#include "segments/basket_internal.h"

/* ---- counting ---- */

/* By period, and by one label or two, as numbers in the walk's labels; at one scale. */
typedef struct SwitchingFold
{
	BasketWalk *walk;
	MemoryContext context;
	Tally *tally;
	int scale;
	int64 factor; /* from a customer's amounts to this scale */
	Cells *by_label;
	Cells *switched;
} SwitchingFold;

enum
{
	SWITCHED_CUSTOMERS,
	SWITCHED_AMOUNT,
	SWITCHED_SUMS
};

static void
take_amount(void *context, BasketSum sum, int32 period, uint32 label, uint32 to, int128 amount)
{
	SwitchingFold *fold = context;

	if (sum != BASKET_CUSTOMERS && int128_mul_overflow(amount, fold->factor, &amount))
		decimal_report_sum("a customer's values");
	if (sum == BASKET_SWITCHED)
	{
		int128 *sums = cell_at(fold->switched, period, (int32) label, (int32) to);

		sums[SWITCHED_CUSTOMERS]++;
		decimal_sum_add(&sums[SWITCHED_AMOUNT], amount, "what is switched");
	}
	else
		decimal_sum_add(&cell_at(fold->by_label, period, 0, (int32) label)[sum], amount,
						"what is spent");
}

static void
open_cells(SwitchingFold *fold)
{
	MemoryContext old = MemoryContextSwitchTo(fold->context);

	fold->by_label = cells_create(BASKET_LABEL_SUMS);
	fold->switched = cells_create(SWITCHED_SUMS);
	MemoryContextSwitchTo(old);
}

static void *
switching_start(const MetricQuestion *question, Tally *tally)
{
	SwitchingFold *fold = palloc0(sizeof(SwitchingFold));

	fold->context = CurrentMemoryContext;
	fold->tally = tally;
	fold->walk =
		basket_walk_create(question->period, question->zone, question->as_of, take_amount, fold);
	open_cells(fold);
	return fold;
}

/* ---- into the tally ---- */

static void
put_label(StringInfo out, const Texts *labels, uint32 number)
{
	ByteSpan text;
	char *terminated;

	if (number == 0)
	{
		appendStringInfoString(out, "null");
		return;
	}
	text = texts_get(labels, number);
	terminated = pnstrdup((const char *) text.bytes, text.len);
	escape_json(out, terminated);
	pfree(terminated);
}

/* The row of a label, or of two. */
static TallyRow *
row_of(const SwitchingFold *fold, StringInfo room, int32 period, uint32 label, const uint32 *to)
{
	TallyKey key = { .numbers = { period } };

	resetStringInfo(room);
	appendStringInfoChar(room, '[');
	put_label(room, fold->walk->labels, label);
	if (to != NULL)
	{
		appendStringInfoString(room, ", ");
		put_label(room, fold->walk->labels, *to);
	}
	appendStringInfoChar(room, ']');
	key.text = room->data;
	key.text_len = room->len;
	return tally_row(fold->tally, &key);
}

/* What brings cells into the tally. */
typedef struct Bringing
{
	const SwitchingFold *fold;
	int128 factor; /* from the fold's scale to the tally's */
	StringInfoData room;
} Bringing;

static void
add_sum(const Bringing *bringing, TallyRow *row, BasketSum sum, int128 amount)
{
	if (sum != BASKET_CUSTOMERS && int128_mul_overflow(amount, bringing->factor, &amount))
		decimal_report_sum("what is spent");
	tally_add(bringing->fold->tally, row, sum, amount);
}

/* A CellsVisitor. */
static void
bring_label(void *context, int32 period, int32 none, int32 column, const int128 *block)
{
	Bringing *bringing = context;
	int i;

	for (i = 0; i < CELLS_BLOCK; i++, block += BASKET_LABEL_SUMS)
	{
		TallyRow *row = NULL;
		int sum;

		for (sum = 0; sum < BASKET_LABEL_SUMS; sum++)
		{
			if (block[sum] == 0)
				continue;
			if (row == NULL)
				row = row_of(bringing->fold, &bringing->room, period, (uint32) (column + i), NULL);
			add_sum(bringing, row, sum, block[sum]);
		}
	}
}

/* A CellsVisitor. */
static void
bring_switched(void *context, int32 period, int32 label, int32 column, const int128 *block)
{
	Bringing *bringing = context;
	int i;

	for (i = 0; i < CELLS_BLOCK; i++, block += SWITCHED_SUMS)
	{
		uint32 to = (uint32) (column + i);
		TallyRow *row;

		if (block[SWITCHED_CUSTOMERS] == 0)
			continue;
		row = row_of(bringing->fold, &bringing->room, period, (uint32) label, &to);
		add_sum(bringing, row, BASKET_CUSTOMERS, block[SWITCHED_CUSTOMERS]);
		add_sum(bringing, row, BASKET_SWITCHED, block[SWITCHED_AMOUNT]);
	}
}

static void
switching_finish(void *of, Tally *tally)
{
	SwitchingFold *fold = of;
	Bringing bringing = { .fold = fold, .factor = tally_use_scale(tally, fold->scale) };

	initStringInfo(&bringing.room);
	cells_visit(fold->by_label, bring_label, &bringing);
	cells_visit(fold->switched, bring_switched, &bringing);
	pfree(bringing.room.data);
	cells_free(fold->by_label);
	cells_free(fold->switched);
	open_cells(fold);
}

static void
switching_customer(void *of, ByteSpan body)
{
	SwitchingFold *fold = of;
	int scale = basket_walk_open(fold->walk, body);

	if (unlikely(scale > fold->scale))
	{
		switching_finish(fold, fold->tally);
		fold->scale = scale;
	}
	fold->factor = decimal_power[fold->scale - scale];
	basket_walk(fold->walk);
}

/* ---- reading a result ---- */

/* The labels of a row; of one, to is the same. False: they aren't written as above. */
static bool
read_labels(const TallyKey *key, EventText labels[2], int *n)
{
	char *text;
	StringInfoData canonical;
	Jsonb *json;
	int i;

	if (key->text == NULL)
		return false;
	text = pnstrdup(key->text, key->text_len);
	json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	*n = (int) JB_ROOT_COUNT(json);
	if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json) || *n < 1 || *n > 2)
		return false;
	initStringInfo(&canonical);
	for (i = 0; i < *n; i++)
	{
		const JsonbValue *value = getIthJsonbValueFromContainer(&json->root, i);

		labels[i] = (EventText){ NULL, 0 };
		appendStringInfoString(&canonical, i == 0 ? "[" : ", ");
		if (value->type == jbvNull)
			appendStringInfoString(&canonical, "null");
		else if (value->type == jbvString)
		{
			labels[i].bytes = pnstrdup(value->val.string.val, value->val.string.len);
			labels[i].len = value->val.string.len;
			escape_json(&canonical, labels[i].bytes);
		}
		else
			return false;
	}
	appendStringInfoChar(&canonical, ']');
	return strcmp(canonical.data, text) == 0;
}

/* What is known of a label in a period, beyond the sums of a row. */
typedef enum LabelSum
{
	LABEL_BEFORE = BASKET_LABEL_SUMS, /* spend of the period before */
	LABEL_SWITCHED_IN,
	LABEL_SWITCHED_OUT,
	LABEL_SUMS
} LabelSum;

/* One of these sums, as rows tell it. */
typedef struct LabelAmount
{
	EventText label;
	int32 period;
	int sum;
	int128 amount;
} LabelAmount;

typedef struct LabelAmounts
{
	LabelAmount *list;
	int64 n;
	int64 max;
} LabelAmounts;

static void
note_amount(LabelAmounts *amounts, int64 period, EventText label, int sum, int128 amount)
{
	if (amount == 0)
		return;
	amounts->list = array_grow(amounts->list, &amounts->max, amounts->n + 1, sizeof(LabelAmount));
	amounts->list[amounts->n++] = (LabelAmount){ label, (int32) period, sum, amount };
}

static int
compare_amounts(const void *a, const void *b)
{
	const LabelAmount *x = a;
	const LabelAmount *y = b;

	if (x->period != y->period)
		return x->period < y->period ? -1 : 1;
	return event_text_compare(&x->label, &y->label);
}

/* The amounts of a result's rows, by period and label; false where rows aren't what they should. */
static bool
read_amounts(const Tally *tally, int32 last_period, LabelAmounts *amounts)
{
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;
	int sum;

	memset(amounts, 0, sizeof(LabelAmounts));
	for (i = 0; i < nrows; i++)
	{
		int64 period = rows[i]->key.numbers[0];
		const int128 *sums = rows[i]->sums;
		EventText labels[2];
		int n;

		CHECK_FOR_INTERRUPTS();
		if (!read_labels(&rows[i]->key, labels, &n))
			return false;
		if (n == 2)
		{
			note_amount(amounts, period, labels[0], LABEL_SWITCHED_OUT, sums[BASKET_SWITCHED]);
			note_amount(amounts, period, labels[1], LABEL_SWITCHED_IN, sums[BASKET_SWITCHED]);
			continue;
		}
		for (sum = 0; sum < BASKET_LABEL_SUMS; sum++)
			note_amount(amounts, period, labels[0], sum, sums[sum]);
		if (period < last_period)
			note_amount(amounts, period + 1, labels[0], LABEL_BEFORE, sums[BASKET_SPEND]);
	}
	pfree(rows);
	if (amounts->n > 0)
		sort_elements(amounts->list, amounts->n, sizeof(LabelAmount), compare_amounts);
	return true;
}

/* Takes the next label of a period, with all its sums. */
typedef struct LabelPeriod
{
	EventText label;
	int32 period;
	int128 sums[LABEL_SUMS];
} LabelPeriod;

/* False: they don't fit. */
static bool
take_label(const LabelAmounts *amounts, int64 *at, LabelPeriod *label)
{
	const LabelAmount *first = &amounts->list[*at];
	bool fits = true;

	memset(label, 0, sizeof(LabelPeriod));
	label->label = first->label;
	label->period = first->period;
	for (; *at < amounts->n && compare_amounts(&amounts->list[*at], first) == 0; (*at)++)
	{
		int128 *sum = &label->sums[amounts->list[*at].sum];

		fits = !__builtin_add_overflow(*sum, amounts->list[*at].amount, sum) && fits;
		CHECK_FOR_INTERRUPTS();
	}
	return fits;
}

/* Adds up sums, each with its sign; false where they don't fit. */
static bool
balance(const int128 *sums, const int *plus, int nplus, const int *minus, int nminus,
		int128 *result)
{
	bool fits = true;
	int i;

	*result = 0;
	for (i = 0; i < Max(nplus, nminus); i++)
	{
		if (i < nplus)
			fits = !__builtin_add_overflow(*result, sums[plus[i]], result) && fits;
		if (i < nminus)
			fits = !__builtin_sub_overflow(*result, sums[minus[i]], result) && fits;
	}
	return fits;
}

static const int came[] = { BASKET_NEW, BASKET_INCREASED, LABEL_SWITCHED_IN };
static const int went[] = { BASKET_LOST, BASKET_DECREASED, LABEL_SWITCHED_OUT };
static const int spend[] = { BASKET_SPEND };
static const int before[] = { LABEL_BEFORE };

/* How a label's spend changed, and what of it stayed; false where that doesn't fit. */
static bool
change_of(const LabelPeriod *label, int128 *change, int128 *kept)
{
	return balance(label->sums, came, lengthof(came), went, lengthof(went), change) &&
		   balance(label->sums, before, lengthof(before), went, lengthof(went), kept);
}

/* ---- the result ---- */

static const MetricArgument arguments[] = {
	METRIC_PERIOD_ARGUMENT,
	METRIC_LAST_DAY_ARGUMENT("as_of"),
};

static const TallyParameter parameters[] = { METRIC_PERIOD_PARAMETER, METRIC_ZONE_PARAMETER,
											 METRIC_AS_OF_PARAMETER };

static const TallyColumn keys[] = { { "period", TALLY_PERIOD }, { "labels", TALLY_TEXT } };

static const TallyColumn columns[BASKET_SUMS] = {
	[BASKET_CUSTOMERS] = { "customers", TALLY_COUNT },
	[BASKET_SPEND] = { "spend", TALLY_VALUE },
	[BASKET_NEW] = { "new", TALLY_VALUE },
	[BASKET_INCREASED] = { "increased", TALLY_VALUE },
	[BASKET_LOST] = { "lost", TALLY_VALUE },
	[BASKET_DECREASED] = { "decreased", TALLY_VALUE },
	[BASKET_RETURNED] = { "returned", TALLY_VALUE },
	[BASKET_SWITCHED] = { "switched", TALLY_VALUE },
};

static const char *
row_fault(const TallyRow *row)
{
	const int128 *sums = row->sums;
	EventText labels[2];
	int sum;
	int n;

	if (!read_labels(&row->key, labels, &n))
		return "\"labels\" isn't a JSON array of a label or two.";
	if (sums[BASKET_INCREASED] < 0 || sums[BASKET_DECREASED] < 0 || sums[BASKET_SWITCHED] < 0)
		return "\"increased\", \"decreased\" or \"switched\" is below zero.";
	if (n == 1)
		return sums[BASKET_SWITCHED] != 0 ? "Nobody switches between labels where there is one."
										  : NULL;
	if (event_text_compare(&labels[0], &labels[1]) == 0)
		return "Nobody switches from a label to itself.";
	if (sums[BASKET_CUSTOMERS] == 0 || sums[BASKET_SWITCHED] == 0)
		return "Between two labels, somebody switches something.";
	for (sum = BASKET_SPEND; sum < BASKET_LABEL_SUMS; sum++)
		if (sums[sum] != 0)
			return "Between two labels, there is nothing but \"switched\".";
	return NULL;
}

static const char *
find_fault(const Tally *tally)
{
	const char *fault = metric_period_fault(tally);
	MetricCalendar calendar;
	LabelAmounts amounts;
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	int64 i;

	for (i = 0; i < nrows && fault == NULL; i++)
	{
		fault = row_fault(rows[i]);
		CHECK_FOR_INTERRUPTS();
	}
	if (fault != NULL || !metric_result_calendar(tally, &calendar) ||
		!read_amounts(tally, calendar.last, &amounts))
		return fault;
	for (i = 0; i < amounts.n;)
	{
		LabelPeriod label;
		int128 change;
		int128 kept;
		int128 difference;

		if (!take_label(&amounts, &i, &label) || !change_of(&label, &change, &kept) ||
			!balance(label.sums, spend, 1, before, 1, &difference))
			return "What a label changed by doesn't fit.";
		if (difference != change)
			return "A label's spend changes by something else than what came less what went.";
	}
	return NULL;
}

static const TallyShape shape = {
	.type = "basket_switching_result",
	.maker = "basket_switching() and rollup()",
	TALLY_PARAMETERS(parameters),
	TALLY_KEYS(keys),
	TALLY_SUMS(columns),
	.fault = find_fault,
};

static const Metric switching = {
	.shape = &shape,
	.input = METRIC_TIMELINES,
	METRIC_ARGUMENTS(arguments),
	.eventless = METRIC_IGNORE_EVENTLESS,
	.start = switching_start,
	.customer = switching_customer,
	.finish = switching_finish,
};

/* loyalty_basket_switching_result_in, loyalty_basket_switching_result_out,
 * loyalty_basket_switching_result_recv, loyalty_basket_switching_result_send,
 * loyalty_basket_switching_result_merge, loyalty_basket_switching_result_scope */
TALLY_TYPE(basket_switching_result, &shape)

/* loyalty_basket_switching, (timeline_base, period, as_of); loyalty_basket_switching_accum */
METRIC_FUNCTIONS(basket_switching, &switching)

/* ---- rows ---- */

PG_FUNCTION_INFO_V1(loyalty_basket_switching_table);
PG_FUNCTION_INFO_V1(loyalty_basket_switching_flows);

static void
put_period(Rows *rows, const MetricCalendar *calendar, int32 period)
{
	rows_put_day(rows, calendar_start(&calendar->calendar, period));
	rows_put_day(rows, calendar_start(&calendar->calendar, period + 1));
	rows_put_bool(rows, period <= calendar->last_complete);
}

static void
put_label_sums(Rows *rows, const LabelPeriod *label, int scale)
{
	static const int shown[] = { BASKET_NEW,  BASKET_INCREASED, LABEL_SWITCHED_IN,
								 BASKET_LOST, BASKET_DECREASED, LABEL_SWITCHED_OUT,
								 BASKET_SPEND };
	int128 change;
	int128 kept;
	size_t i;

	if (!change_of(label, &change, &kept))
		decimal_report_sum("what is spent");
	rows_put_text(rows, label->label.bytes, label->label.len);
	rows_put_count(rows, (int64) label->sums[BASKET_CUSTOMERS]);
	rows_put_decimal(rows, label->sums[LABEL_BEFORE], scale);
	rows_put_decimal(rows, kept, scale);
	for (i = 0; i < lengthof(shown); i++)
		rows_put_decimal(rows, label->sums[shown[i]], scale);
	rows_put_decimal(rows, change, scale);
	rows_put_decimal(rows, label->sums[BASKET_RETURNED], scale);
}

/* basket_switching_table(result): by period and label */
Datum
loyalty_basket_switching_table(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	MetricCalendar calendar;
	LabelAmounts amounts;
	Rows rows;
	int64 i;

	rows_open(&rows, fcinfo);
	if (!metric_result_calendar(tally, &calendar))
		return (Datum) 0;
	if (!read_amounts(tally, calendar.last, &amounts))
		report_corrupted();
	for (i = 0; i < amounts.n;)
	{
		LabelPeriod label;

		if (!take_label(&amounts, &i, &label))
			decimal_report_sum("what is spent");
		rows_begin(&rows);
		put_period(&rows, &calendar, label.period);
		put_label_sums(&rows, &label, tally_scale(tally));
		rows_put_day(&rows, calendar.as_of);
		rows_end(&rows);
	}
	return (Datum) 0;
}

/* What of a label's came from somewhere else than another label, or went there. */
static const struct
{
	BasketSum sum;
	const char *name;
	bool comes;
} flows[] = {
	{ BASKET_NEW, "new", true },
	{ BASKET_INCREASED, "increased", true },
	{ BASKET_LOST, "lost", false },
	{ BASKET_DECREASED, "decreased", false },
};

#define FLOW_SWITCHED "switched"

/* basket_switching_flows(result): from where to where */
Datum
loyalty_basket_switching_flows(PG_FUNCTION_ARGS)
{
	const Tally *tally = tally_argument(fcinfo, 0, &shape);
	int scale = tally_scale(tally);
	MetricCalendar calendar;
	int64 nrows;
	TallyRow **row = tally_rows(tally, &nrows);
	TallyRow **end = row + nrows;
	Rows rows;

	rows_open(&rows, fcinfo);
	if (!metric_result_calendar(tally, &calendar))
		return (Datum) 0;
	for (; row < end; row++)
	{
		int32 period = (int32) (*row)->key.numbers[0];
		EventText labels[2];
		int n;
		size_t i;

		if (!read_labels(&(*row)->key, labels, &n))
			report_corrupted();
		if (n == 2)
		{
			rows_begin(&rows);
			put_period(&rows, &calendar, period);
			rows_put_name(&rows, FLOW_SWITCHED);
			rows_put_text(&rows, labels[0].bytes, labels[0].len);
			rows_put_text(&rows, labels[1].bytes, labels[1].len);
			rows_put_decimal(&rows, (*row)->sums[BASKET_SWITCHED], scale);
			rows_put_count(&rows, (int64) (*row)->sums[BASKET_CUSTOMERS]);
			rows_put_day(&rows, calendar.as_of);
			rows_end(&rows);
			continue;
		}
		for (i = 0; i < lengthof(flows); i++)
		{
			int128 amount = (*row)->sums[flows[i].sum];

			if (amount == 0)
				continue;
			rows_begin(&rows);
			put_period(&rows, &calendar, period);
			rows_put_name(&rows, flows[i].name);
			rows_put_text(&rows, flows[i].comes ? NULL : labels[0].bytes, labels[0].len);
			rows_put_text(&rows, flows[i].comes ? labels[0].bytes : NULL, labels[0].len);
			rows_put_decimal(&rows, amount, scale);
			rows_put_null(&rows);
			rows_put_day(&rows, calendar.as_of);
			rows_end(&rows);
		}
	}
	return (Datum) 0;
}
