/* intake.h: one MQTT message -> readings and rejects -> the producer's queue. It runs end to end on the
 * thread that received the message: what cannot be handed over waits, and what must not be handed over (the
 * connection is over or doomed) has a gate behind it that lets no PUBACK out.
 *
 * Owner: ingest.   Thread: `take` on the gate's thread, or under TLS on Paho's, never on both; prepare, admit
 *   and end on main's, while `take` does not run.
 * Limits: as the pipeline's.   Errors: `failed` ends the process (main looks at it each turn). */
#ifndef BF_INGEST_INTAKE_H
#define BF_INGEST_INTAKE_H

#include <pthread.h>

#include "config/site.h"
#include "ingest/clock.h"
#include "ingest/decode/pipeline.h"
#include "ingest/gate.h"
#include "ingest/publish.h"
#include "ingest/serial.h"
#include "ingest/tick.h"
#include "peers/mqtt/mqtt.h"

struct bf_intake {
    /* for good */
    const struct bf_site *site;
    struct bf_gate *gate;
    struct bf_ticker *ticker;
    struct bf_clock *clock;
    struct bf_publish *publish;
    struct bf_tally *tally;
    struct bf_serial serial;
    char marker_topic[BF_MAX_TEXT + 32];
    /* of one connection; set by main while `take` does not run */
    struct bf_pipeline *pipeline;
    int64_t incarnation, epoch, known_serial, generation;
    /* of `take` */
    int64_t wall_us; /* ingest time, never decreasing */
    bool handed;     /* all of the present message so far */
    /* between the two */
    pthread_mutex_t lock; /* of `open`; under TLS `take` waits for it, else the gate has waited before */
    pthread_cond_t changed;
    enum bf_intake_door { BF_INTAKE_SHUT, BF_INTAKE_OPEN, BF_INTAKE_OVER } open;
    _Atomic uint64_t taken; /* messages of this connection, of any QoS */
    atomic_bool failed;
    struct bf_err err; /* written before failed is set */
};

void bf_intake_init(struct bf_intake *intake);
void bf_intake_deinit(struct bf_intake *intake);
/* A connection attempt follows. */
void bf_intake_prepare(struct bf_intake *intake);
/* The start is through: epoch, serial and pipeline are set. */
void bf_intake_admit(struct bf_intake *intake);
/* The connection is over (the gate is severed): a `take` that waits returns with nothing done. */
void bf_intake_end(struct bf_intake *intake);
/* False: it was not handed over, and must not be acknowledged. */
bool bf_intake_take(struct bf_intake *intake, const struct bf_mqtt_message *message);
/* Ingest's time: the wall clock, or what messages say (`clock: message`). Any thread. */
int64_t bf_intake_time(const struct bf_intake *intake, int64_t monotonic_us);

#endif
