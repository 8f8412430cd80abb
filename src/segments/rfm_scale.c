/*
 * rfm_scale.c
 *		The type rfm_scale: cut points of recency, frequency and monetary value; how they come from
 *		quantiles; scoring by them.
 *
 * The score of a value in bins is ceil(bins x cume_dist), so customers with one value have one
 * score. It is s or more where more than (s - 1) / bins of all customers have that value or a
 * lower one: from the value on that the customer at place floor((s - 1) n / bins) + 1 has, of n in
 * ascending order. That value is the cut point of s. Of recency the order is reversed.
 *
 * A cut point that many share stands as often in the scale as there are scores that begin at it:
 * where all are equal, all of them have the highest score.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/argument.h"
#include "core/rows.h"
#include "segments/rfm_internal.h"

PG_FUNCTION_INFO_V1(loyalty_make_rfm_scale);
PG_FUNCTION_INFO_V1(loyalty_rfm_scale_table);

#define SCALE_TYPE RFM_SCALE
#define MAX_CUTS   (METRIC_MAX_COUNT - 1)

/* ---- reading ---- */

static Decimal
smallest(Decimal number)
{
	int scale = decimal_minimal_scale(number.units, number.scale);

	number.units /= decimal_power[number.scale - scale];
	number.scale = scale;
	return number;
}

static Decimal
check_whole(Decimal number, const char *path)
{
	number = smallest(number);
	if (number.scale > 0 || number.units < 0 || number.units > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of a " SCALE_TYPE " has %s", path,
						decimal_to_text(number.units, number.scale)),
				 errhint("Days and purchase days are whole numbers from 0 to %d.", PG_INT32_MAX)));
	return number;
}

static void
check_number_of_cuts(int64 n, const char *path)
{
	if (n > MAX_CUTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("\"%s\" of a " SCALE_TYPE " has " INT64_FORMAT " cut points", path, n),
				 errhint("At most %d are possible.", MAX_CUTS)));
}

static void
check_order(const RfmCuts *cuts, const char *name, bool descends)
{
	int i;

	for (i = 1; i < cuts->n; i++)
	{
		int order = decimal_compare(&cuts->at[i - 1], &cuts->at[i]);

		if (descends ? order < 0 : order > 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" of a " SCALE_TYPE " does not %s: %s stands before %s", name,
							descends ? "descend" : "ascend",
							decimal_to_text(cuts->at[i - 1].units, cuts->at[i - 1].scale),
							decimal_to_text(cuts->at[i].units, cuts->at[i].scale)),
					 descends ? errhint("The fewer days ago, the higher the score: write what "
										"scores 2, 3 ... need at most, as in {365,180,90,30}.")
							  : errhint("Write what scores 2, 3 ... need at least, as in "
										"{2,4,8,16}.")));
	}
}

static void
check_lengths(const RfmScale *scale)
{
	if (scale->recency.n != scale->frequency.n || scale->recency.n != scale->monetary.n)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a " SCALE_TYPE
							   " has %d cut points of recency, %d of frequency and %d of monetary",
							   scale->recency.n, scale->frequency.n, scale->monetary.n),
						errhint("Give as many of each, one fewer than there are scores. A cut "
								"point may stand several times: then a score is left out.")));
}

static void
read_cuts(const PolicyObject *object, const char *name, bool whole, bool descends, RfmCuts *cuts)
{
	const char *path = policy_path(object, name);
	JsonbValue value;
	JsonbContainer *list =
		json_as_array(json_member(object->json, name, &value), object->type, path);
	JsonbIterator *iterator = NULL;

	check_number_of_cuts(JsonContainerSize(list), path);
	cuts->n = 0;
	cuts->at = palloc((JsonContainerSize(list) + 1) * sizeof(Decimal));
	while (policy_next_element(list, &iterator, &value))
	{
		Decimal cut;

		if (value.type != jbvNumeric)
			json_report_wrong_type(&value, object->type, path, "an array of numbers");
		cut = decimal_from_numeric((const struct varlena *) value.val.numeric);
		cuts->at[cuts->n++] = whole ? check_whole(cut, path) : smallest(cut);
	}
	check_order(cuts, path, descends);
}

static void
read_recency(const PolicyObject *object, const PolicyKey *key, void *scale, void *version)
{
	read_cuts(object, key->name, true, true, &((RfmScale *) scale)->recency);
}

static void
read_frequency(const PolicyObject *object, const PolicyKey *key, void *scale, void *version)
{
	read_cuts(object, key->name, true, false, &((RfmScale *) scale)->frequency);
}

static void
read_monetary(const PolicyObject *object, const PolicyKey *key, void *scale, void *version)
{
	read_cuts(object, key->name, false, false, &((RfmScale *) scale)->monetary);
	check_lengths(scale);
}

static void
put_cuts(StringInfo out, const PolicyKey *key, const void *scale, const void *now,
		 const void *before)
{
	const RfmCuts *cuts = (const RfmCuts *) ((const char *) now + key->at);
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '[');
	for (i = 0; i < cuts->n; i++)
	{
		policy_put_element(out);
		appendStringInfoString(out, decimal_to_text(cuts->at[i].units, cuts->at[i].scale));
	}
	appendStringInfoChar(out, ']');
}

static const PolicyKey keys[] = {
	{ .name = "recency",
	  .required = true,
	  .argument = 1,
	  POLICY_AT(RfmScale, recency),
	  .read = read_recency,
	  .write = put_cuts },
	{ .name = "frequency",
	  .required = true,
	  .argument = 2,
	  POLICY_AT(RfmScale, frequency),
	  .read = read_frequency,
	  .write = put_cuts },
	{ .name = "monetary",
	  .required = true,
	  .argument = 3,
	  POLICY_AT(RfmScale, monetary),
	  .read = read_monetary,
	  .write = put_cuts },
	{ .name = NULL },
};

static const RfmScale no_scale = { .nversions = 1 };
static const RfmVersion no_version = { .from = DATEVAL_NOBEGIN };

const PolicyTable rfm_scale_table = { .type = SCALE_TYPE,
									  .null_hint = RFM_SCALE_HINT,
									  .keys = keys,
									  POLICY_STRUCTS(RfmScale, RfmScale, RfmVersion),
									  .policy = &no_scale,
									  .version = &no_version };

/* loyalty_rfm_scale_in, loyalty_rfm_scale_out, loyalty_rfm_scale_recv, loyalty_rfm_scale_send,
 * loyalty_rfm_scale */
POLICY_TYPE_BUT_MAKE(rfm_scale, RfmScale)

char *
rfm_canonical_scale(const char *text)
{
	return policy_canonical(&rfm_scale_table, text);
}

const char *
rfm_scale_text(const RfmScale *scale)
{
	return policy_text(&rfm_scale_table, scale);
}

/* ---- make_rfm_scale() ---- */

static void
cuts_of_array(FunctionCallInfo fcinfo, int n, Oid type, const char *name, RfmCuts *cuts)
{
	bool whole = type == INT4OID;
	ArrayType *array;
	Datum *elements;
	bool *nulls;
	int i;

	argument_refuse_null(fcinfo, n, name, "Give what scores 2, 3 ... need.");
	array = PG_GETARG_ARRAYTYPE_P(n);
	argument_refuse_matrix(array, name);
	deconstruct_array(array, type, whole ? (int) sizeof(int32) : -1, whole, TYPALIGN_INT, &elements,
					  &nulls, &cuts->n);
	check_number_of_cuts(cuts->n, name);
	cuts->at = palloc((cuts->n + 1) * sizeof(Decimal));
	for (i = 0; i < cuts->n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("\"%s\" of a " SCALE_TYPE " has a NULL element", name)));
		cuts->at[i] = whole ? check_whole(decimal_of_integer(elements[i]), name)
							: smallest(decimal_of_numeric(elements[i]));
	}
	check_order(cuts, name, n == 0);
}

/* make_rfm_scale(recency, frequency, monetary) */
Datum
loyalty_make_rfm_scale(PG_FUNCTION_ARGS)
{
	RfmScale scale = no_scale;

	cuts_of_array(fcinfo, 0, INT4OID, "recency", &scale.recency);
	cuts_of_array(fcinfo, 1, INT4OID, "frequency", &scale.frequency);
	cuts_of_array(fcinfo, 2, NUMERICOID, "monetary", &scale.monetary);
	check_lengths(&scale);
	PG_RETURN_POINTER(policy_pack(rfm_scale_text(&scale)));
}

/* ---- quantiles ---- */

static void
cuts_of_values(const RfmValues *values, int bins, bool descends, int scale, RfmCuts *cuts)
{
	int64 customers = 0;
	int64 seen = 0; /* up to that value, with it */
	int64 next = 0; /* the first value that isn't seen yet */
	Decimal cut = { 0, scale };
	int64 i;
	int score;

	for (i = 0; i < values->n; i++)
		customers += values->values[i].count;
	cuts->n = bins - 1;
	cuts->at = palloc((cuts->n + 1) * sizeof(Decimal));
	for (score = 2; score <= bins; score++)
	{
		int64 before = (int64) ((int128) customers * (score - 1) / bins);

		while (seen <= before)
		{
			const CountedNumber *value = &values->values[descends ? values->n - 1 - next : next];

			seen += value->count;
			cut.units = value->number;
			next++;
		}
		cuts->at[score - 2] = smallest(cut);
	}
}

RfmScale *
rfm_scale_of_values(const RfmValues values[RFM_MEASURES], int monetary_scale, int bins)
{
	RfmScale *scale;

	if (values[RFM_RECENCY].n == 0)
		return NULL;
	scale = palloc(sizeof(RfmScale));
	*scale = no_scale;
	cuts_of_values(&values[RFM_RECENCY], bins, true, 0, &scale->recency);
	cuts_of_values(&values[RFM_FREQUENCY], bins, false, 0, &scale->frequency);
	cuts_of_values(&values[RFM_MONETARY], bins, false, monetary_scale, &scale->monetary);
	return scale;
}

/* ---- scoring ---- */

static int32 *
whole_cuts(const RfmCuts *cuts)
{
	int32 *at = palloc((cuts->n + 1) * sizeof(int32));
	int i;

	for (i = 0; i < cuts->n; i++)
		at[i] = (int32) cuts->at[i].units;
	return at;
}

RfmScorer *
rfm_scorer_create(const RfmScale *scale)
{
	RfmScorer *scorer = palloc0(sizeof(RfmScorer));

	scorer->context = CurrentMemoryContext;
	scorer->bins = scale->recency.n + 1;
	scorer->recency = whole_cuts(&scale->recency);
	scorer->frequency = whole_cuts(&scale->frequency);
	scorer->monetary = scale->monetary.at;
	return scorer;
}

/* The least number of units at a scale that isn't below a cut point. */
static int128
units_of_cut(const Decimal *cut, int scale)
{
	int128 power;
	int128 units;

	if (scale >= cut->scale)
		return (int128) cut->units * decimal_power[scale - cut->scale];
	power = decimal_power[cut->scale - scale];
	units = cut->units / power;
	return units + (units * power < cut->units);
}

static const int128 *
monetary_cuts(RfmScorer *scorer, int scale)
{
	int128 *cuts = scorer->monetary_at[scale];
	int i;

	if (likely(cuts != NULL))
		return cuts;
	cuts = MemoryContextAlloc(scorer->context, scorer->bins * sizeof(int128));
	for (i = 0; i < scorer->bins - 1; i++)
		cuts[i] = units_of_cut(&scorer->monetary[i], scale);
	scorer->monetary_at[scale] = cuts;
	return cuts;
}

/* How many of the cut points, of n, a value has passed: all up to one of them. */
#define CUTS_PASSED(n, passes)              \
	do                                      \
	{                                       \
		int low = 0;                        \
		int high = n;                       \
                                            \
		while (low < high)                  \
		{                                   \
			int i = low + (high - low) / 2; \
                                            \
			if (passes)                     \
				low = i + 1;                \
			else                            \
				high = i;                   \
		}                                   \
		return low;                         \
	} while (0)

static int
passed_at_most(const int32 *cuts, int n, int32 value)
{
	CUTS_PASSED(n, value <= cuts[i]);
}

static int
passed_at_least(const int32 *cuts, int n, int32 value)
{
	CUTS_PASSED(n, value >= cuts[i]);
}

static int
passed_amount(const int128 *cuts, int n, int128 value)
{
	CUTS_PASSED(n, value >= cuts[i]);
}

void
rfm_scores(RfmScorer *scorer, const RfmCustomer *customer, DateADT as_of, int scores[RFM_MEASURES])
{
	int n = scorer->bins - 1;

	scores[RFM_RECENCY] = 1 + passed_at_most(scorer->recency, n, as_of - customer->last);
	scores[RFM_FREQUENCY] = 1 + passed_at_least(scorer->frequency, n, customer->frequency);
	scores[RFM_MONETARY] =
		1 + passed_amount(monetary_cuts(scorer, customer->scale), n, customer->monetary);
}

/* ---- rows ---- */

static void
put_cut(Rows *rows, const RfmCuts *cuts, int score, bool whole)
{
	const Decimal *cut = &cuts->at[score - 2];

	if (score == 1)
		rows_put_null(rows);
	else if (whole)
		rows_put_int(rows, (int32) cut->units);
	else
		rows_put_decimal(rows, cut->units, cut->scale);
}

/* rfm_scale_table(scale): a row for each score */
Datum
loyalty_rfm_scale_table(PG_FUNCTION_ARGS)
{
	const RfmScale *scale = rfm_scale_open(PG_GETARG_VARLENA_PP(0));
	Rows rows;
	int score;

	rows_open(&rows, fcinfo);
	for (score = 1; score <= scale->recency.n + 1; score++)
	{
		rows_begin(&rows);
		rows_put_int(&rows, score);
		put_cut(&rows, &scale->recency, score, true);
		put_cut(&rows, &scale->frequency, score, true);
		put_cut(&rows, &scale->monetary, score, false);
		rows_end(&rows);
	}
	return (Datum) 0;
}
