/* wire_reading_quick.c: the reading as bf_reading_pack writes it: every key in its place, numbers in their
 * shortest form. It comes millions of times an hour, and walking tables for it costs six times as much.
 * Whatever else the bytes are, wrong or only different, is left to the tables, which also say what is wrong:
 * so this file may refuse too much, which costs time, and must take nothing that they would not take as the
 * same reading (tests/unit/core/test_wire_reading_quick.c).
 * Declined: the same for other records (they are rare beside readings). */
#include <endian.h>
#include <math.h>

#include "core/wire_schema.h"

struct quick {
    const unsigned char *at, *end;
    uint32_t keys; /* of the map, so far */
    bool other;    /* not what was expected; what is read from now on means nothing */
};

static inline bool there(struct quick *quick, size_t size)
{
    quick->other = quick->other || (size_t)(quick->end - quick->at) < size;
    return !quick->other;
}

/* A big-endian number of `width` bytes behind a tag: 1, 2, 4 or 8, a constant. */
static inline uint64_t big(struct quick *quick, size_t width)
{
    uint64_t number = 0;
    if (there(quick, 1 + width)) {
        memcpy(&number, quick->at + 1, width);
        number = be64toh(number) >> (64 - 8 * width);
        quick->at += 1 + width;
    }
    return number;
}

static inline uint64_t natural(struct quick *quick)
{
    if (!there(quick, 1)) {
        return 0;
    }
    switch (*quick->at) {
    case 0xcc:
        return big(quick, 1);
    case 0xcd:
        return big(quick, 2);
    case 0xce:
        return big(quick, 4);
    case 0xcf:
        return big(quick, 8);
    default:
        quick->other = *quick->at >= 0x80;
        return *quick->at++;
    }
}

static inline int64_t between(struct quick *quick, int64_t min, int64_t max)
{
    bool negative = there(quick, 1) && *quick->at == 0xd2; /* of four bytes: south and west */
    uint64_t bits = negative ? big(quick, 4) : natural(quick);
    int64_t number = negative ? (int32_t)(uint32_t)bits : (int64_t)bits;
    quick->other = quick->other || (!negative && bits > INT64_MAX) || number < min || number > max;
    return number;
}

static inline bool truth(struct quick *quick)
{
    bool is = there(quick, 1) && *quick->at == 0xc3;
    quick->other = quick->other || (!is && *quick->at != 0xc2);
    quick->at += quick->other ? 0 : 1;
    return is;
}

static inline double real(struct quick *quick)
{
    double number = 0;
    quick->other = !there(quick, 1) || *quick->at != 0xcb;
    uint64_t bits = big(quick, 8);
    memcpy(&number, &bits, sizeof(number));
    quick->other = quick->other || !isfinite(number);
    return number;
}

static inline struct bf_slice text(struct quick *quick, size_t least)
{
    struct bf_slice text = {.data = NULL, .len = 0};
    if (!there(quick, 2)) { /* more follows every text */
        return text;
    }
    size_t head = *quick->at == 0xd9 ? 2 : 1;
    text.len = head == 2 ? quick->at[1] : *quick->at - (size_t)0xa0;
    quick->other = (head == 1 && text.len >= 32) || text.len < least || !there(quick, head + text.len);
    text.data = (const char *)quick->at + head;
    quick->at += quick->other ? 0 : head + text.len;
    return text;
}

static inline struct bf_value value(struct quick *quick)
{
    struct bf_value value = {.kind = BF_VALUE_DOUBLE};
    unsigned char tag = there(quick, 1) ? *quick->at : 0;
    if (tag == 0xcb) {
        value.as.number = real(quick);
    } else if (tag == 0xc2 || tag == 0xc3) {
        value.kind = BF_VALUE_BOOL;
        value.as.truth = truth(quick);
    } else if (tag == 0xd9 || (tag >= 0xa0 && tag < 0xc0)) {
        value.kind = BF_VALUE_TEXT;
        value.as.text = text(quick, 0);
    } else {
        value.kind = BF_VALUE_INT;
        value.as.integer = between(quick, INT64_MIN, INT64_MAX);
    }
    return value;
}

/* Whether this key comes next. */
static inline bool key(struct quick *quick, unsigned char wanted)
{
    bool is = there(quick, 1) && *quick->at == wanted;
    quick->at += is ? 1 : 0;
    quick->keys += is ? 1 : 0;
    return is;
}

static inline void must(struct quick *quick, unsigned char wanted)
{
    bool is = key(quick, wanted);
    quick->other = quick->other || !is;
}

static inline void byte(struct quick *quick, unsigned char wanted)
{
    quick->other = !there(quick, 1) || *quick->at != wanted;
    quick->at += quick->other ? 0 : 1;
}

static void tags(struct quick *quick, struct bf_reading *reading)
{
    uint32_t count = there(quick, 1) ? *quick->at ^ 0x80u : 0;
    quick->other = quick->other || count >= 16;
    quick->at += quick->other ? 0 : 1;
    for (uint32_t i = 0; i < count && !quick->other; i++) {
        struct bf_tag *tag = &reading->tags[i];
        tag->name = text(quick, 1);
        tag->value = text(quick, 0);
        quick->other = quick->other || (i > 0 && bf_slice_compare(tag[-1].name, tag->name) >= 0);
    }
    reading->tag_count = count;
}

static void delivery(struct quick *quick, struct bf_delivery *delivery)
{
    byte(quick, 0x98); /* an array of its eight members */
    delivery->ingest = text(quick, 1);
    delivery->incarnation = between(quick, 0, INT64_C(1) << 62);
    delivery->epoch = between(quick, 0, INT64_C(1) << 62);
    delivery->serial = between(quick, -(INT64_C(1) << 62), INT64_C(1) << 62);
    delivery->packet_id = (uint16_t)between(quick, 0, UINT16_MAX);
    delivery->dup = truth(quick);
    delivery->payload_hash = natural(quick);
    delivery->index = (uint32_t)between(quick, 0, UINT32_MAX);
}

/* Keys 8 to 20: each may be absent. */
static void optional(struct quick *quick, struct bf_reading *reading)
{
    if (key(quick, 8)) {
        reading->reasons = (uint32_t)between(quick, 0, UINT32_MAX);
    }
    if (key(quick, 9)) {
        reading->has_place = true;
        reading->lat_e7 = (int32_t)between(quick, -900000000, 900000000);
        must(quick, 10);
        reading->lon_e7 = (int32_t)between(quick, -1800000000, 1800000000);
    }
    if (key(quick, 11)) {
        reading->has_accuracy = true;
        reading->accuracy_m = real(quick);
    }
    if (key(quick, 13)) {
        reading->zone = text(quick, 1);
    }
    if (key(quick, 14)) {
        reading->has_interval = true;
        reading->interval_start_us = between(quick, 0, BF_TIME_MAX - 1);
    }
    if (key(quick, 15)) {
        reading->aggregation =
            (enum bf_aggregation)between(quick, BF_AGGREGATION_NONE, BF_AGGREGATION_COUNTER);
    }
    if (key(quick, 16)) {
        reading->has_raw = true;
        byte(quick, 0x92);
        reading->raw_value = value(quick);
        reading->raw_unit = text(quick, 0);
    }
    if (key(quick, 17)) {
        reading->profile = text(quick, 1);
    }
    if (key(quick, 18)) {
        reading->has_content_hash = true;
        reading->content_hash = natural(quick);
    }
    if (key(quick, 19)) {
        reading->privacy = (enum bf_privacy)between(quick, BF_PRIVACY_PUBLIC, BF_PRIVACY_RESTRICTED);
    }
    if (key(quick, 20)) {
        tags(quick, reading);
    }
}

bool bf__reading_quick(struct bf_slice bytes, struct bf_reading *reading)
{
    const unsigned char *at = (const unsigned char *)bytes.data;
    if (bytes.len < 4) {
        return false;
    }
    bool wide = at[0] == 0xde; /* 16 keys and more */
    uint32_t keys = wide ? (uint32_t)at[1] << 8 | at[2] : at[0] & 0x0fu;
    struct quick quick = {.at = at + (wide ? 3 : 1), .end = at + bytes.len};
    memset(reading, 0, offsetof(struct bf_reading, tags));
    reading->tag_count = 0;
    must(&quick, 0);
    reading->source = text(&quick, 1);
    must(&quick, 1);
    reading->quantity = text(&quick, 1);
    must(&quick, 2);
    reading->event_us = between(&quick, 0, BF_TIME_MAX - 1);
    must(&quick, 3);
    reading->ingest_us = between(&quick, 0, BF_TIME_MAX - 1);
    must(&quick, 4);
    reading->time_source = (enum bf_time_source)between(&quick, BF_TIME_DEVICE, BF_TIME_INGEST);
    must(&quick, 5);
    reading->value = value(&quick);
    must(&quick, 6);
    reading->unit = text(&quick, 1);
    must(&quick, 7);
    reading->quality = (enum bf_quality)between(&quick, BF_QUALITY_GOOD, BF_QUALITY_MISSING);
    optional(&quick, reading);
    must(&quick, 21);
    delivery(&quick, &reading->delivery);
    bool known = reading->quality <= BF_QUALITY_FAIL || reading->quality == BF_QUALITY_MISSING;
    bool map = wide || (at[0] & 0xf0) == 0x80;
    return !quick.other && map && known && quick.keys == keys && quick.at == quick.end;
}
