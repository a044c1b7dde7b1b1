/* top_k.c: which devices, zones or routes come most often, by Space-Saving (Metwally, Agrawal and El
 * Abbadi, "Efficient computation of frequent and top-k elements in data streams", ICDT 2005): PLACES for
 * each of the k; who is new where all are taken takes the place of the rarest and its count, which becomes
 * the bound of its error. So a count is too high by at most `error`, and nothing that came more often than
 * the rarest is left out. Exact while there are no more labels than places.
 *
 * Merging is that of mergeable summaries (Agarwal et al., ACM TODS 2013): what one side does not hold may
 * have come there as often as its rarest, if its places are all taken. Bounds stay bounds; which rare
 * labels remain depends on the order, which is that of the partitions and so always the same.
 * Labels are told apart by their hash; of each the first LABEL_MAX bytes are kept. */
#include "core/hash.h"
#include "processors/aggregate/aggregate.h"
#include "processors/aggregate/detail.h"

#define PLACES 4u
#define LABEL_MAX 47

struct place {
    uint64_t hash, count, error;
    uint8_t len;
    char label[LABEL_MAX];
};

struct state {
    uint32_t capacity, used;
    struct place places[];
};

#define CAPACITY_MAX (PLACES * BF_TOP_MAX)

static uint32_t capacity_of(const struct bf_value_options *options)
{
    return (uint32_t)(options->k < BF_TOP_MAX ? options->k : BF_TOP_MAX) * PLACES;
}

static size_t size(const struct bf_value_options *options)
{
    return sizeof(struct state) + capacity_of(options) * sizeof(struct place);
}

static void init(void *state, const struct bf_value_options *options)
{
    ((struct state *)state)->capacity = capacity_of(options);
    ((struct state *)state)->used = 0;
}

/* More often first; then by the hash, so that the order of the places does not matter. */
static bool before(const struct place *a, const struct place *b)
{
    return a->count != b->count ? a->count > b->count : a->hash < b->hash;
}

static struct place *find(struct state *state, uint64_t hash)
{
    for (uint32_t i = 0; i < state->used; i++) {
        if (state->places[i].hash == hash) {
            return &state->places[i];
        }
    }
    return NULL;
}

static struct place *rarest(struct state *state)
{
    struct place *last = &state->places[0];
    for (uint32_t i = 1; i < state->used; i++) {
        last = before(last, &state->places[i]) ? &state->places[i] : last;
    }
    return last;
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    (void)options;
    struct state *top = state;
    uint64_t hash = bf_hash64(sample->label);
    struct place *place = sample->label.len > 0 ? find(top, hash) : NULL;
    if (place != NULL) {
        place->count++;
        return;
    }
    if (sample->label.len == 0 || top->capacity == 0) {
        return;
    }
    uint64_t bound = 0;
    if (top->used < top->capacity) {
        place = &top->places[top->used++];
    } else {
        place = rarest(top);
        bound = place->count;
    }
    size_t len = sample->label.len < LABEL_MAX ? sample->label.len : LABEL_MAX;
    while (len > 0 && len < sample->label.len && ((unsigned char)sample->label.data[len] & 0xc0) == 0x80) {
        len--; /* not within a character */
    }
    *place = (struct place){.hash = hash, .count = bound + 1, .error = bound, .len = (uint8_t)len};
    memcpy(place->label, sample->label.data, len);
}

/* What a label that a side does not hold may have come there. */
static uint64_t unseen(struct state *state)
{
    return state->used > 0 && state->used == state->capacity ? rarest(state)->count : 0;
}

static void keep(struct state *state, const struct place *place)
{
    if (state->used < state->capacity) {
        state->places[state->used++] = *place;
    } else if (state->capacity > 0) {
        struct place *last = rarest(state);
        if (before(place, last)) {
            *last = *place;
        }
    }
}

static void merge(void *state, const void *other)
{
    struct state *top = state;
    union {
        struct state state;
        char room[sizeof(struct state) + CAPACITY_MAX * sizeof(struct place)];
    } copy;
    struct state *from = &copy.state;
    memcpy(from, other, sizeof(struct state) + ((const struct state *)other)->used * sizeof(struct place));
    uint64_t here = unseen(top);
    uint64_t there = unseen(from);
    for (uint32_t i = 0; i < top->used; i++) {
        struct place *place = &top->places[i];
        struct place *same = find(from, place->hash);
        place->count += same != NULL ? same->count : there;
        place->error += same != NULL ? same->error : there;
        if (same != NULL) {
            *same = from->places[--from->used];
        }
    }
    for (uint32_t i = 0; i < from->used; i++) {
        from->places[i].count += here;
        from->places[i].error += here;
        keep(top, &from->places[i]);
    }
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    const struct state *top = state;
    *value = 0;
    for (uint32_t i = 0; i < top->used; i++) {
        double count = (double)top->places[i].count;
        *value = count > *value ? count : *value;
    }
    return top->used > 0;
}

static const struct place *next_after(const struct state *state, const struct place *last)
{
    const struct place *next = NULL;
    for (uint32_t i = 0; i < state->used; i++) {
        const struct place *place = &state->places[i];
        if ((last == NULL || before(last, place)) && (next == NULL || before(place, next))) {
            next = place;
        }
    }
    return next;
}

static size_t detail(const void *state, const struct bf_value_options *options, char json[BF_KPI_DETAIL_MAX])
{
    const struct place *place = next_after(state, NULL);
    struct bf_detail text = bf_detail_begin(json, 1);
    bf_detail_put(&text, "[");
    for (uint64_t i = 0; place != NULL && i < options->k; i++, place = next_after(state, place)) {
        size_t mark = text.len;
        bf_detail_put(&text, i > 0 ? ",{\"label\":" : "{\"label\":");
        bf_detail_put_text(&text, (struct bf_slice){place->label, place->len});
        bf_detail_put(&text, ",\"count\":");
        bf_detail_put_uint(&text, place->count);
        bf_detail_put(&text, ",\"error\":");
        bf_detail_put_uint(&text, place->error);
        bf_detail_put(&text, "}");
        if (!bf_detail_cut(&text, mark)) {
            break;
        }
    }
    return bf_detail_end(&text, "]");
}

static void save(const void *state, struct bf_mp_writer *writer)
{
    const struct state *top = state;
    bf_mp_put_uint(writer, top->used);
    for (uint32_t i = 0; i < top->used; i++) {
        const struct place *place = &top->places[i];
        bf_mp_put_uint(writer, place->hash);
        bf_mp_put_uint(writer, place->count);
        bf_mp_put_uint(writer, place->error);
        bf_mp_put_bin(writer, (struct bf_slice){place->label, place->len});
    }
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    struct state *top = state;
    uint64_t used = bf_mp_get_uint(reader);
    if (!bf_mp_ok(reader) || used > top->capacity) {
        return BF_MALFORMED;
    }
    top->used = 0;
    for (uint64_t i = 0; i < used; i++) {
        struct place place = {.hash = bf_mp_get_uint(reader)};
        place.count = bf_mp_get_uint(reader);
        place.error = bf_mp_get_uint(reader);
        struct bf_slice label = bf_mp_get_bin(reader);
        if (!bf_mp_ok(reader) || label.len > LABEL_MAX || place.error > place.count ||
            find(top, place.hash) != NULL) {
            return BF_MALFORMED;
        }
        place.len = (uint8_t)label.len;
        memcpy(place.label, label.data, label.len);
        top->places[top->used++] = place;
    }
    return BF_OK;
}

extern const struct bf_aggregate bf_aggregate_top_k;
const struct bf_aggregate bf_aggregate_top_k = {
    .kind = {.name = "top_k", .takes = "of! k", .unit = BF_RESULT_NUMBER, .input = BF_INPUT_ANY},
    .summary = "The `k` most frequent `of`, in the detail with bounds of their error; the value is the "
               "first's count.",
    .state_size = sizeof(struct state) + CAPACITY_MAX * sizeof(struct place),
    .size = size,
    .init = init,
    .add = add,
    .merge = merge,
    .result = result,
    .detail = detail,
    .save = save,
    .load = load,
};
