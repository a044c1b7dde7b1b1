/* Why: from the logs to lists: every reading's part in every pane, every result that a reader would take.
 * Declined: sharing the processors' code for clocks, deliveries, generations and scopes' choice: an oracle
 * that makes the same mistake finds nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/wire.h"
#include "tests/e2e/oracle_inside.h"

struct text {
    uint64_t hash;
    char *text;
};

/* The one copy of a text. */
const char *oracle_keep(struct oracle *oracle, struct bf_slice slice)
{
    uint64_t hash = bf_hash64(slice);
    struct text *text = bf_table_put(oracle->texts, &hash, NULL);
    if (text != NULL && text->text == NULL) {
        text->text = strndup(slice.data ? slice.data : "", slice.len);
    }
    return text == NULL ? NULL : text->text;
}

/* ---- generations */

static uint32_t find_definition(struct oracle *oracle, const struct bf_kpi_definition *definition)
{
    for (uint32_t i = 0; i < oracle->definition_count; i++) {
        if (oracle->definitions[i]->hash == definition->hash &&
            bf_slice_equal(oracle->definitions[i]->id, definition->id)) {
            return i;
        }
    }
    if (oracle->definition_count == ORACLE_DEFINITIONS) {
        return ORACLE_DEFINITIONS;
    }
    oracle->names[oracle->definition_count] = oracle_keep(oracle, definition->id);
    oracle->definitions[oracle->definition_count] = definition;
    return (uint32_t)oracle->definition_count++;
}

/* The C library's clock shows the city's time from now on. */
static void take_zone(struct oracle *oracle, const struct bf_city *city)
{
    const char *before = getenv("TZ");
    char name[100];
    snprintf(name, sizeof name, "%.*s", BF_SLICE_ARG(city->timezone));
    if (oracle->generation_count > 1 && before != NULL && strcmp(before, name) != 0) {
        oracle_differ(oracle, "two zones: %s and %s", before, name);
    }
    setenv("TZ", name, 1);
    tzset();
}

static enum bf_status read_generations(struct oracle *oracle, struct bf_err *err)
{
    for (int64_t number = 1; number <= bf_config_log_newest(oracle->log); number++) {
        struct bf_generation record;
        if (oracle->generation_count == ORACLE_GENERATIONS) {
            return bf_err_set(err, BF_LIMIT, "more than %d generations", ORACLE_GENERATIONS);
        }
        struct oracle_generation *generation = &oracle->generations[oracle->generation_count++];
        enum bf_status status =
            bf_config_log_generation(oracle->log, number, &record, &generation->city, err);
        if (status != BF_OK) {
            return bf_err_set(err, BF_FATAL, "generation %lld is not in the log", (long long)number);
        }
        take_zone(oracle, generation->city);
        generation->number = number;
        generation->from_us = record.from_us;
        for (size_t i = 0; i < generation->city->kpi_count; i++) {
            uint32_t definition = i < ORACLE_DEFINITIONS ? find_definition(oracle, &generation->city->kpis[i])
                                                         : ORACLE_DEFINITIONS;
            if (definition == ORACLE_DEFINITIONS) {
                return bf_err_set(err, BF_LIMIT, "more than %d definitions", ORACLE_DEFINITIONS);
            }
            generation->definition[i] = definition;
        }
    }
    return BF_OK;
}

/* A partition whose clock has passed `from` begins with its next window. */
static void take_control(struct oracle *oracle, struct oracle_partition *partition, struct bf_slice bytes)
{
    struct bf_control control;
    size_t index = 0;
    if (bf_control_unpack(bytes, &control, NULL) != BF_OK) {
        oracle_differ(oracle, "a control record cannot be read");
        return;
    }
    while (index < oracle->generation_count && oracle->generations[index].number != control.generation) {
        index++;
    }
    if (index == oracle->generation_count || partition->known_count == ORACLE_GENERATIONS) {
        oracle_differ(oracle, "generation %lld is not known", (long long)control.generation);
        return;
    }
    size_t known = partition->known_count;
    if (known > 0 && partition->known[known - 1].generation >= index) {
        return;
    }
    bool passed = partition->clock_us != BF_TIME_NONE && partition->clock_us >= control.from_us;
    partition->known[partition->known_count++] = (struct oracle_known){
        .generation = index, .from_us = passed ? partition->clock_us + 1 : control.from_us};
}

/* The newest whose `from` is not after the start. */
size_t oracle_generation_at(const struct oracle_partition *partition, int64_t start_us)
{
    size_t chosen = 0;
    for (size_t i = 1; i < partition->known_count; i++) {
        chosen = partition->known[i].from_us <= start_us ? i : chosen;
    }
    return chosen;
}

bool oracle_decides(const struct oracle *oracle, size_t known_generation, uint32_t definition)
{
    const struct oracle_generation *generation = &oracle->generations[known_generation];
    for (size_t i = 0; i < generation->city->kpi_count; i++) {
        if (generation->definition[i] == definition) {
            return true;
        }
    }
    return false;
}

void oracle_push(struct oracle *oracle, const struct oracle_part *part)
{
    if (oracle->part_count == oracle->part_room) {
        size_t room = oracle->part_room ? 2 * oracle->part_room : 65536;
        struct oracle_part *parts = realloc(oracle->parts, room * sizeof *parts);
        if (parts == NULL) {
            oracle_differ(oracle, "out of memory");
            return;
        }
        oracle->parts = parts;
        oracle->part_room = room;
    }
    oracle->parts[oracle->part_count++] = *part;
}

static void take_tick(struct oracle *oracle, const struct bf_incoming *incoming)
{
    struct bf_tick tick;
    struct oracle_partition *partition = &oracle->partitions[incoming->partition];
    int64_t before_us = partition->clock_us;
    if (bf_tick_unpack(incoming->value, &tick, NULL) == BF_OK) {
        oracle_tick(oracle, partition, &tick);
    }
    if (partition->clock_us > before_us) {
        oracle_hold(oracle, incoming->partition, incoming->offset, before_us);
    }
}

static enum bf_status take_input(void *context, const struct bf_incoming *incoming, struct bf_err *err)
{
    struct oracle *oracle = context;
    enum bf_record_type type;
    (void)err; /* differences are collected */
    if (incoming->has_key) {
        oracle_reading(oracle, incoming);
    } else if (!bf_incoming_type(incoming, &type)) {
        oracle_differ(oracle, "a record of belfry.readings without a type");
    } else if (type == BF_RECORD_TICK) {
        take_tick(oracle, incoming);
    } else if (type == BF_RECORD_CONTROL) {
        take_control(oracle, &oracle->partitions[incoming->partition], incoming->value);
    }
    return BF_OK;
}

/* ---- results */

struct writer {
    uint64_t key;
    int64_t offset;
    int64_t index;
};

/* What a task wrote twice counts once: per partition and task, origins only rise. */
static bool is_newer(struct oracle *oracle, const struct bf_incoming *incoming)
{
    struct bf_origin origin;
    bool created = false;
    if (bf_origin_unpack(bf_incoming_header(incoming, "bf-origin"), &origin, NULL) != BF_OK) {
        oracle_differ(oracle, "a result without an origin");
        return false;
    }
    uint64_t key = bf_hash64_mix(bf_hash64(origin.task), (uint64_t)incoming->partition);
    struct writer *writer = bf_table_put(oracle->writers, &key, &created);
    if (writer == NULL) {
        oracle_differ(oracle, "more than %d writers", ORACLE_WRITERS);
        return false;
    }
    bool newer = created || origin.offset > writer->offset ||
                 (origin.offset == writer->offset && origin.index > writer->index);
    if (newer) {
        writer->offset = origin.offset;
        writer->index = origin.index;
    }
    oracle->sums.repeats += !newer;
    return newer;
}

static enum bf_status take_result(void *context, const struct bf_incoming *incoming, struct bf_err *err)
{
    struct oracle *oracle = context;
    enum bf_record_type type;
    struct oracle_result result = {.partition = incoming->partition, .offset = incoming->offset};
    if (!bf_incoming_type(incoming, &type) || !is_newer(oracle, incoming) || type != BF_RECORD_KPI) {
        return BF_OK;
    }
    if (bf_kpi_unpack(incoming->value, &result.record, NULL) != BF_OK) {
        oracle_differ(oracle, "a result cannot be read");
        return BF_OK;
    }
    if (oracle->result_count == oracle->result_room) {
        size_t room = oracle->result_room ? 2 * oracle->result_room : 16384;
        struct oracle_result *results = realloc(oracle->results, room * sizeof *results);
        if (results == NULL) {
            return bf_err_set(err, BF_FATAL, "out of memory");
        }
        oracle->results = results;
        oracle->result_room = room;
    }
    result.kpi = oracle_keep(oracle, result.record.kpi);
    result.scope = oracle_keep(oracle, result.record.scope);
    oracle->results[oracle->result_count++] = result;
    return BF_OK;
}

/* ---- the logs */

static enum bf_status read_inputs(struct oracle *oracle, const struct bf_kafka_options *kafka,
                                  struct bf_err *err)
{
    struct pass pass;
    enum bf_status status = pass_begin(&pass, kafka, BF_TOPIC_READINGS, err);
    oracle->partition_count = pass.partitions;
    if (status == BF_OK) {
        oracle->deliveries =
            bf_table_create((size_t)pass.records + 1, 5 * sizeof(int64_t), 5 * sizeof(int64_t));
        status = oracle->deliveries ? pass_run(&pass, take_input, oracle, err)
                                    : bf_err_set(err, BF_FATAL, "out of memory");
    }
    pass_end(&pass);
    return status;
}

static enum bf_status read_results(struct oracle *oracle, const struct bf_kafka_options *kafka,
                                   struct bf_err *err)
{
    struct pass pass;
    enum bf_status status = pass_begin(&pass, kafka, BF_TOPIC_KPIS, err);
    status = status == BF_OK ? pass_run(&pass, take_result, oracle, err) : status;
    pass_end(&pass);
    return status;
}

enum bf_status oracle_read(struct oracle *oracle, const struct bf_kafka_options *kafka, struct bf_err *err)
{
    for (size_t i = 0; i < PASS_PARTITIONS; i++) {
        oracle->partitions[i] = (struct oracle_partition){.clock_us = BF_TIME_NONE};
    }
    enum bf_status status = bf_config_log_open(kafka, aggregates, &oracle->log, err);
    status = status == BF_OK ? read_generations(oracle, err) : status;
    status = status == BF_OK ? read_inputs(oracle, kafka, err) : status;
    return status == BF_OK ? read_results(oracle, kafka, err) : status;
}
