/* replay.c: the same logs through both stages once more, straight and without a crash: every output must be
 * there, byte for byte, in the order in which it was made, and nothing else; and of the readings, each is
 * counted by exactly one counter. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/city.h"
#include "core/wire.h"
#include "processors/stage1.h"
#include "processors/stage2.h"
#include "tests/sim/check.h"

/* What one task has written to one log, and how much of it the replay has made again. */
struct written {
    struct sim_record **records;
    size_t count, at;
};
static struct sim_record *all[SIM_LOGS][SIM_LOG_RECORDS];
static size_t all_count[SIM_LOGS];
static struct sim_record *picked[SIM_LOGS][SIM_LOG_RECORDS];
static struct written written[SIM_LOGS];
static struct bf_install install;
static char install_id[40], task_name[80];
static int64_t input_offset;
static struct bf_kpi_plan *plans[16];

static enum bf_status definitions(void *context, int64_t generation, const struct bf_kpi_plan **plan,
                                  struct bf_err *err)
{
    (void)context;
    const struct sim_log *log = sim_log(BF_TOPIC_CONFIG, 0);
    for (size_t i = 0; i < log->count && plans[generation] == NULL; i++) {
        struct bf_generation record;
        if (log->records[i]->type == BF_RECORD_GENERATION &&
            bf_generation_unpack(log->records[i]->value, &record, NULL) == BF_OK &&
            record.generation == generation) {
            int variant = bf_slice_equal(record.hash, bf_slice_of(sim_variant_hash(0))) ? 0 : 1;
            enum bf_status status =
                bf_kpi_plan_create(sim_city(variant), generation, record.from_us, &plans[generation], err);
            if (status != BF_OK) {
                return status;
            }
        }
    }
    *plan = plans[generation];
    return *plan == NULL ? BF_AGAIN : BF_OK;
}

static void take_install(void)
{
    const struct sim_log *log = sim_log(BF_TOPIC_CONFIG, 0);
    for (size_t i = 0; i < log->count; i++) {
        if (log->records[i]->type == BF_RECORD_INSTALL &&
            bf_install_unpack(log->records[i]->value, &install, NULL) == BF_OK) {
            snprintf(install_id, sizeof(install_id), "%.*s", BF_SLICE_ARG(install.id));
            install.id = bf_slice_of(install_id);
        }
    }
}

/* The records of one task in every log, in order. */
static void pick(void)
{
    for (size_t l = 0; l < SIM_LOGS; l++) {
        written[l] = (struct written){.records = picked[l]};
        for (size_t i = 0; i < all_count[l]; i++) {
            struct bf_origin origin;
            if (bf_origin_unpack(all[l][i]->origin, &origin, NULL) == BF_OK &&
                bf_slice_equal(origin.task, bf_slice_of(task_name))) {
                picked[l][written[l].count++] = all[l][i];
            }
        }
    }
}

static void compare(void *context, const struct bf_output *output)
{
    (void)context;
    static const enum bf_topic topics[BF_OUTPUT_TOPICS] = {[BF_OUTPUT_REJECTS] = BF_TOPIC_REJECTS,
                                                           [BF_OUTPUT_PARTIALS] = BF_TOPIC_PARTIALS,
                                                           [BF_OUTPUT_KPIS] = BF_TOPIC_KPIS};
    struct written *its = &written[sim_log(topics[output->topic], output->partition) - sim_logs];
    struct bf_origin origin;
    if (its->at == its->count) {
        sim_fail("replay", "%s has not written its output %u of record %" PRId64, task_name,
                 (unsigned)output->index, input_offset);
        return;
    }
    const struct sim_record *record = its->records[its->at++];
    enum bf_status status = bf_origin_unpack(record->origin, &origin, NULL);
    if (status != BF_OK || origin.offset != input_offset || origin.index != output->index) {
        sim_fail("replay", "%s wrote output %u of record %" PRId64 " where %u of %" PRId64 " belongs",
                 task_name, (unsigned)origin.index, origin.offset, (unsigned)output->index, input_offset);
    } else if (!bf_slice_equal(record->value, output->value)) {
        sim_fail("replay", "%s, output %u of record %" PRId64 ": other bytes", task_name,
                 (unsigned)origin.index, origin.offset);
    }
}

static void check_all_made(void)
{
    for (size_t l = 0; l < SIM_LOGS; l++) {
        if (written[l].at != written[l].count && !sim_failed()) {
            sim_fail("replay", "%s wrote %zu records more than its input gives", task_name,
                     written[l].count - written[l].at);
        }
    }
}

static struct bf_task_options begin_task(int stage, int32_t partition)
{
    snprintf(task_name, sizeof(task_name), "%s/s%d/%d", install_id, stage, (int)partition);
    pick();
    return (struct bf_task_options){
        .partition = partition, .install = &install, .definitions = definitions, .emit = compare};
}

static void check_counters(int p, const struct bf_task_counters *c)
{
    size_t late = 0, counted = 0, readings = 0;
    const struct sim_log *log = sim_log(BF_TOPIC_READINGS, p);
    for (size_t i = 0; i < log->count; i++) {
        readings += log->records[i]->type == BF_RECORD_READING;
    }
    for (int t = 0; t < sim_truth_count; t++) {
        bool here = sim_judged[t].partition == p && sim_judged[t].fate != SIM_UNSEEN;
        late += here && sim_judged[t].fate == SIM_REJECTED;
        counted += here && sim_judged[t].fate != SIM_REJECTED;
    }
    if (c->readings != readings ||
        readings != c->accepted + c->duplicate + c->older + c->content + c->malformed || c->late != late ||
        c->accepted != counted + late || c->limit != 0) {
        sim_fail("identity",
                 "%s: %zu readings in the log; seen %" PRIu64 ", accepted %" PRIu64 ", duplicate %" PRIu64
                 ", older %" PRIu64 ", late %" PRIu64 "; by the oracle counted %zu, late %zu",
                 task_name, readings, c->readings, c->accepted, c->duplicate, c->older, c->late, counted,
                 late);
    }
}

static void run_stage1(int32_t p)
{
    const struct bf_task_options options = begin_task(1, p);
    const struct sim_log *log = sim_log(BF_TOPIC_READINGS, p);
    struct bf_stage1 *task;
    struct bf_err err;
    enum bf_status status = bf_stage1_create(&options, &task, &err);
    for (size_t i = 0; status == BF_OK && i < log->count && !sim_failed(); i++) {
        const struct bf_input input = {
            .type = log->records[i]->type, .offset = (int64_t)i, .value = log->records[i]->value};
        input_offset = (int64_t)i;
        status = bf_stage1_apply(task, &input, &err);
        int64_t clock_us = bf_stage1_status(task).clock_us, want_us = sim_oracle_clock(p, i);
        if (clock_us != (want_us == BF_TIME_NONE ? want_us : want_us + SIM_EPOCH_US) && !sim_failed()) {
            sim_fail("clock", "partition %d at %zu stands at %.3f, by the oracle at %.3f", p, i,
                     (double)(clock_us - SIM_EPOCH_US) / 1e6, (double)want_us / 1e6);
        }
    }
    if (status != BF_OK) {
        sim_fail("replay", "%s: %s", task_name, err.message);
    } else if (!sim_failed()) {
        check_all_made();
        const struct bf_task_counters counters = bf_stage1_counters(task);
        check_counters(p, &counters);
    }
    bf_stage1_destroy(task);
}

static void run_stage2(int32_t q)
{
    const struct bf_task_options options = begin_task(2, q);
    const struct sim_log *log = sim_log(BF_TOPIC_PARTIALS, q);
    struct bf_stage2 *task;
    struct bf_err err;
    enum bf_status status = bf_stage2_create(&options, &task, &err);
    for (size_t i = 0; status == BF_OK && i < log->count && !sim_failed(); i++) {
        const struct sim_record *record = log->records[i];
        const struct bf_input input = {
            .type = record->type, .offset = (int64_t)i, .value = record->value, .origin = record->origin};
        input_offset = (int64_t)i;
        status = bf_stage2_apply(task, &input, &err);
    }
    if (status != BF_OK) {
        sim_fail("replay", "%s: %s", task_name, err.message);
    } else if (!sim_failed()) {
        check_all_made();
        const struct bf_task_status end = bf_stage2_status(task);
        if (end.refused + end.malformed + end.foreign > 0) {
            sim_fail("replay", "%s refused %" PRIu64 " records", task_name,
                     end.refused + end.malformed + end.foreign);
        }
    }
    bf_stage2_destroy(task);
}

void sim_check_replay(void)
{
    take_install();
    memset(plans, 0, sizeof(plans));
    for (size_t l = 0; l < SIM_LOGS; l++) {
        enum bf_topic topic = sim_logs[l].topic;
        bool output = topic == BF_TOPIC_REJECTS || topic == BF_TOPIC_PARTIALS || topic == BF_TOPIC_KPIS;
        all_count[l] = output ? sim_first_of_each(&sim_logs[l], all[l]) : 0;
    }
    for (int32_t p = 0; p < SIM_READINGS && !sim_failed(); p++) {
        run_stage1(p);
    }
    for (int32_t q = 0; q < SIM_PARTIALS && !sim_failed(); q++) {
        run_stage2(q);
    }
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        bf_kpi_plan_destroy(plans[i]);
    }
}
