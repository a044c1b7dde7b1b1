/* Why: the way from a device to a dashboard has stages, and the first question is up to which one it is
 * right.
 * Declined: asking the daemons: what a stage has given lies in the log, and a look must not slow it down. */
#include "cli/tap.h"

#include <getopt.h>
#include <string.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/pace.h"
#include "cli/setting.h"
#include "config/city.h"
#include "core/daemon.h"

#define RATE_MAX 1000000
#define RATE 50

static const char usage[] =
    "belfry tap raw --topic 'office/#'             MQTT messages as they come\n"
    "belfry tap readings --device office:desk-42   what they are decoded to\n"
    "belfry tap rejects                            what gave no reading, and why\n"
    "belfry tap kpis --kpi co2 --zone east         results, open and final\n"
    "belfry tap raw --json --count 100 > lines     for belfry try and belfry replay\n"
    "\n"
    "  -c, --config FILE      belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -d, --device DEVICE    of one device: desk-42, or office:desk-42 (raw: a level of the topic)\n"
    "  -t, --topic FILTER     raw, rejects: of these MQTT topics (raw: else those that ingest subscribes "
    "to)\n"
    "  -k, --kpi ID           kpis: of one KPI\n"
    "  -z, --zone ID          readings, kpis: of one zone\n"
    "  -r, --rate N           lines per second, at most (50); how many are left out is said\n"
    "  -n, --count N          end after N lines\n"
    "  -f, --for DURATION     end after that time\n"
    "  -j, --json             a line of JSON each\n"
    "\n"
    "Stages: raw, readings, rejects, kpis, signals, alerts. Begins with what comes from now on, and only "
    "looks:\n"
    "no session, no consumer group, nothing acknowledged for anybody.\n";

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"device", required_argument, NULL, 'd'},
                                             {"topic", required_argument, NULL, 't'},
                                             {"kpi", required_argument, NULL, 'k'},
                                             {"zone", required_argument, NULL, 'z'},
                                             {"rate", required_argument, NULL, 'r'},
                                             {"count", required_argument, NULL, 'n'},
                                             {"for", required_argument, NULL, 'f'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

const char *const bf_tap_stages[BF_TAP_STAGES + 1] = {"raw",     "readings", "rejects", "kpis",
                                                      "signals", "alerts",   NULL};

/* ---- how much */

bool bf_tap_allow(struct bf_tap *tap, int64_t now_us)
{
    pthread_mutex_lock(&tap->lock);
    double rate = (double)tap->rate;
    tap->tokens += (double)(now_us - tap->filled_us) / (double)BF_US_PER_S * rate;
    tap->tokens = tap->tokens > rate ? rate : tap->tokens;
    tap->filled_us = now_us;
    bool allowed = tap->tokens >= 1;
    tap->tokens -= allowed;
    tap->left_out += !allowed;
    pthread_mutex_unlock(&tap->lock);
    return allowed;
}

void bf_tap_left_out(struct bf_tap *tap)
{
    pthread_mutex_lock(&tap->lock);
    uint64_t since = tap->left_out - tap->told;
    tap->told = tap->left_out;
    pthread_mutex_unlock(&tap->lock);
    if (since > 0) {
        fprintf(stderr, "belfry tap: %llu left out (--rate %llu)\n", (unsigned long long)since,
                (unsigned long long)tap->rate);
    }
}

bool bf_tap_over(const struct bf_tap *tap, int64_t until_us)
{
    return bf_pace_stopped() || bf_time_monotonic_us() >= until_us ||
           (tap->count > 0 && tap->shown >= tap->count);
}

/* ---- what */

bool bf_tap_is_device(const struct bf_tap *tap, struct bf_slice source)
{
    if (tap->device == NULL) {
        return true;
    }
    struct bf_slice device = bf_reading_device(source), wanted = bf_slice_of(tap->device);
    const char *colon = device.len > 0 ? memchr(device.data, ':', device.len) : NULL;
    struct bf_slice id = {colon != NULL ? colon + 1 : device.data,
                          colon != NULL ? device.len - (size_t)(colon + 1 - device.data) : device.len};
    return bf_slice_equal(device, wanted) || bf_slice_equal(id, wanted) || bf_slice_equal(source, wanted);
}

bool bf_tap_in_topic(const struct bf_tap *tap, struct bf_slice topic)
{
    if (tap->device == NULL) {
        return true;
    }
    const char *colon = strchr(tap->device, ':');
    struct bf_slice id = bf_slice_of(colon != NULL ? colon + 1 : tap->device);
    for (size_t at = 0; at <= topic.len;) {
        const char *slash = at < topic.len ? memchr(topic.data + at, '/', topic.len - at) : NULL;
        size_t end = slash != NULL ? (size_t)(slash - topic.data) : topic.len;
        if (bf_slice_equal((struct bf_slice){topic.data + at, end - at}, id)) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

bool bf_tap_filter_matches(struct bf_slice filter, struct bf_slice topic)
{
    size_t at = 0, in = 0;
    bool reserved = topic.len > 0 && topic.data[0] == '$';
    while (in <= filter.len) {
        const char *end = in < filter.len ? memchr(filter.data + in, '/', filter.len - in) : NULL;
        size_t len = end != NULL ? (size_t)(end - filter.data) - in : filter.len - in;
        struct bf_slice wanted = {filter.data + in, len};
        bool any = bf_slice_equal(wanted, BF_SLICE("+")), rest = bf_slice_equal(wanted, BF_SLICE("#"));
        if (reserved && in == 0 && (any || rest)) {
            return false;
        }
        if (rest) {
            return true;
        }
        if (at > topic.len) {
            return false;
        }
        const char *slash = at < topic.len ? memchr(topic.data + at, '/', topic.len - at) : NULL;
        size_t level = slash != NULL ? (size_t)(slash - topic.data) - at : topic.len - at;
        if (!any && !bf_slice_equal(wanted, (struct bf_slice){topic.data + at, level})) {
            return false;
        }
        in += len + 1;
        at += level + 1;
    }
    return at == topic.len + 1;
}

/* ---- the command */

static enum bf_status take_option(struct bf_tap *tap, int option, struct bf_err *err)
{
    switch (option) {
    case 'c':
        tap->config = optarg;
        break;
    case 'd':
        tap->device = optarg;
        break;
    case 't':
        tap->topic = optarg;
        break;
    case 'k':
        tap->kpi = optarg;
        break;
    case 'z':
        tap->zone = optarg;
        break;
    case 'r':
        return bf_argument_count("rate", optarg, 1, RATE_MAX, &tap->rate, err);
    case 'n':
        return bf_argument_count("count", optarg, 1, INT64_MAX, &tap->count, err);
    case 'f':
        return bf_argument_duration("for", optarg, &tap->length_us, err);
    default:
        tap->json = true;
        break;
    }
    return BF_OK;
}

/* The stages that a filter can be asked of. */
static const char *unfit(const struct bf_tap *tap)
{
    enum bf_tap_stage stage = tap->stage;
    if (tap->topic != NULL && stage != BF_TAP_RAW && stage != BF_TAP_REJECTS) {
        return "--topic goes with raw and rejects";
    }
    if (tap->kpi != NULL && stage != BF_TAP_KPIS) {
        return "--kpi goes with kpis";
    }
    if (tap->zone != NULL && stage != BF_TAP_READINGS && stage != BF_TAP_KPIS) {
        return "--zone goes with readings and kpis";
    }
    return tap->device != NULL && stage >= BF_TAP_SIGNALS
               ? "--device goes with raw, readings, rejects and kpis"
               : NULL;
}

static bool find_stage(struct bf_tap *tap, const char *word)
{
    for (int i = 0; i < BF_TAP_STAGES; i++) {
        if (strcmp(bf_tap_stages[i], word) == 0) {
            tap->stage = (enum bf_tap_stage)i;
            return true;
        }
    }
    const char *nearest = bf_config_nearest(word, bf_tap_stages);
    fprintf(stderr, "belfry tap: there is no stage \"%s\"%s%s%s\n", word,
            nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
            nearest != NULL ? "\"?" : "");
    return false;
}

static int tap_stage(struct bf_tap *tap)
{
    struct bf_pace signals;
    struct bf_err err = {.message = ""};
    bf_pace_start(&signals, 1, 0);
    pthread_mutex_init(&tap->lock, NULL);
    tap->tokens = (double)tap->rate;
    tap->filled_us = bf_time_monotonic_us();
    enum bf_status status = (tap->stage == BF_TAP_RAW ? bf_tap_raw : bf_tap_log)(tap, &err);
    bf_tap_left_out(tap);
    pthread_mutex_destroy(&tap->lock);
    return status == BF_OK ? BF_EXIT_OK : bf_setting_fail("tap", &err);
}

static int run_tap(int argc, char **argv)
{
    struct bf_tap tap = {.rate = RATE};
    struct bf_err err = {.message = ""};
    for (int option; (option = getopt_long(argc, argv, "c:d:t:k:z:r:n:f:jh", long_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return BF_EXIT_OK;
        }
        if (option == '?') {
            return bf_argument_help("tap");
        }
        if (take_option(&tap, option, &err) != BF_OK) {
            return bf_argument_refuse("tap", &err);
        }
    }
    if (optind == argc) {
        fputs("belfry tap: which stage?\n", stderr);
        return bf_argument_help("tap");
    }
    if (optind + 1 < argc) {
        return bf_argument_surplus("tap", argv[optind + 1]);
    }
    if (!find_stage(&tap, argv[optind])) {
        return bf_argument_help("tap");
    }
    const char *why = unfit(&tap);
    if (why != NULL) {
        fprintf(stderr, "belfry tap: %s\n", why);
        return bf_argument_help("tap");
    }
    return tap_stage(&tap);
}

const struct bf_command bf_command_tap = {
    .name = "tap",
    .summary = "Watch a stage live: messages, readings, rejects, results, signals or alerts.",
    .usage = usage,
    .run = run_tap,
};
