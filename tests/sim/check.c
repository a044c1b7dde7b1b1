/* check.c: the end of a schedule: nothing lost, nothing twice, every result the oracle's. */
#include "tests/sim/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire.h"
#include "tests/sim/mqtt.h"
#include "tests/sim/redis_server.h"

static struct sim_record *kept[SIM_LOG_RECORDS];
static struct sim_result got[SIM_RESULTS], want[SIM_RESULTS];

/* ---- what was written, once */
struct writer {
    struct bf_slice task;
    struct bf_origin last;
};

static struct writer *writer_of(struct writer *writers, size_t *count, struct bf_slice task)
{
    for (size_t i = 0; i < *count; i++) {
        if (bf_slice_equal(writers[i].task, task)) {
            return &writers[i];
        }
    }
    writers[*count] = (struct writer){.task = task, .last = {.offset = -1}};
    return &writers[(*count)++];
}

static void assert_same_again(struct sim_record *const *first, size_t count, const struct sim_record *again)
{
    for (size_t i = count; i-- > 0;) {
        if (bf_slice_equal(first[i]->origin, again->origin)) {
            if (!bf_slice_equal(first[i]->value, again->value)) {
                sim_fail("differs", "what a task wrote again at %" PRId64 " is not what it wrote at %" PRId64,
                         again->offset, first[i]->offset);
            }
            return;
        }
    }
    sim_fail("gap", "a record at %" PRId64 " is older than its task's last, and was never there",
             again->offset);
}

size_t sim_first_of_each(const struct sim_log *log, struct sim_record *first[SIM_LOG_RECORDS])
{
    struct writer writers[SIM_READINGS + SIM_PARTIALS];
    size_t writer_count = 0, count = 0;
    for (size_t i = 0; i < log->count; i++) {
        struct sim_record *record = log->records[i];
        struct bf_origin origin;
        if (bf_origin_unpack(record->origin, &origin, NULL) != BF_OK) {
            continue;
        }
        struct writer *writer = writer_of(writers, &writer_count, origin.task);
        if (origin.offset > writer->last.offset ||
            (origin.offset == writer->last.offset && origin.index > writer->last.index)) {
            writer->last = origin;
            first[count++] = record;
        } else {
            assert_same_again(first, count, record);
        }
    }
    return count;
}

/* ---- results */
static size_t collect(struct sim_result *results)
{
    size_t count = 0;
    for (int p = 0; p < SIM_KPIS; p++) {
        size_t records = sim_first_of_each(sim_log(BF_TOPIC_KPIS, p), kept);
        for (size_t i = 0; i < records; i++) {
            struct bf_kpi kpi;
            if (kept[i]->type != BF_RECORD_KPI || bf_kpi_unpack(kept[i]->value, &kpi, NULL) != BF_OK ||
                kpi.phase != BF_KPI_FINAL || count == SIM_RESULTS) {
                continue;
            }
            struct sim_result *result = &results[count++];
            *result = (struct sim_result){.start_us = kpi.start_us - SIM_EPOCH_US,
                                          .revision = kpi.revision,
                                          .n = kpi.n,
                                          .has_value = kpi.has_value,
                                          .value = kpi.has_value ? kpi.value : 0,
                                          .min = kpi.has_range ? kpi.min : 0,
                                          .max = kpi.has_range ? kpi.max : 0,
                                          .suspect = kpi.quality != BF_QUALITY_GOOD,
                                          .record = kept[i]};
            snprintf(result->key, sizeof(result->key), "%.*s:%.*s", BF_SLICE_ARG(kpi.kpi),
                     BF_SLICE_ARG(kpi.scope));
        }
    }
    return count;
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static bool same(const struct sim_result *a, const struct sim_result *b)
{
    return a->n == b->n && a->has_value == b->has_value && same_bits(a->value, b->value) &&
           same_bits(a->min, b->min) && same_bits(a->max, b->max) && a->suspect == b->suspect;
}

static void describe(const struct sim_result *result, char *text, size_t size)
{
    snprintf(text, size, "%.47s window %lld r%u n=%llu %s%.17g", result->key,
             (long long)(result->start_us / SECOND), (unsigned)result->revision,
             (unsigned long long)result->n, result->suspect ? "suspect " : "", result->value);
}

static void check_results(size_t got_count)
{
    size_t want_count = sim_oracle_results(want), w = 0;
    char here[160], there[160];
    qsort(want, want_count, sizeof(want[0]), sim_result_order);
    for (size_t g = 0; g < got_count && !sim_failed(); g++) {
        if (g > 0 && sim_result_order(&got[g - 1], &got[g]) == 0) {
            describe(&got[g], here, sizeof(here));
            sim_fail("twice", "%s stands twice in the log of results", here);
        } else if (sim_oracle_is_vague(got[g].key, got[g].start_us)) {
            continue;
        } else if (w < want_count && sim_result_order(&want[w], &got[g]) < 0) {
            break; /* missing */
        } else if (w == want_count || sim_result_order(&got[g], &want[w]) != 0 || !same(&got[g], &want[w])) {
            describe(&got[g], here, sizeof(here));
            describe(w < want_count ? &want[w] : &(struct sim_result){.key = "nothing"}, there,
                     sizeof(there));
            sim_fail("oracle", "got %s, want %s", here, there);
        } else {
            w++;
        }
    }
    if (w < want_count && !sim_failed()) {
        describe(&want[w], there, sizeof(there));
        sim_fail("oracle", "missing %s", there);
    }
}

/* ---- messages */
static bool held[SIM_TRUTHS], seen[SIM_TRUTHS];

static void note_held(int truth)
{
    held[truth] = true;
}

static void note_log(const struct sim_log *log, enum bf_record_type type)
{
    for (size_t i = 0; i < log->count; i++) {
        const struct sim_record *record = log->records[i];
        for (int t = 0; record->type == type && record->source != NULL && t < record->source->truths; t++) {
            seen[record->source->first_truth + t] = true;
        }
    }
}

/* published = acknowledged = gave a reading + rejected; what the broker still holds was not acknowledged. */
static void check_messages(void)
{
    memset(held, 0, sizeof(held));
    memset(seen, 0, sizeof(seen));
    sim_mqtt_held(note_held);
    note_log(sim_log(BF_TOPIC_REJECTS, 0), BF_RECORD_REJECT);
    for (int t = 0; t < sim_truth_count; t++) {
        bool good = sim_truths[t].device >= 0;
        bool counted = good ? sim_judged[t].fate != SIM_UNSEEN : seen[t];
        if (good && seen[t]) {
            sim_fail("rejected", "reading %d was rejected by ingest", t);
        } else if (!counted && !held[t] && !sim_mqtt_forgot(t)) {
            sim_fail("lost", "%s %d, sent at %.3f, is nowhere", good ? "reading" : "reject", t,
                     (double)sim_truths[t].sent_us / 1e6);
        }
    }
}

static void check_time(int64_t last_us)
{
    if (sim_oracle_slowest() < last_us + 2 * SIM_WINDOW) {
        sim_fail("stuck", "log time stands at %.1f s", (double)sim_oracle_slowest() / 1e6);
    }
}

bool sim_is_through(void)
{
    lua_State *lua = sim_redis_lua();
    for (int p = 0; p < SIM_KPIS; p++) {
        lua_getglobal(lua, "sim_position");
        lua_pushinteger(lua, p);
        lua_call(lua, 1, 1);
        size_t position = (size_t)lua_tonumber(lua, -1);
        lua_settop(lua, 0);
        if (position != sim_log(BF_TOPIC_KPIS, p)->count) {
            return false;
        }
    }
    return true;
}

void sim_check(void)
{
    sim_oracle_judge();
    int64_t last_us = 0;
    for (int t = 0; t < sim_truth_count; t++) {
        last_us = sim_judged[t].fate != SIM_UNSEEN && sim_judged[t].start_us > last_us
                      ? sim_judged[t].start_us
                      : last_us;
    }
    check_time(last_us);
    check_messages();
    size_t count = collect(got);
    qsort(got, count, sizeof(got[0]), sim_result_order);
    if (!sim_failed()) {
        check_results(count);
    }
    if (!sim_failed()) {
        sim_check_replay();
    }
    if (!sim_failed() && !sim_is_through()) {
        sim_fail("stuck", "Redis does not come to the end of the results");
    }
    if (!sim_failed()) {
        sim_check_history(got, count);
    }
    sim_trace("%d readings sent, %zu results, readings logs %zu %zu %zu", sim_truth_count, count,
              sim_logs[0].count, sim_logs[1].count, sim_logs[2].count);
    bool by_design = sim_shape.skewed || sim_shape.stalled || sim_shape.forgot;
    if (!sim_failed() && !by_design && sim_oracle_made_late() > 0) {
        sim_fail("made late", "%d readings that were sent in time", sim_oracle_made_late());
    }
}
