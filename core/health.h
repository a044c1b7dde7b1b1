/* health.h: whether a daemon is ready, and if not, why. A few named conditions that its parts set;
 * /readyz, sd_notify's STATUS and the log say the same words.
 * Owner: the daemon.   Thread: any (one lock).   Limits: BF_HEALTH_MAX conditions. */
#ifndef BF_CORE_HEALTH_H
#define BF_CORE_HEALTH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define BF_HEALTH_MAX 16

enum bf_health_state { BF_HEALTH_OK, BF_HEALTH_DEGRADED, BF_HEALTH_NOT_READY };

struct bf_health_condition {
    const char *name; /* "mqtt", "kafka", "redis", "clock", static */
    enum bf_health_state state;
    char reason[160];
};

struct bf_health {
    pthread_mutex_t lock;
    struct bf_health_condition conditions[BF_HEALTH_MAX];
    size_t used;
};

void bf_health_init(struct bf_health *health);
void bf_health_set(struct bf_health *health, const char *name, enum bf_health_state state,
                   const char *reason_format, ...) __attribute__((format(printf, 4, 5)));
/* The worst of all; writes {"ready":false,"conditions":[{"name":…,"state":…,"reason":…}]} (JSON). */
enum bf_health_state bf_health_format(struct bf_health *health, char *json, size_t size);

#endif
