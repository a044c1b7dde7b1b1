/* Why: thirty options are remembered by a shell rather than by a person. Made from the same texts as --help.
 * Declined: completing names of profiles, KPIs and devices: it would read files, or ask servers, at each
 * TAB. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/usage.h"
#include "core/daemon.h"

static const char usage_text[] = "belfry completion bash > /etc/bash_completion.d/belfry\n"
                                 "belfry completion zsh > /usr/local/share/zsh/site-functions/_belfry\n"
                                 "belfry completion fish > ~/.config/fish/completions/belfry.fish\n"
                                 "\n"
                                 "  -o, --output FILE   write there instead of to standard output\n"
                                 "\n"
                                 "`cmake --install` puts them where the shells look.\n";

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

/* Between single quotes of a shell; a new line and what indents it become a space. */
static void put_quoted(struct bf_slice text, const char *escape_too)
{
    bool blank = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\n' || c == ' ') {
            blank = true;
            continue;
        }
        fputs(blank ? " " : "", stdout);
        blank = false;
        if (c == '\'') {
            fputs("'\\''", stdout);
        } else {
            fputs(strchr(escape_too, c) != NULL ? "\\" : "", stdout);
            putchar(c);
        }
    }
}

static void each_usage(void (*with)(const struct bf_command *command, const struct bf_usage *usage))
{
    for (size_t i = 0; bf_commands()[i] != NULL; i++) {
        struct bf_usage usage;
        bf_usage_read(bf_commands()[i]->name, bf_commands()[i]->usage, &usage);
        with(bf_commands()[i], &usage);
    }
}

/* ---- bash */

static void bash_words(const struct bf_command *command, const struct bf_usage *usage)
{
    printf("    %s) words='", command->name);
    for (size_t i = 0; i < usage->verb_count; i++) {
        printf("%.*s ", BF_SLICE_ARG(usage->verbs[i]));
    }
    for (size_t i = 0; i < usage->option_count; i++) {
        printf("--%.*s ", BF_SLICE_ARG(usage->options[i].name));
    }
    puts("--help' ;;");
}

static void write_bash(void)
{
    fputs("# bash completion for belfry; made by `belfry completion bash`\n"
          "_belfry() {\n"
          "  local words='' current=${COMP_WORDS[COMP_CWORD]}\n"
          "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "    words='",
          stdout);
    for (size_t i = 0; bf_commands()[i] != NULL; i++) {
        printf("%s ", bf_commands()[i]->name);
    }
    fputs("--help --version'\n"
          "  else\n"
          "    case ${COMP_WORDS[1]} in\n",
          stdout);
    each_usage(bash_words);
    fputs("    esac\n"
          "  fi\n"
          "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "}\n"
          "complete -o default -F _belfry belfry\n",
          stdout);
}

/* ---- zsh */

static void zsh_arguments(const struct bf_command *command, const struct bf_usage *usage)
{
    printf("    %s)\n      _arguments -s", command->name);
    for (size_t i = 0; i < usage->option_count; i++) {
        const struct bf_usage_option *option = &usage->options[i];
        fputs(" \\\n        ", stdout);
        if (option->letter != 0) {
            printf("'(-%c --%.*s)'{-%c,--%.*s}", option->letter, BF_SLICE_ARG(option->name), option->letter,
                   BF_SLICE_ARG(option->name));
        } else {
            printf("--%.*s", BF_SLICE_ARG(option->name));
        }
        fputs("'[", stdout);
        put_quoted(option->text, "[]:\\");
        fputs("]", stdout);
        if (option->argument.len > 0) {
            putchar(':');
            put_quoted(option->argument, ":\\");
            fputs(":_files", stdout);
        }
        putchar('\'');
    }
    if (usage->verb_count > 0) {
        fputs(" \\\n        '1:verb:(", stdout);
        for (size_t i = 0; i < usage->verb_count; i++) {
            printf("%s%.*s", i > 0 ? " " : "", BF_SLICE_ARG(usage->verbs[i]));
        }
        fputs(")'", stdout);
    }
    fputs(" \\\n        '*:file:_files' ;;\n", stdout);
}

static void write_zsh(void)
{
    fputs("#compdef belfry\n# made by `belfry completion zsh`\n"
          "_belfry() {\n"
          "  local -a commands\n"
          "  commands=(\n",
          stdout);
    for (size_t i = 0; bf_commands()[i] != NULL; i++) {
        printf("    '%s:", bf_commands()[i]->name);
        put_quoted(bf_slice_of(bf_commands()[i]->summary), ":\\");
        puts("'");
    }
    fputs("  )\n"
          "  if (( CURRENT == 2 )); then\n"
          "    _describe command commands\n"
          "    return\n"
          "  fi\n"
          "  shift words\n"
          "  (( CURRENT-- ))\n"
          "  case $words[1] in\n",
          stdout);
    each_usage(zsh_arguments);
    fputs("  esac\n"
          "}\n"
          "_belfry \"$@\"\n",
          stdout);
}

/* ---- fish */

static void fish_lines(const struct bf_command *command, const struct bf_usage *usage)
{
    printf("complete -c belfry -n __fish_use_subcommand -f -a %s -d '", command->name);
    put_quoted(bf_slice_of(command->summary), "\\");
    puts("'");
    for (size_t i = 0; i < usage->verb_count; i++) {
        printf("complete -c belfry -n '__fish_seen_subcommand_from %s' -f -a %.*s\n", command->name,
               BF_SLICE_ARG(usage->verbs[i]));
    }
    for (size_t i = 0; i < usage->option_count; i++) {
        const struct bf_usage_option *option = &usage->options[i];
        printf("complete -c belfry -n '__fish_seen_subcommand_from %s' -l %.*s", command->name,
               BF_SLICE_ARG(option->name));
        if (option->letter != 0) {
            printf(" -s %c", option->letter);
        }
        printf("%s -d '", option->argument.len > 0 ? " -r" : "");
        put_quoted(option->text, "\\");
        puts("'");
    }
}

static void write_fish(void)
{
    puts("# fish completion for belfry; made by `belfry completion fish`");
    each_usage(fish_lines);
}

static const struct {
    const char *name;
    void (*write)(void);
} shells[] = {{"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};

static int write_shell(const char *name, const char *output)
{
    size_t i = 0;
    while (i < sizeof shells / sizeof shells[0] && strcmp(shells[i].name, name) != 0) {
        i++;
    }
    if (i == sizeof shells / sizeof shells[0]) {
        return bf_argument_surplus("completion", name);
    }
    if (output != NULL && freopen(output, "we", stdout) == NULL) {
        fprintf(stderr, "belfry completion: could not write %s: %s\n", output, strerror(errno));
        return BF_EXIT_CONFIG;
    }
    shells[i].write();
    return fflush(stdout) == 0 ? BF_EXIT_OK : BF_EXIT_FAILED;
}

static int run_completion(int argc, char **argv)
{
    const char *output = NULL;
    for (int option; (option = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1;) {
        switch (option) {
        case 'o':
            output = optarg;
            break;
        case 'h':
            fputs(usage_text, stdout);
            return BF_EXIT_OK;
        default:
            return bf_argument_help("completion");
        }
    }
    if (optind == argc) {
        fputs("belfry completion: bash, zsh or fish?\n", stderr);
        return bf_argument_help("completion");
    }
    if (optind + 1 < argc) {
        return bf_argument_surplus("completion", argv[optind + 1]);
    }
    return write_shell(argv[optind], output);
}

const struct bf_command bf_command_completion = {
    .name = "completion",
    .summary = "Print what bash, zsh or fish need to complete commands and options.",
    .usage = usage_text,
    .run = run_completion,
};
