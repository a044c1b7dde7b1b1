/* Ports that are handed out are free, differ, and are held against other processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/port.h"

static void ports_differ_and_are_free(void **state)
{
    (void)state;
    uint16_t ports[50];
    for (size_t i = 0; i < 50; i++) {
        ports[i] = bf_port_take();
        assert_in_range(ports[i], 20000, 31999);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(ports[i], ports[j]);
        }
        struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_port = htons(ports[i]), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
        close(fd);
    }
}

static void another_process_is_handed_others(void **state)
{
    (void)state;
    uint16_t mine = bf_port_take();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        /* A copy of this process would go through the same numbers in the same order. */
        for (int i = 0; i < 20; i++) {
            uint16_t port = bf_port_take();
            (void)!write(ends[1], &port, sizeof port);
        }
        _exit(0);
    }
    close(ends[1]);
    uint16_t theirs;
    int seen = 0;
    while (read(ends[0], &theirs, sizeof theirs) == sizeof theirs) {
        assert_int_not_equal(theirs, mine);
        seen++;
    }
    assert_int_equal(seen, 20);
    close(ends[0]);
    waitpid(pid, NULL, 0);
}

static void the_limit_is_said(void **state)
{
    (void)state;
    int taken = 0;
    while (taken <= BF_PORTS_MAX && bf_port_take() != 0) {
        taken++;
    }
    assert_true(taken < BF_PORTS_MAX);
    assert_int_equal(bf_port_take(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_differ_and_are_free),
        cmocka_unit_test(another_process_is_handed_others),
        cmocka_unit_test(the_limit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
