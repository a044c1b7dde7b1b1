/* zones.h: making struct bf_zones (city.h): zones are added from GeoJSON files, then indexed once.
 * Owner: the pool's.   Thread: the loader's; read-only afterwards.
 * Limits: 4,096 zones; 1,000,000 points together. */
#ifndef BF_CONFIG_ZONES_H
#define BF_CONFIG_ZONES_H

#include <stdint.h>

#include "config/city.h"
#include "config/option.h"

#define BF__ZONES_MAX 4096u
#define BF__POINTS_MAX 1000000u

struct bf__point {
    int32_t lat, lon; /* degrees x 1e7 */
};
struct bf__ring {
    struct bf__point *points; /* the last is the first again */
    size_t count;
};
struct bf__zone {
    struct bf_slice id, title;
    struct bf_attribute *attributes; /* its properties that are numbers */
    size_t attribute_count;
    struct bf__ring *rings; /* outer rings and holes alike: inside is an odd number of crossings */
    size_t ring_count;
    struct bf__point low, high; /* bounding box */
};

struct bf_zones *bf__zones_create(struct bf__pool *pool);
/* Adds a GeoJSON file's features; problems go to the loader. */
bool bf__zones_add_geojson(struct bf__loader *loader, struct bf_zones *zones, const struct bf__node *root);
/* Takes the zone. False at BF__ZONES_MAX. */
bool bf__zones_add(struct bf_zones *zones, const struct bf__zone *zone);
/* The zone of that id, or NULL. */
const struct bf__zone *bf__zones_by_id(const struct bf_zones *zones, struct bf_slice id);
/* In the order of the files; index below bf_zones_count. */
const struct bf__zone *bf__zones_at(const struct bf_zones *zones, size_t index);
/* Builds the grid; nothing may be added afterwards. */
void bf__zones_index(struct bf_zones *zones, struct bf__pool *pool);
/* Exact: on an edge or a corner it lies in one of two neighbours, always the same one. */
bool bf__zone_contains(const struct bf__zone *zone, int32_t lat, int32_t lon);

#endif
