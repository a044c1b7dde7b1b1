/* site.c: belfry.yaml: its tables, and the loader's call. See site.h.
 * Declined: a default for anything that names a secret or a peer outside this machine. */
#include "config/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/document.h"
#include "config/option.h"
#include "config/show.h"

#define AT(field) offsetof(struct bf_site, field)

/* Returned to the caller as struct bf_site *: it stands first. */
struct whole_site {
    struct bf_site site;
    struct bf__pool *pool;
};

static bool split_port(const char *text, const char **port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text) {
        return false;
    }
    char *end = NULL;
    long number = strtol(colon + 1, &end, 10);
    *port = colon + 1;
    return end != colon + 1 && *end == '\0' && number >= 0 && number <= 65535;
}

/* scheme://host:port[/path], with one of the option's choices as scheme. */
static bool parse_url(struct bf__loader *loader, const struct bf__option *option,
                      const struct bf__node *node, void *base)
{
    if (!bf__type_string.parse(loader, option, node, base)) {
        return false;
    }
    const char *url = *(const char **)((char *)base + option->offset);
    for (size_t i = 0; option->choices[i] != NULL; i++) {
        size_t len = strlen(option->choices[i]);
        if (strncmp(url, option->choices[i], len) != 0) {
            continue;
        }
        char host[256];
        const char *port = NULL;
        size_t host_len = strcspn(url + len, "/");
        if (host_len > 0 && host_len < sizeof host) {
            memcpy(host, url + len, host_len);
            host[host_len] = '\0';
            if (strchr(host, '@') != NULL) {
                return bf__loader_problem(loader, node,
                                          "%s: a URL holds no user and password; use the keys of their own",
                                          option->name);
            }
            if (split_port(host, &port)) {
                return true;
            }
        }
        return bf__loader_problem(loader, node, "%s: expected %shost:port, not \"%.80s\"", option->name,
                                  option->choices[i], url);
    }
    return bf__loader_problem(loader, node, "%s: expected %shost:port, not \"%.80s\"", option->name,
                              option->choices[0], url);
}

static const struct bf__option_type type_url = {.name = "URL", .expects = "a URL", .parse = parse_url};

static bool parse_address(struct bf__loader *loader, const struct bf__option *option,
                          const struct bf__node *node, void *base)
{
    const char *port = NULL;
    if (!bf__type_string.parse(loader, option, node, base)) {
        return false;
    }
    const char *address = *(const char **)((char *)base + option->offset);
    return split_port(address, &port) ||
           bf__loader_problem(loader, node,
                              "%s: expected address:port (port 0: any free one), not \"%.80s\"", option->name,
                              address);
}

static const struct bf__option_type type_address = {
    .name = "address:port", .expects = "address:port", .parse = parse_address};

static bool is_secret_name(const char *name)
{
    size_t len = strlen(name);
    return (len >= 8 && strcmp(name + len - 8, "password") == 0) ||
           (len >= 6 && strcmp(name + len - 6, "secret") == 0);
}

/* What belfry sets itself, because the promise hangs on it. */
static const char *const owned_properties[] = {
    "bootstrap.servers", "enable.idempotence", "acks", "request.required.acks", "group.id",
    "group.instance.id", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
    "partitioner", "message.timeout.ms", "delivery.timeout.ms", "isolation.level", "transactional.id",
    "partition.assignment.strategy", NULL};

static bool parse_properties(struct bf__loader *loader, const struct bf__option *option,
                             const struct bf__node *node, void *base)
{
    struct bf_site *site = base;
    bool good = true;
    size_t at = 0;
    if (node->kind != BF__NODE_MAP) {
        return bf__option_unexpected(loader, option, node);
    }
    struct bf_site_property *list = bf__pool_array(loader->pool, node->count, sizeof *list);
    for (const struct bf__node *entry = node->first; entry != NULL; entry = entry->next) {
        const char *name = entry->key->text.data, *value = NULL;
        for (size_t i = 0; owned_properties[i] != NULL; i++) {
            if (strcmp(owned_properties[i], name) == 0) {
                good = bf__loader_problem(loader, entry->key,
                                          "librdkafka: \"%s\" is set by belfry itself; remove it", name);
            }
        }
        if (entry->kind == BF__NODE_MAP || is_secret_name(name)) {
            value = bf__secret_read(loader, entry);
        } else if (entry->kind == BF__NODE_SCALAR) {
            value = bf__pool_copy(loader->pool, entry->text).data;
        } else {
            bf__loader_problem(loader, entry, "librdkafka: \"%s\": expected a text, not a list", name);
        }
        good = good && value != NULL;
        list[at++] = (struct bf_site_property){
            .name = bf__pool_copy(loader->pool, entry->key->text).data, .value = value};
    }
    site->kafka.properties = list;
    site->kafka.property_count = at;
    return good;
}

static const struct bf__option_type type_properties = {
    .name = "map", .expects = "a map of librdkafka properties", .parse = parse_properties};

static const char *const mqtt_schemes[] = {"mqtt://", "mqtts://", NULL};
static const char *const redis_schemes[] = {"redis://", NULL};
static const char *const clocks[] = {"log", "message", NULL};
static const char *const packet_ids[] = {"cycle", "free", NULL};

static const struct bf__option mqtt_options[] = {
    {.name = "url", .type = &type_url, .offset = AT(mqtt.url), .fallback = "mqtt://127.0.0.1:1883",
     .choices = mqtt_schemes, .summary = "The broker; `mqtts://` for TLS."},
    {.name = "version", .type = &bf__type_integer, .offset = AT(mqtt.version), .fallback = "5", .min = 4,
     .max = 5, .summary = "MQTT version: 5, or 4 for MQTT 3.1.1."},
    {.name = "username", .type = &bf__type_string, .offset = AT(mqtt.username),
     .summary = "User name; without one the connection is anonymous."},
    {.name = "password", .type = &bf__type_secret, .offset = AT(mqtt.password),
     .summary = "Password, from a file."},
    {.name = "ca_file", .type = &bf__type_file, .offset = AT(mqtt.ca_file),
     .fallback_note = "the system's", .summary = "Certificates of the authorities that are trusted (PEM)."},
    {.name = "cert_file", .type = &bf__type_file, .offset = AT(mqtt.cert_file),
     .summary = "Client certificate (PEM)."},
    {.name = "key_file", .type = &bf__type_file, .offset = AT(mqtt.key_file),
     .summary = "Key of the client certificate (PEM)."},
    {.name = "keep_alive", .type = &bf__type_duration, .offset = AT(mqtt.keep_alive_us), .fallback = "60s",
     .min = 1e6, .max = 3600e6, .summary = "Longest silence before a PINGREQ."},
    {.name = NULL},
};

static const struct bf__option kafka_options[] = {
    {.name = "brokers", .type = &bf__type_string, .offset = AT(kafka.brokers), .fallback = "127.0.0.1:9092",
     .summary = "host:port of some brokers, separated by commas."},
    {.name = "embedded", .type = &bf__type_bool, .offset = AT(kafka.embedded), .fallback = "false",
     .summary = "`belfry up` starts the embedded cluster (in memory, for trying things)."},
    {.name = "prefix", .type = &bf__type_name, .offset = AT(kafka.prefix), .fallback = "belfry",
     .summary = "First part of the names of topics and groups."},
    {.name = "replication", .type = &bf__type_integer, .offset = AT(kafka.replication), .fallback = "1",
     .min = 1, .max = 15, .summary = "Copies of each partition of the topics that belfry makes."},
    {.name = "librdkafka", .type = &type_properties, .offset = AT(kafka.properties),
     .count = AT(kafka.property_count),
     .summary = "Any librdkafka property that belfry does not set itself; passwords as `{file: path}`."},
    {.name = NULL},
};

static const struct bf__option redis_options[] = {
    {.name = "url", .type = &type_url, .offset = AT(redis.url), .fallback = "redis://127.0.0.1:6379/0",
     .choices = redis_schemes, .summary = "The server and the number of the database."},
    {.name = "username", .type = &bf__type_string, .offset = AT(redis.username), .summary = "ACL user."},
    {.name = "password", .type = &bf__type_secret, .offset = AT(redis.password),
     .summary = "Password, from a file."},
    {.name = "timeout", .type = &bf__type_duration, .offset = AT(redis.timeout_us), .fallback = "5s",
     .min = 10e3, .max = 600e6, .summary = "Longest wait for an answer."},
    {.name = NULL},
};

static const struct bf__option ingest_options[] = {
    {.name = "id", .type = &bf__type_string, .offset = AT(ingest.id), .fallback = "belfry-1",
     .summary = "Id of this process: MQTT client id, and part of every delivery. Never used by two at once."},
    {.name = "filters", .type = &bf__type_strings, .offset = AT(ingest.filters),
     .count = AT(ingest.filter_count), .fallback_note = "what the profiles' topics need",
     .summary = "Topic filters to subscribe to; several ingest processes have disjoint ones."},
    {.name = "qos", .type = &bf__type_integer, .offset = AT(ingest.qos), .fallback = "1", .min = 0, .max = 1,
     .summary = "QoS of the subscriptions; with 0 the promise does not hold."},
    {.name = "markers", .type = &bf__type_bool, .offset = AT(ingest.markers), .fallback = "true",
     .summary = "Send markers through the broker; without them the clock is the wall clock."},
    {.name = "clock", .type = &bf__type_either, .offset = AT(ingest.clock_message), .fallback = "log",
     .choices = clocks,
     .summary = "`message`: time comes with replayed messages (MQTT 5); for private runs only."},
    {.name = "packet_ids", .type = &bf__type_either, .offset = AT(ingest.packet_ids_free),
     .fallback = "cycle", .choices = packet_ids,
     .summary = "`free` for brokers that hand out the lowest free packet id."},
    {.name = "max_jump", .type = &bf__type_duration, .offset = AT(ingest.max_jump_us), .fallback = "10s",
     .min = 1e6, .max = 86400e6,
     .summary = "A larger jump of the wall clock stops log time until the clock is right again."},
    {.name = "max_payload", .type = &bf__type_size, .offset = AT(ingest.max_payload), .fallback = "256KiB",
     .min = 1024, .max = 900000, .summary = "Larger messages are rejected."},
    {.name = "max_topic", .type = &bf__type_size, .offset = AT(ingest.max_topic), .fallback = "1KiB",
     .min = 16, .max = 65535, .summary = "Messages with longer topics are rejected."},
    {.name = "max_readings", .type = &bf__type_count, .offset = AT(ingest.max_readings), .fallback = "1000",
     .min = 1, .max = 100000, .summary = "Readings that one message may give."},
    {.name = "reject_payload", .type = &bf__type_size, .offset = AT(ingest.reject_payload),
     .fallback = "64KiB", .min = 0, .max = 524288, .summary = "Bytes of a payload kept in a reject."},
    {.name = "decode_memory", .type = &bf__type_size, .offset = AT(ingest.decode_memory), .fallback = "4MiB",
     .min = 65536, .max = 1073741824, .summary = "Memory for decoding one message."},
    {.name = "max_inflated", .type = &bf__type_size, .offset = AT(ingest.max_inflated), .fallback = "1MiB",
     .min = 1024, .max = 268435456,
     .summary = "A packed payload (`wrap: gzip`) that gets larger is rejected; decode_memory holds it."},
    {.name = "window_deliveries", .type = &bf__type_count, .offset = AT(ingest.window_deliveries),
     .fallback = "16384", .min = 1, .max = 16384,
     .summary = "Unacknowledged deliveries at which the gate stops reading."},
    {.name = "window_bytes", .type = &bf__type_size, .offset = AT(ingest.window_bytes), .fallback = "16MiB",
     .min = 65536, .max = 1073741824, .summary = "Unacknowledged bytes at which the gate stops reading."},
    {.name = "linger", .type = &bf__type_duration, .offset = AT(ingest.linger_us), .fallback = "5ms",
     .min = 0, .max = 1e6, .summary = "How long the producer waits to fill a batch."},
    {.name = "http", .type = &type_address, .offset = AT(ingest.http), .fallback = "127.0.0.1:0",
     .summary = "Address of /metrics, /healthz and /readyz; port 0: any free one."},
    {.name = NULL},
};

static const struct bf__option process_options[] = {
    {.name = "id", .type = &bf__type_string, .offset = AT(process.id), .fallback = "process-1",
     .summary = "Id of this process in its consumer groups. Never used by two at once."},
    {.name = "session", .type = &bf__type_duration, .offset = AT(process.session_us), .fallback = "6s",
     .min = 1e6, .max = 1800e6, .summary = "Silence after which another process takes over."},
    {.name = "checkpoint_every", .type = &bf__type_duration, .offset = AT(process.checkpoint_every_us),
     .fallback = "10s", .min = 100e3, .max = 3600e6, .summary = "Time between checkpoints of a task."},
    {.name = "checkpoint_rate", .type = &bf__type_size, .offset = AT(process.checkpoint_rate),
     .fallback = "20MiB", .min = 65536, .max = 1073741824,
     .summary = "Bytes of checkpoints written per second, at most."},
    {.name = "http", .type = &type_address, .offset = AT(process.http), .fallback = "127.0.0.1:0",
     .summary = "Address of /metrics, /healthz and /readyz; port 0: any free one."},
    {.name = NULL},
};

static const struct bf__option sink_options[] = {
    {.name = "batch", .type = &bf__type_count, .offset = AT(sink.batch), .fallback = "200", .min = 1,
     .max = 10000, .summary = "Records written by one script, at most."},
    {.name = "history", .type = &bf__type_count, .offset = AT(sink.history), .fallback = "500", .min = 1,
     .max = 100000, .summary = "Closed windows kept per KPI and scope."},
    {.name = "http", .type = &type_address, .offset = AT(sink.http), .fallback = "127.0.0.1:0",
     .summary = "Address of /metrics, /healthz and /readyz; port 0: any free one."},
    {.name = NULL},
};

static bool check_mqtt(struct bf__loader *loader, const struct bf__node *map, void *base)
{
    const struct bf_site *site = base;
    bool tls = strncmp(site->mqtt.url, "mqtts://", 8) == 0;
    if ((site->mqtt.cert_file == NULL) != (site->mqtt.key_file == NULL)) {
        return bf__loader_problem(loader, map, "mqtt: cert_file and key_file go together; one is missing");
    }
    if (!tls && (site->mqtt.ca_file != NULL || site->mqtt.cert_file != NULL)) {
        return bf__loader_problem(loader, map, "mqtt: certificates need TLS; write url: mqtts://…");
    }
    if (site->mqtt.password != NULL && site->mqtt.username == NULL) {
        return bf__loader_problem(loader, map, "mqtt: a password needs a username");
    }
    return true;
}

/* The sections' fields lie in struct bf_site itself, so their offsets count from its beginning. */
static const struct bf__section mqtt_section = {.name = "mqtt",
                                                .options = mqtt_options,
                                                .check = check_mqtt,
                                                .summary = "The broker that devices talk to."};
static const struct bf__section kafka_section = {
    .name = "kafka", .options = kafka_options, .summary = "The log."};
static const struct bf__section redis_section = {
    .name = "redis", .options = redis_options, .summary = "Where results go."};
static const struct bf__section ingest_section = {
    .name = "ingest", .options = ingest_options, .summary = "belfry-ingest."};
static const struct bf__section process_section = {
    .name = "process", .options = process_options, .summary = "belfry-process."};
static const struct bf__section sink_section = {
    .name = "sink", .options = sink_options, .summary = "belfry-sink."};

static const struct bf__option site_options[] = {
    {.name = "city", .type = &bf__type_file, .offset = AT(city_path), .fallback = "city",
     .summary = "Folder of the city (city.yaml, profiles, kpis, boards, zones), relative to this file."},
    {.name = "mqtt", .type = &bf__type_section, .section = &mqtt_section, .summary = "The MQTT broker."},
    {.name = "kafka", .type = &bf__type_section, .section = &kafka_section, .summary = "Kafka."},
    {.name = "redis", .type = &bf__type_section, .section = &redis_section, .summary = "Redis."},
    {.name = "ingest", .type = &bf__type_section, .section = &ingest_section, .summary = "belfry-ingest."},
    {.name = "process", .type = &bf__type_section, .section = &process_section,
     .summary = "belfry-process."},
    {.name = "sink", .type = &bf__type_section, .section = &sink_section, .summary = "belfry-sink."},
    {.name = NULL},
};

/* What holds between two sections. */
static bool check_site(struct bf__loader *loader, const struct bf__node *map, void *base)
{
    const struct bf_site *site = base;
    if (site->ingest.clock_message && site->mqtt.version < 5) {
        const struct bf__node *ingest = bf__node_get(map, "ingest");
        return bf__loader_problem(loader, bf__node_get(ingest, "clock"),
                                  "ingest: `clock: message` needs MQTT 5 (mqtt: version: 5): in MQTT 3.1.1 a "
                                  "message has no property that could carry its time");
    }
    return true;
}

const struct bf__section bf__site_section = {
    .name = "belfry.yaml", .options = site_options, .check = check_site, .size = sizeof(struct bf_site),
    .summary = "One installation and its processes: peers, files, ports. Nothing here changes a number."};

static void load(struct whole_site *whole, const char *path, struct bf__problems *problems)
{
    struct bf_slice bytes = {0};
    const char *why = NULL;
    if (!bf__file_read(whole->pool, path, BF__YAML_BYTES, &bytes, &why)) {
        bf__problem_add(problems, BF__FATAL, path, 0, 0,
                        "could not read it: %s; give the file with --config FILE", why);
        return;
    }
    struct bf_slice folder = bf__pool_copy(whole->pool, bf_slice_of(path));
    const char *slash = strrchr(folder.data, '/');
    folder.len = slash != NULL ? (size_t)(slash - folder.data) : 0;
    struct bf__loader loader = {.pool = whole->pool, .problems = problems, .severity = BF__FATAL,
                                .file = path, .folder = NULL};
    if (slash != NULL) {
        loader.folder = folder.len > 0 ? bf__pool_copy(whole->pool, folder).data : "/";
    }
    struct bf__document document;
    struct bf__yaml_source source = {.name = path, .bytes = bytes, .variables = BF__YAML_EXPAND,
                                     .severity = BF__FATAL};
    whole->site.path = bf__pool_copy(whole->pool, bf_slice_of(path)).data;
    if (bf__yaml_parse(whole->pool, &source, &document, problems)) {
        bf__section_load(&loader, &bf__site_section, document.root, &whole->site);
    }
}

/* NULL where there were problems. */
static struct bf_site *make_site(const char *path, struct bf__problems *problems)
{
    struct bf__pool *pool = bf__pool_create();
    struct whole_site *whole = bf__pool_alloc(pool, sizeof *whole);
    whole->pool = pool;
    load(whole, path, problems);
    if (problems->count_of[BF__FATAL] > 0) {
        bf__pool_destroy(pool);
        return NULL;
    }
    return &whole->site;
}

enum bf_status bf_site_load(const char *path, struct bf_site **site, struct bf_err *err)
{
    struct bf__problems problems = {0};
    *site = make_site(path, &problems);
    enum bf_status status = bf__problems_err(&problems, BF__FATAL, err);
    bf__problems_deinit(&problems);
    return status;
}

void bf_site_inspect(const char *path, struct bf_site **site, struct bf_problem **problems, size_t *count)
{
    struct bf__problems found = {0};
    *site = make_site(path, &found);
    *count = 0;
    *problems = calloc(found.count + 1, sizeof **problems);
    for (size_t i = 0; *problems != NULL && i < found.count; i++) {
        struct bf_problem *problem = &(*problems)[(*count)++];
        snprintf(problem->text, sizeof problem->text, "%s", found.list[i].text);
        problem->fatal = true;
    }
    bf__problems_deinit(&found);
}

void bf_site_destroy(struct bf_site *site)
{
    if (site != NULL) {
        bf__pool_destroy(((struct whole_site *)site)->pool);
    }
}
