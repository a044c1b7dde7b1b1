/* configure.c: which generation of the configuration decodes.
 * A process starts with the generation of its id's last tick, because what the broker redelivers was decoded
 * by it, and changes to a newer one only through change.h. */
#include "core/log.h"
#include "core/time.h"
#include "ingest/state.h"

#define REFRESH_US BF_US_PER_S

static enum bf_status build(struct bf_ingest *ingest, int64_t generation, const struct bf_city **city,
                            struct bf_pipeline **pipeline, struct bf_err *err)
{
    const struct bf_pipeline_limits limits = bf_pipeline_limits_of(ingest->site);
    struct bf_generation record;
    enum bf_status status = bf_config_log_generation(ingest->log, generation, &record, city, err);
    return status == BF_OK ? bf_pipeline_create(*city, &limits, pipeline, err) : status;
}

static void take(struct bf_ingest *ingest)
{
    bf_pipeline_destroy(ingest->pipeline);
    ingest->generation = ingest->next_generation;
    ingest->city = ingest->next_city;
    ingest->pipeline = ingest->next_pipeline;
    ingest->next_pipeline = NULL;
    ingest->next_generation = 0;
    bf_gauge(ingest->tally.generation, ingest->generation);
    bf_ticker_pace(&ingest->ticker, ingest->city->time.tick_every_us, ingest->city->time.hold_max_us);
    for (size_t i = 0; i < ingest->city->problem_count; i++) {
        bf_log(BF_LOG_WARN, "config.problem", "text=%s", ingest->city->problems[i].text);
    }
    bf_log(BF_LOG_INFO, "config.generation", "generation=%lld hash=%.12s", (long long)ingest->generation,
           ingest->city->hash);
}

void bf__ingest_follow(struct bf_ingest *ingest)
{
    if (ingest->next_pipeline != NULL) {
        take(ingest);
    }
}

bool bf__ingest_has_configuration(struct bf_ingest *ingest, int64_t now_us)
{
    if (bf_config_log_newest(ingest->log) == 0 && now_us - ingest->refreshed_us >= REFRESH_US / 4) {
        ingest->refreshed_us = now_us;
        enum bf_status status = bf_config_log_refresh(ingest->log, 0, NULL);
        (void)status; /* Kafka away: the same question again */
    }
    return bf_config_log_newest(ingest->log) > 0;
}

enum bf_status bf__ingest_configure(struct bf_ingest *ingest, int64_t found, struct bf_err *err)
{
    if (ingest->generation != 0) {
        return BF_OK; /* a later connection of this process */
    }
    enum bf_status status = bf_config_log_refresh(ingest->log, 0, err);
    if (status == BF_FATAL) {
        return status;
    }
    int64_t wanted = found > 0 ? found : bf_config_log_newest(ingest->log);
    if (wanted == 0) {
        return BF_AGAIN;
    }
    status = build(ingest, wanted, &ingest->next_city, &ingest->next_pipeline, err);
    if (status == BF_OK) {
        ingest->next_generation = wanted;
        take(ingest);
    }
    return status;
}

bool bf__ingest_is_newer_ready(struct bf_ingest *ingest, int64_t now_us)
{
    struct bf_err err;
    if (ingest->next_pipeline != NULL) {
        return true;
    }
    if (ingest->generation == 0 || now_us - ingest->refreshed_us < REFRESH_US) {
        return false;
    }
    ingest->refreshed_us = now_us;
    enum bf_status status = bf_config_log_refresh(ingest->log, 0, &err);
    int64_t newest = bf_config_log_newest(ingest->log);
    if ((status != BF_OK && status != BF_AGAIN) || newest <= ingest->generation) {
        return false;
    }
    status = build(ingest, newest, &ingest->next_city, &ingest->next_pipeline, &err);
    if (status != BF_OK) {
        if (status != BF_AGAIN) {
            bf_log_err(BF_LOG_ERROR, "config.refused", &err);
        }
        return false;
    }
    ingest->next_generation = newest;
    return true;
}
