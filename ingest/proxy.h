/* proxy.h: the little of an HTTP proxy that Paho needs for TLS: it asks by CONNECT (RFC 9110, section 9.3.6),
 * is told yes, and speaks TLS to whom it is connected. Where it asks to go does not matter: there is one
 * broker.
 *
 * Owner: the gate.   Thread: the gate's.
 * Limits: BF_PROXY_REQUEST bytes within BF_PROXY_US; who takes more is dropped. */
#ifndef BF_INGEST_PROXY_H
#define BF_INGEST_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BF_PROXY_REQUEST 4096
#define BF_PROXY_US (INT64_C(10) * 1000000)

struct bf_proxy {
    int fd; /* of a client that has not asked yet; -1: none */
    int64_t until_us;
    size_t len;
    char request[BF_PROXY_REQUEST];
};

void bf_proxy_init(struct bf_proxy *proxy);
/* A client is there; its socket is the proxy's until it has asked. */
void bf_proxy_begin(struct bf_proxy *proxy, int fd, int64_t now_us);
/* Reads what has come. The client's socket, the caller's from now on, once the request is whole; else -1. */
int bf_proxy_turn(struct bf_proxy *proxy, int64_t now_us);
/* False: the client cannot be told. */
bool bf_proxy_agree(int fd);
void bf_proxy_end(struct bf_proxy *proxy);

#endif
