/* redis_known.h: what Redis holds, as the sink left it: of each KPI and scope the newest window, and of each
 * writing task the last origin. Nobody else writes while position and writer stand as expected, so the sink
 * decides by itself what a record changes: a record costs Redis no question, and a provisional value only the
 * fields that differ.
 *
 * Whatever the sink does not know it asks before it writes. All is forgotten at every sync (that is: after
 * every failure, rollback and reconnect), whenever a change of configuration removes keys, and when the
 * script finds a hash otherwise than expected (somebody removed it by hand).
 *
 * Owner:  the sink.   Thread: the sink's.
 * Limits: BF_KNOWN_MAX entries; where they do not suffice, all are forgotten and asked again. */
#ifndef BF_SINKS_REDIS_KNOWN_H
#define BF_SINKS_REDIS_KNOWN_H

#include "core/table.h"
#include "peers/redis/redis.h"
#include "sinks/sink.h"
#include "sinks/words.h"

#define BF_KNOWN_MAX 65536 /* more than twice the largest batch: each record needs at most two */

struct bf__known {
    struct {
        uint64_t hash;
        uint32_t check, partition; /* another hash; of a task its partition + 1, of a KPI 0 */
    } key;
    bool asked; /* the answer is still to come */
    union {
        struct bf__known_kpi {
            int64_t seq; /* 0: Redis has none of it */
            int64_t start_ms, revision;
            uint32_t fields; /* that the hash has: bits in the order of bf__kpi_fields */
            bool final;
            uint64_t values[BF_KPI_FIELDS]; /* hash of each, to tell what has changed */
        } kpi;
        struct {
            int64_t offset, index; /* -1: none */
        } origin;
    } as;
};

/* NULL: ask first. Pointers hold until the next learn. */
struct bf__known *bf__known_kpi(struct bf_table *table, const struct bf_kpi *kpi);
struct bf__known *bf__known_origin(struct bf_table *table, int32_t partition, struct bf_slice task);

/* Asks for whatever the batch needs from record `first` on, in one round trip; nothing else may be in
 * flight, and no record gathered. KPIs without `names` are left out. */
struct bf__redis_sink;
enum bf_status bf__known_learn(struct bf__redis_sink *sink, const struct bf_sink_batch *batch, size_t first,
                               struct bf_err *err) BF_MUST_CHECK;

/* Whether the window belongs into the hash: the newest wins, in it the newest revision, and a final wins over
 * a provisional value. */
bool bf__known_is_newest(const struct bf__known_kpi *known, const struct bf_kpi *kpi);

#endif
