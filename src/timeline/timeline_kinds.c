/*
 * timeline_kinds.c
 *		Numbers the few kinds of rows and bodies that are being merged.
 */
#include "postgres.h"

#include "timeline/timeline_kinds.h"

uint32
timeline_kind_of_text(TimelineKinds *kinds, EventText text)
{
	int i;

	for (i = 0; i < kinds->count; i++)
		if (kinds->texts[i].len == text.len &&
			memcmp(kinds->texts[i].bytes, text.bytes, text.len) == 0)
			return i + 1;
	if (kinds->count == KINDS_FEW)
		return 0;
	kinds->texts[kinds->count] = text;
	kinds->numbers[kinds->count] = 0;
	return ++kinds->count;
}

uint32
timeline_kind_of_number(TimelineKinds *kinds, uint32 number, const Texts *texts)
{
	ByteSpan bytes;
	EventText text;
	uint32 kind;
	int i;

	for (i = 0; i < kinds->count; i++)
		if (kinds->numbers[i] == number)
			return i + 1;
	bytes = texts_get(texts, number);
	text.bytes = (const char *) bytes.bytes;
	text.len = (int) bytes.len;
	kind = timeline_kind_of_text(kinds, text);
	if (kind > 0)
		kinds->numbers[kind - 1] = number;
	return kind;
}

void
timeline_kinds_sort(TimelineKinds *kinds, TimelineRow *rows, int64 nrows)
{
	EventText sorted[KINDS_FEW];
	uint32 rank[KINDS_FEW + 1] = { 0 };
	bool in_order = true;
	int64 i;
	int a;
	int b;

	for (a = 0; a < kinds->count; a++)
	{
		for (b = 0; b < kinds->count; b++)
			rank[a + 1] += event_text_compare(&kinds->texts[b], &kinds->texts[a]) < 0;
		in_order = in_order && rank[a + 1] == (uint32) a;
		sorted[rank[a + 1]++] = kinds->texts[a];
	}
	if (in_order)
		return;
	memcpy(kinds->texts, sorted, kinds->count * sizeof(EventText));
	for (i = 0; i < nrows; i++)
		rows[i].kind = rank[rows[i].kind];
}
