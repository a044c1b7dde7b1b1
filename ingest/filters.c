/* filters.c: topic templates to topic filters: a named level becomes +, the rest #. A filter that another
 * covers is left out. */
#include "ingest/filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILTER_MAX 1024

/* `narrow` as a topic: its + can only be matched by + and #, its # only by #. */
bool bf_filter_covers(const char *wide, const char *narrow)
{
    for (;;) {
        size_t wide_len = strcspn(wide, "/"), narrow_len = strcspn(narrow, "/");
        bool hash = narrow_len == 1 && *narrow == '#';
        if (wide_len == 1 && *wide == '#') {
            return true;
        }
        bool plus = wide_len == 1 && *wide == '+' && !hash;
        if (!plus && (wide_len != narrow_len || memcmp(wide, narrow, wide_len) != 0)) {
            return false;
        }
        if (wide[wide_len] == '\0' || narrow[narrow_len] == '\0') {
            bool below = wide[wide_len] == '/' && strcmp(wide + wide_len, "/#") == 0; /* a/# matches a */
            return narrow[narrow_len] == '\0' && (wide[wide_len] == '\0' || below);
        }
        wide += wide_len + 1;
        narrow += narrow_len + 1;
    }
}

/* False where it does not fit; such a topic could not be published either. */
static bool write_filter(const struct bf_topic_template *topic, char *out, size_t size)
{
    static const struct bf_slice wildcard[] = {
        [BF_LEVEL_NAMED] = {"+", 1}, [BF_LEVEL_ANY] = {"+", 1}, [BF_LEVEL_REST] = {"#", 1}};
    size_t at = 0;
    for (size_t i = 0; i < topic->count; i++) {
        const struct bf_level *level = &topic->levels[i];
        struct bf_slice text = level->kind == BF_LEVEL_LITERAL ? level->text : wildcard[level->kind];
        if (at + text.len + 2 > size) {
            return false;
        }
        if (i > 0) {
            out[at++] = '/';
        }
        memcpy(out + at, text.data, text.len);
        at += text.len;
    }
    out[at] = '\0';
    return at > 0;
}

static enum bf_status add(struct bf_filters *filters, const char *filter, struct bf_err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < filters->count; i++) {
        if (bf_filter_covers(filters->all[i], filter)) {
            return BF_OK;
        }
        if (!bf_filter_covers(filter, filters->all[i])) {
            filters->all[kept++] = filters->all[i];
        }
    }
    if (kept == BF_MQTT_FILTERS_MAX) {
        filters->count = kept;
        bf_err_set(err, BF_CONFIG, "more than %d topic filters", BF_MQTT_FILTERS_MAX);
        bf_err_hint(err, "name wider ones under ingest.filters");
        return BF_CONFIG;
    }
    filters->all[kept++] = filter;
    filters->count = kept;
    return BF_OK;
}

enum bf_status bf_filters_make(const struct bf_site *site, const struct bf_city *city, const char *marker,
                               struct bf_filters *filters, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    filters->count = 0;
    filters->text = malloc((city->profile_count + 1) * FILTER_MAX);
    if (filters->text == NULL) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    for (size_t i = 0; i < site->ingest.filter_count && status == BF_OK; i++) {
        status = add(filters, site->ingest.filters[i], err);
    }
    for (size_t i = 0; site->ingest.filter_count == 0 && i < city->profile_count && status == BF_OK; i++) {
        char *text = filters->text + i * FILTER_MAX;
        if (city->profiles[i].enabled && write_filter(&city->profiles[i].topic, text, FILTER_MAX)) {
            status = add(filters, text, err);
        }
    }
    if (status == BF_OK && marker) {
        status = add(filters, marker, err);
    }
    if (status == BF_OK && filters->count == 0) {
        status = bf_err_set(err, BF_CONFIG, "nothing to subscribe to: no filters and no profile");
        bf_err_hint(err, "enable a profile, or name topics under ingest.filters");
    }
    return status;
}

void bf_filters_free(struct bf_filters *filters)
{
    free(filters->text);
    filters->text = NULL;
    filters->count = 0;
}
