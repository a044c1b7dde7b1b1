/* address.c: numeric addresses only: a name server has no say in where a daemon listens. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "peers/http/internal.h"

bool bf__http_address(const char *host, uint16_t port, struct sockaddr_storage *address, socklen_t *len)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        memcpy(address, &v4, sizeof v4);
        *len = sizeof v4;
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        memcpy(address, &v6, sizeof v6);
        *len = sizeof v6;
        return true;
    }
    return false;
}
