/* config_await.c: a daemon's first step. Kafka may be away for hours when a host starts, and a supervisor
 * that starts a daemon anew every few seconds meanwhile says less than a daemon that waits and says why.
 * Declined: a time-out (nobody could choose it). */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "config/log/config_log.h"
#include "core/daemon.h"
#include "core/log.h"
#include "core/time.h"

#define TEXT_MAX 1024
#define REACH_MS 1000
#define TURN_US (100 * BF_US_PER_MS)
#define PAUSE_MAX_US (2 * BF_US_PER_S)
#define SAY_AGAIN_US (60 * BF_US_PER_S)

struct wait {
    struct bf_health *health;
    char said[TEXT_MAX];
    int64_t said_us, pause_us; /* monotonic; the pause doubles */
};

static void say_and_rest(struct wait *wait, const struct bf_err *err)
{
    char text[TEXT_MAX];
    int64_t now_us = bf_time_monotonic_us();
    (void)snprintf(text, sizeof text, "%s%s%s", err->message, err->detail[0] ? ": " : "", err->detail);
    bf_health_set(wait->health, "kafka", BF_HEALTH_NOT_READY, "%s", text);
    if (strcmp(text, wait->said) != 0 || now_us - wait->said_us >= SAY_AGAIN_US) {
        bf_log_err(BF_LOG_WARN, "kafka.waiting", err);
        memcpy(wait->said, text, sizeof text);
        wait->said_us = now_us;
    }
    wait->pause_us = wait->pause_us == 0 ? TURN_US : 2 * wait->pause_us;
    wait->pause_us = wait->pause_us > PAUSE_MAX_US ? PAUSE_MAX_US : wait->pause_us;
    int64_t until_us = now_us + wait->pause_us;
    while (bf_time_monotonic_us() < until_us && !bf_daemon_stopping()) {
        (void)poll(NULL, 0, (int)(TURN_US / BF_US_PER_MS)); /* a signal ends it */
    }
}

enum bf_status bf_config_log_await(const struct bf_kafka_options *options,
                                   const struct bf_aggregate_kind *const *aggregates,
                                   struct bf_health *health, struct bf_config_log **log, struct bf_err *err)
{
    struct wait wait = {.health = health, .said = ""};
    struct bf_consumer *probe;
    enum bf_status status = bf_consumer_create(options, NULL, false, &probe, err);
    if (status != BF_OK) {
        return status;
    }
    do {
        status = bf_consumer_reach(probe, REACH_MS, err);
        if (status == BF_OK) { /* it answers, but may have no topics yet */
            status = bf_config_log_open(options, aggregates, log, err);
        }
        if (status == BF_PEER) {
            say_and_rest(&wait, err);
        }
    } while (status == BF_PEER && !bf_daemon_stopping());
    bf_consumer_destroy(probe);
    if (status == BF_OK && wait.said_us > 0) {
        bf_log(BF_LOG_INFO, "kafka.reached", "brokers=%s", options->brokers);
    }
    return status;
}
