/*
 * advocacy_internal.h
 *		Who brought whom: what the files of this folder share. Each calls those above it alone:
 *
 *		referrals_collect.c	collects rows (customer, referrer)
 *		referrals_stored.c	the bytes of what was collected, and reading them
 *		referrals_text.c	its JSON text
 *		referrals_sql.c		the aggregates referrals() and rollup(), and the types' I/O
 *		referrals_walk.c	the chains: depths, roots, circles
 *		referral_table.c	rows about customers, generations, all
 *		referral_value.c	what the customers of a chain spent
 *
 * A result holds what the rows said: customers, and of each all the different referrers that were
 * named, with no rule applied. So it is a set: rows that come twice change nothing, and results
 * add up in any order, whether their customers are disjoint or not. Which referrer counts, and what
 * isn't a chain, is decided when it is asked (referrals_walk.c).
 */
#ifndef LOYALTY_ADVOCACY_INTERNAL_H
#define LOYALTY_ADVOCACY_INTERNAL_H

#include "postgres.h"

#include "collect/collect.h"
#include "core/codec.h"
#include "core/rows.h"

/* How SQL names the type of customers: "bigint". */
extern const char *referrals_customer_type(CustomerType type);

/* ---- referrals_collect.c ---- */

/* In place of a customer's referrer. */
#define REFERRER_NONE  (-1) /* none was named */
#define NOT_A_CUSTOMER (-2) /* he is only named as a referrer himself */

/* A customer, or who is only named as a referrer. Numbers are their own key; of others the bytes
 * are kept. */
typedef struct ReferralNode
{
	union
	{
		int64 number;
		const uint8 *bytes;
	} key;
	uint32 len;
	int32 referrer; /* the first that came, as a number of a node; or as above */
} ReferralNode;

typedef struct ReferralSlot
{
	uint32 hash;
	uint32 node; /* 1 + its number; 0: free */
} ReferralSlot;

typedef struct ReferralEdge
{
	int32 customer;
	int32 referrer;
} ReferralEdge;

/* Takes 16 bytes a customer, and up to 32 for finding him: rows that come again cost nothing. */
typedef struct ReferralSet
{
	MemoryContext context; /* where all of it lives */
	CustomerType type;
	int64 guests; /* rows without customer */
	ReferralNode *nodes;
	int64 nnodes;
	int64 max_nodes;
	ReferralSlot *slots; /* by hash, open addressing, at most half of them taken */
	uint64 nslots;
	ReferralEdge *others; /* of customers with several referrers: all but the first */
	int64 nothers;
	int64 max_others;
	uint8 *room; /* for bytes of keys */
	size_t room_left;
	size_t room_size;			 /* of the last piece */
	struct ReferralBatch *batch; /* rows that wait; NULL: none do */
} ReferralSet;

/* An empty one in the current memory context. */
extern ReferralSet *referral_set_create(CustomerType type);

/* The number of a node, made where there is none; and -1 where there is none. */
extern int32 referral_set_node(ReferralSet *set, Customer customer);
extern int32 referral_set_find(const ReferralSet *set, Customer customer);

/* A node is a customer, whom nobody need have brought; and by whom he was brought. */
extern void referral_set_customer(ReferralSet *set, int32 customer);
extern void referral_set_referrer(ReferralSet *set, int32 customer, int32 referrer);

/* Rows without customer; 22003 past 63 bits. */
extern void referral_set_guests(ReferralSet *set, int64 guests);

/* Adds a row; a NULL referrer is none. It may wait until the set is settled. */
extern void referral_set_add(ReferralSet *set, Customer customer, const Customer *referrer);

/* To be called before a set to which rows were added is read: adds those that wait; and sorts the
 * others, each once. */
extern void referral_set_settle(ReferralSet *set);

/* ---- referrals_stored.c ---- */

/* What was collected, opened: nodes in the order of their keys, numbers by size, others by bytes.
 */
typedef struct Referrals
{
	CustomerType type;
	int64 guests;
	int32 count;	  /* of nodes */
	int64 *numbers;	  /* CUSTOMER_BIGINT */
	ByteSpan *bytes;  /* others */
	bool *customer;	  /* else he is only named as a referrer */
	int32 *first;	  /* count + 1: where those of a node begin in: */
	int32 *referrers; /* nodes, ascending */
} Referrals;

static inline Customer
referrals_customer(const Referrals *referrals, int32 node)
{
	Customer customer = { 0 };

	if (referrals->type == CUSTOMER_BIGINT)
		customer.number = referrals->numbers[node];
	else
		customer.bytes = referrals->bytes[node];
	return customer;
}

/* As a datum; for a client, as a bytea with texts in its encoding. */
extern struct varlena *referrals_encode(ReferralSet *set, bool for_client);

/* Takes a detoasted datum apart, in the current memory context; XX001 where it isn't one. Keys
 * point into it. */
extern Referrals *referrals_decode(const struct varlena *datum);

/* The type of its customers, without opening it. */
extern CustomerType referrals_type(const struct varlena *datum);

/* Bytes that a client sent, of customers of that type, collected anew: all is checked; 22P03. */
extern ReferralSet *referrals_from_bytes(CustomerType type, ByteSpan bytes);

/* Adds what was opened: everything, as if its rows came again. */
extern void referral_set_add_all(ReferralSet *set, const Referrals *referrals);

/* ---- referrals_text.c ---- */

extern char *referrals_to_text(const Referrals *referrals);

/* 22P02 and 22003 with what is wrong. */
extern ReferralSet *referrals_from_text(CustomerType type, const char *text);

/* ---- referrals_walk.c ---- */

/* The chains. Arrays are by node; what is undefined is -1. */
typedef struct ReferralForest
{
	const Referrals *referrals;
	int32 *referrer; /* the one that counts; -1: none */
	int32 *named;	 /* how many were, himself left out */
	bool *self;		 /* he was named as his own */
	bool *in_cycle;
	int32 *root;	   /* where his chain begins; -1: nowhere, he is in a circle or below one */
	int32 *depth;	   /* how far from there */
	int32 *direct;	   /* how many he brought */
	int32 *downstream; /* ... and those brought, all of them; -1: he is in a circle */
	int64 cycles;
} ReferralForest;

extern ReferralForest *referral_forest(const Referrals *referrals);

/* Is the referrer that counts no customer? */
static inline bool
referrer_is_unknown(const ReferralForest *forest, int32 node)
{
	return forest->referrer[node] >= 0 && !forest->referrals->customer[forest->referrer[node]];
}

/* ---- referral_table.c ---- */

/* Puts a node as a column, which must be of the customers' type (XX001); of -1, NULL. */
extern void referrals_put_node(Rows *rows, const Referrals *referrals, int32 node);

#endif
