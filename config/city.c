/* city.c: a bundle's files -> one city. City.yaml first (its defaults reach into KPIs), then zones, profiles,
 * KPIs and boards, then what can only be said across files (city_check.c).
 * Declined: a city that is half loaded: with a broken core file there is none. */
#include "config/city.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/city_load.h"
#include "config/document.h"
#include "config/kpi.h"
#include "config/profile.h"
#include "config/scalar.h"
#include "config/zone_file.h"
#include "config/zones.h"

#define AT(field) offsetof(struct bf_city, field)
#define KPIS_MAX 10000u

static const struct bf__option time_options[] = {
    {.name = "tick_every",
     .type = &bf__type_duration,
     .offset = AT(time.tick_every_us),
     .fallback = "250ms",
     .min = 10e3,
     .max = 10e6,
     .summary = "Time between two ticks of an ingest process."},
    {.name = "hold_max",
     .type = &bf__type_duration,
     .offset = AT(time.hold_max_us),
     .fallback = "30s",
     .min = 1e6,
     .max = 3600e6,
     .summary = "Silence of the broker after which time goes on without it."},
    {.name = "writer_timeout",
     .type = &bf__type_duration,
     .offset = AT(time.writer_timeout_us),
     .fallback = "30s",
     .min = 1e6,
     .max = 3600e6,
     .summary = "An ingest process is dead when others have ticked for so long since it last did."},
    {.name = "emit_every",
     .type = &bf__type_duration,
     .offset = AT(time.emit_every_us),
     .fallback = "1s",
     .min = 100e3,
     .max = 3600e6,
     .summary = "Provisional values of a window come at most so often."},
    {.name = "device_every",
     .type = &bf__type_duration,
     .offset = AT(time.device_every_us),
     .fallback = "30s",
     .min = 1e6,
     .max = 86400e6,
     .summary = "The state of a device comes at most so often."},
    {.name = "max_ahead",
     .type = &bf__type_duration,
     .offset = AT(time.max_ahead_us),
     .fallback = "10m",
     .min = 10e6,
     .max = 86400e6,
     .summary = "How far one partition may be ahead of the slowest."},
    {.name = "max_future",
     .type = &bf__type_duration,
     .offset = AT(time.max_future_us),
     .fallback = "5m",
     .min = 0,
     .max = 86400e6,
     .summary = "A device's clock may be ahead by this; further is replaced."},
    {.name = "delay",
     .type = &bf__type_duration,
     .offset = AT(time.delay_us),
     .fallback = "5s",
     .min = 0,
     .max = 86400e6,
     .summary = "How long after its end a window closes, where the KPI does not say."},
    {.name = "live_scopes",
     .type = &bf__type_count,
     .offset = AT(time.live_scopes),
     .fallback = "2000",
     .min = 0,
     .max = 1e6,
     .summary = "Provisional values only for KPIs of at most so many scopes."},
    {.name = NULL},
};
static const struct bf__section time_section = {
    .name = "time", .options = time_options, .summary = "How log time goes on."};

static const struct bf__option limit_options[] = {
    {.name = "max_windows", .type = &bf__type_count, .offset = AT(limits.max_windows), .fallback = "200000",
     .min = 100, .max = 1e8, .summary = "Windows that a task holds."},
    {.name = "max_state", .type = &bf__type_size, .offset = AT(limits.max_state), .fallback = "1GiB",
     .min = 1 << 20, .max = 1e12,
     .summary = "What the aggregates of a task's windows take: a count 80 bytes, a quantile some kilobytes."},
    {.name = "max_scopes", .type = &bf__type_count, .offset = AT(limits.max_scopes), .fallback = "100000",
     .min = 100, .max = 1e8, .summary = "KPI and scope pairs that a task knows."},
    {.name = "max_sources", .type = &bf__type_count, .offset = AT(limits.max_sources), .fallback = "100000",
     .min = 100, .max = 1e8,
     .summary = "KPI and source pairs whose last reading a task remembers: counters, and values that hold."},
    {.name = "max_devices", .type = &bf__type_count, .offset = AT(limits.max_devices), .fallback = "20000",
     .min = 100, .max = 1e8, .summary = "Devices that a task knows."},
    {.name = "max_writers", .type = &bf__type_count, .offset = AT(limits.max_writers), .fallback = "8",
     .min = 1, .max = 64, .summary = "Ingest processes at once."},
    {.name = NULL},
};
static const struct bf__section limits_section = {
    .name = "limits", .options = limit_options,
    .summary = "Memory is known at start; what does not fit is refused and counted."};

static const struct bf__option board_options[] = {
    {.name = "name", .type = &bf__type_name, .offset = offsetof(struct bf_board, name), .required = true,
     .summary = "Its name in Redis."},
    {.name = "title", .type = &bf__type_text, .offset = offsetof(struct bf_board, title),
     .fallback_note = "the name", .summary = "For people."},
    {.name = "kpis", .type = &bf__type_texts, .offset = offsetof(struct bf_board, kpis),
     .count = offsetof(struct bf_board, count), .required = true, .summary = "Ids of its KPIs."},
    {.name = NULL},
};
static const struct bf__section board_section = {
    .name = "boards", .options = board_options, .size = sizeof(struct bf_board),
    .summary = "KPIs that are drawn together on a wall."};

struct board_file {
    struct bf_board *boards;
    size_t count;
};
static const struct bf__option board_file_options[] = {
    {.name = "boards", .type = &bf__type_list, .offset = offsetof(struct board_file, boards),
     .count = offsetof(struct board_file, count), .section = &board_section, .required = true,
     .summary = "The boards of this file."},
    {.name = NULL},
};
const struct bf__section bf__boards_section = {
    .name = "the file", .options = board_file_options, .size = sizeof(struct board_file),
    .summary = "boards/*.yaml: more boards, as in city.yaml."};

static bool parse_attributes(struct bf__loader *loader, const struct bf__option *option,
                             const struct bf__node *node, void *base)
{
    struct bf_city *city = base;
    if (node->kind != BF__NODE_MAP) {
        return bf__option_unexpected(loader, option, node);
    }
    city->attributes = bf__pool_array(loader->pool, node->count + 1, sizeof *city->attributes);
    for (const struct bf__node *at = node->first; at != NULL; at = at->next) {
        struct bf_attribute *attribute = &city->attributes[city->attribute_count];
        if (at->kind != BF__NODE_SCALAR || !bf_scalar_number(at->text, &attribute->number) ||
            !isfinite(attribute->number)) {
            return bf__loader_problem(loader, at, "attributes: expected a number, not %s",
                                      bf__node_kind_name(at));
        }
        attribute->name = bf__pool_copy(loader->pool, at->key->text);
        city->attribute_count++;
    }
    return true;
}
static const struct bf__option_type type_attributes = {
    .name = "map of numbers", .expects = "a map of numbers such as {inhabitants: 120000}",
    .parse = parse_attributes};

static const struct bf__option city_options[] = {
    {.name = "name", .type = &bf__type_id, .offset = AT(name), .required = true, .summary = "The city's id."},
    {.name = "title", .type = &bf__type_text, .offset = AT(title), .fallback_note = "the name",
     .summary = "For people."},
    {.name = "timezone", .type = &bf__type_text, .offset = AT(timezone), .fallback = "UTC",
     .summary = "IANA name of the city's time zone: of calendar windows, and for display."},
    {.name = "time", .type = &bf__type_section, .section = &time_section, .summary = "Log time."},
    {.name = "limits", .type = &bf__type_section, .section = &limits_section, .summary = "Limits."},
    {.name = "attributes", .type = &type_attributes,
     .summary = "Numbers of the city that formulas may use: `city.inhabitants`."},
    {.name = "boards", .type = &bf__type_list, .offset = AT(boards), .count = AT(board_count),
     .section = &board_section, .summary = "Boards."},
    {.name = NULL},
};
const struct bf__section bf__city_section = {
    .name = "city.yaml", .options = city_options, .size = sizeof(struct bf_city),
    .summary = "city.yaml: what holds for all of a city."};

static struct bf__loader make_loader(struct bf__city_load *load, const char *file, enum bf__severity severity)
{
    return (struct bf__loader){.pool = load->pool, .problems = &load->problems, .severity = severity,
                               .file = file, .aggregates = load->aggregates, .context = load->city};
}

static bool parse_file(struct bf__city_load *load, const struct bf_bundle_file *file,
                       enum bf__severity severity, struct bf__document *document)
{
    struct bf__yaml_source source = {.name = bf__pool_copy(load->scratch, file->name).data,
                                     .bytes = file->bytes, .variables = BF__YAML_KEEP, .severity = severity};
    return bf__yaml_parse(load->scratch, &source, document, &load->problems);
}

static bool is_in(const struct bf_bundle_file *file, const char *folder)
{
    size_t len = strlen(folder);
    return file->name.len > len && memcmp(file->name.data, folder, len) == 0 && file->name.data[len] == '/';
}

static void load_main(struct bf__city_load *load, const struct bf_bundle_file *file)
{
    struct bf__document document;
    struct bf_city *city = load->city;
    struct bf__loader loader = make_loader(load, "city.yaml", BF__FATAL);
    if (!parse_file(load, file, BF__FATAL, &document)) {
        return;
    }
    bf__section_load(&loader, &bf__city_section, document.root, city);
    city->title = city->title.len > 0 ? city->title : city->name;
    const struct bf__node *boards = bf__node_get(document.root, "boards");
    const struct bf__node *node = boards != NULL ? boards->first : NULL;
    load->board_places = bf__pool_array(load->scratch, city->board_count, sizeof *load->board_places);
    for (size_t i = 0; i < city->board_count; i++, node = node->next) {
        load->board_places[i] = (struct bf__place){.file = "city.yaml", .node = node};
    }
}

static void load_timezone(struct bf__city_load *load, const struct bf_bundle_file *file)
{
    struct bf_err err = {.message = ""};
    if (bf_timezone_create(file->bytes, &load->city->local, &err) != BF_OK) {
        bf__problem_add(&load->problems, BF__FATAL, BF__ZONE_FILE, 0, 0, "%s", err.message);
    }
}

static void load_zones(struct bf__city_load *load, const struct bf_bundle_file *file)
{
    struct bf__document document;
    if (parse_file(load, file, BF__FATAL, &document)) {
        struct bf__loader loader = make_loader(load, document.name, BF__FATAL);
        bf__zones_add_geojson(&loader, load->city->zones, document.root);
    }
}

static void load_profile(struct bf__city_load *load, const struct bf_bundle_file *file)
{
    struct bf__document document;
    struct bf_city *city = load->city;
    bool read = parse_file(load, file, BF__DISABLED, &document);
    struct bf__loader loader = make_loader(load, document.name, BF__DISABLED);
    load->profile_places[city->profile_count] =
        (struct bf__place){.file = document.name, .node = read ? document.root : NULL};
    bf__profile_load(&loader, read ? document.root : NULL, &city->profiles[city->profile_count++]);
}

/* Appends `count` elements of a file to an array of the city, with their places. */
static void *append(struct bf__city_load *load, void *array, size_t *used, const void *more, size_t count,
                    size_t size)
{
    char *grown = bf__pool_array(load->pool, *used + count, size);
    if (*used > 0) {
        memcpy(grown, array, *used * size);
    }
    if (count > 0) {
        memcpy(grown + *used * size, more, count * size);
    }
    *used += count;
    return grown;
}

static void append_places(struct bf__city_load *load, struct bf__place **places, size_t used,
                          const struct bf__document *document, const char *key)
{
    const struct bf__node *list = bf__node_get(document->root, key);
    struct bf__place *grown = bf__pool_array(load->scratch, used + list->count, sizeof *grown);
    if (used > 0) {
        memcpy(grown, *places, used * sizeof *grown);
    }
    for (const struct bf__node *node = list->first; node != NULL; node = node->next) {
        grown[used++] = (struct bf__place){.file = document->name, .node = node};
    }
    *places = grown;
}

static void load_kpis(struct bf__city_load *load, const struct bf_bundle_file *file)
{
    struct bf__document document;
    struct bf__kpi_file kpis = {0};
    struct bf_city *city = load->city;
    if (!parse_file(load, file, BF__FATAL, &document)) {
        return;
    }
    struct bf__loader loader = make_loader(load, document.name, BF__FATAL);
    bf__kpi_load(&loader, document.root, &kpis);
    if (kpis.count > 0) { /* also of a broken file: their expressions are to be destroyed */
        append_places(load, &load->kpi_places, city->kpi_count, &document, "kpis");
        city->kpis = append(load, city->kpis, &city->kpi_count, kpis.kpis, kpis.count, sizeof *city->kpis);
    }
    if (city->kpi_count > KPIS_MAX) {
        bf__loader_problem(&loader, document.root, "a city may have at most %u KPIs", KPIS_MAX);
    }
}

static void load_boards(struct bf__city_load *load, const struct bf_bundle_file *file)
{
    struct bf__document document;
    struct board_file boards = {0};
    struct bf_city *city = load->city;
    if (!parse_file(load, file, BF__FATAL, &document)) {
        return;
    }
    struct bf__loader loader = make_loader(load, document.name, BF__FATAL);
    if (bf__section_load(&loader, &bf__boards_section, document.root, &boards)) {
        append_places(load, &load->board_places, city->board_count, &document, "boards");
        city->boards = append(load, city->boards, &city->board_count, boards.boards, boards.count,
                              sizeof *city->boards);
    }
}

struct part {
    const char *folder;
    void (*load)(struct bf__city_load *load, const struct bf_bundle_file *file);
};
static const struct part parts[] = {
    {.folder = "zones", .load = load_zones},
    {.folder = "profiles", .load = load_profile},
    {.folder = "kpis", .load = load_kpis},
    {.folder = "boards", .load = load_boards},
};

static void load_files(struct bf__city_load *load, const struct bf_bundle *bundle)
{
    struct bf_city *city = load->city;
    bool found = false;
    city->zones = bf__zones_create(load->pool);
    city->profiles = bf__pool_array(load->pool, bundle->count, sizeof *city->profiles);
    load->profile_places = bf__pool_array(load->scratch, bundle->count, sizeof *load->profile_places);
    for (size_t i = 0; i < bundle->count; i++) {
        if (bf_slice_equal(bundle->files[i].name, BF_SLICE("city.yaml"))) {
            load_main(load, &bundle->files[i]);
            found = true;
        } else if (bf_slice_equal(bundle->files[i].name, BF_SLICE(BF__ZONE_FILE))) {
            load_timezone(load, &bundle->files[i]);
        }
    }
    if (!found) {
        bf__problem_add(&load->problems, BF__FATAL, "city.yaml", 0, 0,
                        "a city needs this file; it is missing");
    }
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        for (size_t i = 0; i < bundle->count; i++) {
            if (is_in(&bundle->files[i], parts[p].folder)) {
                parts[p].load(load, &bundle->files[i]);
            }
        }
    }
    bf__zones_index(city->zones, load->pool);
}

static void keep_problems(struct bf__city_load *load)
{
    struct bf_city *city = load->city;
    city->problems = bf__pool_array(load->pool, load->problems.count, sizeof *city->problems);
    for (size_t i = 0; i < load->problems.count; i++) {
        const struct bf__problem *problem = &load->problems.list[i];
        struct bf_problem *kept = &city->problems[city->problem_count++];
        snprintf(kept->text, sizeof kept->text, "%s", problem->text);
        kept->fatal = problem->severity == BF__FATAL;
        kept->warning = problem->severity == BF__WARNING;
    }
}

static struct bf_city *load_city(const struct bf_bundle *bundle,
                                 const struct bf_aggregate_kind *const *aggregates)
{
    struct bf__pool *pool = bf__pool_create();
    struct bf__whole_city *whole = bf__pool_alloc(pool, sizeof *whole);
    struct bf__city_load load = {.city = &whole->city, .pool = pool, .scratch = bf__pool_create(),
                                 .aggregates = aggregates};
    whole->pool = pool;
    memcpy(whole->city.hash, bundle->hash, sizeof whole->city.hash);
    load_files(&load, bundle);
    load.core_good = load.problems.count_of[BF__FATAL] == 0;
    if (load.core_good) {
        bf__city_check(&load);
    }
    keep_problems(&load);
    bf__problems_deinit(&load.problems);
    bf__pool_destroy(load.scratch);
    return &whole->city;
}

static enum bf_status first_problem(const struct bf_city *city, struct bf_err *err)
{
    struct bf__problems fatal = {0};
    for (size_t i = 0; i < city->problem_count; i++) {
        if (city->problems[i].fatal) {
            bf__problem_keep(&fatal, BF__FATAL, city->problems[i].text);
        }
    }
    enum bf_status status = bf__problems_err(&fatal, BF__FATAL, err);
    bf__problems_deinit(&fatal);
    return status;
}

enum bf_status bf_city_load(const struct bf_bundle *bundle, const struct bf_aggregate_kind *const *aggregates,
                            struct bf_city **city, struct bf_err *err)
{
    *city = load_city(bundle, aggregates);
    enum bf_status status = first_problem(*city, err);
    if (status != BF_OK) {
        bf_city_destroy(*city);
        *city = NULL;
    }
    return status;
}

struct bf_city *bf_city_inspect(const struct bf_bundle *bundle,
                                const struct bf_aggregate_kind *const *aggregates)
{
    return load_city(bundle, aggregates);
}

void bf_city_destroy(struct bf_city *city)
{
    if (city == NULL) {
        return;
    }
    for (size_t i = 0; i < city->kpi_count; i++) {
        bf_expression_destroy(city->kpis[i].where);
        bf_expression_destroy(city->kpis[i].options.weight);
        bf_expression_destroy(city->kpis[i].options.when);
        if (city->kpis[i].formula != NULL) {
            bf_expression_destroy(city->kpis[i].formula->expression);
        }
    }
    bf_timezone_destroy(city->local);
    bf__pool_destroy(((struct bf__whole_city *)city)->pool);
}
