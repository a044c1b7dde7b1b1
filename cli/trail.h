/* trail.h: which of what is seen in the logs and in Redis belongs to which message that was heard. By
 * payload hash into belfry.readings or belfry.rejects; from there by KPI, scope and window. Of each KPI's
 * window the first provisional result behind the reading and the first final one are told, with Redis' word
 * of both.
 *
 * Owner: creator.   Thread: one.
 * Limits: the newest BF_TRAIL_ROOM messages; older ones are no longer followed. */
#ifndef BF_CLI_TRAIL_H
#define BF_CLI_TRAIL_H

#include "cli/ear.h"
#include "core/record.h"
#include "core/result.h"

#define BF_TRAIL_ROOM 64

enum bf_trail_stage { BF_TRAIL_MQTT, BF_TRAIL_LOG, BF_TRAIL_REJECT, BF_TRAIL_KPI, BF_TRAIL_REDIS };

struct bf_trail_event {
    uint64_t message; /* from 1 */
    uint64_t others;  /* older messages that it is as well about */
    enum bf_trail_stage stage;
    int64_t after_us; /* since the message was heard */
    const struct bf_heard *heard;
    /* LOG */
    int32_t partition;
    int64_t offset;
    bool dup;
    /* REJECT */
    struct bf_slice reason, detail;
    /* KPI, REDIS */
    struct bf_slice kpi, scope;
    int64_t start_us, end_us;
    bool final;
    /* KPI */
    bool has_value;
    double value;
    uint64_t n;
};

struct bf_trail;

enum bf_status bf_trail_create(const struct bf_kpi_plan *plan,
                               void (*say)(void *context, const struct bf_trail_event *event), void *context,
                               struct bf_trail **trail, struct bf_err *err) BF_MUST_CHECK;
void bf_trail_destroy(struct bf_trail *trail);
/* now_us: monotonic, when it was seen. */
void bf_trail_heard(struct bf_trail *trail, const struct bf_heard *heard);
void bf_trail_reading(struct bf_trail *trail, int64_t now_us, const struct bf_reading *reading,
                      int32_t partition, int64_t offset);
void bf_trail_reject(struct bf_trail *trail, int64_t now_us, const struct bf_reject *reject);
void bf_trail_kpi(struct bf_trail *trail, int64_t now_us, const struct bf_kpi *kpi);
/* What a channel of Redis said: "belfry:v1:kpi:<kpi>:<scope>" and its JSON. */
void bf_trail_redis(struct bf_trail *trail, int64_t now_us, struct bf_slice channel, struct bf_slice json);
uint64_t bf_trail_count(const struct bf_trail *trail); /* messages heard */
/* Every one of them was rejected, or has a result of each of its KPIs in Redis. */
bool bf_trail_settled(const struct bf_trail *trail);

#endif
