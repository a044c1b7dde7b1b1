/* sample.c: see sample.h. */
#include "bench/sample.h"

#include <stdio.h>

struct bf_slice bench_sample_topic(unsigned device)
{
    static char topic[64];
    int len = snprintf(topic, sizeof topic, "bench/district-%02u/dev-%05u", device % BENCH_DISTRICTS, device);
    return (struct bf_slice){.data = topic, .len = (size_t)len};
}

struct bf_slice bench_sample_payload(unsigned device, int64_t time_us, size_t bytes)
{
    static char payload[2048];
    int made =
        snprintf(payload, sizeof payload,
                 "{\"ts\":%lld,\"id\":\"dev-%05u\",\"lat\":60.%06u,\"lon\":24.%06u,\"value\":%02u.%u,"
                 "\"unit\":\"ug/m3\",\"battery\":3.61,\"rssi\":-71,\"class\":\"indicative\",\"pad\":\"",
                 (long long)(time_us / 1000), device, 170000 + device, 930000 + device, device * 7 % 90 + 10,
                 device % 10);
    size_t len = (size_t)made;
    while (len + 2 < bytes && len + 2 < sizeof payload) {
        payload[len++] = 'x';
    }
    payload[len++] = '"';
    payload[len++] = '}';
    return (struct bf_slice){.data = payload, .len = len};
}

void bench_sample_reading(unsigned device, int64_t serial, struct bf_reading *reading)
{
    static char source[32], zone[32];
    int source_len = snprintf(source, sizeof source, "bench:dev-%05u", device);
    int zone_len = snprintf(zone, sizeof zone, "district-%02u", device % BENCH_DISTRICTS);
    int64_t event_us = BENCH_START_US + serial * BF_US_PER_S / 30000;
    *reading = (struct bf_reading){
        .source = {.data = source, .len = (size_t)source_len},
        .quantity = BF_SLICE("pm2_5"),
        .event_us = event_us,
        .ingest_us = event_us + 2000,
        .time_source = BF_TIME_DEVICE,
        .value = {.kind = BF_VALUE_DOUBLE, .as.number = 12.3},
        .unit = BF_SLICE("ug/m3"),
        .quality = BF_QUALITY_GOOD,
        .has_place = true,
        .lat_e7 = 601750000,
        .lon_e7 = 249350000,
        .zone = {.data = zone, .len = (size_t)zone_len},
        .profile = BF_SLICE("bench@1"),
        .tags = {{.name = BF_SLICE("class"), .value = BF_SLICE("indicative")}},
        .tag_count = 1,
        .delivery =
            {
                .ingest = BF_SLICE("belfry-1"),
                .incarnation = 1,
                .epoch = 1,
                .serial = serial,
                .packet_id = (uint16_t)(serial % 65535 + 1),
                .payload_hash = (uint64_t)serial * UINT64_C(0x9e3779b97f4a7c15),
            },
    };
}
