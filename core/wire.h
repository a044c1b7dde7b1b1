/* wire.h: records <-> msgpack. docs/RECORDS.md is the contract, tests/vectors/wire its golden bytes.
 *
 * pack: writes the canonical form into `writer`; the record must be valid (programmer errors assert);
 *   writer->full tells that it did not fit: the buffer, or a text its length (texts come from outside).
 *   An optional number that is not finite is left out; a mandatory one (a value) must be finite.
 * unpack: MALFORMED with a reason in err for anything but a map with the mandatory keys and types in
 *   range; unknown keys are skipped; slices of the record borrow from `bytes`.
 * Neither allocates.   Thread: any. */
#ifndef BF_CORE_WIRE_H
#define BF_CORE_WIRE_H

#include "core/err.h"
#include "core/mp.h"
#include "core/record.h"
#include "core/result.h"

#define BF_SCHEMA "1" /* header bf-schema */
#define BF_RECORD_MAX 900000 /* bytes of one record's value, below Kafka's default of 1 MB */

#define BF_WIRE(type)                                                                              \
    void bf_##type##_pack(const struct bf_##type *record, struct bf_mp_writer *writer);            \
    enum bf_status bf_##type##_unpack(struct bf_slice bytes, struct bf_##type *record,             \
                                      struct bf_err *err) BF_MUST_CHECK;
BF_WIRE(reading)
BF_WIRE(tick)
BF_WIRE(claim)
BF_WIRE(control)
BF_WIRE(generation)
BF_WIRE(install)
BF_WIRE(reject)
BF_WIRE(replayed)
BF_WIRE(task_tick)
BF_WIRE(partial)
BF_WIRE(kpi)
BF_WIRE(device)
BF_WIRE(chunk)
BF_WIRE(origin) /* an array [task, offset, index]: the value of the header bf-origin */
#undef BF_WIRE

/* -1, 0, 1 by (offset, index). */
int bf_origin_compare(const struct bf_origin *a, const struct bf_origin *b);

#endif
