/* message.c: the book-keeping of one message: its fields and what is wrong with it. Faults are
 * kept in the message, not in the arena, because "the arena is full" is one of them. */
#include "ingest/decode/decoder.h"
#include "ingest/decode/unwrap.h"

#include <assert.h>
#include <stdio.h>

BF_PRINTF(3, 0)
static void note(struct bf_fault *fault, enum bf_reject_reason reason, const char *format, va_list arguments)
{
    fault->reason = reason;
    int written = vsnprintf(fault->detail, sizeof fault->detail, format, arguments);
    if (written < 0) {
        fault->detail[0] = '\0';
    }
}

void bf_message_refuse(struct bf_message *message, enum bf_reject_reason reason, const char *format, ...)
{
    va_list arguments;
    assert(message->readings == 0);
    if (message->refusal.reason == BF_REJECT_none) { /* the first fault is the cause of the others */
        va_start(arguments, format);
        note(&message->refusal, reason, format, arguments);
        va_end(arguments);
    }
}

void bf_message_reject(struct bf_message *message, enum bf_reject_reason reason, const char *format, ...)
{
    va_list arguments;
    if (message->fault_count < BF_PIPELINE_REJECTS) {
        va_start(arguments, format);
        note(&message->faults[message->fault_count], reason, format, arguments);
        va_end(arguments);
    }
    message->fault_count++;
}

void bf_message_fail(struct bf_message *message, enum bf_reject_reason reason, const char *what)
{
    (message->part ? bf_message_reject : bf_message_refuse)(message, reason, "%s", what);
}

bool bf_message_fields(struct bf_message *message)
{
    size_t count = message->plan->want_count;
    if (message->fields) {
        return true; /* the outer format has filled its own in */
    }
    message->fields = bf_arena_alloc(message->arena, (count + 1) * sizeof *message->fields);
    if (!message->fields) {
        bf_message_refuse(message, BF_REJECT_arena, "no room for the fields of the profile");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        message->fields[i].kind = BF_FIELD_MISSING;
    }
    return true;
}

static void decode_stage(struct bf_message *message, const struct bf_stage *stage,
                         const struct bf_wraps *wraps, struct bf_slice payload)
{
    struct bf_unwrap_fault fault;
    if (wraps->count == 0 ||
        bf_unwrap(wraps, message->limits->max_inflated, message->arena, &payload, &fault)) {
        stage->decoder->decode(message, stage, payload);
    } else {
        bf_message_refuse(message, fault.reason, "%s", fault.what);
    }
}

void bf_message_decode(struct bf_message *message)
{
    decode_stage(message, &message->plan->outer, &message->plan->profile->wraps, message->input->payload);
}

void bf_message_inner(struct bf_message *message)
{
    const struct bf_field *field = &message->fields[message->plan->payload];
    if (bf_field_absent(field)) {
        bf_message_refuse(message, BF_REJECT_missing_field, "the inner payload");
    } else if (field->kind != BF_FIELD_TEXT && field->kind != BF_FIELD_BYTES) {
        bf_message_refuse(message, BF_REJECT_bad_type, "the inner payload is no text");
    } else {
        decode_stage(message, &message->plan->inner, &message->plan->profile->inner.wraps, field->as.text);
    }
}
