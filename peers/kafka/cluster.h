/* cluster.h: the embedded cluster: one broker in the memory of one process, for trying belfry and for its
 * tests. It is librdkafka's mock cluster, which speaks Kafka's protocol to any process that connects.
 *
 * What it is not (measured with librdkafka 2.0.2):
 *   - memory only: what it holds ends with the process;
 *   - a partition keeps 5 MiB or 100,000 batches; older records go without a word, and a reader that
 *     still wanted them finds its position outside the log;
 *   - no compaction, no retention by time, no LogAppendTime, no admin API (the topics are made here);
 *   - no fencing of zombies by instance id, no de-duplication of retried batches, no real transactions;
 *   - one member a group: a second one may find all partitions given to it, or none, for a while;
 *   - the first member of a group waits 1 s (3 s later than 5 s after the start), a killed one that comes
 *     back about 10 s.
 * Whatever belfry promises about these is proved on a real Kafka.
 *
 * Owner: creator.   Thread: the creator's; the broker runs on its own.   Limits: one broker, one cluster a
 * process (cluster.c defines bind, accept, poll and clock_gettime for the whole program). */
#ifndef BF_PEERS_KAFKA_CLUSTER_H
#define BF_PEERS_KAFKA_CLUSTER_H

#include <stdint.h>

#include "core/err.h"

struct bf_cluster;

/* port 0: a free one. Makes belfry's topics under `prefix`. PEER where the port is taken. */
enum bf_status bf_cluster_create(uint16_t port, const char *prefix, struct bf_cluster **cluster,
                                 struct bf_err *err) BF_MUST_CHECK;
/* "127.0.0.1:PORT"; lives as long as the cluster. */
const char *bf_cluster_bootstrap(const struct bf_cluster *cluster);
/* Every answer comes this much later: for seeing what a distant Kafka does to belfry. */
void bf_cluster_set_rtt(struct bf_cluster *cluster, int rtt_ms);
void bf_cluster_destroy(struct bf_cluster *cluster);

#endif
