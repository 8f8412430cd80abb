/*
 * collect.h
 *		Grouping rows by customer: the state of a collector, and the base that it makes.
 *
 * A collector takes rows (customer, payload) in any order and gives one body per
 * customer. What a payload and a body are, CollectOps tells: the collector moves
 * bytes and never looks inside.
 *
 *	 Collector
 *	 +- part 0 ----------------+   +- part 1 ----------------+	 ...  1 part, or COLLECT_PARTS
 *	 | runs: entry entry ...   |   | runs: entry entry ...   |		  by hash of the customer, so
 *	 | raw:	 chunk -> chunk	   |   | raw:  chunk -> chunk	 |		  that one part fits the cache
 *	 +-------------------------+   +-------------------------+
 *
 * A row costs an append to the raw chunks of its part (deal.h). When all of them have grown to a
 * few times what was grouped, parts are compacted: raw rows and runs are grouped by customer into
 * one new run with an entry for each. Where that would gain little and memory is over, raw rows go
 * to a file. What is still raw at the end is grouped part by part, when the base is read.
 *
 * Hashes are those of the server's key (hash_key.h), and runs are in their order.
 *
 * A base is a collector at its end. Workers hand over the same bytes that a base is flattened to
 * (base.c):
 *
 *		header
 *		part*	varint customers, varint bytes, entry*
 *		entry	customer (bigint: zigzag; uuid: 16 bytes; text: varint length, bytes),
 *				varint length of the body, body
 */
#ifndef LOYALTY_COLLECT_H
#define LOYALTY_COLLECT_H

#include "postgres.h"

#include "fmgr.h"

#include "calendar/calendar.h"
#include "collect/customer.h"
#include "collect/deal.h"
#include "core/arena.h"
#include "core/codec.h"
#include "core/ref.h"
#include "core/texts.h"

/* Parts of a large collector: as many as a hash's top PART_BITS tell apart. */
#define PART_BITS	  8
#define COLLECT_PARTS (1 << PART_BITS)

/* Takes a kind or a label of events. */
typedef void (*CollectTextTaker)(void *taker, bool is_label, const EventText *text);

/* How a row is kept until its group is made: in fewer bytes than what merge takes. */
typedef struct RowForm
{
	uint16 size;	/* bytes of a row's payload, */
	uint8 short_by; /* or so much less where its first byte has DEAL_SHORT */

	/* Makes the n rows that merge takes, each so far behind the one before; NULL: what is kept is
	 * that row. */
	void (*expand)(void *rows, const uint8 *from, size_t stride, int n);

	/* Gives the text that a row refers to its other number, by those that it has; NULL: rows refer
	 * to none. */
	void (*renumber)(uint8 *row, const uint32 *numbers);
} RowForm;

/* What is collected. */
typedef struct CollectOps
{
	uint8 id;			   /* in the header of the flat form */
	const char *name;	   /* of the base type, for errors */
	const char *body_type; /* of a customer's value */
	const char *size_hint; /* where that is too large */
	uint16 row_size;	   /* bytes of a row that merge takes */
	int nforms;			   /* of rows that are kept, */
	const RowForm *forms;  /* so that other processes know which one a collector has */

	/* Appends to out the body that holds all of these; may reorder the rows. texts are the
	 * collector's. */
	void (*merge)(ByteBuffer *out, const ByteSpan *bodies, int nbodies, void *rows, int nrows,
				  const Texts *texts);

	/* Is this a body? For bytes from outside. */
	bool (*valid)(const uint8 *body, size_t len);

	/* When its last event is, in the body's own unit; PG_INT64_MIN where it has none. */
	int64 (*last)(ByteSpan body);

	/* Appends to out the body whose instants, first ones of days in one zone, are those of the same
	 * days in another; NULL: bodies hold no instants. */
	void (*move_days)(ByteBuffer *out, ByteSpan body, ZoneDays *from, ZoneDays *to);

	/* Hands over the kinds and labels that occur in it, each once; NULL: bodies have none. */
	void (*texts)(ByteSpan body, CollectTextTaker take, void *taker);

	/* Order of two bodies, and a hash that agrees with it; as of the stored type. */
	int (*compare)(ByteSpan a, ByteSpan b);
	uint64 (*hash)(ByteSpan body, uint64 seed);
} CollectOps;

#define SUMMARY_MAX_ARGS 4

/*
 * A summary aggregate whose values a group's rows make all at once, as they make a collector's
 * bodies: no state grows row by row. Known by its transition function.
 */
typedef struct SummaryForm
{
	PGFunction transition;
	const CollectOps *ops;
	int nargs;		   /* of the aggregate, SUMMARY_MAX_ARGS at most */
	uint16 dealt_size; /* bytes of a row's arguments as they are kept until then */
	void (*deal)(uint8 *to, const NullableDatum *args);
	void (*expand)(void *rows, const uint8 *from, size_t stride, int n); /* as RowForm's */
} SummaryForm;

/* In what zone were days counted? */
typedef enum CollectZone
{
	ZONE_NOT_NOTED,
	ZONE_KNOWN,
	ZONE_MIXED, /* several, or days that came without one */
	ZONE_DAYS	/* instants that are days of no zone, each at its first instant in this one */
} CollectZone;

/* Is there a zone by name? */
static inline bool
collect_zone_is_named(CollectZone state)
{
	return state == ZONE_KNOWN || state == ZONE_DAYS;
}

typedef struct CollectPart CollectPart;

typedef struct Collector
{
	MemoryContext context;
	const CollectOps *ops;
	CustomerType type;
	const RowForm *rows; /* what is raw; NULL: entries */
	bool foreign_order;	 /* runs and parts go by the hashes of another key, or of none: to be read
						  * only */
	Arena arena;
	Deal deal;			/* what is raw: rows, or entries */
	CollectPart *parts; /* what is not, for each part of the deal */
	size_t limit;		/* bytes of memory, */
	size_t reduce_at;	/* and those at which there is something to do */
	int64 guests;		/* rows without customer */
	int64 last;			/* when the last event is, as CollectOps.last has it, */
	bool last_unknown;	/* unless bodies came that nobody has looked into */
	CollectZone zone_state;
	const char *zone;
	Texts *texts;					   /* that payloads of rows refer to; NULL: to none */
	MemoryContextCallback scratch_use; /* set: it uses the memory for grouping */
	const void *noted; /* for callers: what they noted last, so that rows needn't note it again */
} Collector;

/* Makes concepts known, at module load; ids are those of CollectOps. */
extern void collect_register(const CollectOps *ops);

/* Makes summary forms known, at module load; the last one has no transition. */
extern void collect_register_forms(const SummaryForm *forms);

/* The form of an aggregate by its transition function; NULL: it has none. */
extern const SummaryForm *collect_summary_form(PGFunction transition);

/* ---- collecting ---- */

/* Of rows of this form, which is for good; or, without one, of bodies. */
extern Collector *collector_create(MemoryContext context, const CollectOps *ops, CustomerType type,
								   const RowForm *rows);

/* Adds a row: returns where its payload, of len bytes, is to be written. */
extern uint8 *collector_place_row(Collector *collector, Customer customer, uint32 len);

/* Adds a body: a stored summary, an event, a member without events. */
extern void collector_add_body(Collector *collector, Customer customer, ByteSpan body);

/* An event that comes with a row, or in a body, is then. */
static inline void
collector_note_last(Collector *collector, int64 at)
{
	if (at > collector->last)
		collector->last = at;
}

/* The days that follow were counted in this zone: a name that lives as long as the backend, or
 * NULL. */
extern void collector_note_zone(Collector *collector, CollectZone state, const char *zone);

/*
 * The state of a collecting aggregate: the first argument, or a new one.
 */
static inline Collector *
collector_state(FunctionCallInfo fcinfo, const CollectOps *ops, CustomerType type,
				const RowForm *rows)
{
	MemoryContext context;

	if (likely(!PG_ARGISNULL(0)))
		return (Collector *) PG_GETARG_POINTER(0);
	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "collector called outside an aggregate");
	return collector_create(context, ops, type, rows);
}

/* ---- parts that pass ---- */

/*
 * A collector whose parts are to be read once, one after another, by one process or several: its
 * rows aren't grouped before, and go to the file where they take more than the limit (pass.c).
 */
extern void collector_pass(Collector *collector, size_t limit);

/* What a process has collected, for others; in shared memory. */
typedef struct CollectorShare
{
	bool any; /* rows, be they without a customer */
	uint8 ops_id;
	CustomerType type;
	int form; /* of rows, its number among those of what is collected; -1: entries */
	int64 last;
	bool last_unknown;
	CollectZone zone_state;
	char zone[TZ_STRLEN_MAX + 1];
	uint32 ntexts;
	DealPublished rows;
} CollectorShare;

/* As collector_pass(), with COLLECT_PARTS parts, where others are to read its file, by this name;
 * and leaves all to them. NULL: it had no rows. */
extern void collector_share(Collector *collector, size_t limit, SharedFileSet *files,
							const char *name);
extern void collector_publish(Collector *collector, CollectorShare *share, SharedFileSet *files,
							  const char *name);

/* What n processes have published: a collector with all their parts, to be read one by one, without
 * their guests. names: of their files. NULL: none had rows. */
extern Collector *collector_take_up(MemoryContext context, const CollectorShare *const *shares,
									const char *const *names, int n, SharedFileSet *files);

/* Makes sure that it is known when the last event is: before parts are read. */
extern void collector_find_last(Collector *collector);

/* Bytes of the memory for grouping, which all collectors share. */
extern Size collect_grouping_bytes(void);

/* Forgets a part, which was read. */
extern void collector_forget_part(Collector *collector, int part);

/* Turns a one-part collector into one of COLLECT_PARTS. */
extern void collector_split(Collector *collector);

/* Is this the final function of collectors? */
extern bool collect_is_final(PGFunction function);

/* Does a function list the customers of a base, its first argument, so that it gives all rows where
 * it is called on one part after another? */
extern bool collect_is_list(Oid function);

/* ---- bases ---- */

/*
 * What a collector made: everyone's bodies, by customer, to be folded over. It lives in memory for
 * one query, as an expanded object that points into the collector's state. It becomes flat bytes
 * where it must: in a table, from a scalar subquery, from a worker (base.c has the format).
 */

/* A base open for reading. */
typedef struct Base
{
	const CollectOps *ops;
	CustomerType type;
	int64 guests;			/* rows without customer */
	CollectZone zone_state; /* the zone in which days were counted, */
	const char *zone;		/* if there is one */
	Collector *collector;	/* whose it is, */
	int first_part;			/* and which of his parts are read */
	int end_part;
} Base;

typedef struct BaseCursor
{
	const Base *base;
	int part;
	struct RunReader *reader; /* of its run */
	const uint8 *at;
	const uint8 *end;
} BaseCursor;

/* Opens a collector as a base; and one part of it. */
extern void base_of_collector(Base *base, Collector *collector);
extern void base_of_part(Base *base, Collector *collector, int part);

/* One part of it as a base datum, which is never to be made flat. */
extern Datum base_from_part(Collector *collector, int part);

/* Opens a base datum, expanded or flat. */
extern const Base *base_open(Datum datum);

/* How many customers it has; those who ask look at every part. */
extern int64 base_count(const Base *base);

/* Brings all of a base to memory, so that customers and bodies stay where they are. */
extern void base_hold(const Base *base);

/* Starts a walk over all customers, which takes its memory from the current context. */
extern void base_rewind(BaseCursor *cursor, const Base *base);

/* Moves on to the next stretch of entries, grouping its part if that is still to be done. */
extern bool base_next_stretch(BaseCursor *cursor);

/*
 * The next customer and his body, if there is one. They stay until the next but one is asked for,
 * where the base isn't held in memory.
 */
static inline bool
base_next(BaseCursor *cursor, Customer *customer, ByteSpan *body)
{
	if (unlikely(cursor->at >= cursor->end) && !base_next_stretch(cursor))
		return false;
	entry_next(&cursor->at, cursor->end, cursor->base->type, customer, body);
	return true;
}

/* Gives back a walk's memory; needed where there are many walks in one context. */
extern void base_close(BaseCursor *cursor);

/* Names a customer in errors, as their CONTEXT, from here on until base_forget_customer(). */
typedef struct BaseErrors
{
	ErrorContextCallback callback;
	CustomerType type;
	const Customer *customer; /* whom the walk is at */
} BaseErrors;

extern void base_name_customer(BaseErrors *errors, CustomerType type, const Customer *customer);
extern void base_forget_customer(BaseErrors *errors);

/* When the last event of all is, as CollectOps.last has it; false where there is none. */
extern bool base_last(const Base *base, int64 *last);

/* Adds every customer's body to a fold; errors name the customer. Where days were collected that
 * are of no zone, they are days of this one. */
extern void base_fold(const Base *base, ZoneDays *zone, void (*add)(void *fold, ByteSpan body),
					  void *fold);

/* The same for a fold that looks up whose body it gets. */
extern void base_fold_at(const Base *base, ZoneDays *zone, void (*add)(void *fold, ByteSpan body),
						 void *fold, Customer *customer);

/* kB; see loyalty.max_flat_size */
extern int max_flat_size;

/* The way out where a base is too large for a value. */
#define FLAT_SIZE_HINT "Aggregate with GROUP BY customer, or split by customer."

/* Set-returning: a row per customer, with his body wrapped as a varlena. */
extern Datum base_customers(FunctionCallInfo fcinfo);

/* Input and binary input of a base type; type 0: customers of any. */
extern Datum base_in(FunctionCallInfo fcinfo, uint8 ops_id, CustomerType type);
extern Datum base_recv(FunctionCallInfo fcinfo, uint8 ops_id, CustomerType type);

/* ---- two bases side by side: for each customer, his body in the one and in the other ---- */

/* One base, standing at a customer. */
typedef struct BaseSide
{
	BaseCursor cursor;
	bool at_end;
	uint64 hash;
	Customer customer;
	ByteSpan body;
} BaseSide;

typedef struct BaseJoin
{
	CustomerType type;
	BaseSide sides[2];
	Customer customer; /* whose bodies came last */
} BaseJoin;

/* Starts a walk over the customers of two bases, which are of one type. */
extern void base_join_open(BaseJoin *join, const Base *first, const Base *second);

extern void base_join_close(BaseJoin *join);

/* The next customer of either base; the bytes of a body are NULL where he isn't in that one. */
extern bool base_join_next(BaseJoin *join, ByteSpan *first, ByteSpan *second);

#endif
