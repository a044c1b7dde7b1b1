/* document.c: from the tree of a payload to observations: paths and lists are compiled once, then
 * each payload is read once, from front to back.
 * All items are kept until the payload is through, because source and place may be items themselves.
 * Declined: streaming readings out while the payload is being read: a fault in its last byte must
 * refuse it whole, or a redelivered message could give other readings than the first time. */
#include "ingest/decode/document.h"

#include <stdlib.h>

#include "ingest/decode/observe.h"
#include "ingest/decode/text.h"
#include "ingest/decode/tree.h"

enum item_field { ITEM_NAME, ITEM_VALUE, ITEM_UNIT, ITEM_SV, ITEM_VS, ITEM_FIELDS };

struct program {
    const struct bf_reader_kind *kind;
    struct bf_tree root, record, item;
    bool records, last; /* last: no inner format follows */
    int item_fields;
    int standard[ITEM_FIELDS]; /* fields of an item */
    int *readings;             /* by reading: field of an item */
    int *wants;                /* by want with an item: field of that item */
};

struct item {
    struct item *next;
    struct bf_slice key; /* of a map */
    struct bf_field fields[];
};

struct record { /* one message of `records`; without them, the payload */
    struct record *next;
    struct bf_field *fields;
    struct item *items, **tail;
    bool found; /* the list of `each` was there */
};

struct state {
    struct bf_message *message;
    const struct program *program;
    struct bf_reader reader;
    struct record *records, **tail, *record; /* `record` is being read, or observed */
    bool *root_seen, *record_seen, *item_seen;
    bool found; /* the list of `records` was there */
    bool no_room;
};

void bf_document_release(struct bf_stage *stage)
{
    struct program *program = stage->program;
    bf_tree_deinit(&program->root);
    bf_tree_deinit(&program->record);
    bf_tree_deinit(&program->item);
    free(program->readings);
    free(program->wants);
    free(program);
    stage->program = NULL;
}

static bool add_item_path(struct program *program, const struct bf_path *path, int *field)
{
    *field = bf_tree_add(&program->item, path, program->item_fields);
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
    bool ok = bf_tree_list(program->records ? &program->record : &program->root, &profile->each);
    for (size_t i = 0; i < ITEM_FIELDS; i++) {
        program->standard[i] = BF_NO_FIELD;
        /* Without a path there is no unit, the name is a key, and the value is the item itself. */
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

enum bf_status bf_document_prepare(struct bf_plan *plan, struct bf_stage *stage,
                                   const struct bf_reader_kind *kind, struct bf_err *err)
{
    const struct bf_profile *profile = plan->profile;
    struct program *program = calloc(1, sizeof *program);
    if (!program) {
        return bf_err_set(err, BF_LIMIT, "out of memory");
    }
    stage->program = program;
    program->kind = kind;
    program->last = stage->inner == profile->has_inner;
    program->records = program->last && (profile->has_records || kind->rows);
    program->readings = calloc(profile->reading_count + 1, sizeof *program->readings);
    program->wants = calloc(plan->want_count + 1, sizeof *program->wants);
    bool ok = program->readings && program->wants;
    for (size_t i = 0; ok && i < plan->want_count; i++) {
        const struct bf_want *want = &plan->wants[i];
        if (want->item.len == 0 && want->inner == stage->inner) {
            ok = bf_tree_add(&program->root, want->path, (int)i) == (int)i &&
                 (!program->records || bf_tree_add(&program->record, want->path, (int)i) == (int)i);
        }
    }
    if (ok && program->records) {
        ok = bf_tree_list(&program->root, &profile->records);
    }
    if (ok && program->last && profile->has_each) {
        ok = prepare_items(program, plan);
    }
    return ok ? BF_OK : bf_err_set(err, BF_LIMIT, "out of memory");
}

/* One item of the list of `each`, behind the others. */
static void read_item(struct state *state, struct bf_slice key)
{
    const struct program *program = state->program;
    struct record *record = state->record;
    size_t count = (size_t)program->item_fields;
    struct item *item = bf_arena_alloc(state->message->arena, sizeof *item + count * sizeof item->fields[0]);
    if (!item) {
        state->no_room = true;
        state->reader.kind->skip_value(&state->reader);
        return;
    }
    item->next = NULL;
    item->key = key;
    for (size_t i = 0; i < count; i++) {
        item->fields[i].kind = BF_FIELD_MISSING;
    }
    memset(state->item_seen, 0, program->item.count * sizeof *state->item_seen);
    bf_tree_walk(&(struct bf_tree_walk){
        .tree = &program->item,
        .reader = &state->reader,
        .fields = item->fields,
        .seen = state->item_seen,
    });
    *record->tail = item;
    record->tail = &item->next;
}

static void read_items(void *context)
{
    struct state *state = context;
    struct bf_reader *reader = &state->reader;
    struct bf_reader_level level;
    struct bf_json_text key = {.escaped = false};
    bool map = reader->kind->peek(reader) == BF_READER_MAP;
    if (map && state->program->standard[ITEM_NAME] != BF_NO_FIELD) {
        reader->kind->skip_value(reader); /* names lie in the items, so this is not their list */
        return;
    }
    state->record->found = true;
    if (!reader->kind->enter(reader, &level)) {
        return;
    }
    while (map ? reader->kind->key(reader, &level, &key) : reader->kind->item(reader, &level)) {
        read_item(state, bf_reader_name(reader, key));
    }
}

/* A record with its fields, all missing; NULL: refused. */
static struct record *new_record(struct state *state, struct bf_field *fields)
{
    size_t count = state->message->plan->want_count;
    struct record *record = bf_arena_alloc(state->message->arena, sizeof *record);
    if (record && !fields) {
        fields = bf_arena_alloc(state->message->arena, (count + 1) * sizeof *fields);
        for (size_t i = 0; fields && i < count; i++) {
            fields[i].kind = BF_FIELD_MISSING;
        }
    }
    if (!record || !fields) {
        state->no_room = true;
        return NULL;
    }
    *record = (struct record){.fields = fields};
    record->tail = &record->items;
    *state->tail = record;
    state->tail = &record->next;
    state->record = record;
    return record;
}

static void read_records(void *context)
{
    struct state *state = context;
    struct bf_reader *reader = &state->reader;
    struct bf_reader_level level;
    if (reader->kind->peek(reader) != BF_READER_LIST) {
        reader->kind->skip_value(reader);
        return;
    }
    state->found = true;
    if (!reader->kind->enter(reader, &level)) {
        return;
    }
    while (reader->kind->item(reader, &level)) {
        struct record *record = new_record(state, NULL);
        if (!record) {
            reader->kind->skip_value(reader);
            continue;
        }
        memset(state->record_seen, 0, state->program->record.count * sizeof *state->record_seen);
        bf_tree_walk(&(struct bf_tree_walk){
            .tree = &state->program->record,
            .reader = reader,
            .fields = record->fields,
            .seen = state->record_seen,
            .list = read_items,
            .context = state,
        });
    }
}

static struct bf_slice item_text(const struct state *state, const struct item *item, enum item_field which)
{
    struct bf_slice text = which == ITEM_NAME ? item->key : (struct bf_slice){.len = 0};
    int field = state->program->standard[which];
    if (field != BF_NO_FIELD && !bf_field_name(&item->fields[field], state->message->arena, &text)) {
        text.len = 0;
    }
    return text;
}

/* The wants that lie in an item of a certain name: the first of that name has it. */
static void fill_from_items(const struct state *state)
{
    const struct bf_plan *plan = state->message->plan;
    for (size_t i = 0; i < plan->want_count; i++) {
        const struct bf_want *want = &plan->wants[i];
        const struct item *item = want->item.len > 0 ? state->record->items : NULL;
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

/* The payload behind its key, if it has one. */
static void walk_payload(struct state *state)
{
    const struct bf_tree_walk walk = {
        .tree = &state->program->root,
        .reader = &state->reader,
        .fields = state->message->fields,
        .seen = state->root_seen,
        .list = state->program->records ? read_records : read_items,
        .context = state,
    };
    const struct bf_reader_kind *kind = state->reader.kind;
    struct bf_reader_level level;
    struct bf_json_text key;
    if (state->message->plan->profile->key_count == 0) {
        bf_tree_walk(&walk);
    } else if (kind->enter(&state->reader, &level)) { /* the pipeline has looked at the first key */
        for (bool inside = true; kind->key(&state->reader, &level, &key); inside = false) {
            if (inside) {
                bf_tree_walk(&walk);
            } else {
                kind->skip_value(&state->reader);
            }
        }
    }
}

/* The whole payload into fields, records and items; false: refused. */
static bool read_payload(struct state *state)
{
    struct bf_message *message = state->message;
    const struct program *program = state->program;
    struct bf_reader_fault fault;
    size_t nodes = (size_t)program->root.count + program->record.count + program->item.count;
    state->root_seen = bf_arena_alloc(message->arena, nodes + 1);
    if (!state->root_seen || (!program->records && !new_record(state, message->fields))) {
        bf_message_refuse(message, BF_REJECT_arena, "no room for the fields of the profile");
        return false;
    }
    memset(state->root_seen, 0, nodes + 1);
    state->record_seen = state->root_seen + program->root.count;
    state->item_seen = state->record_seen + program->record.count;
    walk_payload(state);
    if (!state->reader.kind->done(&state->reader, &fault)) {
        bf_message_refuse(message, fault.reason, "at byte %zu: expected %s", fault.offset, fault.expected);
    } else if (state->no_room) {
        bf_message_refuse(message, BF_REJECT_arena, "no room for the items");
    } else if (program->records && !state->found) {
        bf_message_refuse(message, BF_REJECT_missing_field, "the list of `records` is not there");
    }
    return message->refusal.reason == BF_REJECT_none;
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
    if (!matched || !state->record->found) {
        bf_message_fail(message, matched ? BF_REJECT_missing_field : BF_REJECT_arena,
                        matched ? "the list of `each` is not there" : "no room for the items");
        return;
    }
    memset(matched, 0, profile->reading_count + 1);
    for (const struct item *item = state->record->items; item; item = item->next) {
        observe_item(state, item, matched);
    }
    message->item = (struct bf_slice){.len = 0};
    for (size_t i = 0; i < profile->reading_count; i++) {
        if (profile->readings[i].required && !matched[i]) {
            bf_message_reject(message, BF_REJECT_missing_field, "reading %zu: no item of its name", i + 1);
        }
    }
}

/* What a record lacks is looked for at the top. */
static void inherit(const struct state *state, const struct bf_field *top)
{
    for (size_t i = 0; i < state->message->plan->want_count; i++) {
        if (state->record->fields[i].kind == BF_FIELD_MISSING) {
            state->record->fields[i] = top[i];
        }
    }
}

static void observe_records(struct state *state)
{
    struct bf_message *message = state->message;
    const struct bf_field *top = message->fields;
    message->part = state->program->records;
    for (state->record = state->records; state->record; state->record = state->record->next) {
        if (state->program->records) {
            inherit(state, top);
            message->fields = state->record->fields;
        }
        if (!message->plan->profile->has_each) {
            if (bf_observe_head(message)) {
                bf_observe_fields(message);
            }
            continue;
        }
        fill_from_items(state);
        if (bf_observe_head(message)) {
            observe_items(state);
        }
    }
}

void bf_document_decode(struct bf_message *message, const struct bf_stage *stage, struct bf_slice payload)
{
    const struct program *program = stage->program;
    struct state state = {.message = message, .program = program};
    state.tail = &state.records;
    if (program->kind->utf8 && !bf_text_utf8(payload)) {
        bf_message_refuse(message, BF_REJECT_encoding, "the payload is not UTF-8");
        return;
    }
    state.reader.profile = message->plan->profile;
    bf_reader_init(&state.reader, program->kind, payload, message->limits->max_depth, message->arena);
    if (!bf_message_fields(message) || !read_payload(&state)) {
        return;
    }
    if (program->last) {
        observe_records(&state);
    } else {
        bf_message_inner(message);
    }
}
