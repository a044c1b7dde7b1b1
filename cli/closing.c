/* Why: see closing.h. Declined: one jump to the end: a tick must be seen on the way for what is late to
 * leave stage 1, so time goes on in steps, and each step is left long enough for a tick. */
#include "cli/closing.h"

#include <stdio.h>

#include "cli/pace.h"

#define STEPS 8
#define STEP_WAIT_MS 250

enum bf_status bf_closing_send(struct bf_publisher *publisher, const struct bf_setting *setting,
                               int64_t last_us, struct bf_err *err)
{
    char topic[300];
    snprintf(topic, sizeof topic, "belfry/marker/%s", setting->site->ingest.id);
    int64_t tail = bf_setting_tail(setting->city);
    for (int step = 1; step <= STEPS && bf_pace_idle(STEP_WAIT_MS); step++) {
        int64_t time_us = last_us + tail + step * setting->city->time.emit_every_us;
        enum bf_status status =
            bf_publisher_send(publisher, 0, bf_slice_of(topic), BF_SLICE("closing"), time_us, err);
        if (status != BF_OK) {
            return status;
        }
    }
    return bf_publisher_drain(publisher, 10000, err);
}
