/* Why: captures are how people bring their own traffic; a replay must say which line it cannot read.
 * Declined: guessing more formats (a line that fits none is an error with its number), and mmap. */
#include "cli/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "core/time.h"

#define MAX_LINE (4u << 20)

struct bf_capture {
    FILE *file;
    const char *path, *topic;
    char *line;
    size_t capacity;
    uint64_t number;
};

enum bf_status bf_capture_open(const char *path, const char *topic, struct bf_capture **out,
                               struct bf_err *err)
{
    FILE *file = fopen(path, "re");
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

void bf_capture_close(struct bf_capture *capture)
{
    if (capture) {
        fclose(capture->file);
        free(capture->line);
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
    size_t digits = 0;
    while (digits < text.len && digits < 16 && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    bool stamped = digits > 0 && digits < text.len && text.data[digits] == ',';
    return stamped ? split_stamped(capture, text, digits, line, err) : split_full(capture, text, line, err);
}
