/* http.h: the small web server of every daemon (libmicrohttpd): GET and HEAD of /metrics (Prometheus text),
 * /healthz (200 while the process lives), /readyz (200 or 503, JSON with reasons). Degraded is ready: Redis
 * away is told in the reasons, but Kafka holds the backlog. Loopback unless told otherwise.
 *
 * Owner:  creator.   Thread: its own; reads counters and health only.
 * Limits: BF_HTTP_CONNECTIONS at once, BF_HTTP_IDLE_S without a byte; a request has no body. */
#ifndef BF_PEERS_HTTP_H
#define BF_PEERS_HTTP_H

#include <stdint.h>

#include "core/counters.h"
#include "core/err.h"
#include "core/health.h"

#define BF_HTTP_CONNECTIONS 16
#define BF_HTTP_IDLE_S 10

struct bf_http;

/* listen: "127.0.0.1:0" (a free port), "[::1]:9102", ... numeric addresses only. CONFIG if it cannot be
 * parsed, PEER if taken. */
enum bf_status bf_http_start(const char *listen, struct bf_counters *counters, struct bf_health *health,
                             struct bf_http **http, struct bf_err *err) BF_MUST_CHECK;
uint16_t bf_http_port(const struct bf_http *http);
void bf_http_stop(struct bf_http *http); /* NULL is fine */

/* A plain GET for tools and tests: http://127.0.0.1:port/path; the body, NUL-terminated, cut at size. host is
 * a numeric IPv4 or IPv6 address. */
enum bf_status bf_http_get(const char *host, uint16_t port, const char *path, int timeout_ms, int *code,
                           char *body, size_t size, struct bf_err *err) BF_MUST_CHECK;

#endif
