/*
 * flow_result.c
 *		Reads a result of flows back, and tells what can't be one.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "core/argument.h"
#include "core/array.h"
#include "flow/flow_internal.h"

/* A row whose links are read; or a set of links, until all of them are known. */
typedef struct ReadLinks
{
	int step;
	uint32 *names; /* pairs */
	int n;		   /* of pairs */
} ReadLinks;

typedef struct Reader
{
	const Tally *tally;
	FlowResult *result;
	int64 max_links;
	ReadLinks *sets;
	int64 max_sets;
	int64 max_read_sets;
	StringInfoData canonical;
} Reader;

/* ---- parameters ---- */

static int
choice_of_parameter(const Tally *tally, const char *name, const char *const *names)
{
	const char *text = metric_parameter(tally, name);

	return text != NULL ? choice_find(text, strlen(text), names, choice_count(names)) : -1;
}

static const char *
read_parameters(const Tally *tally, FlowResult *result)
{
	const char *steps = metric_parameter(tally, "steps");
	bool has_from = metric_parameter(tally, "from_step") != NULL;
	int occurrence = choice_of_parameter(tally, "occurrence", flow_occurrence_names);

	if (choice_of_parameter(tally, "by", flow_by_names) < 0)
		return "There is no \"by\".";
	if (steps == NULL)
		return "There is no \"steps\".";
	if (occurrence < 0)
		return "There is no \"occurrence\".";
	if (metric_parameter(tally, "collapse") == NULL)
		return "There is no \"collapse\".";
	result->steps = pg_strtoint32(steps);
	result->occurrence = (FlowOccurrence) occurrence;
	result->backward = metric_parameter(tally, "until_step") != NULL;
	result->has_anchor = has_from || result->backward;
	if (has_from && result->backward)
		return "There are \"from_step\" and \"until_step\".";
	if (result->steps > FLOW_MAX_STEPS)
		return "There are too many \"steps\".";
	if (tally_has_rows(tally) && metric_parameter(tally, "as_of") == NULL)
		return "There are flows, but no \"as_of\".";
	return NULL;
}

/* ---- links ---- */

#define LINKS_FAULT "\"links\" isn't a JSON array of pairs of names, in order."

/* The names of a text; false where it isn't written as flow_fold.c does. */
static bool
read_links(Reader *reader, const TallyKey *key, ReadLinks *read)
{
	FlowResult *result = reader->result;
	char *text = pnstrdup(key->text, key->text_len);
	Jsonb *json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	JsonbIterator *iterator;
	JsonbValue value;
	int n = 0;
	int count;

	count = (int) JB_ROOT_COUNT(json);
	if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json) || count < 2 || count % 2 != 0)
		return false;
	read->n = count / 2;
	read->names = palloc_extended(count * sizeof(uint32), MCXT_ALLOC_HUGE);
	iterator = JsonbIteratorInit(&json->root);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_ELEM)
	{
		if (value.type == jbvNull)
			read->names[n++] = 0;
		else if (value.type == jbvString)
			read->names[n++] =
				texts_number(result->names, (ByteSpan){ (const uint8 *) value.val.string.val,
														value.val.string.len });
		else
			return false;
		CHECK_FOR_INTERRUPTS();
	}
	flow_links_begin(&reader->canonical);
	for (n = 0; n < read->n; n++)
		flow_links_put(&reader->canonical, result->names, read->names[2 * n],
					   read->names[2 * n + 1]);
	flow_links_end(&reader->canonical);
	pfree(json);
	n = strcmp(reader->canonical.data, text);
	pfree(text);
	return n == 0;
}

/* Is each a link: of two names, but where a flow ends; and are they in order? */
static bool
are_links(const FlowResult *result, const ReadLinks *read)
{
	int i;

	for (i = 0; i < read->n; i++)
	{
		const uint32 *pair = &read->names[2 * i];
		uint32 near = pair[result->backward ? 1 : 0];
		int order;

		if (near == 0)
			return false;
		if (i == 0)
			continue;
		order = flow_compare_names(result->names, pair[-2], pair[0]);
		if (order == 0)
			order = flow_compare_names(result->names, pair[-1], pair[1]);
		if (order >= 0)
			return false;
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

static bool
link_ends(const FlowLink *link)
{
	return link->source == 0 || link->target == 0;
}

/* A link's rows: customers, and events that end, or those of each time. */
static const char *
read_link(Reader *reader, const ReadLinks *read, TallyRow **rows, int64 nrows)
{
	FlowResult *result = reader->result;
	const int128 *first = rows[0]->sums;
	int128 events = first[FLOW_EVENTS];
	FlowLink *link;
	int64 i;

	if (rows[0]->key.numbers[FLOW_KEY_SECONDS] != FLOW_UNTIMED || first[FLOW_CUSTOMERS] == 0)
		return "There are events without customers.";
	for (i = 1; i < nrows; i++)
	{
		if (rows[i]->key.numbers[FLOW_KEY_SECONDS] < 0 || rows[i]->sums[FLOW_CUSTOMERS] != 0)
			return "\"seconds\" are below zero, or there are customers beside them.";
		events += rows[i]->sums[FLOW_EVENTS];
		CHECK_FOR_INTERRUPTS();
	}
	result->links =
		array_grow(result->links, &reader->max_links, result->nlinks + 1, sizeof(FlowLink));
	link = &result->links[result->nlinks++];
	*link = (FlowLink){ .step = read->step,
						.source = read->names[0],
						.target = read->names[1],
						.events = (int64) events,
						.customers = (int64) first[FLOW_CUSTOMERS],
						.rows = rows,
						.nrows = nrows };
	if (link_ends(link) ? nrows > 1 : first[FLOW_EVENTS] != 0)
		return "What goes no further has no times, and all else has.";
	if (events < link->customers || events > PG_INT64_MAX)
		return "There are fewer events than customers, or more than can be counted.";
	if (result->occurrence != FLOW_EACH && events != link->customers)
		return "A customer counts several times, but \"occurrence\" isn't each.";
	return NULL;
}

static const char *
read_set(Reader *reader, const ReadLinks *read, const TallyRow *row)
{
	FlowResult *result = reader->result;

	if (result->occurrence != FLOW_EACH)
		return "A customer goes several ways, but \"occurrence\" isn't each.";
	if (row->key.numbers[FLOW_KEY_SECONDS] != FLOW_UNTIMED || row->sums[FLOW_EVENTS] != 0)
		return "There are events of several links.";
	result->sets = array_grow(result->sets, &reader->max_sets, result->nsets + 1, sizeof(FlowSet));
	reader->sets =
		array_grow(reader->sets, &reader->max_read_sets, result->nsets + 1, sizeof(ReadLinks));
	reader->sets[result->nsets] = *read;
	result->sets[result->nsets++] =
		(FlowSet){ .nlinks = read->n, .customers = (int64) row->sums[FLOW_CUSTOMERS] };
	return NULL;
}

/* How many rows from this one on are of the same links. */
static int64
same_links(TallyRow **rows, int64 nrows)
{
	const TallyKey *first = &rows[0]->key;
	int64 n = 1;

	while (n < nrows && rows[n]->key.numbers[FLOW_KEY_STEP] == first->numbers[FLOW_KEY_STEP] &&
		   rows[n]->key.text_len == first->text_len &&
		   memcmp(rows[n]->key.text, first->text, first->text_len) == 0)
		n++;
	return n;
}

static const char *
read_rows(Reader *reader, TallyRow **rows, int64 nrows)
{
	FlowResult *result = reader->result;
	int64 i = 0;

	while (i < nrows)
	{
		const TallyKey *key = &rows[i]->key;
		ReadLinks read = { .step = (int) key->numbers[FLOW_KEY_STEP] };
		const char *fault;
		int64 n;

		CHECK_FOR_INTERRUPTS();
		if (key->numbers[FLOW_KEY_STEP] < 1 || key->numbers[FLOW_KEY_STEP] > result->steps)
			return "\"step\" isn't one of the steps.";
		if (key->text == NULL)
		{
			if (result->occurrence != FLOW_EACH || rows[i]->sums[FLOW_EVENTS] != 0 ||
				key->numbers[FLOW_KEY_SECONDS] != FLOW_UNTIMED)
				return "There are events without links.";
			result->not_kept[read.step] = (int64) rows[i++]->sums[FLOW_CUSTOMERS];
			continue;
		}
		if (!read_links(reader, key, &read) || !are_links(result, &read))
			return LINKS_FAULT;
		n = same_links(&rows[i], nrows - i);
		if (read.n > 1 && n > 1)
			return "There are events of several links.";
		fault =
			read.n > 1 ? read_set(reader, &read, rows[i]) : read_link(reader, &read, &rows[i], n);
		if (fault != NULL)
			return fault;
		i += n;
	}
	return NULL;
}

/* ---- sets ---- */

static int
compare_link_keys(const void *a, const void *b)
{
	const FlowLink *x = a;
	const FlowLink *y = b;

	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return (x->target > y->target) - (x->target < y->target);
}

/* Finds the links of sets, and that no link has more customers in sets than it has. */
static const char *
resolve_sets(Reader *reader)
{
	FlowResult *result = reader->result;
	int128 *in_sets =
		palloc_extended(Max(result->nlinks, 1) * sizeof(int128), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int64 i;
	int n;

	for (i = 0; i < result->nsets; i++)
	{
		const ReadLinks *read = &reader->sets[i];
		FlowSet *set = &result->sets[i];

		set->links = palloc_extended(set->nlinks * sizeof(int64), MCXT_ALLOC_HUGE);
		for (n = 0; n < set->nlinks; n++)
		{
			FlowLink wanted = { .step = read->step,
								.source = read->names[2 * n],
								.target = read->names[2 * n + 1] };
			const FlowLink *found = bsearch(&wanted, result->links, result->nlinks,
											sizeof(FlowLink), compare_link_keys);

			if (found == NULL)
				return "Customers go by a link that there isn't.";
			set->links[n] = found - result->links;
			in_sets[set->links[n]] += set->customers;
			if (in_sets[set->links[n]] > found->customers)
				return "More customers go by a link and others than by it at all.";
			CHECK_FOR_INTERRUPTS();
		}
		pfree(read->names);
	}
	pfree(in_sets);
	return NULL;
}

/* ---- from step to step ---- */

typedef struct NodeChange
{
	int step; /* that it leaves by */
	uint32 name;
	int64 events; /* what comes, less what leaves */
} NodeChange;

static int
compare_changes(const void *a, const void *b)
{
	const NodeChange *x = a;
	const NodeChange *y = b;

	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

/* What comes into a node leaves it in the next step, or ends there. */
static const char *
check_balance(const FlowResult *result)
{
	NodeChange *changes =
		palloc_extended(Max(2 * result->nlinks, 1) * sizeof(NodeChange), MCXT_ALLOC_HUGE);
	int128 balance = 0;
	int128 all = 0; /* flows, of which no step has more */
	int64 n = 0;
	int64 i;

	for (i = 0; i < result->nlinks; i++)
	{
		const FlowLink *link = &result->links[i];
		uint32 near = result->backward ? link->target : link->source;
		uint32 far = result->backward ? link->source : link->target;

		if (link->step > 1)
			changes[n++] = (NodeChange){ link->step, near, -link->events };
		else
			all += link->events;
		if (far != 0 && link->step < result->steps)
			changes[n++] = (NodeChange){ link->step + 1, far, link->events };
	}
	if (all > PG_INT64_MAX)
		return "There are more events than can be counted.";
	if (n > 0)
		sort_elements(changes, n, sizeof(NodeChange), compare_changes);
	for (i = 0; i < n; i++)
	{
		balance += changes[i].events;
		if (i + 1 < n && compare_changes(&changes[i], &changes[i + 1]) == 0)
			continue;
		if (balance != 0)
			return "What comes into a step isn't what leaves it.";
		CHECK_FOR_INTERRUPTS();
	}
	pfree(changes);
	return NULL;
}

/* All flows begin at the anchor. */
static const char *
check_anchor(const FlowResult *result, const Tally *tally)
{
	const char *name = metric_parameter(tally, result->backward ? "until_step" : "from_step");
	EventText anchor;
	int64 i;

	if (name == NULL)
		return NULL;
	anchor = (EventText){ name, (int) strlen(name) };
	for (i = 0; i < result->nlinks; i++)
	{
		const FlowLink *link = &result->links[i];
		ByteSpan near;

		if (link->step > 1)
			break;
		near = texts_get(result->names, result->backward ? link->target : link->source);
		if ((int) near.len != anchor.len || memcmp(near.bytes, anchor.bytes, near.len) != 0)
			return "A flow begins at another step than the one it should.";
	}
	return NULL;
}

FlowResult *
flow_result_read(const Tally *tally, const char **fault)
{
	FlowResult *result = palloc0(sizeof(FlowResult));
	Reader reader = { .tally = tally, .result = result };
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);

	result->names = texts_create(CurrentMemoryContext);
	initStringInfo(&reader.canonical);
	*fault = read_parameters(tally, result);
	if (*fault != NULL)
		return NULL;
	result->not_kept = palloc0((result->steps + 1) * sizeof(int64));
	*fault = read_rows(&reader, rows, nrows);
	if (*fault != NULL)
		return NULL;
	if (result->nlinks > 0)
		sort_elements(result->links, result->nlinks, sizeof(FlowLink), compare_link_keys);
	*fault = resolve_sets(&reader);
	if (*fault == NULL)
		*fault = check_balance(result);
	if (*fault == NULL)
		*fault = check_anchor(result, tally);
	return *fault == NULL ? result : NULL;
}
