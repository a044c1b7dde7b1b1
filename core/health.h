/* health.h: whether a daemon is ready, and if not, why. A few named conditions that its parts set;
 * /readyz, sd_notify's STATUS and the log say the same words.
 * Declined: a history (the log has it) and a score (nobody can act on a number).
 * Owner: the daemon.   Thread: any (one lock).   Errors: none.
 * Limits: BF_HEALTH_MAX conditions, one more is a programmer error; a reason is cut. */
#ifndef BF_CORE_HEALTH_H
#define BF_CORE_HEALTH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define BF_HEALTH_MAX 16
#define BF_HEALTH_REASON_MAX 160
/* What the JSON of all conditions needs at most (a byte may become six). */
#define BF_HEALTH_JSON_MAX 20480

enum bf_health_state { BF_HEALTH_OK, BF_HEALTH_DEGRADED, BF_HEALTH_NOT_READY };

struct bf_health_condition {
    const char *name; /* "mqtt", "kafka", "redis", "clock", static */
    enum bf_health_state state;
    char reason[BF_HEALTH_REASON_MAX];
};

struct bf_health {
    pthread_mutex_t lock;
    struct bf_health_condition conditions[BF_HEALTH_MAX];
    size_t used;
};

void bf_health_init(struct bf_health *health);
void bf_health_deinit(struct bf_health *health);
/* The first call makes the condition; a change of state is logged as event=health.<name>. */
void bf_health_set(struct bf_health *health, const char *name, enum bf_health_state state,
                   const char *reason_format, ...) __attribute__((format(printf, 4, 5)));
/* The worst of all; writes {"ready":false,"state":"not_ready","conditions":[{"name":…,"state":…,
 * "reason":…}]}. What does not fit in `size` (>= 64) is left out condition by condition. */
enum bf_health_state bf_health_format(struct bf_health *health, char *json, size_t size);
/* The same in one line for a person: "ready", or "kafka: no broker answers; redis: …". */
enum bf_health_state bf_health_summary(struct bf_health *health, char *text, size_t size);

#endif
