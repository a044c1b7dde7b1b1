/* command.h: what a sub-command of `belfry` is. To add one: a file cli/<name>.c that defines
 * `const struct bf_command bf_command_<name>`, and a line X(<name>) in commands.def.
 * Thread: main. */
#ifndef BF_CLI_COMMAND_H
#define BF_CLI_COMMAND_H

struct bf_command {
    const char *name;    /* "check" */
    const char *summary; /* one sentence, shown by belfry --help */
    const char *usage;   /* examples first, then the options; ends with a newline */
    /* argv[0] is the command's name; returns an exit code of core/daemon.h. Prints data on standard output
     * and everything else on standard error; --help prints usage. */
    int (*run)(int argc, char **argv);
};

/* All of them, NULL-terminated, in the order of commands.def. */
const struct bf_command *const *bf_commands(void);
/* argv as main has it: finds the command and runs it. */
int bf_command_dispatch(int argc, char **argv);

#endif
