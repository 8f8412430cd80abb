/*
 * pass.c
 *		Collectors whose parts are read once, one after another, and forgotten: by the process that
 *		collected them, or by several that share what all of them have collected.
 *
 *		each		collects the rows that it gets; raw rows go to a file of the set, and what is
 *					known of all of them (zone, last event, texts) to shared memory
 *		all			have published
 *		each		takes up the files of all: a collector whose parts hold everyone's rows, of
 *		which it reads some
 *
 * Rows may refer to texts by the numbers that their process gave them: all texts are numbered anew,
 * in the same order by everyone, and rows as they are loaded.
 */
#include "postgres.h"

#include <fcntl.h>

#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#include "calendar/calendar.h"
#include "collect/collect_internal.h"

void
collector_pass(Collector *collector, size_t limit)
{
	collector->deal.limit = limit;
	collector->limit = collector->reduce_at = SIZE_MAX;
}

void
collector_find_last(Collector *collector)
{
	Deal *deal = &collector->deal;
	BaseErrors errors;
	DealRow row = { 0 };
	int i;

	if (!collector->last_unknown)
		return;
	Assert(deal->form.entries);
	if (deal->file != NULL)
		deal_write_down(deal, SIZE_MAX);
	base_name_customer(&errors, collector->type, &row.key);
	for (i = 0; i < deal->nparts; i++)
	{
		DealWalk walk;
		const DealChunk *chunk;

		deal_walk(&walk, deal, &deal->parts[i]);
		while ((chunk = deal_walk_next(&walk)) != NULL)
		{
			const uint8 *at = chunk->data;
			const uint8 *end = at + chunk->used;

			while (at < end)
			{
				ByteSpan body;

				deal_read(&deal->form, &at, &row);
				body.bytes = row.payload;
				body.len = row.len;
				collector_note_last(collector, collector->ops->last(body));
				CHECK_FOR_INTERRUPTS();
			}
		}
	}
	base_forget_customer(&errors);
	collector->last_unknown = false;
}

void
collector_forget_part(Collector *collector, int part)
{
	collector_free_runs(collector, &collector->parts[part]);
	deal_forget(&collector->deal, &collector->deal.parts[part]);
}

/* ---- for other processes ---- */

void
collector_share(Collector *collector, size_t limit, SharedFileSet *files, const char *name)
{
	collector_pass(collector, limit);
	if (collector->deal.bits == 0)
		collector_split(collector);
	deal_share(&collector->deal, files, name);
}

/* The texts' file, beside that of the rows. */
static void
texts_file_name(char *to, const char *name)
{
	snprintf(to, MAXPGPATH, "%s.texts", name);
}

static void
write_texts(const Texts *texts, SharedFileSet *files, const char *name)
{
	char file_name[MAXPGPATH];
	BufFile *file;
	uint32 i;

	texts_file_name(file_name, name);
	file = BufFileCreateFileSet(&files->fs, file_name);
	for (i = 1; i <= texts_count(texts); i++)
	{
		ByteSpan text = texts_get(texts, i);
		uint64 len = text.len;

		BufFileWrite(file, &len, sizeof(len));
		BufFileWrite(file, unconstify(uint8 *, text.bytes), text.len);
	}
	BufFileExportFileSet(file);
	BufFileClose(file);
}

void
collector_publish(Collector *collector, CollectorShare *share, SharedFileSet *files,
				  const char *name)
{
	memset(share, 0, sizeof(CollectorShare));
	if (collector == NULL)
		return;
	share->any = true;
	share->ops_id = collector->ops->id;
	share->type = collector->type;
	Assert(collector->rows == NULL ||
		   collector->rows - collector->ops->forms < collector->ops->nforms);
	share->form = collector->rows != NULL ? (int) (collector->rows - collector->ops->forms) : -1;
	share->last = collector->last;
	share->last_unknown = collector->last_unknown;
	share->zone_state = collector->zone_state;
	if (collect_zone_is_named(collector->zone_state))
		strlcpy(share->zone, collector->zone, sizeof(share->zone));
	if (collector->texts != NULL && texts_count(collector->texts) > 0)
	{
		share->ntexts = texts_count(collector->texts);
		write_texts(collector->texts, files, name);
	}
	deal_publish(&collector->deal, &share->rows);
	deal_end(&collector->deal);
}

/* The numbers that all processes' texts have here: for each process by its own numbers. */
typedef struct SharedNumbers
{
	const Collector *collector;
	uint32 **of_source;
} SharedNumbers;

static uint32 *
read_texts(Texts *texts, uint32 ntexts, SharedFileSet *files, const char *name)
{
	uint32 *numbers = palloc_extended(ntexts * sizeof(uint32), MCXT_ALLOC_HUGE);
	char file_name[MAXPGPATH];
	ByteBuffer text;
	BufFile *file;
	uint32 i;

	texts_file_name(file_name, name);
	file = BufFileOpenFileSet(&files->fs, file_name, O_RDONLY, false);
	buffer_init(&text, 64);
	for (i = 0; i < ntexts; i++)
	{
		uint64 len;
		ByteSpan span;

		CHECK_FOR_INTERRUPTS();
		deal_read_file(file, &len, sizeof(len));
		text.len = 0;
		buffer_reserve(&text, len);
		deal_read_file(file, text.data, len);
		span.bytes = text.data;
		span.len = len;
		numbers[i] = texts_number(texts, span);
	}
	pfree(text.data);
	BufFileClose(file);
	return numbers;
}

static void
renumber_rows(void *opaque, int source, uint8 *rows, uint32 size)
{
	const SharedNumbers *shared = opaque;
	const uint32 *numbers = shared->of_source[source];
	const uint8 *at = rows;

	while (numbers != NULL && at < rows + size)
	{
		DealRow row = { 0 };

		deal_read(&shared->collector->deal.form, &at, &row);
		shared->collector->rows->renumber(rows + (row.payload - rows), numbers);
	}
}

Collector *
collector_take_up(MemoryContext context, const CollectorShare *const *shares,
				  const char *const *names, int n, SharedFileSet *files)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Collector *collector = NULL;
	SharedNumbers *numbers = NULL;
	int i;

	for (i = 0; i < n; i++)
	{
		const CollectorShare *share = shares[i];

		if (!share->any)
			continue;
		if (collector == NULL)
		{
			const CollectOps *ops = collect_ops(share->ops_id);

			collector = collector_create(context, ops, share->type,
										 share->form >= 0 ? &ops->forms[share->form] : NULL);
			collector->limit = collector->reduce_at = SIZE_MAX;
			collector_split(collector);
			numbers = palloc0(sizeof(SharedNumbers));
			numbers->collector = collector;
			numbers->of_source = palloc0(n * sizeof(uint32 *));
		}
		collector->last = Max(collector->last, share->last);
		collector->last_unknown = collector->last_unknown || share->last_unknown;
		collector_note_zone(collector, share->zone_state,
							collect_zone_is_named(share->zone_state)
								? zone_name(zone_noted(share->zone, strlen(share->zone)))
								: NULL);
		if (!share->rows.any)
			continue;
		if (share->ntexts > 0)
		{
			if (collector->texts == NULL)
				collector->texts = texts_create(context);
			numbers->of_source[collector->deal.nsources] =
				read_texts(collector->texts, share->ntexts, files, names[i]);
		}
		deal_take_up(&collector->deal, files, names[i], &share->rows);
	}
	if (collector != NULL && collector->texts != NULL)
	{
		collector->deal.loaded = renumber_rows;
		collector->deal.who = numbers;
	}
	MemoryContextSwitchTo(old);
	return collector;
}
