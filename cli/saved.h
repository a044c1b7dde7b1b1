/* saved.h: a task's checkpoint as it stands in Kafka: what its group has committed, the chunks behind it,
 * and whether a task can go on from them. Reads only: a member of nothing, so belfry-process does not
 * notice.
 *
 * Owner: creator.   Thread: one.
 * Limits: one state in memory at a time (twice, while it is checked).
 * Errors: PEER, LIMIT; what does not hold is no error but a text in `fault`. */
#ifndef BF_CLI_SAVED_H
#define BF_CLI_SAVED_H

#include "config/log/config_log.h"
#include "peers/kafka/kafka.h"
#include "processors/run/manifest.h"
#include "processors/task.h"

#define BF_SAVED_NAME 80

struct bf_saved_reader;

struct bf_saved {
    char name[BF_SAVED_NAME]; /* "<install>/s1/3" */
    const char *task;         /* in it: "s1/3" */
    enum bf_topic topic;
    int32_t partition;
    int64_t begin, end;          /* of its log */
    int64_t offset;              /* committed; -1: nothing is */
    int64_t written_ms;          /* when its last chunk was; -1: not known */
    struct bf_manifest manifest; /* where offset >= 0 and fault is empty */
    char fault[512];             /* why it does not hold; empty: it does as far as was looked */
};

/* What a state holds, once it was loaded. */
struct bf_saved_tables {
    struct bf_task_status status;
    bool loaded;
};

enum bf_status bf_saved_open(const struct bf_kafka_options *options, struct bf_config_log *log,
                             struct bf_saved_reader **reader, struct bf_err *err) BF_MUST_CHECK;
void bf_saved_close(struct bf_saved_reader *reader);
/* How many tasks there are; number 0 is s1/0, those of stage 2 come behind. */
size_t bf_saved_count(const struct bf_saved_reader *reader);
/* The number of "s1/3", "<install>/s1/3"; count: there is none of that name. */
size_t bf_saved_find(const struct bf_saved_reader *reader, const char *name);
/* The commit, and when its chunks were written. */
enum bf_status bf_saved_look(struct bf_saved_reader *reader, size_t number, struct bf_saved *saved,
                             struct bf_err *err) BF_MUST_CHECK;
/* Also reads the chunks, holds them against the digest, loads them into a task and saves it again: the bytes
 * must be the same. One that is replaced meanwhile is looked at anew. */
enum bf_status bf_saved_verify(struct bf_saved_reader *reader, size_t number, struct bf_saved *saved,
                               struct bf_saved_tables *tables, struct bf_err *err) BF_MUST_CHECK;

#endif
