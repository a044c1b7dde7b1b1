/* leaf.c: see leaf.h. Declined: a tree of the payload: every value is looked at once, where it stands. */
#include "cli/leaf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/time.h"
#include "ingest/decode/json_pull.h"
#include "ingest/decode/text.h"

#define DEPTH 32
#define INDICES 8
#define DAY_US (86400 * BF_US_PER_S)
#define YEAR_2000 946684800.0
#define YEAR_2100 4102444800.0

static const char *const item_names[] = {"n",         "name",      "value_type", "type",    "key", "sensor",
                                         "parameter", "measurand", "quantity",   "channel", "id",  NULL};
static const char *const item_values[] = {"v", "value", "val", "reading", "measurement", "result", NULL};
static const char *const item_units[] = {"u", "unit", "units", "uom", NULL};

struct walk {
    struct bf_leaves *leaves;
    struct bf_arena *arena;
    struct bf_json json;
    char path[BF_LEAF_PATH];
    size_t len;
    char name[64];
    bool of_item, full;
    int64_t at_us;
};

void bf_leaves_clear(struct bf_leaves *leaves)
{
    free(leaves->list);
    *leaves = (struct bf_leaves){.count = 0};
}

/* ---- one value */

static struct bf_leaf *leaf_of(struct walk *walk, const char *path, bool item)
{
    struct bf_leaves *leaves = walk->leaves;
    for (size_t i = 0; i < leaves->count; i++) {
        if (leaves->list[i].item == item && strcmp(leaves->list[i].path, path) == 0) {
            return &leaves->list[i];
        }
    }
    if (leaves->list == NULL) {
        leaves->list = calloc(BF_LEAVES, sizeof *leaves->list);
    }
    if (leaves->list == NULL || leaves->count == BF_LEAVES) {
        walk->full = leaves->list == NULL;
        return NULL;
    }
    struct bf_leaf *leaf = &leaves->list[leaves->count++];
    *leaf = (struct bf_leaf){.item = item, .of_item = walk->of_item, .low = INFINITY, .high = -INFINITY};
    (void)snprintf(leaf->path, sizeof leaf->path, "%s", path);
    (void)snprintf(leaf->name, sizeof leaf->name, "%s", walk->name);
    return leaf;
}

static void note_value(struct bf_leaf *leaf, struct bf_slice text)
{
    char value[BF_LEAF_VALUE];
    (void)snprintf(value, sizeof value, "%.*s", (int)(text.len < 47 ? text.len : 47), text.data);
    for (size_t i = 0; i < leaf->value_count; i++) {
        if (strcmp(leaf->values[i], value) == 0) {
            return;
        }
    }
    leaf->many = leaf->many || leaf->value_count == BF_LEAF_VALUES;
    if (leaf->value_count < BF_LEAF_VALUES) {
        memcpy(leaf->values[leaf->value_count++], value, sizeof value);
    }
}

static void note_time(struct bf_leaf *leaf, enum bf_leaf_time kind, int64_t time_us, int64_t at_us)
{
    leaf->times[kind]++;
    leaf->near[kind] += llabs(time_us - at_us) < DAY_US;
}

static void note_number(struct bf_leaf *leaf, double number, int64_t at_us)
{
    static const double units[] = {[BF_LEAF_S] = 1, [BF_LEAF_MS] = 1e3, [BF_LEAF_US] = 1e6};
    leaf->falls += leaf->numbers > 0 && number < leaf->last;
    leaf->last = number;
    leaf->numbers++;
    leaf->integers += floor(number) >= number;
    leaf->low = fmin(leaf->low, number);
    leaf->high = fmax(leaf->high, number);
    for (int i = 0; i < 3; i++) {
        double seconds = number / units[i];
        if (seconds > YEAR_2000 && seconds < YEAR_2100) {
            note_time(leaf, (enum bf_leaf_time)i, (int64_t)(seconds * 1e6), at_us);
        }
    }
}

static void note(struct walk *walk, const char *path, bool item, const struct bf_field *field)
{
    char scratch[BF_FIELD_SCRATCH];
    double number;
    int64_t time_us;
    if (field->kind == BF_FIELD_NULL || field->kind == BF_FIELD_MISSING || field->kind == BF_FIELD_OTHER) {
        return;
    }
    struct bf_leaf *leaf = leaf_of(walk, path, item);
    if (leaf == NULL) {
        return;
    }
    leaf->seen++;
    note_value(leaf, bf_field_text(field, scratch));
    if (field->kind == BF_FIELD_BOOL) {
        leaf->bools++;
    } else if (bf_field_double(field, &number) == BF_FIELD_OK) {
        note_number(leaf, number, walk->at_us);
    } else if (field->kind == BF_FIELD_TEXT) {
        leaf->texts++;
        if (bf_time_parse_rfc3339(field->as.text, &time_us) == BF_OK) {
            note_time(leaf, BF_LEAF_RFC3339, time_us, walk->at_us);
        }
    }
}

/* ---- the way through a payload */

/* ".name", or ["na me"]; false where it does not fit or cannot be written as a path. */
static bool push_name(struct walk *walk, struct bf_slice name)
{
    bool plain = name.len > 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        plain = plain && (word || c == '-');
        if (c == '"' || c == '\\' || c == ']' || c == '\'' || (unsigned char)c < 0x20) {
            return false;
        }
    }
    int len = snprintf(walk->path + walk->len, sizeof walk->path - walk->len, plain ? ".%.*s" : "[\"%.*s\"]",
                       BF_SLICE_ARG(name));
    if (len < 0 || walk->len + (size_t)len >= sizeof walk->path) {
        return false;
    }
    walk->len += (size_t)len;
    (void)snprintf(walk->name, sizeof walk->name, "%.*s", BF_SLICE_ARG(name));
    return true;
}

static bool push_index(struct walk *walk, size_t index)
{
    int len = snprintf(walk->path + walk->len, sizeof walk->path - walk->len, "[%zu]", index);
    if (len < 0 || walk->len + (size_t)len >= sizeof walk->path) {
        return false;
    }
    walk->len += (size_t)len;
    return true;
}

static void pop(struct walk *walk, size_t len)
{
    walk->len = len;
    walk->path[len] = '\0';
}

static bool one_of(const char *const *names, struct bf_slice name, size_t *rank)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (bf_slice_equal(bf_slice_of(names[i]), name)) {
            *rank = i;
            return true;
        }
    }
    return false;
}

struct item {
    struct bf_slice name_key, value_key, unit_key, name;
    struct bf_field value;
    size_t name_rank;
};

/* The members of an object that make it an item; the reader is a copy and stays where it is. */
static bool read_item(struct bf_json json, struct bf_arena *arena, struct item *item)
{
    struct bf_json_text key;
    bool first = true;
    size_t rank = 0;
    *item = (struct item){.name_rank = SIZE_MAX};
    if (bf_json_peek(&json) != BF_JSON_OBJECT || !bf_json_enter(&json)) {
        return false;
    }
    while (bf_json_key(&json, &first, &key)) {
        struct bf_field field;
        bf_json_field(&json, arena, &field);
        if (one_of(item_names, key.raw, &rank) && field.kind == BF_FIELD_TEXT && rank < item->name_rank) {
            item->name_key = key.raw;
            item->name = field.as.text;
            item->name_rank = rank;
        } else if (one_of(item_values, key.raw, &rank)) {
            item->value_key = key.raw;
            item->value = field;
        } else if (one_of(item_units, key.raw, &rank) && field.kind == BF_FIELD_TEXT) {
            item->unit_key = key.raw;
        }
    }
    return json.fault == BF_JSON_OK && item->name_key.len > 0;
}

static void walk_value(struct walk *walk, size_t depth);

static void walk_object(struct walk *walk, size_t depth)
{
    struct bf_json_text key;
    bool first = true;
    size_t len = walk->len;
    char name[sizeof walk->name];
    memcpy(name, walk->name, sizeof name);
    bool in = bf_json_enter(&walk->json);
    while (in && bf_json_key(&walk->json, &first, &key)) {
        if (!key.escaped && push_name(walk, key.raw)) {
            if (walk->of_item) { /* "$.e[2].v" is named after its item */
                memcpy(walk->name, name, sizeof name);
            }
            walk_value(walk, depth + 1);
        } else {
            bf_json_skip(&walk->json);
        }
        pop(walk, len);
    }
    memcpy(walk->name, name, sizeof name);
}

static void note_item(struct walk *walk, const struct item *item)
{
    char name[BF_LEAF_PATH];
    (void)snprintf(name, sizeof name, "%.*s", BF_SLICE_ARG(item->name));
    (void)snprintf(walk->name, sizeof walk->name, "%.*s", BF_SLICE_ARG(item->name));
    if (item->value_key.len > 0) {
        note(walk, name, true, &item->value);
    }
}

static void walk_array(struct walk *walk, size_t depth)
{
    bool first = true, items = strcmp(walk->path, walk->leaves->each.path) == 0;
    size_t len = walk->len;
    char name[sizeof walk->name];
    memcpy(name, walk->name, sizeof name);
    bool in = bf_json_enter(&walk->json);
    for (size_t i = 0; in && bf_json_item(&walk->json, &first); i++) {
        struct item item;
        if (items && read_item(walk->json, walk->arena, &item)) {
            note_item(walk, &item);
            walk->of_item = true;
        }
        if (i < INDICES && push_index(walk, i)) {
            walk_value(walk, depth + 1);
        } else {
            bf_json_skip(&walk->json);
        }
        walk->of_item = false;
        memcpy(walk->name, name, sizeof name);
        pop(walk, len);
    }
}

static void walk_value(struct walk *walk, size_t depth)
{
    struct bf_field field;
    enum bf_json_type type = bf_json_peek(&walk->json);
    if (depth < DEPTH && type == BF_JSON_OBJECT) {
        walk_object(walk, depth);
    } else if (depth < DEPTH && type == BF_JSON_ARRAY) {
        walk_array(walk, depth);
    } else {
        bf_json_field(&walk->json, walk->arena, &field);
        note(walk, walk->path, false, &field);
    }
}

/* Into {"KEY": here}; false: it is not of that form. */
static bool enter_key(struct bf_json *json, struct bf_json_text *key)
{
    bool first = true;
    return bf_json_peek(json) == BF_JSON_OBJECT && bf_json_enter(json) && bf_json_key(json, &first, key);
}

enum bf_status bf_leaves_add(struct bf_leaves *leaves, struct bf_slice payload, bool keyed, int64_t at_us,
                             struct bf_arena *arena, struct bf_err *err)
{
    struct walk walk = {.leaves = leaves, .arena = arena, .path = "$", .len = 1, .at_us = at_us};
    struct bf_json_text key;
    bf_arena_reset(arena);
    bf_json_init(&walk.json, payload, DEPTH * 2);
    if (!keyed || enter_key(&walk.json, &key)) {
        walk_value(&walk, 0);
    }
    return walk.full ? bf_err_set(err, BF_LIMIT, "no memory") : BF_OK;
}

/* ---- forms */

/* [{"bn": ...}] or [{"n": ..., "v": ...}] */
static bool is_senml(struct bf_json json)
{
    struct bf_json_text key;
    bool first = true, first_key = true, named = false, value = false;
    if (!bf_json_enter(&json) || !bf_json_item(&json, &first) || bf_json_peek(&json) != BF_JSON_OBJECT ||
        !bf_json_enter(&json)) {
        return false;
    }
    while (bf_json_key(&json, &first_key, &key)) {
        named = named || bf_slice_equal(key.raw, BF_SLICE("n")) || bf_slice_equal(key.raw, BF_SLICE("bn"));
        value = value || bf_slice_equal(key.raw, BF_SLICE("v")) || bf_slice_equal(key.raw, BF_SLICE("bt")) ||
                bf_slice_equal(key.raw, BF_SLICE("t")) || bf_slice_equal(key.raw, BF_SLICE("vs"));
        bf_json_skip(&json);
    }
    return named && value;
}

enum bf_leaf_form bf_leaves_form(struct bf_slice payload, struct bf_slice *key)
{
    struct bf_json json;
    struct bf_json_text text;
    bool first = true;
    bf_json_init(&json, payload, DEPTH * 2);
    if (!bf_text_utf8(payload)) {
        return BF_FORM_OTHER;
    }
    enum bf_json_type type = bf_json_peek(&json);
    if (type == BF_JSON_ARRAY) {
        return is_senml(json) ? BF_FORM_SENML : BF_FORM_OTHER;
    }
    if (type != BF_JSON_OBJECT || !bf_json_enter(&json)) {
        return BF_FORM_OTHER;
    }
    size_t members = 0;
    bool inner = false;
    while (bf_json_key(&json, &first, &text)) {
        inner = members++ == 0 && !text.escaped && bf_json_peek(&json) == BF_JSON_OBJECT;
        *key = text.raw;
        bf_json_skip(&json);
    }
    if (!bf_json_done(&json)) {
        return BF_FORM_OTHER;
    }
    return members == 1 && inner ? BF_FORM_KEYED : BF_FORM_OBJECT;
}

/* ---- lists of items */

static void look(struct bf_leaves *leaves, struct walk *walk, size_t depth)
{
    struct bf_json *json = &walk->json;
    struct bf_json_text key;
    bool first = true;
    size_t len = walk->len;
    enum bf_json_type type = bf_json_peek(json);
    if (depth == DEPTH || (type != BF_JSON_OBJECT && type != BF_JSON_ARRAY)) {
        bf_json_skip(json);
        return;
    }
    bool in = bf_json_enter(json);
    while (in && type == BF_JSON_OBJECT && bf_json_key(json, &first, &key)) {
        if (!key.escaped && push_name(walk, key.raw)) {
            look(leaves, walk, depth + 1);
        } else {
            bf_json_skip(json);
        }
        pop(walk, len);
    }
    while (in && type == BF_JSON_ARRAY && bf_json_item(json, &first)) {
        struct bf_leaf_each *each = &leaves->each;
        struct item item;
        bool is_item = read_item(*json, walk->arena, &item) && item.value_key.len > 0;
        if (is_item && each->path[0] == '\0') { /* the first list wins */
            memcpy(each->path, walk->path, sizeof each->path);
            (void)snprintf(each->name, sizeof each->name, "%.*s", BF_SLICE_ARG(item.name_key));
            (void)snprintf(each->value, sizeof each->value, "%.*s", BF_SLICE_ARG(item.value_key));
        }
        if (is_item && strcmp(each->path, walk->path) == 0) {
            each->seen++;
            (void)snprintf(each->unit, sizeof each->unit, "%.*s", BF_SLICE_ARG(item.unit_key));
        }
        bf_json_skip(json);
    }
}

void bf_leaves_look_for_each(struct bf_leaves *leaves, struct bf_slice payload, bool keyed)
{
    struct walk walk = {.leaves = leaves, .path = "$", .len = 1};
    struct bf_json_text key;
    walk.arena = bf_arena_create(payload.len + 4096);
    if (walk.arena == NULL) {
        return;
    }
    bf_json_init(&walk.json, payload, DEPTH * 2);
    if (!keyed || enter_key(&walk.json, &key)) {
        look(leaves, &walk, 0);
    }
    bf_arena_destroy(walk.arena);
}
