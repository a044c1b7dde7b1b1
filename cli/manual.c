/* Why: an operator on a server without a browser types `man belfry-replay`. Pages are made from the same
 * texts as --help, when belfry is built.
 * Declined: a page's own source: it would be right on the day on which it was written. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/setting.h"
#include "cli/usage.h"
#include "core/daemon.h"

static const char usage_text[] =
    "belfry manual replay | man -l -               the page of a command\n"
    "belfry manual --output man1                   all pages, into a folder that is there\n"
    "\n"
    "  -o, --output FOLDER   writes belfry.1 and belfry-COMMAND.1 there\n"
    "\n"
    "Without a command: the page of belfry itself. `cmake --install` puts them all into share/man/man1.\n";

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

/* Text as roff takes it: no order at the start of a line, plain hyphens and backslashes. */
static void put(FILE *out, struct bf_slice text)
{
    bool start = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (start && (c == '.' || c == '\'')) {
            fputs("\\&", out);
        }
        if (c == '\\') {
            fputs("\\e", out);
        } else if (c == '-') {
            fputs("\\-", out);
        } else {
            fputc(c, out);
        }
        start = c == '\n';
    }
}

/* An option's text, which may be folded in the usage. */
static void put_folded(FILE *out, struct bf_slice text)
{
    struct bf_slice rest = text, line;
    while (bf_usage_line(&rest, &line)) {
        size_t at = 0;
        while (at < line.len && line.data[at] == ' ') {
            at++;
        }
        put(out, (struct bf_slice){line.data + at, line.len - at});
        fputc('\n', out);
    }
}

static void put_option(FILE *out, const struct bf_usage_option *option)
{
    fputs(".TP\n", out);
    if (option->letter != 0) {
        fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
    }
    fputs("\\fB\\-\\-", out);
    put(out, option->name);
    fputs("\\fR", out);
    if (option->argument.len > 0) {
        fputs(" \\fI", out);
        put(out, option->argument);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    put_folded(out, option->text);
}

/* What stands in the usage between and behind the options. */
static void put_rest(FILE *out, const char *text, size_t from)
{
    struct bf_slice rest = {text + from, strlen(text) - from}, line;
    bool in_option = false, any = false;
    while (bf_usage_line(&rest, &line)) {
        struct bf_usage_option option;
        if (bf_usage_is_option(line, &option)) {
            in_option = true;
        } else if (in_option && line.len > 0 && line.data[0] == ' ') {
            continue;
        } else {
            in_option = false;
            fputs(!any && line.len > 0 ? ".SH DESCRIPTION\n" : "", out);
            any = any || line.len > 0;
            fputs(any && line.len == 0 ? ".PP\n" : "", out);
            put(out, line);
            fputs(line.len > 0 ? "\n" : "", out);
        }
    }
}

static void write_exit_codes(FILE *out)
{
    fputs(".SH EXIT STATUS\n0 done, 1 it failed or what was asked does not hold, 2 the command line is "
          "wrong, 69 a "
          "server cannot be\nreached, 78 the configuration (or a range, or a name) is wrong, 130 "
          "interrupted.\n",
          out);
}

static void write_head(FILE *out, const char *upper_front, const char *name, const char *summary)
{
    char title[64];
    (void)snprintf(title, sizeof title, "%s%s", upper_front, name);
    for (char *at = title; *at != '\0'; at++) {
        *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
    }
    fprintf(out, ".TH %s 1 \"\" \"belfry " BELFRY_VERSION "\" \"belfry\"\n.SH NAME\nbelfry%s%s \\- ", title,
            name[0] != '\0' ? "\\-" : "", name);
    put(out, (struct bf_slice){summary, strlen(summary) - 1}); /* without its full stop */
    fputc('\n', out);
}

static void write_command(FILE *out, const struct bf_command *command)
{
    struct bf_usage usage;
    bf_usage_read(command->name, command->usage, &usage);
    write_head(out, "belfry-", command->name, command->summary);
    fprintf(out,
            ".SH SYNOPSIS\n\\fBbelfry %s\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n.SH EXAMPLES\n.nf\n",
            command->name);
    put(out, usage.examples);
    fputs("\n.fi\n", out);
    fputs(usage.option_count > 0 ? ".SH OPTIONS\n" : "", out);
    for (size_t i = 0; i < usage.option_count; i++) {
        put_option(out, &usage.options[i]);
    }
    put_rest(out, command->usage, usage.examples.len);
    write_exit_codes(out);
    fputs(".SH SEE ALSO\n.BR belfry (1)\n", out);
}

static void write_all(FILE *out)
{
    write_head(out, "belfry", "", "watches over a city's live telemetry.");
    fputs(".SH SYNOPSIS\n\\fBbelfry\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n"
          ".SH DESCRIPTION\nMQTT messages become readings, readings become KPIs over windows, and KPIs go to "
          "Redis.\n"
          ".SH COMMANDS\n",
          out);
    for (size_t i = 0; bf_commands()[i] != NULL; i++) {
        fprintf(out, ".TP\n.BR belfry\\-%s (1)\n", bf_commands()[i]->name);
        put(out, bf_slice_of(bf_commands()[i]->summary));
        fputc('\n', out);
    }
    fputs(".SH ENVIRONMENT\n.TP\nBELFRY_CONFIG\nbelfry.yaml, where no \\-\\-config is given.\n.TP\nNO_COLOR\n"
          "If not empty: no colours.\n",
          out);
    write_exit_codes(out);
}

static const struct bf_command *find(const char *name)
{
    for (size_t i = 0; bf_commands()[i] != NULL; i++) {
        if (strcmp(bf_commands()[i]->name, name) == 0) {
            return bf_commands()[i];
        }
    }
    return NULL;
}

/* command NULL: belfry's own page. */
static enum bf_status write_file(const char *folder, const struct bf_command *command, struct bf_err *err)
{
    char path[1100];
    (void)snprintf(path, sizeof path, "%s/belfry%s%s.1", folder, command != NULL ? "-" : "",
                   command != NULL ? command->name : "");
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        return bf_err_set(err, BF_CONFIG, "could not write %s: %s", path, strerror(errno));
    }
    if (command != NULL) {
        write_command(out, command);
    } else {
        write_all(out);
    }
    return fclose(out) == 0 ? BF_OK
                            : bf_err_set(err, BF_CONFIG, "could not write %s: %s", path, strerror(errno));
}

static int write_folder(const char *folder)
{
    struct bf_err err;
    enum bf_status status = write_file(folder, NULL, &err);
    for (size_t i = 0; status == BF_OK && bf_commands()[i] != NULL; i++) {
        status = write_file(folder, bf_commands()[i], &err);
    }
    return status == BF_OK ? BF_EXIT_OK : bf_setting_fail("manual", &err);
}

static int run_manual(int argc, char **argv)
{
    const char *folder = NULL;
    for (int option; (option = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1;) {
        switch (option) {
        case 'o':
            folder = optarg;
            break;
        case 'h':
            fputs(usage_text, stdout);
            return BF_EXIT_OK;
        default:
            return bf_argument_help("manual");
        }
    }
    const char *name = optind < argc ? argv[optind] : NULL;
    const struct bf_command *command = name != NULL ? find(name) : NULL;
    if ((name != NULL && (command == NULL || folder != NULL)) || optind + 1 < argc) {
        return bf_argument_surplus("manual", argv[argc - 1]);
    }
    if (folder != NULL) {
        return write_folder(folder);
    }
    if (command != NULL) {
        write_command(stdout, command);
    } else {
        write_all(stdout);
    }
    return BF_EXIT_OK;
}

const struct bf_command bf_command_manual = {
    .name = "manual",
    .summary = "Print a manual page, or write all of them.",
    .usage = usage_text,
    .run = run_manual,
};
