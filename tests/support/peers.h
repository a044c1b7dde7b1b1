/* peers.h: the real servers beside a daemon under test, each with a private folder and port: mosquitto,
 * redis-server, belfry's embedded Kafka cluster, and Apache Kafka. A peer keeps port and folder through
 * kill and start, so that a test can take it away and give it back.
 *
 *     struct bf_peer broker = {.kind = BF_PEER_MOSQUITTO};
 *     if (!bf_peer_available(broker.kind)) { skip(); }
 *     assert_int_equal(bf_peer_start(&broker, &err), BF_OK);
 *
 * Owner: the caller's struct (static for Apache Kafka), zeroed but for its options; what still runs when
 *        the program ends is killed.
 * Thread: main.   Errors: PEER with the last lines of the server's log as detail. */
#ifndef BF_TESTS_PEERS_H
#define BF_TESTS_PEERS_H

#include <stdint.h>

#include "tests/support/child.h"

enum bf_peer_kind { BF_PEER_MOSQUITTO, BF_PEER_REDIS, BF_PEER_KAFKA, BF_PEER_APACHE_KAFKA };

struct bf_peer {
    enum bf_peer_kind kind;
    /* Options. */
    const char *config; /* further lines of its configuration (mosquitto, Redis); may be NULL */
    bool durable;       /* Redis: append-only file, written at every command */
    const char *via;    /* Apache Kafka: BF_KAFKA_VIA of deploy/kafka/kafka.sh; may be NULL */
    /* Filled in by start. */
    uint16_t port, controller_port; /* the second for Apache Kafka only */
    char address[64];               /* "127.0.0.1:1883": what a configuration wants to know */
    const char *folder;
    char log[300];
    struct bf_child child;
};

/* False where its program is not there: the test skips. Apache Kafka needs Java, and its jars, which are
 * fetched from Maven Central once (bounded by three minutes). */
bool bf_peer_available(enum bf_peer_kind kind);
/* Returns when it answers. Also starts again what was stopped or killed: same port, same folder. */
enum bf_status bf_peer_start(struct bf_peer *peer, struct bf_err *err) BF_MUST_CHECK;
/* The same in two steps, for who has other things to do meanwhile: AGAIN until it answers. */
enum bf_status bf_peer_launch(struct bf_peer *peer, struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_peer_launched(struct bf_peer *peer, struct bf_err *err) BF_MUST_CHECK;
bool bf_peer_running(struct bf_peer *peer);
void bf_peer_stop(struct bf_peer *peer); /* TERM, bounded */
void bf_peer_kill(struct bf_peer *peer); /* -9 */
void bf_peer_pause(struct bf_peer *peer);
void bf_peer_resume(struct bf_peer *peer);

#endif
