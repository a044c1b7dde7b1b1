/* The YAML subset, variables, and typed scalars: limits reached, hostile bytes.
 * Covers: config/expand.c, config/scalar.c, config/pool.c */
#include "tests/unit/config/support.h"

#include <math.h>

#include "config/expand.h"
#include "config/scalar.h"
#include "config/yaml.h"

static struct bf__pool *pool;
static struct bf__problems problems;

static int setup(void **state)
{
    (void)state;
    pool = bf__pool_create();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bf__problems_deinit(&problems);
    bf__pool_destroy(pool);
    return 0;
}

static bool parse(struct bf_slice bytes, struct bf__document *document)
{
    struct bf__yaml_source source = {.name = "x", .bytes = bytes, .variables = BF__YAML_KEEP,
                                     .severity = BF__FATAL};
    return bf__yaml_parse(pool, &source, document, &problems);
}

static void test_nodes_know_where_they_stand(void **state)
{
    (void)state;
    struct bf__document document;
    assert_true(parse(BF_SLICE("\xEF\xBB\xBF" "a: 1\n"), &document)); /* a byte order mark */
    assert_non_null(bf__node_get(document.root, "a"));
    assert_true(parse(BF_SLICE("# ä\nä: [ü, \"zwei\"]\nb:\n  c: d\n"), &document));
    const struct bf__node *list = bf__node_get(document.root, "ä");
    assert_int_equal(list->kind, BF__NODE_LIST);
    assert_int_equal(list->count, 2);
    assert_int_equal(list->first->line, 2);
    assert_int_equal(list->first->column, 5); /* characters, not bytes */
    assert_true(list->first->next->quoted);
    assert_int_equal(list->first->next->begin, strlen("# ä\nä: [ü, "));
    const struct bf__node *c = bf__node_get(bf__node_get(document.root, "b"), "c");
    assert_string_equal(c->text.data, "d");
    assert_int_equal(c->line, 4);
    assert_null(bf__node_get(c, "x"));
}

static void test_json_is_read(void **state)
{
    (void)state;
    struct bf__document document;
    assert_true(parse(BF_SLICE("{\"a\":{\"b\":[1,-2.5e3,\"\\u00e4\\/\",true,null]},\n\t\"c\":[]}"),
                      &document));
    const struct bf__node *list = bf__node_get(bf__node_get(document.root, "a"), "b");
    assert_int_equal(list->count, 5);
    assert_string_equal(list->first->next->next->text.data, "ä/");
}

static void test_limits(void **state)
{
    (void)state;
    struct bf__document document;
    char *big = malloc(BF__YAML_BYTES + 2);
    assert_non_null(big);
    memset(big, 'a', BF__YAML_BYTES + 1);
    big[BF__YAML_BYTES + 1] = '\0';
    assert_false(parse((struct bf_slice){big, BF__YAML_BYTES + 1}, &document));
    assert_false(parse((struct bf_slice){big, BF__YAML_SCALAR + 1}, &document));
    assert_true(parse((struct bf_slice){big, BF__YAML_SCALAR}, &document));
    size_t at = 0;
    for (unsigned i = 0; i <= BF__YAML_KEYS; i++) {
        at += (size_t)snprintf(big + at, 16, "k%u: 1\n", i);
    }
    assert_false(parse((struct bf_slice){big, at}, &document));
    memset(big, '[', 10000);
    assert_false(parse((struct bf_slice){big, 10000}, &document));
    memset(big, '{', 10000);
    assert_false(parse((struct bf_slice){big, 10000}, &document));
    free(big);
}

static void test_every_cut_and_every_flipped_byte_is_survived(void **state)
{
    (void)state;
    static const char text[] =
        "a: {b: [1, \"x\\n\", 'y'], c: ${V:-1}}\nd:\n  - e: |\n      f\n    g: >-\n     h\n...\n";
    char copy[sizeof text];
    struct bf__document document;
    for (size_t len = 0; len < sizeof text; len++) {
        (void)parse((struct bf_slice){text, len}, &document);
        for (unsigned flip = 1; flip < 256; flip += 13) {
            memcpy(copy, text, sizeof text);
            copy[len] = (char)((unsigned char)copy[len] ^ flip);
            (void)parse((struct bf_slice){copy, sizeof text - 1}, &document);
        }
    }
    assert_true(problems.count > 0);
    assert_true(problems.count <= BF__PROBLEMS_MAX);
}

struct expansion {
    const char *text, *expected; /* NULL: refused */
};

static void test_variables(void **state)
{
    (void)state;
    static const struct expansion expansions[] = {
        {.text = "plain $x $", .expected = "plain $x $"},
        {.text = "${BF_SET}", .expected = "v:{}"},
        {.text = "a${BF_SET}b${BF_SET}", .expected = "av:{}bv:{}"},
        {.text = "${BF_UNSET:-d e}", .expected = "d e"},
        {.text = "${BF_EMPTY:-d}", .expected = "d"},
        {.text = "${BF_EMPTY}", .expected = ""},
        {.text = "${BF_UNSET:-}", .expected = ""},
        {.text = "$${BF_SET}", .expected = "${BF_SET}"},
        {.text = "${BF_SET:?why}", .expected = "v:{}"},
        {.text = "${BF_EMPTY:?why}", .expected = NULL},
        {.text = "${BF_UNSET}", .expected = NULL},
        {.text = "${}", .expected = NULL},
        {.text = "${1A}", .expected = NULL},
        {.text = "${A", .expected = NULL},
        {.text = "${A-b}", .expected = NULL},
    };
    setenv("BF_SET", "v:{}", 1);
    setenv("BF_EMPTY", "", 1);
    unsetenv("BF_UNSET");
    for (size_t i = 0; i < sizeof expansions / sizeof expansions[0]; i++) {
        struct bf_slice out = {NULL, 0};
        const char *why = NULL;
        bool changed = false;
        bool good = bf__expand(pool, bf_slice_of(expansions[i].text), &out, &changed, &why);
        assert_int_equal(good, expansions[i].expected != NULL);
        if (good) {
            assert_true(bf_slice_equal(out, bf_slice_of(expansions[i].expected)));
        } else {
            assert_non_null(why);
        }
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "-1.5", "1e3", ".5", "5.", "+1", "1E-3"};
    static const char *const bad[] = {"",    "-",     ".",  "1e", "0x10",  "nan",
                                      "inf", "1e999", "1 ", " 1", "1_000", ".nan"};
    double value = 0;
    int64_t integer = 0;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(bf_scalar_number(bf_slice_of(good[i]), &value));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(bf_scalar_number(bf_slice_of(bad[i]), &value));
    }
    assert_true(bf_scalar_number(BF_SLICE("-.inf"), &value) && isinf(value) && value < 0);
    assert_true(bf_scalar_integer(BF_SLICE("-9223372036854775807"), &integer));
    assert_false(bf_scalar_integer(BF_SLICE("9223372036854775808"), &integer));
    assert_false(bf_scalar_integer(BF_SLICE("1.0"), &integer));
}

static void test_durations_and_sizes(void **state)
{
    (void)state;
    int64_t us = 0;
    uint64_t bytes = 0;
    char text[32];
    assert_true(bf_scalar_duration(BF_SLICE("250ms"), &us) && us == 250000);
    assert_true(bf_scalar_duration(BF_SLICE("48h"), &us) && us == INT64_C(172800000000));
    assert_true(bf_scalar_duration(BF_SLICE("1d"), &us) && us == INT64_C(86400000000));
    assert_true(bf_scalar_duration(BF_SLICE("0"), &us) && us == 0);
    static const char *const bad[] = {
        "", "5", "-5s", "5 s", "1.5s", "s", "5S", "9223372036854775807s", "1h30m"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(bf_scalar_duration(bf_slice_of(bad[i]), &us));
    }
    assert_true(bf_scalar_size(BF_SLICE("64KiB"), &bytes) && bytes == 65536);
    assert_false(bf_scalar_size(BF_SLICE("64KB"), &bytes));
    assert_false(bf_scalar_size(BF_SLICE("8589934592GiB"), &bytes));
    assert_string_equal(bf_scalar_format_duration(90e6, text, sizeof text), "90s");
    assert_string_equal(bf_scalar_format_duration(172800e6, text, sizeof text), "2d");
    assert_string_equal(bf_scalar_format_size(65536, text, sizeof text), "64KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nodes_know_where_they_stand, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_cut_and_every_flipped_byte_is_survived, setup, teardown),
        cmocka_unit_test_setup_teardown(test_variables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_durations_and_sizes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
