/* listen.h: an MQTT subscription beside belfry-ingest (QoS 0, no session): nothing is acknowledged for
 * anybody else, and nothing waits for it.
 * Owner: creator.   Thread: the owner's; messages come on Paho's.
 * Limits: BF_MQTT_FILTERS_MAX filters.   Errors: PEER, also later by bf_listen_check. */
#ifndef BF_CLI_LISTEN_H
#define BF_CLI_LISTEN_H

#include "config/site.h"
#include "peers/mqtt/mqtt.h"

struct bf_listen;

struct bf_listen_options {
    const char *name; /* first part of the client id: "belfry-trace" */
    const char *const *filters;
    size_t filter_count;
    void (*message)(void *context, const struct bf_mqtt_message *message);
    void *context;
};

/* Connects and subscribes, and returns when the broker has said yes. */
enum bf_status bf_listen_open(const struct bf_site *site, const struct bf_listen_options *options,
                              struct bf_listen **listen, struct bf_err *err) BF_MUST_CHECK;
void bf_listen_close(struct bf_listen *listen);
/* PEER once the connection is lost. */
enum bf_status bf_listen_check(struct bf_listen *listen, struct bf_err *err) BF_MUST_CHECK;

#endif
