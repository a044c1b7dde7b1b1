/* Topics, paths and templates: what they are read as, where they overlap, and hostile texts. */
#include "tests/unit/config/support.h"

#include "config/template.h"

static struct bf__pool *pool;

static int make_pool(void **state)
{
    (void)state;
    pool = bf__pool_create();
    return 0;
}

static int drop_pool(void **state)
{
    (void)state;
    bf__pool_destroy(pool);
    return 0;
}

static struct bf_topic_template topic(const char *text)
{
    struct bf_topic_template read;
    struct bf__fault fault = {0};
    if (!bf__topic_parse(pool, bf_slice_of(text), &read, &fault)) {
        fail_msg("%s: %s", text, fault.why);
    }
    return read;
}

static void test_paths(void **state)
{
    (void)state;
    struct bf_path path;
    struct bf__fault fault;
    assert_true(bf__path_parse(pool, BF_SLICE("$"), &path, &fault));
    assert_int_equal(path.count, 0);
    assert_true(bf__path_parse(pool, BF_SLICE("$.a-b[12][\"c \\\"d\\\\\"].ü"), &path, &fault));
    assert_int_equal(path.count, 4);
    assert_true(bf_slice_equal(path.steps[0].name, BF_SLICE("a-b")));
    assert_int_equal(path.steps[0].index, -1);
    assert_int_equal(path.steps[1].index, 12);
    assert_true(bf_slice_equal(path.steps[2].name, BF_SLICE("c \"d\\")));
    assert_true(bf_slice_equal(path.steps[3].name, BF_SLICE("ü")));
}

static void test_bad_paths(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      "a",     "$a",      "$.",   "$..a",   "$.a.", "$[",   "$[]",           "$[-1]",
        "$[1",   "$[\"a", "$[\"a\"", "$[\"", "$[\"\\", "$.*",  "$[*]", "$[1234567890]", "$.a b",
        "$['a']"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bf_path path;
        struct bf__fault fault = {0};
        assert_false(bf__path_parse(pool, bf_slice_of(bad[i]), &path, &fault));
        assert_non_null(fault.why);
        assert_true(fault.at <= strlen(bad[i]));
    }
    char deep[128] = "$";
    for (size_t i = 0; i < 33; i++) {
        memcpy(deep + strlen(deep), "[0]", 4);
    }
    struct bf_path path;
    struct bf__fault fault;
    assert_false(bf__path_parse(pool, bf_slice_of(deep), &path, &fault));
}

static void test_templates(void **state)
{
    (void)state;
    struct bf_topic_template levels = topic("a/{b}/{c}/#");
    struct bf_template read;
    struct bf__fault fault;
    assert_true(bf__template_parse(pool, BF_SLICE("x{c}-{$[\"}\"].d}{{{item}}}"), &levels, &read, &fault));
    assert_int_equal(read.count, 7);
    assert_int_equal(read.parts[0].kind, BF_PART_LITERAL);
    assert_int_equal(read.parts[1].kind, BF_PART_LEVEL);
    assert_int_equal(read.parts[1].level, 2);
    assert_int_equal(read.parts[3].kind, BF_PART_PATH);
    assert_true(bf_slice_equal(read.parts[3].path.steps[0].name, BF_SLICE("}")));
    assert_true(bf_slice_equal(read.parts[4].literal, BF_SLICE("{")));
    assert_int_equal(read.parts[5].kind, BF_PART_ITEM);
    assert_true(bf_slice_equal(read.parts[6].literal, BF_SLICE("}")));
    static const char *const bad[] = {"", "{", "}", "{}", "{d}", "{$}}", "x{b", "{$.}", "{$x}", "{b }"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fault = (struct bf__fault){0};
        assert_false(bf__template_parse(pool, bf_slice_of(bad[i]), &levels, &read, &fault));
        assert_non_null(fault.why);
    }
}

static void test_topics_match_and_overlap(void **state)
{
    (void)state;
    struct bf_topic_template a = topic("city/{kind}/7/x"), b = topic("city/air/+/x"), c = topic("city/#"),
                             d = topic("city/air/8/x"), e = topic("city");
    assert_true(bf__topic_overlaps(&a, &b) && bf__topic_overlaps(&b, &a));
    assert_true(bf__topic_overlaps(&a, &c) && bf__topic_overlaps(&e, &c));
    assert_false(bf__topic_overlaps(&a, &d));
    assert_false(bf__topic_overlaps(&a, &e));
    assert_true(bf__topic_matches(&a, BF_SLICE("city/dust/7/x")));
    assert_true(bf__topic_matches(&a, BF_SLICE("city//7/x")));
    assert_false(bf__topic_matches(&a, BF_SLICE("city/dust/7")));
    assert_false(bf__topic_matches(&a, BF_SLICE("city/dust/7/x/")));
    assert_true(bf__topic_matches(&c, BF_SLICE("city")));
    assert_true(bf__topic_matches(&c, BF_SLICE("city/a/b")));
    assert_false(bf__topic_matches(&c, BF_SLICE("cit")));
    struct bf_topic_template many;
    struct bf__fault fault;
    assert_false(bf__topic_parse(pool, BF_SLICE("////////////////////////////////"), &many, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_bad_paths),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_topics_match_and_overlap),
    };
    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
