/* try_json.c: the same as try_say.c for a program: one line of JSON. See try_say.h. */
#include <stdio.h>

#include "cli/json_text.h"
#include "cli/match.h"
#include "cli/reach.h"
#include "cli/reading_text.h"
#include "cli/try_say.h"
#include "core/time.h"

#define KEYS 256

static void put(const char *front, struct bf_slice text)
{
    fputs(front, stdout);
    bf_json_text(stdout, text);
}

struct reaches {
    const struct bf_reading *reading;
    int64_t now_us;
    size_t count;
};

static void put_reach(void *context, const struct bf_reach *reach)
{
    struct reaches *at = context;
    struct bf_reach_window window;
    bf_reach_window(reach->definition, at->reading->event_us, at->now_us, &window);
    fputs(at->count++ > 0 ? "," : "", stdout);
    put("{\"kpi\":", reach->definition->id);
    put(",\"scope\":", reach->scope);
    if (window.known) {
        printf(",\"window_start_ms\":%lld,\"window_end_ms\":%lld,\"windows\":%u,\"late\":%s",
               (long long)(window.start_us / BF_US_PER_MS), (long long)(window.end_us / BF_US_PER_MS),
               window.count, window.late ? "true" : "false");
    }
    putchar('}');
}

static void put_readings(const struct bf_tried *tried)
{
    fputs(",\"readings\":[", stdout);
    for (size_t i = 0; i < tried->caught->reading_count; i++) {
        const struct bf_reading *reading = &tried->caught->readings[i];
        struct reaches at = {.reading = reading, .now_us = tried->message->at_us};
        fputs(i > 0 ? ",{\"reading\":" : "{\"reading\":", stdout);
        bf_reading_json(stdout, reading);
        fputs(",\"kpis\":[", stdout);
        bf_reach_each(tried->plan, reading, put_reach, &at);
        fputs("]}", stdout);
    }
    putchar(']');
}

static void put_rejects(const struct bf_tried *tried)
{
    fputs(",\"rejects\":[", stdout);
    for (size_t i = 0; i < tried->caught->reject_count; i++) {
        const struct bf_reject *reject = &tried->caught->rejects[i];
        put(i > 0 ? ",{\"reason\":" : "{\"reason\":", reject->reason);
        put(",\"detail\":", reject->detail);
        printf(",\"whole\":%s,\"by_profile\":%s}", reject->whole ? "true" : "false",
               reject->by_profile ? "true" : "false");
    }
    putchar(']');
}

static void put_near(const struct bf_tried *tried)
{
    struct bf_match near[BF_MATCH_NEAR];
    size_t count = bf_match_near(tried->city, tried->message->topic, near);
    fputs(",\"near\":[", stdout);
    for (size_t i = 0; i < count; i++) {
        put(i > 0 ? ",{\"profile\":" : "{\"profile\":", near[i].profile->name);
        put(",\"why\":", bf_slice_of(near[i].why));
        putchar('}');
    }
    putchar(']');
}

void bf_try_say_json(const struct bf_tried *tried)
{
    static struct bf_try_key keys[KEYS]; /* large */
    const struct bf_profile *profile = bf_try_profile(tried);
    size_t count = bf_try_keys(tried, keys, KEYS);
    put("{\"topic\":", tried->message->topic);
    printf(",\"bytes\":%zu", tried->message->payload.len);
    if (profile != NULL) {
        put(",\"profile\":", profile->name);
    } else {
        put_near(tried);
    }
    put_readings(tried);
    put_rejects(tried);
    fputs(",\"redis\":[", stdout);
    for (size_t i = 0; i < count && i < KEYS; i++) {
        put(i > 0 ? ",{\"key\":" : "{\"key\":", bf_slice_of(keys[i].key));
        if (keys[i].field[0] != '\0') {
            put(",\"field\":", bf_slice_of(keys[i].field));
        }
        putchar('}');
    }
    fputs("]}\n", stdout);
}
