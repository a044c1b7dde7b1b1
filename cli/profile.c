/* Why: the profiles of a city, and how one comes to be: from a commented file, or from what a device sends.
 * Declined: editing a profile by commands: it is a file, and a person reads it. */
#include "cli/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/match.h"
#include "core/daemon.h"

static const char usage[] =
    "belfry profile list                                  the profiles of the configuration\n"
    "belfry profile show airbox                           what one reads, and which KPIs take it\n"
    "belfry profile new airbox                            writes profiles/airbox.yaml to begin with\n"
    "belfry profile infer tram.dump --name tram > tram.yaml\n"
    "belfry profile infer --topic 'boxes/#' --for 30s     from what comes right now\n"
    "\n"
    "  -c, --config PATH     belfry.yaml, or a city's folder ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -j, --json            list, show: JSON\n"
    "  -o, --output FILE     new, infer: write there, if it is not there yet; -: standard output\n"
    "  -n, --name NAME       infer: name of the profile (new-device)\n"
    "  -N, --network NAME    new, infer: first part of every source (my-network)\n"
    "  -t, --topic TOPIC     infer: the filter to listen to; with captures: of lines without a topic\n"
    "  -f, --for DURATION    infer: how long to listen\n"
    "\n"
    "infer reads captures (docs/COMMANDS.md) of JSON or SenML, guesses, writes the profile to standard "
    "output, and\n"
    "says on standard error how many of the messages it reads.\n"
    "\n"
    "Exit code: 0 done, 1 the proposal reads fewer than 95 % of the messages, 78 a file or a name is "
    "wrong.\n";

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"output", required_argument, NULL, 'o'},
                                             {"name", required_argument, NULL, 'n'},
                                             {"network", required_argument, NULL, 'N'},
                                             {"topic", required_argument, NULL, 't'},
                                             {"for", required_argument, NULL, 'f'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

/* ---- list and show */

static void put(const char *front, struct bf_slice text)
{
    fputs(front, stdout);
    bf_json_text(stdout, text);
}

static void print_row(const struct bf_profile *profile, bool json, bool first)
{
    char topic[512];
    if (!profile->enabled) {
        topic[0] = '\0';
    } else {
        bf_match_template(&profile->topic, topic, sizeof topic);
    }
    if (!json) {
        printf("%-24.*s %-28.*s %3zu readings %3zu examples  %s\n", BF_SLICE_ARG(profile->name),
               BF_SLICE_ARG(profile->file), profile->reading_count, profile->example_count,
               profile->enabled ? topic : "disabled: belfry check says why");
        return;
    }
    put(first ? "[{\"profile\":" : ",\n {\"profile\":", profile->name);
    put(",\"file\":", profile->file);
    printf(",\"enabled\":%s", profile->enabled ? "true" : "false");
    put(",\"topic\":", bf_slice_of(topic));
    printf(",\"readings\":%zu,\"examples\":%zu}", profile->reading_count, profile->example_count);
}

static enum bf_status list(const struct bf_profile_command *command, struct bf_err *err)
{
    struct bf_setting setting;
    enum bf_status status = bf_setting_find(command->config, &setting, err);
    for (size_t i = 0; status == BF_OK && i < setting.city->profile_count; i++) {
        print_row(&setting.city->profiles[i], command->json, i == 0);
    }
    if (status == BF_OK && command->json) {
        puts(setting.city->profile_count > 0 ? "]" : "[]");
    }
    bf_setting_unload(&setting);
    return status;
}

static bool takes(const struct bf_kpi_definition *kpi, struct bf_slice quantity)
{
    bool takes_it = bf_slice_equal(kpi->quantity, quantity);
    for (size_t i = 0; kpi->formula != NULL && i < kpi->formula->input_count; i++) {
        takes_it = takes_it || bf_slice_equal(kpi->formula->inputs[i]->quantity, quantity);
    }
    return takes_it;
}

static void show_reading(const struct bf_city *city, const struct bf_profile_reading *reading, bool json)
{
    bool any = false;
    if (json) {
        put("{\"quantity\":", reading->quantity);
        put(",\"unit\":", reading->unit);
        fputs(",\"kpis\":[", stdout);
    } else {
        printf("  %-20.*s %.*s", BF_SLICE_ARG(reading->quantity), BF_SLICE_ARG(reading->unit));
        if (reading->has_valid) {
            printf(", valid %g to %g", reading->valid_min, reading->valid_max);
        }
        fputs("; KPIs: ", stdout);
    }
    for (size_t i = 0; i < city->kpi_count; i++) {
        if (takes(&city->kpis[i], reading->quantity)) {
            fputs(any ? (json ? "," : ", ") : "", stdout);
            any = true;
            if (json) {
                bf_json_text(stdout, city->kpis[i].id);
            } else {
                printf("%.*s", BF_SLICE_ARG(city->kpis[i].id));
            }
        }
    }
    fputs(json ? "]}" : any ? "\n" : "none\n", stdout);
}

static enum bf_status show(const struct bf_profile_command *command, struct bf_err *err)
{
    struct bf_setting setting;
    const struct bf_profile *profile = NULL;
    char topic[512], filter[512];
    enum bf_status status = bf_setting_find(command->config, &setting, err);
    status = status == BF_OK ? bf_setting_profile(setting.city, command->name, &profile, err) : status;
    if (status == BF_OK && !profile->enabled) {
        status = bf_err_set(err, BF_CONFIG, "the profile \"%s\" is disabled", command->name);
        bf_err_hint(err, "belfry check says what is wrong with it.");
    }
    if (status == BF_OK) {
        bf_match_template(&profile->topic, topic, sizeof topic);
        bf_topic_filter(&profile->topic, filter, sizeof filter);
        if (command->json) {
            put("{\"profile\":", profile->name);
            put(",\"file\":", profile->file);
            put(",\"network\":", profile->network);
            put(",\"topic\":", bf_slice_of(topic));
            put(",\"filter\":", bf_slice_of(filter));
            printf(",\"examples\":%zu,\"readings\":[", profile->example_count);
        } else {
            printf("%.*s, %s/%.*s, network %.*s\n  topic    %s\n  filter   %s\n  examples %zu\n",
                   BF_SLICE_ARG(profile->name), setting.folder, BF_SLICE_ARG(profile->file),
                   BF_SLICE_ARG(profile->network), topic, filter, profile->example_count);
        }
        for (size_t i = 0; i < profile->reading_count; i++) {
            fputs(command->json && i > 0 ? "," : "", stdout);
            show_reading(setting.city, &profile->readings[i], command->json);
        }
        fputs(command->json ? "]}\n" : "", stdout);
    }
    bf_setting_unload(&setting);
    return status;
}

/* ---- new */

static const char template[] =
    "# What %s sends. `belfry test` runs the example below, `belfry try --profile %s PAYLOAD` shows what\n"
    "# belfry makes of a message, docs/CONFIGURATION.md has all keys.\n"
    "name: %s\n"
    "version: 1                    # raise it when the profile changes what it means\n"
    "network: %s           # first part of every source: network:device\n"
    "topic: city/%s/{device}   # {name} names a level of the topic, + is any, # the rest\n"
    "format: json\n"
    "time: {path: $.ts, unit: s}   # s, ms, us or rfc3339; without it the time of arrival counts\n"
    "# device: \"{$.id}\"            # where the payload says which device it is\n"
    "# place: {lat: $.lat, lon: $.lon}\n"
    "readings:                     # one row for each quantity; `from` where the device sends another unit\n"
    "  - {path: $.temperature, quantity: temperature, unit: Cel, valid: [-60, 85]}\n"
    "# tags: {class: \"{$.class}\"}  # KPIs may group by them and ask for them\n"
    "examples:                     # a message, and what it must give\n"
    "  - topic: city/%s/device-1\n"
    "    payload: '{\"ts\": 1772366400, \"temperature\": 21.5}'\n"
    "    readings:\n"
    "      - {quantity: temperature, value: 21.5, unit: Cel, time: \"2026-03-01T12:00:00Z\"}\n"
    "  - note: cut off on its way\n"
    "    topic: city/%s/device-1\n"
    "    payload: '{\"ts\": 17723'\n"
    "    rejects: [malformed]\n";

static bool good_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    return len > 0 && len <= 64 && name[len] == '\0';
}

static enum bf_status make(const struct bf_profile_command *command, struct bf_err *err)
{
    const char *name = command->name;
    char path[1200];
    if (!good_name(name)) {
        return bf_err_set(err, BF_CONFIG, "a name is of small letters, digits, - and _, not \"%.80s\"", name);
    }
    if (command->output != NULL && strcmp(command->output, "-") == 0) {
        printf(template, name, name, name, command->network, name, name, name);
        return BF_OK;
    }
    if (command->output != NULL) {
        (void)snprintf(path, sizeof path, "%s", command->output);
    } else {
        struct bf_setting setting;
        enum bf_status status = bf_setting_find(command->config, &setting, err);
        if (status != BF_OK) {
            return status;
        }
        (void)snprintf(path, sizeof path, "%s/profiles/%s.yaml", setting.folder, name);
        bf_setting_unload(&setting);
    }
    FILE *file = fopen(path, "wxe"); /* never over one that is there */
    if (file == NULL) {
        return bf_err_set(err, BF_CONFIG, "could not write %s: %s", path, strerror(errno));
    }
    fprintf(file, template, name, name, name, command->network, name, name, name);
    if (fclose(file) != 0) {
        return bf_err_set(err, BF_CONFIG, "could not write %s: %s", path, strerror(errno));
    }
    puts(path);
    return BF_OK;
}

/* ---- the command */

static enum bf_status take_option(struct bf_profile_command *command, int option, struct bf_err *err)
{
    switch (option) {
    case 'c':
        command->config = optarg;
        break;
    case 'o':
        command->output = optarg;
        break;
    case 'n':
        command->name = optarg;
        break;
    case 'N':
        command->network = optarg;
        break;
    case 't':
        command->topic = optarg;
        break;
    case 'f':
        return bf_argument_duration("for", optarg, &command->length_us, err);
    default:
        command->json = true;
        break;
    }
    return BF_OK;
}

static const struct {
    const char *word;
    enum bf_status (*run)(const struct bf_profile_command *command, struct bf_err *err);
    bool named; /* wants one word more: a profile's name */
} verbs[] = {{.word = "list", .run = list},
             {.word = "show", .run = show, .named = true},
             {.word = "new", .run = make, .named = true},
             {.word = "infer", .run = bf_profile_infer}};

static int run_verb(struct bf_profile_command *command, int count, char **words)
{
    struct bf_err err = {.message = ""};
    size_t i = 0;
    while (i < sizeof verbs / sizeof verbs[0] && strcmp(verbs[i].word, words[0]) != 0) {
        i++;
    }
    if (i == sizeof verbs / sizeof verbs[0]) {
        return bf_argument_surplus("profile", words[0]);
    }
    bool infers = verbs[i].run == bf_profile_infer;
    if (verbs[i].named && count < 2) {
        fprintf(stderr, "belfry profile %s: of which name?\n", words[0]);
        return bf_argument_help("profile");
    }
    if (infers && (count > 1) == (command->length_us > 0)) {
        fputs("belfry profile infer: a capture, or --topic FILTER --for DURATION?\n", stderr);
        return bf_argument_help("profile");
    }
    int most = infers ? BF_PROFILE_CAPTURES + 1 : verbs[i].named ? 2 : 1;
    if (count > most) {
        return bf_argument_surplus("profile", words[most]);
    }
    command->name = verbs[i].named ? words[1] : command->name;
    for (int word = 1; infers && word < count; word++) {
        command->captures[command->capture_count++] = words[word];
    }
    enum bf_status status = verbs[i].run(command, &err);
    return status == BF_OK ? BF_EXIT_OK : bf_setting_fail("profile", &err);
}

static int run_profile(int argc, char **argv)
{
    struct bf_profile_command command = {.network = "my-network"};
    struct bf_err err = {.message = ""};
    for (int option; (option = getopt_long(argc, argv, "c:jo:n:N:t:f:h", long_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return BF_EXIT_OK;
        }
        if (option == '?') {
            return bf_argument_help("profile");
        }
        if (take_option(&command, option, &err) != BF_OK) {
            return bf_argument_refuse("profile", &err);
        }
    }
    if (optind == argc) {
        fputs("belfry profile: list, show, new or infer?\n", stderr);
        return bf_argument_help("profile");
    }
    return run_verb(&command, argc - optind, argv + optind);
}

const struct bf_command bf_command_profile = {
    .name = "profile",
    .summary = "List and show profiles, begin a new one, or propose one from messages.",
    .usage = usage,
    .run = run_profile,
};
