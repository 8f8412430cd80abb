/*
 * program_policy.h
 *		Between the parts of program_policy: its JSON read (program_policy.c) and written
 *		(program_policy_write.c), and its SQL face (program_policy_sql.c).
 */
#ifndef LOYALTY_PROGRAM_POLICY_H
#define LOYALTY_PROGRAM_POLICY_H

#include "program/program.h"

#include "policy/policy_type.h"

#define PROGRAM_POLICY_TYPE "program_policy"

/* Names in the JSON, in the order of their enum; the first is the default. */
extern const char *const program_metric_names[PROGRAM_ORDERS + 1];

/* Reads the rules from a JSON object; everything is checked. In the current context. */
extern ProgramPolicy *program_policy_read(JsonbContainer *json);

/* Do two versions mean the same? */
extern bool program_version_same(const ProgramPolicy *policy, const ProgramVersion *a,
								 const ProgramVersion *b);

/* Has a version a tier in which nothing expires? */
extern bool program_version_suspends(const ProgramPolicy *policy, const ProgramVersion *version);

/* The stored form: what rules mean, written one way. */
extern struct varlena *program_policy_pack(const ProgramPolicy *policy);

/* ---- program_policy_sql.c ---- */

extern const PolicyFace program_policy_face;

/* The stored form of rules written as JSON; everything is checked. */
extern struct varlena *program_policy_from_text(const char *text);

#endif
