/* test_observe.c: fields to observations: what the head refuses, and what one record may lose. */
#include "kit.h"

#include "ingest/decode/observe.h"

static const char profile[] =
    "network: n\ntopic: t/{device}\ntime: {path: $.at, unit: s}\n"
    "place: {lat: $.lat, lon: $.lon}\n"
    "readings: [{path: $.v, quantity: v, unit: m}, {path: $.w, quantity: w, unit: m}]\n";

static void test_head(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(profile);
    kit_refused(kit, "t/d", "{\"at\":true,\"v\":1}", "bad_time");
    kit_refused(kit, "t/", "{\"v\":1}", "bad_identity");
    assert_int_equal(kit_run(kit, "t/d", "{\"at\":1699999000,\"v\":1,\"lat\":91,\"lon\":0}"), 1);
    assert_string_equal(kit->rejects[0].reason, "out_of_range"); /* the reading goes on without a place */
    assert_false(kit->readings[0].has_place);
    kit_close(kit);
}

static void test_fields(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(profile);
    assert_int_equal(kit_run(kit, "t/d", "{\"v\":1,\"w\":2}"), 2);
    assert_int_equal(kit_run(kit, "t/d", "{\"w\":2,\"v\":null}"), 1);
    kit_refused(kit, "t/d", "{\"w\":null}", "empty"); /* there, and no value: no fault */
    kit_refused(kit, "t/d", "{}", "missing_field");
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_head), cmocka_unit_test(test_fields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
