/* cluster.c: librdkafka's mock cluster made fit for other processes.
 *
 * The mock binds to a port of the system's choosing and leaves Nagle's algorithm on, which costs 40 ms now
 * and then; neither can be set. But it calls bind() and accept() by name, and a definition in the program
 * comes before the C library's: so bind() here asks for the wanted port, and accept() sets TCP_NODELAY.
 * Declined: a proxy in front (one more hop, and the broker advertises its own port anyway). */
#include "peers/kafka/cluster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/log.h"
#include "peers/kafka/kafka.h"

static _Atomic uint32_t wanted_port; /* of the next bind; 0: none */
static _Atomic int bind_error;       /* errno of the pinned bind that failed */

/* Defined under names of our own and linked under the C library's, whose headers declare the addresses as
 * unions in GNU C and as pointers elsewhere. */
int bf__cluster_bind(int fd, const struct sockaddr *address, socklen_t len) __asm__("bind");
int bf__cluster_accept(int fd, struct sockaddr *address, socklen_t *len) __asm__("accept");

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
    int result = (int)syscall(SYS_bind, fd, address, len);
    if (result < 0 && port != 0) {
        atomic_store(&bind_error, errno);
    }
    return result;
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

static enum bf_status make_mock(struct bf_cluster *cluster, uint16_t port, struct bf_err *err)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, log_line);
    (void)rd_kafka_conf_set(conf, "client.id", "belfry-kafka", NULL, 0);
    cluster->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!cluster->rk) {
        rd_kafka_conf_destroy(conf);
        return bf_err_set(err, BF_FATAL, "could not make the embedded cluster's client: %s", why);
    }
    atomic_store(&bind_error, 0);
    atomic_store(&wanted_port, port);
    cluster->mock = rd_kafka_mock_cluster_new(cluster->rk, 1);
    atomic_store(&wanted_port, 0);
    if (!cluster->mock) {
        int error = atomic_load(&bind_error);
        return bf_err_set(err, BF_PEER, "could not start the embedded cluster on port %u: %s", (unsigned)port,
                          error ? strerror(error) : "librdkafka gave no reason");
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
    enum bf_status status = make_mock(made, port, err);
    if (status == BF_OK) {
        status = make_topics(made, prefix, err);
    }
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

void bf_cluster_destroy(struct bf_cluster *cluster)
{
    if (!cluster) {
        return;
    }
    if (cluster->mock) {
        rd_kafka_mock_cluster_destroy(cluster->mock);
    }
    if (cluster->rk) {
        rd_kafka_destroy(cluster->rk);
    }
    free(cluster);
}
