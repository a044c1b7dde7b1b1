/* catch.c: see catch.h. */
#include "cli/catch.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/hash.h"

#define MEMORY (64u << 20) /* touched only as far as it is used */

struct bf_catch {
    struct bf_pipeline *pipeline;
    struct bf_arena *arena;
    struct bf_reading *readings; /* room for all that a message may give */
    size_t room;
    struct bf_reject rejects[BF_PIPELINE_REJECTS];
    struct bf_caught caught;
};

static bool keep(struct bf_catch *self, struct bf_slice *slice)
{
    if (slice->len == 0) {
        *slice = (struct bf_slice){.data = "", .len = 0};
        return true;
    }
    *slice = bf_arena_copy(self->arena, *slice);
    return slice->data != NULL;
}

static bool keep_value(struct bf_catch *self, struct bf_value *value)
{
    return value->kind != BF_VALUE_TEXT || keep(self, &value->as.text);
}

static void on_reading(void *context, const struct bf_reading *reading)
{
    struct bf_catch *self = context;
    struct bf_caught *caught = &self->caught;
    if (caught->reading_count == self->room) {
        caught->beyond++;
        return;
    }
    struct bf_reading *copy = &self->readings[caught->reading_count];
    *copy = *reading;
    bool kept = keep(self, &copy->source) && keep(self, &copy->quantity) && keep(self, &copy->unit) &&
                keep(self, &copy->zone) && keep(self, &copy->profile) && keep_value(self, &copy->value) &&
                (!copy->has_raw || (keep(self, &copy->raw_unit) && keep_value(self, &copy->raw_value)));
    for (uint32_t i = 0; kept && i < copy->tag_count; i++) {
        kept = keep(self, &copy->tags[i].name) && keep(self, &copy->tags[i].value);
    }
    caught->reading_count += kept;
    caught->beyond += !kept;
}

static void on_reject(void *context, const struct bf_reject *reject)
{
    struct bf_catch *self = context;
    struct bf_caught *caught = &self->caught;
    if (caught->reject_count == BF_PIPELINE_REJECTS) {
        caught->beyond++;
        return;
    }
    struct bf_reject *copy = &self->rejects[caught->reject_count];
    *copy = *reject;
    bool kept = keep(self, &copy->reason) && keep(self, &copy->detail) && keep(self, &copy->topic) &&
                keep(self, &copy->source) && keep(self, &copy->profile) && keep(self, &copy->payload);
    caught->reject_count += kept;
    caught->beyond += !kept;
}

enum bf_status bf_catch_create(const struct bf_city *city, const struct bf_pipeline_limits *limits,
                               struct bf_catch **made, struct bf_err *err)
{
    struct bf_catch *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    self->room = limits->max_readings;
    self->readings = calloc(self->room + 1, sizeof *self->readings);
    self->arena = bf_arena_create(MEMORY);
    enum bf_status status = self->readings != NULL && self->arena != NULL
                                ? bf_pipeline_create(city, limits, &self->pipeline, err)
                                : bf_err_set(err, BF_LIMIT, "no memory");
    if (status != BF_OK) {
        bf_catch_destroy(self);
        return status;
    }
    *made = self;
    return BF_OK;
}

void bf_catch_destroy(struct bf_catch *self)
{
    if (self == NULL) {
        return;
    }
    bf_pipeline_destroy(self->pipeline);
    if (self->arena != NULL) {
        bf_arena_destroy(self->arena);
    }
    free(self->readings);
    free(self);
}

const struct bf_caught *bf_catch_run(struct bf_catch *self, const struct bf_catch_message *message)
{
    const struct bf_pipeline_input input = {
        .topic = message->topic,
        .payload = message->payload,
        .payload_len = message->payload.len,
        .ingest_us = message->at_us,
        .clock_us = message->at_us,
        .retained = message->retained,
        .delivery = {.ingest = BF_SLICE("try"),
                     .payload_hash = bf_hash64_mix(bf_hash64(message->topic), bf_hash64(message->payload))}};
    const struct bf_pipeline_output output = {.reading = on_reading, .reject = on_reject, .context = self};
    bf_arena_reset(self->arena);
    self->caught = (struct bf_caught){.readings = self->readings, .rejects = self->rejects};
    (void)bf_pipeline_run(self->pipeline, &input, &output);
    return &self->caught;
}
