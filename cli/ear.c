/* Why: the first question about a device is whether it speaks at all, and the second what belfry makes of
 * it.
 * Declined: asking belfry-ingest: what it would say is in the log, and its intake must not wait for
 * anybody. */
#include "cli/ear.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/listen.h"
#include "cli/reach.h"
#include "core/hash.h"
#include "core/time.h"
#include "ingest/decode/pipeline.h"

#define FILTER_BYTES 256

struct bf_ear {
    const struct bf_kpi_plan *plan;
    struct bf_slice device;
    char name[260];
    struct bf_pipeline *pipeline; /* Paho's thread */
    struct bf_heard draft;        /* Paho's thread */
    bool ours;
    struct bf_listen *listen;
    pthread_mutex_t lock; /* guards what follows */
    struct bf_heard ring[BF_EAR_ROOM];
    size_t first, count;
    uint64_t missed;
};

/* ---- what belfry makes of a message */

static void note_text(struct bf_heard *heard, const struct bf_reading *reading)
{
    size_t used = strlen(heard->text);
    double number = 0;
    char value[64];
    if (reading->value.kind == BF_VALUE_TEXT) {
        (void)snprintf(value, sizeof value, "\"%.*s\"", BF_SLICE_ARG(reading->value.as.text));
    } else {
        (void)bf_value_number(&reading->value, &number);
        (void)snprintf(value, sizeof value, "%.10g", number);
    }
    (void)snprintf(heard->text + used, sizeof heard->text - used, "%s%.*s %s %.*s", used > 0 ? ", " : "",
                   BF_SLICE_ARG(reading->quantity), value, BF_SLICE_ARG(reading->unit));
}

static void note_interest(struct bf_heard *heard, uint32_t kpi, struct bf_slice scope, int64_t event_us)
{
    for (size_t i = 0; i < heard->interest_count; i++) {
        const struct bf_interest *its = &heard->interests[i];
        if (its->kpi == kpi && bf_slice_equal(bf_slice_of(its->scope), scope)) {
            return;
        }
    }
    if (heard->interest_count == BF_EAR_INTERESTS || scope.len >= sizeof heard->interests[0].scope) {
        heard->more_interests++;
        return;
    }
    struct bf_interest *interest = &heard->interests[heard->interest_count++];
    *interest = (struct bf_interest){.kpi = kpi, .event_us = event_us};
    memcpy(interest->scope, scope.data, scope.len);
}

struct noting {
    struct bf_ear *ear;
    int64_t event_us;
};

static void note_reach(void *context, const struct bf_reach *reach)
{
    struct noting *noting = context;
    note_interest(&noting->ear->draft, reach->kpi, reach->scope, noting->event_us);
}

static void on_reading(void *context, const struct bf_reading *reading)
{
    struct bf_ear *ear = context;
    if (!bf_slice_equal(bf_reading_device(reading->source), ear->device)) {
        return;
    }
    ear->ours = true;
    ear->draft.readings++;
    ear->draft.event_us = reading->event_us;
    ear->draft.estimated = (reading->reasons & BF_REASON_ESTIMATED) != 0;
    note_text(&ear->draft, reading);
    struct noting noting = {.ear = ear, .event_us = reading->event_us};
    bf_reach_each(ear->plan, reading, note_reach, &noting);
}

/* Whether the device's id is one of the topic's levels: a message that cannot be read names nobody else. */
static bool in_topic(struct bf_slice topic, struct bf_slice device)
{
    const char *colon = memchr(device.data, ':', device.len);
    struct bf_slice id = {colon + 1, device.len - (size_t)(colon + 1 - device.data)};
    for (size_t at = 0; at <= topic.len;) {
        const char *slash = memchr(topic.data + at, '/', topic.len - at);
        size_t end = slash != NULL ? (size_t)(slash - topic.data) : topic.len;
        if (bf_slice_equal((struct bf_slice){topic.data + at, end - at}, id)) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

static void on_reject(void *context, const struct bf_reject *reject)
{
    struct bf_ear *ear = context;
    bool ours = reject->source.len > 0 ? bf_slice_equal(bf_reading_device(reject->source), ear->device)
                                       : in_topic(reject->topic, ear->device);
    if (ours) {
        ear->ours = true;
        (void)snprintf(ear->draft.reason, sizeof ear->draft.reason, "%.*s", BF_SLICE_ARG(reject->reason));
        (void)snprintf(ear->draft.detail, sizeof ear->draft.detail, "%.*s", BF_SLICE_ARG(reject->detail));
    }
}

/* ---- Paho's thread */

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    struct bf_ear *ear = context;
    struct bf_heard *draft = &ear->draft;
    *draft = (struct bf_heard){.at_us = bf_time_monotonic_us(),
                               .wall_us = bf_time_wall_us(),
                               .payload_len = message->payload.len,
                               .retained = message->retained,
                               .event_us = BF_TIME_NONE};
    draft->hash = bf_hash64_mix(bf_hash64(message->topic), bf_hash64(message->payload));
    (void)snprintf(draft->topic, sizeof draft->topic, "%.*s", BF_SLICE_ARG(message->topic));
    const struct bf_pipeline_input input = {
        .topic = message->topic,
        .payload = message->payload,
        .payload_len = message->payload.len,
        .ingest_us = draft->wall_us,
        .clock_us = message->has_time ? message->time_us : draft->wall_us,
        .retained = message->retained,
        .delivery = {.ingest = BF_SLICE("trace"), .payload_hash = draft->hash}};
    const struct bf_pipeline_output output = {.reading = on_reading, .reject = on_reject, .context = ear};
    ear->ours = false;
    (void)bf_pipeline_run(ear->pipeline, &input, &output);
    if (!ear->ours) {
        return;
    }
    pthread_mutex_lock(&ear->lock);
    if (ear->count < BF_EAR_ROOM) {
        ear->ring[(ear->first + ear->count++) % BF_EAR_ROOM] = *draft;
    } else {
        ear->missed++;
    }
    pthread_mutex_unlock(&ear->lock);
}

static bool of_network(const struct bf_profile *profile, struct bf_slice device)
{
    struct bf_slice network = profile->network;
    return profile->enabled && device.len > network.len && device.data[network.len] == ':' &&
           memcmp(device.data, network.data, network.len) == 0;
}

/* To the filters of all profiles of the device's network, each once. */
static enum bf_status subscribe(struct bf_ear *ear, const struct bf_site *site, struct bf_err *err)
{
    static char filters[BF_MQTT_FILTERS_MAX][FILTER_BYTES];
    const char *list[BF_MQTT_FILTERS_MAX];
    size_t count = 0;
    const struct bf_city *city = ear->plan->city;
    for (size_t i = 0; i < city->profile_count && count < BF_MQTT_FILTERS_MAX; i++) {
        if (!of_network(&city->profiles[i], ear->device)) {
            continue;
        }
        bf_topic_filter(&city->profiles[i].topic, filters[count], FILTER_BYTES);
        size_t same = 0;
        while (same < count && strcmp(filters[same], filters[count]) != 0) {
            same++;
        }
        list[count] = filters[count];
        count += same == count;
    }
    if (count == 0) {
        return bf_err_set(err, BF_CONFIG, "no profile is of the network of \"%s\"", ear->name);
    }
    const struct bf_listen_options options = {.name = "belfry-trace",
                                              .filters = list,
                                              .filter_count = count,
                                              .message = on_message,
                                              .context = ear};
    return bf_listen_open(site, &options, &ear->listen, err);
}

enum bf_status bf_ear_open(const struct bf_site *site, const struct bf_kpi_plan *plan, const char *device,
                           struct bf_ear **ear, struct bf_err *err)
{
    const struct bf_pipeline_limits limits = bf_pipeline_limits_of(site);
    struct bf_ear *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    assert(strchr(device, ':') != NULL);
    made->plan = plan;
    (void)snprintf(made->name, sizeof made->name, "%s", device);
    made->device = bf_slice_of(made->name);
    pthread_mutex_init(&made->lock, NULL);
    enum bf_status status = bf_pipeline_create(plan->city, &limits, &made->pipeline, err);
    status = status == BF_OK ? subscribe(made, site, err) : status;
    if (status != BF_OK) {
        bf_ear_close(made);
        return status;
    }
    *ear = made;
    return BF_OK;
}

void bf_ear_close(struct bf_ear *ear)
{
    if (ear == NULL) {
        return;
    }
    bf_listen_close(ear->listen);
    if (ear->pipeline != NULL) {
        bf_pipeline_destroy(ear->pipeline);
    }
    pthread_mutex_destroy(&ear->lock);
    free(ear);
}

bool bf_ear_next(struct bf_ear *ear, struct bf_heard *heard)
{
    pthread_mutex_lock(&ear->lock);
    bool any = ear->count > 0;
    if (any) {
        *heard = ear->ring[ear->first];
        ear->first = (ear->first + 1) % BF_EAR_ROOM;
        ear->count--;
    }
    pthread_mutex_unlock(&ear->lock);
    return any;
}

uint64_t bf_ear_missed(struct bf_ear *ear)
{
    pthread_mutex_lock(&ear->lock);
    uint64_t missed = ear->missed;
    pthread_mutex_unlock(&ear->lock);
    return missed;
}

enum bf_status bf_ear_check(struct bf_ear *ear, struct bf_err *err)
{
    return bf_listen_check(ear->listen, err);
}

/* ---- names */

enum bf_status bf_ear_device(const struct bf_city *city, const char *typed, char *device, size_t size,
                             struct bf_err *err)
{
    char networks[200] = "";
    struct bf_slice only = {NULL, 0};
    size_t different = 0;
    int len = 0;
    for (size_t i = 0; i < city->profile_count; i++) {
        struct bf_slice network = city->profiles[i].network;
        bool seen = false;
        for (size_t before = 0; before < i; before++) {
            seen = seen || bf_slice_equal(city->profiles[before].network, network);
        }
        if (!seen) {
            size_t used = strlen(networks);
            only = network;
            (void)snprintf(networks + used, sizeof networks - used, "%s%.*s", different++ > 0 ? ", " : "",
                           BF_SLICE_ARG(network));
        }
    }
    if (strchr(typed, ':') != NULL) {
        len = snprintf(device, size, "%s", typed);
    } else if (different == 1) {
        len = snprintf(device, size, "%.*s:%s", BF_SLICE_ARG(only), typed);
    } else {
        bf_err_set(err, BF_CONFIG, "\"%s\" of which network? Say NETWORK:%s", typed, typed);
        bf_err_detail(err, "there are %s", networks);
        return BF_CONFIG;
    }
    return len > 0 && (size_t)len < size
               ? BF_OK
               : bf_err_set(err, BF_CONFIG, "\"%.40s...\" is too long for a device", typed);
}
