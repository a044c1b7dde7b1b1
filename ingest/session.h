/* session.h: the start of an ingest process, and of every connection: a small state machine.
 *
 *   OFF --all acknowledged--> CLAIM --offset--> CONNECT --> CONNECTING --CONNACK--> HELLO --acknowledged-->
 *   ENDS --epoch, serial--> SUBSCRIBE --SUBACK--> RUNNING;  connection lost: OFF again
 *
 * The claim is written before CONNECT, so that incarnations follow the log and not a wall clock, and no
 * session is made while Kafka is away. Until the CONNACK it is only claimed, and ticks carry the incarnation
 * of the connection before: whoever has the session meanwhile is still the newest. The hello is acknowledged
 * everywhere before the first message passes, so that an epoch is never known to one process alone.
 * All that it does goes through its port, so a test drives it with fakes.
 *
 * Owner: ingest.   Thread: main.
 * Errors: FATAL when a newer incarnation of this id is found: another process runs under it. */
#ifndef BF_INGEST_SESSION_H
#define BF_INGEST_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/ends.h"

enum bf_session_phase {
    BF_SESSION_OFF,
    BF_SESSION_CLAIM,
    BF_SESSION_CONNECT,
    BF_SESSION_CONNECTING,
    BF_SESSION_HELLO,
    BF_SESSION_GREETING,
    BF_SESSION_ENDS,
    BF_SESSION_BEGIN,
    BF_SESSION_SUBSCRIBE,
    BF_SESSION_RUNNING
};

/* What has happened to the connection since the last turn. */
struct bf_session_news {
    bool connected, session_kept;
    bool failed, lost;
    bool subscribed, refused;
    char reason[256]; /* of failed, lost or refused */
};

/* Functions that return a status: OK done, AGAIN not yet (call again), PEER retry later, else the end. */
struct bf_session_port {
    bool (*idle)(void *context);   /* everything handed to Kafka is acknowledged */
    void (*forget)(void *context); /* a start: the clock is unknown */
    enum bf_status (*claim)(void *context, int64_t *offset, struct bf_err *err);
    enum bf_status (*connect)(void *context, struct bf_err *err);
    void (*drop)(void *context); /* ends the connection; no callback runs when it returns */
    enum bf_status (*hello)(void *context, struct bf_err *err);
    bool (*greeted)(void *context); /* every hello is acknowledged */
    enum bf_status (*read_ends)(void *context, struct bf_ends_found *found, struct bf_err *err);
    enum bf_status (*begin)(void *context, const struct bf_ends_found *found,
                            struct bf_err *err); /* messages may pass */
    enum bf_status (*subscribe)(void *context, struct bf_err *err);
    void *context;
};

struct bf_session {
    struct bf_session_port port;
    enum bf_session_phase phase;
    bool has_incarnation, has_epoch;
    int64_t claimed; /* offset of the claim; the incarnation once the connection is there */
    int64_t incarnation, epoch, serial;
    bool session_kept;
    bool asked;            /* SUBSCRIBE is on its way */
    unsigned failures;     /* in a row */
    int64_t not_before_us; /* backoff */
    int64_t running_since_us, hello_since_us;
    uint64_t random; /* of the jitter */
    uint64_t starts; /* connections that came to RUNNING */
    struct bf_ends_found found;
    char reason[256]; /* why it is not running; empty: it is, or is on its way */
};

void bf_session_init(struct bf_session *session, const struct bf_session_port *port, uint64_t seed);
enum bf_status bf_session_turn(struct bf_session *session, const struct bf_session_news *news,
                               int64_t monotonic_us, struct bf_err *err) BF_MUST_CHECK;
/* Ends the connection now and starts anew (a change of the generation). */
void bf_session_restart(struct bf_session *session, int64_t monotonic_us, const char *reason);
/* Whether ticks may be written: the epoch is known and no hello is on its way. */
bool bf_session_may_tick(const struct bf_session *session);
const char *bf_session_phase_name(enum bf_session_phase phase);

#endif
