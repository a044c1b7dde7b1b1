/* oracle.c: results from fates. */
#include "tests/sim/oracle.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/wire.h"

/* A KPI's scope: which devices are in it. */
struct scope {
    const char *key;
    int first, last; /* devices */
    bool by_device;  /* finished in stage 1 */
    enum { SUM, MEAN, COUNT, MAX, LAST } how;
    int variant; /* of the configuration that has it; -1: each */
};
static const struct scope scopes[] = {
    {"zone_sum:zone.north", 0, 2, false, SUM, 0},
    {"zone_sum:zone.south", 3, 5, false, SUM, 0},
    {"zone_sum:zone.north", 0, 2, false, MAX, 1},
    {"zone_sum:zone.south", 3, 5, false, MAX, 1},
    {"city_mean:city", 0, 5, false, MEAN, 0},
    {"city_last:city", 0, 5, false, LAST, 1},
    {"audit:city", 0, 5, false, COUNT, -1},
    {"device_count:device.net~3Ad0", 0, 0, true, COUNT, -1},
    {"device_count:device.net~3Ad1", 1, 1, true, COUNT, -1},
    {"device_count:device.net~3Ad2", 2, 2, true, COUNT, -1},
    {"device_count:device.net~3Ad3", 3, 3, true, COUNT, -1},
    {"device_count:device.net~3Ad4", 4, 4, true, COUNT, -1},
    {"device_count:device.net~3Ad5", 5, 5, true, COUNT, -1},
};

/* ---- generations, as the log of the configuration and the partitions tell of them */
struct generation {
    int64_t from_us, told_us; /* told_us: the latest clock at which a partition heard of it */
    int variant;
};
static struct generation generations[16];
static size_t generation_count;

static int variant_of(struct bf_slice hash)
{
    return bf_slice_equal(hash, bf_slice_of(sim_variant_hash(0))) ? 0 : 1;
}

static void read_generations(void)
{
    const struct sim_log *log = sim_log(BF_TOPIC_CONFIG, 0);
    generation_count = 0;
    for (size_t i = 0; i < log->count; i++) {
        struct bf_generation record;
        if (log->records[i]->type == BF_RECORD_GENERATION &&
            bf_generation_unpack(log->records[i]->value, &record, NULL) == BF_OK && record.generation <= 16) {
            generations[record.generation - 1] = (struct generation){
                .from_us = record.from_us == BF_TIME_NONE ? -1000 * SECOND : record.from_us - SIM_EPOCH_US,
                .told_us = BF_TIME_NONE,
                .variant = variant_of(record.hash)};
            generation_count = (size_t)record.generation;
        }
    }
    for (int p = 0; p < SIM_READINGS; p++) {
        const struct sim_log *readings = sim_log(BF_TOPIC_READINGS, p);
        for (size_t i = 0; i < readings->count; i++) {
            struct bf_control control;
            if (readings->records[i]->type == BF_RECORD_CONTROL &&
                bf_control_unpack(readings->records[i]->value, &control, NULL) == BF_OK) {
                int64_t *told_us = &generations[control.generation - 1].told_us;
                int64_t clock_us = sim_oracle_clock(p, i);
                *told_us = clock_us > *told_us ? clock_us : *told_us;
            }
        }
    }
}

static int variant_at(int64_t start_us)
{
    int variant = 0;
    for (size_t g = 0; g < generation_count; g++) {
        if (generations[g].from_us <= start_us) {
            variant = generations[g].variant;
        }
    }
    return variant;
}

/* Near a `from` that some partition heard of late, or that readings from the future had passed, definitions
 * may meet; and what a new KPI knows of its scopes begins there. */
bool sim_oracle_is_vague(const char *key, int64_t start_us)
{
    bool each = strncmp(key, "audit", 5) == 0 || strncmp(key, "device", 6) == 0;
    for (size_t g = 1; g < generation_count && !each; g++) {
        int64_t from_us = generations[g].from_us, told_us = generations[g].told_us;
        int64_t until_us =
            (from_us > told_us ? from_us : told_us) + 2 * SIM_WINDOW + SIM_DELAY + SIM_LATENESS;
        if (start_us > from_us - 2 * SIM_WINDOW && start_us < until_us) {
            return true;
        }
    }
    return false;
}

/* ---- one window */
struct cell {
    uint64_t n;
    double sum, lost, min, max, last;
    int64_t last_event_us, last_offset;
    int last_partition;
};

static void add(struct cell *cell, double value)
{
    double sum = cell->sum + value;
    cell->lost += fabs(cell->sum) >= fabs(value) ? (cell->sum - sum) + value : (value - sum) + cell->sum;
    cell->sum = sum;
}

static void add_truth(struct cell *cell, int t)
{
    double value = sim_truths[t].value;
    const struct sim_judged *judged = &sim_judged[t];
    cell->min = cell->n == 0 || value < cell->min ? value : cell->min;
    cell->max = cell->n == 0 || value > cell->max ? value : cell->max;
    bool later = cell->n == 0 || judged->event_us > cell->last_event_us ||
                 (judged->event_us == cell->last_event_us &&
                  (judged->partition > cell->last_partition ||
                   (judged->partition == cell->last_partition && judged->offset > cell->last_offset)));
    if (later) {
        cell->last = value;
        cell->last_event_us = judged->event_us;
        cell->last_partition = judged->partition;
        cell->last_offset = judged->offset;
    }
    cell->n++;
    add(cell, value);
}

static void merge(struct cell *cell, const struct cell *other)
{
    if (other->n > 0) {
        cell->min = cell->n == 0 || other->min < cell->min ? other->min : cell->min;
        cell->max = cell->n == 0 || other->max > cell->max ? other->max : cell->max;
        bool later =
            cell->n == 0 || other->last_event_us > cell->last_event_us ||
            (other->last_event_us == cell->last_event_us && other->last_partition > cell->last_partition);
        if (later) {
            cell->last = other->last;
            cell->last_event_us = other->last_event_us;
            cell->last_partition = other->last_partition;
            cell->last_offset = other->last_offset;
        }
    }
    cell->n += other->n;
    add(cell, other->sum);
    cell->lost += other->lost;
}

/* All truths of a window and scope, ascending by partition and offset; filled by `gather`. */
static int members[SIM_TRUTHS];
static int member_count;

static bool is_before(int a, int b)
{
    const struct sim_judged *x = &sim_judged[a], *y = &sim_judged[b];
    return x->partition != y->partition ? x->partition < y->partition : x->offset < y->offset;
}

static void gather(const struct scope *scope, int64_t start_us)
{
    member_count = 0;
    for (int t = 0; t < sim_truth_count; t++) {
        const struct sim_judged *judged = &sim_judged[t];
        bool inside = sim_truths[t].device >= scope->first && sim_truths[t].device <= scope->last;
        if (inside && (judged->fate == SIM_FINAL || judged->fate == SIM_LATE) &&
            judged->start_us == start_us) {
            int at = member_count++;
            while (at > 0 && is_before(t, members[at - 1])) {
                members[at] = members[at - 1];
                at--;
            }
            members[at] = t;
        }
    }
}

/* The value with all in-time readings and those late ones that had been applied by (stamp, partition). */
static void state_at(int64_t stamp_us, int partition, struct cell *total)
{
    *total = (struct cell){.n = 0};
    for (int p = 0; p < SIM_READINGS; p++) {
        struct cell cell = {.n = 0};
        bool any = false;
        for (int m = 0; m < member_count; m++) {
            const struct sim_judged *judged = &sim_judged[members[m]];
            bool in = judged->fate == SIM_FINAL || judged->stamp_us < stamp_us ||
                      (judged->stamp_us == stamp_us && p <= partition);
            if (judged->partition == p && in) {
                add_truth(&cell, members[m]);
                any = true;
            }
        }
        if (any) {
            merge(total, &cell);
        }
    }
}

static void expect(const struct scope *scope, int64_t start_us, uint32_t revision, const struct cell *cell,
                   struct sim_result *result)
{
    *result = (struct sim_result){.start_us = start_us,
                                  .revision = revision,
                                  .n = cell->n,
                                  .has_value = cell->n > 0 || scope->how == COUNT,
                                  .min = cell->min,
                                  .max = cell->max};
    snprintf(result->key, sizeof(result->key), "%s", scope->key);
    double sum = cell->sum + cell->lost;
    const double values[] = {[SUM] = sum,
                             [MEAN] = cell->n > 0 ? sum / (double)cell->n : 0,
                             [COUNT] = (double)cell->n,
                             [MAX] = cell->max,
                             [LAST] = cell->last};
    result->value = result->has_value ? values[scope->how] : 0;
}

/* Whether anything of the scope was held when the window closed. */
static bool known_at(const struct scope *scope, int64_t start_us)
{
    for (int t = 0; t < sim_truth_count; t++) {
        const struct sim_judged *judged = &sim_judged[t];
        int64_t when_us = scope->by_device ? judged->read_us : judged->stamp_us;
        bool inside = sim_truths[t].device >= scope->first && sim_truths[t].device <= scope->last;
        bool data = judged->fate == SIM_FINAL ||
                    (judged->fate == SIM_LATE && when_us < start_us + SIM_WINDOW + SIM_DELAY);
        if (inside && data && judged->start_us < start_us && start_us - judged->start_us < SIM_LATENESS) {
            return true;
        }
    }
    return false;
}

/* The next late group behind (stamp, partition); false: none. */
static bool next_group(int64_t *stamp_us, int *partition)
{
    int64_t best_us = INT64_MAX;
    int best = 0;
    for (int m = 0; m < member_count; m++) {
        const struct sim_judged *judged = &sim_judged[members[m]];
        bool after =
            judged->stamp_us > *stamp_us || (judged->stamp_us == *stamp_us && judged->partition > *partition);
        bool earlier =
            judged->stamp_us < best_us || (judged->stamp_us == best_us && judged->partition < best);
        if (judged->fate == SIM_LATE && after && earlier) {
            best_us = judged->stamp_us;
            best = judged->partition;
        }
    }
    *stamp_us = best_us;
    *partition = best;
    return best_us != INT64_MAX;
}

static size_t window(const struct scope *scope, int64_t start_us, int64_t slowest_us,
                     struct sim_result *results)
{
    struct cell cell;
    size_t count = 0;
    uint32_t revision = 0;
    gather(scope, start_us);
    if (start_us + SIM_WINDOW + SIM_DELAY > slowest_us) {
        return 0;
    }
    state_at(INT64_MIN, -1, &cell);
    if (cell.n > 0 || known_at(scope, start_us)) {
        expect(scope, start_us, revision++, &cell, &results[count++]);
    }
    int64_t stamp_us = INT64_MIN;
    int partition = -1;
    while (member_count > 0 && next_group(&stamp_us, &partition) && stamp_us < slowest_us) {
        state_at(stamp_us, partition, &cell);
        expect(scope, start_us, revision++, &cell, &results[count++]);
    }
    return count;
}

int sim_result_order(const void *a, const void *b)
{
    const struct sim_result *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    order = order ? order : (x->start_us > y->start_us) - (x->start_us < y->start_us);
    return order ? order : (x->revision > y->revision) - (x->revision < y->revision);
}

static int64_t clock_of(const struct scope *scope)
{
    for (int t = 0; scope->by_device && t < sim_truth_count; t++) {
        if (sim_truths[t].device == scope->first && sim_judged[t].fate != SIM_UNSEEN) {
            int p = sim_judged[t].partition;
            return sim_oracle_clock(p, sim_log(BF_TOPIC_READINGS, p)->count - 1);
        }
    }
    return sim_oracle_slowest();
}

size_t sim_oracle_results(struct sim_result results[SIM_RESULTS])
{
    size_t count = 0;
    int64_t latest_us = 0;
    read_generations();
    for (int t = 0; t < sim_truth_count; t++) {
        latest_us = sim_judged[t].start_us > latest_us ? sim_judged[t].start_us : latest_us;
    }
    for (size_t s = 0; s < sizeof(scopes) / sizeof(scopes[0]); s++) {
        int64_t clock_us = clock_of(&scopes[s]);
        for (int64_t start_us = -8 * SIM_WINDOW; start_us <= latest_us + SIM_LATENESS;
             start_us += SIM_WINDOW) {
            bool has = scopes[s].variant < 0 || scopes[s].variant == variant_at(start_us);
            if (has && !sim_oracle_is_vague(scopes[s].key, start_us)) {
                count += window(&scopes[s], start_us, clock_us, &results[count]);
            }
        }
    }
    return count;
}
