/* listen.c: see listen.h. Declined: reconnecting: a person is watching, and a gap must be seen. */
#include "cli/listen.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/log/wiring.h"
#include "core/time.h"

#define WAIT_MS 10000

enum link { LINK_WAITS, LINK_UP, LINK_SUBSCRIBED, LINK_DOWN };

struct bf_listen {
    struct bf_listen_options options;
    char client_id[64];
    struct bf_mqtt *mqtt;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    enum link link;
    char reason[200];
};

/* ---- Paho's thread */

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    struct bf_listen *listen = context;
    listen->options.message(listen->options.context, message);
}

static void set_link(struct bf_listen *listen, enum link link, const char *reason)
{
    pthread_mutex_lock(&listen->lock);
    listen->link = link;
    (void)snprintf(listen->reason, sizeof listen->reason, "%s", reason != NULL ? reason : "connection lost");
    pthread_cond_signal(&listen->changed);
    pthread_mutex_unlock(&listen->lock);
}

static void on_connected(void *context, bool session_present)
{
    (void)session_present;
    set_link(context, LINK_UP, "");
}

static void on_down(void *context, const char *reason)
{
    set_link(context, LINK_DOWN, reason);
}

static void on_subscribed(void *context, bool ok, const char *reason)
{
    set_link(context, ok ? LINK_SUBSCRIBED : LINK_DOWN, ok ? "" : reason);
}

/* ---- the owner's */

static enum bf_status await(struct bf_listen *listen, enum link from, struct bf_err *err)
{
    int64_t until_us = bf_time_wall_us() + WAIT_MS * BF_US_PER_MS;
    const struct timespec until = {.tv_sec = until_us / BF_US_PER_S,
                                   .tv_nsec = until_us % BF_US_PER_S * 1000};
    int waited = 0;
    pthread_mutex_lock(&listen->lock);
    while (listen->link == from && waited == 0) {
        waited = pthread_cond_timedwait(&listen->changed, &listen->lock, &until);
    }
    enum link link = listen->link;
    pthread_mutex_unlock(&listen->lock);
    if (link == from || link == LINK_DOWN) {
        return bf_err_set(err, BF_PEER, "the MQTT broker does not let us listen: %s",
                          link == from ? "no answer" : listen->reason);
    }
    return BF_OK;
}

static enum bf_status connect_broker(struct bf_listen *listen, const struct bf_site *site, struct bf_err *err)
{
    (void)snprintf(listen->client_id, sizeof listen->client_id, "%s-%d", listen->options.name, (int)getpid());
    struct bf_mqtt_options options = bf_wiring_mqtt(site, listen->client_id);
    options.clean = true;
    options.connect_timeout_s = 5;
    const struct bf_mqtt_callbacks callbacks = {.message = on_message,
                                                .connected = on_connected,
                                                .failed = on_down,
                                                .lost = on_down,
                                                .subscribed = on_subscribed,
                                                .context = listen};
    enum bf_status status = bf_mqtt_create(&options, &callbacks, &listen->mqtt, err);
    status = status == BF_OK ? bf_mqtt_connect(listen->mqtt, err) : status;
    status = status == BF_OK ? await(listen, LINK_WAITS, err) : status;
    if (status == BF_OK) {
        status =
            bf_mqtt_subscribe(listen->mqtt, listen->options.filters, listen->options.filter_count, 0, err);
    }
    return status == BF_OK ? await(listen, LINK_UP, err) : status;
}

enum bf_status bf_listen_open(const struct bf_site *site, const struct bf_listen_options *options,
                              struct bf_listen **listen, struct bf_err *err)
{
    struct bf_listen *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    made->options = *options;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->changed, NULL);
    enum bf_status status = connect_broker(made, site, err);
    if (status != BF_OK) {
        bf_listen_close(made);
        return status;
    }
    *listen = made;
    return BF_OK;
}

void bf_listen_close(struct bf_listen *listen)
{
    if (listen != NULL) {
        bf_mqtt_destroy(listen->mqtt);
        pthread_cond_destroy(&listen->changed);
        pthread_mutex_destroy(&listen->lock);
        free(listen);
    }
}

enum bf_status bf_listen_check(struct bf_listen *listen, struct bf_err *err)
{
    pthread_mutex_lock(&listen->lock);
    bool down = listen->link == LINK_DOWN;
    enum bf_status status =
        down ? bf_err_set(err, BF_PEER, "the MQTT broker has gone: %s", listen->reason) : BF_OK;
    pthread_mutex_unlock(&listen->lock);
    return status;
}
