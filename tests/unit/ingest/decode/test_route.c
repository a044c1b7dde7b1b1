/* test_route.c: templates match as MQTT filters do; with hundreds of profiles too. */
#include "kit.h"

#include "ingest/decode/route.h"

/* A city of nothing but topics; a level in braces is named. */
struct topics {
    struct bf_profile profiles[512];
    struct bf_level levels[4096];
    size_t used;
    struct bf_city city;
    struct bf_route *route;
};

static void add(struct topics *topics, const char *text)
{
    struct bf_profile *profile = &topics->profiles[topics->city.profile_count++];
    struct bf_topic_template *topic = &profile->topic;
    profile->enabled = true;
    topic->levels = &topics->levels[topics->used];
    for (const char *at = text;;) {
        struct bf_level *level = &topic->levels[topic->count++];
        size_t len = strcspn(at, "/");
        level->text = (struct bf_slice){.data = at, .len = len};
        level->kind = len == 1 && *at == '#'   ? BF_LEVEL_REST
                      : len == 1 && *at == '+' ? BF_LEVEL_ANY
                      : len > 0 && *at == '{'  ? BF_LEVEL_NAMED
                                               : BF_LEVEL_LITERAL;
        topics->used++;
        if (at[len] == '\0') {
            return;
        }
        at += len + 1;
    }
}

static struct topics *open_topics(const char *const *texts)
{
    struct topics *topics = calloc(1, sizeof *topics);
    assert_non_null(topics);
    topics->city.profiles = topics->profiles;
    for (size_t i = 0; texts[i]; i++) {
        add(topics, texts[i]);
    }
    return topics;
}

static void close_topics(struct topics *topics)
{
    bf_route_destroy(topics->route);
    free(topics);
}

static void check(struct topics *topics, const char *topic, const char *expected)
{
    struct bf_route_match match;
    char found[256] = "";
    bf_route_find(topics->route, bf_slice_of(topic), &match);
    for (size_t i = 0; i < match.count; i++) {
        size_t len = strlen(found);
        snprintf(found + len, sizeof found - len, "%s%u", i > 0 ? " " : "", (unsigned)match.profiles[i]);
    }
    if (strcmp(found, expected) != 0) {
        fail_msg("%s: [%s], not [%s]", topic, found, expected);
    }
}

static void test_match(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"a/+/c", "a/{x}/c", "a/#", "#",      "a/b/c",           "+/b",
                                        "/x",    "a/b/c/#", "+",   "$SYS/#", "{x}/{y}/{z}/{w}", NULL};
    struct topics *topics = open_topics(texts);
    assert_int_equal(bf_route_create(&topics->city, &topics->route, NULL), BF_OK);
    static const struct {
        const char *topic, *found;
    } cases[] = {{"a/b/c", "0 1 2 3 4 7"},
                 {"a/x/c", "0 1 2 3"},
                 {"a/b", "2 3 5"},
                 {"a", "2 3 8"},
                 {"z", "3 8"},
                 {"", "3 8"},
                 {"/x", "3 6"},
                 {"/b", "3 5"},
                 {"a//c", "0 1 2 3"},
                 {"a/b/c/d", "2 3 7 10"},
                 {"a/b/c/d/e", "2 3 7"},
                 {"$SYS/x", "9"},
                 {"$SYS", "9"},
                 {"$x/b", ""},
                 {"$a", ""},
                 {"a/", "2 3"},
                 {"///", "3 10"},
                 {"////////////////", "3"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(topics, cases[i].topic, cases[i].found);
    }
    close_topics(topics);
}

static void test_when_and_disabled(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"{kind}/{device}", "{kind}/{device}", "{kind}/{device}", "{kind}",
                                        NULL};
    struct bf_slice values[] = {BF_SLICE("air"), BF_SLICE("dust")};
    struct bf_profile_match kind = {.level = 0, .values = values, .count = 2};
    struct bf_profile_match beyond = {.level = 5, .values = values, .count = 2};
    struct topics *topics = open_topics(texts);
    topics->profiles[0].matches = &kind;
    topics->profiles[0].match_count = 1;
    topics->profiles[1].enabled = false;
    topics->profiles[3].matches = &beyond;
    topics->profiles[3].match_count = 1;
    assert_int_equal(bf_route_create(&topics->city, &topics->route, NULL), BF_OK);
    check(topics, "air/x", "0 2");
    check(topics, "dust/x", "0 2");
    check(topics, "water/x", "2");
    check(topics, "air", "");
    close_topics(topics);
}

static void test_levels(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"a/{x}/#", NULL};
    struct topics *topics = open_topics(texts);
    struct bf_route_match match;
    assert_int_equal(bf_route_create(&topics->city, &topics->route, NULL), BF_OK);
    bf_route_find(topics->route, BF_SLICE("a/Matinkyl\xc3\xa4 (M)/18:48/x/y"), &match);
    assert_int_equal(match.count, 1);
    assert_int_equal(match.level_count, 3);
    kit_text(match.levels[1], "Matinkyl\xc3\xa4 (M)");
    kit_text(match.levels[2], "18:48");
    close_topics(topics);
}

static void test_hundreds(void **unused)
{
    (void)unused;
    static const char *const none[] = {NULL};
    static char texts[500][32];
    struct topics *topics = open_topics(none);
    for (size_t i = 0; i < 500; i++) {
        snprintf(texts[i], sizeof texts[i], "city/vendor%zu/{device}", i);
        add(topics, texts[i]);
    }
    assert_int_equal(bf_route_create(&topics->city, &topics->route, NULL), BF_OK);
    for (size_t i = 0; i < 500; i++) {
        char topic[32], expected[8];
        snprintf(topic, sizeof topic, "city/vendor%zu/d", i);
        snprintf(expected, sizeof expected, "%zu", i);
        check(topics, topic, expected);
    }
    check(topics, "city/vendor500/d", "");
    close_topics(topics);
}

static void test_no_profiles(void **unused)
{
    (void)unused;
    static const char *const none[] = {NULL};
    struct topics *topics = open_topics(none);
    assert_int_equal(bf_route_create(&topics->city, &topics->route, NULL), BF_OK);
    check(topics, "a/b", "");
    check(topics, "", "");
    close_topics(topics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_match), cmocka_unit_test(test_when_and_disabled),
                                       cmocka_unit_test(test_levels), cmocka_unit_test(test_hundreds),
                                       cmocka_unit_test(test_no_profiles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
