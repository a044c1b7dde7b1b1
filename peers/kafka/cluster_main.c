/* cluster_main.c: belfry-kafka, the embedded cluster in a process of its own.
 *
 * Its own process, so that the daemons can be killed and started again while the log stays. It is no
 * daemon over core/daemon.c: it has no configuration, no peers and nothing to report. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/daemon.h"
#include "core/log.h"
#include "peers/kafka/cluster.h"

static const char help[] =
    "usage: belfry-kafka [--port N] [--prefix NAME] [--rtt MS]\n"
    "\n"
    "One Kafka broker in memory, on 127.0.0.1, for trying belfry. Prints bootstrap=127.0.0.1:PORT when it\n"
    "serves; stops on TERM or INT, and with it goes all that it held.\n"
    "\n"
    "  --port N       port to serve on; 0 (default): a free one\n"
    "  --prefix NAME  of the topics it makes, as kafka.prefix in belfry.yaml (default: belfry)\n"
    "  --rtt MS       answers only after so many milliseconds, at most 1000, as a distant one does\n"
    "  --version, --help\n"
    "\n"
    "Not for production: nothing is on disk; a partition keeps 5 MiB or 100,000 batches and then loses the\n"
    "oldest without a word; there is no compaction, no retention by time, no admin API, no fencing and no\n"
    "de-duplication of retried batches; a group has one member at a time; a killed one that comes back\n"
    "waits about 10 s.\n";

struct arguments {
    uint16_t port;
    uint16_t rtt_ms;
    const char *prefix;
};

static bool parse_number(const char *name, const char *text, unsigned long max, uint16_t *number)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || end == text || value > max) {
        (void)fprintf(stderr, "belfry-kafka: --%s %s is not a number from 0 to %lu\n", name, text, max);
        return false;
    }
    *number = (uint16_t)value;
    return true;
}

/* False where the program has to end at once, with *exit_code. */
static bool parse(int argc, char **argv, struct arguments *arguments, int *exit_code)
{
    static const struct option options[] = {
        {.name = "port", .has_arg = required_argument, .val = 'p'},
        {.name = "prefix", .has_arg = required_argument, .val = 'x'},
        {.name = "rtt", .has_arg = required_argument, .val = 'r'},
        {.name = "version", .has_arg = no_argument, .val = 'V'},
        {.name = "help", .has_arg = no_argument, .val = 'h'},
        {.name = NULL},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
        case 'r':
            if (!(option == 'p' ? parse_number("port", optarg, UINT16_MAX, &arguments->port)
                                : parse_number("rtt", optarg, 1000, &arguments->rtt_ms))) {
                *exit_code = BF_EXIT_USAGE;
                return false;
            }
            break;
        case 'x':
            arguments->prefix = optarg;
            break;
        case 'V':
            (void)printf("belfry-kafka %s\n", BELFRY_VERSION);
            *exit_code = BF_EXIT_OK;
            return false;
        case 'h':
            (void)fputs(help, stdout);
            *exit_code = BF_EXIT_OK;
            return false;
        default:
            (void)fputs(help, stderr);
            *exit_code = BF_EXIT_USAGE;
            return false;
        }
    }
    if (optind < argc) {
        (void)fputs(help, stderr);
        *exit_code = BF_EXIT_USAGE;
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.port = 0, .prefix = "belfry"};
    int exit_code = BF_EXIT_FAILED;
    if (!parse(argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    bf_log_init(&(struct bf_log_options){.level = BF_LOG_WARN, .program = "belfry-kafka"});
    /* Blocked before the broker's threads start, so that only sigwait below sees them. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL);

    struct bf_err err = {.status = BF_OK};
    struct bf_cluster *cluster;
    enum bf_status status = bf_cluster_create(arguments.port, arguments.prefix, &cluster, &err);
    if (status != BF_OK) {
        bf_log_err(BF_LOG_ERROR, "kafka.cluster.failed", &err);
        return status == BF_PEER ? BF_EXIT_UNAVAILABLE : BF_EXIT_FAILED;
    }
    if (arguments.rtt_ms > 0) {
        bf_cluster_set_rtt(cluster, arguments.rtt_ms);
    }
    (void)printf("bootstrap=%s\n", bf_cluster_bootstrap(cluster));
    (void)fflush(stdout);
    int caught;
    (void)sigwait(&ends, &caught);
    bf_cluster_destroy(cluster);
    return BF_EXIT_OK;
}
