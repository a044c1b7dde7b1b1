/* Why: captures are how people bring their own traffic; a replay must say which line it cannot read.
 * Declined: guessing more formats (a line that fits none is an error with its number), and mmap. */
#include "cli/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "core/byte_text.h"
#include "core/time.h"
#include "ingest/decode/json_pull.h"
#include "ingest/decode/text.h"

#define MAX_LINE (4u << 20)
#define MAX_DEPTH 64
#define MEMORY (2 * MAX_LINE) /* for what is escaped or in base64 */

struct bf_capture {
    FILE *file;
    const char *path, *topic;
    char *line;
    size_t capacity;
    uint64_t number;
    struct bf_arena *arena; /* made at the first line of JSON */
};

static enum bf_status open_file(FILE *file, const char *path, const char *topic, struct bf_capture **out,
                                struct bf_err *err)
{
    if (!file) {
        return bf_err_set(err, BF_CONFIG, "could not open %s: %s", path, strerror(errno));
    }
    struct bf_capture *capture = calloc(1, sizeof *capture);
    if (!capture) {
        fclose(file);
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    *capture = (struct bf_capture){.file = file, .path = path, .topic = topic};
    *out = capture;
    return BF_OK;
}

enum bf_status bf_capture_open(const char *path, const char *topic, struct bf_capture **out,
                               struct bf_err *err)
{
    return open_file(fopen(path, "re"), path, topic, out, err);
}

enum bf_status bf_capture_open_bytes(struct bf_slice bytes, const char *topic, struct bf_capture **out,
                                     struct bf_err *err)
{
    /* fmemopen writes nothing with "r"; its signature is older than const. */
    union {
        const char *read;
        void *any;
    } at = {.read = bytes.data};
    return open_file(fmemopen(at.any, bytes.len, "r"), "the input", topic, out, err);
}

void bf_capture_close(struct bf_capture *capture)
{
    if (capture) {
        fclose(capture->file);
        free(capture->line);
        if (capture->arena) {
            bf_arena_destroy(capture->arena);
        }
        free(capture);
    }
}

static enum bf_status refuse(const struct bf_capture *capture, struct bf_err *err, const char *why)
{
    return bf_err_set(err, BF_MALFORMED, "%s:%llu: %s", capture->path, (unsigned long long)capture->number,
                      why);
}

/* "1422748800000,{...}" */
static enum bf_status split_stamped(const struct bf_capture *capture, struct bf_slice text, size_t comma,
                                    struct bf_capture_line *line, struct bf_err *err)
{
    if (!capture->topic) {
        return refuse(capture, err, "this line names no topic; say which one it came on with --topic");
    }
    int64_t ms = 0;
    for (size_t i = 0; i < comma; i++) {
        ms = ms * 10 + (text.data[i] - '0');
    }
    line->time_us = ms * BF_US_PER_MS;
    line->topic = bf_slice_of(capture->topic);
    line->payload = (struct bf_slice){text.data + comma + 1, text.len - comma - 1};
    return BF_OK;
}

/* "2024-02-13T16:33:00.005271Z topic {...}" */
static enum bf_status split_full(const struct bf_capture *capture, struct bf_slice text,
                                 struct bf_capture_line *line, struct bf_err *err)
{
    const char *space = memchr(text.data, ' ', text.len);
    struct bf_slice stamp = {text.data, space ? (size_t)(space - text.data) : 0};
    if (!space || bf_time_parse_rfc3339(stamp, &line->time_us) != BF_OK) {
        return refuse(capture, err, "expected an RFC 3339 time and a space, or milliseconds and a comma");
    }
    struct bf_slice rest = {space + 1, text.len - stamp.len - 1};
    const char *payload = memmem(rest.data, rest.len, " {", 2);
    payload = payload ? payload : memchr(rest.data, ' ', rest.len);
    if (!payload || payload == rest.data) {
        return refuse(capture, err, "expected a topic, a space and the payload behind the time");
    }
    line->topic = (struct bf_slice){rest.data, (size_t)(payload - rest.data)};
    line->payload = (struct bf_slice){payload + 1, rest.len - line->topic.len - 1};
    return BF_OK;
}

static bool decode_base64(struct bf_capture *capture, struct bf_slice text, struct bf_slice *bytes)
{
    char *room = bf_arena_alloc(capture->arena, text.len + 4);
    bytes->data = room;
    return room && bf_base64_decode(text, room, &bytes->len);
}

/* {"tap":"raw","at":…,"topic":…,"payload":…} */
static enum bf_status split_json(struct bf_capture *capture, struct bf_slice text,
                                 struct bf_capture_line *line, struct bf_err *err)
{
    struct bf_json json;
    struct bf_json_text key;
    struct bf_slice stamp = {.len = 0}, encoded = {.data = NULL};
    bool first = true;
    capture->arena = capture->arena ? capture->arena : bf_arena_create(MEMORY);
    if (!capture->arena) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    bf_arena_reset(capture->arena);
    const struct {
        struct bf_slice name;
        struct bf_slice *value;
    } members[] = {{BF_SLICE("at"), &stamp},
                   {BF_SLICE("topic"), &line->topic},
                   {BF_SLICE("payload"), &line->payload},
                   {BF_SLICE("payload_base64"), &encoded}};
    line->topic = line->payload = (struct bf_slice){.data = NULL};
    bf_json_init(&json, text, MAX_DEPTH);
    for (bool in = bf_text_utf8(text) && bf_json_enter(&json); in && bf_json_key(&json, &first, &key);) {
        size_t i = 0;
        while (i < sizeof members / sizeof members[0] && !bf_slice_equal(members[i].name, key.raw)) {
            i++;
        }
        struct bf_field field;
        bf_json_field(&json, capture->arena, &field);
        if (i < sizeof members / sizeof members[0] && field.kind == BF_FIELD_TEXT) {
            *members[i].value = field.as.text;
        }
    }
    if (first || !bf_json_done(&json)) {
        return refuse(capture, err, "expected an object as `belfry tap --json` prints it");
    }
    if (encoded.data && !decode_base64(capture, encoded, &line->payload)) {
        return refuse(capture, err, "payload_base64 is no base64");
    }
    if (!line->topic.data || !line->payload.data || bf_time_parse_rfc3339(stamp, &line->time_us) != BF_OK) {
        return refuse(capture, err, "the line has no \"at\", \"topic\" and \"payload\": no MQTT message");
    }
    return BF_OK;
}

enum bf_status bf_capture_next(struct bf_capture *capture, struct bf_capture_line *line, struct bf_err *err)
{
    ssize_t length;
    do {
        length = getline(&capture->line, &capture->capacity, capture->file);
        if (length < 0) {
            return BF_AGAIN;
        }
        capture->number++;
        while (length > 0 && (capture->line[length - 1] == '\n' || capture->line[length - 1] == '\r')) {
            length--;
        }
    } while (length == 0);
    if ((size_t)length > MAX_LINE) {
        return refuse(capture, err, "the line is longer than 4 MiB");
    }
    line->number = capture->number;
    struct bf_slice text = {capture->line, (size_t)length};
    if (text.data[0] == '{') {
        return split_json(capture, text, line, err);
    }
    size_t digits = 0;
    while (digits < text.len && digits < 16 && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    bool stamped = digits > 0 && digits < text.len && text.data[digits] == ',';
    return stamped ? split_stamped(capture, text, digits, line, err) : split_full(capture, text, line, err);
}
