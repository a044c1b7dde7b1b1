/* log.c: see log.h. A line is cut into keys by its *format*, never by its text: the length that each
 * prefix of the format prints to says where a value ends. So a value that holds ` level=error` or a line
 * feed (a device's name, a peer's words) stays one quoted value, and no payload can write a log line.
 * Declined: a key/value call with typed arguments (every call site pays in words), and markers inside the
 * text (a value could hold them). */
#include "core/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/time.h"

#define LINE_MAX_BYTES 8192 /* every byte of a message may become six, \u00XX */
#define EVENT_MAX 48

struct field {
    const char *key;
    size_t key_len;
    size_t value_at; /* in the format, then in the message */
    size_t value_end;
    bool number;
};

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

struct seen {
    char event[EVENT_MAX];
    enum bf_log_level level;
    int64_t since_us; /* when this window of BF_LOG_REPEAT_US began */
    unsigned passed;  /* in this window */
    uint64_t lines[BF_LOG_BURST];
    uint64_t repeated;
};

static const char *const level_names[] = {
    [BF_LOG_DEBUG] = "debug",
    [BF_LOG_INFO] = "info",
    [BF_LOG_WARN] = "warn",
    [BF_LOG_ERROR] = "error",
};

static struct bf_log_options current = {.level = BF_LOG_INFO, .json = false, .program = "belfry"};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct seen seen_events[BF_LOG_EVENTS];
static size_t seen_used;

void bf_log_init(const struct bf_log_options *options)
{
    pthread_mutex_lock(&lock);
    current = *options;
    seen_used = 0;
    pthread_mutex_unlock(&lock);
}

bool bf_log_level_parse(const char *text, enum bf_log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum bf_log_level)i;
            return true;
        }
    }
    return false;
}

/* The memory of that event and level; a new one where there is none, NULL where there is no room. */
static struct seen *find_seen(enum bf_log_level level, const char *event)
{
    for (size_t i = 0; i < seen_used; i++) {
        if (seen_events[i].level == level && strncmp(seen_events[i].event, event, EVENT_MAX - 1) == 0) {
            return &seen_events[i];
        }
    }
    if (seen_used == BF_LOG_EVENTS) {
        return NULL;
    }
    struct seen *seen = &seen_events[seen_used++];
    *seen = (struct seen){.level = level, .since_us = INT64_MIN};
    snprintf(seen->event, sizeof seen->event, "%s", event);
    return seen;
}

/* Whether the line (its hash) passes; *repeated is how many of its event did not since the last that did. */
static bool pass(enum bf_log_level level, const char *event, uint64_t line, int64_t now_us,
                 uint64_t *repeated)
{
    *repeated = 0;
    struct seen *seen = level == BF_LOG_DEBUG ? NULL : find_seen(level, event);
    if (seen == NULL) {
        return true;
    }
    if (seen->since_us == INT64_MIN || now_us - seen->since_us >= BF_LOG_REPEAT_US) {
        seen->since_us = now_us;
        seen->passed = 0;
    }
    bool known = seen->passed == BF_LOG_BURST;
    for (unsigned i = 0; i < seen->passed; i++) {
        known = known || seen->lines[i] == line;
    }
    if (known) {
        seen->repeated++;
        return false;
    }
    seen->lines[seen->passed++] = line;
    *repeated = seen->repeated;
    seen->repeated = 0;
    return true;
}

static bool key_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* The length of the `key` of `key=` at text; 0 where there is none. */
static size_t key_length(const char *text)
{
    size_t len = 0;
    while (key_byte(text[len])) {
        len++;
    }
    return text[len] == '=' ? len : 0;
}

/* True for one numeric conversion and nothing else ("%d", "%.3f", "%" PRId64). */
static bool numeric(const char *format, size_t len)
{
    size_t percent = 0;
    for (size_t i = 0; i < len; i++) {
        percent += format[i] == '%';
    }
    return len >= 2 && percent == 1 && format[0] == '%' && strchr("diufFgG", format[len - 1]) != NULL;
}

/* Cuts the format into fields; words before the first key are the value of `msg`. */
static size_t cut_format(const char *format, struct field fields[BF_LOG_KEYS_MAX])
{
    size_t used = 0;
    if (*format != '\0' && key_length(format) == 0) {
        fields[used++] = (struct field){.key = "msg", .key_len = 3, .value_at = 0};
    }
    for (size_t at = 0; format[at] != '\0' && used < BF_LOG_KEYS_MAX; at++) {
        size_t key_at = at == 0 ? 0 : at + 1;
        if (at != 0 && format[at] != ' ') {
            continue;
        }
        size_t key_len = key_length(format + key_at);
        if (key_len == 0) {
            continue;
        }
        if (used > 0) {
            fields[used - 1].value_end = at;
        }
        fields[used++] =
            (struct field){.key = format + key_at, .key_len = key_len, .value_at = key_at + key_len + 1};
    }
    if (used > 0) {
        fields[used - 1].value_end = strlen(format);
    }
    for (size_t i = 0; i < used; i++) {
        size_t at = fields[i].value_at;
        fields[i].number = numeric(format + at, fields[i].value_end - at);
    }
    return used;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* prefixes of the caller's checked format */
/* How many bytes the first `len` bytes of the format print. */
static size_t prefix_length(const char *format, size_t len, va_list args)
{
    char prefix[BF_LOG_MESSAGE_MAX];
    if (len >= sizeof prefix) {
        return sizeof prefix - 1;
    }
    memcpy(prefix, format, len);
    prefix[len] = '\0';
    va_list copy;
    va_copy(copy, args);
    int printed = vsnprintf(NULL, 0, prefix, copy);
    va_end(copy);
    return printed < 0 ? 0 : (size_t)printed;
}
#pragma GCC diagnostic pop

static void put(struct line *line, const char *bytes, size_t len)
{
    size_t room = sizeof line->text - 2 - line->len; /* for "}\n" */
    if (len <= room) {
        memcpy(line->text + line->len, bytes, len);
        line->len += len;
    }
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* In quotes, what would break a line or the quotes escaped as in JSON; bytes above 0x7f go as they are. */
static void put_quoted(struct line *line, const char *bytes, size_t len)
{
    put(line, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        char escape[8];
        if (c == '"' || c == '\\') {
            escape[0] = '\\';
            escape[1] = (char)c;
            put(line, escape, 2);
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
            put(line, escape, 6);
        } else {
            put(line, bytes + i, 1);
        }
    }
    put(line, "\"", 1);
}

static bool plain(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f) {
            return false;
        }
    }
    return len > 0;
}

/* inf and nan are no JSON. */
static bool json_number(const char *bytes, size_t len)
{
    size_t first = len > 0 && bytes[0] == '-';
    return len > first && bytes[first] >= '0' && bytes[first] <= '9';
}

static void put_field(struct line *line, const struct field *field, const char *value, size_t len)
{
    if (current.json) {
        put_text(line, line->len > 1 ? ",\"" : "\"");
        put(line, field->key, field->key_len);
        put_text(line, "\":");
    } else {
        put_text(line, line->len > 0 ? " " : "");
        put(line, field->key, field->key_len);
        put_text(line, "=");
    }
    bool bare = current.json ? field->number && json_number(value, len) : plain(value, len);
    if (bare) {
        put(line, value, len);
    } else {
        put_quoted(line, value, len);
    }
}

static void put_pair(struct line *line, const char *key, const char *value, bool number)
{
    struct field field = {.key = key, .key_len = strlen(key), .number = number};
    put_field(line, &field, value, strlen(value));
}

static void write_whole(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, len);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return; /* nobody listens; the daemon's work is not to talk */
        }
        bytes += written;
        len -= (size_t)written;
    }
}

void bf__log_at(int64_t wall_us, int64_t monotonic_us, enum bf_log_level level, const char *event,
                const char *format, va_list args)
{
    if (level < current.level) {
        return;
    }
    struct field fields[BF_LOG_KEYS_MAX];
    char message[BF_LOG_MESSAGE_MAX];
    char text[32];
    size_t used = cut_format(format, fields);
    for (size_t i = 0; i < used; i++) {
        fields[i].value_at = prefix_length(format, fields[i].value_at, args);
        fields[i].value_end = prefix_length(format, fields[i].value_end, args);
    }
    va_list copy;
    va_copy(copy, args);
    int printed = vsnprintf(message, sizeof message, format, copy);
    va_end(copy);
    size_t message_len = printed < 0 ? 0 : strnlen(message, sizeof message);

    pthread_mutex_lock(&lock);
    uint64_t repeated;
    uint64_t hash = bf_hash64((struct bf_slice){message, message_len});
    if (pass(level, event, hash, monotonic_us, &repeated)) {
        static struct line line; /* under the lock */
        line.len = 0;
        put_text(&line, current.json ? "{" : "");
        put_pair(&line, "ts", bf_time_format(wall_us, text, sizeof text), false);
        put_pair(&line, "level", level_names[level], false);
        put_pair(&line, "program", current.program, false);
        put_pair(&line, "event", event, false);
        for (size_t i = 0; i < used && fields[i].value_at <= message_len; i++) {
            size_t end = fields[i].value_end < message_len ? fields[i].value_end : message_len;
            put_field(&line, &fields[i], message + fields[i].value_at, end - fields[i].value_at);
        }
        if (repeated > 0) {
            snprintf(text, sizeof text, "%llu", (unsigned long long)repeated);
            put_pair(&line, "repeated", text, true);
        }
        line.text[line.len++] = current.json ? '}' : '\n';
        if (current.json) {
            line.text[line.len++] = '\n';
        }
        write_whole(line.text, line.len);
    }
    pthread_mutex_unlock(&lock);
}

void bf_log(enum bf_log_level level, const char *event, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bf__log_at(bf_time_wall_us(), bf_time_monotonic_us(), level, event, format, args);
    va_end(args);
}

void bf_log_err(enum bf_log_level level, const char *event, const struct bf_err *err)
{
    const char *status = bf_status_name(err->status);
    if (err->hint[0] != '\0') {
        bf_log(level, event, "status=%s message=%s detail=%s hint=%s", status, err->message, err->detail,
               err->hint);
    } else if (err->detail[0] != '\0') {
        bf_log(level, event, "status=%s message=%s detail=%s", status, err->message, err->detail);
    } else {
        bf_log(level, event, "status=%s message=%s", status, err->message);
    }
}
