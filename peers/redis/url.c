/* url.c: redis://host:port/db and unix:///path?db=n. No password in the address: it is shown in logs. */
#include <string.h>

#include "peers/redis/redis.h"

#define TCP "redis://"
#define UNIX "unix://"
#define DEFAULT_PORT 6379
#define MAX_DATABASE 65535

static enum bf_status refuse(struct bf_err *err, const char *url, const char *why)
{
    bf_err_set(err, BF_CONFIG, "not the address of a Redis: %s", url);
    bf_err_detail(err, "%s", why);
    bf_err_hint(err, "write redis://host:port/db or unix:///path?db=0");
    return BF_CONFIG;
}

/* Reads digits up to `limit` and moves *text behind them. */
static bool parse_number(const char **text, unsigned limit, unsigned *number)
{
    const char *at = *text;
    unsigned value = 0;
    while (*at >= '0' && *at <= '9' && value <= limit) {
        value = value * 10 + (unsigned)(*at++ - '0');
    }
    bool good = at > *text && value <= limit;
    *text = at;
    *number = value;
    return good;
}

static bool copy(char *to, size_t size, const char *from, size_t len)
{
    if (len == 0 || len >= size) {
        return false;
    }
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

static enum bf_status parse_unix(const char *url, char *path, size_t size, unsigned *database,
                                 struct bf_err *err)
{
    const char *from = url + strlen(UNIX);
    size_t len = strcspn(from, "?");
    const char *rest = from + len;
    if (*from != '/' || !copy(path, size, from, len)) {
        return refuse(err, url, "the socket's path must be absolute and short");
    }
    if (*rest == '\0') {
        return BF_OK;
    }
    const char *number = rest + strlen("?db=");
    if (strncmp(rest, "?db=", strlen("?db=")) != 0 || !parse_number(&number, MAX_DATABASE, database)
        || *number) {
        return refuse(err, url, "behind the path only ?db=n may follow");
    }
    return BF_OK;
}

enum bf_status bf_redis_parse_url(const char *url, char *host, size_t size, uint16_t *port,
                                  unsigned *database, struct bf_err *err)
{
    *port = 0;
    *database = 0;
    if (strncmp(url, UNIX, strlen(UNIX)) == 0) {
        return parse_unix(url, host, size, database, err);
    }
    if (strncmp(url, TCP, strlen(TCP)) != 0) {
        return refuse(err, url, "it begins neither with redis:// nor with unix://");
    }
    const char *from = url + strlen(TCP);
    bool bracket = *from == '[';
    from += bracket;
    size_t len = strcspn(from, bracket ? "]" : ":/?#@[]");
    const char *rest = from + len;
    if (bracket && *rest++ != ']') {
        return refuse(err, url, "the bracket of an IPv6 address is not closed");
    }
    if (!copy(host, size, from, len)) {
        return refuse(err, url, "the host name is empty or too long");
    }
    unsigned number = DEFAULT_PORT;
    if (*rest == ':' && (rest++, !parse_number(&rest, UINT16_MAX, &number) || number == 0)) {
        return refuse(err, url, "the port is not a number from 1 to 65535");
    }
    *port = (uint16_t)number;
    if (*rest == '/' && rest[1] && (rest++, !parse_number(&rest, MAX_DATABASE, database))) {
        return refuse(err, url, "the database is not a number");
    }
    rest += *rest == '/';
    return *rest ? refuse(err, url, "something follows behind the database") : BF_OK;
}
