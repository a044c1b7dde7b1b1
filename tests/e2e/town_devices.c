/* town_devices.c: what a person does with an installation: devices that send, commands, the account at the
 * end. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/town_inside.h"

#define AUDIT_WAIT "120s"
#define AUDIT_MS 120000
#define AUDIT_MESSAGES "16777216"
#define SETTLE_MS 40000
#define ORACLE_TRIES 3 /* a long log takes longer than that to read */
#define COMMAND_MS 300000
#define ARGUMENTS 32

/* argv of `belfry COMMAND --config FILE REST...`; the command is the first of the list. */
static void list_arguments(const struct town *town, const char *argv[ARGUMENTS], const char *argument,
                           va_list arguments)
{
    size_t used = 0;
    argv[used++] = TOWN_BIN "belfry";
    argv[used++] = argument;
    argv[used++] = "--config";
    argv[used++] = town->config;
    for (const char *next; (next = va_arg(arguments, const char *)) != NULL;) {
        assert_true(used < ARGUMENTS - 1);
        argv[used++] = next;
    }
    argv[used] = NULL;
}

void town_devices(struct town *town, const char *argument, ...)
{
    char out[400], log[400];
    assert_true(town->journal_count < TOWN_JOURNALS);
    char *journal = town->journals[town->journal_count];
    snprintf(journal, sizeof town->journals[0], "%s/journal-%zu", town->folder, town->journal_count++);
    const char *argv[ARGUMENTS] = {TOWN_BIN "belfry", "simulate",  "--config", town->config,
                                   "--json",          "--journal", journal,    argument};
    size_t used = 8;
    struct bf_err err;
    va_list arguments;
    va_start(arguments, argument);
    for (const char *next; (next = va_arg(arguments, const char *)) != NULL;) {
        assert_true(used < ARGUMENTS - 1);
        argv[used++] = next;
    }
    va_end(arguments);
    town_log_of(town, "devices-out", out);
    unlink(out);
    const struct bf_child_options options = {
        .argv = argv, .out = out, .err = town_log_of(town, "devices", log)};
    assert_int_equal(bf_child_start(&town->devices, &options, &err), BF_OK);
}

static uint64_t json_number(const char *text, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : UINT64_MAX;
}

bool town_pass(struct town *town, int ms)
{
    int64_t until_us = bf_time_monotonic_us() + ms * BF_US_PER_MS;
    do {
        town_tend(town);
        if (!bf_child_running(&town->devices)) {
            return false;
        }
    } while (bf_wait_turn(until_us));
    return true;
}

void town_devices_stop(struct town *town)
{
    assert_true(bf_child_running(&town->devices));
    kill(town->devices.pid, SIGTERM);
}

void town_devices_end(struct town *town, int timeout_ms)
{
    char path[400], text[1000];
    int64_t deadline_us = bf_deadline_us(timeout_ms);
    while (bf_child_running(&town->devices)) {
        town_tend(town);
        assert_true(bf_wait_turn(deadline_us));
    }
    if (town->devices.ended != 0) {
        fail_msg("the devices ended with %d: %s", town->devices.ended,
                 bf_file_tail(town_log_of(town, "devices", path), text, sizeof text));
    }
    bf_file_tail(town_log_of(town, "devices-out", path), text, sizeof text);
    town->published += json_number(text, "published");
    town->acknowledged += json_number(text, "acknowledged");
    town->again += json_number(text, "again");
    printf("devices: %s", text);
    assert_int_equal(town->published, town->acknowledged);
}

int town_belfry(struct town *town, char *out, size_t size, const char *argument, ...)
{
    const char *argv[ARGUMENTS];
    char path[400];
    struct bf_err err;
    struct bf_child child;
    va_list arguments;
    va_start(arguments, argument);
    list_arguments(town, argv, argument, arguments);
    va_end(arguments);
    town_log_of(town, argument, path);
    unlink(path);
    const struct bf_child_options options = {.argv = argv, .out = path, .err = path};
    assert_int_equal(bf_child_start(&child, &options, &err), BF_OK);
    int64_t deadline_us = bf_deadline_us(COMMAND_MS);
    while (bf_child_running(&child)) {
        town_tend(town);
        assert_true(bf_wait_turn(deadline_us));
    }
    if (out) {
        bf_file_tail(path, out, size);
    }
    return child.ended;
}

/* ---- the account */

uint64_t town_audit_number(const struct town_audit *audit, const char *name)
{
    uint64_t number = json_number(audit->text, name);
    assert_true(number != UINT64_MAX);
    return number;
}

static void print_sums(const struct bf_oracle_sums *sums)
{
    printf("oracle: readings=%llu duplicate=%llu older=%llu late=%llu windows=%llu late_windows=%llu "
           "results=%llu "
           "revisions=%llu empty=%llu repeats=%llu generations=%llu mixed=%llu history=%llu kpis=%llu "
           "aggregates=%u windows: hopping=%d calendar=%d session=%d count=%d\n",
           (unsigned long long)sums->readings, (unsigned long long)sums->duplicate,
           (unsigned long long)sums->older, (unsigned long long)sums->late, (unsigned long long)sums->windows,
           (unsigned long long)sums->late_windows, (unsigned long long)sums->results,
           (unsigned long long)sums->revisions, (unsigned long long)sums->empty,
           (unsigned long long)sums->repeats, (unsigned long long)sums->generations,
           (unsigned long long)sums->mixed, (unsigned long long)sums->history,
           (unsigned long long)sums->kpis, sums->aggregates, sums->hops, sums->calendar, sums->sessions,
           sums->counts);
}

/* Every message that was acknowledged is there once, or as often as the broker was given it; no other is. */
static enum bf_status call_the_roll(struct town *town, struct town_audit *audit, struct bf_err *err)
{
    struct roll_sums *roll = &audit->roll;
    enum bf_status status =
        roll_call((const char(*)[400])town->journals, town->journal_count, &town->options, roll, err);
    if (status != BF_OK) {
        return status;
    }
    printf("roll: acknowledged %llu, sent again %llu, alike %llu, lost %llu, twice by the broker %llu, "
           "doubled %llu, others %llu\n",
           (unsigned long long)roll->acknowledged, (unsigned long long)roll->again,
           (unsigned long long)roll->alike, (unsigned long long)roll->lost, (unsigned long long)roll->twice,
           (unsigned long long)roll->doubled, (unsigned long long)roll->others);
    bool holds = roll->acknowledged == town->acknowledged && roll->lost == 0 && roll->doubled == 0 &&
                 roll->others == town->extra &&
                 audit->messages == roll->acknowledged + roll->twice + town->extra;
    return holds ? BF_OK
                 : bf_err_set(err, BF_FATAL, "of %llu messages %llu are lost and %llu doubled",
                              (unsigned long long)roll->acknowledged, (unsigned long long)roll->lost,
                              (unsigned long long)roll->doubled);
}

/* Waits until nothing is missing. */
static enum bf_status audit_all(struct town *town, struct town_audit *audit, struct bf_err *err)
{
    uint64_t least = town->acknowledged + town->extra;
    int64_t deadline_us = bf_deadline_us(AUDIT_MS);
    do {
        audit->holds = town_belfry(town, audit->text, sizeof audit->text, "audit", "--wait", AUDIT_WAIT,
                                   "--messages", AUDIT_MESSAGES, "--json", NULL) == 0;
        audit->messages = json_number(audit->text, "messages");
    } while (audit->holds && audit->messages < least && bf_wait_turn(deadline_us));
    printf("audit: %spublished %llu, acknowledged %llu, sent again %llu\n", audit->text,
           (unsigned long long)(town->published + town->extra), (unsigned long long)least,
           (unsigned long long)town->again);
    if (!audit->holds) {
        return bf_err_set(err, BF_FATAL, "the audit does not hold: %.200s", audit->text);
    }
    enum bf_status status = call_the_roll(town, audit, err);
    audit->holds = status == BF_OK;
    return status;
}

enum bf_status town_judge(struct town *town, struct bf_oracle_sums *sums, struct town_audit *audit,
                          struct bf_err *err)
{
    enum bf_status status = audit_all(town, audit, err);
    if (status != BF_OK) {
        return status;
    }
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        if (town->exists[i] && town_kind((enum town_daemon)i) == TOWN_INGEST) {
            town_stop(town, (enum town_daemon)i);
        }
    }
    int64_t deadline_us = bf_deadline_us(SETTLE_MS);
    int tries = 0;
    do {
        town_tend(town);
        status = bf_oracle_check(&town->options, town->url, sums, err);
    } while (status != BF_OK && (++tries < ORACLE_TRIES || bf_wait_turn(deadline_us)));
    print_sums(sums);
    return status;
}

void town_account(struct town *town, struct bf_oracle_sums *sums, struct town_audit *audit)
{
    struct bf_err err = {0};
    *sums = (struct bf_oracle_sums){.readings = 0};
    if (town_judge(town, sums, audit, &err) != BF_OK) {
        fail_msg("%s: %s\n%s", err.message, err.detail, sums->differences);
    }
}
