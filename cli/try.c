/* Why: a payload from a stranger's device, and the question what belfry makes of it, answered at once: no
 * broker, no Kafka, no Redis.
 * Declined: asking the running ingest: what it would say is what its files say, and one may try files that
 * are not in force yet. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/argument.h"
#include "cli/capture.h"
#include "cli/command.h"
#include "cli/match.h"
#include "cli/pace.h"
#include "cli/screen.h"
#include "cli/setting.h"
#include "cli/trial.h"
#include "cli/try_say.h"
#include "cli/watch.h"
#include "core/byte_text.h"
#include "core/daemon.h"

#define INPUT_MAX (16u << 20)
#define TURN_MS 200

static const char usage[] =
    "belfry try --topic office/east/desk-42/air '{\"ts\": 1772366400, \"co2\": 612}'\n"
    "belfry try --profile airbox -f payload.json --watch    again whenever a file changes\n"
    "belfry try --profile meter --hex '84 a4 22 fb'\n"
    "belfry tap raw --json --count 10 | belfry try          what comes right now\n"
    "\n"
    "  -c, --config PATH    belfry.yaml, or a city's folder ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -t, --topic TOPIC    on which topic it comes; without it one is made from the template of --profile\n"
    "  -p, --profile NAME   the profile that it is for\n"
    "  -f, --file FILE      the payload; -: standard input (as without a payload)\n"
    "  -x, --hex            the payload is written in hexadecimal digits\n"
    "  -b, --base64         the payload is written in base64\n"
    "  -a, --at TIME        when it comes (now)\n"
    "  -r, --retained       it comes because of a subscription\n"
    "  -w, --watch          again whenever the configuration or FILE changes, until Ctrl-C\n"
    "  -j, --json           a line of JSON for each message\n"
    "\n"
    "Says, stage by stage: which profile takes it and why (or what keeps those that come near from it), "
    "each\n"
    "reading with its time, quality, zone and tags, what is rejected with a hint, which windows of which "
    "KPIs\n"
    "the readings enter, and which keys of Redis would change. Lines of `belfry tap --json` bring their "
    "topic.\n"
    "\n"
    "Exit code: 0 all of it is good, 1 something was rejected, 78 a file is wrong.\n";

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},  {"topic", required_argument, NULL, 't'},
    {"profile", required_argument, NULL, 'p'}, {"file", required_argument, NULL, 'f'},
    {"hex", no_argument, NULL, 'x'},           {"base64", no_argument, NULL, 'b'},
    {"at", required_argument, NULL, 'a'},      {"retained", no_argument, NULL, 'r'},
    {"watch", no_argument, NULL, 'w'},         {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};

struct attempt {
    const char *config, *topic, *profile, *file, *text; /* text: the payload as an argument */
    bool hex, base64, retained, watch, json, has_at;
    int64_t at_us;
    char *input; /* what was read, decoded */
    size_t input_len;
    uint64_t messages, bad; /* bad: with a reject that is a fault */
    struct bf_setting setting;
    struct bf_kpi_plan *plan;
    struct bf_catch *catch;
    const struct bf_profile *asked;
};

static enum bf_status open_all(struct attempt *attempt, struct bf_err *err)
{
    enum bf_status status = bf_setting_find(attempt->config, &attempt->setting, err);
    if (status == BF_OK) {
        status = bf_kpi_plan_create(attempt->setting.city, 1, 0, &attempt->plan, err);
    }
    if (status == BF_OK) {
        const struct bf_pipeline_limits limits = bf_setting_limits(attempt->setting.site);
        status = bf_catch_create(attempt->setting.city, &limits, &attempt->catch, err);
    }
    if (status == BF_OK && attempt->profile != NULL) {
        status = bf_setting_profile(attempt->setting.city, attempt->profile, &attempt->asked, err);
    }
    return status;
}

static void close_all(struct attempt *attempt)
{
    bf_catch_destroy(attempt->catch);
    if (attempt->plan != NULL) {
        bf_kpi_plan_destroy(attempt->plan);
    }
    bf_setting_unload(&attempt->setting);
    free(attempt->input);
    attempt->catch = NULL;
    attempt->plan = NULL;
    attempt->input = NULL;
    attempt->asked = NULL;
}

/* From the argument, FILE or standard input; hexadecimal and base64 become bytes. */
static enum bf_status read_input(struct attempt *attempt, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    if (attempt->text != NULL) {
        attempt->input_len = strlen(attempt->text);
        attempt->input = strdup(attempt->text);
        status = attempt->input != NULL ? BF_OK : bf_err_set(err, BF_LIMIT, "no memory");
    } else {
        status = bf_trial_read_file(attempt->file != NULL ? attempt->file : "-", INPUT_MAX, &attempt->input,
                                    &attempt->input_len, err);
    }
    if (status != BF_OK || (!attempt->hex && !attempt->base64)) {
        return status;
    }
    char *bytes = malloc(attempt->input_len + 4);
    const struct bf_slice text = {attempt->input, attempt->input_len};
    if (bytes == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    bool good = (attempt->hex ? bf_hex_decode : bf_base64_decode)(text, bytes, &attempt->input_len);
    free(attempt->input);
    attempt->input = bytes;
    return good ? BF_OK
                : bf_err_set(err, BF_CONFIG, "the payload is no %s",
                             attempt->hex ? "pairs of hexadecimal digits" : "base64");
}

static void say(struct attempt *attempt, const struct bf_catch_message *message, bool topic_made)
{
    const struct bf_tried tried = {.city = attempt->setting.city,
                                   .plan = attempt->plan,
                                   .message = message,
                                   .caught = bf_catch_run(attempt->catch, message),
                                   .asked = attempt->asked,
                                   .topic_made = topic_made,
                                   .colours = bf_screen_colours(stdout)};
    bool bad = attempt->asked != NULL && bf_try_profile(&tried) != attempt->asked;
    for (size_t i = 0; i < tried.caught->reject_count; i++) {
        bad = bad || !tried.caught->rejects[i].by_profile;
    }
    fputs(!attempt->json && attempt->messages > 0 ? "\n" : "", stdout);
    (attempt->json ? bf_try_say_json : bf_try_say_person)(&tried);
    attempt->messages++;
    attempt->bad += bad;
}

/* Lines of `belfry tap --json`: each is a message with its topic and time. */
static enum bf_status try_lines(struct attempt *attempt, struct bf_err *err)
{
    struct bf_capture *capture = NULL;
    struct bf_capture_line line;
    const struct bf_slice input = {attempt->input, attempt->input_len};
    enum bf_status status = bf_capture_open_bytes(input, attempt->topic, &capture, err);
    while (status == BF_OK) {
        status = bf_capture_next(capture, &line, err);
        if (status == BF_OK) {
            const struct bf_catch_message message = {.topic = line.topic,
                                                     .payload = line.payload,
                                                     .at_us = attempt->has_at ? attempt->at_us : line.time_us,
                                                     .retained = attempt->retained};
            say(attempt, &message, false);
        }
    }
    bf_capture_close(capture);
    return status == BF_AGAIN ? BF_OK : status;
}

static enum bf_status try_one(struct attempt *attempt, struct bf_err *err)
{
    char topic[1024];
    struct bf_catch_message message = {.payload = {attempt->input, attempt->input_len},
                                       .at_us = attempt->has_at ? attempt->at_us : bf_time_wall_us(),
                                       .retained = attempt->retained};
    if (attempt->topic != NULL) {
        message.topic = bf_slice_of(attempt->topic);
    } else if (attempt->asked != NULL && attempt->asked->enabled) {
        message.topic = bf_slice_of(bf_match_topic(attempt->asked, topic, sizeof topic));
    } else if (attempt->asked != NULL) {
        bf_err_set(err, BF_CONFIG, "the profile \"%s\" is disabled", attempt->profile);
        bf_err_hint(err, "belfry check says what is wrong with it.");
        return BF_CONFIG;
    } else {
        return bf_err_set(err, BF_CONFIG, "on which topic? Say --topic, or --profile");
    }
    say(attempt, &message, attempt->topic == NULL);
    return BF_OK;
}

static enum bf_status try_all(struct attempt *attempt, struct bf_err *err)
{
    static const char tap[] = "{\"tap\":";
    enum bf_status status = open_all(attempt, err);
    status = status == BF_OK ? read_input(attempt, err) : status;
    if (status == BF_OK) {
        bool lines = attempt->input_len > sizeof tap && memcmp(attempt->input, tap, sizeof tap - 1) == 0;
        status = (lines ? try_lines : try_one)(attempt, err);
    }
    return status;
}

static enum bf_status open_watch(const struct attempt *attempt, const char *folder, const char *site,
                                 struct bf_watch **watch, struct bf_err *err)
{
    static const char *const parts[] = {"", "/profiles", "/kpis", "/boards", "/zones"};
    char paths[sizeof parts / sizeof parts[0]][1100];
    const char *list[sizeof parts / sizeof parts[0] + 2];
    size_t count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && folder[0] != '\0'; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s%s", folder, parts[i]);
        list[count++] = paths[i];
    }
    list[count++] = site;
    list[count++] = attempt->file;
    return bf_watch_open(list, count, watch, err);
}

/* Errors are said and waited out: a person is in the middle of an edit. */
static int run_watch(struct attempt *attempt)
{
    struct bf_pace signals;
    struct bf_err err = {.message = ""};
    struct bf_watch *watch = NULL;
    char folder[1024] = "", site[1024] = "";
    bf_pace_start(&signals, 1, 0);
    while (!bf_pace_stopped()) {
        bf_screen_clear(stdout);
        attempt->messages = 0;
        enum bf_status status = try_all(attempt, &err);
        if (attempt->setting.folder[0] != '\0') {
            (void)snprintf(folder, sizeof folder, "%s", attempt->setting.folder);
        }
        (void)snprintf(site, sizeof site, "%s",
                       attempt->setting.site != NULL ? attempt->setting.site->path
                                                     : bf_setting_path(attempt->config));
        close_all(attempt);
        if (status != BF_OK) {
            (void)bf_setting_fail("try", &err);
        }
        (void)fflush(stdout);
        if (watch == NULL && open_watch(attempt, folder, site, &watch, &err) != BF_OK) {
            return bf_setting_fail("try", &err);
        }
        do {
            status = bf_watch_wait(watch, TURN_MS, &err);
        } while (status == BF_AGAIN && !bf_pace_stopped());
        if (status != BF_OK && status != BF_AGAIN) {
            bf_watch_close(watch);
            return bf_setting_fail("try", &err);
        }
    }
    bf_watch_close(watch);
    return BF_EXIT_OK;
}

static int run_once(struct attempt *attempt)
{
    struct bf_err err = {.message = ""};
    enum bf_status status = try_all(attempt, &err);
    close_all(attempt);
    if (status != BF_OK) {
        return bf_setting_fail("try", &err);
    }
    return attempt->bad > 0 ? BF_EXIT_FAILED : BF_EXIT_OK;
}

static enum bf_status take_option(struct attempt *attempt, int option, struct bf_err *err)
{
    switch (option) {
    case 'c':
        attempt->config = optarg;
        break;
    case 't':
        attempt->topic = optarg;
        break;
    case 'p':
        attempt->profile = optarg;
        break;
    case 'f':
        attempt->file = optarg;
        break;
    case 'x':
        attempt->hex = true;
        break;
    case 'b':
        attempt->base64 = true;
        break;
    case 'a':
        attempt->has_at = true;
        return bf_time_parse_rfc3339(bf_slice_of(optarg), &attempt->at_us) == BF_OK
                   ? BF_OK
                   : bf_err_set(err, BF_CONFIG,
                                "--at: expected a time such as 2026-03-01T12:00:00Z, not \"%s\"", optarg);
    case 'r':
        attempt->retained = true;
        break;
    case 'w':
        attempt->watch = true;
        break;
    default:
        attempt->json = true;
        break;
    }
    return BF_OK;
}

/* What options mean together. */
static const char *contradiction(const struct attempt *attempt)
{
    if (attempt->hex && attempt->base64) {
        return "--hex or --base64?";
    }
    if (attempt->text != NULL && attempt->file != NULL) {
        return "a payload or a --file?";
    }
    bool reads = attempt->text == NULL && (attempt->file == NULL || strcmp(attempt->file, "-") == 0);
    if (attempt->watch && reads) {
        return "--watch wants the payload as an argument or a --file";
    }
    return reads && attempt->file == NULL && isatty(STDIN_FILENO) ? "which payload?" : NULL;
}

static int run_try(int argc, char **argv)
{
    static struct attempt attempt; /* large */
    struct bf_err err = {.message = ""};
    attempt = (struct attempt){.config = NULL};
    for (int option; (option = getopt_long(argc, argv, "c:t:p:f:xba:rwjh", long_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return BF_EXIT_OK;
        }
        if (option == '?') {
            return bf_argument_help("try");
        }
        if (take_option(&attempt, option, &err) != BF_OK) {
            return bf_argument_refuse("try", &err);
        }
    }
    if (optind < argc) {
        attempt.text = argv[optind++];
    }
    if (optind < argc) {
        return bf_argument_surplus("try", argv[optind]);
    }
    const char *why = contradiction(&attempt);
    if (why != NULL) {
        fprintf(stderr, "belfry try: %s\n", why);
        return bf_argument_help("try");
    }
    return attempt.watch ? run_watch(&attempt) : run_once(&attempt);
}

const struct bf_command bf_command_try = {
    .name = "try",
    .summary = "Show what belfry makes of one payload, stage by stage.",
    .usage = usage,
    .run = run_try,
};
