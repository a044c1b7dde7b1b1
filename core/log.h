/* log.h: one line per event on standard error: logfmt (ts=… level=… event=… key=value …), or JSON.
 * `event` ids are stable words; payloads are never logged at info. A repeat of the same event within
 * `repeat_s` (10 s) is counted, and the count is said with the next line that passes.
 * Thread: any (one lock around the line). */
#ifndef BF_CORE_LOG_H
#define BF_CORE_LOG_H

#include <stdbool.h>

#include "core/err.h"

enum bf_log_level { BF_LOG_DEBUG, BF_LOG_INFO, BF_LOG_WARN, BF_LOG_ERROR };

struct bf_log_options {
    enum bf_log_level level;
    bool json;
    const char *program; /* "belfry-ingest" */
};

void bf_log_init(const struct bf_log_options *options);

/* bf_log(BF_LOG_INFO, "mqtt.connected", "url=%s session=%s", url, present ? "kept" : "new").
 * Values with spaces or quotes: write key=%s and pass them through; the logger quotes the value up to the
 * next " key=" of the format. A message of at most 1,000 bytes; longer is cut. */
void bf_log(enum bf_log_level level, const char *event, const char *format, ...) BF_PRINTF(3, 4);
/* The error's message, detail and hint as keys of one line. */
void bf_log_err(enum bf_log_level level, const char *event, const struct bf_err *err);

#endif
