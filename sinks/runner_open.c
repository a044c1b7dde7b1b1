/* runner_open.c: what belfry-sink needs before its first turn, and how it ends. */
#include <stdlib.h>
#include <string.h>

#include "core/time.h"
#include "sinks/runner_state.h"

#define CLIENT_ID "belfry-sink"

/* What librdkafka may read ahead; its default is 64 MB, more than the rest of the process together. A
 * setting of the installation goes before it. */
static void limit_memory(struct bf__runner *runner)
{
    static const struct bf_property ours[] = {
        {.name = "queued.max.messages.kbytes", .value = "8192"},
        {.name = "queued.min.messages", .value = "20000"},
        {.name = "fetch.message.max.bytes", .value = "1048576"},
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        bool given = runner->kafka.property_count >= BF_WIRING_PROPERTIES;
        for (size_t k = 0; k < runner->kafka.property_count && !given; k++) {
            given = strcmp(runner->properties[k].name, ours[i].name) == 0;
        }
        if (!given) {
            runner->properties[runner->kafka.property_count++] = ours[i];
        }
    }
    runner->kafka.properties = runner->properties;
}

static struct bf_counter *count(struct bf__runner *runner, const char *name, const char *help,
                                const char *label, const char *value)
{
    return bf_counters_add(runner->context.counters, BF_COUNTER, name, help, label, value);
}

static struct bf_counter *gauge(struct bf__runner *runner, const char *name, const char *help)
{
    return bf_counters_add(runner->context.counters, BF_GAUGE, name, help, NULL, NULL);
}

static void add_counters(struct bf__runner *runner)
{
    static const char records[] = "belfry_sink_records_total";
    static const char help[] = "Records read from belfry.kpis, by kind";
    runner->kpis = count(runner, records, help, "kind", "kpi");
    runner->devices = count(runner, records, help, "kind", "device");
    runner->ticks = count(runner, records, help, "kind", "other");
    runner->malformed = count(runner, records, help, "kind", "malformed");
    runner->batches = count(runner, "belfry_sink_batches_total", "Batches handed to the sink", NULL, NULL);
    runner->syncs = count(runner, "belfry_sink_syncs_total",
                          "Times that positions were read from the sink: starts, reconnects, rollbacks", NULL,
                          NULL);
    runner->behind = gauge(runner, "belfry_sink_behind_records", "Records of belfry.kpis not yet applied");
    runner->behind_ms =
        gauge(runner, "belfry_sink_behind_ms", "Age of the newest record applied, while behind");
    runner->generation =
        gauge(runner, "belfry_config_generation", "Generation of the configuration in force");
}

static enum bf_status make_feeds(struct bf__runner *runner, struct bf_err *err)
{
    size_t count_all = (size_t)runner->partitions;
    runner->feeds = calloc(count_all, sizeof *runner->feeds);
    runner->positions = calloc(count_all, sizeof *runner->positions);
    runner->seeks = calloc(count_all, sizeof *runner->seeks);
    if (!runner->feeds || !runner->positions || !runner->seeks) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    enum bf_status status = BF_OK;
    for (int32_t i = 0; i < runner->partitions && status == BF_OK; i++) {
        status = bf__feed_init(&runner->feeds[i], i, (size_t)runner->site->sink.batch, err);
    }
    return status;
}

static enum bf_status open_all(struct bf__runner *runner, struct bf_err *err)
{
    enum bf_status status = bf_site_load(runner->context.config_path, &runner->site, err);
    if (status != BF_OK) {
        return status;
    }
    runner->kafka = bf_wiring_kafka(runner->site, CLIENT_ID, runner->properties);
    limit_memory(runner);
    add_counters(runner);
    status = bf_http_start(runner->site->sink.http, runner->context.counters, runner->context.health,
                           &runner->http, err);
    if (status == BF_OK) {
        status = bf_config_log_await(&runner->kafka, NULL, runner->context.health, &runner->log, err);
    }
    if (status != BF_OK) {
        return status;
    }
    const struct bf_install *install = bf_config_log_install(runner->log);
    runner->partitions = install->kpis;
    struct bf_sink_options options = {
        .site = runner->site,
        .install = install->id,
        .partitions = runner->partitions,
        .counters = runner->context.counters,
    };
    runner->sink = bf_sink_find(BF_SLICE("redis"));
    status = make_feeds(runner, err);
    status = status == BF_OK ? runner->sink->open(&options, &runner->self, err) : status;
    return status == BF_OK ? bf_consumer_create(&runner->kafka, NULL, true, &runner->consumer, err) : status;
}

enum bf_status bf__runner_open(struct bf_daemon_context *context, void **self, struct bf_err *err)
{
    struct bf__runner *runner = calloc(1, sizeof *runner);
    if (!runner) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    runner->context = *context;
    runner->clock_us = BF_TIME_NONE;
    runner->next_from_us = INT64_MAX;
    bf_health_set(context->health, "kafka", BF_HEALTH_NOT_READY, "not connected yet");
    bf_health_set(context->health, "config", BF_HEALTH_NOT_READY, "not read yet");
    bf_health_set(context->health, "redis", BF_HEALTH_NOT_READY, "not connected yet");
    enum bf_status status = open_all(runner, err);
    if (status != BF_OK) {
        bf__runner_close(runner);
        return status;
    }
    *self = runner;
    return BF_OK;
}

void bf__runner_close(void *self)
{
    struct bf__runner *runner = self;
    if (runner->synced && bf__runner_write(runner, true, NULL) == BF_OK) {
        (void)runner->sink->flush(runner->self, NULL);
    }
    if (runner->holding) {
        bf_incoming_release(&runner->held);
    }
    for (int32_t i = 0; runner->feeds && i < runner->partitions; i++) {
        bf__feed_deinit(&runner->feeds[i]);
    }
    if (runner->self) {
        runner->sink->close(runner->self);
    }
    if (runner->consumer) {
        bf_consumer_destroy(runner->consumer);
    }
    if (runner->log) {
        bf_config_log_close(runner->log);
    }
    bf_http_stop(runner->http);
    free(runner->feeds);
    free(runner->positions);
    free(runner->seeks);
    bf_site_destroy(runner->site);
    free(runner);
}
