/*
 * retention_result.c
 *		The stored form of retention_result and its binary I/O.
 *
 *		byte	version (low 4 bits), flags (RESULT_...)
 *		varint	length of the period's text, text
 *		varint	length of the zone's name, name		(if it is known)
 *		zigzag	as-of day							(if given)
 *		zigzag	last active day						(if there is one)
 *		varint	members without events
 *		varint	rows without customer
 *		the kind									(version 2)
 *			varint	1: recurring; 2: of returns; 0; their sum
 *			varint	length of a window, 0 for none
 *			varint	microseconds of a lag, 0 for periods
 *			varint	brackets, then each: varint first lag, varint lags from it to the last
 *			varint	customers						(recurring)
 *		varint	cohorts, then each:
 *			zigzag	number of its period	(first cohort)
 *			varint	periods since the cohort before (others)
 *			varint	size							(version 2)
 *			varint	cells, then each:
 *				varint	columns since the cell before; of the first cell the column
 *						(version 1: it is 0, and isn't there)
 *				varint	retained
 *				varint	ended
 *				varint	eligible					(elapsed lags)
 *
 * Version 1 is that of the plain kind, whose cohorts' sizes are what they retain at lag 0.
 *
 * Text and binary input go through the counts: they are checked as counts, and
 * encoded anew.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "retention/retention.h"

#define PLAIN_VERSION		1
#define RESULT_VERSION		2
#define RESULT_AS_OF_GIVEN	0x10
#define RESULT_HAS_LAST_DAY 0x20
#define RESULT_HAS_ZONE		0x40

#define KIND_RECURRING		1
#define KIND_RETURNS		2

bool
retention_as_of(const RetentionScope *scope, DateADT *as_of)
{
	*as_of = scope->as_of_given ? scope->as_of : scope->last_day;
	return scope->as_of_given || scope->has_last_day;
}

/* ---- writing ---- */

static void
put_name(ByteBuffer *out, const char *name)
{
	buffer_put_varint(out, strlen(name));
	buffer_put_bytes(out, name, strlen(name));
}

static void
put_kind(ByteBuffer *out, const RetentionScope *scope)
{
	const RetentionKind *kind = &scope->kind;
	int i;

	buffer_put_varint(out,
					  (kind->recurring ? KIND_RECURRING : 0) | (kind->returns ? KIND_RETURNS : 0));
	buffer_put_varint(out, (uint64) kind->rolling);
	buffer_put_varint(out, (uint64) kind->elapsed);
	buffer_put_varint(out, (uint64) kind->nbrackets);
	for (i = 0; i < kind->nbrackets; i++)
	{
		buffer_put_varint(out, (uint64) kind->brackets[i].from);
		buffer_put_varint(out, (uint64) (kind->brackets[i].until - kind->brackets[i].from));
	}
	if (kind->recurring)
		buffer_put_varint(out, (uint64) scope->customers);
}

struct varlena *
retention_encode(const RetentionCounts *counts)
{
	const RetentionScope *scope = &counts->scope;
	bool is_plain = retention_kind_is_plain(&scope->kind);
	const RetentionCell *cell = counts->cells;
	ByteBuffer out;
	int64 i;
	int64 n;

	buffer_init(&out, 256 + 8 * (size_t) counts->ncells);
	out.len = VARHDRSZ;
	buffer_put_byte(&out, (is_plain ? PLAIN_VERSION : RESULT_VERSION) |
							  (scope->as_of_given ? RESULT_AS_OF_GIVEN : 0) |
							  (scope->has_last_day ? RESULT_HAS_LAST_DAY : 0) |
							  (scope->zone != NULL ? RESULT_HAS_ZONE : 0));
	put_name(&out, calendar_period_text(scope->period));
	if (scope->zone != NULL)
		put_name(&out, scope->zone);
	if (scope->as_of_given)
		buffer_put_signed(&out, scope->as_of);
	if (scope->has_last_day)
		buffer_put_signed(&out, scope->last_day);
	buffer_put_varint(&out, (uint64) scope->idle);
	buffer_put_varint(&out, (uint64) scope->guests);
	if (!is_plain)
		put_kind(&out, scope);
	buffer_put_varint(&out, (uint64) counts->ncohorts);
	for (i = 0; i < counts->ncohorts; i++)
	{
		const RetentionCohort *cohort = &counts->cohorts[i];

		if (i == 0)
			buffer_put_signed(&out, cohort->number);
		else
			buffer_put_varint(&out, (uint32) cohort->number - (uint32) cohort[-1].number);
		if (!is_plain)
			buffer_put_varint(&out, (uint64) cohort->size);
		buffer_put_varint(&out, (uint64) cohort->ncells);
		for (n = 0; n < cohort->ncells; n++, cell++)
		{
			if (n > 0)
				buffer_put_varint(&out, cell->column - cell[-1].column);
			else if (!is_plain)
				buffer_put_varint(&out, cell->column);
			buffer_put_varint(&out, (uint64) cell->retained);
			buffer_put_varint(&out, (uint64) cell->ended);
			if (scope->kind.elapsed > 0)
				buffer_put_varint(&out, (uint64) cell->eligible);
		}
	}
	datum_set_size(out.data, out.len, "retention_result",
				   "Take a longer period, or an earlier as_of.");
	return (struct varlena *) out.data;
}

/* ---- reading ---- */

void
retention_reading_start(RetentionReading *reading)
{
	RetentionCounts *counts = &reading->counts;

	memset(counts, 0, sizeof(RetentionCounts));
	counts->scope.last_day = DATEVAL_NOBEGIN;
	reading->max_cohorts = reading->max_cells = 64;
	counts->cohorts = palloc(reading->max_cohorts * sizeof(RetentionCohort));
	counts->cells = palloc(reading->max_cells * sizeof(RetentionCell));
}

RetentionCohort *
retention_reading_cohort(RetentionReading *reading, int32 number)
{
	RetentionCounts *counts = &reading->counts;
	RetentionCohort *cohort;

	if (counts->ncohorts == reading->max_cohorts)
	{
		reading->max_cohorts *= 2;
		counts->cohorts =
			repalloc_huge(counts->cohorts, reading->max_cohorts * sizeof(RetentionCohort));
	}
	cohort = &counts->cohorts[counts->ncohorts++];
	cohort->number = number;
	cohort->size = cohort->ncells = 0;
	return cohort;
}

RetentionCell *
retention_reading_cell(RetentionReading *reading)
{
	RetentionCounts *counts = &reading->counts;
	RetentionCell *cell;

	if (counts->ncells == reading->max_cells)
	{
		reading->max_cells *= 2;
		counts->cells = repalloc_huge(counts->cells, reading->max_cells * sizeof(RetentionCell));
	}
	cell = &counts->cells[counts->ncells++];
	memset(cell, 0, sizeof(RetentionCell));
	counts->cohorts[counts->ncohorts - 1].ncells++;
	return cell;
}

/* Reads a text with its length before it. */
static bool
read_name(ByteReader *in, char **name)
{
	uint64 len;
	const uint8 *bytes;

	if (!read_varint(in, &len) || len > (size_t) (in->end - in->at) ||
		!read_bytes(in, len, &bytes) || memchr(bytes, '\0', len) != NULL)
		return false;
	*name = pnstrdup((const char *) bytes, len);
	return true;
}

/* Reads a number that is at most this. */
static bool
read_number(ByteReader *in, uint64 most, int64 *number)
{
	uint64 read;

	if (!read_varint(in, &read) || read > most)
		return false;
	*number = (int64) read;
	return true;
}

static bool
read_day(ByteReader *in, DateADT *day)
{
	int64 number;

	if (!read_signed(in, &number) || !IS_VALID_DATE(number))
		return false;
	*day = (DateADT) number;
	return true;
}

static bool
read_kind(ByteReader *in, RetentionScope *scope)
{
	RetentionKind *kind = &scope->kind;
	int64 flags;
	int64 rolling;
	int64 nbrackets;
	int i;

	if (!read_number(in, KIND_RECURRING | KIND_RETURNS, &flags) ||
		!read_number(in, PG_INT32_MAX, &rolling) ||
		!read_number(in, PG_INT64_MAX, &kind->elapsed) ||
		!read_number(in, RETENTION_MAX_BRACKETS, &nbrackets))
		return false;
	kind->recurring = (flags & KIND_RECURRING) != 0;
	kind->returns = (flags & KIND_RETURNS) != 0;
	kind->rolling = (int32) rolling;
	kind->nbrackets = (int) nbrackets;
	kind->brackets = palloc(Max(1, nbrackets) * sizeof(RetentionBracket));
	for (i = 0; i < kind->nbrackets; i++)
	{
		int64 from;
		int64 more;

		if (!read_number(in, PG_INT32_MAX, &from) ||
			!read_number(in, (uint64) (PG_INT32_MAX - from), &more))
			return false;
		kind->brackets[i].from = (int32) from;
		kind->brackets[i].until = (int32) (from + more);
	}
	if (kind->recurring && !read_number(in, PG_INT64_MAX, &scope->customers))
		return false;
	return retention_kind_fault(kind) == NULL && kind->nbrackets == nbrackets;
}

static bool
read_scope(ByteReader *in, RetentionScope *scope)
{
	uint8 head;
	char *name;

	if (!read_byte(in, &head) ||
		((head & 0x0F) != PLAIN_VERSION && (head & 0x0F) != RESULT_VERSION) ||
		(head & 0xF0 & ~(RESULT_AS_OF_GIVEN | RESULT_HAS_LAST_DAY | RESULT_HAS_ZONE)) != 0)
		return false;
	if (!read_name(in, &name))
		return false;
	scope->period = calendar_period_parse(name);
	if (head & RESULT_HAS_ZONE)
	{
		if (!read_name(in, &name))
			return false;
		scope->zone = zone_name(zone_by_name(name, strlen(name)));
	}
	scope->as_of_given = (head & RESULT_AS_OF_GIVEN) != 0;
	scope->has_last_day = (head & RESULT_HAS_LAST_DAY) != 0;
	if ((scope->as_of_given && !read_day(in, &scope->as_of)) ||
		(scope->has_last_day && !read_day(in, &scope->last_day)) ||
		!read_number(in, PG_INT64_MAX, &scope->idle) ||
		!read_number(in, PG_INT64_MAX, &scope->guests))
		return false;
	if ((head & 0x0F) == PLAIN_VERSION)
		return true;
	return read_kind(in, scope) && !retention_kind_is_plain(&scope->kind);
}

/* Reads the cells of a cohort, that was added before. */
static bool
read_cells(ByteReader *in, RetentionReading *reading, uint64 ncells, bool is_plain)
{
	bool is_elapsed = reading->counts.scope.kind.elapsed > 0;
	uint64 column = 0;
	uint64 n;

	for (n = 0; n < ncells; n++)
	{
		RetentionCell *cell;
		int64 number = 0;

		if ((n > 0 || !is_plain) && !read_number(in, PG_UINT32_MAX, &number))
			return false;
		if (n > 0 && number == 0)
			return false;
		column += (uint64) number;
		if (column > PG_UINT32_MAX)
			return false;
		cell = retention_reading_cell(reading);
		cell->column = (uint32) column;
		if (!read_number(in, PG_INT64_MAX, &cell->retained) ||
			!read_number(in, PG_INT64_MAX, &cell->ended) ||
			(is_elapsed && !read_number(in, PG_INT64_MAX, &cell->eligible)))
			return false;
		if (n % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/* Reads a stored form; false where it isn't one. Whether the counts make sense is for
 * counts_valid(). */
static bool
read_result(ByteReader *in, RetentionReading *reading)
{
	RetentionScope *scope = &reading->counts.scope;
	bool is_plain;
	uint64 ncohorts;
	int64 number = 0;
	uint64 i;

	retention_reading_start(reading);
	if (!read_scope(in, scope) || !read_varint(in, &ncohorts))
		return false;
	is_plain = retention_kind_is_plain(&scope->kind);
	for (i = 0; i < ncohorts; i++)
	{
		RetentionCohort *cohort;
		int64 step = 0;
		uint64 ncells;

		if (i == 0 ? !read_signed(in, &number) : !read_number(in, PG_UINT32_MAX, &step))
			return false;
		number += step;
		if ((i > 0 && step == 0) || number < PG_INT32_MIN || number > PG_INT32_MAX)
			return false;
		cohort = retention_reading_cohort(reading, (int32) number);
		if ((!is_plain && !read_number(in, PG_INT64_MAX, &cohort->size)) ||
			!read_varint(in, &ncells) || (is_plain && ncells == 0) ||
			!read_cells(in, reading, ncells, is_plain))
			return false;
		if (is_plain)
			cohort->size = reading->counts.cells[reading->counts.ncells - (int64) ncells].retained;
		if (!scope->kind.recurring &&
			__builtin_add_overflow(scope->customers, cohort->size, &scope->customers))
			return false;
		CHECK_FOR_INTERRUPTS();
	}
	return in->at == in->end;
}

void
retention_decode(const struct varlena *result, RetentionCounts *counts)
{
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(result);
	ByteReader in = { bytes, bytes + VARSIZE_ANY_EXHDR(result) };
	RetentionReading reading;

	if (!read_result(&in, &reading))
		report_corrupted();
	*counts = reading.counts;
}

/* ---- checking ---- */

/* Can brackets have such counts? */
static bool
brackets_valid(const RetentionScope *scope, const RetentionCohort *cohort,
			   const RetentionCell *cells, int32 last_period)
{
	const RetentionKind *kind = &scope->kind;
	int64 i;

	for (i = 0; i < cohort->ncells; i++)
	{
		const RetentionCell *cell = &cells[i];

		if (cell->column >= (uint32) kind->nbrackets || (i > 0 && cell->column <= cell[-1].column))
			return false;
		if (cell->retained > cell->ended ||
			cell->ended > (kind->elapsed > 0 ? cell->eligible : cohort->size) ||
			cell->eligible > cohort->size || (cell->ended == 0 && cell->eligible == 0))
			return false;
		if (kind->elapsed == 0 &&
			cohort->number + (int64) kind->brackets[cell->column].from > last_period)
			return false;
	}
	return true;
}

/* Can an elapsed lag be over by as_of, for someone of this cohort? Days of zones apart are let
 * pass. */
static bool
lag_can_be_over(const RetentionScope *scope, const Calendar *calendar, int32 cohort, uint32 lag)
{
	int64 days = (int64) scope->as_of - calendar_start(calendar, cohort) + 3;

	return ((int128) lag + 1) * scope->kind.elapsed <= (int128) days * USECS_PER_DAY;
}

/* Can single lags or windows have such counts? left counts those who haven't ended before. */
static bool
lags_valid(const RetentionScope *scope, const Calendar *calendar, const RetentionCohort *cohort,
		   const RetentionCell *cells, int32 last_period)
{
	const RetentionKind *kind = &scope->kind;
	bool all_start = !kind->returns && kind->rolling == 0; /* everybody is retained at lag 0 */
	int64 last_column = (int64) last_period - cohort->number + Max(kind->rolling, 1) - 1;
	int64 ended = 0;
	int64 eligible = 0;
	int64 left;
	int64 i;

	for (i = 0; i < cohort->ncells; i++)
		if (__builtin_add_overflow(ended, cells[i].ended, &ended) ||
			__builtin_add_overflow(eligible, cells[i].eligible, &eligible))
			return false;
	if (ended > cohort->size || eligible > cohort->size)
		return false;
	if (all_start && kind->elapsed == 0 &&
		(cohort->ncells == 0 || cells[0].column != 0 || cells[0].retained != cohort->size ||
		 ended != cohort->size))
		return false;
	if (all_start && kind->elapsed > 0 && eligible > 0 &&
		(cells[0].column != 0 || cells[0].retained != eligible || ended != eligible))
		return false;

	left = ended;
	for (i = 0; i < cohort->ncells; i++)
	{
		const RetentionCell *cell = &cells[i];

		if ((i > 0 && cell->column <= cell[-1].column) || cell->column < (uint32) kind->rolling ||
			cell->retained > left ||
			(cell->retained == 0 && cell->ended == 0 && cell->eligible == 0))
			return false;
		if (kind->elapsed == 0 ? cell->column > last_column || cell->ended > cell->retained
							   : left > eligible || !lag_can_be_over(scope, calendar,
																	 cohort->number, cell->column))
			return false;
		left -= cell->ended;
		eligible -= cell->eligible;
	}
	return true;
}

/* Does a cohort reach the last active day's period, as one does where all days are its own? */
static bool
reaches(const RetentionCounts *counts, int32 last_period)
{
	const RetentionCell *cell = counts->cells;
	int64 i;

	for (i = 0; i < counts->ncohorts; i++)
	{
		cell += counts->cohorts[i].ncells;
		if (counts->cohorts[i].number + (int64) cell[-1].column == last_period)
			return true;
	}
	return false;
}

/*
 * Can such counts come from customers? Each cohort starts at lag 0 with all of its
 * customers, each of whom ends once, no later than the last active day.
 */
static bool
counts_valid(const RetentionCounts *counts)
{
	const RetentionScope *scope = &counts->scope;
	const RetentionCell *cell = counts->cells;
	Calendar calendar;
	int32 first_period;
	int32 last_period;
	int64 members = 0;
	int64 largest = 0;
	int64 i;

	if (scope->has_last_day && scope->as_of_given && scope->last_day > scope->as_of)
		return false;
	if (scope->kind.elapsed > 0 &&
		(scope->zone == NULL || (scope->has_last_day && !scope->as_of_given)))
		return false;
	if (counts->ncohorts == 0)
		return scope->customers == 0 && (!scope->has_last_day || scope->kind.returns);
	if (!scope->has_last_day)
		return false;
	calendar_open(&calendar, scope->period);
	first_period = calendar.unit == CALENDAR_LIST
					   ? 0
					   : calendar_index(&calendar, DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE);
	last_period = calendar_index(&calendar, scope->last_day);

	for (i = 0; i < counts->ncohorts; i++)
	{
		const RetentionCohort *cohort = &counts->cohorts[i];

		if (cohort->size <= 0 || __builtin_add_overflow(members, cohort->size, &members) ||
			cohort->number < first_period || cohort->number > last_period)
			return false;
		largest = Max(largest, cohort->size);
		if (scope->kind.nbrackets > 0 ? !brackets_valid(scope, cohort, cell, last_period)
									  : !lags_valid(scope, &calendar, cohort, cell, last_period))
			return false;
		cell += cohort->ncells;
	}
	if (scope->customers > members || scope->customers < largest)
		return false;
	return !retention_kind_is_plain(&scope->kind) || reaches(counts, last_period);
}

struct varlena *
retention_encode_checked(const RetentionCounts *counts, int sqlstate)
{
	if (!counts_valid(counts))
		ereport(ERROR,
				(errcode(sqlstate), errmsg("retention_result holds impossible counts"),
				 retention_kind_is_plain(&counts->scope.kind)
					 ? errdetail("Each cohort's customers are retained at lag 0, and each ends "
								 "once, no later than the last active day.")
					 : errdetail("No more customers are retained than are in the cohort, each ends "
								 "once at most, and none after the last active day."),
				 errhint(RETENTION_HINT)));
	return retention_encode(counts);
}

/* ---- binary I/O: the stored form ---- */

PG_FUNCTION_INFO_V1(loyalty_retention_result_recv);
PG_FUNCTION_INFO_V1(loyalty_retention_result_send);

Datum
loyalty_retention_result_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int len = message->len - message->cursor;
	const uint8 *bytes = (const uint8 *) pq_getmsgbytes(message, len);
	ByteReader in = { bytes, bytes + len };
	RetentionReading reading;

	if (!read_result(&in, &reading))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid bytes for a retention_result"), errhint(RETENTION_HINT)));
	PG_RETURN_POINTER(
		retention_encode_checked(&reading.counts, ERRCODE_INVALID_BINARY_REPRESENTATION));
}

Datum
loyalty_retention_result_send(PG_FUNCTION_ARGS)
{
	struct varlena *result = PG_GETARG_VARLENA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, VARDATA_ANY(result), VARSIZE_ANY_EXHDR(result));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
