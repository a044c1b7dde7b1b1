/* proxy.c: see proxy.h. A request ends with an empty line, and nothing may stand behind it: TLS begins only
 * after the answer. */
#include "ingest/proxy.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void bf_proxy_init(struct bf_proxy *proxy)
{
    proxy->fd = -1;
}

void bf_proxy_begin(struct bf_proxy *proxy, int fd, int64_t now_us)
{
    proxy->fd = fd;
    proxy->len = 0;
    proxy->until_us = now_us + BF_PROXY_US;
}

void bf_proxy_end(struct bf_proxy *proxy)
{
    if (proxy->fd >= 0) {
        close(proxy->fd);
        proxy->fd = -1;
    }
}

static bool is_whole(const struct bf_proxy *proxy)
{
    static const char method[] = "CONNECT ", end[] = "\r\n\r\n";
    size_t method_len = sizeof method - 1, end_len = sizeof end - 1;
    return proxy->len >= method_len + end_len && memcmp(proxy->request, method, method_len) == 0 &&
           memcmp(proxy->request + proxy->len - end_len, end, end_len) == 0;
}

int bf_proxy_turn(struct bf_proxy *proxy, int64_t now_us)
{
    ssize_t n = recv(proxy->fd, proxy->request + proxy->len, sizeof proxy->request - proxy->len, 0);
    bool is_early = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (n > 0) {
        proxy->len += (size_t)n;
    }
    if (n > 0 && is_whole(proxy)) {
        int fd = proxy->fd;
        proxy->fd = -1;
        return fd;
    }
    bool is_over = n <= 0 && !is_early;
    if (is_over || proxy->len == sizeof proxy->request || now_us > proxy->until_us) {
        bf_proxy_end(proxy);
    }
    return -1;
}

bool bf_proxy_agree(int fd)
{
    static const char answer[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    return send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof answer - 1);
}
