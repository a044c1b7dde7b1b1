/* infer_write.c: a proposal as the file that a person goes on with. See infer.h. */
#include <stdlib.h>

#include "cli/infer.h"
#include "core/time.h"

#define EXAMPLE_MAX 3000

/* A text in double quotes, as YAML reads it. */
static void quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            fprintf(out, "\\x%02x", c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

/* A payload in single quotes: only the quote itself is doubled. */
static void single_quoted(FILE *out, struct bf_slice text)
{
    fputc('\'', out);
    for (size_t i = 0; i < text.len; i++) {
        fputs(text.data[i] == '\'' ? "'" : "", out);
        fputc(text.data[i], out);
    }
    fputc('\'', out);
}

static void number(FILE *out, double value)
{
    fprintf(out, "%.9g", value);
}

static void write_topic(const struct bf_proposal *proposal, FILE *out)
{
    char text[2048] = "";
    size_t len = 0;
    for (size_t i = 0; i < proposal->fixed && len < sizeof text; i++) {
        const struct bf_infer_level *level = &proposal->levels[i];
        const char *slash = i > 0 ? "/" : "";
        bool literal = level->count == 1 && !level->device && strpbrk(level->values[0], "{}+#") == NULL &&
                       strlen(level->values[0]) < sizeof level->values[0] - 1;
        if (literal) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", slash, level->values[0]);
        } else if (level->device) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s{device}", slash);
        } else {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s{level%zu}", slash, i + 1);
        }
    }
    if (proposal->rest && len < sizeof text) {
        (void)snprintf(text + len, sizeof text - len, "%s#", proposal->fixed > 0 ? "/" : "");
    }
    fputs("topic: ", out);
    quoted(out, text);
    fputc('\n', out);
    for (size_t i = 0; i < proposal->fixed; i++) {
        const struct bf_infer_level *level = &proposal->levels[i];
        if (level->count > 1) {
            fprintf(out, "  # level %zu%s: %s%zu values, such as ", i + 1, level->device ? " {device}" : "",
                    level->many ? "more than " : "", level->count);
            quoted(out, level->values[0]);
            fputs(" and ", out);
            quoted(out, level->values[1]);
            fputc('\n', out);
        }
    }
}

static void write_identity(const struct bf_proposal *proposal, FILE *out)
{
    static const char *const units[] = {
        [BF_LEAF_S] = "s", [BF_LEAF_MS] = "ms", [BF_LEAF_US] = "us", [BF_LEAF_RFC3339] = "rfc3339"};
    if (proposal->device != NULL) {
        char text[BF_LEAF_PATH + 8];
        (void)snprintf(text, sizeof text, "{%s}", proposal->device->path);
        fputs("device: ", out);
        quoted(out, text);
        fprintf(out, " # %s%zu value%s\n", proposal->device->many ? "more than " : "",
                proposal->device->value_count, proposal->device->value_count == 1 ? "" : "s");
    }
    if (proposal->time != NULL) {
        fputs("time: {path: ", out);
        quoted(out, proposal->time->path);
        fprintf(out, ", unit: %s}\n", units[proposal->time_unit]);
    } else if (proposal->form != BF_FORM_SENML) {
        fputs("# no time of the device was found: readings get that of their arrival\n", out);
    }
    if (proposal->lat != NULL) {
        fputs("place: {lat: ", out);
        quoted(out, proposal->lat->path);
        fputs(", lon: ", out);
        quoted(out, proposal->lon->path);
        fputs("}\n", out);
    }
}

/* The items' own units are left to a person: where one is wrong, a number would be converted by it. */
static void write_each(const struct bf_proposal *proposal, FILE *out)
{
    const struct bf_leaf_each *each = &proposal->leaves.each;
    fputs("each: {path: ", out);
    quoted(out, each->path);
    fprintf(out, ", name: $.%s, value: $.%s}", each->name, each->value);
    if (each->unit[0] != '\0') {
        fprintf(out, " # unit: $.%s, where what it says is right", each->unit);
    }
    fputc('\n', out);
}

static void write_field(const struct bf_proposal *proposal, const struct bf_infer_field *field, FILE *out)
{
    const struct bf_leaf *leaf = field->leaf;
    bool truth = leaf->bools > 0, guessed = field->guess.quantity != NULL;
    fprintf(out, "  - {%s: ", leaf->item ? "name" : "path");
    quoted(out, leaf->path);
    fprintf(out, ", quantity: %s", field->quantity);
    if (truth) {
        fputs(", type: bool", out);
    } else {
        fprintf(out, ", unit: \"%s\"", guessed ? field->guess.unit : "1");
    }
    if (guessed && !truth) {
        fputs(", valid: [", out);
        number(out, field->guess.least);
        fputs(", ", out);
        number(out, field->guess.most);
        fputs("]", out);
    }
    if (field->channel[0] != '\0') {
        fprintf(out, ", channel: %s", field->channel);
    }
    fputs("}", out);
    if (truth) {
        fputs("\n", out);
        return;
    }
    fputs(" # ", out);
    if (guessed) {
        fprintf(out, "%d %% sure; ", field->guess.confidence);
    } else {
        fputs("quantity and unit unknown; ", out);
    }
    number(out, leaf->low);
    fputs(" to ", out);
    number(out, leaf->high);
    if (leaf->falls == 0 && leaf->numbers > 9 && leaf->high > leaf->low && proposal->sample->count > 9) {
        fputs("; never falls: aggregation: counter?", out);
    }
    fputc('\n', out);
}

static void write_tags(const struct bf_proposal *proposal, FILE *out)
{
    bool any = false;
    for (size_t i = 0; i < proposal->fixed; i++) {
        const struct bf_infer_level *level = &proposal->levels[i];
        if (level->count > 1 && !level->device && !level->many && level->count <= 20) {
            fprintf(out, "%slevel%zu: \"{level%zu}\"", any ? ", " : "tags: {", i + 1, i + 1);
            any = true;
        }
    }
    fputs(any ? "}\n" : "", out);
}

static void write_example(const struct bf_proposal *proposal, FILE *out)
{
    const struct bf_sample *sample = proposal->sample;
    for (size_t i = 0; i < sample->count; i++) {
        const struct bf_sample_message *message = &sample->messages[i];
        bool plain = message->topic.len < 400 && message->payload.len < EXAMPLE_MAX &&
                     memchr(message->payload.data, '\n', message->payload.len) == NULL;
        struct bf_slice key;
        if (plain && bf_leaves_form(message->payload, &key) == proposal->form) {
            char topic[401], when[40];
            (void)snprintf(topic, sizeof topic, "%.*s", BF_SLICE_ARG(message->topic));
            fputs("examples: # say what it must give: readings: [{quantity: ..., value: ...}]\n  - topic: ",
                  out);
            quoted(out, topic);
            fprintf(out,
                    "\n    at: \"%s\"\n    payload: ", bf_time_format(message->at_us, when, sizeof when));
            single_quoted(out, message->payload);
            fputc('\n', out);
            return;
        }
    }
}

void bf_infer_write(const struct bf_proposal *proposal, const char *name, const char *network, FILE *out)
{
    const struct bf_sample *sample = proposal->sample;
    fprintf(out,
            "# Proposed by `belfry profile infer` from %zu messages. Look at every line: names, quantities "
            "and units\n"
            "# are guesses.\nname: %s\nversion: 1\nnetwork: %s # first part of every source\n",
            sample->count, name, network);
    write_topic(proposal, out);
    fprintf(out, "format: %s\n", proposal->form == BF_FORM_SENML ? "senml" : "json");
    if (proposal->form == BF_FORM_KEYED) {
        fputs("key: [", out);
        for (size_t i = 0; i < proposal->key_count; i++) {
            fputs(i > 0 ? ", " : "", out);
            quoted(out, proposal->keys[i]);
        }
        fputs("] # what stands inside is read\n", out);
    }
    write_identity(proposal, out);
    if (proposal->leaves.each.path[0] != '\0' && proposal->form != BF_FORM_SENML) {
        write_each(proposal, out);
    }
    fputs("readings:\n", out);
    for (size_t i = 0; i < proposal->field_count; i++) {
        write_field(proposal, &proposal->fields[i], out);
    }
    write_tags(proposal, out);
    write_example(proposal, out);
}
