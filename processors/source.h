/* source.h: what a stage 1 task remembers of each source that a KPI follows from reading to reading (inputs
 * CHANGE and HELD, config/definition.h): its last reading, and up to when its value is accounted for. A track
 * belongs to a slot (by its series) and stands in the slot's list in the order in which the sources came.
 *
 * A track holds its series: a scope whose windows are gone, but whose sources still hold, is there.
 *
 * Owner:  a stage 1 task.   Thread: the task's.
 * Limits: max_sources tracks; put returns NULL at the limit. 72 bytes a track, 64 its source. */
#ifndef BF_PROCESSORS_SOURCE_H
#define BF_PROCESSORS_SOURCE_H

#include "processors/window.h"

struct bf_track {
    uint64_t hash;
    int64_t at_us;   /* event time of the last reading */
    int64_t upto_us; /* HELD: until then its value is in windows; never before at_us */
    double value;
    uint32_t series; /* of the last reading */
    uint32_t text, text_len;
    uint32_t chain;          /* of the hash table */
    uint32_t previous, next; /* of the slot */
    uint32_t part;           /* which input of a derived KPI it is for, else 0 */
    bool held;               /* input HELD, not CHANGE */
    bool holds;              /* the KPI's `when` held for the last reading */
};

struct bf_tracks {
    struct bf_pool tracks, texts;
    uint32_t *heads; /* by hash, index */
    size_t mask;
};

/* What a KPI asks of its readings one by one: nothing of a VALUE or ANY. */
static inline bool bf_aggregate_follows(const struct bf_aggregate *aggregate)
{
    return aggregate->kind.input == BF_INPUT_CHANGE || aggregate->kind.input == BF_INPUT_HELD;
}
static inline struct bf_track *bf_track_at(const struct bf_tracks *tracks, uint32_t index)
{
    return bf_pool_at(&tracks->tracks, index);
}

void bf_tracks_init(struct bf_tracks *tracks);
void bf_tracks_deinit(struct bf_tracks *tracks);
enum bf_status bf_tracks_limit(struct bf_tracks *tracks, const struct bf_windows *windows,
                               uint64_t max_sources, struct bf_err *err) BF_MUST_CHECK;
/* NULL where there is none. */
struct bf_track *bf_tracks_find(const struct bf_tracks *tracks, const struct bf_windows *windows,
                                uint32_t slot, uint32_t part, struct bf_slice source);
/* Whether add will find room. */
bool bf_tracks_room(const struct bf_tracks *tracks, struct bf_slice source);
/* The definition by which the source is followed: the KPI's, or that of a derived KPI's input. */
const struct bf_kpi_definition *bf_track_definition(const struct bf_slot *slot, const struct bf_track *track);
/* A new one, which is not there yet, in its series' slot; NULL at the limit. */
struct bf_track *bf_tracks_add(struct bf_tracks *tracks, struct bf_windows *windows, struct bf_series *series,
                               uint32_t part, struct bf_slice source);
/* Its last reading is of another series of the same slot (a device that moved to another zone). */
void bf_track_move(struct bf_windows *windows, struct bf_track *track, struct bf_series *series);
void bf_tracks_remove(struct bf_tracks *tracks, struct bf_windows *windows, struct bf_track *track);
uint64_t bf_tracks_bytes(const struct bf_tracks *tracks);
void bf_tracks_save(const struct bf_tracks *tracks, const struct bf_windows *windows,
                    struct bf_mp_writer *out);
/* After the windows, into an empty table. */
enum bf_status bf_tracks_load(struct bf_tracks *tracks, struct bf_windows *windows, struct bf_mp_reader *in,
                              struct bf_err *err) BF_MUST_CHECK;

#endif
