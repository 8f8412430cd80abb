/*
 * names.c
 *		Kinds and labels of events that a question goes by, and that no event has: most often they
 *		are misspelt, and the question's answer is 0 as if it were one.
 *
 * Looked up in the dictionaries of the customers' timelines, not in their events, and no further
 * than until each name was found. What several processes saw is added up.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "core/array.h"
#include "metric/metric.h"

/* So many of a list are shown. */
#define SHOWN_NAMES 10

typedef struct AskedName
{
	EventText text;
	bool is_label;
	bool found;
} AskedName;

/* The first ones, in their order, of the kinds, or the labels, that occur. */
typedef struct OccurringNames
{
	EventText shown[SHOWN_NAMES];
	int n;
	bool more;
} OccurringNames;

struct MetricNames
{
	MemoryContext context;
	AskedName *list;
	int64 n;
	int64 max;
	int64 missing;
	bool any;					 /* customers were looked at */
	OccurringNames occurring[2]; /* while a name is missing: kinds, labels */
};

MetricNames *
metric_names_create(void)
{
	MetricNames *names = palloc0(sizeof(MetricNames));

	names->context = CurrentMemoryContext;
	return names;
}

void
metric_add_name(MetricNames *names, bool is_label, const EventText *name)
{
	names->list = array_grow(names->list, &names->max, names->n + 1, sizeof(AskedName));
	names->list[names->n++] = (AskedName){ *name, is_label, false };
}

void
metric_add_names(MetricNames *names, bool is_label, const EventText *list, int n)
{
	int i;

	for (i = 0; i < n; i++)
		metric_add_name(names, is_label, &list[i]);
}

void
metric_add_known_name(MetricNames *names, bool is_label, const EventText *name)
{
	metric_add_name(names, is_label, name);
	names->list[names->n - 1].found = true;
}

static int
compare_names(const void *a, const void *b)
{
	const AskedName *x = a;
	const AskedName *y = b;

	if (x->is_label != y->is_label)
		return x->is_label - y->is_label;
	return event_text_compare(&x->text, &y->text);
}

/* Each name once, in order. */
static void
sort_names(MetricNames *names)
{
	int64 kept = 0;
	int64 i;

	if (names->n == 0)
		return;
	qsort(names->list, names->n, sizeof(AskedName), compare_names);
	for (i = 0; i < names->n; i++)
	{
		if (i == 0 || compare_names(&names->list[i], &names->list[kept - 1]) != 0)
			names->list[kept++] = names->list[i];
		else if (names->list[i].found)
			names->list[kept - 1].found = true;
	}
	names->n = kept;
}

void
metric_names_ready(MetricNames *names)
{
	int64 i;

	sort_names(names);
	names->missing = 0;
	for (i = 0; i < names->n; i++)
		names->missing += !names->list[i].found;
}

/* ---- in bodies ---- */

/* Keeps a name that occurs, if it is among the first ones. */
static void
keep_occurring(MetricNames *names, bool is_label, const EventText *text)
{
	OccurringNames *occurring = &names->occurring[is_label];
	int at = occurring->n;
	char *copy;

	while (at > 0)
	{
		int order = event_text_compare(text, &occurring->shown[at - 1]);

		if (order == 0)
			return;
		if (order > 0)
			break;
		at--;
	}
	occurring->more = occurring->more || occurring->n == SHOWN_NAMES;
	if (at == SHOWN_NAMES)
		return;
	copy = MemoryContextAlloc(names->context, Max(1, text->len));
	memcpy(copy, text->bytes, text->len);
	if (occurring->n == SHOWN_NAMES)
		pfree(unconstify(char *, occurring->shown[--occurring->n].bytes));
	memmove(&occurring->shown[at + 1], &occurring->shown[at],
			(occurring->n - at) * sizeof(EventText));
	occurring->shown[at] = (EventText){ copy, text->len };
	occurring->n++;
}

/* A CollectTextTaker. */
static void
note_name(void *opaque, bool is_label, const EventText *text)
{
	MetricNames *names = opaque;
	AskedName wanted = { *text, is_label, false };
	AskedName *name = bsearch(&wanted, names->list, names->n, sizeof(AskedName), compare_names);

	keep_occurring(names, is_label, text);
	if (name == NULL || name->found)
		return;
	name->found = true;
	names->missing--;
}

void
metric_names_see(MetricNames *names, const CollectOps *ops, ByteSpan body)
{
	names->any = true;
	if (names->missing > 0)
		ops->texts(body, note_name, names);
}

void
metric_names_see_nothing(MetricNames *names)
{
	names->any = true;
}

/* ---- as bytes ---- */

/*
 *		byte	were customers looked at?
 *		names	those that were asked about, whether each was found
 *		names	kinds that occur, whether there are more; labels
 *
 * names: varint number, then each: byte, varint length, bytes.
 */

static void
put_text(ByteBuffer *out, uint8 flags, const EventText *text)
{
	buffer_put_byte(out, flags);
	buffer_put_varint(out, (uint64) text->len);
	buffer_put_bytes(out, text->bytes, text->len);
}

void
metric_names_put(const MetricNames *names, ByteBuffer *out)
{
	int64 i;
	int label;

	buffer_put_byte(out, names->any);
	buffer_put_varint(out, (uint64) names->n);
	for (i = 0; i < names->n; i++)
		put_text(out, (uint8) (names->list[i].found << 1 | names->list[i].is_label),
				 &names->list[i].text);
	for (label = 0; label < 2; label++)
	{
		const OccurringNames *occurring = &names->occurring[label];

		buffer_put_byte(out, occurring->more);
		buffer_put_varint(out, (uint64) occurring->n);
		for (i = 0; i < occurring->n; i++)
			put_text(out, 0, &occurring->shown[i]);
	}
}

static uint8
take_text(ByteReader *in, EventText *text)
{
	uint8 flags;
	uint64 len;
	const uint8 *bytes;

	if (!read_byte(in, &flags) || !read_varint(in, &len) || !read_bytes(in, len, &bytes))
		report_corrupted();
	*text = (EventText){ (const char *) bytes, (int) len };
	return flags;
}

static uint64
take_number(ByteReader *in)
{
	uint64 n;

	if (!read_varint(in, &n))
		report_corrupted();
	return n;
}

static bool
take_flag(ByteReader *in)
{
	uint8 flag;

	if (!read_byte(in, &flag))
		report_corrupted();
	return flag != 0;
}

MetricNames *
metric_names_add(MetricNames *names, ByteSpan bytes)
{
	ByteReader in = { bytes.bytes, bytes.bytes + bytes.len };
	bool is_new = names == NULL;
	EventText text;
	uint64 n;
	uint64 i;
	int label;

	if (is_new)
		names = metric_names_create();
	names->any = take_flag(&in) || names->any;
	n = take_number(&in);
	if (!is_new && n != (uint64) names->n)
		report_corrupted();
	for (i = 0; i < n; i++)
	{
		uint8 flags = take_text(&in, &text);

		if (is_new)
		{
			char *copy = palloc(Max(1, text.len));

			memcpy(copy, text.bytes, text.len);
			text.bytes = copy;
			metric_add_name(names, flags & 1, &text);
		}
		if (flags & 2)
			names->list[i].found = true;
	}
	for (label = 0; label < 2; label++)
	{
		bool more = take_flag(&in);

		n = take_number(&in);
		for (i = 0; i < n; i++)
		{
			take_text(&in, &text);
			keep_occurring(names, label, &text);
		}
		names->occurring[label].more = names->occurring[label].more || more;
	}
	metric_names_ready(names);
	return names;
}

static void
put_name(StringInfo out, const EventText *name)
{
	int len = pg_mbcliplen(name->bytes, name->len, NAMEDATALEN);

	appendStringInfo(out, "%s\"%.*s%s\"", out->len > 0 ? ", " : "", len, name->bytes,
					 len < name->len ? "..." : "");
}

/* As a list; NULL: there are none. */
static const char *
list_occurring(const OccurringNames *occurring)
{
	StringInfoData out;
	int i;

	if (occurring->n == 0)
		return NULL;
	initStringInfo(&out);
	for (i = 0; i < occurring->n; i++)
		put_name(&out, &occurring->shown[i]);
	if (occurring->more)
		appendStringInfoString(&out, ", ...");
	return out.data;
}

/* ---- the notice ---- */

/* Was it told in this statement? A query may ask hundreds of bases the same. */
static bool
was_told(const char *message)
{
	static TimestampTz statement;
	static uint64 told[16];
	static int ntold;
	uint64 hash = hash_bytes_extended((const unsigned char *) message, (int) strlen(message), 0);
	int i;

	if (statement != GetCurrentStatementStartTimestamp())
	{
		statement = GetCurrentStatementStartTimestamp();
		ntold = 0;
	}
	for (i = 0; i < Min(ntold, (int) lengthof(told)); i++)
		if (told[i] == hash)
			return true;
	told[ntold++ % lengthof(told)] = hash;
	return false;
}

static void
notice_missing(const MetricNames *names, bool is_label)
{
	const char *sort = is_label ? "label" : "kind";
	const char *occurring;
	StringInfoData list;
	char *message;
	int64 missing = 0;
	int64 i;

	initStringInfo(&list);
	for (i = 0; i < names->n; i++)
		if (names->list[i].is_label == is_label && !names->list[i].found && missing++ < SHOWN_NAMES)
			put_name(&list, &names->list[i].text);
	if (missing == 0)
		return;
	if (missing > SHOWN_NAMES)
		appendStringInfoString(&list, ", ...");
	message = psprintf(missing == 1 ? "no event has the %s %s" : "no event has any of the %ss %s",
					   sort, list.data);
	if (was_told(message))
		return;
	occurring = list_occurring(&names->occurring[is_label]);
	ereport(NOTICE, (errmsg_internal("%s", message),
					 errdetail("What goes by %s finds nothing.", missing == 1 ? "it" : "them"),
					 !names->any		 ? errhint("Is it spelt as the events have it?")
					 : occurring == NULL ? errhint("No event has a %s.", sort)
										 : errhint("There are: %s.", occurring)));
}

void
metric_notice_missing(MetricNames *names)
{
	sort_names(names);
	notice_missing(names, false);
	notice_missing(names, true);
}

void
metric_names_tell(MetricNames *names)
{
	if (names->any && names->missing > 0)
	{
		notice_missing(names, false);
		notice_missing(names, true);
	}
}
