/* mqtt.h: a connection to an MQTT broker, and the only place with Paho's header.
 *
 * MQTTAsync with MQTTCLIENT_PERSISTENCE_NONE and QoS 1 is the one Paho mode that calls back before it writes
 * the PUBACK (docs/ARCHITECTURE.md, "Intake"). The message callback therefore returns only when the
 * message is handed over; it never refuses.
 * No reconnect of its own: every connection is a start of ingest, so the owner decides.
 *
 * Owner:  creator.
 * Thread: callbacks on Paho's own threads, never two at once in the whole process; all else any. A callback
 *         may publish, subscribe and disconnect, but not destroy.
 * Limits: BF_MQTT_UNSENT_MAX publishes wait for their answer; more is PEER.
 * Errors: PEER; CONFIG for an address that cannot be read. */
#ifndef BF_PEERS_MQTT_H
#define BF_PEERS_MQTT_H

#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

#define BF_MQTT_UNSENT_MAX 4096
#define BF_MQTT_FILTERS_MAX 64

struct bf_mqtt_options {
    const char *url;       /* mqtt://host:port or mqtts://host:port */
    int version;           /* 3 (3.1.1) or 5 */
    const char *client_id;
    const char *username, *password; /* NULL: none */
    const char *ca_file, *cert_file, *key_file; /* PEM; NULL: system store, none, none */
    int keep_alive_s;
    bool clean;            /* false: a persistent session */
    uint32_t session_expiry_s; /* version 5; more than INT32_MAX (68 years) becomes that */
    uint16_t receive_maximum;  /* version 5; 0: the protocol's default */
    uint32_t max_packet;       /* version 5: largest packet the broker may send; 0: no limit told */
    int connect_timeout_s;
    /* The ack gate: a relay on 127.0.0.1:relay_port through which the connection runs (plain bytes for
     * mqtt://, HTTP CONNECT for mqtts://, so that the host name is still checked). 0: none. */
    uint16_t relay_port;
};

struct bf_mqtt_message {
    struct bf_slice topic, payload; /* borrowed until the callback returns */
    int qos;
    bool retained;      /* a subscription brought it: it was published before (both versions alike) */
    bool dup;
    uint16_t packet_id; /* 0 at QoS 0 */
    bool has_time;      /* version 5 user property `belfry-time` */
    int64_t time_us;
    /* The payload was too large to be kept (only the ack gate cuts): `payload` is its head. */
    bool is_cut;
    size_t whole_len;
    uint64_t whole_hash;
};

#define BF_MQTT_TIME_PROPERTY "belfry-time"
/* The value of that property: microseconds, digits only. */
bool bf_mqtt_parse_time(struct bf_slice digits, int64_t *time_us);

struct bf_mqtt_callbacks {
    void (*message)(void *context, const struct bf_mqtt_message *message);
    void (*connected)(void *context, bool session_present);
    void (*failed)(void *context, const char *reason); /* the connect attempt */
    void (*lost)(void *context, const char *reason);   /* once per connection; not after disconnect */
    /* A SUBSCRIBE is answered; ok false: at least one filter was refused. */
    void (*subscribed)(void *context, bool ok, const char *reason);
    /* A publish with that token is acknowledged (QoS 1) or written (QoS 0), or has failed. What is open when
     * the connection is lost may go without an answer. May be NULL. */
    void (*published)(void *context, int token, bool ok);
    void *context;
};

struct bf_mqtt;

/* Copies the options; the texts inside are borrowed until destroy. */
enum bf_status bf_mqtt_create(const struct bf_mqtt_options *options,
                              const struct bf_mqtt_callbacks *callbacks, struct bf_mqtt **mqtt,
                              struct bf_err *err) BF_MUST_CHECK;
/* Disconnects, within 1 s; no callback runs after it has returned. It waits for one that is running, so an
 * owner whose callback may wait for something must let it go first. NULL is fine. */
void bf_mqtt_destroy(struct bf_mqtt *mqtt);
/* Starts to connect; exactly one of connected and failed follows, unless disconnect comes first. */
enum bf_status bf_mqtt_connect(struct bf_mqtt *mqtt, struct bf_err *err) BF_MUST_CHECK;
/* At most BF_MQTT_FILTERS_MAX filters in one SUBSCRIBE, one SUBSCRIBE at a time. In version 5 a renewed
 * subscription of a kept session brings no retained messages (retain handling 1); in 3.1.1 it does, and
 * `retained` tells them. */
enum bf_status bf_mqtt_subscribe(struct bf_mqtt *mqtt, const char *const *filters, size_t count, int qos,
                                 struct bf_err *err) BF_MUST_CHECK;
/* time_us: BF_TIME_NONE, or the user property belfry-time (version 5 only). *token may be NULL. */
enum bf_status bf_mqtt_publish(struct bf_mqtt *mqtt, struct bf_slice topic, struct bf_slice payload, int qos,
                               bool retained, int64_t time_us, int *token, struct bf_err *err) BF_MUST_CHECK;
/* Closes the connection without waiting for anything. */
void bf_mqtt_disconnect(struct bf_mqtt *mqtt);

/* mqtt://host:port -> host and port (default 1883, mqtts 8883). CONFIG for anything else. */
enum bf_status bf_mqtt_parse_url(const char *url, char *host, size_t size, uint16_t *port, bool *tls,
                                 struct bf_err *err) BF_MUST_CHECK;

#endif
