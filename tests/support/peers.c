/* peers.c: see peers.h. One row per kind of server: how it is set up, and what shows that it answers. */
#include "tests/support/peers.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/support/eventually.h"
#include "tests/support/port.h"
#include "tests/support/tempdir.h"

#define ARGUMENTS_MAX 8
#define STOP_MS 60000 /* a broker with a backlog saves it */
#define FETCH_MS 180000
#define APACHES_MAX 4

struct launch {
    const char *argv[ARGUMENTS_MAX];
    const char *env[8];
    char path[2][400];
    char text[4][400];
};

struct kind {
    const char *name;
    const char *program;
    int ready_ms;
    bool (*prepare)(struct bf_peer *peer, struct launch *launch);
    bool (*ready)(void *peer);
};

/* A loopback connection with a bounded wait on its answers; -1 where nobody listens. */
static int dial(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval bound = {.tv_sec = 1};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Sends a request and compares the beginning of the answer. */
static bool answers(const struct bf_peer *peer, const void *request, size_t size, const char *wanted,
                    size_t wanted_len)
{
    char answer[16] = {0};
    int fd = dial(peer->port);
    bool same = fd >= 0 && send(fd, request, size, MSG_NOSIGNAL) == (ssize_t)size &&
                recv(fd, answer, wanted_len, MSG_WAITALL) == (ssize_t)wanted_len &&
                memcmp(answer, wanted, wanted_len) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return same;
}

static bool write_file(const char *path, const char *text, const char *more)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    bool written = fputs(text, file) >= 0 && fputs(more ? more : "", file) >= 0;
    return fclose(file) == 0 && written;
}

/* Queues without a bound and a short autosave: what the guarantee presumes of a broker. */
static bool prepare_mosquitto(struct bf_peer *peer, struct launch *launch)
{
    char text[1024];
    snprintf(launch->path[0], sizeof launch->path[0], "%s/mosquitto.conf", peer->folder);
    snprintf(text, sizeof text,
             "%slistener %u 127.0.0.1\nallow_anonymous true\npersistence true\n"
             "persistence_location %s/\nautosave_interval 1\nmax_queued_messages 0\n"
             "max_inflight_messages 1000\nset_tcp_nodelay true\nlog_dest stderr\n",
             geteuid() == 0 ? "user root\n" : "", peer->port, peer->folder);
    launch->argv[1] = "-c";
    launch->argv[2] = launch->path[0];
    return write_file(launch->path[0], text, peer->config);
}

static bool mosquitto_ready(void *context)
{
    static const unsigned char connect_packet[] = {0x10, 17, 0, 4, 'M', 'Q', 'T', 'T', 4,  2,
                                                   0,    10, 0, 5, 'r', 'e', 'a', 'd', 'y'};
    return answers(context, connect_packet, sizeof connect_packet, "\x20\x02\x00\x00", 4);
}

static bool prepare_redis(struct bf_peer *peer, struct launch *launch)
{
    char text[1024];
    snprintf(launch->path[0], sizeof launch->path[0], "%s/redis.conf", peer->folder);
    snprintf(text, sizeof text,
             "bind 127.0.0.1\nport %u\ndir %s\nsave \"\"\nappendonly %s\nappendfsync always\n"
             "daemonize no\n",
             peer->port, peer->folder, peer->durable ? "yes" : "no");
    launch->argv[1] = launch->path[0];
    return write_file(launch->path[0], text, peer->config);
}

/* An answer of -LOADING (it reads its file) or -NOAUTH (the test gave it a password) is not +PONG. */
static bool redis_ready(void *context)
{
    return answers(context, "PING\r\n", 6, "+PONG", 5) || answers(context, "PING\r\n", 6, "-NOAUTH", 7);
}

static bool prepare_kafka(struct bf_peer *peer, struct launch *launch)
{
    snprintf(launch->text[0], sizeof launch->text[0], "%u", peer->port);
    launch->argv[1] = "--port";
    launch->argv[2] = launch->text[0];
    return true;
}

static bool kafka_ready(void *context)
{
    struct bf_peer *peer = context;
    static const char word[] = "bootstrap=127.0.0.1:";
    char text[4096];
    const char *found = strstr(bf_file_tail(peer->log, text, sizeof text), word);
    if (found == NULL || strchr(found, '\n') == NULL) {
        return false;
    }
    peer->port = (uint16_t)strtoul(found + sizeof word - 1, NULL, 10);
    return true;
}

static const char *kafka_script(void)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/deploy/kafka/kafka.sh", TEST_SOURCE_DIR);
    return path;
}

/* The script returns when the node serves, so the child is the script, and the node outlives it. */
static bool prepare_apache(struct bf_peer *peer, struct launch *launch)
{
    if (peer->controller_port == 0 && (peer->controller_port = bf_port_take()) == 0) {
        return false;
    }
    snprintf(launch->text[0], sizeof launch->text[0], "BF_KAFKA_DATA=%s", peer->folder);
    snprintf(launch->text[1], sizeof launch->text[1], "BF_KAFKA_PORT=%u", peer->port);
    snprintf(launch->text[2], sizeof launch->text[2], "BF_KAFKA_CONTROLLER_PORT=%u", peer->controller_port);
    launch->argv[0] = kafka_script();
    launch->argv[1] = "start";
    launch->env[0] = launch->text[0];
    launch->env[1] = launch->text[1];
    launch->env[2] = launch->text[2];
    if (peer->via) {
        snprintf(launch->text[3], sizeof launch->text[3], "BF_KAFKA_VIA=%s", peer->via);
        launch->env[3] = launch->text[3];
    }
    return true;
}

static const struct kind kinds[] = {
    [BF_PEER_MOSQUITTO] = {.name = "mosquitto",
                           .program = "mosquitto",
                           .ready_ms = 90000,
                           .prepare = prepare_mosquitto,
                           .ready = mosquitto_ready},
    [BF_PEER_REDIS] = {.name = "redis",
                       .program = "redis-server",
                       .ready_ms = 10000,
                       .prepare = prepare_redis,
                       .ready = redis_ready},
    [BF_PEER_KAFKA] = {.name = "kafka",
                       .program = TEST_BINARY_DIR "/bin/belfry-kafka",
                       .ready_ms = 20000,
                       .prepare = prepare_kafka,
                       .ready = kafka_ready},
    [BF_PEER_APACHE_KAFKA] = {.name = "apache-kafka", .ready_ms = 90000, .prepare = prepare_apache},
};

/* The script fetches the jars where Maven Central answers; it says 69 where it cannot be. */
static bool apache_fetched(void)
{
    static int fetched = -1; /* once per test program */
    struct bf_child child;
    struct bf_err err;
    struct bf_child_options options = {.argv = (const char *const[]){kafka_script(), "fetch", NULL}};
    if (fetched < 0) {
        bool started = bf_program_exists("java") && bf_child_start(&child, &options, &err) == BF_OK;
        fetched = started && bf_child_wait(&child, FETCH_MS) == 0;
        if (started) {
            bf_child_kill(&child);
        }
    }
    return fetched == 1;
}

bool bf_peer_available(enum bf_peer_kind kind)
{
    return kind == BF_PEER_APACHE_KAFKA ? apache_fetched() : bf_program_exists(kinds[kind].program);
}

/* The node of Apache Kafka by the pid file that its script writes; 0: none. */
static pid_t apache_pid(const struct bf_peer *peer)
{
    char path[400];
    char text[32];
    snprintf(path, sizeof path, "%s/pid", peer->folder);
    return (pid_t)strtol(bf_file_tail(path, text, sizeof text), NULL, 10);
}

static void apache_signal(const struct bf_peer *peer, int number)
{
    pid_t pid = apache_pid(peer);
    if (pid > 1) {
        kill(pid, number);
    }
}

/* Gone, or a zombie that whoever inherited it has not collected. */
static bool apache_gone(void *peer)
{
    char path[64];
    char text[16];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)apache_pid(peer));
    return apache_pid(peer) <= 1 || bf_file_tail(path, text, sizeof text)[0] == '\0';
}

/* The node is no child of ours, so its end is ours to see to. */
static struct bf_peer *apaches[APACHES_MAX];
static pid_t apache_owner;

static void kill_apaches(void)
{
    for (size_t i = 0; i < APACHES_MAX && getpid() == apache_owner; i++) {
        if (apaches[i] != NULL) {
            apache_signal(apaches[i], SIGKILL);
            bf_eventually(apache_gone, apaches[i], STOP_MS);
        }
    }
}

static bool remember_apache(struct bf_peer *peer)
{
    if (apache_owner == 0) {
        apache_owner = getpid();
        atexit(kill_apaches);
    }
    for (size_t i = 0; i < APACHES_MAX; i++) {
        if (apaches[i] == NULL || apaches[i] == peer) {
            apaches[i] = peer;
            return true;
        }
    }
    return false;
}

enum bf_status bf_peer_launch(struct bf_peer *peer, struct bf_err *err)
{
    const struct kind *kind = &kinds[peer->kind];
    struct launch launch = {.argv = {kind->program}};
    if (peer->folder == NULL && (peer->folder = bf_tempdir(kind->name)) == NULL) {
        return bf_err_set(err, BF_PEER, "no private folder for %s", kind->name);
    }
    if (peer->port == 0 && (peer->port = bf_port_take()) == 0) {
        return bf_err_set(err, BF_PEER, "no free port for %s", kind->name);
    }
    snprintf(peer->log, sizeof peer->log, "%s/%s.log", peer->folder, kind->name);
    unlink(peer->log); /* what an earlier start wrote is not about this one */
    if (!kind->prepare(peer, &launch)) {
        return bf_err_set(err, BF_PEER, "could not prepare %s", kind->name);
    }
    if (peer->kind == BF_PEER_APACHE_KAFKA && !remember_apache(peer)) {
        return bf_err_set(err, BF_PEER, "too many nodes of Apache Kafka");
    }
    struct bf_child_options options = {
        .argv = launch.argv, .env = launch.env, .folder = peer->folder, .out = peer->log, .err = peer->log};
    snprintf(peer->address, sizeof peer->address, "127.0.0.1:%u", peer->port);
    return bf_child_start(&peer->child, &options, err);
}

/* Apache Kafka's script ends when the node serves; the others stay and answer. */
enum bf_status bf_peer_launched(struct bf_peer *peer, struct bf_err *err)
{
    char tail[400];
    bool script = peer->kind == BF_PEER_APACHE_KAFKA;
    bool alive = bf_child_running(&peer->child);
    if (script ? !alive && peer->child.ended == 0 : alive && kinds[peer->kind].ready(peer)) {
        snprintf(peer->address, sizeof peer->address, "127.0.0.1:%u", peer->port);
        return BF_OK;
    }
    if (alive) {
        return BF_AGAIN;
    }
    enum bf_status status = bf_err_set(err, BF_PEER, "%s ended with %d before it was ready",
                                       kinds[peer->kind].name, peer->child.ended);
    bf_err_detail(err, "%s", bf_file_tail(peer->log, tail, sizeof tail));
    return status;
}

enum bf_status bf_peer_start(struct bf_peer *peer, struct bf_err *err)
{
    char tail[400];
    enum bf_status status = bf_peer_launch(peer, err);
    if (status != BF_OK) {
        return status;
    }
    int64_t deadline_us = bf_deadline_us(kinds[peer->kind].ready_ms);
    while ((status = bf_peer_launched(peer, err)) == BF_AGAIN && bf_wait_turn(deadline_us)) {
    }
    if (status == BF_AGAIN) {
        bf_peer_kill(peer);
        status = bf_err_set(err, BF_PEER, "%s was not ready within %d ms", kinds[peer->kind].name,
                            kinds[peer->kind].ready_ms);
        bf_err_detail(err, "%s", bf_file_tail(peer->log, tail, sizeof tail));
    }
    return status;
}

bool bf_peer_running(struct bf_peer *peer)
{
    return peer->kind == BF_PEER_APACHE_KAFKA ? !apache_gone(peer) : bf_child_running(&peer->child);
}

void bf_peer_stop(struct bf_peer *peer)
{
    if (peer->kind == BF_PEER_APACHE_KAFKA) {
        apache_signal(peer, SIGTERM);
        if (!bf_eventually(apache_gone, peer, 3 * STOP_MS)) {
            apache_signal(peer, SIGKILL);
        }
    }
    bf_child_stop(&peer->child, STOP_MS);
}

void bf_peer_kill(struct bf_peer *peer)
{
    if (peer->kind == BF_PEER_APACHE_KAFKA) {
        apache_signal(peer, SIGKILL);
        bf_eventually(apache_gone, peer, STOP_MS);
    }
    bf_child_kill(&peer->child);
}

void bf_peer_pause(struct bf_peer *peer)
{
    if (peer->kind == BF_PEER_APACHE_KAFKA) {
        apache_signal(peer, SIGSTOP);
    }
    bf_child_pause(&peer->child);
}

void bf_peer_resume(struct bf_peer *peer)
{
    if (peer->kind == BF_PEER_APACHE_KAFKA) {
        apache_signal(peer, SIGCONT);
    }
    bf_child_resume(&peer->child);
}
