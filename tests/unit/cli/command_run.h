/* command_run.h: a sub-command run inside the test, with all that it prints in `printed`.
 * Owner: the test.   Thread: main. */
#ifndef BF_TESTS_COMMAND_RUN_H
#define BF_TESTS_COMMAND_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "cli/command.h"
#include "core/daemon.h"

static char printed[65536]; /* standard output, then standard error */
static size_t printed_out;  /* of it: standard output */

/* Runs the command with standard output and error into `printed`. */
static inline int run(const char *const *words)
{
    char *argv[16];
    int argc = 0;
    argv[argc++] = strdup("belfry");
    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = strdup(words[argc - 1]);
    }
    argv[argc] = NULL;
    FILE *file = tmpfile(), *complaints = tmpfile();
    assert_non_null(file);
    assert_non_null(complaints);
    fflush(NULL);
    int out = dup(1), error = dup(2);
    dup2(fileno(file), 1);
    dup2(fileno(complaints), 2);
    int code = bf_command_dispatch(argc, argv);
    fflush(NULL);
    dup2(out, 1);
    dup2(error, 2);
    close(out);
    close(error);
    rewind(file);
    rewind(complaints);
    printed_out = fread(printed, 1, sizeof printed - 1, file);
    size_t err_len = fread(printed + printed_out, 1, sizeof printed - 1 - printed_out, complaints);
    printed[printed_out + err_len] = '\0';
    fclose(file);
    fclose(complaints);
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
    return code;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})
#define assert_printed(text)                                    \
    do {                                                        \
        if (strstr(printed, (text)) == NULL) {                  \
            fail_msg("\"%s\" is not in:\n%s", (text), printed); \
        }                                                       \
    } while (0)

#endif
