/* decode.c: from a payload to readings, in three steps: JSON to the fields that the profile asks for, the
 * whole decoder (identity, time, place, units, range), and the pipeline around it (routing, rejects); of the
 * city in bench/city. The floor is cJSON, which only builds its tree. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/sample.h"
#include "core/arena.h"
#include "ingest/decode/decoder.h"
#include "ingest/decode/pipeline.h"
#include "ingest/decode/text.h"
#include "ingest/decode/tree.h"
#include "processors/aggregate/aggregate.h"

#define MEMORY (4u << 20)

struct state {
    struct bf_pipeline *pipeline;
    struct bf_pipeline_limits limits;
    struct bf_pipeline_input input;
    struct bf_pipeline_output output;
    struct bf_message message;
    struct bf_arena *arena;
    struct bf_tree tree; /* the plan's wants */
    struct bf_slice levels[3];
    size_t expected; /* readings of one message */
    uint64_t readings, rejects;
};

static void take_reading(void *context, const struct bf_reading *reading)
{
    struct state *state = context;
    state->readings += reading->source.len > 0;
}

static void take_reject(void *context, const struct bf_reject *reject)
{
    struct state *state = context;
    (void)reject;
    state->rejects++;
}

static void run_pipeline(void *context, size_t count)
{
    struct state *state = context;
    for (size_t i = 0; i < count; i++) {
        if (bf_pipeline_run(state->pipeline, &state->input, &state->output) != state->expected) {
            bench_fail("the message does not give its readings");
        }
    }
}

/* As the pipeline does, with routing and choosing done before. */
static void run_decoder(void *context, size_t count)
{
    struct state *state = context;
    struct bf_message *message = &state->message;
    for (size_t i = 0; i < count; i++) {
        bf_arena_reset(state->arena);
        message->fields = NULL;
        message->item = message->source = (struct bf_slice){.len = 0};
        message->readings = message->beyond = message->fault_count = 0;
        message->head_reasons = 0;
        message->reading = (struct bf_reading){
            .event_us = BF_TIME_NONE,
            .ingest_us = state->input.ingest_us,
            .profile = message->plan->profile->name,
        };
        bf_message_decode(message);
        if (message->readings != state->expected) {
            bench_fail("the decoder does not give the readings");
        }
    }
}

/* The payload checked and read to its end, as read_payload of the json decoder does. */
static void run_fields(void *context, size_t count)
{
    struct state *state = context;
    const struct bf_plan *plan = state->message.plan;
    struct bf_field fields[16];
    bool seen[64];
    if (plan->want_count > sizeof fields / sizeof *fields || state->tree.count > sizeof seen) {
        bench_fail("the profile asks for more fields than thought");
    }
    for (size_t i = 0; i < count; i++) {
        struct bf_reader_fault fault;
        struct bf_reader reader;
        bf_arena_reset(state->arena);
        memset(seen, 0, sizeof seen);
        for (size_t j = 0; j < plan->want_count; j++) {
            fields[j].kind = BF_FIELD_MISSING;
        }
        bool text = bf_text_utf8(state->input.payload);
        bf_reader_init(&reader, &bf_json_reader, state->input.payload, state->limits.max_depth, state->arena);
        bf_tree_walk(
            &(struct bf_tree_walk){.tree = &state->tree, .reader = &reader, .fields = fields, .seen = seen});
        if (!text || !reader.kind->done(&reader, &fault) || fields[0].kind == BF_FIELD_MISSING) {
            bench_fail("the payload cannot be read");
        }
    }
}

static void run_cjson(void *context, size_t count)
{
    const struct state *state = context;
    for (size_t i = 0; i < count; i++) {
        cJSON *tree = cJSON_ParseWithLength(state->input.payload.data, state->input.payload.len);
        if (!tree) {
            bench_fail("cJSON cannot read the payload");
        }
        cJSON_Delete(tree);
    }
}

static struct bf_city *load_city(const char *folder)
{
    struct bf_bundle *bundle = NULL;
    struct bf_city *city = NULL;
    struct bf_err err;
    bench_must(bf_bundle_read(folder, &bundle, &err), &err);
    bench_must(bf_city_load(bundle, bf_aggregate_kinds(), &city, &err), &err);
    bf_bundle_destroy(bundle);
    if (city->problem_count > 0) {
        bench_fail(city->problems[0].text);
    }
    return city;
}

static const struct bf_profile *find_profile(const struct bf_city *city, struct bf_slice name)
{
    for (size_t i = 0; i < city->profile_count; i++) {
        if (bf_slice_equal(city->profiles[i].name, name)) {
            return &city->profiles[i];
        }
    }
    bench_fail("the profile is not there");
    return NULL;
}

static void prepare(struct state *state, const struct bf_city *city, struct bf_slice profile,
                    struct bf_slice topic, struct bf_slice payload, size_t expected)
{
    struct bf_err err;
    struct bf_plan *plan;
    state->expected = expected;
    state->limits = (struct bf_pipeline_limits){
        .max_topic = 1024,
        .max_payload = 262144,
        .max_readings = 1000,
        .reject_payload = 65536,
        .decode_memory = MEMORY,
        .max_depth = 64,
    };
    state->input = (struct bf_pipeline_input){
        .topic = topic,
        .payload = payload,
        .payload_len = payload.len,
        .ingest_us = BENCH_START_US,
        .clock_us = BENCH_START_US,
        .delivery =
            {.ingest = BF_SLICE("belfry-1"), .incarnation = 1, .epoch = 1, .serial = 7, .packet_id = 7},
    };
    state->output =
        (struct bf_pipeline_output){.reading = take_reading, .reject = take_reject, .context = state};
    bench_must(bf_pipeline_create(city, &state->limits, &state->pipeline, &err), &err);
    bench_must(bf_plan_create(find_profile(city, profile), &plan, &err), &err);
    state->arena = bf_arena_create(MEMORY);
    for (size_t i = 0; i < plan->want_count; i++) {
        (void)bf_tree_add(&state->tree, plan->wants[i].path, (int)i);
    }
    size_t first = (size_t)((const char *)memchr(topic.data, '/', topic.len) - topic.data);
    size_t second = first + 1 + strcspn(topic.data + first + 1, "/");
    state->levels[0] = (struct bf_slice){.data = topic.data, .len = first};
    state->levels[1] = (struct bf_slice){.data = topic.data + first + 1, .len = second - first - 1};
    state->levels[2] = (struct bf_slice){.data = topic.data + second + 1, .len = topic.len - second - 1};
    state->message = (struct bf_message){
        .input = &state->input,
        .output = &state->output,
        .limits = &state->limits,
        .city = city,
        .plan = plan,
        .arena = state->arena,
        .levels = state->levels,
        .level_count = 3,
    };
}

int main(int argc, char **argv)
{
    static struct state json, senml, binary, scalar;
    static const char records[] =
        "[{\"bn\":\"dev-00007:\",\"bt\":1700000000,\"n\":\"temperature\",\"u\":\"Cel\",\"v\":21.5},"
        "{\"n\":\"humidity\",\"u\":\"%RH\",\"v\":41.2},{\"n\":\"pressure\",\"u\":\"hPa\",\"v\":1013.2},"
        "{\"n\":\"pm25\",\"u\":\"ug/m3\",\"v\":7.1},{\"n\":\"pm10\",\"u\":\"ug/m3\",\"v\":12.9}]";
    static const char frame[] = "\x01\x08\x66\x65\x27\x94\x0e\x10\x03\x00\x2a\x64";
    struct bench_options options = bench_options_read(argc, argv);
    const struct bf_city *city = load_city(bench_argument(argc, argv, "--city", "bench/city"));
    prepare(&json, city, BF_SLICE("bench@1"), bench_sample_topic(7),
            bench_sample_payload(7, BENCH_START_US, 200), 1);
    prepare(&senml, city, BF_SLICE("bench-senml@1"), BF_SLICE("bench-senml/district-07/dev-00007"),
            bf_slice_of(records), 5);
    prepare(&binary, city, BF_SLICE("bench-binary@1"), BF_SLICE("bench-binary/district-07/dev-00007"),
            (struct bf_slice){.data = frame, .len = sizeof frame - 1}, 4);
    prepare(&scalar, city, BF_SLICE("bench-scalar@1"), BF_SLICE("bench-scalar/district-07/dev-00007"),
            BF_SLICE("21.5"), 1);
    struct bench_row rows[] = {
        {.stage = "decode",
         .name = "json, 200 bytes: decode to fields",
         .run = run_fields,
         .context = &json,
         .floor = "cJSON: parse the 200 bytes",
         .goal_us = 0.5},
        {.stage = "decode",
         .name = "json, 200 bytes: to a reading",
         .run = run_decoder,
         .context = &json,
         .floor = "cJSON: parse the 200 bytes"},
        {.stage = "decode",
         .name = "json, 200 bytes: routed, whole pipeline",
         .run = run_pipeline,
         .context = &json,
         .floor = "cJSON: parse the 200 bytes"},
        {.stage = "decode", .name = "cJSON: parse the 200 bytes", .run = run_cjson, .context = &json},
        {.stage = "decode",
         .name = "senml, 5 records: to readings",
         .run = run_decoder,
         .context = &senml,
         .floor = "cJSON: parse the 5 records"},
        {.stage = "decode",
         .name = "senml, 5 records: routed, whole pipeline",
         .run = run_pipeline,
         .context = &senml,
         .floor = "cJSON: parse the 5 records"},
        {.stage = "decode", .name = "cJSON: parse the 5 records", .run = run_cjson, .context = &senml},
        {.stage = "decode",
         .name = "binary, 12 bytes: to 4 readings",
         .run = run_decoder,
         .context = &binary},
        {.stage = "decode", .name = "scalar: to a reading", .run = run_decoder, .context = &scalar},
    };
    bench_measure(rows, sizeof rows / sizeof *rows, &options);
    return json.rejects + senml.rejects + binary.rejects + scalar.rejects == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
