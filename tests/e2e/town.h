/* town.h: a private installation for the end-to-end tests: mosquitto, Redis and Kafka as real servers, the
 * shipped demo city with shorter windows, and the daemons, each started alone so that each can be killed
 * alone. Devices are `belfry simulate`.
 *
 *     if (!town_open(&town, BF_PEER_APACHE_KAFKA, "2s")) { return 77; }
 *     town_run(&town);
 *     town_devices(&town, "--rate", "1000", "--for", "60s", NULL);
 *     town_kill(&town, TOWN_PROCESS);                 town_tend starts again what is not there
 *     town_account(&town, &sums);                     audit, then the oracle
 *
 * Every function fails the cmocka test that calls it where it cannot do its work; town_open may be called
 * outside one (it says false and why).
 * Owner: the test's static struct.   Thread: main. */
#ifndef BF_TESTS_E2E_TOWN_H
#define BF_TESTS_E2E_TOWN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after these, as cmocka wants it */
#include <cmocka.h>

#include "tests/e2e/oracle.h"
#include "tests/e2e/roll.h"
#include "tests/support/cut.h"
#include "tests/support/eventually.h"
#include "tests/support/peers.h"

/* The first three are always there. */
enum town_daemon {
    TOWN_INGEST,
    TOWN_PROCESS,
    TOWN_SINK,
    TOWN_INGEST_2,
    TOWN_PROCESS_2,
    TOWN_PROCESS_3,
    TOWN_DAEMONS
};

enum town_peer { TOWN_MQTT, TOWN_KAFKA, TOWN_REDIS, TOWN_PEERS };

#define TOWN_JOURNALS 4

struct town_options {
    enum bf_peer_kind kafka;
    const char *delay;               /* how long windows wait: "2s" */
    bool patient;                    /* hold_max as it is by default, instead of 8 s */
    int ingests, processes;          /* 0: one; at most 2 and 3. Two ingest processes share out the topics. */
    bool cuttable;                   /* a relay on every way from a daemon to a peer; Apache Kafka only */
    uint64_t kafka_disk, redis_disk; /* bytes; 0: no disk of their own (see tests/support/disk.h) */
};

struct town {
    struct bf_peer broker, redis, kafka;
    struct bf_child daemons[TOWN_DAEMONS], devices;
    struct bf_cut cuts[TOWN_DAEMONS][TOWN_PEERS]; /* open where there is one */
    struct bf_cut devices_cut;                    /* between the devices and the broker */
    bool exists[TOWN_DAEMONS];
    bool wanted[TOWN_DAEMONS];       /* town_tend keeps it running */
    unsigned restarts[TOWN_DAEMONS]; /* by town_tend, of what ended by itself: not after town_kill */
    bool killed[TOWN_DAEMONS];
    uint16_t http[TOWN_DAEMONS];
    const char *folder;
    char city[300], config[300], url[100]; /* url: of Redis */
    char kafka_disk[300], redis_disk[300]; /* where they are mounted; "": not at all */
    char via[400], redis_config[500];
    struct bf_kafka_options options;
    uint64_t published, acknowledged;
    uint64_t again; /* sent a second time after a connection was lost: the broker may have both */
    uint64_t extra; /* messages that the test itself published and the broker acknowledged */
    char journals[TOWN_JOURNALS][400]; /* of the devices, one for each town_devices */
    size_t journal_count;
};

/* What `belfry audit --json` says, and what the roll call says of every single message. */
struct town_audit {
    char text[2048];
    uint64_t messages;
    bool holds;
    struct roll_sums roll;
};

/* Peers, city, configuration in the log. `delay` is how long windows wait ("2s"). False where a server is not
 * installed: the reason is printed. */
bool town_open(struct town *town, enum bf_peer_kind kafka, const char *delay);
bool town_build(struct town *town, const struct town_options *options);
void town_close(struct town *town);
/* Ends all daemons, and begins a new log under another prefix, with the same city. */
void town_move(struct town *town, const char *prefix);

/* Starts all daemons; returns when each says it is ready. */
void town_run(struct town *town);
void town_start(struct town *town, enum town_daemon which);
void town_kill(struct town *town, enum town_daemon which); /* -9; town_tend brings it back */
void town_stop(struct town *town, enum town_daemon which); /* TERM, and it stays away */
const char *town_name(enum town_daemon which);
enum town_daemon town_kind(enum town_daemon which); /* TOWN_INGEST, TOWN_PROCESS or TOWN_SINK */
/* What a supervisor does: starts again what has ended. */
void town_tend(struct town *town);
bool town_ready(struct town *town, enum town_daemon which);
void town_await(struct town *town, enum town_daemon which, int timeout_ms);
/* The sum of a counter over all its labels; -1 where it cannot be read. */
int64_t town_metric(struct town *town, enum town_daemon which, const char *name);

/* `belfry simulate --json` with these further arguments; NULL ends them. */
void town_devices(struct town *town, const char *argument, ...);
/* Asks them to stop sending; what is under way they still bring to its end. */
void town_devices_stop(struct town *town);
/* Waits (tending) until the devices have ended, and takes their sums. */
void town_devices_end(struct town *town, int timeout_ms);
/* Tends until that many ms are over; false as soon as the devices have ended. */
bool town_pass(struct town *town, int ms);
/* Runs `belfry` with these arguments and --config; its exit code. out: what it printed, cut; may be NULL. */
int town_belfry(struct town *town, char *out, size_t size, const char *argument, ...);
/* Replaces the first `old` in a file of the city ("kpis/air.yaml"); fails where there is none. */
void town_edit(struct town *town, const char *file, const char *old, const char *new);

/* Until the next full minute, at which the windows of kpis/clock.yaml end (town_clock.c). */
int town_minute_left_ms(void);

/* Waits until `belfry audit` finds everything accounted for, ends ingest so that the log's time stands, and
 * holds the oracle against what the rest then says. Prints the sums. */
/* The same, for who does not want to fail at once. */
enum bf_status town_judge(struct town *town, struct bf_oracle_sums *sums, struct town_audit *audit,
                          struct bf_err *err) BF_MUST_CHECK;
void town_account(struct town *town, struct bf_oracle_sums *sums, struct town_audit *audit);
/* A number of the audit's JSON. */
uint64_t town_audit_number(const struct town_audit *audit, const char *name);

#endif
