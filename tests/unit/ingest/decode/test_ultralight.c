/* test_ultralight.c: the ultralight decoder: groups, times, texts, and what is none of it. */
#include "kit.h"

static void test_groups(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open("network: ul\ntopic: /ul/{key}/{device}/attrs\nformat: ultralight\n"
                               "time: {path: $.TimeInstant}\nreadings:\n"
                               "  - {path: $.t, quantity: temperature, unit: Cel}\n"
                               "  - {path: $.k, quantity: kind, type: text}\n");
    const char *topic = "/ul/ABCDEF/sen1/attrs";
    assert_int_equal(kit_run(kit, topic, "t|15|k|abc"), 2);
    kit_text(kit->readings[0].source, "ul:sen1");
    assert_true(kit_number(kit, "temperature") == 15);
    assert_int_equal(kit_run(kit, topic, "2023-11-14T22:13:10Z|k|100#t|10\n"), 2);
    assert_true(kit->readings[0].event_us == INT64_C(1699999990000000));
    assert_int_equal(kit->readings[1].time_source, BF_TIME_MARKER);
    assert_int_equal(kit_run(kit, topic, "gps|1.2/3.4#t|10"), 1);
    assert_int_equal(kit->reject_count, 1); /* nothing in the first group that is asked for */
    assert_int_equal(kit_run(kit, topic, "t||k|x"), 1);
    kit_refused(kit, topic, "", "empty");
    kit_refused(kit, topic, "15", "malformed");
    kit_refused(kit, topic, "t|15#", "malformed");
    kit_refused(kit, topic, "#t|15", "malformed");
    kit_refused(kit, topic, "|15", "malformed");
    kit_refused(kit, topic, "t|15|k", "bad_time");
    kit_refused(kit, topic, "t|\xff", "encoding");
    kit_close(kit);
}

static void test_each(void **unused)
{
    (void)unused;
    struct kit *kit =
        kit_open("network: ul\ntopic: /ul/{key}/{device}/attrs\nformat: ultralight\neach: {path: $}\n"
                 "readings: [{name: \"*\", quantity: any, unit: \"1\", channel: \"{item}\"}]\n");
    assert_int_equal(kit_run(kit, "/ul/ABCDEF/sen1/attrs", "a|1|b|2#c|3"), 3);
    kit_text(kit->readings[2].source, "ul:sen1:c");
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups), cmocka_unit_test(test_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
