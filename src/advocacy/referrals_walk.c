/*
 * referrals_walk.c
 *		The chains of who brought whom: which referrer counts, how deep a customer is, whom he
 *		brought; and what isn't a chain.
 *
 * Rows only say who named whom, so it is settled here, whatever their order was:
 *
 * - Nobody brings himself: that he was named as his own referrer is noted, and not followed.
 * - Of several referrers one counts: the first by his key of those who are customers; where none of
 *	 them is, the first.
 * - Who is only named as a referrer begins a chain like a customer whom nobody brought: that there
 *	 is somebody by that key is what the rows say. He is no customer.
 * - Where customers brought each other in a circle, none of them was first: they have no root and
 * no depth, nor has anybody below them; and who came by one of the circle can't be told from who
 *	 came by another, so those in it have no downstream.
 *
 * Who has one referrer at most is in a forest, but for circles. Its leaves are peeled off (Kahn's
 * algorithm, Communications of the ACM 5, 1962): each is counted for his referrer, who is a leaf
 * himself when all whom he brought are gone. What is left over are the circles. Backwards, the same
 * order goes from the roots down. So there is no recursion, and the time is linear, whatever the
 * graph is.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "advocacy/advocacy_internal.h"

/* The referrer of a node that counts, and what goes with it. */
static void
choose_referrer(ReferralForest *forest, int32 node)
{
	const Referrals *referrals = forest->referrals;
	int32 chosen = -1;
	int32 i;

	for (i = referrals->first[node]; i < referrals->first[node + 1]; i++)
	{
		int32 referrer = referrals->referrers[i];

		if (referrer == node)
		{
			forest->self[node] = true;
			continue;
		}
		forest->named[node]++;
		if (chosen < 0 || (!referrals->customer[chosen] && referrals->customer[referrer]))
			chosen = referrer;
	}
	forest->referrer[node] = chosen;
	if (chosen >= 0)
		forest->direct[chosen]++;
}

/* Peels leaves off, and counts them; returns how many were. order has them, leaves first. */
static int32
peel(ReferralForest *forest, int32 *order)
{
	int32 count = forest->referrals->count;
	int32 *left = palloc_extended(Max(1, count) * sizeof(int32), MCXT_ALLOC_HUGE);
	int32 npeeled = 0;
	int32 i;

	for (i = 0; i < count; i++)
	{
		left[i] = forest->direct[i];
		if (left[i] == 0)
			order[npeeled++] = i;
	}
	for (i = 0; i < npeeled; i++)
	{
		int32 node = order[i];
		int32 referrer = forest->referrer[node];

		if (referrer >= 0)
		{
			forest->downstream[referrer] += forest->downstream[node] + 1;
			if (--left[referrer] == 0)
				order[npeeled++] = referrer;
		}
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < count; i++)
		forest->in_cycle[i] = left[i] > 0;
	pfree(left);
	return npeeled;
}

/* Those in circles have neither beginning nor end. */
static void
count_cycles(ReferralForest *forest)
{
	int32 i;

	for (i = 0; i < forest->referrals->count; i++)
	{
		int32 node = i;

		if (!forest->in_cycle[i] || forest->downstream[i] < 0)
			continue;
		forest->cycles++;
		while (forest->downstream[node] >= 0)
		{
			forest->downstream[node] = -1;
			node = forest->referrer[node];
			CHECK_FOR_INTERRUPTS();
		}
	}
}

/* From the roots down. */
static void
descend(ReferralForest *forest, const int32 *order, int32 npeeled)
{
	int32 i;

	memset(forest->root, -1, forest->referrals->count * sizeof(int32));
	memset(forest->depth, -1, forest->referrals->count * sizeof(int32));
	for (i = npeeled - 1; i >= 0; i--)
	{
		int32 node = order[i];
		int32 referrer = forest->referrer[node];

		if (referrer < 0)
		{
			forest->root[node] = node;
			forest->depth[node] = 0;
		}
		else if (forest->root[referrer] >= 0)
		{
			forest->root[node] = forest->root[referrer];
			forest->depth[node] = forest->depth[referrer] + 1;
		}
		CHECK_FOR_INTERRUPTS();
	}
}

static void *
zeros(int32 count, size_t size)
{
	return palloc_extended(Max(1, count) * size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

ReferralForest *
referral_forest(const Referrals *referrals)
{
	ReferralForest *forest = palloc0(sizeof(ReferralForest));
	int32 count = referrals->count;
	int32 *order = zeros(count, sizeof(int32));
	int32 npeeled;
	int32 i;

	forest->referrals = referrals;
	forest->referrer = zeros(count, sizeof(int32));
	forest->named = zeros(count, sizeof(int32));
	forest->self = zeros(count, sizeof(bool));
	forest->in_cycle = zeros(count, sizeof(bool));
	forest->root = zeros(count, sizeof(int32));
	forest->depth = zeros(count, sizeof(int32));
	forest->direct = zeros(count, sizeof(int32));
	forest->downstream = zeros(count, sizeof(int32));
	for (i = 0; i < count; i++)
	{
		choose_referrer(forest, i);
		CHECK_FOR_INTERRUPTS();
	}
	npeeled = peel(forest, order);
	count_cycles(forest);
	descend(forest, order, npeeled);
	pfree(order);
	return forest;
}
