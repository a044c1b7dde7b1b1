/* window.c: slots, series and windows as linked records in pools. Declined: one hash table keyed (KPI,
 * scope, start): closing would have to find the known scopes without data by a second table, and dropping
 * would scan everything. */
#include "processors/window.h"

#include <stdlib.h>

#include "core/hash.h"

void bf_windows_init(struct bf_windows *windows)
{
    memset(windows, 0, sizeof(*windows));
    bf_pool_init(&windows->series, sizeof(struct bf_series));
    bf_pool_init(&windows->windows, sizeof(struct bf_window));
    bf_shares_init(&windows->shares);
    bf_pool_init(&windows->texts, sizeof(struct bf_text_block));
}

void bf_windows_deinit(struct bf_windows *windows)
{
    free(windows->slots);
    free(windows->heads);
    bf_pool_deinit(&windows->series);
    bf_pool_deinit(&windows->windows);
    bf_shares_deinit(&windows->shares);
    bf_pool_deinit(&windows->texts);
    bf_windows_init(windows);
}

static void chain(struct bf_windows *windows, struct bf_series *series)
{
    uint32_t *head = &windows->heads[series->hash & windows->mask];
    series->chain = *head;
    *head = bf_series_index(windows, series);
}

static enum bf_status grow_heads(struct bf_windows *windows, uint64_t max_scopes, struct bf_err *err)
{
    size_t size = 64;
    while (size < max_scopes) {
        size *= 2;
    }
    if (windows->heads != NULL && size <= windows->mask + 1) {
        return BF_OK;
    }
    uint32_t *heads = calloc(size, sizeof(*heads));
    if (heads == NULL) {
        return bf_err_set(err, BF_PEER, "out of memory for %zu scopes", size);
    }
    free(windows->heads);
    windows->heads = heads;
    windows->mask = size - 1;
    for (size_t i = 0; i < windows->slot_count; i++) {
        for (uint32_t s = windows->slots[i].first; s != 0; s = bf_series_at(windows, s)->next) {
            chain(windows, bf_series_at(windows, s));
        }
    }
    return BF_OK;
}

enum bf_status bf_windows_limit(struct bf_windows *windows, uint64_t max_windows, uint64_t max_scopes,
                                uint64_t cells, uint64_t max_state, struct bf_err *err)
{
    enum bf_status status = bf_pool_limit(&windows->windows, max_windows, err);
    if (status == BF_OK) {
        status = bf_shares_limit(&windows->shares, max_windows * cells, max_state, err);
    }
    if (status == BF_OK) {
        status = bf_pool_limit(&windows->series, max_scopes, err);
    }
    if (status == BF_OK) {
        status = bf_pool_limit(&windows->texts, 2 * max_scopes, err);
    }
    return status == BF_OK ? grow_heads(windows, max_scopes, err) : status;
}

/* ---- slots */
int64_t bf_windows_find_slot(const struct bf_windows *windows, struct bf_slice id, uint64_t hash)
{
    for (size_t i = 0; i < windows->slot_count; i++) {
        const struct bf_kpi_definition *definition = windows->slots[i].definition;
        if (definition->hash == hash && bf_slice_equal(definition->id, id)) {
            return (int64_t)i;
        }
    }
    return -1;
}

enum bf_status bf_windows_add_slot(struct bf_windows *windows, const struct bf_kpi_plan_item *kpi,
                                   int64_t generation, bool finishes, int64_t now_us, uint32_t *index,
                                   struct bf_err *err)
{
    int64_t found = bf_windows_find_slot(windows, kpi->definition->id, kpi->definition->hash);
    if (found >= 0) {
        struct bf_slot *slot = &windows->slots[found];
        if (generation > slot->generation) { /* title, target and bands may be newer */
            slot->generation = generation;
            slot->definition = kpi->definition;
        }
        *index = (uint32_t)found;
        return BF_OK;
    }
    if (windows->slot_count == windows->slot_capacity) {
        size_t capacity = windows->slot_capacity == 0 ? 32 : 2 * windows->slot_capacity;
        struct bf_slot *slots = realloc(windows->slots, capacity * sizeof(*slots));
        if (slots == NULL) {
            return bf_err_set(err, BF_PEER, "out of memory for %zu KPIs", capacity);
        }
        windows->slots = slots;
        windows->slot_capacity = capacity;
    }
    size_t state_size = bf_cell_state_size(kpi->aggregate, &kpi->definition->options);
    enum bf_status status = bf_shares_open(&windows->shares, bf_shares_class(state_size), err);
    if (status != BF_OK) {
        return status;
    }
    *index = (uint32_t)windows->slot_count++;
    windows->slots[*index] = (struct bf_slot){
        .definition = kpi->definition,
        .aggregate = kpi->aggregate,
        .generation = generation,
        .seed = bf_hash64_mix(bf_hash64(kpi->definition->id), kpi->definition->hash),
        .closed_us = now_us == BF_TIME_NONE ? BF_TIME_NONE : bf_slot_first_open_us(kpi->definition, now_us),
        .oldest_end_us = BF_TIME_NONE,
        .newest_end_us = BF_TIME_NONE,
        .reach_us = bf_shape_reach_us(&kpi->definition->window),
        .share_class = bf_shares_class(state_size),
        .state_size = (uint32_t)state_size,
        .finishes = finishes,
    };
    return BF_OK;
}

void bf_windows_collect(struct bf_windows *windows)
{
    size_t kept = 0;
    for (size_t i = 0; i < windows->slot_count; i++) {
        if (!windows->slots[i].wanted && windows->slots[i].first == 0) {
            continue;
        }
        windows->slots[kept] = windows->slots[i];
        for (uint32_t s = windows->slots[kept].first; s != 0 && kept != i;
             s = bf_series_at(windows, s)->next) {
            bf_series_at(windows, s)->slot = (uint32_t)kept;
        }
        kept++;
    }
    windows->slot_count = kept;
}

/* ---- series */
uint32_t bf_series_index(const struct bf_windows *windows, const struct bf_series *series)
{
    return (uint32_t)(series - (const struct bf_series *)(const void *)windows->series.items) + 1;
}

struct bf_series *bf_series_held(const struct bf_windows *windows, uint32_t handle, uint32_t slot,
                                 uint32_t owner)
{
    struct bf_series *series = handle == 0 ? NULL : bf_series_at(windows, handle);
    return series != NULL && series->owner == owner && series->slot == slot ? series : NULL;
}

uint32_t bf_series_hold(const struct bf_windows *windows, struct bf_series *series, uint32_t owner)
{
    series->owner = owner;
    return bf_series_index(windows, series);
}

static struct bf_series *find_series(const struct bf_windows *windows, uint32_t slot, uint64_t hash,
                                     struct bf_slice scope)
{
    uint32_t index = windows->heads == NULL ? 0 : windows->heads[hash & windows->mask];
    while (index != 0) {
        struct bf_series *series = bf_series_at(windows, index);
        if (series->hash == hash && series->slot == slot &&
            bf_text_equal(&windows->texts, series->text, series->text_len, scope)) {
            return series;
        }
        index = series->chain;
    }
    return NULL;
}

static uint64_t series_hash(const struct bf_windows *windows, uint32_t slot, struct bf_slice scope)
{
    return bf_hash64_mix(windows->slots[slot].seed, bf_hash64(scope));
}

struct bf_series *bf_windows_series(const struct bf_windows *windows, uint32_t slot, struct bf_slice scope)
{
    return find_series(windows, slot, series_hash(windows, slot, scope), scope);
}

struct bf_series *bf_windows_put_series(struct bf_windows *windows, uint32_t slot, struct bf_slice scope)
{
    uint64_t hash = series_hash(windows, slot, scope);
    struct bf_series *series = find_series(windows, slot, hash, scope);
    if (series != NULL || windows->series.live >= windows->series.limit) {
        return series;
    }
    uint32_t text = bf_text_put(&windows->texts, scope);
    uint32_t index = text == 0 ? 0 : bf_pool_take(&windows->series);
    if (index == 0) {
        return NULL;
    }
    struct bf_slot *owner = &windows->slots[slot];
    series = bf_series_at(windows, index);
    series->hash = hash;
    series->slot = slot;
    series->text = text;
    series->text_len = (uint32_t)scope.len;
    series->previous = owner->last;
    if (owner->last != 0) {
        bf_series_at(windows, owner->last)->next = index;
    } else {
        owner->first = index;
    }
    owner->last = index;
    owner->count++;
    chain(windows, series);
    return series;
}

void bf_windows_release_series(struct bf_windows *windows, struct bf_series *series)
{
    if (series->windows > 0 || series->waiting > 0) {
        return;
    }
    struct bf_slot *slot = &windows->slots[series->slot];
    uint32_t index = bf_series_index(windows, series);
    *(series->previous != 0 ? &bf_series_at(windows, series->previous)->next : &slot->first) = series->next;
    *(series->next != 0 ? &bf_series_at(windows, series->next)->previous : &slot->last) = series->previous;
    slot->count--;
    uint32_t *link = &windows->heads[series->hash & windows->mask];
    while (*link != index) {
        link = &bf_series_at(windows, *link)->chain;
    }
    *link = series->chain;
    series->owner = 0; /* handles outlive it */
    bf_text_free(&windows->texts, series->text);
    bf_pool_give(&windows->series, index);
}

struct bf_slice bf_series_scope(const struct bf_windows *windows, const struct bf_series *series,
                                char scope[BF_SCOPE_MAX])
{
    return bf_text_copy(&windows->texts, series->text, series->text_len, scope);
}

struct bf_twin bf_windows_twin(const struct bf_windows *windows, const struct bf_series *series,
                               int64_t start_us)
{
    struct bf_slice id = windows->slots[series->slot].definition->id;
    struct bf_twin twin = {.slot = NULL, .revisions = 0};
    char text[BF_SCOPE_MAX];
    for (uint32_t i = 0; i < windows->slot_count; i++) {
        const struct bf_slot *slot = &windows->slots[i];
        if (i == series->slot || slot->first == 0 || !bf_slice_equal(slot->definition->id, id)) {
            continue;
        }
        const struct bf_series *other = bf_windows_series(windows, i, bf_series_scope(windows, series, text));
        const struct bf_window *window = other == NULL ? NULL : bf_series_window(windows, other, start_us);
        if (window == NULL) {
            continue;
        }
        if (window->flags & BF_WINDOW_PUBLISHED && window->revision >= twin.revisions) {
            twin.revisions = window->revision + 1;
        }
        if (window->parts != 0 && (twin.slot == NULL || slot->generation < twin.slot->generation)) {
            twin.slot = slot;
        }
    }
    return twin;
}

/* ---- windows */
struct bf_window *bf_series_window(const struct bf_windows *windows, const struct bf_series *series,
                                   int64_t start_us)
{
    struct bf_window *window = bf_windows_or_null(windows, series->newest);
    while (window != NULL && window->start_us > start_us) {
        window = bf_windows_or_null(windows, window->older);
    }
    return window != NULL && window->start_us == start_us ? window : NULL;
}

struct bf_window *bf_series_put_window(struct bf_windows *windows, struct bf_series *series,
                                       const struct bf_pane *pane)
{
    int64_t start_us = pane->start_us;
    uint32_t older = series->newest, newer = 0;
    while (older != 0 && bf_windows_at(windows, older)->start_us > start_us) {
        newer = older;
        older = bf_windows_at(windows, older)->older;
    }
    if (older != 0 && bf_windows_at(windows, older)->start_us == start_us) {
        return bf_windows_at(windows, older);
    }
    uint32_t index = bf_pool_take(&windows->windows);
    if (index == 0) {
        return NULL;
    }
    struct bf_window *window = bf_windows_at(windows, index);
    window->start_us = start_us;
    window->end_us = pane->end_us;
    window->series = bf_series_index(windows, series);
    window->older = older;
    window->newer = newer;
    *(newer != 0 ? &bf_windows_at(windows, newer)->older : &series->newest) = index;
    *(older != 0 ? &bf_windows_at(windows, older)->newer : &series->oldest) = index;
    series->windows++;
    struct bf_slot *slot = &windows->slots[series->slot];
    if (slot->oldest_end_us == BF_TIME_NONE || pane->end_us < slot->oldest_end_us) {
        slot->oldest_end_us = pane->end_us;
    }
    return window;
}

/* Where the source's share is linked in, or would be. */
static uint32_t *share_link(struct bf_windows *windows, const struct bf_slot *slot, struct bf_window *window,
                            int32_t source)
{
    uint32_t *link = &window->parts;
    while (*link != 0 && bf_slot_share(windows, slot, *link)->source < source) {
        link = &bf_slot_share(windows, slot, *link)->next;
    }
    return link;
}

static void link_share(struct bf_windows *windows, struct bf_slot *slot, const struct bf_window *window,
                       uint32_t *link, int32_t source, uint32_t share)
{
    struct bf_share *part = bf_slot_share(windows, slot, share);
    part->source = source;
    part->next = *link;
    *link = share;
    if (slot->newest_end_us == BF_TIME_NONE || window->end_us > slot->newest_end_us) {
        slot->newest_end_us = window->end_us;
    }
}

struct bf_cell *bf_window_cell(struct bf_windows *windows, struct bf_window *window, int32_t source)
{
    struct bf_slot *slot = &windows->slots[bf_series_at(windows, window->series)->slot];
    uint32_t *link = share_link(windows, slot, window, source);
    if (*link != 0 && bf_slot_share(windows, slot, *link)->source == source) {
        return &bf_slot_share(windows, slot, *link)->cell;
    }
    uint32_t share = bf_share_take(&windows->shares, slot->share_class);
    if (share == 0) {
        return NULL;
    }
    link_share(windows, slot, window, link, source, share);
    struct bf_cell *cell = &bf_slot_share(windows, slot, share)->cell;
    bf_cell_init(cell, slot->aggregate, &slot->definition->options);
    return cell;
}

struct bf_cell *bf_series_put_cell(struct bf_windows *windows, struct bf_series *series,
                                   const struct bf_pane *pane, int32_t source, struct bf_window **window)
{
    bool room = bf_shares_room(&windows->shares, windows->slots[series->slot].share_class);
    *window = room ? bf_series_put_window(windows, series, pane)
                   : bf_series_window(windows, series, pane->start_us);
    return *window == NULL ? NULL : bf_window_cell(windows, *window, source);
}

void bf_window_put_share(struct bf_windows *windows, struct bf_window *window, int32_t source, uint32_t share)
{
    struct bf_slot *slot = &windows->slots[bf_series_at(windows, window->series)->slot];
    uint32_t *link = share_link(windows, slot, window, source), before = *link;
    if (before != 0 && bf_slot_share(windows, slot, before)->source == source) {
        *link = bf_slot_share(windows, slot, before)->next;
        bf_share_give(&windows->shares, slot->share_class, before);
    }
    link_share(windows, slot, window, link, source, share);
}

const struct bf_cell *bf_window_total(const struct bf_windows *windows, const struct bf_slot *slot,
                                      const struct bf_window *window, union bf_cell_room *room)
{
    const struct bf_share *part = window->parts == 0 ? NULL : bf_slot_share(windows, slot, window->parts);
    if (part != NULL && part->next == 0) {
        return &part->cell;
    }
    bf_cell_init(&room->cell, slot->aggregate, &slot->definition->options);
    while (part != NULL) {
        bf_cell_merge(&room->cell, slot->aggregate, &part->cell);
        part = part->next == 0 ? NULL : bf_slot_share(windows, slot, part->next);
    }
    return &room->cell;
}

void bf_window_mark(struct bf_windows *windows, struct bf_window *window)
{
    if (window->flags & BF_WINDOW_DIRTY) {
        return;
    }
    uint32_t index = bf_window_index(windows, window);
    window->flags |= BF_WINDOW_DIRTY;
    window->dirty_previous = windows->dirty_last;
    window->dirty_next = 0;
    *(windows->dirty_last != 0 ? &bf_windows_at(windows, windows->dirty_last)->dirty_next
                               : &windows->dirty_first) = index;
    windows->dirty_last = index;
}

void bf_window_clean(struct bf_windows *windows, struct bf_window *window)
{
    if (!(window->flags & BF_WINDOW_DIRTY)) {
        return;
    }
    window->flags &= ~(uint32_t)BF_WINDOW_DIRTY;
    *(window->dirty_previous != 0 ? &bf_windows_at(windows, window->dirty_previous)->dirty_next
                                  : &windows->dirty_first) = window->dirty_next;
    *(window->dirty_next != 0 ? &bf_windows_at(windows, window->dirty_next)->dirty_previous
                              : &windows->dirty_last) = window->dirty_previous;
}

uint64_t bf_windows_bytes(const struct bf_windows *windows)
{
    const struct bf_pool *pools[] = {&windows->series, &windows->windows, &windows->texts};
    uint64_t bytes = windows->shares.bytes;
    for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
        bytes += (uint64_t)pools[i]->live * pools[i]->size;
    }
    return bytes;
}
