/*
 * tally_sql.h
 *		The SQL face of tallies: I/O of their types, aggregates whose state is a result, rows.
 *
 * An aggregate's state has the result's own type: an expanded object around a Tally, with
 * what the metric folds with beside it. So partial states travel as results, and rollup() and
 * the combine function are one.
 */
#ifndef LOYALTY_TALLY_SQL_H
#define LOYALTY_TALLY_SQL_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/expandeddatum.h"

#include "core/soft_input.h"
#include "metric/tally.h"

/*
 * Defines the C functions of a result type: loyalty_<type>_in, _out, _recv, _send and
 * loyalty_<type>_merge (for rollup() and as combine function; not strict).
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
	}

extern Datum tally_in(FunctionCallInfo fcinfo, const TallyShape *shape);
extern Datum tally_out(FunctionCallInfo fcinfo, const TallyShape *shape);
extern Datum tally_recv(FunctionCallInfo fcinfo, const TallyShape *shape);
extern Datum tally_send(FunctionCallInfo fcinfo, const TallyShape *shape);
extern Datum tally_merge(FunctionCallInfo fcinfo, const TallyShape *shape);

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
