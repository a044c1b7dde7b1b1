/* plan.c: profiles to plans, at start. What it declines: merging the plans of profiles that share
 * a topic; a message is decoded by one profile, and choosing it needs no more than its first key. */
#include "ingest/decode/plan.h"

#include <stdlib.h>

#include "ingest/decode/decoder.h"

static bool same_path(const struct bf_path *a, const struct bf_path *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->steps[i].index != b->steps[i].index ||
            (a->steps[i].index < 0 && !bf_slice_equal(a->steps[i].name, b->steps[i].name))) {
            return false;
        }
    }
    return true;
}

int bf_plan_find(const struct bf_plan *plan, struct bf_want what)
{
    for (size_t i = 0; i < plan->want_count; i++) {
        const struct bf_want *known = &plan->wants[i];
        if (known->inner == what.inner && same_path(known->path, what.path) &&
            bf_slice_equal(known->item, what.item)) {
            return (int)i;
        }
    }
    return BF_NO_FIELD;
}

/* The field for that path; the same path is the same field. */
static int want(struct bf_plan *plan, struct bf_want what)
{
    int known = bf_plan_find(plan, what);
    if (known != BF_NO_FIELD) {
        return known;
    }
    plan->wants[plan->want_count] = what;
    return (int)plan->want_count++;
}

static struct bf_plan_part plan_part(struct bf_plan *plan, const struct bf_part *part)
{
    struct bf_plan_part out = {.kind = BF_PLAN_LITERAL, .literal = part->literal};
    switch (part->kind) {
    case BF_PART_LEVEL:
        out.kind = BF_PLAN_LEVEL;
        out.index = part->level;
        break;
    case BF_PART_PATH:
        out.kind = BF_PLAN_FIELD;
        out.index = (size_t)want(plan, (struct bf_want){.path = &part->path});
        break;
    case BF_PART_ITEM:
        out.kind = part->literal.len > 0 ? BF_PLAN_FIELD : BF_PLAN_ITEM_NAME;
        if (part->literal.len > 0) {
            out.index = (size_t)want(plan, (struct bf_want){.path = &part->path, .item = part->literal});
        }
        break;
    case BF_PART_LITERAL:
    default:
        break;
    }
    return out;
}

static bool plan_text(struct bf_plan *plan, const struct bf_template *from, struct bf_plan_text *to)
{
    to->count = from->count;
    to->parts = bf_arena_alloc(plan->memory, (from->count + 1) * sizeof *to->parts);
    for (size_t i = 0; to->parts && i < from->count; i++) {
        to->parts[i] = plan_part(plan, &from->parts[i]);
    }
    return to->parts != NULL;
}

static bool depends_on_item(const struct bf_plan *plan, const struct bf_plan_text *text)
{
    for (size_t i = 0; i < text->count; i++) {
        const struct bf_plan_part *part = &text->parts[i];
        /* SenML's $.n and $.bn are the record's own, so they change within a message too. */
        if (part->kind == BF_PLAN_ITEM_NAME ||
            (part->kind == BF_PLAN_FIELD && bf_format_senml(plan->profile->format))) {
            return true;
        }
    }
    return false;
}

static bool plan_tags(struct bf_plan *plan)
{
    const struct bf_profile *profile = plan->profile;
    for (size_t i = 0; i < profile->tag_count; i++) {
        size_t at = plan->tag_count++;
        for (; at > 0 && bf_slice_compare(plan->tags[at - 1].name, profile->tags[i].name) > 0; at--) {
            plan->tags[at] = plan->tags[at - 1];
        }
        plan->tags[at].name = profile->tags[i].name;
        if (!plan_text(plan, &profile->tags[i].value, &plan->tags[at].value)) {
            return false;
        }
    }
    return true;
}

static void plan_place(struct bf_plan *plan)
{
    static const struct bf_path none = {.count = 0};
    const struct bf_profile *profile = plan->profile;
    plan->time = profile->has_time ? want(plan, (struct bf_want){.path = &profile->time}) : BF_NO_FIELD;
    plan->payload =
        profile->has_inner ? want(plan, (struct bf_want){.path = &profile->inner.path}) : BF_NO_FIELD;
    plan->lat = plan->lon = plan->item_lat = plan->item_lon = BF_NO_FIELD;
    if (!profile->has_place) {
        return;
    }
    plan->lat = want(plan, (struct bf_want){.path = &profile->lat});
    plan->lon = want(plan, (struct bf_want){.path = &profile->lon});
    if (profile->has_each && profile->lat.count == 1 && profile->lon.count == 1) {
        plan->item_lat = want(plan, (struct bf_want){.path = &none, .item = profile->lat.steps[0].name});
        plan->item_lon = want(plan, (struct bf_want){.path = &none, .item = profile->lon.steps[0].name});
    }
}

static size_t conditions(const struct bf_binary_field *fields, size_t count, struct bf_plan *plan)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < fields[i].when_count; j++) {
            const struct bf_path *path = &fields[i].whens[j].path;
            found += path->count > 0;
            if (path->count > 0 && plan) {
                (void)want(plan, (struct bf_want){.path = path});
            }
        }
    }
    return found;
}

/* What the fields of a binary frame ask of the envelope; with a plan, they become wants. How many. */
static size_t plan_conditions(const struct bf_profile *profile, struct bf_plan *plan)
{
    const struct bf_profile_binary *binary = &profile->binary;
    size_t count = conditions(binary->fields, binary->count, plan) +
                   conditions(binary->repeat, binary->repeat_count, plan);
    for (size_t i = 0; i < binary->block_count; i++) {
        count += conditions(binary->blocks[i].fields, binary->blocks[i].count, plan);
    }
    return count;
}

static bool plan_fill(struct bf_plan *plan)
{
    const struct bf_profile *profile = plan->profile;
    plan_place(plan);
    if (!plan_text(plan, &profile->source, &plan->source) || !plan_text(plan, &profile->zone, &plan->zone) ||
        !plan_tags(plan)) {
        return false;
    }
    for (size_t i = 0; i < profile->reading_count; i++) {
        if (!plan_text(plan, &profile->readings[i].channel, &plan->channels[i])) {
            return false;
        }
        const struct bf_want value = {.path = &profile->readings[i].path, .inner = profile->has_inner};
        bool named = profile->has_each || bf_format_senml(profile->format);
        plan->values[i] = named ? BF_NO_FIELD : want(plan, value);
    }
    (void)plan_conditions(profile, plan);
    plan->varies = depends_on_item(plan, &plan->source) || depends_on_item(plan, &plan->zone);
    for (size_t i = 0; i < plan->tag_count; i++) {
        plan->varies = plan->varies || depends_on_item(plan, &plan->tags[i].value);
    }
    return true;
}

/* Every template part may want a field; so may time, place (twice), the inner format and each reading. */
static size_t count_parts(const struct bf_profile *profile)
{
    size_t count = 6 + plan_conditions(profile, NULL) + profile->reading_count + profile->source.count +
                   profile->zone.count;
    for (size_t i = 0; i < profile->reading_count; i++) {
        count += profile->readings[i].channel.count;
    }
    for (size_t i = 0; i < profile->tag_count; i++) {
        count += profile->tags[i].value.count;
    }
    return count;
}

enum bf_status bf_plan_create(const struct bf_profile *profile, struct bf_plan **plan, struct bf_err *err)
{
    if (profile->tag_count > BF_MAX_TAGS) {
        return bf_err_set(err, BF_CONFIG, "%.*s: more than %d tags", BF_SLICE_ARG(profile->name),
                          BF_MAX_TAGS);
    }
    size_t parts = count_parts(profile);
    size_t texts = profile->reading_count + profile->tag_count + 2;
    struct bf_plan *self = calloc(1, sizeof *self);
    if (!self) {
        return bf_err_set(err, BF_LIMIT, "out of memory");
    }
    *self = (struct bf_plan){
        .profile = profile,
        .outer = {.decoder = bf_decoder_of(profile->format)},
        .inner = {.decoder = bf_decoder_of(profile->inner.format), .inner = true},
        .memory = bf_arena_create((parts + texts) * (sizeof(struct bf_want) + sizeof(struct bf_plan_part)) +
                                  texts * (sizeof(struct bf_plan_text) + sizeof(int) + 32) + 256),
    };
    if (self->memory) {
        self->wants = bf_arena_alloc(self->memory, parts * sizeof *self->wants);
        self->values = bf_arena_alloc(self->memory, texts * sizeof *self->values);
        self->channels = bf_arena_alloc(self->memory, texts * sizeof *self->channels);
    }
    if (!self->wants || !self->values || !self->channels || !plan_fill(self)) {
        bf_plan_destroy(self);
        return bf_err_set(err, BF_LIMIT, "out of memory");
    }
    enum bf_status status = self->outer.decoder->prepare(self, &self->outer, err);
    if (status == BF_OK && profile->has_inner) {
        status = self->inner.decoder->prepare(self, &self->inner, err);
    }
    if (status != BF_OK) {
        bf_plan_destroy(self);
        return status;
    }
    *plan = self;
    return BF_OK;
}

void bf_plan_destroy(struct bf_plan *plan)
{
    if (plan) {
        for (struct bf_stage *stage = &plan->outer; stage; stage = stage->inner ? NULL : &plan->inner) {
            if (stage->program) {
                stage->decoder->release(stage);
            }
        }
        if (plan->memory) {
            bf_arena_destroy(plan->memory);
        }
        free(plan);
    }
}
