/* checkpoint.h: a task's state on its way into Kafka and back, shared by the files of this folder only.
 * Owner: the process.   Thread: main.
 * Limits: one saved state in memory at a time, of at most BF_MANIFEST_CHUNKS chunks; BF_CHUNKS_UNDER_WAY of
 *         them in the producer's queue. */
#ifndef BF_PROCESSORS_RUN_CHECKPOINT_H
#define BF_PROCESSORS_RUN_CHECKPOINT_H

#include "peers/kafka/kafka.h"
#include "processors/run/manifest.h"

struct bf_digest;
struct bf_process;
struct bf_running;

#define BF_CHUNK_SETS 64

/* The chunks of one checkpoint that stand in belfry.checkpoints. */
struct bf_chunk_set {
    uint64_t owner, number;
    uint32_t chunks; /* highest chunk + 1 */
    int32_t live;    /* written and not removed */
    int64_t first_offset;
    bool unanswered; /* its commit once went without an answer: left to the next epoch */
};

enum bf_checkpoint_phase {
    BF_CHECKPOINT_IDLE,
    BF_CHECKPOINT_CHUNKS, /* its chunks are on their way */
    BF_CHECKPOINT_ACKS,   /* all are there; waits for what was handed over before them */
    BF_CHECKPOINT_COMMIT,
    BF_CHECKPOINT_ASK
};

#define BF_CHUNKS_UNDER_WAY 4 /* handed to the producer and not acknowledged: 3.5 MB of its queue */

/* The checkpoint that is being written: one at a time in a process. */
struct bf_chunks {
    struct bf_running *task; /* NULL: none */
    char *state, *packed;    /* its saved state; one packed chunk */
    struct bf_digest *digest;
    uint32_t next, acked; /* chunks handed over, chunks whose offset is known */
    struct bf_receipt receipts[BF_CHUNKS_UNDER_WAY];
    int64_t due_us; /* of the next chunk, by the rate */
};

/* What holds up the records while a checkpoint is made. */
enum bf_pause { BF_PAUSE_SAVE, BF_PAUSE_CHUNK, BF_PAUSE_COMMIT, BF_PAUSES };

/* chunks.c: of the task whose turn it is. step hands at most one chunk over, at most `rate` bytes a second
 * (0: no limit); *done: all are acknowledged, the manifest knows digest and offsets, the next may begin. */
enum bf_status bf__chunks_open(struct bf_chunks *chunks, struct bf_err *err) BF_MUST_CHECK;
void bf__chunks_close(struct bf_chunks *chunks);
enum bf_status bf__chunks_begin(struct bf_running *task, struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf__chunks_step(struct bf_chunks *chunks, int64_t now_us, uint64_t rate, bool *done,
                               struct bf_err *err) BF_MUST_CHECK;
/* The task ends: what of it is on its way belongs to nobody. */
void bf__chunks_drop(struct bf_running *task);
/* checkpoint.c: one turn: of each kind (save, chunk, commit) at most one, so that the records wait for one
 * of each at most. */
enum bf_status bf__process_checkpoints(struct bf_process *process, int64_t now_us,
                                       struct bf_err *err) BF_MUST_CHECK;
/* A last checkpoint of every task, until deadline_us. */
void bf__process_last_checkpoints(struct bf_process *process, int64_t deadline_us);
enum bf_status bf__process_announce(struct bf_running *task, struct bf_err *err) BF_MUST_CHECK;
int32_t bf__process_chunk_partition(const struct bf_running *task);
/* restore.c: the task's state as of the committed offset, or the reason why it cannot be had. */
enum bf_status bf__process_restore(struct bf_running *task, struct bf_err *err) BF_MUST_CHECK;
struct bf_chunk_set *bf__process_set(struct bf_running *task, uint64_t owner, uint64_t number,
                                     int64_t offset);

#endif
