/* What a client says before TLS: whole, in pieces, nonsense, too much, too slowly, and nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "ingest/proxy.h"

#define REQUEST "CONNECT broker.example:8883 HTTP/1.1\r\nHost: broker.example\r\n\r\n"

static struct bf_proxy proxy;
static int client, served;

static int begin(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    client = ends[0];
    served = ends[1];
    bf_proxy_init(&proxy);
    bf_proxy_begin(&proxy, served, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bf_proxy_end(&proxy);
    close(client);
    return 0;
}

static int say(const char *bytes, size_t len)
{
    assert_int_equal(send(client, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
    return bf_proxy_turn(&proxy, 0);
}

static void is_dropped(void)
{
    char byte;
    assert_int_equal(proxy.fd, -1);
    assert_true(recv(client, &byte, 1, 0) == 0);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    (void)state;
    char answer[64] = {0};
    assert_int_equal(bf_proxy_turn(&proxy, 0), -1); /* nothing yet */
    for (size_t i = 0; i + 2 < sizeof REQUEST; i++) {
        assert_int_equal(say(&REQUEST[i], 1), -1);
    }
    assert_int_equal(say("\n", 1), served);
    assert_int_equal(proxy.fd, -1);
    assert_true(bf_proxy_agree(served));
    assert_true(recv(client, answer, sizeof answer - 1, 0) > 0);
    assert_string_equal(answer, "HTTP/1.1 200 Connection established\r\n\r\n");
    close(served);
}

static void other_requests_get_nowhere(void **state)
{
    (void)state;
    assert_int_equal(say("GET / HTTP/1.1\r\n\r\n", 18), -1);
    assert_int_equal(say("\r\n\r\n", 4), -1);
    assert_int_equal(bf_proxy_turn(&proxy, BF_PROXY_US), -1);
    assert_int_equal(proxy.fd, served);
    assert_int_equal(bf_proxy_turn(&proxy, BF_PROXY_US + 1), -1);
    is_dropped();
}

static void a_request_without_end_is_dropped(void **state)
{
    (void)state;
    char junk[BF_PROXY_REQUEST];
    memset(junk, 'x', sizeof junk);
    memcpy(junk, "CONNECT ", 8);
    assert_int_equal(say(junk, sizeof junk), -1);
    is_dropped();
}

static void one_that_fills_the_room_is_whole(void **state)
{
    (void)state;
    char full[BF_PROXY_REQUEST];
    memset(full, 'x', sizeof full);
    memcpy(full, "CONNECT ", 8);
    memcpy(full + sizeof full - 4, "\r\n\r\n", 4);
    assert_int_equal(say(full, sizeof full), served);
    close(served);
}

static void a_client_that_leaves_is_forgotten(void **state)
{
    (void)state;
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    assert_int_equal(bf_proxy_turn(&proxy, 0), -1);
    is_dropped();
    bf_proxy_end(&proxy); /* once more does no harm */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_may_come_byte_by_byte, begin, end),
        cmocka_unit_test_setup_teardown(other_requests_get_nowhere, begin, end),
        cmocka_unit_test_setup_teardown(a_request_without_end_is_dropped, begin, end),
        cmocka_unit_test_setup_teardown(one_that_fills_the_room_is_whole, begin, end),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_is_forgotten, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
