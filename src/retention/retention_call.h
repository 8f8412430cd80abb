/*
 * retention_call.h
 *		The arguments of a call that say which kind of retention is asked for.
 */
#ifndef LOYALTY_RETENTION_CALL_H
#define LOYALTY_RETENTION_CALL_H

#include "postgres.h"

#include "fmgr.h"

#include "retention/retention.h"

/* Where the arguments stand; -1: the function doesn't have it. */
typedef struct RetentionPlaces
{
	int mode;
	int brackets;
	int rolling;
	int elapsed;
} RetentionPlaces;

/* Reads them; 22004 for a mode that is NULL, 22023 for what is wrong. */
extern RetentionKind retention_kind_arguments(FunctionCallInfo fcinfo, RetentionPlaces places);

/* Options of an aggregate: jsonb, detoasted; NULL: none. */
extern RetentionKind retention_kind_option(const struct varlena *options);

#endif
