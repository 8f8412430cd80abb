/*
 * tally_stored.c
 *		The bytes of a tally: as a stored value, and as clients get and send it.
 *
 *		byte	version (low 4 bits), flags (STORED_...)
 *		varint	which parameters there are, a bit for each
 *		for each of them: varint length, text
 *		byte	scale, or TALLY_FLOATS	(if it isn't 0)
 *		totals							(if one isn't 0)
 *			varint	which of them aren't 0, a bit for each	(if the shape has several)
 *			for each of them: varint
 *		if the shape has a key that is a text (a late one: and the flag says that there are some):
 *			varint	number of different texts, then each, sorted: varint length, text
 *		varint	number of rows, then each, sorted:
 *			varint	which sums aren't 0, a bit for each, above the number of the first key
 *					column that differs from the row before (as many bits as that takes)
 *			varint	how much larger that column is			(first row: zigzag, from 0)
 *			zigzag	difference of each column behind it		(modulo 2^64; first row: from 0)
 *			for each sum that isn't 0: varint count, or zigzag value of up to 128 bits
 *
 * A key that is a text is written as its number among the texts; 0 where it is absent. So
 * there is one way to write a tally, and all bytes that can be read mean something else.
 *
 * Clients get the same, with texts in their encoding; those needn't be sorted there.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/decimal.h"
#include "core/json.h"
#include "core/array.h"
#include "metric/metric_internal.h"

#define STORED_VERSION	  1
#define STORED_HAS_SCALE  0x10
#define STORED_HAS_TOTALS 0x20
#define STORED_HAS_TEXTS  0x40 /* of a late key */

typedef struct KeyText
{
	const char *bytes;
	int len;
} KeyText;

/* ---- writing ---- */

static void
put_text(ByteBuffer *out, const char *bytes, int len, bool for_client)
{
	char *converted = for_client ? pg_server_to_client(bytes, len) : (char *) bytes;

	if (converted != bytes)
		len = (int) strlen(converted);
	buffer_put_varint(out, (uint64) len);
	buffer_put_bytes(out, converted, len);
	if (converted != bytes)
		pfree(converted);
}

static int
compare_texts(const void *a, const void *b)
{
	const KeyText *x = a;
	const KeyText *y = b;

	return tally_compare_texts(x->bytes, x->len, y->bytes, y->len);
}

/* The different texts of keys, sorted. */
static KeyText *
collect_texts(const Tally *tally, TallyRow **rows, int64 nrows, int64 *ntexts)
{
	KeyText *texts = palloc_extended(Max(1, nrows) * sizeof(KeyText), MCXT_ALLOC_HUGE);
	int64 n = 0;
	int64 i;

	for (i = 0; i < nrows; i++)
	{
		const TallyKey *key = &rows[i]->key;

		/* sorted by it, or by a number before it: most often it is that of the row before */
		if (key->text != NULL &&
			(n == 0 || tally_compare_texts(texts[n - 1].bytes, texts[n - 1].len, key->text,
										   key->text_len) != 0))
		{
			texts[n].bytes = key->text;
			texts[n].len = key->text_len;
			n++;
		}
	}
	sort_elements(texts, n, sizeof(KeyText), compare_texts);
	*ntexts = 0;
	for (i = 0; i < n; i++)
		if (*ntexts == 0 || compare_texts(&texts[*ntexts - 1], &texts[i]) != 0)
			texts[(*ntexts)++] = texts[i];
	return texts;
}

/* Which totals aren't 0, a bit for each. */
static uint64
present_totals(const Tally *tally)
{
	uint64 present = 0;
	int i;

	for (i = 0; i < tally->ntotals; i++)
		if (tally->totals[i] != 0)
			present |= UINT64CONST(1) << i;
	return present;
}

static void
put_totals(ByteBuffer *out, const Tally *tally, uint64 present)
{
	int i;

	if (tally->ntotals > 1)
		buffer_put_varint(out, present);
	for (i = 0; i < tally->ntotals; i++)
		if (present >> i & 1)
			buffer_put_varint(out, (uint64) tally->totals[i]);
}

#define TALLY_SIZE_HINT "Split it by what its rows are told apart by, such as time."

/* Writes rows that are sorted. */
static void
put_rows(ByteBuffer *out, const Tally *tally, TallyRow **rows, int64 nrows,
		 const KeyColumns *columns, const KeyText *texts, int64 ntexts)
{
	const TallyShape *shape = tally->shape;
	WrittenKey keys[2];
	int64 n;
	int i;

	for (n = 0; n < nrows; n++)
	{
		const TallyKey *key = &rows[n]->key;
		WrittenKey *written = &keys[n % 2];

		for (i = 0; i < columns->n; i++)
			written->columns[i] = key->numbers[columns->of[i]];
		if (columns->text >= 0)
		{
			KeyText text = { key->text, key->text_len };
			const KeyText *found =
				text.bytes == NULL ? NULL
								   : bsearch(&text, texts, ntexts, sizeof(KeyText), compare_texts);

			written->columns[columns->text] = found != NULL ? found - texts + 1 : 0;
		}
		packed_put_row(out, shape, columns, rows[n]->sums, written,
					   n > 0 ? &keys[(n + 1) % 2] : NULL);
		datum_check_size(out->len, shape->type, TALLY_SIZE_HINT);
		CHECK_FOR_INTERRUPTS();
	}
}

static struct varlena *
encode(const Tally *tally, bool for_client)
{
	const TallyShape *shape = tally->shape;
	const PackedRows *packed = tally->packed;
	ByteBuffer out;
	uint64 present = 0;
	uint64 totals = present_totals(tally);
	int64 nrows = packed != NULL ? packed->nrows : 0;
	TallyRow **rows = packed != NULL ? NULL : tally_rows(tally, &nrows);
	KeyText *texts = NULL;
	int64 ntexts = 0;
	KeyColumns columns;
	int64 n;
	int i;

	if (tally->text_column >= 0)
		texts = collect_texts(tally, rows, nrows, &ntexts);
	columns = tally_key_columns(tally, ntexts > 0 || !shape->late_text);
	buffer_init(&out, 256 + (packed != NULL ? packed->bytes.len : 0));
	out.len = VARHDRSZ;
	buffer_put_byte(&out, STORED_VERSION | (tally->scale > 0 ? STORED_HAS_SCALE : 0) |
							  (totals != 0 ? STORED_HAS_TOTALS : 0) |
							  (shape->late_text && ntexts > 0 ? STORED_HAS_TEXTS : 0));
	for (i = 0; i < shape->nparameters; i++)
		if (tally->parameters[i] != NULL)
			present |= UINT64CONST(1) << i;
	buffer_put_varint(&out, present);
	for (i = 0; i < shape->nparameters; i++)
		if (tally->parameters[i] != NULL)
			put_text(&out, tally->parameters[i], (int) strlen(tally->parameters[i]), for_client);
	if (tally->scale > 0)
		buffer_put_byte(&out, (uint8) tally->scale);
	if (totals != 0)
		put_totals(&out, tally, totals);
	if (columns.text >= 0)
	{
		buffer_put_varint(&out, (uint64) ntexts);
		for (n = 0; n < ntexts; n++)
			put_text(&out, texts[n].bytes, texts[n].len, for_client);
	}
	buffer_put_varint(&out, (uint64) nrows);
	if (packed != NULL)
		buffer_put_bytes(&out, packed->bytes.data, packed->bytes.len);
	else
	{
		put_rows(&out, tally, rows, nrows, &columns, texts, ntexts);
		pfree(rows);
	}
	if (texts != NULL)
		pfree(texts);
	datum_set_size(out.data, out.len, shape->type, TALLY_SIZE_HINT);
	return (struct varlena *) out.data;
}

struct varlena *
tally_encode(const Tally *tally)
{
	return encode(tally, false);
}

struct varlena *
tally_to_bytes(const Tally *tally)
{
	return encode(tally, true);
}

/* ---- reading ---- */

/* Reads a text with its length before it. One from a client is brought to the server's encoding,
 * and checked (22021). */
static bool
read_text(ByteReader *in, bool from_client, const char **text, int *len)
{
	uint64 bytes;
	const uint8 *at;

	if (!read_varint(in, &bytes) || bytes > MaxAllocSize || !read_bytes(in, bytes, &at))
		return false;
	*text = (const char *) at;
	*len = (int) bytes;
	if (from_client)
	{
		*text = pg_client_to_server(*text, *len);
		if (*text != (const char *) at)
			*len = (int) strlen(*text);
	}
	return true;
}

static bool
read_parameters(ByteReader *in, Tally *tally, bool from_client)
{
	const TallyShape *shape = tally->shape;
	uint64 present;
	int i;

	if (!read_varint(in, &present) || present >> shape->nparameters != 0)
		return false;
	for (i = 0; i < shape->nparameters; i++)
	{
		const char *bytes;
		int len;
		char *text;

		if ((present >> i & 1) == 0)
			continue;
		if (!read_text(in, from_client, &bytes, &len) || memchr(bytes, '\0', len) != NULL)
			return false;
		text = pnstrdup(bytes, len);
		if (from_client && shape->parameters[i].canonical != NULL)
			text = shape->parameters[i].canonical(text);
		tally_set_parameter(tally, i, text);
	}
	return true;
}

static bool
read_totals(ByteReader *in, Tally *tally)
{
	uint64 present = 1;
	int i;

	if (tally->ntotals > 1 &&
		(!read_varint(in, &present) || present == 0 || present >> tally->ntotals != 0))
		return false;
	for (i = 0; i < tally->ntotals; i++)
	{
		uint64 total;

		if ((present >> i & 1) == 0)
			continue;
		if (!read_varint(in, &total) || total == 0 || total > PG_INT64_MAX)
			return false;
		tally->totals[i] = (int64) total;
	}
	return true;
}

static bool
read_texts(ByteReader *in, bool from_client, KeyText **texts, uint64 *ntexts)
{
	uint64 i;

	if (!read_varint(in, ntexts) || *ntexts > (uint64) (in->end - in->at))
		return false;
	*texts = palloc_extended(Max(1, *ntexts) * sizeof(KeyText), MCXT_ALLOC_HUGE);
	for (i = 0; i < *ntexts; i++)
	{
		KeyText *text = &(*texts)[i];

		if (!read_text(in, from_client, &text->bytes, &text->len) ||
			(!from_client && i > 0 && compare_texts(text - 1, text) >= 0))
			return false;
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/* Do keys have a period? Then rows need the parameter that numbers it. */
static bool
has_periods(const TallyShape *shape)
{
	int i;

	for (i = 0; i < shape->nkeys; i++)
		if (shape->keys[i].type == TALLY_PERIOD)
			return true;
	return false;
}

/* From so many bytes on a stored tally stays packed until somebody needs its rows at once. */
#define PACKED_FROM 4096

/* The text of a row's key, by its number. */
static bool
take_text(PackedReader *reader, const KeyText *texts, uint64 ntexts, bool *used)
{
	TallyKey *key = &reader->row.key;
	int64 text = reader->key.columns[reader->columns.text];

	if (text < 0 || (uint64) text > ntexts)
		return false;
	used[text] = true;
	key->text = text > 0 ? texts[text - 1].bytes : NULL;
	key->text_len = text > 0 ? texts[text - 1].len : 0;
	return true;
}

static bool
read_rows(ByteReader *in, Tally *tally, bool has_texts, bool from_client)
{
	const TallyShape *shape = tally->shape;
	KeyColumns columns = tally_key_columns(tally, has_texts);
	KeyText *texts = NULL;
	uint64 ntexts = 0;
	bool *used = NULL;
	PackedReader reader;
	uint64 nrows;
	uint64 n;

	if (columns.text >= 0)
	{
		if (!read_texts(in, from_client, &texts, &ntexts) || (shape->late_text && ntexts == 0))
			return false;
		used = palloc_extended(ntexts + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	}
	if (!read_varint(in, &nrows) || (shape->nkeys == 0 && nrows > 1) ||
		(nrows > 0 && has_periods(shape) &&
		 tally_parameter(tally, tally_parameter_number(shape, "period")) == NULL))
		return false;
	if (!from_client && tally->text_column < 0 && in->end - in->at >= PACKED_FROM && nrows > 0)
	{
		tally_take_packed(tally, *in, nrows);
		in->at = in->end;
		return true;
	}
	packed_start(&reader, shape, &columns, *in, nrows);
	for (n = 0; n < nrows; n++)
	{
		bool found;
		TallyRow *row;

		if (!packed_read_row(&reader) ||
			(columns.text >= 0 && !take_text(&reader, texts, ntexts, used)))
			return false;
		row = tally_enter(tally, &reader.row.key, &found);
		if (found)
			return false;
		memcpy(row->sums, reader.sums, shape->nsums * sizeof(int128));
		CHECK_FOR_INTERRUPTS();
	}
	*in = reader.in;
	tally->has_large = tally->has_large || reader.has_large;
	for (n = 1; n <= ntexts; n++)
		if (!used[n])
			return false;
	return true;
}

/* NULL where the bytes aren't a tally; an error of its own where a text isn't what it should be. */
static Tally *
read_tally(const TallyShape *shape, const uint8 *bytes, size_t len, bool from_client)
{
	ByteReader in = { bytes, bytes + len };
	Tally *tally = tally_create(shape);
	uint8 head;
	uint8 scale;

	if (!read_byte(&in, &head) || (head & 0x0F) != STORED_VERSION ||
		(head & 0xF0 &
		 ~(STORED_HAS_SCALE | STORED_HAS_TOTALS | (shape->late_text ? STORED_HAS_TEXTS : 0))) !=
			0 ||
		!read_parameters(&in, tally, from_client))
		return NULL;
	if (head & STORED_HAS_SCALE)
	{
		if (!read_byte(&in, &scale) || scale == 0 || !tally->has_scale ||
			(scale > DECIMAL_MAX_SCALE && !(scale == TALLY_FLOATS && tally->may_have_floats)))
			return NULL;
		tally->scale = scale;
	}
	if (head & STORED_HAS_TOTALS && !read_totals(&in, tally))
		return NULL;
	return read_rows(&in, tally, !shape->late_text || (head & STORED_HAS_TEXTS) != 0,
					 from_client) &&
				   in.at == in.end
			   ? tally
			   : NULL;
}

Tally *
tally_decode(const TallyShape *shape, const struct varlena *datum)
{
	Tally *tally =
		read_tally(shape, (const uint8 *) VARDATA_ANY(datum), VARSIZE_ANY_EXHDR(datum), false);

	if (tally == NULL)
		report_corrupted();
	return tally;
}

/* Every period must be one that the calendar has. */
static void
check_periods(const Tally *tally)
{
	const TallyShape *shape = tally->shape;
	int64 nrows;
	TallyRow **rows = tally_rows(tally, &nrows);
	Calendar calendar;
	int64 n;
	int i;

	if (!has_periods(shape) || !tally_calendar(tally, &calendar))
		return;
	for (n = 0; n < nrows; n++)
	{
		for (i = 0; i < shape->nkeys; i++)
			if (shape->keys[i].type == TALLY_PERIOD &&
				DATE_NOT_FINITE(calendar_start(&calendar, (int32) rows[n]->key.numbers[i])))
				ereport(ERROR,
						(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						 errmsg("a period of %s is behind the last one", a_type(shape->type)),
						 tally_hint(shape)));
		CHECK_FOR_INTERRUPTS();
	}
}

Tally *
tally_from_bytes(const TallyShape *shape, const uint8 *bytes, size_t len)
{
	Tally *tally = read_tally(shape, bytes, len, true);

	if (tally == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid bytes for %s", a_type(shape->type)), tally_hint(shape)));
	check_periods(tally);
	tally_check(tally, ERRCODE_INVALID_BINARY_REPRESENTATION);
	return tally;
}
