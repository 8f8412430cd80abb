/*
 * node_aggregates.c
 *		Calls aggregates, a group at a time: rows in, values out, and the memory of a group goes
 *		when the next one starts.
 *
 * An aggregate whose rows are those of a collector has no state here: its rows are gathered, and
 * merged as the collector merges them. Every other one is called as the executor calls it, by its
 * transition and final functions; they get an AggState, since that is how a function asks for the
 * memory of its aggregate, for its Aggref, or for a callback when the group ends.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "parser/parse_agg.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "core/array.h"
#include "core/compat.h"
#include "node/node_internal.h"

/* Gathered rows are merged to a body when they are so many: a group may be larger than memory. */
#define GATHERED_MAX 65536

/* A result's room is kept from group to group up to this size. */
#define RESULT_KEPT	 (1024 * 1024)

/* What a summary gathers of a group. */
typedef struct Gathering
{
	const SummaryForm *form;
	int column;
	bool any; /* a row has come */
	uint8 *rows;
	int nrows;
	int64 max_rows;
	ByteSpan *bodies; /* in the group's memory */
	int nbodies;
	int64 max_bodies;
	ByteBuffer result;
} Gathering;

typedef struct GroupAggregate
{
	Aggref *aggref;
	int filter;		  /* the column whose bit says that a row does not count; -1: none */
	int filter_child; /* the child's column that it is made of; -1: none */
	int nargs;
	int columns[FUNC_MAX_ARGS];	 /* -1: it is a constant */
	int children[FUNC_MAX_ARGS]; /* the child's columns; -1: it is a constant */
	NullableDatum constants[FUNC_MAX_ARGS];
	CollectTake take; /* takes a row from the child in place of the transition function; or NULL */

	Gathering *gathering; /* NULL: called by its functions */

	AggStatePerTransData *transition;
	AggStatePerAggData *final;
	FunctionCallInfo transition_call;
	FunctionCallInfo final_call; /* NULL: there is no final function */
	Datum value;				 /* of the state */
	bool is_null;
	bool none_yet; /* a strict transition function's first input becomes the state */
} GroupAggregate;

struct GroupAggregates
{
	int n;
	GroupAggregate *items;
	const GroupRows *rows;
	AggState *state;
	ExprContext *group; /* memory of the group at hand */
	MemoryContext kept; /* from group to group */
};

/* ---- making ready ---- */

void
aggregates_check_execute(Oid function, Oid role, ObjectType type)
{
#if PG_VERSION_NUM >= 160000
	AclResult result = object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE);
#else
	AclResult result = pg_proc_aclcheck(function, role, ACL_EXECUTE);
#endif

	if (result != ACLCHECK_OK)
		aclcheck_error(result, type, get_func_name(function));
	InvokeFunctionExecuteHook(function);
}

static Oid
owner_of(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

static Datum
initial_value(Datum written, Oid type)
{
	Oid input;
	Oid parameter;
	char *string = TextDatumGetCString(written);
	Datum value;

	getTypeInputInfo(type, &input, &parameter);
	value = OidInputFunctionCall(input, string, parameter, -1);
	pfree(string);
	return value;
}

/* Looks up the functions of an aggregate, and checks who may call them. */
static void
look_up(GroupAggregates *aggregates, GroupAggregate *item)
{
	Aggref *aggref = item->aggref;
	AggStatePerTransData *transition = palloc0(sizeof(AggStatePerTransData));
	AggStatePerAggData *final = palloc0(sizeof(AggStatePerAggData));
	Oid types[FUNC_MAX_ARGS];
	int ntypes = get_aggregate_argtypes(aggref, types);
	HeapTuple tuple;
	Form_pg_aggregate form;
	Oid owner;
	Expr *transition_expr;
	Datum initial;

	aggregates_check_execute(aggref->aggfnoid, GetUserId(), OBJECT_AGGREGATE);
	owner = owner_of(aggref->aggfnoid);

	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggref->aggfnoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggref->aggfnoid);
	form = (Form_pg_aggregate) GETSTRUCT(tuple);

	item->transition = transition;
	item->final = final;
	transition->aggref = final->aggref = aggref;
	transition->numInputs = transition->numTransInputs = item->nargs;
	transition->transfn_oid = form->aggtransfn;
	transition->aggtranstype = aggref->aggtranstype;
	transition->aggCollation = aggref->inputcollid;
	get_typlenbyval(aggref->aggtranstype, &transition->transtypeLen, &transition->transtypeByVal);
	get_typlenbyval(aggref->aggtype, &final->resulttypeLen, &final->resulttypeByVal);
	if (!transition->transtypeByVal)
		elog(ERROR, "state of aggregate %u is not passed by value", aggref->aggfnoid);

	aggregates_check_execute(transition->transfn_oid, owner, OBJECT_FUNCTION);
	build_aggregate_transfn_expr(types, ntypes, 0, aggref->aggvariadic, aggref->aggtranstype,
								 aggref->inputcollid, transition->transfn_oid, InvalidOid,
								 &transition_expr, NULL);
	fmgr_info(transition->transfn_oid, &transition->transfn);
	fmgr_info_set_expr((Node *) transition_expr, &transition->transfn);

	final->finalfn_oid = form->aggfinalfn;
	final->numFinalArgs = form->aggfinalextra ? ntypes + 1 : 1;
	if (OidIsValid(final->finalfn_oid))
	{
		Expr *final_expr;

		aggregates_check_execute(final->finalfn_oid, owner, OBJECT_FUNCTION);
		build_aggregate_finalfn_expr(types, final->numFinalArgs, aggref->aggtranstype,
									 aggref->aggtype, aggref->inputcollid, final->finalfn_oid,
									 &final_expr);
		fmgr_info(final->finalfn_oid, &final->finalfn);
		fmgr_info_set_expr((Node *) final_expr, &final->finalfn);
	}

	initial = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval,
							  &transition->initValueIsNull);
	if (!transition->initValueIsNull)
		transition->initValue = initial_value(initial, aggref->aggtranstype);
	ReleaseSysCache(tuple);

	if (transition->transfn.fn_strict && transition->initValueIsNull &&
		(ntypes == 0 || !IsBinaryCoercible(types[0], aggref->aggtranstype)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("aggregate %u needs to have compatible input type and transition type",
						aggref->aggfnoid)));

	item->transition_call = palloc0(SizeForFunctionCallInfo(item->nargs + 1));
	InitFunctionCallInfoData(*item->transition_call, &transition->transfn, item->nargs + 1,
							 aggref->inputcollid, (Node *) aggregates->state, NULL);
	transition->transfn_fcinfo = item->transition_call;
	if (OidIsValid(final->finalfn_oid))
	{
		int i;

		item->final_call = palloc0(SizeForFunctionCallInfo(final->numFinalArgs));
		InitFunctionCallInfoData(*item->final_call, &final->finalfn, final->numFinalArgs,
								 aggref->inputcollid, (Node *) aggregates->state, NULL);
		for (i = 1; i < final->numFinalArgs; i++)
			item->final_call->args[i].isnull = true;
	}
}

/* Says which columns of the child an aggregate needs, as those of rows. */
static void
take_columns(GroupAggregates *aggregates, GroupAggregate *item, const List *columns,
			 TupleDesc child, GroupRows *rows)
{
	int filter = linitial_int(columns);
	const SummaryForm *form = collect_summary_form(item->transition->transfn.fn_addr);
	int i;

	item->filter = filter > 0 ? rows_add_filter(rows, filter - 1) : -1;
	item->filter_child = filter - 1;
	if (form != NULL && form->nargs == item->nargs)
	{
		int *arguments = palloc(form->nargs * sizeof(int));

		for (i = 0; i < form->nargs; i++)
			arguments[i] = list_nth_int(columns, i + 1) - 1;
		item->gathering = palloc0(sizeof(Gathering));
		item->gathering->form = form;
		item->gathering->column = rows_add_summary(rows, form, arguments, item->filter);
		return;
	}
	for (i = 0; i < item->nargs; i++)
	{
		const TargetEntry *argument = list_nth_node(TargetEntry, item->aggref->args, i);

		if (IsA(argument->expr, Const))
		{
			const Const *constant = (const Const *) argument->expr;

			item->columns[i] = item->children[i] = -1;
			item->constants[i].value = constant->constvalue;
			item->constants[i].isnull = constant->constisnull;
		}
		else
		{
			item->children[i] = list_nth_int(columns, i + 1) - 1;
			item->columns[i] = rows_add_value(rows, child, item->children[i]);
		}
	}
}

/* Columns as they stand in a row, now that all are known. */
static void
place_columns(GroupAggregate *item, const int *to)
{
	int i;

	if (item->filter >= 0)
		item->filter = to[item->filter];
	if (item->gathering != NULL)
		item->gathering->column = to[item->gathering->column];
	else
		for (i = 0; i < item->nargs; i++)
			if (item->columns[i] >= 0)
				item->columns[i] = to[item->columns[i]];
}

GroupAggregates *
aggregates_create(EState *estate, List *aggrefs, List *columns, TupleDesc child, GroupRows **rows)
{
	GroupAggregates *aggregates = palloc0(sizeof(GroupAggregates));
	int max_columns = 0;
	ListCell *cell;
	int *to;
	int i;

	aggregates->n = list_length(aggrefs);
	aggregates->items = palloc0(aggregates->n * sizeof(GroupAggregate));
	aggregates->kept = CurrentMemoryContext;
	aggregates->state = makeNode(AggState);
	aggregates->state->ss.ps.state = estate;
	aggregates->state->tmpcontext = CreateExprContext(estate);
	aggregates->group = CreateExprContext(estate);
	aggregates->state->curaggcontext = aggregates->group;
	aggregates->state->aggcontexts = &aggregates->group;

	foreach (cell, columns)
		max_columns += list_length((List *) lfirst(cell)) + 1;
	*rows = rows_create(max_columns);
	for (i = 0; i < aggregates->n; i++)
	{
		GroupAggregate *item = &aggregates->items[i];

		item->aggref = list_nth_node(Aggref, aggrefs, i);
		Assert(item->aggref->aggsplit == AGGSPLIT_SIMPLE);
		item->nargs = list_length(item->aggref->args);
		look_up(aggregates, item);
		take_columns(aggregates, item, (List *) list_nth(columns, i), child, *rows);
	}
	to = palloc0((max_columns + 1) * sizeof(int));
	rows_arrange(*rows, to);
	for (i = 0; i < aggregates->n; i++)
		place_columns(&aggregates->items[i], to);
	pfree(to);
	aggregates->rows = *rows;
	return aggregates;
}

MemoryContext
aggregates_memory(const GroupAggregates *aggregates)
{
	return aggregates->group->ecxt_per_tuple_memory;
}

/* ---- summaries ---- */

static void
start_gathering(GroupAggregates *aggregates, Gathering *gathering)
{
	gathering->any = false;
	gathering->nrows = gathering->nbodies = 0;
	gathering->bodies = NULL;
	gathering->max_bodies = 0;
	if (gathering->result.cap > RESULT_KEPT)
	{
		pfree(gathering->result.data);
		gathering->result.data = NULL;
	}
	if (gathering->result.data == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(aggregates->kept);

		buffer_init(&gathering->result, 1024);
		MemoryContextSwitchTo(old);
	}
}

/* Merges what was gathered to a body, in the group's memory. */
static void
merge_gathered(Gathering *gathering)
{
	ByteBuffer merged;

	buffer_init(&merged, 1024);
	gathering->form->ops->merge(&merged, NULL, 0, gathering->rows, gathering->nrows, NULL);
	gathering->bodies = array_grow(gathering->bodies, &gathering->max_bodies,
								   (int64) gathering->nbodies + 1, sizeof(ByteSpan));
	gathering->bodies[gathering->nbodies].bytes = merged.data;
	gathering->bodies[gathering->nbodies++].len = merged.len;
	gathering->nrows = 0;
}

/* Gathers n rows, from where they are kept, each so far behind the one before. */
static inline void
gather(GroupAggregates *aggregates, Gathering *gathering, const uint8 *from, size_t stride, int n)
{
	size_t size = gathering->form->ops->row_size;

	gathering->any = true;
	while (n > 0)
	{
		int room = Min(n, GATHERED_MAX - gathering->nrows);
		uint8 *to;

		if (unlikely(room == 0))
		{
			merge_gathered(gathering);
			continue;
		}
		gathering->rows = array_grow_in(aggregates->kept, gathering->rows, &gathering->max_rows,
										(int64) gathering->nrows + room, size);
		to = gathering->rows + gathering->nrows * size;
		if (gathering->form->expand != NULL)
			gathering->form->expand(to, from, stride, room);
		else if (stride == size)
			memcpy(to, from, room * size);
		else
		{
			int i;

			for (i = 0; i < room; i++)
				memcpy(to + i * size, from + i * stride, size);
		}
		gathering->nrows += room;
		from += room * stride;
		n -= room;
	}
}

static void
gather_batch(GroupAggregates *aggregates, GroupAggregate *item, const RowBatch *batch)
{
	Gathering *gathering = item->gathering;
	const RowColumn *column = &aggregates->rows->columns[gathering->column];
	int bit = item->filter >= 0 ? aggregates->rows->columns[item->filter].bit : -1;
	int i;

	if (batch->rows == NULL && bit < 0)
	{
		gather(aggregates, gathering, batch->first + column->offset, batch->stride, batch->n);
		return;
	}
	for (i = 0; i < batch->n; i++)
	{
		const uint8 *row = batch_row(batch, i);

		if (!row_bit(row, bit))
			gather(aggregates, gathering, row + column->offset, 0, 1);
		CHECK_FOR_INTERRUPTS();
	}
}

static Datum
finish_gathering(Gathering *gathering, bool *null)
{
	const CollectOps *ops = gathering->form->ops;

	*null = !gathering->any;
	if (*null)
		return (Datum) 0;
	gathering->result.len = VARHDRSZ;
	ops->merge(&gathering->result, gathering->bodies, gathering->nbodies, gathering->rows,
			   gathering->nrows, NULL);
	datum_set_size(gathering->result.data, gathering->result.len, ops->body_type, ops->size_hint);
	return PointerGetDatum(gathering->result.data);
}

/* ---- states ---- */

static inline void
advance(GroupAggregates *aggregates, GroupAggregate *item)
{
	FunctionCallInfo call = item->transition_call;

	if (item->transition->transfn.fn_strict)
	{
		int i;

		for (i = 1; i <= item->nargs; i++)
			if (call->args[i].isnull)
				return;
		if (item->none_yet)
		{
			/* by value, so there is nothing to copy */
			item->value = call->args[1].value;
			item->is_null = item->none_yet = false;
			return;
		}
		if (item->is_null)
			return;
	}
	call->args[0].value = item->value;
	call->args[0].isnull = item->is_null;
	call->isnull = false;
	item->value = FunctionCallInvoke(call);
	item->is_null = call->isnull;
}

static void
advance_batch(GroupAggregates *aggregates, GroupAggregate *item, const RowBatch *batch)
{
	const GroupRows *rows = aggregates->rows;
	FunctionCallInfo call = item->transition_call;
	MemoryContext row_memory = aggregates->state->tmpcontext->ecxt_per_tuple_memory;
	MemoryContext old = MemoryContextSwitchTo(row_memory);
	int bit = item->filter >= 0 ? rows->columns[item->filter].bit : -1;
	int i;
	int k;

	aggregates->state->curpertrans = item->transition;
	for (i = 0; i < batch->n; i++)
	{
		const uint8 *row = batch_row(batch, i);

		CHECK_FOR_INTERRUPTS();
		if (row_bit(row, bit))
			continue;
		for (k = 0; k < item->nargs; k++)
		{
			NullableDatum *argument = &call->args[k + 1];

			if (item->columns[k] < 0)
				*argument = item->constants[k];
			else
				argument->value = rows_read(rows, row, item->columns[k], &argument->isnull);
		}
		advance(aggregates, item);
		MemoryContextReset(row_memory);
	}
	aggregates->state->curpertrans = NULL;
	MemoryContextSwitchTo(old);
}

static Datum
finish_state(GroupAggregates *aggregates, GroupAggregate *item, bool *null)
{
	FunctionCallInfo call = item->final_call;
	Datum value =
		MakeExpandedObjectReadOnly(item->value, item->is_null, item->transition->transtypeLen);

	if (call == NULL)
	{
		*null = item->is_null;
		return value;
	}
	/* arguments behind the state are NULL */
	if (call->flinfo->fn_strict && (item->is_null || item->final->numFinalArgs > 1))
	{
		*null = true;
		return (Datum) 0;
	}
	call->args[0].value = value;
	call->args[0].isnull = item->is_null;
	call->isnull = false;
	aggregates->state->curperagg = item->final;
	value = FunctionCallInvoke(call);
	aggregates->state->curperagg = NULL;
	*null = call->isnull;
	return value;
}

/* ---- a group ---- */

void
aggregates_start(GroupAggregates *aggregates)
{
	int i;

	ReScanExprContext(aggregates->group);
	for (i = 0; i < aggregates->n; i++)
	{
		GroupAggregate *item = &aggregates->items[i];

		if (item->gathering != NULL)
		{
			start_gathering(aggregates, item->gathering);
			continue;
		}
		item->value = item->transition->initValue;
		item->is_null = item->none_yet = item->transition->initValueIsNull;
		item->take = NULL;
	}
}

void
aggregates_feed(GroupAggregates *aggregates, const RowBatch *batch)
{
	MemoryContext old = MemoryContextSwitchTo(aggregates_memory(aggregates));
	int i;

	for (i = 0; i < aggregates->n; i++)
		if (aggregates->items[i].gathering != NULL)
			gather_batch(aggregates, &aggregates->items[i], batch);
		else
			advance_batch(aggregates, &aggregates->items[i], batch);
	MemoryContextSwitchTo(old);
}

void
aggregates_feed_slot(GroupAggregates *aggregates, const TupleTableSlot *slot)
{
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;
	MemoryContext row_memory = aggregates->state->tmpcontext->ecxt_per_tuple_memory;
	MemoryContext old = MemoryContextSwitchTo(row_memory);
	int i;
	int k;

	for (i = 0; i < aggregates->n; i++)
	{
		GroupAggregate *item = &aggregates->items[i];
		NullableDatum *arguments = &item->transition_call->args[1];
		int filter = item->filter_child;

		Assert(item->gathering == NULL);
		if (filter >= 0 && (nulls[filter] || !DatumGetBool(values[filter])))
			continue;
		for (k = 0; k < item->nargs; k++)
		{
			int child = item->children[k];

			if (unlikely(child < 0))
			{
				arguments[k] = item->constants[k];
				continue;
			}
			arguments[k].value = values[child];
			arguments[k].isnull = nulls[child];
		}
		if (likely(item->take != NULL))
		{
			item->take((Collector *) DatumGetPointer(item->value), arguments);
			continue;
		}
		aggregates->state->curpertrans = item->transition;
		advance(aggregates, item);
		aggregates->state->curpertrans = NULL;
	}
	MemoryContextSwitchTo(old);
	if (!row_memory->isReset)
		MemoryContextReset(row_memory);
}

void *
aggregates_state(const GroupAggregates *aggregates, int number)
{
	const GroupAggregate *item = &aggregates->items[number];

	return item->is_null ? NULL : DatumGetPointer(item->value);
}

void
aggregates_take_by(GroupAggregates *aggregates, int number, CollectTake take)
{
	aggregates->items[number].take = take;
}

void
aggregates_finish(GroupAggregates *aggregates, Datum *values, bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(aggregates_memory(aggregates));
	int i;

	for (i = 0; i < aggregates->n; i++)
		if (aggregates->items[i].gathering != NULL)
			values[i] = finish_gathering(aggregates->items[i].gathering, &nulls[i]);
		else
			values[i] = finish_state(aggregates, &aggregates->items[i], &nulls[i]);
	MemoryContextSwitchTo(old);
}

void
aggregates_end(GroupAggregates *aggregates)
{
	ReScanExprContext(aggregates->group);
}
