/* internal.h: what server and client share: a numeric address and a port become a socket address.
 * Thread: any. */
#ifndef BF_PEERS_HTTP_INTERNAL_H
#define BF_PEERS_HTTP_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* False where `host` is neither an IPv4 nor an IPv6 address. */
bool bf__http_address(const char *host, uint16_t port, struct sockaddr_storage *address, socklen_t *len);

#endif
