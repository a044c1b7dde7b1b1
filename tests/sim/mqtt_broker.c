/* mqtt_broker.c: sessions and connections. Declined: topics as filters (each part of the city has its
 * session), QoS 0 and 2. */
#include "tests/sim/gate.h"
#include "tests/sim/mqtt_codec.h"
#include "tests/sim/world.h"

#include <assert.h>
#include <string.h>

#define LINKS 24
#define IN_FLIGHT 64

struct session {
    bool exists, subscribed;
    const struct sim_message *queue[SIM_MESSAGES];
    size_t head, tail;
    struct sim_flight flights[IN_FLIGHT];
    size_t flight_count;
    uint16_t last_id;
    struct sim_link *link;
};

static struct session sessions[SIM_IDS];
static struct sim_link links[LINKS];
static uint16_t id_count;
static size_t window;
static bool forgotten[SIM_MESSAGES * 2];
int64_t sim_mqtt_away_us;

void sim_mqtt_reset(uint16_t ids, size_t in_flight)
{
    for (size_t i = 0; i < SIM_IDS; i++) {
        sessions[i].exists = sessions[i].subscribed = false;
        sessions[i].head = sessions[i].tail = sessions[i].flight_count = 0;
        sessions[i].last_id = 0;
        sessions[i].link = NULL;
    }
    memset(links, 0, sizeof(links));
    memset(forgotten, 0, sizeof(forgotten));
    assert(in_flight <= IN_FLIGHT && in_flight < ids);
    id_count = ids;
    window = in_flight;
    sim_mqtt_away_us = 0;
}

/* ---- downlink */
static void send_down(struct sim_link *link, const struct sim_flight *flight)
{
    if (link->down_count == link->down_room) {
        size_t room = 2 * link->down_room + 64;
        struct sim_flight *down = sim_alloc(room * sizeof(*down));
        if (link->down_count > 0) {
            memcpy(down, link->down, link->down_count * sizeof(*down));
        }
        link->down = down;
        link->down_room = room;
    }
    link->down[link->down_count++] = *flight;
    sim_wake(link->process);
}

bool sim_mqtt_has_next(const struct sim_link *link)
{
    return link->down_at < link->down_count || link->bytes_at < link->bytes_len;
}

void sim_mqtt_answer(struct sim_link *link, int type, uint16_t packet_id)
{
    send_down(link, &(struct sim_flight){.packet_id = packet_id, .answer = type});
}

size_t sim_mqtt_read(struct sim_link *link, char *data, size_t room)
{
    if (link->bytes_at == link->bytes_len && link->down_at < link->down_count) {
        const struct sim_flight *flight = &link->down[link->down_at++];
        enum sim_packet_type type = (enum sim_packet_type)flight->answer;
        link->bytes_at = 0;
        link->bytes_len = flight->answer != 0
                              ? sim_packet_short(link->bytes, type, flight->packet_id, flight->kept)
                              : sim_packet_publish(link->bytes, sizeof(link->bytes), flight);
        link->source = flight->message;
    }
    size_t left = link->bytes_len - link->bytes_at, len = left < room ? left : room;
    memcpy(data, link->bytes + link->bytes_at, len);
    link->bytes_at += len;
    return len;
}

const struct sim_message *sim_mqtt_source(const struct sim_link *link)
{
    return link->source;
}

static uint16_t next_id(struct session *session)
{
    for (;;) {
        session->last_id = (uint16_t)(session->last_id % id_count + 1);
        size_t i = 0;
        while (i < session->flight_count && session->flights[i].packet_id != session->last_id) {
            i++;
        }
        if (i == session->flight_count) {
            return session->last_id;
        }
    }
}

static void pump(struct session *session)
{
    while (session->link != NULL && session->link->alive && session->head < session->tail &&
           session->flight_count < window) {
        const struct sim_flight flight = {.message = session->queue[session->head++],
                                          .packet_id = next_id(session)};
        session->flights[session->flight_count++] = flight;
        send_down(session->link, &flight);
    }
}

/* ---- clients */
struct sim_link *sim_mqtt_connect(int number, bool *kept)
{
    if (sim_now() < sim_mqtt_away_us) {
        return NULL;
    }
    struct sim_link *link = links;
    while (link->used) {
        link++;
        assert(link < links + LINKS);
    }
    *link = (struct sim_link){.used = true, .alive = true, .session = number, .process = sim_self()};
    *kept = false;
    if (number < 0) {
        return link;
    }
    struct session *session = &sessions[number];
    sim_faults_connects(link->process);
    *kept = session->exists;
    session->exists = true;
    if (session->link != NULL) {
        session->link->alive = false; /* taken over */
        sim_wake(session->link->process);
    }
    session->link = link;
    send_down(link, &(struct sim_flight){.answer = SIM_CONNACK, .kept = *kept});
    for (size_t i = 0; i < session->flight_count; i++) {
        session->flights[i].dup = true; /* read or never read */
        send_down(link, &session->flights[i]);
    }
    pump(session);
    return link;
}

void sim_mqtt_close(struct sim_link *link)
{
    if (link->session >= 0 && sessions[link->session].link == link) {
        sessions[link->session].link = NULL;
    }
    link->used = link->alive = false;
}

void sim_mqtt_forget(struct sim_process *process)
{
    sim_gate_forget(process);
    for (size_t i = 0; i < LINKS; i++) {
        if (links[i].used && links[i].process == process) {
            sim_mqtt_close(&links[i]);
        }
    }
}

void sim_mqtt_subscribe(struct sim_link *link)
{
    if (link->alive && link->session >= 0) {
        sessions[link->session].subscribed = true;
        sim_mqtt_answer(link, SIM_SUBACK, 1);
    }
}

void sim_mqtt_puback(struct sim_link *link, uint16_t packet_id)
{
    struct session *session = &sessions[link->session];
    if (!link->alive || session->link != link) {
        return;
    }
    for (size_t i = 0; i < session->flight_count; i++) {
        if (session->flights[i].packet_id == packet_id) {
            sim_trace("broker: session %d has the PUBACK of %d", link->session, packet_id);
            memmove(&session->flights[i], &session->flights[i + 1],
                    (--session->flight_count - i) * sizeof(session->flights[0]));
            pump(session);
            return;
        }
    }
}

/* ---- messages in */
bool sim_mqtt_deliver(int number, const struct sim_message *message)
{
    struct session *session = &sessions[number];
    if (!session->exists || !session->subscribed || sim_now() < sim_mqtt_away_us ||
        session->tail == SIM_MESSAGES) {
        return false;
    }
    session->queue[session->tail++] = message;
    pump(session);
    return true;
}

static struct bf_slice copy(struct bf_slice bytes)
{
    char *data = sim_alloc(bytes.len + 1);
    memcpy(data, bytes.data, bytes.len);
    return (struct bf_slice){data, bytes.len};
}

void sim_mqtt_publish(int session, struct bf_slice topic, struct bf_slice payload)
{
    struct sim_message *message = sim_alloc(sizeof(*message));
    *message = (struct sim_message){.topic = copy(topic), .payload = copy(payload)};
    (void)sim_mqtt_deliver(session, message);
}

/* ---- faults */
static void each_held(const struct session *session, void (*seen)(int truth))
{
    for (size_t i = 0; i < session->flight_count + session->tail - session->head; i++) {
        const struct sim_message *message = i < session->flight_count
                                                ? session->flights[i].message
                                                : session->queue[session->head + i - session->flight_count];
        for (int t = 0; t < message->truths; t++) {
            seen(message->first_truth + t);
        }
    }
}

void sim_mqtt_held(void (*seen)(int truth))
{
    for (size_t i = 0; i < SIM_IDS; i++) {
        each_held(&sessions[i], seen);
    }
}

static void forget(int truth)
{
    forgotten[truth] = true;
}

bool sim_mqtt_forgot(int truth)
{
    return forgotten[truth];
}

void sim_mqtt_lose_link(int number, bool marker)
{
    for (size_t i = 0; i < LINKS; i++) {
        struct sim_link *link = &links[i];
        bool its = link->used && link->process->number % SIM_IDS == number;
        if (its && (link->session < 0) == marker) {
            link->alive = false;
            sim_wake(link->process);
        }
    }
}

void sim_mqtt_lose_session(int number)
{
    struct session *session = &sessions[number];
    each_held(session, forget);
    sim_mqtt_lose_link(number, false);
    session->exists = session->subscribed = false;
    session->head = session->tail = session->flight_count = 0;
    session->last_id = (uint16_t)sim_draw(SIM_BROKER, id_count);
    session->link = NULL;
}
