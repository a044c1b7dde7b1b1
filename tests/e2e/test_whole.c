/* The whole way on real peers: hostile payloads first, each a counter and a reject and nothing else; then
 * a city with every kind of fault, accounted for to the last message and recomputed window by window. */
#include "tests/e2e/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "city/air/hostile"
#define LARGE (2 * 1024 * 1024)
#define DEEP 10000
#define ROUNDS 3
#define LEAST_MS 20000
#define PAST_MINUTE_MS 4000
#define GROWTH_KB 8192 /* of ingest's memory over all rounds but the first */

static struct town town;
static struct sender sender;
static char large[LARGE];

/* ---- hostile payloads */

static struct bf_slice nested(void)
{
    memset(large, '[', DEEP);
    memset(large + DEEP, ']', DEEP);
    return (struct bf_slice){large, 2 * DEEP};
}

static struct bf_slice oversize(void)
{
    static const char head[] = "{\"ts\":1700000000000,\"pm25\":1,\"x\":\"";
    memset(large, 'a', sizeof large);
    memcpy(large, head, sizeof head - 1);
    memcpy(large + sizeof large - 2, "\"}", 2);
    return (struct bf_slice){large, sizeof large};
}

/* One message: it is taken, it gives a reject and no reading. */
static void send_hostile(const char *what, struct bf_slice payload)
{
    int64_t messages = town_metric(&town, TOWN_INGEST, "belfry_messages_total");
    int64_t rejects = town_metric(&town, TOWN_INGEST, "belfry_rejects_total");
    int64_t readings = town_metric(&town, TOWN_INGEST, "belfry_readings_total");
    sender_send(&sender, TOPIC, payload);
    sender_settle(&sender);
    BF_EVENTUALLY(town_metric(&town, TOWN_INGEST, "belfry_messages_total") == messages + 1, 10000);
    if (town_metric(&town, TOWN_INGEST, "belfry_rejects_total") != rejects + 1 ||
        town_metric(&town, TOWN_INGEST, "belfry_readings_total") != readings) {
        fail_msg("%s: rejects %lld -> %lld, readings %lld -> %lld", what, (long long)rejects,
                 (long long)town_metric(&town, TOWN_INGEST, "belfry_rejects_total"), (long long)readings,
                 (long long)town_metric(&town, TOWN_INGEST, "belfry_readings_total"));
    }
}

static void send_all_hostile(void)
{
    static const char not_utf8[] = "{\"ts\":1700000000000,\"class\":\"\xc3\x28\",\"pm25\":1}";
    static const char not_a_number[] = "{\"ts\":1700000000000,\"pm25\":NaN}";
    static const char beyond[] = "{\"ts\":1700000000000,\"pm25\":1e999}";
    static const char nul[] = "{\"ts\":1700000000000,\"class\":\"a\0b\",\"pm25\":1}";
    send_hostile("0 bytes", (struct bf_slice){"", 0});
    send_hostile("2 MiB", oversize());
    send_hostile("nested 10,000 deep", nested());
    send_hostile("not UTF-8", (struct bf_slice){not_utf8, sizeof not_utf8 - 1});
    send_hostile("NaN", (struct bf_slice){not_a_number, sizeof not_a_number - 1});
    send_hostile("1e999", (struct bf_slice){beyond, sizeof beyond - 1});
    send_hostile("a NUL in a string", (struct bf_slice){nul, sizeof nul - 1});
}

static long memory_kb(const struct bf_child *child)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)child->pid);
    const char *line = strstr(bf_file_tail(path, text, sizeof text), "VmRSS:");
    return line ? strtol(line + 6, NULL, 10) : -1;
}

static void hostile_payloads_are_rejected_one_by_one(void **state)
{
    (void)state;
    sender_open(&sender, &town);
    send_all_hostile();
    long before = memory_kb(&town.daemons[TOWN_INGEST]);
    for (int round = 1; round < ROUNDS; round++) {
        send_all_hostile();
    }
    long after = memory_kb(&town.daemons[TOWN_INGEST]);
    assert_true(before > 0 && after - before < GROWTH_KB);
    assert_int_equal(town.restarts[TOWN_INGEST], 0);
}

/* A device that sends eight seconds late: its windows have closed, their lateness is not over. */
static void send_late(int number)
{
    char topic[64];
    int64_t then_ms = (bf_time_wall_us() - 8 * BF_US_PER_S) / BF_US_PER_MS;
    snprintf(topic, sizeof topic, "city/air/late-%d", number % 3);
    sender_say(&sender, topic,
               "{\"ts\":%lld,\"class\":\"reference\",\"lat\":60.15,\"lon\":24.68,\"pm25\":%d.5}",
               (long long)then_ms, number);
}

static void a_city_with_faults_is_accounted_for(void **state)
{
    int sent = 0;
    struct bf_oracle_sums sums;
    struct town_audit audit;
    char length[16];
    (void)state;
    int until_ms = town_minute_left_ms() + PAST_MINUTE_MS; /* so that calendar windows end, too */
    snprintf(length, sizeof length, "%dms", until_ms > LEAST_MS ? until_ms : LEAST_MS);
    town_devices(&town, "--rate", "300", "--for", length, "--fault", "silent=5%", "--fault", "drift=5%",
                 "--fault", "spike=10%", "--fault", "stuck=5%", "--fault", "bad-clock=10%", "--fault",
                 "duplicate=10%", "--fault", "malformed=10%", NULL);
    for (; town_pass(&town, 150); sent++) {
        send_late(sent);
    }
    town_devices_end(&town, 60000);
    sender_settle(&sender);
    sender_close(&sender);
    town_account(&town, &sums, &audit);
    assert_true(town.published > 5000);
    assert_true(town_audit_number(&audit, "rejected") > 7 * ROUNDS); /* the hostile, and those that are cut */
    assert_true(town_audit_number(&audit, "late") > 0);              /* two hours behind */
    assert_int_equal(town_audit_number(&audit, "limit"), 0);
    assert_in_range(sums.kpis, 40, 100);
    assert_in_range(sums.aggregates, 20, 24);
    assert_true(sums.hops && sums.calendar && sums.sessions && sums.counts);
    assert_int_equal(sums.older, 0);
    assert_true(sums.late_windows > 0 && sums.revisions > 0);
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        assert_int_equal(town.restarts[i], 0);
    }
}

/* Each kind of device has a profile of its own, and Redis knows which device has which. */
static void every_kind_of_device_is_seen(void **state)
{
    char out[65536];
    (void)state;
    assert_int_equal(town_belfry(&town, out, sizeof out, "top", "--once", "--json", NULL), 0);
    printf("top: %s", out);
    const char *at = strstr(out, "\"kinds\":");
    assert_non_null(at);
    assert_true(strtol(at + 8, NULL, 10) >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_payloads_are_rejected_one_by_one),
        cmocka_unit_test(a_city_with_faults_is_accounted_for),
        cmocka_unit_test(every_kind_of_device_is_seen),
    };
    if (!town_open(&town, BF_PEER_KAFKA, "2s")) {
        return 77;
    }
    town_run(&town);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    town_close(&town);
    return failed;
}
