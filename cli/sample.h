/* sample.h: messages kept in memory to look at more than once.
 * Owner: the caller (a value; begin with zeroes).   Thread: one.
 * Limits: BF_SAMPLE_MESSAGES messages of BF_SAMPLE_BYTES together; further ones are counted. */
#ifndef BF_CLI_SAMPLE_H
#define BF_CLI_SAMPLE_H

#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

#define BF_SAMPLE_MESSAGES 50000u
#define BF_SAMPLE_BYTES (64u << 20)

struct bf_sample_message {
    struct bf_slice topic, payload;
    int64_t at_us;
};

struct bf_sample {
    struct bf_sample_message *messages;
    size_t count, room, bytes;
    uint64_t beyond, unreadable; /* unreadable: lines of captures */
};

void bf_sample_clear(struct bf_sample *sample);
enum bf_status bf_sample_add(struct bf_sample *sample, struct bf_slice topic, struct bf_slice payload,
                             int64_t at_us, struct bf_err *err) BF_MUST_CHECK;
/* All of a capture (cli/capture.h). */
enum bf_status bf_sample_read(struct bf_sample *sample, const char *path, const char *topic,
                              struct bf_err *err) BF_MUST_CHECK;

#endif
