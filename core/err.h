/* err.h: what went wrong, said once, for a person.
 *
 * Every fallible function returns enum bf_status and takes `struct bf_err *err` last. The record is
 * filled where the fault is seen, untouched on success, and printed once, at the top. The primary
 * message is short and factual; detail and hint stand apart (PostgreSQL's error style).
 * Declined: error codes per module (callers cannot react to them), and errno-style globals.
 *
 * Owner:  the caller (usually on the stack).   Thread: the owner's.
 * Limits: texts are cut at the field sizes.    Errors: none. */
#ifndef BF_CORE_ERR_H
#define BF_CORE_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum bf_status {
#define X(name, text, reaction) BF_##name,
#include "core/status.def"
#undef X
};

#define BF_MUST_CHECK __attribute__((warn_unused_result))
#define BF_PRINTF(text, first) __attribute__((format(printf, text, first)))

struct bf_err {
    enum bf_status status;
    char message[256];
    char detail[512];
    char hint[256];
};

/* "ok", "again", ...; never NULL. */
const char *bf_status_name(enum bf_status status);

/* Fills message (detail and hint become empty) and returns `status`, so that a failing function ends
 * with `return bf_err_set(err, BF_PEER, "could not connect to Redis: %s", why);`. err may be NULL. */
enum bf_status bf_err_set(struct bf_err *err, enum bf_status status, const char *format, ...)
    BF_PRINTF(3, 4);

/* Adds the detail or the hint to an error that was set. err may be NULL. */
void bf_err_detail(struct bf_err *err, const char *format, ...) BF_PRINTF(2, 3);
void bf_err_hint(struct bf_err *err, const char *format, ...) BF_PRINTF(2, 3);

/* Writes "message (detail). hint" into `text`, always terminated; returns text. */
char *bf_err_format(const struct bf_err *err, char *text, size_t size);

#endif
