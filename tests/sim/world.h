/* world.h: one schedule: a shape and faults that are drawn from its seed, devices that send, and what is
 * known of every reading that was ever sent.
 * Owner: static.   Thread: one.   Limits: SIM_TRUTHS readings, SIM_EVENTS faults. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "tests/sim/kafka.h"

#define SIM_TRUTHS 4096
#define SIM_EVENTS 40
#define SIM_DEVICES 6
#define SIM_WINDOW (20 * SECOND)
#define SIM_DELAY (4 * SECOND)
#define SIM_LATENESS (60 * SECOND)

/* One reading as its device made it, or one payload that is no good. */
struct sim_truth {
    int device; /* north below SIM_DEVICES / 2, else south; -1: a payload that must be rejected */
    int session;
    int64_t sent_us, event_us; /* event_us BF_TIME_NONE: the device sends no time */
    bool accepted;             /* the broker took it */
    bool late;                 /* it was late when it was sent */
    double value;
};
extern struct sim_truth sim_truths[SIM_TRUTHS];
extern int sim_truth_count;

enum sim_event_kind {
#define X(name) SIM_EVENT_##name,
#include "tests/sim/events.def"
#undef X
    SIM_EVENT_KINDS
};
struct sim_event {
    int64_t at_us;
    enum sim_event_kind kind;
    uint32_t a, b; /* what the kind makes of them */
    bool dropped;  /* shrunk away */
};
struct sim_plan {
    uint64_t seed;
    int64_t chaos_us; /* how long devices send and faults strike */
    struct sim_event events[SIM_EVENTS];
    size_t count;
};
struct sim_shape {
    size_t in_flight; /* of the broker */
    int processors, sinks;
    bool joins; /* the third ingest process comes later */
    int64_t send_every_us;
    bool skewed, reloaded, forgot; /* what happened: some checks do not hold then */
    bool stalled;                  /* a broker, an ingest process was away for long */
    int64_t fast_us;               /* the fastest clock that a jump has made */
};
extern struct sim_shape sim_shape;
/* Once per program. */
void sim_world_prepare(void);
void sim_plan_draw(struct sim_plan *plan, uint64_t seed);
/* One more fault of that kind. */
void sim_plan_aim(struct sim_plan *plan, enum sim_event_kind kind);
const char *sim_event_name(enum sim_event_kind kind);
bool sim_event_parse(const char *name, enum sim_event_kind *kind);
/* Runs the whole schedule and checks its end; sim_failed tells. */
void sim_world_run(const struct sim_plan *plan);
/* faults.c */
void sim_strike(const struct sim_event *event);
void sim_heal(void);
void sim_faults_reset(void);
void sim_faults_started(struct sim_process *process);
void sim_faults_hung(struct sim_process *process);
void sim_faults_connects(struct sim_process *process);
/* operator.c: belfry's own writers of belfry.config, in a process of their own */
void sim_operator_begin(void);
void sim_operator_reload(uint32_t how);
bool sim_operator_is_idle(void);
void sim_operator_finish(void); /* what was cut short */
void sim_operator_prepare(void);
struct bf_city;
const struct bf_city *sim_city(int variant);
const char *sim_variant_hash(int variant); /* of its bundle */
/* check.c */
void sim_check(void);
/* Redis stands where the log of results ends. */
bool sim_is_through(void);

#endif
