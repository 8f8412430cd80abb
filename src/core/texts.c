/*
 * texts.c
 *		Numbers texts, each once.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "core/array.h"
#include "core/hash_key.h"
#include "core/texts.h"

typedef struct TextEntry
{
	ByteSpan text;
	uint32 number;
	uint32 hash;
	char status;
} TextEntry;

#define SH_PREFIX				text_table
#define SH_ELEMENT_TYPE			TextEntry
#define SH_KEY_TYPE				ByteSpan
#define SH_KEY					text
#define SH_HASH_KEY(table, key) (uint32) hash_bytes_keyed((key).bytes, (key).len)
#define SH_EQUAL(table, a, b)	((a).len == (b).len && memcmp((a).bytes, (b).bytes, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE				  static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct Texts
{
	MemoryContext context;
	text_table_hash *table;
	ByteSpan *all; /* by number - 1 */
	int64 max_all;
	uint32 count;
};

Texts *
texts_create(MemoryContext context)
{
	Texts *texts = MemoryContextAllocZero(context, sizeof(Texts));

	hash_key_need();
	texts->context = context;
	texts->table = text_table_create(context, 64, NULL);
	return texts;
}

uint32
texts_number(Texts *texts, ByteSpan text)
{
	bool found;
	TextEntry *entry = text_table_insert(texts->table, text, &found);

	if (!found)
	{
		uint8 *copy = MemoryContextAllocHuge(texts->context, Max(text.len, 1));

		memcpy(copy, text.bytes, text.len);
		entry->text.bytes = copy;
		texts->all = array_grow_in(texts->context, texts->all, &texts->max_all,
								   (int64) texts->count + 1, sizeof(ByteSpan));
		texts->all[texts->count] = entry->text;
		entry->number = ++texts->count;
	}
	return entry->number;
}

uint32
texts_count(const Texts *texts)
{
	return texts->count;
}

ByteSpan
texts_get(const Texts *texts, uint32 number)
{
	Assert(number > 0 && number <= texts->count);
	return texts->all[number - 1];
}
