/*
 * apportion.c
 *		Sharing a whole in proportion to weights, by largest remainder.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/apportion.h"
#include "core/array.h"

static int
compare_remainders(const void *a, const void *b)
{
	const ApportionShare *x = a;
	const ApportionShare *y = b;

	if (x->remainder != y->remainder)
		return x->remainder > y->remainder ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

static int
compare_places(const void *a, const void *b)
{
	const ApportionShare *x = a;
	const ApportionShare *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

/* whole x weight / total, bit by bit of the whole: the product may have more than 128. */
static void
divide_slowly(ApportionShare *share, uint64 whole, int128 total)
{
	int bit;

	share->units = 0;
	share->remainder = 0;
	for (bit = 63; bit >= 0; bit--)
	{
		share->units *= 2;
		share->remainder *= 2;
		if (whole >> bit & 1)
			share->remainder += share->weight;
		while (share->remainder >= total)
		{
			share->remainder -= total;
			share->units++;
		}
	}
}

void
apportion(ApportionShare *shares, int64 n, uint64 whole, int128 total)
{
	uint64 rest = whole;
	int64 i;

	Assert(total > 0 && total <= APPORTION_MAX);
	for (i = 0; i < n; i++)
	{
		if (likely(total <= PG_INT64_MAX))
		{
			int128 product = (int128) whole * shares[i].weight;

			shares[i].units = (uint64) (product / total);
			shares[i].remainder = product % total;
		}
		else
			divide_slowly(&shares[i], whole, total);
		shares[i].place = i;
		rest -= shares[i].units;
		CHECK_FOR_INTERRUPTS();
	}
	if (rest == 0)
		return;
	/* what is left is less than there are remainders, so that each gets one at most */
	sort_elements(shares, n, sizeof(ApportionShare), compare_remainders);
	for (i = 0; i < (int64) rest; i++)
		shares[i].units++;
	sort_elements(shares, n, sizeof(ApportionShare), compare_places);
}
