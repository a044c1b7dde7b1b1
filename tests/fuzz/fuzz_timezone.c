/* Whatever is taken for a time zone: spans hold their time, and local time goes there and back. */
#include <assert.h>

#include "core/time.h"
#include "core/timezone.h"
#include "tests/fuzz/target.h"

#define STEP_US (INT64_C(40) * 86400 * BF_US_PER_S + 12345)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_timezone *zone = NULL;
    struct bf_err err;
    int64_t before = INT64_MIN;
    if (bf_timezone_create((struct bf_slice){(const char *)data, size}, &zone, &err) != BF_OK) {
        return 0;
    }
    for (int64_t at = -BF_TIME_MAX / 4; at < BF_TIME_MAX; at += STEP_US) {
        struct bf_timezone_span span = bf_timezone_at(zone, at);
        int64_t utc = bf_timezone_utc(zone, at);
        assert(span.from_us <= at && at < span.to_us);
        assert(utc >= before && utc + bf_timezone_at(zone, utc).offset_us >= at);
        before = utc;
    }
    bf_timezone_destroy(zone);
    return 0;
}
