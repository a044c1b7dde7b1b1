/* oracle.h: every final and every revision of a sum and a count, recomputed from the readings' first
 * appearances and the partitions' clocks; and the properties of a log's results: straight and reloaded runs
 * give the same bytes, two interleavings the same results, and these are the oracle's.
 * Owner: static, one per test program.   Thread: main. */
#ifndef TEST_PROCESSORS_ORACLE_H
#define TEST_PROCESSORS_ORACLE_H

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

/* ---- the oracle */
enum fate { UNSEEN, FINAL, LATE, REJECTED };
static struct {
    enum fate fate;
    int p;
    int64_t start_us, read_us, stamp_us;
    double value;
} fates[MAX_TRUTH];

static int64_t close_of(int64_t start_us)
{
    return start_us + WINDOW + DELAY;
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

static void judge(int p)
{
    int64_t newest[INGESTS] = {0, 0, 0}, before = BF_TIME_NONE, last_emit = BF_TIME_NONE;
    for (size_t i = 0; i < log_len[p]; i++) {
        const struct entry *entry = &logs[p][i];
        int64_t clock = clocks[p][i];
        if (clock > before) { /* what was late so far goes out, stamped `before` */
            bool all = last_emit == BF_TIME_NONE || clock - last_emit >= 5 * SECOND;
            last_emit = all ? clock : last_emit;
            for (int t = 0; t < truth_count; t++) {
                if (fates[t].fate == LATE && fates[t].p == p && fates[t].stamp_us == INT64_MAX) {
                    /* a window goes out whole */
                    bool drops = close_of(fates[t].start_us) + LATENESS <= clock;
                    fates[t].stamp_us = all || drops ? before : INT64_MAX;
                }
            }
            before = clock;
        }
        if (entry->type == BF_RECORD_CONTROL) {
            continue;
        }
        if (entry->incarnation > newest[entry->ingest]) {
            newest[entry->ingest] = entry->incarnation;
        }
        int t = entry->truth;
        if (t < 0 || fates[t].fate != UNSEEN || entry->incarnation < newest[entry->ingest]) {
            continue;
        }
        fates[t].p = p;
        fates[t].read_us = clock;
        fates[t].start_us = bf_time_floor(event_of(entry, clock), WINDOW);
        fates[t].stamp_us = INT64_MAX;
        fates[t].fate = clock < close_of(fates[t].start_us)              ? FINAL
                        : clock < close_of(fates[t].start_us) + LATENESS ? LATE
                                                                         : REJECTED;
    }
}

/* Whether truth t belongs to this scope. */
static bool inside(int t, bool zone, int scope)
{
    return zone ? (truths[t].device < 3) == (scope == 0) : truths[t].device == scope;
}

static void expect(const char *key, int64_t start_us, uint32_t revision, uint64_t n, double sum, bool zone)
{
    struct result *result = &results[1][result_count[1]++];
    memset(result, 0, sizeof(*result));
    snprintf(result->key, sizeof(result->key), "%s", key);
    result->start_us = start_us;
    result->revision = revision;
    result->n = n;
    result->value = zone ? sum : (double)n;
    result->quality = BF_QUALITY_GOOD;
}

/* A text: counted by device, no part of the zone's sum. */
static bool is_text(int t)
{
    return t % 17 == 3;
}

static bool known_at(bool zone, int scope, int64_t start_us)
{
    for (int t = 0; t < truth_count; t++) {
        bool data =
            fates[t].fate == FINAL ||
            (fates[t].fate == LATE && (zone ? fates[t].stamp_us : fates[t].read_us) < close_of(start_us));
        if (data && inside(t, zone, scope) && fates[t].start_us < start_us &&
            start_us - fates[t].start_us < LATENESS) {
            return true;
        }
    }
    return false;
}

static void oracle_window(bool zone, int scope, const char *key, int64_t start_us, int64_t slowest_us)
{
    uint64_t n = 0;
    double sum = 0;
    uint32_t revision = 0;
    bool data = false;
    for (int t = 0; t < truth_count; t++) {
        if (fates[t].fate == FINAL && fates[t].start_us == start_us && inside(t, zone, scope)) {
            data = true;
            n += zone && is_text(t) ? 0 : 1;
            sum += is_text(t) ? 0 : t + 1;
        }
    }
    if (close_of(start_us) > slowest_us) {
        return;
    }
    if (data || known_at(zone, scope, start_us)) {
        expect(key, start_us, revision++, n, sum, zone);
    }
    for (int64_t done = INT64_MIN, done_p = -1;;) { /* revisions, by (stamp, partition) */
        int64_t stamp = INT64_MAX, p = 0;
        for (int t = 0; t < truth_count; t++) {
            if (fates[t].fate != LATE || fates[t].start_us != start_us || !inside(t, zone, scope)) {
                continue;
            }
            bool after = fates[t].stamp_us > done || (fates[t].stamp_us == done && fates[t].p > done_p);
            bool earlier = fates[t].stamp_us < stamp || (fates[t].stamp_us == stamp && fates[t].p < p);
            if (after && earlier) {
                stamp = fates[t].stamp_us;
                p = fates[t].p;
            }
        }
        if (stamp == INT64_MAX || stamp >= slowest_us) {
            return;
        }
        for (int t = 0; t < truth_count; t++) {
            if (fates[t].fate == LATE && fates[t].start_us == start_us && inside(t, zone, scope) &&
                fates[t].stamp_us == stamp && fates[t].p == p) {
                n += zone && is_text(t) ? 0 : 1;
                sum += is_text(t) ? 0 : t + 1;
            }
        }
        done = stamp;
        done_p = p;
        expect(key, start_us, revision++, n, sum, zone);
    }
}

static void oracle(void)
{
    static const char *const zones[] = {"zone_sum|zone.north", "zone_sum|zone.south"};
    memset(fates, 0, sizeof(fates));
    int64_t slowest_us = INT64_MAX;
    for (int p = 0; p < SOURCES; p++) {
        judge(p);
        slowest_us = clocks[p][log_len[p] - 1] < slowest_us ? clocks[p][log_len[p] - 1] : slowest_us;
    }
    for (int64_t start_us = 0; start_us < BASE + 800 * SECOND; start_us += WINDOW) {
        for (int z = 0; z < 2; z++) {
            oracle_window(true, z, zones[z], start_us, slowest_us);
        }
        for (int d = 0; d < DEVICES; d++) {
            char key[64];
            snprintf(key, sizeof(key), "device_count|device.net~3Ad%d", d);
            oracle_window(false, d, key, start_us, clocks[d % SOURCES][log_len[d % SOURCES] - 1]);
        }
    }
}

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
static void check_log(uint64_t number, bool reload)
{
    struct list out[SOURCES], again[SOURCES], parts[PARTIALS], other[PARTIALS], kpis[PARTIALS],
        more[PARTIALS];
    memset(out, 0, sizeof(out));
    memset(again, 0, sizeof(again));
    memset(parts, 0, sizeof(parts));
    memset(other, 0, sizeof(other));
    memset(kpis, 0, sizeof(kpis));
    memset(more, 0, sizeof(more));
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
