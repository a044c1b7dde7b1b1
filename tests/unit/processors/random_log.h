/* random_log.h: random logs of readings for the engine's tests: several ingest ids that restart, fall silent
 * and send again what they had sent; late readings; ticks; reloads that the partitions learn at different
 * times. The same seed gives the same log.
 * Owner: static, one per test program.   Thread: main. */
#ifndef TEST_PROCESSORS_RANDOM_LOG_H
#define TEST_PROCESSORS_RANDOM_LOG_H

#include "tests/unit/processors/oracle.h"

struct sender {
    int64_t incarnation, epoch, serial, silent_until, clock_us;
    struct {
        int truth;
        int64_t serial;
        bool landed;
    } sent[40];
    size_t sent_count;
};
static struct sender senders[INGESTS];

static void put_reading(int ingest, int truth, int64_t serial, bool dup, int64_t incarnation, int64_t now_us)
{
    char source[32];
    int device = truths[truth].device;
    snprintf(source, sizeof(source), "net:d%d", device);
    struct bf_reading reading = {
        .source = bf_slice_of(source),
        .quantity = BF_SLICE("speed"),
        .event_us = truths[truth].event_us,
        .ingest_us = now_us,
        .value = {.kind = BF_VALUE_DOUBLE, .as = {.number = truth + 1}},
        .unit = BF_SLICE("km/h"),
        .quality = BF_QUALITY_GOOD,
        .zone = device < 3 ? BF_SLICE("north") : BF_SLICE("south"),
        .profile = BF_SLICE("test@1"),
        .delivery = {.ingest = bf_slice_of(ingest_ids[ingest]),
                     .incarnation = incarnation,
                     .epoch = senders[ingest].epoch,
                     .serial = serial,
                     .packet_id = (uint16_t)(serial % 65535 + 1),
                     .dup = dup,
                     .payload_hash = (uint64_t)truth * 77 + 5,
                     .index = 0},
    };
    if (is_text(truth)) {
        reading.value = (struct bf_value){.kind = BF_VALUE_TEXT, .as = {.text = BF_SLICE("jam")}};
    }
    struct entry *entry = append(device % SOURCES, BF_RECORD_READING, ingest, incarnation);
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, entry->bytes, sizeof(entry->bytes));
    bf_reading_pack(&reading, &writer);
    assert_false(writer.full);
    entry->len = writer.len;
    entry->truth = truth;
    entry->event_us = truths[truth].event_us;
}

static void put_tick(int p, int ingest, int64_t now_us, bool hello)
{
    const struct sender *sender = &senders[ingest];
    const struct bf_tick tick = {.ingest = bf_slice_of(ingest_ids[ingest]),
                                 .incarnation = sender->incarnation,
                                 .has_epoch = !hello,
                                 .epoch = hello ? 0 : sender->epoch,
                                 .serial = hello ? 0 : sender->serial,
                                 .wall_us = now_us,
                                 .has_clock = !hello && sender->clock_us != BF_TIME_NONE,
                                 .clock_us =
                                     !hello && sender->clock_us != BF_TIME_NONE ? sender->clock_us : 0,
                                 .flows = !hello,
                                 .generation = 1,
                                 .hello = hello};
    struct entry *entry = append(p, BF_RECORD_TICK, ingest, sender->incarnation);
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, entry->bytes, sizeof(entry->bytes));
    bf_tick_pack(&tick, &writer);
    entry->len = writer.len;
}

/* A connection ends and a new one begins: hello everywhere, then the broker redelivers what it still holds;
 * a copy of the older incarnation may land behind the hello. */
static void restart(int ingest, int64_t now_us)
{
    struct sender *sender = &senders[ingest];
    int64_t old = sender->incarnation;
    sender->incarnation = old + 1 + draw(5);
    sender->clock_us = BF_TIME_NONE;
    for (int p = 0; p < SOURCES; p++) {
        put_tick(p, ingest, now_us, true);
    }
    size_t from = sender->sent_count - (sender->sent_count > 0 ? draw((uint32_t)sender->sent_count) : 0);
    for (size_t i = from; i < sender->sent_count; i++) {
        if (draw(4) == 0) {
            put_reading(ingest, sender->sent[i].truth, sender->sent[i].serial, false, old, now_us);
        }
        put_reading(ingest, sender->sent[i].truth, sender->sent[i].serial, true, sender->incarnation, now_us);
    }
}

static void publish_one(int ingest, int64_t now_us)
{
    struct sender *sender = &senders[ingest];
    int truth = truth_count++;
    int64_t event_us = now_us - (int64_t)draw(2000000);
    if (draw(14) == 0) {
        event_us = now_us - (20 + (int64_t)draw(110)) * SECOND;
    }
    truths[truth].device = (int)(draw(10) < 7 ? draw(2) * 3 + (uint32_t)ingest : draw(DEVICES));
    truths[truth].event_us = event_us;
    sender->serial++;
    put_reading(ingest, truth, sender->serial, false, sender->incarnation, now_us);
    if (sender->sent_count == 40) {
        memmove(&sender->sent[0], &sender->sent[1], 39 * sizeof(sender->sent[0]));
        sender->sent_count = 39;
    }
    sender->sent[sender->sent_count].truth = truth;
    sender->sent[sender->sent_count++].serial = sender->serial;
}

static void make_log(bool reload)
{
    truth_count = 0;
    memset(log_len, 0, sizeof(log_len));
    memset(senders, 0, sizeof(senders));
    for (int i = 0; i < INGESTS; i++) {
        senders[i].incarnation = 10 + i;
        senders[i].epoch = 10 + i;
        senders[i].clock_us = BF_TIME_NONE;
    }
    for (int p = 0; p < SOURCES; p++) {
        put_control(p, 1);
    }
    int64_t end_us = BASE + 600 * SECOND, drain_us = end_us + LATENESS + 4 * WINDOW + 60 * SECOND;
    int64_t told[SOURCES] = {0, 0, 0};
    for (int64_t now_us = BASE; now_us < drain_us; now_us += SECOND) {
        for (int i = 0; i < INGESTS; i++) {
            if (now_us < senders[i].silent_until) {
                continue;
            }
            if (draw(120) == 0 && now_us < end_us) {
                senders[i].silent_until = now_us + (int64_t)draw(60) * SECOND;
                continue;
            }
            if (draw(40) == 0 && now_us < end_us) {
                restart(i, now_us);
            }
            for (uint32_t n = draw(3); n > 0 && now_us < end_us && truth_count < MAX_TRUTH; n--) {
                publish_one(i, now_us);
            }
            if (now_us % (2 * SECOND) == 0) {
                senders[i].clock_us = draw(12) == 0 ? senders[i].clock_us : now_us - (int64_t)draw(800000);
                for (int p = 0; p < SOURCES; p++) {
                    put_tick(p, i, now_us, false);
                }
            }
        }
        for (int p = 0; p < SOURCES; p++) { /* the partitions learn of the reload at different times */
            if (reload && !told[p] && now_us > BASE + (190 + 8 * p) * SECOND) {
                told[p] = 1;
                put_control(p, 2);
            }
        }
    }
}

/* The logs of these numbers through check_log; how many results agreed. */
static inline size_t check_logs(uint64_t first, uint64_t last, bool reload)
{
    size_t agreed = 0;
    for (uint64_t number = first; number <= last; number++) {
        seed = number * 7919 + 1;
        make_log(reload);
        check_log(number, reload);
        agreed += result_count[0];
    }
    return agreed;
}

#endif
