/*
 * soft_input.h
 *		Input functions that report malformed text softly, where the server asks for that (from
 *		PostgreSQL 16 on: pg_input_is_valid(), COPY ... ON_ERROR).
 *
 * Our parsers say what is wrong with a text by ereport(ERROR), in some hundred places, deep in
 * functions that others call too. Instead of handing an ErrorSaveContext down to each, the error
 * is caught at the door, and handed over to the server as it is: SQLSTATE, message, detail, hint.
 *
 * To go on after an error without ending a subtransaction is safe only where nothing is left that
 * the end of one cleans up. That holds for what runs here, and must hold for what is added:
 *
 * - They compute, and allocate in the current memory context or below it, which the server clears
 *   after each row whether it was good or not. What outlives a row (the cache of zones) is
 *   written only when it is complete: an error must not spoil it anyway.
 * - They read no table and no catalog, run no SQL, look up no function, and take no lock, buffer,
 *   snapshot or file that they keep: zones come from pg_tzset(), which closes what it opens; and of
 *   the server's functions they call, directly, those that read jsonb, bytea, numeric and interval.
 * - They leave no variable set that they set for a while.
 *
 * Only errors that are about the text are caught (soft_input.c): cancelling, lack of memory or of
 * stack, and what should not happen at all go on up as ever.
 */
#ifndef LOYALTY_SOFT_INPUT_H
#define LOYALTY_SOFT_INPUT_H

#include "postgres.h"

#include "fmgr.h"

/* Runs a function that reads text; its errors are reported as the call wants them. */
extern Datum soft_input(FunctionCallInfo fcinfo, PGFunction read);

/*
 * The head of an input function: SOFT_INPUT(loyalty_type_in) { ... }. Each of this extension's has
 * it (test/soft_input.sql).
 */
#define SOFT_INPUT(name)                        \
	static Datum name##_hard(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name);                  \
	Datum name(PG_FUNCTION_ARGS)                \
	{                                           \
		return soft_input(fcinfo, name##_hard); \
	}                                           \
	static Datum name##_hard(PG_FUNCTION_ARGS)

#endif
