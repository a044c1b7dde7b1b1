/* Why: what a crash would go on from is in Kafka, out of sight; an operator wants to know before the crash
 * that it is there, how old it is, and that it can be read.
 * Declined: repair. What does not hold is belfry-process' to refuse, and a person's to decide about. */
#include <getopt.h>
#include <stdio.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/pace.h"
#include "cli/saved.h"
#include "cli/setting.h"
#include "config/log/wiring.h"
#include "config/scalar.h"
#include "core/daemon.h"
#include "core/time.h"

static const char usage[] =
    "belfry checkpoint show              what each task would go on from\n"
    "belfry checkpoint verify            read it, and load it into a task\n"
    "belfry checkpoint verify s1/3       only this task: stage 1, partition 3\n"
    "\n"
    "  -c, --config FILE   belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -j, --json          a line of JSON for each task\n"
    "\n"
    "show: the committed offset, how many records lie behind it (lag), when it was written, its size, its\n"
    "number, the version of the engine, and whether it was an orderly stop. verify reads its chunks, checks\n"
    "the digest, loads the state into a task and saves it again, byte for byte; it says how many windows,\n"
    "scopes and waiting partials it holds. Exit code 1, with the reason, where one does not hold. Both only\n"
    "read.\n";

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

struct run {
    const char *config, *task; /* NULL: all */
    bool verify, json;
};

/* ---- for a person */

static void print_head(const struct run *run)
{
    if (!run->json) {
        printf("%-6s %12s %9s %7s %9s %6s %7s  %s\n", "task", "offset", "lag", "age", "bytes", "chunks",
               "number", run->verify ? "holds" : "engine");
    }
}

static void print_age(const struct bf_saved *saved)
{
    int64_t age_s = (bf_time_wall_us() / BF_US_PER_MS - saved->written_ms) / 1000;
    if (saved->written_ms < 0) {
        printf(" %7s", "-");
    } else if (age_s < 600) {
        printf(" %6llds", (long long)(age_s > 0 ? age_s : 0));
    } else {
        printf(" %6lldm", (long long)(age_s / 60));
    }
}

static void print_verdict(const struct run *run, const struct bf_saved *saved,
                          const struct bf_saved_tables *tables)
{
    if (saved->fault[0] != '\0') {
        printf("  NO\n       %s\n", saved->fault);
    } else if (!run->verify) {
        printf("  %d%s\n", saved->manifest.engine, saved->manifest.clean ? ", clean stop" : "");
    } else if (!tables->loaded) {
        puts("  nothing yet");
    } else {
        printf("  yes\n       %llu windows, %llu scopes, %llu waiting; digest %.16s\n",
               (unsigned long long)tables->status.windows, (unsigned long long)tables->status.series,
               (unsigned long long)tables->status.waiting, saved->manifest.digest);
    }
}

static void print_row(const struct run *run, const struct bf_saved *saved,
                      const struct bf_saved_tables *tables)
{
    char size[32];
    if (saved->offset < 0) {
        printf("%-6s %12s %9lld %7s %9s %6s %7s", saved->task, "-", (long long)(saved->end - saved->begin),
               "-", "-", "-", "-");
        if (saved->fault[0] == '\0') {
            puts("  never committed");
            return;
        }
        print_verdict(run, saved, tables);
        return;
    }
    (void)snprintf(size, sizeof size, "%llu", (unsigned long long)saved->manifest.bytes);
    printf("%-6s %12lld %9lld", saved->task, (long long)saved->offset,
           (long long)(saved->end - saved->offset));
    print_age(saved);
    printf(" %9s %6u %7llu", size, (unsigned)saved->manifest.chunks,
           (unsigned long long)saved->manifest.number);
    print_verdict(run, saved, tables);
}

/* ---- for a program */

static void print_json(const struct run *run, const struct bf_saved *saved,
                       const struct bf_saved_tables *tables)
{
    const struct bf_manifest *manifest = &saved->manifest;
    printf("{\"task\":");
    bf_json_text(stdout, bf_slice_of(saved->name));
    printf(",\"begin\":%lld,\"end\":%lld", (long long)saved->begin, (long long)saved->end);
    if (saved->offset >= 0) {
        printf(",\"offset\":%lld,\"lag\":%lld,\"owner\":\"%016llx\",\"number\":%llu,\"engine\":%d,"
               "\"clean\":%s,\"bytes\":%llu,\"chunks\":%u,\"digest\":",
               (long long)saved->offset, (long long)(saved->end - saved->offset),
               (unsigned long long)manifest->owner, (unsigned long long)manifest->number, manifest->engine,
               manifest->clean ? "true" : "false", (unsigned long long)manifest->bytes,
               (unsigned)manifest->chunks);
        bf_json_text(stdout, bf_slice_of(manifest->digest));
    }
    if (saved->written_ms >= 0) {
        printf(",\"written_ms\":%lld", (long long)saved->written_ms);
    }
    if (tables->loaded) {
        printf(",\"windows\":%llu,\"scopes\":%llu,\"waiting\":%llu",
               (unsigned long long)tables->status.windows, (unsigned long long)tables->status.series,
               (unsigned long long)tables->status.waiting);
    }
    if (run->verify) {
        printf(",\"holds\":%s", saved->fault[0] == '\0' ? "true" : "false");
    }
    if (saved->fault[0] != '\0') {
        printf(",\"fault\":");
        bf_json_text(stdout, bf_slice_of(saved->fault));
    }
    puts("}");
}

/* ---- the run */

static enum bf_status print_tasks(const struct run *run, struct bf_saved_reader *reader, bool *good,
                                  struct bf_err *err)
{
    static struct bf_saved saved; /* a manifest names many chunks */
    struct bf_saved_tables tables = {.loaded = false};
    size_t count = bf_saved_count(reader), first = 0;
    if (run->task != NULL) {
        first = bf_saved_find(reader, run->task);
        if (first == count) {
            bf_err_set(err, BF_CONFIG, "there is no task \"%s\"", run->task);
            bf_err_hint(err, "A task is s1/PARTITION or s2/PARTITION; without one all are shown.");
            return BF_CONFIG;
        }
        count = first + 1;
    }
    print_head(run);
    enum bf_status status = BF_OK;
    for (size_t i = first; status == BF_OK && i < count && !bf_pace_stopped(); i++) {
        status = run->verify ? bf_saved_verify(reader, i, &saved, &tables, err)
                             : bf_saved_look(reader, i, &saved, err);
        if (status == BF_OK) {
            *good = *good && saved.fault[0] == '\0';
            (run->json ? print_json : print_row)(run, &saved, &tables);
            (void)fflush(stdout);
        }
    }
    return status;
}

static enum bf_status run_with(const struct run *run, bool *good, struct bf_err *err)
{
    struct bf_setting setting;
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_config_log *log = NULL;
    struct bf_saved_reader *reader = NULL;
    struct bf_pace signals;
    enum bf_status status = bf_setting_load(run->config, false, &setting, err);
    if (status != BF_OK) {
        return status;
    }
    bf_pace_start(&signals, 1, 0);
    struct bf_kafka_options options = bf_wiring_kafka(setting.site, "belfry-checkpoint", properties);
    status = bf_config_log_open(&options, bf_aggregate_kinds(), &log, err);
    status = status == BF_OK ? bf_saved_open(&options, log, &reader, err) : status;
    status = status == BF_OK ? print_tasks(run, reader, good, err) : status;
    bf_saved_close(reader);
    bf_config_log_close(log);
    bf_setting_unload(&setting);
    return status;
}

static int run_checkpoint(int argc, char **argv)
{
    struct run run = {.verify = false};
    struct bf_err err;
    bool good = true;
    for (int option; (option = getopt_long(argc, argv, "c:jh", long_options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            run.config = optarg;
            break;
        case 'j':
            run.json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return BF_EXIT_OK;
        default:
            return bf_argument_help("checkpoint");
        }
    }
    if (optind == argc) {
        fputs("belfry checkpoint: show or verify?\n", stderr);
        return bf_argument_help("checkpoint");
    }
    run.verify = strcmp(argv[optind], "verify") == 0;
    if (!run.verify && strcmp(argv[optind], "show") != 0) {
        return bf_argument_surplus("checkpoint", argv[optind]);
    }
    run.task = optind + 1 < argc ? argv[optind + 1] : NULL;
    if (optind + 2 < argc) {
        return bf_argument_surplus("checkpoint", argv[optind + 2]);
    }
    if (run_with(&run, &good, &err) != BF_OK) {
        return bf_setting_fail("checkpoint", &err);
    }
    return good ? BF_EXIT_OK : BF_EXIT_FAILED;
}

const struct bf_command bf_command_checkpoint = {
    .name = "checkpoint",
    .summary = "Show what each task would go on from, and verify that it can.",
    .usage = usage,
    .run = run_checkpoint,
};
