/* world.h: readings logs as brokers and ingest processes would leave them: sessions (broker.h), a gate that
 * acknowledges behind Kafka's low watermark, markers and ticks. Processes die at any moment; what they had
 * in flight may land behind their successor's hello. Sessions are forgotten, partitions stand still. The
 * same seed gives the same log.
 * Declined: the real ingest (it talks to real brokers, and its own tests do).
 * Owner: static, one per test program.   Thread: main. */
#ifndef TEST_PROCESSORS_WORLD_H
#define TEST_PROCESSORS_WORLD_H

#include "tests/unit/processors/broker.h"

/* ---- an ingest process */
static void put_tick_of(int i, int p, bool hello, bool flows)
{
    const struct ingest *it = &ingests[i];
    const struct bf_tick tick = {.ingest = bf_slice_of(ingest_ids[i]),
                                 .incarnation = it->incarnation,
                                 .has_epoch = hello ? !it->kept : it->has_epoch,
                                 .epoch = hello ? (it->kept ? 0 : it->incarnation) : it->epoch,
                                 .serial = hello ? 0 : it->serial,
                                 .wall_us = now_us,
                                 .has_clock = it->clock_us != BF_TIME_NONE,
                                 .clock_us = it->clock_us != BF_TIME_NONE ? it->clock_us : 0,
                                 .flows = flows,
                                 .generation = 1,
                                 .hello = hello};
    struct entry *entry = hand(i, p, BF_RECORD_TICK);
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, entry->bytes, sizeof(entry->bytes));
    bf_tick_pack(&tick, &writer);
    assert_false(writer.full);
    entry->len = writer.len;
}

static void put_claim_of(int i)
{
    const struct bf_claim claim = {.ingest = bf_slice_of(ingest_ids[i])};
    struct entry *entry = hand(i, 0, BF_RECORD_CLAIM);
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, entry->bytes, sizeof(entry->bytes));
    bf_claim_pack(&claim, &writer);
    entry->len = writer.len;
}

static void put_readings_of(int i, const struct message *message, int64_t serial, const struct flight *flight)
{
    const struct ingest *it = &ingests[i];
    for (int r = 0; r < message->count; r++) {
        int device = message->readings[r].device, truth = message->readings[r].truth;
        bool estimated = message->readings[r].event_us == BF_TIME_NONE;
        int64_t stamp_us = it->clock_us == BF_TIME_NONE ? 0 : it->clock_us;
        char source[32];
        snprintf(source, sizeof(source), "net:d%d:c%d", device, r);
        struct bf_reading reading = {
            .source = bf_slice_of(source),
            .quantity = BF_SLICE("speed"),
            .event_us = estimated ? stamp_us : message->readings[r].event_us,
            .ingest_us = now_us,
            .value = {.kind = BF_VALUE_DOUBLE, .as = {.number = truth + 1}},
            .unit = BF_SLICE("km/h"),
            .quality = BF_QUALITY_GOOD,
            .reasons = estimated ? BF_REASON_ESTIMATED : 0,
            .zone = device < 3 ? BF_SLICE("north") : BF_SLICE("south"),
            .profile = BF_SLICE("test@1"),
            .delivery = {.ingest = bf_slice_of(ingest_ids[i]),
                         .incarnation = it->incarnation,
                         .epoch = it->epoch,
                         .serial = serial,
                         .packet_id = (uint16_t)flight->packet_id,
                         .dup = flight->dup,
                         .payload_hash = message->hash,
                         .index = (uint32_t)r},
        };
        if (is_text(truth)) {
            reading.value = (struct bf_value){.kind = BF_VALUE_TEXT, .as = {.text = BF_SLICE("jam")}};
        }
        truths[truth].channel = r;
        struct entry *entry = hand(i, device % SOURCES, BF_RECORD_READING);
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, entry->bytes, sizeof(entry->bytes));
        bf_reading_pack(&reading, &writer);
        assert_false(writer.full);
        entry->len = writer.len;
        entry->truth = truth;
        entry->event_us = reading.event_us;
        entry->ingest_us = reading.ingest_us;
        entry->estimated = estimated;
    }
}

static int64_t unroll(const struct ingest *it, const struct flight *flight)
{
    int64_t from = it->first ? it->serial : it->previous;
    int64_t ahead = ((flight->packet_id - from) % IDS + IDS) % IDS;
    if (it->first && !flight->dup) {
        return from + (ahead != 0 ? ahead : IDS);
    }
    return from + (it->first && ahead > IDS / 2 ? ahead - IDS : ahead);
}

static void read_one(int i)
{
    struct ingest *it = &ingests[i];
    if (it->phase != RUNNING || !it->connected || it->downlink_count == 0 || it->puback_count == GATE_CAP) {
        return;
    }
    struct flight flight = it->downlink[0];
    memmove(&it->downlink[0], &it->downlink[1], --it->downlink_count * sizeof(flight));
    int64_t serial = unroll(it, &flight);
    it->first = false;
    it->previous = serial;
    it->serial = serial > it->serial ? serial : it->serial;
    const struct message *message = &messages[flight.message];
    if (message->count == 0) {
        it->clock_us = message->sent_us > it->clock_us ? message->sent_us : it->clock_us;
    }
    put_readings_of(i, message, serial, &flight);
    it->pubacks[it->puback_count].packet_id = flight.packet_id;
    it->pubacks[it->puback_count++].mark = it->handed;
}

static void gate(int i)
{
    struct ingest *it = &ingests[i];
    while (it->connected && it->puback_count > 0 && it->pubacks[0].mark <= it->low) {
        int64_t packet_id = it->pubacks[0].packet_id;
        memmove(&it->pubacks[0], &it->pubacks[1], --it->puback_count * sizeof(it->pubacks[0]));
        puback(i, packet_id);
    }
}

/* Epoch and serial of the newest incarnation that had them, in front of our hello. */
static void read_ends(int i)
{
    struct ingest *it = &ingests[i];
    int64_t known = -1, epoch = 0, serial = 0;
    for (int p = 0; p < SOURCES && it->kept; p++) {
        for (size_t k = 0; k < log_len[p]; k++) {
            const struct entry *entry = &logs[p][k];
            struct bf_tick tick = {.has_epoch = false};
            struct bf_reading reading = {.delivery = {.epoch = 0}};
            if (entry->ingest != i || (entry->type != BF_RECORD_TICK && entry->type != BF_RECORD_READING)) {
                continue;
            }
            if (entry->type == BF_RECORD_TICK) {
                assert_int_equal(bf_tick_unpack((struct bf_slice){entry->bytes, entry->len}, &tick, NULL),
                                 BF_OK);
                if (tick.hello && tick.incarnation == it->incarnation) {
                    break;
                }
            } else {
                assert_int_equal(
                    bf_reading_unpack((struct bf_slice){entry->bytes, entry->len}, &reading, NULL), BF_OK);
            }
            bool is_tick = entry->type == BF_RECORD_TICK;
            int64_t its = is_tick ? tick.epoch : reading.delivery.epoch;
            int64_t its_serial = is_tick ? tick.serial : reading.delivery.serial;
            if ((is_tick && !tick.has_epoch) || entry->incarnation < known ||
                (entry->incarnation == known && (its < epoch || (its == epoch && its_serial < serial)))) {
                continue;
            }
            known = entry->incarnation;
            epoch = its;
            serial = its_serial;
        }
    }
    it->epoch = known >= 0 ? epoch : it->incarnation;
    it->serial = known >= 0 ? serial : 0;
    it->has_epoch = true;
    it->first = true;
    it->phase = RUNNING;
    sessions[i].subscribed = true;
}

static void connect_to(int i)
{
    struct ingest *it = &ingests[i];
    struct session *session = &sessions[i];
    it->kept = session->exists;
    session->exists = true;
    it->connected = true;
    it->downlink_count = it->puback_count = 0;
    for (size_t k = 0; k < session->inflight_count; k++) {
        session->inflight[k].dup = true; /* read or never read */
        it->downlink[it->downlink_count++] = session->inflight[k];
    }
    pump(i);
    for (int p = 0; p < SOURCES; p++) {
        put_tick_of(i, p, true, false);
    }
    it->hello_mark = it->handed;
    it->phase = HELLO;
}

/* One step towards RUNNING. */
static void start(int i)
{
    struct ingest *it = &ingests[i];
    if (!it->connected && (it->phase == RUNNING || it->phase == HELLO)) {
        it->phase = OFF;
    }
    if (it->phase == OFF && it->low == it->handed) {
        it->incarnation = -1;
        it->clock_us = BF_TIME_NONE;
        it->silent_us = now_us;
        put_claim_of(i);
        it->phase = CLAIM;
    } else if (it->phase == CLAIM && it->low == it->handed) {
        it->phase = CONNECT;
    } else if (it->phase == CONNECT && now_us >= it->lost_us) {
        connect_to(i);
    } else if (it->phase == HELLO && it->low >= it->hello_mark) {
        read_ends(i);
    }
}

static void tick(int i)
{
    struct ingest *it = &ingests[i];
    if (!it->has_epoch || it->phase == OFF || it->phase == CLAIM || it->phase == HELLO ||
        now_us - it->tick_us < TICK_US) {
        return;
    }
    it->tick_us = now_us;
    if (it->connected || it->low != it->handed) {
        it->silent_us = now_us;
    }
    if (now_us - it->silent_us > HOLD_US && now_us > it->clock_us) {
        it->clock_us = now_us;
    }
    bool flows = it->low >= it->tick_mark;
    for (int p = 0; p < SOURCES; p++) {
        bool queued = false; /* ticks never queue up */
        for (const struct handed *one = it->queue[p].first; one != NULL; one = one->next) {
            queued = queued || one->entry.type == BF_RECORD_TICK;
        }
        if (!queued) {
            put_tick_of(i, p, false, flows);
        }
    }
    it->tick_mark = it->handed;
}

static void append_one(int i, int p)
{
    struct ingest *it = &ingests[i];
    if (it->queue[p].first == NULL || now_us < stands_until[p]) {
        return;
    }
    struct handed *one = fifo_take(&it->queue[p]);
    if (one->entry.type == BF_RECORD_CLAIM) {
        it->incarnation = (int64_t)log_len[0];
    }
    land(p, &one->entry);
    fifo_put(&it->unacked[p], one);
}

static void report_one(int i, int p)
{
    struct ingest *it = &ingests[i];
    if (it->unacked[p].first == NULL) {
        return;
    }
    struct handed *one = fifo_take(&it->unacked[p]);
    it->acked[one->number] = true;
    free(one);
    while (it->low < it->handed && it->acked[it->low + 1]) {
        it->low++;
    }
}

/* Of what it had handed over a prefix reaches each partition: now, or behind the successor's hello. */
static void die(int i)
{
    struct ingest *it = &ingests[i];
    for (int p = 0; p < SOURCES; p++) {
        for (uint32_t n = draw(6); n > 0 && it->queue[p].first != NULL; n--) {
            fifo_put(&wire[p], fifo_take(&it->queue[p]));
        }
        fifo_clear(&it->queue[p]);
        fifo_clear(&it->unacked[p]);
    }
    memset(it, 0, sizeof(*it));
    it->clock_us = BF_TIME_NONE;
    it->back_us = now_us + (draw(3) == 0 ? 0 : (int64_t)draw(45) * SECOND);
}

/* ---- the world */
static void publish_one(int i)
{
    struct message *message = &messages[message_count];
    *message = (struct message){.count = 1 + (int)draw(MAX_READINGS), .hash = 1000 + (uint64_t)message_count};
    for (int r = 0; r < message->count; r++) {
        uint32_t kind = draw(100);
        int64_t event_us = now_us - (int64_t)draw(2000000);
        if (kind < 8) {
            event_us = now_us - (20 + (int64_t)draw(110)) * SECOND;
        } else if (kind < 14) {
            event_us = now_us + (int64_t)draw(40) * SECOND;
        } else if (kind < 34) {
            event_us = BF_TIME_NONE;
        }
        message->readings[r].device = (int)(draw(10) < 7 ? draw(2) * 3 + (uint32_t)i : draw(DEVICES));
        message->readings[r].event_us = event_us;
        message->readings[r].truth = truth_count + r;
    }
    if (message->readings[0].event_us == BF_TIME_NONE) { /* the same payload again and again */
        message->count = 1;
        message->hash = (uint64_t)message->readings[0].device;
    }
    if (deliver(i, message_count)) {
        message_count++;
        for (int r = 0; r < message->count; r++) {
            truths[truth_count++].device = message->readings[r].device;
        }
    }
}

static void send_marker(int i)
{
    if (now_us - ingests[i].marker_us >= TICK_US && message_count < MAX_MESSAGES - 1) {
        /* Whole ticks, so that clocks meet the ends of windows exactly. */
        messages[message_count] = (struct message){.sent_us = bf_time_floor(now_us, TICK_US)};
        if (deliver(i, message_count)) {
            message_count++;
            ingests[i].marker_us = now_us;
        }
    }
}

static void fault(void)
{
    int i = (int)draw(INGESTS), p = (int)draw(SOURCES);
    switch (draw(8)) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (ingests[i].alive) {
            die(i);
        }
        break;
    case 4:
        ingests[i].connected = false; /* the broker may be away for longer than hold_max */
        ingests[i].lost_us = now_us + (draw(2) == 0 ? 0 : (int64_t)draw(40) * SECOND);
        break;
    case 5:
    case 6:
        stands_until[p] = now_us + (int64_t)draw(40) * SECOND;
        if (draw(2) == 0) { /* all of Kafka */
            stands_until[0] = stands_until[1] = stands_until[2] = stands_until[p];
        }
        break;
    default:
        forget_session(i);
        break;
    }
}

static void one_step(bool chaos)
{
    int i = (int)draw(INGESTS), p = (int)draw(SOURCES);
    struct ingest *it = &ingests[i];
    if (!it->alive && now_us >= it->back_us) {
        it->alive = true;
    }
    if (wire[p].first != NULL && draw(8) == 0 && now_us >= stands_until[p]) {
        struct handed *one = fifo_take(&wire[p]);
        land(p, &one->entry);
        free(one);
    }
    if (!it->alive) {
        return;
    }
    start(i);
    tick(i);
    send_marker(i);
    read_one(i);
    gate(i);
    for (int k = 0; k < SOURCES; k++) {
        append_one(i, (int)draw(SOURCES));
        report_one(i, (int)draw(SOURCES));
    }
    if (chaos && draw(60) == 0) {
        fault();
    }
}

/* A log of `seconds` with faults, and its quiet end, in which everything comes through. The partitions learn
 * of the reload at different times, before and behind its `from`. */
static void broker_log(int64_t seconds, bool reload)
{
    int64_t told_us[SOURCES];
    truth_count = message_count = 0;
    memset(log_len, 0, sizeof(log_len));
    memset(ingests, 0, sizeof(ingests));
    memset(sessions, 0, sizeof(sessions));
    memset(stands_until, 0, sizeof(stands_until));
    memset(forgotten, 0, sizeof(forgotten));
    for (int p = 0; p < SOURCES; p++) {
        put_control(p, 1);
        told_us[p] = reload ? BASE + (170 + (int64_t)draw(50)) * SECOND : INT64_MAX;
    }
    for (int i = 0; i < INGESTS; i++) {
        ingests[i].clock_us = BF_TIME_NONE;
        ingests[i].back_us = i == 2 ? BASE + (int64_t)draw(200) * SECOND : BASE;
        sessions[i].last_id = draw(2) == 0 ? IDS - draw(300) : draw(300);
    }
    int64_t end_us = BASE + seconds * SECOND, drain_us = end_us + LATENESS + 4 * WINDOW + 100 * SECOND;
    for (now_us = BASE; now_us < drain_us; now_us += SECOND / 4) {
        bool chaos = now_us < end_us;
        if (chaos && draw(3) == 0 && truth_count < MAX_TRUTH - MAX_READINGS &&
            message_count < MAX_MESSAGES - 1) {
            publish_one((int)draw(INGESTS));
        }
        for (int k = 0; k < 6; k++) {
            one_step(chaos);
        }
        for (int p = 0; p < SOURCES; p++) {
            if (now_us == told_us[p]) {
                put_control(p, 2);
            }
        }
    }
    for (int i = 0; i < INGESTS; i++) {
        for (int p = 0; p < SOURCES; p++) {
            fifo_clear(&ingests[i].queue[p]);
            fifo_clear(&ingests[i].unacked[p]);
        }
    }
    for (int p = 0; p < SOURCES; p++) {
        fifo_clear(&wire[p]);
    }
}

#endif
