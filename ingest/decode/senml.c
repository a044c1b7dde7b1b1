/* senml.c: the senml decoder: resolved records (senml_pack.h) to observations.
 *
 * A record belongs to the first reading of the profile whose `name` is its own name, the last
 * segment of its resolved name, or all of it; "*" takes every record. Records with the units lat
 * and lon are the place of the other records of the same time. In templates {$.bn} is the base
 * name (without a closing ':' or '/'), {$.n} the resolved name without its last segment, and an
 * item the value of the first record of that name. */
#include "ingest/decode/senml_pack.h"

#include "ingest/decode/decoder.h"
#include "ingest/decode/text.h"

struct place { /* of one time */
    bool used;
    int64_t time_us;
    const struct bf_field *lat, *lon;
};

struct places { /* open addressing; at least twice as many as there are lat and lon records */
    struct place *slots;
    size_t mask;
};

static enum bf_status prepare(struct bf_plan *plan, struct bf_stage *stage, struct bf_err *err)
{
    (void)err;
    stage->program = plan; /* records are found by name; there is nothing to compile */
    return BF_OK;
}

static void release(struct bf_stage *stage)
{
    stage->program = NULL;
}

enum axis { NO_AXIS, LATITUDE, LONGITUDE };

static enum axis axis_of(const struct bf_senml_record *record)
{
    if (bf_slice_equal(record->unit, BF_SLICE("lat"))) {
        return LATITUDE;
    }
    return bf_slice_equal(record->unit, BF_SLICE("lon")) ? LONGITUDE : NO_AXIS;
}

static struct place *place_of(const struct places *places, int64_t time_us)
{
    uint64_t hash = (uint64_t)time_us * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(hash >> 32) & places->mask;
    while (places->slots[at].used && places->slots[at].time_us != time_us) {
        at = (at + 1) & places->mask;
    }
    return &places->slots[at];
}

/* False: the arena is full. Without any place record, places stays empty. */
static bool find_places(struct bf_message *message, const struct bf_senml_pack *pack, struct places *places)
{
    size_t count = 0, capacity = 2;
    for (const struct bf_senml_record *record = pack->records; record; record = record->next) {
        count += axis_of(record) != NO_AXIS && record->bad == BF_REJECT_none;
    }
    if (count == 0) {
        return true;
    }
    while (capacity < 2 * count) {
        capacity *= 2;
    }
    places->mask = capacity - 1;
    places->slots = bf_arena_alloc(message->arena, capacity * sizeof *places->slots);
    if (!places->slots) {
        return false;
    }
    memset(places->slots, 0, capacity * sizeof *places->slots);
    for (const struct bf_senml_record *record = pack->records; record; record = record->next) {
        enum axis axis = axis_of(record);
        if (axis == NO_AXIS || record->bad != BF_REJECT_none) {
            continue;
        }
        struct place *place = place_of(places, record->time_us);
        place->used = true;
        place->time_us = record->time_us;
        const struct bf_field **field = axis == LATITUDE ? &place->lat : &place->lon;
        *field = *field ? *field : &record->value; /* the first wins */
    }
    return true;
}

static bool name_matches(struct bf_slice name, const struct bf_senml_record *record)
{
    return bf_slice_equal(name, record->own) || bf_slice_equal(name, bf_text_leaf(record->name)) ||
           bf_slice_equal(name, record->name);
}

/* The reading that takes this record, or reading_count. */
static size_t find_reading(const struct bf_profile *profile, const struct bf_senml_record *record)
{
    bool place = axis_of(record) != NO_AXIS;
    size_t i = 0;
    for (; i < profile->reading_count; i++) {
        struct bf_slice name = profile->readings[i].name;
        bool any = bf_slice_equal(name, BF_SLICE("*")) && !place && record->value.kind != BF_FIELD_OTHER;
        if (any || name_matches(name, record)) {
            break;
        }
    }
    return i;
}

static void fill_wants(struct bf_message *message, const struct bf_senml_pack *pack)
{
    for (size_t i = 0; i < message->plan->want_count; i++) {
        struct bf_slice item = message->plan->wants[i].item;
        const struct bf_senml_record *record = item.len > 0 ? pack->records : NULL;
        while (record && (record->bad != BF_REJECT_none || !name_matches(item, record))) {
            record = record->next;
        }
        if (record) {
            message->fields[i] = record->value;
        }
    }
}

static void fill_names(struct bf_message *message, const struct bf_senml_record *record)
{
    for (size_t i = 0; i < message->plan->want_count; i++) {
        const struct bf_want *want = &message->plan->wants[i];
        struct bf_field field = {.kind = BF_FIELD_TEXT};
        if (want->item.len > 0 || want->path->count != 1) {
            continue;
        }
        if (bf_slice_equal(want->path->steps[0].name, BF_SLICE("bn"))) {
            field.as.text = record->base;
            char last = record->base.len > 0 ? record->base.data[record->base.len - 1] : '\0';
            field.as.text.len -= last == ':' || last == '/';
            message->fields[i] = field;
        } else if (bf_slice_equal(want->path->steps[0].name, BF_SLICE("n"))) {
            field.as.text = bf_text_stem(record->name);
            message->fields[i] = field;
        }
    }
}

/* Time, identity and place of one record; false: it was rejected. */
static bool read_head(struct bf_message *message, const struct bf_senml_record *record,
                      const struct places *places)
{
    enum bf_reject_reason reason = record->bad;
    message->item = record->name;
    if (reason == BF_REJECT_none) {
        reason = bf_normalise_instant(message, record->time_us);
    }
    if (reason == BF_REJECT_none && (message->source.len == 0 || message->plan->varies)) {
        fill_names(message, record);
        reason = bf_normalise_identity(message);
    }
    if (reason != BF_REJECT_none) {
        bf_message_reject(message, reason, "a record");
        return false;
    }
    const struct place *place = places->slots ? place_of(places, record->time_us) : NULL;
    bf_normalise_place(message, place ? place->lat : NULL, place ? place->lon : NULL);
    return true;
}

static void observe_records(struct bf_message *message, const struct bf_senml_pack *pack,
                            const struct places *places, bool *matched)
{
    const struct bf_profile *profile = message->plan->profile;
    for (const struct bf_senml_record *record = pack->records; record; record = record->next) {
        size_t reading = find_reading(profile, record);
        if (reading == profile->reading_count) {
            continue;
        }
        matched[reading] = true;
        if (read_head(message, record, places)) {
            bool value = record->value.kind != BF_FIELD_MISSING;
            bf_normalise_observe(message, &(struct bf_observation){
                                              .reading = reading,
                                              .value = value ? &record->value : &record->sum,
                                              .unit = record->unit,
                                          });
        }
    }
    message->item = (struct bf_slice){.len = 0};
    for (size_t i = 0; i < profile->reading_count; i++) {
        if (profile->readings[i].required && !matched[i]) {
            bf_message_reject(message, BF_REJECT_missing_field, "reading %zu: no record of its name", i + 1);
        }
    }
}

static void decode(struct bf_message *message, const struct bf_stage *stage, struct bf_slice payload)
{
    (void)stage;
    const struct bf_profile *profile = message->plan->profile;
    enum bf_senml_form form = profile->format == BF_FORMAT_SENML_CBOR ? BF_SENML_CBOR : BF_SENML_JSON;
    struct bf_senml_pack pack;
    struct places places = {.slots = NULL};
    if (!bf_senml_resolve(payload, form, message->limits->max_depth, message->input->ingest_us,
                          message->arena, &pack)) {
        bf_message_refuse(message, pack.reason, "at byte %zu: expected %s", pack.offset, pack.expected);
        return;
    }
    bool *matched = bf_arena_alloc(message->arena, profile->reading_count + 1);
    if (!matched || !find_places(message, &pack, &places)) {
        bf_message_refuse(message, BF_REJECT_arena, "no room for the records");
        return;
    }
    memset(matched, 0, profile->reading_count + 1);
    if (bf_message_fields(message)) {
        fill_wants(message, &pack);
        observe_records(message, &pack, &places, matched);
    }
}

const struct bf_decoder bf_decoder_senml = {
    .name = "senml",
    .summary = "Takes the records of a SenML pack (RFC 8428), in JSON or CBOR, by their names.",
    .prepare = prepare,
    .release = release,
    .decode = decode,
};
