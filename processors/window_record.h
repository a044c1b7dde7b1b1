/* window_record.h: the records of the window table (window.h) and the times at which a window closes and
 * ends. A record is a pane of a series (processors/shape.h): its cells are what the pane holds, its flags and
 * revision are those of the window that ends with it. Links are indices into the table's pools, 0: none.
 * Owner: the table.   Thread: the task's.   Limits: window.h. */
#ifndef BF_PROCESSORS_WINDOW_RECORD_H
#define BF_PROCESSORS_WINDOW_RECORD_H

#include "processors/kpi.h"
#include "processors/pool.h"
#include "processors/shape.h"
#include "processors/share.h"

struct bf_slot {
    const struct bf_kpi_definition *definition;
    const struct bf_aggregate *aggregate;
    int64_t generation;               /* the newest known one with this very definition */
    uint64_t seed;                    /* of its series' hashes */
    int64_t closed_us;                /* panes that begin before are closed; BF_TIME_NONE: no clock yet */
    int64_t oldest_end_us;            /* of the oldest pane held; BF_TIME_NONE: none */
    int64_t newest_end_us;            /* of the newest pane with data */
    int64_t reach_us;                 /* from a pane's end to that of the last window with it */
    struct bf_pane recent;            /* scratch: the last that was looked up */
    uint32_t first, last;             /* series */
    uint32_t first_track, last_track; /* processors/source.h */
    uint32_t count;
    uint32_t share_class; /* of its cells (processors/share.h) */
    uint32_t state_size;  /* of its cells' states */
    bool finishes;        /* results are made here (stage 1: by device only) */
    bool wanted;          /* scratch of the collection of slots without use */
};

struct bf_series {
    uint64_t hash;
    uint32_t slot, text, text_len;
    uint32_t chain;          /* of the hash table */
    uint32_t previous, next; /* of the slot */
    uint32_t newest, oldest; /* window */
    uint32_t windows;        /* how many */
    uint32_t waiting;        /* late partials and tracks of sources that refer to it */
    uint32_t owner;          /* whose handle may find it without its scope; 0: nobody's (bf_series_held) */
};

enum {
    BF_WINDOW_SEALED = 1,
    BF_WINDOW_PUBLISHED = 2,
    BF_WINDOW_DIRTY = 4,
    BF_WINDOW_WHOLE = 8 /* scratch: nothing late can come, and its cells are one */
};
#define BF_WINDOW_KEPT_FLAGS (BF_WINDOW_SEALED | BF_WINDOW_PUBLISHED)

struct bf_window {
    int64_t start_us, end_us; /* of the pane */
    uint32_t series;
    uint32_t older, newer; /* of the series */
    uint32_t parts;        /* 0: a window without data, published with n = 0 */
    uint32_t dirty_previous, dirty_next;
    uint32_t revision; /* of the last result that went out */
    uint32_t flags;
    uint32_t number; /* scratch of save */
};

struct bf_windows {
    struct bf_slot *slots;
    size_t slot_count, slot_capacity;
    struct bf_pool series, windows, texts;
    struct bf_shares shares;
    uint32_t *heads; /* series by hash, index */
    size_t mask;
    uint32_t dirty_first, dirty_last;
};

static inline struct bf_window *bf_windows_at(const struct bf_windows *windows, uint32_t index)
{
    return bf_pool_at(&windows->windows, index);
}
static inline struct bf_window *bf_windows_or_null(const struct bf_windows *windows, uint32_t index)
{
    return index == 0 ? NULL : bf_windows_at(windows, index);
}
static inline uint32_t bf_window_index(const struct bf_windows *windows, const struct bf_window *window)
{
    return (uint32_t)(window - (const struct bf_window *)(const void *)windows->windows.items) + 1;
}
static inline struct bf_share *bf_slot_share(const struct bf_windows *windows, const struct bf_slot *slot,
                                             uint32_t index)
{
    return bf_share_at(&windows->shares, slot->share_class, index);
}
static inline struct bf_series *bf_series_at(const struct bf_windows *windows, uint32_t index)
{
    return bf_pool_at(&windows->series, index);
}

/* The pane of this slot's windows that takes time_us; false: none. Readings come in the order of time, so the
 * last answer is mostly right again. */
static inline bool bf_slot_pane(struct bf_slot *slot, int64_t time_us, struct bf_pane *pane)
{
    const struct bf_window_shape *shape = &slot->definition->window;
    if (shape->kind == BF_WINDOW_CALENDAR && shape->part_count == 0 && shape->weekdays == 0) {
        if (time_us < slot->recent.start_us || time_us >= slot->recent.end_us) {
            slot->recent = bf_shape_after(shape, time_us);
        }
        *pane = slot->recent;
        return true;
    }
    return bf_shape_pane(shape, time_us, pane);
}

/* When the window closes that ends with a pane of this end. */
static inline int64_t bf_slot_close_us(const struct bf_slot *slot, int64_t end_us)
{
    return end_us + slot->definition->delay_us;
}
/* The first pane whose window is still open at now_us begins then. */
static inline int64_t bf_slot_first_open_us(const struct bf_kpi_definition *definition, int64_t now_us)
{
    const struct bf_window_shape *shape = &definition->window;
    return shape->kind == BF_WINDOW_FIXED || shape->kind == BF_WINDOW_CALENDAR
               ? bf_shape_after(shape, now_us - definition->delay_us).start_us
               : BF_TIME_NONE;
}
/* From then on its readings are refused. */
static inline int64_t bf_slot_refuse_us(const struct bf_slot *slot, int64_t end_us)
{
    return bf_slot_close_us(slot, end_us) + slot->definition->lateness_us;
}
/* From then on no window with it can change. */
static inline int64_t bf_slot_drop_us(const struct bf_slot *slot, int64_t end_us)
{
    return bf_slot_refuse_us(slot, end_us) + slot->reach_us;
}
static inline int64_t bf_window_close_us(const struct bf_slot *slot, const struct bf_window *window)
{
    return bf_slot_close_us(slot, window->end_us);
}

#endif
