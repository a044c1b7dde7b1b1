/* http.c: three pages over libmicrohttpd, in one thread of its own with epoll, so that a slow reader of
 * /metrics cannot hold the daemon's loop. Declined: answering from the loop (it may wait for a peer, and a
 * health page that waits with it says nothing). */
#include "peers/http/http.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peers/http/internal.h"

struct bf_http {
    struct MHD_Daemon *daemon;
    struct bf_counters *counters;
    struct bf_health *health;
    uint16_t port;
};

#define TEXT "text/plain; charset=utf-8"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"
#define JSON "application/json"
#define GROWTH 4096 /* a counter may gain digits between measuring and writing */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned code, const char *type,
                              const char *allow, char *body, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(body), body, mode);
    if (!response) {
        if (mode == MHD_RESPMEM_MUST_FREE) {
            free(body);
        }
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (allow) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
    }
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned code, const char *allow,
                           const char *words)
{
    char body[64];
    snprintf(body, sizeof body, "%s\n", words);
    return answer(connection, code, TEXT, allow, body, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result serve_metrics(const struct bf_http *http, struct MHD_Connection *connection)
{
    char none[1];
    size_t size = bf_counters_format(http->counters, none, sizeof none) + GROWTH;
    char *body = malloc(size);
    if (!body) {
        return MHD_NO;
    }
    size_t len = bf_counters_format(http->counters, body, size - 1);
    body[len < size - 1 ? len : size - 1] = '\0';
    return answer(connection, MHD_HTTP_OK, METRICS, NULL, body, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result serve_alive(const struct bf_http *http, struct MHD_Connection *connection)
{
    (void)http;
    return say(connection, MHD_HTTP_OK, NULL, "ok");
}

static enum MHD_Result serve_ready(const struct bf_http *http, struct MHD_Connection *connection)
{
    char body[BF_HEALTH_MAX * 512 + 64];
    bool ready = bf_health_format(http->health, body, sizeof body) != BF_HEALTH_NOT_READY;
    return answer(connection, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, JSON, NULL, body,
                  MHD_RESPMEM_MUST_COPY);
}

struct page {
    const char *path;
    enum MHD_Result (*serve)(const struct bf_http *http, struct MHD_Connection *connection);
};

static const struct page pages[] = {
    {.path = "/metrics", .serve = serve_metrics},
    {.path = "/healthz", .serve = serve_alive},
    {.path = "/readyz", .serve = serve_ready},
};

/* libmicrohttpd calls this twice for each request: at its head, and when it is whole. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    static char seen;
    const struct bf_http *http = context;
    (void)version;
    (void)upload;
    if (*state != &seen) {
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_size > 0) { /* read and thrown away */
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET, HEAD", "only GET and HEAD");
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(path, pages[i].path) == 0) {
            return pages[i].serve(http, connection);
        }
    }
    return say(connection, MHD_HTTP_NOT_FOUND, NULL, "not found: try /metrics, /healthz or /readyz");
}

/* "127.0.0.1:0", "[::1]:9102". */
static bool parse_listen(const char *listen, struct sockaddr_storage *address, socklen_t *len)
{
    char host[64];
    const char *colon = strrchr(listen, ':');
    if (!colon || colon == listen || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1)) {
        return false;
    }
    unsigned long port = strtoul(colon + 1, NULL, 10);
    bool bracket = *listen == '[';
    if (port > UINT16_MAX || strlen(colon) > 6 || (bracket && colon[-1] != ']')) {
        return false;
    }
    size_t host_len = (size_t)(colon - listen) - (bracket ? 2 : 0);
    if (host_len >= sizeof host) {
        return false;
    }
    memcpy(host, listen + bracket, host_len);
    host[host_len] = '\0';
    return bf__http_address(host, (uint16_t)port, address, len);
}

enum bf_status bf_http_start(const char *listen, struct bf_counters *counters, struct bf_health *health,
                             struct bf_http **out, struct bf_err *err)
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    if (!parse_listen(listen, &address, &len)) {
        bf_err_set(err, BF_CONFIG, "not an address to listen on: %s", listen);
        bf_err_hint(err, "write a numeric address and a port, as in 127.0.0.1:9101 or [::1]:9101");
        return BF_CONFIG;
    }
    struct bf_http *http = calloc(1, sizeof *http);
    if (!http) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    http->counters = counters;
    http->health = health;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, http, MHD_OPTION_SOCK_ADDR, &address,
                                    MHD_OPTION_CONNECTION_LIMIT, (unsigned)BF_HTTP_CONNECTIONS,
                                    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)BF_HTTP_IDLE_S,
                                    MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)BF_HTTP_CONNECTIONS,
                                    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info) {
        bf_http_stop(http);
        return bf_err_set(err, BF_PEER, "could not listen on %s (is the port taken?)", listen);
    }
    http->port = info->port;
    *out = http;
    return BF_OK;
}

uint16_t bf_http_port(const struct bf_http *http)
{
    return http->port;
}

void bf_http_stop(struct bf_http *http)
{
    if (!http) {
        return;
    }
    if (http->daemon) {
        MHD_stop_daemon(http->daemon);
    }
    free(http);
}
