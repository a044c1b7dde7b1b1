/* geojson.c: RFC 7946 FeatureCollections of Polygons and MultiPolygons -> zones. Read by the YAML parser,
 * because JSON is YAML and every coordinate then knows its line. Members that we do not know are skipped,
 * as the RFC asks. Declined: rings by the right-hand rule (files break it too often): holes are found by
 * counting crossings. */
#include <math.h>

#include "config/scalar.h"
#include "config/zones.h"

static bool is_text(const struct bf__node *node, const char *text)
{
    return node != NULL && node->kind == BF__NODE_SCALAR && bf_slice_equal(node->text, bf_slice_of(text));
}

static bool read_degrees(struct bf__loader *loader, const struct bf__node *node, double limit, int32_t *e7)
{
    double degrees = 0;
    if (node == NULL || node->kind != BF__NODE_SCALAR || !bf_scalar_number(node->text, &degrees) ||
        !(fabs(degrees) <= limit)) {
        return bf__loader_problem(loader, node, "expected degrees from -%g to %g (longitude comes first)",
                                  limit, limit);
    }
    *e7 = (int32_t)lround(degrees * 1e7);
    return true;
}

static bool read_ring(struct bf__loader *loader, const struct bf__node *node, struct bf__ring *ring)
{
    if (node->kind != BF__NODE_LIST || node->count < 4 || node->count > BF__POINTS_MAX) {
        return bf__loader_problem(loader, node, "expected a ring: a list of at least four [lon, lat]");
    }
    ring->points = bf__pool_array(loader->pool, node->count, sizeof *ring->points);
    for (const struct bf__node *at = node->first; at != NULL; at = at->next) {
        struct bf__point *point = &ring->points[ring->count++];
        if (at->kind != BF__NODE_LIST || at->count < 2) {
            return bf__loader_problem(loader, at, "expected a position [lon, lat], not %s",
                                      bf__node_kind_name(at));
        }
        if (!read_degrees(loader, at->first, 180, &point->lon) ||
            !read_degrees(loader, at->first->next, 90, &point->lat)) {
            return false;
        }
    }
    const struct bf__point *first = &ring->points[0], *last = &ring->points[ring->count - 1];
    if (first->lat != last->lat || first->lon != last->lon) {
        return bf__loader_problem(loader, node,
                                  "the ring is not closed: its last position must be its first");
    }
    return true;
}

/* Adds a polygon's rings to the zone, which has room for them. */
static bool read_polygon(struct bf__loader *loader, const struct bf__node *node, struct bf__zone *zone)
{
    if (node->kind != BF__NODE_LIST || node->count == 0) {
        return bf__loader_problem(loader, node, "expected a polygon: a list of rings");
    }
    for (const struct bf__node *ring = node->first; ring != NULL; ring = ring->next) {
        if (!read_ring(loader, ring, &zone->rings[zone->ring_count++])) {
            return false;
        }
    }
    return true;
}

static bool read_geometry(struct bf__loader *loader, const struct bf__node *feature, struct bf__zone *zone)
{
    const struct bf__node *geometry = bf__node_get(feature, "geometry");
    const struct bf__node *type = bf__node_get(geometry, "type");
    const struct bf__node *coordinates = bf__node_get(geometry, "coordinates");
    bool many = is_text(type, "MultiPolygon");
    if (coordinates == NULL || coordinates->kind != BF__NODE_LIST || coordinates->count == 0 ||
        !(many || is_text(type, "Polygon"))) {
        return bf__loader_problem(loader, geometry != NULL ? geometry : feature,
                                  "a zone needs a geometry of type Polygon or MultiPolygon with coordinates");
    }
    size_t rings = many ? 0 : coordinates->count;
    for (const struct bf__node *part = coordinates->first; many && part != NULL; part = part->next) {
        rings += part->count;
    }
    zone->rings = bf__pool_array(loader->pool, rings > 0 ? rings : 1, sizeof *zone->rings);
    if (!many) {
        return read_polygon(loader, coordinates, zone);
    }
    for (const struct bf__node *part = coordinates->first; part != NULL; part = part->next) {
        if (!read_polygon(loader, part, zone)) {
            return false;
        }
    }
    return true;
}

static bool read_names(struct bf__loader *loader, const struct bf_zones *zones,
                       const struct bf__node *feature, struct bf__zone *zone)
{
    const struct bf__node *properties = bf__node_get(feature, "properties");
    const struct bf__node *id = bf__node_get(properties, "id");
    const struct bf__node *title = bf__node_get(properties, "title");
    if (id == NULL || id->kind != BF__NODE_SCALAR || id->text.len == 0 || id->text.len > 64) {
        return bf__loader_problem(loader, id != NULL ? id : feature,
                                  "a zone needs properties with an id of at most 64 bytes");
    }
    if (bf__zones_by_id(zones, id->text) != NULL) {
        return bf__loader_problem(loader, id,
                                  "the zone \"%s\" is there twice; join its parts to one MultiPolygon",
                                  id->text.data);
    }
    bool has_title = title != NULL && title->kind == BF__NODE_SCALAR && title->text.len > 0;
    zone->id = bf__pool_copy(loader->pool, id->text);
    zone->title = has_title ? bf__pool_copy(loader->pool, title->text) : zone->id;
    return true;
}

/* "inhabitants": 12345 */
static void read_attributes(struct bf__loader *loader, const struct bf__node *feature, struct bf__zone *zone)
{
    const struct bf__node *properties = bf__node_get(feature, "properties");
    zone->attributes = bf__pool_array(loader->pool, properties->count + 1, sizeof *zone->attributes);
    for (const struct bf__node *at = properties->first; at != NULL; at = at->next) {
        double number = 0;
        if (at->kind == BF__NODE_SCALAR && !at->quoted && bf_scalar_number(at->text, &number) &&
            isfinite(number)) {
            zone->attributes[zone->attribute_count++] = (struct bf_attribute){
                .name = bf__pool_copy(loader->pool, at->key->text), .number = number};
        }
    }
}

bool bf__zones_add_geojson(struct bf__loader *loader, struct bf_zones *zones, const struct bf__node *root)
{
    const struct bf__node *features = bf__node_get(root, "features");
    bool good = true;
    if (!is_text(bf__node_get(root, "type"), "FeatureCollection") || features == NULL ||
        features->kind != BF__NODE_LIST) {
        return bf__loader_problem(loader, root, "expected a GeoJSON FeatureCollection with features");
    }
    for (const struct bf__node *feature = features->first; feature != NULL; feature = feature->next) {
        struct bf__zone zone = {.ring_count = 0};
        if (!read_names(loader, zones, feature, &zone) || !read_geometry(loader, feature, &zone)) {
            good = false;
            continue;
        }
        read_attributes(loader, feature, &zone);
        if (!bf__zones_add(zones, &zone)) {
            return bf__loader_problem(loader, feature, "a city may have at most %u zones", BF__ZONES_MAX);
        }
    }
    return good;
}
