/*
 * rows.h
 *		Writing the rows of a set-returning function, and single records, column by column.
 *
 *		Rows rows;
 *		rows_open(&rows, fcinfo);		InitMaterializedSRF, too
 *		for (...)
 *		{
 *			rows_begin(&rows);
 *			rows_put_day(&rows, start);
 *			rows_put_count(&rows, n);
 *			rows_end(&rows);
 *		}
 *		return (Datum) 0;
 *
 * Memory for the columns is that of one row; rows_end() lets a cancel through.
 *
 * A record, of a function with OUT arguments that returns one row: rows_open_record(),
 * rows_begin(), ..., return rows_record(). Its columns are in the caller's memory.
 */
#ifndef LOYALTY_ROWS_H
#define LOYALTY_ROWS_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/date.h"

#include "core/compat.h"

#define ROWS_MAX_COLUMNS 32

typedef struct RowsForm RowsForm;

typedef struct Rows
{
	ReturnSetInfo *result; /* NULL: a record */
	TupleDesc desc;
	MemoryContext context; /* for the columns of one row */
	MemoryContext caller;
	bool by_period; /* as many rows as there are periods */
	int64 nrows;	/* so far */
	bool is_fixed;	/* no column is a text, a numeric ... */
	RowsForm *form; /* NULL: none yet */
	int ncolumns;
	Datum values[ROWS_MAX_COLUMNS];
	bool nulls[ROWS_MAX_COLUMNS];
} Rows;

extern void rows_open(Rows *rows, FunctionCallInfo fcinfo);

/* The same where there is one column, which returns a set of its type. */
extern void rows_open_column(Rows *rows, FunctionCallInfo fcinfo);

/* The same for a table that has a row for each period up to as_of, be there anything in it or not:
 * a NOTICE tells whoever waits for very many of them why there are. */
extern void rows_open_periods(Rows *rows, FunctionCallInfo fcinfo);

extern void rows_open_record(Rows *rows, FunctionCallInfo fcinfo);

extern void rows_begin(Rows *rows);
extern void rows_put_null(Rows *rows);
extern void rows_put_count(Rows *rows, int64 number);	  /* bigint */
extern void rows_put_int(Rows *rows, int32 number);		  /* int */
extern void rows_put_bool(Rows *rows, bool value);		  /* boolean */
extern void rows_put_float(Rows *rows, double value);	  /* float8; NULL where NaN */
extern void rows_put_day(Rows *rows, DateADT day);		  /* date; infinities as they are */
extern void rows_put_instant(Rows *rows, TimestampTz at); /* timestamptz; NULL where infinite */
extern void rows_put_text(Rows *rows, const char *text, int len);  /* text; NULL where text is */
extern void rows_put_name(Rows *rows, const char *name);		   /* text; NULL where name is */
extern void rows_put_decimal(Rows *rows, int128 units, int scale); /* numeric */
extern void rows_put_datum(Rows *rows, Datum value); /* any, made in this row's memory */
extern void rows_end(Rows *rows);

/* Ends the row and gives it as the record to return, in the caller's memory. */
extern Datum rows_record(Rows *rows);

#endif
