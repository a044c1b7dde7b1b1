/* http.h: the small web server of every daemon (libmicrohttpd): GET /metrics (Prometheus text), /healthz
 * (200 while the process lives), /readyz (200 or 503, JSON with reasons). Loopback unless told otherwise.
 * Owner: creator.   Thread: its own; reads counters and health only.   Limits: 16 connections. */
#ifndef BF_PEERS_HTTP_H
#define BF_PEERS_HTTP_H

#include <stdint.h>

#include "core/counters.h"
#include "core/err.h"
#include "core/health.h"

struct bf_http;

/* listen: "127.0.0.1:0" (a free port), "[::1]:9102", ... CONFIG if it cannot be parsed, PEER if taken. */
enum bf_status bf_http_start(const char *listen, struct bf_counters *counters, struct bf_health *health,
                             struct bf_http **http, struct bf_err *err) BF_MUST_CHECK;
uint16_t bf_http_port(const struct bf_http *http);
void bf_http_stop(struct bf_http *http);

/* A plain GET for tools and tests: http://127.0.0.1:port/path; the body, NUL-terminated, cut at size. */
enum bf_status bf_http_get(const char *host, uint16_t port, const char *path, int timeout_ms, int *code,
                           char *body, size_t size, struct bf_err *err) BF_MUST_CHECK;

#endif
