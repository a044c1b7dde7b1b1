/* config_log.h: the configuration as it stands in the log (topic belfry.config): the install record, the
 * generations, and each generation's whole city. Readers never look at files: what is not in the log does
 * not count. Only `belfry reload` (and `belfry up`, where no generation exists yet) writes.
 *
 * Order of a reload, so that one cut short is finished by running it again: bundle chunks (key "<hash>.<n>",
 * header `last` on the last), generation.N {hash, from, complete: false}, a control record to every
 * readings partition, generation.N {…, complete: true}.
 *
 * Owner: creator.   Thread: one.   Limits: 64 generations held; cities are parsed once and live as long as
 * the log object. */
#ifndef BF_CONFIG_LOG_H
#define BF_CONFIG_LOG_H

#include "config/city.h"
#include "core/health.h"
#include "core/record.h"
#include "peers/kafka/kafka.h"

struct bf_config_log;

/* Reads belfry.config to its end. CONFIG with the hint `belfry topics` where there is no install record. */
enum bf_status bf_config_log_open(const struct bf_kafka_options *options,
                               const struct bf_aggregate_kind *const *aggregates,
                                  struct bf_config_log **log, struct bf_err *err) BF_MUST_CHECK;
/* As open, for a daemon: waits as long as Kafka does not answer or has no topics, with the reason in readyz
 * and in the log (where it changes, and once a minute). PEER only when the daemon was asked to stop. */
enum bf_status bf_config_log_await(const struct bf_kafka_options *options,
                                   const struct bf_aggregate_kind *const *aggregates,
                                   struct bf_health *health, struct bf_config_log **log,
                                   struct bf_err *err) BF_MUST_CHECK;
void bf_config_log_close(struct bf_config_log *log);
/* Reads what has come since; waits at most timeout_ms for something. OK or AGAIN. */
enum bf_status bf_config_log_refresh(struct bf_config_log *log, int timeout_ms,
                                     struct bf_err *err) BF_MUST_CHECK;

const struct bf_install *bf_config_log_install(const struct bf_config_log *log);
/* The newest complete generation's number; 0 where there is none. */
int64_t bf_config_log_newest(const struct bf_config_log *log);
/* What a generation is: AGAIN where it is not there (yet) or its bundle is not whole. */
enum bf_status bf_config_log_generation(struct bf_config_log *log, int64_t generation,
                                        struct bf_generation *record, const struct bf_city **city,
                                        struct bf_err *err) BF_MUST_CHECK;

/* ---- writers (cli only) */
/* Writes the install record where there is none. *made tells. */
enum bf_status bf_config_log_install_once(const struct bf_kafka_options *options, bool *made,
                                          struct bf_err *err) BF_MUST_CHECK;
/* Puts a checked bundle into force at log time `from_us` (BF_TIME_NONE for the first generation) and
 * returns its number. An unchanged bundle is no new generation: *generation is the running one. Finishes an
 * unfinished generation first. */
enum bf_status bf_config_log_reload(const struct bf_kafka_options *options, const struct bf_bundle *bundle,
                                    int64_t from_us, int64_t *generation, struct bf_err *err) BF_MUST_CHECK;

#endif
