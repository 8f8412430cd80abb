/*
 * texts.h
 *		Texts that repeat, numbered from 1 on: what rows refer to that have no room for them.
 */
#ifndef LOYALTY_TEXTS_H
#define LOYALTY_TEXTS_H

#include "postgres.h"

#include "core/codec.h"

typedef struct Texts Texts;

extern Texts *texts_create(MemoryContext context);

/* The number of a text, which is copied where it is new. */
extern uint32 texts_number(Texts *texts, ByteSpan text);

/* How many there are. */
extern uint32 texts_count(const Texts *texts);

/* The text of a number. */
extern ByteSpan texts_get(const Texts *texts, uint32 number);

#endif
