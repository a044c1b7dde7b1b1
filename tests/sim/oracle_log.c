/* oracle_log.c: the readings log as the oracle sees it: clocks, and the fate of every reading. */
#include <string.h>

#include "core/wire.h"
#include "tests/sim/mqtt.h"
#include "tests/sim/oracle.h"
#include "tests/support/clockwork.h"

#define TICK_US (2 * SECOND)
#define HOLD_US (16 * SECOND)
#define DEATH 8 /* writer_timeout / tick_every */
#define EMIT_US (5 * SECOND)

/* One record as far as time and fate go. */
struct entry {
    enum bf_record_type type;
    int ingest, truth;
    int64_t incarnation, event_us, ingest_us;
    bool estimated, has_clock, flows;
    int64_t clock_us, wall_us;
};
static struct entry entries[SIM_READINGS][SIM_LOG_RECORDS];
static int64_t clocks[SIM_READINGS][SIM_LOG_RECORDS];
struct sim_judged sim_judged[SIM_TRUTHS];

static int64_t since(int64_t us)
{
    return us - SIM_EPOCH_US;
}

static int ingest_of(struct bf_slice id)
{
    return id.len == 4 ? id.data[3] - '0' : -1;
}

static void read_entry(const struct sim_record *record, struct entry *entry)
{
    struct bf_reading reading;
    struct bf_tick tick;
    *entry = (struct entry){.type = record->type, .truth = -1, .ingest = -1};
    if (record->type == BF_RECORD_READING && bf_reading_unpack(record->value, &reading, NULL) == BF_OK) {
        entry->ingest = ingest_of(reading.delivery.ingest);
        entry->incarnation = reading.delivery.incarnation;
        entry->truth = record->source->first_truth + (int)reading.delivery.index;
        entry->estimated = (reading.reasons & BF_REASON_ESTIMATED) != 0;
        entry->event_us = entry->estimated && reading.event_us == 0 ? BF_TIME_NONE : since(reading.event_us);
        entry->ingest_us = since(reading.ingest_us);
    } else if (record->type == BF_RECORD_TICK && bf_tick_unpack(record->value, &tick, NULL) == BF_OK) {
        entry->ingest = ingest_of(tick.ingest);
        entry->incarnation = tick.incarnation;
        entry->has_clock = tick.has_clock;
        entry->clock_us = since(tick.clock_us);
        entry->wall_us = since(tick.wall_us);
        entry->flows = tick.flows;
    }
}

/* ---- a partition's clock */
static const struct clockwork_rules rules = {
    .ids = SIM_IDS, .death = DEATH, .tick_us = TICK_US, .hold_us = HOLD_US};

static void tell_time(int p)
{
    struct clockwork clock;
    clockwork_begin(&clock);
    const struct sim_log *log = sim_log(BF_TOPIC_READINGS, p);
    for (size_t k = 0; k < log->count; k++) {
        struct entry *entry = &entries[p][k];
        read_entry(log->records[k], entry);
        if (entry->ingest >= 0 && clockwork_hears(&clock, entry->ingest, entry->incarnation) &&
            entry->type == BF_RECORD_TICK) {
            const struct bf_tick tick = {.incarnation = entry->incarnation,
                                         .flows = entry->flows,
                                         .has_clock = entry->has_clock,
                                         .clock_us = entry->clock_us};
            clockwork_tick(&clock, &rules, entry->ingest, &tick);
        }
        clocks[p][k] = clock.now_us;
    }
}

int64_t sim_oracle_clock(int partition, size_t offset)
{
    return clocks[partition][offset];
}

int64_t sim_oracle_slowest(void)
{
    int64_t slowest_us = INT64_MAX;
    for (int p = 0; p < SIM_READINGS; p++) {
        size_t count = sim_log(BF_TOPIC_READINGS, p)->count;
        int64_t clock_us = count == 0 ? BF_TIME_NONE : clocks[p][count - 1];
        slowest_us = clock_us < slowest_us ? clock_us : slowest_us;
    }
    return slowest_us;
}

/* ---- fates */
/* What has an estimated time is raised to the clock. */
static int64_t event_of(const struct entry *entry, int64_t clock_us)
{
    if (!entry->estimated) {
        return entry->event_us;
    }
    if (clock_us == BF_TIME_NONE) {
        return entry->event_us == BF_TIME_NONE ? entry->ingest_us : entry->event_us;
    }
    return entry->event_us > clock_us ? entry->event_us : clock_us;
}

static void judge(int p)
{
    int64_t newest[SIM_IDS], before = BF_TIME_NONE, last_emit = BF_TIME_NONE;
    static int waiting[SIM_TRUTHS]; /* late, not sent on yet */
    int waiting_count = 0;
    memset(newest, 0, sizeof(newest));
    size_t count = sim_log(BF_TOPIC_READINGS, p)->count;
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[p][i];
        int64_t clock_us = clocks[p][i];
        if (clock_us > before) { /* what was late so far goes out, stamped `before` */
            bool all = last_emit == BF_TIME_NONE || clock_us - last_emit >= EMIT_US;
            last_emit = all ? clock_us : last_emit;
            for (int w = 0; w < waiting_count; w++) {
                struct sim_judged *late = &sim_judged[waiting[w]];
                if (all || late->start_us + SIM_WINDOW + SIM_DELAY + SIM_LATENESS <= clock_us) {
                    late->stamp_us = before;
                    waiting[w--] = waiting[--waiting_count];
                }
            }
            before = clock_us;
        }
        if (entry->ingest < 0) {
            continue;
        }
        if (entry->incarnation > newest[entry->ingest]) {
            newest[entry->ingest] = entry->incarnation;
        }
        int t = entry->truth;
        if (t < 0 || sim_judged[t].fate != SIM_UNSEEN || entry->incarnation < newest[entry->ingest]) {
            continue;
        }
        int64_t event_us = event_of(entry, clock_us), start_us = bf_time_floor(event_us, SIM_WINDOW);
        int64_t close_us = start_us + SIM_WINDOW + SIM_DELAY;
        sim_judged[t] = (struct sim_judged){.partition = p,
                                            .offset = (int64_t)i,
                                            .start_us = start_us,
                                            .event_us = event_us,
                                            .read_us = clock_us,
                                            .stamp_us = INT64_MAX};
        sim_judged[t].fate = clock_us < close_us                  ? SIM_FINAL
                             : clock_us < close_us + SIM_LATENESS ? SIM_LATE
                                                                  : SIM_REJECTED;
        if (sim_judged[t].fate == SIM_LATE) {
            waiting[waiting_count++] = t;
        }
    }
}

void sim_oracle_judge(void)
{
    memset(sim_judged, 0, sizeof(sim_judged));
    for (int p = 0; p < SIM_READINGS; p++) {
        tell_time(p);
        judge(p);
    }
}

/* ---- what an outage must not do */
static int made_late(int p)
{
    struct {
        int since[SIM_IDS];
        bool heard, gone;
        int64_t heard_us, newest;
    } ids[SIM_IDS];
    int found = 0;
    memset(ids, 0, sizeof(ids));
    size_t count = sim_log(BF_TOPIC_READINGS, p)->count;
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[p][i];
        int in = entry->ingest;
        if (in < 0 || entry->incarnation < ids[in].newest) {
            continue;
        }
        ids[in].newest = entry->incarnation;
        if (entry->type == BF_RECORD_TICK) {
            ids[in].heard_us = ids[in].heard ? ids[in].heard_us : entry->wall_us;
            ids[in].heard = true;
            memset(ids[in].since, 0, sizeof(ids[in].since));
            for (int other = 0; other < SIM_IDS; other++) {
                ids[other].gone |= other != in && ids[other].heard && ++ids[other].since[in] > DEATH;
            }
            continue;
        }
        const struct sim_truth *truth = entry->truth < 0 ? NULL : &sim_truths[entry->truth];
        const struct sim_judged *judged = entry->truth < 0 ? NULL : &sim_judged[entry->truth];
        if (truth != NULL && judged->offset == (int64_t)i && judged->partition == p && !truth->late &&
            ids[in].heard && !ids[in].gone && truth->sent_us > ids[in].heard_us + SECOND &&
            (judged->fate == SIM_LATE || judged->fate == SIM_REJECTED)) {
            sim_trace("made late: truth %d at %d/%zu, sent %.3f, clock %.3f", entry->truth, p, i,
                      (double)truth->sent_us / 1e6, (double)clocks[p][i] / 1e6);
            found++;
        }
    }
    return found;
}

int sim_oracle_made_late(void)
{
    int found = 0;
    for (int p = 0; p < SIM_READINGS; p++) {
        found += made_late(p);
    }
    return found;
}
