/*
 * program_face.h
 *		What the SQL faces of programmes over everyone share: fold and parameters as
 *		metric/base_metric.h wants them, reading results.
 */
#ifndef LOYALTY_PROGRAM_FACE_H
#define LOYALTY_PROGRAM_FACE_H

#include "postgres.h"

#include "core/rows.h"
#include "metric/tally.h"
#include "program/program_base.h"
#include "metric/base_metric.h"

/* Parameters of all shapes; a metric has one more at most. */
typedef enum ProgramParameter
{
	PROGRAM_PARAMETER_PROGRAM,
	PROGRAM_PARAMETER_ZONE,
	PROGRAM_PARAMETER_AS_OF,
	PROGRAM_PARAMETER_OTHER
} ProgramParameter;

extern char *program_canonical(const char *text);

#define PROGRAM_PARAMETER(parameter)                                        \
	{                                                                       \
		.name = parameter, .is_json = true, .canonical = program_canonical, \
		.hint = "Count all of them by one programme."                       \
	}
#define PROGRAM_ARGUMENT(argument, type, parameter)                                               \
	{                                                                                             \
		argument, type, parameter, "'{}' is 1 point per 1.00, that never expires, without tiers." \
	}
#define PROGRAM_ARGUMENT_AS_OF                             \
	{                                                      \
		"as_of", BASE_AS_OF, PROGRAM_PARAMETER_AS_OF, NULL \
	}

/* The parts of a BaseMetric; the kind of fold is a ProgramFoldKind. */
extern void *program_open(const struct varlena *program);
extern ZoneDays **program_zone(void *program);
extern void *program_start_fold(int fold_kind, const BaseQuestion *asked);
extern void program_add_customer(void *fold, ByteSpan body);
extern void program_flush_fold(void *fold, Tally *tally);

#define PROGRAM_METRIC                                                                     \
	.zone_parameter = PROGRAM_PARAMETER_ZONE, .open_policy = program_open,                 \
	.policy_zone = program_zone, .start = program_start_fold, .add = program_add_customer, \
	.flush = program_flush_fold

/* ---- reading results ---- */

/* The programme of a parameter; NULL where the result has none, and so no rows. */
extern ProgramPolicy *program_of_result(const Tally *tally, int parameter);

/* Is this a rank of the programme, or the least that may stand for one? */
extern bool program_has_rank(const ProgramPolicy *program, int64 rank, int64 least);

/* The scale at which a sum shows points: as many decimals as the earn rules give, and more where
 * some row needs them. */
extern int program_points_scale(const Tally *tally, const ProgramPolicy *program, const int *sums,
								int nsums);

/* Adds to a sum; 22003 past 128 bits. */
extern void program_sum_add(int128 *sum, int128 amount);

/* Columns of a table. */
extern void program_put_tier(Rows *rows, const ProgramPolicy *program, int rank);
extern void program_put_count(Rows *rows, int128 count); /* 22003 where bigint can't hold it */
extern void program_put_points(Rows *rows, int128 units, int from_scale, int to_scale);
extern void program_put_as_of(Rows *rows, const Tally *tally);

#endif
