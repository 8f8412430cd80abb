/*
 * links.c
 *		Names of nodes in rows of the form (step, source, target, value).
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "metric/links.h"

PG_FUNCTION_INFO_V1(loyalty_link_name);

static void
append_node(StringInfo out, const LinkNode *node)
{
	if (!node->is_named)
		appendStringInfoChar(out, '(');
	appendBinaryStringInfo(out, node->name, node->len);
	appendStringInfo(out, node->is_named ? " (%d)" : " %d)", node->level);
}

void
links_put_node(Rows *rows, const LinkNode *node)
{
	StringInfoData name;

	initStringInfo(&name);
	append_node(&name, node);
	rows_put_text(rows, name.data, name.len);
	pfree(name.data);
}

void
links_put_own_name(Rows *rows, const LinkNode *node)
{
	rows_put_text(rows, node->is_named ? node->name : NULL, node->len);
}

/* link_name(name, level, is_named) */
Datum
loyalty_link_name(PG_FUNCTION_ARGS)
{
	text *name = PG_GETARG_TEXT_PP(0);
	LinkNode node = { VARDATA_ANY(name), (int) VARSIZE_ANY_EXHDR(name), PG_GETARG_INT32(1),
					  PG_GETARG_BOOL(2) };
	StringInfoData out;

	initStringInfo(&out);
	append_node(&out, &node);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
