/* The daemons' web server, over real sockets on loopback. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "peers/http/http.h"
#include "tests/support/eventually.h"

static struct bf_counters counters;
static struct bf_health health;
static struct bf_http *http;

static int setup(void **state)
{
    (void)state;
    struct bf_err err = {0};
    memset(&counters, 0, sizeof counters);
    bf_health_init(&health);
    return bf_http_start("127.0.0.1:0", &counters, &health, &http, &err) == BF_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    bf_http_stop(http);
    return 0;
}

static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(bf_http_port(http)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends and reads until the server closes. */
static void talk(const char *request, char *answer, size_t size)
{
    int fd = dial();
    size_t used = 0;
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    for (ssize_t got; used + 1 < size && (got = recv(fd, answer + used, size - 1 - used, 0)) > 0;) {
        used += (size_t)got;
    }
    answer[used] = '\0';
    close(fd);
}

static void get(const char *path, int expected, char *body, size_t size)
{
    struct bf_err err = {0};
    int code = 0;
    assert_int_equal(bf_http_get("127.0.0.1", bf_http_port(http), path, 5000, &code, body, size, &err),
                     BF_OK);
    assert_int_equal(code, expected);
}

static void metrics_show_the_counters(void **state)
{
    char body[4096];
    (void)state;
    bf_count(bf_counters_add(&counters, BF_COUNTER, "belfry_test_total", "Tests", "kind", "unit"), 41);
    get("/metrics", 200, body, sizeof body);
    assert_non_null(strstr(body, "belfry_test_total{kind=\"unit\"} 41"));
}

static void alive_is_200_and_other_paths_404(void **state)
{
    char body[256];
    (void)state;
    get("/healthz", 200, body, sizeof body);
    assert_string_equal(body, "ok\n");
    get("/", 404, body, sizeof body);
    get("/metrics/../../etc/passwd", 404, body, sizeof body);
    get("/%00", 404, body, sizeof body);
}

static void ready_follows_the_health(void **state)
{
    char body[1024];
    (void)state;
    bf_health_set(&health, "redis", BF_HEALTH_DEGRADED, "away");
    get("/readyz", 200, body, sizeof body);
    assert_non_null(strstr(body, "away"));
    bf_health_set(&health, "kafka", BF_HEALTH_NOT_READY, "no \"answer\"");
    get("/readyz", 503, body, sizeof body);
    assert_non_null(strstr(body, "kafka"));
    bf_health_set(&health, "kafka", BF_HEALTH_OK, "fine");
    get("/readyz", 200, body, sizeof body);
}

static void head_has_no_body(void **state)
{
    char answer[2048];
    (void)state;
    talk("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer, sizeof answer);
    assert_non_null(strstr(answer, " 200 "));
    assert_non_null(strstr(answer, "Content-Length: 3"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}

static void other_methods_are_refused(void **state)
{
    char answer[2048];
    (void)state;
    talk("POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody", answer,
         sizeof answer);
    assert_non_null(strstr(answer, " 405 "));
    assert_non_null(strstr(answer, "Allow: GET, HEAD"));
}

static void noise_is_no_harm(void **state)
{
    static const char *const noise[] = {"\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02",
                                        "GET / HTTP/9.9\r\n\r\n"};
    char body[256];
    (void)state;
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
        int fd = dial();
        (void)!send(fd, noise[i], strlen(noise[i]), MSG_NOSIGNAL);
        close(fd);
    }
    get("/healthz", 200, body, sizeof body);
}

/* Sixteen idle connections are held; the next is not served until one of them goes. */
static void connections_have_a_bound(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    int idle[BF_HTTP_CONNECTIONS];
    char body[256];
    int code = 0;
    (void)state;
    for (size_t i = 0; i < BF_HTTP_CONNECTIONS; i++) {
        idle[i] = dial();
        assert_int_equal(send(idle[i], "GET", 3, MSG_NOSIGNAL), 3);
    }
    int more = dial();
    (void)!send(more, request, sizeof request - 1, MSG_NOSIGNAL);
    struct pollfd one = {.fd = more, .events = POLLIN};
    ssize_t got = poll(&one, 1, 100) > 0 ? recv(more, body, sizeof body, 0) : 0;
    assert_true(got <= 0);
    for (size_t i = 0; i < BF_HTTP_CONNECTIONS; i++) {
        close(idle[i]);
    }
    close(more);
    BF_EVENTUALLY(bf_http_get("127.0.0.1", bf_http_port(http), "/healthz", 1000, &code, body, sizeof body,
                              NULL) == BF_OK &&
                      code == 200,
                  5000);
}

static void addresses_are_checked(void **state)
{
    static const char *const bad[] = {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                                      "127.0.0.1:999999", "localhost:1", "[::1]", "[::1:0", "300.0.0.1:0"};
    char taken[32];
    struct bf_http *other = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bf_err err = {0};
        assert_int_equal(bf_http_start(bad[i], &counters, &health, &other, &err), BF_CONFIG);
        assert_true(err.hint[0]);
    }
    snprintf(taken, sizeof taken, "127.0.0.1:%u", bf_http_port(http));
    assert_int_equal(bf_http_start(taken, &counters, &health, &other, NULL), BF_PEER);
    assert_null(other);
}

static void a_body_is_cut_at_the_buffer(void **state)
{
    char body[2];
    (void)state;
    get("/healthz", 200, body, sizeof body);
    assert_string_equal(body, "o");
}

/* A server that accepts and says nothing costs the time given, no more. */
static void a_silent_server_costs_its_time_only(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    char body[64];
    int code = 0;
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    struct bf_err err = {0};
    int64_t begin_us = bf_time_monotonic_us();
    assert_int_equal(
        bf_http_get("127.0.0.1", ntohs(address.sin_port), "/", 50, &code, body, sizeof body, &err), BF_PEER);
    assert_true(bf_time_monotonic_us() - begin_us < 2 * BF_US_PER_S);
    close(fd);
    assert_int_equal(
        bf_http_get("127.0.0.1", ntohs(address.sin_port), "/", 50, &code, body, sizeof body, &err), BF_PEER);
    assert_int_equal(bf_http_get("no.such.host", 80, "/", 50, &code, body, sizeof body, &err), BF_CONFIG);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(metrics_show_the_counters), WITH_SERVER(alive_is_200_and_other_paths_404),
        WITH_SERVER(ready_follows_the_health), WITH_SERVER(head_has_no_body),
        WITH_SERVER(other_methods_are_refused), WITH_SERVER(noise_is_no_harm),
        WITH_SERVER(connections_have_a_bound), WITH_SERVER(addresses_are_checked),
        WITH_SERVER(a_body_is_cut_at_the_buffer), WITH_SERVER(a_silent_server_costs_its_time_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
