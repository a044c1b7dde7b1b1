/* usage.c: see usage.h. Declined: tables of options in each command, from which the text would be made: a
 * person writes better columns than a program, and getopt's table stands beside it anyway. A test holds both
 * together. */
#include "cli/usage.h"

bool bf_usage_line(struct bf_slice *rest, struct bf_slice *line)
{
    if (rest->len == 0) {
        return false;
    }
    const char *end = memchr(rest->data, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
    *line = (struct bf_slice){rest->data, len};
    size_t used = end != NULL ? len + 1 : len;
    *rest = (struct bf_slice){rest->data + used, rest->len - used};
    return true;
}

static size_t span(struct bf_slice text, size_t at, const char *set)
{
    size_t count = 0;
    while (at + count < text.len && text.data[at + count] != '\0' &&
           strchr(set, text.data[at + count]) != NULL) {
        count++;
    }
    return count;
}

bool bf_usage_is_option(struct bf_slice line, struct bf_usage_option *option)
{
    static const char small[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t at = span(line, 0, " ");
    *option = (struct bf_usage_option){.letter = 0};
    if (at == 0 || at > 8 || at + 4 > line.len || line.data[at] != '-') {
        return false;
    }
    if (line.data[at + 1] != '-') { /* "-c, --config" */
        option->letter = line.data[at + 1];
        at += 2;
        if (line.data[at] != ',') {
            return false;
        }
        at += 2;
    }
    if (at + 2 >= line.len || memcmp(line.data + at, "--", 2) != 0) {
        return false;
    }
    at += 2;
    option->name = (struct bf_slice){line.data + at, span(line, at, small)};
    at += option->name.len;
    if (at + 1 < line.len && line.data[at] == ' ' && line.data[at + 1] != ' ') {
        at++;
        size_t end = at;
        while (end < line.len && line.data[end] != ' ') {
            end++;
        }
        option->argument = (struct bf_slice){line.data + at, end - at};
        at = end;
    }
    at += span(line, at, " ");
    option->text = (struct bf_slice){line.data + at, line.len - at};
    return option->name.len > 0;
}

/* "belfry rejects list --follow" -> list; only plain words are verbs. */
static void note_verb(const char *name, struct bf_slice line, struct bf_usage *usage)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyz";
    size_t front = sizeof "belfry " - 1 + strlen(name) + 1;
    if (line.len <= front || memcmp(line.data, "belfry ", 7) != 0) {
        return;
    }
    struct bf_slice verb = {line.data + front, span(line, front, word)};
    bool whole = front + verb.len == line.len || line.data[front + verb.len] == ' ';
    if (verb.len == 0 || !whole || line.data[front - 1] != ' ' || usage->verb_count == BF_USAGE_VERBS) {
        return;
    }
    for (size_t i = 0; i < usage->verb_count; i++) {
        if (bf_slice_equal(usage->verbs[i], verb)) {
            return;
        }
    }
    /* Behind two or more spaces stands what the example does. */
    if (memcmp(line.data + front - 2, "  ", 2) != 0) {
        usage->verbs[usage->verb_count++] = verb;
    }
}

void bf_usage_read(const char *name, const char *text, struct bf_usage *usage)
{
    struct bf_slice rest = bf_slice_of(text), line;
    bool examples = true, in_option = false;
    *usage = (struct bf_usage){.examples = {text, 0}};
    while (bf_usage_line(&rest, &line)) {
        struct bf_usage_option option;
        examples = examples && line.len > 0;
        if (examples) {
            usage->examples.len = (size_t)(line.data + line.len - text);
            note_verb(name, line, usage);
        } else if (bf_usage_is_option(line, &option) && usage->option_count < BF_USAGE_OPTIONS) {
            usage->options[usage->option_count++] = option;
            in_option = true;
        } else if (in_option && line.len > 0 && line.data[0] == ' ') { /* the option's text goes on */
            struct bf_slice *at = &usage->options[usage->option_count - 1].text;
            at->len = (size_t)(line.data + line.len - at->data);
        } else {
            in_option = false;
        }
    }
}
