/* dial.c: sockets for the gate. The listener is on loopback only and on a free port: the relay is for this
 * process, and Paho is told the port. */
#include "ingest/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void no_delay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

enum bf_status bf_dial_listen(int *listener, uint16_t *port, struct bf_err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        bf_err_set(err, BF_PEER, "could not listen on a loopback port for the ack gate: %s", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return BF_PEER;
    }
    *listener = fd;
    *port = ntohs(address.sin_port);
    return BF_OK;
}

int bf_dial_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        no_delay(fd);
    }
    return fd;
}

/* 0, or an errno. */
static int finish_connect(int fd, int timeout_ms, int cancel)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLOUT}, {.fd = cancel, .events = POLLIN}};
    int ready = poll(fds, 2, timeout_ms);
    if (ready == 0) {
        return ETIMEDOUT;
    }
    if (ready < 0) {
        return errno;
    }
    if (fds[0].revents == 0) {
        return ECANCELED;
    }
    int fault = 0;
    socklen_t size = sizeof fault;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &size) == 0 ? fault : errno;
}

static int try_address(const struct addrinfo *at, int timeout_ms, int cancel, int *fault)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
    if (fd < 0) {
        *fault = errno;
        return -1;
    }
    *fault = connect(fd, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (*fault == EINPROGRESS) {
        *fault = finish_connect(fd, timeout_ms, cancel);
    }
    if (*fault != 0) {
        close(fd);
        return -1;
    }
    no_delay(fd);
    return fd;
}

enum bf_status bf_dial_connect(const char *host, uint16_t port, int timeout_ms, int cancel, int *fd,
                               struct bf_err *err)
{
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    int wrong = getaddrinfo(host, service, &hints, &found);
    if (wrong != 0) {
        return bf_err_set(err, BF_PEER, "could not resolve %s: %s", host, gai_strerror(wrong));
    }
    int fault = EHOSTUNREACH;
    *fd = -1;
    for (const struct addrinfo *at = found; at && *fd < 0 && fault != ECANCELED; at = at->ai_next) {
        *fd = try_address(at, timeout_ms, cancel, &fault);
    }
    freeaddrinfo(found);
    return *fd >= 0 ? BF_OK
                    : bf_err_set(err, BF_PEER, "could not connect to %s:%u: %s", host, port, strerror(fault));
}
