/* mask.h: topics without their credentials (`secret:` of a profile), for whatever writes a topic down.
 * Thread: any.   Errors: none. */
#ifndef BF_DECODE_MASK_H
#define BF_DECODE_MASK_H

#include "config/city.h"
#include "core/arena.h"

/* The topic with * for every level that is secret by a profile whose levels before it are the topic's; it
 * need not match to its end, so that a mistyped or cut topic tells nothing either. The topic itself where
 * there is nothing to hide; empty where the arena is full. */
struct bf_slice bf_mask_topic(const struct bf_city *city, struct bf_slice topic, struct bf_arena *arena);

#endif
