/* broker.h: the MQTT side of world.h: a QoS 1 session per ingest id (first in first out, a window of packet
 * ids in a cycle, DUP for all that is in flight, read or never read), and what its ingest process holds.
 * Owner: static, one per test program.   Thread: main. */
#ifndef TEST_PROCESSORS_BROKER_H
#define TEST_PROCESSORS_BROKER_H

#include "tests/unit/processors/oracle.h"

#define IDS 65535 /* of packets, from 1 on */
#define INFLIGHT 12
#define GATE_CAP 6
#define MAX_MESSAGES 8192
#define MAX_READINGS 3
#define MAX_HANDED 16384
#define TICK_US (2 * SECOND)
#define HOLD_US (16 * SECOND)

struct message {
    int64_t sent_us; /* of a marker; it has no readings */
    int count;
    struct {
        int device, truth;
        int64_t event_us; /* BF_TIME_NONE: ingest estimates it */
    } readings[MAX_READINGS];
    uint64_t hash;
};

struct flight {
    int64_t packet_id;
    int message;
    bool dup;
};

struct session {
    bool exists, subscribed;
    int64_t last_id;
    int queue[MAX_MESSAGES];
    size_t head, tail;
    struct flight inflight[INFLIGHT];
    size_t inflight_count;
};

struct handed { /* a record that Kafka has not taken yet, or whose report is not back */
    struct entry entry;
    int number;
    struct handed *next;
};

struct fifo {
    struct handed *first, **last;
};

enum phase { OFF, CLAIM, CONNECT, HELLO, RUNNING };

struct ingest {
    bool alive, connected, kept;
    enum phase phase;
    int64_t back_us, lost_us, incarnation, epoch, serial, previous, clock_us, tick_us, marker_us, silent_us;
    bool has_epoch, first;
    struct fifo queue[SOURCES], unacked[SOURCES];
    int handed, low, hello_mark, tick_mark;
    bool acked[MAX_HANDED];
    struct flight downlink[2 * INFLIGHT];
    size_t downlink_count;
    struct {
        int64_t packet_id;
        int mark;
    } pubacks[GATE_CAP];
    size_t puback_count;
};

static struct message messages[MAX_MESSAGES];
static int message_count;
static struct session sessions[INGESTS];
static struct ingest ingests[INGESTS];
static struct fifo wire[SOURCES];     /* of the dead: lands later, perhaps */
static int64_t stands_until[SOURCES]; /* partitions that take nothing */
static bool forgotten[MAX_TRUTH];
static int64_t now_us;

/* ---- records on their way */
static void fifo_put(struct fifo *fifo, struct handed *one)
{
    one->next = NULL;
    *(fifo->first == NULL ? &fifo->first : fifo->last) = one;
    fifo->last = &one->next;
}

static struct handed *fifo_take(struct fifo *fifo)
{
    struct handed *one = fifo->first;
    fifo->first = one->next;
    return one;
}

static void fifo_clear(struct fifo *fifo)
{
    while (fifo->first != NULL) {
        free(fifo_take(fifo));
    }
}

static struct entry *hand(int i, int p, enum bf_record_type type)
{
    struct ingest *it = &ingests[i];
    struct handed *one = calloc(1, sizeof(*one));
    one->entry.type = type;
    one->entry.ingest = i;
    one->entry.incarnation = it->incarnation;
    one->entry.truth = -1;
    one->number = ++it->handed;
    assert_true(it->handed < MAX_HANDED);
    fifo_put(&it->queue[p], one);
    return &one->entry;
}

static void land(int p, const struct entry *entry)
{
    assert_true(log_len[p] < MAX_RECORDS);
    logs[p][log_len[p]++] = *entry;
}

/* ---- the broker */
static void pump(int i)
{
    struct session *session = &sessions[i];
    struct ingest *it = &ingests[i];
    while (it->connected && session->head < session->tail && session->inflight_count < INFLIGHT) {
        session->last_id = session->last_id % IDS + 1;
        struct flight flight = {.packet_id = session->last_id, .message = session->queue[session->head++]};
        session->inflight[session->inflight_count++] = flight;
        it->downlink[it->downlink_count++] = flight;
    }
}

static bool deliver(int i, int message)
{
    struct session *session = &sessions[i];
    if (!session->exists || !session->subscribed) {
        return false;
    }
    session->queue[session->tail++] = message;
    pump(i);
    return true;
}

static void puback(int i, int64_t packet_id)
{
    struct session *session = &sessions[i];
    for (size_t k = 0; k < session->inflight_count; k++) {
        if (session->inflight[k].packet_id == packet_id) {
            memmove(&session->inflight[k], &session->inflight[k + 1],
                    (--session->inflight_count - k) * sizeof(session->inflight[0]));
            pump(i);
            return;
        }
    }
}

static void each_held(int i, bool *flags)
{
    const struct session *session = &sessions[i];
    for (size_t k = 0; k < session->inflight_count + session->tail - session->head; k++) {
        const struct message *message =
            &messages[k < session->inflight_count
                          ? session->inflight[k].message
                          : session->queue[session->head + k - session->inflight_count]];
        for (int r = 0; r < message->count; r++) {
            flags[message->readings[r].truth] = true;
        }
    }
}

static void forget_session(int i)
{
    each_held(i, forgotten);
    sessions[i] = (struct session){.last_id = IDS - draw(40)};
    ingests[i].connected = false;
}

#endif
