/* Why: ten commands would each refuse a bad number in their own words, or with a page of usage in which the
 * reader may look for his mistake.
 * Declined: a framework over getopt: each command's options stay in its file. */
#include "cli/argument.h"

#include <stdio.h>

#include "config/scalar.h"
#include "core/daemon.h"

enum bf_status bf_argument_duration(const char *option, const char *text, int64_t *value_us,
                                    struct bf_err *err)
{
    if (bf_scalar_duration(bf_slice_of(text), value_us)) {
        return BF_OK;
    }
    return bf_err_set(err, BF_CONFIG, "--%s: expected a duration such as 500ms, 60s or 2h, not \"%s\"",
                      option, text);
}

enum bf_status bf_argument_number(const char *option, const char *text, double least, double most,
                                  double *value, struct bf_err *err)
{
    if (bf_scalar_number(bf_slice_of(text), value) && *value >= least && *value <= most) {
        return BF_OK;
    }
    return bf_err_set(err, BF_CONFIG, "--%s: expected a number from %g to %g, not \"%s\"", option, least,
                      most, text);
}

enum bf_status bf_argument_count(const char *option, const char *text, int64_t least, int64_t most,
                                 uint64_t *value, struct bf_err *err)
{
    int64_t number = 0;
    if (bf_scalar_integer(bf_slice_of(text), &number) && number >= least && number <= most) {
        *value = (uint64_t)number;
        return BF_OK;
    }
    return bf_err_set(err, BF_CONFIG, "--%s: expected a whole number from %lld to %lld, not \"%s\"", option,
                      (long long)least, (long long)most, text);
}

int bf_argument_refuse(const char *command, const struct bf_err *err)
{
    fprintf(stderr, "belfry %s: %s\n", command, err->message);
    return bf_argument_help(command);
}

int bf_argument_surplus(const char *command, const char *word)
{
    fprintf(stderr, "belfry %s: nothing asks for \"%s\"\n", command, word);
    return bf_argument_help(command);
}

int bf_argument_help(const char *command)
{
    fprintf(stderr, "belfry %s --help shows how it is used\n", command);
    return BF_EXIT_USAGE;
}
