/* argument.h: what stands behind an option on the command line, as a typed value. What cannot be
 * understood is refused with one sentence that names the option and says what it takes.
 * Thread: main.   Errors: CONFIG, which bf_argument_refuse turns into exit code 2. */
#ifndef BF_CLI_ARGUMENT_H
#define BF_CLI_ARGUMENT_H

#include <stdint.h>

#include "core/err.h"

/* option: without its dashes, "wait". */
enum bf_status bf_argument_duration(const char *option, const char *text, int64_t *value_us,
                                    struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_argument_number(const char *option, const char *text, double least, double most,
                                  double *value, struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_argument_count(const char *option, const char *text, int64_t least, int64_t most,
                                 uint64_t *value, struct bf_err *err) BF_MUST_CHECK;

/* Each prints on standard error, ends with where help is, and returns the exit code of a usage error.
 * The first for an error of the functions above, the second for a word that nothing asked for, the third
 * where something is missing or getopt has said it already. */
int bf_argument_refuse(const char *command, const struct bf_err *err);
int bf_argument_surplus(const char *command, const char *word);
int bf_argument_help(const char *command);

#endif
