/* test_plan.c: what a profile asks for becomes numbered fields, each once; tags stand in order;
 * what does not fit a reading is refused. */
#include "kit.h"

#include "ingest/decode/plan.h"

#define STEP(text)                               \
    {                                            \
        .name = BF_SLICE_INIT(text), .index = -1 \
    }

static struct bf_path_step id[] = {STEP("id")}, value[] = {STEP("v")}, first[] = {{.index = 0}};
static struct bf_part source[] = {{.kind = BF_PART_PATH, .path = {.steps = id, .count = 1}},
                                  {.kind = BF_PART_LITERAL, .literal = BF_SLICE_INIT("-")},
                                  {.kind = BF_PART_LEVEL, .level = 2}};
static struct bf_part by_item[] = {{.kind = BF_PART_ITEM}};

static void test_fields(void **unused)
{
    (void)unused;
    struct bf_profile_reading readings[] = {{.path = {.steps = value, .count = 1}},
                                            {.path = {.steps = id, .count = 1}},
                                            {.path = {.steps = first, .count = 1}}};
    struct bf_profile_tag tags[] = {{.name = BF_SLICE("z"), .value = {.parts = source, .count = 1}},
                                    {.name = BF_SLICE("a"), .value = {.parts = source, .count = 3}}};
    const struct bf_profile profile = {.format = BF_FORMAT_JSON,
                                       .source = {.parts = source, .count = 3},
                                       .has_time = true,
                                       .time = {.steps = value, .count = 1},
                                       .readings = readings,
                                       .reading_count = 3,
                                       .tags = tags,
                                       .tag_count = 2};
    struct bf_plan *plan = NULL;
    assert_int_equal(bf_plan_create(&profile, &plan, NULL), BF_OK);
    assert_int_equal(plan->want_count, 3); /* v, id, [0] */
    assert_int_equal(plan->time, plan->values[0]);
    assert_int_equal(plan->values[1], plan->source.parts[0].index);
    assert_int_equal(plan->lat, BF_NO_FIELD);
    kit_text(plan->tags[0].name, "a");
    kit_text(plan->tags[1].name, "z");
    assert_int_equal(plan->source.parts[2].kind, BF_PLAN_LEVEL);
    assert_int_equal(plan->source.parts[2].index, 2);
    assert_false(plan->varies);
    bf_plan_destroy(plan);
    bf_plan_destroy(NULL);
}

static void test_items(void **unused)
{
    (void)unused;
    struct bf_profile_reading reading = {.name = BF_SLICE("*")};
    const struct bf_profile profile = {.format = BF_FORMAT_JSON,
                                       .source = {.parts = by_item, .count = 1},
                                       .has_each = true,
                                       .has_place = true,
                                       .lat = {.steps = id, .count = 1},
                                       .lon = {.steps = value, .count = 1},
                                       .readings = &reading,
                                       .reading_count = 1};
    struct bf_plan *plan = NULL;
    assert_int_equal(bf_plan_create(&profile, &plan, NULL), BF_OK);
    assert_true(plan->varies);
    assert_int_equal(plan->want_count, 4); /* lat and lon at the root, or the items of those names */
    kit_text(plan->wants[plan->item_lat].item, "id");
    kit_text(plan->wants[plan->item_lon].item, "v");
    bf_plan_destroy(plan);
}

static void test_too_many_tags(void **unused)
{
    (void)unused;
    struct bf_profile_tag tags[BF_MAX_TAGS + 1] = {{.name = BF_SLICE("x")}};
    const struct bf_profile profile = {.name = BF_SLICE("p@1"), .tags = tags, .tag_count = BF_MAX_TAGS + 1};
    struct bf_plan *plan = NULL;
    struct bf_err err;
    assert_int_equal(bf_plan_create(&profile, &plan, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "p@1"));
    assert_null(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields), cmocka_unit_test(test_items),
                                       cmocka_unit_test(test_too_many_tags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
