/*
 * funnel_steps.c
 *		The steps of a funnel: how they are written, and their names.
 *
 *		cart				a step
 *		view|search			one of several names
 *		coupon?				an optional step
 *		!refund|return		not a step: it may not come between the steps around it
 *		"what?"				a name in double quotes stands for itself; a double quote in it is
 *							written twice
 *
 * Blanks beside one of these signs don't count. A sign elsewhere is a part of the name: 'Yahoo!',
 * 'a?b', '40" TV'.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "core/codec.h"
#include "funnel/funnel_internal.h"

#define QUOTE_HINT                                                                               \
	"Steps are names; 'a|b' is one of several, 'a?' is optional, '!a' may not come in between. " \
	"A name that has such a sign is written in double quotes, as funnel_name() does."

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ---- writing ---- */

/* Would a name be read as something else? Beside others, blanks at its ends would be lost. */
static bool
needs_quotes(const char *name, int len, bool has_signs)
{
	if (len == 0)
		return has_signs;
	if (name[0] == '!' || name[0] == '"' || name[len - 1] == '?' || memchr(name, '|', len) != NULL)
		return true;
	return has_signs && (is_blank(name[0]) || is_blank(name[len - 1]));
}

static void
put_name(StringInfo out, const EventText *name, bool has_signs)
{
	int i;

	if (!needs_quotes(name->bytes, name->len, has_signs))
	{
		appendBinaryStringInfo(out, name->bytes, name->len);
		return;
	}
	appendStringInfoChar(out, '"');
	for (i = 0; i < name->len; i++)
	{
		if (name->bytes[i] == '"')
			appendStringInfoChar(out, '"');
		appendStringInfoChar(out, name->bytes[i]);
	}
	appendStringInfoChar(out, '"');
}

char *
funnel_quoted_name(const char *name, int len)
{
	EventText text = { name, len };
	StringInfoData out;

	initStringInfo(&out);
	put_name(&out, &text, true);
	return out.data;
}

static const char *
element_text(const FunnelElement *element)
{
	bool has_signs = element->barred || element->optional || element->nnames > 1;
	StringInfoData out;
	int i;

	initStringInfo(&out);
	if (element->barred)
		appendStringInfoChar(&out, '!');
	for (i = 0; i < element->nnames; i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, '|');
		put_name(&out, &element->names[i], has_signs);
	}
	if (element->optional)
		appendStringInfoChar(&out, '?');
	return out.data;
}

/* ---- reading ---- */

static void refuse(const char *text, const char *fault) pg_attribute_noreturn();

static void
refuse(const char *text, const char *fault)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a step of a funnel can't be \"%.*s%s\"", JSON_SHOWN(text, (int) strlen(text))),
			 errdetail("%s", fault), errhint(QUOTE_HINT)));
}

/* Takes a name in double quotes; at stands behind the first one. */
static const char *
take_quoted(const char *at, const char *text, EventText *name)
{
	char *bytes = palloc(strlen(at) + 1);

	name->bytes = bytes;
	name->len = 0;
	for (;; at++)
	{
		if (*at == '\0')
			refuse(text, "A double quote is not closed.");
		if (*at == '"' && *++at != '"')
			return at;
		bytes[name->len++] = *at;
	}
}

/* Takes a name as it is, up to the next sign or the end. */
static const char *
take_plain(const char *at, const char *text, bool has_signs, EventText *name)
{
	const char *end = at + strcspn(at, "|");
	bool is_last = *end == '\0';
	const char *stop = end;

	if (stop > at && stop[-1] == '?')
	{
		if (!is_last)
			refuse(text, "A question mark stands behind all of the step.");
		stop--;
		has_signs = true;
		end--;
	}
	if (has_signs || !is_last)
		while (stop > at && is_blank(stop[-1]))
			stop--;
	if (stop == at && (has_signs || !is_last))
		refuse(text, "A name is missing; one of no letters is \"\".");
	name->bytes = at;
	name->len = (int) (stop - at);
	return end;
}

static const char *
skip_blanks(const char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

static void
read_element(const char *text, FunnelElement *element, int room)
{
	const char *at = text;
	bool has_signs = false;

	memset(element, 0, sizeof(FunnelElement));
	element->names = palloc_extended(room * sizeof(EventText), MCXT_ALLOC_HUGE);
	if (*at == '!')
	{
		element->barred = has_signs = true;
		at = skip_blanks(at + 1);
	}
	for (;;)
	{
		EventText *name = &element->names[element->nnames++];

		if (*at == '"')
			at = skip_blanks(take_quoted(at + 1, text, name));
		else
		{
			if (element->nnames > 1 && *at == '!')
				refuse(text, "An exclamation mark stands before all of the step.");
			at = take_plain(at, text, has_signs, name);
		}
		if (*at != '|')
			break;
		has_signs = true;
		at = skip_blanks(at + 1);
	}
	if (*at == '?')
	{
		element->optional = true;
		at++;
	}
	if (*at != '\0')
		refuse(text, "Something follows behind a name in double quotes.");
	if (element->barred && element->optional)
		refuse(text, "What may not come in between can't be optional.");
	element->text = element_text(element);
}

/* How many names an element has at most. */
static int
count_names(const char *text)
{
	int n = 1;

	for (; *text != '\0'; text++)
		n += *text == '|';
	return n;
}

static void
check_number(int64 n, const char *of)
{
	if (n > FUNNEL_MAX_STEPS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a funnel of " INT64_FORMAT " %s is too long", n, of),
						errdetail("It may have %d steps, of %d names in all.", FUNNEL_MAX_STEPS,
								  FUNNEL_MAX_STEPS)));
}

void
funnel_read_steps(char **texts, int ntexts, FunnelList *list)
{
	int64 nnames = 0;
	int i;

	if (ntexts == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a funnel needs steps"),
						errhint("Name them in order, as in ARRAY['visit', 'cart', 'purchase'].")));
	check_number(ntexts, "steps");
	memset(list, 0, sizeof(FunnelList));
	list->nelements = ntexts;
	list->elements = palloc_extended(ntexts * sizeof(FunnelElement), MCXT_ALLOC_HUGE);
	list->steps = palloc_extended(ntexts * sizeof(FunnelElement *), MCXT_ALLOC_HUGE);
	for (i = 0; i < ntexts; i++)
	{
		FunnelElement *element = &list->elements[i];

		if (texts[i] == NULL)
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("step %d of a funnel is null", i + 1),
							errhint("An event without kind or label can't be a step.")));
		check_number(count_names(texts[i]), "names");
		read_element(texts[i], element, count_names(texts[i]));
		nnames += element->nnames;
		check_number(nnames, "names");
		if (!element->barred)
			list->steps[list->nsteps++] = element;
		if ((i == 0 || i == ntexts - 1) && (element->barred || element->optional))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"%.*s%s\" can't be the %s of a funnel's steps",
								   JSON_SHOWN(element->text, (int) strlen(element->text)),
								   i == 0 ? "first" : "last"),
							element->barred
								? errdetail("What is barred stands between two steps.")
								: errdetail("An optional step lies on the way to another one."),
							errhint(QUOTE_HINT)));
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- names and classes ---- */

/* A name, and where it is in the list. */
typedef struct Place
{
	const EventText *name;
	int element;
} Place;

static int
compare_places(const void *a, const void *b)
{
	const Place *x = a;
	const Place *y = b;
	int order = event_text_compare(x->name, y->name);

	return order != 0 ? order : x->element - y->element;
}

/* All places of a name, from first up to end. */
typedef struct NamePlaces
{
	const Place *first;
	const Place *end;
	int name;
} NamePlaces;

/* By the elements that a name is in. */
static int
compare_elements(const void *a, const void *b)
{
	const NamePlaces *x = a;
	const NamePlaces *y = b;
	const Place *p = x->first;
	const Place *q = y->first;

	while (p < x->end && q < y->end)
	{
		if (p->element != q->element)
			return p->element - q->element;
		p++;
		q++;
	}
	return (p < x->end) - (q < y->end);
}

/* Where names are, sorted by name, each place once. */
static Place *
list_places(const FunnelList *list, int *nplaces)
{
	Place *places = palloc_extended(FUNNEL_MAX_STEPS * sizeof(Place), MCXT_ALLOC_HUGE);
	int n = 0;
	int kept = 0;
	int i;
	int j;

	for (i = 0; i < list->nelements; i++)
		for (j = 0; j < list->elements[i].nnames; j++)
			places[n++] = (Place){ &list->elements[i].names[j], i };
	qsort(places, n, sizeof(Place), compare_places);
	for (i = 0; i < n; i++)
		if (kept == 0 || compare_places(&places[i], &places[kept - 1]) != 0)
			places[kept++] = places[i];
	*nplaces = kept;
	return places;
}

static int *
new_list(int n)
{
	return palloc_extended((n + 1) * sizeof(int), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* What a class's elements are: its lists of steps and levels, and of those the other way round. */
static void
add_class(FunnelNames *names, const FunnelList *list, const NamePlaces *of, int *nsteps,
		  int *nlevels, const int *step_of_element, const int *level_of_element)
{
	const Place *place;

	names->steps_from[names->nclasses] = *nsteps;
	names->levels_from[names->nclasses] = *nlevels;
	for (place = of->first; place < of->end; place++)
	{
		const FunnelElement *element = &list->elements[place->element];

		if (element->barred)
			continue;
		names->steps[(*nsteps)++] = step_of_element[place->element];
		if (!element->optional)
			names->levels[(*nlevels)++] = level_of_element[place->element];
	}
	names->nclasses++;
}

/* The classes of each step, from the steps of each class. */
static void
list_classes(FunnelNames *names, int nsteps)
{
	int total = names->steps_from[names->nclasses];
	int *next = new_list(nsteps);
	int class;
	int i;

	names->classes_from = new_list(nsteps);
	names->classes = new_list(total);
	for (i = 0; i < total; i++)
		names->classes_from[names->steps[i] + 1]++;
	for (i = 0; i < nsteps; i++)
		names->classes_from[i + 1] += names->classes_from[i];
	memcpy(next, names->classes_from, nsteps * sizeof(int));
	for (class = 0; class < names->nclasses; class ++)
		for (i = names->steps_from[class]; i < names->steps_from[class + 1]; i++)
			names->classes[next[names->steps[i]]++] = class;
	names->one_each = true;
	for (i = 1; i <= names->nlevels; i++)
	{
		int step = names->step_of_level[i];

		if (names->classes_from[step + 1] != names->classes_from[step] + 1)
			names->one_each = false;
	}
}

static void
set_ending(FunnelNames *names, int level, int class, bool ends)
{
	uint8 *byte = &names->ending[level * names->ending_width + class / 8];

	if (ends)
		*byte |= 1 << class % 8;
	else
		*byte &= (uint8) ~(1 << class % 8);
}

static void
set_ending_of_level(FunnelNames *names, int level, int of_level, bool ends)
{
	int step = names->step_of_level[of_level];
	int i;

	for (i = names->classes_from[step]; i < names->classes_from[step + 1]; i++)
		set_ending(names, level, names->classes[i], ends);
}

/* Sets what ends chains in strict order: what is in a level, but in neither of the two. */
static void
set_strict_order(FunnelNames *names)
{
	int level;
	int class;

	for (level = 1; level <= names->nlevels; level++)
	{
		for (class = 0; class < names->nclasses; class ++)
			if (names->levels_from[class] < names->levels_from[class + 1])
				set_ending(names, level, class, true);
		set_ending_of_level(names, level, level, false);
		if (level < names->nlevels)
			set_ending_of_level(names, level, level + 1, false);
	}
}

/* Sets what ends chains where it is barred; class_of_element are those of a barred element. */
static void
set_barred(FunnelNames *names, const FunnelList *list)
{
	int level = 0;
	int i;
	int j;

	for (i = 0; i < list->nelements; i++)
	{
		const FunnelElement *element = &list->elements[i];

		level += !element->barred && !element->optional;
		for (j = 0; element->barred && j < element->nnames; j++)
		{
			const EventText *text = event_text_find(&element->names[j], names->texts, names->n);

			set_ending(names, level, names->class_of[text - names->texts], true);
		}
	}
}

void
funnel_open_names(Funnel *funnel)
{
	const FunnelList *list = &funnel->rules.list;
	FunnelNames *names = &funnel->names;
	int nplaces;
	Place *places = list_places(list, &nplaces);
	NamePlaces *of = palloc_extended((nplaces + 1) * sizeof(NamePlaces), MCXT_ALLOC_HUGE);
	int *step_of_element = new_list(list->nelements);
	int *level_of_element = new_list(list->nelements);
	int nsteps = 0;
	int nlevels = 0;
	bool has_barred = false;
	int i;

	memset(names, 0, sizeof(FunnelNames));
	names->step_of_level = new_list(list->nsteps);
	names->level_of_step = new_list(list->nsteps);
	for (i = 0; i < list->nelements; i++)
	{
		has_barred = has_barred || list->elements[i].barred;
		names->has_optional = names->has_optional || list->elements[i].optional;
		if (list->elements[i].barred)
			continue;
		step_of_element[i] = nsteps++;
		if (list->elements[i].optional)
			continue;
		level_of_element[i] = ++names->nlevels;
		names->step_of_level[names->nlevels] = step_of_element[i];
		names->level_of_step[step_of_element[i]] = names->nlevels;
	}

	names->texts = palloc_extended(nplaces * sizeof(EventText), MCXT_ALLOC_HUGE);
	for (i = 0; i < nplaces; i++)
	{
		if (i == 0 || event_text_compare(places[i].name, places[i - 1].name) != 0)
		{
			of[names->n] = (NamePlaces){ &places[i], &places[i], names->n };
			names->texts[names->n++] = *places[i].name;
		}
		of[names->n - 1].end++;
	}
	qsort(of, names->n, sizeof(NamePlaces), compare_elements);
	names->class_of = new_list(names->n);
	names->steps_from = new_list(names->n);
	names->steps = new_list(nplaces);
	names->levels_from = new_list(names->n);
	names->levels = new_list(nplaces);
	nsteps = 0;
	for (i = 0; i < names->n; i++)
	{
		if (i == 0 || compare_elements(&of[i], &of[i - 1]) != 0)
			add_class(names, list, &of[i], &nsteps, &nlevels, step_of_element, level_of_element);
		names->class_of[of[i].name] = names->nclasses - 1;
	}
	names->steps_from[names->nclasses] = nsteps;
	names->levels_from[names->nclasses] = nlevels;
	list_classes(names, list->nsteps);

	if (funnel->rules.mode != FUNNEL_STRICT_ORDER && !has_barred)
		return;
	names->ending_width = (names->nclasses + 7) / 8;
	names->ending = palloc_extended((names->nlevels + 1) * names->ending_width,
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (funnel->rules.mode == FUNNEL_STRICT_ORDER)
		set_strict_order(names);
	set_barred(names, list);
}
