/* serial.h: MQTT packet ids unrolled to 64-bit serials, so that a message keeps its serial through every
 * redelivery and a task can bound its memory of deliveries.
 *
 * Brokers hand out packet ids 1 to 65535 in a cycle. The first id of a connection is unrolled to the
 * nearest of the log's last serial; if it is not marked DUP nothing is in flight, so it lies ahead of
 * everything the log has seen and is unrolled forward only. Every later id of the connection runs forward.
 * A fresh id that does not run forward betrays a broker that hands out the lowest free id: then serials
 * would name two messages alike, so the caller must stop.
 *
 * Owner: the caller.   Thread: `next` and `begin` one at a time; last from any.
 * Errors: FATAL with the advice `packet_ids: free`. */
#ifndef BF_INGEST_SERIAL_H
#define BF_INGEST_SERIAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

#define BF_PACKET_IDS INT64_C(65535) /* 1 to 65535; 0 is no packet id */

struct bf_serial {
    bool free_ids;          /* `packet_ids: free`: a count of deliveries stands in */
    bool first;             /* nothing has come on this connection yet */
    int64_t previous;       /* serial of the newest packet of this connection */
    _Atomic int64_t newest; /* largest serial known: of the log or of this process */
};

void bf_serial_init(struct bf_serial *serial, bool free_ids);
/* A connection begins; `newest` is what the log knows. */
void bf_serial_begin(struct bf_serial *serial, int64_t newest);
/* Id 0 (QoS 0) gets the newest serial and changes nothing. */
enum bf_status bf_serial_next(struct bf_serial *serial, uint16_t packet_id, bool dup, int64_t *result,
                              struct bf_err *err) BF_MUST_CHECK;
int64_t bf_serial_newest(const struct bf_serial *serial);

#endif
