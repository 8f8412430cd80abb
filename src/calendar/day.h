/*
 * day.h
 *		Days as text: ISO whatever DateStyle says, since stored texts must mean the same everywhere;
 *		days as they come in, in JSON and as arguments.
 */
#ifndef LOYALTY_DAY_H
#define LOYALTY_DAY_H

#include "postgres.h"

#include "utils/date.h"

#include "fmgr.h"

#include "core/json.h"

typedef enum DayText
{
	DAY_READ,
	DAY_NOT_ISO,
	DAY_OUT_OF_RANGE, /* no such day, or none that a date holds */
	DAY_INFINITE	  /* 'infinity' or '-infinity', as day says */
} DayText;

/* Reads exactly one day: YYYY-MM-DD, with " BC" behind it before year 1. */
extern DayText day_parse(const char *text, size_t len, DateADT *day);

/* Refuses 'infinity' and '-infinity' (22008); the name tells which day it is. */
extern void check_finite_named_day(DateADT day, const char *name);
extern void check_finite_day(DateADT day);

/* A day in ISO form whatever DateStyle says ('2024-01-05', '0044-03-15 BC'), palloc'd. */
extern char *day_text(DateADT day);

/* A JSON value as a day, worded as json.h does. */
extern DateADT json_as_day(const JsonbValue *value, const char *type, const char *key);

/* The day in an argument that isn't NULL; infinity is 22008. */
extern DateADT argument_finite_day(FunctionCallInfo fcinfo, int n, const char *name);

/* The same of one whose default is today; NULL is 22004. */
extern DateADT argument_day(FunctionCallInfo fcinfo, int n, const char *name);

#endif
