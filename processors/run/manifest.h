/* manifest.h: the name of a checkpoint, as it travels in the metadata of the commit that makes it count:
 * which owner's which checkpoint, how long it is, its digest, where its chunks stand, which engine made it.
 * A task that has no state yet commits one without chunks before it writes its first chunk: so chunks without
 * a commit always mean that the group's offsets have expired.
 * ASCII, at most BF_MANIFEST_TEXT bytes (Kafka stores longer metadata empty without a word).
 * Thread: values, any.   Limits: BF_MANIFEST_CHUNKS chunks. */
#ifndef BF_PROCESSORS_RUN_MANIFEST_H
#define BF_PROCESSORS_RUN_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

#define BF_MANIFEST_CHUNKS 180
#define BF_MANIFEST_TEXT 4096
#define BF_CHUNK_BYTES 880000 /* of state in one record, below BF_RECORD_MAX with its frame */

struct bf_manifest {
    int engine;
    bool clean; /* the owner stopped in order: nothing was written behind this checkpoint */
    uint64_t owner, number;
    uint64_t bytes;
    char digest[65];
    int64_t
        from; /* every chunk of the task that may still be there stands at or behind this offset */
    uint32_t chunks;
    int64_t offsets[BF_MANIFEST_CHUNKS];
};

/* False where it does not fit. */
bool bf_manifest_format(const struct bf_manifest *manifest, char text[BF_MANIFEST_TEXT + 1]);
enum bf_status bf_manifest_parse(const char *text, struct bf_manifest *manifest,
                                 struct bf_err *err) BF_MUST_CHECK;

/* A chunk's key: task|owner|number|chunk, never used again. Returns the length written into key. */
size_t bf_chunk_key(const char *task, uint64_t owner, uint64_t number, uint32_t chunk,
                    char key[160]);
/* False where the key is none of this task's. */
bool bf_chunk_parse_key(struct bf_slice key, const char *task, uint64_t *owner, uint64_t *number,
                        uint32_t *chunk);

#endif
