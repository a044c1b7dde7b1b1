/* source.c: tracks as linked records in a pool, found by slot and source. Declined: the last value in the
 * device's record (one source may be followed by any number of KPIs, each with its own `where`). */
#include "processors/source.h"

#include <stdlib.h>

#include "core/hash.h"

void bf_tracks_init(struct bf_tracks *tracks)
{
    memset(tracks, 0, sizeof(*tracks));
    bf_pool_init(&tracks->tracks, sizeof(struct bf_track));
    bf_pool_init(&tracks->texts, sizeof(struct bf_text_block));
}

void bf_tracks_deinit(struct bf_tracks *tracks)
{
    free(tracks->heads);
    bf_pool_deinit(&tracks->tracks);
    bf_pool_deinit(&tracks->texts);
    bf_tracks_init(tracks);
}

static uint32_t index_of(const struct bf_tracks *tracks, const struct bf_track *track)
{
    return (uint32_t)(track - (const struct bf_track *)(const void *)tracks->tracks.items) + 1;
}

static void chain(struct bf_tracks *tracks, struct bf_track *track)
{
    uint32_t *head = &tracks->heads[track->hash & tracks->mask];
    track->chain = *head;
    *head = index_of(tracks, track);
}

enum bf_status bf_tracks_limit(struct bf_tracks *tracks, const struct bf_windows *windows,
                               uint64_t max_sources, struct bf_err *err)
{
    size_t size = 64;
    while (size < max_sources && size < (size_t)1 << 30) {
        size *= 2;
    }
    enum bf_status status = bf_pool_limit(&tracks->tracks, max_sources, err);
    if (status == BF_OK) {
        status = bf_pool_limit(&tracks->texts, 2 * max_sources, err);
    }
    if (status != BF_OK || (tracks->heads != NULL && size <= tracks->mask + 1)) {
        return status;
    }
    uint32_t *heads = calloc(size, sizeof(*heads));
    if (heads == NULL) {
        return bf_err_set(err, BF_PEER, "out of memory for %zu sources", size);
    }
    free(tracks->heads);
    tracks->heads = heads;
    tracks->mask = size - 1;
    for (size_t i = 0; i < windows->slot_count; i++) {
        for (uint32_t at = windows->slots[i].first_track; at != 0; at = bf_track_at(tracks, at)->next) {
            chain(tracks, bf_track_at(tracks, at));
        }
    }
    return BF_OK;
}

static struct bf_slot *slot_of(const struct bf_windows *windows, const struct bf_track *track)
{
    return &windows->slots[bf_series_at(windows, track->series)->slot];
}

static uint64_t hash_of(const struct bf_slot *slot, uint32_t part, struct bf_slice source)
{
    return bf_hash64_mix(slot->seed + part, bf_hash64(source));
}

struct bf_track *bf_tracks_find(const struct bf_tracks *tracks, const struct bf_windows *windows,
                                uint32_t slot, uint32_t part, struct bf_slice source)
{
    uint64_t hash = hash_of(&windows->slots[slot], part, source);
    uint32_t at = tracks->heads == NULL ? 0 : tracks->heads[hash & tracks->mask];
    while (at != 0) {
        struct bf_track *track = bf_track_at(tracks, at);
        if (track->hash == hash && track->part == part && slot_of(windows, track) == &windows->slots[slot] &&
            bf_text_equal(&tracks->texts, track->text, track->text_len, source)) {
            return track;
        }
        at = track->chain;
    }
    return NULL;
}

const struct bf_kpi_definition *bf_track_definition(const struct bf_slot *slot, const struct bf_track *track)
{
    const struct bf_formula *formula = slot->definition->formula;
    return formula == NULL ? slot->definition : formula->inputs[track->part];
}

static enum bf_aggregate_input input_of(const struct bf_slot *slot, uint32_t part)
{
    const struct bf_formula *formula = slot->definition->formula;
    return formula == NULL ? slot->aggregate->kind.input
                           : bf_aggregate_find(formula->inputs[part]->aggregate)->kind.input;
}

/* Whether sources are followed for that part of the slot. */
static bool follows(const struct bf_slot *slot, uint64_t part)
{
    const struct bf_formula *formula = slot->definition->formula;
    if (part >= (formula == NULL ? 1 : formula->input_count)) {
        return false;
    }
    enum bf_aggregate_input input = input_of(slot, (uint32_t)part);
    return input == BF_INPUT_CHANGE || input == BF_INPUT_HELD;
}

bool bf_tracks_room(const struct bf_tracks *tracks, struct bf_slice source)
{
    size_t blocks = source.len == 0 ? 1 : (source.len + BF_TEXT_BLOCK - 1) / BF_TEXT_BLOCK;
    return tracks->tracks.live < tracks->tracks.limit && tracks->texts.live + blocks <= tracks->texts.limit;
}

struct bf_track *bf_tracks_add(struct bf_tracks *tracks, struct bf_windows *windows, struct bf_series *series,
                               uint32_t part, struct bf_slice source)
{
    struct bf_slot *slot = &windows->slots[series->slot];
    uint32_t text = bf_tracks_room(tracks, source) ? bf_text_put(&tracks->texts, source) : 0;
    uint32_t index = text == 0 ? 0 : bf_pool_take(&tracks->tracks);
    if (index == 0) {
        return NULL;
    }
    struct bf_track *track = bf_track_at(tracks, index);
    track->hash = hash_of(slot, part, source);
    track->part = part;
    track->held = input_of(slot, part) == BF_INPUT_HELD;
    track->text = text;
    track->text_len = (uint32_t)source.len;
    track->series = bf_series_index(windows, series);
    series->waiting++;
    track->previous = slot->last_track;
    *(slot->last_track != 0 ? &bf_track_at(tracks, slot->last_track)->next : &slot->first_track) = index;
    slot->last_track = index;
    chain(tracks, track);
    return track;
}

void bf_track_move(struct bf_windows *windows, struct bf_track *track, struct bf_series *series)
{
    struct bf_series *before = bf_series_at(windows, track->series);
    if (before != series) {
        track->series = bf_series_index(windows, series);
        series->waiting++;
        before->waiting--;
        bf_windows_release_series(windows, before);
    }
}

void bf_tracks_remove(struct bf_tracks *tracks, struct bf_windows *windows, struct bf_track *track)
{
    struct bf_slot *slot = slot_of(windows, track);
    struct bf_series *series = bf_series_at(windows, track->series);
    uint32_t index = index_of(tracks, track), *link = &tracks->heads[track->hash & tracks->mask];
    while (*link != index) {
        link = &bf_track_at(tracks, *link)->chain;
    }
    *link = track->chain;
    *(track->previous != 0 ? &bf_track_at(tracks, track->previous)->next : &slot->first_track) = track->next;
    *(track->next != 0 ? &bf_track_at(tracks, track->next)->previous : &slot->last_track) = track->previous;
    bf_text_free(&tracks->texts, track->text);
    bf_pool_give(&tracks->tracks, index);
    series->waiting--;
    bf_windows_release_series(windows, series);
}

uint64_t bf_tracks_bytes(const struct bf_tracks *tracks)
{
    return (uint64_t)tracks->tracks.live * tracks->tracks.size +
           (uint64_t)tracks->texts.live * tracks->texts.size;
}

void bf_tracks_save(const struct bf_tracks *tracks, const struct bf_windows *windows,
                    struct bf_mp_writer *out)
{
    char text[BF_SCOPE_MAX > BF_MAX_TEXT ? BF_SCOPE_MAX : BF_MAX_TEXT];
    bf_mp_put_uint(out, tracks->tracks.live);
    bf_mp_put_uint(out, tracks->texts.live);
    for (uint32_t slot = 0; slot < windows->slot_count; slot++) {
        for (uint32_t at = windows->slots[slot].first_track; at != 0;) {
            const struct bf_track *track = bf_track_at(tracks, at);
            bf_mp_put_uint(out, slot);
            bf_mp_put_uint(out, track->part);
            bf_mp_put_str(out, bf_text_copy(&tracks->texts, track->text, track->text_len, text));
            bf_mp_put_str(out, bf_series_scope(windows, bf_series_at(windows, track->series), text));
            bf_mp_put_int(out, track->at_us);
            bf_mp_put_int(out, track->upto_us);
            bf_mp_put_double(out, track->value);
            bf_mp_put_bool(out, track->holds);
            at = track->next;
        }
    }
}

static enum bf_status load_track(struct bf_tracks *tracks, struct bf_windows *windows,
                                 struct bf_mp_reader *in)
{
    uint64_t slot = bf_mp_get_uint(in), part = bf_mp_get_uint(in);
    struct bf_slice source = bf_mp_get_str(in), scope = bf_mp_get_str(in);
    if (!bf_mp_ok(in) || slot >= windows->slot_count || source.len > BF_MAX_TEXT ||
        scope.len > BF_SCOPE_MAX || !follows(&windows->slots[slot], part)) {
        return BF_MALFORMED;
    }
    struct bf_series *series = bf_windows_series(windows, (uint32_t)slot, scope);
    if (series == NULL || bf_tracks_find(tracks, windows, (uint32_t)slot, (uint32_t)part, source) != NULL) {
        return BF_MALFORMED;
    }
    struct bf_track *track = bf_tracks_add(tracks, windows, series, (uint32_t)part, source);
    if (track == NULL) {
        return BF_LIMIT;
    }
    track->at_us = bf_mp_get_int(in);
    track->upto_us = bf_mp_get_int(in);
    track->value = bf_mp_get_double(in);
    track->holds = bf_mp_get_bool(in);
    return bf_mp_ok(in) && track->upto_us >= track->at_us ? BF_OK : BF_MALFORMED;
}

enum bf_status bf_tracks_load(struct bf_tracks *tracks, struct bf_windows *windows, struct bf_mp_reader *in,
                              struct bf_err *err)
{
    uint64_t count = bf_mp_get_uint(in), texts = bf_mp_get_uint(in);
    size_t left = bf_mp_ok(in) ? (size_t)(in->end - in->at) : 0;
    if (!bf_mp_ok(in) || count > left || texts > left) {
        return BF_MALFORMED; /* each takes more than a byte */
    }
    enum bf_status status = bf_tracks_limit(tracks, windows, count, err);
    if (status == BF_OK) {
        status = bf_pool_limit(&tracks->texts, texts, err);
    }
    for (uint64_t i = 0; status == BF_OK && i < count; i++) {
        status = load_track(tracks, windows, in);
    }
    return status;
}
