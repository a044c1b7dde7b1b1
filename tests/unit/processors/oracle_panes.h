/* oracle_panes.h: in the place of oracle.h's own: every final and every revision of sums and counts, over
 * windows of one pane and of several and by the calendar, recomputed from the readings' first appearances and
 * the partitions' clocks. (What follows sources has the other one.)
 * Owner: static, one per test program; included by oracle.h.   Thread: main. */
#ifndef TEST_PROCESSORS_ORACLE_PANES_H
#define TEST_PROCESSORS_ORACLE_PANES_H

/* ---- the oracle: dumb, and of its own mind about panes */
struct step { /* of a partition's clock, before the record at `position` takes effect */
    size_t position;
    int64_t before_us, after_us;
    bool all; /* changes go out */
};
static struct step steps[SOURCES][MAX_RECORDS];
static size_t step_count[SOURCES];

static struct {
    bool counts; /* its first appearance, of the newest incarnation */
    int p;
    size_t position;
    int64_t event_us, read_us; /* read_us: the clock it found */
} facts[MAX_TRUTH];

#define MAX_PANES 4000
#ifndef ORACLE_BEFORE /* all windows lie in between */
#define ORACLE_BEFORE (300 * SECOND)
#define ORACLE_BEHIND (800 * SECOND)
#endif
static struct pane {
    int64_t start_us, end_us;
} panes[MAX_PANES];
static size_t pane_count;

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
    step_count[p] = 0;
    for (size_t i = 0; i < log_len[p]; i++) {
        const struct entry *entry = &logs[p][i];
        int64_t clock = clocks[p][i];
        if (clock > before) {
            bool all = last_emit == BF_TIME_NONE || clock - last_emit >= 5 * SECOND;
            last_emit = all ? clock : last_emit;
            steps[p][step_count[p]++] =
                (struct step){.position = i, .before_us = before, .after_us = clock, .all = all};
            before = clock;
        }
        if (entry->type == BF_RECORD_CONTROL) {
            continue;
        }
        if (entry->incarnation > newest[entry->ingest]) {
            newest[entry->ingest] = entry->incarnation;
        }
        int t = entry->truth;
        if (t < 0 || facts[t].counts || entry->incarnation < newest[entry->ingest]) {
            continue;
        }
        facts[t].counts = true;
        facts[t].p = p;
        facts[t].position = i;
        facts[t].read_us = clock;
        facts[t].event_us = event_of(entry, clock);
    }
}

/* Calendar: hours as clocks show them, found by walking. */
static void lay_panes(const struct bf_kpi_definition *kpi)
{
    int64_t from_us = BASE - ORACLE_BEFORE, to_us = BASE + ORACLE_BEHIND;
    pane_count = 0;
    assert_true((to_us - from_us) / kpi->window.pane_us < MAX_PANES);
    if (kpi->window.kind == BF_WINDOW_FIXED) {
        for (int64_t at = bf_time_floor(from_us, kpi->window.pane_us); at < to_us;
             at += kpi->window.pane_us) {
            panes[pane_count++] = (struct pane){.start_us = at, .end_us = at + kpi->window.pane_us};
        }
        return;
    }
    const int64_t minute = 60 * BF_US_PER_S, hour = 60 * minute, day = 24 * hour;
    int64_t unit = kpi->window.unit == BF_CALENDAR_HOUR ? hour : day, last_number = 0, last_offset = 0;
    for (int64_t at = bf_time_floor(from_us, minute); at < to_us; at += minute) {
        int64_t offset = bf_timezone_at(kpi->window.timezone, at).offset_us;
        int64_t number = bf_time_floor(at + offset - kpi->window.day_start_s * BF_US_PER_S, unit);
        bool changed = unit == hour && offset != last_offset;
        if (pane_count == 0 || number > last_number || changed) {
            if (pane_count > 0) {
                panes[pane_count - 1].end_us = at;
            }
            panes[pane_count++] = (struct pane){.start_us = at, .end_us = INT64_MAX};
        }
        last_number = number > last_number || pane_count == 1 || changed ? number : last_number;
        last_offset = offset;
    }
}

static size_t pane_of(int64_t event_us)
{
    size_t i = 0;
    while (i < pane_count && panes[i].end_us <= event_us) {
        i++;
    }
    assert_true(i < pane_count && panes[i].start_us <= event_us);
    return i;
}

static int64_t close_of(size_t pane)
{
    return panes[pane].end_us + DELAY;
}

/* Whether one of the windows of so many panes that hold this one closes at the step. */
static bool closes(const struct step *step, size_t pane, size_t length)
{
    for (size_t last = pane + 1; last < pane + length && last < pane_count; last++) {
        if (step->before_us < close_of(last) && close_of(last) <= step->after_us) {
            return true;
        }
    }
    return false;
}

/* The stamp under which a late change that reading t made goes out: with the next step at which all do, or a
 * later window with the pane closes, or at which this pane's lateness is over. INT64_MAX: never. */
static int64_t stamp_of(int t, size_t pane, size_t length, size_t *position)
{
    const struct step *list = steps[facts[t].p];
    for (size_t i = 0; i < step_count[facts[t].p]; i++) {
        if (list[i].position > facts[t].position &&
            (list[i].all || closes(&list[i], pane, length) ||
             close_of(pane) + LATENESS <= list[i].after_us)) {
            *position = list[i].position;
            return list[i].before_us;
        }
    }
    return INT64_MAX;
}

/* Of one KPI and scope: what each reading that counts for it is. */
struct share {
    int t;
    size_t pane;
    bool late;        /* for its own pane */
    int64_t stamp_us; /* of its partial, where it is late */
    size_t went;      /* the step at which it went */
    bool done;
};
static struct share shares[MAX_TRUTH];
static size_t share_count;

/* A text: counted by device, no part of a zone's sum. */
static bool is_text(int t)
{
    return t % 17 == 3;
}

/* Whether truth t belongs to this scope. */
static bool inside(int t, bool zone, int scope)
{
    return zone ? (truths[t].device < 3) == (scope == 0) : truths[t].device == scope;
}

static void gather(bool zone, int scope, size_t length)
{
    share_count = 0;
    for (int t = 0; t < truth_count; t++) {
        if (!facts[t].counts || !inside(t, zone, scope)) {
            continue;
        }
        struct share share = {.t = t, .pane = pane_of(facts[t].event_us), .stamp_us = INT64_MIN};
        int64_t close_us = close_of(share.pane);
        if (facts[t].read_us >= close_us + LATENESS) {
            continue;
        }
        share.late = facts[t].read_us >= close_us;
        if (share.late) {
            share.stamp_us = stamp_of(t, share.pane, length, &share.went);
        }
        shares[share_count++] = share;
    }
}

static void expect(const char *key, int64_t start_us, uint32_t revision, uint64_t n, double sum, bool is_sum)
{
    struct result *result = &results[1][result_count[1]++];
    memset(result, 0, sizeof(*result));
    snprintf(result->key, sizeof(result->key), "%s", key);
    result->start_us = start_us;
    result->revision = revision;
    result->n = n;
    result->value = is_sum ? sum : (double)n;
    result->quality = BF_QUALITY_GOOD;
}

/* When a reading is seen by results: in stage 2 its partial's stamp tells, in stage 1 the clock it found. */
static int64_t seen_us(const struct share *share, bool zone)
{
    return zone ? share->stamp_us : facts[share->t].read_us;
}

/* The first in line of the late changes to the window that ends with `last`, which are still to be told.
 * Those of one partition that go out together: the pane that was changed first goes first. */
static struct share *next_late(size_t first, size_t last)
{
    struct share *next = NULL;
    for (size_t i = 0; i < share_count; i++) {
        struct share *a = &shares[i], *b = next;
        if (a->done || a->pane < first || a->pane > last) {
            continue;
        }
        if (b == NULL || a->stamp_us < b->stamp_us ||
            (a->stamp_us == b->stamp_us && facts[a->t].p < facts[b->t].p) ||
            (a->stamp_us == b->stamp_us && facts[a->t].p == facts[b->t].p &&
             facts[a->t].position < facts[b->t].position)) {
            next = a;
        }
    }
    return next;
}

/* The results of the window that ends with pane `last`. */
static void oracle_window(const struct bf_kpi_definition *kpi, const char *key, size_t last,
                          int64_t slowest_us)
{
    bool zone = !kpi->by_device, is_sum = bf_slice_equal(kpi->aggregate, BF_SLICE("sum"));
    size_t first = last + 1 - kpi->window.panes;
    int64_t close_us = close_of(last), reach_us = bf_shape_reach_us(&kpi->window);
    uint64_t n = 0;
    double sum = 0;
    uint32_t revision = 0;
    bool data = false, known = false;
    if (close_us > slowest_us) {
        return;
    }
    for (size_t i = 0; i < share_count; i++) {
        struct share *share = &shares[i];
        share->done = seen_us(share, zone) < close_us;
        if (share->done && share->pane >= first && share->pane <= last) {
            data = true;
            n += is_sum && is_text(share->t) ? 0 : 1;
            sum += is_text(share->t) ? 0 : share->t + 1;
        }
        if (!share->done && !zone && share->pane >= first &&
            share->pane <= last) { /* it changes this window when this window's changes go out */
            share->stamp_us = stamp_of(share->t, last, 1, &share->went);
        }
        int64_t age_us = panes[last].end_us - panes[share->pane].end_us;
        known = known || (share->done && share->pane < last && age_us < LATENESS + reach_us);
    }
    if (data || known) {
        expect(key, panes[first].start_us, revision++, n, sum, is_sum);
    }
    for (struct share *late; (late = next_late(first, last)) != NULL;) {
        const struct share one = *late;
        if (one.stamp_us >= slowest_us) {
            return;
        }
        for (size_t i = 0; i < share_count; i++) { /* a partial, or in stage 1 all that went out together */
            struct share *share = &shares[i];
            if (!share->done && share->pane >= first && share->pane <= last && share->went == one.went &&
                share->stamp_us == one.stamp_us && facts[share->t].p == facts[one.t].p &&
                (!zone || share->pane == one.pane)) {
                share->done = true;
                n += is_sum && is_text(share->t) ? 0 : 1;
                sum += is_text(share->t) ? 0 : share->t + 1;
            }
        }
        expect(key, panes[first].start_us, revision++, n, sum, is_sum);
    }
}

static void oracle_kpi(const struct bf_kpi_definition *kpi, int64_t slowest_us)
{
    static const char *const zones[] = {"zone.north", "zone.south"};
    lay_panes(kpi);
    for (int scope = 0; scope < (kpi->by_device ? DEVICES : 2); scope++) {
        char key[64];
        int p = scope % SOURCES;
        if (kpi->by_device) {
            snprintf(key, sizeof(key), "%.*s|device.net~3Ad%d", BF_SLICE_ARG(kpi->id), scope);
            slowest_us = clocks[p][log_len[p] - 1];
        } else {
            snprintf(key, sizeof(key), "%.*s|%s", BF_SLICE_ARG(kpi->id), zones[scope]);
        }
        gather(!kpi->by_device, scope, kpi->window.panes);
        for (size_t last = kpi->window.panes; last + 1 < pane_count; last++) {
            oracle_window(kpi, key, last, slowest_us);
        }
    }
}

static void (*oracle_more)(void); /* of what readings make: sessions, counts */

static void oracle(void)
{
    memset(facts, 0, sizeof(facts));
    int64_t slowest_us = INT64_MAX;
    for (int p = 0; p < SOURCES; p++) {
        judge(p);
        slowest_us = clocks[p][log_len[p] - 1] < slowest_us ? clocks[p][log_len[p] - 1] : slowest_us;
    }
    for (size_t k = 0; k < sizeof(first_kpis) / sizeof(first_kpis[0]); k++) {
        bool laid =
            first_kpis[k].window.kind == BF_WINDOW_FIXED || first_kpis[k].window.kind == BF_WINDOW_CALENDAR;
        if (laid && first_kpis[k].group_count > 0) { /* the city's mean is no sum */
            oracle_kpi(&first_kpis[k], slowest_us);
        }
    }
    if (oracle_more != NULL) {
        oracle_more();
    }
}

#endif
