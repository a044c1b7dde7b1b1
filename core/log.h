/* log.h: one line per event on standard error: logfmt (ts=… level=… event=… key=value …), or JSON.
 * `event` ids are stable words; payloads are never logged at info. Within BF_LOG_REPEAT_US the same line
 * passes once, and BF_LOG_BURST different lines of one event and level; what does not pass is counted, and
 * the count is said (repeated=N) with the next line of that event that does.
 * Debug lines are not limited.
 * Declined: syslog(3) and log files (the journal and the supervisor take standard error), asynchronous
 * logging (a line that explains a death must be out before it).
 * Owner:  the process.   Thread: any (one lock around the line); init before the threads start.
 * Limits: BF_LOG_EVENTS events are limited, more pass as they come; a message of BF_LOG_MESSAGE_MAX bytes
 *         and BF_LOG_KEYS_MAX keys, longer is cut.   Errors: none; a line that cannot be written is lost. */
#ifndef BF_CORE_LOG_H
#define BF_CORE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

#define BF_LOG_REPEAT_US INT64_C(10000000)
#define BF_LOG_BURST 8
#define BF_LOG_EVENTS 128
#define BF_LOG_MESSAGE_MAX 1200
#define BF_LOG_KEYS_MAX 16

enum bf_log_level { BF_LOG_DEBUG, BF_LOG_INFO, BF_LOG_WARN, BF_LOG_ERROR };

struct bf_log_options {
    enum bf_log_level level;
    bool json;
    const char *program; /* "belfry-ingest"; outlives the process's last line */
};

void bf_log_init(const struct bf_log_options *options);
/* "debug", "info", "warn", "error". False where it is none of them. */
bool bf_log_level_parse(const char *text, enum bf_log_level *level);

/* bf_log(BF_LOG_INFO, "mqtt.connected", "url=%s session=%s", url, present ? "kept" : "new").
 * Values with spaces or quotes: write key=%s and pass them through; the logger quotes the value up to the
 * next " key=" of the format. In JSON a value is a number where its conversion is one (%d, %g). */
void bf_log(enum bf_log_level level, const char *event, const char *format, ...) BF_PRINTF(3, 4);
/* The error's message, detail and hint as keys of one line. */
void bf_log_err(enum bf_log_level level, const char *event, const struct bf_err *err);
/* bf_log with both times given: what bf_log is made of, and what its test calls. */
void bf__log_at(int64_t wall_us, int64_t monotonic_us, enum bf_log_level level, const char *event,
                const char *format, va_list args) BF_PRINTF(5, 0);

#endif
