/* A disk that runs full and gets room again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/disk.h"
#include "tests/support/tempdir.h"

#define ROOM (1u << 20)

static void a_full_disk_refuses_and_a_wider_one_takes(void **state)
{
    static const char page[65536] = {1};
    char folder[400], path[450];
    struct bf_err err;
    (void)state;
    snprintf(folder, sizeof folder, "%s/small", bf_tempdir("disk"));
    assert_int_equal(bf_disk_mount(folder, ROOM, &err), BF_OK);
    snprintf(path, sizeof path, "%s/file", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, page, sizeof page), sizeof page);
    assert_int_equal(bf_disk_fill(folder, 0, &err), BF_OK);
    assert_int_equal(write(fd, page, sizeof page), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(bf_disk_widen(folder, ROOM, &err), BF_OK);
    assert_int_equal(write(fd, page, sizeof page), sizeof page);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_full_disk_refuses_and_a_wider_one_takes)};
    if (!bf_disk_possible()) {
        puts("skipped: neither root nor a user namespace is to be had");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
