/* The laws of the family of aggregates (processors/aggregate/aggregate.h), over every entry of its table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <math.h>
#include <stdalign.h>
#include <string.h>

#include "processors/aggregate/aggregate.h"
#include "tests/support/alloc.h"

#define SAMPLES 400
#define PARTS 5
#define SAVED_MAX 1024

static const struct bf_value_options options = {.scale = 1};

struct state {
    alignas(16) unsigned char bytes[BF_AGGREGATE_STATE_MAX];
};

struct saved {
    char bytes[SAVED_MAX];
    struct bf_slice slice;
};

/* Deterministic readings of very different magnitude and both signs, some of the same instant. */
static void make_samples(struct bf_sample samples[SAMPLES])
{
    uint64_t seed = 20240213;
    for (size_t i = 0; i < SAMPLES; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double magnitude = pow(10, (double)(seed >> 60) - 6);
        double value = ((double)((seed >> 20) % 200001) - 100000) / 1000 * magnitude;
        samples[i] = (struct bf_sample){
            .value = value,
            .event_us = (int64_t)((seed >> 40) % 100) * 1000000,
            .partition = (int32_t)(i % PARTS),
            .offset = (int64_t)(i / PARTS),
        };
    }
}

static void begin(const struct bf_aggregate *aggregate, struct state *state)
{
    memset(state, 0, sizeof *state);
    aggregate->init(state->bytes, &options);
}

static void add_part(const struct bf_aggregate *aggregate, struct state *state,
                     const struct bf_sample *samples, size_t part, size_t parts)
{
    for (size_t i = part; i < SAMPLES; i += parts) {
        aggregate->add(state->bytes, &samples[i], &options);
    }
}

static void save(const struct bf_aggregate *aggregate, const struct state *state, struct saved *saved)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, saved->bytes, sizeof saved->bytes);
    aggregate->save(state->bytes, &writer);
    assert_false(writer.full);
    saved->slice = (struct bf_slice){saved->bytes, writer.len};
}

/* OK only where the bytes are a state and nothing else. */
static enum bf_status load(const struct bf_aggregate *aggregate, struct state *state, struct bf_slice bytes)
{
    struct bf_mp_reader reader;
    begin(aggregate, state);
    bf_mp_reader_init(&reader, bytes);
    enum bf_status status = aggregate->load(state->bytes, &reader);
    return status == BF_OK && !bf_mp_done(&reader) ? BF_MALFORMED : status;
}

static void agree(const struct bf_aggregate *aggregate, const struct state *a, const struct state *b)
{
    double x = 0;
    double y = 0;
    bool has_x = aggregate->result(a->bytes, &options, &x);
    bool has_y = aggregate->result(b->bytes, &options, &y);
    double tolerance = aggregate->exact ? 0 : 1e-12 * fmax(fabs(x), fabs(y));
    if (has_x != has_y || (has_x && !(fabs(x - y) <= tolerance))) {
        fail_msg("%s: %.17g is not %.17g", aggregate->kind.name, x, y);
    }
}

static void each(void (*law)(const struct bf_aggregate *aggregate))
{
    size_t count = 0;
    for (const struct bf_aggregate *const *entry = bf_aggregates(); *entry != NULL; entry++) {
        law(*entry);
        count++;
    }
    assert_true(count > 0);
}

static void is_described(const struct bf_aggregate *aggregate)
{
    size_t len = strlen(aggregate->summary);
    assert_true(len > 10 && len < 200);
    assert_true(isupper((unsigned char)aggregate->summary[0]));
    assert_int_equal(aggregate->summary[len - 1], '.');
    for (const char *c = aggregate->kind.name; *c != '\0'; c++) {
        assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
    }
    assert_true(aggregate->state_size > 0 && aggregate->state_size <= BF_AGGREGATE_STATE_MAX);
    assert_non_null(aggregate->init);
    assert_non_null(aggregate->add);
    assert_non_null(aggregate->merge);
    assert_non_null(aggregate->result);
    assert_non_null(aggregate->save);
    assert_non_null(aggregate->load);
}

static void is_found_by_its_name_only(const struct bf_aggregate *aggregate)
{
    size_t bearers = 0;
    for (const struct bf_aggregate *const *entry = bf_aggregates(); *entry != NULL; entry++) {
        bearers += strcmp((*entry)->kind.name, aggregate->kind.name) == 0;
    }
    assert_int_equal(bearers, 1);
    assert_ptr_equal(bf_aggregate_find(bf_slice_of(aggregate->kind.name)), aggregate);
}

static void merging_equals_adding_everything(const struct bf_aggregate *aggregate)
{
    static struct bf_sample samples[SAMPLES];
    struct state whole;
    make_samples(samples);
    begin(aggregate, &whole);
    add_part(aggregate, &whole, samples, 0, 1);
    for (size_t parts = 2; parts <= PARTS; parts++) {
        struct state forward;
        struct state backward;
        begin(aggregate, &forward);
        begin(aggregate, &backward);
        for (size_t part = 0; part < parts; part++) {
            struct state one;
            struct state other;
            begin(aggregate, &one);
            begin(aggregate, &other);
            add_part(aggregate, &one, samples, part, parts);
            add_part(aggregate, &other, samples, parts - 1 - part, parts);
            aggregate->merge(forward.bytes, one.bytes);
            aggregate->merge(backward.bytes, other.bytes);
        }
        agree(aggregate, &whole, &forward);
        agree(aggregate, &whole, &backward);
    }
}

static void merging_nothing_changes_nothing(const struct bf_aggregate *aggregate)
{
    static struct bf_sample samples[SAMPLES];
    struct state some;
    struct state same;
    struct state none;
    struct saved before;
    struct saved after;
    make_samples(samples);
    begin(aggregate, &some);
    begin(aggregate, &none);
    add_part(aggregate, &some, samples, 0, 1);
    same = some;
    save(aggregate, &some, &before);
    aggregate->merge(same.bytes, none.bytes);
    save(aggregate, &same, &after);
    assert_true(bf_slice_equal(before.slice, after.slice));
    aggregate->merge(none.bytes, some.bytes);
    agree(aggregate, &none, &some);
}

static void save_then_load_changes_nothing(const struct bf_aggregate *aggregate)
{
    static struct bf_sample samples[SAMPLES];
    make_samples(samples);
    struct state state;
    begin(aggregate, &state);
    for (size_t i = 0; i <= SAMPLES; i++) {
        struct state loaded;
        struct saved first;
        struct saved second;
        save(aggregate, &state, &first);
        assert_int_equal(load(aggregate, &loaded, first.slice), BF_OK);
        agree(aggregate, &state, &loaded);
        save(aggregate, &loaded, &second);
        assert_true(bf_slice_equal(first.slice, second.slice));
        if (i < SAMPLES) {
            /* What was loaded goes on like what was saved. */
            aggregate->add(loaded.bytes, &samples[i], &options);
            aggregate->add(state.bytes, &samples[i], &options);
            save(aggregate, &state, &first);
            save(aggregate, &loaded, &second);
            assert_true(bf_slice_equal(first.slice, second.slice));
        }
    }
}

/* Cut anywhere, and with every byte changed to some others: refused, or a state whose result is a number. */
static void hostile_bytes_are_refused(const struct bf_aggregate *aggregate)
{
    static struct bf_sample samples[SAMPLES];
    struct state state;
    struct state loaded;
    struct saved saved;
    make_samples(samples);
    begin(aggregate, &state);
    add_part(aggregate, &state, samples, 0, 1);
    save(aggregate, &state, &saved);
    for (size_t len = 0; len < saved.slice.len; len++) {
        assert_int_equal(load(aggregate, &loaded, (struct bf_slice){saved.bytes, len}), BF_MALFORMED);
    }
    static const unsigned char others[] = {0xc0, 0xa1, 0xff, 0x7f, 0x80, 0x91, 0xc1, 0xcb, 0xdf};
    for (size_t at = 0; at < saved.slice.len; at++) {
        for (size_t i = 0; i < sizeof others; i++) {
            struct saved bad = saved;
            double value = 0;
            bad.bytes[at] = (char)others[i];
            bad.slice.data = bad.bytes;
            if (load(aggregate, &loaded, bad.slice) == BF_OK &&
                aggregate->result(loaded.bytes, &options, &value)) {
                assert_true(isfinite(value));
            }
        }
    }
    static const char *const wrong[] = {"\xc0\xc0\xc0\xc0\xc0\xc0", "\xa1x\xa1x\xa1x", "\xff\xff\xff\xff"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(load(aggregate, &loaded, bf_slice_of(wrong[i])), BF_MALFORMED);
    }
}

static void nothing_is_allocated(const struct bf_aggregate *aggregate)
{
    static struct bf_sample samples[SAMPLES];
    struct state a;
    struct state b;
    struct saved saved;
    double value;
    make_samples(samples);
    bf_alloc_count_begin();
    begin(aggregate, &a);
    add_part(aggregate, &a, samples, 0, 1);
    save(aggregate, &a, &saved);
    enum bf_status status = load(aggregate, &b, saved.slice);
    aggregate->merge(a.bytes, b.bytes);
    bool has = aggregate->result(a.bytes, &options, &value);
    assert_int_equal(bf_alloc_count_end(), 0);
    assert_int_equal(status, BF_OK);
    assert_true(has);
}

/* The sanitizers do not see a write beyond a state inside of a larger block; this does. */
static void a_state_stays_in_its_size(const struct bf_aggregate *aggregate)
{
    static struct bf_sample samples[SAMPLES];
    struct {
        alignas(16) unsigned char bytes[2 * BF_AGGREGATE_STATE_MAX];
    } room;
    struct state other;
    make_samples(samples);
    memset(&room, 0xa5, sizeof room);
    memset(room.bytes, 0, aggregate->state_size);
    aggregate->init(room.bytes, &options);
    begin(aggregate, &other);
    for (size_t i = 0; i < SAMPLES; i++) {
        aggregate->add(room.bytes, &samples[i], &options);
        aggregate->add(other.bytes, &samples[i], &options);
    }
    aggregate->merge(room.bytes, other.bytes);
    for (size_t i = aggregate->state_size; i < sizeof room.bytes; i++) {
        assert_int_equal(room.bytes[i], 0xa5);
    }
}

#define LAW(name)                        \
    static void law_##name(void **state) \
    {                                    \
        (void)state;                     \
        each(name);                      \
    }
LAW(is_described)
LAW(is_found_by_its_name_only)
LAW(merging_equals_adding_everything)
LAW(merging_nothing_changes_nothing)
LAW(save_then_load_changes_nothing)
LAW(hostile_bytes_are_refused)
LAW(nothing_is_allocated)
LAW(a_state_stays_in_its_size)
#undef LAW

static void names_are_listed(void **state)
{
    (void)state;
    const struct bf_aggregate_kind *const *kinds = bf_aggregate_kinds();
    size_t count = 0;
    for (const struct bf_aggregate *const *entry = bf_aggregates(); *entry != NULL; entry++) {
        assert_ptr_equal(kinds[count++], &(*entry)->kind);
    }
    assert_null(kinds[count]);
    assert_null(bf_aggregate_find(BF_SLICE("no_such")));
    assert_null(bf_aggregate_find(BF_SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_is_described),
        cmocka_unit_test(law_is_found_by_its_name_only),
        cmocka_unit_test(law_merging_equals_adding_everything),
        cmocka_unit_test(law_merging_nothing_changes_nothing),
        cmocka_unit_test(law_save_then_load_changes_nothing),
        cmocka_unit_test(law_hostile_bytes_are_refused),
        cmocka_unit_test(law_nothing_is_allocated),
        cmocka_unit_test(law_a_state_stays_in_its_size),
        cmocka_unit_test(names_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
