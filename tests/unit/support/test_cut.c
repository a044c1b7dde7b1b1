/* A relay that can be cut: what passes, what waits, what is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/cut.h"
#include "tests/support/eventually.h"
#include "tests/support/port.h"

static struct bf_cut cut;
static int listener, client, server;

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void patience(int fd, int ms)
{
    struct timeval bound = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound), 0);
}

static int dial(void)
{
    struct sockaddr_in address = loopback(cut.port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    patience(fd, 10000);
    return fd;
}

static int open_pair(void **state)
{
    struct bf_err err;
    (void)state;
    uint16_t port = bf_port_take();
    struct sockaddr_in address = loopback(port);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 4), 0);
    patience(listener, 10000);
    cut = (struct bf_cut){.target = port};
    assert_int_equal(bf_cut_open(&cut, &err), BF_OK);
    client = dial();
    server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    patience(server, 10000);
    return 0;
}

static int close_pair(void **state)
{
    (void)state;
    bf_cut_close(&cut);
    close(client);
    close(server);
    close(listener);
    return 0;
}

static void say(int from, int to, const char *words)
{
    char heard[64] = {0};
    size_t len = strlen(words);
    assert_int_equal(send(from, words, len, MSG_NOSIGNAL), len);
    assert_int_equal(recv(to, heard, len, MSG_WAITALL), len);
    assert_string_equal(heard, words);
}

static void expect_silence(int fd)
{
    char byte;
    patience(fd, 60);
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
    patience(fd, 10000);
}

static void passes_both_ways(void **state)
{
    (void)state;
    say(client, server, "ask");
    say(server, client, "answer");
    close(server);
    char byte;
    assert_true(recv(client, &byte, 1, 0) <= 0); /* an end is an end */
    server = -1;
}

static void a_large_message_passes_whole(void **state)
{
    static char sent[1 << 20], heard[sizeof sent];
    size_t at = 0;
    (void)state;
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (char)(i * 31 + i / 4096);
    }
    for (size_t out = 0; at < sizeof sent;) {
        ssize_t put = send(client, sent + out, sizeof sent - out, MSG_NOSIGNAL | MSG_DONTWAIT);
        out += put > 0 ? (size_t)put : 0;
        ssize_t got = recv(server, heard + at, sizeof heard - at, out < sizeof sent ? MSG_DONTWAIT : 0);
        assert_true(got > 0 || (got < 0 && errno == EAGAIN));
        at += got > 0 ? (size_t)got : 0;
    }
    assert_memory_equal(sent, heard, sizeof sent);
}

static void silence_holds_back_and_delivers_afterwards(void **state)
{
    (void)state;
    char heard[8] = {0};
    bf_cut_set(&cut, BF_CUT_SILENT);
    assert_int_equal(send(client, "later", 5, MSG_NOSIGNAL), 5);
    expect_silence(server);
    bf_cut_set(&cut, BF_CUT_NOTHING);
    assert_int_equal(recv(server, heard, 5, MSG_WAITALL), 5);
    assert_string_equal(heard, "later");
}

static void one_direction_may_be_cut_alone(void **state)
{
    (void)state;
    bf_cut_set(&cut, BF_CUT_ANSWER);
    say(client, server, "ask");
    assert_int_equal(send(server, "lost", 4, MSG_NOSIGNAL), 4);
    expect_silence(client);
    bf_cut_set(&cut, BF_CUT_ASK);
    char heard[8] = {0};
    assert_int_equal(recv(client, heard, 4, MSG_WAITALL), 4);
    assert_int_equal(send(client, "ask", 3, MSG_NOSIGNAL), 3);
    expect_silence(server);
}

static void refused_connections_end_and_begin_anew_when_it_is_over(void **state)
{
    char byte;
    (void)state;
    bf_cut_set(&cut, BF_CUT_REFUSED);
    assert_true(recv(client, &byte, 1, 0) <= 0);
    assert_true(recv(server, &byte, 1, 0) <= 0);
    close(client);
    client = dial();
    assert_true(recv(client, &byte, 1, 0) <= 0);
    bf_cut_set(&cut, BF_CUT_NOTHING);
    close(client);
    close(server);
    client = dial();
    do { /* the refused one may have reached it first */
        server = accept(listener, NULL, NULL);
        assert_true(server >= 0);
        patience(server, 10000);
        send(client, "x", 1, MSG_NOSIGNAL);
    } while (recv(server, &byte, 1, 0) <= 0 && close(server) == 0);
    say(server, client, "again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(passes_both_ways, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(a_large_message_passes_whole, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(silence_holds_back_and_delivers_afterwards, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(one_direction_may_be_cut_alone, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(refused_connections_end_and_begin_anew_when_it_is_over, open_pair,
                                        close_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
