/* get.c: one GET over a plain socket, with a time for the whole of it. For `belfry top` and the tests;
 * HTTP/1.0, so the body ends where the connection does. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/time.h"
#include "peers/http/http.h"
#include "peers/http/internal.h"

static bool wait_for(int fd, short events, int64_t until_us)
{
    for (;;) {
        int64_t left_us = until_us - bf_time_monotonic_us();
        struct pollfd one = {.fd = fd, .events = events};
        int ready = left_us > 0 ? poll(&one, 1, (int)(left_us / BF_US_PER_MS) + 1) : 0;
        if (ready >= 0 || errno != EINTR) {
            return ready > 0;
        }
    }
}

static bool start(int fd, const struct sockaddr_storage *address, socklen_t len, int64_t until_us)
{
    if (connect(fd, (const struct sockaddr *)address, len) == 0) {
        return true;
    }
    int failed = errno;
    socklen_t size = sizeof failed;
    if (failed == EINPROGRESS) {
        if (!wait_for(fd, POLLOUT, until_us)) {
            errno = ETIMEDOUT;
            return false;
        }
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    }
    errno = failed;
    return failed == 0;
}

static bool send_all(int fd, const char *text, size_t len, int64_t until_us)
{
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent > 0) {
            text += sent;
            len -= (size_t)sent;
        } else if ((errno != EAGAIN && errno != EINTR) || !wait_for(fd, POLLOUT, until_us)) {
            return false;
        }
    }
    return true;
}

/* Reads to the end of the connection; keeps what fits. False on an error or when time is up. */
static bool receive_all(int fd, char *text, size_t size, int64_t until_us)
{
    size_t used = 0;
    char spill[4096];
    for (;;) {
        bool room = used + 1 < size;
        ssize_t got = recv(fd, room ? text + used : spill, room ? size - 1 - used : sizeof spill, 0);
        if (got == 0) {
            text[used] = '\0';
            return true;
        }
        if (got > 0) {
            used += room ? (size_t)got : 0;
        } else if ((errno != EAGAIN && errno != EINTR) || !wait_for(fd, POLLIN, until_us)) {
            return false;
        }
    }
}

/* "HTTP/1.1 200 OK\r\n...\r\n\r\nbody": the code, and the body moved to the front. */
static bool take_apart(char *text, int *code)
{
    char *body = strstr(text, "\r\n\r\n");
    if (strncmp(text, "HTTP/1.", 7) != 0 || !body || strlen(text) < 12) {
        return false;
    }
    *code = (int)strtol(text + 9, NULL, 10);
    memmove(text, body + 4, strlen(body + 4) + 1);
    return *code >= 100 && *code <= 599;
}

static enum bf_status exchange(int fd, const struct sockaddr_storage *address, socklen_t len,
                               const char *path, int64_t until_us, char *text, size_t size,
                               struct bf_err *err)
{
    char request[1024];
    int request_len = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nConnection: close\r\n\r\n", path);
    if (request_len < 0 || (size_t)request_len >= sizeof request) {
        return bf_err_set(err, BF_LIMIT, "the path is too long");
    }
    errno = ETIMEDOUT;
    if (!start(fd, address, len, until_us)) {
        return bf_err_set(err, BF_PEER, "could not connect: %s", strerror(errno));
    }
    errno = ETIMEDOUT;
    if (!send_all(fd, request, (size_t)request_len, until_us) || !receive_all(fd, text, size, until_us)) {
        return bf_err_set(err, BF_PEER, "no whole answer to GET %s", path);
    }
    return BF_OK;
}

enum bf_status bf_http_get(const char *host, uint16_t port, const char *path, int timeout_ms, int *code,
                           char *body, size_t size, struct bf_err *err)
{
    enum { HEAD = 8192 };
    struct sockaddr_storage address;
    socklen_t len = 0;
    int64_t until_us = bf_time_monotonic_us() + timeout_ms * BF_US_PER_MS;
    if (!bf__http_address(host, port, &address, &len)) {
        return bf_err_set(err, BF_CONFIG, "not a numeric address: %s", host);
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    char *text = malloc(size + HEAD);
    enum bf_status status = BF_PEER;
    if (fd < 0 || !text) {
        bf_err_set(err, status, "no socket or no memory");
    } else {
        status = exchange(fd, &address, len, path, until_us, text, size + HEAD, err);
    }
    if (status == BF_OK && !take_apart(text, code)) {
        status = bf_err_set(err, BF_MALFORMED, "what answers on port %u does not speak HTTP", port);
    }
    if (status == BF_OK) {
        snprintf(body, size, "%s", text);
    }
    free(text);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}
