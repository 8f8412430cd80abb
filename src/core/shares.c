/*
 * shares.c
 *		Giving away what rounding left of an amount that was shared out.
 */
#include "postgres.h"

#include "core/array.h"
#include "core/shares.h"

/* Bit by bit of the amount. */
int128
share_of_wide(Share *share, int64 place, int128 amount, int128 weight, int128 total)
{
	int bit = 126;

	Assert(total <= SHARES_MAX_TOTAL);
	*share = (Share){ .place = place };
	for (; bit >= 0; bit--)
	{
		share->units *= 2;
		share->remainder *= 2;
		if (amount >> bit & 1)
			share->remainder += weight;
		while (share->remainder >= total)
		{
			share->remainder -= total;
			share->units++;
		}
	}
	return share->units;
}

static int
compare_shares(const void *a, const void *b)
{
	const Share *x = a;
	const Share *y = b;

	if (x->remainder != y->remainder)
		return x->remainder > y->remainder ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

void
shares_give_rest(Share *shares, int64 n, int128 rest)
{
	int64 i;

	if (rest == 0)
		return;
	sort_elements(shares, n, sizeof(Share), compare_shares);
	for (i = 0; i < (int64) rest; i++)
		shares[i].units++;
}
