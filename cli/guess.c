/* guess.c: see guess.h. */
#include "cli/guess.h"

#include <stdio.h>

#define NAME_MAX_BYTES 64

static const struct row {
    const char *names, *quantity, *unit;
    double least, most;
} rows[] = {
#define G(aliases, code, symbol, low, high) \
    {.names = aliases, .quantity = #code, .unit = symbol, .least = low, .most = high},
#include "cli/guess.def"
#undef G
};

static const char *const roles[] = {
    [BF_ROLE_DEVICE] =
        "device deviceid deviceeui dev devid deveui serial serialnumber mac macaddress imei eui "
        "veh vehicle vehicleid station stationid sensorid nodeid esp8266id source thing thingid",
    [BF_ROLE_DEVICE_WEAK] = "id node name uuid sensor meter meterid bn",
    [BF_ROLE_TIME] = "time timestamp ts tst tsi at date datetime dt t created updated observed observedat "
                     "dateobserved measured bt receivedat utc epoch when",
    [BF_ROLE_LAT] = "lat latitude",
    [BF_ROLE_LON] = "lon long lng longitude",
    [BF_ROLE_ID] =
        "id oper jrn line stop seq fcnt counter version ver fw port fport channel ch desi dir route "
        "tsi index frame cnt nr status state code loc",
};

/* Small letters and digits only. */
static struct bf_slice reduce(struct bf_slice name, char text[NAME_MAX_BYTES])
{
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < NAME_MAX_BYTES; i++) {
        char c = name.data[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            text[len++] = c;
        }
    }
    return (struct bf_slice){text, len};
}

/* 2: one of the names; 1: it ends with one of at least three bytes; 0: neither. */
static int fits(const char *names, struct bf_slice name)
{
    int best = 0;
    for (const char *at = names; *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (len == name.len && memcmp(at, name.data, len) == 0) {
            return 2;
        }
        if (len >= 3 && name.len > len && memcmp(at, name.data + name.len - len, len) == 0) {
            best = 1;
        }
        at += len + strspn(at + len, " ");
    }
    return best;
}

bool bf_guess_field(struct bf_slice name, double low, double high, struct bf_guess *guess)
{
    char text[NAME_MAX_BYTES];
    struct bf_slice reduced = reduce(name, text);
    int best = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fit = fits(rows[i].names, reduced);
        double slack = (rows[i].most - rows[i].least) / 10; /* a few wrong values */
        if (fit > best && low >= rows[i].least - slack && high <= rows[i].most + slack) {
            best = fit;
            *guess = (struct bf_guess){.quantity = rows[i].quantity,
                                       .unit = rows[i].unit,
                                       .least = rows[i].least,
                                       .most = rows[i].most,
                                       .confidence = fit == 1          ? 60
                                                     : reduced.len > 2 ? 90
                                                                       : 75};
        }
    }
    return best > 0;
}

bool bf_guess_is(enum bf_guess_role role, struct bf_slice name)
{
    char text[NAME_MAX_BYTES];
    return fits(roles[role], reduce(name, text)) == 2;
}

bool bf_guess_numbers(struct bf_slice name)
{
    static const char *const endings[] = {"id", "nr", "nbr", "seq", "type", "code"};
    char text[NAME_MAX_BYTES];
    struct bf_slice reduced = reduce(name, text);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t len = strlen(endings[i]);
        if (reduced.len >= len && memcmp(reduced.data + reduced.len - len, endings[i], len) == 0) {
            return true;
        }
    }
    return false;
}

char *bf_guess_code(struct bf_slice name, char *text, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < name.len && len + 1 < size && len < 48; i++) {
        char c = name.data[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || (len > 0 && text[len - 1] != '_')) {
            text[len++] = plain ? c : '_';
        }
    }
    while (len > 0 && text[len - 1] == '_') {
        len--;
    }
    text[len] = '\0';
    if (len == 0) {
        (void)snprintf(text, size, "value");
    }
    return text;
}
