/* capture.h: reads recorded MQTT traffic, a message a line, in three forms:
 *
 *   2024-02-13T16:33:00.005271Z /hfp/v2/…/with spaces/… {"VP": …}     time, topic, JSON payload
 *   1422748800000,{"e": …}                                           milliseconds, payload (topic: given)
 *   {"tap":"raw","at":"2024-02-13T…Z","topic":"…","payload":"…"}     as `belfry tap --json` prints it
 *
 * The last may have payload_base64 instead, and more members. In the first form topics may hold spaces, so a
 * line is split at its first space and at the first " {".
 * Owner: creator.   Thread: the owner's.   Limits: lines of at most 4 MiB. */
#ifndef BF_CLI_CAPTURE_H
#define BF_CLI_CAPTURE_H

#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

struct bf_capture;

struct bf_capture_line {
    int64_t time_us;
    struct bf_slice topic, payload; /* until the next call */
    uint64_t number;                /* of the line, from 1 */
};

/* topic: for lines without one; NULL: such lines are refused. */
enum bf_status bf_capture_open(const char *path, const char *topic, struct bf_capture **capture,
                               struct bf_err *err) BF_MUST_CHECK;
/* The same of bytes in memory, which must outlive it. */
enum bf_status bf_capture_open_bytes(struct bf_slice bytes, const char *topic, struct bf_capture **capture,
                                     struct bf_err *err) BF_MUST_CHECK;
void bf_capture_close(struct bf_capture *capture);
/* OK with a line (blank ones are passed over), AGAIN at the end, MALFORMED with "file:line: …" (the next call
 * goes on behind it). */
enum bf_status bf_capture_next(struct bf_capture *capture, struct bf_capture_line *line,
                               struct bf_err *err) BF_MUST_CHECK;

#endif
