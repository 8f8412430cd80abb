/*
 * referrals_stored.c
 *		The bytes of who brought whom: as a stored value, and as clients get and send it.
 *
 *		byte	version
 *		byte	type of the customers (CustomerType)
 *		varint	rows without customer
 *		varint	number of nodes, then each, sorted:
 *			key		bigint: the first zigzag, others a varint, how much larger than the one before;
 *					uuid: 16 bytes; text: varint length, bytes
 *			varint	0: only named as a referrer; else 1 + how many referrers were named
 *			for each of them, sorted: varint, the first its node, others how much larger
 *
 * Nodes are numbered in their order, and one that is only named as a referrer is. So there is one
 * way to write what was collected, and all bytes that can be read mean something else.
 *
 * Clients get the same with texts in their encoding; those needn't be sorted there.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"

#include "advocacy/advocacy_internal.h"
#include "core/array.h"
#include "core/json.h"

#define STORED_VERSION 1
#define SIZE_HINT	   "Collect it in parts, by who began the chains."

static void *
array_of(int64 count, size_t size)
{
	return palloc_extended(Max(1, count) * size, MCXT_ALLOC_HUGE);
}

/* ---- writing ---- */

/* A node by its key: what tells nearly all of them apart first. */
typedef struct KeyOrder
{
	uint64 head; /* a number, moved so that none is negative; else the first bytes */
	const ReferralNode *node;
} KeyOrder;

static bool
key_after(const KeyOrder *a, const KeyOrder *b)
{
	ByteSpan x = { a->node->key.bytes, a->node->len };
	ByteSpan y = { b->node->key.bytes, b->node->len };

	return span_compare(x, y) > 0;
}

/* Numbers differ in their heads. */
#define SORT_NAME	 sort_keys
#define SORT_ELEMENT KeyOrder
#define SORT_AFTER(a, b) \
	((a)->head > (b)->head || (unlikely((a)->head == (b)->head) && key_after(a, b)))
#include "core/merge_sort.h"

static uint64
key_head(const ReferralNode *node, CustomerType type)
{
	uint64 head = 0;

	if (type == CUSTOMER_BIGINT)
		return (uint64) node->key.number ^ (UINT64CONST(1) << 63);
	memcpy(&head, node->key.bytes, Min(node->len, sizeof(head)));
	return pg_ntoh64(head);
}

static KeyOrder *
nodes_in_order(const ReferralSet *set)
{
	KeyOrder *order = array_of(set->nnodes, sizeof(KeyOrder));
	int64 i;

	for (i = 0; i < set->nnodes; i++)
	{
		order[i].head = key_head(&set->nodes[i], set->type);
		order[i].node = &set->nodes[i];
	}
	sort_keys(order, set->nnodes);
	return order;
}

static void
put_key(ByteBuffer *out, CustomerType type, const ReferralNode *node, const ReferralNode *before,
		bool for_client)
{
	if (type == CUSTOMER_BIGINT)
	{
		if (before == NULL)
			buffer_put_signed(out, node->key.number);
		else
			buffer_put_varint(out, (uint64) node->key.number - (uint64) before->key.number);
	}
	else if (type == CUSTOMER_UUID)
		buffer_put_bytes(out, node->key.bytes, UUID_LEN);
	else
	{
		const char *bytes = (const char *) node->key.bytes;
		char *converted = for_client ? pg_server_to_client(bytes, (int) node->len) : (char *) bytes;
		size_t len = converted != bytes ? strlen(converted) : node->len;

		buffer_put_varint(out, len);
		buffer_put_bytes(out, converted, len);
		if (converted != bytes)
			pfree(converted);
	}
}

/* Where the others of a customer begin, or would. */
static int64
first_other(const ReferralSet *set, int32 customer)
{
	int64 from = 0;
	int64 to = set->nothers;

	while (from < to)
	{
		int64 middle = from + (to - from) / 2;

		if (set->others[middle].customer < customer)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static int
compare_places(const void *a, const void *b)
{
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;

	return (x > y) - (x < y);
}

typedef struct Places
{
	const int32 *of; /* by node, as they came */
	int32 *list;	 /* of a customer's referrers */
	int64 max;
} Places;

static void
put_referrers(ByteBuffer *out, const ReferralSet *set, int32 customer, Places *places)
{
	int32 first = set->nodes[customer].referrer;
	int64 other;
	int64 n = 0;
	int64 i;

	if (first < 0)
	{
		buffer_put_varint(out, first == NOT_A_CUSTOMER ? 0 : 1);
		return;
	}
	for (other = set->nothers == 0 ? 0 : first_other(set, customer);
		 other < set->nothers && set->others[other].customer == customer; other++)
	{
		places->list = array_grow(places->list, &places->max, n + 2, sizeof(int32));
		places->list[n++] = places->of[set->others[other].referrer];
	}
	places->list[n++] = places->of[first];
	if (n > 1)
		sort_elements(places->list, n, sizeof(int32), compare_places);
	buffer_put_varint(out, (uint64) n + 1);
	for (i = 0; i < n; i++)
		buffer_put_varint(out, (uint64) (places->list[i] - (i > 0 ? places->list[i - 1] : 0)));
}

/* Nodes and their referrers' places lie all over the memory: what will be needed is asked for. */
static inline void
fetch_ahead(const ReferralSet *set, const KeyOrder *order, int64 i, const int32 *place)
{
	if (i + 32 < set->nnodes)
		__builtin_prefetch(order[i + 32].node);
	if (i + 16 < set->nnodes && order[i + 16].node->referrer >= 0)
		__builtin_prefetch(&place[order[i + 16].node->referrer]);
}

struct varlena *
referrals_encode(ReferralSet *set, bool for_client)
{
	KeyOrder *order;
	int32 *place;
	Places places = { 0 };
	ByteBuffer out;
	int64 i;

	referral_set_settle(set);
	order = nodes_in_order(set);
	place = array_of(set->nnodes, sizeof(int32));
	places.of = place;
	for (i = 0; i < set->nnodes; i++)
		place[order[i].node - set->nodes] = (int32) i;
	places.list = array_grow(NULL, &places.max, 1, sizeof(int32));

	buffer_init(&out, 64 + 4 * set->nnodes);
	out.len = VARHDRSZ;
	buffer_put_byte(&out, STORED_VERSION);
	buffer_put_byte(&out, (uint8) set->type);
	buffer_put_varint(&out, (uint64) set->guests);
	buffer_put_varint(&out, (uint64) set->nnodes);
	for (i = 0; i < set->nnodes; i++)
	{
		fetch_ahead(set, order, i, place);
		put_key(&out, set->type, order[i].node, i > 0 ? order[i - 1].node : NULL, for_client);
		put_referrers(&out, set, (int32) (order[i].node - set->nodes), &places);
		datum_check_size(out.len, "result of referrals()", SIZE_HINT);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(order);
	pfree(place);
	pfree(places.list);
	datum_set_size(out.data, out.len, "result of referrals()", SIZE_HINT);
	return (struct varlena *) out.data;
}

/* ---- reading ---- */

static bool
read_number(ByteReader *in, int64 *numbers, int32 node)
{
	uint64 larger;

	if (node == 0)
		return read_signed(in, numbers);
	if (!read_varint(in, &larger) || larger == 0 ||
		larger > (uint64) PG_INT64_MAX - (uint64) numbers[node - 1])
		return false;
	numbers[node] = (int64) ((uint64) numbers[node - 1] + larger);
	return true;
}

/* A uuid's bytes, or a text's; one from a client is brought to the server's encoding, and checked
 * (22021). */
static bool
read_bytes_of_key(ByteReader *in, CustomerType type, bool from_client, ByteSpan *key)
{
	uint64 len = UUID_LEN;

	if (type == CUSTOMER_TEXT && (!read_varint(in, &len) || len > MaxAllocSize))
		return false;
	if (!read_bytes(in, len, &key->bytes))
		return false;
	key->len = len;
	if (from_client && type == CUSTOMER_TEXT)
	{
		const char *text = (const char *) key->bytes;

		if (memchr(text, '\0', len) != NULL)
			return false;
		text = pg_client_to_server(text, (int) len);
		if (text != (const char *) key->bytes)
			key->len = strlen(text);
		key->bytes = (const uint8 *) text;
	}
	return true;
}

static bool
read_key(ByteReader *in, Referrals *referrals, int32 node, bool from_client)
{
	ByteSpan *key;

	if (referrals->type == CUSTOMER_BIGINT)
		return read_number(in, referrals->numbers, node);
	key = &referrals->bytes[node];
	if (!read_bytes_of_key(in, referrals->type, from_client, key))
		return false;
	return node == 0 || (from_client && referrals->type == CUSTOMER_TEXT) ||
		   span_compare(key[-1], *key) < 0;
}

/* Reads a node's referrers; max is how many there is room for. */
static bool
read_referrers(ByteReader *in, Referrals *referrals, int32 node, int64 *max, bool *is_named)
{
	int64 first = referrals->first[node];
	uint64 head;
	uint64 place = 0;
	uint64 i;

	if (!read_varint(in, &head))
		return false;
	referrals->customer[node] = head > 0;
	referrals->first[node + 1] = (int32) first;
	if (head <= 1)
		return true;
	if (head - 1 > (uint64) (in->end - in->at))
		return false;
	referrals->referrers =
		array_grow(referrals->referrers, max, first + (int64) head - 1, sizeof(int32));
	for (i = 0; i < head - 1; i++)
	{
		uint64 larger;

		if (!read_varint(in, &larger) || (i > 0 && larger == 0) ||
			larger >= (uint64) referrals->count - place)
			return false;
		place += larger;
		referrals->referrers[first + (int64) i] = (int32) place;
		is_named[place] = true;
		CHECK_FOR_INTERRUPTS();
	}
	referrals->first[node + 1] = (int32) (first + (int64) head - 1);
	return true;
}

/* NULL where the bytes aren't those of a result; type 0: of customers of any. */
static Referrals *
read_referrals(ByteSpan bytes, CustomerType type, bool from_client)
{
	ByteReader in = { bytes.bytes, bytes.bytes + bytes.len };
	Referrals *referrals = palloc0(sizeof(Referrals));
	uint8 version;
	uint8 of;
	uint64 guests;
	uint64 count;
	int64 max;
	bool *is_named;
	int32 i;

	if (!read_byte(&in, &version) || version != STORED_VERSION || !read_byte(&in, &of) ||
		of < CUSTOMER_BIGINT || of > CUSTOMER_TEXT || (type != 0 && of != type) ||
		!read_varint(&in, &guests) || guests > PG_INT64_MAX || !read_varint(&in, &count) ||
		count > (uint64) (in.end - in.at) / 2)
		return NULL;
	referrals->type = (CustomerType) of;
	referrals->guests = (int64) guests;
	referrals->count = (int32) count;
	if (referrals->type == CUSTOMER_BIGINT)
		referrals->numbers = array_of(referrals->count, sizeof(int64));
	else
		referrals->bytes = array_of(referrals->count, sizeof(ByteSpan));
	referrals->customer = array_of(referrals->count, sizeof(bool));
	referrals->first = array_of((int64) referrals->count + 1, sizeof(int32));
	referrals->first[0] = 0;
	max = Max(1, referrals->count);
	referrals->referrers = array_of(max, sizeof(int32));
	is_named = palloc_extended(Max(1, count), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < referrals->count; i++)
	{
		if (!read_key(&in, referrals, i, from_client) ||
			!read_referrers(&in, referrals, i, &max, is_named))
			return NULL;
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < referrals->count; i++)
		if (!referrals->customer[i] && !is_named[i])
			return NULL;
	pfree(is_named);
	return in.at == in.end ? referrals : NULL;
}

CustomerType
referrals_type(const struct varlena *datum)
{
	ByteReader in = { (const uint8 *) VARDATA_ANY(datum),
					  (const uint8 *) VARDATA_ANY(datum) + VARSIZE_ANY_EXHDR(datum) };
	uint8 version;
	uint8 type;

	if (!read_byte(&in, &version) || !read_byte(&in, &type) || type < CUSTOMER_BIGINT ||
		type > CUSTOMER_TEXT)
		report_corrupted();
	return (CustomerType) type;
}

Referrals *
referrals_decode(const struct varlena *datum)
{
	ByteSpan bytes = { (const uint8 *) VARDATA_ANY(datum), VARSIZE_ANY_EXHDR(datum) };
	Referrals *referrals = read_referrals(bytes, 0, false);

	if (referrals == NULL)
		report_corrupted();
	return referrals;
}

void
referral_set_add_all(ReferralSet *set, const Referrals *referrals)
{
	int32 *nodes = array_of(referrals->count, sizeof(int32));
	int32 i;

	referral_set_guests(set, referrals->guests);
	for (i = 0; i < referrals->count; i++)
	{
		nodes[i] = referral_set_node(set, referrals_customer(referrals, i));
		if (referrals->customer[i])
			referral_set_customer(set, nodes[i]);
		CHECK_FOR_INTERRUPTS();
	}
	for (i = 0; i < referrals->count; i++)
	{
		int32 j;

		for (j = referrals->first[i]; j < referrals->first[i + 1]; j++)
			referral_set_referrer(set, nodes[i], nodes[referrals->referrers[j]]);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(nodes);
}

ReferralSet *
referrals_from_bytes(CustomerType type, ByteSpan bytes)
{
	Referrals *referrals = read_referrals(bytes, type, true);
	ReferralSet *set;

	if (referrals != NULL)
	{
		set = referral_set_create(type);
		referral_set_add_all(set, referrals);
		if (set->nnodes == referrals->count)
			return set;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid bytes for a referrals_result_%s", referrals_customer_type(type)),
			 errhint("Such a value is made by referrals() and rollup().")));
}
