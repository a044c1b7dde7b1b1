/* route.c: the trie of topic templates. Literal levels are edges in one hash table keyed by (node,
 * text), so a level with three hundred vendors costs what a level with one does. A walk visits a
 * node at most once, whatever the topic, because the trie is a tree.
 * Declined: MQTT subscription identifiers (MQTT 5 only, and brokers may leave them out). */
#include "ingest/decode/route.h"

#include <assert.h>
#include <stdlib.h>

#include "core/hash.h"

#define NONE UINT32_MAX

struct node {
    uint32_t any;        /* child that takes any level */
    uint32_t ends, rest; /* first profile whose template ends here; with # here */
};

struct edge {
    uint32_t parent, child; /* child NONE: an empty place */
    struct bf_slice text;
};

struct bf_route {
    const struct bf_city *city;
    struct node *nodes;
    size_t node_count;
    struct edge *edges; /* open addressing */
    size_t edge_mask;
    uint32_t *next_end, *next_rest; /* by profile: lists that begin in nodes */
    uint32_t *found;
    size_t found_count;
    struct bf_slice *levels;
    size_t level_count, level_max;
    size_t topic_levels; /* all of the topic's, of which level_count are kept */
};

static struct edge *find_edge(const struct bf_route *route, uint32_t parent, struct bf_slice text)
{
    size_t at = bf_hash64_mix(bf_hash64(text), parent) & route->edge_mask;
    while (route->edges[at].child != NONE &&
           (route->edges[at].parent != parent || !bf_slice_equal(route->edges[at].text, text))) {
        at = (at + 1) & route->edge_mask;
    }
    return &route->edges[at];
}

static uint32_t add_node(struct bf_route *route)
{
    route->nodes[route->node_count] = (struct node){.any = NONE, .ends = NONE, .rest = NONE};
    return (uint32_t)route->node_count++;
}

static void add_profile(struct bf_route *route, uint32_t profile)
{
    const struct bf_topic_template *topic = &route->city->profiles[profile].topic;
    uint32_t at = 0;
    for (size_t i = 0; i < topic->count; i++) {
        const struct bf_level *level = &topic->levels[i];
        if (level->kind == BF_LEVEL_REST) {
            route->next_rest[profile] = route->nodes[at].rest;
            route->nodes[at].rest = profile;
            return;
        }
        if (level->kind == BF_LEVEL_LITERAL) {
            struct edge *edge = find_edge(route, at, level->text);
            if (edge->child == NONE) {
                *edge = (struct edge){.parent = at, .child = add_node(route), .text = level->text};
            }
            at = edge->child;
        } else {
            if (route->nodes[at].any == NONE) {
                uint32_t child = add_node(route);
                route->nodes[at].any = child;
            }
            at = route->nodes[at].any;
        }
    }
    route->next_end[profile] = route->nodes[at].ends;
    route->nodes[at].ends = profile;
}

static bool allocate(struct bf_route *route, size_t levels)
{
    size_t profiles = route->city->profile_count;
    size_t edges = 16;
    while (edges < 2 * levels) {
        edges *= 2;
    }
    route->edge_mask = edges - 1;
    route->nodes = calloc(levels + 1, sizeof *route->nodes);
    route->edges = calloc(edges, sizeof *route->edges);
    route->next_end = calloc(profiles + 1, sizeof *route->next_end);
    route->next_rest = calloc(profiles + 1, sizeof *route->next_rest);
    route->found = calloc(profiles + 1, sizeof *route->found);
    route->levels = calloc(route->level_max + 1, sizeof *route->levels);
    for (size_t i = 0; route->edges && i < edges; i++) {
        route->edges[i].child = NONE;
    }
    return route->nodes && route->edges && route->next_end && route->next_rest && route->found &&
           route->levels;
}

enum bf_status bf_route_create(const struct bf_city *city, struct bf_route **route, struct bf_err *err)
{
    struct bf_route *self = calloc(1, sizeof *self);
    size_t levels = 0;
    if (!self) {
        return bf_err_set(err, BF_LIMIT, "out of memory");
    }
    self->city = city;
    for (size_t i = 0; i < city->profile_count; i++) {
        size_t count = city->profiles[i].topic.count;
        levels += count;
        self->level_max = count > self->level_max ? count : self->level_max;
    }
    if (!allocate(self, levels)) {
        bf_route_destroy(self);
        return bf_err_set(err, BF_LIMIT, "out of memory");
    }
    (void)add_node(self);
    for (size_t i = 0; i < city->profile_count; i++) {
        if (city->profiles[i].enabled) {
            add_profile(self, (uint32_t)i);
        }
    }
    *route = self;
    return BF_OK;
}

void bf_route_destroy(struct bf_route *route)
{
    if (route) {
        free(route->nodes);
        free(route->edges);
        free(route->next_end);
        free(route->next_rest);
        free(route->found);
        free(route->levels);
        free(route);
    }
}

static void split(struct bf_route *route, struct bf_slice topic)
{
    const char *at = topic.data, *end = topic.data + topic.len;
    route->level_count = 0;
    route->topic_levels = 0;
    for (;;) {
        const char *slash = at < end ? memchr(at, '/', (size_t)(end - at)) : NULL;
        const char *stop = slash ? slash : end;
        if (route->level_count < route->level_max) {
            route->levels[route->level_count++] = (struct bf_slice){.data = at, .len = (size_t)(stop - at)};
        }
        route->topic_levels++;
        if (!slash || route->topic_levels > route->level_max) {
            return; /* one level more than any template has is all that needs to be known */
        }
        at = slash + 1;
    }
}

static bool when_holds(const struct bf_route *route, const struct bf_profile *profile)
{
    for (size_t i = 0; i < profile->match_count; i++) {
        const struct bf_profile_match *match = &profile->matches[i];
        bool holds = false;
        for (size_t j = 0; j < match->count && match->level < route->level_count && !holds; j++) {
            holds = bf_slice_equal(match->values[j], route->levels[match->level]);
        }
        if (!holds) {
            return false;
        }
    }
    return true;
}

/* Adds a node's list, keeping `found` ascending. */
static void collect(struct bf_route *route, uint32_t profile, const uint32_t *next)
{
    for (; profile != NONE; profile = next[profile]) {
        if (!when_holds(route, &route->city->profiles[profile])) {
            continue;
        }
        size_t at = route->found_count++;
        for (; at > 0 && route->found[at - 1] > profile; at--) {
            route->found[at] = route->found[at - 1];
        }
        route->found[at] = profile;
    }
}

static void walk(struct bf_route *route, uint32_t at, size_t level)
{
    const struct node *node = &route->nodes[at];
    bool reserved = level == 0 && route->levels[0].len > 0 && route->levels[0].data[0] == '$';
    if (!reserved) {
        collect(route, node->rest, route->next_rest);
    }
    if (level == route->topic_levels) {
        collect(route, node->ends, route->next_end);
        return;
    }
    if (level >= route->level_count) {
        return; /* deeper than any template without # */
    }
    const struct edge *edge = find_edge(route, at, route->levels[level]);
    if (edge->child != NONE) {
        walk(route, edge->child, level + 1);
    }
    if (node->any != NONE && !reserved) {
        walk(route, node->any, level + 1);
    }
}

void bf_route_find(struct bf_route *route, struct bf_slice topic, struct bf_route_match *match)
{
    route->found_count = 0;
    split(route, topic);
    if (route->level_count > 0) {
        walk(route, 0, 0);
    }
    *match = (struct bf_route_match){
        .profiles = route->found,
        .count = route->found_count,
        .levels = route->levels,
        .level_count = route->level_count,
    };
}
