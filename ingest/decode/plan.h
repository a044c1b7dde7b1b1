/* plan.h: a profile, compiled once: every value that its templates, time, place and readings need
 * is a numbered field, so that per message nothing looks up a name twice.
 * Owner:  the pipeline; borrows the profile.   Thread: read-only after create.
 * Limits: BF_MAX_TAGS tags. */
#ifndef BF_DECODE_PLAN_H
#define BF_DECODE_PLAN_H

#include "config/city.h"
#include "core/arena.h"

#define BF_NO_FIELD (-1)

enum bf_plan_part_kind { BF_PLAN_LITERAL, BF_PLAN_LEVEL, BF_PLAN_FIELD, BF_PLAN_ITEM_NAME };

struct bf_plan_part {
    enum bf_plan_part_kind kind;
    struct bf_slice literal;
    size_t index; /* of the topic level or of the field */
};

struct bf_plan_text {
    struct bf_plan_part *parts;
    size_t count;
};

/* A field: where its decoder finds it. With `item`: inside the item (each) or record (senml) of
 * that name; an empty path then means the item's value. */
struct bf_want {
    const struct bf_path *path;
    struct bf_slice item;
    bool inner; /* of the inner format */
};

struct bf_stage { /* a decoder at work: the profile's format, or what lies in one of its fields */
    const struct bf_decoder *decoder;
    void *program; /* the decoder's own */
    bool inner;
};

struct bf_plan_tag {
    struct bf_slice name;
    struct bf_plan_text value;
};

struct bf_plan {
    const struct bf_profile *profile;
    struct bf_stage outer, inner; /* inner: only where the profile has one */
    struct bf_want *wants;
    size_t want_count;
    int time, lat, lon;     /* fields, or BF_NO_FIELD */
    int payload;            /* of the inner format */
    int item_lat, item_lon; /* with `each`: where the payload has no lat, the item of that name */
    int *values;            /* by reading, without `each` */
    struct bf_plan_text source, zone;
    struct bf_plan_text *channels;        /* by reading */
    struct bf_plan_tag tags[BF_MAX_TAGS]; /* ascending by name */
    size_t tag_count;
    bool varies; /* source, zone or a tag depends on the item */
    struct bf_arena *memory;
};

/* CONFIG where the profile holds more than a reading can carry. */
enum bf_status bf_plan_create(const struct bf_profile *profile, struct bf_plan **plan,
                              struct bf_err *err) BF_MUST_CHECK;
/* The field of that want, or BF_NO_FIELD. */
int bf_plan_find(const struct bf_plan *plan, struct bf_want what);
void bf_plan_destroy(struct bf_plan *plan);

#endif
