/*
 * base_join.c
 *		Two bases read side by side.
 *
 * A base's runs are in the order of its customers' hashes, and its parts are told apart by
 * the top bits of them: all of it is in one order, whatever the number of parts. So two bases
 * are merged as streams, without a table.
 */
#include "postgres.h"

#include "collect/base_join.h"
#include "collect/collect_part.h"

static void
advance(BaseSide *side, CustomerType type)
{
	side->at_end = !base_next(&side->cursor, &side->customer, &side->body);
	if (!side->at_end)
		side->hash = customer_hash(type, side->customer);
}

void
base_join_open(BaseJoin *join, const Base *first, const Base *second)
{
	int i;

	Assert(first->type == second->type);
	memset(join, 0, sizeof(BaseJoin));
	join->type = first->type;
	base_rewind(&join->sides[0].cursor, base_in_order(first));
	base_rewind(&join->sides[1].cursor, base_in_order(second));
	for (i = 0; i < 2; i++)
		advance(&join->sides[i], join->type);
}

/* Does a side stand at a customer whom the other one doesn't have? */
static bool
is_alone(const BaseSide *side, const BaseSide *other, CustomerType type)
{
	return !side->at_end && (other->at_end || customer_before(type, side->hash, &side->customer,
															  other->hash, &other->customer));
}

bool
base_join_next(BaseJoin *join, ByteSpan *first, ByteSpan *second)
{
	BaseSide *a = &join->sides[0];
	BaseSide *b = &join->sides[1];
	bool only_a = is_alone(a, b, join->type);
	bool only_b = is_alone(b, a, join->type);
	ByteSpan none = { NULL, 0 };

	if (a->at_end && b->at_end)
		return false;
	*first = only_b ? none : a->body;
	*second = only_a ? none : b->body;
	if (!only_b)
		advance(a, join->type);
	if (!only_a)
		advance(b, join->type);
	return true;
}
