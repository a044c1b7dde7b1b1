/* binary.c: the binary decoder: frames of bytes and bits, as the profile describes them: a head, then fields
 * that repeat, or blocks that begin with their type.
 * At start each field becomes an operation that knows where its value goes, so that a frame costs a walk
 * over a table. All of a frame is read before anything goes out.
 * Declined: reading only the fields that a reading asks for: a frame that is too short must be told. */
#include <stdlib.h>

#include "ingest/decode/cbor_pull.h"
#include "ingest/decode/decoder.h"
#include "ingest/decode/observe.h"
#include "ingest/decode/text.h"

struct condition {
    int slot, want; /* one of them; the other is BF_NO_FIELD */
    const int64_t *values;
    size_t count;
};

struct operation {
    const struct bf_binary_field *field;
    int want; /* where the value goes */
    struct condition *conditions;
    size_t condition_count;
};

struct part { /* the head, the repeat or a block; its slots follow the head's */
    struct operation *operations;
    size_t count;
    int first_slot;
    uint64_t type;
};

struct program {
    struct part head, repeat, *blocks;
    size_t block_count;
    int times; /* slot, or BF_NO_FIELD */
    int type_length, size_length;
};

struct record {
    struct record *next;
    struct bf_field *fields;
};

struct state {
    struct bf_message *message;
    const struct program *program;
    const unsigned char *begin, *at, *end; /* of the frame; `end` of the block while one is read */
    struct bf_field *fields;               /* of the record at hand */
    struct record *records, **tail;
    int64_t slots[BF_BINARY_FIELDS];
    bool known[BF_BINARY_FIELDS];
};

static int find_slot(const struct bf_binary_field *fields, size_t count, struct bf_slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (bf_slice_equal(fields[i].name, name)) {
            return (int)i;
        }
    }
    return BF_NO_FIELD;
}

static enum bf_status prepare_conditions(const struct bf_plan *plan, const struct bf_profile_binary *binary,
                                         const struct part *part, struct operation *operation,
                                         const struct bf_binary_field *fields)
{
    const struct bf_binary_field *field = operation->field;
    operation->conditions = calloc(field->when_count + 1, sizeof *operation->conditions);
    if (!operation->conditions) {
        return BF_LIMIT;
    }
    for (; operation->condition_count < field->when_count; operation->condition_count++) {
        const struct bf_binary_when *when = &field->whens[operation->condition_count];
        struct condition *condition = &operation->conditions[operation->condition_count];
        *condition = (struct condition){
            .slot = BF_NO_FIELD, .want = BF_NO_FIELD, .values = when->values, .count = when->count};
        if (when->path.count > 0) {
            condition->want = bf_plan_find(plan, (struct bf_want){.path = &when->path});
            continue;
        }
        int own = find_slot(fields, (size_t)(field - fields), when->name);
        condition->slot = own == BF_NO_FIELD ? find_slot(binary->fields, binary->count, when->name)
                                             : part->first_slot + own;
    }
    return BF_OK;
}

static enum bf_status prepare_part(const struct bf_plan *plan, const struct bf_stage *stage,
                                   struct part *part, const struct bf_binary_field *fields, size_t count)
{
    const struct bf_profile_binary *binary = &plan->profile->binary;
    part->first_slot = fields == binary->fields ? 0 : (int)binary->count;
    part->operations = calloc(count + 1, sizeof *part->operations);
    if (!part->operations) {
        return BF_LIMIT;
    }
    for (; part->count < count; part->count++) {
        struct operation *operation = &part->operations[part->count];
        struct bf_path_step step = {.name = fields[part->count].name, .index = -1};
        const struct bf_path path = {.steps = &step, .count = 1};
        operation->field = &fields[part->count];
        operation->want = step.name.len > 0
                              ? bf_plan_find(plan, (struct bf_want){.path = &path, .inner = stage->inner})
                              : BF_NO_FIELD;
        if (prepare_conditions(plan, binary, part, operation, fields) != BF_OK) {
            return BF_LIMIT;
        }
    }
    return BF_OK;
}

static enum bf_status prepare(struct bf_plan *plan, struct bf_stage *stage, struct bf_err *err)
{
    const struct bf_profile_binary *binary = &plan->profile->binary;
    struct program *program = calloc(1, sizeof *program);
    if (!program) {
        return bf_err_set(err, BF_LIMIT, "out of memory");
    }
    stage->program = program;
    program->type_length = binary->type_length;
    program->size_length = binary->size_length;
    program->times =
        binary->times.len > 0 ? find_slot(binary->fields, binary->count, binary->times) : BF_NO_FIELD;
    program->blocks = calloc(binary->block_count + 1, sizeof *program->blocks);
    enum bf_status status = program->blocks ? BF_OK : BF_LIMIT;
    if (status == BF_OK) {
        status = prepare_part(plan, stage, &program->head, binary->fields, binary->count);
    }
    if (status == BF_OK) {
        status = prepare_part(plan, stage, &program->repeat, binary->repeat, binary->repeat_count);
    }
    for (; status == BF_OK && program->block_count < binary->block_count; program->block_count++) {
        const struct bf_binary_block *block = &binary->blocks[program->block_count];
        program->blocks[program->block_count].type = block->type;
        status =
            prepare_part(plan, stage, &program->blocks[program->block_count], block->fields, block->count);
    }
    return status == BF_OK ? BF_OK : bf_err_set(err, status, "out of memory");
}

static void release_part(struct part *part)
{
    for (size_t i = 0; part->operations && i <= part->count; i++) {
        free(part->operations[i].conditions); /* the last one's, where memory ran out there */
    }
    free(part->operations);
}

static void release(struct bf_stage *stage)
{
    struct program *program = stage->program;
    release_part(&program->head);
    release_part(&program->repeat);
    for (size_t i = 0; program->blocks && i <= program->block_count; i++) {
        release_part(&program->blocks[i]);
    }
    free(program->blocks);
    free(program);
    stage->program = NULL;
}

/* Up to eight bytes as an integer. */
static uint64_t load(const unsigned char *at, int length, bool little)
{
    uint64_t value = 0;
    for (int i = 0; i < length; i++) {
        value = value << 8 | at[little ? length - 1 - i : i];
    }
    return value;
}

static void put_integer(const struct bf_binary_field *field, uint64_t value, struct bf_field *out)
{
    int bits = field->bits > 0 ? field->bits : field->length * 8;
    value = field->bits > 0 ? value >> field->bit : value;
    value = bits < 64 ? value & ((UINT64_C(1) << bits) - 1) : value;
    if (field->type == BF_BINARY_INT && bits < 64 && (value >> (bits - 1) & 1) != 0) {
        value |= ~UINT64_C(0) << bits;
    }
    if (field->type == BF_BINARY_UINT && value > INT64_MAX) {
        *out = (struct bf_field){.kind = BF_FIELD_DOUBLE, .as.number = (double)value};
    } else {
        *out = (struct bf_field){.kind = BF_FIELD_INT, .as.integer = (int64_t)value};
    }
}

static double to_float(uint64_t bits, int length)
{
    uint32_t narrow_bits = (uint32_t)bits;
    float narrow;
    double wide;
    if (length == 2) {
        return bf_cbor_half(bits);
    }
    memcpy(&narrow, &narrow_bits, sizeof narrow);
    memcpy(&wide, &bits, sizeof wide);
    return length == 4 ? (double)narrow : wide;
}

/* Digits of four bits each; what is no digit is no value. */
static void put_bcd(uint64_t value, int length, struct bf_field *out)
{
    int64_t number = 0;
    *out = (struct bf_field){.kind = BF_FIELD_OTHER};
    for (int shift = length * 8 - 4; shift >= 0; shift -= 4) {
        unsigned digit = (unsigned)(value >> shift) & 15;
        if (digit > 9) {
            return;
        }
        number = number * 10 + digit;
    }
    *out = (struct bf_field){.kind = BF_FIELD_INT, .as.integer = number};
}

/* Up to its zeros. */
static void put_text(const unsigned char *at, int length, struct bf_field *out)
{
    const unsigned char *zero = memchr(at, 0, (size_t)length);
    const struct bf_slice text = {.data = (const char *)at,
                                  .len = zero ? (size_t)(zero - at) : (size_t)length};
    *out = (struct bf_field){.kind = bf_text_utf8(text) ? BF_FIELD_TEXT : BF_FIELD_BYTES, .as.text = text};
}

static void read_value(const struct bf_binary_field *field, const unsigned char *at, struct bf_field *out)
{
    if (field->type == BF_BINARY_TEXT) {
        put_text(at, field->length, out);
        return;
    }
    uint64_t value = load(at, field->length, field->little);
    if (field->type == BF_BINARY_FLOAT) {
        *out = (struct bf_field){.kind = BF_FIELD_DOUBLE, .as.number = to_float(value, field->length)};
    } else if (field->type == BF_BINARY_BCD) {
        put_bcd(value, field->length, out);
    } else {
        put_integer(field, value, out);
    }
}

static bool holds(const struct state *state, const struct operation *operation)
{
    for (size_t i = 0; i < operation->condition_count; i++) {
        const struct condition *condition = &operation->conditions[i];
        int64_t value = 0;
        bool good = condition->slot != BF_NO_FIELD
                        ? state->known[condition->slot]
                        : bf_field_int64(&state->message->fields[condition->want], &value);
        value = condition->slot != BF_NO_FIELD ? state->slots[condition->slot] : value;
        size_t j = 0;
        while (good && j < condition->count && condition->values[j] != value) {
            j++;
        }
        if (!good || j == condition->count) {
            return false;
        }
    }
    return true;
}

/* The fields of one part, from state->at on; false: refused. */
static bool read_part(struct state *state, const struct part *part)
{
    const unsigned char *begin = state->at, *behind = begin;
    for (size_t i = 0; i < part->count; i++) {
        const struct operation *operation = &part->operations[i];
        const struct bf_binary_field *field = operation->field;
        size_t slot = (size_t)part->first_slot + i;
        struct bf_field value;
        state->known[slot] = false;
        if (operation->condition_count > 0 && !holds(state, operation)) {
            continue;
        }
        size_t at = field->has_at ? (size_t)field->at : (size_t)(state->at - begin);
        if (at + (size_t)field->length > (size_t)(state->end - begin)) {
            if (field->optional) {
                continue;
            }
            bf_message_refuse(state->message, BF_REJECT_malformed, "at byte %zu: expected %d bytes of %.*s",
                              (size_t)(begin - state->begin) + at, field->length, BF_SLICE_ARG(field->name));
            return false;
        }
        read_value(field, begin + at, &value);
        state->at = begin + at + field->length;
        behind = state->at > behind ? state->at : behind;
        state->known[slot] = value.kind == BF_FIELD_INT;
        state->slots[slot] = value.as.integer;
        if (operation->want != BF_NO_FIELD && state->fields[operation->want].kind == BF_FIELD_MISSING) {
            state->fields[operation->want] = value;
        }
    }
    state->at = behind; /* what comes next is behind all of it, also where fields go back */
    return true;
}

/* Another record, which has what the head and the envelope had; false: refused. */
static bool new_record(struct state *state)
{
    struct bf_message *message = state->message;
    size_t size = message->plan->want_count * sizeof *message->fields;
    struct record *record = bf_arena_alloc(message->arena, sizeof *record);
    struct bf_field *fields = bf_arena_alloc(message->arena, size + 1);
    if (!record || !fields) {
        bf_message_refuse(message, BF_REJECT_arena, "no room for the records");
        return false;
    }
    memcpy(fields, message->fields, size);
    *record = (struct record){.fields = fields};
    state->fields = fields;
    *state->tail = record;
    state->tail = &record->next;
    return true;
}

static bool read_repeats(struct state *state)
{
    const struct program *program = state->program;
    int64_t left = INT64_MAX;
    if (program->times != BF_NO_FIELD) {
        left = state->known[program->times] ? state->slots[program->times] : 0;
    }
    for (; left > 0 && (state->at < state->end || program->times != BF_NO_FIELD); left--) {
        const unsigned char *before = state->at;
        if (!new_record(state) || !read_part(state, &program->repeat)) {
            return false;
        }
        if (state->at == before) { /* conditions that leave nothing: it would go on for ever */
            bf_message_refuse(state->message, BF_REJECT_malformed, "at byte %zu: a repeat of no bytes",
                              (size_t)(before - state->begin));
            return false;
        }
    }
    return true;
}

static const struct part *find_block(const struct program *program, uint64_t type)
{
    for (size_t i = 0; i < program->block_count; i++) {
        if (program->blocks[i].type == type) {
            return &program->blocks[i];
        }
    }
    return NULL;
}

static bool read_blocks(struct state *state)
{
    const struct program *program = state->program;
    const unsigned char *end = state->end;
    int head = program->type_length + program->size_length;
    while (state->at < end) {
        size_t offset = (size_t)(state->at - state->begin);
        if (end - state->at < head) {
            bf_message_refuse(state->message, BF_REJECT_malformed, "at byte %zu: expected a block", offset);
            return false;
        }
        const struct part *part = find_block(program, load(state->at, program->type_length, false));
        size_t size = (size_t)load(state->at + program->type_length, program->size_length, false);
        state->at += head;
        bool sized = program->size_length > 0;
        if (sized ? size > (size_t)(end - state->at) : !part) {
            bf_message_refuse(state->message, BF_REJECT_malformed, "at byte %zu: expected %s", offset,
                              sized ? "as many bytes as announced" : "a type that the profile knows");
            return false;
        }
        const unsigned char *next = state->at + size;
        state->end = sized ? next : end;
        if (part && !read_part(state, part)) {
            return false;
        }
        state->at = sized ? next : state->at;
        state->end = end;
    }
    return true;
}

static void decode(struct bf_message *message, const struct bf_stage *stage, struct bf_slice payload)
{
    const struct program *program = stage->program;
    struct state state;
    if (!bf_message_fields(message)) {
        return;
    }
    state.message = message;
    state.program = program;
    state.begin = state.at = (const unsigned char *)(payload.len > 0 ? payload.data : "");
    state.end = state.begin + payload.len;
    state.fields = message->fields;
    state.records = NULL;
    state.tail = &state.records;
    bool repeats = program->repeat.count > 0;
    if (!read_part(&state, &program->head) || (repeats && !read_repeats(&state)) ||
        (program->block_count > 0 && !read_blocks(&state))) {
        return;
    }
    if (!repeats) {
        if (bf_observe_head(message)) {
            bf_observe_fields(message);
        }
        return;
    }
    message->part = true;
    for (const struct record *record = state.records; record; record = record->next) {
        message->fields = record->fields;
        if (bf_observe_head(message)) {
            bf_observe_fields(message);
        }
    }
}

const struct bf_decoder bf_decoder_binary = {
    .name = "binary",
    .summary = "Takes fields of bytes and bits out of frames that the profile describes, such as LoRaWAN's.",
    .prepare = prepare,
    .release = release,
    .decode = decode,
};
