/*
 * program_policy.c
 *		The rules of a programme from JSON: reading and checking.
 *
 * Its parts are policies by themselves, which read their own text. What the programme says of a
 * part elsewhere, in its versions, is added to that text as the part's versions, and read
 * by the part again:
 *
 *		{"earn": E, "versions": [{"from": D, "earn": F}]} --> earn_policy E + {"versions": [D F]}
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "policy/policy.h"
#include "points/points_policy.h"
#include "earn/earn_policy.h"
#include "program/program_policy.h"
#include "tiers/tier_policy.h"

static const char *const policy_keys[] = { "earn",		  "points",			"tiers",
										   "tier_metric", "pending_counts", "no_expiry_tiers",
										   "zone",		  "versions",		NULL };
static const char *const version_keys[] = { "from", "earn", "points", "tiers", "no_expiry_tiers",
											NULL };

const char *const program_metric_names[] = { "spend", "points", "orders" };

#define VERSION_HINT "A version holds from, and any of earn, points, tiers, no_expiry_tiers."

static const PolicyVersionKeys version_rules = {
	.policy = policy_keys,
	.version = version_keys,
	.fixed_hint = VERSION_HINT,
	.null_hint = "A version keeps what it leaves out. No such tiers from then on is "
				 "\"no_expiry_tiers\": [].",
	.empty_hint = VERSION_HINT,
};

/* ---- parts ---- */

typedef enum Part
{
	PART_EARN,
	PART_POINTS,
	PART_TIERS
} Part;

#define PARTS (PART_TIERS + 1)

static const char *const part_names[] = { "earn", "points", "tiers" };

static struct varlena *(*const part_from_text[])(const char *text) = { earn_policy_from_text,
																	   points_policy_from_text,
																	   tier_policy_from_text };

/* A part while it is read. */
typedef struct PartText
{
	struct varlena *policy; /* as it stands by itself; NULL: there is none */
	bool has_versions;		/* ... of its own */
	StringInfoData versions;
	int nversions; /* in there, those of the programme */
} PartText;

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

/* Has a part read its text; errors tell where that stands. */
static struct varlena *
read_text(Part part, const char *text, const char *place)
{
	ErrorContextCallback teller;
	struct varlena *policy;

	teller.callback = tell_part;
	teller.arg = (void *) place;
	teller.previous = error_context_stack;
	error_context_stack = &teller;
	policy = part_from_text[part](text);
	error_context_stack = teller.previous;
	return policy;
}

/* What is left out is {}; but tiers that are left out aren't there. */
static void
read_part(const PolicyObject *root, Part part, PartText *read)
{
	JsonbValue value;
	PolicyObject place;

	initStringInfo(&read->versions);
	if (json_member(root->json, part_names[part], &value) != NULL)
	{
		policy_enter(root, &value, part_names[part], &place);
		read->has_versions = policy_has(&place, "versions");
		if (part == PART_POINTS && policy_has(&place, "kinds"))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"points.kinds\" can't be in a %s", root->type),
							errhint("\"earn.kinds\" says what an event is; what it earns, takes "
									"back or redeems is known by that.")));
		read->policy =
			read_text(part, JsonbToCString(NULL, value.val.binary.data, value.val.binary.len),
					  part_names[part]);
	}
	else if (part != PART_TIERS)
		read->policy = read_text(part, "{}", part_names[part]);
}

/* Adds a version's rules for a part to those that the part will read. */
static void
add_version(const PolicyObject *version, Part part, DateADT from, PartText *read)
{
	JsonbValue value;
	PolicyObject place;
	char *rules;

	if (json_member(version->json, part_names[part], &value) == NULL)
		return;
	policy_enter(version, &value, policy_path(version, part_names[part]), &place);
	if (policy_names(&place, "from"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("unknown key \"%s\" in a %s", policy_path(&place, "from"), version->type),
				 errhint("The version itself says from when it holds.")));
	if (read->policy == NULL)
		report_no_tiers(version, part_names[part],
						"A version changes what there is: say what holds before it.");
	if (read->has_versions)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" and \"%s.versions\" of a %s contradict each other",
						policy_path(version, part_names[part]), part_names[part], version->type),
				 errhint("Versions of a part stand in the part, or in the programme.")));
	rules = JsonbToCString(NULL, place.json, 0);
	appendStringInfo(&read->versions, "%s{\"from\": \"%s\"%s%s", read->nversions > 0 ? ", " : "",
					 day_text(from), JsonContainerSize(place.json) > 0 ? ", " : "", rules + 1);
	read->nversions++;
}

/* A part's policy with the versions that the programme gives it. */
static struct varlena *
finish_part(Part part, const PartText *read)
{
	char *text;
	int len;

	if (read->nversions == 0)
		return read->policy;
	text = policy_unpack(read->policy);
	len = (int) strlen(text) - 1;
	return read_text(
		part,
		psprintf("%.*s%s\"versions\": [%s]}", len, text, len > 1 ? ", " : "", read->versions.data),
		psprintf("versions.%s", part_names[part]));
}

/* ---- tiers in which nothing expires ---- */

static void
get_no_expiry(const PolicyObject *object, const TierPolicy *tiers, ProgramVersion *version)
{
	const char *path = policy_path(object, "no_expiry_tiers");
	JsonbValue value;
	JsonbIterator *iterator;

	if (json_member(object->json, "no_expiry_tiers", &value) == NULL)
		return;
	iterator = JsonbIteratorInit(json_as_array(&value, object->type, path));
	if (tiers == NULL)
		report_no_tiers(object, "no_expiry_tiers", "They are tiers in which no points expire.");
	version->suspends = palloc0(tiers->ntiers * sizeof(bool));
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_ELEM)
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

bool
program_version_same(const ProgramPolicy *policy, const ProgramVersion *a, const ProgramVersion *b)
{
	return policy->tiers == NULL ||
		   memcmp(a->suspends, b->suspends, policy->tiers->ntiers * sizeof(bool)) == 0;
}

bool
program_version_suspends(const ProgramPolicy *policy, const ProgramVersion *version)
{
	int rank = policy->tiers != NULL ? policy->tiers->ntiers : 0;

	while (--rank >= 0)
		if (version->suspends[rank])
			return true;
	return false;
}

/* ---- versions ---- */

/* Reads the dated versions; what they say of the parts is left to these. */
static void
read_versions(const PolicyObject *root, ProgramPolicy *policy, PartText *parts)
{
	PolicyVersions versions;
	uint32 count = policy_versions_open(&versions, root, &version_rules);
	int part;

	policy->versions = repalloc_huge(policy->versions, (count + 1) * sizeof(ProgramVersion));
	while (policy_versions_next(&versions))
	{
		ProgramVersion *before = &policy->versions[policy->nversions - 1];
		ProgramVersion *version = before + 1;

		*version = *before;
		version->from = versions.from;
		for (part = 0; part < PARTS; part++)
			add_version(&versions.object, (Part) part, version->from, &parts[part]);
		get_no_expiry(&versions.object, policy->tiers, version);
		if (!program_version_same(policy, version, before))
			policy->nversions++;
	}
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
read_metric(const PolicyObject *root, ProgramPolicy *policy)
{
	int number;

	if (policy_get_choice(root, "tier_metric", program_metric_names, lengthof(program_metric_names),
						  &number))
	{
		if (policy->tiers == NULL)
			report_no_tiers(root, "tier_metric", "It says what the metrics of tiers count.");
		policy->metric = (ProgramMetric) number;
	}
	policy->pending_counts = true;
	(void) policy_get_bool(root, "pending_counts", &policy->pending_counts);
	if (!policy->pending_counts && policy->metric != PROGRAM_POINTS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"pending_counts\" false of a %s needs \"tier_metric\" \"%s\"",
							   root->type, program_metric_names[PROGRAM_POINTS]),
						errhint("It says when points count for tiers.")));
}

static void
check_crossing(const ProgramPolicy *policy)
{
	int i;

	for (i = 0; policy->metric == PROGRAM_POINTS && i < policy->earn->nversions; i++)
		if (policy->earn->versions[i].crossing_after)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"earn.crossing_order\" \"%s\" of a %s can't be with "
							"\"tier_metric\" \"%s\"",
							earn_crossing_names[1], PROGRAM_POLICY_TYPE,
							program_metric_names[PROGRAM_POINTS]),
					 errdetail("What an order earns would depend on itself."),
					 errhint("Let tiers go by spend or orders, or the order that reaches a tier "
							 "earn at the tier before it.")));
}

/* ---- the whole ---- */

ProgramPolicy *
program_policy_read(JsonbContainer *json)
{
	ProgramPolicy *policy = palloc0(sizeof(ProgramPolicy));
	PolicyObject root = { json, PROGRAM_POLICY_TYPE, "" };
	PartText parts[PARTS];
	int i;

	policy_check_keys(&root, policy_keys);
	memset(parts, 0, sizeof(parts));
	for (i = 0; i < PARTS; i++)
		read_part(&root, (Part) i, &parts[i]);
	policy->versions = palloc0(sizeof(ProgramVersion));
	policy->nversions = 1;
	policy->versions[0].from = DATEVAL_NOBEGIN;
	if (parts[PART_TIERS].policy != NULL)
	{
		policy->tiers = tier_policy_open(parts[PART_TIERS].policy);
		policy->versions[0].suspends = palloc0(policy->tiers->ntiers * sizeof(bool));
	}
	get_no_expiry(&root, policy->tiers, &policy->versions[0]);
	read_metric(&root, policy);
	read_versions(&root, policy, parts);
	policy->earn = earn_policy_open(finish_part(PART_EARN, &parts[PART_EARN]));
	policy->points = points_policy_open(finish_part(PART_POINTS, &parts[PART_POINTS]));
	if (policy->tiers != NULL)
		policy->tiers = tier_policy_open(finish_part(PART_TIERS, &parts[PART_TIERS]));
	(void) policy_get_zone(&root, "zone", &policy->zone);
	share_zones(policy);
	check_crossing(policy);
	for (i = 0; i < policy->nversions; i++)
		policy->suspends |= program_version_suspends(policy, &policy->versions[i]);
	return policy;
}

/* ---- opening, and what an open one tells ---- */

ProgramPolicy *
program_policy_open(const struct varlena *policy)
{
	ProgramPolicy *opened =
		program_policy_read(json_parse_object(policy_unpack(policy), PROGRAM_POLICY_TYPE));

	/* membership is that of the earn rules, so what counts may be of any kind but that of grants */
	if (opened->tiers != NULL)
	{
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
