/* Why: one place that knows how an installation is wired, as deploy/demo does, but with every part in the
 * test's hand. Declined: `belfry up` (it restarts what a test has killed, at its own pace). */
#include "tests/e2e/town.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/bundle.h"
#include "config/log/config_log.h"
#include "peers/http/http.h"
#include "tests/support/port.h"
#include "tests/support/tempdir.h"

#define BIN TEST_BINARY_DIR "/bin/"
#define FILE_MAX 65536
#define READY_MS 40000
#define AUDIT_WAIT "120s"
#define SETTLE_MS 40000
#define ARGUMENTS 32

static const char *const names[TOWN_DAEMONS] = {
    [TOWN_INGEST] = "ingest", [TOWN_PROCESS] = "process", [TOWN_SINK] = "sink"};

static const char *const programs[TOWN_DAEMONS] = {[TOWN_INGEST] = BIN "belfry-ingest",
                                                   [TOWN_PROCESS] = BIN "belfry-process",
                                                   [TOWN_SINK] = BIN "belfry-sink"};

/* ---- files */

static bool read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(text, 1, size - 1, file) : 0;
    text[got] = '\0';
    return file && fclose(file) == 0 && got < size - 1;
}

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    return file && fputs(text, file) >= 0 && fclose(file) == 0;
}

/* Every `old` becomes `new`; how many there were. -1 where it does not fit. */
static int replace(char *text, size_t size, const char *old, const char *new)
{
    int count = 0;
    size_t old_len = strlen(old), new_len = strlen(new);
    for (char *at = text; (at = strstr(at, old)) != NULL; at += new_len) {
        size_t rest = strlen(at + old_len) + 1;
        if ((size_t)(at - text) + new_len + rest > size) {
            return -1;
        }
        memmove(at + new_len, at + old_len, rest);
        memcpy(at, new, new_len);
        count++;
    }
    return count;
}

/* Windows of seconds, so that a test of seconds sees many of them end, and their lateness too; and a hold_max
 * that is shorter than an outage, since only a longer outage shows that it does not count there. */
static int shorten(char *text, const char *delay)
{
    char line[64];
    snprintf(line, sizeof line, "hold_max: 8s\n  delay: %s ", delay);
    int windows = replace(text, FILE_MAX, "tumbling: 30s", "tumbling: 4s");
    windows += replace(text, FILE_MAX, "tumbling: 10s", "tumbling: 2s");
    replace(text, FILE_MAX, "allowed_lateness: 2m", "allowed_lateness: 30s");
    replace(text, FILE_MAX, "delay: 5s ", line);
    return windows;
}

/* One folder of the city's files; the number of windows that were shortened, -1 where it failed. */
static int copy_folder(const struct town *town, const char *name, const char *delay)
{
    char from[600], to[600];
    static char text[FILE_MAX];
    int windows = 0;
    snprintf(from, sizeof from, TEST_SOURCE_DIR "/config/city/%s", name);
    snprintf(to, sizeof to, "%s/%s", town->city, name);
    mkdir(to, 0700);
    DIR *folder = opendir(from);
    for (const struct dirent *entry; folder && windows >= 0 && (entry = readdir(folder)) != NULL;) {
        struct stat about;
        snprintf(from, sizeof from, TEST_SOURCE_DIR "/config/city/%s/%s", name, entry->d_name);
        snprintf(to, sizeof to, "%s/%s/%s", town->city, name, entry->d_name);
        if (stat(from, &about) != 0 || !S_ISREG(about.st_mode)) {
            continue;
        }
        if (!read_file(from, text, sizeof text)) {
            windows = -1;
            break;
        }
        windows += shorten(text, delay);
        windows = write_file(to, text) ? windows : -1;
    }
    if (!folder) {
        return -1;
    }
    closedir(folder);
    return windows;
}

static bool make_city(const struct town *town, const char *delay)
{
    int windows = copy_folder(town, ".", delay), kpis = copy_folder(town, "kpis", delay);
    return windows == 0 && kpis >= 15 && copy_folder(town, "profiles", delay) == 0 &&
           copy_folder(town, "zones", delay) == 0;
}

static bool make_config(struct town *town)
{
    char text[1600];
    for (size_t i = 0; i < TOWN_DAEMONS; i++) {
        if ((town->http[i] = bf_port_take()) == 0) {
            return false;
        }
    }
    snprintf(town->config, sizeof town->config, "%s/belfry.yaml", town->folder);
    snprintf(town->url, sizeof town->url, "redis://%s/0", town->redis.address);
    snprintf(text, sizeof text,
             "city: city\nmqtt: {url: \"mqtt://%s\"}\nkafka: {brokers: \"%s\"}\n"
             "redis: {url: \"%s\", timeout: 3s}\n"
             "ingest: {id: belfry-1, filters: [\"city/#\", \"/hfp/#\"], http: \"127.0.0.1:%u\"}\n"
             "process: {id: process-1, checkpoint_every: 2s, http: \"127.0.0.1:%u\"}\n"
             "sink: {http: \"127.0.0.1:%u\"}\n",
             town->broker.address, town->kafka.address, town->url, town->http[TOWN_INGEST],
             town->http[TOWN_PROCESS], town->http[TOWN_SINK]);
    town->options =
        (struct bf_kafka_options){.brokers = town->kafka.address, .prefix = "belfry", .client_id = "town"};
    return write_file(town->config, text);
}

/* As `belfry up` does at its first start. */
static enum bf_status fill_log(struct town *town, struct bf_err *err)
{
    struct bf_bundle *bundle = NULL;
    int created = 0;
    bool made = false;
    int64_t generation = 0;
    enum bf_status status =
        town->kafka.kind == BF_PEER_KAFKA ? BF_OK : bf_topics_ensure(&town->options, 1, &created, err);
    status = status == BF_OK ? bf_config_log_install_once(&town->options, &made, err) : status;
    status = status == BF_OK ? bf_bundle_read(town->city, &bundle, err) : status;
    status = status == BF_OK ? bf_config_log_reload(&town->options, bundle, BF_TIME_NONE, &generation, err)
                             : status;
    bf_bundle_destroy(bundle);
    return status;
}

bool town_open(struct town *town, enum bf_peer_kind kafka, const char *delay)
{
    struct bf_err err = {0};
    *town =
        (struct town){.broker = {.kind = BF_PEER_MOSQUITTO, .config = "autosave_interval 300\n"},
                      .redis = {.kind = BF_PEER_REDIS, .config = "appendonly yes\nappendfsync everysec\n"},
                      .kafka = {.kind = kafka}};
    if (!bf_peer_available(BF_PEER_MOSQUITTO) || !bf_peer_available(BF_PEER_REDIS)) {
        puts("skipped: mosquitto or redis-server is not installed");
        return false;
    }
    if (!bf_peer_available(kafka)) {
        puts("skipped: no Java, or Maven Central does not answer and Apache Kafka's jars are not there");
        return false;
    }
    town->folder = bf_tempdir("town");
    snprintf(town->city, sizeof town->city, "%s/city", town->folder);
    mkdir(town->city, 0700);
    enum bf_status status = bf_peer_start(&town->broker, &err);
    status = status == BF_OK ? bf_peer_start(&town->redis, &err) : status;
    status = status == BF_OK ? bf_peer_start(&town->kafka, &err) : status;
    bool filed = status == BF_OK && make_city(town, delay) && make_config(town);
    if (filed) {
        status = fill_log(town, &err);
    }
    if (!filed || status != BF_OK) {
        fail_msg("the town does not open: %s: %s", filed || status != BF_OK ? err.message : "files",
                 err.detail);
    }
    return true;
}

void town_close(struct town *town)
{
    for (size_t i = 0; i < TOWN_DAEMONS; i++) {
        bf_child_stop(&town->daemons[i], 6000);
    }
    bf_child_stop(&town->devices, 2000);
    bf_peer_stop(&town->redis);
    bf_peer_stop(&town->kafka);
    bf_peer_stop(&town->broker);
}

/* ---- daemons */

static char *log_of(const struct town *town, const char *name, char path[400])
{
    snprintf(path, 400, "%s/%s.log", town->folder, name);
    return path;
}

void town_start(struct town *town, enum town_daemon which)
{
    char log[400];
    struct bf_err err;
    const char *const argv[] = {programs[which], "--config", town->config, NULL};
    log_of(town, names[which], log);
    const struct bf_child_options options = {.argv = argv, .out = log, .err = log};
    town->wanted[which] = true;
    town->killed[which] = false;
    if (bf_child_start(&town->daemons[which], &options, &err) != BF_OK) {
        fail_msg("%s: %s", programs[which], err.message);
    }
}

void town_kill(struct town *town, enum town_daemon which)
{
    bf_child_kill(&town->daemons[which]);
    town->killed[which] = true;
}

void town_stop(struct town *town, enum town_daemon which)
{
    char log[400], tail[1200];
    town->wanted[which] = false;
    int code = bf_child_stop(&town->daemons[which], 6000);
    if (code != 0) {
        fail_msg("belfry-%s: exit code %d after TERM\n%s", names[which], code,
                 bf_file_tail(log_of(town, names[which], log), tail, sizeof tail));
    }
}

void town_tend(struct town *town)
{
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        if (!town->wanted[i] || bf_child_running(&town->daemons[i])) {
            continue;
        }
        if (!town->killed[i]) {
            char log[400], tail[700];
            town->restarts[i]++;
            printf("belfry-%s ended by itself with %d; started again. Its last words:\n%s\n", names[i],
                   town->daemons[i].ended, bf_file_tail(log_of(town, names[i], log), tail, sizeof tail));
        }
        assert_true(town->restarts[i] < 200);
        town_start(town, (enum town_daemon)i);
    }
}

static bool fetch(const struct town *town, enum town_daemon which, const char *path, char *body, size_t size)
{
    int code = 0;
    return bf_http_get("127.0.0.1", town->http[which], path, 2000, &code, body, size, NULL) == BF_OK &&
           code == 200;
}

bool town_ready(struct town *town, enum town_daemon which)
{
    char body[2048];
    return fetch(town, which, "/readyz", body, sizeof body);
}

void town_await(struct town *town, enum town_daemon which, int timeout_ms)
{
    char log[400], tail[1200];
    int64_t deadline_us = bf_deadline_us(timeout_ms);
    while (!town_ready(town, which)) {
        town_tend(town);
        if (!bf_wait_turn(deadline_us)) {
            fail_msg("belfry-%s is not ready after %d ms\n%s", names[which], timeout_ms,
                     bf_file_tail(log_of(town, names[which], log), tail, sizeof tail));
        }
    }
}

void town_run(struct town *town)
{
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        town_start(town, (enum town_daemon)i);
    }
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        town_await(town, (enum town_daemon)i, READY_MS);
    }
}

int64_t town_metric(struct town *town, enum town_daemon which, const char *name)
{
    static char body[131072];
    int64_t sum = 0;
    bool found = false;
    size_t len = strlen(name);
    if (!fetch(town, which, "/metrics", body, sizeof body)) {
        return -1;
    }
    for (const char *line = body; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *space = strncmp(line, name, len) == 0 ? strchr(line, ' ') : NULL;
        if (space && (line[len] == ' ' || line[len] == '{')) {
            const char *label_end = line[len] == '{' ? strstr(line, "} ") : NULL;
            sum += strtoll(label_end ? label_end + 2 : space + 1, NULL, 10);
            found = true;
        }
    }
    return found ? sum : -1;
}

/* ---- devices and commands */

/* argv of `belfry COMMAND --config FILE REST...`; the command is the first of the list. */
static void list_arguments(const struct town *town, const char *argv[ARGUMENTS], const char *argument,
                           va_list arguments)
{
    size_t used = 0;
    argv[used++] = BIN "belfry";
    argv[used++] = argument;
    argv[used++] = "--config";
    argv[used++] = town->config;
    for (const char *next; (next = va_arg(arguments, const char *)) != NULL;) {
        assert_true(used < ARGUMENTS - 1);
        argv[used++] = next;
    }
    argv[used] = NULL;
}

void town_devices(struct town *town, const char *argument, ...)
{
    char out[400], log[400];
    const char *argv[ARGUMENTS] = {BIN "belfry", "simulate", "--config", town->config, "--json", argument};
    size_t used = 6;
    struct bf_err err;
    va_list arguments;
    va_start(arguments, argument);
    for (const char *next; (next = va_arg(arguments, const char *)) != NULL;) {
        assert_true(used < ARGUMENTS - 1);
        argv[used++] = next;
    }
    va_end(arguments);
    log_of(town, "devices-out", out);
    unlink(out);
    const struct bf_child_options options = {.argv = argv, .out = out, .err = log_of(town, "devices", log)};
    assert_int_equal(bf_child_start(&town->devices, &options, &err), BF_OK);
}

static uint64_t json_number(const char *text, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : UINT64_MAX;
}

bool town_pass(struct town *town, int ms)
{
    int64_t until_us = bf_time_monotonic_us() + ms * BF_US_PER_MS;
    do {
        town_tend(town);
        if (!bf_child_running(&town->devices)) {
            return false;
        }
    } while (bf_wait_turn(until_us));
    return true;
}

void town_devices_stop(struct town *town)
{
    assert_true(bf_child_running(&town->devices));
    kill(town->devices.pid, SIGTERM);
}

void town_devices_end(struct town *town, int timeout_ms)
{
    char path[400], text[1000];
    int64_t deadline_us = bf_deadline_us(timeout_ms);
    while (bf_child_running(&town->devices)) {
        town_tend(town);
        assert_true(bf_wait_turn(deadline_us));
    }
    if (town->devices.ended != 0) {
        fail_msg("the devices ended with %d: %s", town->devices.ended,
                 bf_file_tail(log_of(town, "devices", path), text, sizeof text));
    }
    bf_file_tail(log_of(town, "devices-out", path), text, sizeof text);
    town->published += json_number(text, "published");
    town->acknowledged += json_number(text, "acknowledged");
    printf("devices: %s", text);
    assert_int_equal(town->published, town->acknowledged);
}

int town_belfry(struct town *town, char *out, size_t size, const char *argument, ...)
{
    const char *argv[ARGUMENTS];
    char path[400];
    struct bf_err err;
    struct bf_child child;
    va_list arguments;
    va_start(arguments, argument);
    list_arguments(town, argv, argument, arguments);
    va_end(arguments);
    log_of(town, argument, path);
    unlink(path);
    const struct bf_child_options options = {.argv = argv, .out = path, .err = path};
    assert_int_equal(bf_child_start(&child, &options, &err), BF_OK);
    int64_t deadline_us = bf_deadline_us(150000);
    while (bf_child_running(&child)) {
        town_tend(town);
        assert_true(bf_wait_turn(deadline_us));
    }
    if (out) {
        bf_file_tail(path, out, size);
    }
    return child.ended;
}

void town_edit(struct town *town, const char *file, const char *old, const char *new)
{
    char path[600];
    static char text[FILE_MAX];
    snprintf(path, sizeof path, "%s/%s", town->city, file);
    assert_true(read_file(path, text, sizeof text));
    assert_int_equal(replace(text, sizeof text, old, new), 1);
    assert_true(write_file(path, text));
}

/* ---- the account */

uint64_t town_audit_number(const struct town_audit *audit, const char *name)
{
    uint64_t number = json_number(audit->text, name);
    assert_true(number != UINT64_MAX);
    return number;
}

static void print_sums(const struct bf_oracle_sums *sums)
{
    printf("oracle: readings=%llu duplicate=%llu older=%llu late=%llu windows=%llu late_windows=%llu "
           "results=%llu "
           "revisions=%llu empty=%llu repeats=%llu generations=%llu mixed=%llu history=%llu kpis=%llu\n",
           (unsigned long long)sums->readings, (unsigned long long)sums->duplicate,
           (unsigned long long)sums->older, (unsigned long long)sums->late, (unsigned long long)sums->windows,
           (unsigned long long)sums->late_windows, (unsigned long long)sums->results,
           (unsigned long long)sums->revisions, (unsigned long long)sums->empty,
           (unsigned long long)sums->repeats, (unsigned long long)sums->generations,
           (unsigned long long)sums->mixed, (unsigned long long)sums->history,
           (unsigned long long)sums->kpis);
}

void town_account(struct town *town, struct bf_oracle_sums *sums, struct town_audit *audit)
{
    char published[32], acknowledged[32];
    struct bf_err err = {0};
    snprintf(published, sizeof published, "%llu", (unsigned long long)(town->published + town->extra));
    snprintf(acknowledged, sizeof acknowledged, "%llu",
             (unsigned long long)(town->acknowledged + town->extra));
    audit->holds = town_belfry(town, audit->text, sizeof audit->text, "audit", "--wait", AUDIT_WAIT,
                               "--published", published, "--acknowledged", acknowledged, "--json", NULL) == 0;
    printf("audit: %s", audit->text);
    if (!audit->holds) {
        fail_msg("the audit does not hold: %s", audit->text);
    }
    town_stop(town, TOWN_INGEST);
    int64_t deadline_us = bf_deadline_us(SETTLE_MS);
    enum bf_status status;
    do {
        town_tend(town);
        status = bf_oracle_check(&town->options, town->url, sums, &err);
    } while (status != BF_OK && bf_wait_turn(deadline_us));
    print_sums(sums);
    if (status != BF_OK) {
        fail_msg("the oracle: %s: %s\n%s", err.message, err.detail, sums->differences);
    }
}
