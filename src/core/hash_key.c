/*
 * hash_key.c
 *		The key of hashes, made from the cluster's secret.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_control.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "core/codec.h"
#include "core/hash_key.h"

HashKey hash_secret;

/* SHA-256 of a purpose and the secret, as four numbers: none tells of the others. */
static void
derive(const char *purpose, uint64 numbers[4])
{
	size_t len = strlen(purpose);
	bytea *input = datum_allocate(VARHDRSZ + len + MOCK_AUTH_NONCE_LEN, "key", "There is none.");
	bytea *digest;

	memcpy(VARDATA(input), purpose, len);
	memcpy(VARDATA(input) + len, GetMockAuthenticationNonce(), MOCK_AUTH_NONCE_LEN);
	digest = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(input)));
	Assert(VARSIZE_ANY_EXHDR(digest) == 4 * sizeof(uint64));
	memcpy(numbers, VARDATA_ANY(digest), 4 * sizeof(uint64));
	pfree(input);
	pfree(digest);
}

void
hash_key_make(void)
{
	uint64 numbers[4];

	derive("loyalty: key of hashes", numbers);
	hash_secret.whitening = numbers[0];
	hash_secret.factors[0] = numbers[1] | 1;
	hash_secret.factors[1] = numbers[2] | 1;
	hash_secret.seed = numbers[3];
	derive("loyalty: fingerprint of the key", numbers);
	hash_secret.fingerprint = numbers[0];
	hash_secret.made = true;
}
