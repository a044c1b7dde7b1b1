/* A payload through the whole pipeline, once by each format; readings go through the wire as well. The topic
 * is made of the payload's first bytes, so that routing and sources are under fire too. */
#include <assert.h>
#include <stdlib.h>

#include "core/wire.h"
#include "ingest/decode/pipeline.h"
#include "tests/fuzz/target.h"

#define FORMATS 13
#define HEAD "version: 1\nnetwork: n\nzone: \"{device}\"\n"

static const struct {
    const char *file, *topic, *profile;
} formats[FORMATS] = {
    {"profiles/a.yaml", "a/d1",
     HEAD "topic: a/{device}\nformat: json\ntime: {path: $.ts, unit: rfc3339}\n"
          "place: {lat: $.lat, lon: $.lon}\nreadings:\n"
          "  - {path: $.pm, quantity: pm2_5, unit: ug/m3, valid: [0, 1000]}\n"
          "  - {path: \"$.a[0].b\", quantity: speed, from: m/s, unit: km/h}\ntags: {k: \"{$.k}\"}\n"},
    {"profiles/b.yaml", "b/d1",
     HEAD "topic: b/{device}\nformat: senml\nreadings:\n"
          "  - {name: \"*\", quantity: temperature, unit: Cel}\n"},
    {"profiles/c.yaml", "c/d1",
     HEAD "topic: c/{device}\nformat: senml+cbor\nreadings:\n"
          "  - {name: \"*\", quantity: temperature, unit: Cel}\n"},
    {"profiles/d.yaml", "d/d1",
     HEAD "topic: d/{device}\nformat: cbor\ntime: {path: $.ts, unit: ms}\neach: {path: $.x}\nreadings:\n"
          "  - {name: \"*\", quantity: any, unit: \"1\", channel: \"{item}\"}\n"},
    {"profiles/e.yaml", "e/d1",
     HEAD "topic: e/{device}\nformat: msgpack\nrecords: $.list\ntime: {path: $.ts, unit: us}\nreadings:\n"
          "  - {path: $.pm, quantity: pm2_5, unit: ug/m3}\n  - {path: $.k, quantity: k, type: text}\n"},
    {"profiles/f.yaml", "f/d1",
     HEAD "topic: f/{device}\nformat: msgpack\ninner: {path: $.body, format: cbor}\nreadings:\n"
          "  - {path: $.x.y, quantity: y, unit: m}\n  - {path: '$[\"5\"]', quantity: five, type: bool}\n"},
    {"profiles/g.yaml", "g/d1",
     HEAD "topic: g/{device}\nformat: scalar\nreadings: [{quantity: level, unit: m, values: {ON: 1}}]\n"},
    {"profiles/h.yaml", "h/d1",
     HEAD
     "topic: h/{device}\nformat: binary\nbinary:\n  fields: [{name: n, bit: 4, bits: 4}, {name: k, at: 0}]\n"
     "  times: n\n  repeat: [{name: at, length: 4}, {name: v, type: float, length: 2, when: {k: [32, 33]}},\n"
     "    {name: s, type: text, length: 3, optional: true}, {name: b, type: bcd, length: 8, at: 1,"
     " optional: true}]\ntime: {path: $.at, unit: s}\n"
     "readings:\n  - {path: $.v, quantity: v, unit: m}\n  - {path: $.s, quantity: s, type: text}\n"
     "  - {path: $.b, quantity: b, unit: m}\n"},
    {"profiles/i.yaml", "i/d1",
     HEAD "topic: i/{device}\nformat: json\ninner: {path: $.data, wrap: base64, format: binary}\nbinary:\n"
          "  size_length: 1\n  blocks: [{type: 1, fields: [{name: v, length: 2, endian: little,"
          " when: {$.port: 2}}]}]\nreadings: [{path: $.v, quantity: v, unit: m}]\n"},
    {"profiles/j.yaml", "j/d1",
     HEAD "topic: j/{device}\nformat: json\nwrap: gzip\nreadings: [{path: $.v, quantity: v, unit: m}]\n"},
    {"profiles/k.yaml", "k/d1",
     HEAD "topic: k/{device}\nformat: csv\ntime: {path: $.at, unit: s}\n"
          "readings: [{path: $.v, quantity: v, unit: m}, {path: $, quantity: w, unit: m}]\n"},
    {"profiles/l.yaml", "l/d1",
     HEAD "topic: l/{device}\nformat: csv\ncsv: {header: none, delimiter: \" \"}\neach: {path: $}\n"
          "readings: [{name: \"2\", quantity: v, unit: m}]\n"},
    {"profiles/m.yaml", "m/d1",
     HEAD "topic: m/{device}\nformat: ultralight\ntime: {path: $.TimeInstant}\n"
          "readings: [{path: $.t, quantity: t, unit: Cel}, {path: $, quantity: w, unit: m}]\n"},
};

static struct bf_pipeline *pipeline;

static void open_pipeline(void)
{
    static const struct bf_aggregate_kind *const no_aggregates[] = {NULL};
    static const struct bf_pipeline_limits limits = {.max_topic = 256,
                                                     .max_payload = 65536,
                                                     .max_readings = 100,
                                                     .reject_payload = 1024,
                                                     .decode_memory = 1 << 20,
                                                     .max_depth = 64,
                                                     .max_inflated = 65536};
    struct bf_bundle_file files[FORMATS + 1] = {
        {.name = BF_SLICE("city.yaml"), .bytes = BF_SLICE("name: test\ntitle: Test\ntimezone: UTC\n")}};
    struct bf_bundle bundle = {.files = files, .count = FORMATS + 1};
    struct bf_city *city = NULL;
    struct bf_err err;
    for (size_t i = 0; i < FORMATS; i++) {
        files[i + 1] = (struct bf_bundle_file){.name = bf_slice_of(formats[i].file),
                                               .bytes = bf_slice_of(formats[i].profile)};
    }
    if (bf_city_load(&bundle, no_aggregates, &city, &err) != BF_OK || city->problem_count > 0 ||
        bf_pipeline_create(city, &limits, &pipeline, &err) != BF_OK) {
        abort(); /* the target itself is broken */
    }
}

static void take_reading(void *context, const struct bf_reading *reading)
{
    static char packed[BF_RECORD_MAX];
    struct bf_mp_writer writer;
    struct bf_reading again;
    struct bf_err err;
    bf_mp_writer_init(&writer, packed, sizeof packed);
    bf_reading_pack(reading, &writer);
    assert(!writer.full);
    enum bf_status status = bf_reading_unpack((struct bf_slice){packed, writer.len}, &again, &err);
    assert(status == BF_OK);
    ++*(size_t *)context;
}

static void take_reject(void *context, const struct bf_reject *reject)
{
    (void)context;
    assert(reject->reason.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_slice payload = {(const char *)data, size};
    size_t seen = 0;
    size_t given = 0;
    const struct bf_pipeline_output output = {
        .reading = take_reading, .reject = take_reject, .context = &seen};
    if (pipeline == NULL) {
        open_pipeline();
    }
    for (size_t i = 0; i <= FORMATS; i++) {
        struct bf_pipeline_input input = {
            .topic = i < FORMATS ? bf_slice_of(formats[i].topic)
                                 : (struct bf_slice){payload.data, size < 40 ? size : 40},
            .payload = payload,
            .payload_len = size,
            .ingest_us = INT64_C(1700000000000000),
            .clock_us = INT64_C(1700000000000000),
            .delivery = {.ingest = BF_SLICE("f"), .serial = 1}};
        given += bf_pipeline_run(pipeline, &input, &output);
    }
    assert(given == seen);
    return 0;
}
