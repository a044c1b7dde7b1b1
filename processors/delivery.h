/* delivery.h: what one partition remembers of one ingest id's deliveries, so that a redelivered message is
 * counted once. A slot per serial modulo BF_DELIVERIES: within one partition the readings of a message come
 * in ascending index, and what a producer got into the log is a prefix, so the highest index says it all.
 *
 * A message without a packet id (QoS 0) is never redelivered and is not remembered.
 *
 * Owner:  the writer (clock.h).   Thread: the task's.
 * Limits: BF_DELIVERIES serials back from the newest, 16 bytes each; older ones are forgotten, which the
 *         ack gate keeps from mattering. A new session epoch forgets everything. */
#ifndef BF_PROCESSORS_DELIVERY_H
#define BF_PROCESSORS_DELIVERY_H

#include "core/err.h"
#include "core/mp.h"
#include "core/reading.h"

#define BF_DELIVERIES 32768

struct bf_deliveries;

struct bf_deliveries *bf_deliveries_create(void);
void bf_deliveries_destroy(struct bf_deliveries *deliveries);
/* True if this very reading was seen before (the message is marked DUP and the same epoch, serial, payload
 * hash and index came by). Otherwise remembers it. */
bool bf_deliveries_seen(struct bf_deliveries *deliveries, const struct bf_delivery *delivery);
/* A tick's serial: what lies more than BF_DELIVERIES before it is forgotten. */
void bf_deliveries_advance(struct bf_deliveries *deliveries, int64_t epoch, int64_t serial);
void bf_deliveries_save(const struct bf_deliveries *deliveries, struct bf_mp_writer *out);
enum bf_status bf_deliveries_load(struct bf_deliveries *deliveries,
                                  struct bf_mp_reader *in) BF_MUST_CHECK;

#endif
