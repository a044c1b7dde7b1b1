/* kit.h: a pipeline over profiles written as YAML in the test, and what came out of it.
 * Owner: the test (kit_open, kit_close).   Thread: one.   Limits: KIT_MAX readings and rejects are
 * kept. */
#ifndef BF_TEST_DECODE_KIT_H
#define BF_TEST_DECODE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/decode/pipeline.h"

#define KIT_MAX 1200
#define KIT_INGEST INT64_C(1700000000000000) /* 2023-11-14T22:13:20Z */
#define KIT_CLOCK (KIT_INGEST - 2000000)

struct kit_reject {
    struct bf_reject record;
    char reason[32], detail[256];
};

struct kit {
    struct bf_city *city;
    struct bf_pipeline_limits limits;
    struct bf_pipeline *pipeline;
    struct bf_pipeline_input next; /* for kit_run; topic and payload are set by it */
    struct bf_reading readings[KIT_MAX];
    struct kit_reject rejects[KIT_MAX];
    size_t reading_count, reject_count;
};

static inline void kit_reading(void *context, const struct bf_reading *reading)
{
    struct kit *kit = context;
    assert_true(kit->reading_count < KIT_MAX);
    kit->readings[kit->reading_count++] = *reading;
}

static inline void kit_reject(void *context, const struct bf_reject *reject)
{
    struct kit *kit = context;
    assert_true(kit->reject_count < KIT_MAX);
    struct kit_reject *out = &kit->rejects[kit->reject_count++];
    out->record = *reject;
    snprintf(out->reason, sizeof out->reason, "%.*s", BF_SLICE_ARG(reject->reason));
    snprintf(out->detail, sizeof out->detail, "%.*s", BF_SLICE_ARG(reject->detail));
    out->record.detail = bf_slice_of(out->detail); /* the record's own is gone when this returns */
}

/* `profiles`: texts of profile files, NULL-terminated; the first is profiles/0.yaml, and so on. */
static inline struct kit *kit_open_limited(const char *const *profiles, struct bf_pipeline_limits limits)
{
    static const struct bf_aggregate_kind *const no_aggregates[] = {NULL};
    static const char names[][24] = {"profiles/0.yaml", "profiles/1.yaml", "profiles/2.yaml",
                                     "profiles/3.yaml", "profiles/4.yaml", "profiles/5.yaml"};
    struct bf_bundle_file files[8] = {
        {.name = BF_SLICE("city.yaml"), .bytes = BF_SLICE("name: test\ntitle: Test\ntimezone: UTC\n")}};
    struct bf_bundle bundle = {.files = files, .count = 1};
    struct kit *kit = calloc(1, sizeof *kit);
    struct bf_err err = {.status = BF_OK};
    assert_non_null(kit);
    for (size_t i = 0; profiles[i]; i++) {
        files[bundle.count++] =
            (struct bf_bundle_file){.name = bf_slice_of(names[i]), .bytes = bf_slice_of(profiles[i])};
    }
    if (bf_city_load(&bundle, no_aggregates, &kit->city, &err) != BF_OK) {
        fail_msg("%s (%s)", err.message, err.detail);
    }
    for (size_t i = 0; i < kit->city->profile_count; i++) {
        if (!kit->city->profiles[i].enabled) {
            fail_msg("%s",
                     kit->city->problem_count > 0 ? kit->city->problems[0].text : "a profile is disabled");
        }
    }
    kit->limits = limits;
    kit->next = (struct bf_pipeline_input){.ingest_us = KIT_INGEST,
                                           .clock_us = KIT_CLOCK,
                                           .delivery = {.ingest = BF_SLICE("belfry-1"), .serial = 7}};
    if (bf_pipeline_create(kit->city, &limits, &kit->pipeline, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    return kit;
}

static const struct bf_pipeline_limits kit_limits = {
    .max_topic = 1024,
    .max_payload = 262144,
    .max_readings = 1000,
    .reject_payload = 65536,
    .decode_memory = 4194304,
    .max_depth = 64,
    .max_inflated = 65536,
};

static inline struct kit *kit_open(const char *profile)
{
    const char *const profiles[] = {profile, NULL};
    return kit_open_limited(profiles, kit_limits);
}

static inline void kit_close(struct kit *kit)
{
    bf_pipeline_destroy(kit->pipeline);
    bf_city_destroy(kit->city);
    free(kit);
}

/* Runs one message and checks the promise: readings, or exactly one reject of the whole. */
static inline size_t kit_run_bytes(struct kit *kit, struct bf_slice topic, struct bf_slice payload)
{
    const struct bf_pipeline_output output = {.reading = kit_reading, .reject = kit_reject, .context = kit};
    kit->reading_count = kit->reject_count = 0;
    kit->next.topic = topic;
    kit->next.payload = payload;
    kit->next.payload_len = payload.len;
    size_t count = bf_pipeline_run(kit->pipeline, &kit->next, &output);
    assert_int_equal(count, kit->reading_count);
    for (size_t i = 0; i < kit->reject_count; i++) {
        assert_int_equal(kit->rejects[i].record.whole, count == 0);
    }
    assert_true(count > 0 ? kit->reject_count <= BF_PIPELINE_REJECTS : kit->reject_count == 1);
    return count;
}

static inline size_t kit_run(struct kit *kit, const char *topic, const char *payload)
{
    return kit_run_bytes(kit, bf_slice_of(topic), bf_slice_of(payload));
}

/* The message gives nothing, for this reason. */
static inline void kit_refused(struct kit *kit, const char *topic, const char *payload, const char *reason)
{
    assert_int_equal(kit_run(kit, topic, payload), 0);
    assert_string_equal(kit->rejects[0].reason, reason);
}

static inline void kit_text(struct bf_slice slice, const char *expected)
{
    char text[512];
    snprintf(text, sizeof text, "%.*s", BF_SLICE_ARG(slice));
    assert_string_equal(text, expected);
}

/* The reading of that quantity; fails where there is none. */
static inline const struct bf_reading *kit_find(const struct kit *kit, const char *quantity)
{
    for (size_t i = 0; i < kit->reading_count; i++) {
        if (bf_slice_equal(kit->readings[i].quantity, bf_slice_of(quantity))) {
            return &kit->readings[i];
        }
    }
    fail_msg("no reading of %s", quantity);
    abort(); /* fail_msg does not come back, which the compiler cannot know */
}

static inline double kit_number(const struct kit *kit, const char *quantity)
{
    double number = 0;
    assert_true(bf_value_number(&kit_find(kit, quantity)->value, &number));
    return number;
}

/* A whole file under tests/vectors, NUL-terminated; the caller frees it. */
static inline struct bf_slice kit_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return (struct bf_slice){.len = 0};
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    char *bytes = malloc((size_t)size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), (size_t)size);
    bytes[size] = '\0';
    fclose(file);
    return (struct bf_slice){.data = bytes, .len = (size_t)size};
}

static inline void kit_free(struct bf_slice bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

#endif
