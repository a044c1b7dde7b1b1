/* Why: a range of a log is said in one word, and a slip in it must not replay another day.
 * Declined: words such as "yesterday": of which time zone? */
#include "cli/span.h"

#include "config/scalar.h"
#include "core/time.h"

bool bf_span_is(const char *text)
{
    const char *at = strchr(text, '@');
    return at != NULL && at != text && memchr(text, '/', (size_t)(at - text)) == NULL &&
           strstr(at, "..") != NULL;
}

enum bf_status bf_span_parse_end(struct bf_slice text, int64_t now_us, struct bf_span_end *end,
                                 struct bf_err *err)
{
    int64_t value = 0;
    *end = (struct bf_span_end){.kind = BF_SPAN_EDGE};
    if (text.len == 0) {
        return BF_OK;
    }
    if (text.data[0] == '-' && bf_scalar_duration((struct bf_slice){text.data + 1, text.len - 1}, &value)) {
        *end = (struct bf_span_end){.kind = BF_SPAN_TIME, .value = now_us - value};
        return BF_OK;
    }
    if (bf_time_parse_rfc3339(text, &value) == BF_OK) {
        *end = (struct bf_span_end){.kind = BF_SPAN_TIME, .value = value};
        return BF_OK;
    }
    if (bf_scalar_integer(text, &value) && value >= 0) {
        *end = (struct bf_span_end){.kind = BF_SPAN_OFFSET, .value = value};
        return BF_OK;
    }
    return bf_err_set(err, BF_CONFIG,
                      "expected a time such as 2024-02-13T08:00:00Z or -24h, or an offset, not \"%.*s\"",
                      BF_SLICE_ARG(text));
}

enum bf_status bf_span_parse(const char *text, int64_t now_us, struct bf_span *span, struct bf_err *err)
{
    const char *at = strchr(text, '@');
    const char *dots = at != NULL ? strstr(at, "..") : NULL;
    if (dots == NULL || at == text) {
        return bf_err_set(err, BF_CONFIG, "expected TOPIC@FROM..TO, not \"%s\"", text);
    }
    const struct bf_slice from = {at + 1, (size_t)(dots - at - 1)};
    span->topic = (struct bf_slice){text, (size_t)(at - text)};
    enum bf_status status = bf_span_parse_end(from, now_us, &span->from, err);
    if (status == BF_OK) {
        status = bf_span_parse_end(bf_slice_of(dots + 2), now_us, &span->to, err);
    }
    if (status == BF_OK && span->from.kind == span->to.kind && span->from.kind != BF_SPAN_EDGE &&
        span->from.value >= span->to.value) {
        status = bf_err_set(err, BF_CONFIG, "\"%s\" ends before it begins", text);
    }
    return status;
}
