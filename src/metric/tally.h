/*
 * tally.h
 *		What results of metrics are made of: exact sums by key, and what they are about.
 *
 *		parameters	policy, period, as_of ...: texts; results add up where they agree
 *		totals		counts of all there is: rows without customer
 *		rows		keys (a period, a rank, a label)  ->  sums (counts, values)
 *
 * A metric describes its result once, as a TallyShape; storing it, reading it back from
 * text and bytes, adding it up and comparing it are the same for all of them. Rows are
 * sorted by their keys, and a row without a sum that isn't zero isn't there: equal results
 * have equal bytes.
 *
 * An aggregate's state has the result's own type: an expanded object around a Tally, with what
 * the metric folds with beside it. So partial states travel as results, and rollup() and the
 * combine function are one.
 */
#ifndef LOYALTY_TALLY_H
#define LOYALTY_TALLY_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/expandeddatum.h"

#include "calendar/calendar.h"
#include "core/codec.h"
#include "core/soft_input.h"

#define TALLY_MAX_KEYS		 4
#define TALLY_MAX_SUMS		 24
#define TALLY_MAX_PARAMETERS 10
#define TALLY_MAX_TOTALS	 4

typedef enum TallyType
{
	TALLY_PERIOD,  /* key: number of a period of the parameter "period"; shown as its first day */
	TALLY_NUMBER,  /* key: an int64 */
	TALLY_DECIMAL, /* key: a decimal at the tally's scale, in 64 bits; or a float: TALLY_FLOATS */
	TALLY_TEXT,	   /* key: a text, which may be absent (sorts first) */
	TALLY_COUNT,   /* sum: whole, never below zero, below 2^63 */
	TALLY_VALUE	   /* sum: a decimal at the tally's scale */
} TallyType;

typedef struct TallyColumn
{
	const char *name;
	TallyType type;
} TallyColumn;

/* Checks a parameter's text that came from outside and gives its canonical form; an ereport of
 * its own where it isn't one. NULL: the text is taken as it is. */
typedef char *(*TallyCanonical)(const char *text);

typedef struct TallyParameter
{
	const char *name;
	bool is_json;		 /* its text is JSON and is shown as it is; else it is shown as a string */
	bool may_be_unknown; /* where one side has none, results add up; else both or neither */
	TallyCanonical canonical; /* what is JSON needs one, or be written as jsonb writes it */
	const char *hint;		  /* for results that differ in it */
	bool is_latest; /* the day of the last event counted: of two, the later one. It isn't after the
					 * parameter "as_of" of either; one at most */
} TallyParameter;

/* The totals that every shape has: rows without a customer; and customers without an event, on
 * whatever day. */
#define TALLY_GUESTS	"rows_without_customer"
#define TALLY_EVENTLESS "members_without_events"

/*
 * A text form whose rows stand in groups, by the first of two keys. Of each group there is what its
 * own row counts, whose second key is TALLY_GROUP, and an array of the others:
 *
 *		"cohorts": [{"cohort": "2024-01-01", "size": 3, "cells": [[0, 3, 1], [1, 2, 2]]}]
 */
typedef struct TallyGroups
{
	const char *name;  /* of the array of groups */
	const char *cells; /* and that in a group: the second key, then sums */
	int nsums; /* how many of the sums, from the first on, are a group's own; all are counts */
} TallyGroups;

#define TALLY_GROUP (-1)

typedef struct Tally Tally;

typedef struct TallyShape
{
	const char *type;  /* its SQL name */
	const char *maker; /* "points_totals() and rollup()", for hints */
	int nparameters;
	const TallyParameter *parameters;
	int nkeys; /* 0: a single row */
	const TallyColumn *keys;
	int nsums;
	const TallyColumn *sums;
	int ntotals; /* 0: those alone; else they are among them, in the order of the text, and the
				  * metric counts the latter by itself */
	const char *const *totals;
	const TallyGroups *groups; /* of the text; NULL: rows are a list */
	bool late_text; /* without a text in any row, it is stored as if it had no such key: as it was
					 * before it had one */
	/* Has a tally of these parameters no such sum, or total? NULL: it has all. */
	bool (*lacks)(const Tally *tally, const char *name);
	/* Is it one that the metric can have made? NULL: any is. For results from outside; what is
	 * wrong, as a DETAIL, or NULL. */
	const char *(*fault)(const Tally *tally);
} TallyShape;

/* Members of a TallyShape, by arrays. */
#define TALLY_PARAMETERS(array) .nparameters = lengthof(array), .parameters = array
#define TALLY_KEYS(array)		.nkeys = lengthof(array), .keys = array
#define TALLY_SUMS(array)		.nsums = lengthof(array), .sums = array
#define TALLY_TOTALS(array)		.ntotals = lengthof(array), .totals = array

/* The key of a row; what the shape has no column for doesn't matter. Numbers of TALLY_PERIOD,
 * TALLY_NUMBER and TALLY_DECIMAL columns stand in their column's place; a shape has at most one
 * TALLY_TEXT column, and one of TALLY_DECIMAL unless its fault() refuses all but floats. */
typedef struct TallyKey
{
	int64 numbers[TALLY_MAX_KEYS];
	const char *text; /* NULL: absent; not terminated */
	int text_len;
} TallyKey;

typedef struct TallyRow
{
	TallyKey key;
	int128 *sums; /* shape->nsums; they stay where they are */
	int64 place;  /* when it came, among the others */
} TallyRow;

/* ---- making one ---- */

/* An empty tally in the current memory context, where all of it will live. */
extern Tally *tally_create(const TallyShape *shape);

/* Sets a parameter, by its number in the shape; the text is copied. NULL: none. */
extern void tally_set_parameter(Tally *tally, int parameter, const char *text);

/* Adds to a total, by its number in the shape; 22003 past 63 bits. And to TALLY_GUESTS. */
extern void tally_add_total(Tally *tally, int total, int64 amount);
extern void tally_add_guests(Tally *tally, int64 guests);

/* And to TALLY_EVENTLESS, unless the shape has totals of its own. */
extern void tally_add_eventless(Tally *tally, int64 members);

/* Notes a day with an event that was counted, for the parameter that is the latest one; and what
 * was noted, false where there is none. */
extern void tally_note_latest(Tally *tally, DateADT day);
extern bool tally_latest(const Tally *tally, DateADT *day);

/*
 * Makes sure that values can be added at this scale: 1 unit is 10^-scale. The tally's scale
 * becomes the larger of its own and this one, and sums and keys are brought to it (22003 where
 * one doesn't fit). Returns the factor that brings values at this scale to the tally's.
 */
extern int128 tally_use_scale(Tally *tally, int scale);

/*
 * In place of a scale: keys of TALLY_DECIMAL are floats that are finite and not below 0, as they
 * came, by their bits, which are in the same order. A tally has keys of one sort: 22023 where it
 * has rows of the other one. For shapes without TALLY_VALUE.
 */
#define TALLY_FLOATS 255

static inline int64
tally_float_key(double number)
{
	int64 key;

	number += 0; /* of -0, 0 */
	memcpy(&key, &number, sizeof(key));
	return key;
}

static inline double
tally_key_float(int64 key)
{
	double number;

	memcpy(&number, &key, sizeof(number));
	return number;
}

/* The shortest text that is read as that float, palloc'd. */
extern char *tally_float_text(double number);

/* The row of a key, made with zeros where it wasn't there. */
extern TallyRow *tally_row(Tally *tally, const TallyKey *key);

/* Adds to a sum; 22003 past 128 bits, for a count past 63. */
extern void tally_add(const Tally *tally, TallyRow *row, int sum, int128 amount);

/*
 * Adds a whole row, with a sum for each that the shape has; errors as those of tally_add(). Rows
 * that come sorted and are added by nothing else take a fraction of the memory.
 */
extern void tally_append(Tally *tally, const TallyKey *key, const int128 *sums);

/* Adds another tally of the same shape; 22023 that names the parameter where they don't agree. */
extern void tally_add_tally(Tally *to, const Tally *from);

/* ---- reading one ---- */

extern const TallyShape *tally_shape(const Tally *tally);
extern const char *tally_parameter(const Tally *tally, int parameter);		  /* NULL: none */
extern int tally_parameter_number(const TallyShape *shape, const char *name); /* -1: none */

/* The day that a parameter is; false where there is none. */
extern bool tally_parameter_day(const Tally *tally, int parameter, DateADT *day);

extern int64 tally_total(const Tally *tally, int total);
extern int64 tally_guests(const Tally *tally);
extern int64 tally_eventless(const Tally *tally);
extern int tally_scale(const Tally *tally); /* or TALLY_FLOATS */

/* Opens the parameter "period", in the current memory context; false where there is none. */
extern bool tally_calendar(const Tally *tally, Calendar *calendar);

/* All rows but those of zeros, sorted by their keys in the order of the shape's columns; texts by
 * bytes. In a palloc'd array; rows are only valid until the tally changes. */
extern TallyRow **tally_rows(const Tally *tally, int64 *nrows);

/*
 * The same rows one by one, which takes far less memory where there are many:
 *
 *		tally_open_rows(&cursor, tally);
 *		while ((row = tally_next_row(&cursor)) != NULL)
 *			...
 *		tally_close_rows(&cursor);
 *
 * Each is valid until the next one is asked for, or the tally changes.
 */
typedef struct TallyCursor
{
	const Tally *tally;
	TallyRow **rows; /* NULL: they are packed */
	int64 nrows;
	int64 next;
	struct PackedReader *packed;
} TallyCursor;

extern void tally_open_rows(TallyCursor *cursor, const Tally *tally);
extern const TallyRow *tally_next_row(TallyCursor *cursor); /* NULL at the end */
extern void tally_close_rows(TallyCursor *cursor);

/* Are there any such rows; and how many. Without sorting them. */
extern bool tally_has_rows(const Tally *tally);
extern int64 tally_count_rows(const Tally *tally);

/* The row of a key; NULL where there is none, or zeros only. */
extern TallyRow *tally_find(const Tally *tally, const TallyKey *key);

/* The end of the rows, sorted, that have the first key of this one; and their first sums, added
 * up. */
extern TallyRow **tally_same_first(TallyRow **row, TallyRow **end, int128 *sum);

/* ---- the stored form ---- */

/* As a datum of the shape's type, palloc'd; 54000 where it is too large. */
extern struct varlena *tally_encode(const Tally *tally);

/* Takes a detoasted datum apart, in the current memory context; XX001 where it isn't one. */
extern Tally *tally_decode(const TallyShape *shape, const struct varlena *datum);

/* JSON text, palloc'd, and back: 22P02, 22023, 22003 with what is wrong. */
extern char *tally_to_text(const Tally *tally);
extern Tally *tally_from_text(const TallyShape *shape, const char *text);

/* As clients get it: a bytea, with texts in the client's encoding. */
extern struct varlena *tally_to_bytes(const Tally *tally);

/* Bytes from outside: everything is checked; 22P03. */
extern Tally *tally_from_bytes(const TallyShape *shape, const uint8 *bytes, size_t len);

/* ---- parameters that many shapes have ---- */

/* A calendar_period's and a date's canonical text; a zone's own spelling. */
extern char *tally_canonical_period(const char *text);
extern char *tally_canonical_day(const char *text);
extern char *tally_canonical_zone(const char *text);

/* ... of one that is true or false, by its name. */
extern char *tally_canonical_flag(const char *text, const char *name);

/* ... of a parameter that is one of some names; 22P02 where it is another text. */
extern char *tally_canonical_choice(const char *text, const char *refusal, const char *const *names,
									int nnames);

/* ---- its SQL type ---- */

/*
 * Defines the C functions of a result type: loyalty_<type>_in, _out, _recv, _send,
 * loyalty_<type>_merge (for rollup() and as combine function; not strict) and loyalty_<type>_scope
 * (result_scope()).
 * metric/result_type.sql has the SQL that goes with it.
 */
#define TALLY_TYPE(type, shape)                    \
	SOFT_INPUT(loyalty_##type##_in)                \
	{                                              \
		return tally_in(fcinfo, shape);            \
	}                                              \
	PG_FUNCTION_INFO_V1(loyalty_##type##_out);     \
	Datum loyalty_##type##_out(PG_FUNCTION_ARGS)   \
	{                                              \
		return tally_out(fcinfo, shape);           \
	}                                              \
	PG_FUNCTION_INFO_V1(loyalty_##type##_recv);    \
	Datum loyalty_##type##_recv(PG_FUNCTION_ARGS)  \
	{                                              \
		return tally_recv(fcinfo, shape);          \
	}                                              \
	PG_FUNCTION_INFO_V1(loyalty_##type##_send);    \
	Datum loyalty_##type##_send(PG_FUNCTION_ARGS)  \
	{                                              \
		return tally_send(fcinfo, shape);          \
	}                                              \
	PG_FUNCTION_INFO_V1(loyalty_##type##_merge);   \
	Datum loyalty_##type##_merge(PG_FUNCTION_ARGS) \
	{                                              \
		return tally_merge(fcinfo, shape);         \
	}                                              \
	PG_FUNCTION_INFO_V1(loyalty_##type##_scope);   \
	Datum loyalty_##type##_scope(PG_FUNCTION_ARGS) \
	{                                              \
		return tally_scope(fcinfo, shape);         \
	}

extern Datum tally_in(FunctionCallInfo fcinfo, const TallyShape *shape);
extern Datum tally_out(FunctionCallInfo fcinfo, const TallyShape *shape);
extern Datum tally_recv(FunctionCallInfo fcinfo, const TallyShape *shape);
extern Datum tally_send(FunctionCallInfo fcinfo, const TallyShape *shape);
extern Datum tally_merge(FunctionCallInfo fcinfo, const TallyShape *shape);
extern Datum tally_scope(FunctionCallInfo fcinfo, const TallyShape *shape);

/* The result in argument n, which isn't NULL, opened for reading; an aggregate's state too. */
extern Tally *tally_argument(FunctionCallInfo fcinfo, int n, const TallyShape *shape);

/* ---- aggregates ---- */

typedef struct TallyState TallyState;

/* Brings what a fold has counted apart into the tally, and takes it out of the fold. */
typedef void (*TallyFlush)(void *fold, Tally *tally);

struct TallyState
{
	ExpandedObjectHeader header; /* first; eoh_context is where all of it lives */
	Tally *tally;
	void *fold; /* the metric's own; NULL: none yet */
	TallyFlush flush;
	struct varlena *flat; /* made for flattening; nobody else's */
};

/*
 * The state in argument n of a transition or combine function: itself where it is one that may
 * be changed, a copy where it is flat, a new and empty one where the argument is NULL. *is_new
 * tells the caller to set the parameters. A fold is made by the caller where there is none, in
 * eoh_context.
 */
extern TallyState *tally_state(FunctionCallInfo fcinfo, int n, const TallyShape *shape,
							   bool *is_new);

/* What a transition function returns. */
#define TALLY_RETURN_STATE(state) PG_RETURN_DATUM(EOHPGetRWDatum(&(state)->header))

#endif
