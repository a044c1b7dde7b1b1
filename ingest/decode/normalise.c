/* normalise.c: what every reading must be, whatever sent it: a clean identity, a believable time,
 * a place on the globe, a finite value in its canonical unit within its range. What cannot be made
 * so is rejected with its reason; what is merely doubtful is flagged and goes on. */
#include <math.h>

#include "core/hash.h"
#include "ingest/decode/convert.h"
#include "ingest/decode/message.h"
#include "ingest/decode/text.h"

struct composed { /* a text in the making; bounded as everything a reading carries */
    char data[BF_MAX_TEXT];
    size_t len;
    bool cut;
};

static void append(struct composed *text, struct bf_slice bytes)
{
    if (bytes.len > sizeof text->data - text->len) {
        text->cut = true;
        return;
    }
    if (bytes.len > 0) {
        memcpy(text->data + text->len, bytes.data, bytes.len);
        text->len += bytes.len;
    }
}

/* A device's name ends at the next colon of its source (bf_reading_device), so its own are
 * escaped, as scopes escape theirs. */
static void append_device(struct composed *text, struct bf_slice bytes)
{
    size_t plain = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] == ':' || bytes.data[i] == '~') {
            append(text, (struct bf_slice){.data = bytes.data + plain, .len = i - plain});
            append(text, bytes.data[i] == ':' ? BF_SLICE("~3A") : BF_SLICE("~7E"));
            plain = i + 1;
        }
    }
    append(text, (struct bf_slice){.data = bytes.data + plain, .len = bytes.len - plain});
}

/* One part of a template; false where the message lacks it. */
static bool part_text(const struct bf_message *message, const struct bf_plan_part *part,
                      char scratch[BF_FIELD_SCRATCH], struct bf_slice *text)
{
    switch (part->kind) {
    case BF_PLAN_LEVEL:
        if (part->index >= message->level_count) {
            return false;
        }
        *text = message->levels[part->index];
        return true;
    case BF_PLAN_FIELD:
        if (bf_field_absent(&message->fields[part->index])) {
            return false;
        }
        *text = bf_field_text(&message->fields[part->index], scratch);
        return true;
    case BF_PLAN_ITEM_NAME:
        *text = message->item;
        return true;
    case BF_PLAN_LITERAL:
    default:
        *text = part->literal;
        return true;
    }
}

static enum bf_reject_reason append_template(const struct bf_message *message,
                                             const struct bf_plan_text *template, bool device,
                                             struct composed *text)
{
    for (size_t i = 0; i < template->count; i++) {
        char scratch[BF_FIELD_SCRATCH];
        struct bf_slice part;
        if (!part_text(message, &template->parts[i], scratch, &part)) {
            return BF_REJECT_missing_field;
        }
        if (part.len == 0) {
            return BF_REJECT_bad_identity;
        }
        if (device) {
            append_device(text, part);
        } else {
            append(text, part);
        }
    }
    return BF_REJECT_none;
}

static enum bf_reject_reason finish_text(struct bf_message *message, const struct composed *text,
                                         struct bf_slice *out)
{
    if (text->cut || !bf_text_clean((struct bf_slice){.data = text->data, .len = text->len})) {
        return BF_REJECT_bad_identity;
    }
    *out = bf_arena_copy(message->arena, (struct bf_slice){.data = text->data, .len = text->len});
    return out->data ? BF_REJECT_none : BF_REJECT_arena;
}

/* A tag's or zone's text. One part, the usual case, is borrowed as it stands. */
static enum bf_reject_reason label(struct bf_message *message, const struct bf_plan_text *template,
                                   struct bf_slice *out)
{
    struct composed text = {.len = 0};
    if (template->count == 1 && template->parts[0].kind != BF_PLAN_FIELD) {
        if (!part_text(message, &template->parts[0], text.data, out)) {
            return BF_REJECT_missing_field;
        }
        return out->len <= BF_MAX_TEXT && bf_text_clean(*out) ? BF_REJECT_none : BF_REJECT_bad_identity;
    }
    enum bf_reject_reason reason = append_template(message, template, false, &text);
    return reason == BF_REJECT_none ? finish_text(message, &text, out) : reason;
}

/* Labels are not worth a reading: what is missing or empty is left out, what is bad is rejected
 * alone. */
static struct bf_slice optional_label(struct bf_message *message, const struct bf_plan_text *template,
                                      const char *what)
{
    struct bf_slice text = {.len = 0};
    bool empty = false;
    for (size_t i = 0; i < template->count; i++) {
        char scratch[BF_FIELD_SCRATCH];
        struct bf_slice part;
        empty = empty || !part_text(message, &template->parts[i], scratch, &part) || part.len == 0;
    }
    if (empty) {
        return text;
    }
    enum bf_reject_reason reason = label(message, template, &text);
    if (reason != BF_REJECT_none) {
        bf_message_reject(message, reason, "%s", what);
        text.len = 0;
    }
    return text;
}

enum bf_reject_reason bf_normalise_identity(struct bf_message *message)
{
    const struct bf_plan *plan = message->plan;
    struct bf_reading *reading = &message->reading;
    struct composed text;
    text.len = 0;
    text.cut = false;
    append(&text, plan->profile->network);
    append(&text, BF_SLICE(":"));
    size_t prefix = text.len;
    enum bf_reject_reason reason = append_template(message, &plan->source, true, &text);
    if (reason == BF_REJECT_none && text.len == prefix) {
        reason = BF_REJECT_bad_identity;
    }
    if (reason == BF_REJECT_none) {
        reason = finish_text(message, &text, &message->source);
    }
    if (reason != BF_REJECT_none) {
        return reason;
    }
    reading->source = message->source;
    if (plan->zone.count > 0) {
        reading->zone = optional_label(message, &plan->zone, "the zone");
    }
    reading->tag_count = 0;
    for (size_t i = 0; i < plan->tag_count; i++) {
        struct bf_slice value = optional_label(message, &plan->tags[i].value, "a tag");
        if (value.len > 0) {
            reading->tags[reading->tag_count++] = (struct bf_tag){.name = plan->tags[i].name, .value = value};
        }
    }
    return BF_REJECT_none;
}

static void estimate(struct bf_message *message, uint32_t reasons)
{
    if (message->input->historical) {
        message->reading.event_us = message->input->historical_us;
        message->reading.time_source = BF_TIME_INGEST;
        message->head_reasons = (reasons & ~(uint32_t)BF_REASON_ESTIMATED) | BF_REASON_HISTORICAL;
        return;
    }
    bool marker = message->input->clock_us != BF_TIME_NONE;
    /* Without a marker the task raises 0 to its partition's clock, so nothing is late for our
     * restart. */
    message->reading.event_us = marker ? message->input->clock_us : 0;
    message->reading.time_source = marker ? BF_TIME_MARKER : BF_TIME_INGEST;
    message->head_reasons = reasons;
}

enum bf_reject_reason bf_normalise_instant(struct bf_message *message, int64_t event_us)
{
    if (event_us == BF_TIME_NONE) {
        estimate(message, BF_REASON_ESTIMATED);
        return BF_REJECT_none;
    }
    if (event_us < 0) {
        return BF_REJECT_bad_time;
    }
    if (event_us >= BF_TIME_MAX || event_us > message->input->ingest_us + message->city->time.max_future_us) {
        estimate(message, BF_REASON_ESTIMATED | BF_REASON_CLOCK);
        return BF_REJECT_none;
    }
    message->reading.event_us = event_us;
    message->reading.time_source = BF_TIME_DEVICE;
    message->head_reasons = message->input->historical ? BF_REASON_HISTORICAL : 0;
    return BF_REJECT_none;
}

enum bf_reject_reason bf_normalise_time(struct bf_message *message, const struct bf_field *field,
                                        enum bf_time_unit unit)
{
    static const int powers[] = {[BF_UNIT_S] = 6, [BF_UNIT_MS] = 3, [BF_UNIT_US] = 0};
    int64_t event_us = BF_TIME_NONE;
    if (!field || bf_field_absent(field)) {
        return bf_normalise_instant(message, BF_TIME_NONE);
    }
    if (unit == BF_UNIT_RFC3339) {
        if (field->kind != BF_FIELD_TEXT || bf_time_parse_rfc3339(field->as.text, &event_us) != BF_OK) {
            return BF_REJECT_bad_time;
        }
    } else if (bf_field_scaled(field, powers[unit], &event_us) != BF_FIELD_OK) {
        return BF_REJECT_bad_time;
    }
    return event_us == BF_TIME_NONE ? BF_REJECT_bad_time : bf_normalise_instant(message, event_us);
}

static enum bf_reject_reason degrees(const struct bf_field *field, double limit, int32_t *out)
{
    double value;
    switch (bf_field_double(field, &value)) {
    case BF_FIELD_BAD_TYPE:
        return BF_REJECT_bad_type;
    case BF_FIELD_BAD_NUMBER:
        return BF_REJECT_bad_number;
    case BF_FIELD_OK:
    default:
        break;
    }
    if (value < -limit || value > limit) {
        return BF_REJECT_out_of_range;
    }
    *out = (int32_t)lrint(value * 1e7);
    return BF_REJECT_none;
}

void bf_normalise_place(struct bf_message *message, const struct bf_field *lat, const struct bf_field *lon)
{
    struct bf_reading *reading = &message->reading;
    bool no_lat = !lat || bf_field_absent(lat), no_lon = !lon || bf_field_absent(lon);
    bool by_place = message->plan->zone.count == 0;
    reading->has_place = false;
    if (by_place) {
        reading->zone.len = 0;
    }
    if (no_lat && no_lon) {
        return;
    }
    enum bf_reject_reason reason = BF_REJECT_missing_field;
    if (!no_lat && !no_lon) {
        reason = degrees(lat, 90, &reading->lat_e7);
        reason = reason == BF_REJECT_none ? degrees(lon, 180, &reading->lon_e7) : reason;
    }
    if (reason != BF_REJECT_none) {
        bf_message_reject(message, reason, "the place; its readings go on without it");
        return;
    }
    reading->has_place = true;
    if (by_place && message->city->zones) {
        reading->zone = bf_zones_find(message->city->zones, reading->lat_e7, reading->lon_e7);
    }
}

static enum bf_reject_reason take_text(struct bf_reading *reading, const struct bf_field *field)
{
    if (field->kind != BF_FIELD_TEXT || field->as.text.len > BF_MAX_TEXT || !bf_text_clean(field->as.text)) {
        return BF_REJECT_bad_type;
    }
    reading->value = (struct bf_value){.kind = BF_VALUE_TEXT, .as.text = field->as.text};
    return BF_REJECT_none;
}

static enum bf_reject_reason take_bool(struct bf_reading *reading, const struct bf_field *field)
{
    reading->value = (struct bf_value){.kind = BF_VALUE_BOOL};
    return bf_field_bool(field, &reading->value.as.truth) == BF_FIELD_OK ? BF_REJECT_none
                                                                         : BF_REJECT_bad_type;
}

static enum bf_reject_reason take_number(struct bf_reading *reading, const struct bf_field *field,
                                         bool integer)
{
    if (integer && bf_field_int64(field, &reading->value.as.integer)) {
        reading->value.kind = BF_VALUE_INT;
        return BF_REJECT_none;
    }
    reading->value.kind = BF_VALUE_DOUBLE;
    switch (bf_field_double(field, &reading->value.as.number)) {
    case BF_FIELD_BAD_TYPE:
        return BF_REJECT_bad_type;
    case BF_FIELD_BAD_NUMBER:
        return BF_REJECT_bad_number;
    case BF_FIELD_OK:
    default:
        return BF_REJECT_none;
    }
}

/* To the reading's unit; the raw value stays beside it where the number or the unit has changed. */
static enum bf_reject_reason convert(struct bf_reading *reading, const struct bf_profile_reading *what,
                                     struct bf_slice sent, bool strict)
{
    struct bf_conversion by;
    if (reading->value.kind == BF_VALUE_TEXT || reading->value.kind == BF_VALUE_BOOL) {
        reading->unit = what->unit.len > 0 ? what->unit : BF_SLICE("1");
        return BF_REJECT_none;
    }
    if (!bf_conversion_find(what, sent, strict, &by)) {
        return BF_REJECT_bad_unit;
    }
    bool same = by.scale == 1 && by.offset == 0;
    reading->unit = by.to;
    reading->reasons |= by.guessed ? (uint32_t)BF_REASON_UNIT_GUESS : 0;
    if (same && (by.from.len == 0 || bf_slice_equal(by.from, by.to))) {
        return BF_REJECT_none;
    }
    reading->has_raw = true;
    reading->raw_value = reading->value;
    reading->raw_unit = by.from.len > 0 ? by.from : by.to;
    if (!same) {
        double number = 0;
        (void)bf_value_number(&reading->raw_value, &number);
        number = number * by.scale + by.offset;
        reading->value = (struct bf_value){.kind = BF_VALUE_DOUBLE, .as.number = number};
        return isfinite(number) ? BF_REJECT_none : BF_REJECT_bad_number;
    }
    return BF_REJECT_none;
}

static enum bf_reject_reason check_range(struct bf_reading *reading, const struct bf_profile_reading *what)
{
    double number;
    if (!what->has_valid || !bf_value_number(&reading->value, &number)) {
        return BF_REJECT_none;
    }
    if (number >= what->valid_min && number <= what->valid_max) {
        reading->quality = BF_QUALITY_GOOD;
        return BF_REJECT_none;
    }
    reading->quality = BF_QUALITY_FAIL;
    reading->reasons |= BF_REASON_RANGE;
    return what->reject_invalid ? BF_REJECT_out_of_range : BF_REJECT_none;
}

/* `*` names a quantity after the item: the last segment of its name, in the registry's alphabet. */
static enum bf_reject_reason name_quantity(struct bf_message *message, const struct bf_profile_reading *what)
{
    if (what->quantity.len > 0 && !bf_slice_equal(what->quantity, BF_SLICE("*"))) {
        message->reading.quantity = what->quantity;
        return BF_REJECT_none;
    }
    struct bf_slice name = bf_text_leaf(message->item);
    if (name.len == 0 || name.len > BF_MAX_TEXT) {
        return BF_REJECT_bad_identity;
    }
    char *code = bf_arena_alloc(message->arena, name.len);
    if (!code) {
        return BF_REJECT_arena;
    }
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.data[i];
        byte = byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        code[i] = plain ? byte : '_';
    }
    message->reading.quantity = (struct bf_slice){.data = code, .len = name.len};
    return BF_REJECT_none;
}

static enum bf_reject_reason name_source(struct bf_message *message, const struct bf_plan_text *channel)
{
    struct composed text;
    if (channel->count == 0) {
        message->reading.source = message->source;
        return BF_REJECT_none;
    }
    text.len = 0;
    text.cut = false;
    append(&text, message->source);
    append(&text, BF_SLICE(":"));
    enum bf_reject_reason reason = append_template(message, channel, false, &text);
    return reason == BF_REJECT_none ? finish_text(message, &text, &message->reading.source) : reason;
}

static uint64_t content_hash(const struct bf_reading *reading)
{
    uint64_t bits = 0;
    switch (reading->value.kind) {
    case BF_VALUE_TEXT:
        bits = bf_hash64(reading->value.as.text);
        break;
    case BF_VALUE_INT:
        bits = (uint64_t)reading->value.as.integer;
        break;
    case BF_VALUE_BOOL:
        bits = reading->value.as.truth;
        break;
    case BF_VALUE_DOUBLE:
    default:
        memcpy(&bits, &reading->value.as.number, sizeof bits);
        break;
    }
    uint64_t hash = bf_hash64_mix(bf_hash64(reading->source), bf_hash64(reading->quantity));
    return bf_hash64_mix(bf_hash64_mix(hash, (uint64_t)reading->event_us), bits);
}

/* Texts that stand for numbers become those (`values`). */
static const struct bf_field *translate(const struct bf_profile_reading *what, const struct bf_field *field,
                                        struct bf_field *number)
{
    char scratch[BF_FIELD_SCRATCH];
    const struct bf_slice text = bf_field_text(field, scratch);
    for (size_t i = 0; i < what->value_count; i++) {
        if (bf_slice_equal(what->values[i].text, text)) {
            *number = (struct bf_field){.kind = BF_FIELD_DOUBLE, .as.number = what->values[i].number};
            return number;
        }
    }
    return field;
}

static enum bf_reject_reason fill(struct bf_message *message, const struct bf_observation *observation)
{
    const struct bf_profile *profile = message->plan->profile;
    const struct bf_profile_reading *what = &profile->readings[observation->reading];
    struct bf_reading *reading = &message->reading;
    reading->quality = BF_QUALITY_NOT_EVALUATED;
    reading->reasons = message->head_reasons;
    reading->has_raw = false;
    reading->aggregation = what->aggregation;
    struct bf_field number;
    const struct bf_field *value =
        what->value_count > 0 ? translate(what, observation->value, &number) : observation->value;
    enum bf_reject_reason reason = what->text      ? take_text(reading, value)
                                   : what->boolean ? take_bool(reading, value)
                                                   : take_number(reading, value, what->integer);
    if (reason == BF_REJECT_none) {
        reason = convert(reading, what, observation->unit, bf_format_senml(profile->format));
    }
    if (reason == BF_REJECT_none) {
        reason = check_range(reading, what);
    }
    if (reason == BF_REJECT_none) {
        reason = name_quantity(message, what);
    }
    return reason == BF_REJECT_none ? name_source(message, &message->plan->channels[observation->reading])
                                    : reason;
}

void bf_normalise_observe(struct bf_message *message, const struct bf_observation *observation)
{
    const struct bf_profile *profile = message->plan->profile;
    const struct bf_profile_reading *what = &profile->readings[observation->reading];
    enum bf_reject_reason reason = BF_REJECT_none;
    if (bf_field_absent(observation->value)) {
        if (!what->required) {
            return; /* null is not 0, and no fault */
        }
        reason = BF_REJECT_missing_field;
    } else if (message->readings == message->limits->max_readings) {
        message->beyond++;
        return;
    } else {
        reason = fill(message, observation);
    }
    if (reason != BF_REJECT_none) {
        bf_message_reject(message, reason, "reading %zu (%.*s)", observation->reading + 1,
                          BF_SLICE_ARG(what->quantity));
        return;
    }
    struct bf_reading *reading = &message->reading;
    reading->has_content_hash = profile->dedup_content;
    reading->content_hash = profile->dedup_content ? content_hash(reading) : 0;
    reading->delivery.index = message->readings++;
    message->output->reading(message->output->context, reading);
}
