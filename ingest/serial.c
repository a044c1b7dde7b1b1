/* serial.c: the unroll rules of serial.h.
 * Declined: a delivery counter as the only rule (a crash loop re-reads the head of the rewind again and
 * again, and numbers that rise with each reading age the tail out of the tasks' memory), and the bare packet
 * id (it repeats after 65,535 messages). */
#include "ingest/serial.h"

void bf_serial_init(struct bf_serial *serial, bool free_ids)
{
    serial->free_ids = free_ids;
    bf_serial_begin(serial, 0);
}

void bf_serial_begin(struct bf_serial *serial, int64_t newest)
{
    serial->first = true;
    serial->previous = newest;
    atomic_store(&serial->newest, newest);
}

int64_t bf_serial_newest(const struct bf_serial *serial)
{
    return atomic_load_explicit(&serial->newest, memory_order_relaxed);
}

/* How far `packet_id` lies ahead of the id that `serial` stands for: 0 to 65534. */
static int64_t ahead_of(int64_t serial, uint16_t packet_id)
{
    int64_t ahead = (packet_id - serial) % BF_PACKET_IDS;
    return ahead < 0 ? ahead + BF_PACKET_IDS : ahead;
}

static int64_t unroll_first(int64_t newest, uint16_t packet_id, bool dup)
{
    int64_t ahead = ahead_of(newest, packet_id);
    if (!dup) { /* nothing is in flight: the id is new, wherever the cycle stands */
        return newest + (ahead ? ahead : BF_PACKET_IDS);
    }
    return newest + (ahead <= BF_PACKET_IDS / 2 ? ahead : ahead - BF_PACKET_IDS);
}

enum bf_status bf_serial_next(struct bf_serial *serial, uint16_t packet_id, bool dup, int64_t *result,
                              struct bf_err *err)
{
    int64_t newest = bf_serial_newest(serial);
    if (packet_id == 0) {
        *result = newest;
        return BF_OK;
    }
    int64_t unrolled;
    if (serial->free_ids) {
        unrolled = newest + 1;
    } else if (serial->first) {
        unrolled = unroll_first(newest, packet_id, dup);
    } else {
        int64_t ahead = ahead_of(serial->previous, packet_id);
        if (!dup && (ahead == 0 || ahead > BF_PACKET_IDS / 2)) {
            bf_err_set(err, BF_FATAL, "the MQTT broker's packet ids do not run forward: %d after %d",
                       packet_id, (int)((serial->previous % BF_PACKET_IDS + BF_PACKET_IDS) % BF_PACKET_IDS));
            bf_err_detail(err, "a broker that hands out the lowest free id gives two messages one identity");
            bf_err_hint(err,
                        "set `packet_ids: free` in the ingest section; redeliveries may then count twice");
            return BF_FATAL;
        }
        unrolled = serial->previous + ahead;
    }
    serial->first = false;
    serial->previous = unrolled;
    if (unrolled > newest) {
        atomic_store_explicit(&serial->newest, unrolled, memory_order_relaxed);
    }
    *result = unrolled;
    return BF_OK;
}
