/* expand.c: variables of the environment inside scalars. See expand.h for the forms.
 * Declined: nesting (${A:-${B}}): whoever needs that wants a program, not a file. */
#include "config/expand.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct output {
    struct bf__pool *pool;
    char *data;
    size_t len, room;
};

static void append(struct output *out, const char *data, size_t len)
{
    if (out->len + len > out->room) {
        size_t room = (out->len + len) * 2;
        char *grown = bf__pool_alloc(out->pool, room + 1);
        if (out->len > 0) {
            memcpy(grown, out->data, out->len);
        }
        out->data = grown;
        out->room = room;
    }
    if (len > 0) {
        memcpy(out->data + out->len, data, len);
        out->len += len;
    }
}

static const char *sentence(struct bf__pool *pool, const char *before, struct bf_slice middle,
                            const char *after)
{
    size_t size = strlen(before) + middle.len + strlen(after) + 1;
    char *text = bf__pool_alloc(pool, size);
    snprintf(text, size, "%s%.*s%s", before, BF_SLICE_ARG(middle), after);
    return text;
}

static size_t name_length(struct bf_slice inside)
{
    size_t len = 0;
    while (len < inside.len && (isalnum((unsigned char)inside.data[len]) || inside.data[len] == '_')) {
        len++;
    }
    return len > 0 && isdigit((unsigned char)inside.data[0]) ? 0 : len;
}

/* inside: what stands between the braces. */
static bool one_variable(struct output *out, struct bf_slice inside, const char **why)
{
    size_t len = name_length(inside);
    struct bf_slice rest = {inside.data + len, inside.len - len};
    bool plain = rest.len == 0;
    bool fallback = rest.len >= 2 && memcmp(rest.data, ":-", 2) == 0;
    bool demand = rest.len >= 2 && memcmp(rest.data, ":?", 2) == 0;
    if (len == 0 || !(plain || fallback || demand)) {
        *why = sentence(out->pool, "\"${", inside,
                        "}\" is not ${VAR}, ${VAR:-default} or ${VAR:?message}; for a plain ${ write $${");
        return false;
    }
    struct bf_slice name = bf__pool_copy(out->pool, (struct bf_slice){inside.data, len});
    const char *value = getenv(name.data);
    if (value != NULL && (plain || value[0] != '\0')) {
        append(out, value, strlen(value));
        return true;
    }
    if (fallback) {
        append(out, rest.data + 2, rest.len - 2);
        return true;
    }
    struct bf_slice message = plain ? (struct bf_slice){"", 0}
                                    : (struct bf_slice){rest.data + 2, rest.len - 2};
    *why = message.len > 0
               ? sentence(out->pool, sentence(out->pool, "", name, ": "), message, "")
               : sentence(out->pool, "the environment variable ", name,
                          " is not set; set it, or write ${NAME:-default}");
    return false;
}

bool bf__expand(struct bf__pool *pool, struct bf_slice text, struct bf_slice *expanded, bool *changed,
                const char **why)
{
    struct output out = {.pool = pool};
    *changed = false;
    for (size_t at = 0; at < text.len;) {
        const char *here = text.data + at;
        size_t left = text.len - at;
        if (left >= 3 && memcmp(here, "$${", 3) == 0) {
            append(&out, "${", 2);
            *changed = true;
            at += 3;
        } else if (left >= 2 && memcmp(here, "${", 2) == 0) {
            const char *close = memchr(here, '}', left);
            if (close == NULL) {
                *why = "\"${\" is not closed by \"}\"; for a plain ${ write $${";
                return false;
            }
            if (!one_variable(&out, (struct bf_slice){here + 2, (size_t)(close - here) - 2}, why)) {
                return false;
            }
            *changed = true;
            at += (size_t)(close - here) + 1;
        } else {
            append(&out, here, 1);
            at++;
        }
    }
    *expanded = *changed ? bf__pool_copy(pool, (struct bf_slice){out.data, out.len}) : text;
    return true;
}
