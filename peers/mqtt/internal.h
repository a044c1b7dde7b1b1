/* internal.h: what the files of this folder share.
 * A connection is found by Paho's callbacks through a registry of the living ones, never by its bare
 * address: that is what lets destroy promise that nothing runs after it.
 * Owner: bf_mqtt_create.   Thread: fields below `lock` under the registry's lock. */
#ifndef BF_PEERS_MQTT_INTERNAL_H
#define BF_PEERS_MQTT_INTERNAL_H

#include <MQTTAsync.h>
#include <stdatomic.h>

#include "peers/mqtt/mqtt.h"

struct bf_mqtt {
    struct bf_mqtt_options options;
    struct bf_mqtt_callbacks callbacks;
    MQTTAsync paho;
    bool tls;
    char server[300]; /* Paho's own form of the address */
    char proxy[64];   /* of the relay, where TLS runs through it */
    MQTTAsync_SSLOptions ssl;
    atomic_bool up;         /* connected, and nobody has been told otherwise */
    atomic_bool connecting; /* an answer to connect is owed */
    atomic_size_t filters;  /* of the SUBSCRIBE that is under way */
    /* registry */
    struct bf_mqtt *next;
    unsigned running; /* callbacks inside the owner's code */
};

/* Enters the registry; leaves it and waits until no callback is inside the owner's code. */
void bf__mqtt_register(struct bf_mqtt *mqtt);
void bf__mqtt_unregister(struct bf_mqtt *mqtt);
/* A callback's way in (NULL: the connection is gone, do nothing) and out. */
struct bf_mqtt *bf__mqtt_enter(void *context);
void bf__mqtt_leave(struct bf_mqtt *mqtt);

/* Paho's callbacks (events.c). */
int bf__mqtt_on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message);
void bf__mqtt_on_lost(void *context, char *cause);
void bf__mqtt_on_disconnect(void *context, MQTTProperties *properties, enum MQTTReasonCodes code);
void bf__mqtt_on_connect(void *context, MQTTAsync_successData *data);
void bf__mqtt_on_connect5(void *context, MQTTAsync_successData5 *data);
void bf__mqtt_on_connect_failure(void *context, MQTTAsync_failureData *data);
void bf__mqtt_on_connect_failure5(void *context, MQTTAsync_failureData5 *data);
void bf__mqtt_on_subscribe(void *context, MQTTAsync_successData *data);
void bf__mqtt_on_subscribe5(void *context, MQTTAsync_successData5 *data);
void bf__mqtt_on_subscribe_failure(void *context, MQTTAsync_failureData *data);
void bf__mqtt_on_subscribe_failure5(void *context, MQTTAsync_failureData5 *data);
void bf__mqtt_on_publish(void *context, MQTTAsync_successData *data);
void bf__mqtt_on_publish5(void *context, MQTTAsync_successData5 *data);
void bf__mqtt_on_publish_failure(void *context, MQTTAsync_failureData *data);
void bf__mqtt_on_publish_failure5(void *context, MQTTAsync_failureData5 *data);

#endif
