/*
 * tally.c
 *		Making tallies, adding to them, reading them.
 *
 * Rows are found through a hash table of their keys, and sorted when they are read; as long
 * as they come sorted, neither is needed. Each is one piece of memory, which stays where it is:
 *
 *		key | -> sums | sum ... | bytes of the key's text
 *
 * Many rows that nobody looks up are packed instead (tally_packed.c): first of all whatever needs
 * them in the list unpacks them.
 */
#include "postgres.h"

#include "common/int.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "core/decimal.h"
#include "core/hash_key.h"
#include "core/int128.h"
#include "core/json.h"
#include "metric/metric_internal.h"

/* An entry points to the key of its row, which is the first thing in it. */
typedef struct RowEntry
{
	const TallyKey *key;
	uint32 hash;
	char status;
} RowEntry;

#define ENTRY_ROW(entry) ((TallyRow *) (entry)->key)

int
tally_compare_texts(const char *a, int a_len, const char *b, int b_len)
{
	int result;

	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	result = memcmp(a, b, Min(a_len, b_len));
	return result != 0 ? result : (a_len > b_len) - (a_len < b_len);
}

/* The order of rows: by the shape's columns. */
int
tally_compare_keys(const Tally *tally, const TallyKey *a, const TallyKey *b)
{
	int i;

	for (i = 0; i < tally->shape->nkeys; i++)
	{
		int result = i == tally->text_column
						 ? tally_compare_texts(a->text, a->text_len, b->text, b->text_len)
						 : (a->numbers[i] > b->numbers[i]) - (a->numbers[i] < b->numbers[i]);

		if (result != 0)
			return result;
	}
	return 0;
}

static bool
equal_keys(const Tally *tally, const TallyKey *a, const TallyKey *b)
{
	int i;

	for (i = 0; i < tally->shape->nkeys; i++)
		if (i != tally->text_column && a->numbers[i] != b->numbers[i])
			return false;
	return tally->text_column < 0 ||
		   tally_compare_texts(a->text, a->text_len, b->text, b->text_len) == 0;
}

static uint32
hash_key(const Tally *tally, const TallyKey *key)
{
	uint64 hash = 0;
	int i;

	for (i = 0; i < tally->shape->nkeys; i++)
	{
		if (i != tally->text_column)
			hash ^= (uint64) key->numbers[i];
		else if (key->text != NULL)
			hash ^= hash_bytes_keyed(key->text, key->text_len);
		hash = hash_number(hash);
	}
	return (uint32) hash;
}

#define SH_PREFIX			  rows
#define SH_ELEMENT_TYPE		  RowEntry
#define SH_KEY_TYPE			  const TallyKey *
#define SH_KEY				  key
#define SH_HASH_KEY(table, k) hash_key((const Tally *) (table)->private_data, k)
#define SH_EQUAL(table, a, b) equal_keys((const Tally *) (table)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE				  static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Most results have few rows, and aggregates may have many groups. */
#define FIRST_ROWS	   4

/* Rows of a block, at most. */
#define MAX_BLOCK_ROWS 16

/* ---- making one ---- */

static const char *const usual_totals[] = { TALLY_GUESTS, TALLY_EVENTLESS };

Tally *
tally_create(const TallyShape *shape)
{
	Tally *tally = palloc0(sizeof(Tally));
	int i;

	Assert(shape->nparameters <= TALLY_MAX_PARAMETERS && shape->nkeys <= TALLY_MAX_KEYS &&
		   shape->nsums <= TALLY_MAX_SUMS && shape->ntotals <= TALLY_MAX_TOTALS);
	tally->shape = shape;
	tally->context = CurrentMemoryContext;
	tally->text_column = -1;
	for (i = 0; i < shape->nkeys; i++)
	{
		if (shape->keys[i].type == TALLY_TEXT)
		{
			Assert(tally->text_column < 0);
			tally->text_column = i;
		}
		if (shape->keys[i].type == TALLY_DECIMAL)
			tally->has_decimals = true;
	}
	tally->ntotals = shape->ntotals > 0 ? shape->ntotals : (int) lengthof(usual_totals);
	tally->total_names = shape->ntotals > 0 ? shape->totals : usual_totals;
	tally->eventless = shape->ntotals > 0 ? -1 : 1;
	while (strcmp(tally->total_names[tally->guests], TALLY_GUESTS) != 0)
		tally->guests++;
	tally->has_scale = tally->may_have_floats = tally->has_decimals;
	for (i = 0; i < shape->nsums; i++)
		if (shape->sums[i].type == TALLY_VALUE)
		{
			tally->has_scale = true;
			tally->may_have_floats = false;
		}
	tally->max_list = FIRST_ROWS;
	tally->list = palloc(tally->max_list * sizeof(TallyRow *));
	tally->in_order = true;
	return tally;
}

void
tally_set_parameter(Tally *tally, int parameter, const char *text)
{
	char *copy = text != NULL ? MemoryContextStrdup(tally->context, text) : NULL;

	Assert(parameter >= 0 && parameter < tally->shape->nparameters);
	if (tally->parameters[parameter] != NULL)
		pfree(tally->parameters[parameter]);
	tally->parameters[parameter] = copy;
}

void
tally_add_total(Tally *tally, int total, int64 amount)
{
	Assert(total >= 0 && total < tally->ntotals);
	if (unlikely(pg_add_s64_overflow(tally->totals[total], amount, &tally->totals[total])))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("\"%s\" of %s is out of range", tally->total_names[total],
							   a_type(tally->shape->type))));
}

void
tally_add_guests(Tally *tally, int64 guests)
{
	tally_add_total(tally, tally->guests, guests);
}

void
tally_add_eventless(Tally *tally, int64 members)
{
	if (tally->eventless >= 0)
		tally_add_total(tally, tally->eventless, members);
}

/* The parameter that is the latest day; -1: there is none. */
static int
latest_parameter(const TallyShape *shape)
{
	int i = shape->nparameters - 1;

	while (i >= 0 && !shape->parameters[i].is_latest)
		i--;
	return i;
}

void
tally_note_latest(Tally *tally, DateADT day)
{
	int parameter = latest_parameter(tally->shape);
	DateADT known;

	if (!tally_parameter_day(tally, parameter, &known) || known < day)
		tally_set_parameter(tally, parameter, day_text(day));
}

static void report_sum_out_of_range(const Tally *tally, int sum) pg_attribute_noreturn();

static void
report_sum_out_of_range(const Tally *tally, int sum)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("\"%s\" of %s is out of range", tally->shape->sums[sum].name,
						   a_type(tally->shape->type)),
					tally->shape->sums[sum].type == TALLY_VALUE
						? errhint("Fewer decimals leave room for larger sums: use round(value, 2).")
						: 0));
}

static void report_key_out_of_range(const Tally *tally, int column) pg_attribute_noreturn();

static void
report_key_out_of_range(const Tally *tally, int column)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("\"%s\" of %s is out of range", tally->shape->keys[column].name,
						   a_type(tally->shape->type)),
					errhint("Fewer decimals leave room for larger values: use round(value, 2).")));
}

/* Brings the decimals among the numbers of a key to another scale. */
static void
rescale_key(const Tally *tally, TallyKey *key, int64 factor)
{
	int i;

	for (i = 0; i < tally->shape->nkeys; i++)
		if (tally->shape->keys[i].type == TALLY_DECIMAL &&
			pg_mul_s64_overflow(key->numbers[i], factor, &key->numbers[i]))
			report_key_out_of_range(tally, i);
}

/* Brings the rows that came in order into the hash table, too. */
static void
hash_rows(Tally *tally)
{
	bool found;

	if (tally->rows == NULL)
	{
		hash_key_need();
		tally->rows = rows_create(tally->context, FIRST_ROWS, tally);
	}
	while (tally->nrows < tally->nlist)
	{
		(void) rows_insert(tally->rows, &tally->list[tally->nrows++]->key, &found);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The same for all rows, whose order stays. */
static void
rescale_keys(Tally *tally, int64 factor)
{
	int64 n;

	if (tally->rows != NULL)
		rows_reset(tally->rows);
	tally->nrows = 0;
	for (n = 0; n < tally->nlist; n++)
	{
		rescale_key(tally, &tally->list[n]->key, factor);
		CHECK_FOR_INTERRUPTS();
	}
	if (!tally->in_order)
		hash_rows(tally);
}

/* Takes floats for keys, or exact decimals, as long as there are none of the other. */
static void
use_sort_of_keys(Tally *tally, int scale)
{
	if (tally->nlist > 0 || tally->packed != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%ss of float and of exact numbers can't be added up", tally->shape->type),
				 errhint("Cast the numbers to float8 in all of them, or in none.")));
	tally->scale = scale;
}

int128
tally_use_scale(Tally *tally, int scale)
{
	const TallyShape *shape = tally->shape;

	Assert((scale >= 0 && scale <= DECIMAL_MAX_SCALE) || scale == TALLY_FLOATS);
	if (!tally->has_scale)
		return 1;
	if (unlikely((scale == TALLY_FLOATS) != (tally->scale == TALLY_FLOATS)))
		use_sort_of_keys(tally, scale);
	if (scale == TALLY_FLOATS)
		return 1;
	if (scale > tally->scale)
	{
		int64 n;

		tally_unpack(tally);
		for (n = 0; n < tally->nlist; n++)
		{
			int i;

			for (i = 0; i < shape->nsums; i++)
				if (shape->sums[i].type == TALLY_VALUE &&
					!decimal_sum_rescale(&tally->list[n]->sums[i], tally->scale, scale))
					report_sum_out_of_range(tally, i);
			CHECK_FOR_INTERRUPTS();
		}
		if (tally->has_decimals)
			rescale_keys(tally, decimal_power[scale - tally->scale]);
		tally->scale = scale;
	}
	return decimal_power[tally->scale - scale];
}

/* Memory of zeros for a row. Those without text are of one size, and come from blocks of many. */
static char *
allocate_row(Tally *tally, Size size, bool has_text)
{
	int flags = MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO;
	char *memory;

	if (has_text)
		return MemoryContextAllocExtended(tally->context, size, flags);
	if (tally->free_rows == 0)
	{
		tally->free_rows = Max(1, Min(tally->nlist, MAX_BLOCK_ROWS));
		tally->block = MemoryContextAllocExtended(tally->context, tally->free_rows * size, flags);
	}
	memory = tally->block;
	tally->block += size;
	tally->free_rows--;
	return memory;
}

static TallyRow *
make_row(Tally *tally, const TallyKey *key)
{
	Size text_at = sizeof(TallyRow) + tally->shape->nsums * sizeof(int128);
	bool has_text = tally->text_column >= 0 && key->text != NULL;
	char *memory = allocate_row(tally, text_at + (has_text ? (Size) key->text_len : 0), has_text);
	TallyRow *row = (TallyRow *) memory;
	int i;

	for (i = 0; i < tally->shape->nkeys; i++)
		if (i != tally->text_column)
			row->key.numbers[i] = key->numbers[i];
	if (has_text)
	{
		memcpy(memory + text_at, key->text, key->text_len);
		row->key.text = memory + text_at;
		row->key.text_len = key->text_len;
	}
	/* int128 is declared so that the alignment of palloc is enough for it */
	row->sums = (int128 *) (memory + sizeof(TallyRow));
	return row;
}

static TallyRow *
add_row(Tally *tally, const TallyKey *key)
{
	TallyRow *row = make_row(tally, key);

	if (tally->nlist == tally->max_list)
	{
		tally->max_list *= 2;
		tally->list = repalloc_huge(tally->list, tally->max_list * sizeof(TallyRow *));
	}
	row->place = tally->nlist;
	tally->list[tally->nlist++] = row;
	return row;
}

/* Is it the row found last, or the one that came behind that? */
static bool
is_near(Tally *tally, const TallyKey *key)
{
	int64 next;

	if (tally->last == NULL)
		return false;
	if (equal_keys(tally, &tally->last->key, key))
		return true;
	next = tally->last->place + 1;
	if (next == tally->nlist || !equal_keys(tally, &tally->list[next]->key, key))
		return false;
	tally->last = tally->list[next];
	return true;
}

/* As long as keys come in order, or in that of before, they need no look-up. */
TallyRow *
tally_enter(Tally *tally, const TallyKey *key, bool *found)
{
	RowEntry *entry;

	tally_unpack(tally);
	*found = is_near(tally, key);
	if (*found)
		return tally->last;
	if (tally->in_order &&
		(tally->nlist == 0 ||
		 tally_compare_keys(tally, &tally->list[tally->nlist - 1]->key, key) < 0))
	{
		tally->last = add_row(tally, key);
		return tally->last;
	}
	hash_rows(tally);
	entry = rows_insert(tally->rows, key, found);
	if (!*found)
	{
		entry->key = &add_row(tally, key)->key;
		tally->nrows++;
		tally->in_order = false;
	}
	tally->last = ENTRY_ROW(entry);
	return tally->last;
}

TallyRow *
tally_row(Tally *tally, const TallyKey *key)
{
	bool found;

	return tally_enter(tally, key, &found);
}

void
tally_add(const Tally *tally, TallyRow *row, int sum, int128 amount)
{
	int128 *total = &row->sums[sum];

	Assert(sum >= 0 && sum < tally->shape->nsums);
	if (unlikely(__builtin_add_overflow(*total, amount, total)) ||
		(tally->shape->sums[sum].type == TALLY_COUNT && unlikely(*total > PG_INT64_MAX)))
		report_sum_out_of_range(tally, sum);
}

bool
tally_latest(const Tally *tally, DateADT *day)
{
	return tally_parameter_day(tally, latest_parameter(tally->shape), day);
}

/* ---- adding one to another ---- */

/* So much of a parameter is shown before where two differ. */
#define SHOWN_BEFORE 40

/* A parameter as an error shows it; a long one from a bit before byte "from" on. */
static char *
shown_parameter(const char *text, size_t from)
{
	size_t skip = 0;

	if (text == NULL)
		return "none";
	if (from > 2 * SHOWN_BEFORE)
		skip = pg_mbcliplen(text, (int) Min(strlen(text), PG_INT32_MAX),
							(int) Min(from - SHOWN_BEFORE, PG_INT32_MAX));
	return psprintf("\"%s%.*s%s\"", skip > 0 ? "..." : "",
					JSON_SHOWN(text + skip, (int) Min(strlen(text + skip), PG_INT32_MAX)));
}

static void
report_parameter_differs(const Tally *to, const Tally *from, int parameter)
{
	const TallyShape *shape = to->shape;
	const char *a = to->parameters[parameter];
	const char *b = from->parameters[parameter];
	size_t same = 0;

	if (a != NULL && b != NULL)
		while (a[same] != '\0' && a[same] == b[same])
			same++;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%ss with different %s can't be added up", shape->type,
						   shape->parameters[parameter].name),
					errdetail("One has %s, the other %s.", shown_parameter(a, same),
							  shown_parameter(b, same)),
					shape->parameters[parameter].hint != NULL
						? errhint("%s", shape->parameters[parameter].hint)
						: 0));
}

/* Has a tally counted an event after the day that the other one goes up to? */
static bool
counts_beyond(const Tally *tally, const Tally *other)
{
	DateADT latest;
	DateADT as_of;

	return tally_parameter_day(tally, latest_parameter(tally->shape), &latest) &&
		   tally_parameter_day(other, tally_parameter_number(other->shape, "as_of"), &as_of) &&
		   latest > as_of;
}

static void
merge_latest(Tally *to, const Tally *from, int parameter)
{
	DateADT latest;

	if (counts_beyond(to, from) || counts_beyond(from, to))
		report_parameter_differs(to, from, tally_parameter_number(to->shape, "as_of"));
	if (tally_parameter_day(from, parameter, &latest))
		tally_note_latest(to, latest);
}

static void
merge_parameters(Tally *to, const Tally *from)
{
	int i;

	for (i = 0; i < to->shape->nparameters; i++)
	{
		const char *a = to->parameters[i];
		const char *b = from->parameters[i];

		if (to->shape->parameters[i].is_latest)
		{
			merge_latest(to, from, i);
			continue;
		}
		if (a == NULL || b == NULL ? a != b && !to->shape->parameters[i].may_be_unknown
								   : strcmp(a, b) != 0)
			report_parameter_differs(to, from, i);
		if (a == NULL)
			tally_set_parameter(to, i, b);
	}
}

/* Refuses sums of which a metric can't make what it makes. */
static void
check_sums(const Tally *tally)
{
	const char *fault = tally->shape->fault != NULL ? tally->shape->fault(tally) : NULL;

	if (fault != NULL)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("sums of %s are out of range", a_type(tally->shape->type)),
						errdetail("%s", fault)));
}

/* Adds a row of another tally, whose decimals become the tally's by a factor. */
static void
add_row_of(Tally *to, const TallyRow *source, int128 factor)
{
	const TallyShape *shape = to->shape;
	TallyKey key = source->key;
	TallyRow *row;
	int i;

	if (to->has_decimals)
		rescale_key(to, &key, (int64) factor);
	row = tally_row(to, &key);
	for (i = 0; i < shape->nsums; i++)
	{
		int128 amount = source->sums[i];

		if (shape->sums[i].type == TALLY_VALUE && int128_mul_overflow(amount, factor, &amount))
			report_sum_out_of_range(to, i);
		tally_add(to, row, i, amount);
		to->has_large = to->has_large || tally_sum_is_large(shape->sums[i].type, row->sums[i]);
	}
}

void
tally_add_tally(Tally *to, const Tally *from)
{
	bool fits; /* what has no rows fits to floats and to exact numbers */
	int128 factor;
	int total;

	Assert(from->shape == to->shape);
	merge_parameters(to, from);
	for (total = 0; total < to->ntotals; total++)
		tally_add_total(to, total, from->totals[total]);
	fits = from->nlist == 0 && from->packed == NULL &&
		   (from->scale == TALLY_FLOATS) != (to->scale == TALLY_FLOATS);
	factor = fits ? 1 : tally_use_scale(to, from->scale);
	if (factor != 1 || !tally_merge_packed(to, from))
	{
		TallyCursor cursor;
		const TallyRow *row;

		tally_open_rows(&cursor, from);
		while ((row = tally_next_row(&cursor)) != NULL)
		{
			add_row_of(to, row, factor);
			CHECK_FOR_INTERRUPTS();
		}
		tally_close_rows(&cursor);
	}
	if (to->has_large)
		check_sums(to);
}

/* ---- reading one ---- */

const TallyShape *
tally_shape(const Tally *tally)
{
	return tally->shape;
}

const char *
tally_parameter(const Tally *tally, int parameter)
{
	Assert(parameter >= 0 && parameter < tally->shape->nparameters);
	return tally->parameters[parameter];
}

int
tally_parameter_number(const TallyShape *shape, const char *name)
{
	int i = shape->nparameters - 1;

	while (i >= 0 && strcmp(shape->parameters[i].name, name) != 0)
		i--;
	return i;
}

bool
tally_parameter_day(const Tally *tally, int parameter, DateADT *day)
{
	const char *text = parameter >= 0 ? tally->parameters[parameter] : NULL;

	if (text == NULL)
		return false;
	if (day_parse(text, strlen(text), day) != DAY_READ)
		report_corrupted();
	return true;
}

int64
tally_total(const Tally *tally, int total)
{
	Assert(total >= 0 && total < tally->ntotals);
	return tally->totals[total];
}

int64
tally_guests(const Tally *tally)
{
	return tally->totals[tally->guests];
}

int64
tally_eventless(const Tally *tally)
{
	int total = 0;

	while (strcmp(tally->total_names[total], TALLY_EVENTLESS) != 0)
		total++;
	return tally->totals[total];
}

int
tally_scale(const Tally *tally)
{
	return tally->scale;
}

/* The text of the parameter "period". */
static const char *
period_text(const Tally *tally)
{
	int parameter = tally_parameter_number(tally->shape, "period");

	return parameter >= 0 ? tally->parameters[parameter] : NULL;
}

bool
tally_calendar(const Tally *tally, Calendar *calendar)
{
	const char *text = period_text(tally);

	if (text != NULL)
		calendar_open(calendar, calendar_period_parse(text));
	return text != NULL;
}

/* The row of a key in a list that is sorted. */
static TallyRow *
search_list(const Tally *tally, const TallyKey *key)
{
	int64 low = 0;
	int64 high = tally->nlist;

	while (low < high)
	{
		int64 middle = low + (high - low) / 2;
		int order = tally_compare_keys(tally, &tally->list[middle]->key, key);

		if (order == 0)
			return tally->list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

TallyRow **
tally_same_first(TallyRow **row, TallyRow **end, int128 *sum)
{
	int64 first = (*row)->key.numbers[0];

	*sum = 0;
	for (; row < end && (*row)->key.numbers[0] == first; row++)
		*sum += (*row)->sums[0];
	return row;
}

TallyRow *
tally_find(const Tally *tally, const TallyKey *key)
{
	TallyRow *row;

	tally_unpack(tally);
	if (tally->in_order)
		row = search_list(tally, key);
	else
	{
		RowEntry *entry = rows_lookup(tally->rows, key);

		row = entry != NULL ? ENTRY_ROW(entry) : NULL;
	}
	return row != NULL && tally_row_has_sums(tally, row) ? row : NULL;
}
