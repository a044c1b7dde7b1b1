/* window_state.c: the window table as bytes. Everything is written in walking order (slots, series, windows
 * newest first), the dirty list as numbers in that order, so save(load(x)) is x. */
#include "processors/window.h"

#define TIME_FAR (2 * BF_TIME_MAX) /* no pane lies beyond; leaves room for every sum */

void bf_pane_save(const struct bf_slot *slot, const struct bf_pane *pane, struct bf_mp_writer *out)
{
    bf_mp_put_int(out, pane->start_us);
    if (slot->definition->window.kind != BF_WINDOW_FIXED) {
        bf_mp_put_int(out, pane->end_us);
    }
}

bool bf_pane_load(const struct bf_slot *slot, struct bf_pane *pane, struct bf_mp_reader *in)
{
    pane->start_us = bf_mp_get_int(in);
    if (!bf_mp_ok(in) || pane->start_us < -TIME_FAR || pane->start_us > TIME_FAR) {
        return false;
    }
    pane->end_us = slot->definition->window.kind == BF_WINDOW_FIXED
                       ? pane->start_us + slot->definition->window.pane_us
                       : bf_mp_get_int(in);
    return bf_mp_ok(in) && pane->end_us > pane->start_us && pane->end_us <= 2 * TIME_FAR;
}

static void save_window(const struct bf_windows *windows, const struct bf_slot *slot,
                        const struct bf_window *window, struct bf_mp_writer *out)
{
    uint32_t parts = 0;
    for (uint32_t p = window->parts; p != 0; parts++) {
        p = bf_slot_share(windows, slot, p)->next;
    }
    const struct bf_pane pane = {.start_us = window->start_us, .end_us = window->end_us};
    bf_pane_save(slot, &pane, out);
    bf_mp_put_uint(out, window->revision);
    bf_mp_put_uint(out, window->flags & BF_WINDOW_KEPT_FLAGS);
    bf_mp_put_uint(out, parts);
    for (uint32_t p = window->parts; p != 0;) {
        const struct bf_share *part = bf_slot_share(windows, slot, p);
        bf_mp_put_int(out, part->source);
        bf_cell_save(&part->cell, slot->aggregate, out);
        p = part->next;
    }
}

static void save_slot(struct bf_windows *windows, const struct bf_slot *slot, uint32_t *number,
                      struct bf_mp_writer *out)
{
    char scope[BF_SCOPE_MAX];
    bf_mp_put_str(out, slot->definition->id);
    bf_mp_put_uint(out, slot->definition->hash);
    bf_mp_put_int(out, slot->generation);
    bf_mp_put_bool(out, slot->finishes);
    bf_mp_put_int(out, slot->closed_us);
    bf_mp_put_uint(out, slot->count);
    for (uint32_t at = slot->first; at != 0;) {
        const struct bf_series *series = bf_series_at(windows, at);
        bf_mp_put_str(out, bf_series_scope(windows, series, scope));
        bf_mp_put_uint(out, series->windows);
        for (uint32_t w = series->newest; w != 0;) {
            struct bf_window *window = bf_windows_at(windows, w);
            window->number = ++*number;
            save_window(windows, slot, window, out);
            w = window->older;
        }
        at = series->next;
    }
}

void bf_windows_save(struct bf_windows *windows, struct bf_mp_writer *out)
{
    uint32_t number = 0;
    bf_mp_put_uint(out, windows->windows.live);
    bf_mp_put_uint(out, windows->shares.count);
    bf_mp_put_uint(out, windows->series.live);
    bf_mp_put_uint(out, windows->texts.live);
    bf_mp_put_uint(out, windows->slot_count);
    for (size_t i = 0; i < windows->slot_count; i++) {
        save_slot(windows, &windows->slots[i], &number, out);
    }
    for (uint32_t at = windows->dirty_first; at != 0;) {
        const struct bf_window *window = bf_windows_at(windows, at);
        bf_mp_put_uint(out, window->number);
        at = window->dirty_next;
    }
    bf_mp_put_uint(out, 0);
}

static enum bf_status load_window(struct bf_windows *windows, const struct bf_slot *slot,
                                  struct bf_series *series, struct bf_mp_reader *in)
{
    struct bf_pane pane;
    if (!bf_pane_load(slot, &pane, in)) {
        return BF_MALFORMED;
    }
    struct bf_window *window = bf_series_put_window(windows, series, &pane);
    if (window == NULL) {
        return BF_LIMIT;
    }
    window->revision = (uint32_t)bf_mp_get_uint(in);
    window->flags = (uint32_t)bf_mp_get_uint(in) & BF_WINDOW_KEPT_FLAGS;
    uint64_t parts = bf_mp_get_uint(in);
    for (uint64_t p = 0; bf_mp_ok(in) && p < parts; p++) {
        struct bf_cell *cell = bf_window_cell(windows, window, (int32_t)bf_mp_get_int(in));
        if (cell == NULL || bf_cell_load(cell, slot->aggregate, &slot->definition->options, in) != BF_OK) {
            return cell == NULL ? BF_LIMIT : BF_MALFORMED;
        }
    }
    return bf_mp_ok(in) ? BF_OK : BF_MALFORMED;
}

static enum bf_status load_series(struct bf_windows *windows, uint32_t index, struct bf_mp_reader *in)
{
    struct bf_slice scope = bf_mp_get_str(in);
    if (!bf_mp_ok(in) || scope.len > BF_SCOPE_MAX) {
        return BF_MALFORMED;
    }
    struct bf_series *series = bf_windows_put_series(windows, index, scope);
    if (series == NULL) {
        return BF_LIMIT;
    }
    uint64_t count = bf_mp_get_uint(in);
    enum bf_status status = BF_OK;
    for (uint64_t w = 0; status == BF_OK && bf_mp_ok(in) && w < count; w++) {
        status = load_window(windows, &windows->slots[index], series, in);
    }
    return status;
}

static const struct bf_kpi_plan_item *find_kpi(const struct bf_kpi_plan *plan, struct bf_slice id,
                                               uint64_t hash)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->kpis[i].definition->hash == hash && bf_slice_equal(plan->kpis[i].definition->id, id)) {
            return &plan->kpis[i];
        }
    }
    return NULL;
}

static enum bf_status load_slot(struct bf_windows *windows, struct bf_mp_reader *in,
                                bf_definitions definitions, void *context, struct bf_err *err)
{
    struct bf_slice id = bf_mp_get_str(in);
    uint64_t hash = bf_mp_get_uint(in);
    int64_t generation = bf_mp_get_int(in);
    bool finishes = bf_mp_get_bool(in);
    int64_t closed_us = bf_mp_get_int(in);
    uint64_t count = bf_mp_get_uint(in);
    const struct bf_kpi_plan *plan;
    if (!bf_mp_ok(in)) {
        return BF_MALFORMED;
    }
    enum bf_status status = definitions(context, generation, &plan, err);
    if (status != BF_OK) {
        return status;
    }
    const struct bf_kpi_plan_item *kpi = find_kpi(plan, id, hash);
    uint32_t index;
    if (kpi == NULL) {
        return bf_err_set(err, BF_FATAL, "generation %lld has no KPI %.*s as it stands in the checkpoint",
                          (long long)generation, BF_SLICE_ARG(id));
    }
    status = bf_windows_add_slot(windows, kpi, generation, finishes, BF_TIME_NONE, &index, err);
    if (status != BF_OK) {
        return status;
    }
    windows->slots[index].closed_us = closed_us;
    for (uint64_t s = 0; status == BF_OK && bf_mp_ok(in) && s < count; s++) {
        status = load_series(windows, index, in);
    }
    return status;
}

/* What is held must fit, though a reload may have lowered the limits since. */
static enum bf_status make_room(struct bf_windows *windows, struct bf_mp_reader *in, struct bf_err *err)
{
    uint64_t held = bf_mp_get_uint(in), parts = bf_mp_get_uint(in);
    uint64_t series = bf_mp_get_uint(in), texts = bf_mp_get_uint(in);
    size_t left = bf_mp_ok(in) ? (size_t)(in->end - in->at) : 0;
    if (held > left || parts > left || series > left || texts > left) {
        return BF_MALFORMED; /* each takes more than a byte */
    }
    enum bf_status status = bf_windows_limit(windows, held, series, 1, UINT64_MAX, err);
    if (status == BF_OK) {
        status = bf_shares_limit(&windows->shares, parts, UINT64_MAX, err);
    }
    return status == BF_OK ? bf_pool_limit(&windows->texts, texts, err) : status;
}

enum bf_status bf_windows_load(struct bf_windows *windows, struct bf_mp_reader *in,
                               bf_definitions definitions, void *context, struct bf_err *err)
{
    enum bf_status status = make_room(windows, in, err);
    uint64_t count = bf_mp_get_uint(in);
    for (uint64_t i = 0; status == BF_OK && bf_mp_ok(in) && i < count; i++) {
        status = load_slot(windows, in, definitions, context, err);
    }
    while (status == BF_OK && bf_mp_ok(in)) {
        uint64_t number = bf_mp_get_uint(in);
        if (number == 0) {
            break;
        }
        if (number > windows->windows.used) {
            return BF_MALFORMED;
        }
        bf_window_mark(windows, bf_windows_at(windows, (uint32_t)number));
    }
    return status == BF_OK && !bf_mp_ok(in) ? BF_MALFORMED : status;
}
