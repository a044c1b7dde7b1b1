/* roll.c: see roll.h. Declined: `belfry audit` as the witness (it is part of what is tested, and adds up). */
#include "tests/e2e/roll.h"

#include <stdio.h>
#include <sys/stat.h>

#include "core/hash.h"
#include "core/table.h"
#include "core/wire.h"

#define LINE_LEAST 21 /* bytes of a line: hash, one digit, one digit */

struct message {
    uint64_t hash;
    uint64_t messages, acknowledged, sends, deliveries;
};

struct roll {
    struct bf_table *messages, *deliveries;
    struct roll_sums *sums;
};

static enum bf_status read_journal(struct roll *roll, const char *path, struct bf_err *err)
{
    unsigned long long hash;
    unsigned sends, acknowledged;
    FILE *file = fopen(path, "r");
    bool good = file != NULL;
    while (good && fscanf(file, "%llx %u %u", &hash, &sends, &acknowledged) == 3) {
        struct message *message = bf_table_put(roll->messages, &(uint64_t){hash}, NULL);
        good = message != NULL && sends > 0;
        if (good) {
            message->messages++;
            message->sends += sends;
            message->acknowledged += acknowledged;
            roll->sums->again += sends > 1;
        }
    }
    good = good && feof(file) != 0;
    if (file) {
        fclose(file);
    }
    return good ? BF_OK : bf_err_set(err, BF_FATAL, "%s cannot be read", path);
}

static enum bf_status read_journals(struct roll *roll, const char (*journals)[400], size_t count,
                                    struct bf_err *err)
{
    size_t lines = 1;
    struct stat about;
    for (size_t i = 0; i < count; i++) {
        lines += stat(journals[i], &about) == 0 ? (size_t)about.st_size / LINE_LEAST : 0;
    }
    roll->messages = bf_table_create(lines, sizeof(uint64_t), sizeof(struct message));
    enum bf_status status = roll->messages ? BF_OK : bf_err_set(err, BF_FATAL, "out of memory");
    for (size_t i = 0; i < count && status == BF_OK; i++) {
        status = read_journal(roll, journals[i], err);
    }
    return status;
}

static enum bf_status note(struct roll *roll, const struct bf_delivery *delivery, struct bf_err *err)
{
    uint64_t key = bf_hash64_mix(bf_hash64(delivery->ingest), (uint64_t)delivery->epoch);
    key = bf_hash64_mix(bf_hash64_mix(key, (uint64_t)delivery->serial), delivery->payload_hash);
    bool created = false;
    if (bf_table_put(roll->deliveries, &key, &created) == NULL) {
        return bf_err_set(err, BF_FATAL, "more deliveries than records");
    }
    struct message *message = created ? bf_table_get(roll->messages, &delivery->payload_hash) : NULL;
    if (message) {
        message->deliveries++;
    }
    roll->sums->others += created && !message;
    return BF_OK;
}

static enum bf_status take_reading(void *roll, const struct bf_incoming *incoming, struct bf_err *err)
{
    struct bf_reading reading;
    if (!incoming->has_key) {
        return BF_OK;
    }
    enum bf_status status = bf_reading_unpack(incoming->value, &reading, err);
    return status == BF_OK ? note(roll, &reading.delivery, err) : status;
}

static enum bf_status take_reject(void *roll, const struct bf_incoming *incoming, struct bf_err *err)
{
    struct bf_reject reject;
    enum bf_record_type type = BF_RECORD_REJECT;
    if (!bf_incoming_type(incoming, &type) || type != BF_RECORD_REJECT) {
        return BF_OK; /* a note that one was fed back */
    }
    enum bf_status status = bf_reject_unpack(incoming->value, &reject, err);
    return status == BF_OK && reject.has_delivery ? note(roll, &reject.delivery, err) : status;
}

static enum bf_status read_logs(struct roll *roll, const struct bf_kafka_options *options, struct bf_err *err)
{
    struct pass readings = {.consumer = NULL}, rejects = {.consumer = NULL};
    enum bf_status status = pass_begin(&readings, options, BF_TOPIC_READINGS, err);
    status = status == BF_OK ? pass_begin(&rejects, options, BF_TOPIC_REJECTS, err) : status;
    if (status == BF_OK) {
        size_t most = (size_t)(readings.records + rejects.records) + 1;
        roll->deliveries = bf_table_create(most, sizeof(uint64_t), sizeof(uint64_t));
        status = roll->deliveries ? BF_OK : bf_err_set(err, BF_FATAL, "out of memory");
    }
    status = status == BF_OK ? pass_run(&readings, take_reading, roll, err) : status;
    status = status == BF_OK ? pass_run(&rejects, take_reject, roll, err) : status;
    pass_end(&readings);
    pass_end(&rejects);
    return status;
}

static void add_up(struct roll *roll)
{
    size_t cursor = 0;
    struct roll_sums *sums = roll->sums;
    for (const struct message *its; (its = bf_table_next(roll->messages, &cursor)) != NULL;) {
        uint64_t allowed = its->deliveries < its->sends ? its->deliveries : its->sends;
        sums->acknowledged += its->acknowledged;
        sums->alike += its->messages > 1 ? its->messages : 0;
        sums->lost += its->acknowledged > its->deliveries ? its->acknowledged - its->deliveries : 0;
        sums->twice += allowed > its->messages ? allowed - its->messages : 0;
        sums->doubled += its->deliveries - allowed;
    }
}

enum bf_status roll_call(const char (*journals)[400], size_t count, const struct bf_kafka_options *options,
                         struct roll_sums *sums, struct bf_err *err)
{
    struct roll roll = {.sums = sums};
    *sums = (struct roll_sums){.lost = 0};
    enum bf_status status = read_journals(&roll, journals, count, err);
    status = status == BF_OK ? read_logs(&roll, options, err) : status;
    if (status == BF_OK) {
        add_up(&roll);
    }
    bf_table_destroy(roll.messages);
    bf_table_destroy(roll.deliveries);
    return status;
}
