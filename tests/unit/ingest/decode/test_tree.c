/* test_tree.c: many paths in one walk: shared steps, indices, duplicates, and the array of
 * `each`. */
#include "kit.h"

#include "ingest/decode/plan.h"
#include "ingest/decode/tree.h"

#define STEP(text)                               \
    {                                            \
        .name = BF_SLICE_INIT(text), .index = -1 \
    }
#define INDEX(number)     \
    {                     \
        .index = (number) \
    }

static struct bf_path_step a_b[] = {STEP("a"), STEP("b")};
static struct bf_path_step a_c0[] = {STEP("a"), STEP("c"), INDEX(0)};
static struct bf_path_step a_c2_d[] = {STEP("a"), STEP("c"), INDEX(2), STEP("d")};
static struct bf_path_step list[] = {STEP("a"), STEP("c")};
static const struct bf_path paths[] = {{.steps = a_b, .count = 2},
                                       {.steps = a_c0, .count = 3},
                                       {.steps = a_c2_d, .count = 4},
                                       {.steps = a_b, .count = 1}};
static const struct bf_path list_path = {.steps = list, .count = 2};

struct walker {
    struct bf_reader reader;
    struct bf_field fields[4];
    size_t items;
};

static void count_items(void *context)
{
    struct walker *walker = context;
    struct bf_reader_level level;
    assert_true(walker->reader.kind->enter(&walker->reader, &level));
    for (; walker->reader.kind->item(&walker->reader, &level); walker->items++) {
        walker->reader.kind->skip_value(&walker->reader);
    }
}

static bool walk(const struct bf_tree *tree, const char *text, struct walker *walker)
{
    struct bf_arena *arena = bf_arena_create(256);
    bool seen[32] = {false};
    *walker = (struct walker){.items = 0};
    bf_reader_init(&walker->reader, &bf_json_reader, bf_slice_of(text), 16, arena);
    bf_tree_walk(&(struct bf_tree_walk){.tree = tree,
                                        .reader = &walker->reader,
                                        .fields = walker->fields,
                                        .seen = seen,
                                        .list = count_items,
                                        .context = walker});
    struct bf_reader_fault fault;
    bool done = walker->reader.kind->done(&walker->reader, &fault);
    bf_arena_destroy(arena);
    return done;
}

static double number(const struct walker *walker, size_t field)
{
    double value = -999;
    assert_int_equal(bf_field_double(&walker->fields[field], &value), BF_FIELD_OK);
    return value;
}

static void test_walk(void **unused)
{
    (void)unused;
    struct bf_tree tree = {.nodes = NULL};
    struct walker walker;
    assert_true(walk(&tree, "{\"x\":1}", &walker)); /* no paths: all is skipped */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(bf_tree_add(&tree, &paths[i], i), i);
    }
    assert_int_equal(bf_tree_add(&tree, &paths[1], 9), 1); /* known already */
    assert_true(walk(&tree,
                     "{\"b\":0,\"a\":{\"x\":{\"b\":5},\"b\":1,\"c\":[2,[9],{\"e\":0,\"d\":3},4]},\"c\":[7]}",
                     &walker));
    assert_true(number(&walker, 0) == 1 && number(&walker, 1) == 2 && number(&walker, 2) == 3);
    assert_int_equal(walker.fields[3].kind, BF_FIELD_OTHER);
    assert_true(walk(&tree, "{\"a\":7}", &walker));
    assert_true(number(&walker, 3) == 7);
    assert_int_equal(walker.fields[0].kind, BF_FIELD_MISSING);
    assert_true(walk(&tree, "{\"a\":[1]}", &walker));
    assert_true(walk(&tree, "{\"a\":{\"b\":1},\"a\":{\"b\":2,\"c\":[3]}}", &walker));
    assert_true(number(&walker, 0) == 1); /* the first of a duplicate key wins, whole */
    assert_int_equal(walker.fields[1].kind, BF_FIELD_MISSING);
    assert_false(walk(&tree, "{\"a\":{\"b\":1}", &walker));
    bf_tree_deinit(&tree);
}

static void test_each(void **unused)
{
    (void)unused;
    struct bf_tree tree = {.nodes = NULL};
    struct walker walker;
    assert_true(bf_tree_list(&tree, &list_path));
    assert_true(walk(&tree, "{\"a\":{\"c\":[1,[2],{}]}}", &walker));
    assert_int_equal(walker.items, 3);
    assert_int_equal(bf_tree_add(&tree, &paths[1], 1), 1); /* a single item of the same array */
    assert_true(walk(&tree, "{\"a\":{\"c\":[1,[2],{}]}}", &walker));
    assert_int_equal(walker.items, 3);
    assert_true(number(&walker, 1) == 1);
    assert_true(walk(&tree, "{\"a\":{\"c\":5}}", &walker));
    assert_int_equal(walker.items, 0);
    assert_false(walk(&tree, "{\"a\":{\"c\":[1,}}", &walker));
    bf_tree_deinit(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk), cmocka_unit_test(test_each)};
    return bf_number_setup() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
