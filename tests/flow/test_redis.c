/* The Redis connection against a real Redis: password, database, Unix socket, pipelines, pushes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/time.h"
#include "peers/redis/redis.h"
#include "tests/support/eventually.h"
#include "tests/support/peers.h"
#include "tests/support/tempdir.h"

static struct bf_peer server = {.kind = BF_PEER_REDIS};
static char url[96], socket_url[400], config[600];

static struct bf_redis *dial(const char *address, const char *user, const char *password)
{
    struct bf_redis_options options = {.url = address, .username = user, .password = password,
                                       .timeout_ms = 5000};
    struct bf_redis *redis = NULL;
    struct bf_err err = {0};
    if (bf_redis_open(&options, &redis, &err) != BF_OK) {
        print_error("%s\n", err.message);
    }
    return redis;
}

static void ask(struct bf_redis *redis, const char *a, const char *b, const char *c, struct bf_reply *reply)
{
    struct bf_slice words[] = {bf_slice_of(a), bf_slice_of(b), bf_slice_of(c)};
    struct bf_err err = {0};
    assert_int_equal(bf_redis_command(redis, words, c ? 3 : b ? 2 : 1, reply, &err), BF_OK);
}

static void a_wrong_password_is_said(void **state)
{
    struct bf_redis_options options = {
        .url = url, .username = "default", .password = "wrong", .timeout_ms = 5000};
    struct bf_redis *redis = NULL;
    struct bf_err err = {0};
    (void)state;
    assert_int_equal(bf_redis_open(&options, &redis, &err), BF_PEER);
    assert_null(redis);
    assert_non_null(strstr(err.message, "AUTH"));
    options.password = "secret";
    options.url = "redis://127.0.0.1:1/0";
    assert_int_equal(bf_redis_open(&options, &redis, &err), BF_PEER);
}

static void databases_are_apart(void **state)
{
    char third_url[128];
    struct bf_reply reply;
    (void)state;
    snprintf(third_url, sizeof third_url, "redis://127.0.0.1:%u/3", server.port);
    struct bf_redis *first = dial(url, "default", "secret"), *third = dial(third_url, NULL, "secret");
    assert_non_null(first);
    assert_non_null(third);
    ask(third, "SET", "only", "third", &reply);
    ask(first, "GET", "only", NULL, &reply);
    assert_int_equal(reply.kind, BF_REPLY_NIL);
    ask(third, "GET", "only", NULL, &reply);
    assert_memory_equal(reply.text.data, "third", 5);
    bf_redis_close(first);
    bf_redis_close(third);
    snprintf(third_url, sizeof third_url, "redis://127.0.0.1:%u/999", server.port);
    struct bf_redis_options options = {.url = third_url, .password = "secret", .timeout_ms = 5000};
    struct bf_err err = {0};
    assert_int_equal(bf_redis_open(&options, &third, &err), BF_PEER);
    assert_non_null(strstr(err.message, "SELECT"));
}

static void a_unix_socket_does_too(void **state)
{
    struct bf_reply reply;
    (void)state;
    struct bf_redis *redis = dial(socket_url, NULL, "secret");
    assert_non_null(redis);
    ask(redis, "PING", NULL, NULL, &reply);
    assert_memory_equal(reply.text.data, "PONG", 4);
    bf_redis_close(redis);
}

static void a_long_pipeline_keeps_its_order(void **state)
{
    static char large[300000];
    struct bf_reply reply;
    struct bf_err err = {0};
    (void)state;
    struct bf_redis *redis = dial(url, NULL, "secret");
    assert_non_null(redis);
    memset(large, 'x', sizeof large);
    struct bf_slice push[] = {BF_SLICE("RPUSH"), BF_SLICE("list"), {large, sizeof large}};
    for (int64_t i = 1; i <= 100; i++) {
        push[2].len = i == 50 ? sizeof large : (size_t)i;
        assert_int_equal(bf_redis_append(redis, push, 3, &err), BF_OK);
        if (i % 10 == 0) {
            assert_int_equal(bf_redis_flush(redis, &err), BF_OK);
        }
    }
    for (int64_t i = 1; i <= 100; i++) {
        assert_int_equal(bf_redis_take(redis, &reply, &err), BF_OK);
        assert_int_equal(reply.integer, i);
    }
    ask(redis, "LINDEX", "list", "49", &reply);
    assert_int_equal(reply.text.len, sizeof large);
    ask(redis, "DEL", "list", NULL, &reply);
    struct bf_slice range[] = {BF_SLICE("LRANGE"), BF_SLICE("list"), BF_SLICE("0"), BF_SLICE("-1")};
    for (int i = 0; i < 1000; i++) {
        push[2].len = 3;
        assert_int_equal(bf_redis_append(redis, push, 3, &err), BF_OK);
    }
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(bf_redis_take(redis, &reply, &err), BF_OK);
    }
    assert_int_equal(bf_redis_command(redis, range, 4, &reply, &err), BF_OK); /* more items than at first */
    assert_int_equal(reply.count, 1000);
    assert_int_equal(reply.items[999].text.len, 3);
    bf_redis_close(redis);
}

static void pushes_are_heard_in_order(void **state)
{
    struct bf_reply reply;
    (void)state;
    struct bf_redis *listener = dial(url, NULL, "secret"), *speaker = dial(url, NULL, "secret");
    assert_non_null(listener);
    assert_non_null(speaker);
    ask(listener, "SUBSCRIBE", "news", NULL, &reply);
    assert_int_equal(bf_redis_listen(listener, 1, &reply, NULL), BF_AGAIN);
    for (int i = 0; i < 3; i++) {
        const char text[] = {(char)('a' + i), '\0'};
        ask(speaker, "PUBLISH", "news", text, &reply);
        assert_int_equal(reply.integer, 1);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bf_redis_listen(listener, 5000, &reply, NULL), BF_OK);
        assert_int_equal(reply.count, 3);
        assert_int_equal(reply.items[2].text.data[0], 'a' + i);
    }
    bf_redis_close(listener);
    bf_redis_close(speaker);
}

static void a_killed_server_is_an_error_and_a_new_connection_works(void **state)
{
    struct bf_reply reply;
    struct bf_err err = {0};
    struct bf_slice ping = BF_SLICE("PING");
    (void)state;
    struct bf_redis *redis = dial(url, NULL, "secret");
    assert_non_null(redis);
    bf_peer_kill(&server);
    assert_int_equal(bf_redis_command(redis, &ping, 1, &reply, &err), BF_PEER);
    assert_int_equal(bf_redis_listen(redis, 1, &reply, &err), BF_PEER);
    bf_redis_close(redis);
    assert_int_equal(bf_peer_start(&server, &err), BF_OK);
    redis = dial(url, NULL, "secret");
    assert_non_null(redis);
    ask(redis, "PING", NULL, NULL, &reply);
    bf_redis_close(redis);
}

int main(void)
{
    struct bf_err err = {0};
    if (!bf_peer_available(BF_PEER_REDIS)) {
        puts("skipped: redis-server is not installed");
        return 77;
    }
    const char *folder = bf_tempdir("redis-socket");
    snprintf(config, sizeof config, "requirepass secret\nunixsocket %s/redis.sock\n", folder);
    snprintf(socket_url, sizeof socket_url, "unix://%s/redis.sock?db=2", folder);
    server.config = config;
    if (bf_peer_start(&server, &err) != BF_OK) {
        fprintf(stderr, "%s\n%s\n", err.message, err.detail);
        return 1;
    }
    snprintf(url, sizeof url, "redis://%s", server.address);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_password_is_said),
        cmocka_unit_test(databases_are_apart),
        cmocka_unit_test(a_unix_socket_does_too),
        cmocka_unit_test(a_long_pipeline_keeps_its_order),
        cmocka_unit_test(pushes_are_heard_in_order),
        cmocka_unit_test(a_killed_server_is_an_error_and_a_new_connection_works),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bf_peer_stop(&server);
    return failed;
}
