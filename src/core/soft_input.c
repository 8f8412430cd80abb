/*
 * soft_input.c
 *		Input functions that report malformed text softly.
 */
#include "postgres.h"

#include "core/compat.h"
#include "core/soft_input.h"

#ifdef LOYALTY_HAS_SOFT_ERRORS

/*
 * Is it the text that is at fault? Data exceptions (class 22) are; so are a text that asks for more
 * than a value may hold, or for what isn't supported. Of class 54 the depth of the stack isn't:
 * whoever gives the text may call from too deep.
 */
static bool
is_about_text(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_DATA_EXCEPTION ||
		   sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED || sqlstate == ERRCODE_FEATURE_NOT_SUPPORTED;
}

static Datum
read_softly(FunctionCallInfo fcinfo, PGFunction read)
{
	MemoryContext caller = CurrentMemoryContext;
	ErrorData *volatile error = NULL;
	volatile Datum value = (Datum) 0;

	PG_TRY();
	{
		value = read(fcinfo);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		if (!is_about_text(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();

	if (error != NULL)
	{
		errsave(fcinfo->context,
				(errcode(error->sqlerrcode), errmsg_internal("%s", error->message),
				 error->detail != NULL ? errdetail_internal("%s", error->detail) : 0,
				 error->hint != NULL ? errhint("%s", error->hint) : 0));
		FreeErrorData(error);
	}
	return value;
}

#endif

Datum
soft_input(FunctionCallInfo fcinfo, PGFunction read)
{
#ifdef LOYALTY_HAS_SOFT_ERRORS
	if (fcinfo->context != NULL && IsA(fcinfo->context, ErrorSaveContext))
		return read_softly(fcinfo, read);
#endif
	return read(fcinfo);
}
