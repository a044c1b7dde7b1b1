/* output.c: packing a task's outputs and choosing their partitions. Declined: a queue of outputs (the
 * producer's bounded one is the queue). */
#include "processors/output.h"

#include <assert.h>

#include "core/hash.h"
#include "core/wire.h"

static void hand_over(struct bf_outlet *outlet, enum bf_output_topic topic, int32_t partition,
                      enum bf_record_type type, struct bf_slice key,
                      const struct bf_mp_writer *writer)
{
    assert(!writer->full);
    const struct bf_output output = {.topic = topic,
                                     .partition = partition,
                                     .type = type,
                                     .key = key,
                                     .value = {writer->data, writer->len},
                                     .index = outlet->index++};
    outlet->emit(outlet->context, &output);
}

static void keyed(struct bf_outlet *outlet, enum bf_output_topic topic, enum bf_record_type type,
                  struct bf_slice key, const struct bf_mp_writer *writer)
{
    hand_over(outlet, topic, bf_hash_partition(key, outlet->partitions[topic]), type, key, writer);
}

/* "kpi|scope" */
static struct bf_slice result_key(struct bf_outlet *outlet, struct bf_slice kpi,
                                  struct bf_slice scope)
{
    assert(kpi.len + 1 + scope.len <= sizeof(outlet->key));
    memcpy(outlet->key, kpi.data, kpi.len);
    outlet->key[kpi.len] = '|';
    memcpy(outlet->key + kpi.len + 1, scope.data, scope.len);
    return (struct bf_slice){outlet->key, kpi.len + 1 + scope.len};
}

void bf__output_partial(struct bf_outlet *outlet, const struct bf_partial *partial)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, outlet->value, sizeof(outlet->value));
    bf_partial_pack(partial, &writer);
    keyed(outlet, BF_OUTPUT_PARTIALS, BF_RECORD_PARTIAL,
          result_key(outlet, partial->kpi, partial->scope), &writer);
}

void bf__output_kpi(struct bf_outlet *outlet, const struct bf_kpi *kpi)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, outlet->value, sizeof(outlet->value));
    bf_kpi_pack(kpi, &writer);
    keyed(outlet, BF_OUTPUT_KPIS, BF_RECORD_KPI, result_key(outlet, kpi->kpi, kpi->scope), &writer);
}

void bf__output_device(struct bf_outlet *outlet, const struct bf_device *device)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, outlet->value, sizeof(outlet->value));
    bf_device_pack(device, &writer);
    keyed(outlet, BF_OUTPUT_KPIS, BF_RECORD_DEVICE, device->device, &writer);
}

void bf__output_reject(struct bf_outlet *outlet, const struct bf_reject *reject)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, outlet->value, sizeof(outlet->value));
    bf_reject_pack(reject, &writer);
    keyed(outlet, BF_OUTPUT_REJECTS, BF_RECORD_REJECT, reject->source, &writer);
}

void bf__output_tick(struct bf_outlet *outlet, enum bf_output_topic topic,
                     const struct bf_task_tick *tick)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, outlet->value, sizeof(outlet->value));
    bf_task_tick_pack(tick, &writer);
    for (int32_t p = 0; p < outlet->partitions[topic]; p++) {
        hand_over(outlet, topic, p, BF_RECORD_TASK_TICK, (struct bf_slice){NULL, 0}, &writer);
    }
}
