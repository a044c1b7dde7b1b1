/* session.c: the transitions of session.h.
 * Declined: Paho's automatic reconnect: it would bring messages under an incarnation that a successor may
 * have made void, and they would be acknowledged and dropped. */
#include "ingest/session.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/time.h"

#define BACKOFF_FIRST_US (BF_US_PER_S / 4)
#define BACKOFF_MAX_US (30 * BF_US_PER_S)
#define STEADY_US (10 * BF_US_PER_S) /* a connection that lasted so long was no failure */
#define ENDS_RETRY_US BF_US_PER_S
#define GREETING_MAX_US (60 * BF_US_PER_S) /* a hello that Kafka does not take: said in the log */

static const char *const phase_names[] = {
    [BF_SESSION_OFF] = "waiting for Kafka to acknowledge",
    [BF_SESSION_CLAIM] = "writing the claim",
    [BF_SESSION_CONNECT] = "waiting to connect",
    [BF_SESSION_CONNECTING] = "connecting",
    [BF_SESSION_HELLO] = "writing the hello",
    [BF_SESSION_GREETING] = "waiting for the hello's acknowledgement",
    [BF_SESSION_ENDS] = "reading the log's ends",
    [BF_SESSION_BEGIN] = "preparing the configuration",
    [BF_SESSION_SUBSCRIBE] = "subscribing",
    [BF_SESSION_RUNNING] = "running",
};

const char *bf_session_phase_name(enum bf_session_phase phase)
{
    return phase_names[phase];
}

void bf_session_init(struct bf_session *session, const struct bf_session_port *port, uint64_t seed)
{
    *session = (struct bf_session){.port = *port, .phase = BF_SESSION_OFF, .random = seed | 1};
    bf_ends_clear(&session->found);
}

bool bf_session_may_tick(const struct bf_session *session)
{
    switch (session->phase) {
    case BF_SESSION_CONNECT:
    case BF_SESSION_CONNECTING:
    case BF_SESSION_SUBSCRIBE:
    case BF_SESSION_RUNNING:
        return session->has_incarnation && session->has_epoch;
    case BF_SESSION_OFF:
    case BF_SESSION_CLAIM:
    case BF_SESSION_HELLO:
    case BF_SESSION_GREETING:
    case BF_SESSION_ENDS:
    case BF_SESSION_BEGIN:
        break;
    }
    return false;
}

static void say(struct bf_session *session, const char *reason)
{
    snprintf(session->reason, sizeof session->reason, "%s", reason);
}

/* Doubles up to 30 s; the jitter takes up to half of it away, so that many processes do not come as one. */
static int64_t backoff_us(struct bf_session *session)
{
    unsigned doublings = session->failures < 8 ? session->failures : 8;
    int64_t whole = BACKOFF_FIRST_US << doublings;
    whole = whole < BACKOFF_MAX_US ? whole : BACKOFF_MAX_US;
    session->random ^= session->random << 13;
    session->random ^= session->random >> 7;
    session->random ^= session->random << 17;
    return whole - (int64_t)(session->random % (uint64_t)(whole / 2));
}

static void end_connection(struct bf_session *session, enum bf_session_phase next, int64_t now_us,
                           const char *reason)
{
    bool steady = session->phase == BF_SESSION_RUNNING && now_us - session->running_since_us >= STEADY_US;
    session->port.drop(session->port.context);
    session->failures = steady ? 0 : session->failures + 1;
    session->not_before_us = now_us + backoff_us(session);
    session->phase = next;
    say(session, reason);
}

void bf_session_restart(struct bf_session *session, int64_t now_us, const char *reason)
{
    session->port.drop(session->port.context);
    session->not_before_us = now_us;
    session->phase = BF_SESSION_OFF;
    say(session, reason);
}

static bool is_up(const struct bf_session *session)
{
    return session->phase >= BF_SESSION_HELLO;
}

/* What the callbacks told. A failed attempt keeps its claim; a lost connection needs a new one. */
static void hear(struct bf_session *session, const struct bf_session_news *news, int64_t now_us)
{
    if (session->phase == BF_SESSION_CONNECTING && news->failed) {
        bf_log(BF_LOG_WARN, "mqtt.failed", "reason=%s", news->reason);
        end_connection(session, BF_SESSION_CONNECT, now_us, news->reason);
        return;
    }
    if (session->phase == BF_SESSION_CONNECTING && news->connected) {
        session->session_kept = news->session_kept;
        session->incarnation = session->claimed; /* not before: this ended our predecessor's connection */
        session->has_incarnation = true;
        session->phase = BF_SESSION_HELLO;
        bf_log(BF_LOG_INFO, "mqtt.connected", "session=%s incarnation=%lld",
               news->session_kept ? "kept" : "new", (long long)session->incarnation);
    }
    if (is_up(session) && news->lost) {
        bf_log(BF_LOG_WARN, "mqtt.lost", "reason=%s", news->reason);
        end_connection(session, BF_SESSION_OFF, now_us, news->reason);
        return;
    }
    if (session->phase == BF_SESSION_SUBSCRIBE && news->refused) {
        bf_log(BF_LOG_ERROR, "mqtt.refused", "reason=%s", news->reason);
        end_connection(session, BF_SESSION_OFF, now_us, news->reason);
        return;
    }
    if (session->phase == BF_SESSION_SUBSCRIBE && news->subscribed) {
        session->phase = BF_SESSION_RUNNING;
        session->running_since_us = now_us;
        session->starts++;
        say(session, "");
        bf_log(BF_LOG_INFO, "ingest.running", "incarnation=%lld epoch=%lld serial=%lld",
               (long long)session->incarnation, (long long)session->epoch, (long long)session->serial);
    }
}

static enum bf_status start_off(struct bf_session *session)
{
    if (!session->port.idle(session->port.context)) { /* CONNECT is uplink too: the gate would hold it */
        return BF_AGAIN;
    }
    session->port.forget(session->port.context);
    session->phase = BF_SESSION_CLAIM;
    return BF_OK;
}

static enum bf_status claim(struct bf_session *session, struct bf_err *err)
{
    enum bf_status status = session->port.claim(session->port.context, &session->claimed, err);
    if (status == BF_OK) {
        session->phase = BF_SESSION_CONNECT;
    } else if (status == BF_PEER) { /* it may still land; a claim that nobody uses is harmless */
        say(session, err->message);
        session->phase = BF_SESSION_OFF;
        return BF_AGAIN;
    }
    return status;
}

static enum bf_status connect(struct bf_session *session, int64_t now_us, struct bf_err *err)
{
    if (now_us < session->not_before_us) {
        return BF_AGAIN;
    }
    session->phase = BF_SESSION_CONNECTING;
    enum bf_status status = session->port.connect(session->port.context, err);
    if (status == BF_PEER) {
        bf_log_err(BF_LOG_WARN, "mqtt.failed", err);
        end_connection(session, BF_SESSION_CONNECT, now_us, err->message);
        return BF_AGAIN;
    }
    return status;
}

/* Epoch and serial: of the newest incarnation that had them, if the broker kept the session it was about. */
static enum bf_status take_ends(struct bf_session *session, int64_t now_us, struct bf_err *err)
{
    const struct bf_ends_found *found = &session->found;
    if (found->newest > session->incarnation) {
        bf_err_set(err, BF_FATAL, "another process runs under this ingest id");
        bf_err_detail(err, "the log holds incarnation %lld, this process is %lld", (long long)found->newest,
                      (long long)session->incarnation);
        bf_err_hint(err, "give each ingest process an id of its own");
        return BF_FATAL;
    }
    if (found->claimed > session->incarnation) { /* its hello may still land, and would void what we write */
        end_connection(session, BF_SESSION_OFF, now_us, "another has claimed this ingest id meanwhile");
        return BF_AGAIN;
    }
    bool known = session->session_kept && found->has_epoch;
    session->epoch = known ? found->epoch : session->incarnation;
    session->serial = known ? found->serial : 0;
    session->has_epoch = true;
    session->phase = BF_SESSION_BEGIN;
    return BF_OK;
}

static enum bf_status read_ends(struct bf_session *session, int64_t now_us, struct bf_err *err)
{
    if (now_us < session->not_before_us) {
        return BF_AGAIN;
    }
    enum bf_status status = session->port.read_ends(session->port.context, &session->found, err);
    if (status == BF_OK) {
        return take_ends(session, now_us, err);
    }
    if (status != BF_AGAIN) { /* Kafka went away, or retention moved the beginning: the reader starts anew */
        bf_log_err(BF_LOG_WARN, "ingest.ends", err);
        say(session, err->message);
        session->not_before_us = now_us + ENDS_RETRY_US;
    }
    return BF_AGAIN;
}

static enum bf_status subscribe(struct bf_session *session, int64_t now_us, struct bf_err *err)
{
    if (session->asked) {
        return BF_AGAIN;
    }
    session->asked = true;
    enum bf_status status = session->port.subscribe(session->port.context, err);
    if (status == BF_PEER) {
        end_connection(session, BF_SESSION_OFF, now_us, err->message);
        return BF_AGAIN;
    }
    return status == BF_OK ? BF_AGAIN : status;
}

static enum bf_status step(struct bf_session *session, int64_t now_us, struct bf_err *err)
{
    const struct bf_session_port *port = &session->port;
    enum bf_status status;
    switch (session->phase) {
    case BF_SESSION_OFF:
        return start_off(session);
    case BF_SESSION_CLAIM:
        return claim(session, err);
    case BF_SESSION_CONNECT:
        return connect(session, now_us, err);
    case BF_SESSION_HELLO:
        status = port->hello(port->context, err);
        if (status == BF_OK) {
            session->phase = BF_SESSION_GREETING;
            session->hello_since_us = now_us;
        }
        return status;
    case BF_SESSION_GREETING:
        if (!port->greeted(port->context)) {
            if (now_us - session->hello_since_us > GREETING_MAX_US) {
                say(session, "Kafka does not acknowledge the hello");
            }
            return BF_AGAIN;
        }
        session->phase = BF_SESSION_ENDS;
        return BF_OK;
    case BF_SESSION_ENDS:
        return read_ends(session, now_us, err);
    case BF_SESSION_BEGIN:
        status = port->begin(port->context, &session->found, err);
        if (status == BF_OK) {
            session->phase = BF_SESSION_SUBSCRIBE;
            session->asked = false;
        }
        return status;
    case BF_SESSION_SUBSCRIBE:
        return subscribe(session, now_us, err);
    case BF_SESSION_CONNECTING:
    case BF_SESSION_RUNNING:
        break;
    }
    return BF_AGAIN;
}

enum bf_status bf_session_turn(struct bf_session *session, const struct bf_session_news *news, int64_t now_us,
                               struct bf_err *err)
{
    hear(session, news, now_us);
    enum bf_status status;
    do {
        status = step(session, now_us, err);
    } while (status == BF_OK);
    return status == BF_AGAIN ? BF_OK : status;
}
