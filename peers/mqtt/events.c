/* events.c: from Paho's callbacks to the owner's. Version 3.1.1 and 5 come through different functions with
 * different records; here they become one. */
#include <stdio.h>
#include <string.h>

#include "peers/mqtt/internal.h"

#define FILTER_REFUSED 0x80 /* SUBACK: this and above */

/* CONNACK return codes of MQTT 3.1.1, section 3.2.2.3. */
static const char *const connack_words[] = {
    [1] = "the broker does not speak this protocol version",
    [2] = "the broker refuses the client id",
    [3] = "the broker is not available",
    [4] = "user name or password is wrong",
    [5] = "not authorised",
};

static const char *failure_words(int code, const char *message, int version, char *text, size_t size)
{
    size_t known = sizeof connack_words / sizeof *connack_words;
    const char *words = message;
    if (version == 3 && code > 0 && (size_t)code < known) {
        words = connack_words[code]; /* Paho's own text only says that it is a return code */
    } else if (!words) {
        words = MQTTAsync_strerror(code);
    }
    snprintf(text, size, "%s (code %d)", words ? words : "no reason given", code);
    return text;
}

/* The reason code of a CONNACK comes in `code`, that of other answers in its own field. */
static const char *failure5_words(const MQTTAsync_failureData5 *data, char *text, size_t size)
{
    int code = data ? data->code : -1;
    int reason = data && data->reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR ? (int)data->reasonCode : code;
    if (reason >= (int)MQTTREASONCODE_UNSPECIFIED_ERROR) {
        const char *words = MQTTReasonCode_toString((enum MQTTReasonCodes)reason);
        snprintf(text, size, "%s (reason code 0x%02x)", words ? words : "refused", (unsigned)reason);
        return text;
    }
    return failure_words(code, data ? data->message : NULL, 5, text, size);
}

/* ---- messages */

bool bf_mqtt_parse_time(struct bf_slice digits, int64_t *time_us)
{
    int64_t value = 0;
    if (digits.len == 0 || digits.len > 18) { /* 18 digits fit into int64 */
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return false;
        }
        value = value * 10 + (digits.data[i] - '0');
    }
    *time_us = value;
    return true;
}

static void read_time(const MQTTProperties *properties, struct bf_mqtt_message *out)
{
    static const char name[] = BF_MQTT_TIME_PROPERTY;
    for (int i = 0; i < properties->count; i++) {
        const MQTTProperty *property = &properties->array[i];
        if (property->identifier == MQTTPROPERTY_CODE_USER_PROPERTY
            && property->value.data.len == (int)sizeof name - 1
            && memcmp(property->value.data.data, name, sizeof name - 1) == 0) {
            const MQTTLenString *value = &property->value.value;
            const struct bf_slice digits = {value->data, value->len > 0 ? (size_t)value->len : 0};
            out->has_time = bf_mqtt_parse_time(digits, &out->time_us);
            return;
        }
    }
}

int bf__mqtt_on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    struct bf_mqtt *mqtt = bf__mqtt_enter(context);
    if (mqtt) {
        struct bf_mqtt_message out = {
            /* Paho gives length 0 for the usual topic; otherwise it holds a NUL. */
            .topic = {topic, topic_len > 0 ? (size_t)topic_len : strlen(topic)},
            .payload = {message->payload, message->payloadlen > 0 ? (size_t)message->payloadlen : 0},
            .qos = message->qos,
            .retained = message->retained != 0,
            .dup = message->dup != 0,
            .packet_id = message->qos > 0 ? (uint16_t)message->msgid : 0,
        };
        read_time(&message->properties, &out);
        mqtt->callbacks.message(mqtt->callbacks.context, &out);
        bf__mqtt_leave(mqtt);
    }
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1; /* 0 would park the message in Paho's unbounded list and acknowledge it all the same */
}

/* ---- connection */

static void tell_connected(void *context, bool session_present)
{
    struct bf_mqtt *mqtt = bf__mqtt_enter(context);
    if (!mqtt) {
        return;
    }
    if (atomic_exchange(&mqtt->connecting, false)) {
        atomic_store(&mqtt->up, true);
        mqtt->callbacks.connected(mqtt->callbacks.context, session_present);
    }
    bf__mqtt_leave(mqtt);
}

void bf__mqtt_on_connect(void *context, MQTTAsync_successData *data)
{
    tell_connected(context, data && data->alt.connect.sessionPresent);
}

void bf__mqtt_on_connect5(void *context, MQTTAsync_successData5 *data)
{
    tell_connected(context, data && data->alt.connect.sessionPresent);
}

static void tell_failed(void *context, const char *reason)
{
    struct bf_mqtt *mqtt = bf__mqtt_enter(context);
    if (!mqtt) {
        return;
    }
    if (atomic_exchange(&mqtt->connecting, false)) {
        mqtt->callbacks.failed(mqtt->callbacks.context, reason);
    }
    bf__mqtt_leave(mqtt);
}

void bf__mqtt_on_connect_failure(void *context, MQTTAsync_failureData *data)
{
    char text[256];
    tell_failed(context, failure_words(data ? data->code : -1, data ? data->message : NULL, 3, text,
                                       sizeof text));
}

void bf__mqtt_on_connect_failure5(void *context, MQTTAsync_failureData5 *data)
{
    char text[256];
    tell_failed(context, failure5_words(data, text, sizeof text));
}

static void tell_lost(void *context, const char *reason)
{
    struct bf_mqtt *mqtt = bf__mqtt_enter(context);
    if (!mqtt) {
        return;
    }
    if (atomic_exchange(&mqtt->up, false)) {
        mqtt->callbacks.lost(mqtt->callbacks.context, reason);
    }
    bf__mqtt_leave(mqtt);
}

void bf__mqtt_on_lost(void *context, char *cause)
{
    tell_lost(context, cause ? cause : "the connection was closed");
}

void bf__mqtt_on_disconnect(void *context, MQTTProperties *properties, enum MQTTReasonCodes code)
{
    (void)properties;
    const char *words = MQTTReasonCode_toString(code);
    char text[128];
    snprintf(text, sizeof text, "the broker said: %s (reason code 0x%02x)", words ? words : "disconnect",
             (unsigned)code);
    tell_lost(context, text);
}

/* ---- subscribe */

static void tell_subscribed(void *context, bool ok, const char *reason)
{
    struct bf_mqtt *mqtt = bf__mqtt_enter(context);
    if (!mqtt) {
        return;
    }
    if (atomic_exchange(&mqtt->filters, 0) > 0) {
        mqtt->callbacks.subscribed(mqtt->callbacks.context, ok, reason);
    }
    bf__mqtt_leave(mqtt);
}

/* How many filters the SUBSCRIBE had: of a single one Paho gives the answer by value, of more in an array
 * (and leaves the array's pointer undefined otherwise). */
static size_t filters_asked(void *context)
{
    struct bf_mqtt *mqtt = bf__mqtt_enter(context);
    if (!mqtt) {
        return 0;
    }
    size_t count = atomic_load(&mqtt->filters);
    bf__mqtt_leave(mqtt);
    return count;
}

void bf__mqtt_on_subscribe(void *context, MQTTAsync_successData *data)
{
    size_t count = filters_asked(context);
    bool refused = data && count == 1 && data->alt.qos >= FILTER_REFUSED;
    for (size_t i = 0; data && count > 1 && i < count; i++) {
        refused |= data->alt.qosList[i] >= FILTER_REFUSED;
    }
    tell_subscribed(context, !refused, refused ? "the broker refuses a filter" : "");
}

void bf__mqtt_on_subscribe5(void *context, MQTTAsync_successData5 *data)
{
    size_t count = filters_asked(context);
    enum MQTTReasonCodes code = data ? data->reasonCode : MQTTREASONCODE_SUCCESS;
    for (size_t i = 0; data && count > 1 && i < count && i < (size_t)data->alt.sub.reasonCodeCount; i++) {
        if ((int)data->alt.sub.reasonCodes[i] >= FILTER_REFUSED) {
            code = data->alt.sub.reasonCodes[i];
        }
    }
    bool refused = (int)code >= FILTER_REFUSED;
    const char *words = refused ? MQTTReasonCode_toString(code) : "";
    tell_subscribed(context, !refused, words ? words : "the broker refuses a filter");
}

void bf__mqtt_on_subscribe_failure(void *context, MQTTAsync_failureData *data)
{
    char text[256];
    int code = data ? data->code : -1;
    tell_subscribed(context, false, code == FILTER_REFUSED
                    ? "the broker refuses the filter"
                    : failure_words(code, data ? data->message : NULL, 0, text, sizeof text));
}

void bf__mqtt_on_subscribe_failure5(void *context, MQTTAsync_failureData5 *data)
{
    char text[256];
    tell_subscribed(context, false, failure5_words(data, text, sizeof text));
}

/* ---- publish */

static void tell_published(void *context, int token, bool ok)
{
    struct bf_mqtt *mqtt = bf__mqtt_enter(context);
    if (!mqtt) {
        return;
    }
    if (mqtt->callbacks.published) {
        mqtt->callbacks.published(mqtt->callbacks.context, token, ok);
    }
    bf__mqtt_leave(mqtt);
}

void bf__mqtt_on_publish(void *context, MQTTAsync_successData *data)
{
    tell_published(context, data ? data->token : 0, true);
}

void bf__mqtt_on_publish5(void *context, MQTTAsync_successData5 *data)
{
    /* 0x10, "no matching subscribers", is a success; 0x80 and above is not. */
    tell_published(context, data ? data->token : 0, !data || (int)data->reasonCode < 0x80);
}

void bf__mqtt_on_publish_failure(void *context, MQTTAsync_failureData *data)
{
    tell_published(context, data ? data->token : 0, false);
}

void bf__mqtt_on_publish_failure5(void *context, MQTTAsync_failureData5 *data)
{
    tell_published(context, data ? data->token : 0, false);
}
