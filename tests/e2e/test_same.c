/* The same readings log gives the same results, byte for byte: read live by one process, and again by one, by
 * three, and by three of which now one and now another is killed. */
#include "tests/e2e/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/e2e/rerun.h"

#define KILLS 8

static struct town town;
static struct sender sender;
static struct bf_kafka_options live;

static void send_late(int number)
{
    char topic[64];
    int64_t then_ms = (bf_time_wall_us() - (5 + number % 5) * BF_US_PER_S) / BF_US_PER_MS;
    snprintf(topic, sizeof topic, "city/air/late-%d", number % 7);
    sender_say(&sender, topic,
               "{\"ts\":%lld,\"class\":\"reference\",\"lat\":60.15,\"lon\":24.68,\"pm25\":%d.5}",
               (long long)then_ms, number);
}

static void one_process_reads_live(void **state)
{
    struct bf_oracle_sums sums;
    struct town_audit audit;
    (void)state;
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        if (town_kind((enum town_daemon)i) != TOWN_PROCESS || i == TOWN_PROCESS) {
            town_start(&town, (enum town_daemon)i);
        }
    }
    town_await(&town, TOWN_INGEST, 40000);
    town_await(&town, TOWN_PROCESS, 40000);
    sender_open(&sender, &town);
    town_devices(&town, "--rate", "1000", "--for", "25s", "--connections", "8", "--fault", "bad-clock=5%",
                 NULL);
    for (int sent = 0; town_pass(&town, 100); sent++) {
        send_late(sent);
    }
    town_devices_end(&town, 60000);
    sender_settle(&sender);
    sender_close(&sender);
    town_account(&town, &sums, &audit);
    assert_true(sums.revisions > 20);
    live = town.options;
}

static void run_again(const char *prefix, int processes, void (*between)(void *, uint64_t))
{
    static const enum town_daemon list[] = {TOWN_PROCESS, TOWN_PROCESS_2, TOWN_PROCESS_3};
    struct bf_err err = {0};
    town_move(&town, prefix);
    for (int i = 0; i < processes; i++) {
        town_start(&town, list[i]);
    }
    for (int i = 0; i < processes; i++) {
        town_await(&town, list[i], 40000);
    }
    if (rerun_copy(&live, &town.options, between, NULL, &err) != BF_OK) {
        fail_msg("%s: %s", prefix, err.message);
    }
    rerun_await(&town, &live);
}

/* Slow enough for the processes to be in the middle of it when they are killed. */
static void kill_now_and_then(void *context, uint64_t done)
{
    static const enum town_daemon list[] = {TOWN_PROCESS, TOWN_PROCESS_2, TOWN_PROCESS_3};
    static int kills;
    (void)context;
    int64_t until_us = bf_deadline_us(20);
    do {
        town_tend(&town);
    } while (bf_wait_turn(until_us));
    if (done % (24 * 256) == 0 && kills < KILLS) {
        town_kill(&town, list[(kills++ * 7 + 3) % 3]);
    }
}

static void one_process_reads_it_again(void **state)
{
    (void)state;
    run_again("one", 1, NULL);
}

static void three_processes_share_it(void **state)
{
    (void)state;
    run_again("three", 3, NULL);
}

static void three_processes_are_killed_over_it(void **state)
{
    (void)state;
    run_again("rough", 3, kill_now_and_then);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_reads_live),
        cmocka_unit_test(one_process_reads_it_again),
        cmocka_unit_test(three_processes_share_it),
        cmocka_unit_test(three_processes_are_killed_over_it),
    };
    const struct town_options options = {
        .kafka = BF_PEER_APACHE_KAFKA, .delay = "2s", .ingests = 2, .processes = 3};
    if (!town_build(&town, &options)) {
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    town_close(&town);
    return failed;
}
