/*
 * deal_group.h
 *		The rows of a part, by customer: inside the cache, if the part is that small.
 */
#ifndef LOYALTY_DEAL_GROUP_H
#define LOYALTY_DEAL_GROUP_H

#include "postgres.h"

#include "collect/deal.h"

typedef struct RowGroup
{
	uint64 hash;
	Customer customer;
	uint32 nrows;
	uint32 first; /* of its rows */
} RowGroup;

/* Memory that is kept from part to part. */
typedef struct GroupRoom
{
	void *at;
	size_t size;
} GroupRoom;

/* All rows of a part, group by group, each group's in the order in which they came. */
typedef struct RowGroups
{
	MemoryContext context; /* the memory's */
	uint32 ngroups;
	RowGroup *groups;
	uint8 *payloads;			/* one behind the other, where all have the same size */
	const uint8 **own_payloads; /* else where each stands in the chunks */
	GroupRoom slots;
	GroupRoom group_room;
	GroupRoom numbers;
	GroupRoom rows;
} RowGroups;

/* Bytes of memory that grouping so many rows takes, of so many customers, beside the chunks. */
extern size_t group_rows_memory(const RowForm *form, int64 rows, int64 customers);

/* Groups the rows of these chunks, of a part whose rows share skip bits of the hash. customers: a
 * guess. */
extern void group_rows(RowGroups *groups, const RowForm *form, int skip, const DealChunk *chunks,
					   int64 rows, int64 customers);

/* Lets go of the memory. */
extern void group_rows_free(RowGroups *groups);

#endif
