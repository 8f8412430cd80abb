/*
 * node_rows.c
 *		The child's rows as they are dealt: columns packed one behind the other.
 *
 * What is written is what is read, by row and at random inside the cache, so fewer bytes are less
 * time; and rows are only kept until their group is done, so that nothing need be aligned.
 */
#include "postgres.h"

#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "node/node_internal.h"

GroupRows *
rows_create(int max_columns)
{
	GroupRows *rows = palloc0(sizeof(GroupRows));

	rows->columns = palloc0(Max(1, max_columns) * sizeof(RowColumn));
	rows->values = palloc0(Max(1, max_columns) * sizeof(struct varlena *));
	rows->sizes = palloc0(Max(1, max_columns) * sizeof(uint32));
	return rows;
}

static RowColumn *
add_column(GroupRows *rows, RowColumnKind kind, int child)
{
	RowColumn *column = &rows->columns[rows->ncolumns++];

	column->kind = kind;
	column->child = child;
	column->bit = -1;
	column->filter = -1;
	column->varying = -1;
	return column;
}

/* The number of a column that is there already; -1: none is. */
static int
find_column(const GroupRows *rows, RowColumnKind kind, int child)
{
	int i;

	for (i = 0; i < rows->ncolumns; i++)
		if (rows->columns[i].kind == kind && rows->columns[i].child == child)
			return i;
	return -1;
}

int
rows_add_filter(GroupRows *rows, int child)
{
	int found = find_column(rows, COLUMN_FILTER, child);

	if (found >= 0)
		return found;
	add_column(rows, COLUMN_FILTER, child);
	return rows->ncolumns - 1;
}

int
rows_add_value(GroupRows *rows, TupleDesc desc, int child)
{
	int found = find_column(rows, COLUMN_VALUE, child);
	Form_pg_attribute attribute = TupleDescAttr(desc, child);
	RowColumn *column;

	if (found >= 0)
		return found;
	column = add_column(rows, COLUMN_VALUE, child);
	column->length = attribute->attlen;
	column->by_value = attribute->attbyval;
	column->align = attribute->attalign;
	column->packable = attribute->attstorage != TYPSTORAGE_PLAIN;
	return rows->ncolumns - 1;
}

int
rows_add_summary(GroupRows *rows, const SummaryForm *form, const int *arguments, int filter)
{
	RowColumn *column = add_column(rows, COLUMN_SUMMARY, arguments[0]);

	column->form = form;
	column->arguments = arguments;
	column->filter = filter;
	column->length = (int16) form->dealt_size;
	return rows->ncolumns - 1;
}

void
rows_arrange(GroupRows *rows, int *to)
{
	RowColumn *arranged = palloc0(Max(1, rows->ncolumns) * sizeof(RowColumn));
	int nbits = 0;
	int n = 0;
	int pass;
	int i;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < rows->ncolumns; i++)
		{
			const RowColumn *column = &rows->columns[i];
			bool varies = column->kind == COLUMN_VALUE && column->length < 0;

			if (varies != (pass == 1))
				continue;
			arranged[n] = *column;
			if (column->kind != COLUMN_SUMMARY)
				arranged[n].bit = nbits++;
			if (varies)
				arranged[n].varying = rows->nvarying++;
			to[i] = n++;
		}
	rows->bits_size = (nbits + 7) / 8;
	rows->fixed_size = rows->bits_size;
	rows->first_varying = n - rows->nvarying;
	for (i = 0; i < n; i++)
	{
		RowColumn *column = &arranged[i];

		if (column->filter >= 0)
			column->filter = to[column->filter];
		if (column->varying >= 0 || column->kind == COLUMN_FILTER)
			continue;
		column->offset = rows->fixed_size;
		rows->fixed_size += column->length;
	}
	rows->plain = n == 1 && arranged[0].kind == COLUMN_SUMMARY;
	pfree(rows->columns);
	rows->columns = arranged;
}

/* ---- writing ---- */

/* A value of variable length as it is kept: in one piece, with a short head where it can have one.
 */
static struct varlena *
keep_varlena(Datum value, bool packable)
{
	struct varlena *kept = PG_DETOAST_DATUM_PACKED(value);

	if (packable && VARATT_CAN_MAKE_SHORT(kept))
	{
		Size size = VARATT_CONVERTED_SHORT_SIZE(kept);
		struct varlena *shortened = palloc(size);

		SET_VARSIZE_SHORT(shortened, size);
		memcpy(VARDATA_SHORT(shortened), VARDATA(kept), size - VARHDRSZ_SHORT);
		kept = shortened;
	}
	return kept;
}

uint32
rows_measure(GroupRows *rows, const Datum *values, const bool *nulls)
{
	Size size = rows->fixed_size;
	int i;

	for (i = rows->first_varying; i < rows->ncolumns; i++)
	{
		const RowColumn *column = &rows->columns[i];

		if (nulls[column->child])
			continue;
		if (column->length == -1)
		{
			rows->values[column->varying] = keep_varlena(values[column->child], column->packable);
			rows->sizes[column->varying] = VARSIZE_ANY(rows->values[column->varying]);
		}
		else
		{
			rows->values[column->varying] =
				(struct varlena *) DatumGetPointer(values[column->child]);
			rows->sizes[column->varying] = strlen(DatumGetCString(values[column->child])) + 1;
		}
		size += rows->sizes[column->varying];
	}
	if (size > MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a row's arguments of aggregates are larger than 1 GB"),
						errhint("Set loyalty.enable_group_node to off.")));
	return (uint32) size;
}

static inline void
write_fixed(uint8 *to, const RowColumn *column, Datum value)
{
	if (!column->by_value)
	{
		memcpy(to, DatumGetPointer(value), column->length);
		return;
	}
	switch (column->length)
	{
		case 1:
			*to = (uint8) DatumGetChar(value);
			break;
		case 2:
		{
			int16 number = DatumGetInt16(value);

			memcpy(to, &number, sizeof(number));
			break;
		}
		case 4:
		{
			int32 number = DatumGetInt32(value);

			memcpy(to, &number, sizeof(number));
			break;
		}
		default:
			Assert(column->length == sizeof(Datum));
			memcpy(to, &value, sizeof(value));
			break;
	}
}

/* Keeps a summary's arguments; a row that its filter leaves out is not looked at. */
static inline void
write_summary(const GroupRows *rows, const RowColumn *column, uint8 *row, const Datum *values,
			  const bool *nulls)
{
	NullableDatum arguments[SUMMARY_MAX_ARGS];
	int i;

	if (column->filter >= 0 && row_bit(row, rows->columns[column->filter].bit))
	{
		memset(row + column->offset, 0, column->length);
		return;
	}
	for (i = 0; i < column->form->nargs; i++)
	{
		arguments[i].value = values[column->arguments[i]];
		arguments[i].isnull = nulls[column->arguments[i]];
	}
	column->form->deal(row + column->offset, arguments);
}

void
rows_write(const GroupRows *rows, uint8 *to, const Datum *values, const bool *nulls)
{
	uint8 *end = to + rows->fixed_size;
	int i;

	Assert(!rows->plain);
	if (rows->bits_size > 0)
	{
		memset(to, 0, rows->bits_size);
		for (i = 0; i < rows->ncolumns; i++)
		{
			const RowColumn *column = &rows->columns[i];

			if (column->bit >= 0 &&
				(nulls[column->child] ||
				 (column->kind == COLUMN_FILTER && !DatumGetBool(values[column->child]))))
				to[column->bit / 8] |= (uint8) (1 << column->bit % 8);
		}
	}
	for (i = 0; i < rows->ncolumns; i++)
	{
		const RowColumn *column = &rows->columns[i];

		if (column->kind == COLUMN_SUMMARY)
			write_summary(rows, column, to, values, nulls);
		else if (column->kind == COLUMN_FILTER)
			continue;
		else if (column->varying < 0)
		{
			if (nulls[column->child])
				memset(to + column->offset, 0, column->length);
			else
				write_fixed(to + column->offset, column, values[column->child]);
		}
		else if (!nulls[column->child])
		{
			memcpy(end, rows->values[column->varying], rows->sizes[column->varying]);
			end += rows->sizes[column->varying];
		}
	}
}

/* ---- reading ---- */

/* The size of a value that stands anywhere. */
static inline Size
kept_size(const uint8 *at, int16 length)
{
	uint32 head[1];

	if (length == -2)
		return strlen((const char *) at) + 1;
	if (VARATT_IS_1B(at))
		return VARSIZE_1B(at);
	memcpy(head, at, sizeof(head));
	return VARSIZE_4B(head);
}

/* A pointer to a value, aligned as its type wants it. */
static inline Datum
aligned(const uint8 *at, const RowColumn *column, Size size)
{
	uint8 *copy;

	if ((column->length == -1 && VARATT_IS_1B(at)) ||
		att_align_nominal((uintptr_t) at, column->align) == (uintptr_t) at)
		return PointerGetDatum(at);
	copy = palloc(size);
	memcpy(copy, at, size);
	return PointerGetDatum(copy);
}

static inline Datum
read_fixed(const uint8 *at, const RowColumn *column)
{
	if (!column->by_value)
		return aligned(at, column, column->length);
	switch (column->length)
	{
		case 1:
			return CharGetDatum((char) *at);
		case 2:
		{
			int16 number;

			memcpy(&number, at, sizeof(number));
			return Int16GetDatum(number);
		}
		case 4:
		{
			int32 number;

			memcpy(&number, at, sizeof(number));
			return Int32GetDatum(number);
		}
		default:
		{
			Datum value;

			memcpy(&value, at, sizeof(value));
			return value;
		}
	}
}

Datum
rows_read(const GroupRows *rows, const uint8 *row, int number, bool *null)
{
	const RowColumn *column = &rows->columns[number];
	const uint8 *at;
	int i;

	*null = row_bit(row, column->bit);
	if (*null)
		return (Datum) 0;
	if (column->varying < 0)
		return read_fixed(row + column->offset, column);
	at = row + rows->fixed_size;
	for (i = rows->first_varying; i < number; i++)
		if (!row_bit(row, rows->columns[i].bit))
			at += kept_size(at, rows->columns[i].length);
	return aligned(at, column, kept_size(at, column->length));
}
