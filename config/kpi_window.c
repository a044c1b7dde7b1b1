/* kpi_window.c: exactly one kind of window, each with the keys that go with it. */
#include "config/kpi_window.h"

#include <stdio.h>
#include <string.h>

#include "config/city.h"
#include "config/day_text.h"
#include "config/scalar.h"
#include "config/zone_file.h"
#include "core/hash.h"
#include "core/time.h"

#define HOUR_US (INT64_C(3600) * BF_US_PER_S)
#define DAY_US (24 * HOUR_US)
#define DAY_S 86400
#define LENGTH_MAX_US (3660 * DAY_US)

struct raw {
    int64_t tumbling_us, hopping_us, sliding_us, every_us, gap_us, longest_us, delay_us, lateness_us;
    uint64_t readings, every, last;
    int unit; /* enum bf_calendar_unit */
    int32_t day_start_s;
    struct bf_day_part parts[BF_DAY_PARTS_MAX];
    size_t part_count;
    uint8_t weekdays;
};
#define AT(field) offsetof(struct raw, field)

static bool is_text(const struct bf__node *node)
{
    return node->kind == BF__NODE_SCALAR && node->text.len > 0;
}

/* A duration, or a number of readings: which one is right the kind of window says. */
static bool parse_every(struct bf__loader *loader, const struct bf__option *option,
                        const struct bf__node *node, void *base)
{
    struct raw *raw = base;
    int64_t count = 0;
    if (is_text(node) && bf_scalar_integer(node->text, &count) && count > 0) {
        raw->every = (uint64_t)count;
        return true;
    }
    return (is_text(node) && bf_scalar_duration(node->text, &raw->every_us) && raw->every_us > 0) ||
           bf__option_unexpected(loader, option, node);
}
static const struct bf__option_type type_every = {.name = "duration or integer",
                                                  .expects = "a duration such as 5m, or a number of readings",
                                                  .parse = parse_every};

/* ---- kinds */

static bool make_fixed(struct bf__loader *loader, const struct bf__node *map, const char *name,
                       int64_t length_us, const struct raw *raw, struct bf_window_shape *shape)
{
    int64_t every_us = bf__node_get(map, "every") == NULL ? length_us : raw->every_us;
    if (every_us == 0) {
        return bf__loader_problem(loader, bf__node_get(map, "every"),
                                  "window: every is a duration here, such as 5m");
    }
    if (length_us % every_us != 0) {
        return bf__loader_problem(loader, bf__node_get(map, "every"),
                                  "window: %s must be a whole number of times \"every\"", name);
    }
    *shape = (struct bf_window_shape){.kind = BF_WINDOW_FIXED, .pane_us = every_us, .panes = 1};
    if (length_us / every_us > BF_WINDOW_PANES_MAX) {
        return bf__loader_problem(loader, bf__node_get(map, "every"),
                                  "window: at most %d times \"every\" make a window, here %lld",
                                  BF_WINDOW_PANES_MAX, (long long)(length_us / every_us));
    }
    shape->panes = (uint32_t)(length_us / every_us);
    return true;
}

static bool make_tumbling(struct bf__loader *loader, const struct bf__node *map, const struct raw *raw,
                          struct bf_window_shape *shape)
{
    return make_fixed(loader, map, "tumbling", raw->tumbling_us, raw, shape);
}

static bool make_hopping(struct bf__loader *loader, const struct bf__node *map, const struct raw *raw,
                         struct bf_window_shape *shape)
{
    return make_fixed(loader, map, "hopping", raw->hopping_us, raw, shape);
}

static bool make_sliding(struct bf__loader *loader, const struct bf__node *map, const struct raw *raw,
                         struct bf_window_shape *shape)
{
    return make_fixed(loader, map, "sliding", raw->sliding_us, raw, shape);
}

static bool make_session(struct bf__loader *loader, const struct bf__node *map, const struct raw *raw,
                         struct bf_window_shape *shape)
{
    if (raw->longest_us < raw->gap_us) {
        return bf__loader_problem(loader, bf__node_get(map, "session"),
                                  "window: longest must not be shorter than gap");
    }
    *shape = (struct bf_window_shape){
        .kind = BF_WINDOW_SESSION, .panes = 1, .gap_us = raw->gap_us, .longest_us = raw->longest_us};
    return true;
}

static bool make_count(struct bf__loader *loader, const struct bf__node *map, const struct raw *raw,
                       struct bf_window_shape *shape)
{
    const struct bf__node *every = bf__node_get(map, "every");
    uint64_t step = every == NULL ? raw->readings : raw->every;
    if (step == 0 || raw->readings % step != 0) {
        return bf__loader_problem(loader, every,
                                  "window: every is a number of readings here, of which count is a multiple");
    }
    if (raw->readings / step > BF_WINDOW_PANES_MAX) {
        return bf__loader_problem(loader, every, "window: at most %d times \"every\" make a window",
                                  BF_WINDOW_PANES_MAX);
    }
    *shape = (struct bf_window_shape){
        .kind = BF_WINDOW_COUNT, .panes = (uint32_t)(raw->readings / step), .readings = step};
    return true;
}

/* The parts as they lie in a day that begins at day_start: ascending, apart, none longer than the day. */
static bool make_parts(struct bf__loader *loader, const struct bf__node *node, const struct raw *raw,
                       struct bf_window_shape *shape)
{
    for (size_t i = 0; i < raw->part_count; i++) {
        struct bf_day_part part = raw->parts[i];
        part.from_s += part.from_s < raw->day_start_s ? DAY_S : 0;
        while (part.to_s <= part.from_s) {
            part.to_s += DAY_S;
        }
        size_t at = shape->part_count++;
        for (; at > 0 && shape->parts[at - 1].from_s > part.from_s; at--) {
            shape->parts[at] = shape->parts[at - 1];
        }
        shape->parts[at] = part;
    }
    for (size_t i = 0; i < shape->part_count; i++) {
        int32_t next_s =
            i + 1 < shape->part_count ? shape->parts[i + 1].from_s : shape->parts[0].from_s + DAY_S;
        if (shape->parts[i].to_s > next_s) {
            return bf__loader_problem(loader, node, "between: the hours overlap");
        }
    }
    return true;
}

/* With room for clocks that change. */
static int64_t longest_pane(const struct bf_window_shape *shape)
{
    static const int64_t days[] = {[BF_CALENDAR_HOUR] = 0,
                                   [BF_CALENDAR_DAY] = 1,
                                   [BF_CALENDAR_WEEK] = 7,
                                   [BF_CALENDAR_MONTH] = 31,
                                   [BF_CALENDAR_YEAR] = 366};
    int64_t longest_s = days[shape->unit] * DAY_S;
    if (shape->unit == BF_CALENDAR_HOUR) {
        return HOUR_US;
    }
    for (size_t i = 0; shape->unit == BF_CALENDAR_DAY && i < shape->part_count; i++) {
        int64_t length_s = shape->parts[i].to_s - shape->parts[i].from_s;
        longest_s = i == 0 || length_s > longest_s ? length_s : longest_s;
    }
    return longest_s * BF_US_PER_S + 2 * HOUR_US;
}

static bool make_calendar(struct bf__loader *loader, const struct bf__node *map, const struct raw *raw,
                          struct bf_window_shape *shape)
{
    const struct bf_city *city = loader->context;
    *shape = (struct bf_window_shape){.kind = BF_WINDOW_CALENDAR,
                                      .panes = (uint32_t)raw->last,
                                      .unit = (enum bf_calendar_unit)raw->unit,
                                      .day_start_s = raw->day_start_s,
                                      .weekdays = raw->weekdays,
                                      .timezone = city->local};
    if (city->local == NULL && !bf__zone_is_utc(city->timezone)) {
        return bf__loader_problem(loader, bf__node_get(map, "calendar"),
                                  "window: this configuration does not carry the zone %.64s; reload it",
                                  city->timezone.data);
    }
    if (raw->unit == BF_CALENDAR_HOUR && bf__node_get(map, "day_start") != NULL) {
        return bf__loader_problem(loader, bf__node_get(map, "day_start"),
                                  "window: day_start says nothing about hours");
    }
    if (!make_parts(loader, bf__node_get(map, "between"), raw, shape)) {
        return false;
    }
    for (size_t i = 0; raw->unit == BF_CALENDAR_HOUR && i < shape->part_count; i++) {
        if (shape->parts[i].from_s % 3600 != 0 || shape->parts[i].to_s % 3600 != 0) {
            return bf__loader_problem(loader, bf__node_get(map, "between"),
                                      "between: with calendar: hour, whole hours");
        }
    }
    if (shape->panes > 1 && shape->part_count > 1 && raw->unit == BF_CALENDAR_DAY) {
        return bf__loader_problem(loader, bf__node_get(map, "last"),
                                  "window: with last, between has one span of hours");
    }
    shape->pane_us = longest_pane(shape);
    return true;
}

static const struct kind {
    const char *name, *takes; /* keys, each with a blank behind it */
    bool has_delay;
    bool (*make)(struct bf__loader *loader, const struct bf__node *map, const struct raw *raw,
                 struct bf_window_shape *shape);
} kinds[] = {
    {.name = "tumbling", .takes = "", .has_delay = true, .make = make_tumbling},
    {.name = "hopping", .takes = "every ", .has_delay = true, .make = make_hopping},
    {.name = "sliding", .takes = "every ", .has_delay = true, .make = make_sliding},
    {.name = "session", .takes = "", .has_delay = true, .make = make_session},
    {.name = "count", .takes = "every ", .has_delay = false, .make = make_count},
    {.name = "calendar", .takes = "last day_start between on ", .has_delay = true, .make = make_calendar},
};

static const struct kind *find_kind(struct bf_slice name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (bf_slice_equal(name, bf_slice_of(kinds[i].name))) {
            return &kinds[i];
        }
    }
    return NULL;
}

static bool goes_with(const struct kind *kind, struct bf_slice key)
{
    char word[32];
    if (bf_slice_equal(key, BF_SLICE("allowed_lateness"))) {
        return true;
    }
    if (bf_slice_equal(key, BF_SLICE("delay"))) {
        return kind->has_delay;
    }
    snprintf(word, sizeof word, "%.*s ", BF_SLICE_ARG(key));
    return strstr(kind->takes, word) != NULL;
}

/* The one kind that is there, with its keys only. NULL: the problem is added. */
static const struct kind *choose_kind(struct bf__loader *loader, const struct bf__node *map)
{
    const struct kind *chosen = NULL;
    for (const struct bf__node *entry = map->first; entry != NULL; entry = entry->next) {
        const struct kind *kind = find_kind(entry->key->text);
        if (kind != NULL && chosen != NULL) {
            bf__loader_problem(loader, entry->key, "window: either %s or %s", chosen->name, kind->name);
            return NULL;
        }
        chosen = kind != NULL ? kind : chosen;
    }
    if (chosen == NULL) {
        bf__loader_problem(loader, map,
                           "window needs one of tumbling, hopping, sliding, session, count, calendar");
        return NULL;
    }
    for (const struct bf__node *entry = map->first; entry != NULL; entry = entry->next) {
        if (find_kind(entry->key->text) == NULL && !goes_with(chosen, entry->key->text)) {
            bf__loader_problem(loader, entry->key, "window: %s does not go with %s", entry->key->text.data,
                               chosen->name);
            return NULL;
        }
    }
    if (strcmp(chosen->takes, "every ") == 0 && chosen->has_delay && bf__node_get(map, "every") == NULL) {
        bf__loader_problem(loader, map, "window: %s needs \"every\": how often a window ends", chosen->name);
        return NULL;
    }
    return chosen;
}

static bool check_unknown(struct bf__loader *loader, const struct bf__node *map, void *base)
{
    (void)base;
    return choose_kind(loader, map) != NULL;
}

/* ---- the section */

static const struct bf__option session_options[] = {
    {.name = "gap",
     .type = &bf__type_duration,
     .offset = AT(gap_us),
     .required = true,
     .min = 10e3,
     .max = (double)DAY_US,
     .summary = "A silence of a device as long as this ends its session."},
    {.name = "longest",
     .type = &bf__type_duration,
     .offset = AT(longest_us),
     .fallback = "1d",
     .min = 10e3,
     .max = 366 * (double)DAY_US,
     .summary = "A longer one is cut."},
    {.name = NULL},
};
static const struct bf__section session_section = {
    .name = "session",
    .options = session_options,
    .summary = "A run of readings of one device without a long silence; `group: [device]` only."};

static const char *const units[] = {"hour", "day", "week", "month", "year", NULL};

static const struct bf__option window_options[] = {
    {.name = "tumbling",
     .type = &bf__type_duration,
     .offset = AT(tumbling_us),
     .min = 10e3,
     .max = 366 * (double)DAY_US,
     .summary = "Length of windows that follow each other, from 1970 on (UTC)."},
    {.name = "hopping",
     .type = &bf__type_duration,
     .offset = AT(hopping_us),
     .min = 10e3,
     .max = (double)LENGTH_MAX_US,
     .summary = "Length of windows that overlap; one ends at each `every`."},
    {.name = "sliding",
     .type = &bf__type_duration,
     .offset = AT(sliding_us),
     .min = 10e3,
     .max = (double)LENGTH_MAX_US,
     .summary = "The same by another name: `{sliding: 365d, every: 1d}`."},
    {.name = "session",
     .type = &bf__type_section,
     .section = &session_section,
     .summary = "From a device's first reading to its next silence."},
    {.name = "count",
     .type = &bf__type_count,
     .offset = AT(readings),
     .min = 1,
     .max = 1e9,
     .summary = "The last so many readings of a device; `group: [device]` only."},
    {.name = "calendar",
     .type = &bf__type_choice,
     .offset = AT(unit),
     .choices = units,
     .summary = "hour, day, week (from Monday), month or year, in the city's time zone."},
    {.name = "every",
     .type = &type_every,
     .fallback_note = "count: as many as it has",
     .summary =
         "How often a hopping or sliding window ends (its length is a multiple); with count: after how "
         "many readings."},
    {.name = "last",
     .type = &bf__type_count,
     .offset = AT(last),
     .fallback = "1",
     .min = 1,
     .max = BF_WINDOW_PANES_MAX,
     .summary = "calendar: a window is the last so many units: `{calendar: day, last: 365}`."},
    {.name = "day_start",
     .type = &bf__type_clock,
     .offset = AT(day_start_s),
     .fallback = "00:00",
     .summary = "calendar: when its days begin; an operating day: `\"04:30\"`."},
    {.name = "between",
     .type = &bf__type_between,
     .offset = AT(parts),
     .count = AT(part_count),
     .summary = "calendar: only these hours, on the day on which they begin: `[\"07:00-09:00\"]`. With day, "
                "each is a window of its own."},
    {.name = "on",
     .type = &bf__type_weekdays,
     .offset = AT(weekdays),
     .summary = "calendar: only on these days: `mon-fri`, `[tue, sat]`."},
    {.name = "delay",
     .type = &bf__type_duration,
     .offset = AT(delay_us),
     .fallback_note = "`time.delay` of city.yaml",
     .min = 0,
     .max = (double)DAY_US,
     .summary = "How long after its end a window closes."},
    {.name = "allowed_lateness",
     .type = &bf__type_duration,
     .offset = AT(lateness_us),
     .fallback_note = "tumbling: ten windows; otherwise the like, at most 7d",
     .min = 0,
     .max = (double)LENGTH_MAX_US,
     .summary = "How long after that a late reading still makes a revision; count: after which silence a "
                "device is forgotten."},
    {.name = NULL},
};
const struct bf__section bf__window_section = {
    .name = "window",
    .options = window_options,
    .check = check_unknown,
    .summary = "Over which time: one of tumbling, hopping, sliding, session, count and calendar."};

static int64_t default_lateness(const struct bf_kpi_definition *kpi, const struct kind *kind)
{
    const struct bf_window_shape *shape = &kpi->window;
    int64_t lateness_us = shape->kind == BF_WINDOW_SESSION ? 10 * shape->gap_us
                          : shape->kind == BF_WINDOW_COUNT ? DAY_US
                                                           : 10 * shape->pane_us;
    return lateness_us > 7 * DAY_US && strcmp(kind->name, "tumbling") != 0 ? 7 * DAY_US : lateness_us;
}

static bool parse_window(struct bf__loader *loader, const struct bf__option *option,
                         const struct bf__node *node, void *base)
{
    struct bf_kpi_definition *kpi = base;
    struct bf_window_shape *shape = &kpi->window;
    const struct bf_city *city = loader->context;
    struct raw raw = {.unit = 0};
    (void)option;
    if (!bf__section_load(loader, &bf__window_section, node, &raw)) {
        return false;
    }
    const struct kind *kind = choose_kind(loader, node);
    if (!kind->make(loader, node, &raw, shape)) {
        return false;
    }
    kpi->window_us = shape->kind == BF_WINDOW_SESSION ? shape->longest_us : shape->pane_us * shape->panes;
    if (kpi->window_us > LENGTH_MAX_US) {
        return bf__loader_problem(loader, node, "window: at most %lld days",
                                  (long long)(LENGTH_MAX_US / DAY_US));
    }
    kpi->delay_us = !kind->has_delay                      ? 0
                    : bf__node_get(node, "delay") == NULL ? city->time.delay_us
                                                          : raw.delay_us;
    kpi->lateness_us =
        bf__node_get(node, "allowed_lateness") == NULL ? default_lateness(kpi, kind) : raw.lateness_us;
    return true;
}
const struct bf__option_type bf__type_window = {
    .name = "section", .expects = "a map (key: value)", .parse = parse_window};

static bool is_held(const struct bf__loader *loader, struct bf_slice aggregate)
{
    for (size_t i = 0; loader->aggregates != NULL && loader->aggregates[i] != NULL; i++) {
        if (bf_slice_equal(bf_slice_of(loader->aggregates[i]->name), aggregate)) {
            return loader->aggregates[i]->input == BF_INPUT_HELD;
        }
    }
    return false;
}

bool bf__window_check(struct bf__loader *loader, const struct bf__node *map,
                      const struct bf_kpi_definition *kpi)
{
    const struct bf_window_shape *shape = &kpi->window;
    const struct bf__node *window = bf__node_get(map, "window");
    bool by_reading = shape->kind == BF_WINDOW_SESSION || shape->kind == BF_WINDOW_COUNT;
    if (by_reading && !kpi->by_device) {
        return bf__loader_problem(loader, window,
                                  "window: %s is by device only, since all readings of a device lie in one "
                                  "partition; write group: [device]",
                                  shape->kind == BF_WINDOW_SESSION ? "session" : "count");
    }
    bool holes = (shape->part_count > 0 || shape->weekdays != 0) && shape->unit != BF_CALENDAR_DAY;
    if ((by_reading || holes) && is_held(loader, kpi->aggregate)) {
        return bf__loader_problem(
            loader, window,
            "window: %.40s counts time, and needs windows without holes and with a known "
            "end",
            kpi->aggregate.data);
    }
    return true;
}

uint64_t bf__window_hash(const struct bf_window_shape *shape, uint64_t hash)
{
    if (shape->kind == BF_WINDOW_FIXED && shape->panes == 1) {
        return hash;
    }
    const uint64_t numbers[] = {(uint64_t)shape->kind,   (uint64_t)shape->pane_us,     shape->panes,
                                (uint64_t)shape->unit,   (uint64_t)shape->day_start_s, shape->weekdays,
                                (uint64_t)shape->gap_us, (uint64_t)shape->longest_us,  shape->readings,
                                shape->part_count};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        hash = bf_hash64_mix(hash, numbers[i]);
    }
    for (size_t i = 0; i < shape->part_count; i++) {
        hash = bf_hash64_mix(hash, (uint64_t)shape->parts[i].from_s << 32 | (uint64_t)shape->parts[i].to_s);
    }
    return hash;
}
