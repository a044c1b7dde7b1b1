/* config.c: `belfry config show` (what holds, and why) and `belfry config reference` (what there is). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/setting.h"
#include "config/show.h"
#include "core/daemon.h"

static const char usage[] =
    "belfry config show --config belfry.yaml     effective values, and where each comes from\n"
    "belfry config show --json | jq .            the same for programs\n"
    "belfry config reference                     every option of every file, as Markdown\n"
    "\n"
    "  -c, --config FILE   belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -j, --json          a JSON object: key -> {value, origin}\n"
    "\n"
    "Secrets are shown as ***.\n";

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

struct output {
    bool json, any;
};

static void print_value(void *context, const struct bf_config_value *value)
{
    struct output *output = context;
    if (!output->json) {
        printf("%-28s %-32s %s\n", value->key, value->value, value->origin);
        return;
    }
    printf("%s\n  ", output->any ? "," : "{");
    bf_json_text(stdout, bf_slice_of(value->key));
    printf(": {\"value\": ");
    bf_json_text(stdout, bf_slice_of(value->value));
    printf(", \"origin\": ");
    bf_json_text(stdout, bf_slice_of(value->origin));
    printf("}");
    output->any = true;
}

static int show(const char *path, struct output *output)
{
    struct bf_err err = {0};
    if (bf_site_show(path, print_value, output, &err) != BF_OK) {
        return bf_setting_fail("config show", &err);
    }
    fputs(output->json ? "\n}\n" : "", stdout);
    return BF_EXIT_OK;
}

static int run_config(int argc, char **argv)
{
    const char *path = bf_setting_path(NULL);
    struct output output = {0};
    for (int option; (option = getopt_long(argc, argv, "c:jh", long_options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'j':
            output.json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return BF_EXIT_OK;
        default:
            return bf_argument_help("config");
        }
    }
    if (optind == argc) {
        fputs("belfry config: show or reference?\n", stderr);
        return bf_argument_help("config");
    }
    const char *what = argv[optind];
    if (optind + 1 < argc) {
        return bf_argument_surplus("config", argv[optind + 1]);
    }
    if (strcmp(what, "reference") == 0) {
        bf_config_reference(stdout);
        return BF_EXIT_OK;
    }
    if (strcmp(what, "show") != 0) {
        return bf_argument_surplus("config", what);
    }
    return show(path, &output);
}

const struct bf_command bf_command_config = {
    .name = "config",
    .summary = "Show the effective configuration, or the reference of all options.",
    .usage = usage,
    .run = run_config,
};
