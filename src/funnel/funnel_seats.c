/*
 * funnel_seats.c
 *		At one instant, each step needs an event of its own.
 *
 *		events	view, cart			steps	{view|cart}, {view}
 *
 * Where each step has a single name, it is enough to count. Where names overlap, a step that has
 * taken an event may have to move to another one, so that the next finds one: a matching, step by
 * step, by augmenting paths. A search looks at each class and each step that sits once.
 */
#include "postgres.h"

#include "funnel/funnel_internal.h"

void
seats_create(Seats *seats, const FunnelNames *names, int nsteps)
{
	size_t n = (size_t) Max(names->nclasses, nsteps) + 1;

	seats->names = names;
	seats->there = palloc0(n * sizeof(int));
	seats->used = palloc0(n * sizeof(int));
	seats->class_of = palloc0(n * sizeof(int));
	seats->first = palloc0(n * sizeof(int));
	seats->next = palloc0(n * sizeof(int));
	seats->before = palloc0(n * sizeof(int));
	seats->came_from = palloc0(n * sizeof(int));
	seats->queue = palloc0(n * sizeof(int));
}

static void
sit(Seats *seats, int step, int class)
{
	int first = seats->first[class];

	seats->class_of[step] = class;
	seats->next[step] = first;
	seats->before[step] = 0;
	if (first != 0)
		seats->before[first - 1] = step + 1;
	seats->first[class] = step + 1;
	seats->used[class]++;
}

void
seats_leave(Seats *seats, int step)
{
	int class = seats->class_of[step];
	int next = seats->next[step];
	int before = seats->before[step];

	if (next != 0)
		seats->before[next - 1] = before;
	if (before != 0)
		seats->next[before - 1] = next;
	else
		seats->first[class] = next;
	seats->used[class]--;
}

/* Adds the classes of a step that there are events of, and which aren't in the queue. */
static int
look_from(Seats *seats, int step, int nqueue)
{
	const FunnelNames *names = seats->names;
	int i;

	for (i = names->classes_from[step]; i < names->classes_from[step + 1]; i++)
	{
		int class = names->classes[i];

		if (seats->there[class] == 0 || seats->came_from[class] != 0)
			continue;
		seats->came_from[class] = step + 1;
		seats->queue[nqueue++] = class;
	}
	return nqueue;
}

bool
seats_find(Seats *seats, int step)
{
	int nqueue = look_from(seats, step, 0);
	bool found = false;
	int i;

	for (i = 0; i < nqueue && !found; i++)
	{
		int class = seats->queue[i];
		int sitting;

		if (seats->used[class] == seats->there[class])
		{
			for (sitting = seats->first[class]; sitting != 0; sitting = seats->next[sitting - 1])
				nqueue = look_from(seats, sitting - 1, nqueue);
			continue;
		}

		/* each on the way here moves on to the place of the one before it */
		for (;;)
		{
			int mover = seats->came_from[class] - 1;
			int old = seats->class_of[mover];

			if (mover != step)
				seats_leave(seats, mover);
			sit(seats, mover, class);
			if (mover == step)
				break;
			class = old;
		}
		found = true;
	}
	for (i = 0; i < nqueue; i++)
		seats->came_from[seats->queue[i]] = 0;
	return found;
}
