/* simulator.h: a deterministic city of devices. Message k of device d depends on the seed, d, k and the
 * time it is due, and on nothing else, so a seed repeats a run. No I/O and no clock: the caller says what
 * time it is and publishes what it is given.
 *
 * Faults are what real fleets do: some devices fall silent, drift, spike, get stuck, have a wrong clock,
 * send twice, or send rubbish. Which ones is drawn from the seed.
 *
 * Owner: creator.   Thread: the owner's.   Limits: BF_SIMULATOR_DEVICES devices; payloads of at most
 * BF_SIMULATOR_PAYLOAD bytes. */
#ifndef BF_CLI_SIMULATOR_H
#define BF_CLI_SIMULATOR_H

#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

#define BF_SIMULATOR_DEVICES 1000000
#define BF_SIMULATOR_PAYLOAD 1024
#define BF_SIMULATOR_TOPIC 256

enum bf_fault {
#define X(name, text, summary) BF_FAULT_##name,
#include "cli/faults.def"
#undef X
    BF_FAULT_COUNT
};

struct bf_simulator_options {
    uint64_t seed;
    uint64_t devices; /* 0: the demo city's 360 */
    double rate;      /* messages per second of the whole fleet; 0: each kind's own interval */
    int64_t start_us; /* log time of the first message */
    double fault_share[BF_FAULT_COUNT]; /* 0 to 1: share of the devices that have this fault */
};

struct bf_simulated {
    struct bf_slice topic, payload; /* until the next call */
    int64_t due_us;
    uint64_t device; /* its number: publish a device's messages on one connection */
};

struct bf_simulator;

enum bf_status bf_simulator_create(const struct bf_simulator_options *options,
                                   struct bf_simulator **simulator, struct bf_err *err) BF_MUST_CHECK;
void bf_simulator_destroy(struct bf_simulator *simulator);
/* The next message due before `until_us`, in order of time; false when there is none. */
bool bf_simulator_next(struct bf_simulator *simulator, int64_t until_us, struct bf_simulated *message);
uint64_t bf_simulator_devices(const struct bf_simulator *simulator);

/* "spike" or "bad-clock" -> the fault; false for anything else. */
bool bf_fault_parse(struct bf_slice name, enum bf_fault *fault);

/* ---- between simulator.c and simulator_kinds.c */
struct bf__draw {                  /* what a message is made of */
    uint64_t seed, device, number; /* number: of this device's messages */
    int64_t time_us;               /* what the device believes */
    int64_t now_us;                /* what it is */
    double day;                    /* local time of day, 0 to 1 */
    double distort;                /* what a drift or a spike adds, in units of the quantity's usual spread */
    bool stuck;
};
struct bf__kind {
    const char *name;
    uint32_t share; /* of 360 devices */
    uint32_t interval_ms;
    /* Writes topic and payload; returns the payload's length. */
    size_t (*write)(const struct bf__draw *draw, char *topic, char *payload);
};
extern const struct bf__kind bf__kinds[];
extern const size_t bf__kind_count;
/* A number in [0, 1) that depends on the arguments only. */
double bf__chance(uint64_t seed, uint64_t device, uint64_t number, uint64_t what);

#endif
