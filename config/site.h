/* site.h: belfry.yaml: what belongs to one installation and one process (peers, files, ports).
 * Everything that decides a number is in the city (city.h) instead, which travels in the log.
 * Owner: creator; plain texts inside live as long as it does.   Thread: read-only after load. */
#ifndef BF_CONFIG_SITE_H
#define BF_CONFIG_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct bf_site_property { const char *name, *value; };

struct bf_site {
    const char *path;      /* of belfry.yaml */
    const char *city_path; /* `city:`, a folder, relative to belfry.yaml; default ./city */
    struct {
        const char *url;   /* mqtt://127.0.0.1:1883 */
        int version;       /* 5 */
        const char *username, *password; /* password: from `password: {file: …}` only */
        const char *ca_file, *cert_file, *key_file;
        int64_t keep_alive_us; /* 60s */
    } mqtt;
    struct {
        const char *brokers; /* 127.0.0.1:9092 */
        bool embedded;       /* `belfry up` starts the embedded cluster */
        const char *prefix;  /* belfry */
        int replication;     /* of topics that belfry makes; 1 */
        const struct bf_site_property *properties; /* librdkafka: {…} */
        size_t property_count;
    } kafka;
    struct {
        const char *url;     /* redis://127.0.0.1:6379/0 */
        const char *username, *password;
        int64_t timeout_us;  /* 5s */
    } redis;
    struct {
        const char *id;      /* ingest id = client id = part of every delivery; "belfry-1" */
        const char *const *filters; /* subscriptions */
        size_t filter_count;
        int qos;             /* 1 */
        bool markers;        /* true */
        bool clock_message;  /* clock: message */
        bool packet_ids_free;
        int64_t max_jump_us; /* 10s */
        uint64_t max_payload;      /* 256KiB */
        uint64_t max_topic;        /* 1KiB */
        uint64_t max_readings;     /* per message, 1000 */
        uint64_t reject_payload;   /* bytes of a payload kept in a reject, 64KiB */
        uint64_t max_inflated;     /* of a packed payload, 1MiB */
        uint64_t decode_memory;    /* arena, 4MiB */
        uint64_t window_deliveries, window_bytes; /* unacknowledged: 16384, 16MiB */
        int64_t linger_us;   /* 5ms */
        const char *http;    /* "127.0.0.1:0" */
    } ingest;
    struct {
        const char *id;      /* group.instance.id; "process-1" */
        int64_t session_us;  /* 6s */
        int64_t checkpoint_every_us;     /* 10s */
        uint64_t checkpoint_rate;        /* bytes per second, 20MiB */
        const char *http;
    } process;
    struct {
        uint64_t batch;      /* records per script, 200 */
        uint64_t history;    /* entries kept per hist stream, 500 */
        const char *http;
    } sink;
};

/* Reads and checks belfry.yaml; ${VAR}, ${VAR:-default}, ${VAR:?message} inside scalars. CONFIG with
 * "file:line:column: message". All problems of the file go to err->detail (as many as fit). */
enum bf_status bf_site_load(const char *path, struct bf_site **site, struct bf_err *err) BF_MUST_CHECK;
void bf_site_destroy(struct bf_site *site);

#endif
