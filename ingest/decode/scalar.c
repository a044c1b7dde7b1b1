/* scalar.c: the scalar decoder: the payload is one value: Homie's and Tasmota's topics, relays that say ON.
 * A number may have its unit behind it ("21.5 °C").
 * Declined: guessing the decimal comma: "1,234" is a thousand in one town and one and a bit in the next. */
#include "config/unit.h"
#include "ingest/decode/decoder.h"
#include "ingest/decode/observe.h"
#include "ingest/decode/text.h"

static enum bf_status prepare(struct bf_plan *plan, struct bf_stage *stage, struct bf_err *err)
{
    (void)err;
    stage->program = plan; /* there is nothing to compile: the one path is the payload */
    return BF_OK;
}

static void release(struct bf_stage *stage)
{
    stage->program = NULL;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct bf_slice trim(struct bf_slice text)
{
    while (text.len > 0 && is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* The number that the text begins with, and the unit behind it. Where that is no unit that is known, the text
 * is no number: 12:30, 0x10, "3 of 5". */
static struct bf_slice split(struct bf_field *field)
{
    struct bf_number number;
    const char *at = field->as.text.data;
    const char *end = at + field->as.text.len;
    struct bf_slice unit = {.len = 0};
    if (field->as.text.len == 0 || !bf_number_scan(&at, end, &number) || at == end) {
        return unit;
    }
    unit = trim((struct bf_slice){.data = at, .len = (size_t)(end - at)});
    if (!bf_unit_find(unit)) {
        return (struct bf_slice){.len = 0};
    }
    *field = (struct bf_field){.kind = BF_FIELD_DECIMAL, .as.decimal = number};
    return unit;
}

static void decode(struct bf_message *message, const struct bf_stage *stage, struct bf_slice payload)
{
    const struct bf_plan *plan = message->plan;
    const struct bf_slice text = trim(payload);
    if (text.len == 0 || !bf_text_utf8(text)) {
        bf_message_refuse(message, text.len > 0 ? BF_REJECT_encoding : BF_REJECT_missing_field,
                          text.len > 0 ? "the payload is not UTF-8" : "the payload is empty");
        return;
    }
    if (!bf_message_fields(message)) {
        return;
    }
    for (size_t i = 0; i < plan->want_count; i++) {
        if (plan->wants[i].inner == stage->inner && plan->wants[i].path->count == 0) {
            message->fields[i] = (struct bf_field){.kind = BF_FIELD_TEXT, .as.text = text};
        }
    }
    if (!bf_observe_head(message)) {
        return;
    }
    for (size_t i = 0; i < plan->profile->reading_count; i++) {
        const struct bf_profile_reading *reading = &plan->profile->readings[i];
        struct bf_field field = {.kind = BF_FIELD_TEXT, .as.text = text};
        struct bf_slice unit = {.len = 0};
        if (!reading->text && reading->value_count == 0) {
            unit = split(&field);
        }
        bf_normalise_observe(message, &(struct bf_observation){.reading = i, .value = &field, .unit = unit});
    }
}

const struct bf_decoder bf_decoder_scalar = {
    .name = "scalar",
    .summary = "Takes the whole payload as one value: a number, perhaps with its unit, a text, on or off.",
    .prepare = prepare,
    .release = release,
    .decode = decode,
};
