/* device.c: one record per device; never removed, so indices are the order in which they came. */
#include "processors/device.h"

#include <stdlib.h>

#include "core/hash.h"

#define HANDLES 4 /* a power of two */

struct text {
    uint32_t first, len;
};

struct item { /* what every reading touches stands first */
    uint64_t hash;
    struct text device;
    uint32_t chain, dirty_next;
    int64_t event_us, ingest_us;
    uint64_t readings;
    int32_t lat_e7, lon_e7;
    uint32_t handles[HANDLES]; /* of its series, by slot */
    uint64_t suspect, failed;
    int64_t sent_us; /* log time of its last record, BF_TIME_NONE: none */
    struct text profile, zone;
    bool has_place, dirty;
};

void bf_devices_init(struct bf_devices *devices)
{
    memset(devices, 0, sizeof(*devices));
    bf_pool_init(&devices->items, sizeof(struct item));
    bf_pool_init(&devices->texts, sizeof(struct bf_text_block));
}

void bf_devices_deinit(struct bf_devices *devices)
{
    free(devices->heads);
    bf_pool_deinit(&devices->items);
    bf_pool_deinit(&devices->texts);
    bf_devices_init(devices);
}

static void chain(struct bf_devices *devices, uint32_t index)
{
    struct item *item = bf_pool_at(&devices->items, index);
    uint32_t *head = &devices->heads[item->hash & devices->mask];
    item->chain = *head;
    *head = index;
}

enum bf_status bf_devices_limit(struct bf_devices *devices, uint64_t limit, struct bf_err *err)
{
    size_t size = 64;
    while (size < limit && size < (size_t)1 << 30) {
        size *= 2;
    }
    enum bf_status status = bf_pool_limit(&devices->items, limit, err);
    if (status == BF_OK) {
        status = bf_pool_limit(&devices->texts, 4 * limit, err);
    }
    if (status != BF_OK || (devices->heads != NULL && size <= devices->mask + 1)) {
        return status;
    }
    uint32_t *heads = calloc(size, sizeof(*heads));
    if (heads == NULL) {
        return bf_err_set(err, BF_PEER, "out of memory for %zu devices", size);
    }
    free(devices->heads);
    devices->heads = heads;
    devices->mask = size - 1;
    for (uint32_t i = 1; i <= devices->items.used; i++) {
        chain(devices, i);
    }
    return BF_OK;
}

static bool set_text(struct bf_devices *devices, struct text *text, struct bf_slice value)
{
    if (text->first != 0 && bf_text_equal(&devices->texts, text->first, text->len, value)) {
        return true;
    }
    uint32_t first = bf_text_put(&devices->texts, value);
    if (first == 0) {
        return false;
    }
    bf_text_free(&devices->texts, text->first);
    *text = (struct text){.first = first, .len = (uint32_t)value.len};
    return true;
}

/* The device's record, made where it is missing; NULL at the limit. */
static struct item *item_of(struct bf_devices *devices, struct bf_slice name, uint32_t *index)
{
    uint64_t hash = bf_hash64(name);
    *index = devices->heads == NULL ? 0 : devices->heads[hash & devices->mask];
    while (*index != 0) {
        struct item *item = bf_pool_at(&devices->items, *index);
        if (item->hash == hash &&
            bf_text_equal(&devices->texts, item->device.first, item->device.len, name)) {
            return item;
        }
        *index = item->chain;
    }
    struct text text = {.first = 0, .len = 0};
    if (devices->items.live >= devices->items.limit || !set_text(devices, &text, name)) {
        return NULL;
    }
    *index = bf_pool_take(&devices->items);
    struct item *item = bf_pool_at(&devices->items, *index);
    item->hash = hash;
    item->device = text;
    item->sent_us = BF_TIME_NONE;
    chain(devices, *index);
    return item;
}

static void mark(struct bf_devices *devices, struct item *item, uint32_t index)
{
    if (item->dirty) {
        return;
    }
    item->dirty = true;
    item->dirty_next = 0;
    if (devices->dirty_last != 0) {
        ((struct item *)bf_pool_at(&devices->items, devices->dirty_last))->dirty_next = index;
    } else {
        devices->dirty_first = index;
    }
    devices->dirty_last = index;
}

void bf_devices_expect(const struct bf_devices *devices, struct bf_slice name)
{
    uint32_t index = devices->heads == NULL ? 0 : devices->heads[bf_hash64(name) & devices->mask];
    if (index != 0) {
        const char *item = bf_pool_at(&devices->items, index);
        __builtin_prefetch(item);
        __builtin_prefetch(item + 64);
    }
}

uint32_t *bf_devices_handle(const struct bf_devices *devices, uint32_t device, uint32_t slot)
{
    struct item *item = bf_pool_at(&devices->items, device);
    return &item->handles[slot % HANDLES];
}

uint32_t bf_devices_note(struct bf_devices *devices, const struct bf_reading *reading)
{
    uint32_t index;
    struct item *item = item_of(devices, bf_reading_device(reading->source), &index);
    if (item == NULL) {
        devices->refused++;
        return 0;
    }
    if (item->readings == 0 || reading->event_us >= item->event_us) {
        item->event_us = reading->event_us;
        if (!set_text(devices, &item->profile, reading->profile) ||
            !set_text(devices, &item->zone, reading->zone)) {
            devices->refused++; /* the older text stays */
        }
        if (reading->has_place) {
            item->has_place = true;
            item->lat_e7 = reading->lat_e7;
            item->lon_e7 = reading->lon_e7;
        }
    }
    item->ingest_us = reading->ingest_us > item->ingest_us ? reading->ingest_us : item->ingest_us;
    item->readings++;
    item->suspect += reading->quality == BF_QUALITY_SUSPECT ? 1 : 0;
    item->failed +=
        reading->quality == BF_QUALITY_FAIL || reading->quality == BF_QUALITY_MISSING ? 1 : 0;
    mark(devices, item, index);
    return index;
}

static void send(const struct bf_devices *devices, const struct item *item, int64_t now_us,
                 struct bf_outlet *outlet)
{
    char text[3][BF_MAX_TEXT];
    const struct bf_device device = {
        .device = bf_text_copy(&devices->texts, item->device.first, item->device.len, text[0]),
        .profile = bf_text_copy(&devices->texts, item->profile.first, item->profile.len, text[1]),
        .zone = bf_text_copy(&devices->texts, item->zone.first, item->zone.len, text[2]),
        .last_event_us = item->event_us,
        .last_ingest_us = item->ingest_us,
        .readings = item->readings,
        .suspect = item->suspect,
        .failed = item->failed,
        .has_place = item->has_place,
        .lat_e7 = item->lat_e7,
        .lon_e7 = item->lon_e7,
        .clock_us = now_us,
    };
    bf__output_device(outlet, &device);
}

void bf_devices_flush(struct bf_devices *devices, int64_t now_us, int64_t every_us,
                      struct bf_outlet *outlet)
{
    uint32_t at = devices->dirty_first;
    devices->dirty_first = devices->dirty_last = 0;
    while (at != 0) {
        struct item *item = bf_pool_at(&devices->items, at);
        uint32_t next = item->dirty_next;
        item->dirty = false;
        if (item->sent_us == BF_TIME_NONE || now_us - item->sent_us >= every_us) {
            item->sent_us = now_us;
            send(devices, item, now_us, outlet);
        } else {
            mark(devices, item, at); /* not yet: keeps its place in the order */
        }
        at = next;
    }
}

static void save_text(const struct bf_devices *devices, struct text text, struct bf_mp_writer *out)
{
    char bytes[BF_MAX_TEXT];
    bf_mp_put_str(out, bf_text_copy(&devices->texts, text.first, text.len, bytes));
}

void bf_devices_save(const struct bf_devices *devices, struct bf_mp_writer *out)
{
    bf_mp_put_uint(out, devices->refused);
    bf_mp_put_uint(out, devices->texts.live);
    bf_mp_put_uint(out, devices->items.used);
    for (uint32_t i = 1; i <= devices->items.used; i++) {
        const struct item *item = bf_pool_at(&devices->items, i);
        save_text(devices, item->device, out);
        save_text(devices, item->profile, out);
        save_text(devices, item->zone, out);
        bf_mp_put_int(out, item->event_us);
        bf_mp_put_int(out, item->ingest_us);
        bf_mp_put_int(out, item->sent_us);
        bf_mp_put_uint(out, item->readings);
        bf_mp_put_uint(out, item->suspect);
        bf_mp_put_uint(out, item->failed);
        bf_mp_put_bool(out, item->has_place);
        bf_mp_put_int(out, item->lat_e7);
        bf_mp_put_int(out, item->lon_e7);
    }
    for (uint32_t at = devices->dirty_first; at != 0;) {
        bf_mp_put_uint(out, at);
        at = ((const struct item *)bf_pool_at(&devices->items, at))->dirty_next;
    }
    bf_mp_put_uint(out, 0);
}

static bool load_item(struct bf_devices *devices, struct bf_mp_reader *in)
{
    struct bf_slice device = bf_mp_get_str(in), profile = bf_mp_get_str(in),
                    zone = bf_mp_get_str(in);
    uint32_t index;
    if (!bf_mp_ok(in) || device.len > BF_MAX_TEXT || profile.len > BF_MAX_TEXT ||
        zone.len > BF_MAX_TEXT) {
        return false;
    }
    struct item *item = item_of(devices, device, &index);
    if (item == NULL || !set_text(devices, &item->profile, profile) ||
        !set_text(devices, &item->zone, zone)) {
        return false;
    }
    item->event_us = bf_mp_get_int(in);
    item->ingest_us = bf_mp_get_int(in);
    item->sent_us = bf_mp_get_int(in);
    item->readings = bf_mp_get_uint(in);
    item->suspect = bf_mp_get_uint(in);
    item->failed = bf_mp_get_uint(in);
    item->has_place = bf_mp_get_bool(in);
    item->lat_e7 = (int32_t)bf_mp_get_int(in);
    item->lon_e7 = (int32_t)bf_mp_get_int(in);
    return bf_mp_ok(in);
}

enum bf_status bf_devices_load(struct bf_devices *devices, struct bf_mp_reader *in,
                               struct bf_err *err)
{
    devices->refused = bf_mp_get_uint(in);
    uint64_t texts = bf_mp_get_uint(in), count = bf_mp_get_uint(in);
    if (!bf_mp_ok(in) || count > (size_t)(in->end - in->at) || texts > (size_t)(in->end - in->at)) {
        return BF_MALFORMED;
    }
    enum bf_status status = bf_devices_limit(devices, count, err);
    if (status == BF_OK) {
        status = bf_pool_limit(&devices->texts, texts, err);
    }
    for (uint64_t i = 0; status == BF_OK && i < count; i++) {
        status = load_item(devices, in) ? BF_OK : BF_MALFORMED;
    }
    while (status == BF_OK && bf_mp_ok(in)) {
        uint64_t at = bf_mp_get_uint(in);
        if (at == 0) {
            break;
        }
        if (at > devices->items.used) {
            return BF_MALFORMED;
        }
        mark(devices, bf_pool_at(&devices->items, (uint32_t)at), (uint32_t)at);
    }
    return status == BF_OK && !bf_mp_ok(in) ? BF_MALFORMED : status;
}
