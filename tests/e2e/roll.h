/* roll.h: calls the roll: every single message that the devices sent, by its hash (which tells device and
 * message: topic and payload), held against what the logs say that the broker handed over. A sum would let a
 * message that was lost hide behind one that came twice.
 *
 *     struct roll_sums sums;
 *     status = roll_call(journals, count, &options, &sums, &err);          then sums.lost == 0 and so on
 *
 * A delivery is what (ingest id, epoch, serial, hash) names, however often it stands in the logs. Of a
 * message sent on s connections (`belfry simulate --journal`) there must be one delivery at least, if it was
 * acknowledged, and s at most. A second one means that the broker was given it twice.
 * Owner: none.   Thread: one.   Limits: memory for every message and delivery.
 * Errors: as pass.h; FATAL for a journal that cannot be read. */
#ifndef BF_TESTS_E2E_ROLL_H
#define BF_TESTS_E2E_ROLL_H

#include "tests/e2e/pass.h"

struct roll_sums {
    uint64_t acknowledged; /* messages of the journals that the broker acknowledged */
    uint64_t again;        /* messages of the journals that were sent on more than one connection */
    uint64_t alike;        /* messages with the very bytes of another: they are counted together */
    uint64_t lost;         /* acknowledged, and in no log */
    uint64_t twice;        /* deliveries beyond one for each message, as far as it was sent again */
    uint64_t doubled;      /* deliveries beyond that: nobody but belfry can have made them */
    uint64_t others;       /* deliveries of messages that stand in no journal */
};

enum bf_status roll_call(const char (*journals)[400], size_t count, const struct bf_kafka_options *options,
                         struct roll_sums *sums, struct bf_err *err) BF_MUST_CHECK;

#endif
