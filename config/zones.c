/* zones.c: in which zone does a point lie? A grid over the bounding box of all zones: a cell that no edge
 * crosses knows the answer; others hold a short list of zones to try. Integers (degrees x 1e7) all the way,
 * so the answer is exact and the same everywhere: the crossing rule is half-open (a corner belongs to the
 * edge above it), and neighbours that share an edge never both have, nor both miss, a point on it.
 * Where zones overlap, the first in the order of the files wins.
 * Declined: an R-tree: districts tile the plane, where a grid is simpler and faster. Not handled: a zone
 * across the 180th meridian. */
#include "config/zones.h"

#include <assert.h>

#define GRID 128

/* A zone that a cell has to think of. */
struct candidate {
    uint32_t zone;
    bool whole; /* the cell lies within it */
};

struct cell {
    struct candidate *list; /* ascending by zone; nothing behind one that is whole */
    size_t count;
};

struct bf_zones {
    struct bf__zone *zones;
    size_t count;
    struct bf__point low, high;
    int64_t lat_step, lon_step; /* 0 before the index is built */
    struct cell *cells;         /* GRID x GRID, by latitude first */
};

struct bf_zones *bf__zones_create(struct bf__pool *pool)
{
    struct bf_zones *zones = bf__pool_alloc(pool, sizeof *zones);
    zones->zones = bf__pool_array(pool, BF__ZONES_MAX, sizeof *zones->zones);
    return zones;
}

static void widen(struct bf__point *low, struct bf__point *high, struct bf__point point)
{
    low->lat = point.lat < low->lat ? point.lat : low->lat;
    low->lon = point.lon < low->lon ? point.lon : low->lon;
    high->lat = point.lat > high->lat ? point.lat : high->lat;
    high->lon = point.lon > high->lon ? point.lon : high->lon;
}

bool bf__zones_add(struct bf_zones *zones, const struct bf__zone *zone)
{
    if (zones->count == BF__ZONES_MAX) {
        return false;
    }
    struct bf__zone *added = &zones->zones[zones->count++];
    *added = *zone;
    added->low = added->high = zone->rings[0].points[0];
    for (size_t r = 0; r < zone->ring_count; r++) {
        for (size_t p = 0; p < zone->rings[r].count; p++) {
            widen(&added->low, &added->high, zone->rings[r].points[p]);
        }
    }
    if (zones->count == 1) {
        zones->low = added->low;
        zones->high = added->high;
    }
    widen(&zones->low, &zones->high, added->low);
    widen(&zones->low, &zones->high, added->high);
    return true;
}

const struct bf__zone *bf__zones_by_id(const struct bf_zones *zones, struct bf_slice id)
{
    for (size_t i = 0; i < zones->count; i++) {
        if (bf_slice_equal(zones->zones[i].id, id)) {
            return &zones->zones[i];
        }
    }
    return NULL;
}

/* Does the edge cross the ray that goes east from the point? Products of two differences of degrees x 1e7
 * stay below 1.8e9 * 3.6e9, within int64. */
static bool crosses(struct bf__point a, struct bf__point b, int32_t lat, int32_t lon)
{
    if ((a.lat > lat) == (b.lat > lat)) {
        return false;
    }
    struct bf__point low = a.lat < b.lat ? a : b, high = a.lat < b.lat ? b : a;
    int64_t left = ((int64_t)lon - low.lon) * ((int64_t)high.lat - low.lat);
    int64_t right = ((int64_t)high.lon - low.lon) * ((int64_t)lat - low.lat);
    return left < right;
}

bool bf__zone_contains(const struct bf__zone *zone, int32_t lat, int32_t lon)
{
    bool inside = false;
    if (lat < zone->low.lat || lat > zone->high.lat || lon < zone->low.lon || lon > zone->high.lon) {
        return false;
    }
    for (size_t r = 0; r < zone->ring_count; r++) {
        const struct bf__ring *ring = &zone->rings[r];
        for (size_t p = 0; p + 1 < ring->count; p++) {
            inside ^= crosses(ring->points[p], ring->points[p + 1], lat, lon);
        }
    }
    return inside;
}

static size_t row_of(const struct bf_zones *zones, int32_t lat)
{
    return (size_t)(((int64_t)lat - zones->low.lat) / zones->lat_step);
}

static size_t column_of(const struct bf_zones *zones, int32_t lon)
{
    return (size_t)(((int64_t)lon - zones->low.lon) / zones->lon_step);
}

/* Marks the cells that an edge may touch: those of its bounding box, row by row cut to the part of the
 * edge that lies in the row would be exact; the box is enough, since a marked cell is only slower. */
static void mark_edge(const struct bf_zones *zones, struct bf__point a, struct bf__point b,
                      unsigned char *touched)
{
    struct bf__point low = a, high = a;
    widen(&low, &high, b);
    for (size_t row = row_of(zones, low.lat); row <= row_of(zones, high.lat); row++) {
        for (size_t column = column_of(zones, low.lon); column <= column_of(zones, high.lon); column++) {
            touched[row * GRID + column] = 1;
        }
    }
}

static void append(struct cell *cell, struct candidate candidate, struct bf__pool *pool)
{
    if (cell->count > 0 && cell->list[cell->count - 1].whole) {
        return;
    }
    if ((cell->count & (cell->count - 1)) == 0) { /* full at 0, 1, 2, 4, 8 */
        struct candidate *grown = bf__pool_array(pool, cell->count > 0 ? cell->count * 2 : 1, sizeof *grown);
        if (cell->count > 0) {
            memcpy(grown, cell->list, cell->count * sizeof *grown);
        }
        cell->list = grown;
    }
    cell->list[cell->count++] = candidate;
}

static void index_zone(struct bf_zones *zones, uint32_t index, unsigned char *touched, struct bf__pool *pool)
{
    const struct bf__zone *zone = &zones->zones[index];
    memset(touched, 0, GRID * GRID);
    for (size_t r = 0; r < zone->ring_count; r++) {
        for (size_t p = 0; p + 1 < zone->rings[r].count; p++) {
            mark_edge(zones, zone->rings[r].points[p], zone->rings[r].points[p + 1], touched);
        }
    }
    for (size_t row = row_of(zones, zone->low.lat); row <= row_of(zones, zone->high.lat); row++) {
        for (size_t column = column_of(zones, zone->low.lon); column <= column_of(zones, zone->high.lon);
             column++) {
            /* No edge touches the cell: one point speaks for all of it. */
            int32_t lat = (int32_t)(zones->low.lat + (int64_t)row * zones->lat_step);
            int32_t lon = (int32_t)(zones->low.lon + (int64_t)column * zones->lon_step);
            bool edge = touched[row * GRID + column] != 0;
            if (edge || bf__zone_contains(zone, lat, lon)) {
                append(&zones->cells[row * GRID + column], (struct candidate){.zone = index, .whole = !edge},
                       pool);
            }
        }
    }
}

void bf__zones_index(struct bf_zones *zones, struct bf__pool *pool)
{
    if (zones->count == 0) {
        return;
    }
    /* One more than the extent, so that the last point still falls into the last cell. */
    zones->lat_step = ((int64_t)zones->high.lat - zones->low.lat) / GRID + 1;
    zones->lon_step = ((int64_t)zones->high.lon - zones->low.lon) / GRID + 1;
    zones->cells = bf__pool_array(pool, (size_t)GRID * GRID, sizeof *zones->cells);
    unsigned char *touched = bf__pool_alloc(pool, (size_t)GRID * GRID);
    for (size_t i = 0; i < zones->count; i++) {
        index_zone(zones, (uint32_t)i, touched, pool);
    }
}

struct bf_slice bf_zones_find(const struct bf_zones *zones, int32_t lat_e7, int32_t lon_e7)
{
    struct bf_slice none = {NULL, 0};
    if (zones == NULL || zones->lat_step == 0 || lat_e7 < zones->low.lat || lat_e7 > zones->high.lat ||
        lon_e7 < zones->low.lon || lon_e7 > zones->high.lon) {
        return none;
    }
    const struct cell *cell = &zones->cells[row_of(zones, lat_e7) * GRID + column_of(zones, lon_e7)];
    for (size_t i = 0; i < cell->count; i++) {
        const struct bf__zone *zone = &zones->zones[cell->list[i].zone];
        if (cell->list[i].whole || bf__zone_contains(zone, lat_e7, lon_e7)) {
            return zone->id;
        }
    }
    return none;
}

size_t bf_zones_count(const struct bf_zones *zones)
{
    return zones != NULL ? zones->count : 0;
}

void bf_zones_get(const struct bf_zones *zones, size_t index, struct bf_slice *id, struct bf_slice *title)
{
    *id = zones->zones[index].id;
    *title = zones->zones[index].title;
}

const struct bf__zone *bf__zones_at(const struct bf_zones *zones, size_t index)
{
    assert(index < zones->count);
    return &zones->zones[index];
}
