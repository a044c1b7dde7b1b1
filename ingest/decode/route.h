/* route.h: which profiles may decode a topic. All enabled profiles' topic templates in one trie,
 * so that the cost goes with the topic's levels, not with the number of profiles.
 *
 * Templates match as MQTT filters do: {name} and + take one level, # the rest (also none), and
 * neither takes a first level that begins with `$`.
 * Owner:  the pipeline; borrows the city.   Thread: one at a time (a match stands in the route's
 * memory).
 * Limits: levels deeper than the deepest template are not kept.   Errors: create: LIMIT when
 * memory is out. */
#ifndef BF_DECODE_ROUTE_H
#define BF_DECODE_ROUTE_H

#include "config/city.h"

struct bf_route;

struct bf_route_match {       /* holds until the next find */
    const uint32_t *profiles; /* indices into the city's, in the order of files; `when` is checked */
    size_t count;
    const struct bf_slice *levels;
    size_t level_count;
};

enum bf_status bf_route_create(const struct bf_city *city, struct bf_route **route,
                               struct bf_err *err) BF_MUST_CHECK;
void bf_route_destroy(struct bf_route *route);
void bf_route_find(struct bf_route *route, struct bf_slice topic, struct bf_route_match *match);

#endif
