/* Why: the promise, held against real peers for as long as one likes: a storm of faults (tests/e2e/storm.h)
 * under load, then one verdict. bench/chaos builds and runs it; its progress goes to stderr, its result to
 * stdout. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/absence.h"
#include "tests/e2e/storm.h"

#define FIRST_MS 5000
#define LAST_MS 10000
#define LOAD_END_MS 180000

struct result {
    struct bf_oracle_sums sums;
    struct town_audit audit;
    struct bf_err why;
    bool ended, holds;
    double load_s, drain_s;
    struct absence absences[ABSENTS];
};

static struct town town;
static struct storm storm = {.town = &town, .faults = 300, .gap_ms = 3000};
static struct result result;
static int64_t began_us;
static int away_ms;   /* instead of a storm: each absence for so long, */
static int only = -1; /* of them, this one alone */

static double seconds_since(int64_t then_us)
{
    return (double)(bf_time_monotonic_us() - then_us) / (double)BF_US_PER_S;
}

static void progress(void *context, int number, const char *words)
{
    (void)context;
    fprintf(stderr, "%7.1f s  fault %d of %d: %s\n", seconds_since(began_us), number, storm.faults, words);
}

static void take_away(void)
{
    static struct watch watch;
    watch_open(&watch, &town);
    for (int what = 0; what < ABSENTS; what++) {
        struct absence *absence = &result.absences[what];
        if (only >= 0 && only != what) {
            continue;
        }
        *absence = (struct absence){.what = (enum absent)what, .away_ms = away_ms};
        fprintf(stderr, "%7.1f s  %s is away for %d s\n", seconds_since(began_us),
                absence_name((enum absent)what), away_ms / 1000);
        absence_run(absence, &town, &watch);
        town_pass(&town, FIRST_MS);
    }
    watch_close(&watch);
}

static const char *rate = "2000";

/* A cmocka test, since what it is made of fails as a test does. */
static void the_promise_holds(void **state)
{
    (void)state;
    town_run(&town);
    /* While mosquitto hands out a backlog of minutes it takes few messages a second from each connection, and
     * what a device says then, it says late: so they do not share a few. */
    town_devices(&town, "--rate", rate, "--connections", away_ms ? "64" : "8", "--devices", "1000",
                 away_ms ? NULL : "--fault", "malformed=2%", "--fault", "bad-clock=2%", NULL);
    began_us = bf_time_monotonic_us();
    town_pass(&town, FIRST_MS);
    if (away_ms) {
        take_away();
    } else {
        storm_blow(&storm);
    }
    town_pass(&town, LAST_MS);
    town_devices_stop(&town);
    town_devices_end(&town, LOAD_END_MS);
    result.load_s = seconds_since(began_us);
    began_us = bf_time_monotonic_us();
    result.holds = town_judge(&town, &result.sums, &result.audit, &result.why) == BF_OK;
    result.drain_s = seconds_since(began_us);
    result.ended = true;
    if (result.holds && away_ms && result.sums.late > 0) {
        result.holds = bf_err_set(&result.why, BF_FATAL, "%llu readings were late",
                                  (unsigned long long)result.sums.late) == BF_OK;
    }
}

struct line {
    const char *name, *text;
    uint64_t value;
};

#define LINES 17
static void list(uint64_t seed, struct line lines[LINES])
{
    const struct roll_sums *roll = &result.audit.roll;
    uint64_t messages = result.audit.messages, acknowledged = town.acknowledged, restarts = 0;
    bool known = result.ended && acknowledged > 0;
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        restarts += town.restarts[i];
    }
    const struct line all[LINES] = {
        {.name = "seed", .text = "seed", .value = seed},
        {.name = "faults", .text = "faults", .value = (uint64_t)storm.begun},
        {.name = "overlapping", .text = "  while others lasted", .value = (uint64_t)storm.overlapping},
        {.name = "restarts", .text = "restarts beyond the faults", .value = restarts},
        {.name = "rate",
         .text = "messages per second",
         .value = (uint64_t)(known ? (double)messages / result.load_s : 0)},
        {.name = "acknowledged", .text = "messages acknowledged", .value = acknowledged},
        {.name = "again", .text = "  sent again by the devices", .value = town.again},
        {.name = "twice", .text = "  which the broker took twice", .value = roll->twice},
        {.name = "lost", .text = "messages lost", .value = roll->lost},
        {.name = "doubled", .text = "messages doubled", .value = roll->doubled},
        {.name = "readings", .text = "readings in the log", .value = result.sums.readings},
        {.name = "duplicate", .text = "  delivered again, dropped", .value = result.sums.duplicate},
        {.name = "late", .text = "  too late for a window", .value = result.sums.late},
        {.name = "windows", .text = "windows with data", .value = result.sums.windows},
        {.name = "results", .text = "finals and revisions", .value = result.sums.results},
        {.name = "revisions", .text = "  revisions", .value = result.sums.revisions},
        {.name = "repeats", .text = "results written again, dropped", .value = result.sums.repeats},
    };
    memcpy(lines, all, sizeof all);
}

static void print_json(FILE *out, const struct line lines[LINES])
{
    fprintf(out, "{");
    for (size_t i = 0; i < LINES; i++) {
        fprintf(out, "\"%s\":%llu,", lines[i].name, (unsigned long long)lines[i].value);
    }
    fprintf(out, "\"load_s\":%.0f,\"drain_s\":%.0f,\"by_kind\":{", result.load_s, result.drain_s);
    for (int kind = 0; kind < STORM_KINDS; kind++) {
        fprintf(out, "%s\"%s\":%d", kind ? "," : "", storm_kind_name((enum storm_kind)kind),
                storm.counts[kind]);
    }
    fprintf(out, "},\"away\":[");
    for (int what = 0; what < ABSENTS && away_ms; what++) {
        const struct absence *absence = &result.absences[what];
        if (absence->away_ms == 0) {
            continue;
        }
        fprintf(out, "%s{\"what\":\"%s\",\"away_ms\":%d,\"said_ms\":%d,\"catch_up_ms\":%d,\"speed\":%.1f}",
                only < 0 && what ? "," : "", absence_name(absence->what), absence->away_ms, absence->said_ms,
                absence->catch_up_ms, absence_speed(absence));
    }
    fprintf(out, "],\"ended\":%s,\"holds\":%s}\n", result.ended ? "true" : "false",
            result.holds ? "true" : "false");
}

static void print_table(FILE *out, const struct line lines[LINES])
{
    for (size_t i = 0; i < LINES; i++) {
        fprintf(out, "%-34s %12llu\n", lines[i].text, (unsigned long long)lines[i].value);
    }
    for (int what = 0; what < ABSENTS && away_ms; what++) {
        const struct absence *absence = &result.absences[what];
        if (absence->away_ms == 0) {
            continue;
        }
        fprintf(out, "%s away for %d s: meta said %d s behind; caught up in %.1f s, %.1f times the load\n",
                absence_name(absence->what), absence->away_ms / 1000, absence->said_ms / 1000,
                absence->catch_up_ms / 1e3, absence_speed(absence));
    }
    for (int kind = 0; kind < STORM_KINDS && !away_ms; kind++) {
        fprintf(out, "fault: %-27s %12d\n", storm_kind_name((enum storm_kind)kind), storm.counts[kind]);
    }
    fprintf(out, "%s\n",
            result.holds   ? "Nothing lost, nothing doubled; every result is the oracle's, once."
            : result.ended ? "The promise is BROKEN:"
                           : "No verdict: the run did not come to its end.");
    if (!result.holds) {
        fprintf(out, "%s %s\n%s\n", result.why.message, result.why.detail, result.sums.differences);
    }
}

static const struct option long_options[] = {{"faults", required_argument, NULL, 'f'},
                                             {"rate", required_argument, NULL, 'r'},
                                             {"seed", required_argument, NULL, 's'},
                                             {"minutes", required_argument, NULL, 'm'},
                                             {"gap", required_argument, NULL, 'g'},
                                             {"away", required_argument, NULL, 'a'},
                                             {"only", required_argument, NULL, 'o'},
                                             {"json", no_argument, NULL, 'j'},
                                             {NULL, 0, NULL, 0}};

static bool build(void)
{
    /* An ingest process that is away while another ticks would be dead after writer_timeout. */
    const struct town_options calm = {
        .kafka = BF_PEER_APACHE_KAFKA, .delay = "5s", .processes = 2, .patient = true};
    return away_ms ? town_build(&town, &calm) : storm_build(&town);
}

struct run {
    uint64_t seed;
    double minutes;
    bool json;
};

/* By the name that the progress has for it: Kafka, Redis, belfry-ingest. */
static bool find_absent(const char *name)
{
    for (only = ABSENTS - 1; only >= 0 && strcmp(absence_name((enum absent)only), name) != 0;) {
        only--;
    }
    return only >= 0;
}

static bool parse(int argc, char **argv, struct run *run)
{
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (option) {
        case 'f':
            storm.faults = (int)strtol(optarg, NULL, 10);
            break;
        case 'r':
            rate = optarg;
            break;
        case 's':
            run->seed = strtoull(optarg, NULL, 10);
            break;
        case 'm':
            run->minutes = strtod(optarg, NULL);
            break;
        case 'g':
            storm.gap_ms = (int)strtol(optarg, NULL, 10);
            break;
        case 'a':
            away_ms = (int)(1000 * strtol(optarg, NULL, 10));
            break;
        case 'o':
            if (!find_absent(optarg)) {
                return false;
            }
            break;
        case 'j':
            run->json = true;
            break;
        default:
            return false;
        }
    }
    return storm.faults > 0 && storm.faults <= STORM_FAULTS_MAX && storm.gap_ms > 0;
}

int main(int argc, char **argv)
{
    struct run run = {.seed = (uint64_t)bf_time_wall_us()};
    struct line lines[LINES];
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_promise_holds)};
    if (!parse(argc, argv, &run)) {
        fputs("bench-chaos: see bench/chaos --help\n", stderr);
        return 2;
    }
    /* What the town says on the way is progress too. */
    FILE *out = fdopen(dup(STDOUT_FILENO), "w");
    if (!out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || !build()) {
        return 69;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    fprintf(stderr, "seed %llu\n", (unsigned long long)run.seed);
    storm.seed = run.seed;
    storm.progress = progress;
    storm.absences = true;
    storm.until_us = run.minutes > 0 ? bf_time_monotonic_us() + (int64_t)(run.minutes * 60e6) : 0;
    storm_plan(&storm);
    (void)cmocka_run_group_tests(tests, NULL, NULL);
    list(run.seed, lines);
    (run.json ? print_json : print_table)(out, lines);
    town_close(&town);
    return fclose(out) == 0 && result.holds ? 0 : 1;
}
