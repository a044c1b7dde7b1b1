/* content.h: content hashes seen lately, for profiles that say `dedup: content` (devices that repeat the
 * same observation in messages of their own).
 * Owner: a stage 1 task.   Thread: the task's.
 * Limits: the last BF_CONTENTS hashes of the partition, oldest forgotten first. */
#ifndef BF_PROCESSORS_CONTENT_H
#define BF_PROCESSORS_CONTENT_H

#include "core/err.h"
#include "core/mp.h"

#define BF_CONTENTS 16384

struct bf_contents {
    uint64_t ring[BF_CONTENTS];
    uint64_t taken;                  /* ever; the newest stands at (taken - 1) % BF_CONTENTS */
    uint32_t heads[2 * BF_CONTENTS]; /* by hash: place in the ring + 1 */
    uint32_t chain[BF_CONTENTS];
};

struct bf_contents *bf_contents_create(void);
void bf_contents_destroy(struct bf_contents *contents);
/* True if it was seen; otherwise remembers it. */
bool bf_contents_seen(struct bf_contents *contents, uint64_t hash);
void bf_contents_save(const struct bf_contents *contents, struct bf_mp_writer *out);
enum bf_status bf_contents_load(struct bf_contents *contents,
                                struct bf_mp_reader *in) BF_MUST_CHECK;

#endif
