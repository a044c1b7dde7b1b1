/* top_k: exact while few, true bounds beyond, and a list that is JSON. */
#include "tests/unit/processors/aggregate/feed.h"

#include <stdio.h>
#include <string.h>

static void assert_detail(const struct feed *feed, const char *wanted)
{
    char json[BF_KPI_DETAIL_MAX];
    struct bf_slice got = {json, feed->aggregate->detail(feed->state, &feed->options, json)};
    if (!bf_slice_equal(got, bf_slice_of(wanted))) {
        fail_msg("%.*s is not %s", BF_SLICE_ARG(got), wanted);
    }
}

static void few_labels_are_counted_exactly(void **state)
{
    (void)state;
    struct feed feed, other;
    feed_begin(&feed, "top_k", (struct bf_value_options){.k = 2});
    feed_begin(&other, "top_k", (struct bf_value_options){.k = 2});
    assert_false(feed_has(&feed));
    assert_detail(&feed, "[]");
    for (int i = 0; i < 5; i++) {
        feed_label(&feed, "550");
        feed_label(i < 2 ? &feed : &other, "\"1007\"");
        feed_label(&other, i < 4 ? "x" : "");
    }
    feed_merge(&feed, &other);
    feed_label(&feed, "550");
    assert_true(feed_result(&feed) == 6);
    assert_detail(&feed, "[{\"label\":\"550\",\"count\":6,\"error\":0},"
                         "{\"label\":\"\\\"1007\\\"\",\"count\":5,\"error\":0}]");
}

/* Many labels, one in front: a count is too high by at most its error, and who is frequent is listed. */
static void bounds_hold_where_labels_are_many(void **state)
{
    (void)state;
    static uint64_t truth[2000];
    struct feed whole, part;
    uint64_t seed = 7;
    feed_begin(&whole, "top_k", (struct bf_value_options){.k = 12});
    for (int p = 0; p < 6; p++) {
        feed_begin(&part, "top_k", (struct bf_value_options){.k = 12});
        for (int i = 0; i < 20000; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            double u = ((double)(seed >> 11) + 0.5) / 9007199254740992.0;
            unsigned label = (unsigned)(pow(u, -0.9) - 1) % 2000; /* nearly Zipf's law */
            char text[16];
            snprintf(text, sizeof text, "r%u", label);
            feed_label(&part, text);
            truth[label]++;
        }
        feed_merge(&whole, &part);
    }
    char json[BF_KPI_DETAIL_MAX];
    size_t len = whole.aggregate->detail(whole.state, &whole.options, json);
    json[len] = '\0';
    const char *at = json;
    uint64_t before = UINT64_MAX;
    for (unsigned i = 0; i < 12; i++) {
        unsigned label = 0, used = 0;
        unsigned long long count = 0, error = 0;
        assert_int_equal(sscanf(at, "%*[[,]{\"label\":\"r%u\",\"count\":%llu,\"error\":%llu}%n", &label,
                                &count, &error, (int *)&used),
                         3);
        assert_true(count >= truth[label] && count - error <= truth[label]);
        assert_true(count <= before);
        assert_true(i > 4 || label == i); /* the first five stand apart */
        before = count;
        at += used;
    }
    assert_string_equal(at, "]");
}

static void long_labels_are_cut_between_characters(void **state)
{
    (void)state;
    static const char name[] = "0123456789012345678901234567890123456789012345\xc3\xa4-and-more";
    struct feed feed;
    feed_begin(&feed, "top_k", (struct bf_value_options){.k = 1});
    feed_label(&feed, name);
    assert_detail(&feed,
                  "[{\"label\":\"0123456789012345678901234567890123456789012345\",\"count\":1,\"error\":0}]");
}

static void a_list_of_the_worst_labels_fits(void **state)
{
    (void)state;
    struct feed feed;
    char json[BF_KPI_DETAIL_MAX];
    feed_begin(&feed, "top_k", (struct bf_value_options){.k = 12});
    for (int i = 0; i < 12; i++) {
        char name[48];
        memset(name, i + 1, sizeof name - 1); /* each byte becomes \u00XX */
        name[sizeof name - 1] = '\0';
        feed_label(&feed, name);
    }
    size_t len = feed.aggregate->detail(feed.state, &feed.options, json);
    assert_true(len > BF_KPI_DETAIL_MAX / 2 && len <= BF_KPI_DETAIL_MAX);
    assert_true(json[0] == '[' && json[len - 2] == '}' && json[len - 1] == ']');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_labels_are_counted_exactly),
        cmocka_unit_test(bounds_hold_where_labels_are_many),
        cmocka_unit_test(long_labels_are_cut_between_characters),
        cmocka_unit_test(a_list_of_the_worst_labels_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
