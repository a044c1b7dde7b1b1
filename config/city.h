/* city.h: all that decides a number: profiles, KPIs, zones, boards, windows, limits. Made from a bundle
 * (bundle.h), which is a folder's files or what belfry.config holds; the same bytes give the same city.
 * Owner: creator; everything inside lives as long as it does.   Thread: read-only after load. */
#ifndef BF_CONFIG_CITY_H
#define BF_CONFIG_CITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/bundle.h"
#include "config/definition.h"
#include "config/payload.h"
#include "config/example.h"
#include "core/err.h"
#include "core/expression.h"
#include "core/reading.h"
#include "core/slice.h"
#include "core/timezone.h"

struct bf_problem { /* of a file: a broken profile is disabled and listed here, the rest goes on */
    char text[512]; /* "profiles/x.yaml:3:9: …" */
    bool fatal;
    bool warning; /* nothing is disabled */
};

/* A text made of literals, topic levels and payload values: "{operator}/{vehicle}", "{$.id}".
 * ITEM is {item}: the name of `each`'s item or of SenML's record. */
enum bf_part_kind { BF_PART_LITERAL, BF_PART_LEVEL, BF_PART_PATH, BF_PART_ITEM };
struct bf_part { enum bf_part_kind kind; struct bf_slice literal; size_t level; struct bf_path path; };
struct bf_template { struct bf_part *parts; size_t count; };

/* ---- topic template: city/{kind}/{device}/telemetry, + and # as in MQTT */
enum bf_level_kind { BF_LEVEL_LITERAL, BF_LEVEL_NAMED, BF_LEVEL_ANY, BF_LEVEL_REST };
struct bf_level { enum bf_level_kind kind; struct bf_slice text; /* literal or name */ };
struct bf_topic_template { struct bf_level *levels; size_t count; };
/* The MQTT filter that brings what the template matches: "city/+/+/telemetry". Cut at size. */
void bf_topic_filter(const struct bf_topic_template *topic, char *text, size_t size);
enum bf_time_unit { BF_UNIT_S, BF_UNIT_MS, BF_UNIT_US, BF_UNIT_RFC3339 };

struct bf_profile_reading {
    struct bf_path path;      /* format json; with `each`: relative to the item */
    struct bf_slice name;     /* `name:` (senml record or `each` item with that name); "*" = any */
    struct bf_slice quantity;
    struct bf_slice unit;     /* canonical UCUM the reading gets */
    struct bf_slice from_unit;/* what the device sends, where it differs; SenML's own unit otherwise */
    double scale, offset;     /* value * scale + offset, from from_unit and `scale:`/`offset:` */
    bool integer;             /* keep an integer as int64 */
    bool text;                /* the value is a text (`type: text`) */
    bool boolean;
    struct bf_profile_value *values; size_t value_count; /* `values: {ON: 1}`: texts that mean numbers */
    bool required;            /* missing: a reject instead of silence */
    bool has_valid;
    double valid_min, valid_max; /* after conversion; outside: quality 4, reason range (or reject) */
    bool reject_invalid;
    struct bf_template channel;  /* appended to the source; count 0: none */
    enum bf_aggregation aggregation;
};

struct bf_profile_tag { struct bf_slice name; struct bf_template value; };
struct bf_profile_match { size_t level; struct bf_slice *values; size_t count; };

struct bf_profile {
    struct bf_slice name;     /* "airbox@1" */
    struct bf_slice file;
    bool enabled;
    struct bf_slice network;
    struct bf_topic_template topic;
    size_t *secrets; size_t secret_count; /* levels of the topic that are credentials */
    struct bf_profile_match *matches; size_t match_count; /* `when: {kind: [air]}` */
    struct bf_slice *keys; size_t key_count; /* `key: [VP, DUE]`: payload is {key: {…}}; paths start inside */
    bool only_keys;           /* another first key means: this message gives no reading */
    enum bf_format format;
    struct bf_template source;/* default "{device}" */
    bool has_time; struct bf_path time; enum bf_time_unit time_unit;
    bool has_place; struct bf_path lat, lon;
    struct bf_template zone;  /* count 0: from the place, by point in polygon */
    bool has_records; struct bf_path records; /* a list of messages; paths start in each */
    bool has_each; struct bf_path each, each_name, each_value, each_unit;
    struct bf_wraps wraps;
    bool has_inner; struct bf_profile_inner inner;
    bool has_csv; struct bf_profile_csv csv;
    bool has_binary; struct bf_profile_binary binary;
    struct bf_profile_reading *readings; size_t reading_count;
    struct bf_profile_tag *tags; size_t tag_count;
    bool take_retained, dedup_content;
    enum bf_privacy privacy;
    struct bf_example *examples; size_t example_count;
};

struct bf_board { struct bf_slice name, title; struct bf_slice *kpis; size_t count; };

/* A number that formulas may use: city.inhabitants, zone.inhabitants. */
struct bf_attribute { struct bf_slice name; double number; };

struct bf_city {
    struct bf_slice name, title, timezone;
    struct bf_timezone *local; /* NULL: UTC, or the bundle is of a time before it carried the zone */
    char hash[65];            /* of the bundle */
    struct {
        int64_t tick_every_us, hold_max_us, writer_timeout_us, emit_every_us, device_every_us;
        int64_t max_ahead_us, max_future_us; /* 250ms 30s 30s 1s 30s 10m 5m */
        int64_t delay_us;     /* default of KPIs, 5s */
        uint64_t live_scopes; /* 2000 */
    } time;
    struct {
        uint64_t max_windows; /* per task, 200000 */
        uint64_t max_state;   /* per task: bytes of the windows' aggregates, 1 GiB */
        uint64_t max_scopes;  /* per task, 100000 */
        uint64_t max_sources; /* per task, 100000 */
        uint64_t max_devices; /* per task, 20000 */
        uint64_t max_writers; /* ingest ids, 8 */
    } limits;
    struct bf_attribute *attributes; size_t attribute_count;
    struct bf_profile *profiles; size_t profile_count;
    struct bf_kpi_definition *kpis; size_t kpi_count;
    struct bf_board *boards; size_t board_count;
    struct bf_zones *zones;
    struct bf_problem *problems; size_t problem_count;
};

/* Aggregates are checked against `aggregates` (NULL-terminated), so that config need not link
 * processors; NULL: a reader that computes nothing takes what was checked before. CONFIG if a core file
 * (city.yaml, a KPI, a zone file) is broken: err has the first problem, its detail the others. A broken
 * profile is disabled and listed in `problems`. The bundle may go away afterwards. */
enum bf_status bf_city_load(const struct bf_bundle *bundle,
                            const struct bf_aggregate_kind *const *aggregates,
                            struct bf_city **city, struct bf_err *err) BF_MUST_CHECK;
void bf_city_destroy(struct bf_city *city);
/* The same with all its problems, fatal ones too (then only its problems are to be looked at): for
 * `belfry check`. Never NULL. */
struct bf_city *bf_city_inspect(const struct bf_bundle *bundle,
                                const struct bf_aggregate_kind *const *aggregates);

/* ---- zones: point in polygon (GeoJSON Polygon and MultiPolygon, holes, property `id`) with a grid index */
struct bf_zones;
struct bf_slice bf_zones_find(const struct bf_zones *zones, int32_t lat_e7, int32_t lon_e7); /* empty: none */
size_t bf_zones_count(const struct bf_zones *zones); /* in the order of the files */
void bf_zones_get(const struct bf_zones *zones, size_t index, struct bf_slice *id, struct bf_slice *title);

/* "Did you mean": the candidate within edit distance 2 of `word` (at most a third of its length), or NULL. */
const char *bf_config_nearest(const char *word, const char *const *candidates);

#endif
