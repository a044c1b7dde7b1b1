/* Why: a topic with the wrong partition count or cleanup policy ruins numbers weeks later, so they are made
 * by one command, from one table, and can be looked at with it. It also writes the install record, without
 * which no daemon starts: a log that was made anew must not be taken for the old one.
 * Declined: changing settings of topics that exist: an operator may have had his reasons. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/setting.h"
#include "config/log/config_log.h"
#include "config/log/wiring.h"
#include "core/daemon.h"

static const char usage[] =
    "belfry topics --config belfry.yaml         make what is missing; say how things stand\n"
    "belfry topics --check                      only look; the exit code tells\n"
    "\n"
    "  -c, --config FILE   belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -k, --check         make nothing\n"
    "\n"
    "Writes the install record too. Topics that exist keep their settings; what differs from belfry's is\n"
    "shown.\n";

static const struct option long_options[] = {{.name = "config", .has_arg = required_argument, .val = 'c'},
                                             {.name = "check", .has_arg = no_argument, .val = 'k'},
                                             {.name = "help", .has_arg = no_argument, .val = 'h'},
                                             {.name = NULL}};

static const char *setting_of(const struct bf_topic_spec *spec, const char *name)
{
    for (const char *const *its = spec->settings; *its; its += 2) {
        if (strcmp(its[0], name) == 0) {
            return its[1];
        }
    }
    return NULL;
}

static void print_kept(const struct bf_topic_spec *spec, char *text, size_t size)
{
    long long ms = 0;
    const char *retention = setting_of(spec, "retention.ms");
    if (retention && sscanf(retention, "%lld", &ms) == 1) {
        snprintf(text, size, "%lld h", ms / 3600000);
    } else {
        snprintf(text, size, "compacted");
    }
}

/* The number of topics that are not as they must be. */
static int print_table(const struct bf_kafka_options *options, const struct bf_topic_state *states)
{
    int wrong = 0;
    size_t count;
    const struct bf_topic_spec *specs = bf_topic_specs(&count);
    printf("%-28s %10s  %-9s  %s\n", "topic", "partitions", "kept", "state");
    for (size_t i = 0; i < count; i++) {
        char name[256];
        char kept[32];
        char state[256];
        const struct bf_topic_state *its = &states[i];
        print_kept(&specs[i], kept, sizeof kept);
        if (its->partitions == 0) {
            snprintf(state, sizeof state, "missing");
        } else if (its->partitions != specs[i].partitions) {
            snprintf(state, sizeof state, "wrong: %d partitions, not %d", (int)its->partitions,
                     (int)specs[i].partitions);
        } else if (its->differs[0]) {
            snprintf(state, sizeof state, "differs: %s", its->differs);
        } else {
            snprintf(state, sizeof state, "%s", its->made ? "made" : "ok");
        }
        wrong += its->partitions != specs[i].partitions;
        printf("%-28s %10d  %-9s  %s\n", bf_topic_name(options, specs[i].topic, name, sizeof name),
               (int)specs[i].partitions, kept, state);
    }
    return wrong;
}

static enum bf_status print_install(const struct bf_kafka_options *options, bool made, struct bf_err *err)
{
    struct bf_config_log *log;
    enum bf_status status = bf_config_log_open(options, NULL, &log, err);
    if (status != BF_OK) {
        return status;
    }
    printf("install %.*s %s, generation %lld\n", BF_SLICE_ARG(bf_config_log_install(log)->id),
           made ? "made" : "ok", (long long)bf_config_log_newest(log));
    bf_config_log_close(log);
    return BF_OK;
}

static enum bf_status run(const struct bf_setting *setting, bool check, struct bf_err *err)
{
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_topic_state states[BF_TOPIC_COUNT];
    struct bf_kafka_options options = bf_wiring_kafka(setting->site, "belfry-topics", properties);
    int16_t replication = (int16_t)setting->site->kafka.replication;
    bool made = false;
    enum bf_status status = bf_topics_check(&options, replication, !check, states, err);
    if (status != BF_OK) {
        return status;
    }
    if (print_table(&options, states) > 0) {
        status = bf_err_set(err, BF_CONFIG, "topics are missing or have another number of partitions");
        bf_err_hint(err, "Partition counts are fixed under live state: use another prefix, or delete them.");
        return status;
    }
    if (!check) {
        int created;
        status = bf_topics_ensure(&options, replication, &created, err); /* judges the settings too */
        status = status == BF_OK ? bf_config_log_install_once(&options, &made, err) : status;
    }
    return status == BF_OK ? print_install(&options, made, err) : status;
}

static int run_topics(int argc, char **argv)
{
    const char *config = NULL;
    bool check = false;
    int option;
    while ((option = getopt_long(argc, argv, "c:kh", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case 'k':
            check = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return BF_EXIT_OK;
        default:
            return bf_argument_help("topics");
        }
    }
    if (optind != argc) {
        return bf_argument_surplus("topics", argv[optind]);
    }
    struct bf_setting setting;
    struct bf_err err = {.status = BF_OK};
    enum bf_status status = bf_setting_load(config, false, &setting, &err);
    if (status == BF_OK) {
        status = run(&setting, check, &err);
        bf_setting_unload(&setting);
    }
    return status == BF_OK ? BF_EXIT_OK : bf_setting_fail("topics", &err);
}

const struct bf_command bf_command_topics = {
    .name = "topics",
    .summary = "Make and check belfry's Kafka topics and the install record.",
    .usage = usage,
    .run = run_topics,
};
