/* client.h: what every librdkafka handle of belfry has in common: the checked configuration, the log
 * callback and the names of topics. Internal to peers/kafka.
 * Thread: any. */
#ifndef BF_PEERS_KAFKA_CLIENT_H
#define BF_PEERS_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "peers/kafka/kafka.h"

#define BF__TOPIC_NAME_MAX 250 /* Kafka's own limit is 249 characters */
#define BF__CALL_MS 10000      /* how long one question to the cluster may take */

/* A configuration with the common settings, then `defaults` (which the user's map may override), then the
 * map, then `owned`. Both lists end with a NULL name. *conf is the caller's until rd_kafka_new takes it. */
enum bf_status bf__kafka_conf(const struct bf_kafka_options *options, const struct bf_property *defaults,
                              const struct bf_property *owned, rd_kafka_conf_t **conf,
                              struct bf_err *err) BF_MUST_CHECK;

/* Makes the handle; takes conf in every case. */
enum bf_status bf__kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **rk,
                             struct bf_err *err) BF_MUST_CHECK;

/* Ends the handle. False where librdkafka has not ended within a second: its threads are left behind, and
 * what they may still ask for (the opaque) must not be freed. */
bool bf__kafka_destroy(rd_kafka_t *rk, int flags);

/* True where the cluster is the embedded one (librdkafka's mock), which has no admin API. */
bool bf__kafka_is_embedded(rd_kafka_t *rk);

#endif
