/* wire.c: packing and unpacking one reading, beside msgpack-c doing the same map. */
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/sample.h"
#include "core/wire.h"

struct state {
    struct bf_reading reading;
    char bytes[1024];
    size_t len;
    msgpack_sbuffer buffer;
    msgpack_zone *zone;
    uint64_t sum; /* so that nothing is optimised away */
};

static void pack(void *context, size_t count)
{
    struct state *state = context;
    struct bf_mp_writer writer;
    for (size_t i = 0; i < count; i++) {
        state->reading.delivery.serial = (int64_t)(100000 + i);
        bf_mp_writer_init(&writer, state->bytes, sizeof state->bytes);
        bf_reading_pack(&state->reading, &writer);
        state->len = writer.len;
    }
}

static void unpack(void *context, size_t count)
{
    struct state *state = context;
    struct bf_reading reading;
    struct bf_err err;
    for (size_t i = 0; i < count; i++) {
        struct bf_slice bytes = {.data = state->bytes, .len = state->len};
        bench_must(bf_reading_unpack(bytes, &reading, &err), &err);
        state->sum += (uint64_t)reading.delivery.serial;
    }
}

static void put_text(msgpack_packer *packer, struct bf_slice text)
{
    msgpack_pack_str(packer, text.len);
    msgpack_pack_str_body(packer, text.data, text.len);
}

/* The same map as bf_reading_pack writes for this reading. */
static void pack_map(msgpack_packer *packer, const struct bf_reading *reading)
{
    msgpack_pack_map(packer, 14);
    msgpack_pack_int(packer, 0);
    put_text(packer, reading->source);
    msgpack_pack_int(packer, 1);
    put_text(packer, reading->quantity);
    msgpack_pack_int(packer, 2);
    msgpack_pack_int64(packer, reading->event_us);
    msgpack_pack_int(packer, 3);
    msgpack_pack_int64(packer, reading->ingest_us);
    msgpack_pack_int(packer, 4);
    msgpack_pack_int(packer, (int)reading->time_source);
    msgpack_pack_int(packer, 5);
    msgpack_pack_double(packer, reading->value.as.number);
    msgpack_pack_int(packer, 6);
    put_text(packer, reading->unit);
    msgpack_pack_int(packer, 7);
    msgpack_pack_int(packer, (int)reading->quality);
    msgpack_pack_int(packer, 9);
    msgpack_pack_int32(packer, reading->lat_e7);
    msgpack_pack_int(packer, 10);
    msgpack_pack_int32(packer, reading->lon_e7);
    msgpack_pack_int(packer, 13);
    put_text(packer, reading->zone);
    msgpack_pack_int(packer, 17);
    put_text(packer, reading->profile);
    msgpack_pack_int(packer, 20);
    msgpack_pack_map(packer, reading->tag_count);
    for (uint32_t i = 0; i < reading->tag_count; i++) {
        put_text(packer, reading->tags[i].name);
        put_text(packer, reading->tags[i].value);
    }
}

static void pack_delivery(msgpack_packer *packer, const struct bf_delivery *delivery)
{
    msgpack_pack_int(packer, 21);
    msgpack_pack_array(packer, 8);
    put_text(packer, delivery->ingest);
    msgpack_pack_int64(packer, delivery->incarnation);
    msgpack_pack_int64(packer, delivery->epoch);
    msgpack_pack_int64(packer, delivery->serial);
    msgpack_pack_uint16(packer, delivery->packet_id);
    if (delivery->dup) {
        msgpack_pack_true(packer);
    } else {
        msgpack_pack_false(packer);
    }
    msgpack_pack_uint64(packer, delivery->payload_hash);
    msgpack_pack_uint32(packer, delivery->index);
}

static void pack_bare(void *context, size_t count)
{
    struct state *state = context;
    msgpack_packer packer;
    msgpack_packer_init(&packer, &state->buffer, msgpack_sbuffer_write);
    for (size_t i = 0; i < count; i++) {
        state->reading.delivery.serial = (int64_t)(100000 + i);
        msgpack_sbuffer_clear(&state->buffer);
        pack_map(&packer, &state->reading);
        pack_delivery(&packer, &state->reading.delivery);
    }
}

static void unpack_bare(void *context, size_t count)
{
    struct state *state = context;
    for (size_t i = 0; i < count; i++) {
        msgpack_object object;
        size_t at = 0;
        msgpack_zone_clear(state->zone);
        if (msgpack_unpack(state->bytes, state->len, &at, state->zone, &object) != MSGPACK_UNPACK_SUCCESS) {
            bench_fail("msgpack-c cannot read what was packed");
        }
        state->sum += object.via.map.size;
    }
}

int main(int argc, char **argv)
{
    static struct state state;
    struct bench_options options = bench_options_read(argc, argv);
    bench_sample_reading(1234, 100000, &state.reading);
    msgpack_sbuffer_init(&state.buffer);
    state.zone = msgpack_zone_new(MSGPACK_ZONE_CHUNK_SIZE);
    if (!state.zone) {
        bench_fail("memory");
    }
    pack(&state, 1);
    pack_bare(&state, 1);
    state.reading.delivery.serial = 100000;
    if (state.len != state.buffer.size || memcmp(state.bytes, state.buffer.data, state.len) != 0) {
        bench_fail("the floor does not pack the same bytes");
    }
    struct bench_row rows[] = {
        {.stage = "wire",
         .name = "pack a reading",
         .run = pack,
         .context = &state,
         .floor = "msgpack-c: pack the same map",
         .goal_us = 0.35},
        {.stage = "wire", .name = "msgpack-c: pack the same map", .run = pack_bare, .context = &state},
        {.stage = "wire",
         .name = "unpack a reading",
         .run = unpack,
         .context = &state,
         .floor = "msgpack-c: unpack the same map"},
        {.stage = "wire", .name = "msgpack-c: unpack the same map", .run = unpack_bare, .context = &state},
    };
    bench_measure(rows, sizeof rows / sizeof *rows, &options);
    msgpack_zone_free(state.zone);
    msgpack_sbuffer_destroy(&state.buffer);
    return state.sum == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
