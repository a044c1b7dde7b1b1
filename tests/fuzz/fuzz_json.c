/* fuzz_json.c: what fuzz_decode.c leaves out of the json decoder: first keys, named items, paths
 * into single items, every type of value, and the pipeline's promise (readings, or exactly one
 * reject of the whole). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/wire.h"
#include "ingest/decode/pipeline.h"
#include "tests/fuzz/target.h"

static const char *const profiles[] = {
    "network: n\ntopic: a/{device}\ntime: {path: $.ts, unit: ms}\nplace: {lat: $.lat, lon: $.lon}\n"
    "readings:\n  - {path: $.pm, quantity: pm, unit: ug/m3, valid: [0, 1000]}\n"
    "  - {path: $.n, quantity: n, unit: \"1\", type: integer}\n  - {path: $.t, quantity: t, type: text}\n"
    "  - {path: \"$.more[1].a\", quantity: more, unit: m}\ntags: {class: \"{$.class}\"}\ndedup: content\n",
    "network: n\ntopic: b/{device}\nkey: [VP]\nonly_keys: true\ntime: {path: $.ts, unit: rfc3339}\n"
    "readings: [{path: $.pm, quantity: pm2, unit: ug/m3}]\n",
    "network: n\ntopic: c/+\ndevice: \"{$.e[0].sv}\"\ntime: {path: $.bt, unit: ms}\n"
    "each: {path: $.e, name: $.n, value: $.v, unit: $.u}\n"
    "readings: [{name: t, quantity: temperature, unit: Cel, channel: \"{item}\", required: true}]\n",
    NULL};

struct counts {
    size_t readings, parts, whole;
};

static void take_reading(void *context, const struct bf_reading *reading)
{
    static char bytes[65536];
    struct counts *counts = context;
    struct bf_mp_writer writer;
    struct bf_reading back;
    struct bf_err err;
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reading_pack(reading, &writer);
    assert(!writer.full);
    enum bf_status status =
        bf_reading_unpack((struct bf_slice){.data = bytes, .len = writer.len}, &back, &err);
    assert(status == BF_OK);
    counts->readings++;
}

static void take_reject(void *context, const struct bf_reject *reject)
{
    struct counts *counts = context;
    assert(reject->reason.len > 0);
    counts->parts += !reject->whole;
    counts->whole += reject->whole;
}

static struct bf_pipeline *open_pipeline(void)
{
    static const struct bf_aggregate_kind *const no_aggregates[] = {NULL};
    static const char names[][24] = {"profiles/0.yaml", "profiles/1.yaml", "profiles/2.yaml"};
    static const struct bf_pipeline_limits limits = {
        .max_topic = 1024,
        .max_payload = 65536,
        .max_readings = 100,
        .reject_payload = 1024,
        .decode_memory = 65536,
        .max_depth = 64,
    };
    struct bf_bundle_file files[4] = {
        {.name = BF_SLICE("city.yaml"), .bytes = BF_SLICE("name: fuzz\ntitle: Fuzz\ntimezone: UTC\n")}};
    struct bf_bundle bundle = {.files = files, .count = 1};
    struct bf_city *city = NULL;
    struct bf_pipeline *pipeline = NULL;
    struct bf_err err = {.status = BF_OK};
    for (size_t i = 0; profiles[i]; i++) {
        files[bundle.count++] =
            (struct bf_bundle_file){.name = bf_slice_of(names[i]), .bytes = bf_slice_of(profiles[i])};
    }
    if (bf_city_load(&bundle, no_aggregates, &city, &err) != BF_OK ||
        bf_pipeline_create(city, &limits, &pipeline, &err) != BF_OK) {
        fprintf(stderr, "%s (%s)\n", err.message, err.detail);
        abort();
    }
    for (size_t i = 0; i < city->profile_count; i++) {
        assert(city->profiles[i].enabled);
    }
    return pipeline;
}

static void run(struct bf_slice topic, struct bf_slice payload)
{
    static struct bf_pipeline *pipeline; /* lives as long as the process */
    struct counts counts = {.readings = 0};
    if (!pipeline) {
        pipeline = open_pipeline();
    }
    const struct bf_pipeline_output output = {
        .reading = take_reading, .reject = take_reject, .context = &counts};
    const struct bf_pipeline_input input = {
        .topic = topic,
        .payload = payload,
        .payload_len = payload.len,
        .ingest_us = INT64_C(1700000000000000),
        .clock_us = BF_TIME_NONE,
        .delivery = {.ingest = BF_SLICE("fuzz")},
    };
    size_t count = bf_pipeline_run(pipeline, &input, &output);
    assert(count == counts.readings);
    assert(counts.whole == (count == 0));
    assert(counts.parts <= BF_PIPELINE_REJECTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bf_slice payload = {.data = (const char *)data, .len = size};
    run(BF_SLICE("a/d"), payload);
    run(BF_SLICE("b/d"), payload);
    run(BF_SLICE("c/d"), payload);
    return 0;
}
