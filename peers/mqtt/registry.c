/* registry.c: which connections live, and which are inside their owner's callback.
 *
 * Paho calls back from threads of its own, also for what it had under way when a client was destroyed. So
 * each callback asks here first. A lock and a walk over a short list per message cost far less than the
 * system calls that Paho makes for each.
 * Declined: trusting MQTTAsync_destroy to be a barrier: it is none for the connect and publish answers. */
#include <assert.h>
#include <pthread.h>

#include "peers/mqtt/internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static struct bf_mqtt *living;

void bf__mqtt_register(struct bf_mqtt *mqtt)
{
    pthread_mutex_lock(&lock);
    mqtt->next = living;
    living = mqtt;
    pthread_mutex_unlock(&lock);
}

void bf__mqtt_unregister(struct bf_mqtt *mqtt)
{
    pthread_mutex_lock(&lock);
    struct bf_mqtt **at = &living;
    while (*at != mqtt) {
        assert(*at && "destroyed twice");
        at = &(*at)->next;
    }
    *at = mqtt->next;
    while (mqtt->running > 0) {
        pthread_cond_wait(&left, &lock);
    }
    pthread_mutex_unlock(&lock);
}

struct bf_mqtt *bf__mqtt_enter(void *context)
{
    pthread_mutex_lock(&lock);
    struct bf_mqtt *mqtt = living;
    while (mqtt && mqtt != context) {
        mqtt = mqtt->next;
    }
    if (mqtt) {
        mqtt->running++;
    }
    pthread_mutex_unlock(&lock);
    return mqtt;
}

void bf__mqtt_leave(struct bf_mqtt *mqtt)
{
    pthread_mutex_lock(&lock);
    mqtt->running--;
    pthread_cond_broadcast(&left);
    pthread_mutex_unlock(&lock);
}
