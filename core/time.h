/* time.h: time inside belfry is int64 microseconds UTC since 1970 and always an argument. Only ingest,
 * the daemons' loops and the command line may ask for the time of day; a test keeps processors/ from it.
 * Thread: any. */
#ifndef BF_CORE_TIME_H
#define BF_CORE_TIME_H

#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

#define BF_US_PER_MS INT64_C(1000)
#define BF_US_PER_S INT64_C(1000000)
/* "No clock yet": smaller than every time that can be sent. */
#define BF_TIME_NONE INT64_MIN
/* Times that a reading may carry: 1970-01-01 to 2200-01-01, exclusive. Leaves room for every sum. */
#define BF_TIME_MAX INT64_C(7258118400000000)

int64_t bf_time_wall_us(void);      /* CLOCK_REALTIME */
int64_t bf_time_monotonic_us(void); /* CLOCK_MONOTONIC */

/* RFC 3339 ("2024-02-13T16:33:00.005271Z", any offset, 0 to 9 digits of a second, 'T' or ' ';
 * digits beyond microseconds are cut). MALFORMED otherwise; a time without offset too. A leap second,
 * 23:59:60 UTC with any fraction, is the last microsecond before it ended: 23:59:59.999999. */
enum bf_status bf_time_parse_rfc3339(struct bf_slice text, int64_t *time_us) BF_MUST_CHECK;
/* Writes "2024-02-13T16:33:00.005271Z" (millisecond digits when that is exact, none on whole seconds);
 * BF_TIME_NONE is "none". size >= 32. Returns text. */
char *bf_time_format(int64_t time_us, char *text, size_t size);

/* floor(time / span) * span, right for negative times too. */
static inline int64_t bf_time_floor(int64_t time_us, int64_t span_us)
{
    int64_t rest = time_us % span_us;
    return time_us - (rest < 0 ? rest + span_us : rest);
}

#endif
