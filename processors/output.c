/* output.c: packing a task's outputs and choosing their partitions. Declined: a queue of outputs (the
 * producer's bounded one is the queue). */
#include "processors/output.h"

#include <assert.h>

#include "core/hash.h"
#include "core/wire.h"

static void hand_over(struct bf_outlet *outlet, struct bf_output *output, const struct bf_mp_writer *writer)
{
    assert(!writer->full);
    output->value = (struct bf_slice){writer->data, writer->len};
    output->index = outlet->index++;
    outlet->emit(outlet->context, output);
}

static void keyed(struct bf_outlet *outlet, struct bf_output output, const struct bf_mp_writer *writer)
{
    output.partition = bf_hash_partition(output.key, outlet->partitions[output.topic]);
    hand_over(outlet, &output, writer);
}

/* "kpi|scope" */
static struct bf_slice result_key(struct bf_outlet *outlet, struct bf_slice kpi, struct bf_slice scope)
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
    keyed(outlet,
          (struct bf_output){.topic = BF_OUTPUT_PARTIALS,
                             .type = BF_RECORD_PARTIAL,
                             .key = result_key(outlet, partial->kpi, partial->scope)},
          &writer);
}

void bf__output_kpi(struct bf_outlet *outlet, const struct bf_kpi *kpi)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, outlet->value, sizeof(outlet->value));
    bf_kpi_pack(kpi, &writer);
    keyed(outlet,
          (struct bf_output){.topic = BF_OUTPUT_KPIS,
                             .type = BF_RECORD_KPI,
                             .key = result_key(outlet, kpi->kpi, kpi->scope),
                             .kpi = kpi},
          &writer);
}

void bf__output_device(struct bf_outlet *outlet, const struct bf_device *device)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, outlet->value, sizeof(outlet->value));
    bf_device_pack(device, &writer);
    keyed(outlet,
          (struct bf_output){.topic = BF_OUTPUT_KPIS, .type = BF_RECORD_DEVICE, .key = device->device},
          &writer);
}

void bf__output_reject(struct bf_outlet *outlet, const struct bf_reject *reject)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, outlet->value, sizeof(outlet->value));
    bf_reject_pack(reject, &writer);
    keyed(outlet,
          (struct bf_output){.topic = BF_OUTPUT_REJECTS, .type = BF_RECORD_REJECT, .key = reject->source},
          &writer);
}

void bf__output_tick(struct bf_outlet *outlet, enum bf_output_topic topic, const struct bf_task_tick *tick)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, outlet->value, sizeof(outlet->value));
    bf_task_tick_pack(tick, &writer);
    for (int32_t p = 0; p < outlet->partitions[topic]; p++) {
        struct bf_output output = {.topic = topic, .partition = p, .type = BF_RECORD_TASK_TICK};
        hand_over(outlet, &output, &writer);
    }
}
