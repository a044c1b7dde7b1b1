/* test_csv.c: the csv decoder: headers, quotes, delimiters, long tables (`each`), and rows that are not
 * whole. */
#include "kit.h"

#define HEAD "network: n\ntopic: x/{device}\nformat: csv\n"
#define PM \
    "readings: [{path: $.pm, quantity: pm2_5, unit: ug/m3}, {path: $.kind, quantity: kind, type: text}]\n"

static void test_rows(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(HEAD "time: {path: $.time}\n" PM "tags: {site: \"{$.site}\"}\n");
    assert_int_equal(
        kit_run(kit, "x/d",
                "time,pm, kind ,\"site\"\r\n2023-11-14T22:13:10Z, 1.5 ,\"a,\"\"b\"\"\",s1\r\n\r\n"
                "2023-11-14T22:13:11Z,,c,s2\n2023-11-14T22:13:12Z,-2e1,,s3"),
        4);
    kit_text(kit->readings[1].value.as.text, "a,\"b\"");
    assert_true(kit->readings[0].event_us == INT64_C(1699999990000000));
    assert_true(kit->readings[3].event_us == INT64_C(1699999992000000));
    assert_true(kit->readings[3].value.as.number == -20);
    kit_text(kit->readings[2].tags[0].value, "s2");
    assert_int_equal(kit->reject_count, 0);
    kit_refused(kit, "x/d", "", "empty");
    kit_refused(kit, "x/d", "time,pm,kind,site\n", "empty");
    kit_refused(kit, "x/d", "time,pm\n2023-11-14T22:13:10Z,1,2", "malformed"); /* more cells than columns */
    kit_refused(kit, "x/d", "time,pm\n,\"1", "malformed");
    kit_refused(kit, "x/d", "time,pm\n,\"1\"2", "malformed");
    kit_refused(kit, "x/d", "time,pm\n,1\"2\"", "malformed");
    kit_refused(kit, "x/d", "time,pm\n,\xff", "encoding");
    assert_int_equal(kit_run(kit, "x/d", "time,pm\nnow,1\n,2\n"), 1); /* a bad row costs itself */
    assert_string_equal(kit->rejects[0].reason, "bad_time");
    kit_close(kit);
}

static void test_headers(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(HEAD "csv: {delimiter: \";\", header: skip, columns: [pm, kind]}\n" PM);
    assert_int_equal(kit_run(kit, "x/d", "a;b\n1.5;k\n2"), 3);
    kit_close(kit);
    kit = kit_open(HEAD "csv: {header: none, delimiter: \"\t\"}\n"
                        "readings: [{path: '$[\"2\"]', quantity: v, unit: m}]\n");
    assert_int_equal(kit_run(kit, "x/d", "a\t5\nb\t6\t\nc"), 2);
    assert_int_equal(kit->reject_count, 1);
    assert_true(kit->readings[1].value.as.number == 6);
    kit_refused(kit, "x/d", "a", "missing_field");
    kit_close(kit);
}

/* A row for each value, as data loggers write them. */
static void test_long_tables(void **unused)
{
    (void)unused;
    struct kit *kit = kit_open(HEAD "csv: {header: none, columns: [at, t, h]}\ntime: {path: $.at, unit: s}\n"
                                    "each: {path: $}\nreadings:\n  - {name: t, quantity: t, unit: Cel}\n"
                                    "  - {name: h, quantity: h, unit: \"%\"}\n");
    assert_int_equal(kit_run(kit, "x/d", "1700000000,21,40\n1700000001,22,41\n"), 4);
    assert_true(kit->readings[2].event_us == INT64_C(1700000001000000));
    kit_close(kit);
    kit = kit_open(HEAD "readings: [{path: $, quantity: q, unit: m}]\n"); /* a row is no value */
    kit_refused(kit, "x/d", "a,b\n1,2\n3,4\n", "bad_type");
    kit_close(kit);
}

static void test_memory(void **unused)
{
    (void)unused;
    const char *const profiles[] = {HEAD PM, NULL};
    struct bf_pipeline_limits limits = kit_limits;
    char payload[4096] = "pm";
    limits.decode_memory = 2048;
    struct kit *kit = kit_open_limited(profiles, limits);
    for (size_t i = 0; i < 1000; i++) {
        strcat(payload, ",b");
    }
    kit_refused(kit, "x/d", payload, "arena");
    kit_close(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_headers),
                                       cmocka_unit_test(test_long_tables), cmocka_unit_test(test_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
