/* tap_raw.c: `belfry tap raw`: MQTT messages, from Paho's thread to the terminal's. See tap.h.
 * Declined: printing on Paho's thread: a slow terminal would hold back the broker. */
#include <stdlib.h>

#include "cli/listen.h"
#include "cli/pace.h"
#include "cli/setting.h"
#include "cli/tap.h"

#define ROOM 1024
#define TURN_MS 20
#define FILTER_BYTES 512

struct raw {
    struct bf_tap *tap;
    pthread_mutex_t lock;             /* guards what follows */
    struct bf_tap_message ring[ROOM]; /* topic and payload in one block of their own */
    size_t first, count;
};

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    struct raw *raw = context;
    struct bf_tap *tap = raw->tap;
    if (!bf_tap_in_topic(tap, message->topic) || !bf_tap_allow(tap, bf_time_monotonic_us())) {
        return;
    }
    char *block = malloc(message->topic.len + message->payload.len + 1);
    pthread_mutex_lock(&raw->lock);
    bool kept = block != NULL && raw->count < ROOM;
    if (kept) {
        memcpy(block, message->topic.data, message->topic.len);
        if (message->payload.len > 0) {
            memcpy(block + message->topic.len, message->payload.data, message->payload.len);
        }
        raw->ring[(raw->first + raw->count++) % ROOM] =
            (struct bf_tap_message){.at_us = message->has_time ? message->time_us : bf_time_wall_us(),
                                    .topic = {block, message->topic.len},
                                    .payload = {block + message->topic.len, message->payload.len},
                                    .retained = message->retained};
    }
    pthread_mutex_unlock(&raw->lock);
    if (!kept) {
        free(block);
        pthread_mutex_lock(&tap->lock);
        tap->left_out++;
        pthread_mutex_unlock(&tap->lock);
    }
}

static bool next(struct raw *raw, struct bf_tap_message *message)
{
    pthread_mutex_lock(&raw->lock);
    bool any = raw->count > 0;
    if (any) {
        *message = raw->ring[raw->first];
        raw->first = (raw->first + 1) % ROOM;
        raw->count--;
    }
    pthread_mutex_unlock(&raw->lock);
    return any;
}

static void release(const struct bf_tap_message *message)
{
    union {
        const char *read;
        void *any;
    } block = {.read = message->topic.data};
    free(block.any);
}

/* --topic, else what ingest subscribes to, else what the profiles need. */
static size_t choose_filters(const struct bf_tap *tap, const struct bf_setting *setting,
                             char texts[BF_MQTT_FILTERS_MAX][FILTER_BYTES],
                             const char *list[BF_MQTT_FILTERS_MAX])
{
    size_t count = 0;
    if (tap->topic != NULL) {
        list[count++] = tap->topic;
        return count;
    }
    for (size_t i = 0; i < setting->site->ingest.filter_count && count < BF_MQTT_FILTERS_MAX; i++) {
        list[count++] = setting->site->ingest.filters[i];
    }
    bool given = count > 0;
    for (size_t i = 0; !given && i < setting->city->profile_count && count < BF_MQTT_FILTERS_MAX; i++) {
        if (!setting->city->profiles[i].enabled) {
            continue;
        }
        bf_topic_filter(&setting->city->profiles[i].topic, texts[count], FILTER_BYTES);
        size_t same = 0;
        while (same < count && strcmp(list[same], texts[count]) != 0) {
            same++;
        }
        list[count] = texts[count];
        count += same == count;
    }
    return count;
}

static enum bf_status watch(struct raw *raw, struct bf_listen *listen, struct bf_err *err)
{
    struct bf_tap *tap = raw->tap;
    int64_t begun_us = bf_time_monotonic_us(), told_us = begun_us;
    int64_t until_us = tap->length_us > 0 ? begun_us + tap->length_us : INT64_MAX;
    enum bf_status status = BF_OK;
    while (status == BF_OK && !bf_tap_over(tap, until_us)) {
        struct bf_tap_message message;
        bool any = false;
        while ((tap->count == 0 || tap->shown < tap->count) && next(raw, &message)) {
            bf_tap_say_message(tap, &message);
            release(&message);
            tap->shown++;
            any = true;
        }
        (void)fflush(stdout);
        if (bf_time_monotonic_us() - told_us >= BF_US_PER_S) {
            told_us = bf_time_monotonic_us();
            bf_tap_left_out(tap);
        }
        status = bf_listen_check(listen, err);
        if (!any && !bf_pace_idle(TURN_MS)) {
            break;
        }
    }
    return status;
}

enum bf_status bf_tap_raw(struct bf_tap *tap, struct bf_err *err)
{
    static char texts[BF_MQTT_FILTERS_MAX][FILTER_BYTES];
    const char *list[BF_MQTT_FILTERS_MAX];
    struct bf_setting setting;
    struct bf_listen *listen = NULL;
    struct raw *raw = calloc(1, sizeof *raw);
    if (raw == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    raw->tap = tap;
    enum bf_status status = bf_setting_load(tap->config, tap->topic == NULL, &setting, err);
    if (status != BF_OK) {
        free(raw);
        return status;
    }
    pthread_mutex_init(&raw->lock, NULL);
    const struct bf_listen_options options = {.name = "belfry-tap",
                                              .filters = list,
                                              .filter_count = choose_filters(tap, &setting, texts, list),
                                              .message = on_message,
                                              .context = raw};
    status = options.filter_count > 0 ? bf_listen_open(setting.site, &options, &listen, err)
                                      : bf_err_set(err, BF_CONFIG, "no profile has a topic; say --topic");
    if (status == BF_OK) {
        fputs("belfry tap: listening\n", stderr);
        status = watch(raw, listen, err);
    }
    bf_listen_close(listen);
    for (struct bf_tap_message message; next(raw, &message);) {
        release(&message);
    }
    pthread_mutex_destroy(&raw->lock);
    bf_setting_unload(&setting);
    free(raw);
    return status;
}
