/* The roll call finds what it is for, in logs that are written by hand: a message that is missing while
 * another stands there twice, which no sum can show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "core/wire.h"
#include "tests/e2e/roll.h"
#include "tests/support/peers.h"
#include "tests/support/tempdir.h"

static struct bf_peer kafka = {.kind = BF_PEER_KAFKA};
static struct bf_kafka_options options = {.prefix = "belfry", .client_id = "test"};
static struct bf_producer *producer;
static char journals[1][400];
static struct bf_err err;

static void put(enum bf_topic topic, enum bf_record_type type, const struct bf_mp_writer *writer)
{
    struct bf_outgoing record = {.topic = topic,
                                 .partition = 0,
                                 .key = BF_SLICE("city:a1"),
                                 .value = {(const char *)writer->data, writer->len},
                                 .type = type};
    assert_false(writer->full);
    assert_int_equal(bf_producer_send_sync(producer, &record, 10000, NULL, &err), BF_OK);
}

static struct bf_delivery delivery_of(int64_t serial, uint64_t hash)
{
    return (struct bf_delivery){.ingest = BF_SLICE("belfry-1"),
                                .incarnation = 3,
                                .epoch = 3,
                                .serial = serial,
                                .packet_id = 1,
                                .payload_hash = hash};
}

static void reading(int64_t serial, uint64_t hash)
{
    char bytes[1024];
    struct bf_mp_writer writer;
    struct bf_reading record = {.source = BF_SLICE("city:a1"),
                                .quantity = BF_SLICE("pm2_5"),
                                .value = {.kind = BF_VALUE_DOUBLE, .as.number = 1.5},
                                .unit = BF_SLICE("ug/m3"),
                                .quality = BF_QUALITY_GOOD,
                                .delivery = delivery_of(serial, hash)};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reading_pack(&record, &writer);
    put(BF_TOPIC_READINGS, BF_RECORD_READING, &writer);
}

static void reject(int64_t serial, uint64_t hash)
{
    char bytes[1024];
    struct bf_mp_writer writer;
    struct bf_reject record = {.stage = BF_STAGE_DECODE,
                               .reason = BF_SLICE("malformed"),
                               .topic = BF_SLICE("city/a1"),
                               .has_delivery = true,
                               .delivery = delivery_of(serial, hash)};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_reject_pack(&record, &writer);
    put(BF_TOPIC_REJECTS, BF_RECORD_REJECT, &writer);
}

static void journal(const char *lines)
{
    FILE *file = fopen(journals[0], "w");
    assert_non_null(file);
    fputs(lines, file);
    assert_int_equal(fclose(file), 0);
}

static void every_message_is_called_by_its_name(void **state)
{
    struct roll_sums sums;
    (void)state;
    journal("0000000000000001 1 1\n"   /* there, in two records of one delivery */
            "0000000000000002 1 1\n"   /* rejected */
            "0000000000000003 1 1\n"   /* nowhere */
            "0000000000000004 1 1\n"   /* two deliveries of what was sent once */
            "0000000000000005 2 1\n"   /* two deliveries of what was sent twice */
            "0000000000000006 2 1\n"   /* one delivery of what was sent twice */
            "0000000000000007 1 0\n"   /* nowhere, and never acknowledged */
            "0000000000000008 1 1\n"   /* two messages of the same bytes: */
            "0000000000000008 1 1\n"); /* one of them is there */
    reading(1, 1);
    reading(1, 1);
    reject(2, 2);
    reading(4, 4);
    reading(5, 4);
    reading(6, 5);
    reading(7, 5);
    reading(8, 6);
    reading(9, 8);
    reading(10, 99); /* of somebody else */
    assert_int_equal(roll_call((const char(*)[400])journals, 1, &options, &sums, &err), BF_OK);
    assert_int_equal(sums.acknowledged, 8);
    assert_int_equal(sums.again, 2);
    assert_int_equal(sums.alike, 2);
    assert_int_equal(sums.lost, 2);
    assert_int_equal(sums.doubled, 1);
    assert_int_equal(sums.twice, 1);
    assert_int_equal(sums.others, 1);
}

static void a_journal_that_ends_in_the_middle_is_none(void **state)
{
    struct roll_sums sums;
    (void)state;
    journal("0000000000000001 1 1\n0000000000000002 x");
    assert_int_equal(roll_call((const char(*)[400])journals, 1, &options, &sums, &err), BF_FATAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_called_by_its_name),
        cmocka_unit_test(a_journal_that_ends_in_the_middle_is_none),
    };
    int created = 0;
    snprintf(journals[0], sizeof journals[0], "%s/journal", bf_tempdir("roll"));
    if (bf_peer_start(&kafka, &err) != BF_OK) {
        fprintf(stderr, "%s\n%s\n", err.message, err.detail);
        return 1;
    }
    options.brokers = kafka.address;
    if (bf_topics_ensure(&options, 1, &created, &err) != BF_OK ||
        bf_producer_create(&options, 1, 1000, &producer, &err) != BF_OK) {
        fprintf(stderr, "%s\n%s\n", err.message, err.detail);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bf_producer_destroy(producer, 1000);
    bf_peer_stop(&kafka);
    return failed;
}
