/* storm_peers.c: what a fault means for a peer. Declined: killing mosquitto (it saves at intervals and at its
 * end only, so what it loses is lost before belfry's promise begins). */
#include "tests/e2e/storm_inside.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/disk.h"
#include "tests/support/tempdir.h"

#define SPARE_BYTES 65536
#define DISK_BYTES (UINT64_C(8) << 30) /* a tmpfs takes only what is used */
#define QUIET_MS 60000                 /* with a backlog mosquitto is busy for a while */
#define QUIET_LOOKS 5
#define LOOK_US (20 * BF_US_PER_MS)

bool storm_build(struct town *town)
{
    bool disks = bf_disk_possible();
    if (!disks) {
        puts("no disk runs full: neither root nor a user namespace is to be had");
    }
    const struct town_options options = {.kafka = BF_PEER_APACHE_KAFKA,
                                         .delay = "2s",
                                         .ingests = 2,
                                         .processes = 3,
                                         .cuttable = true,
                                         .kafka_disk = disks ? DISK_BYTES : 0,
                                         .redis_disk = disks ? DISK_BYTES : 0};
    return town_build(town, &options);
}

struct bf_peer *storm_peer(struct town *town, int peer)
{
    struct bf_peer *const peers[TOWN_PEERS] = {
        [TOWN_MQTT] = &town->broker, [TOWN_KAFKA] = &town->kafka, [TOWN_REDIS] = &town->redis};
    return peers[peer];
}

bool storm_bring(struct bf_peer *peer, bool again)
{
    struct bf_err err = {0};
    enum bf_status status = again ? bf_peer_launched(peer, &err) : bf_peer_launch(peer, &err);
    if (status != BF_OK && status != BF_AGAIN) {
        fail_msg("%s\n%s", err.message, err.detail);
    }
    return again && status == BF_OK;
}

/* Whether nothing that was sent waits in a socket: for the broker, or on the way from it to the devices. */
static bool is_quiet(const struct town *town)
{
    char line[300];
    unsigned broker = town->broker.port, relay = town->devices_cut.port;
    bool quiet = true;
    FILE *file = fopen("/proc/net/tcp", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned local = 0, remote = 0, sending = 0, received = 0;
        if (sscanf(line, " %*u: %*8x:%4x %*8x:%4x %*x %8x:%8x", &local, &remote, &sending, &received) != 4) {
            continue;
        }
        bool asked = (local == broker && received > 0) || (remote == broker && sending > 0);
        bool answered = (local == relay && sending > 0) || (remote == relay && received > 0);
        quiet = quiet && !asked && !answered;
    }
    fclose(file);
    return quiet;
}

/* What the devices say from now on does not reach the broker; what has reached it is acknowledged. So what
 * they send again on their next connection is new to it. */
void storm_restart_broker(struct town *town)
{
    struct bf_err err = {0};
    int looks = 0;
    bf_cut_set(&town->devices_cut, BF_CUT_ASK);
    int64_t deadline_us = bf_deadline_us(QUIET_MS);
    while (looks < QUIET_LOOKS) {
        int64_t turn_us = bf_time_monotonic_us() + LOOK_US;
        while (bf_wait_turn(turn_us)) {
        }
        looks = is_quiet(town) ? looks + 1 : 0;
        if (!bf_wait_turn(deadline_us)) {
            fail_msg("mosquitto does not come to rest");
        }
    }
    bf_peer_stop(&town->broker);
    if (bf_peer_start(&town->broker, &err) != BF_OK) {
        fail_msg("mosquitto does not come back: %s\n%s", err.message, err.detail);
    }
    bf_cut_set(&town->devices_cut, BF_CUT_NOTHING);
}

void storm_disk(struct town *town, int peer, bool full)
{
    const char *path = peer == TOWN_KAFKA ? town->kafka_disk : town->redis_disk;
    struct bf_err err = {0};
    enum bf_status status =
        full ? bf_disk_fill(path, SPARE_BYTES, &err) : bf_disk_widen(path, DISK_BYTES, &err);
    if (status != BF_OK) {
        fail_msg("%s", err.message);
    }
}

static void copy(const char *from, const char *to)
{
    char command[1000];
    struct bf_child child;
    struct bf_err err;
    snprintf(command, sizeof command, "mkdir -p '%s' && rm -f '%s'/* && cp '%s'/* '%s'/", to, to, from, to);
    const struct bf_child_options options = {.argv = (const char *const[]){"sh", "-c", command, NULL}};
    assert_int_equal(bf_child_start(&child, &options, &err), BF_OK);
    assert_int_equal(bf_child_wait(&child, 60000), 0);
}

static char *file_of_redis(const struct town *town, char path[400])
{
    snprintf(path, 400, "%s/appendonlydir", town->redis_disk[0] ? town->redis_disk : town->redis.folder);
    return path;
}

void storm_save_redis(struct town *town, char saved[300])
{
    char path[400];
    snprintf(saved, 300, "%s/redis-save", town->folder);
    copy(file_of_redis(town, path), saved);
}

void storm_restore_redis(struct town *town, char saved[300])
{
    char path[400];
    if (saved[0] == '\0') {
        storm_save_redis(town, saved);
    }
    bf_peer_kill(&town->redis);
    copy(saved, file_of_redis(town, path));
    saved[0] = '\0'; /* the next save is a newer one */
}
