/* tap_log.c: the stages that lie in Kafka, from the end that each partition has now. See tap.h. */
#include "cli/setting.h"
#include "cli/tap.h"
#include "config/log/config_log.h"
#include "config/log/wiring.h"
#include "core/scope.h"
#include "core/wire.h"
#include "processors/aggregate/aggregate.h"

#define POLL_MS 50

struct source {
    enum bf_topic topic;
    int32_t partitions;
};

static struct source source_of(enum bf_tap_stage stage, const struct bf_install *install)
{
    switch (stage) {
    case BF_TAP_READINGS:
        return (struct source){.topic = BF_TOPIC_READINGS, .partitions = install->readings};
    case BF_TAP_REJECTS:
        return (struct source){.topic = BF_TOPIC_REJECTS, .partitions = install->rejects};
    case BF_TAP_KPIS:
        return (struct source){.topic = BF_TOPIC_KPIS, .partitions = install->kpis};
    case BF_TAP_SIGNALS:
        return (struct source){.topic = BF_TOPIC_SIGNALS, .partitions = 1};
    case BF_TAP_ALERTS:
    case BF_TAP_RAW:
    case BF_TAP_STAGES:
    default:
        return (struct source){.topic = BF_TOPIC_ALERTS, .partitions = 1};
    }
}

static enum bf_status open_consumer(const struct source *source, const struct bf_kafka_options *options,
                                    struct bf_consumer **consumer, struct bf_err *err)
{
    struct bf_position positions[BF_PARTITIONS_MAX];
    if (source->partitions > BF_PARTITIONS_MAX) {
        return bf_err_set(err, BF_LIMIT, "more than %d partitions", BF_PARTITIONS_MAX);
    }
    enum bf_status status = bf_consumer_create(options, NULL, false, consumer, err);
    for (int32_t i = 0; status == BF_OK && i < source->partitions; i++) {
        int64_t begin;
        positions[i] = (struct bf_position){.topic = source->topic, .partition = i};
        status = bf_consumer_range(*consumer, source->topic, i, &begin, &positions[i].offset, err);
    }
    return status == BF_OK ? bf_consumer_assign(*consumer, positions, (size_t)source->partitions, err)
                           : status;
}

static bool wants_reading(const struct bf_tap *tap, const struct bf_reading *reading)
{
    return bf_tap_is_device(tap, reading->source) &&
           (tap->zone == NULL || bf_slice_equal(reading->zone, bf_slice_of(tap->zone)));
}

static bool wants_reject(const struct bf_tap *tap, const struct bf_reject *reject)
{
    bool device =
        reject->source.len > 0 ? bf_tap_is_device(tap, reject->source) : bf_tap_in_topic(tap, reject->topic);
    return device && (tap->topic == NULL || bf_tap_filter_matches(bf_slice_of(tap->topic), reject->topic));
}

/* "device.office~3Adesk-42" and "zone.east" among the parts of a scope. */
static bool scope_holds(struct bf_slice scope, const char *kind, const char *id, bool ending)
{
    char escaped[BF_SCOPE_MAX];
    size_t len = bf_scope_escape(bf_slice_of(id), escaped, sizeof escaped), kind_len = strlen(kind);
    for (size_t at = 0; at <= scope.len;) {
        const char *plus = at < scope.len ? memchr(scope.data + at, '+', scope.len - at) : NULL;
        size_t end = plus != NULL ? (size_t)(plus - scope.data) : scope.len;
        struct bf_slice part = {scope.data + at, end - at};
        if (part.len >= kind_len + len && memcmp(part.data, kind, kind_len) == 0 &&
            memcmp(part.data + part.len - len, escaped, len) == 0) {
            size_t front = part.len - len - kind_len; /* network~3A before the id */
            if (front == 0 ||
                (ending && front >= 3 && memcmp(part.data + part.len - len - 3, "~3A", 3) == 0)) {
                return true;
            }
        }
        at = end + 1;
    }
    return false;
}

static bool wants_kpi(const struct bf_tap *tap, const struct bf_kpi *kpi)
{
    return (tap->kpi == NULL || bf_slice_equal(kpi->kpi, bf_slice_of(tap->kpi))) &&
           (tap->zone == NULL || scope_holds(kpi->scope, "zone.", tap->zone, false)) &&
           (tap->device == NULL || scope_holds(kpi->scope, "device.", tap->device, true));
}

static void take(struct bf_tap *tap, const struct bf_incoming *incoming)
{
    int64_t now_us = bf_time_monotonic_us();
    enum bf_record_type type;
    struct bf_reading reading;
    struct bf_reject reject;
    struct bf_kpi kpi;
    bool typed = bf_incoming_type(incoming, &type);
    if (tap->stage == BF_TAP_READINGS) {
        if ((typed && type != BF_RECORD_READING) ||
            bf_reading_unpack(incoming->value, &reading, NULL) != BF_OK || !wants_reading(tap, &reading) ||
            !bf_tap_allow(tap, now_us)) {
            return;
        }
        bf_tap_say_reading(tap, &reading);
    } else if (tap->stage == BF_TAP_REJECTS) {
        if (!typed || type != BF_RECORD_REJECT || bf_reject_unpack(incoming->value, &reject, NULL) != BF_OK ||
            !wants_reject(tap, &reject) || !bf_tap_allow(tap, now_us)) {
            return;
        }
        bf_tap_say_reject(tap, &reject);
    } else if (tap->stage == BF_TAP_KPIS) {
        if (!typed || type != BF_RECORD_KPI || bf_kpi_unpack(incoming->value, &kpi, NULL) != BF_OK ||
            !wants_kpi(tap, &kpi) || !bf_tap_allow(tap, now_us)) {
            return;
        }
        bf_tap_say_kpi(tap, &kpi);
    } else {
        bool tick = typed && (type == BF_RECORD_TICK || type == BF_RECORD_TASK_TICK);
        if (tick || !bf_tap_allow(tap, now_us)) {
            return;
        }
        bf_tap_say_record(tap, incoming);
    }
    tap->shown++;
}

static enum bf_status watch(struct bf_tap *tap, struct bf_consumer *consumer, struct bf_err *err)
{
    int64_t begun_us = bf_time_monotonic_us(), told_us = begun_us;
    int64_t until_us = tap->length_us > 0 ? begun_us + tap->length_us : INT64_MAX;
    enum bf_status status = BF_OK;
    while (status == BF_OK && !bf_tap_over(tap, until_us)) {
        struct bf_incoming incoming;
        status = bf_consumer_poll(consumer, POLL_MS, &incoming, err);
        if (status == BF_OK) {
            if (!incoming.eof) {
                take(tap, &incoming);
            }
            bf_incoming_release(&incoming);
        }
        if (status == BF_AGAIN || bf_time_monotonic_us() - told_us >= BF_US_PER_S / 10) {
            (void)fflush(stdout);
        }
        if (bf_time_monotonic_us() - told_us >= BF_US_PER_S) {
            told_us = bf_time_monotonic_us();
            bf_tap_left_out(tap);
        }
        status = status == BF_AGAIN ? BF_OK : status;
    }
    (void)fflush(stdout);
    return status;
}

enum bf_status bf_tap_log(struct bf_tap *tap, struct bf_err *err)
{
    struct bf_setting setting;
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_config_log *log = NULL;
    struct bf_consumer *consumer = NULL;
    enum bf_status status = bf_setting_load(tap->config, false, &setting, err);
    if (status != BF_OK) {
        return status;
    }
    const struct bf_kafka_options options = bf_wiring_kafka(setting.site, "belfry-tap", properties);
    status = bf_config_log_open(&options, bf_aggregate_kinds(), &log, err);
    if (status == BF_OK) {
        const struct source source = source_of(tap->stage, bf_config_log_install(log));
        status = open_consumer(&source, &options, &consumer, err);
    }
    if (status == BF_OK) {
        fputs("belfry tap: listening\n", stderr);
        status = watch(tap, consumer, err);
    }
    bf_consumer_destroy(consumer);
    bf_config_log_close(log);
    bf_setting_unload(&setting);
    return status;
}
