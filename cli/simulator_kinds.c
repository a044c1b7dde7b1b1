/* Why: what the demo city's devices say, each kind in the form that its profile under config/city/profiles
 * reads: plain JSON in four dialects, SenML in JSON and CBOR, HSL's HFP.
 * Declined: a template language for payloads; a kind is one function of a dozen lines. */
#include "cli/simulator.h"

#include <math.h>
#include <stdio.h>

#include "core/time.h"

static const char *const districts[] = {"harbour", "old-town",   "market",   "castle",
                                        "meadow",  "mill",       "orchard",  "quarry",
                                        "station", "university", "woodland", "lakeside"};
#define DISTRICTS (sizeof districts / sizeof districts[0])
#define WATER_SHARE 3 /* water meters of a district */
#define DAY_US (86400 * BF_US_PER_S)
#define YEAR_US (365 * DAY_US)

static const char *district_of(const struct bf__draw *draw)
{
    return districts[draw->device % DISTRICTS];
}

/* The middle of a device's district, and a little off it; the districts lie in a grid of four by three. */
static double latitude(const struct bf__draw *draw)
{
    uint64_t row = draw->device % DISTRICTS / 4;
    return 60.15 + 0.1 * (double)row + 0.04 * (bf__chance(draw->seed, draw->device, 0, 0x1a) - 0.5);
}

static double longitude(const struct bf__draw *draw)
{
    uint64_t column = draw->device % 4;
    return 24.68 + 0.16 * (double)column + 0.06 * (bf__chance(draw->seed, draw->device, 0, 0x10) - 0.5);
}

/* level + spread * noise, the noise of three draws (nearly normal, bounded), held still where stuck. */
static double around(const struct bf__draw *draw, double level, double spread, uint64_t what)
{
    uint64_t number = draw->stuck ? 0 : draw->number;
    double noise = -1.5;
    for (uint64_t i = 0; i < 3; i++) {
        noise += bf__chance(draw->seed, draw->device, number, what * 8 + i);
    }
    return level + spread * (noise + draw->distort);
}

/* 0 in the night, 1 at both rush hours (08:00 and 17:00). */
static double rush(double day)
{
    double morning = (day - 8.0 / 24) * 24 / 2, evening = (day - 17.0 / 24) * 24 / 2.5;
    return exp(-morning * morning) + exp(-evening * evening);
}

/* 0 at 03:00, 1 at 15:00. */
static double sun(double day)
{
    return 0.5 - 0.5 * cos((day - 3.0 / 24) * 2 * 3.14159265358979323846);
}

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static size_t written(int length)
{
    return length > 0 && length < BF_SIMULATOR_PAYLOAD ? (size_t)length : 0;
}

static size_t write_air(const struct bf__draw *draw, char *topic, char *payload)
{
    const char *class = draw->device % 9 == 0 ? "reference" : "indicative";
    double traffic = rush(draw->day);
    double pm25 = around(draw, 6 + 9 * traffic, 3, 1), pm10 = around(draw, 12 + 15 * traffic, 5, 2);
    snprintf(topic, BF_SIMULATOR_TOPIC, "city/air/air-%04llu", (unsigned long long)draw->device);
    return written(
        snprintf(payload, BF_SIMULATOR_PAYLOAD,
                 "{\"ts\":%lld,\"class\":\"%s\",\"lat\":%.6f,\"lon\":%.6f,\"pm25\":%.1f,\"pm10\":%.1f,"
                 "\"no2\":%.1f}",
                 (long long)(draw->time_us / 1000), class, latitude(draw), longitude(draw), pm25, pm10,
                 around(draw, 15 + 30 * traffic, 6, 3)));
}

static size_t write_noise(const struct bf__draw *draw, char *topic, char *payload)
{
    snprintf(topic, BF_SIMULATOR_TOPIC, "city/noise/%s/snd-%04llu", district_of(draw),
             (unsigned long long)draw->device);
    return written(
        snprintf(payload, BF_SIMULATOR_PAYLOAD,
                 "[{\"bn\":\"urn:dev:snd-%04llu:\",\"bt\":%.3f,\"n\":\"laeq\",\"u\":\"dB\",\"v\":%.1f}]",
                 (unsigned long long)draw->device, (double)draw->time_us / 1e6,
                 around(draw, 45 + 12 * sun(draw->day) + 8 * rush(draw->day), 4, 1)));
}

static size_t write_traffic(const struct bf__draw *draw, char *topic, char *payload)
{
    double load = clamp(0.1 + 0.6 * rush(draw->day) + 0.2 * sun(draw->day), 0, 1);
    snprintf(topic, BF_SIMULATOR_TOPIC, "city/traffic/%s/loop-%04llu", district_of(draw),
             (unsigned long long)draw->device);
    return written(snprintf(
        payload, BF_SIMULATOR_PAYLOAD, "{\"time\":%.3f,\"vehicles\":%d,\"speed\":%.1f,\"occupancy\":%.1f}",
        (double)draw->time_us / 1e6, (int)clamp(around(draw, 12 * load, 4, 1), 0, 499),
        around(draw, 52 - 25 * load, 6, 2), clamp(around(draw, 40 * load, 5, 3), 0, 100)));
}

static size_t write_bus(const struct bf__draw *draw, char *topic, char *payload)
{
    unsigned vehicle = (unsigned)draw->device, route = 1000 + vehicle % 12 * 10;
    double progress = (double)draw->number / 600 + bf__chance(draw->seed, draw->device, 0, 7);
    double lat = latitude(draw) + 0.03 * sin(progress * 6.28),
           lon = longitude(draw) + 0.05 * cos(progress * 6.28);
    double speed = clamp(around(draw, 7 - 3 * rush(draw->day), 5, 1), 0, 24);
    int late = (int)around(draw, -40 - 120 * rush(draw->day), 90, 2);
    char when[40];
    bf_time_format(draw->time_us, when, sizeof when);
    snprintf(topic, BF_SIMULATOR_TOPIC,
             "/hfp/v2/journey/ongoing/vp/bus/0012/%05u/%u/1/Bell Tower/08:15/1130110/4/%d;%d/%d%d/%d%d/%d%d",
             vehicle, route, (int)lat, (int)lon, (int)(lat * 10) % 10, (int)(lon * 10) % 10,
             (int)(lat * 100) % 10, (int)(lon * 100) % 10, (int)(lat * 1000) % 10, (int)(lon * 1000) % 10);
    return written(
        snprintf(payload, BF_SIMULATOR_PAYLOAD,
                 "{\"VP\":{\"desi\":\"%u\",\"dir\":\"1\",\"oper\":12,\"veh\":%u,\"tst\":\"%s\",\"tsi\":%lld,"
                 "\"spd\":%.2f,\"hdg\":%d,\"lat\":%.6f,\"long\":%.6f,\"acc\":%.2f,\"dl\":%d,\"odo\":%llu,"
                 "\"drst\":%d,\"jrn\":1,\"line\":1,\"start\":\"08:15\",\"loc\":\"GPS\",\"stop\":null,"
                 "\"route\":\"%u\",\"occu\":0}}",
                 route / 10, vehicle, when, (long long)(draw->time_us / BF_US_PER_S), speed,
                 (int)(progress * 360) % 360, lat, lon, around(draw, 0, 1, 3), late,
                 (unsigned long long)(draw->number * 7 % 900000), speed < 1 ? 1 : 0, route));
}

/* One space at the kerb: taken for the length of a stay or free, sent again and again. */
static size_t write_bay(const struct bf__draw *draw, char *topic, char *payload)
{
    uint64_t stay = (uint64_t)(draw->now_us / (40 * BF_US_PER_S));
    bool taken = bf__chance(draw->seed, draw->device, stay, 6) < 0.2 + 0.7 * sun(draw->day);
    snprintf(topic, BF_SIMULATOR_TOPIC, "city/parking/%s/bay/%04llu", district_of(draw),
             (unsigned long long)draw->device);
    return written(snprintf(payload, BF_SIMULATOR_PAYLOAD, "{\"t\":%lld,\"bay\":\"%s\",\"rssi\":%d}",
                            (long long)(draw->time_us / BF_US_PER_MS), taken ? "occupied" : "free",
                            (int)around(draw, -95, 8, 2)));
}

/* Of the two of a district one is a car park, the other a space at the kerb. */
static size_t write_parking(const struct bf__draw *draw, char *topic, char *payload)
{
    if (draw->device / DISTRICTS % 2 == 1) {
        return write_bay(draw, topic, payload);
    }
    int capacity = 80 + (int)(draw->device * 37 % 300);
    int occupied = (int)clamp(around(draw, capacity * (0.2 + 0.7 * sun(draw->day)), 12, 1), 0, capacity);
    char when[40];
    bf_time_format(draw->time_us, when, sizeof when);
    snprintf(topic, BF_SIMULATOR_TOPIC, "city/parking/%s/park-%04llu", district_of(draw),
             (unsigned long long)draw->device);
    return written(snprintf(payload, BF_SIMULATOR_PAYLOAD,
                            "{\"at\":\"%s\",\"occupied\":%d,\"capacity\":%d,\"free\":%d}", when, occupied,
                            capacity, capacity - occupied));
}

static size_t write_waste(const struct bf__draw *draw, char *topic, char *payload)
{
    /* Fills over two hours, is emptied, begins anew; every bin at another point of that. */
    double age = fmod((double)draw->time_us / 7.2e9 + bf__chance(draw->seed, draw->device, 0, 5), 1);
    snprintf(topic, BF_SIMULATOR_TOPIC, "city/waste/bin-%04llu", (unsigned long long)draw->device);
    return written(snprintf(payload, BF_SIMULATOR_PAYLOAD,
                            "{\"t\":\"%lld\",\"pos\":[%.6f,%.6f],\"fill\":\"%.1f\",\"battery\":\"%.2f\"}",
                            (long long)(draw->time_us / BF_US_PER_S), latitude(draw), longitude(draw),
                            clamp(around(draw, 100 * age, 2, 1), 0, 400), around(draw, 3.6, 0.05, 2)));
}

/* What a customer draws in an hour, m3, and has drawn since the year began: the same, integrated, so that the
 * counter goes with the flow. */
static double water_use(double day)
{
    return 0.02 + 0.15 * rush(day) + 0.05 * sun(day);
}

static double water_drawn_by(double hour)
{
    const double pi = 3.14159265358979323846;
    double rushes = sqrt(pi) * (erf((hour - 8) / 2) + 1.25 * erf((hour - 17) / 2.5));
    return 0.02 * hour + 0.15 * rushes + 0.025 * (hour - 12 / pi * sin((hour - 3) * pi / 12));
}

static double water_drawn(int64_t now_us)
{
    int64_t days = now_us % YEAR_US / DAY_US;
    double hour = (double)(now_us % DAY_US) / 3.6e9;
    double each = water_drawn_by(24) - water_drawn_by(0);
    return (double)days * each + water_drawn_by(hour) - water_drawn_by(0);
}

/* Of the three of a district one measures what flows into it: what the others draw, and what is lost on the
 * way, more in one district than in another. */
static size_t write_water(const struct bf__draw *draw, char *topic, char *payload)
{
    bool inlet = draw->device / DISTRICTS % WATER_SHARE == 0;
    double times = inlet ? (WATER_SHARE - 1) * (1.05 + 0.02 * (double)(draw->device % DISTRICTS)) : 1;
    double use = times * water_use(draw->day);
    double total = (double)(draw->device % 900) + times * water_drawn(draw->now_us);
    char when[40];
    bf_time_format(draw->time_us, when, sizeof when);
    snprintf(topic, BF_SIMULATOR_TOPIC, "city/water/%s/meter-%04llu", district_of(draw),
             (unsigned long long)draw->device);
    return written(snprintf(payload, BF_SIMULATOR_PAYLOAD,
                            "{\"media\":\"water\",\"meter\":\"%s\",\"id\":\"%08llu\",\"timestamp\":\"%s\","
                            "\"use\":\"%s\",\"total_m3\":%.6f,\"flow_m3h\":%.4f}",
                            inlet ? "hydrus" : "iperl", (unsigned long long)draw->device, when,
                            inlet ? "inlet" : "customer", total, clamp(around(draw, use, 0.03, 1), 0, 90)));
}

static size_t write_energy(const struct bf__draw *draw, char *topic, char *payload)
{
    double power = around(draw, 350 + 900 * rush(draw->day), 160, 1);
    snprintf(topic, BF_SIMULATOR_TOPIC, "city/energy/%s/plug-%04llu", district_of(draw),
             (unsigned long long)draw->device);
    return written(
        snprintf(payload, BF_SIMULATOR_PAYLOAD,
                 "{\"id\":0,\"output\":true,\"apower\":%.1f,\"voltage\":%.1f,\"aenergy\":{\"total\":%.3f}}",
                 clamp(power, 0, 9e5), around(draw, 230, 2, 2), 0.5 * (double)draw->number));
}

/* ---- SenML in CBOR (RFC 8428, section 6): just what a mast sends. */
static size_t put_byte(char *at, unsigned byte)
{
    *at = (char)byte;
    return 1;
}

static size_t put_text(char *at, const char *text)
{
    size_t length = strlen(text); /* below 24: the length stands in the first byte */
    put_byte(at, 0x60u + (unsigned)length);
    memcpy(at + 1, text, length);
    return 1 + length;
}

static size_t put_number(char *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_byte(at, 0xfb);
    for (int i = 0; i < 8; i++) {
        put_byte(at + 1 + i, (unsigned)(bits >> (56 - 8 * i) & 0xff));
    }
    return 9;
}

/* {n: name, u: unit, v: value}; labels 0, 1 and 2. */
static size_t put_measure(char *at, const char *name, const char *unit, double value)
{
    size_t used = put_byte(at, 0x00);
    used += put_text(at + used, name);
    used += put_byte(at + used, 0x01);
    used += put_text(at + used, unit);
    used += put_byte(at + used, 0x02);
    return used + put_number(at + used, value);
}

static size_t write_weather(const struct bf__draw *draw, char *topic, char *payload)
{
    snprintf(topic, BF_SIMULATOR_TOPIC, "city/weather/%s/mast-%04llu", district_of(draw),
             (unsigned long long)draw->device);
    double from = fmod(240 + 60 * sun(draw->day) + around(draw, 0, 25, 5), 360);
    size_t used = put_byte(payload, 0x85); /* five records */
    used += put_byte(payload + used, 0xa4);
    used += put_byte(payload + used, 0x22); /* label -3: base time */
    used += put_number(payload + used, (double)draw->time_us / 1e6);
    used += put_measure(payload + used, "temperature", "Cel", around(draw, 4 + 9 * sun(draw->day), 1, 1));
    used += put_byte(payload + used, 0xa3);
    used += put_measure(payload + used, "humidity", "%RH",
                        clamp(around(draw, 85 - 30 * sun(draw->day), 5, 2), 0, 100));
    used += put_byte(payload + used, 0xa3);
    used += put_measure(payload + used, "wind", "m/s", clamp(around(draw, 4, 3, 3), 0, 89));
    used += put_byte(payload + used, 0xa3);
    used += put_measure(payload + used, "wind_from", "deg", from < 0 ? from + 360 : from);
    used += put_byte(payload + used, 0xa3);
    return used + put_measure(payload + used, "rain", "mm", clamp(around(draw, 0.1, 0.3, 4), 0, 99));
}

const struct bf__kind bf__kinds[] = {
    {.name = "air", .share = 36, .interval_ms = 5000, .write = write_air},
    {.name = "noise", .share = 48, .interval_ms = 1000, .write = write_noise},
    {.name = "traffic", .share = 60, .interval_ms = 2000, .write = write_traffic},
    {.name = "bus", .share = 48, .interval_ms = 1000, .write = write_bus},
    {.name = "parking", .share = 24, .interval_ms = 10000, .write = write_parking},
    {.name = "waste", .share = 48, .interval_ms = 15000, .write = write_waste},
    {.name = "water", .share = 36, .interval_ms = 10000, .write = write_water},
    {.name = "energy", .share = 48, .interval_ms = 2000, .write = write_energy},
    {.name = "weather", .share = 12, .interval_ms = 5000, .write = write_weather},
};
const size_t bf__kind_count = sizeof bf__kinds / sizeof bf__kinds[0];
