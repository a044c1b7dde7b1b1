/* pipeline.c: route -> decode -> normalise, and the one promise that holds it together: every
 * message gives at least one reading, or exactly one reject of the whole.
 * Declined: asking each candidate profile to try and taking the first that succeeds: a broken
 * payload would be reported by whichever profile came last. */
#include "ingest/decode/pipeline.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/unit.h"
#include "core/hash.h"
#include "ingest/decode/decoder.h"
#include "ingest/decode/json_pull.h"
#include "ingest/decode/mask.h"
#include "ingest/decode/route.h"

#define MAX_DEPTH 64

struct bf_pipeline {
    const struct bf_city *city;
    struct bf_pipeline_limits limits;
    struct bf_arena *arena;
    struct bf_route *route;
    struct bf_plan **plans; /* by profile; NULL where it is disabled */
    struct bf_message message;
    bool restricted; /* the message at hand may be personal: no payload in rejects */
};

struct bf_pipeline_limits bf_pipeline_limits_of(const struct bf_site *site)
{
    return (struct bf_pipeline_limits){
        .max_topic = site->ingest.max_topic,
        .max_payload = site->ingest.max_payload,
        .max_readings = site->ingest.max_readings,
        .reject_payload = site->ingest.reject_payload,
        .decode_memory = site->ingest.decode_memory,
        .max_depth = MAX_DEPTH,
        .max_inflated = site->ingest.max_inflated,
    };
}

enum bf_status bf_pipeline_create(const struct bf_city *city, const struct bf_pipeline_limits *limits,
                                  struct bf_pipeline **pipeline, struct bf_err *err)
{
    struct bf_pipeline *self = calloc(1, sizeof *self);
    if (!self) {
        return bf_err_set(err, BF_LIMIT, "out of memory");
    }
    self->city = city;
    self->limits = *limits;
    self->arena = bf_arena_create(limits->decode_memory);
    self->plans = calloc(city->profile_count + 1, sizeof(struct bf_plan *));
    (void)bf_unit_find(BF_SLICE("1")); /* its index is made at the first use; that is now, not per message */
    enum bf_status status = self->arena && self->plans && bf_number_setup()
                                ? bf_route_create(city, &self->route, err)
                                : bf_err_set(err, BF_LIMIT, "out of memory");
    for (size_t i = 0; status == BF_OK && i < city->profile_count; i++) {
        if (city->profiles[i].enabled) {
            status = bf_plan_create(&city->profiles[i], &self->plans[i], err);
        }
    }
    if (status != BF_OK) {
        bf_pipeline_destroy(self);
        return status;
    }
    *pipeline = self;
    return BF_OK;
}

void bf_pipeline_destroy(struct bf_pipeline *pipeline)
{
    if (!pipeline) {
        return;
    }
    for (size_t i = 0; pipeline->plans && i < pipeline->city->profile_count; i++) {
        bf_plan_destroy(pipeline->plans[i]);
    }
    free(pipeline->plans);
    bf_route_destroy(pipeline->route);
    if (pipeline->arena) {
        bf_arena_destroy(pipeline->arena);
    }
    free(pipeline);
}

static void begin(struct bf_pipeline *pipeline, const struct bf_pipeline_input *input,
                  const struct bf_pipeline_output *output)
{
    struct bf_message *message = &pipeline->message;
    bf_arena_reset(pipeline->arena);
    pipeline->restricted = false;
    message->input = input;
    message->output = output;
    message->limits = &pipeline->limits;
    message->city = pipeline->city;
    message->plan = NULL;
    message->arena = pipeline->arena;
    message->fields = NULL;
    message->part = false;
    message->item = message->source = (struct bf_slice){.len = 0};
    message->readings = message->beyond = message->fault_count = 0;
    message->head_reasons = 0;
    message->refusal.reason = BF_REJECT_none;
    message->reading = (struct bf_reading){
        .event_us = BF_TIME_NONE,
        .ingest_us = input->ingest_us,
        .delivery = input->delivery,
    };
}

/* The payload's first key, if it is an object that has one. */
static bool first_key(struct bf_message *message, struct bf_slice *name)
{
    struct bf_json json;
    struct bf_json_text key;
    bool first = true;
    bf_json_init(&json, message->input->payload, message->limits->max_depth);
    if (bf_json_peek(&json) != BF_JSON_OBJECT || !bf_json_enter(&json) || !bf_json_key(&json, &first, &key)) {
        return false;
    }
    *name = bf_json_unescape(&json, key, message->arena);
    return json.fault == BF_JSON_OK;
}

static bool has_key(const struct bf_profile *profile, struct bf_slice name)
{
    for (size_t i = 0; i < profile->key_count; i++) {
        if (bf_slice_equal(profile->keys[i], name)) {
            return true;
        }
    }
    return false;
}

/* The first profile that the payload's first key fits. A payload without a first key goes to the
 * first profile that asks for one: its decoder says what is wrong. */
static const struct bf_plan *choose_by_key(struct bf_pipeline *pipeline, const struct bf_route_match *match)
{
    struct bf_message *message = &pipeline->message;
    struct bf_slice name;
    bool asked = false, readable = false, only_keys = false;
    for (size_t i = 0; i < match->count; i++) {
        const struct bf_profile *profile = &pipeline->city->profiles[match->profiles[i]];
        if (profile->key_count > 0) {
            readable = asked ? readable : first_key(message, &name);
            asked = true;
            if (readable && !has_key(profile, name)) {
                only_keys = only_keys || profile->only_keys;
                continue;
            }
        }
        return pipeline->plans[match->profiles[i]];
    }
    if (only_keys) {
        bf_message_refuse(message, BF_REJECT_empty, "the profile takes other keys");
    } else {
        bf_message_refuse(message, BF_REJECT_no_profile,
                          match->count ? "the topic matches, the payload's first key does not" : "no match");
    }
    return NULL;
}

/* Sets message->plan, or refuses. */
static void choose(struct bf_pipeline *pipeline)
{
    struct bf_message *message = &pipeline->message;
    const struct bf_pipeline_input *input = message->input;
    struct bf_route_match match;
    if (input->topic.len > pipeline->limits.max_topic) {
        bf_message_refuse(message, BF_REJECT_topic_length, "%zu bytes", input->topic.len);
        return;
    }
    bf_route_find(pipeline->route, input->topic, &match);
    for (size_t i = 0; i < match.count; i++) {
        const struct bf_profile *profile = &pipeline->city->profiles[match.profiles[i]];
        pipeline->restricted = pipeline->restricted || profile->privacy == BF_PRIVACY_RESTRICTED;
    }
    message->levels = match.levels;
    message->level_count = match.level_count;
    if (input->payload_len > pipeline->limits.max_payload || input->payload_len > input->payload.len) {
        bf_message_refuse(message, BF_REJECT_oversize, "%zu bytes", input->payload_len);
        return;
    }
    const struct bf_plan *plan = choose_by_key(pipeline, &match);
    if (plan) {
        pipeline->restricted = plan->profile->privacy == BF_PRIVACY_RESTRICTED;
        message->plan = plan;
        message->reading.profile = plan->profile->name;
        message->reading.privacy = plan->profile->privacy;
        if (input->retained && !plan->profile->take_retained) {
            bf_message_refuse(message, BF_REJECT_retained, "retained");
        }
    }
}

static struct bf_slice head(struct bf_slice bytes, size_t size)
{
    return (struct bf_slice){.data = bytes.data, .len = bytes.len < size ? bytes.len : size};
}

static void write_reject(struct bf_pipeline *pipeline, const struct bf_fault *fault, uint32_t more,
                         bool whole)
{
    const struct bf_message *message = &pipeline->message;
    const struct bf_pipeline_input *input = message->input;
    const struct bf_reject_kind *kind = bf_reject_kind(fault->reason);
    char detail[BF_DETAIL_MAX + 32];
    int length = more > 0 ? snprintf(detail, sizeof detail, "%s; %u more rejects", fault->detail, more)
                          : snprintf(detail, sizeof detail, "%s", fault->detail);
    struct bf_reject reject = {
        .stage = kind->stage,
        .reason = kind->name,
        .detail = {.data = detail, .len = length > 0 ? (size_t)length : 0},
        .topic =
            head(bf_mask_topic(pipeline->city, input->topic, pipeline->arena), pipeline->limits.max_topic),
        .source = message->source,
        .payload_len = input->payload_len,
        .payload_hash = bf_hash64(input->payload),
        .whole = whole,
        .by_profile = kind->stage == BF_STAGE_PROFILE,
        .at_us = input->ingest_us,
        .event_us = message->reading.event_us,
        .has_delivery = true,
        .delivery = input->delivery,
    };
    if (message->plan) {
        reject.profile = message->plan->profile->name;
    }
    if (!pipeline->restricted) {
        reject.payload = head(input->payload, pipeline->limits.reject_payload);
    }
    message->output->reject(message->output->context, &reject);
}

/* What the message did not give, once it is through. */
static void finish(struct bf_pipeline *pipeline)
{
    struct bf_message *message = &pipeline->message;
    if (message->beyond > 0) {
        bf_message_reject(message, BF_REJECT_too_many, "%u readings beyond %zu", message->beyond,
                          pipeline->limits.max_readings);
    }
    if (message->refusal.reason != BF_REJECT_none) {
        write_reject(pipeline, &message->refusal, 0, true);
    } else if (message->readings == 0 && message->fault_count > 0) {
        write_reject(pipeline, &message->faults[0], message->fault_count - 1, true);
    } else if (message->readings == 0) {
        bf_message_refuse(message, BF_REJECT_empty, "nothing in it that the profile asks for");
        write_reject(pipeline, &message->refusal, 0, true);
    } else {
        uint32_t kept =
            message->fault_count < BF_PIPELINE_REJECTS ? message->fault_count : BF_PIPELINE_REJECTS;
        for (uint32_t i = 0; i < kept; i++) {
            uint32_t more = i + 1 == kept ? message->fault_count - kept : 0;
            write_reject(pipeline, &message->faults[i], more, false);
        }
    }
}

size_t bf_pipeline_run(struct bf_pipeline *pipeline, const struct bf_pipeline_input *input,
                       const struct bf_pipeline_output *output)
{
    struct bf_message *message = &pipeline->message;
    begin(pipeline, input, output);
    choose(pipeline);
    if (message->refusal.reason == BF_REJECT_none) {
        bf_message_decode(message);
    }
    finish(pipeline);
    return message->readings;
}
