/* match.c: see match.h. */
#include "cli/match.h"

#include <stdio.h>

#define LEVELS_MAX 128

static void add(char *text, size_t size, const char *between, const char *format, ...) BF_PRINTF(4, 5);
static void add(char *text, size_t size, const char *between, const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;
    if (len > 0 && len < size) {
        (void)snprintf(text + len, size - len, "%s", between);
        len = strlen(text);
    }
    va_start(args, format);
    (void)vsnprintf(text + len, size - len, format, args);
    va_end(args);
}

static size_t split(struct bf_slice topic, struct bf_slice levels[LEVELS_MAX])
{
    size_t count = 0;
    for (size_t at = 0; at <= topic.len && count < LEVELS_MAX;) {
        const char *slash = at < topic.len ? memchr(topic.data + at, '/', topic.len - at) : NULL;
        size_t end = slash != NULL ? (size_t)(slash - topic.data) : topic.len;
        levels[count++] = (struct bf_slice){topic.data + at, end - at};
        at = end + 1;
    }
    return count;
}

static void check_when(const struct bf_profile *profile, const struct bf_slice *levels, size_t count,
                       struct bf_match *match)
{
    for (size_t i = 0; i < profile->match_count; i++) {
        const struct bf_profile_match *when = &profile->matches[i];
        bool holds = false;
        for (size_t j = 0; j < when->count && when->level < count; j++) {
            holds = holds || bf_slice_equal(when->values[j], levels[when->level]);
        }
        if (holds || when->level >= count) {
            continue;
        }
        match->missed++;
        add(match->why, sizeof match->why, "; ", "level %zu {%.*s} is '%.*s', `when` wants", when->level + 1,
            BF_SLICE_ARG(profile->topic.levels[when->level].text), BF_SLICE_ARG(levels[when->level]));
        for (size_t j = 0; j < when->count; j++) {
            add(match->why, sizeof match->why, j > 0 ? ", " : " ", "'%.*s'", BF_SLICE_ARG(when->values[j]));
        }
    }
}

static void explain_taken(const struct bf_profile *profile, const struct bf_slice *levels,
                          struct bf_match *match)
{
    for (size_t i = 0; i < profile->topic.count; i++) {
        const struct bf_level *level = &profile->topic.levels[i];
        if (level->kind == BF_LEVEL_NAMED) {
            add(match->why, sizeof match->why, ", ", "%.*s = %.*s", BF_SLICE_ARG(level->text),
                BF_SLICE_ARG(levels[i]));
        }
    }
}

void bf_match_explain(const struct bf_profile *profile, struct bf_slice topic, struct bf_match *match)
{
    struct bf_slice levels[LEVELS_MAX];
    size_t count = split(topic, levels), wanted = profile->topic.count;
    bool rest = wanted > 0 && profile->topic.levels[wanted - 1].kind == BF_LEVEL_REST;
    *match = (struct bf_match){.profile = profile};
    wanted -= rest;
    for (size_t i = 0; i < wanted && i < count; i++) {
        const struct bf_level *level = &profile->topic.levels[i];
        if (level->kind == BF_LEVEL_LITERAL && !bf_slice_equal(level->text, levels[i])) {
            match->missed++;
            add(match->why, sizeof match->why, "; ", "level %zu is '%.*s', the profile wants '%.*s'", i + 1,
                BF_SLICE_ARG(levels[i]), BF_SLICE_ARG(level->text));
        } else if (level->kind != BF_LEVEL_LITERAL && i == 0 && levels[0].len > 0 &&
                   levels[0].data[0] == '$') {
            match->missed++;
            add(match->why, sizeof match->why, "; ", "a first level with $ must be written out");
        }
    }
    if (count < wanted || (count > wanted && !rest)) {
        match->missed += count < wanted ? wanted - count : count - wanted;
        add(match->why, sizeof match->why, "; ", "the topic has %zu level%s, the profile wants %zu%s", count,
            count == 1 ? "" : "s", wanted, rest ? " or more" : "");
    }
    check_when(profile, levels, count, match);
    match->takes = match->missed == 0;
    if (match->takes) {
        explain_taken(profile, levels, match);
    }
}

size_t bf_match_near(const struct bf_city *city, struct bf_slice topic, struct bf_match near[BF_MATCH_NEAR])
{
    struct bf_slice levels[LEVELS_MAX];
    size_t count = 0, most = (split(topic, levels) + 1) / 2;
    for (size_t i = 0; i < city->profile_count; i++) {
        struct bf_match match;
        if (!city->profiles[i].enabled) {
            continue;
        }
        bf_match_explain(&city->profiles[i], topic, &match);
        if (match.takes || match.missed > most) {
            continue;
        }
        size_t at = count;
        while (at > 0 && near[at - 1].missed > match.missed) {
            at--;
        }
        if (at < BF_MATCH_NEAR) {
            count += count < BF_MATCH_NEAR;
            memmove(&near[at + 1], &near[at], (count - 1 - at) * sizeof near[0]);
            near[at] = match;
        }
    }
    return count;
}

char *bf_match_template(const struct bf_topic_template *topic, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < topic->count; i++) {
        const struct bf_level *level = &topic->levels[i];
        bool named = level->kind == BF_LEVEL_NAMED;
        size_t len = strlen(text);
        (void)snprintf(text + len, size - len, "%s%s%.*s%s", i > 0 ? "/" : "", named ? "{" : "",
                       BF_SLICE_ARG(level->text), named ? "}" : "");
    }
    return text;
}

static const struct bf_profile_match *when_of(const struct bf_profile *profile, size_t level)
{
    for (size_t i = 0; i < profile->match_count; i++) {
        if (profile->matches[i].level == level && profile->matches[i].count > 0) {
            return &profile->matches[i];
        }
    }
    return NULL;
}

char *bf_match_topic(const struct bf_profile *profile, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < profile->topic.count; i++) {
        const struct bf_level *level = &profile->topic.levels[i];
        const struct bf_profile_match *when = when_of(profile, i);
        size_t len = strlen(text);
        if (level->kind == BF_LEVEL_REST && i > 0) {
            break; /* # takes no level, too */
        }
        struct bf_slice part = when != NULL                      ? when->values[0]
                               : level->kind == BF_LEVEL_LITERAL ? level->text
                               : level->kind == BF_LEVEL_NAMED   ? level->text
                                                                 : BF_SLICE("any");
        bool made = when == NULL && level->kind == BF_LEVEL_NAMED;
        (void)snprintf(text + len, size - len, "%s%.*s%s", i > 0 ? "/" : "", BF_SLICE_ARG(part),
                       made ? "-1" : "");
    }
    return text;
}
