/* town_files.c: what an installation has in files: the shipped city with shorter windows, and one belfry.yaml
 * for commands and one for each daemon, since each may have its own way to the peers. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/e2e/town_inside.h"
#include "tests/support/port.h"

#define FILE_MAX 65536

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

/* Windows of seconds, so that a test of seconds sees many of them end, and their lateness too; and, unless
 * the town asks for the city's own, a hold_max that is shorter than an outage, since only a longer outage
 * shows that it does not count there. */
static int shorten(char *text, const struct town_options *options)
{
    static const struct {
        const char *old, *new;
    } shorter[] = {
        {.old = "tumbling: 30s", .new = "tumbling: 4s"},
        {.old = "tumbling: 10s", .new = "tumbling: 2s"},
        {.old = "hopping: 1m, every: 10s", .new = "hopping: 6s, every: 2s"},
        {.old = "hopping: 5m, every: 30s", .new = "hopping: 6s, every: 2s"},
        {.old = "gap: 10s, longest: 10m", .new = "gap: 2s, longest: 8s"},
        {.old = "count: 5, every: 1", .new = "count: 2, every: 1"},
    };
    char line[64];
    int windows = 0;
    const char *hold = options->patient ? "" : "hold_max: 8s\n  ";
    snprintf(line, sizeof line, "%sdelay: %s ", hold, options->delay);
    for (size_t i = 0; i < sizeof shorter / sizeof shorter[0]; i++) {
        windows += replace(text, FILE_MAX, shorter[i].old, shorter[i].new);
    }
    replace(text, FILE_MAX, "allowed_lateness: 2m", "allowed_lateness: 30s");
    replace(text, FILE_MAX, "delay: 5s ", line);
    return windows;
}

/* One folder of the city's files; the number of windows that were shortened, -1 where it failed. */
static int copy_folder(const struct town *town, const char *name, const struct town_options *options)
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
        windows += shorten(text, options);
        windows = write_file(to, text) ? windows : -1;
    }
    if (!folder) {
        return -1;
    }
    closedir(folder);
    return windows;
}

bool town_make_city(const struct town *town, const struct town_options *options)
{
    int windows = copy_folder(town, ".", options), kpis = copy_folder(town, "kpis", options);
    return windows == 0 && kpis >= 30 && copy_folder(town, "profiles", options) == 0 &&
           copy_folder(town, "zones", options) == 0 && town_write_clock(town);
}

/* Which topics each of two ingest processes takes. */
static const char *filters(const struct town *town, enum town_daemon which)
{
    if (!town->exists[TOWN_INGEST_2]) {
        return "\"city/#\", \"/hfp/#\"";
    }
    return which == TOWN_INGEST_2 ? "\"/hfp/#\", \"city/air/#\", \"city/traffic/#\", \"city/noise/#\""
                                  : "\"city/energy/#\", \"city/parking/#\", \"city/waste/#\", "
                                    "\"city/water/#\", \"city/weather/#\"";
}

/* The port at which it finds a peer: the peer's own, or that of the relay between them. */
static uint16_t port_of(const struct town *town, enum town_daemon which, enum town_peer peer)
{
    const struct bf_peer *peers[TOWN_PEERS] = {
        [TOWN_MQTT] = &town->broker, [TOWN_KAFKA] = &town->kafka, [TOWN_REDIS] = &town->redis};
    if (which == TOWN_DAEMONS && peer == TOWN_MQTT && town->devices_cut.open) {
        return town->devices_cut.port;
    }
    bool relayed = which < TOWN_DAEMONS && town->cuts[which][peer].open;
    return relayed ? town->cuts[which][peer].port : peers[peer]->port;
}

/* Of the first of its kind where `which` is no daemon of that kind: commands ask for either. */
static unsigned http_of(const struct town *town, enum town_daemon which, enum town_daemon first)
{
    return town->http[which < TOWN_DAEMONS && town_kind(which) == first ? which : first];
}

static bool write_config(const struct town *town, enum town_daemon which, const char *path)
{
    char text[2000];
    unsigned process = which == TOWN_PROCESS_2 ? 2 : which == TOWN_PROCESS_3 ? 3 : 1;
    snprintf(text, sizeof text,
             "city: city\nmqtt: {url: \"mqtt://127.0.0.1:%u\"}\n"
             "kafka: {brokers: \"127.0.0.1:%u\", prefix: %s}\n"
             "redis: {url: \"redis://127.0.0.1:%u/0\", timeout: 3s}\n"
             "ingest: {id: belfry-%u, filters: [%s], http: \"127.0.0.1:%u\"}\n"
             "process: {id: process-%u, checkpoint_every: 2s, http: \"127.0.0.1:%u\"}\n"
             "sink: {http: \"127.0.0.1:%u\"}\n",
             port_of(town, which, TOWN_MQTT), port_of(town, which, TOWN_KAFKA), town->options.prefix,
             port_of(town, which, TOWN_REDIS), which == TOWN_INGEST_2 ? 2 : 1, filters(town, which),
             http_of(town, which, TOWN_INGEST), process, http_of(town, which, TOWN_PROCESS),
             http_of(town, which, TOWN_SINK));
    return write_file(path, text);
}

char *town_config_of(const struct town *town, enum town_daemon which, char path[400])
{
    snprintf(path, 400, "%s/%s.yaml", town->folder, town_name(which));
    return path;
}

bool town_write_configs(struct town *town)
{
    char path[400];
    for (int i = 0; i < TOWN_DAEMONS; i++) {
        if (town->http[i] == 0 && (town->http[i] = bf_port_take()) == 0) {
            return false;
        }
    }
    bool written = write_config(town, TOWN_DAEMONS, town->config);
    for (int i = 0; i < TOWN_DAEMONS && written; i++) {
        written = write_config(town, (enum town_daemon)i, town_config_of(town, (enum town_daemon)i, path));
    }
    return written;
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
