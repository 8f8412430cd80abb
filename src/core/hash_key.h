/*
 * hash_key.h
 *		Hashes that can't be foreseen: for tables of what comes from outside.
 *
 * Whoever may choose customers' ids must not be able to choose ones that share their hashes:
 * a table's probing would become quadratic. So hashes depend on a key that never leaves the
 * server. It is made from the secret that initdb draws for each cluster and that no SQL shows,
 * so that all processes of a cluster, parallel workers and standbys too, hash alike: what one
 * of them has put in the order of hashes another one merges. Bytes that are stored in that
 * order carry the key's fingerprint, since pg_upgrade makes another key.
 *
 * A number's hash is a permutation: numbers that differ have hashes that differ. The steps
 * are those of MurmurHash3's finalizer, with secret factors in place of the published ones:
 * a product's top bits, and so the place in a table, agree for two numbers for as many
 * factors as they do by chance, whatever the two are.
 */
#ifndef LOYALTY_HASH_KEY_H
#define LOYALTY_HASH_KEY_H

#include "postgres.h"

#include "common/hashfn.h"

typedef struct HashKey
{
	bool made;
	uint64 whitening;
	uint64 factors[2]; /* odd */
	uint64 seed;	   /* of bytes */
	uint64 fingerprint;
} HashKey;

extern HashKey hash_secret;
extern void hash_key_make(void);

/* To be called before the first hash; who makes a table does. */
static inline void
hash_key_need(void)
{
	if (unlikely(!hash_secret.made))
		hash_key_make();
}

static inline uint64
hash_number(uint64 number)
{
	number ^= hash_secret.whitening;
	number ^= number >> 33;
	number *= hash_secret.factors[0];
	number ^= number >> 33;
	number *= hash_secret.factors[1];
	number ^= number >> 33;
	return number;
}

static inline uint64
hash_bytes_keyed(const void *bytes, size_t len)
{
	return hash_bytes_extended(bytes, (int) len, hash_secret.seed);
}

#endif
