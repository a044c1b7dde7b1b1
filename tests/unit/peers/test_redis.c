/* The Redis connection without a Redis: addresses, and a server that is not what it should be. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/time.h"
#include "peers/redis/redis.h"

/* Accepts one connection, reads once, answers `answer` and closes (or waits for the close). */
struct server {
    int fd;
    uint16_t port;
    const char *answer;
    bool hold;
    char seen[4096];
    pthread_t thread;
};

static void *serve(void *context)
{
    struct server *server = context;
    int peer = accept(server->fd, NULL, NULL);
    ssize_t got = recv(peer, server->seen, sizeof server->seen - 1, 0);
    server->seen[got > 0 ? got : 0] = '\0';
    (void)!send(peer, server->answer, strlen(server->answer), MSG_NOSIGNAL);
    char byte;
    while (server->hold && recv(peer, &byte, 1, 0) > 0) {
    }
    close(peer);
    return NULL;
}

static void start(struct server *server, const char *answer, bool hold)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    server->answer = answer;
    server->hold = hold;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->fd, 1), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->fd);
}

static struct bf_redis *dial(const struct server *server, int timeout_ms)
{
    char url[64];
    struct bf_err err = {0};
    struct bf_redis *redis = NULL;
    snprintf(url, sizeof url, "redis://127.0.0.1:%u", server->port);
    struct bf_redis_options options = {.url = url, .timeout_ms = timeout_ms};
    assert_int_equal(bf_redis_open(&options, &redis, &err), BF_OK);
    return redis;
}

struct address {
    const char *url, *host;
    uint16_t port;
    unsigned database;
};

static void addresses_are_parsed(void **state)
{
    static const struct address table[] = {
        {.url = "redis://127.0.0.1", .host = "127.0.0.1", .port = 6379, .database = 0},
        {.url = "redis://127.0.0.1:7000/", .host = "127.0.0.1", .port = 7000, .database = 0},
        {.url = "redis://redis.city/12", .host = "redis.city", .port = 6379, .database = 12},
        {.url = "redis://[::1]:1/2", .host = "::1", .port = 1, .database = 2},
        {.url = "unix:///run/redis.sock", .host = "/run/redis.sock", .port = 0, .database = 0},
        {.url = "unix:///run/redis.sock?db=3", .host = "/run/redis.sock", .port = 0, .database = 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char host[64];
        uint16_t port = 1;
        unsigned database = 99;
        assert_int_equal(bf_redis_parse_url(table[i].url, host, sizeof host, &port, &database, NULL), BF_OK);
        assert_string_equal(host, table[i].host);
        assert_int_equal(port, table[i].port);
        assert_int_equal(database, table[i].database);
    }
}

static void other_addresses_are_refused(void **state)
{
    static const char *const table[] = {
        "",
        "redis://",
        "redis://:6379",
        "rediss://h",
        "redis://h:",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:1x",
        "redis://h/x",
        "redis://h/1x",
        "redis://h/65536",
        "redis://h/99999999999999999999",
        "redis://u:p@h",
        "redis://[::1",
        "unix://run/redis.sock",
        "unix:///a?db=",
        "unix:///a?db=x",
        "unix:///a?base=1",
        "redis://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char host[32];
        uint16_t port = 0;
        unsigned database = 0;
        struct bf_err err = {0};
        assert_int_equal(bf_redis_parse_url(table[i], host, sizeof host, &port, &database, &err), BF_CONFIG);
        assert_true(err.message[0] && err.hint[0]);
    }
}

static void nobody_there_is_a_peer_error(void **state)
{
    struct bf_redis_options options = {.url = "unix:///no/such/socket", .timeout_ms = 100};
    struct bf_redis *redis = NULL;
    struct bf_err err = {0};
    (void)state;
    assert_int_equal(bf_redis_open(&options, &redis, &err), BF_PEER);
    assert_null(redis);
    assert_true(err.message[0]);
    bf_redis_close(NULL);
}

static void words_go_out_counted(void **state)
{
    struct server server = {0};
    struct bf_reply reply;
    struct bf_slice words[] = {BF_SLICE("SET"), BF_SLICE("k\r\n\0y"), {NULL, 0}};
    (void)state;
    start(&server, "+OK\r\n", true);
    struct bf_redis *redis = dial(&server, 2000);
    assert_int_equal(bf_redis_command(redis, words, 3, &reply, NULL), BF_OK);
    assert_int_equal(reply.kind, BF_REPLY_TEXT);
    bf_redis_close(redis);
    stop(&server);
    static const char expected[] = "*3\r\n$3\r\nSET\r\n$5\r\nk\r\n\0y\r\n$0\r\n\r\n";
    assert_memory_equal(server.seen, expected, sizeof expected - 1);
}

static void replies_of_every_kind(void **state)
{
    struct server server = {0};
    struct bf_reply reply;
    struct bf_err err = {0};
    struct bf_slice ping = BF_SLICE("PING");
    (void)state;
    start(&server, ":-7\r\n$-1\r\n-ERR no\r\n*3\r\n*2\r\n:1\r\n:2\r\n$1\r\nx\r\n*0\r\n", true);
    struct bf_redis *redis = dial(&server, 2000);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(bf_redis_append(redis, &ping, 1, &err), BF_OK);
    }
    assert_int_equal(bf_redis_flush(redis, &err), BF_OK);
    assert_int_equal(bf_redis_take(redis, &reply, &err), BF_OK);
    assert_int_equal(reply.kind, BF_REPLY_INT);
    assert_int_equal(reply.integer, -7);
    assert_int_equal(bf_redis_take(redis, &reply, &err), BF_OK);
    assert_int_equal(reply.kind, BF_REPLY_NIL);
    assert_int_equal(bf_redis_take(redis, &reply, &err), BF_MALFORMED);
    assert_string_equal(err.message, "ERR no");
    assert_int_equal(bf_redis_take(redis, &reply, &err), BF_OK); /* the connection is fine */
    assert_int_equal(reply.count, 3);
    assert_int_equal(reply.items[0].count, 2);
    assert_int_equal(reply.items[0].items[1].integer, 2);
    assert_memory_equal(reply.items[1].text.data, "x", 1);
    assert_int_equal(reply.items[2].count, 0);
    bf_redis_close(redis);
    stop(&server);
}

static void silence_is_an_error_in_time(void **state)
{
    struct server server = {0};
    struct bf_reply reply;
    struct bf_err err = {0};
    struct bf_slice ping = BF_SLICE("PING");
    (void)state;
    start(&server, "", true);
    struct bf_redis *redis = dial(&server, 50);
    assert_int_equal(bf_redis_listen(redis, 1, &reply, &err), BF_AGAIN);
    assert_int_equal(bf_redis_command(redis, &ping, 1, &reply, &err), BF_PEER);
    assert_non_null(strstr(err.message, "in time"));
    assert_int_equal(bf_redis_append(redis, &ping, 1, &err), BF_PEER); /* dead for good */
    assert_int_equal(bf_redis_flush(redis, &err), BF_PEER);
    bf_redis_close(redis);
    stop(&server);
}

static void noise_is_an_error(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n", "", "$99999999999999999999\r\n", "$5\r\nab", "*1\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct server server = {0};
        struct bf_reply reply;
        struct bf_slice ping = BF_SLICE("PING");
        start(&server, answers[i], false);
        struct bf_redis *redis = dial(&server, 2000);
        assert_int_equal(bf_redis_command(redis, &ping, 1, &reply, NULL), BF_PEER);
        bf_redis_close(redis);
        stop(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_parsed),
        cmocka_unit_test(other_addresses_are_refused),
        cmocka_unit_test(nobody_there_is_a_peer_error),
        cmocka_unit_test(words_go_out_counted),
        cmocka_unit_test(replies_of_every_kind),
        cmocka_unit_test(silence_is_an_error_in_time),
        cmocka_unit_test(noise_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
