/* mask.c: one pass over a topic for each profile that has secrets. Rejects are rare, so nothing is compiled.
 * Declined: masking by the route that a message took: what took none would be written as it came. */
#include "ingest/decode/mask.h"

#include <string.h>

/* The level that begins at *at; *at moves behind its slash, or to SIZE_MAX behind the last. */
static struct bf_slice next_level(struct bf_slice topic, size_t *at)
{
    const char *slash = memchr(topic.data + *at, '/', topic.len - *at);
    struct bf_slice level = {.data = topic.data + *at};
    level.len = slash ? (size_t)(slash - level.data) : topic.len - *at;
    *at = slash ? *at + level.len + 1 : SIZE_MAX;
    return level;
}

static bool is_secret(const struct bf_profile *profile, size_t index)
{
    for (size_t i = 0; i < profile->secret_count; i++) {
        if (profile->secrets[i] == index) {
            return true;
        }
    }
    return false;
}

static struct bf_slice mask(const struct bf_profile *profile, struct bf_slice topic, struct bf_arena *arena)
{
    size_t at = 0;
    for (size_t i = 0; i < profile->topic.count && at != SIZE_MAX; i++) {
        const struct bf_level *expected = &profile->topic.levels[i];
        struct bf_slice level = next_level(topic, &at);
        if (expected->kind == BF_LEVEL_REST ||
            (expected->kind == BF_LEVEL_LITERAL && !bf_slice_equal(level, expected->text))) {
            break;
        }
        if (!is_secret(profile, i)) {
            continue;
        }
        size_t before = (size_t)(level.data - topic.data), behind = topic.len - before - level.len;
        char *text = bf_arena_alloc(arena, before + 1 + behind);
        if (!text) {
            return (struct bf_slice){.data = "", .len = 0};
        }
        memcpy(text, topic.data, before);
        text[before] = '*';
        memcpy(text + before + 1, level.data + level.len, behind);
        topic = (struct bf_slice){.data = text, .len = before + 1 + behind};
        at = at == SIZE_MAX ? SIZE_MAX : before + 2;
    }
    return topic;
}

struct bf_slice bf_mask_topic(const struct bf_city *city, struct bf_slice topic, struct bf_arena *arena)
{
    for (size_t i = 0; i < city->profile_count && topic.len > 0; i++) {
        if (city->profiles[i].secret_count > 0) {
            topic = mask(&city->profiles[i], topic, arena);
        }
    }
    return topic;
}
