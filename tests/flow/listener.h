/* listener.h: who hears, beside belfry, what is published: one connection with a clean session.
 * Owner: static, one per test program.   Thread: main; on_message runs on Paho's. */
#ifndef BF_TESTS_LISTENER_H
#define BF_TESTS_LISTENER_H

#include <stdatomic.h>

#include "peers/mqtt/mqtt.h"
#include "tests/support/eventually.h"

#define LISTENER_MS 10000

static atomic_int listener_connected, listener_subscribed;

static inline void listener_on_connected(void *context, bool session_present)
{
    (void)context;
    (void)session_present;
    atomic_store(&listener_connected, 1);
}

static inline void listener_on_down(void *context, const char *reason)
{
    (void)context;
    (void)reason;
    atomic_store(&listener_connected, 0);
}

static inline void listener_on_subscribed(void *context, bool ok, const char *reason)
{
    (void)context;
    (void)reason;
    atomic_store(&listener_subscribed, ok);
}

/* Hears what fits the filter when it returns. The caller destroys it. */
static inline struct bf_mqtt *listener_open(const char *url, const char *filter,
                                            void (*on_message)(void *context,
                                                               const struct bf_mqtt_message *message))
{
    struct bf_err err = {.message = ""};
    struct bf_mqtt *mqtt = NULL;
    const struct bf_mqtt_options options = {.url = url,
                                            .version = 5,
                                            .client_id = "listener",
                                            .keep_alive_s = 60,
                                            .clean = true,
                                            .connect_timeout_s = 5};
    const struct bf_mqtt_callbacks callbacks = {.message = on_message,
                                                .connected = listener_on_connected,
                                                .failed = listener_on_down,
                                                .lost = listener_on_down,
                                                .subscribed = listener_on_subscribed};
    atomic_store(&listener_connected, 0);
    atomic_store(&listener_subscribed, 0);
    if (bf_mqtt_create(&options, &callbacks, &mqtt, &err) != BF_OK || bf_mqtt_connect(mqtt, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    BF_EVENTUALLY(atomic_load(&listener_connected), LISTENER_MS);
    if (bf_mqtt_subscribe(mqtt, &filter, 1, 1, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    BF_EVENTUALLY(atomic_load(&listener_subscribed), LISTENER_MS);
    return mqtt;
}

#endif
