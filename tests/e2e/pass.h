/* pass.h: a whole topic, record by record, to the end that it had when the pass began.
 *
 *     struct pass pass;
 *     status = pass_begin(&pass, &options, BF_TOPIC_READINGS, &err);      pass.records: how many there may be
 *     status = status == BF_OK ? pass_run(&pass, take_one, context, &err) : status;
 *     pass_end(&pass);                                                    also after a begin that failed
 *
 * Owner: the caller's struct.   Thread: one.   Limits: PASS_PARTITIONS.
 * Errors: PEER where Kafka gives nothing for long; FATAL where a log has lost its beginning; the taker's. */
#ifndef BF_TESTS_E2E_PASS_H
#define BF_TESTS_E2E_PASS_H

#include "peers/kafka/kafka.h"

#define PASS_PARTITIONS 64

typedef enum bf_status pass_take(void *context, const struct bf_incoming *incoming, struct bf_err *err);

struct pass {
    struct bf_consumer *consumer;
    int64_t ends[PASS_PARTITIONS]; /* 0: read to its end */
    int32_t partitions;
    size_t open;
    uint64_t records;
};

enum bf_status pass_begin(struct pass *pass, const struct bf_kafka_options *options, enum bf_topic topic,
                          struct bf_err *err) BF_MUST_CHECK;
enum bf_status pass_run(struct pass *pass, pass_take *take, void *context, struct bf_err *err) BF_MUST_CHECK;
void pass_end(struct pass *pass);

#endif
