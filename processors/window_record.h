/* window_record.h: the records of the window table (window.h) and the times at which a window closes and
 * ends. Links are indices into the table's pools, 0: none.
 * Owner: the table.   Thread: the task's.   Limits: window.h. */
#ifndef BF_PROCESSORS_WINDOW_RECORD_H
#define BF_PROCESSORS_WINDOW_RECORD_H

#include "processors/kpi.h"
#include "processors/pool.h"
#include "processors/share.h"

struct bf_slot {
    const struct bf_kpi_definition *definition;
    const struct bf_aggregate *aggregate;
    int64_t generation;   /* the newest known one with this very definition */
    uint64_t seed;        /* of its series' hashes */
    int64_t closed_us;    /* windows that begin before are closed; BF_TIME_NONE: no clock yet */
    int64_t oldest_us;    /* start of the oldest window held; BF_TIME_NONE: none */
    int64_t newest_us;    /* start of the newest window with data */
    uint32_t first, last; /* series */
    uint32_t first_track, last_track; /* processors/source.h */
    uint32_t count;
    uint32_t share_class; /* of its cells (processors/share.h) */
    uint32_t state_size;  /* of its cells' states */
    bool finishes; /* results are made here (stage 1: by device only) */
    bool wanted;   /* scratch of the collection of slots without use */
};

struct bf_series {
    uint64_t hash;
    uint32_t slot, text, text_len;
    uint32_t chain;          /* of the hash table */
    uint32_t previous, next; /* of the slot */
    uint32_t newest;         /* window */
    uint32_t windows;        /* how many */
    uint32_t waiting;        /* late partials and tracks of sources that refer to it */
    uint32_t owner;          /* whose handle may find it without its scope; 0: nobody's (bf_series_held) */
};

enum { BF_WINDOW_SEALED = 1, BF_WINDOW_PUBLISHED = 2, BF_WINDOW_DIRTY = 4 };

struct bf_window {
    int64_t start_us;
    uint32_t series;
    uint32_t older; /* of the series */
    uint32_t parts; /* 0: a window without data, published with n = 0 */
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
static inline struct bf_share *bf_slot_share(const struct bf_windows *windows, const struct bf_slot *slot,
                                             uint32_t index)
{
    return bf_share_at(&windows->shares, slot->share_class, index);
}
static inline struct bf_series *bf_series_at(const struct bf_windows *windows, uint32_t index)
{
    return bf_pool_at(&windows->series, index);
}

static inline int64_t bf_window_close_us(const struct bf_kpi_definition *definition, int64_t start_us)
{
    return start_us + definition->window_us + definition->delay_us;
}
/* The first start that is still open at `now`: the smallest multiple with start + window + delay > now. */
static inline int64_t bf_window_first_open_us(const struct bf_kpi_definition *definition, int64_t now_us)
{
    return bf_time_floor(now_us - definition->window_us - definition->delay_us, definition->window_us) +
           definition->window_us;
}
static inline int64_t bf_window_limit_us(const struct bf_kpi_definition *definition, int64_t start_us)
{
    return bf_window_close_us(definition, start_us) + definition->lateness_us;
}

#endif
