/*
 * program_policy.c
 *		The rules of a programme: the table of their keys, what contradicts what, and the SQL type
 *		program_policy.
 *
 * Its parts are policies by themselves, each read by its own table, once. What a version of the
 * programme says of a part is a version of that part. Written, parts are without their zone, which
 * is one for all, and without their versions, which come together by day:
 *
 *		earn		a		  b
 *		points		a			   c
 *		tiers			 b
 *					|	 |	  |	   |
 *		versions	[0]	 [1]  [2]  [3]
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "calendar/calendar.h"
#include "policy/policy.h"
#include "program/program.h"

#define PROGRAM_POLICY_TYPE "program_policy"

static const char *const metric_names[] = { "spend", "points", "orders" };

/* ---- parts ---- */

typedef enum Part
{
	PART_EARN,
	PART_POINTS,
	PART_TIERS
} Part;

#define PARTS (PART_TIERS + 1)

static const char *const part_names[] = { "earn", "points", "tiers" };

static const PolicyTable *const part_tables[] = { &earn_policy_table, &points_policy_table,
												  &tier_policy_table };

/* Rules while they are read. */
typedef struct ProgramReading
{
	ProgramPolicy policy;
	bool has_versions[PARTS]; /* the part has some of its own */
	int nversions[PARTS];	  /* of the programme, that say something of the part */
} ProgramReading;

static void *
part_of(ProgramPolicy *policy, Part part)
{
	return part == PART_EARN	 ? (void *) policy->earn
		   : part == PART_POINTS ? (void *) policy->points
								 : (void *) policy->tiers;
}

static void
set_part(ProgramPolicy *policy, Part part, void *opened)
{
	switch (part)
	{
		case PART_EARN:
			policy->earn = opened;
			break;
		case PART_POINTS:
			policy->points = opened;
			break;
		case PART_TIERS:
			policy->tiers = opened;
			break;
	}
}

static void report_no_tiers(const PolicyObject *object, const char *key, const char *hint)
	pg_attribute_noreturn();

static void
report_no_tiers(const PolicyObject *object, const char *key, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("\"%s\" of a %s needs \"%s\"", policy_path(object, key), object->type,
						   part_names[PART_TIERS]),
					errhint("%s", hint)));
}

static void
tell_part(void *place)
{
	errcontext("\"%s\" of a %s", (const char *) place, PROGRAM_POLICY_TYPE);
}

/* A part's own rules; what is left out is {}, but tiers that are left out aren't there. */
static void
read_part(const PolicyObject *root, Part part, ProgramReading *reading)
{
	ErrorContextCallback teller = { error_context_stack, tell_part, (void *) part_names[part] };
	JsonbValue value;
	PolicyObject place;

	if (json_member(root->json, part_names[part], &value) != NULL)
	{
		policy_enter(root, &value, part_names[part], &place);
		reading->has_versions[part] = policy_has(&place, "versions");
		if (part == PART_POINTS && policy_has(&place, "kinds"))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"points.kinds\" can't be in a %s", root->type),
							errhint("\"earn.kinds\" says what an event is; what it earns, takes "
									"back or redeems is known by that.")));
	}
	else if (part != PART_TIERS)
		place.json = json_parse_object("{}", root->type);
	else
		return;
	error_context_stack = &teller;
	set_part(&reading->policy, part, policy_begin(part_tables[part], place.json));
	error_context_stack = teller.previous;
}

/* What a version of the programme says of a part. */
static void
read_part_version(const PolicyObject *version, Part part, DateADT from, ProgramReading *reading)
{
	ErrorContextCallback teller = { error_context_stack, tell_part,
									psprintf("versions.%s", part_names[part]) };
	void *opened = part_of(&reading->policy, part);
	JsonbValue value;
	PolicyObject place;

	if (json_member(version->json, part_names[part], &value) == NULL)
		return;
	policy_enter(version, &value, policy_path(version, part_names[part]), &place);
	if (policy_names(&place, "from"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("unknown key \"%s\" in a %s", policy_path(&place, "from"), version->type),
				 errhint("The version itself says from when it holds.")));
	if (opened == NULL)
		report_no_tiers(version, part_names[part],
						"A version changes what there is: say what holds before it.");
	if (reading->has_versions[part])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" and \"%s.versions\" of a %s contradict each other",
						policy_path(version, part_names[part]), part_names[part], version->type),
				 errhint("Versions of a part stand in the part, or in the programme.")));
	place.type = part_tables[part]->type;
	place.path = psprintf("versions[%d].", reading->nversions[part]++);
	error_context_stack = &teller;
	policy_add_version(part_tables[part], opened, &place, from);
	error_context_stack = teller.previous;
}

/* The part that a key names. */
static void
read_part_key(const PolicyObject *object, const PolicyKey *key, void *policy, void *version)
{
	ProgramReading *reading = policy;
	Part part = PART_EARN;

	while (strcmp(part_names[part], key->name) != 0)
		part++;
	if (version == reading->policy.versions)
		read_part(object, part, reading);
	else
		read_part_version(object, part, ((ProgramVersion *) version)->from, reading);
}

/* A part that says nothing is taken back to where it began. */
static void
put_part_key(StringInfo out, const PolicyKey *key, const void *opened, const void *now,
			 const void *before)
{
	const ProgramPolicy *policy = opened;
	int start = out->len;
	Part part = PART_EARN;
	const void *rules;

	while (strcmp(part_names[part], key->name) != 0)
		part++;
	rules = part_of(unconstify(ProgramPolicy *, policy), part);
	if (rules == NULL)
		return;
	policy_put_key(out, key->name);
	appendStringInfoChar(out, '{');
	policy_put_rules(out, part_tables[part], rules);
	if (out->data[out->len - 1] != '{')
		appendStringInfoChar(out, '}');
	else
	{
		out->len = start;
		out->data[start] = '\0';
	}
}

/* What versions change in a part is in the part. */
static bool
part_key_same(const PolicyKey *key, const void *policy, const void *now, const void *before)
{
	return now != ((const ProgramPolicy *) policy)->versions;
}

/* ---- tiers in which nothing expires ---- */

static void
read_no_expiry(const PolicyObject *object, const PolicyKey *key, void *policy, void *read)
{
	const TierPolicy *tiers = ((const ProgramPolicy *) policy)->tiers;
	ProgramVersion *version = read;
	const char *path = policy_path(object, key->name);
	JsonbIterator *iterator = NULL;
	JsonbContainer *list;
	JsonbValue value;

	if (version->suspends == NULL && tiers != NULL)
		version->suspends = palloc0(tiers->ntiers * sizeof(bool));
	if (json_member(object->json, key->name, &value) == NULL)
		return;
	list = json_as_array(&value, object->type, path);
	if (tiers == NULL)
		report_no_tiers(object, key->name, "They are tiers in which no points expire.");
	version->suspends = palloc0(tiers->ntiers * sizeof(bool));
	while (policy_next_element(list, &iterator, &value))
	{
		char *name = json_as_string(&value, object->type, path);
		int len = (int) strlen(name);
		int rank = tier_rank_of(tiers, name, len);

		if (rank == TIER_NO_RANK)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of a %s has \"%.*s%s\", which is not a tier", path,
								   object->type, JSON_SHOWN(name, len)),
							errhint("\"tiers\" has the names; the base tier's is \"%s\".",
									tiers->tiers[0])));
		if (version->suspends[rank])
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%s\" of a %s has \"%.*s%s\" twice", path, object->type,
								   JSON_SHOWN(name, len)),
							errhint("Leave one of them out.")));
		version->suspends[rank] = true;
	}
}

static void
put_no_expiry(StringInfo out, const PolicyKey *key, const void *opened, const void *now,
			  const void *before)
{
	const TierPolicy *tiers = ((const ProgramPolicy *) opened)->tiers;
	const bool *suspends = ((const ProgramVersion *) now)->suspends;
	int rank;

	policy_put_key(out, key->name);
	appendStringInfoChar(out, '[');
	for (rank = 0; suspends != NULL && rank < tiers->ntiers; rank++)
		if (suspends[rank])
		{
			policy_put_element(out);
			escape_json(out, tiers->tiers[rank]);
		}
	appendStringInfoChar(out, ']');
}

/* ---- what must go together ---- */

/* The zone of a part is that of all. */
static void
share_zone(ProgramPolicy *policy, ZoneDays *zone, const char *part)
{
	if (zone == NULL)
		return;
	if (policy->zone != NULL && policy->zone != zone)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s.zone\" of a %s is \"%s\", where another zone is \"%s\"", part,
							   PROGRAM_POLICY_TYPE, zone_name(zone), zone_name(policy->zone)),
						errhint("All days of a programme are of one zone. Give \"zone\" once.")));
	policy->zone = zone;
}

static void
share_zones(ProgramPolicy *policy)
{
	share_zone(policy, policy->earn->zone, part_names[PART_EARN]);
	share_zone(policy, policy->points->zone, part_names[PART_POINTS]);
	policy->earn->zone = policy->points->zone = policy->zone;
	if (policy->tiers != NULL)
	{
		share_zone(policy, policy->tiers->zone, part_names[PART_TIERS]);
		policy->earn->zone = policy->points->zone = policy->tiers->zone = policy->zone;
	}
}

static void
check_metric(const PolicyObject *root, const PolicyKey *key, void *policy, void *version)
{
	if (policy_has(root, key->name) && ((const ProgramPolicy *) policy)->tiers == NULL)
		report_no_tiers(root, key->name, "It says what the metrics of tiers count.");
}

static void
check_pending(const PolicyObject *root, const PolicyKey *key, void *opened, void *version)
{
	const ProgramPolicy *policy = opened;

	if (!policy->pending_counts && policy->metric != PROGRAM_POINTS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" false of a %s needs \"tier_metric\" \"%s\"", key->name,
							   root->type, metric_names[PROGRAM_POINTS]),
						errhint("It says when points count for tiers.")));
}

/* A multiplier for a tier that isn't there would never hold. */
static void
check_multipliers(const ProgramPolicy *policy)
{
	int v;
	int i;
	int j;

	for (v = 0; v < policy->earn->nversions; v++)
	{
		const EarnVersion *version = &policy->earn->versions[v];

		if (v > 0 && version->rules == version[-1].rules)
			continue;
		for (i = 0; i < version->nrules; i++)
			for (j = 0; j < version->rules[i].ntiers; j++)
			{
				const EventText *tier = &version->rules[i].tiers[j];

				if (policy->tiers != NULL &&
					tier_rank_of(policy->tiers, tier->bytes, tier->len) != TIER_NO_RANK)
					continue;
				ereport(
					ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"earn.multipliers[%d].tiers\" of a %s has \"%.*s%s\", which is not a "
							"tier",
							i, PROGRAM_POLICY_TYPE, JSON_SHOWN(tier->bytes, tier->len)),
					 v > 0 ? errdetail("In the version from %s on.", day_text(version->from)) : 0,
					 policy->tiers != NULL
						 ? errhint("\"tiers\" has the names; the base tier's is \"%s\".",
								   policy->tiers->tiers[0])
						 : errhint("\"tiers\" has the names; there are none.")));
			}
		CHECK_FOR_INTERRUPTS();
	}
}

/* Neither would a measure of tiers count a kind that isn't bought, returned or earned. */
static void
check_measures(const ProgramPolicy *policy)
{
	int i;
	int j;

	for (i = 0; policy->tiers != NULL && i < policy->tiers->nmeasures; i++)
		for (j = 0; j < policy->tiers->measures[i].nkinds; j++)
		{
			const TierMeasure *measure = &policy->tiers->measures[i];
			EarnRole role = earn_role_of_kind(policy->earn, &measure->kinds[j]);

			if (role != EARN_PURCHASE && role != EARN_RETURN && role != EARN_GIVEN &&
				role != EARN_BY_SIGN)
				ereport(
					ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"tiers.metrics.%s.kinds\" of a %s has \"%.*s%s\", which is neither "
							"bought nor returned nor earned",
							measure->name, PROGRAM_POLICY_TYPE,
							JSON_SHOWN(measure->kinds[j].bytes, measure->kinds[j].len)),
					 errhint("\"earn.kinds\" says what a kind is: purchase, return, earn.")));
		}
}

/* What grants a tier is nothing else. */
static void
check_grants(const ProgramPolicy *policy)
{
	EarnRole role;

	if (policy->tiers == NULL)
		return;
	role = earn_role_of_kind(policy->earn, &policy->tiers->grant_kind);
	if (role != EARN_UNKNOWN && role != EARN_IGNORE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"tiers.grant_kind\" of a %s, \"%.*s%s\", has another role in \"earn\"",
						PROGRAM_POLICY_TYPE,
						JSON_SHOWN(policy->tiers->grant_kind.bytes, policy->tiers->grant_kind.len)),
				 errhint("An event either grants a tier, or is what \"earn\" makes of it.")));
}

/* What brings back expired points needs a time within which it may. */
static void
check_reinstatements(const ProgramPolicy *policy)
{
	int i;

	for (i = 0; i < policy->earn->nkinds && !policy->points->has_grace; i++)
		if (policy->earn->kinds[i].role == EARN_REINSTATE)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"earn.kinds\" of a %s needs \"points.grace_after_expiry\"",
								   PROGRAM_POLICY_TYPE),
							errdetail("Kind \"%.*s%s\" has the role reinstate.",
									  JSON_SHOWN(policy->earn->kinds[i].kind.bytes,
												 policy->earn->kinds[i].kind.len)),
							errhint(POINTS_GRACE_HINT)));
}

static void
check_crossing(const ProgramPolicy *policy)
{
	int i;

	for (i = 0; policy->metric == PROGRAM_POINTS && i < policy->earn->nversions; i++)
		if (policy->earn->versions[i].crossing_after)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"earn.crossing_order\" \"after\" of a %s can't be with "
							"\"tier_metric\" \"%s\"",
							PROGRAM_POLICY_TYPE, metric_names[PROGRAM_POINTS]),
					 errdetail("What an order earns would depend on itself."),
					 errhint("Let tiers go by spend or orders, or the order that reaches a tier "
							 "earn at the tier before it.")));
}

/* The points' kinds are those of the earn rules. */
static void
name_roles(ProgramPolicy *policy)
{
	PointsPolicy *points = policy->points;
	int i;

	for (i = 0; i < policy->earn->nkinds; i++)
	{
		EarnRole role = policy->earn->kinds[i].role;

		points->has_refunds |= role == EARN_REFUND;
		points->books_expiry |= role == EARN_EXPIRE;
		points->has_activations |= role == EARN_ACTIVATE;
		points->has_blocks |= role == EARN_BLOCK;
	}
}

static void
finish_part(ProgramPolicy *policy, Part part)
{
	ErrorContextCallback teller = { error_context_stack, tell_part, (void *) part_names[part] };

	if (part_of(policy, part) == NULL)
		return;
	error_context_stack = &teller;
	policy_finish(part_tables[part], part_of(policy, part));
	error_context_stack = teller.previous;
}

static void
finish(void *opened)
{
	ProgramPolicy *policy = opened;
	int part;
	int rank;
	int i;

	name_roles(policy);
	for (part = 0; part < PARTS; part++)
		finish_part(policy, (Part) part);
	share_zones(policy);
	check_crossing(policy);
	check_multipliers(policy);
	check_measures(policy);
	check_grants(policy);
	check_reinstatements(policy);
	for (i = 0; i < policy->nversions && policy->tiers != NULL; i++)
		for (rank = 0; rank < policy->tiers->ntiers; rank++)
			policy->suspends |= policy->versions[i].suspends[rank];
}

/* ---- versions, written ---- */

/* How many versions of the parts, and of the programme itself, are written. */
typedef struct Written
{
	int earn;
	int points;
	int tiers;
	int own;
} Written;

/* The day of a version that isn't written yet; DATEVAL_NOEND: there is none. */
#define NEXT_FROM(policy, written) \
	((written) < (policy)->nversions ? (policy)->versions[written].from : DATEVAL_NOEND)

static DateADT
next_from(const ProgramPolicy *policy, const Written *written)
{
	DateADT from = Min(NEXT_FROM(policy, written->own), NEXT_FROM(policy->earn, written->earn));

	from = Min(from, NEXT_FROM(policy->points, written->points));
	return policy->tiers == NULL ? from : Min(from, NEXT_FROM(policy->tiers, written->tiers));
}

/* What of a part begins with a version. */
static void
put_part_version(StringInfo out, Part part, const void *rules, int number)
{
	policy_put_key(out, part_names[part]);
	appendStringInfoChar(out, '{');
	policy_put_version(out, part_tables[part], rules, number);
	appendStringInfoChar(out, '}');
}

/* A version: what begins on a day. */
static void
put_version(StringInfo out, const ProgramPolicy *policy, DateADT from, Written *written)
{
	appendStringInfoChar(out, '{');
	policy_put_name(out, "from", day_text(from));
	if (NEXT_FROM(policy->earn, written->earn) == from)
		put_part_version(out, PART_EARN, policy->earn, written->earn++);
	if (NEXT_FROM(policy->points, written->points) == from)
		put_part_version(out, PART_POINTS, policy->points, written->points++);
	if (policy->tiers != NULL && NEXT_FROM(policy->tiers, written->tiers) == from)
		put_part_version(out, PART_TIERS, policy->tiers, written->tiers++);
	if (NEXT_FROM(policy, written->own) == from)
		policy_put_version(out, &program_policy_table, policy, written->own++);
	appendStringInfoChar(out, '}');
}

static void
put_versions(StringInfo out, const void *opened)
{
	const ProgramPolicy *policy = opened;
	Written written = { 1, 1, 1, 1 };
	DateADT from = next_from(policy, &written);

	if (from == DATEVAL_NOEND)
		return;
	policy_put_key(out, "versions");
	appendStringInfoChar(out, '[');
	for (; from != DATEVAL_NOEND; from = next_from(policy, &written))
	{
		policy_put_element(out);
		put_version(out, policy, from, &written);
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoChar(out, ']');
}

/* ---- the table ---- */

#define PART_KEY(key_name, number)                                                        \
	{                                                                                     \
		.name = key_name, .changes = true, .argument = number, .given_as = POLICY_POLICY, \
		.read = read_part_key, .write = put_part_key, .same = part_key_same               \
	}

static const PolicyKey keys[] = {
	PART_KEY("earn", 1),
	PART_KEY("points", 2),
	PART_KEY("tiers", 3),
	{ .name = "tier_metric",
	  .type = POLICY_CHOICE,
	  .argument = 4,
	  POLICY_AT(ProgramPolicy, metric),
	  POLICY_NAMES(metric_names),
	  .check = check_metric },
	{ .name = "pending_counts",
	  .type = POLICY_BOOL,
	  .argument = 5,
	  POLICY_AT(ProgramPolicy, pending_counts),
	  .check = check_pending },
	{ .name = "no_expiry_tiers",
	  .changes = true,
	  .argument = 6,
	  .given_as = POLICY_TEXTS,
	  POLICY_AT(ProgramVersion, suspends),
	  .read = read_no_expiry,
	  .write = put_no_expiry },
	{ .name = "zone", .type = POLICY_ZONE, .argument = 7, POLICY_AT(ProgramPolicy, zone) },
	{ .name = "versions", .type = POLICY_VERSIONS, .argument = 8 },
	{ .name = NULL }
};

static const ProgramReading default_policy = { .policy = { .pending_counts = true } };
static const ProgramVersion default_version = { .from = DATEVAL_NOBEGIN };

const PolicyTable program_policy_table = {
	.type = PROGRAM_POLICY_TYPE,
	.null_hint = POLICY_DEFAULT_RULES("program_policy"),
	.keys = keys,
	POLICY_STRUCTS(ProgramReading, ProgramPolicy, ProgramVersion),
	.policy = &default_policy,
	.version = &default_version,
	.fixed_hint = "A version holds from, and any of %s.",
	.none_hint = "A version keeps what it leaves out. No such tiers from then on is "
				 "\"no_expiry_tiers\": [].",
	.empty_hint = "A version holds from, and any of %s.",
	.finish = finish,
	.put_versions = put_versions,
};

/* loyalty_program_policy_in, _out, _recv, _send, loyalty_program_policy,
 * loyalty_make_program_policy */
POLICY_TYPE_BUT_OPEN(program_policy)

/* ---- opening, and what an open one tells ---- */

ProgramPolicy *
program_policy_open(const struct varlena *policy)
{
	ProgramPolicy *opened = policy_open(policy, &program_policy_table);

	/* membership is that of the earn rules, so what counts may be of any kind but that of grants */
	if (opened->tiers != NULL)
	{
		opened->join_kind = opened->tiers->join_kind;
		opened->tiers->join_kind.bytes = NULL;
		opened->tiers->join_kind.len = 0;
	}
	return opened;
}

int
program_ntiers(const ProgramPolicy *policy)
{
	return policy->tiers != NULL ? policy->tiers->ntiers : 1;
}

const char *
program_tier_name(const ProgramPolicy *policy, int rank)
{
	return policy->tiers != NULL && rank >= 0 ? policy->tiers->tiers[rank] : NULL;
}

bool
program_has_ledger(const ProgramPolicy *policy)
{
	int i;

	for (i = 0; i < policy->earn->nkinds; i++)
	{
		EarnRole role = policy->earn->kinds[i].role;

		if (role != EARN_REDEMPTION && role != EARN_ACTIVATE && role != EARN_BLOCK &&
			role != EARN_UNBLOCK && earn_is_ledger_role(role))
			return true;
	}
	return false;
}
