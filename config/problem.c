/* problem.c: the list of what is wrong. See problem.h. Declined: stopping at the first problem, as a
 * compiler that did so would be used once. */
#include "config/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bf__problems_deinit(struct bf__problems *problems)
{
    free(problems->list);
    memset(problems, 0, sizeof *problems);
}

static struct bf__problem *next_slot(struct bf__problems *problems)
{
    if (problems->count >= BF__PROBLEMS_MAX) {
        return NULL;
    }
    if (problems->count == problems->room) {
        size_t room = problems->room == 0 ? 8 : problems->room * 2;
        struct bf__problem *list = realloc(problems->list, room * sizeof *list);
        if (list == NULL) {
            return NULL; /* counted all the same, so nothing passes as good */
        }
        problems->list = list;
        problems->room = room;
    }
    return &problems->list[problems->count++];
}

void bf__problem_add(struct bf__problems *problems, enum bf__severity severity, const char *file, int line,
                     int column, const char *format, ...)
{
    problems->count_of[severity]++;
    struct bf__problem *slot = next_slot(problems);
    if (slot == NULL) {
        return;
    }
    slot->severity = severity;
    int len = line > 0 ? snprintf(slot->text, sizeof slot->text, "%s:%d:%d: ", file, line, column)
                       : snprintf(slot->text, sizeof slot->text, "%s: ", file);
    size_t at = len < 0 ? 0 : (size_t)len;
    if (at >= sizeof slot->text) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(slot->text + at, sizeof slot->text - at, format, arguments);
    va_end(arguments);
}

void bf__problem_keep(struct bf__problems *problems, enum bf__severity severity, const char *text)
{
    problems->count_of[severity]++;
    struct bf__problem *slot = next_slot(problems);
    if (slot != NULL) {
        slot->severity = severity;
        snprintf(slot->text, sizeof slot->text, "%s", text);
    }
}

enum bf_status bf__problems_err(const struct bf__problems *problems, enum bf__severity at_least,
                                struct bf_err *err)
{
    size_t bad = 0;
    for (size_t s = at_least; s <= BF__FATAL; s++) {
        bad += problems->count_of[s];
    }
    if (bad == 0) {
        return BF_OK;
    }
    const char *first = NULL;
    char rest[sizeof err->detail] = "";
    size_t at = 0;
    for (size_t i = 0; i < problems->count; i++) {
        const struct bf__problem *problem = &problems->list[i];
        if (problem->severity < at_least) {
            continue;
        }
        if (first == NULL) {
            first = problem->text;
            continue;
        }
        size_t len = strlen(problem->text);
        if (at + len + 2 < sizeof rest) { /* whole lines only: half a message misleads */
            at += (size_t)snprintf(rest + at, sizeof rest - at, "%s%s", at > 0 ? "\n" : "", problem->text);
        }
    }
    bf_err_set(err, BF_CONFIG, "%s", first != NULL ? first : "out of memory");
    if (at > 0) {
        bf_err_detail(err, "%s", rest);
    }
    if (bad > 1) {
        bf_err_hint(err, "%zu problems; `belfry check` lists them all", bad);
    }
    return BF_CONFIG;
}
