/* try_keys.c: which keys of Redis a message would change, by config/redis-contract.yaml. See try_say.h.
 * Declined: asking belfry-sink's code: it writes from results of windows, and there are none yet. */
#include <stdio.h>

#include "cli/reach.h"
#include "cli/try_say.h"

struct gathering {
    const struct bf_city *city;
    struct bf_try_key *keys;
    size_t room, count;
};

static void add(struct gathering *gathering, const struct bf_try_key *key)
{
    for (size_t i = 0; i < gathering->count && i < gathering->room; i++) {
        if (strcmp(gathering->keys[i].key, key->key) == 0 &&
            strcmp(gathering->keys[i].field, key->field) == 0) {
            return;
        }
    }
    if (gathering->count < gathering->room) {
        gathering->keys[gathering->count] = *key;
    }
    gathering->count++;
}

static void add_boards(struct gathering *gathering, struct bf_slice kpi, struct bf_slice scope)
{
    for (size_t i = 0; i < gathering->city->board_count; i++) {
        const struct bf_board *board = &gathering->city->boards[i];
        for (size_t k = 0; k < board->count; k++) {
            struct bf_try_key key = {.what = "the value on the board"};
            if (bf_slice_equal(board->kpis[k], kpi)) {
                (void)snprintf(key.key, sizeof key.key, "belfry:v1:board:%.*s", BF_SLICE_ARG(board->name));
                (void)snprintf(key.field, sizeof key.field, "%.*s:%.*s", BF_SLICE_ARG(kpi),
                               BF_SLICE_ARG(scope));
                add(gathering, &key);
            }
        }
    }
}

static void on_reach(void *context, const struct bf_reach *reach)
{
    struct gathering *gathering = context;
    struct bf_slice kpi = reach->definition->id;
    struct bf_try_key key = {.what = reach->definition->live
                                         ? "the value: open, final, and as a message"
                                         : "the value when it is final, and as a message"};
    (void)snprintf(key.key, sizeof key.key, "belfry:v1:kpi:%.*s:%.*s", BF_SLICE_ARG(kpi),
                   BF_SLICE_ARG(reach->scope));
    add(gathering, &key);
    key.what = "an entry when the window closes";
    (void)snprintf(key.key, sizeof key.key, "belfry:v1:hist:%.*s:%.*s", BF_SLICE_ARG(kpi),
                   BF_SLICE_ARG(reach->scope));
    add(gathering, &key);
    add_boards(gathering, kpi, reach->scope);
}

size_t bf_try_keys(const struct bf_tried *tried, struct bf_try_key *keys, size_t room)
{
    struct gathering gathering = {.city = tried->city, .keys = keys, .room = room};
    for (size_t i = 0; i < tried->caught->reading_count; i++) {
        const struct bf_reading *reading = &tried->caught->readings[i];
        struct bf_try_key key = {.what = "the device: last seen, counts"};
        char id[BF_SCOPE_MAX];
        bf_reach_each(tried->plan, reading, on_reach, &gathering);
        size_t len = bf_scope_escape(bf_reading_device(reading->source), id, sizeof id);
        (void)snprintf(key.key, sizeof key.key, "belfry:v1:device:%.*s", (int)len, id);
        add(&gathering, &key);
    }
    return gathering.count;
}
