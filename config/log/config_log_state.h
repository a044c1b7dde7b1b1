/* config_log_state.h: what the writers need of the reader. Internal to config/log.
 * Thread: the log's. */
#ifndef BF_CONFIG_LOG_STATE_H
#define BF_CONFIG_LOG_STATE_H

#include "config/log/config_log.h"

#define BF__CHUNK_BYTES 900000
#define BF__BUNDLE_CHUNKS 80 /* 64 MiB, bundle.h's limit, in chunks */
#define BF__GENERATIONS_MAX 64

/* Reads belfry.config to its end, with or without an install record. */
enum bf_status bf__config_log_read(const struct bf_kafka_options *options,
                               const struct bf_aggregate_kind *const *aggregates,
                                   struct bf_config_log **log, struct bf_err *err) BF_MUST_CHECK;
/* CONFIG where there is no install record. */
enum bf_status bf__config_log_require_install(const struct bf_config_log *log,
                                              struct bf_err *err) BF_MUST_CHECK;
/* The newest generation, complete or not; false where there is none. Its hash holds until the next
 * refresh. */
bool bf__config_log_last(const struct bf_config_log *log, struct bf_generation *record);
/* All chunks of that bundle are there. */
bool bf__config_log_has_bundle(const struct bf_config_log *log, struct bf_slice hash);

#endif
