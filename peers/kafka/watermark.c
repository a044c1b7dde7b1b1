/* watermark.c: a ring of flags behind a rising mark. One byte per record in flight: bits would save a few
 * kilobytes and cost a read-modify-write. Declined: a heap of outstanding numbers (logarithmic, and it
 * allocates), and a lock-free ring (only one thread polls at a time, so the lock is never contended). */
#include "peers/kafka/watermark.h"

#include <assert.h>
#include <stdlib.h>

bool bf__watermark_init(struct bf__watermark *watermark, uint64_t capacity)
{
    uint64_t size = 1;
    while (size < capacity) {
        size <<= 1;
    }
    watermark->done = calloc(size, 1);
    watermark->mask = size - 1;
    atomic_init(&watermark->low, 0);
    atomic_init(&watermark->handed, 0);
    pthread_mutex_init(&watermark->lock, NULL);
    return watermark->done != NULL;
}

void bf__watermark_deinit(struct bf__watermark *watermark)
{
    free(watermark->done);
    watermark->done = NULL;
    pthread_mutex_destroy(&watermark->lock);
}

uint64_t bf__watermark_reserve(const struct bf__watermark *watermark)
{
    uint64_t next = atomic_load_explicit(&watermark->handed, memory_order_relaxed) + 1;
    uint64_t low = atomic_load_explicit(&watermark->low, memory_order_acquire);
    return next - low > watermark->mask + 1 ? 0 : next;
}

void bf__watermark_handed(struct bf__watermark *watermark, uint64_t sequence)
{
    assert(sequence == atomic_load_explicit(&watermark->handed, memory_order_relaxed) + 1);
    atomic_store_explicit(&watermark->handed, sequence, memory_order_release);
}

void bf__watermark_ack(struct bf__watermark *watermark, uint64_t sequence)
{
    pthread_mutex_lock(&watermark->lock);
    uint64_t low = atomic_load_explicit(&watermark->low, memory_order_relaxed);
    assert(sequence > low && sequence - low <= watermark->mask + 1);
    assert(!watermark->done[sequence & watermark->mask]);
    watermark->done[sequence & watermark->mask] = 1;
    while (watermark->done[(low + 1) & watermark->mask]) {
        low++;
        watermark->done[low & watermark->mask] = 0;
    }
    atomic_store_explicit(&watermark->low, low, memory_order_release);
    pthread_mutex_unlock(&watermark->lock);
}

uint64_t bf__watermark_low(const struct bf__watermark *watermark)
{
    uint64_t low = atomic_load_explicit(&watermark->low, memory_order_acquire);
    uint64_t handed = atomic_load_explicit(&watermark->handed, memory_order_acquire);
    return low < handed ? low : handed;
}

bool bf__watermark_is_acked(struct bf__watermark *watermark, uint64_t sequence)
{
    if (sequence <= bf__watermark_low(watermark)) {
        return true;
    }
    pthread_mutex_lock(&watermark->lock);
    uint64_t low = atomic_load_explicit(&watermark->low, memory_order_relaxed);
    bool acked = sequence <= low || (sequence - low <= watermark->mask + 1 &&
                                     watermark->done[sequence & watermark->mask]);
    pthread_mutex_unlock(&watermark->lock);
    return acked;
}
