/*
 * rows.c
 *		Writing rows and records column by column.
 *
 * Rows go to a tuplestore as they are made, which has work_mem in memory and the rest on disk.
 * Handing them out one by one (value per call) would not get the first of them to a client any
 * sooner: a function in FROM is read to its end by the executor, into a tuplestore as well.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "core/decimal.h"
#include "core/rows.h"

/* A table of periods of so many rows: 270 years by day. */
#define ROWS_MANY_PERIODS 100000

/*
 * Rows of fixed columns that are NULL in the same places have the same bytes but for their values:
 * one is made as any is, and those that follow are it with other values in place. That is a fifth
 * of the work of making each.
 */
struct RowsForm
{
	bool nulls[ROWS_MAX_COLUMNS];	 /* of the row before */
	TupleTableSlot *made;			 /* where a row is made, */
	TupleTableSlot *slot;			 /* and where it stands; empty: none is made */
	char *columns[ROWS_MAX_COLUMNS]; /* in there; NULL: is NULL */
};

/* Are all columns fixed? */
static bool
is_fixed(TupleDesc desc)
{
	int i;

	for (i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attbyval || TupleDescAttr(desc, i)->attisdropped)
			return false;
	return true;
}

static RowsForm *
open_form(MemoryContext context, TupleDesc desc)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	RowsForm *form = palloc0(sizeof(RowsForm));

	desc = CreateTupleDescCopy(desc);
	form->made = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	form->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	MemoryContextSwitchTo(old);
	return form;
}

/* Makes a row from which others are made. */
static void
make_form(Rows *rows)
{
	RowsForm *form = rows->form;
	TupleDesc desc = rows->desc;
	MinimalTuple tuple;
	size_t offset = 0;
	char *data;
	int i;

	ExecClearTuple(form->made);
	memcpy(form->made->tts_values, rows->values, desc->natts * sizeof(Datum));
	memcpy(form->made->tts_isnull, rows->nulls, desc->natts * sizeof(bool));
	ExecStoreVirtualTuple(form->made);
	MemoryContextSwitchTo(MemoryContextGetParent(rows->context));
	tuple = ExecCopySlotMinimalTuple(form->made);
	ExecStoreMinimalTuple(tuple, form->slot, true);
	data = (char *) tuple + tuple->t_hoff - MINIMAL_TUPLE_OFFSET;
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		form->columns[i] = NULL;
		if (rows->nulls[i])
			continue;
		offset = att_align_nominal(offset, column->attalign);
		form->columns[i] = data + offset;
		offset += column->attlen;
	}
}

/* So many rows are made as any is: a form is worth it for more. */
#define ROWS_WITHOUT_FORM 8

/* Puts the row, if there is a form and it is of the same one as the row before. */
static bool
put_by_form(Rows *rows)
{
	RowsForm *form = rows->form;
	int natts = rows->desc->natts;
	int i;

	if (rows->nrows < ROWS_WITHOUT_FORM)
		return false;
	if (form == NULL)
		form = rows->form = open_form(MemoryContextGetParent(rows->context), rows->desc);
	if (memcmp(form->nulls, rows->nulls, natts * sizeof(bool)) != 0)
	{
		memcpy(form->nulls, rows->nulls, natts * sizeof(bool));
		ExecClearTuple(form->slot);
		return false;
	}
	if (TTS_EMPTY(form->slot))
		make_form(rows);
	else
		for (i = 0; i < natts; i++)
			if (form->columns[i] != NULL)
				store_att_byval(form->columns[i], rows->values[i],
								TupleDescAttr(rows->desc, i)->attlen);
	tuplestore_puttupleslot(rows->result->setResult, form->slot);
	return true;
}

/* More columns than that are a mistake in the extension. */
static void
check_columns(const Rows *rows)
{
	if (rows->desc->natts > ROWS_MAX_COLUMNS)
		elog(ERROR, "a row of %d columns is too wide", rows->desc->natts);
}

static void
open_rows(Rows *rows, FunctionCallInfo fcinfo, uint32 flags)
{
	InitMaterializedSRF(fcinfo, flags);
	rows->result = (ReturnSetInfo *) fcinfo->resultinfo;
	rows->desc = rows->result->setDesc;
	rows->context =
		AllocSetContextCreate(CurrentMemoryContext, "loyalty row", ALLOCSET_SMALL_SIZES);
	rows->by_period = false;
	rows->nrows = 0;
	rows->ncolumns = 0;
	check_columns(rows);
	rows->is_fixed = is_fixed(rows->desc);
	rows->form = NULL;
}

void
rows_open(Rows *rows, FunctionCallInfo fcinfo)
{
	open_rows(rows, fcinfo, 0);
}

void
rows_open_column(Rows *rows, FunctionCallInfo fcinfo)
{
	open_rows(rows, fcinfo, MAT_SRF_USE_EXPECTED_DESC);
}

void
rows_open_periods(Rows *rows, FunctionCallInfo fcinfo)
{
	rows_open(rows, fcinfo);
	rows->by_period = true;
}

void
rows_open_record(Rows *rows, FunctionCallInfo fcinfo)
{
	if (get_call_result_type(fcinfo, NULL, &rows->desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rows->desc = BlessTupleDesc(rows->desc);
	rows->result = NULL;
	rows->context = NULL;
	rows->ncolumns = 0;
	check_columns(rows);
}

void
rows_begin(Rows *rows)
{
	rows->ncolumns = 0;
	/* a record's columns are the caller's own: a context for a single row isn't worth it */
	if (rows->context != NULL)
		rows->caller = MemoryContextSwitchTo(rows->context);
}

/* The next column; type is what it must be in SQL, InvalidOid where the caller knows. */
static inline void
put_column(Rows *rows, Oid type, Datum value, bool isnull)
{
	Assert(rows->ncolumns < rows->desc->natts);
	Assert(type == InvalidOid || TupleDescAttr(rows->desc, rows->ncolumns)->atttypid == type);
	rows->values[rows->ncolumns] = value;
	rows->nulls[rows->ncolumns] = isnull;
	rows->ncolumns++;
}

void
rows_put_null(Rows *rows)
{
	put_column(rows, InvalidOid, (Datum) 0, true);
}

void
rows_put_count(Rows *rows, int64 number)
{
	put_column(rows, INT8OID, Int64GetDatum(number), false);
}

void
rows_put_int(Rows *rows, int32 number)
{
	put_column(rows, INT4OID, Int32GetDatum(number), false);
}

void
rows_put_bool(Rows *rows, bool value)
{
	put_column(rows, BOOLOID, BoolGetDatum(value), false);
}

void
rows_put_float(Rows *rows, double value)
{
	put_column(rows, FLOAT8OID, Float8GetDatum(value), isnan(value));
}

void
rows_put_day(Rows *rows, DateADT day)
{
	put_column(rows, DATEOID, DateADTGetDatum(day), false);
}

void
rows_put_instant(Rows *rows, TimestampTz at)
{
	put_column(rows, TIMESTAMPTZOID, TimestampTzGetDatum(at), TIMESTAMP_NOT_FINITE(at));
}

void
rows_put_text(Rows *rows, const char *text, int len)
{
	if (text == NULL)
		rows_put_null(rows);
	else
		put_column(rows, TEXTOID, PointerGetDatum(cstring_to_text_with_len(text, len)), false);
}

void
rows_put_name(Rows *rows, const char *name)
{
	rows_put_text(rows, name, name != NULL ? (int) strlen(name) : 0);
}

void
rows_put_decimal(Rows *rows, int128 units, int scale)
{
	put_column(rows, NUMERICOID, NumericGetDatum(decimal_sum_to_numeric(units, scale)), false);
}

void
rows_put_datum(Rows *rows, Datum value)
{
	put_column(rows, InvalidOid, value, false);
}

void
rows_end(Rows *rows)
{
	Assert(rows->ncolumns == rows->desc->natts);
	if (!rows->is_fixed || !put_by_form(rows))
		tuplestore_putvalues(rows->result->setResult, rows->desc, rows->values, rows->nulls);
	MemoryContextSwitchTo(rows->caller);
	MemoryContextReset(rows->context);
	if (++rows->nrows == ROWS_MANY_PERIODS && rows->by_period)
		ereport(NOTICE,
				(errmsg("the table has %d rows and more", ROWS_MANY_PERIODS),
				 errdetail("There is a row for each period from the first event to as_of."),
				 errhint("A date that stands for none, such as 0001-01-01 or 9999-12-31, "
						 "makes such a table: leave its rows out of what is collected, give "
						 "as_of where it lies in the future, or take a longer period.")));
	CHECK_FOR_INTERRUPTS();
}

Datum
rows_record(Rows *rows)
{
	Assert(rows->ncolumns == rows->desc->natts);
	return HeapTupleGetDatum(heap_form_tuple(rows->desc, rows->values, rows->nulls));
}
