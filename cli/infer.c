/* infer.c: see infer.h. Every decision is a rule that can be said in a sentence, so that a person who
 * disagrees knows what to change.
 * Declined: formats that are not JSON: bytes show neither names nor types. */
#include "cli/infer.h"

#include <stdlib.h>

#define MOSTLY 0.95 /* of the messages */
#define ARENA (4u << 20)

static bool mostly(uint64_t part, uint64_t whole)
{
    return whole > 0 && (double)part >= MOSTLY * (double)whole;
}

/* ---- topics */

static size_t level_of(struct bf_slice topic, size_t index, struct bf_slice *level)
{
    size_t count = 0;
    for (size_t at = 0; at <= topic.len; count++) {
        const char *slash = at < topic.len ? memchr(topic.data + at, '/', topic.len - at) : NULL;
        size_t end = slash != NULL ? (size_t)(slash - topic.data) : topic.len;
        if (count == index) {
            *level = (struct bf_slice){topic.data + at, end - at};
        }
        at = end + 1;
    }
    return count;
}

static void note_level(struct bf_infer_level *level, struct bf_slice text)
{
    char value[64];
    (void)snprintf(value, sizeof value, "%.*s", BF_SLICE_ARG(text));
    for (size_t i = 0; i < level->count; i++) {
        if (strcmp(level->values[i], value) == 0) {
            return;
        }
    }
    level->many = level->many || level->count == BF_INFER_VALUES;
    if (level->count < BF_INFER_VALUES) {
        memcpy(level->values[level->count++], value, sizeof value);
    }
}

static void look_at_topics(struct bf_proposal *proposal)
{
    const struct bf_sample *sample = proposal->sample;
    size_t least = SIZE_MAX, most = 0;
    struct bf_slice level = {.len = 0};
    for (size_t i = 0; i < sample->count; i++) {
        size_t count = level_of(sample->messages[i].topic, SIZE_MAX, &level);
        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    proposal->rest = most > least || least > BF_INFER_LEVELS;
    proposal->fixed = least < BF_INFER_LEVELS ? least : BF_INFER_LEVELS;
    for (size_t i = 0; i < sample->count; i++) {
        for (size_t at = 0; at < proposal->fixed; at++) {
            (void)level_of(sample->messages[i].topic, at, &level);
            note_level(&proposal->levels[at], level);
        }
    }
}

/* Names of devices hold digits; words are kinds and places. */
static bool looks_like_device(const struct bf_infer_level *level)
{
    size_t with = 0;
    for (size_t i = 0; i < level->count; i++) {
        bool plain = strpbrk(level->values[i], ":;") == NULL; /* no times, no places */
        with += plain && strpbrk(level->values[i], "0123456789") != NULL;
    }
    return level->count > 0 && mostly(with, level->count);
}

/* The first varying level that holds digits, else the only varying one, else (one device) the last that holds
 * digits, else the last. */
static void choose_level(struct bf_proposal *proposal)
{
    size_t varying = 0, chosen = SIZE_MAX, only = SIZE_MAX;
    for (size_t i = 0; i < proposal->fixed; i++) {
        const struct bf_infer_level *level = &proposal->levels[i];
        if (level->count > 1) {
            varying++;
            only = i;
            chosen = chosen == SIZE_MAX && looks_like_device(level) ? i : chosen;
        }
    }
    chosen = chosen == SIZE_MAX && varying == 1 ? only : chosen;
    for (size_t i = proposal->fixed; chosen == SIZE_MAX && i > 0; i--) {
        chosen = looks_like_device(&proposal->levels[i - 1]) ? i - 1 : chosen;
    }
    chosen = chosen == SIZE_MAX ? proposal->fixed - 1 : chosen;
    proposal->levels[chosen].device = true;
}

/* Varying levels at the end that nothing needs become one #. */
static void cut_tail(struct bf_proposal *proposal)
{
    size_t needed = 0;
    for (size_t i = 0; i < proposal->fixed; i++) {
        needed = proposal->levels[i].count == 1 || proposal->levels[i].device ? i + 1 : needed;
    }
    if (proposal->rest || proposal->fixed > needed + 1) {
        proposal->rest = proposal->rest || proposal->fixed > needed;
        proposal->fixed = needed;
    }
}

/* ---- payloads */

static void note_key(struct bf_proposal *proposal, struct bf_slice key)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%.*s", BF_SLICE_ARG(key));
    for (size_t i = 0; i < proposal->key_count; i++) {
        if (strcmp(proposal->keys[i], text) == 0) {
            return;
        }
    }
    if (proposal->key_count < BF_INFER_KEYS) {
        memcpy(proposal->keys[proposal->key_count++], text, sizeof text);
    }
}

static enum bf_status look_at_forms(struct bf_proposal *proposal, struct bf_err *err)
{
    const struct bf_sample *sample = proposal->sample;
    uint64_t counts[BF_FORM_SENML + 1] = {0};
    for (size_t i = 0; i < sample->count; i++) {
        struct bf_slice key = {.len = 0};
        enum bf_leaf_form form = bf_leaves_form(sample->messages[i].payload, &key);
        counts[form]++;
        if (form == BF_FORM_KEYED) {
            note_key(proposal, key);
        }
    }
    for (int i = BF_FORM_OBJECT; i <= BF_FORM_SENML; i++) {
        uint64_t best = proposal->form == BF_FORM_OTHER ? 0 : counts[proposal->form];
        proposal->form = counts[i] > best ? (enum bf_leaf_form)i : proposal->form;
    }
    if (proposal->form == BF_FORM_OTHER) {
        bf_err_set(err, BF_CONFIG, "%llu of %zu messages are neither JSON objects nor SenML",
                   (unsigned long long)counts[BF_FORM_OTHER], sample->count);
        bf_err_hint(err, "For other formats begin with: belfry profile new NAME");
        return BF_CONFIG;
    }
    return BF_OK;
}

static enum bf_status look_at_values(struct bf_proposal *proposal, struct bf_err *err)
{
    const struct bf_sample *sample = proposal->sample;
    bool keyed = proposal->form == BF_FORM_KEYED;
    struct bf_arena *arena = bf_arena_create(ARENA);
    enum bf_status status = arena != NULL ? BF_OK : bf_err_set(err, BF_LIMIT, "no memory");
    for (size_t i = 0; status == BF_OK && i < sample->count && proposal->form != BF_FORM_SENML; i++) {
        bf_leaves_look_for_each(&proposal->leaves, sample->messages[i].payload, keyed);
    }
    if (proposal->form == BF_FORM_SENML) {
        (void)snprintf(proposal->leaves.each.path, BF_LEAF_PATH, "$");
    }
    for (size_t i = 0; status == BF_OK && i < sample->count; i++) {
        struct bf_slice key;
        if (bf_leaves_form(sample->messages[i].payload, &key) == proposal->form) {
            status = bf_leaves_add(&proposal->leaves, sample->messages[i].payload, keyed,
                                   sample->messages[i].at_us, arena, err);
        }
    }
    if (arena != NULL) {
        bf_arena_destroy(arena);
    }
    return status;
}

/* ---- what is what */

static struct bf_slice name_of(const struct bf_leaf *leaf)
{
    return bf_slice_of(leaf->name);
}

/* A time that all values could be; better: near the time of arrival, with a name that says so, finer than
 * seconds. */
static double time_score(const struct bf_proposal *proposal, const struct bf_leaf *leaf,
                         enum bf_leaf_time unit)
{
    uint64_t messages = proposal->sample->count;
    bool named = bf_guess_is(BF_ROLE_TIME, name_of(leaf));
    if (leaf->item || leaf->times[unit] < leaf->seen || (double)leaf->seen < 0.5 * (double)messages ||
        (unit != BF_LEAF_RFC3339 && !named && !mostly(leaf->near[unit], leaf->seen))) {
        return 0;
    }
    double score = (double)leaf->seen / (double)messages;
    score += mostly(leaf->near[unit], leaf->seen) ? 2 : 0;
    score += named ? 1 : 0;
    return score + (unit == BF_LEAF_S ? 0 : 0.5);
}

static void choose_time(struct bf_proposal *proposal)
{
    double best = 0;
    for (size_t i = 0; i < proposal->leaves.count; i++) {
        for (int unit = 0; unit < BF_LEAF_TIMES; unit++) {
            double score = time_score(proposal, &proposal->leaves.list[i], (enum bf_leaf_time)unit);
            if (score > best) {
                best = score;
                proposal->time = &proposal->leaves.list[i];
                proposal->time_unit = (enum bf_leaf_time)unit;
            }
        }
    }
}

static const struct bf_leaf *coordinate(const struct bf_proposal *proposal, enum bf_guess_role role,
                                        double limit)
{
    for (size_t i = 0; i < proposal->leaves.count; i++) {
        const struct bf_leaf *leaf = &proposal->leaves.list[i];
        if (!leaf->item && bf_guess_is(role, name_of(leaf)) && leaf->numbers > 0 &&
            mostly(leaf->numbers, leaf->seen) && leaf->low >= -limit * 2 && leaf->high <= limit * 2) {
            return leaf;
        }
    }
    return NULL;
}

static void choose_place(struct bf_proposal *proposal)
{
    proposal->lat = coordinate(proposal, BF_ROLE_LAT, 90);
    proposal->lon = coordinate(proposal, BF_ROLE_LON, 180);
    if (proposal->lat == NULL || proposal->lon == NULL) {
        proposal->lat = proposal->lon = NULL;
    }
}

/* What an item is called and its unit say nothing about the device. */
static bool describes_item(const struct bf_proposal *proposal, const struct bf_leaf *leaf)
{
    const struct bf_leaf_each *each = &proposal->leaves.each;
    const char *dot = strrchr(leaf->path, '.');
    return leaf->of_item && dot != NULL &&
           (strcmp(dot + 1, each->name) == 0 || strcmp(dot + 1, each->unit) == 0);
}

/* A field that is named as devices are. One that is called only "id" must differ, unless nothing else
 * does. */
static void choose_device(struct bf_proposal *proposal)
{
    bool topic = false;
    for (size_t i = 0; i < proposal->fixed; i++) {
        topic = topic || (proposal->levels[i].count > 1 && looks_like_device(&proposal->levels[i]));
    }
    for (int weak = 0; weak < 2 && proposal->device == NULL; weak++) {
        enum bf_guess_role role = weak ? BF_ROLE_DEVICE_WEAK : BF_ROLE_DEVICE;
        for (size_t i = 0; i < proposal->leaves.count && proposal->device == NULL; i++) {
            const struct bf_leaf *leaf = &proposal->leaves.list[i];
            bool differs = leaf->value_count > 1;
            if (!leaf->item && !describes_item(proposal, leaf) && bf_guess_is(role, name_of(leaf)) &&
                leaf->bools == 0 && mostly(leaf->seen, proposal->sample->count) &&
                (!weak || differs || !topic)) {
                proposal->device = leaf;
            }
        }
    }
}

static bool is_field(const struct bf_proposal *proposal, const struct bf_leaf *leaf)
{
    bool each = proposal->leaves.each.path[0] != '\0';
    bool number = leaf->numbers > 0 && mostly(leaf->numbers, leaf->seen);
    bool truth = leaf->bools > 0 && leaf->bools == leaf->seen;
    bool taken = leaf == proposal->device || leaf == proposal->time || leaf == proposal->lat ||
                 leaf == proposal->lon || bf_guess_is(BF_ROLE_LAT, name_of(leaf)) ||
                 bf_guess_is(BF_ROLE_LON, name_of(leaf));
    bool time = bf_guess_is(BF_ROLE_TIME, name_of(leaf)) &&
                (mostly(leaf->times[BF_LEAF_S], leaf->seen) || mostly(leaf->times[BF_LEAF_MS], leaf->seen));
    struct bf_guess guess;
    bool numbers = bf_guess_numbers(name_of(leaf)) && leaf->integers == leaf->numbers &&
                   !bf_guess_field(name_of(leaf), leaf->low, leaf->high, &guess);
    bool identity = numbers || bf_guess_is(BF_ROLE_ID, name_of(leaf)) ||
                    bf_guess_is(BF_ROLE_DEVICE, name_of(leaf)) ||
                    bf_guess_is(BF_ROLE_DEVICE_WEAK, name_of(leaf));
    return leaf->item == each && (number || (truth && !each)) && !taken && !time && !identity;
}

static void add_field(struct bf_proposal *proposal, const struct bf_leaf *leaf)
{
    struct bf_infer_field *field = &proposal->fields[proposal->field_count++];
    *field = (struct bf_infer_field){.leaf = leaf};
    if (leaf->bools > 0 || !bf_guess_field(name_of(leaf), leaf->low, leaf->high, &field->guess)) {
        field->guess = (struct bf_guess){.quantity = NULL};
        bf_guess_code(name_of(leaf), field->quantity, sizeof field->quantity);
    } else {
        (void)snprintf(field->quantity, sizeof field->quantity, "%s", field->guess.quantity);
    }
    for (size_t i = 0; i + 1 < proposal->field_count; i++) { /* two of a kind: each is a channel */
        if (strcmp(proposal->fields[i].quantity, field->quantity) == 0) {
            bf_guess_code(bf_slice_of(leaf->path), field->channel, sizeof field->channel);
        }
    }
}

static void choose_fields(struct bf_proposal *proposal)
{
    for (size_t i = 0; i < proposal->leaves.count && proposal->field_count < BF_INFER_FIELDS; i++) {
        if (is_field(proposal, &proposal->leaves.list[i])) {
            add_field(proposal, &proposal->leaves.list[i]);
        }
    }
}

enum bf_status bf_infer(const struct bf_sample *sample, struct bf_proposal *proposal, struct bf_err *err)
{
    *proposal = (struct bf_proposal){.sample = sample};
    if (sample->count == 0) {
        return bf_err_set(err, BF_CONFIG, "there are no messages to look at");
    }
    look_at_topics(proposal);
    enum bf_status status = look_at_forms(proposal, err);
    status = status == BF_OK ? look_at_values(proposal, err) : status;
    if (status != BF_OK) {
        return status;
    }
    if (proposal->form != BF_FORM_SENML) {
        choose_time(proposal);
        choose_place(proposal);
        choose_device(proposal);
    }
    if (proposal->device == NULL) {
        choose_level(proposal);
    }
    cut_tail(proposal);
    choose_fields(proposal);
    return proposal->field_count > 0
               ? BF_OK
               : bf_err_set(err, BF_CONFIG, "no field of the messages is mostly a number or a truth value");
}

void bf_infer_clear(struct bf_proposal *proposal)
{
    bf_leaves_clear(&proposal->leaves);
}
