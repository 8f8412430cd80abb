/*
 * tally_packed.c
 *		Rows of tallies as they are stored: written, read, merged; and tallies that hold no other.
 *
 * A result by day has hundreds of thousands of rows. They are appended in order by a fold, stored,
 * added up by merging, and read in order for a table: so as long as nobody looks one up, a few
 * bytes each are enough.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "metric/metric_internal.h"

KeyColumns
tally_key_columns(const Tally *tally, bool with_text)
{
	KeyColumns columns = { .text = -1 };
	int i;

	for (i = 0; i < tally->shape->nkeys; i++)
	{
		if (i == tally->text_column && !with_text)
			continue;
		if (i == tally->text_column)
			columns.text = columns.n;
		columns.of[columns.n++] = i;
	}
	while (1 << columns.bits < columns.n)
		columns.bits++;
	return columns;
}

/* ---- writing ---- */

void
packed_put_row(ByteBuffer *out, const TallyShape *shape, const KeyColumns *columns,
			   const int128 *sums, const WrittenKey *key, const WrittenKey *before)
{
	int differs = 0;
	uint64 present = 0;
	int i;

	for (i = 0; i < shape->nsums; i++)
		if (sums[i] != 0)
			present |= UINT64CONST(1) << i;
	if (before != NULL)
		while (key->columns[differs] == before->columns[differs])
			differs++;
	buffer_put_varint(out, present << columns->bits | (uint64) differs);
	for (i = differs; i < columns->n; i++)
	{
		uint64 difference =
			(uint64) key->columns[i] - (before != NULL ? (uint64) before->columns[i] : 0);

		if (before != NULL && i == differs)
			buffer_put_varint(out, difference);
		else
			buffer_put_signed(out, (int64) difference);
	}
	for (i = 0; i < shape->nsums; i++)
	{
		if ((present >> i & 1) == 0)
			continue;
		if (shape->sums[i].type == TALLY_VALUE)
			buffer_put_wide_signed(out, sums[i]);
		else if (sums[i] < 0 || sums[i] > PG_INT64_MAX)
			elog(ERROR, "count \"%s\" of a %s is out of range", shape->sums[i].name, shape->type);
		else
			buffer_put_varint(out, (uint64) sums[i]);
	}
}

/* ---- reading ---- */

void
packed_start(PackedReader *reader, const TallyShape *shape, const KeyColumns *columns,
			 ByteReader in, uint64 nrows)
{
	memset(reader, 0, sizeof(PackedReader));
	reader->shape = shape;
	reader->columns = *columns;
	reader->in = in;
	reader->nrows = nrows;
	reader->row.sums = reader->sums;
}

/* Reads the columns of a key from the one on that differs from the row before. */
static bool
read_key(PackedReader *reader, int differs)
{
	const KeyColumns *columns = &reader->columns;
	bool is_first = reader->n == 0;
	int i;

	for (i = differs; i < columns->n; i++)
	{
		int64 *column = &reader->key.columns[i];
		uint64 larger;
		int64 difference;

		if (!is_first && i == differs)
		{
			if (!read_varint(&reader->in, &larger) || larger == 0 ||
				larger > (uint64) PG_INT64_MAX - (uint64) *column)
				return false;
			*column = (int64) ((uint64) *column + larger);
		}
		else
		{
			if (!read_signed(&reader->in, &difference))
				return false;
			*column = (int64) ((uint64) *column + (uint64) difference);
		}
		if (reader->shape->keys[columns->of[i]].type == TALLY_PERIOD &&
			(*column < PG_INT32_MIN || *column > PG_INT32_MAX))
			return false;
		reader->row.key.numbers[columns->of[i]] = *column;
	}
	return true;
}

static bool
read_sums(PackedReader *reader, uint64 present)
{
	const TallyShape *shape = reader->shape;
	int i;

	if (present == 0 || present >> shape->nsums != 0)
		return false;
	for (i = 0; i < shape->nsums; i++)
	{
		int128 *sum = &reader->sums[i];
		uint64 count;

		*sum = 0;
		if ((present >> i & 1) == 0)
			continue;
		if (shape->sums[i].type == TALLY_VALUE)
		{
			if (!read_wide_signed(&reader->in, sum))
				return false;
		}
		else
		{
			if (!read_varint(&reader->in, &count) || count > PG_INT64_MAX)
				return false;
			*sum = (int128) count;
		}
		if (*sum == 0)
			return false;
		reader->has_large = reader->has_large || tally_sum_is_large(shape->sums[i].type, *sum);
	}
	return true;
}

bool
packed_read_row(PackedReader *reader)
{
	const KeyColumns *columns = &reader->columns;
	uint64 head;
	int differs;

	if (!read_varint(&reader->in, &head))
		return false;
	differs = (int) (head & ((UINT64CONST(1) << columns->bits) - 1));
	if ((reader->n == 0 && differs > 0) || (columns->n > 0 && differs >= columns->n) ||
		!read_key(reader, differs) || !read_sums(reader, head >> columns->bits))
		return false;
	reader->n++;
	return true;
}

PackedReader *
packed_open(const Tally *tally)
{
	const PackedRows *packed = tally->packed;
	ByteReader in = { packed->bytes.data, packed->bytes.data + packed->bytes.len };
	PackedReader *reader = palloc(sizeof(PackedReader));

	packed_start(reader, tally->shape, &packed->columns, in, (uint64) packed->nrows);
	return reader;
}

const TallyRow *
packed_next(PackedReader *reader)
{
	if (reader->n == reader->nrows)
	{
		if (reader->in.at != reader->in.end)
			report_corrupted();
		return NULL;
	}
	if (!packed_read_row(reader))
		report_corrupted();
	return &reader->row;
}

/* ---- a tally that holds them ---- */

/* Packed rows that there are none of yet, with room for so many bytes. */
static PackedRows *
new_packed(const Tally *tally, size_t size)
{
	PackedRows *packed;
	MemoryContext old = MemoryContextSwitchTo(tally->context);

	packed = palloc0(sizeof(PackedRows));
	packed->columns = tally_key_columns(tally, false);
	buffer_init(&packed->bytes, size);
	packed->can_append = true;
	MemoryContextSwitchTo(old);
	return packed;
}

static void
free_packed(Tally *tally)
{
	if (tally->packed != NULL)
	{
		pfree(tally->packed->bytes.data);
		pfree(tally->packed);
	}
	tally->packed = NULL;
}

void
tally_take_packed(Tally *tally, ByteReader in, uint64 nrows)
{
	size_t len = in.end - in.at;

	/* each has a byte for what it has, and one for a sum, at least */
	if (nrows > len / 2)
		report_corrupted();
	tally->packed = new_packed(tally, len);
	buffer_put_bytes(&tally->packed->bytes, in.at, len);
	tally->packed->nrows = (int64) nrows;
	tally->packed->can_append = false;
}

void
tally_unpack_now(Tally *tally)
{
	PackedRows *packed = tally->packed;
	PackedReader *reader = packed_open(tally);
	const TallyRow *row;
	bool found;

	tally->packed = NULL;
	while ((row = packed_next(reader)) != NULL)
	{
		memcpy(tally_enter(tally, &row->key, &found)->sums, row->sums,
			   tally->shape->nsums * sizeof(int128));
		CHECK_FOR_INTERRUPTS();
	}
	tally->has_large = tally->has_large || reader->has_large;
	pfree(reader);
	pfree(packed->bytes.data);
	pfree(packed);
}

static void
append_packed(PackedRows *packed, const TallyShape *shape, const TallyKey *key, const int128 *sums)
{
	WrittenKey written;
	int i;

	for (i = 0; i < packed->columns.n; i++)
		written.columns[i] = key->numbers[packed->columns.of[i]];
	packed_put_row(&packed->bytes, shape, &packed->columns, sums, &written,
				   packed->nrows > 0 ? &packed->last : NULL);
	packed->last = written;
	packed->nrows++;
}

/* Does a key come behind all packed rows? */
static bool
is_behind(const PackedRows *packed, const TallyKey *key)
{
	int i;

	if (!packed->can_append)
		return false;
	for (i = 0; packed->nrows > 0 && i < packed->columns.n; i++)
	{
		int64 number = key->numbers[packed->columns.of[i]];

		if (number != packed->last.columns[i])
			return number > packed->last.columns[i];
	}
	return packed->nrows == 0;
}

/* Are they sums that can be written? Else tally_add() tells which one can't. */
static bool
sums_fit(const TallyShape *shape, const int128 *sums)
{
	int i;

	for (i = 0; i < shape->nsums; i++)
		if (shape->sums[i].type == TALLY_COUNT && (sums[i] < 0 || sums[i] > PG_INT64_MAX))
			return false;
	return true;
}

void
tally_append(Tally *tally, const TallyKey *key, const int128 *sums)
{
	TallyRow row = { .sums = (int128 *) sums };
	TallyRow *to;
	int i;

	if (!tally_row_has_sums(tally, &row))
		return;
	if (tally->text_column < 0 && tally->nlist == 0 && sums_fit(tally->shape, sums))
	{
		if (tally->packed == NULL)
			tally->packed = new_packed(tally, 64);
		if (is_behind(tally->packed, key))
		{
			append_packed(tally->packed, tally->shape, key, sums);
			return;
		}
	}
	to = tally_row(tally, key);
	for (i = 0; i < tally->shape->nsums; i++)
		tally_add(tally, to, i, sums[i]);
}

/* ---- merging ---- */

/* A tally with many times as many rows as what is added to it is better unpacked, once, than read
 * and written each time. */
#define MERGED_TIMES 4

/* Appends a row, or what two with one key add up to; b is NULL where there is one. */
static void
append_merged(Tally *to, PackedRows *merged, const TallyRow *a, const TallyRow *b)
{
	int128 sums[TALLY_MAX_SUMS];
	TallyRow row = { .sums = sums };
	int i;

	memcpy(sums, a->sums, to->shape->nsums * sizeof(int128));
	for (i = 0; i < to->shape->nsums; i++)
	{
		if (b != NULL)
			tally_add(to, &row, i, b->sums[i]);
		to->has_large = to->has_large || tally_sum_is_large(to->shape->sums[i].type, sums[i]);
	}
	if (tally_row_has_sums(to, &row))
		append_packed(merged, to->shape, &a->key, sums);
}

bool
tally_merge_packed(Tally *to, const Tally *from)
{
	PackedRows *merged;
	TallyCursor a;
	TallyCursor b;
	const TallyRow *in_to;
	const TallyRow *in_from;

	if (to->nlist > 0 || (to->packed == NULL && from->packed == NULL) ||
		tally_count_rows(from) < tally_count_rows(to) / MERGED_TIMES)
		return false;
	merged = new_packed(to, Max(to->packed != NULL ? to->packed->bytes.len : 0,
								from->packed != NULL ? from->packed->bytes.len : 0) +
								64);
	tally_open_rows(&a, to);
	tally_open_rows(&b, from);
	in_to = tally_next_row(&a);
	in_from = tally_next_row(&b);
	while (in_to != NULL || in_from != NULL)
	{
		int order = in_to == NULL ? 1 : -1;

		if (in_to != NULL && in_from != NULL)
			order = tally_compare_keys(to, &in_to->key, &in_from->key);
		append_merged(to, merged, order <= 0 ? in_to : in_from, order == 0 ? in_from : NULL);
		if (order <= 0)
			in_to = tally_next_row(&a);
		if (order >= 0)
			in_from = tally_next_row(&b);
		CHECK_FOR_INTERRUPTS();
	}
	tally_close_rows(&a);
	tally_close_rows(&b);
	free_packed(to);
	to->packed = merged;
	return true;
}
