/* Why: a recorded day tells more than a simulated one. A capture is published with its own time in an MQTT 5
 * user property, so that belfry (`clock: message`) sees it as if it were then.
 * Declined: rewriting the times inside payloads: the decoder's work on real bytes is what is looked at. */
#include <stdio.h>

#include "cli/argument.h"
#include "cli/capture.h"
#include "cli/closing.h"
#include "cli/pace.h"
#include "cli/replay.h"

struct sums {
    uint64_t lines, unreadable;
    int64_t last_us;
};

static enum bf_status publish_lines(const struct bf_replay *replay, struct bf_capture *capture,
                                    struct bf_publisher *publisher, struct sums *sums, struct bf_err *err)
{
    struct bf_pace pace = {.speed = replay->speed};
    struct bf_capture_line line;
    int64_t deadline = replay->length_us ? bf_time_monotonic_us() + replay->length_us : INT64_MAX;
    while (bf_time_monotonic_us() < deadline) {
        struct bf_err bad;
        enum bf_status status = bf_capture_next(capture, &line, &bad);
        if (status == BF_AGAIN) {
            break;
        }
        if (status != BF_OK) {
            sums->unreadable++;
            fprintf(stderr, "belfry replay: %s\n", bad.message);
            continue;
        }
        if (sums->lines++ == 0) {
            bf_pace_start(&pace, replay->speed, line.time_us);
            sums->last_us = line.time_us;
        }
        if (!bf_pace_wait(&pace, line.time_us)) {
            break;
        }
        /* One connection: the broker keeps its order, and with it the order of the capture. */
        status = bf_publisher_send(publisher, 0, line.topic, line.payload, line.time_us, err);
        if (status != BF_OK) {
            return status;
        }
        sums->last_us = line.time_us > sums->last_us ? line.time_us : sums->last_us;
    }
    return bf_publisher_drain(publisher, 60000, err);
}

static void print_sums(const struct bf_replay *replay, const struct sums *sums,
                       struct bf_publisher_counts counts)
{
    unsigned long long lines = sums->lines + sums->unreadable, unreadable = sums->unreadable;
    unsigned long long published = counts.published, acknowledged = counts.acknowledged, again = counts.again;
    if (replay->json) {
        printf(
            "{\"lines\":%llu,\"unreadable\":%llu,\"published\":%llu,\"acknowledged\":%llu,\"again\":%llu}\n",
            lines, unreadable, published, acknowledged, again);
        return;
    }
    printf("%llu lines (%llu unreadable): %llu messages published, %llu acknowledged, %llu sent again\n",
           lines, unreadable, published, acknowledged, again);
}

enum bf_status bf_replay_capture(const struct bf_replay *replay, struct bf_err *err)
{
    struct bf_setting setting;
    struct bf_capture *capture = NULL;
    struct bf_publisher *publisher = NULL;
    struct sums sums = {.lines = 0};
    enum bf_status status = bf_setting_load(replay->config, true, &setting, err);
    if (status != BF_OK) {
        return status;
    }
    if (!setting.site->ingest.clock_message) {
        status = bf_err_set(err, BF_CONFIG, "a replay needs `clock: message` under `ingest:`");
        bf_err_hint(
            err, "In an installation that runs on real time, a capture would be late from its first line.");
        goto out;
    }
    status = bf_capture_open(replay->what, replay->topic, &capture, err);
    status = status == BF_OK ? bf_publisher_open(setting.site, "belfry-replay", 1, &publisher, err) : status;
    if (status != BF_OK) {
        goto out;
    }
    status = publish_lines(replay, capture, publisher, &sums, err);
    print_sums(replay, &sums, bf_publisher_read(publisher));
    if (status == BF_OK && sums.lines > 0) {
        status = bf_closing_send(publisher, &setting, sums.last_us, err);
    }
out:
    bf_publisher_close(publisher);
    bf_capture_close(capture);
    bf_setting_unload(&setting);
    return status;
}
