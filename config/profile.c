/* profile.c: the table of a profile, and what its options mean together. See profile.h. */
#include "config/profile.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/document.h"
#include "config/profile_binary.h"
#include "config/profile_example.h"
#include "config/profile_payload.h"
#include "config/profile_reading.h"
#include "config/profile_secret.h"
#include "config/template.h"

/* A profile and what is only needed while it is read. */
struct whole_profile {
    struct bf_profile profile; /* stands first: templates and readings see it */
    struct bf_slice name;
    int version;
};

#define AT(field) offsetof(struct whole_profile, field)

static const char *const time_units[] = {"s", "ms", "us", "rfc3339", NULL};
static const char *const retained[] = {"skip", "take", NULL};
static const char *const dedups[] = {"none", "content", NULL};
static const char *const privacies[] = {"public", "pseudonymous", "restricted", NULL};
/* What `where` and `group` call by these names. */
static const char *const reserved[] = {
#define X(constant, name) name,
#include "config/names.def"
#undef X
    "city", NULL};

/* when: {level: value or list} */
static bool parse_when(struct bf__loader *loader, const struct bf__option *option,
                       const struct bf__node *node, void *base)
{
    struct bf_profile *profile = base;
    if (node->kind != BF__NODE_MAP) {
        return bf__option_unexpected(loader, option, node);
    }
    profile->matches = bf__pool_array(loader->pool, node->count, sizeof *profile->matches);
    for (const struct bf__node *entry = node->first; entry != NULL; entry = entry->next) {
        struct bf_profile_match *match = &profile->matches[profile->match_count];
        struct bf__option values = {.name = "when", .type = &bf__type_texts,
                                    .offset = offsetof(struct bf_profile_match, values),
                                    .count = offsetof(struct bf_profile_match, count)};
        match->level = loader->topic != NULL ? bf__topic_level(loader->topic, entry->key->text) : SIZE_MAX;
        if (match->level == SIZE_MAX) {
            return loader->topic != NULL &&
                   bf__loader_problem(loader, entry->key, "when: the topic has no level {%.64s}",
                                      entry->key->text.data);
        }
        if (!values.type->parse(loader, &values, entry, match)) {
            return false;
        }
        profile->match_count++;
    }
    return true;
}
static const struct bf__option_type type_when = {
    .name = "map", .expects = "a map of topic levels to values", .parse = parse_when};

static int by_name(const void *a, const void *b)
{
    const struct bf_profile_tag *left = a, *right = b;
    return bf_slice_compare(left->name, right->name);
}

static bool check_tag_name(struct bf__loader *loader, const struct bf__node *key)
{
    struct bf__option name = {.name = "tags", .type = &bf__type_name};
    struct bf_slice text;
    for (size_t i = 0; reserved[i] != NULL; i++) {
        if (bf_slice_equal(key->text, bf_slice_of(reserved[i]))) {
            return bf__loader_problem(loader, key, "tags: \"%s\" has a meaning already; take another name",
                                      reserved[i]);
        }
    }
    return name.type->parse(loader, &name, key, &text);
}

/* tags: {route: "{route}"} */
static bool parse_tags(struct bf__loader *loader, const struct bf__option *option,
                       const struct bf__node *node, void *base)
{
    struct bf_profile *profile = base;
    if (node->kind != BF__NODE_MAP || node->count > BF_MAX_TAGS) {
        return bf__option_unexpected(loader, option, node);
    }
    profile->tags = bf__pool_array(loader->pool, node->count, sizeof *profile->tags);
    for (const struct bf__node *entry = node->first; entry != NULL; entry = entry->next) {
        struct bf_profile_tag *tag = &profile->tags[profile->tag_count];
        struct bf__option value = {.name = "tags", .type = &bf__type_template,
                                   .offset = offsetof(struct bf_profile_tag, value)};
        if (!check_tag_name(loader, entry->key) || !value.type->parse(loader, &value, entry, tag)) {
            return false;
        }
        tag->name = bf__pool_copy(loader->pool, entry->key->text);
        profile->tag_count++;
    }
    if (profile->tag_count > 0) { /* a reading has its tags in this order */
        qsort(profile->tags, profile->tag_count, sizeof *profile->tags, by_name);
    }
    return true;
}
static const struct bf__option_type type_tags = {
    .name = "map", .expects = "a map of at most 16 names to templates", .parse = parse_tags};

static const struct bf__option time_options[] = {
    {.name = "path", .type = &bf__type_path, .offset = AT(profile.time), .required = true,
     .summary = "Where the device's time is."},
    {.name = "unit", .type = &bf__type_choice, .offset = AT(profile.time_unit), .choices = time_units,
     .fallback = "rfc3339", .summary = "How it is written; numbers count from 1970, UTC."},
    {.name = NULL},
};
static const struct bf__section time_section = {
    .name = "time", .options = time_options, .summary = "The device's own time of the observation."};

static const struct bf__option place_options[] = {
    {.name = "lat", .type = &bf__type_path, .offset = AT(profile.lat), .required = true,
     .summary = "Latitude, degrees."},
    {.name = "lon", .type = &bf__type_path, .offset = AT(profile.lon), .required = true,
     .summary = "Longitude, degrees."},
    {.name = NULL},
};
static const struct bf__section place_section = {
    .name = "place", .options = place_options, .summary = "Where the device is (WGS84)."};

static const struct bf__option options[] = {
    {.name = "name", .type = &bf__type_id, .offset = AT(name), .fallback_note = "the file's name",
     .summary = "Name of the profile; readings carry `name@version`."},
    {.name = "version", .type = &bf__type_integer, .offset = AT(version), .fallback = "1", .min = 1,
     .max = 1000000, .summary = "Raised when the profile changes what it means."},
    {.name = "network", .type = &bf__type_id, .offset = AT(profile.network), .required = true,
     .summary = "First part of every source: network:device."},
    {.name = "topic", .type = &bf__type_topic, .offset = AT(profile.topic), .required = true,
     .summary = "Which topics: city/{kind}/{device}/telemetry; + and # as in MQTT."},
    {.name = "secret", .type = &bf__type_secret_levels,
     .summary = "Levels of the topic that are credentials: written nowhere, also not in rejects."},
    {.name = "when", .type = &type_when,
     .summary = "Only where these topic levels have one of these values: {kind: [air, dust]}."},
    {.name = "key", .type = &bf__type_texts, .offset = AT(profile.keys), .count = AT(profile.key_count),
     .summary = "JSON: the payload is {key: {…}} with one of these keys; paths start inside."},
    {.name = "only_keys", .type = &bf__type_bool, .offset = AT(profile.only_keys), .fallback = "false",
     .summary = "A message with another first key gives no reading, and that is no fault."},
    {.name = "format", .type = &bf__type_choice, .offset = AT(profile.format), .choices = bf__profile_formats,
     .fallback = "json", .summary = "Format of the payload."},
    {.name = "device", .type = &bf__type_template, .offset = AT(profile.source),
     .fallback_note = "`{device}`", .summary = "Which device: topic levels {name}, payload values {$.id}."},
    {.name = "time", .type = &bf__type_section, .section = &time_section, .has = AT(profile.has_time),
     .summary = "The device's time; without it the time of arrival, marked as estimated."},
    {.name = "place", .type = &bf__type_section, .section = &place_section, .has = AT(profile.has_place),
     .summary = "The device's position."},
    {.name = "zone", .type = &bf__type_template, .offset = AT(profile.zone),
     .fallback_note = "by the place", .summary = "Id of the zone."},
    {.name = "wrap", .type = &bf__type_wraps, .offset = AT(profile.wraps),
     .summary = "What the payload is wrapped in, outermost first: [base64, gzip]."},
    {.name = "inner", .type = &bf__type_section, .section = &bf__profile_inner_section,
     .has = AT(profile.has_inner),
     .summary = "The readings lie in a payload of their own, in one of the fields."},
    {.name = "csv", .type = &bf__type_section, .section = &bf__profile_csv_section,
     .has = AT(profile.has_csv), .summary = "Format csv, also of `inner`: how the table is written."},
    {.name = "binary", .type = &bf__type_section, .section = &bf__profile_binary_section,
     .has = AT(profile.has_binary), .summary = "Format binary, also of `inner`: the fields."},
    {.name = "records", .type = &bf__type_path, .offset = AT(profile.records), .has = AT(profile.has_records),
     .summary = "A list whose items are messages of their own; paths start in each, then at the top."},
    {.name = "each", .type = &bf__type_section, .section = &bf__profile_each_section,
     .has = AT(profile.has_each), .summary = "The readings are items of a list."},
    {.name = "readings", .type = &bf__type_list, .offset = AT(profile.readings),
     .count = AT(profile.reading_count), .section = &bf__profile_reading_section, .required = true,
     .summary = "What a message gives."},
    {.name = "tags", .type = &type_tags,
     .summary = "Names and templates; KPIs may group by them and `where` may ask for them."},
    {.name = "retained", .type = &bf__type_either, .offset = AT(profile.take_retained), .choices = retained,
     .fallback = "skip", .summary = "Retained messages that a subscription brings: no new observation."},
    {.name = "dedup", .type = &bf__type_either, .offset = AT(profile.dedup_content), .choices = dedups,
     .fallback = "none", .summary = "`content`: the same source, quantity, time and value counts once."},
    {.name = "privacy", .type = &bf__type_choice, .offset = AT(profile.privacy), .choices = privacies,
     .fallback = "public", .summary = "How the readings may be treated."},
    {.name = "examples", .type = &bf__type_list, .offset = AT(profile.examples),
     .count = AT(profile.example_count), .section = &bf__profile_example_section,
     .summary = "Sample messages, and what they must give."},
    {.name = NULL},
};

static bool check_source(struct bf__loader *loader, const struct bf__node *map, struct bf_profile *profile)
{
    struct bf__fault fault = {0};
    if (memchr(profile->network.data, ':', profile->network.len) != NULL) {
        return bf__loader_problem(loader, bf__node_get(map, "network"), "network: it must not hold a \":\"");
    }
    return profile->source.count > 0 ||
           bf__template_parse(loader->pool, BF_SLICE("{device}"), &profile->topic, &profile->source,
                              &fault) ||
           bf__loader_problem(
               loader, map,
               "the topic has no level {device}; say which device: device: \"{$.id}\"");
}

static bool check_profile(struct bf__loader *loader, const struct bf__node *map, void *base)
{
    struct whole_profile *whole = base;
    struct bf_profile *profile = &whole->profile;
    if (!bf__profile_payload_check(loader, map, profile)) {
        return false;
    }
    if (profile->only_keys && profile->key_count == 0) {
        return bf__loader_problem(loader, bf__node_get(map, "only_keys"), "only_keys needs \"key\"");
    }
    if (profile->reading_count == 0) {
        return bf__loader_problem(loader, bf__node_get(map, "readings"), "readings: the list is empty");
    }
    return check_source(loader, map, profile) && bf__profile_secret_check(loader, map, profile);
}

const struct bf__section bf__profile_section = {
    .name = "the profile", .options = options, .size = sizeof(struct whole_profile), .check = check_profile,
    .summary = "profiles/*.yaml: how one kind of device is read. A broken profile is disabled, loudly."};

/* "profiles/airbox.yaml" -> "airbox" */
static struct bf_slice stem(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash != NULL ? slash + 1 : file;
    const char *dot = strrchr(name, '.');
    return (struct bf_slice){name, dot != NULL ? (size_t)(dot - name) : strlen(name)};
}

void bf__profile_load(struct bf__loader *loader, const struct bf__node *root, struct bf_profile *profile)
{
    struct whole_profile *whole = bf__pool_alloc(loader->pool, sizeof *whole);
    char name[96];
    loader->topic = NULL;
    loader->context = &whole->profile;
    bool good = root != NULL && bf__section_load(loader, &bf__profile_section, root, whole);
    if (good) {
        *profile = whole->profile;
    }
    struct bf_slice called = whole->name.len > 0 ? whole->name : stem(loader->file);
    snprintf(name, sizeof name, "%.*s@%d", (int)(called.len < 80 ? called.len : 80), called.data,
             whole->version > 0 ? whole->version : 1);
    profile->name = bf__pool_copy(loader->pool, bf_slice_of(name));
    profile->file = bf__pool_copy(loader->pool, bf_slice_of(loader->file));
    profile->enabled = good;
}
