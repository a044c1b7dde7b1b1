/* pass.c: see pass.h. Each pass has a consumer of its own, since an assignment is for life. */
#include "tests/e2e/pass.h"

#define POLL_MS 200
#define QUIET_POLLS 100

enum bf_status pass_begin(struct pass *pass, const struct bf_kafka_options *options, enum bf_topic topic,
                          struct bf_err *err)
{
    struct bf_position positions[PASS_PARTITIONS];
    *pass = (struct pass){.open = 0};
    enum bf_status status = bf_consumer_create(options, NULL, true, &pass->consumer, err);
    status = status == BF_OK ? bf_consumer_partitions(pass->consumer, topic, &pass->partitions, err) : status;
    if (status == BF_OK && pass->partitions > PASS_PARTITIONS) {
        return bf_err_set(err, BF_LIMIT, "more than %d partitions", PASS_PARTITIONS);
    }
    for (int32_t p = 0; status == BF_OK && p < pass->partitions; p++) {
        int64_t begin = 0;
        status = bf_consumer_range(pass->consumer, topic, p, &begin, &pass->ends[p], err);
        if (status == BF_OK && begin > 0) {
            return bf_err_set(err, BF_FATAL, "a log has lost its beginning (partition %d)", p);
        }
        if (pass->ends[p] > 0) {
            positions[pass->open++] = (struct bf_position){.topic = topic, .partition = p, .offset = 0};
            pass->records += (uint64_t)pass->ends[p];
        }
    }
    return status == BF_OK && pass->open > 0 ? bf_consumer_assign(pass->consumer, positions, pass->open, err)
                                             : status;
}

enum bf_status pass_run(struct pass *pass, pass_take *take, void *context, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    for (int quiet = 0; status == BF_OK && pass->open > 0;) {
        struct bf_incoming incoming;
        status = bf_consumer_poll(pass->consumer, POLL_MS, &incoming, err);
        if (status == BF_AGAIN) {
            status = ++quiet < QUIET_POLLS ? BF_OK : bf_err_set(err, BF_PEER, "Kafka gives no more records");
            continue;
        }
        if (status != BF_OK) {
            break;
        }
        quiet = 0;
        int64_t *end = &pass->ends[incoming.partition];
        if (*end > 0 && !incoming.eof) {
            status = take(context, &incoming, err);
        }
        if (*end > 0 && (incoming.eof ? incoming.offset : incoming.offset + 1) >= *end) {
            *end = 0;
            pass->open--;
        }
        bf_incoming_release(&incoming);
    }
    return status;
}

void pass_end(struct pass *pass)
{
    if (pass->consumer) {
        bf_consumer_destroy(pass->consumer);
        pass->consumer = NULL;
    }
}
