/* try_say.c: see try_say.h. Stages stand in the order in which a message takes them, so that the first line
 * that is not as expected is the one to look at. */
#include "cli/try_say.h"

#include <stdio.h>

#include "cli/match.h"
#include "cli/reach.h"
#include "cli/reading_text.h"
#include "cli/screen.h"
#include "core/time.h"
#include "ingest/decode/reason.h"

#define WIDTH 79
#define INDENT 13
#define KEYS 64
#define PAYLOAD_SHOWN 240

static const struct {
    enum bf_reject_reason reason;
    const char *hint;
} hints[] = {
    {BF_REJECT_no_profile, "see the profiles that come near; `belfry profile infer` proposes one"},
    {BF_REJECT_malformed, "is `format:` the device's, and the message whole?"},
    {BF_REJECT_encoding, "texts must be UTF-8; for bytes take --hex or --base64"},
    {BF_REJECT_missing_field,
     "compare `path:` with the payload; a field that may be absent is not `required`"},
    {BF_REJECT_bad_type, "`type:` of the reading: number, integer, text or bool"},
    {BF_REJECT_bad_number, "the device sends what is no finite number"},
    {BF_REJECT_bad_time, "`time: {unit: ...}`: s, ms, us or rfc3339 (with its offset)"},
    {BF_REJECT_bad_identity, "`device:` gives an empty or unprintable name"},
    {BF_REJECT_bad_unit, "`from:` says what the device really sends"},
    {BF_REJECT_out_of_range, "`valid:` of the reading; `invalid: flag` keeps it, with quality 4"},
    {BF_REJECT_oversize, "ingest.max_payload of belfry.yaml"},
    {BF_REJECT_topic_length, "ingest.max_topic of belfry.yaml"},
    {BF_REJECT_too_many, "ingest.max_readings of belfry.yaml"},
    {BF_REJECT_arena, "ingest.decode_memory of belfry.yaml"},
    {BF_REJECT_empty, "nothing to do, unless it should give a reading"},
    {BF_REJECT_retained, "`retained: take`, where the last value is news to a new subscriber"},
};

static const char *hint_of(struct bf_slice reason)
{
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (bf_slice_equal(bf_reject_kind(hints[i].reason)->name, reason)) {
            return hints[i].hint;
        }
    }
    return NULL;
}

static struct bf_slice sentence_of(struct bf_slice reason)
{
    for (int i = BF_REJECT_none + 1; i < BF_REJECT_COUNT; i++) {
        const struct bf_reject_kind *kind = bf_reject_kind((enum bf_reject_reason)i);
        if (bf_slice_equal(kind->name, reason)) {
            return kind->text;
        }
    }
    return (struct bf_slice){.len = 0};
}

/* ---- lines */

/* Bytes that a terminal would take for orders become '?'; UTF-8 passes. */
static void put_safe(struct bf_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        putchar(c < 0x20 || c == 0x7f ? '?' : c);
    }
}

/* "  name      text", folded at spaces where it is too long for a line. */
static void line(const struct bf_tried *tried, const char *name, struct bf_slice text)
{
    const char *label = name;
    while (text.len > 0 || label[0] != '\0') {
        size_t len = text.len, room = WIDTH - INDENT;
        if (len > room) {
            const char *space = memrchr(text.data, ' ', room);
            len = space != NULL && space > text.data ? (size_t)(space - text.data) : room;
        }
        printf("%s%-*s%s", bf_screen_ink(tried->colours, BF_INK_FAINT), INDENT, label,
               bf_screen_ink(tried->colours, BF_INK_PLAIN));
        put_safe((struct bf_slice){text.data, len});
        putchar('\n');
        label = "";
        text = (struct bf_slice){text.data + len, text.len - len};
        while (text.len > 0 && text.data[0] == ' ') {
            text = (struct bf_slice){text.data + 1, text.len - 1};
        }
    }
}

static void line_text(const struct bf_tried *tried, const char *name, const char *text)
{
    line(tried, name, bf_slice_of(text));
}

static void head(const struct bf_tried *tried, enum bf_ink ink, const char *text)
{
    printf("%s%s%s%s\n", bf_screen_ink(tried->colours, BF_INK_BOLD), bf_screen_ink(tried->colours, ink), text,
           bf_screen_ink(tried->colours, BF_INK_PLAIN));
}

/* ---- the message and its profile */

static void say_message(const struct bf_tried *tried)
{
    struct bf_slice payload = tried->message->payload;
    char text[PAYLOAD_SHOWN + 100];
    bool binary = false;
    for (size_t i = 0; i < payload.len; i++) {
        unsigned char c = (unsigned char)payload.data[i];
        binary = binary || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
    }
    size_t most = binary ? PAYLOAD_SHOWN / 3 : PAYLOAD_SHOWN;
    size_t shown = payload.len < most ? payload.len : most;
    size_t len = (size_t)snprintf(text, sizeof text, "%zu bytes: ", payload.len);
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)payload.data[i];
        len += (size_t)snprintf(text + len, sizeof text - len, binary ? "%02x " : "%c",
                                c < 0x20 && !binary ? ' ' : c);
    }
    (void)snprintf(text + len, sizeof text - len, "%s", payload.len > shown ? " ..." : "");
    line(tried, "topic", tried->message->topic);
    if (tried->topic_made) {
        line_text(tried, "", "(made from the template of the profile)");
    }
    line_text(tried, "payload", text);
}

const struct bf_profile *bf_try_profile(const struct bf_tried *tried)
{
    const struct bf_caught *caught = tried->caught;
    struct bf_slice name = caught->reading_count > 0  ? caught->readings[0].profile
                           : caught->reject_count > 0 ? caught->rejects[0].profile
                                                      : (struct bf_slice){.len = 0};
    for (size_t i = 0; i < tried->city->profile_count && name.len > 0; i++) {
        if (bf_slice_equal(tried->city->profiles[i].name, name)) {
            return &tried->city->profiles[i];
        }
    }
    return NULL;
}

static void say_near(const struct bf_tried *tried, const struct bf_profile *taken)
{
    struct bf_match near[BF_MATCH_NEAR];
    char text[400];
    size_t count = bf_match_near(tried->city, tried->message->topic, near);
    for (size_t i = 0; i < tried->city->profile_count; i++) { /* the topic fits, and yet another has it */
        const struct bf_profile *profile = &tried->city->profiles[i];
        struct bf_match match;
        bf_match_explain(profile, tried->message->topic, &match);
        if (profile->enabled && profile != taken && match.takes) {
            (void)snprintf(text, sizeof text, "%.*s takes the topic%s%s", BF_SLICE_ARG(profile->name),
                           taken != NULL ? " too" : "",
                           profile->key_count > 0 ? ", but not the payload's first key"
                           : taken != NULL        ? "; the first by name of its file has it"
                                                  : "");
            line_text(tried, "not", text);
        }
    }
    for (size_t i = 0; i < count && taken == NULL && tried->asked == NULL; i++) {
        (void)snprintf(text, sizeof text, "%.*s: %s", BF_SLICE_ARG(near[i].profile->name), near[i].why);
        line_text(tried, "not", text);
    }
}

static void say_profile(const struct bf_tried *tried)
{
    const struct bf_profile *profile = bf_try_profile(tried);
    char text[700], template[400];
    if (profile == NULL) {
        line_text(tried, "profile", "none");
    } else {
        struct bf_match match;
        bf_match_explain(profile, tried->message->topic, &match);
        (void)snprintf(text, sizeof text, "%.*s, %.*s", BF_SLICE_ARG(profile->name),
                       BF_SLICE_ARG(profile->file));
        line_text(tried, "profile", text);
        (void)snprintf(text, sizeof text, "%s%s%s",
                       bf_match_template(&profile->topic, template, sizeof template),
                       match.why[0] != '\0' ? ": " : "", match.why);
        line_text(tried, "", text);
    }
    say_near(tried, profile);
    if (tried->asked != NULL && profile != tried->asked) {
        struct bf_match match;
        bf_match_explain(tried->asked, tried->message->topic, &match);
        (void)snprintf(text, sizeof text, "%.*s (which was asked for): %s", BF_SLICE_ARG(tried->asked->name),
                       !tried->asked->enabled ? "it is disabled; belfry check says why"
                       : match.takes          ? "takes the topic"
                                              : match.why);
        line_text(tried, "not", text);
    }
}

/* ---- readings */

struct kpi_line {
    const struct bf_tried *tried;
    const struct bf_reading *reading;
    size_t count;
};

static void say_reach(void *context, const struct bf_reach *reach)
{
    struct kpi_line *at = context;
    struct bf_reach_window window;
    char text[1400], start[40], end[40];
    bf_reach_window(reach->definition, at->reading->event_us, at->tried->message->at_us, &window);
    int len = snprintf(text, sizeof text, "%.*s of %.*s", BF_SLICE_ARG(reach->definition->id),
                       BF_SLICE_ARG(reach->scope));
    size_t used = len > 0 && (size_t)len < sizeof text ? (size_t)len : 0;
    if (window.known) {
        len = snprintf(text + used, sizeof text - used, ", %s to %s",
                       bf_time_format(window.start_us, start, sizeof start),
                       bf_time_format(window.end_us, end, sizeof end));
        used += len > 0 ? (size_t)len : 0;
    }
    if (window.count > 1) {
        len = snprintf(text + used, sizeof text - used, " and %u more windows", window.count - 1);
        used += len > 0 ? (size_t)len : 0;
    }
    if (window.late) {
        (void)snprintf(text + used, sizeof text - used, ": late by now, it would be refused");
    }
    line_text(at->tried, at->count++ == 0 ? "  KPIs" : "", text);
}

/* Twelve digits: what a conversion leaves behind them is of no use to a person. */
static const char *short_value(const struct bf_reading *reading, enum bf_example_field field,
                               const struct bf_value *value, char text[BF_READING_TEXT])
{
    if (value->kind == BF_VALUE_DOUBLE) {
        (void)snprintf(text, BF_READING_TEXT, "%.12g", value->as.number);
        return text;
    }
    return bf_reading_text(reading, field, text);
}

static void say_value(const struct bf_tried *tried, const struct bf_reading *reading)
{
    char value[BF_READING_TEXT], text[2 * BF_READING_TEXT + 600];
    int len = snprintf(text, sizeof text, "%s %.*s",
                       short_value(reading, BF_EXAMPLE_FIELD_value, &reading->value, value),
                       BF_SLICE_ARG(reading->unit));
    if (reading->has_raw) {
        (void)snprintf(text + len, sizeof text - (size_t)len, " (sent: %s %.*s)",
                       short_value(reading, BF_EXAMPLE_FIELD_raw, &reading->raw_value, value),
                       BF_SLICE_ARG(reading->raw_unit));
    }
    line_text(tried, "  value", text);
}

static void say_pair(const struct bf_tried *tried, const char *name, const struct bf_reading *reading,
                     enum bf_example_field first, enum bf_example_field second)
{
    char one[BF_READING_TEXT], two[BF_READING_TEXT], text[2 * BF_READING_TEXT + 8];
    bf_reading_text(reading, first, one);
    bf_reading_text(reading, second, two);
    (void)snprintf(text, sizeof text, "%s%s%s%s", one, two[0] != '\0' ? " (" : "", two,
                   two[0] != '\0' ? ")" : "");
    if (one[0] != '\0') {
        line_text(tried, name, text);
    }
}

static void say_reading(const struct bf_tried *tried, size_t number, const struct bf_reading *reading)
{
    char title[300], text[BF_READING_TEXT];
    (void)snprintf(title, sizeof title, "reading %zu: %.*s", number, BF_SLICE_ARG(reading->quantity));
    head(tried, reading->quality == BF_QUALITY_FAIL ? BF_INK_YELLOW : BF_INK_GREEN, title);
    line(tried, "  source", reading->source);
    say_value(tried, reading);
    say_pair(tried, "  time", reading, BF_EXAMPLE_FIELD_time, BF_EXAMPLE_FIELD_time_source);
    say_pair(tried, "  quality", reading, BF_EXAMPLE_FIELD_quality, BF_EXAMPLE_FIELD_reasons);
    line_text(tried, "  zone",
              reading->zone.len > 0 ? bf_reading_text(reading, BF_EXAMPLE_FIELD_zone, text) : "none");
    if (reading->has_place) {
        (void)snprintf(text, sizeof text, "%.7f, %.7f", (double)reading->lat_e7 / 1e7,
                       (double)reading->lon_e7 / 1e7);
        line_text(tried, "  place", text);
    }
    if (reading->tag_count > 0) {
        line_text(tried, "  tags", bf_reading_text(reading, BF_EXAMPLE_FIELD_tags, text));
    }
    if (reading->aggregation != BF_AGGREGATION_NONE) {
        line_text(tried, "  is a", bf_reading_text(reading, BF_EXAMPLE_FIELD_aggregation, text));
    }
    struct kpi_line at = {.tried = tried, .reading = reading};
    if (reading->quality == BF_QUALITY_FAIL) {
        at.count = 1;
        line_text(tried, "  KPIs", "it has failed: not counted, but named as excluded, in");
    }
    bf_reach_each(tried->plan, reading, say_reach, &at);
    if (at.count == 0) {
        line_text(tried, "  KPIs", "none takes this quantity");
    }
}

/* ---- rejects and Redis */

static void say_reject(const struct bf_tried *tried, const struct bf_reject *reject)
{
    char title[200];
    struct bf_slice sentence = sentence_of(reject->reason);
    const char *hint = hint_of(reject->reason);
    (void)snprintf(title, sizeof title, "%s%.*s",
                   reject->whole ? "rejected: " : "a part is rejected: ", BF_SLICE_ARG(reject->reason));
    head(tried, reject->by_profile ? BF_INK_YELLOW : BF_INK_RED, title);
    line(tried, "  because", sentence);
    line(tried, "  detail", reject->detail);
    if (hint != NULL) {
        line_text(tried, "  hint", hint);
    }
}

static void say_keys(const struct bf_tried *tried)
{
    static struct bf_try_key keys[KEYS]; /* large */
    size_t count = bf_try_keys(tried, keys, KEYS);
    if (count > 0) {
        head(tried, BF_INK_PLAIN, "Redis");
    }
    for (size_t i = 0; i < count && i < KEYS; i++) {
        printf("  %s%s%s\n      %s%s%s%s\n", keys[i].key, keys[i].field[0] != '\0' ? " " : "", keys[i].field,
               bf_screen_ink(tried->colours, BF_INK_FAINT), keys[i].what,
               bf_screen_ink(tried->colours, BF_INK_PLAIN), "");
    }
    if (count > KEYS) {
        printf("  and %zu more\n", count - KEYS);
    }
}

void bf_try_say_person(const struct bf_tried *tried)
{
    const struct bf_caught *caught = tried->caught;
    say_message(tried);
    say_profile(tried);
    for (size_t i = 0; i < caught->reading_count; i++) {
        say_reading(tried, i + 1, &caught->readings[i]);
    }
    for (size_t i = 0; i < caught->reject_count; i++) {
        say_reject(tried, &caught->rejects[i]);
    }
    say_keys(tried);
}
