/* tap.h: what the parts of `belfry tap` share: what is asked for, how much may be shown, and how it is said.
 * Thread: main, except bf_tap_allow and bf_tap_left_out, which lock. */
#ifndef BF_CLI_TAP_H
#define BF_CLI_TAP_H

#include <pthread.h>
#include <stdio.h>

#include "core/record.h"
#include "core/result.h"
#include "peers/kafka/consumer.h"
#include "peers/kafka/kafka.h"

enum bf_tap_stage {
    BF_TAP_RAW,
    BF_TAP_READINGS,
    BF_TAP_REJECTS,
    BF_TAP_KPIS,
    BF_TAP_SIGNALS,
    BF_TAP_ALERTS,
    BF_TAP_STAGES
};

struct bf_tap {
    const char *config;
    enum bf_tap_stage stage;
    const char *device, *topic, *kpi, *zone; /* NULL: all */
    uint64_t rate, count;                    /* lines per second; lines in all, 0: no end */
    int64_t length_us;                       /* 0: until Ctrl-C */
    bool json;
    uint64_t shown;
    /* A bucket of `rate` lines that fills again in a second. */
    pthread_mutex_t lock;
    double tokens;
    int64_t filled_us;
    uint64_t left_out, told; /* told: of left_out, on standard error */
};

extern const char *const bf_tap_stages[BF_TAP_STAGES + 1]; /* their names; NULL-terminated */

enum bf_status bf_tap_raw(struct bf_tap *tap, struct bf_err *err) BF_MUST_CHECK; /* RAW */
enum bf_status bf_tap_log(struct bf_tap *tap, struct bf_err *err) BF_MUST_CHECK; /* the others */

/* Whether a line may be shown now; else it is counted as left out. */
bool bf_tap_allow(struct bf_tap *tap, int64_t now_us);
/* Says on standard error how many were left out since it last said so. */
void bf_tap_left_out(struct bf_tap *tap);
/* The end has come: enough lines, enough time, or a signal. */
bool bf_tap_over(const struct bf_tap *tap, int64_t until_us);

/* "desk-42" or "office:desk-42", with or without a channel. */
bool bf_tap_is_device(const struct bf_tap *tap, struct bf_slice source);
/* Whether the device's id is a level of the topic. */
bool bf_tap_in_topic(const struct bf_tap *tap, struct bf_slice topic);
/* As MQTT filters match. */
bool bf_tap_filter_matches(struct bf_slice filter, struct bf_slice topic);

struct bf_tap_message { /* of MQTT */
    int64_t at_us;
    struct bf_slice topic, payload;
    bool retained;
};

void bf_tap_say_message(const struct bf_tap *tap, const struct bf_tap_message *message);
void bf_tap_say_reading(const struct bf_tap *tap, const struct bf_reading *reading);
void bf_tap_say_reject(const struct bf_tap *tap, const struct bf_reject *reject);
void bf_tap_say_kpi(const struct bf_tap *tap, const struct bf_kpi *kpi);
/* A record of any other kind. */
void bf_tap_say_record(const struct bf_tap *tap, const struct bf_incoming *incoming);

#endif
