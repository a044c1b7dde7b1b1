/* json.c: the json decoder: payloads whose values lie at fixed paths, and arrays of named items
 * (`each`: airrohr's sensordatavalues, the first draft of SenML).
 *
 * `key` profiles: the payload is {KEY: {...}} (HFP); paths start inside the first key's value.
 * `each`: all items are kept until the payload is through, because source and place may be items
 * themselves. An item's value is at each_value; where that is missing and a text is asked for, at
 * `sv` or `vs`, as both SenMLs have it.
 * Declined: streaming readings out while the payload is being read: a fault in its last byte must
 * refuse it whole, or a redelivered message could give other readings than the first time. */
#include <stdlib.h>

#include "ingest/decode/decoder.h"
#include "ingest/decode/json_tree.h"
#include "ingest/decode/text.h"

enum item_field { ITEM_NAME, ITEM_VALUE, ITEM_UNIT, ITEM_SV, ITEM_VS, ITEM_FIELDS };

struct program {
    struct bf_json_tree root, item;
    int item_fields;
    int standard[ITEM_FIELDS]; /* fields of an item */
    int *readings;             /* by reading: field of an item */
    int *wants;                /* by want with an item: field of that item */
};

struct item {
    struct item *next;
    struct bf_field fields[];
};

struct state {
    struct bf_message *message;
    const struct program *program;
    struct bf_json json;
    struct item *items, **tail;
    bool *seen; /* of the item tree */
    bool found; /* the array of `each` was there */
};

static void release(struct bf_plan *plan)
{
    struct program *program = plan->program;
    bf_json_tree_deinit(&program->root);
    bf_json_tree_deinit(&program->item);
    free(program->readings);
    free(program->wants);
    free(program);
    plan->program = NULL;
}

static bool add_item_path(struct program *program, const struct bf_path *path, int *field)
{
    *field = bf_json_tree_add(&program->item, path, program->item_fields);
    program->item_fields += *field == program->item_fields;
    return *field != BF_NO_FIELD;
}

static bool prepare_items(struct program *program, const struct bf_plan *plan)
{
    static struct bf_path_step sv = {.name = BF_SLICE_INIT("sv"), .index = -1};
    static struct bf_path_step vs = {.name = BF_SLICE_INIT("vs"), .index = -1};
    static const struct bf_path text_paths[] = {{.steps = &sv, .count = 1}, {.steps = &vs, .count = 1}};
    const struct bf_profile *profile = plan->profile;
    const struct bf_path *const paths[ITEM_FIELDS] = {
        [ITEM_NAME] = &profile->each_name, [ITEM_VALUE] = &profile->each_value,
        [ITEM_UNIT] = &profile->each_unit, [ITEM_SV] = &text_paths[0],
        [ITEM_VS] = &text_paths[1],
    };
    bool ok = bf_json_tree_each(&program->root, &profile->each);
    for (size_t i = 0; i < ITEM_FIELDS; i++) {
        program->standard[i] = BF_NO_FIELD;
        /* Without a path there is no name and no unit; the value is then the item itself. */
        if (paths[i]->count > 0 || i == ITEM_VALUE) {
            ok = ok && add_item_path(program, paths[i], &program->standard[i]);
        }
    }
    for (size_t i = 0; i < profile->reading_count; i++) {
        const struct bf_path *path = &profile->readings[i].path;
        ok = ok && add_item_path(program, path->count ? path : paths[ITEM_VALUE], &program->readings[i]);
    }
    for (size_t i = 0; i < plan->want_count; i++) {
        const struct bf_want *want = &plan->wants[i];
        const struct bf_path *path = want->path->count ? want->path : paths[ITEM_VALUE];
        ok = ok && (want->item.len == 0 || add_item_path(program, path, &program->wants[i]));
    }
    return ok;
}

static enum bf_status prepare(struct bf_plan *plan, struct bf_err *err)
{
    struct program *program = calloc(1, sizeof *program);
    if (!program) {
        return bf_err_set(err, BF_LIMIT, "out of memory");
    }
    plan->program = program;
    program->readings = calloc(plan->profile->reading_count + 1, sizeof *program->readings);
    program->wants = calloc(plan->want_count + 1, sizeof *program->wants);
    bool ok = program->readings && program->wants;
    for (size_t i = 0; ok && i < plan->want_count; i++) {
        if (plan->wants[i].item.len == 0) {
            ok = bf_json_tree_add(&program->root, plan->wants[i].path, (int)i) == (int)i;
        }
    }
    if (ok && plan->profile->has_each) {
        ok = prepare_items(program, plan);
    }
    return ok ? BF_OK : bf_err_set(err, BF_LIMIT, "out of memory");
}

/* One item of the array of `each`, behind the others. */
static void read_item(struct state *state)
{
    const struct program *program = state->program;
    struct bf_arena *arena = state->message->arena;
    size_t count = (size_t)program->item_fields;
    struct item *item = bf_arena_alloc(arena, sizeof *item + count * sizeof item->fields[0]);
    if (!item) {
        bf_json_fail(&state->json, BF_JSON_NO_MEMORY, "fewer items");
        return;
    }
    item->next = NULL;
    for (size_t i = 0; i < count; i++) {
        item->fields[i].kind = BF_FIELD_MISSING;
    }
    memset(state->seen, 0, program->item.count * sizeof *state->seen);
    bf_json_tree_walk(&(struct bf_json_walk){
        .tree = &program->item,
        .json = &state->json,
        .arena = arena,
        .fields = item->fields,
        .seen = state->seen,
    });
    *state->tail = item;
    state->tail = &item->next;
}

static void read_items(void *context)
{
    struct state *state = context;
    state->found = true;
    if (bf_json_enter(&state->json)) {
        for (bool first = true; bf_json_item(&state->json, &first);) {
            read_item(state);
        }
    }
}

static struct bf_slice item_text(const struct state *state, const struct item *item, enum item_field which)
{
    char unused[BF_FIELD_SCRATCH]; /* JSON's numbers stand as they were written */
    int field = state->program->standard[which];
    return field == BF_NO_FIELD ? (struct bf_slice){.len = 0} : bf_field_text(&item->fields[field], unused);
}

/* The wants that lie in an item of a certain name: the first of that name has it. */
static void fill_from_items(const struct state *state)
{
    const struct bf_plan *plan = state->message->plan;
    for (size_t i = 0; i < plan->want_count; i++) {
        const struct bf_want *want = &plan->wants[i];
        const struct item *item = want->item.len > 0 ? state->items : NULL;
        while (item && !bf_slice_equal(item_text(state, item, ITEM_NAME), want->item)) {
            item = item->next;
        }
        if (!item) {
            continue;
        }
        const struct bf_field *field = &item->fields[state->program->wants[i]];
        for (enum item_field other = ITEM_SV; field->kind == BF_FIELD_MISSING && other <= ITEM_VS; other++) {
            field = &item->fields[state->program->standard[other]];
        }
        state->message->fields[i] = *field;
    }
}

static void refuse_fault(struct bf_message *message, const struct bf_json *json)
{
    static const enum bf_reject_reason reasons[] = {
        [BF_JSON_OK] = BF_REJECT_malformed,    [BF_JSON_SYNTAX] = BF_REJECT_malformed,
        [BF_JSON_TOO_DEEP] = BF_REJECT_depth,  [BF_JSON_BAD_TEXT] = BF_REJECT_encoding,
        [BF_JSON_NO_MEMORY] = BF_REJECT_arena,
    };
    bf_message_refuse(message, reasons[json->fault], "at byte %zu: expected %s", bf_json_offset(json),
                      json->expected ? json->expected : "something else");
}

/* The whole payload into fields and items; false: refused. */
static bool read_payload(struct state *state)
{
    struct bf_message *message = state->message;
    const struct program *program = state->program;
    struct bf_json *json = &state->json;
    size_t nodes = (size_t)program->root.count + program->item.count;
    bool *seen = bf_arena_alloc(message->arena, nodes + 1);
    if (!seen) {
        bf_message_refuse(message, BF_REJECT_arena, "no room for the fields of the profile");
        return false;
    }
    memset(seen, 0, nodes + 1);
    state->seen = seen + program->root.count;
    const struct bf_json_walk walk = {
        .tree = &program->root,
        .json = json,
        .arena = message->arena,
        .fields = message->fields,
        .seen = seen,
        .each = read_items,
        .context = state,
    };
    if (message->plan->profile->key_count == 0) {
        bf_json_tree_walk(&walk);
    } else if (bf_json_enter(json)) { /* the pipeline has looked at the first key */
        struct bf_json_text key;
        for (bool first = true, inside = true; bf_json_key(json, &first, &key); inside = false) {
            if (inside) {
                bf_json_tree_walk(&walk);
            } else {
                bf_json_skip(json);
            }
        }
    }
    if (!bf_json_done(json)) {
        refuse_fault(message, json);
        return false;
    }
    return true;
}

static void observe_fields(struct bf_message *message)
{
    const struct bf_plan *plan = message->plan;
    bool any = false;
    for (size_t i = 0; i < plan->profile->reading_count; i++) {
        const struct bf_field *field = &message->fields[plan->values[i]];
        any = any || field->kind != BF_FIELD_MISSING;
        bf_normalise_observe(message, &(struct bf_observation){.reading = i, .value = field});
    }
    if (!any) {
        bf_message_refuse(message, BF_REJECT_missing_field, "none of the profile's readings is there");
    }
}

static bool name_matches(const struct bf_profile_reading *reading, struct bf_slice name)
{
    return reading->name.len == 0 || bf_slice_equal(reading->name, BF_SLICE("*")) ||
           bf_slice_equal(reading->name, name);
}

static void observe_item(struct state *state, const struct item *item, bool *matched)
{
    struct bf_message *message = state->message;
    const struct bf_profile *profile = message->plan->profile;
    message->item = item_text(state, item, ITEM_NAME);
    for (size_t i = 0; i < profile->reading_count; i++) {
        const struct bf_profile_reading *reading = &profile->readings[i];
        if (!name_matches(reading, message->item)) {
            continue;
        }
        enum bf_reject_reason reason =
            message->plan->varies ? bf_normalise_identity(message) : BF_REJECT_none;
        if (reason != BF_REJECT_none) {
            bf_message_reject(message, reason, "identity of an item");
            return;
        }
        const struct bf_field *field = &item->fields[state->program->readings[i]];
        if (field->kind == BF_FIELD_MISSING && reading->text) {
            int other = state->program->standard[ITEM_SV];
            other = item->fields[other].kind == BF_FIELD_MISSING ? state->program->standard[ITEM_VS] : other;
            field = &item->fields[other];
        }
        matched[i] = true;
        bf_normalise_observe(message, &(struct bf_observation){.reading = i,
                                                               .value = field,
                                                               .unit = item_text(state, item, ITEM_UNIT)});
        if (reading->path.count == 0) {
            return; /* the item's value is spoken for */
        }
    }
}

static void observe_items(struct state *state)
{
    struct bf_message *message = state->message;
    const struct bf_profile *profile = message->plan->profile;
    bool *matched = bf_arena_alloc(message->arena, profile->reading_count + 1);
    if (!matched || !state->found) {
        bf_message_refuse(message, matched ? BF_REJECT_missing_field : BF_REJECT_arena,
                          matched ? "the array of `each` is not there" : "no room for the items");
        return;
    }
    memset(matched, 0, profile->reading_count + 1);
    for (const struct item *item = state->items; item; item = item->next) {
        observe_item(state, item, matched);
    }
    message->item = (struct bf_slice){.len = 0};
    for (size_t i = 0; i < profile->reading_count; i++) {
        if (profile->readings[i].required && !matched[i]) {
            bf_message_reject(message, BF_REJECT_missing_field, "reading %zu: no item of its name", i + 1);
        }
    }
}

static const struct bf_field *field_or_item(const struct bf_message *message, int field, int item)
{
    if (field != BF_NO_FIELD && message->fields[field].kind == BF_FIELD_MISSING && item != BF_NO_FIELD) {
        field = item;
    }
    return field == BF_NO_FIELD ? NULL : &message->fields[field];
}

/* What all readings of the message share; false: refused. */
static bool read_head(struct bf_message *message)
{
    const struct bf_plan *plan = message->plan;
    enum bf_reject_reason reason =
        bf_normalise_time(message, field_or_item(message, plan->time, BF_NO_FIELD), plan->profile->time_unit);
    if (reason == BF_REJECT_none && !plan->varies) {
        reason = bf_normalise_identity(message);
        if (reason != BF_REJECT_none) {
            bf_message_refuse(message, reason, "the source's name");
        }
    } else if (reason != BF_REJECT_none) {
        bf_message_refuse(message, reason, "the event time");
    }
    if (reason != BF_REJECT_none) {
        return false;
    }
    bf_normalise_place(message, field_or_item(message, plan->lat, plan->item_lat),
                       field_or_item(message, plan->lon, plan->item_lon));
    return true;
}

static void decode(struct bf_message *message)
{
    struct state state = {.message = message, .program = message->plan->program};
    state.tail = &state.items;
    if (!bf_text_utf8(message->input->payload)) {
        bf_message_refuse(message, BF_REJECT_encoding, "the payload is not UTF-8");
        return;
    }
    bf_json_init(&state.json, message->input->payload, message->limits->max_depth);
    if (!bf_message_fields(message) || !read_payload(&state)) {
        return;
    }
    fill_from_items(&state);
    if (!read_head(message)) {
        return;
    }
    if (message->plan->profile->has_each) {
        observe_items(&state);
    } else {
        observe_fields(message);
    }
}

const struct bf_decoder bf_decoder_json = {
    .name = "json",
    .summary = "Takes values at fixed paths of a JSON payload, or the named items of an array in it.",
    .prepare = prepare,
    .release = release,
    .decode = decode,
};
