/* device.h: the state of every device that a readings partition has seen: last seen, how many readings, of
 * which quality, where. It goes to belfry.kpis when it has changed, at once for a new device and at most
 * every device_every of log time for the others.
 *
 * Owner:  a stage 1 task.   Thread: the task's.
 * Limits: max_devices; one more is counted in `refused` and has no record (its readings count as ever). */
#ifndef BF_PROCESSORS_DEVICE_H
#define BF_PROCESSORS_DEVICE_H

#include "core/mp.h"
#include "processors/output.h"
#include "processors/pool.h"

struct bf_devices {
    struct bf_pool items, texts;
    uint32_t *heads; /* by hash, index */
    size_t mask;
    uint32_t dirty_first, dirty_last;
    uint64_t refused;
};

void bf_devices_init(struct bf_devices *devices);
void bf_devices_deinit(struct bf_devices *devices);
enum bf_status bf_devices_limit(struct bf_devices *devices, uint64_t limit, struct bf_err *err) BF_MUST_CHECK;
/* Begins to fetch the device's record into the cache: it will be noted in a moment. Changes nothing. */
void bf_devices_expect(const struct bf_devices *devices, struct bf_slice name);
/* The device's number, from 1; 0 where there is no room for it. */
uint32_t bf_devices_note(struct bf_devices *devices, const struct bf_reading *reading);
/* Where the device's series in this slot is remembered (window.h): a place of few, so another slot may have
 * it by now. No part of the state. */
uint32_t *bf_devices_handle(const struct bf_devices *devices, uint32_t device, uint32_t slot);
/* Writes what is due at now_us. */
void bf_devices_flush(struct bf_devices *devices, int64_t now_us, int64_t every_us, struct bf_outlet *outlet);
void bf_devices_save(const struct bf_devices *devices, struct bf_mp_writer *out);
enum bf_status bf_devices_load(struct bf_devices *devices, struct bf_mp_reader *in,
                               struct bf_err *err) BF_MUST_CHECK;

#endif
