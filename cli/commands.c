/* commands.c: from the first word of the command line to its command. See command.h.
 * Declined: abbreviations (`belfry c`): scripts would break when a command is added. */
#include "cli/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config/city.h"
#include "core/daemon.h"

#define X(name) extern const struct bf_command bf_command_##name;
#include "cli/commands.def"
#undef X

static const struct bf_command *const commands[] = {
#define X(name) &bf_command_##name,
#include "cli/commands.def"
#undef X
    NULL};

const struct bf_command *const *bf_commands(void)
{
    return commands;
}

static void print_help(FILE *out)
{
    fputs("belfry watches over a city's live telemetry: MQTT -> Kafka -> windowed KPIs -> Redis.\n\n"
          "  belfry check --config belfry.yaml     read everything, say what is wrong\n"
          "  belfry up --config belfry.yaml        run the whole installation\n"
          "  belfry top --config belfry.yaml       watch its values\n"
          "  belfry COMMAND --help                 more about one command\n\n",
          out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("\n  --help, --version\n", out);
}

static int unknown(const char *word)
{
    const char *names[sizeof commands / sizeof commands[0]];
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        names[i] = commands[i] != NULL ? commands[i]->name : NULL;
    }
    const char *nearest = bf_config_nearest(word, names);
    fprintf(stderr, "belfry: there is no command \"%s\"", word);
    if (nearest != NULL) {
        fprintf(stderr, "; did you mean \"%s\"?\n", nearest);
    } else {
        fprintf(stderr, "; belfry --help lists them\n");
    }
    return BF_EXIT_USAGE;
}

int bf_command_dispatch(int argc, char **argv)
{
    char *word = argc > 1 ? argv[1] : NULL;
    if (word == NULL) {
        print_help(stderr);
        return BF_EXIT_USAGE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help(stdout);
        return BF_EXIT_OK;
    }
    if (strcmp(word, "--version") == 0) {
        printf("belfry %s\n", BELFRY_VERSION);
        return BF_EXIT_OK;
    }
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(commands[i]->name, word) == 0) {
            char full[32]; /* what getopt complains under: "belfry check: unrecognized option ..." */
            snprintf(full, sizeof full, "belfry %s", word);
            argv[1] = full;
            optind = 0; /* glibc: begin anew; a test runs several commands in one process */
            int code = commands[i]->run(argc - 1, argv + 1);
            argv[1] = word;
            return code;
        }
    }
    return unknown(word);
}
