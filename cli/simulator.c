/* Why: the demo, the tests and the benchmarks need a city that can be repeated to the byte.
 * Declined: recorded traffic as the default (that is `belfry replay`), and a physical model: rhythm,
 * spread and faults are what windows and detectors see. */
#include "cli/simulator.h"

#include <assert.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/time.h"

#define FLEET 360u /* devices of the kinds table */

struct device {
    int64_t next_us, interval_us;
    uint64_t number; /* messages so far */
    uint32_t kind;
    uint32_t faults; /* bits of enum bf_fault */
    bool again;      /* the message just given is given once more */
};

struct bf_simulator {
    struct bf_simulator_options options;
    struct device *devices;
    uint32_t *heap; /* device numbers, the earliest (then the lowest number) on top */
    uint32_t count;
    char topic[BF_SIMULATOR_TOPIC];
    char payload[BF_SIMULATOR_PAYLOAD];
};

static const struct {
    const char *name;
} fault_names[] = {
#define X(constant, text, summary) {text},
#include "cli/faults.def"
#undef X
};

bool bf_fault_parse(struct bf_slice name, enum bf_fault *fault)
{
    for (size_t i = 0; i < BF_FAULT_COUNT; i++) {
        if (bf_slice_equal(name, bf_slice_of(fault_names[i].name))) {
            *fault = (enum bf_fault)i;
            return true;
        }
    }
    return false;
}

double bf__chance(uint64_t seed, uint64_t device, uint64_t number, uint64_t what)
{
    uint64_t hash = bf_hash64_mix(bf_hash64_mix(bf_hash64_mix(seed + 1, device), number), what);
    return (double)(hash >> 11) * 0x1p-53;
}

static bool earlier(const struct bf_simulator *simulator, uint32_t a, uint32_t b)
{
    const struct device *left = &simulator->devices[a], *right = &simulator->devices[b];
    return left->next_us < right->next_us || (left->next_us == right->next_us && a < b);
}

static void sift_down(struct bf_simulator *simulator, uint32_t at)
{
    uint32_t *heap = simulator->heap;
    for (;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < simulator->count; child++) {
            least = earlier(simulator, heap[child], heap[least]) ? child : least;
        }
        if (least == at) {
            return;
        }
        uint32_t device = heap[at];
        heap[at] = heap[least];
        heap[least] = device;
        at = least;
    }
}

/* Device n has the kind that n falls to when each kind's share is laid out over every 360 devices. */
static uint32_t kind_of(uint64_t device)
{
    uint32_t place = (uint32_t)(device % FLEET), kind = 0;
    while (place >= bf__kinds[kind].share) {
        place -= bf__kinds[kind].share;
        kind++;
        assert(kind < bf__kind_count);
    }
    return kind;
}

static double natural_rate(const struct bf_simulator *simulator)
{
    double rate = 0;
    for (uint32_t i = 0; i < simulator->count; i++) {
        rate += 1e6 / (double)simulator->devices[i].interval_us;
    }
    return rate;
}

static void lay_out(struct bf_simulator *simulator)
{
    const struct bf_simulator_options *options = &simulator->options;
    for (uint32_t i = 0; i < simulator->count; i++) {
        struct device *device = &simulator->devices[i];
        device->kind = kind_of(i);
        device->interval_us = bf__kinds[device->kind].interval_ms * BF_US_PER_MS;
        for (uint32_t fault = 0; fault < BF_FAULT_COUNT; fault++) {
            bool has = bf__chance(options->seed, i, fault, 0xfa) < options->fault_share[fault];
            device->faults |= has ? 1u << fault : 0;
        }
    }
    double stretch = options->rate > 0 ? natural_rate(simulator) / options->rate : 1;
    for (uint32_t i = 0; i < simulator->count; i++) {
        struct device *device = &simulator->devices[i];
        device->interval_us = (int64_t)((double)device->interval_us * stretch) + 1;
        double phase = bf__chance(options->seed, i, 0, 0xba);
        device->next_us = options->start_us + (int64_t)(phase * (double)device->interval_us);
        simulator->heap[i] = i;
    }
    for (uint32_t i = simulator->count / 2; i-- > 0;) {
        sift_down(simulator, i);
    }
}

enum bf_status bf_simulator_create(const struct bf_simulator_options *options, struct bf_simulator **out,
                                   struct bf_err *err)
{
    uint64_t count = options->devices ? options->devices : FLEET;
    if (count > BF_SIMULATOR_DEVICES) {
        return bf_err_set(err, BF_LIMIT, "at most %d devices can be simulated", BF_SIMULATOR_DEVICES);
    }
    struct bf_simulator *simulator = calloc(1, sizeof *simulator);
    struct device *devices = calloc(count, sizeof *devices);
    uint32_t *heap = calloc(count, sizeof *heap);
    if (!simulator || !devices || !heap) {
        free(simulator);
        free(devices);
        free(heap);
        return bf_err_set(err, BF_LIMIT, "no memory for %llu devices", (unsigned long long)count);
    }
    *simulator = (struct bf_simulator){
        .options = *options, .devices = devices, .heap = heap, .count = (uint32_t)count};
    lay_out(simulator);
    *out = simulator;
    return BF_OK;
}

void bf_simulator_destroy(struct bf_simulator *simulator)
{
    if (simulator) {
        free(simulator->devices);
        free(simulator->heap);
        free(simulator);
    }
}

uint64_t bf_simulator_devices(const struct bf_simulator *simulator)
{
    return simulator->count;
}

static bool has(const struct device *device, enum bf_fault fault)
{
    return (device->faults >> fault & 1u) != 0;
}

static double drawn(const struct bf_simulator *simulator, uint32_t index, uint64_t what)
{
    return bf__chance(simulator->options.seed, index, simulator->devices[index].number, what);
}

/* One message of one device; false where the device is silent now. */
static bool write_message(struct bf_simulator *simulator, uint32_t index, struct bf_simulated *message)
{
    const struct device *device = &simulator->devices[index];
    int64_t due = device->next_us;
    if (has(device, BF_FAULT_SILENT) && due / (60 * BF_US_PER_S) % 2 == 1) {
        return false;
    }
    struct bf__draw draw = {.seed = simulator->options.seed,
                            .device = index,
                            .number = device->number,
                            .time_us = due,
                            .now_us = due,
                            .day = (double)(due % (86400 * BF_US_PER_S)) / (86400.0 * 1e6),
                            .stuck = has(device, BF_FAULT_STUCK)};
    if (has(device, BF_FAULT_DRIFT)) {
        draw.distort += 0.02 * (double)device->number;
    }
    if (has(device, BF_FAULT_SPIKE) && drawn(simulator, index, 0x51) < 0.05) {
        draw.distort += 40;
    }
    if (has(device, BF_FAULT_BAD_CLOCK) && drawn(simulator, index, 0xbc) < 0.1) {
        bool ahead = drawn(simulator, index, 0xbd) < 0.5;
        draw.time_us += (ahead ? 2 : -2) * 3600 * BF_US_PER_S;
    }
    size_t length = bf__kinds[device->kind].write(&draw, simulator->topic, simulator->payload);
    if (has(device, BF_FAULT_MALFORMED) && drawn(simulator, index, 0x3a) < 0.1) {
        length /= 2;
    }
    *message = (struct bf_simulated){.topic = bf_slice_of(simulator->topic),
                                     .payload = {simulator->payload, length},
                                     .due_us = due,
                                     .device = index};
    return true;
}

bool bf_simulator_next(struct bf_simulator *simulator, int64_t until_us, struct bf_simulated *message)
{
    while (simulator->devices[simulator->heap[0]].next_us < until_us) {
        uint32_t index = simulator->heap[0];
        struct device *device = &simulator->devices[index];
        bool sent = write_message(simulator, index, message);
        if (has(device, BF_FAULT_DUPLICATE) && !device->again && sent &&
            drawn(simulator, index, 0xd0) < 0.1) {
            device->again = true; /* due at once, the same bytes */
            return true;
        }
        device->again = false;
        device->number++;
        device->next_us += device->interval_us;
        sift_down(simulator, 0);
        if (sent) {
            return true;
        }
    }
    return false;
}
