/*
 * names.c
 *		Kinds and labels of events that a question goes by, and that no event has: most often they
 *		are misspelt, and the question's answer is 0 as if it were one.
 *
 * Looked up in the dictionaries of the customers' timelines, not in their events, and no further
 * than until each name was found.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "core/array.h"
#include "core/texts.h"
#include "metric/metric.h"

/* So many of a list are shown. */
#define SHOWN_NAMES 10

typedef struct AskedName
{
	EventText text;
	bool is_label;
	bool found;
} AskedName;

struct MetricNames
{
	AskedName *list;
	int64 n;
	int64 max;
	int64 missing;
};

MetricNames *
metric_names_create(void)
{
	return palloc0(sizeof(MetricNames));
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

/* ---- in a base ---- */

/* A CollectTextTaker. */
static void
note_found(void *opaque, bool is_label, const EventText *text)
{
	MetricNames *names = opaque;
	AskedName wanted = { *text, is_label, false };
	AskedName *name = bsearch(&wanted, names->list, names->n, sizeof(AskedName), compare_names);

	if (name == NULL || name->found)
		return;
	name->found = true;
	names->missing--;
}

/* What occurs instead: the first ones of each. */
typedef struct Occurring
{
	bool is_label;
	Texts *texts;
	EventText shown[SHOWN_NAMES];
	int n;
	bool more;
} Occurring;

static void
note_occurring(void *opaque, bool is_label, const EventText *text)
{
	Occurring *occurring = opaque;
	ByteSpan bytes = { (const uint8 *) text->bytes, text->len };

	if (is_label != occurring->is_label || occurring->more)
		return;
	if (texts_number(occurring->texts, bytes) <= (uint32) occurring->n)
		return;
	if (occurring->n == SHOWN_NAMES)
		occurring->more = true;
	else
	{
		ByteSpan copy;

		occurring->n++;
		copy = texts_get(occurring->texts, (uint32) occurring->n);
		occurring->shown[occurring->n - 1] = (EventText){ (const char *) copy.bytes, text->len };
	}
}

static void
put_name(StringInfo out, const EventText *name)
{
	int len = pg_mbcliplen(name->bytes, name->len, NAMEDATALEN);

	appendStringInfo(out, "%s\"%.*s%s\"", out->len > 0 ? ", " : "", len, name->bytes,
					 len < name->len ? "..." : "");
}

/* The names that occur in a base, as a list; NULL: there are none. */
static const char *
occurring_names(const Base *base, bool is_label)
{
	Occurring occurring = { .is_label = is_label };
	BaseCursor cursor;
	Customer customer = { 0 };
	ByteSpan body;
	StringInfoData out;
	int i;

	occurring.texts = texts_create(CurrentMemoryContext);
	base_rewind(&cursor, base);
	while (!occurring.more && base_next(&cursor, &customer, &body))
	{
		base->ops->texts(body, note_occurring, &occurring);
		CHECK_FOR_INTERRUPTS();
	}
	if (occurring.n == 0)
		return NULL;
	qsort(occurring.shown, occurring.n, sizeof(EventText), event_text_order);
	initStringInfo(&out);
	for (i = 0; i < occurring.n; i++)
		put_name(&out, &occurring.shown[i]);
	if (occurring.more)
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
notice_missing(const MetricNames *names, bool is_label, const Base *base)
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
	occurring = base != NULL ? occurring_names(base, is_label) : NULL;
	ereport(NOTICE, (errmsg_internal("%s", message),
					 errdetail("What goes by %s finds nothing.", missing == 1 ? "it" : "them"),
					 base == NULL		 ? errhint("Is it spelt as the events have it?")
					 : occurring == NULL ? errhint("No event has a %s.", sort)
										 : errhint("There are: %s.", occurring)));
}

void
metric_notice_missing(MetricNames *names)
{
	sort_names(names);
	notice_missing(names, false, NULL);
	notice_missing(names, true, NULL);
}

void
metric_notice_names(MetricNames *names, const Base *base)
{
	BaseCursor cursor;
	Customer customer = { 0 };
	ByteSpan body;

	int64 i;

	sort_names(names);
	names->missing = 0;
	for (i = 0; i < names->n; i++)
		names->missing += !names->list[i].found;
	base_rewind(&cursor, base);
	while (names->missing > 0 && base_next(&cursor, &customer, &body))
	{
		base->ops->texts(body, note_found, names);
		CHECK_FOR_INTERRUPTS();
	}
	if (names->missing == 0 || base_count(base) == 0)
		return;
	notice_missing(names, false, base);
	notice_missing(names, true, base);
}
