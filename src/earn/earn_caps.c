/*
 * earn_caps.c
 *		Caps: what was earned in each day, month, year and in all, and what is left.
 *
 * A counter is of all points, of a multiplier or of a bonus. Instants only go forward, so that
 * it needs no more than the current day, month and year, and the one before for zones that set
 * their clock back over midnight.
 */
#include "postgres.h"

#include "utils/datetime.h"

#include "earn/earn_state.h"

#define NO_KEY PG_INT32_MIN

void
earn_counters_clear(EarnWalk *walk)
{
	int i;
	int span;

	for (i = 0; i < walk->policy->ncounters; i++)
	{
		memset(&walk->counters[i], 0, sizeof(EarnCounter));
		for (span = 0; span < 3; span++)
			walk->counters[i].spans[span].key[0] = walk->counters[i].spans[span].key[1] = NO_KEY;
	}
}

void
earn_scale_caps(const EarnPolicy *policy, const EarnCaps *caps, int64 *scaled)
{
	int i;

	for (i = 0; i < EARN_SPANS; i++)
	{
		const Decimal *most = &caps->most[i];

		scaled[i] = -1;
		if (caps->any && most->units >= 0)
			scaled[i] = decimal_rescale(most->units, most->scale, policy->scale);
	}
}

/* What the current day, month or year has used up. */
static int128 *
used_now(EarnWalk *walk, EarnBucket *bucket, int span)
{
	int32 key = walk->keys[span];
	int slot;

	for (slot = 0; slot < 2; slot++)
		if (bucket->key[slot] == key)
			return &bucket->used[slot];
	slot = bucket->key[0] < bucket->key[1] ? 0 : 1;
	bucket->key[slot] = key;
	bucket->used[slot] = 0;
	return &bucket->used[slot];
}

static void
set_keys(EarnWalk *walk)
{
	int year;
	int month;
	int day;

	j2date(walk->today + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	walk->keys[0] = walk->today;
	walk->keys[1] = year * MONTHS_PER_YEAR + month;
	walk->keys[2] = year;
	walk->has_keys = true;
}

int64
earn_within_caps(EarnWalk *walk, int counter, const int64 *caps, int64 points, const EarnRule *rule)
{
	EarnCounter *count = &walk->counters[counter];
	int128 *used[EARN_SPANS];
	int span;

	if (!walk->has_keys)
		set_keys(walk);
	for (span = EARN_DAY; span < EARN_LIFETIME; span++)
		used[span] = used_now(walk, &count->spans[span - EARN_DAY], span - EARN_DAY);
	used[EARN_LIFETIME] = &count->lifetime;
	for (span = EARN_DAY; span < EARN_SPANS; span++)
	{
		int128 left;

		if (caps[span] < 0)
			continue;
		left = Max(caps[span] - *used[span], 0);
		if (points > left)
		{
			points = (int64) left;
			if (walk->note != NULL)
				earn_note_cap(walk, rule, (EarnSpan) span, caps[span]);
		}
	}
	for (span = EARN_DAY; span < EARN_SPANS; span++)
		*used[span] += points;
	return points;
}
