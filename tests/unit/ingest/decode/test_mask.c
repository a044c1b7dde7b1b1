/* test_mask.c: credentials in topics: no reject, reading or key has them, whatever else is wrong. */
#include "kit.h"

#include "ingest/decode/mask.h"

static const char profile[] =
    "network: ul\ntopic: /ul/{key}/{device}/attrs\nsecret: key\nformat: ultralight\n"
    "readings: [{path: $.t, quantity: t, unit: Cel}]\n";

static void hidden(struct kit *kit, const char *topic, const char *payload, const char *expected)
{
    assert_int_equal(kit_run(kit, topic, payload), 0);
    kit_text(kit->rejects[0].record.topic, expected);
}

static void test_rejects(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(profile);
    assert_int_equal(kit_run(kit, "/ul/PLANTED/d/attrs", "t|1"), 1);
    kit_text(kit->readings[0].source, "ul:d");
    hidden(kit, "/ul/PLANTED/d/attrs", "t", "/ul/*/d/attrs");
    hidden(kit, "/ul/PLANTED/d/cmd", "t", "/ul/*/d/cmd"); /* no profile takes it */
    hidden(kit, "/ul/PLANTED", "t", "/ul/*");
    hidden(kit, "/ul//d/attrs", "t", "/ul/*/d/attrs");
    hidden(kit, "/ul/PLANTED/d/attrs/more/and/more", "t", "/ul/*/d/attrs/more/and/more");
    hidden(kit, "/xx/PLANTED", "t", "/xx/PLANTED"); /* not of that kind */
    char topic[2048] = "/ul/PLANTED/";
    memset(topic + 12, 'x', 2000);
    assert_int_equal(kit_run(kit, topic, "t"), 0); /* longer than max_topic */
    assert_string_equal(kit->rejects[0].reason, "topic_length");
    assert_memory_equal(kit->rejects[0].record.topic.data, "/ul/*/xx", 8);
    kit_close(kit);
}

static void test_many_and_none(void **unused)
{
    (void)unused;
    const char *const profiles[] = {"network: a\ntopic: a/{x}/b/{y}\ndevice: d\nsecret: [y, x]\nreadings: "
                                    "[{path: $.t, quantity: level, unit: m}]\n",
                                    profile, NULL};
    struct kit *kit = kit_open_limited(profiles, kit_limits);
    hidden(kit, "a/PLANTED/b/PLANTED", "x", "a/*/b/*");
    hidden(kit, "a/PLANTED/c/open", "x", "a/*/c/open");
    struct bf_arena *arena = bf_arena_create(16);
    assert_non_null(bf_arena_alloc(arena, 16));
    kit_text(bf_mask_topic(kit->city, BF_SLICE("a/PLANTED/b/PLANTED"), arena), "");
    kit_text(bf_mask_topic(kit->city, BF_SLICE("b"), arena), "b");
    kit_text(bf_mask_topic(kit->city, (struct bf_slice){.len = 0}, arena), "");
    bf_arena_destroy(arena);
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rejects), cmocka_unit_test(test_many_and_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
