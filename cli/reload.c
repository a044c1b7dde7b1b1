/* Why: the configuration that decides a number stands in the log, and this is the only door into it while a
 * city runs. The files are checked whole before a byte is written; what is refused leaves all as it was.
 * Declined: a signal to the daemons. They have no files to re-read: each learns it from its own log, at the
 * same log time as every other. */
#include <getopt.h>
#include <stdio.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/setting.h"
#include "config/log/config_log.h"
#include "config/log/log_clock.h"
#include "config/log/wiring.h"
#include "core/daemon.h"
#include "core/time.h"
#include "processors/aggregate/aggregate.h"

#define WAIT_MS 60000

static const char usage[] =
    "belfry reload --config belfry.yaml         the city's changed files, into force for all at one instant\n"
    "belfry reload --no-wait                    do not wait until they are\n"
    "\n"
    "  -c, --config FILE   belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -n, --no-wait       end when it is written\n"
    "\n"
    "Checks the files and puts them into force as a new generation, at a log time a little ahead; waits\n"
    "until the whole log has passed that time (at most a minute). Windows that begin before it keep the old\n"
    "definition. Where nothing has changed nothing is written; where a file is wrong, a profile too, the\n"
    "errors are shown, nothing is written, and the exit code is 78.\n";

static const struct option long_options[] = {{.name = "config", .has_arg = required_argument, .val = 'c'},
                                             {.name = "no-wait", .has_arg = no_argument, .val = 'n'},
                                             {.name = "help", .has_arg = no_argument, .val = 'h'},
                                             {.name = NULL}};

/* What the log says before anything is written. */
struct standing {
    int64_t generation; /* newest complete */
    int32_t partitions;
};

static enum bf_status look(const struct bf_kafka_options *options, struct standing *standing,
                           struct bf_err *err)
{
    struct bf_config_log *log;
    enum bf_status status = bf_config_log_open(options, NULL, &log, err);
    if (status == BF_OK) {
        standing->generation = bf_config_log_newest(log);
        standing->partitions = bf_config_log_install(log)->readings;
        bf_config_log_close(log);
    }
    return status;
}

/* Prints what stands in the log now, and gives the time from which it holds. */
static enum bf_status say(const struct bf_kafka_options *options, int64_t generation, bool changed,
                          int64_t *from_us, struct bf_err *err)
{
    struct bf_config_log *log;
    struct bf_generation record;
    char from[40];
    enum bf_status status = bf_config_log_open(options, NULL, &log, err);
    if (status != BF_OK) {
        return status;
    }
    status = bf_config_log_generation(log, generation, &record, NULL, err);
    if (status == BF_OK) {
        *from_us = record.from_us;
        printf("generation %lld, hash %.*s, from %s%s\n", (long long)generation, BF_SLICE_ARG(record.hash),
               record.from_us == 0 ? "the beginning" : bf_time_format(record.from_us, from, sizeof from),
               changed ? "" : " (unchanged)");
        (void)fflush(stdout);
    } else if (status == BF_AGAIN) {
        status = bf_err_set(err, BF_PEER, "generation %lld cannot be read back", (long long)generation);
    }
    bf_config_log_close(log);
    return status;
}

static enum bf_status wait_in_force(struct bf_log_clock *clock, int64_t from_us, struct bf_err *err)
{
    if (bf_log_clock_newest(clock) == BF_TIME_NONE) {
        fputs("log time has not begun; it comes into force once a marker has come back\n", stderr);
        return BF_OK;
    }
    enum bf_status status = bf_log_clock_wait(clock, from_us, WAIT_MS, err);
    if (status == BF_AGAIN) {
        status = bf_err_set(err, BF_PEER, "written, but not in force after %d s: the log's time stands",
                            WAIT_MS / 1000);
        bf_err_hint(err, "It comes into force when ingest goes on; see belfry-ingest's /readyz.");
    } else if (status == BF_OK) {
        fputs("in force\n", stderr);
    }
    return status;
}

static enum bf_status reload(const struct bf_kafka_options *options, const struct bf_bundle *bundle,
                             const struct bf_city *city, bool wait, struct bf_err *err)
{
    struct standing standing;
    struct bf_log_clock *clock;
    int64_t generation = 0;
    int64_t from_us = BF_TIME_NONE;
    enum bf_status status = look(options, &standing, err);
    status = status == BF_OK ? bf_log_clock_open(options, standing.partitions, &clock, err) : status;
    if (status != BF_OK) {
        return status;
    }
    int64_t now_us = bf_log_clock_front(clock);
    if (standing.generation > 0 && now_us != BF_TIME_NONE) {
        from_us = now_us + 2 * city->time.tick_every_us + BF_US_PER_S;
    }
    status = bf_config_log_reload(options, bundle, from_us, &generation, err);
    bool changed = generation != standing.generation;
    status = status == BF_OK ? say(options, generation, changed, &from_us, err) : status;
    if (status == BF_OK && changed && wait) {
        status = wait_in_force(clock, from_us, err);
    }
    bf_log_clock_close(clock);
    return status;
}

/* A start goes on without a broken profile; here somebody is there to mend it, and the one that is in force
 * is better than none. */
static enum bf_status refuse_broken(const struct bf_city *city, struct bf_err *err)
{
    size_t broken = 0;
    for (size_t i = 0; i < city->problem_count; i++) {
        fprintf(stderr, "belfry reload: %s\n", city->problems[i].text);
        broken += city->problems[i].warning ? 0 : 1;
    }
    if (broken == 0) {
        return BF_OK;
    }
    return bf_err_set(err, BF_CONFIG, "%zu errors in the city's files; nothing was written", broken);
}

static enum bf_status run(const struct bf_setting *setting, bool wait, struct bf_err *err)
{
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_kafka_options options = bf_wiring_kafka(setting->site, "belfry-reload", properties);
    struct bf_bundle *bundle = NULL;
    struct bf_city *city = NULL;
    enum bf_status status = bf_bundle_read(setting->site->city_path, &bundle, err);
    status = status == BF_OK ? bf_city_load(bundle, bf_aggregate_kinds(), &city, err) : status;
    status = status == BF_OK ? refuse_broken(city, err) : status;
    status = status == BF_OK ? reload(&options, bundle, city, wait, err) : status;
    if (city) {
        bf_city_destroy(city);
    }
    if (bundle) {
        bf_bundle_destroy(bundle);
    }
    return status;
}

static int run_reload(int argc, char **argv)
{
    const char *config = NULL;
    bool wait = true;
    int option;
    while ((option = getopt_long(argc, argv, "c:nh", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case 'n':
            wait = false;
            break;
        case 'h':
            fputs(usage, stdout);
            return BF_EXIT_OK;
        default:
            return bf_argument_help("reload");
        }
    }
    if (optind != argc) {
        return bf_argument_surplus("reload", argv[optind]);
    }
    struct bf_setting setting;
    struct bf_err err = {.status = BF_OK};
    enum bf_status status = bf_setting_load(config, false, &setting, &err);
    if (status == BF_OK) {
        status = run(&setting, wait, &err);
        bf_setting_unload(&setting);
    }
    return status == BF_OK ? BF_EXIT_OK : bf_setting_fail("reload", &err);
}

const struct bf_command bf_command_reload = {
    .name = "reload",
    .summary = "Put the city's changed files into force, at one instant for all.",
    .usage = usage,
    .run = run_reload,
};
