/* err.c: the error record. It exists so that the text of a fault is written where the fault is
 * seen, with what is known there, and read once at the top.
 * Declined: allocating the texts (an error must be tellable when memory is out). */
#include "core/err.h"

#include <stdio.h>

const char *bf_status_name(enum bf_status status)
{
    static const char *const names[] = {
#define X(name, text, reaction) [BF_##name] = (text),
#include "core/status.def"
#undef X
    };
    size_t index = (size_t)status;
    return index < sizeof(names) / sizeof(names[0]) ? names[index] : "unknown";
}

enum bf_status bf_err_set(struct bf_err *err, enum bf_status status, const char *format, ...)
{
    if (!err) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    err->status = status;
    err->detail[0] = '\0';
    err->hint[0] = '\0';
    return status;
}

void bf_err_detail(struct bf_err *err, const char *format, ...)
{
    if (!err) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->detail, sizeof(err->detail), format, arguments);
    va_end(arguments);
}

void bf_err_hint(struct bf_err *err, const char *format, ...)
{
    if (!err) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->hint, sizeof(err->hint), format, arguments);
    va_end(arguments);
}

char *bf_err_format(const struct bf_err *err, char *text, size_t size)
{
    if (size == 0) {
        return text;
    }
    snprintf(text, size, "%s%s%s%s%s%s", err->message, err->detail[0] ? " (" : "", err->detail,
             err->detail[0] ? ")" : "", err->hint[0] ? ". " : "", err->hint);
    return text;
}
