/* url.c: mqtt://host:port and mqtts://host:port, and nothing else. No user or password in the address:
 * it is shown in logs. */
#include <stdlib.h>
#include <string.h>

#include "peers/mqtt/mqtt.h"

struct scheme {
    const char *text;
    uint16_t port;
    bool tls;
};

static const struct scheme schemes[] = {
    {.text = "mqtt://", .port = 1883, .tls = false},
    {.text = "mqtts://", .port = 8883, .tls = true},
};

static enum bf_status refuse(struct bf_err *err, const char *url, const char *why)
{
    bf_err_set(err, BF_CONFIG, "not the address of an MQTT broker: %s", url);
    bf_err_detail(err, "%s", why);
    bf_err_hint(err, "write mqtt://host:port or mqtts://host:port");
    return BF_CONFIG;
}

static bool parse_port(const char *text, uint16_t *port)
{
    unsigned value = 0;
    if (!*text) {
        return false;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(*text - '0');
        if (value > UINT16_MAX) {
            return false;
        }
    }
    *port = (uint16_t)value;
    return value > 0;
}

enum bf_status bf_mqtt_parse_url(const char *url, char *host, size_t size, uint16_t *port, bool *tls,
                                 struct bf_err *err)
{
    const struct scheme *scheme = NULL;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strncmp(url, schemes[i].text, strlen(schemes[i].text)) == 0) {
            scheme = &schemes[i];
        }
    }
    if (!scheme) {
        return refuse(err, url, "it begins neither with mqtt:// nor with mqtts://");
    }
    const char *from = url + strlen(scheme->text);
    bool bracket = *from == '[';
    from += bracket;
    size_t len = strcspn(from, bracket ? "]" : ":/?#@[]");
    const char *rest = from + len;
    if (bracket && *rest++ != ']') {
        return refuse(err, url, "the bracket of an IPv6 address is not closed");
    }
    if (len == 0 || len >= size) {
        return refuse(err, url, len ? "the host name is too long" : "there is no host name");
    }
    *port = scheme->port;
    if (*rest == ':' ? !parse_port(rest + 1, port) : *rest != '\0') {
        return refuse(err, url, "behind the host name only a port from 1 to 65535 may follow");
    }
    memcpy(host, from, len);
    host[len] = '\0';
    *tls = scheme->tls;
    return BF_OK;
}
