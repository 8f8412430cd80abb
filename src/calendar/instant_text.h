/*
 * instant_text.h
 *		Instants as ISO 8601 text, the same in every session.
 */
#ifndef LOYALTY_INSTANT_TEXT_H
#define LOYALTY_INSTANT_TEXT_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "core/compat.h"

typedef enum InstantParse
{
	INSTANT_OK,
	INSTANT_MALFORMED,
	INSTANT_NO_OFFSET,	 /* an instant, but for the offset from UTC */
	INSTANT_OUT_OF_RANGE /* no such day or time, or none that a timestamptz holds */
} InstantParse;

/* Room for the longest text. */
#define INSTANT_TEXT_SIZE 48

/* Writes '2024-01-05T10:00:00.25+00:00', with ' BC' where it is, or 'infinity', '-infinity'. */
extern void instant_to_text(TimestampTz at, char *text);

/*
 * Reads a date, 'T' or a blank, a time and an offset ('Z', '+02', '+0200', '+02:00'), then ' BC'
 * where it is; 'infinity' and '-infinity' too. DateStyle and TimeZone are not looked at.
 */
extern InstantParse instant_from_text(const char *text, int len, TimestampTz *at);

#endif
