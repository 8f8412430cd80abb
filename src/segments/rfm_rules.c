/*
 * rfm_rules.c
 *		The type rfm_rules: segments by scores, the first rule that matches; and where rules overlap
 *		or leave holes.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "core/argument.h"
#include "core/array.h"
#include "core/rows.h"
#include "segments/rfm_internal.h"

PG_FUNCTION_INFO_V1(loyalty_rfm_segment);
PG_FUNCTION_INFO_V1(loyalty_rfm_segments_check);

#define RULES_TYPE	 "rfm_rules"
#define RULES_HINT	 "'{}' are the published map."
#define RANGE_HINT	 "Write a score, as in 5, or from and to, as in [3, 5]."
#define SEGMENT_HINT "Segments have names, such as \"Champions\"."

#define ANY_SCORE        \
	{                    \
		1, RFM_MAX_SCORE \
	}
#define MAP(name, r1, r2, f1, f2, m1, m2) \
	{                                     \
		name,                             \
		{                                 \
			{ r1, r2 }, { f1, f2 },       \
			{                             \
				m1, m2                    \
			}                             \
		}                                 \
	}

/* The map of segments that is most in use, on scores from 1 to 5. */
static const RfmRule published_map[] = {
	MAP("Champions", 5, 5, 5, 5, 5, 5),		  MAP("Potential Loyalist", 3, 5, 3, 5, 2, 5),
	MAP("Loyal Customers", 2, 4, 2, 4, 2, 4), MAP("Promising", 3, 4, 1, 3, 3, 5),
	MAP("New Customers", 4, 5, 1, 3, 1, 5),	  MAP("Can't Lose Them", 1, 2, 3, 4, 4, 5),
	MAP("At Risk", 1, 2, 2, 5, 4, 5),		  MAP("Need Attention", 1, 3, 3, 5, 3, 5),
	MAP("About To Sleep", 2, 3, 1, 3, 1, 4),  MAP("Lost", 1, 1, 1, 5, 1, 5),
};

/* ---- a rule ---- */

static void
check_name(const PolicyObject *object, const char *key, const char *name)
{
	const char *path = policy_path(object, key);

	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of a " RULES_TYPE " is empty", path), errhint(SEGMENT_HINT)));
	if (strcmp(name, RFM_NOT_BOUGHT) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a " RULES_TYPE " is \"%s\"", path, name),
						errhint("Customers without a purchase are called so, who have no scores. "
								"Take another name.")));
}

static void
check_segment(const PolicyObject *object, const PolicyKey *key, void *rule, void *none)
{
	const char *segment = ((const RfmRule *) rule)->segment;

	if (segment == NULL)
		json_report_wrong_type(NULL, object->type, policy_path(object, key->name), "a string");
	check_name(object, key->name, segment);
}

static int
read_score(const PolicyObject *object, const JsonbValue *value, const char *path)
{
	int64 score = json_as_count(value, object->type, path);

	if (score < 1 || score > RFM_MAX_SCORE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of a " RULES_TYPE " has the score " INT64_FORMAT, path, score),
				 errhint("Scores are from 1 to %d.", RFM_MAX_SCORE)));
	return (int) score;
}

static void
read_range(const PolicyObject *object, const PolicyKey *key, void *rule, void *none)
{
	RfmRange *range = (RfmRange *) ((char *) rule + key->at);
	const char *path = policy_path(object, key->name);
	JsonbValue value;
	JsonbContainer *list;

	if (json_member(object->json, key->name, &value) == NULL)
		return;
	if (value.type == jbvNumeric)
	{
		range->from = range->to = read_score(object, &value, path);
		return;
	}
	if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
		json_report_wrong_type(&value, object->type, path,
							   "a score, or an array of the scores from and to");
	list = value.val.binary.data;
	if (JsonContainerSize(list) != 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a " RULES_TYPE " has %u elements", path,
							   JsonContainerSize(list)),
						errhint(RANGE_HINT)));
	range->from = read_score(object, getIthJsonbValueFromContainer(list, 0), path);
	range->to = read_score(object, getIthJsonbValueFromContainer(list, 1), path);
	if (range->from > range->to)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a " RULES_TYPE " goes from %d to %d", path, range->from,
							   range->to),
						errhint("The lower score stands first.")));
}

static void
put_range(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		  const void *before)
{
	const RfmRange *range = (const RfmRange *) ((const char *) now + key->at);

	policy_put_key(out, key->name);
	if (range->from == range->to)
		appendStringInfo(out, "%d", range->from);
	else
		appendStringInfo(out, "[%d, %d]", range->from, range->to);
}

static const PolicyKey rule_keys[] = {
	{ .name = "segment", .type = POLICY_TEXT, POLICY_AT(RfmRule, segment), .check = check_segment },
	{ .name = "r",
	  POLICY_AT(RfmRule, ranges[RFM_RECENCY]),
	  .read = read_range,
	  .write = put_range },
	{ .name = "f",
	  POLICY_AT(RfmRule, ranges[RFM_FREQUENCY]),
	  .read = read_range,
	  .write = put_range },
	{ .name = "m",
	  POLICY_AT(RfmRule, ranges[RFM_MONETARY]),
	  .read = read_range,
	  .write = put_range },
	{ .name = NULL },
};

static const RfmRule any_rule = { .segment = NULL, .ranges = { ANY_SCORE, ANY_SCORE, ANY_SCORE } };

/* ---- all of them ---- */

static void
read_rules(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	RfmRules *rules = opened;
	JsonbIterator *iterator = NULL;
	JsonbValue value;
	JsonbContainer *list;
	RfmRule *read;

	if (json_member(root->json, key->name, &value) == NULL)
		return;
	list = json_as_array(&value, root->type, key->name);
	if (JsonContainerSize(list) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" of a " RULES_TYPE " is empty", key->name),
						errhint("Leave it out for the published map.")));
	if (JsonContainerSize(list) > RFM_MAX_RULES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("\"%s\" of a " RULES_TYPE " has %u rules", key->name,
							   JsonContainerSize(list)),
						errhint("At most %d are possible.", RFM_MAX_RULES)));
	rules->nrules = 0;
	rules->rules = read = palloc(JsonContainerSize(list) * sizeof(RfmRule));
	while (policy_next_element(list, &iterator, &value))
	{
		RfmRule *rule = &read[rules->nrules];
		PolicyObject place;

		policy_enter(root, &value, psprintf("%s[%d]", key->name, rules->nrules), &place);
		policy_check_members(&place, rule_keys);
		*rule = any_rule;
		policy_read_keys(&place, rule_keys, rule, NULL);
		rules->nrules++;
	}
}

static void
put_rules(StringInfo out, const PolicyKey *key, const void *policy, const void *now,
		  const void *before)
{
	const RfmRules *rules = now;
	int i;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '[');
	for (i = 0; i < rules->nrules; i++)
	{
		policy_put_element(out);
		appendStringInfoChar(out, '{');
		policy_put_keys(out, rule_keys, &rules->rules[i], &any_rule);
		appendStringInfoChar(out, '}');
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, ']');
}

static void
check_others(const PolicyObject *object, const PolicyKey *key, void *rules, void *version)
{
	check_name(object, key->name, ((const RfmRules *) rules)->others);
}

static const PolicyKey keys[] = {
	{ .name = "segments",
	  .argument = 1,
	  POLICY_AT(RfmRules, rules),
	  .read = read_rules,
	  .write = put_rules },
	{ .name = "others",
	  .type = POLICY_TEXT,
	  .argument = 2,
	  POLICY_AT(RfmRules, others),
	  .check = check_others },
	{ .name = NULL },
};

/* The rank of a name, which may be a new one. */
static int
rank_of(RfmRules *rules, const char *name)
{
	int rank;

	for (rank = 1; rank <= rules->nsegments; rank++)
		if (strcmp(rules->segments[rank - 1], name) == 0)
			return rank;
	rules->segments[rules->nsegments++] = name;
	return rank;
}

static void
give_ranks(void *opened)
{
	RfmRules *rules = opened;
	int i;

	rules->ranks = palloc((rules->nrules + 1) * sizeof(int));
	rules->segments = palloc((rules->nrules + 1) * sizeof(char *));
	rules->nsegments = 0;
	for (i = 0; i < rules->nrules; i++)
		rules->ranks[i] = rank_of(rules, rules->rules[i].segment);
	rules->ranks[rules->nrules] = rank_of(rules, rules->others);
}

static const RfmRules default_rules = {
	.nversions = 1, .nrules = lengthof(published_map), .rules = published_map, .others = "Others"
};
static const RfmVersion no_version = { .from = DATEVAL_NOBEGIN };

const PolicyTable rfm_rules_table = { .type = RULES_TYPE,
									  .null_hint = RULES_HINT,
									  .keys = keys,
									  POLICY_STRUCTS(RfmRules, RfmRules, RfmVersion),
									  .policy = &default_rules,
									  .version = &no_version,
									  .finish = give_ranks };

/* loyalty_make_rfm_rules, loyalty_rfm_rules_in, loyalty_rfm_rules_out, loyalty_rfm_rules_recv,
 * loyalty_rfm_rules_send, loyalty_rfm_rules */
POLICY_TYPE(rfm_rules, RfmRules)

char *
rfm_canonical_rules(const char *text)
{
	return policy_canonical(&rfm_rules_table, text);
}

/* ---- which one matches ---- */

static bool
matches(const RfmRule *rule, const int scores[RFM_MEASURES])
{
	int i;

	for (i = 0; i < RFM_MEASURES; i++)
		if (scores[i] < rule->ranges[i].from || scores[i] > rule->ranges[i].to)
			return false;
	return true;
}

int
rfm_rules_rank(const RfmRules *rules, const int scores[RFM_MEASURES])
{
	int i = 0;

	while (i < rules->nrules && !matches(&rules->rules[i], scores))
		i++;
	return rules->ranks[i];
}

const char *
rfm_segment_name(const RfmRules *rules, int64 rank)
{
	return rank <= rules->nsegments ? rules->segments[rank - 1] : RFM_NOT_BOUGHT;
}

static void *
open_rules(const struct varlena *rules)
{
	return rfm_rules_open(rules);
}

/* The rules in an argument; NULL is 22004. */
static const RfmRules *
rules_argument(FunctionCallInfo fcinfo, int n)
{
	argument_refuse_null(fcinfo, n, "rules", RULES_HINT);
	return policy_argument(fcinfo, n, &rfm_rules_table, open_rules);
}

/* rfm_segment(r, f, m, rules) */
Datum
loyalty_rfm_segment(PG_FUNCTION_ARGS)
{
	static const char *const names[RFM_MEASURES] = { "r", "f", "m" };
	const RfmRules *rules = rules_argument(fcinfo, RFM_MEASURES);
	int scores[RFM_MEASURES];
	int i;

	for (i = 0; i < RFM_MEASURES; i++)
	{
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
		scores[i] = PG_GETARG_INT32(i);
		metric_check_count(names[i], scores[i]);
	}
	PG_RETURN_TEXT_P(cstring_to_text(rfm_segment_name(rules, rfm_rules_rank(rules, scores))));
}

/* ---- overlaps and holes ---- */

/* Boxes of scores that don't overlap. */
typedef struct Box
{
	RfmRange sides[RFM_MEASURES];
} Box;

typedef struct Boxes
{
	Box *boxes;
	int64 n;
	int64 max;
} Boxes;

static void
add_box(Boxes *boxes, const Box *box)
{
	boxes->boxes = array_grow(boxes->boxes, &boxes->max, boxes->n + 1, sizeof(Box));
	boxes->boxes[boxes->n++] = *box;
}

/* What two boxes have in common; false: nothing. */
static bool
meet(const Box *a, const Box *b, Box *common)
{
	int i;

	for (i = 0; i < RFM_MEASURES; i++)
	{
		common->sides[i].from = Max(a->sides[i].from, b->sides[i].from);
		common->sides[i].to = Min(a->sides[i].to, b->sides[i].to);
		if (common->sides[i].from > common->sides[i].to)
			return false;
	}
	return true;
}

/* Adds what is left of a box without a part of it: a slice below and one above on each side. */
static void
add_rest(Boxes *boxes, Box box, const Box *part)
{
	int i;

	for (i = 0; i < RFM_MEASURES; i++)
	{
		Box slice = box;

		slice.sides[i].to = part->sides[i].from - 1;
		if (slice.sides[i].from <= slice.sides[i].to)
			add_box(boxes, &slice);
		slice = box;
		slice.sides[i].from = part->sides[i].to + 1;
		if (slice.sides[i].from <= slice.sides[i].to)
			add_box(boxes, &slice);
		box.sides[i] = part->sides[i];
	}
}

/* Takes a box out of all. */
static void
take_out(Boxes *boxes, const Box *gone)
{
	int64 n = boxes->n;
	int64 kept = 0;
	int64 i;
	Box part;

	for (i = 0; i < n; i++)
	{
		Box box = boxes->boxes[i];

		if (meet(&box, gone, &part))
			add_rest(boxes, box, &part);
		else
			boxes->boxes[kept++] = box;
		CHECK_FOR_INTERRUPTS();
	}
	/* the new ones stand behind the old ones: close the gap */
	memmove(&boxes->boxes[kept], &boxes->boxes[n], (boxes->n - n) * sizeof(Box));
	boxes->n -= n - kept;
}

static int
compare_boxes(const void *a, const void *b)
{
	const Box *left = a;
	const Box *right = b;
	int i;

	for (i = 0; i < RFM_MEASURES; i++)
		if (left->sides[i].from != right->sides[i].from)
			return left->sides[i].from < right->sides[i].from ? -1 : 1;
	return 0;
}

static Box
box_of_rule(const RfmRule *rule)
{
	Box box;

	memcpy(box.sides, rule->ranges, sizeof(box.sides));
	return box;
}

static void
put_box(Rows *rows, const char *problem, const char *segment, const char *instead, const Box *box)
{
	int i;

	rows_begin(rows);
	rows_put_name(rows, problem);
	rows_put_name(rows, segment);
	rows_put_name(rows, instead);
	for (i = 0; i < RFM_MEASURES; i++)
	{
		rows_put_int(rows, box->sides[i].from);
		rows_put_int(rows, box->sides[i].to);
	}
	rows_end(rows);
}

/* Where an earlier rule has what this one would match as well; and, where nothing is left of it,
 * that it never matches. */
static void
put_rule(Rows *rows, const RfmRules *rules, int number, const Box *all)
{
	const RfmRule *rule = &rules->rules[number];
	Box box = box_of_rule(rule);
	Box common;
	Boxes left = { 0 };
	int i;

	if (meet(&box, all, &common))
		add_box(&left, &common);
	for (i = 0; i < number; i++)
	{
		Box earlier = box_of_rule(&rules->rules[i]);

		if (left.n > 0)
			take_out(&left, &earlier);
		if (rules->ranks[i] != rules->ranks[number] && meet(&box, &earlier, &common) &&
			meet(&common, all, &common))
			put_box(rows, "overlap", rule->segment, rules->rules[i].segment, &common);
	}
	if (left.n == 0)
		put_box(rows, "never", rule->segment, NULL, &box);
	if (left.boxes != NULL)
		pfree(left.boxes);
}

/* rfm_segments_check(rules, bins) */
Datum
loyalty_rfm_segments_check(PG_FUNCTION_ARGS)
{
	const RfmRules *rules = rules_argument(fcinfo, 0);
	Boxes holes = { 0 };
	Box all;
	Rows rows;
	int64 i;

	argument_refuse_null(fcinfo, 1, "bins", "Leave it out for scores from 1 to 5.");
	metric_check_count("bins", PG_GETARG_INT32(1));
	for (i = 0; i < RFM_MEASURES; i++)
	{
		all.sides[i].from = 1;
		all.sides[i].to = PG_GETARG_INT32(1);
	}
	rows_open(&rows, fcinfo);
	add_box(&holes, &all);
	for (i = 0; i < rules->nrules; i++)
	{
		Box box = box_of_rule(&rules->rules[i]);

		put_rule(&rows, rules, (int) i, &all);
		take_out(&holes, &box);
	}
	sort_elements(holes.boxes, holes.n, sizeof(Box), compare_boxes);
	for (i = 0; i < holes.n; i++)
		put_box(&rows, "hole", NULL, rules->others, &holes.boxes[i]);
	return (Datum) 0;
}
