/* port.c: see port.h. */
#include "tests/support/port.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 20000
#define COUNT 12000 /* the ephemeral range begins at 32768 */

/* The socket that holds the number; -1 where somebody else does. */
static int hold(uint16_t port)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "belfry-test-port-%d", port);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, size) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool is_free(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    bool bound = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return bound;
}

uint16_t bf_port_take(void)
{
    static int taken;
    static uint32_t next;
    if (taken == BF_PORTS_MAX) {
        return 0;
    }
    if (next == 0) {
        next = (uint32_t)getpid() * 61; /* tests that run side by side begin apart */
    }
    for (int i = 0; i < COUNT; i++) {
        uint16_t port = (uint16_t)(FIRST + next++ % COUNT);
        int fd = hold(port);
        if (fd < 0) {
            continue;
        }
        if (is_free(port)) {
            taken++; /* the descriptor stays open: that is what holds it */
            return port;
        }
        close(fd);
    }
    return 0;
}
