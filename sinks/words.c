/* words.c: the order of fields here is the order of names in redis.lua; test_words.c holds the two
 * together. The message for the channel is written here too, since Lua in Redis would be slower at it. */
#include "sinks/words.h"

#include <math.h>
#include <stdlib.h>

#include "core/number.h"
#include "core/scope.h"

const struct bf_slice bf__kpi_fields[BF_KPI_FIELDS] = {
    {"value", 5},   {"unit", 4}, {"window_start_ms", 15}, {"window_end_ms", 13},
    {"n", 1},       {"min", 3},  {"max", 3},              {"target", 6},
    {"band", 4},    {"quality", 7}, {"final", 5},         {"revision", 8},
    {"stale_after_ms", 14}, {"detail", 6},
};

enum bf_status bf__words_init(struct bf__words *words, size_t head, size_t capacity, size_t text,
                              struct bf_err *err)
{
    *words = (struct bf__words){.first = head, .capacity = head + capacity, .size = text};
    words->at = malloc(words->capacity * sizeof *words->at);
    words->text = malloc(text);
    if (!words->at || !words->text) {
        bf__words_deinit(words);
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    bf__words_reset(words);
    return BF_OK;
}

void bf__words_deinit(struct bf__words *words)
{
    free(words->at);
    free(words->text);
    *words = (struct bf__words){0};
}

void bf__words_reset(struct bf__words *words)
{
    words->count = words->first;
    words->used = 0;
    words->full = false;
}

void bf__words_put(struct bf__words *words, struct bf_slice word)
{
    if (words->count == words->capacity) {
        words->full = true;
        return;
    }
    words->at[words->count++] = word;
}

/* Room for `len` more bytes of text, or NULL. */
static char *room(struct bf__words *words, size_t len)
{
    if (words->size - words->used < len) {
        words->full = true;
        return NULL;
    }
    return words->text + words->used;
}

void bf__words_put_copy(struct bf__words *words, struct bf_slice word)
{
    char *to = room(words, word.len);
    if (to && word.len) {
        memcpy(to, word.data, word.len);
        words->used += word.len;
    }
    bf__words_put(words, (struct bf_slice){to, to ? word.len : 0});
}

void bf__words_put_int(struct bf__words *words, int64_t value)
{
    char *to = room(words, BF_NUMBER_MAX);
    size_t len = to ? bf_number_format_int(value, to) : 0;
    words->used += len;
    bf__words_put(words, (struct bf_slice){to, len});
}

void bf__words_put_unless(struct bf__words *words, int64_t value, int64_t unknown)
{
    if (value == unknown) {
        bf__words_put(words, (struct bf_slice){0});
    } else {
        bf__words_put_int(words, value);
    }
}

void bf__words_put_origin(struct bf__words *words, int64_t offset, int64_t index)
{
    char *to = room(words, 2 * BF_NUMBER_MAX + 1);
    size_t len = 0;
    if (to) {
        len = bf_number_format_int(offset, to);
        to[len++] = ':';
        len += bf_number_format_int(index, to + len);
        words->used += len;
    }
    bf__words_put(words, (struct bf_slice){to, len});
}

static void put_number(struct bf__words *words, double value)
{
    char *to = isfinite(value) ? room(words, BF_NUMBER_MAX) : NULL;
    size_t len = to ? bf_number_format(value, to) : 0;
    words->used += len;
    bf__words_put(words, (struct bf_slice){to, len});
}

/* Text that is only a piece of a word. */
static void put_raw(struct bf__words *words, struct bf_slice bytes)
{
    char *to = room(words, bytes.len);
    if (to && bytes.len) {
        memcpy(to, bytes.data, bytes.len);
        words->used += bytes.len;
    }
}

/* ---- messages: JSON with the names of the hash, typed */

/* The inside of a JSON string. Bytes from 0x80 on pass: texts in records are UTF-8. */
static void json_escape(struct bf__words *words, struct bf_slice text)
{
    static const char hex[] = "0123456789abcdef";
    char *to = room(words, text.len * 6);
    if (!to) {
        return;
    }
    size_t used = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < 0x20) {
            memcpy(to + used, "\\u00", 4);
            to[used + 4] = hex[byte >> 4];
            to[used + 5] = hex[byte & 15];
            used += 6;
        } else {
            if (byte == '"' || byte == '\\') {
                to[used++] = '\\';
            }
            to[used++] = (char)byte;
        }
    }
    words->used += used;
}

/* `name` comes with its comma, quotes and colon, as in ",\"unit\":". */
static void json_text(struct bf__words *words, struct bf_slice name, struct bf_slice text)
{
    if (text.len) {
        put_raw(words, name);
        put_raw(words, BF_SLICE("\""));
        json_escape(words, text);
        put_raw(words, BF_SLICE("\""));
    }
}

/* A number as it stands in the word `index` after `from`; nothing where that is unknown. */
static void json_word(struct bf__words *words, struct bf_slice name, size_t word)
{
    struct bf_slice value = word < words->count ? words->at[word] : (struct bf_slice){0};
    if (value.len) {
        put_raw(words, name);
        put_raw(words, value);
    }
}

/* Places of the values among the words of a KPI, from VALUE on. */
enum place {
    VALUE, UNIT, WINDOW_START, WINDOW_END, N, MIN, MAX, TARGET, BAND, QUALITY, FINAL, REVISION, STALE_AFTER,
    DETAIL
};

static void put_message(struct bf__words *words, const struct bf_kpi *kpi, struct bf_slice id, size_t from)
{
    size_t begin = words->used;
    put_raw(words, BF_SLICE("{\"kpi\":\""));
    json_escape(words, id);
    put_raw(words, BF_SLICE("\",\"scope\":\""));
    json_escape(words, kpi->scope);
    put_raw(words, BF_SLICE("\""));
    json_word(words, BF_SLICE(",\"value\":"), from + VALUE);
    json_text(words, BF_SLICE(",\"unit\":"), kpi->unit);
    json_word(words, BF_SLICE(",\"window_start_ms\":"), from + WINDOW_START);
    json_word(words, BF_SLICE(",\"window_end_ms\":"), from + WINDOW_END);
    json_word(words, BF_SLICE(",\"n\":"), from + N);
    json_word(words, BF_SLICE(",\"min\":"), from + MIN);
    json_word(words, BF_SLICE(",\"max\":"), from + MAX);
    json_word(words, BF_SLICE(",\"target\":"), from + TARGET);
    json_text(words, BF_SLICE(",\"band\":"), kpi->band);
    json_word(words, BF_SLICE(",\"quality\":"), from + QUALITY);
    put_raw(words, kpi->phase == BF_KPI_FINAL ? BF_SLICE(",\"final\":true") : BF_SLICE(",\"final\":false"));
    json_word(words, BF_SLICE(",\"revision\":"), from + REVISION);
    json_word(words, BF_SLICE(",\"stale_after_ms\":"), from + STALE_AFTER);
    json_word(words, BF_SLICE(",\"detail\":"), from + DETAIL); /* JSON already */
    bf__words_put(words, (struct bf_slice){words->text + begin, words->used - begin});
}

struct bf_slice bf__words_end_message(struct bf__words *words, int64_t seq)
{
    char digits[BF_NUMBER_MAX];
    size_t before = words->used, len = bf_number_format_int(seq, digits);
    put_raw(words, BF_SLICE(",\"seq\":"));
    put_raw(words, (struct bf_slice){digits, len});
    put_raw(words, BF_SLICE("}"));
    if (words->full) {
        return (struct bf_slice){0};
    }
    words->at[words->count - 1].len += words->used - before;
    return (struct bf_slice){words->text + words->used - 1 - len, len};
}

struct bf_slice bf__words_shape(struct bf__words *words, const struct bf__shape *shape)
{
    const uint32_t bits[] = {shape->fields, shape->changed, shape->gone, shape->created};
    size_t begin = words->used;
    put_raw(words, (struct bf_slice){&shape->kind, 1});
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        char digits[BF_NUMBER_MAX];
        put_raw(words, (struct bf_slice){digits, bf_number_format_int(bits[i], digits)});
        put_raw(words, BF_SLICE(" "));
    }
    put_raw(words, shape->boards);
    return (struct bf_slice){words->text + begin, words->used - begin};
}

static void put_optional(struct bf__words *words, bool known, double value)
{
    put_number(words, known ? value : NAN);
}

void bf__words_put_kpi(struct bf__words *words, const struct bf_kpi *kpi, const struct bf__kpi_names *names,
                       int64_t offset)
{
    bf__words_put_int(words, offset);
    size_t begin = words->used;
    put_raw(words, names->escaped);
    put_raw(words, BF_SLICE(":"));
    put_raw(words, kpi->scope);
    bf__words_put(words, (struct bf_slice){words->text + begin, words->used - begin});
    bf__words_put(words, names->boards);
    size_t from = words->count;
    put_optional(words, kpi->has_value, kpi->value);
    bf__words_put(words, kpi->unit);
    bf__words_put_int(words, kpi->start_us / BF_US_PER_MS);
    bf__words_put_int(words, kpi->end_us / BF_US_PER_MS);
    bf__words_put_int(words, (int64_t)kpi->n);
    put_optional(words, kpi->has_range, kpi->min);
    put_optional(words, kpi->has_range, kpi->max);
    put_optional(words, kpi->has_target, kpi->target);
    bf__words_put(words, kpi->band);
    bf__words_put_int(words, kpi->quality);
    bf__words_put_int(words, kpi->phase == BF_KPI_FINAL);
    bf__words_put_int(words, kpi->revision);
    bf__words_put_int(words, kpi->stale_after_us / BF_US_PER_MS);
    bf__words_put(words, kpi->detail);
    put_message(words, kpi, names->id, from);
}

void bf__words_put_device(struct bf__words *words, const struct bf_device *device)
{
    char *id = room(words, BF_SCOPE_MAX);
    size_t len = id ? bf_scope_escape(device->device, id, BF_SCOPE_MAX) : 0;
    words->full |= len == 0;
    words->used += len;
    bf__words_put(words, (struct bf_slice){id, len});
    bf__words_put(words, device->device);
    bf__words_put(words, device->profile);
    bf__words_put(words, device->zone);
    bf__words_put_int(words, device->last_ingest_us / BF_US_PER_MS);
    bf__words_put_int(words, device->last_event_us / BF_US_PER_MS);
    bf__words_put_int(words, (int64_t)device->readings);
    bf__words_put_int(words, (int64_t)device->suspect);
    bf__words_put_int(words, (int64_t)device->failed);
    put_optional(words, device->has_place, (double)device->lat_e7 / 1e7);
    put_optional(words, device->has_place, (double)device->lon_e7 / 1e7);
    bf__words_put_int(words, device->clock_us / BF_US_PER_MS);
}
