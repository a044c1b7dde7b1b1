/* counters.c: see counters.h. There is no Prometheus client for C in Debian, and the text format is small
 * enough to write whole: per name one HELP and one TYPE line, then all of its series together. */
#include "core/counters.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *text;
    size_t size, len; /* len goes on counting beyond size */
};

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

struct bf_counter *bf_counters_add(struct bf_counters *counters, enum bf_counter_kind kind, const char *name,
                                   const char *help, const char *label, const char *value)
{
    assert(name != NULL && help != NULL && (label == NULL) == (value == NULL));
    for (size_t i = 0; i < counters->used; i++) {
        struct bf_counter *counter = &counters->series[i];
        if (same_text(counter->name, name) && same_text(counter->label, label) &&
            same_text(counter->value, value)) {
            assert(counter->kind == kind);
            return counter;
        }
    }
    assert(counters->used < BF_COUNTERS_MAX);
    struct bf_counter *counter = &counters->series[counters->used];
    counter->name = name;
    counter->help = help;
    counter->label = label;
    counter->value = value;
    counter->kind = kind;
    atomic_init(&counter->count, 0);
    counters->used++;
    return counter;
}

static void put_byte(struct out *out, char byte)
{
    if (out->len + 1 < out->size) {
        out->text[out->len] = byte;
    }
    out->len++;
}

static void put_text(struct out *out, const char *text)
{
    for (; *text != '\0'; text++) {
        put_byte(out, *text);
    }
}

/* The format's escapes: backslash and line feed everywhere, the quote in label values. */
static void put_escaped(struct out *out, const char *text, bool quoted)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            put_text(out, "\\n");
        } else if (*text == '\\' || (quoted && *text == '"')) {
            put_byte(out, '\\');
            put_byte(out, *text);
        } else {
            put_byte(out, *text);
        }
    }
}

static void put_head(struct out *out, const struct bf_counter *counter)
{
    put_text(out, "# HELP ");
    put_text(out, counter->name);
    put_byte(out, ' ');
    put_escaped(out, counter->help, false);
    put_text(out, "\n# TYPE ");
    put_text(out, counter->name);
    put_text(out, counter->kind == BF_GAUGE ? " gauge\n" : " counter\n");
}

static void put_series(struct out *out, const struct bf_counter *counter)
{
    char number[32];
    put_text(out, counter->name);
    if (counter->label != NULL) {
        put_byte(out, '{');
        put_text(out, counter->label);
        put_text(out, "=\"");
        put_escaped(out, counter->value, true);
        put_text(out, "\"}");
    }
    snprintf(number, sizeof number, " %" PRId64 "\n", bf_counter_read(counter));
    put_text(out, number);
}

static bool named_before(const struct bf_counters *counters, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (same_text(counters->series[i].name, counters->series[index].name)) {
            return true;
        }
    }
    return false;
}

size_t bf_counters_format(const struct bf_counters *counters, char *text, size_t size)
{
    struct out out = {.text = text, .size = size};
    for (size_t i = 0; i < counters->used; i++) {
        if (named_before(counters, i)) {
            continue;
        }
        put_head(&out, &counters->series[i]);
        for (size_t j = i; j < counters->used; j++) {
            if (same_text(counters->series[j].name, counters->series[i].name)) {
                put_series(&out, &counters->series[j]);
            }
        }
    }
    if (size > 0) {
        text[out.len < size ? out.len : size - 1] = '\0';
    }
    return out.len;
}
