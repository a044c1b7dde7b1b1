/* Why: a message is nowhere named again once it was read: its readings dissolve in windows. So it is
 * followed by what is known of it at each stage. Declined: marking messages for tracing: the traced path
 * would be another. */
#include "cli/trail.h"

#include <stdlib.h>

#include "core/time.h"

#define CHANNEL "belfry:v1:kpi:"

enum {
    SEEN_OPEN = 1,
    SEEN_FINAL = 2,
    TOLD_OPEN = 4,
    TOLD_FINAL = 8
}; /* seen: in belfry.kpis; told: by Redis */

struct pending {
    uint64_t number;
    bool logged, rejected;
    struct bf_heard heard;
    unsigned flags[BF_EAR_INTERESTS]; /* of each interest */
};

struct bf_trail {
    const struct bf_kpi_plan *plan;
    void (*say)(void *context, const struct bf_trail_event *event);
    void *context;
    uint64_t count;
    struct pending ring[BF_TRAIL_ROOM]; /* number n at n % BF_TRAIL_ROOM */
};

enum bf_status bf_trail_create(const struct bf_kpi_plan *plan,
                               void (*say)(void *context, const struct bf_trail_event *event), void *context,
                               struct bf_trail **trail, struct bf_err *err)
{
    struct bf_trail *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    made->plan = plan;
    made->say = say;
    made->context = context;
    *trail = made;
    return BF_OK;
}

void bf_trail_destroy(struct bf_trail *trail)
{
    free(trail);
}

/* The messages that are still followed, the newest first: for (n = count; n > oldest(); n--). */
static uint64_t oldest(const struct bf_trail *trail)
{
    return trail->count > BF_TRAIL_ROOM ? trail->count - BF_TRAIL_ROOM : 0;
}

static struct pending *pending_of(struct bf_trail *trail, uint64_t number)
{
    return &trail->ring[number % BF_TRAIL_ROOM];
}

static struct bf_trail_event event_of(const struct pending *pending, enum bf_trail_stage stage,
                                      int64_t now_us)
{
    return (struct bf_trail_event){.message = pending->number,
                                   .stage = stage,
                                   .after_us = now_us - pending->heard.at_us,
                                   .heard = &pending->heard};
}

void bf_trail_heard(struct bf_trail *trail, const struct bf_heard *heard)
{
    struct pending *pending = pending_of(trail, ++trail->count);
    *pending = (struct pending){.number = trail->count, .heard = *heard};
    struct bf_trail_event event = event_of(pending, BF_TRAIL_MQTT, heard->at_us);
    trail->say(trail->context, &event);
}

/* The oldest message with that payload that is not in a log yet, else the newest with it (a redelivery). */
static struct pending *find(struct bf_trail *trail, uint64_t hash)
{
    struct pending *found = NULL;
    for (uint64_t n = trail->count; n > oldest(trail); n--) {
        struct pending *pending = pending_of(trail, n);
        bool open = !pending->logged && !pending->rejected;
        if (pending->heard.hash == hash && (found == NULL || open)) {
            found = pending;
        }
    }
    return found;
}

/* What has no time of its own is where ingest has put it. */
static void settle_time(struct pending *pending, const struct bf_reading *reading)
{
    for (size_t i = 0; pending->heard.estimated && i < pending->heard.interest_count; i++) {
        pending->heard.interests[i].event_us = reading->event_us > 0 ? reading->event_us : reading->ingest_us;
    }
}

void bf_trail_reading(struct bf_trail *trail, int64_t now_us, const struct bf_reading *reading,
                      int32_t partition, int64_t offset)
{
    struct pending *pending = find(trail, reading->delivery.payload_hash);
    if (pending == NULL || (pending->logged && reading->delivery.index > 0)) {
        return;
    }
    struct bf_trail_event event = event_of(pending, BF_TRAIL_LOG, now_us);
    event.partition = partition;
    event.offset = offset;
    event.dup = reading->delivery.dup;
    if (!pending->logged || event.dup) {
        settle_time(pending, reading);
        pending->logged = true;
        trail->say(trail->context, &event);
    }
}

void bf_trail_reject(struct bf_trail *trail, int64_t now_us, const struct bf_reject *reject)
{
    struct pending *pending = find(trail, reject->payload_hash);
    if (pending == NULL) {
        return;
    }
    pending->rejected = pending->rejected || reject->whole;
    struct bf_trail_event event = event_of(pending, BF_TRAIL_REJECT, now_us);
    event.reason = reject->reason;
    event.detail = reject->detail;
    trail->say(trail->context, &event);
}

/* ---- results */

static bool is_interest(const struct bf_trail *trail, const struct bf_interest *interest, struct bf_slice kpi,
                        struct bf_slice scope)
{
    return bf_slice_equal(trail->plan->kpis[interest->kpi].definition->id, kpi) &&
           bf_slice_equal(bf_slice_of(interest->scope), scope);
}

/* Sets `flag` in every message that waits for this, and tells it of the newest. */
static void tell(struct bf_trail *trail, int64_t now_us, struct bf_trail_event result, unsigned flag)
{
    const struct pending *newest = NULL;
    uint64_t others = 0;
    for (uint64_t n = trail->count; n > oldest(trail); n--) {
        struct pending *pending = pending_of(trail, n);
        for (size_t i = 0; pending->logged && i < pending->heard.interest_count; i++) {
            const struct bf_interest *interest = &pending->heard.interests[i];
            unsigned *flags = &pending->flags[i];
            if (!is_interest(trail, interest, result.kpi, result.scope) || (*flags & flag) != 0 ||
                interest->event_us < result.start_us || interest->event_us >= result.end_us) {
                continue;
            }
            *flags |= flag;
            others += newest != NULL;
            newest = newest != NULL ? newest : pending;
        }
    }
    if (newest != NULL) {
        struct bf_trail_event event = result;
        event.message = newest->number;
        event.others = others;
        event.after_us = now_us - newest->heard.at_us;
        event.heard = &newest->heard;
        trail->say(trail->context, &event);
    }
}

void bf_trail_kpi(struct bf_trail *trail, int64_t now_us, const struct bf_kpi *kpi)
{
    const struct bf_trail_event result = {.stage = BF_TRAIL_KPI,
                                          .kpi = kpi->kpi,
                                          .scope = kpi->scope,
                                          .start_us = kpi->start_us,
                                          .end_us = kpi->end_us,
                                          .final = kpi->phase == BF_KPI_FINAL,
                                          .has_value = kpi->has_value,
                                          .value = kpi->value,
                                          .n = kpi->n};
    tell(trail, now_us, result, result.final ? SEEN_FINAL : SEEN_OPEN);
}

/* The number behind "name": in flat JSON; false: it is not there. */
static bool json_number(struct bf_slice json, struct bf_slice name, int64_t *number)
{
    const char *at = memmem(json.data, json.len, name.data, name.len);
    const char *end = json.data + json.len;
    *number = 0;
    if (at == NULL) {
        return false;
    }
    at += name.len;
    bool negative = at < end && *at == '-';
    for (at += negative; at < end && *at >= '0' && *at <= '9' && *number < INT64_MAX / 100000; at++) {
        *number = *number * 10 + (*at - '0');
    }
    *number = negative ? -*number : *number;
    return true;
}

void bf_trail_redis(struct bf_trail *trail, int64_t now_us, struct bf_slice channel, struct bf_slice json)
{
    const struct bf_slice front = BF_SLICE(CHANNEL);
    int64_t start_ms, end_ms;
    if (channel.len <= front.len || memcmp(channel.data, front.data, front.len) != 0 ||
        !json_number(json, BF_SLICE("\"window_start_ms\":"), &start_ms) ||
        !json_number(json, BF_SLICE("\"window_end_ms\":"), &end_ms)) {
        return;
    }
    struct bf_slice rest = {channel.data + front.len, channel.len - front.len};
    const char *colon = memchr(rest.data, ':', rest.len);
    if (colon == NULL) {
        return;
    }
    struct bf_trail_event result = {.stage = BF_TRAIL_REDIS,
                                    .kpi = {rest.data, (size_t)(colon - rest.data)},
                                    .start_us = start_ms * BF_US_PER_MS,
                                    .end_us = end_ms * BF_US_PER_MS};
    result.scope = (struct bf_slice){colon + 1, rest.len - result.kpi.len - 1};
    result.final = memmem(json.data, json.len, "\"final\":true", 12) != NULL;
    tell(trail, now_us, result, result.final ? TOLD_FINAL : TOLD_OPEN);
}

uint64_t bf_trail_count(const struct bf_trail *trail)
{
    return trail->count;
}

bool bf_trail_settled(const struct bf_trail *trail)
{
    for (uint64_t n = trail->count; n > oldest(trail); n--) {
        const struct pending *pending = &trail->ring[n % BF_TRAIL_ROOM];
        bool settled = pending->rejected || pending->heard.readings == 0;
        if (!settled && !pending->logged) {
            return false;
        }
        for (size_t i = 0; !settled && i < pending->heard.interest_count; i++) {
            if ((pending->flags[i] & (TOLD_OPEN | TOLD_FINAL)) == 0) {
                return false;
            }
        }
    }
    return true;
}
