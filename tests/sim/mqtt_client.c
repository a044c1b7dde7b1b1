/* mqtt_client.c: peers/mqtt/mqtt.h over the simulated broker: one fiber per connection stands for Paho's
 * receive thread. Messages are the gate's business; Paho has the rest of the session. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "peers/mqtt/mqtt.h"
#include "tests/sim/gate.h"
#include "tests/sim/mqtt_codec.h"

#define TRIP_US (40 * BF_US_PER_MS)

struct bf_mqtt {
    struct bf_mqtt_callbacks callbacks;
    struct sim_process *process;
    struct sim_fiber *fiber;
    struct bf_gate *gate;  /* of the session's connection; NULL: a marker's */
    struct sim_link *link; /* of a marker's connection */
    int session;           /* whose markers these are */
    bool closing, connected;
    int unsent; /* a marker's publishes whose PUBACK has not come back */
};

static int64_t soon(void)
{
    return sim_now() + sim_draw_us(SIM_BROKER, TRIP_US);
}

/* ---- a marker's connection: straight to the broker */
static bool marker_turn(struct bf_mqtt *mqtt)
{
    if (!mqtt->link->alive) {
        return false;
    }
    if (mqtt->unsent > 0) {
        mqtt->unsent--;
        mqtt->callbacks.published(mqtt->callbacks.context, 0, true);
    } else {
        sim_wait(sim_now() + 20 * SECOND);
    }
    return true;
}

/* ---- the session's connection: through the gate, in bytes */
static void answer(struct bf_mqtt *mqtt, const struct sim_packet *packet)
{
    void *context = mqtt->callbacks.context;
    if (packet->type == SIM_CONNACK) {
        mqtt->connected = true;
        mqtt->callbacks.connected(context, packet->kept);
    } else if (packet->type == SIM_SUBACK) {
        mqtt->callbacks.subscribed(context, true, NULL);
    } else if (packet->type == SIM_PUBACK) {
        mqtt->callbacks.published(context, 0, true);
    } /* else a PINGRESP, now and then */
}

static bool session_turn(struct bf_mqtt *mqtt)
{
    struct sim_packet packet;
    struct sim_pipe *pipe = sim_gate_read(mqtt->gate);
    if (pipe == NULL) {
        return false;
    }
    struct bf_slice bytes = {pipe->bytes, pipe->len};
    bool any = sim_packet_next(&bytes, &packet);
    memmove(pipe->bytes, bytes.data, bytes.len);
    pipe->len = bytes.len;
    if (any) {
        answer(mqtt, &packet);
    } else {
        sim_wait(sim_now() + 20 * SECOND);
    }
    return true;
}

static bool begin(struct bf_mqtt *mqtt)
{
    static const char connect[] = {SIM_CONNECT << 4, 2, 0, 0};
    bool kept;
    if (mqtt->gate == NULL) {
        mqtt->link = sim_mqtt_connect(-1, &kept);
        mqtt->connected = mqtt->link != NULL;
        if (mqtt->connected) {
            mqtt->callbacks.connected(mqtt->callbacks.context, false);
        }
        return mqtt->connected;
    }
    if (!sim_gate_dial(mqtt->gate)) {
        return false;
    }
    sim_gate_write(mqtt->gate, connect, sizeof(connect));
    return true;
}

static void run_connection(struct bf_mqtt *mqtt)
{
    void *context = mqtt->callbacks.context;
    sim_wait(soon());
    bool up = !mqtt->closing && begin(mqtt);
    while (up && !mqtt->closing) {
        up = mqtt->gate == NULL ? marker_turn(mqtt) : session_turn(mqtt);
    }
    if (!mqtt->closing) {
        void (*over)(void *context, const char *reason) =
            mqtt->connected ? mqtt->callbacks.lost : mqtt->callbacks.failed;
        mqtt->connected = false;
        over(context, "the connection is gone");
    }
}

/* Paho's thread. */
static void receive(void *argument)
{
    struct bf_mqtt *mqtt = argument;
    run_connection(mqtt);
    mqtt->fiber = NULL; /* its place is free for another */
}

enum bf_status bf_mqtt_create(const struct bf_mqtt_options *options,
                              const struct bf_mqtt_callbacks *callbacks, struct bf_mqtt **result,
                              struct bf_err *err)
{
    (void)err;
    struct bf_mqtt *mqtt = calloc(1, sizeof(*mqtt));
    mqtt->callbacks = *callbacks;
    mqtt->process = sim_self();
    mqtt->session = mqtt->process->number % SIM_IDS;
    mqtt->gate = options->relay_port == 0 ? NULL : sim_gate_of(mqtt->process);
    *result = mqtt;
    return BF_OK;
}

enum bf_status bf_mqtt_connect(struct bf_mqtt *mqtt, struct bf_err *err)
{
    (void)err;
    sim_point();
    mqtt->fiber = sim_spawn(mqtt->process, receive, mqtt);
    return BF_OK;
}

void bf_mqtt_destroy(struct bf_mqtt *mqtt)
{
    if (mqtt == NULL) {
        return;
    }
    mqtt->closing = true;
    if (mqtt->fiber != NULL) {
        sim_fiber_kill(mqtt->fiber);
    }
    if (mqtt->link != NULL) {
        sim_mqtt_close(mqtt->link);
    }
    if (mqtt->gate != NULL) {
        sim_gate_hang_up(mqtt->gate);
    }
    free(mqtt);
}

enum bf_status bf_mqtt_subscribe(struct bf_mqtt *mqtt, const char *const *filters, size_t count, int qos,
                                 struct bf_err *err)
{
    char bytes[8];
    (void)filters;
    (void)count;
    (void)qos;
    if (!mqtt->connected) {
        return bf_err_set(err, BF_PEER, "not connected");
    }
    sim_gate_write(mqtt->gate, bytes, sim_packet_short(bytes, SIM_SUBSCRIBE, 1, false));
    return BF_OK;
}

enum bf_status bf_mqtt_publish(struct bf_mqtt *mqtt, struct bf_slice topic, struct bf_slice payload, int qos,
                               bool retained, int64_t time_us, int *token, struct bf_err *err)
{
    (void)qos;
    (void)retained;
    (void)time_us;
    (void)token;
    sim_point();
    if (!mqtt->connected) {
        return bf_err_set(err, BF_PEER, "not connected");
    }
    if (mqtt->gate != NULL) {
        char bytes[256];
        const struct sim_message message = {.topic = topic, .payload = payload};
        const struct sim_flight flight = {.message = &message, .packet_id = 2};
        sim_gate_write(mqtt->gate, bytes, sim_packet_publish(bytes, sizeof(bytes), &flight));
    } else {
        sim_mqtt_publish(mqtt->session, topic, payload);
        mqtt->unsent++;
        sim_wake(mqtt->process);
    }
    return BF_OK;
}

void bf_mqtt_disconnect(struct bf_mqtt *mqtt)
{
    mqtt->closing = true;
}

bool bf_mqtt_parse_time(struct bf_slice digits, int64_t *time_us)
{
    (void)digits;
    (void)time_us;
    return false; /* no message here has that property */
}

enum bf_status bf_mqtt_parse_url(const char *url, char *host, size_t size, uint16_t *port, bool *tls,
                                 struct bf_err *err)
{
    (void)url;
    (void)err;
    assert(size > 0);
    host[0] = '\0';
    *port = 1883;
    *tls = false;
    return BF_OK;
}
