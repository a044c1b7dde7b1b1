/* timezone.c: TZif -> one ascending array of transitions. What the footer's rule says is written out until
 * BF_TIMEZONE_YEAR_MAX when the zone is made, so that a lookup is one binary search with no second way. */
#include "core/timezone.h"

#include <stdlib.h>

#include "core/civil.h"
#include "core/time.h"
#include "core/timezone_rule.h"

#define OFFSET_MAX_S (26 * 3600)
#define TRANSITIONS_MAX 8192u
/* RFC 8536, 3.2: no transition is earlier. */
#define AT_MIN_S (-(INT64_C(1) << 59))
#define AT_MAX_S INT64_C(100000000000) /* far beyond any year here; leaves room for microseconds */

struct transition {
    int64_t at_us, offset_us; /* from then on */
};

struct bf_timezone {
    size_t count;
    struct transition list[]; /* the first at INT64_MIN */
};

/* The header's counts, RFC 8536, 3.1. */
struct counts {
    uint32_t isut, isstd, leap, time, type, chars;
};

struct cursor {
    const unsigned char *at;
    size_t left;
    bool bad;
};

static const unsigned char *take(struct cursor *cursor, size_t size)
{
    if (cursor->bad || cursor->left < size) {
        cursor->bad = true;
        return NULL;
    }
    const unsigned char *bytes = cursor->at;
    cursor->at += size;
    cursor->left -= size;
    return bytes;
}

static int64_t big_endian(const unsigned char *bytes, size_t size)
{
    uint64_t number = bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | bytes[i];
    }
    return (int64_t)number;
}

static bool take_header(struct cursor *cursor, struct counts *counts, int *version)
{
    const unsigned char *head = take(cursor, 44);
    if (head == NULL || memcmp(head, "TZif", 4) != 0) {
        return false;
    }
    uint32_t *const fields[] = {&counts->isut, &counts->isstd, &counts->leap,
                                &counts->time, &counts->type,  &counts->chars};
    *version = head[4];
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        *fields[i] = (uint32_t)big_endian(head + 20 + 4 * i, 4);
        if (*fields[i] > BF_TIMEZONE_BYTES_MAX) {
            return false; /* so that no product of them overflows */
        }
    }
    return counts->type > 0 && counts->type <= 256 && counts->time <= TRANSITIONS_MAX / 2;
}

/* Appends, or replaces one at the same time; what changes nothing is left out. */
static bool add(struct bf_timezone *zone, int64_t at_us, int64_t offset_us)
{
    struct transition *last = &zone->list[zone->count - 1];
    if (at_us < last->at_us || zone->count >= TRANSITIONS_MAX) {
        return false;
    }
    if (at_us == last->at_us && zone->count > 1) {
        zone->count--;
        last--;
    }
    if (last->offset_us != offset_us) {
        zone->list[zone->count++] = (struct transition){.at_us = at_us, .offset_us = offset_us};
    }
    return true;
}

static bool add_listed(struct bf_timezone *zone, struct cursor *cursor, const struct counts *counts)
{
    const unsigned char *times = take(cursor, (size_t)counts->time * 8);
    const unsigned char *indices = take(cursor, counts->time);
    const unsigned char *types = take(cursor, (size_t)counts->type * 6);
    take(cursor, counts->chars + (size_t)counts->leap * 12 + counts->isstd + counts->isut);
    if (cursor->bad || counts->leap > 0) { /* "right" zones count leap seconds; POSIX time has none */
        return false;
    }
    for (uint32_t i = 0; i < counts->type; i++) {
        int64_t offset_s = big_endian(types + 6 * (size_t)i, 4);
        if (offset_s <= -OFFSET_MAX_S || offset_s >= OFFSET_MAX_S) {
            return false;
        }
    }
    zone->list[0] = (struct transition){.at_us = INT64_MIN, .offset_us = big_endian(types, 4) * BF_US_PER_S};
    zone->count = 1;
    int64_t before_s = INT64_MIN;
    for (uint32_t i = 0; i < counts->time; i++) {
        int64_t at_s = big_endian(times + 8 * (size_t)i, 8);
        if (indices[i] >= counts->type || at_s <= before_s || at_s < AT_MIN_S || at_s > AT_MAX_S) {
            return false;
        }
        before_s = at_s;
        at_s = at_s < -AT_MAX_S ? -AT_MAX_S : at_s; /* "the Big Bang" of some files */
        if (!add(zone, at_s * BF_US_PER_S, big_endian(types + 6 * (size_t)indices[i], 4) * BF_US_PER_S)) {
            return false;
        }
    }
    return true;
}

/* The years after `after_us`, the last listed transition. */
static bool add_rule(struct bf_timezone *zone, const struct bf__timezone_rule *rule, int64_t after_us)
{
    int64_t standard_us = rule->standard_s * BF_US_PER_S, summer_us = rule->summer_s * BF_US_PER_S;
    bool good = true;
    if (!rule->has_summer) {
        return after_us == INT64_MIN ? true : add(zone, after_us, standard_us);
    }
    int64_t year =
        after_us == INT64_MIN
            ? 1900
            : bf_civil_date(bf_time_floor(after_us, 86400 * BF_US_PER_S) / (86400 * BF_US_PER_S)).year;
    for (year = year < 1900 ? 1900 : year; good && year <= BF_TIMEZONE_YEAR_MAX; year++) {
        int64_t begin_s, end_s;
        bf__timezone_rule_year(rule, year, &begin_s, &end_s);
        const struct transition begin = {.at_us = begin_s * BF_US_PER_S, .offset_us = summer_us};
        const struct transition end = {.at_us = end_s * BF_US_PER_S, .offset_us = standard_us};
        const struct transition *const order[] = {begin_s < end_s ? &begin : &end,
                                                  begin_s < end_s ? &end : &begin};
        for (size_t i = 0; good && i < 2; i++) {
            good = order[i]->at_us <= after_us || add(zone, order[i]->at_us, order[i]->offset_us);
        }
    }
    return good;
}

/* "\n<rule>\n"; an empty one: as the last transition says. */
static bool add_footer(struct bf_timezone *zone, struct cursor *cursor, int64_t after_us)
{
    if (cursor->bad || cursor->left < 2 || cursor->at[0] != '\n') {
        return false;
    }
    const unsigned char *text = cursor->at + 1;
    const unsigned char *end = memchr(text, '\n', cursor->left - 1);
    struct bf__timezone_rule rule;
    if (end == NULL) {
        return false;
    }
    if (end == text) {
        return true;
    }
    return bf__timezone_rule_parse((struct bf_slice){(const char *)text, (size_t)(end - text)}, &rule) &&
           add_rule(zone, &rule, after_us);
}

static const char *parse(struct bf_timezone *zone, struct bf_slice tzif)
{
    struct cursor cursor = {.at = (const unsigned char *)tzif.data, .left = tzif.len, .bad = false};
    struct counts counts;
    int version;
    if (!take_header(&cursor, &counts, &version)) {
        return "it has no TZif header";
    }
    if (version < '2') {
        return "it is TZif version 1, of 32 bits";
    }
    take(&cursor, (size_t)counts.time * 5 + (size_t)counts.type * 6 + counts.chars + (size_t)counts.leap * 8 +
                      counts.isstd + counts.isut);
    if (!take_header(&cursor, &counts, &version)) {
        return "it has no second TZif header";
    }
    const unsigned char *times = cursor.at;
    if (!add_listed(zone, &cursor, &counts)) {
        return "its transitions cannot be read";
    }
    int64_t after_us = INT64_MIN;
    if (counts.time > 0) {
        int64_t after_s = big_endian(times + 8 * ((size_t)counts.time - 1), 8);
        after_us = (after_s < -AT_MAX_S ? -AT_MAX_S : after_s) * BF_US_PER_S;
    }
    return add_footer(zone, &cursor, after_us) ? NULL : "its footer cannot be read";
}

enum bf_status bf_timezone_create(struct bf_slice tzif, struct bf_timezone **zone, struct bf_err *err)
{
    if (tzif.len == 0 || tzif.len > BF_TIMEZONE_BYTES_MAX) {
        return bf_err_set(err, BF_MALFORMED, "not a time zone: %zu bytes", tzif.len);
    }
    struct bf_timezone *made = malloc(sizeof(*made) + TRANSITIONS_MAX * sizeof(made->list[0]));
    if (made == NULL) {
        return bf_err_set(err, BF_PEER, "out of memory for a time zone");
    }
    const char *why = parse(made, tzif);
    if (why != NULL) {
        free(made);
        return bf_err_set(err, BF_MALFORMED, "not a time zone: %s", why);
    }
    struct bf_timezone *fit = realloc(made, sizeof(*made) + made->count * sizeof(made->list[0]));
    if (fit == NULL) {
        free(made);
        return bf_err_set(err, BF_PEER, "out of memory for a time zone");
    }
    *zone = fit;
    return BF_OK;
}

void bf_timezone_destroy(struct bf_timezone *zone)
{
    free(zone);
}

/* The last transition at or before utc_us. */
static size_t find(const struct bf_timezone *zone, int64_t utc_us)
{
    size_t low = 0, high = zone->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(zone->list[middle].at_us <= utc_us ? &low : &high) = middle;
    }
    return low;
}

struct bf_timezone_span bf_timezone_at(const struct bf_timezone *zone, int64_t utc_us)
{
    if (zone == NULL) {
        return (struct bf_timezone_span){.from_us = INT64_MIN, .to_us = INT64_MAX, .offset_us = 0};
    }
    size_t i = find(zone, utc_us);
    return (struct bf_timezone_span){
        .from_us = zone->list[i].at_us,
        .to_us = i + 1 < zone->count ? zone->list[i + 1].at_us : INT64_MAX,
        .offset_us = zone->list[i].offset_us,
    };
}

int64_t bf_timezone_utc(const struct bf_timezone *zone, int64_t local_us)
{
    if (zone == NULL) {
        return local_us;
    }
    /* Nothing before this shows as much. */
    for (size_t i = find(zone, local_us - OFFSET_MAX_S * BF_US_PER_S);; i++) {
        const struct transition *transition = &zone->list[i];
        int64_t utc_us = local_us - transition->offset_us;
        utc_us = utc_us > transition->at_us ? utc_us : transition->at_us;
        if (i + 1 == zone->count || utc_us < zone->list[i + 1].at_us) {
            return utc_us;
        }
    }
}
