/* span.h: which part of a log: TOPIC@FROM..TO, as `belfry replay` takes it.
 *
 *     belfry.readings@-24h..                                        the last day
 *     belfry.readings@2024-02-13T00:00:00Z..2024-02-14T00:00:00Z    log time
 *     belfry.readings@1000..2000                                    offsets, of every partition
 *
 * Thread: any.   Errors: CONFIG, with what was expected. */
#ifndef BF_CLI_SPAN_H
#define BF_CLI_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

/* EDGE: the log's beginning, or its end. */
enum bf_span_kind { BF_SPAN_EDGE, BF_SPAN_TIME, BF_SPAN_OFFSET };

struct bf_span_end {
    enum bf_span_kind kind;
    int64_t value; /* log time in microseconds, or an offset */
};

struct bf_span {
    struct bf_slice topic; /* borrows from the text */
    struct bf_span_end from, to;
};

/* Whether it is of this form at all: a name without a slash, @, and two dots behind it. */
bool bf_span_is(const char *text);
/* now_us: what "-24h" is counted from. */
enum bf_status bf_span_parse(const char *text, int64_t now_us, struct bf_span *span,
                             struct bf_err *err) BF_MUST_CHECK;
/* One end of it: a time, -DURATION, an offset, nothing. */
enum bf_status bf_span_parse_end(struct bf_slice text, int64_t now_us, struct bf_span_end *end,
                                 struct bf_err *err) BF_MUST_CHECK;

#endif
