/*
 * orders.h
 *		The different orders among one customer's events: those with one ref are one order, those
 *		without a ref are one each.
 *
 * The set is kept from customer to customer, as the table of refs in it is.
 */
#ifndef LOYALTY_ORDERS_H
#define LOYALTY_ORDERS_H

#include "postgres.h"

#include "core/ref.h"
#include "timeline/timeline.h"

typedef struct OrderSet
{
	RefTable refs;
	int64 without_ref;
} OrderSet;

/* None yet; where the refs grow, they do so in this context. */
static inline void
order_set_init(OrderSet *orders, MemoryContext context)
{
	ref_table_init(&orders->refs, context);
	orders->without_ref = 0;
}

/* Takes all out again. */
static inline void
order_set_clear(OrderSet *orders)
{
	ref_table_clear(&orders->refs);
	orders->without_ref = 0;
}

/* Adds the order of an event, whose ref's bytes stay where they are; is it one that wasn't there?
 */
static inline bool
order_set_add(OrderSet *orders, const Event *event)
{
	RefKey key = { event->ref_type, event->ref_number, event->ref_text };
	int32 known = orders->refs.count;

	if (event->ref_type == EVENT_REF_NONE)
	{
		orders->without_ref++;
		return true;
	}
	(void) ref_table_add(&orders->refs, &key);
	return orders->refs.count > known;
}

static inline int64
order_set_count(const OrderSet *orders)
{
	return orders->refs.count + orders->without_ref;
}

#endif
