/* oracle.h: every final and every revision of a sum, a count, a counter's rise and a value that holds,
 * recomputed from the readings' first appearances and the partitions' clocks; and the properties of a log's
 * results: straight and reloaded runs give the same bytes, two interleavings the same results, and these are
 * the oracle's.
 * Owner: static, one per test program.   Thread: main. */
#ifndef TEST_PROCESSORS_ORACLE_H
#define TEST_PROCESSORS_ORACLE_H

#include "tests/unit/processors/following.h"
#include "tests/unit/processors/replay.h"

/* ---- results, as a person reads them */
struct result {
    char key[64];
    int64_t start_us;
    uint32_t revision;
    uint64_t n;
    double value;
    int quality;
};
static struct result results[2][MAX_RECORDS];
static size_t result_count[2];

static int by_key(const void *a, const void *b)
{
    const struct result *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    order = order ? order : (x->start_us > y->start_us) - (x->start_us < y->start_us);
    return order ? order : (x->revision > y->revision) - (x->revision < y->revision);
}

static void collect(int set, const struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct bf_kpi kpi;
        struct bf_err err;
        if (list->items[i].type != BF_RECORD_KPI) {
            continue;
        }
        assert_int_equal(
            bf_kpi_unpack((struct bf_slice){list->items[i].bytes, list->items[i].len}, &kpi, &err), BF_OK);
        if (kpi.phase != BF_KPI_FINAL) {
            continue;
        }
        struct result *result = &results[set][result_count[set]++];
        snprintf(result->key, sizeof(result->key), "%.*s|%.*s", BF_SLICE_ARG(kpi.kpi),
                 BF_SLICE_ARG(kpi.scope));
        result->start_us = kpi.start_us;
        result->revision = kpi.revision;
        result->n = kpi.n;
        result->value = kpi.has_value ? kpi.value : 0;
        result->quality = (int)kpi.quality;
    }
}

static void sort_results(int set)
{
    qsort(results[set], result_count[set], sizeof(results[set][0]), by_key);
    for (size_t i = 1; i < result_count[set]; i++) {
        const struct result *a = &results[set][i - 1], *b = &results[set][i];
        if (by_key(a, b) >= 0) { /* each once */
            fail_msg("%s %lld r%u stands twice: n=%llu v=%g and n=%llu v=%g", a->key,
                     (long long)((a->start_us - BASE) / SECOND), a->revision, (unsigned long long)a->n,
                     a->value, (unsigned long long)b->n, b->value);
        }
    }
}

static void assert_same_results(void)
{
    for (size_t i = 0; i < result_count[0] && i < result_count[1]; i++) {
        const struct result *a = &results[0][i], *b = &results[1][i];
        if (by_key(a, b) != 0 || a->n != b->n || a->value != b->value || a->quality != b->quality) {
            fail_msg("seed: %s %lld r%u n=%llu v=%g differs from %s %lld r%u n=%llu v=%g", a->key,
                     (long long)((a->start_us - BASE) / SECOND), a->revision, (unsigned long long)a->n,
                     a->value, b->key, (long long)((b->start_us - BASE) / SECOND), b->revision,
                     (unsigned long long)b->n, b->value);
        }
    }
    assert_int_equal(result_count[0], result_count[1]);
}

#ifdef PANES_ORACLE
#include "tests/unit/processors/oracle_panes.h"
#else
/* ---- the oracle */
enum fate { UNSEEN, FINAL, LATE, REJECTED };
enum kind { ZONE_SUM, DEVICE_COUNT, ZONE_HELD, DEVICE_RISE, KINDS };
static const struct {
    const char *name;
    bool zone;
} kinds[KINDS] = {[ZONE_SUM] = {.name = "zone_sum|zone.", .zone = true},
                  [DEVICE_COUNT] = {.name = "device_count|device.net~3Ad"},
                  [ZONE_HELD] = {.name = "zone_held|zone.", .zone = true},
                  [DEVICE_RISE] = {.name = "device_rise|device.net~3Ad"}};

/* What one reading, or a piece of a value that holds, gives to one window. */
static struct share {
    enum kind kind;
    enum fate fate;
    int p, scope;
    int64_t start_us, read_us, stamp_us;
    uint64_t n;
    double value;
} shares[1 << 16];
static size_t share_count;
static bool judged[MAX_TRUTH];
/* What a source said last, and until when its value is accounted for. */
static struct said {
    bool any;
    int64_t at_us, upto_us;
    double value;
} said[DEVICES][CHANNELS];

static int64_t close_of(int64_t start_us)
{
    return start_us + WINDOW + DELAY;
}

/* A text: counted by device, no part of what needs numbers. */
static bool is_text(int t)
{
    return t % 17 == 3;
}

/* What has an estimated time is raised to the clock. */
static int64_t event_of(const struct entry *entry, int64_t clock_us)
{
    if (!entry->estimated) {
        return entry->event_us;
    }
    if (clock_us == BF_TIME_NONE) {
        return entry->event_us == 0 ? entry->ingest_us : entry->event_us;
    }
    return entry->event_us > clock_us ? entry->event_us : clock_us;
}

static bool share_of(enum kind kind, int p, int device, int64_t at_us, int64_t clock_us, uint64_t n,
                     double value)
{
    int64_t start_us = bf_time_floor(at_us, WINDOW);
    if (clock_us >= close_of(start_us) + LATENESS) {
        return false;
    }
    assert_true(share_count < sizeof shares / sizeof shares[0]);
    shares[share_count++] = (struct share){.kind = kind,
                                           .fate = clock_us < close_of(start_us) ? FINAL : LATE,
                                           .p = p,
                                           .scope = kinds[kind].zone ? (device < 3 ? 0 : 1) : device,
                                           .start_us = start_us,
                                           .read_us = clock_us,
                                           .stamp_us = INT64_MAX,
                                           .n = n,
                                           .value = value};
    return true;
}

/* The source's value holds until then; whatever is open or still takes late data gets its part. */
static void hold_until(int p, int device, struct said *last, int64_t to_us, int64_t clock_us)
{
    int64_t at_us = last->upto_us;
    to_us = to_us < last->at_us + HOLD ? to_us : last->at_us + HOLD;
    while (at_us < to_us) {
        int64_t next_us = bf_time_floor(at_us, WINDOW) + WINDOW;
        next_us = next_us < to_us ? next_us : to_us;
        share_of(ZONE_HELD, p, device, at_us, clock_us, 0, last->value * (double)(next_us - at_us));
        at_us = next_us;
    }
    last->upto_us = at_us;
}

/* The end of the last window that has closed. */
static int64_t closed_until(int64_t clock_us)
{
    return clock_us == BF_TIME_NONE ? BF_TIME_NONE : bf_time_floor(clock_us - DELAY, WINDOW);
}

static void judge_reading(int p, int t, int64_t at_us, int64_t clock_us)
{
    int device = truths[t].device;
    double value = t + 1;
    uint64_t number = is_text(t) ? 0 : 1;
    if (!share_of(ZONE_SUM, p, device, at_us, clock_us, number, number ? value : 0)) {
        return; /* too late for all: they have the same window */
    }
    share_of(DEVICE_COUNT, p, device, at_us, clock_us, 1, 0);
    share_of(ZONE_HELD, p, device, at_us, clock_us, number, 0);
    share_of(DEVICE_RISE, p, device, at_us, clock_us, number, 0);
    struct said *last = &said[device][truths[t].channel];
    if (is_text(t) || (last->any && at_us <= last->at_us)) {
        return;
    }
    if (last->any) {
        if (at_us - last->at_us <= HOLD) {
            share_of(DEVICE_RISE, p, device, at_us, clock_us, 0, value - last->value + STEP);
        }
        hold_until(p, device, last, at_us, clock_us);
    }
    last->upto_us = last->any && last->upto_us > at_us ? last->upto_us : at_us;
    last->any = true;
    last->at_us = at_us;
    last->value = value;
    hold_until(p, device, last, closed_until(clock_us), clock_us);
}

/* The clock goes on: what holds, and what was late so far goes out, stamped `before`. */
static void judge_step(int p, int64_t before_us, int64_t clock_us, bool all)
{
    for (int d = p; d < DEVICES; d += SOURCES) {
        for (int c = 0; c < CHANNELS; c++) {
            if (said[d][c].any) {
                hold_until(p, d, &said[d][c], closed_until(clock_us), before_us);
            }
        }
    }
    for (size_t s = 0; s < share_count; s++) {
        if (shares[s].fate == LATE && shares[s].p == p && shares[s].stamp_us == INT64_MAX) {
            /* a window goes out whole */
            bool drops = close_of(shares[s].start_us) + LATENESS <= clock_us;
            shares[s].stamp_us = all || drops ? before_us : INT64_MAX;
        }
    }
}

static void judge(int p)
{
    int64_t newest[INGESTS] = {0, 0, 0}, before = BF_TIME_NONE, last_emit = BF_TIME_NONE;
    for (size_t i = 0; i < log_len[p]; i++) {
        const struct entry *entry = &logs[p][i];
        int64_t clock = clocks[p][i];
        if (clock > before) {
            bool all = last_emit == BF_TIME_NONE || clock - last_emit >= 5 * SECOND;
            last_emit = all ? clock : last_emit;
            judge_step(p, before, clock, all);
            before = clock;
        }
        if (entry->type == BF_RECORD_CONTROL) {
            continue;
        }
        if (entry->incarnation > newest[entry->ingest]) {
            newest[entry->ingest] = entry->incarnation;
        }
        int t = entry->truth;
        if (t >= 0 && !judged[t] && entry->incarnation >= newest[entry->ingest]) {
            judged[t] = true;
            judge_reading(p, t, event_of(entry, clock), clock);
        }
    }
}

static bool inside(const struct share *share, enum kind kind, int scope)
{
    return share->kind == kind && share->scope == scope;
}

static void expect(enum kind kind, const char *key, int64_t start_us, uint32_t revision, uint64_t n,
                   double value)
{
    struct result *result = &results[1][result_count[1]++];
    memset(result, 0, sizeof(*result));
    snprintf(result->key, sizeof(result->key), "%s", key);
    result->start_us = start_us;
    result->revision = revision;
    result->n = n;
    result->value = kind == DEVICE_COUNT ? (double)n : value;
    result->quality = BF_QUALITY_GOOD;
}

static bool known_at(enum kind kind, int scope, int64_t start_us)
{
    for (size_t s = 0; s < share_count; s++) {
        const struct share *share = &shares[s];
        int64_t there_us = kinds[kind].zone ? share->stamp_us : share->read_us;
        bool data = share->fate == FINAL || there_us < close_of(start_us);
        if (data && inside(share, kind, scope) && share->start_us < start_us &&
            start_us - share->start_us < LATENESS) {
            return true;
        }
    }
    return false;
}

static void oracle_window(enum kind kind, int scope, const char *key, int64_t start_us, int64_t slowest_us)
{
    uint64_t n = 0;
    double value = 0;
    uint32_t revision = 0;
    bool data = false;
    for (size_t s = 0; s < share_count; s++) {
        const struct share *share = &shares[s];
        if (share->fate == FINAL && share->start_us == start_us && inside(share, kind, scope)) {
            data = true;
            n += share->n;
            value += share->value;
        }
    }
    if (close_of(start_us) > slowest_us) {
        return;
    }
    if (data || known_at(kind, scope, start_us)) {
        expect(kind, key, start_us, revision++, n, value);
    }
    for (int64_t done = INT64_MIN, done_p = -1;;) { /* revisions, by (stamp, partition) */
        int64_t stamp = INT64_MAX, p = 0;
        for (size_t s = 0; s < share_count; s++) {
            const struct share *share = &shares[s];
            if (share->fate != LATE || share->start_us != start_us || !inside(share, kind, scope)) {
                continue;
            }
            bool after = share->stamp_us > done || (share->stamp_us == done && share->p > done_p);
            bool earlier = share->stamp_us < stamp || (share->stamp_us == stamp && share->p < p);
            if (after && earlier) {
                stamp = share->stamp_us;
                p = share->p;
            }
        }
        if (stamp == INT64_MAX || stamp >= slowest_us) {
            return;
        }
        for (size_t s = 0; s < share_count; s++) {
            const struct share *share = &shares[s];
            if (share->fate == LATE && share->start_us == start_us && inside(share, kind, scope) &&
                share->stamp_us == stamp && share->p == p) {
                n += share->n;
                value += share->value;
            }
        }
        done = stamp;
        done_p = p;
        expect(kind, key, start_us, revision++, n, value);
    }
}

static void oracle(void)
{
    share_count = 0;
    memset(judged, 0, sizeof(judged));
    memset(said, 0, sizeof(said));
    int64_t slowest_us = INT64_MAX;
    for (int p = 0; p < SOURCES; p++) {
        judge(p);
        slowest_us = clocks[p][log_len[p] - 1] < slowest_us ? clocks[p][log_len[p] - 1] : slowest_us;
    }
    for (int64_t start_us = 0; start_us < BASE + 800 * SECOND; start_us += WINDOW) {
        for (int kind = 0; kind < KINDS; kind++) {
            for (int scope = 0; scope < (kinds[kind].zone ? 2 : DEVICES); scope++) {
                char key[64];
                snprintf(key, sizeof(key), kinds[kind].zone ? "%s%s" : "%s%.0s%d", kinds[kind].name,
                         scope == 0 ? "north" : "south", scope);
                int p = scope % SOURCES;
                oracle_window((enum kind)kind, scope, key, start_us,
                              kinds[kind].zone ? slowest_us : clocks[p][log_len[p] - 1]);
            }
        }
    }
}

#endif

static void drop_city(int set)
{
    size_t kept = 0;
    for (size_t i = 0; i < result_count[set]; i++) {
        if (strncmp(results[set][i].key, "city_mean", 9) != 0) {
            results[set][kept++] = results[set][i];
        }
    }
    result_count[set] = kept;
}

/* ---- the properties */
static inline void check_log(uint64_t number, bool reload)
{
    struct list out[SOURCES], again[SOURCES], parts[PARTIALS], other[PARTIALS], kpis[PARTIALS],
        more[PARTIALS];
    memset(out, 0, sizeof(out));
    memset(again, 0, sizeof(again));
    memset(parts, 0, sizeof(parts));
    memset(other, 0, sizeof(other));
    memset(kpis, 0, sizeof(kpis));
    memset(more, 0, sizeof(more));
    finals_only = number % 2 == 1;
    for (int p = 0; p < SOURCES; p++) {
        run_stage1(p, &out[p], false, 0);
        run_stage1(p, &again[p], true, number + 99);
        assert_same(&out[p], &again[p]);
    }
    interleave(out, parts);
    interleave(out, other);
    result_count[0] = result_count[1] = 0;
    for (int q = 0; q < PARTIALS; q++) {
        run_stage2(q, &parts[q], &kpis[q], false);
        run_stage2(q, &parts[q], &more[q], true);
        assert_same(&kpis[q], &more[q]);
        list_free(&more[q]);
        run_stage2(q, &other[q], &more[q], true);
        collect(0, &kpis[q]);
        collect(1, &more[q]);
    }
    sort_results(0);
    sort_results(1);
    assert_true(result_count[0] > 20);
    assert_same_results();
    if (!reload) {
        for (int p = 0; p < SOURCES; p++) {
            collect(0, &out[p]);
        }
        drop_city(0);
        sort_results(0);
        result_count[1] = 0;
        oracle();
        sort_results(1);
        assert_same_results();
    }
    for (int i = 0; i < SOURCES; i++) {
        list_free(&out[i]);
        list_free(&again[i]);
    }
    for (int q = 0; q < PARTIALS; q++) {
        list_free(&parts[q]);
        list_free(&other[q]);
        list_free(&kpis[q]);
        list_free(&more[q]);
    }
}

#endif
