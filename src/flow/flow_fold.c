/*
 * flow_fold.c
 *		Counts everyone's flows, link by link; and the sets of links that customers go by who go
 *		several ways in one step.
 *
 *		step	links						seconds
 *		1		["visit", "cart"]			60		events that took so long
 *		1		["visit", "cart"]			-1		customers, each once
 *		1		["visit", null]				-1		events that go no further, and their customers
 *		1		["visit", "cart", "visit",	-1		customers who went by exactly these links
 *				 "search"]
 *		1		null						-1		customers who went several ways, which aren't
 *		kept
 *
 * So links can be brought together to others afterwards, and their customers still counted once:
 * what customers of a set count several times in there is known.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "core/array.h"
#include "core/hash_key.h"
#include "flow/flow_internal.h"

/* ---- links and sets, found by what they are ---- */

typedef struct LinkKey
{
	int step;
	uint32 source;
	uint32 target;
} LinkKey;

typedef struct LinkCounts
{
	LinkKey key;
	int64 stops;
	int64 customers;
	int64 last_customer; /* who came by it last, by his number */
	CountedNumbers seconds;
} LinkCounts;

typedef struct LinkEntry
{
	LinkKey key;
	uint32 number; /* of its counts */
	char status;
} LinkEntry;

static inline uint32
hash_link(LinkKey key)
{
	return (uint32) hash_number(hash_number((uint64) key.source << 32 | key.target) +
								(uint64) key.step);
}

#define SH_PREFIX				link_table
#define SH_ELEMENT_TYPE			LinkEntry
#define SH_KEY_TYPE				LinkKey
#define SH_KEY					key
#define SH_HASH_KEY(table, key) hash_link(key)
#define SH_EQUAL(table, a, b) \
	((a).step == (b).step && (a).source == (b).source && (a).target == (b).target)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Numbers of links, in that order, all of one step. */
typedef struct SetKey
{
	const uint32 *links;
	int nlinks;
} SetKey;

typedef struct SetEntry
{
	SetKey key;
	int64 customers;
	uint32 hash;
	char status;
} SetEntry;

#define SH_PREFIX		set_table
#define SH_ELEMENT_TYPE SetEntry
#define SH_KEY_TYPE		SetKey
#define SH_KEY			key
#define SH_HASH_KEY(table, key) \
	(uint32) hash_bytes_keyed((key).links, (key).nlinks * sizeof(uint32))
#define SH_EQUAL(table, a, b) \
	((a).nlinks == (b).nlinks && memcmp((a).links, (b).links, (a).nlinks * sizeof(uint32)) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE				  static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct FlowFold
{
	const FlowRules *rules;
	FlowWalk *walk;
	MemoryContext context;

	/* counted since it went into the tally last */
	MemoryContext counting; /* NULL: nothing yet */
	link_table_hash *table;
	LinkCounts *links;
	int64 nlinks;
	int64 max_links;
	set_table_hash *sets;
	int64 kept;		 /* bytes of names in all sets */
	int64 *not_kept; /* by step */
	int64 brought;	 /* bytes of links in rows of the tally */

	int64 customer;	   /* the number of the one at hand */
	uint32 *his_links; /* in one step, each once */
	int64 nhis;
	int64 max_his;
} FlowFold;

/* ---- counting ---- */

void *
flow_fold_start(const MetricQuestion *question, Tally *tally)
{
	FlowFold *fold = palloc0(sizeof(FlowFold));

	fold->rules = question->own;
	fold->context = CurrentMemoryContext;
	return fold;
}

static void
open_counts(FlowFold *fold)
{
	hash_key_need();
	if (fold->walk == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fold->context);

		fold->walk = flow_walk_create(fold->rules);
		MemoryContextSwitchTo(old);
	}
	fold->counting =
		AllocSetContextCreate(fold->context, "loyalty flow counts", ALLOCSET_SMALL_SIZES);
	fold->table = link_table_create(fold->counting, 16, NULL);
	fold->links = NULL;
	fold->sets = NULL;
	fold->not_kept = NULL;
	fold->nlinks = fold->max_links = fold->kept = 0;
}

static uint32
link_number(FlowFold *fold, LinkKey key)
{
	bool found;
	LinkEntry *entry = link_table_insert(fold->table, key, &found);

	if (found)
		return entry->number;
	if (fold->nlinks == FLOW_MAX_LINKS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("flows of more than %d links are too many", FLOW_MAX_LINKS),
						errhint("Follow fewer steps, or collect events with categories as kinds or "
								"labels, not articles.")));
	fold->links = array_grow_in(fold->counting, fold->links, &fold->max_links, fold->nlinks + 1,
								sizeof(LinkCounts));
	memset(&fold->links[fold->nlinks], 0, sizeof(LinkCounts));
	fold->links[fold->nlinks].key = key;
	entry->number = (uint32) fold->nlinks++;
	return entry->number;
}

static void
count_step(FlowFold *fold, int n, const FlowStep *step)
{
	LinkKey key = { n, step->source, step->target };
	uint32 number = link_number(fold, key);
	LinkCounts *link = &fold->links[number];

	if (step->seconds == FLOW_UNTIMED)
		link->stops++;
	else
		counted_add(&link->seconds, fold->counting, step->seconds);
	if (link->last_customer == fold->customer)
		return;
	link->last_customer = fold->customer;
	link->customers++;
	fold->his_links = array_grow_in(fold->context, fold->his_links, &fold->max_his, fold->nhis + 1,
									sizeof(uint32));
	fold->his_links[fold->nhis++] = number;
}

static int
compare_numbers(const void *a, const void *b)
{
	uint32 x = *(const uint32 *) a;
	uint32 y = *(const uint32 *) b;

	return (x > y) - (x < y);
}

/* What the names of his links take, about. */
static int64
bytes_of_links(const FlowFold *fold)
{
	const Texts *names = fold->walk->names;
	int64 bytes = 0;
	int64 i;

	for (i = 0; i < fold->nhis; i++)
	{
		const LinkKey *key = &fold->links[fold->his_links[i]].key;

		bytes += (key->source != 0 ? (int64) texts_get(names, key->source).len : 0) + 4;
		bytes += (key->target != 0 ? (int64) texts_get(names, key->target).len : 0) + 4;
	}
	return bytes;
}

/* Counts him by all the links that he goes by in a step. */
static void
count_set(FlowFold *fold, int step)
{
	SetKey key = { fold->his_links, (int) fold->nhis };
	SetEntry *entry;
	int64 bytes;
	bool found;

	if (fold->sets == NULL)
		fold->sets = set_table_create(fold->counting, 16, NULL);
	if (fold->nhis <= FLOW_MAX_SET)
	{
		sort_elements(fold->his_links, fold->nhis, sizeof(uint32), compare_numbers);
		entry = set_table_lookup(fold->sets, key);
		if (entry != NULL)
		{
			entry->customers++;
			return;
		}
		bytes = bytes_of_links(fold);
		if (fold->kept + bytes <= FLOW_MAX_KEPT)
		{
			uint32 *links = MemoryContextAlloc(fold->counting, fold->nhis * sizeof(uint32));

			memcpy(links, fold->his_links, fold->nhis * sizeof(uint32));
			key.links = links;
			set_table_insert(fold->sets, key, &found)->customers = 1;
			fold->kept += bytes;
			return;
		}
	}
	if (fold->not_kept == NULL)
		fold->not_kept =
			MemoryContextAllocZero(fold->counting, (fold->rules->steps + 1) * sizeof(int64));
	fold->not_kept[step]++;
}

void
flow_fold_customer(void *of, ByteSpan body)
{
	FlowFold *fold = of;
	const FlowWalk *walk;
	int n;

	if (unlikely(fold->counting == NULL))
		open_counts(fold);
	walk = fold->walk;
	flow_walk(fold->walk, body);
	fold->customer++;
	for (n = 1; n <= fold->rules->steps; n++)
	{
		bool goes_on = false;
		int64 i;

		fold->nhis = 0;
		for (i = 0; i < walk->nanchors; i++)
		{
			FlowStep step;

			if (!flow_walk_step(walk, &walk->anchors[i], n, &step))
				continue;
			count_step(fold, n, &step);
			goes_on = true;
			CHECK_FOR_INTERRUPTS();
		}
		if (!goes_on)
			break;
		if (fold->nhis > 1)
			count_set(fold, n);
	}
}

/* ---- into the tally ---- */

void
flow_links_begin(StringInfo out)
{
	resetStringInfo(out);
	appendStringInfoChar(out, '[');
}

static void
put_name(StringInfo out, const Texts *names, uint32 number)
{
	ByteSpan text;
	char *terminated;

	if (out->len > 1)
		appendStringInfoString(out, ", ");
	if (number == 0)
	{
		appendStringInfoString(out, "null");
		return;
	}
	text = texts_get(names, number);
	terminated = pnstrdup((const char *) text.bytes, text.len);
	escape_json(out, terminated);
	pfree(terminated);
}

void
flow_links_put(StringInfo out, const Texts *names, uint32 source, uint32 target)
{
	put_name(out, names, source);
	put_name(out, names, target);
}

void
flow_links_end(StringInfo out)
{
	appendStringInfoChar(out, ']');
}

int
flow_compare_names(const Texts *names, uint32 a, uint32 b)
{
	ByteSpan x;
	ByteSpan y;
	EventText first;
	EventText second;

	if (a == b)
		return 0;
	if (a == 0 || b == 0)
		return a == 0 ? -1 : 1;
	x = texts_get(names, a);
	y = texts_get(names, b);
	first = (EventText){ (const char *) x.bytes, (int) x.len };
	second = (EventText){ (const char *) y.bytes, (int) y.len };
	return event_text_compare(&first, &second);
}

/* Each row has the text. */
static TallyRow *
row_of(FlowFold *fold, Tally *tally, int step, const StringInfoData *links, int64 seconds)
{
	TallyKey key = { .numbers = { [FLOW_KEY_STEP] = step, [FLOW_KEY_SECONDS] = seconds } };

	if (links != NULL)
	{
		key.text = links->data;
		key.text_len = links->len;
		fold->brought += links->len;
		if (unlikely(fold->brought > FLOW_MAX_BYTES))
			ereport(
				ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("flows of so many links and times are too large for a result"),
				 errhint("Follow fewer steps, or collect events with shorter and fewer names.")));
	}
	return tally_row(tally, &key);
}

static void
bring_link(FlowFold *fold, Tally *tally, LinkCounts *link, StringInfo text)
{
	TallyRow *row;
	int64 i;

	flow_links_begin(text);
	flow_links_put(text, fold->walk->names, link->key.source, link->key.target);
	flow_links_end(text);
	row = row_of(fold, tally, link->key.step, text, FLOW_UNTIMED);
	tally_add(tally, row, FLOW_CUSTOMERS, link->customers);
	tally_add(tally, row, FLOW_EVENTS, link->stops);
	if (link->seconds.max_raw == 0)
		return;
	counted_settle(&link->seconds, fold->counting);
	for (i = 0; i < link->seconds.ncounted; i++)
	{
		row = row_of(fold, tally, link->key.step, text, link->seconds.counted[i].number);
		tally_add(tally, row, FLOW_EVENTS, link->seconds.counted[i].count);
		CHECK_FOR_INTERRUPTS();
	}
	counted_clear(&link->seconds);
}

/* For sort_elements(), which hands nothing on: a link of a set, and its names. */
typedef struct NamedLink
{
	const Texts *names;
	LinkKey key;
} NamedLink;

static int
compare_links(const void *a, const void *b)
{
	const NamedLink *x = a;
	const NamedLink *y = b;
	int order = flow_compare_names(x->names, x->key.source, y->key.source);

	return order != 0 ? order : flow_compare_names(x->names, x->key.target, y->key.target);
}

static void
bring_set(FlowFold *fold, Tally *tally, const SetEntry *set, StringInfo text)
{
	NamedLink *links = palloc(set->key.nlinks * sizeof(NamedLink));
	int i;

	for (i = 0; i < set->key.nlinks; i++)
		links[i] = (NamedLink){ fold->walk->names, fold->links[set->key.links[i]].key };
	sort_elements(links, set->key.nlinks, sizeof(NamedLink), compare_links);
	flow_links_begin(text);
	for (i = 0; i < set->key.nlinks; i++)
		flow_links_put(text, fold->walk->names, links[i].key.source, links[i].key.target);
	flow_links_end(text);
	tally_add(tally, row_of(fold, tally, links[0].key.step, text, FLOW_UNTIMED), FLOW_CUSTOMERS,
			  set->customers);
	pfree(links);
}

void
flow_fold_finish(void *of, Tally *tally)
{
	FlowFold *fold = of;
	StringInfoData text;
	int64 i;

	if (fold->counting == NULL)
		return;
	fold->brought = 0;
	initStringInfo(&text);
	for (i = 0; i < fold->nlinks; i++)
		bring_link(fold, tally, &fold->links[i], &text);
	if (fold->sets != NULL)
	{
		set_table_iterator iterator;
		const SetEntry *set;

		set_table_start_iterate(fold->sets, &iterator);
		while ((set = set_table_iterate(fold->sets, &iterator)) != NULL)
		{
			bring_set(fold, tally, set, &text);
			CHECK_FOR_INTERRUPTS();
		}
	}
	for (i = 1; fold->not_kept != NULL && i <= fold->rules->steps; i++)
		if (fold->not_kept[i] > 0)
			tally_add(tally, row_of(fold, tally, (int) i, NULL, FLOW_UNTIMED), FLOW_CUSTOMERS,
					  fold->not_kept[i]);
	pfree(text.data);
	MemoryContextDelete(fold->counting);
	fold->counting = NULL;
}
