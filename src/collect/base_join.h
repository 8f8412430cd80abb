/*
 * base_join.h
 *		Two bases read side by side: for each customer, his body in the one and in the other.
 */
#ifndef LOYALTY_BASE_JOIN_H
#define LOYALTY_BASE_JOIN_H

#include "postgres.h"

#include "collect/base.h"

/* One base, standing at a customer. */
typedef struct BaseSide
{
	BaseCursor cursor;
	bool at_end;
	uint64 hash;
	Customer customer;
	ByteSpan body;
} BaseSide;

typedef struct BaseJoin
{
	CustomerType type;
	BaseSide sides[2];
} BaseJoin;

/* Starts a walk over the customers of two bases, which are of one type. */
extern void base_join_open(BaseJoin *join, const Base *first, const Base *second);

/* The next customer of either base; the bytes of a body are NULL where he isn't in that one. */
extern bool base_join_next(BaseJoin *join, ByteSpan *first, ByteSpan *second);

#endif
