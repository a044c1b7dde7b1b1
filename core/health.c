/* health.c: see health.h. */
#include "core/health.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"

static const char *const state_names[] = {
    [BF_HEALTH_OK] = "ok",
    [BF_HEALTH_DEGRADED] = "degraded",
    [BF_HEALTH_NOT_READY] = "not_ready",
};

void bf_health_init(struct bf_health *health)
{
    *health = (struct bf_health){.used = 0};
    pthread_mutex_init(&health->lock, NULL);
}

void bf_health_deinit(struct bf_health *health)
{
    pthread_mutex_destroy(&health->lock);
}

static struct bf_health_condition *find_or_add(struct bf_health *health, const char *name)
{
    for (size_t i = 0; i < health->used; i++) {
        if (strcmp(health->conditions[i].name, name) == 0) {
            return &health->conditions[i];
        }
    }
    assert(health->used < BF_HEALTH_MAX);
    struct bf_health_condition *condition = &health->conditions[health->used++];
    *condition = (struct bf_health_condition){.name = name, .state = BF_HEALTH_OK};
    return condition;
}

void bf_health_set(struct bf_health *health, const char *name, enum bf_health_state state,
                   const char *reason_format, ...)
{
    char reason[BF_HEALTH_REASON_MAX];
    va_list args;
    va_start(args, reason_format);
    vsnprintf(reason, sizeof reason, reason_format, args);
    va_end(args);

    pthread_mutex_lock(&health->lock);
    struct bf_health_condition *condition = find_or_add(health, name);
    bool changed = condition->state != state;
    condition->state = state;
    memcpy(condition->reason, reason, sizeof reason);
    pthread_mutex_unlock(&health->lock);
    if (changed) {
        char event[64];
        snprintf(event, sizeof event, "health.%s", name);
        bf_log(state == BF_HEALTH_OK ? BF_LOG_INFO : BF_LOG_WARN, event, "state=%s reason=%s",
               state_names[state], reason);
    }
}

static enum bf_health_state worst(const struct bf_health *health)
{
    enum bf_health_state state = BF_HEALTH_OK;
    for (size_t i = 0; i < health->used; i++) {
        if (health->conditions[i].state > state) {
            state = health->conditions[i].state;
        }
    }
    return state;
}

/* A reason as the inside of a JSON string. Bytes that are no printable ASCII become escapes of their own
 * value: a peer's words may be in any encoding, and the answer must be valid JSON all the same. */
static void escape(const char *text, char *json, size_t size)
{
    size_t len = 0;
    for (; *text != '\0' && len + 7 <= size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            json[len++] = '\\';
            json[len++] = (char)c;
        } else if (c < 0x20 || c >= 0x7f) {
            len += (size_t)snprintf(json + len, size - len, "\\u%04x", (unsigned)c);
        } else {
            json[len++] = (char)c;
        }
    }
    json[len] = '\0';
}

enum bf_health_state bf_health_format(struct bf_health *health, char *json, size_t size)
{
    assert(size >= 64);
    pthread_mutex_lock(&health->lock);
    enum bf_health_state state = worst(health);
    size_t len = (size_t)snprintf(json, size, "{\"ready\":%s,\"state\":\"%s\",\"conditions\":[",
                                  state == BF_HEALTH_NOT_READY ? "false" : "true", state_names[state]);
    const char *comma = "";
    for (size_t i = 0; i < health->used; i++) {
        const struct bf_health_condition *condition = &health->conditions[i];
        char reason[6 * BF_HEALTH_REASON_MAX + 8];
        char item[sizeof reason + 256];
        escape(condition->reason, reason, sizeof reason);
        int wanted = snprintf(item, sizeof item, "%s{\"name\":\"%s\",\"state\":\"%s\",\"reason\":\"%s\"}",
                              comma, condition->name, state_names[condition->state], reason);
        if (wanted > 0 && (size_t)wanted < sizeof item && len + (size_t)wanted + sizeof "]}" <= size) {
            memcpy(json + len, item, (size_t)wanted);
            len += (size_t)wanted;
            comma = ",";
        }
    }
    memcpy(json + len, "]}", sizeof "]}");
    pthread_mutex_unlock(&health->lock);
    return state;
}

enum bf_health_state bf_health_summary(struct bf_health *health, char *text, size_t size)
{
    assert(size >= 64);
    pthread_mutex_lock(&health->lock);
    enum bf_health_state state = worst(health);
    size_t len = 0;
    snprintf(text, size, "ready");
    for (size_t i = 0; i < health->used && len < size; i++) {
        const struct bf_health_condition *condition = &health->conditions[i];
        if (condition->state != BF_HEALTH_OK) {
            len += (size_t)snprintf(text + len, size - len, "%s%s: %s", len > 0 ? "; " : "", condition->name,
                                    condition->reason);
        }
    }
    pthread_mutex_unlock(&health->lock);
    return state;
}
