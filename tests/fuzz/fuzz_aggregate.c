/* A saved state of any aggregate, as a partial or a checkpoint brings it: the first byte says of which, the
 * rest is the state. What loads can be read, merged, added to and saved, and stays within its size. */
#include <assert.h>

#include "processors/aggregate/aggregate.h"
#include "tests/fuzz/target.h"

#define GUARD 64

static const double bounds[] = {-1, 0, 20.5};
static const struct bf_value_options options = {
    .p = 0.5, .bounds = bounds, .bound_count = 3, .k = 2, .every_us = 1000, .per_us = 1000, .scale = 1};

struct state {
    _Alignas(8) unsigned char bytes[BF_AGGREGATE_STATE_MAX + GUARD];
};

static size_t begin(const struct bf_aggregate *aggregate, struct state *state)
{
    size_t size = aggregate->size != NULL ? aggregate->size(&options) : aggregate->state_size;
    memset(state, 0x5a, sizeof *state);
    memset(state, 0, size);
    aggregate->init(state->bytes, &options);
    return size;
}

static void add(const struct bf_aggregate *aggregate, struct state *state)
{
    const struct bf_sample sample = {
        .value = 20, .has_value = true, .weight = 1, .label = BF_SLICE_INIT("a:b")};
    const struct bf_step step = {.from_us = 0, .to_us = 9, .value = 1, .ends = true, .next = 2};
    if (aggregate->add != NULL) {
        aggregate->add(state->bytes, &sample, &options);
    }
    if (aggregate->step != NULL) {
        aggregate->step(state->bytes, &step, &options);
    }
}

static void use(const struct bf_aggregate *aggregate, struct state *state, size_t size)
{
    static char saved[2 * BF_AGGREGATE_STATE_MAX];
    char json[BF_KPI_DETAIL_MAX];
    struct state other;
    double value = 0;
    (void)aggregate->result(state->bytes, &options, &value);
    assert(aggregate->detail == NULL || aggregate->detail(state->bytes, &options, json) <= sizeof json);
    begin(aggregate, &other);
    add(aggregate, &other);
    aggregate->merge(other.bytes, state->bytes);
    aggregate->merge(state->bytes, other.bytes);
    add(aggregate, state);
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, saved, sizeof saved);
    aggregate->save(state->bytes, &writer);
    assert(!writer.full);
    struct bf_mp_reader reader;
    bf_mp_reader_init(&reader, (struct bf_slice){saved, writer.len});
    begin(aggregate, &other);
    enum bf_status status = aggregate->load(other.bytes, &reader);
    assert(status == BF_OK && bf_mp_done(&reader));
    for (size_t i = size; i < sizeof state->bytes; i++) {
        assert(state->bytes[i] == 0x5a && other.bytes[i] == 0x5a);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = 0;
    while (bf_aggregates()[count] != NULL) {
        count++;
    }
    if (size == 0) {
        return 0;
    }
    const struct bf_aggregate *aggregate = bf_aggregates()[data[0] % count];
    struct state state;
    struct bf_mp_reader reader;
    size_t room = begin(aggregate, &state);
    bf_mp_reader_init(&reader, (struct bf_slice){(const char *)data + 1, size - 1});
    if (aggregate->load(state.bytes, &reader) == BF_OK) {
        use(aggregate, &state, room);
    }
    return 0;
}
