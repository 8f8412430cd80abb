/*
 * metric_internal.h
 *		The parts of a tally: shared by tally.c, which makes and changes it, and the files
 *		that write and read it (tally_stored.c, tally_packed.c, tally_rows.c, tally_text.c,
 *		tally_check.c); and how a function over bases is called.
 */
#ifndef LOYALTY_METRIC_INTERNAL_H
#define LOYALTY_METRIC_INTERNAL_H

#include "postgres.h"

#include "metric/metric.h"
#include "metric/tally.h"

struct rows_hash;

/* A row's key as it is written. */
typedef struct WrittenKey
{
	int64 columns[TALLY_MAX_KEYS];
} WrittenKey;

/* The columns of keys that are stored. */
typedef struct KeyColumns
{
	int n;
	int of[TALLY_MAX_KEYS]; /* in the shape */
	int text;				/* the one of them that is a text; -1: none */
	int bits;				/* that the number of one takes */
} KeyColumns;

/*
 * The rows of a tally as they are stored, sorted, in a fraction of the memory that they take in the
 * list. Of shapes without texts, whose keys would have to be known before the first row is written.
 */
typedef struct PackedRows
{
	KeyColumns columns;
	ByteBuffer bytes;
	int64 nrows;
	WrittenKey last; /* the key of the last one; unknown where it was read */
	bool can_append; /* it is known */
} PackedRows;

/* Reads rows as they are stored. */
typedef struct PackedReader
{
	const TallyShape *shape;
	KeyColumns columns;
	ByteReader in;
	uint64 nrows; /* that there are, */
	uint64 n;	  /* and those read */
	WrittenKey key;
	bool has_large; /* a sum is */
	TallyRow row;
	int128 sums[TALLY_MAX_SUMS];
} PackedReader;

struct Tally
{
	const TallyShape *shape;
	MemoryContext context; /* where all of it lives */
	char *parameters[TALLY_MAX_PARAMETERS];
	int ntotals;
	const char *const *total_names;
	int64 totals[TALLY_MAX_TOTALS];
	int guests;	   /* which of them is TALLY_GUESTS, */
	int eventless; /* and TALLY_EVENTLESS, where the framework counts those; else -1 */
	int scale;
	bool has_decimals;	  /* columns of TALLY_DECIMAL */
	bool has_scale;		  /* columns of TALLY_VALUE or TALLY_DECIMAL */
	bool may_have_floats; /* no TALLY_VALUE among them */
	int text_column;	  /* the key that is a text; -1: none */
	PackedRows *packed;	  /* all rows; NULL: they are in the list */
	TallyRow **list;	  /* all rows, as they came */
	char *block;		  /* where rows without text come from, */
	int64 free_rows;	  /* and for how many there is room */
	int64 nlist;
	int64 max_list;
	bool in_order;			/* the list is sorted */
	struct rows_hash *rows; /* the first nrows of them by key; NULL: none */
	int64 nrows;
	TallyRow *last; /* the row found last */
	bool has_large; /* a sum came out of adding tallies, or of a stored one, that is large */
};

/*
 * Each sum fits where it stands. What a metric makes of several may not: numbers of all customers,
 * revenue of a period. A reader refuses that (TallyShape.fault), and so it must not be written.
 * Only sums that are beyond what is counted anywhere can come there, and the others pay nothing.
 */
static inline bool
tally_sum_is_large(TallyType type, int128 sum)
{
	int bits = type == TALLY_COUNT ? 40 : 100;

	return sum >> bits != 0 && sum >> bits != -1;
}

/*
 * The bases that a function over them is called with, open, and the question behind them, with all
 * that the function over a base does before it counts; arguments of another kind stand behind so
 * many of the question's. NULL where the base is; *returns is NULL where there is no such base, and
 * *names where none are asked about.
 */
extern const Base *metric_bases(FunctionCallInfo fcinfo, const Metric *metric, int before,
								int nothers, MetricQuestion *question, const Base **returns,
								MetricNames **names);

/* Has a row a sum that isn't zero? */
static inline bool
tally_row_has_sums(const Tally *tally, const TallyRow *row)
{
	int i;

	for (i = 0; i < tally->shape->nsums; i++)
		if (row->sums[i] != 0)
			return true;
	return false;
}

/* The order of rows: by the shape's columns. */
extern int tally_compare_keys(const Tally *tally, const TallyKey *a, const TallyKey *b);

/* As tally_row(), and says whether the row was there. */
extern TallyRow *tally_enter(Tally *tally, const TallyKey *key, bool *found);

/* Has it no such sum, or total, by its parameters? */
extern bool tally_lacks(const Tally *tally, const char *name);

/* Compares texts by bytes; an absent one (NULL) comes first. */
extern int tally_compare_texts(const char *a, int a_len, const char *b, int b_len);

/* Checks a tally from outside: that it has what it may have, and shape->fault; an error with that
 * SQLSTATE where there is one. */
extern void tally_check(const Tally *tally, int sqlstate);

/* The hint for a tally from outside that isn't one. */
extern int tally_hint(const TallyShape *shape);

/* ---- rows as they are stored (tally_packed.c) ---- */

extern KeyColumns tally_key_columns(const Tally *tally, bool with_text);

/* Writes a row, by the key before; NULL for the first. */
extern void packed_put_row(ByteBuffer *out, const TallyShape *shape, const KeyColumns *columns,
						   const int128 *sums, const WrittenKey *key, const WrittenKey *before);

/* Reads the next one into reader->row, whose texts are left to the caller: their numbers stand in
 * reader->key. False where the bytes aren't a row. */
extern bool packed_read_row(PackedReader *reader);
extern void packed_start(PackedReader *reader, const TallyShape *shape, const KeyColumns *columns,
						 ByteReader in, uint64 nrows);

/* The packed rows of a tally, palloc'd; its next row, which is valid until the one after that is
 * read, NULL at the end. XX001 where the bytes aren't rows. */
extern PackedReader *packed_open(const Tally *tally);
extern const TallyRow *packed_next(PackedReader *reader);

/* Takes so many rows as they are stored, which begin here and end with the bytes. */
extern void tally_take_packed(Tally *tally, ByteReader in, uint64 nrows);

/* Adds the rows of another tally, at the same scale, by merging them into packed ones; false where
 * those are better added one by one. */
extern bool tally_merge_packed(Tally *to, const Tally *from);

extern void tally_unpack_now(Tally *tally);

/* Brings packed rows into the list. Nobody outside can tell, so a reader may, too. */
static inline void
tally_unpack(const Tally *tally)
{
	if (unlikely(tally->packed != NULL))
		tally_unpack_now((Tally *) tally);
}

/* ---- questions (question.c) ---- */

/* What was asked last at a call site, in its fn_extra. */
typedef struct KeptQuestion
{
	MetricQuestion question;
	FmgrInfo *site;
	ZoneDays *session_zone;
	MemoryContext context;
	MemoryContextCallback forget;
} KeptQuestion;

/* The argument of a type of which there is one; NULL: none. */
extern const MetricArgument *metric_argument_of(const Metric *metric, MetricArgumentType type);

/* The text that the i-th argument is as a parameter; NULL where it is unknown, or not given. */
extern const char *metric_argument_text(const Metric *metric, const MetricQuestion *question,
										int i);

extern bool metric_is_kept(const KeptQuestion *kept, const MetricQuestion *asked,
						   const Metric *metric);

/* Opens a question in a memory context. The call site keeps it as long as that lives; NULL: none
 * does. */
extern KeptQuestion *metric_keep_question(FmgrInfo *site, MemoryContext context,
										  const Metric *metric, const MetricQuestion *asked);

/* Opens what was asked, in the current memory context; of a base, or of what comes a row. */
extern void metric_open_question(const Metric *metric, MetricQuestion *question, const Base *base);

/* The text of a parameter: of the argument that has its name, the zone, or the metric's own. */
extern const char *metric_parameter_text(const Metric *metric, const MetricQuestion *question,
										 int parameter);

extern void metric_read_question(FunctionCallInfo fcinfo, int n, const Metric *metric,
								 MetricQuestion *question);

/* What a call asks, as it came: the arguments from the n-th on, among which others stand behind so
 * many. */
extern void metric_read_question_around(FunctionCallInfo fcinfo, int n, const Metric *metric,
										int before, int nothers, MetricQuestion *question);

/* Are all the others, but for texts of policies and periods? */
extern bool metric_same_common(const MetricQuestion *a, const MetricQuestion *b);

extern bool metric_same_question(const MetricQuestion *a, const MetricQuestion *b,
								 const Metric *metric);

/* Is an argument that Metric.open() reads the same? */
extern bool metric_same_value(const MetricQuestion *a, const MetricQuestion *b,
							  const Metric *metric, int i);

#endif
