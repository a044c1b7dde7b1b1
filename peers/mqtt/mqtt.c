/* mqtt.c: the connection itself: Paho set up the one way that keeps the promise.
 *
 * PERSISTENCE_NONE, callbacks set before connect, automatic reconnect off, QoS at most 1. Declined:
 * MQTTClient (acknowledges before the application has the message) and Paho's own reconnect (a
 * connection is a new incarnation, which must be written to the log before CONNECT). */
#include "peers/mqtt/mqtt.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/time.h"
#include "peers/mqtt/internal.h"

/* Paho sends plain MQTT through the proxy of these variables too. They are meant for the web. */
static void forget_web_proxies(void)
{
    unsetenv("http_proxy");
    unsetenv("https_proxy");
}

static enum bf_status peer(struct bf_err *err, const char *what, int code)
{
    const char *words = MQTTAsync_strerror(code);
    return bf_err_set(err, BF_PEER, "could not %s: %s (Paho code %d)", what, words ? words : "unknown", code);
}

/* Paho formats a trace of each call and packet into a ring in memory, also where nobody asked for one: a
 * fifth of what receiving a message costs. Whoever asks by Paho's own variable gets it. */
static void forgo_trace(void)
{
    if (getenv("MQTT_C_CLIENT_TRACE") == NULL) {
        MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
    }
}

static void prepare_paho(void)
{
    forget_web_proxies();
    forgo_trace();
}

/* Paho's form of the address; through the relay where there is one. */
static enum bf_status set_address(struct bf_mqtt *mqtt, struct bf_err *err)
{
    char host[256];
    uint16_t port = 0;
    enum bf_status status = bf_mqtt_parse_url(mqtt->options.url, host, sizeof host, &port, &mqtt->tls, err);
    if (status != BF_OK) {
        return status;
    }
    uint16_t relay = mqtt->options.relay_port;
    bool ipv6 = strchr(host, ':') != NULL; /* wants its brackets back */
    if (relay && !mqtt->tls) {
        snprintf(mqtt->server, sizeof mqtt->server, "tcp://127.0.0.1:%u", relay);
    } else {
        snprintf(mqtt->server, sizeof mqtt->server, "%s://%s%s%s:%u", mqtt->tls ? "ssl" : "tcp",
                 ipv6 ? "[" : "", host, ipv6 ? "]" : "", port);
    }
    if (relay && mqtt->tls) {
        snprintf(mqtt->proxy, sizeof mqtt->proxy, "127.0.0.1:%u", relay);
    }
    return BF_OK;
}

static void set_tls(struct bf_mqtt *mqtt)
{
    MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
    ssl.trustStore = mqtt->options.ca_file;
    ssl.keyStore = mqtt->options.cert_file;
    ssl.privateKey = mqtt->options.key_file;
    ssl.enableServerCertAuth = 1;
    ssl.verify = 1; /* the host name, too */
    ssl.disableDefaultTrustStore = mqtt->options.ca_file != NULL;
    mqtt->ssl = ssl;
}

enum bf_status bf_mqtt_create(const struct bf_mqtt_options *options,
                              const struct bf_mqtt_callbacks *callbacks, struct bf_mqtt **out,
                              struct bf_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_paho);
    assert(options->version == 3 || options->version == 5);
    assert(callbacks->message && callbacks->connected && callbacks->failed && callbacks->lost &&
           callbacks->subscribed);
    struct bf_mqtt *mqtt = calloc(1, sizeof *mqtt);
    if (!mqtt) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    mqtt->options = *options;
    mqtt->callbacks = *callbacks;
    enum bf_status status = set_address(mqtt, err);
    if (status != BF_OK) {
        free(mqtt);
        return status;
    }
    set_tls(mqtt);
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    create.MQTTVersion = options->version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
    create.maxBufferedMessages = BF_MQTT_UNSENT_MAX;
    int code = MQTTAsync_createWithOptions(&mqtt->paho, mqtt->server, options->client_id,
                                           MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);
    if (code == MQTTASYNC_SUCCESS) {
        code = MQTTAsync_setCallbacks(mqtt->paho, mqtt, bf__mqtt_on_lost, bf__mqtt_on_message, NULL);
    }
    if (code == MQTTASYNC_SUCCESS && options->version == 5) {
        code = MQTTAsync_setDisconnected(mqtt->paho, mqtt, bf__mqtt_on_disconnect);
    }
    if (code != MQTTASYNC_SUCCESS) {
        MQTTAsync_destroy(&mqtt->paho);
        free(mqtt);
        return peer(err, "set up the MQTT client", code);
    }
    bf__mqtt_register(mqtt);
    *out = mqtt;
    return BF_OK;
}

void bf_mqtt_destroy(struct bf_mqtt *mqtt)
{
    if (!mqtt) {
        return;
    }
    bf_mqtt_disconnect(mqtt);
    bf__mqtt_unregister(mqtt);
    MQTTAsync_destroy(&mqtt->paho);
    free(mqtt);
}

static void add_number(MQTTProperties *properties, enum MQTTPropertyCodes code, uint32_t value)
{
    MQTTProperty property = {.identifier = code};
    if (code == MQTTPROPERTY_CODE_RECEIVE_MAXIMUM) {
        property.value.integer2 = (unsigned short)value;
    } else {
        property.value.integer4 = value;
    }
    MQTTProperties_add(properties, &property);
}

static void set_version5(const struct bf_mqtt_options *from, MQTTAsync_connectOptions *to,
                         MQTTProperties *properties)
{
    /* Paho 1.3.12 writes four bytes as if they were signed: 0xFFFFFFFF ("never") goes out as 255 seconds. */
    uint32_t expiry_s = from->session_expiry_s < INT32_MAX ? from->session_expiry_s : INT32_MAX;
    add_number(properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, expiry_s);
    if (from->receive_maximum) {
        add_number(properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, from->receive_maximum);
    }
    if (from->max_packet) {
        add_number(properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, from->max_packet);
    }
    to->cleanstart = from->clean;
    to->connectProperties = properties;
    to->onSuccess5 = bf__mqtt_on_connect5;
    to->onFailure5 = bf__mqtt_on_connect_failure5;
}

enum bf_status bf_mqtt_connect(struct bf_mqtt *mqtt, struct bf_err *err)
{
    const struct bf_mqtt_options *from = &mqtt->options;
    MQTTAsync_connectOptions plain = MQTTAsync_connectOptions_initializer;
    MQTTAsync_connectOptions modern = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_connectOptions to = from->version == 5 ? modern : plain;
    MQTTProperties properties = MQTTProperties_initializer;
    to.keepAliveInterval = from->keep_alive_s;
    to.connectTimeout = from->connect_timeout_s;
    to.username = from->username;
    to.password = from->password;
    to.automaticReconnect = 0;
    to.context = mqtt;
    to.ssl = mqtt->tls ? &mqtt->ssl : NULL;
    to.httpsProxy = mqtt->proxy[0] ? mqtt->proxy : NULL;
    if (from->version == 5) {
        set_version5(from, &to, &properties);
    } else {
        to.MQTTVersion = MQTTVERSION_3_1_1;
        to.cleansession = from->clean;
        to.onSuccess = bf__mqtt_on_connect;
        to.onFailure = bf__mqtt_on_connect_failure;
    }
    atomic_store(&mqtt->filters, 0);
    atomic_store(&mqtt->connecting, true);
    int code = MQTTAsync_connect(mqtt->paho, &to);
    MQTTProperties_free(&properties);
    if (code != MQTTASYNC_SUCCESS && atomic_exchange(&mqtt->connecting, false)) {
        return peer(err, "connect to the MQTT broker", code);
    }
    return BF_OK;
}

enum bf_status bf_mqtt_subscribe(struct bf_mqtt *mqtt, const char *const *filters, size_t count, int qos,
                                 struct bf_err *err)
{
    assert(count > 0 && count <= BF_MQTT_FILTERS_MAX && qos >= 0 && qos <= 1);
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    MQTTSubscribe_options choices[BF_MQTT_FILTERS_MAX];
    char *names[BF_MQTT_FILTERS_MAX]; /* Paho's type lacks a const */
    int levels[BF_MQTT_FILTERS_MAX];
    for (size_t i = 0; i < count; i++) {
        memcpy(&names[i], &filters[i], sizeof names[i]);
        levels[i] = qos;
        MQTTSubscribe_options choice = MQTTSubscribe_options_initializer;
        choice.retainHandling = 1; /* retained messages only if the subscription is new */
        choices[i] = choice;
    }
    response.context = mqtt;
    if (mqtt->options.version == 5) {
        response.onSuccess5 = bf__mqtt_on_subscribe5;
        response.onFailure5 = bf__mqtt_on_subscribe_failure5;
        response.subscribeOptions = choices[0];
        response.subscribeOptionsList = choices;
        response.subscribeOptionsCount = (int)count;
    } else {
        response.onSuccess = bf__mqtt_on_subscribe;
        response.onFailure = bf__mqtt_on_subscribe_failure;
    }
    atomic_store(&mqtt->filters, count);
    int code = MQTTAsync_subscribeMany(mqtt->paho, (int)count, names, levels, &response);
    if (code != MQTTASYNC_SUCCESS) {
        atomic_store(&mqtt->filters, 0);
        return peer(err, "subscribe", code);
    }
    return BF_OK;
}

static void add_time(MQTTProperties *properties, int64_t time_us)
{
    char name[] = BF_MQTT_TIME_PROPERTY, digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)time_us);
    MQTTProperty property = {.identifier = MQTTPROPERTY_CODE_USER_PROPERTY};
    property.value.data.data = name;
    property.value.data.len = (int)sizeof name - 1;
    property.value.value.data = digits;
    property.value.value.len = len;
    MQTTProperties_add(properties, &property);
}

enum bf_status bf_mqtt_publish(struct bf_mqtt *mqtt, struct bf_slice topic, struct bf_slice payload, int qos,
                               bool retained, int64_t time_us, int *token, struct bf_err *err)
{
    assert(qos >= 0 && qos <= 1);
    char name[65536]; /* a topic is at most 65,535 bytes */
    if (topic.len == 0 || topic.len >= sizeof name || memchr(topic.data, '\0', topic.len)) {
        return bf_err_set(err, BF_LIMIT, "not a topic to publish to: %zu bytes, or a NUL inside", topic.len);
    }
    memcpy(name, topic.data, topic.len);
    name[topic.len] = '\0';
    MQTTAsync_message message = MQTTAsync_message_initializer;
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    memcpy(&message.payload, &payload.data,
           sizeof message.payload); /* Paho copies it; its type lacks a const */
    message.payloadlen = (int)payload.len;
    message.qos = qos;
    message.retained = retained;
    response.context = mqtt;
    if (mqtt->options.version == 5) {
        response.onSuccess5 = bf__mqtt_on_publish5;
        response.onFailure5 = bf__mqtt_on_publish_failure5;
        if (time_us != BF_TIME_NONE) {
            add_time(&message.properties, time_us);
        }
    } else {
        response.onSuccess = bf__mqtt_on_publish;
        response.onFailure = bf__mqtt_on_publish_failure;
    }
    int code = MQTTAsync_sendMessage(mqtt->paho, name, &message, &response);
    MQTTProperties_free(&message.properties);
    if (code != MQTTASYNC_SUCCESS) {
        return peer(err, "publish", code);
    }
    if (token) {
        *token = response.token;
    }
    return BF_OK;
}

void bf_mqtt_disconnect(struct bf_mqtt *mqtt)
{
    atomic_store(&mqtt->up, false);
    atomic_store(&mqtt->connecting, false);
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.timeout = 0;
    (void)MQTTAsync_disconnect(mqtt->paho, &options);
}
