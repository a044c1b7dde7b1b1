/* Membership: positions come from `assigned`, commits carry their metadata, every end is told.
 * Covers: peers/kafka/group.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/time.h"
#include "tests/flow/kafka_peer.h"
#include "tests/support/eventually.h"

#define JOIN_MS 30000

/* What one member was told. */
struct member {
    struct bf_consumer *consumer;
    int assigned, revoked;
    size_t holds; /* partitions at the moment */
    bool lost;
    int64_t start; /* where each partition begins */
    enum bf_status answer;
    int64_t next[64]; /* the offset that must come next, by partition */
};

static enum bf_status assigned(void *context, const enum bf_topic *topics, const int32_t *partitions,
                               int64_t *offsets, size_t count, struct bf_err *err)
{
    struct member *member = context;
    member->assigned++;
    assert_int_equal(member->holds, 0); /* whatever was, has ended before */
    if (member->answer != BF_OK) {
        return bf_err_set(err, member->answer, "the task cannot be loaded");
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(topics[i], BF_TOPIC_READINGS);
        offsets[i] = member->start;
        member->next[partitions[i]] = member->start;
    }
    member->holds = count;
    return BF_OK;
}

static void revoked(void *context, const enum bf_topic *topics, const int32_t *partitions, size_t count,
                    bool lost)
{
    (void)topics;
    (void)partitions;
    struct member *member = context;
    assert_int_equal(count, member->holds);
    member->revoked++;
    member->holds = 0;
    member->lost = lost;
}

static const struct bf_kafka_options *member_options = &kafka_options;

static void join(struct member *member, const char *group_id, const char *instance_id)
{
    const struct bf_group group = {.id = group_id,
                                   .instance_id = instance_id,
                                   .session_ms = 6000,
                                   .assigned = assigned,
                                   .revoked = revoked,
                                   .context = member};
    const enum bf_topic topic = BF_TOPIC_READINGS;
    OK(bf_consumer_create(member_options, &group, false, &member->consumer, &err));
    OK(bf_consumer_subscribe(member->consumer, &topic, 1, &err));
}

static enum bf_status poll_once(struct member *member, struct bf_err *err)
{
    struct bf_incoming incoming;
    enum bf_status status = bf_consumer_poll(member->consumer, 50, &incoming, err);
    if (status == BF_OK) {
        assert_true(member->holds > 0);
        assert_int_equal(incoming.offset, member->next[incoming.partition]++);
        bf_incoming_release(&incoming);
    }
    return status;
}

static void poll_until_holds(struct member *member, size_t partitions)
{
    int64_t until = bf_deadline_us(JOIN_MS);
    struct bf_err err = {.status = BF_OK};
    while (member->holds != partitions && bf_time_monotonic_us() < until) {
        enum bf_status status = poll_once(member, &err);
        if (status != BF_OK && status != BF_AGAIN) {
            fail_msg("%s (%s)", err.message, err.detail);
        }
    }
    assert_int_equal(member->holds, partitions);
}

static void fill(int each)
{
    struct bf_producer *producer;
    OK(bf_producer_create(&kafka_options, 1, 10000, &producer, &err));
    for (int i = 0; i < each * 12; i++) {
        const struct bf_outgoing record = {.topic = BF_TOPIC_READINGS,
                                           .partition = i % 12,
                                           .value = BF_SLICE("r"),
                                           .type = BF_RECORD_READING};
        OK(bf_producer_send_wait(producer, &record, NULL, &err));
    }
    OK(bf_producer_wait(producer, bf_producer_handed(producer), 10000, &err));
    bf_producer_destroy(producer, 1000);
}

static void one_member_gets_all_commits_and_ends(void **state)
{
    (void)state;
    enum { EACH = 200 };
    fill(EACH);
    struct member member = {.start = 0};
    join(&member, "one", "one-1");
    poll_until_holds(&member, 12);
    int64_t until = bf_deadline_us(JOIN_MS);
    for (int64_t total = 0; total < EACH * 12 && bf_time_monotonic_us() < until;) {
        struct bf_err fault = {.status = BF_OK};
        (void)poll_once(&member, &fault);
        total = 0;
        for (int i = 0; i < 12; i++) {
            total += member.next[i];
        }
    }
    for (int i = 0; i < 12; i++) {
        assert_int_equal(member.next[i], EACH);
    }

    char metadata[4097];
    char read[5000];
    int64_t offset;
    OK(bf_consumer_committed(member.consumer, BF_TOPIC_READINGS, 5, &offset, read, sizeof read, &err));
    assert_int_equal(offset, -1);
    assert_string_equal(read, "");
    memset(metadata, 'm', 4096);
    metadata[4096] = '\0';
    struct bf_err fault = {.status = BF_OK};
    const struct bf_position position = {.topic = BF_TOPIC_READINGS, .partition = 5, .offset = 77};
    assert_int_equal(bf_consumer_commit(member.consumer, &position, metadata, &fault), BF_COMMIT_DONE);
    OK(bf_consumer_committed(member.consumer, BF_TOPIC_READINGS, 5, &offset, read, sizeof read, &err));
    assert_int_equal(offset, 77);
    assert_string_equal(read, metadata);
    assert_int_equal(member.assigned, 1);
    assert_int_equal(member.revoked, 0);
    bf_consumer_destroy(member.consumer);
    assert_int_equal(member.revoked, 1);
    assert_int_equal(member.holds, 0);
}

static void what_was_committed_is_there_for_the_next_life(void **state)
{
    (void)state;
    struct member member = {.start = 150};
    join(&member, "one", "one-1");
    poll_until_holds(&member, 12);
    char read[5000];
    int64_t offset;
    OK(bf_consumer_committed(member.consumer, BF_TOPIC_READINGS, 5, &offset, read, sizeof read, &err));
    assert_int_equal(offset, 77);
    assert_int_equal(strlen(read), 4096);
    bf_consumer_destroy(member.consumer);
}

static void a_task_that_cannot_be_loaded_ends_the_member(void **state)
{
    (void)state;
    struct member member = {.answer = BF_FATAL};
    struct bf_err err = {.status = BF_OK};
    join(&member, "two", "two-1");
    int64_t until = bf_deadline_us(JOIN_MS);
    enum bf_status status;
    do {
        status = poll_once(&member, &err);
    } while (status == BF_AGAIN && bf_time_monotonic_us() < until);
    assert_int_equal(status, BF_FATAL);
    assert_non_null(strstr(err.message, "cannot be loaded"));
    assert_int_equal(member.revoked, 0); /* it never had any */
    assert_int_equal(poll_once(&member, &err), BF_FATAL);
    bf_consumer_destroy(member.consumer);
}

static void a_second_member_takes_half(void **state)
{
    (void)state;
    if (!kafka_is_apache()) {
        skip(); /* the embedded cluster gives all to the one, then all to the other */
    }
    struct member first = {.start = 0};
    struct member second = {.start = 0};
    join(&first, "three", "three-1");
    poll_until_holds(&first, 12);
    join(&second, "three", "three-2");
    int64_t until = bf_deadline_us(JOIN_MS);
    struct bf_err err = {.status = BF_OK};
    while ((first.holds != 6 || second.holds != 6) && bf_time_monotonic_us() < until) {
        (void)poll_once(&first, &err);
        (void)poll_once(&second, &err);
    }
    assert_int_equal(first.holds, 6);
    assert_int_equal(second.holds, 6);
    assert_true(first.revoked >= 1);
    assert_true(first.assigned >= 2);
    bf_consumer_destroy(second.consumer);
    bf_consumer_destroy(first.consumer);
}

/* A newcomer of the same name takes over at once; the old one hears of it only as an error. */
static void a_fenced_member_loses_everything_and_says_fatal(void **state)
{
    (void)state;
    if (!kafka_is_apache()) {
        skip(); /* the embedded cluster does not fence */
    }
    struct member old = {.start = 0};
    struct member young = {.start = 0};
    struct bf_err err = {.status = BF_OK};
    join(&old, "four", "four-1");
    poll_until_holds(&old, 12);
    join(&young, "four", "four-1");
    poll_until_holds(&young, 12);
    const struct bf_position position = {.topic = BF_TOPIC_READINGS, .partition = 0, .offset = 1};
    assert_int_equal(bf_consumer_commit(old.consumer, &position, "old", &err), BF_COMMIT_REFUSED);
    int64_t until = bf_deadline_us(JOIN_MS);
    enum bf_status status;
    do {
        status = poll_once(&old, &err);
    } while ((status == BF_AGAIN || status == BF_OK) && bf_time_monotonic_us() < until);
    assert_int_equal(status, BF_FATAL);
    assert_int_equal(old.revoked, 1);
    assert_true(old.lost);
    assert_int_equal(bf_consumer_commit(young.consumer, &position, "young", &err), BF_COMMIT_DONE);
    bf_consumer_destroy(old.consumer);
    bf_consumer_destroy(young.consumer);
}

/* librdkafka has left the group, because nobody polled, and has not been able to say so. Its commit would be
 * one of nobody, which Kafka accepts while the group has no members. */
static void a_member_that_was_thrown_out_commits_nothing(void **state)
{
    (void)state;
    static const struct bf_property hurried[] = {{.name = "max.poll.interval.ms", .value = "6000"}};
    struct bf_kafka_options options = kafka_options;
    struct member member = {.start = 0};
    struct bf_err why = {.status = BF_OK};
    char read[5000];
    int64_t offset;
    options.properties = hurried;
    options.property_count = 1;
    member_options = &options;
    join(&member, "five", "five-1");
    member_options = &kafka_options;
    poll_until_holds(&member, 12);
    const struct bf_position position = {.topic = BF_TOPIC_READINGS, .partition = 0, .offset = 1};
    assert_int_equal(bf_consumer_commit(member.consumer, &position, "mine", &why), BF_COMMIT_DONE);
    const struct bf_position late = {.topic = BF_TOPIC_READINGS, .partition = 0, .offset = 2};
    int64_t thrown_out_us = bf_time_monotonic_us() + 9 * BF_US_PER_S; /* to ask would be a poll, too */
    while (bf_wait_turn(thrown_out_us)) {
    }
    assert_int_equal(bf_consumer_commit(member.consumer, &late, "late", &why), BF_COMMIT_REFUSED);
    OK(bf_consumer_committed(member.consumer, BF_TOPIC_READINGS, 0, &offset, read, sizeof read, &err));
    struct bf_position again = late;
    again.offset = 99;
    assert_int_equal(bf_consumer_commit(member.consumer, &again, "stray", &why), BF_COMMIT_REFUSED);
    OK(bf_consumer_committed(member.consumer, BF_TOPIC_READINGS, 0, &offset, read, sizeof read, &err));
    assert_int_equal(offset, 1); /* while it was a member; nothing since */
    for (int64_t until = bf_deadline_us(JOIN_MS); member.revoked == 0 && bf_time_monotonic_us() < until;) {
        struct bf_err fault = {.status = BF_OK};
        (void)poll_once(&member, &fault);
    }
    poll_until_holds(&member, 12); /* and comes back by itself, perhaps in the same poll */
    assert_int_equal(member.revoked, 1);
    assert_true(member.lost);
    assert_int_equal(bf_consumer_commit(member.consumer, &again, "back", &why), BF_COMMIT_DONE);
    bf_consumer_destroy(member.consumer);
}

int main(void)
{
    int skipped = kafka_start();
    if (skipped) {
        return skipped;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_member_gets_all_commits_and_ends),
        cmocka_unit_test(what_was_committed_is_there_for_the_next_life),
        cmocka_unit_test(a_task_that_cannot_be_loaded_ends_the_member),
        cmocka_unit_test(a_second_member_takes_half),
        cmocka_unit_test(a_fenced_member_loses_everything_and_says_fatal),
        cmocka_unit_test(a_member_that_was_thrown_out_commits_nothing),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    bf_peer_stop(&kafka_peer);
    return failures;
}
