/* detail.c: see detail.h. Declined: cJSON, which allocates. */
#include "processors/aggregate/detail.h"

#include <assert.h>
#include <stdio.h>

#include "core/number.h"

struct bf_detail bf_detail_begin(char json[BF_KPI_DETAIL_MAX], size_t ends)
{
    return (struct bf_detail){.json = json, .len = 0, .room = BF_KPI_DETAIL_MAX - ends, .full = false};
}

static void put(struct bf_detail *detail, const char *bytes, size_t len)
{
    if (detail->full || len > detail->room - detail->len) {
        detail->full = true;
        return;
    }
    memcpy(detail->json + detail->len, bytes, len);
    detail->len += len;
}

void bf_detail_put(struct bf_detail *detail, const char *literal)
{
    put(detail, literal, strlen(literal));
}

void bf_detail_put_uint(struct bf_detail *detail, uint64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put(detail, text, (size_t)len);
}

void bf_detail_put_double(struct bf_detail *detail, double value)
{
    char text[BF_NUMBER_MAX];
    put(detail, text, bf_number_format(value, text));
}

/* The length of the UTF-8 character at the beginning; 0: there is none (RFC 3629, section 4). */
static size_t character(struct bf_slice text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t len = at[0] < 0x80                     ? 1
                 : at[0] >= 0xc2 && at[0] <= 0xdf ? 2
                 : (at[0] & 0xf0) == 0xe0         ? 3
                 : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
                                                  : 0;
    if (len == 0 || len > text.len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool beyond = (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf4 && at[1] > 0x8f);
    return overlong || beyond ? 0 : len;
}

void bf_detail_put_text(struct bf_detail *detail, struct bf_slice text)
{
    put(detail, "\"", 1);
    for (size_t at = 0; at < text.len;) {
        size_t len = character((struct bf_slice){text.data + at, text.len - at});
        unsigned char first = (unsigned char)text.data[at];
        char escape[8];
        if (len == 0) {
            bf_detail_put(detail, "\xef\xbf\xbd");
        } else if (first == '"' || first == '\\') {
            put(detail, escape, (size_t)snprintf(escape, sizeof escape, "\\%c", first));
        } else if (first < 0x20 || first == 0x7f) {
            put(detail, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", first));
        } else {
            put(detail, text.data + at, len);
        }
        at += len == 0 ? 1 : len;
    }
    put(detail, "\"", 1);
}

bool bf_detail_cut(struct bf_detail *detail, size_t mark)
{
    bool fits = !detail->full;
    if (!fits) {
        detail->len = mark;
        detail->full = false;
    }
    return fits;
}

size_t bf_detail_end(struct bf_detail *detail, const char *literal)
{
    detail->room = BF_KPI_DETAIL_MAX;
    bf_detail_put(detail, literal);
    assert(!detail->full);
    return detail->len;
}
