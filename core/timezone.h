/* timezone.h: a city's civil time, from the bytes of a TZif file (RFC 8536, version 2 or later; its footer
 * tells what holds after the last transition it lists). The bytes are part of the configuration, so the same
 * log gives the same days whatever tzdata a host has.
 * Declined: localtime_r and mktime with TZ: state of the whole process, data of the host.
 *
 * Owner:  creator.   Thread: immutable after it is made; any.
 * Limits: BF_TIMEZONE_BYTES_MAX; offsets of less than 26 hours. Until BF_TIMEZONE_YEAR_MAX by the footer's
 *         rules, afterwards as at its end; before the first transition as the file's first type says.
 * Errors: MALFORMED for bytes that are not TZif, with the reason; PEER when memory is out. */
#ifndef BF_CORE_TIMEZONE_H
#define BF_CORE_TIMEZONE_H

#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

#define BF_TIMEZONE_BYTES_MAX (64u << 10)
#define BF_TIMEZONE_YEAR_MAX 2212 /* BF_TIME_MAX and a window of some years beyond */

struct bf_timezone;

enum bf_status bf_timezone_create(struct bf_slice tzif, struct bf_timezone **zone,
                                  struct bf_err *err) BF_MUST_CHECK;
void bf_timezone_destroy(struct bf_timezone *zone);

/* The time [from, to) around `utc_us` in which local time is UTC plus one offset. */
struct bf_timezone_span {
    int64_t from_us, to_us; /* INT64_MIN, INT64_MAX: without end */
    int64_t offset_us;
};
/* zone NULL: UTC. */
struct bf_timezone_span bf_timezone_at(const struct bf_timezone *zone, int64_t utc_us);

/* The first instant at which local clocks show `local_us` (microseconds since 1970-01-01T00:00 local time)
 * or more: in an overlap the earlier of the two, in a gap the instant after it. Never decreases with
 * local_us. */
int64_t bf_timezone_utc(const struct bf_timezone *zone, int64_t local_us);

#endif
