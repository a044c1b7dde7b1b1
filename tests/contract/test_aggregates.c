/* The laws of the family of aggregates (processors/aggregate/aggregate.h), over every entry of its table,
 * on tame and on hostile readings and with options at their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "processors/aggregate/aggregate.h"
#include "tests/contract/readings.h"
#include "tests/support/alloc.h"
#include "tests/support/kinds.h"

#define SAVED_MAX (2 * BF_AGGREGATE_STATE_MAX)

/* ---- options: usual ones, and each at its limits */

static double many_bounds[BF_BOUNDS_MAX];
static const double one_bound[] = {0};
static const double few_bounds[] = {-1e3, 0, 15.5, 20, 1e6};

static struct bf_value_options option_sets[] = {
    {.p = 0.95,
     .bounds = few_bounds,
     .bound_count = 5,
     .k = 3,
     .every_us = 4000000,
     .per_us = 1000000,
     .scale = 1},
    {.p = 0,
     .bounds = one_bound,
     .bound_count = 1,
     .k = 1,
     .every_us = 1,
     .per_us = 3600000000,
     .scale = 100,
     .rollover = 100,
     .fraction = true},
    {.p = 1,
     .bounds = many_bounds,
     .bound_count = BF_BOUNDS_MAX,
     .k = BF_TOP_MAX,
     .every_us = INT64_C(1) << 40,
     .per_us = 1,
     .scale = 1.0 / 3600,
     .rollover = DBL_MAX},
};
#define OPTION_SETS (sizeof option_sets / sizeof *option_sets)

static const struct bf_value_options *options = &option_sets[0];

/* ---- states */

struct state {
    alignas(8) unsigned char bytes[BF_AGGREGATE_STATE_MAX];
};

struct saved {
    char bytes[SAVED_MAX];
    struct bf_slice slice;
};

static size_t size_of(const struct bf_aggregate *aggregate)
{
    return aggregate->size != NULL ? aggregate->size(options) : aggregate->state_size;
}

/* Only its size is zeroed, as windows do it: what lies behind belongs to another. */
static void begin(const struct bf_aggregate *aggregate, struct state *state)
{
    memset(state, 0xa5, sizeof *state);
    memset(state, 0, size_of(aggregate));
    aggregate->init(state->bytes, options);
}

static void add_one(const struct bf_aggregate *aggregate, struct state *state, const struct reading *reading)
{
    if (aggregate->add != NULL) {
        aggregate->add(state->bytes, &reading->sample, options);
    }
    if (aggregate->step != NULL) {
        aggregate->step(state->bytes, &reading->step, options);
    }
}

static void add_part(const struct bf_aggregate *aggregate, struct state *state,
                     const struct reading *readings, size_t part, size_t parts)
{
    for (size_t i = part; i < READINGS; i += parts) {
        add_one(aggregate, state, &readings[i]);
    }
}

static void save(const struct bf_aggregate *aggregate, const struct state *state, struct saved *saved)
{
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, saved->bytes, sizeof saved->bytes);
    aggregate->save(state->bytes, &writer);
    assert_false(writer.full);
    assert_true(writer.len <= 2 * size_of(aggregate) + 16);
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

/* What is not finite counts for nothing, as for whoever makes the record. */
static bool result_of(const struct bf_aggregate *aggregate, const struct state *state, double *value)
{
    return aggregate->result(state->bytes, options, value) && isfinite(*value);
}

static void agree(const struct bf_aggregate *aggregate, const struct state *a, const struct state *b)
{
    double x = 0;
    double y = 0;
    bool has_x = result_of(aggregate, a, &x);
    bool has_y = result_of(aggregate, b, &y);
    double tolerance = aggregate->exact ? 0 : 1e-12 * fmax(fabs(x), fabs(y));
    if (has_x != has_y || (has_x && !(fabs(x - y) <= tolerance))) {
        fail_msg("%s: %d %.17g is not %d %.17g", aggregate->kind.name, has_x, x, has_y, y);
    }
}

static void same_bytes(const struct bf_aggregate *aggregate, const struct state *a, const struct state *b)
{
    struct saved first;
    struct saved second;
    save(aggregate, a, &first);
    save(aggregate, b, &second);
    if (!bf_slice_equal(first.slice, second.slice)) {
        fail_msg("%s: the states differ", aggregate->kind.name);
    }
}

/* ---- the laws */

static struct reading readings[READINGS];

/* Over every entry, every set of options and every set of readings. */
static void each(void (*law)(const struct bf_aggregate *aggregate))
{
    for (size_t i = 0; i < BF_BOUNDS_MAX; i++) {
        many_bounds[i] = -DBL_MAX / 2 + (double)i * (DBL_MAX / BF_BOUNDS_MAX);
    }
    for (size_t data = 0; data < DATA_SETS; data++) {
        make_readings(readings, data_sets[data]);
        for (size_t set = 0; set < OPTION_SETS; set++) {
            options = &option_sets[set];
            for (const struct bf_aggregate *const *entry = bf_aggregates(); *entry != NULL; entry++) {
                law(*entry);
            }
        }
    }
}

static void is_described(const struct bf_aggregate *aggregate)
{
    size_t len = strlen(aggregate->summary);
    bool steps = aggregate->kind.input == BF_INPUT_CHANGE || aggregate->kind.input == BF_INPUT_HELD;
    assert_true(len > 10 && len < 200);
    assert_true(isupper((unsigned char)aggregate->summary[0]));
    assert_int_equal(aggregate->summary[len - 1], '.');
    for (const char *c = aggregate->kind.name; *c != '\0'; c++) {
        assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
    }
    assert_true(aggregate->state_size > 0 && aggregate->state_size <= BF_AGGREGATE_STATE_MAX);
    assert_true(size_of(aggregate) > 0 && size_of(aggregate) <= aggregate->state_size);
    assert_non_null(aggregate->init);
    assert_true(steps || aggregate->add != NULL);
    assert_true(steps == (aggregate->step != NULL));
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
    struct state whole_state;
    begin(aggregate, &whole_state);
    add_part(aggregate, &whole_state, readings, 0, 1);
    for (size_t parts = 2; parts <= PARTS; parts++) {
        struct state forward;
        struct state backward;
        struct state nested; /* 0 + (1 + (2 + ...)) */
        begin(aggregate, &forward);
        begin(aggregate, &backward);
        begin(aggregate, &nested);
        for (size_t part = 0; part < parts; part++) {
            struct state one;
            struct state other;
            begin(aggregate, &one);
            begin(aggregate, &other);
            add_part(aggregate, &one, readings, part, parts);
            add_part(aggregate, &other, readings, parts - 1 - part, parts);
            aggregate->merge(forward.bytes, one.bytes);
            aggregate->merge(backward.bytes, other.bytes);
            aggregate->merge(other.bytes, nested.bytes);
            nested = other;
        }
        agree(aggregate, &whole_state, &forward);
        agree(aggregate, &whole_state, &backward);
        agree(aggregate, &whole_state, &nested);
        if (aggregate->exact) {
            same_bytes(aggregate, &whole_state, &forward);
            same_bytes(aggregate, &whole_state, &backward);
        }
    }
}

static void the_order_of_adding_hardly_matters(const struct bf_aggregate *aggregate)
{
    struct state forward;
    struct state mixed;
    begin(aggregate, &forward);
    begin(aggregate, &mixed);
    for (size_t i = 0; i < READINGS; i++) {
        add_one(aggregate, &forward, &readings[i]);
        add_one(aggregate, &mixed, &readings[(i * 147 + 31) % READINGS]);
    }
    agree(aggregate, &forward, &mixed);
    if (aggregate->exact) {
        same_bytes(aggregate, &forward, &mixed);
    }
}

static void merging_nothing_changes_nothing(const struct bf_aggregate *aggregate)
{
    struct state some;
    struct state none;
    begin(aggregate, &some);
    begin(aggregate, &none);
    add_part(aggregate, &some, readings, 0, 1);
    struct state same = some;
    aggregate->merge(same.bytes, none.bytes);
    same_bytes(aggregate, &some, &same);
    aggregate->merge(none.bytes, some.bytes);
    agree(aggregate, &none, &some);
}

static void save_then_load_changes_nothing(const struct bf_aggregate *aggregate)
{
    struct state state;
    begin(aggregate, &state);
    for (size_t i = 0; i <= READINGS; i++) {
        struct state loaded;
        struct saved saved;
        save(aggregate, &state, &saved);
        assert_int_equal(load(aggregate, &loaded, saved.slice), BF_OK);
        agree(aggregate, &state, &loaded);
        same_bytes(aggregate, &state, &loaded);
        if (i < READINGS) { /* what was loaded goes on like what was saved */
            add_one(aggregate, &loaded, &readings[i]);
            add_one(aggregate, &state, &readings[i]);
            same_bytes(aggregate, &state, &loaded);
        }
    }
}

/* What was taken for a state can be used as one. */
static void use(const struct bf_aggregate *aggregate, struct state *loaded)
{
    char json[BF_KPI_DETAIL_MAX];
    struct state other;
    struct saved saved;
    double value = 0;
    begin(aggregate, &other);
    add_part(aggregate, &other, readings, 0, 20);
    (void)aggregate->result(loaded->bytes, options, &value);
    assert_true(aggregate->detail == NULL ||
                aggregate->detail(loaded->bytes, options, json) <= BF_KPI_DETAIL_MAX);
    aggregate->merge(other.bytes, loaded->bytes);
    add_part(aggregate, loaded, readings, 0, 40);
    save(aggregate, loaded, &saved);
    save(aggregate, &other, &saved);
}

/* Cut anywhere, and with any bit turned (of long states, one in a few): refused, or a state like any
 * other. */
static void hostile_bytes_are_refused(const struct bf_aggregate *aggregate)
{
    struct state state;
    struct state loaded;
    struct saved saved;
    begin(aggregate, &state);
    add_part(aggregate, &state, readings, 0, 1);
    save(aggregate, &state, &saved);
    size_t stride = 1 + saved.slice.len / 100;
    for (size_t len = 0; len < saved.slice.len; len += stride) {
        assert_int_equal(load(aggregate, &loaded, (struct bf_slice){saved.bytes, len}), BF_MALFORMED);
    }
    for (size_t bit = 0; bit < 8 * saved.slice.len; bit += stride) {
        saved.bytes[bit / 8] = (char)(saved.bytes[bit / 8] ^ 1 << bit % 8);
        if (load(aggregate, &loaded, saved.slice) == BF_OK) {
            use(aggregate, &loaded);
        }
        saved.bytes[bit / 8] = (char)(saved.bytes[bit / 8] ^ 1 << bit % 8);
    }
    static const char *const wrong[] = {"\xc0\xc0\xc0\xc0\xc0\xc0", "\xa1x\xa1x\xa1x", "\xc1\xc1\xc1\xc1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(load(aggregate, &loaded, bf_slice_of(wrong[i])), BF_MALFORMED);
    }
}

static void nothing_is_allocated(const struct bf_aggregate *aggregate)
{
    char json[BF_KPI_DETAIL_MAX];
    struct state a;
    struct state b;
    struct saved saved;
    double value;
    bf_alloc_count_begin();
    begin(aggregate, &a);
    add_part(aggregate, &a, readings, 0, 1);
    save(aggregate, &a, &saved);
    enum bf_status status = load(aggregate, &b, saved.slice);
    aggregate->merge(a.bytes, b.bytes);
    (void)aggregate->result(a.bytes, options, &value);
    size_t len = aggregate->detail != NULL ? aggregate->detail(a.bytes, options, json) : 0;
    assert_int_equal(bf_alloc_count_end(), 0);
    assert_int_equal(status, BF_OK);
    assert_true(len <= sizeof json);
}

/* The sanitizers do not see a write beyond a state inside of a larger block; this does. */
static void a_state_stays_in_its_size(const struct bf_aggregate *aggregate)
{
    struct state state;
    struct state other;
    begin(aggregate, &state);
    begin(aggregate, &other);
    add_part(aggregate, &state, readings, 0, 1);
    add_part(aggregate, &other, readings, 0, 1);
    aggregate->merge(state.bytes, other.bytes);
    for (size_t i = size_of(aggregate); i < sizeof state.bytes; i++) {
        assert_int_equal(state.bytes[i], 0xa5);
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
LAW(the_order_of_adding_hardly_matters)
LAW(merging_nothing_changes_nothing)
LAW(save_then_load_changes_nothing)
LAW(hostile_bytes_are_refused)
LAW(nothing_is_allocated)
LAW(a_state_stays_in_its_size)
#undef LAW

/* So a law that holds because there is never a value would be noticed. */
static void tame_readings_have_a_value(void **state)
{
    (void)state;
    options = &option_sets[0];
    make_readings(readings, tame);
    for (const struct bf_aggregate *const *entry = bf_aggregates(); *entry != NULL; entry++) {
        struct state some;
        struct state none;
        double value = 0;
        begin(*entry, &some);
        begin(*entry, &none);
        add_part(*entry, &some, readings, 0, 1);
        assert_true(result_of(*entry, &some, &value));
        assert_true(!result_of(*entry, &none, &value) || value == 0);
    }
}

static void names_are_listed(void **state)
{
    (void)state;
    const struct bf_aggregate_kind *const *kinds = bf_aggregate_kinds();
    size_t count = 0;
    for (const struct bf_aggregate *const *entry = bf_aggregates(); *entry != NULL; entry++) {
        const struct bf_aggregate_kind *kind = &(*entry)->kind, *written = aggregates[count];
        assert_ptr_equal(kinds[count++], kind);
        assert_string_equal(written->name, kind->name); /* the tests' own list says the same */
        assert_string_equal(written->takes ? written->takes : "", kind->takes ? kind->takes : "");
        assert_true(written->unit == kind->unit && written->input == kind->input);
    }
    assert_true(count > 0);
    assert_null(kinds[count]);
    assert_null(bf_aggregate_find(BF_SLICE("no_such")));
    assert_null(bf_aggregate_find(BF_SLICE("")));
}

/* The table of docs/AGGREGATES.md has a row for each, with its options. */
static void the_manual_lists_them(void **state)
{
    (void)state;
    static char page[1 << 16];
    FILE *file = fopen(TEST_SOURCE_DIR "/docs/AGGREGATES.md", "rb");
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    for (const struct bf_aggregate_kind *const *kind = bf_aggregate_kinds(); *kind != NULL; kind++) {
        char row[200];
        int len = snprintf(row, sizeof row, "\n| `%s` | ", (*kind)->name);
        for (const char *at = (*kind)->takes; at != NULL && *at != '\0'; at += strspn(at, " ")) {
            int word = (int)strcspn(at, " ");
            len += snprintf(row + len, sizeof row - (size_t)len, "`%.*s` ", word, at);
            at += word;
        }
        snprintf(row + len, sizeof row - (size_t)len, "| ");
        if (strstr(page, row) == NULL) {
            fail_msg("docs/AGGREGATES.md has no row \"%s\"", row + 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_is_described),
        cmocka_unit_test(law_is_found_by_its_name_only),
        cmocka_unit_test(law_merging_equals_adding_everything),
        cmocka_unit_test(law_the_order_of_adding_hardly_matters),
        cmocka_unit_test(law_merging_nothing_changes_nothing),
        cmocka_unit_test(law_save_then_load_changes_nothing),
        cmocka_unit_test(law_hostile_bytes_are_refused),
        cmocka_unit_test(law_nothing_is_allocated),
        cmocka_unit_test(law_a_state_stays_in_its_size),
        cmocka_unit_test(tame_readings_have_a_value),
        cmocka_unit_test(names_are_listed),
        cmocka_unit_test(the_manual_lists_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
