/* cluster.c: librdkafka's mock cluster made fit for other processes.
 *
 * The mock binds to a port of the system's choosing and leaves Nagle's algorithm on, which costs 40 ms now
 * and then; neither can be set. But it calls bind() and accept() by name, and a definition in the program
 * comes before the C library's: so bind() here asks for the wanted port, and accept() sets TCP_NODELAY.
 * And it may miss the wake-up for a request from outside (it reads the pipe empty after it looked at its
 * queue), which then waits a second for its poll() to end; so while topics are made, and at
 * the end, poll() returns sooner.
 * A group's first member waits three seconds for others, which is most of the time until a newcomer sees a
 * first value; so the clock of this process runs three times as fast for its first seconds. Sessions end
 * sooner by that, too: heartbeats come often enough.
 * Declined: a proxy in front (one more hop, and the broker advertises its own port anyway). */
#include "peers/kafka/cluster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "peers/kafka/kafka.h"

static _Atomic uint32_t wanted_port; /* of the next bind; 0: none */
static _Atomic bool hurry;           /* topics are being made, or it is ending */
#define HURRY_MS 2
static int64_t born_ns;              /* set before any thread is there; 0: the clock is as it is */
#define QUICK_TIMES 3
#define QUICK_NS INT64_C(5000000000)
#define QUICK_POLL_MS 20

/* Defined under names of our own and linked under the C library's, whose headers declare the addresses as
 * unions in GNU C and as pointers elsewhere. */
int bf__cluster_bind(int fd, const struct sockaddr *address, socklen_t len) __asm__("bind");
int bf__cluster_accept(int fd, struct sockaddr *address, socklen_t *len) __asm__("accept");
int bf__cluster_poll(struct pollfd *fds, nfds_t count, int timeout_ms) __asm__("poll");
int bf__cluster_clock(clockid_t id, struct timespec *now) __asm__("clock_gettime");

static int64_t monotonic_ns(void)
{
    struct timespec now;
    (void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int bf__cluster_bind(int fd, const struct sockaddr *address, socklen_t len)
{
    struct sockaddr_in pinned;
    uint32_t port = 0;
    if (address && address->sa_family == AF_INET && len >= sizeof pinned) {
        port = atomic_exchange(&wanted_port, 0);
    }
    if (port != 0) {
        int on = 1;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        memcpy(&pinned, address, sizeof pinned);
        pinned.sin_port = htons((uint16_t)port);
        address = (const struct sockaddr *)&pinned;
        len = sizeof pinned;
    }
    return (int)syscall(SYS_bind, fd, address, len);
}

int bf__cluster_accept(int fd, struct sockaddr *address, socklen_t *len)
{
    int client = (int)syscall(SYS_accept4, fd, address, len, SOCK_CLOEXEC);
    if (client >= 0) {
        int on = 1;
        (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return client;
}

int bf__cluster_clock(clockid_t id, struct timespec *now)
{
    if (id != CLOCK_MONOTONIC) {
        return (int)syscall(SYS_clock_gettime, id, now);
    }
    int64_t ns = monotonic_ns();
    int64_t since = born_ns ? ns - born_ns : 0;
    ns += (QUICK_TIMES - 1) * (since < QUICK_NS ? since : QUICK_NS);
    *now = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return 0;
}

int bf__cluster_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int longest = atomic_load(&hurry) ? HURRY_MS : monotonic_ns() - born_ns < QUICK_NS ? QUICK_POLL_MS : -1;
    if (longest >= 0 && (timeout_ms < 0 || timeout_ms > longest)) {
        timeout_ms = longest;
    }
    struct timespec limit = {.tv_sec = timeout_ms / 1000, .tv_nsec = (timeout_ms % 1000) * 1000000L};
    return (int)syscall(SYS_ppoll, fds, count, timeout_ms < 0 ? NULL : &limit, NULL, (size_t)0);
}

struct bf_cluster {
    rd_kafka_t *rk; /* the mock lives in a client */
    rd_kafka_mock_cluster_t *mock;
};

static void log_line(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    bf_log(level <= 4 ? BF_LOG_WARN : BF_LOG_DEBUG, "kafka.cluster", "facility=%s text=%s", facility, text);
}

static enum bf_status make_topics(struct bf_cluster *cluster, const char *prefix, struct bf_err *err)
{
    const struct bf_kafka_options options = {.prefix = prefix};
    size_t count;
    const struct bf_topic_spec *specs = bf_topic_specs(&count);
    for (size_t i = 0; i < count; i++) {
        char name[256];
        bf_topic_name(&options, specs[i].topic, name, sizeof name);
        rd_kafka_resp_err_t code =
            rd_kafka_mock_topic_create(cluster->mock, name, specs[i].partitions, 1);
        if (code) {
            return bf_err_set(err, BF_FATAL, "could not make the topic %s: %s", name, rd_kafka_err2str(code));
        }
    }
    return BF_OK;
}

/* librdkafka 2.0.2 aborts the process where its mock cannot bind, so the port is tried before. */
static enum bf_status try_port(uint16_t port, struct bf_err *err)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    enum bf_status status = BF_OK;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        status = bf_err_set(err, BF_PEER, "could not bind to 127.0.0.1:%u: %s", (unsigned)port,
                            strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

static enum bf_status make_mock(struct bf_cluster *cluster, uint16_t port, struct bf_err *err)
{
    char why[256];
    enum bf_status status = port ? try_port(port, err) : BF_OK;
    if (status != BF_OK) {
        return status;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, log_line);
    (void)rd_kafka_conf_set(conf, "client.id", "belfry-kafka", NULL, 0);
    cluster->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!cluster->rk) {
        rd_kafka_conf_destroy(conf);
        return bf_err_set(err, BF_FATAL, "could not make the embedded cluster's client: %s", why);
    }
    atomic_store(&wanted_port, port);
    cluster->mock = rd_kafka_mock_cluster_new(cluster->rk, 1);
    atomic_store(&wanted_port, 0);
    if (!cluster->mock) {
        return bf_err_set(err, BF_FATAL, "could not start the embedded cluster");
    }
    return BF_OK;
}

enum bf_status bf_cluster_create(uint16_t port, const char *prefix, struct bf_cluster **cluster,
                                 struct bf_err *err)
{
    struct bf_cluster *made = calloc(1, sizeof *made);
    if (!made) {
        return bf_err_set(err, BF_LIMIT, "out of memory for the embedded cluster");
    }
    born_ns = monotonic_ns();
    atomic_store(&hurry, true);
    enum bf_status status = make_mock(made, port, err);
    if (status == BF_OK) {
        status = make_topics(made, prefix, err);
    }
    atomic_store(&hurry, false);
    if (status != BF_OK) {
        bf_cluster_destroy(made);
        return status;
    }
    *cluster = made;
    return BF_OK;
}

const char *bf_cluster_bootstrap(const struct bf_cluster *cluster)
{
    return rd_kafka_mock_cluster_bootstraps(cluster->mock);
}

void bf_cluster_set_rtt(struct bf_cluster *cluster, int rtt_ms)
{
    (void)rd_kafka_mock_broker_set_rtt(cluster->mock, 1, rtt_ms);
}

void bf_cluster_destroy(struct bf_cluster *cluster)
{
    if (!cluster) {
        return;
    }
    atomic_store(&hurry, true);
    if (cluster->mock) {
        rd_kafka_mock_cluster_destroy(cluster->mock);
    }
    if (cluster->rk) {
        rd_kafka_destroy(cluster->rk);
    }
    free(cluster);
}
