/* test_replay.c's properties over sessions and counts of devices, and every one of their results recomputed
 * from the order of the log by lists of readings. */
#define PANES_ORACLE
#define MORE_FIRST_KPIS                                                                                    \
    DEFINITION_OVER("device_trip", "sum", by_device, 1, true, 51, .kind = BF_WINDOW_SESSION, .panes = 1,   \
                    .gap_us = 5 * SECOND, .longest_us = 40 * SECOND),                                      \
        DEFINITION_OVER("device_last", "sum", by_device, 1, true, 52, .kind = BF_WINDOW_COUNT, .panes = 3, \
                        .readings = 4),                                                                    \
        DEFINITION_OVER("device_each", "sum", by_device, 1, true, 53, .kind = BF_WINDOW_COUNT, .panes = 1, \
                        .readings = 1),
#define MORE_SECOND_KPIS                                                                                   \
    DEFINITION_OVER("device_trip", "sum", by_device, 1, true, 51, .kind = BF_WINDOW_SESSION, .panes = 1,   \
                    .gap_us = 5 * SECOND, .longest_us = 40 * SECOND),                                      \
        DEFINITION_OVER("device_last", "sum", by_device, 1, true, 62, .kind = BF_WINDOW_COUNT, .panes = 2, \
                        .readings = 3),

#include "tests/unit/processors/random_log.h"

#define GAP (5 * SECOND)
#define LONGEST (40 * SECOND)
#define MEMBERS 400

/* ---- sessions */
struct session {
    int64_t start_us, end_us;
    int members[MEMBERS], count;
    bool closed, changed, gone;
    uint32_t revisions;
};
static struct session sessions[1000];
static int session_count;

static void tell_session(struct session *session, const char *key)
{
    uint64_t n = 0;
    double sum = 0;
    for (int i = 0; i < session->count; i++) {
        n += is_text(session->members[i]) ? 0 : 1;
        sum += is_text(session->members[i]) ? 0 : session->members[i] + 1;
    }
    expect(key, session->start_us, session->revisions++, n, sum, true);
    session->changed = false;
}

/* What a step of the clock does: late changes go out, then sessions close, then old ones are forgotten. */
static void step_sessions(const char *key, int64_t clock_us, bool all)
{
    for (int i = 0; i < session_count; i++) {
        struct session *session = &sessions[i];
        bool drops = session->end_us + DELAY + LATENESS <= clock_us;
        if (!session->gone && session->closed && session->changed && (all || drops)) {
            tell_session(session, key);
        }
        if (!session->gone && !session->closed && session->end_us + DELAY <= clock_us) {
            session->closed = true;
            tell_session(session, key);
        }
        session->gone = session->gone || drops;
    }
}

static void add_member(struct session *session, int t)
{
    assert_true(session->count < MEMBERS);
    session->members[session->count++] = t;
    session->changed = true;
}

/* The first session that begins after event_us. */
static struct session *session_behind(int64_t event_us)
{
    struct session *next = NULL;
    for (int i = 0; i < session_count; i++) {
        struct session *other = &sessions[i];
        if (!other->gone && other->start_us > event_us &&
            (next == NULL || other->start_us < next->start_us)) {
            next = other;
        }
    }
    return next;
}

static void lengthen(struct session *session, int64_t event_us)
{
    struct session *next = session_behind(event_us);
    int64_t end_us =
        event_us + GAP < session->start_us + LONGEST ? event_us + GAP : session->start_us + LONGEST;
    if (next != NULL && next->start_us < end_us && !next->closed &&
        next->end_us <= session->start_us + LONGEST) {
        for (int i = 0; i < next->count; i++) {
            add_member(session, next->members[i]);
        }
        end_us = end_us > next->end_us ? end_us : next->end_us;
        next->gone = true;
    } else if (next != NULL && next->start_us < end_us) {
        end_us = next->start_us;
    }
    session->end_us = end_us > session->end_us ? end_us : session->end_us;
}

static void take_reading(int t, int64_t event_us, int64_t clock_us)
{
    struct session *next = session_behind(event_us);
    for (int i = 0; i < session_count; i++) {
        struct session *session = &sessions[i];
        if (!session->gone && session->start_us <= event_us && event_us < session->end_us) {
            if (!session->closed) {
                lengthen(session, event_us);
            }
            add_member(session, t);
            return;
        }
    }
    if (next != NULL && next->start_us - event_us < GAP &&
        (next->closed || next->end_us - event_us <= LONGEST)) {
        next->start_us = next->closed ? next->start_us : event_us;
        add_member(next, t);
        return;
    }
    if (clock_us >= event_us + GAP + DELAY + LATENESS) {
        return;
    }
    assert_true(session_count < 1000);
    struct session *session = &sessions[session_count++];
    *session = (struct session){.start_us = event_us, .end_us = event_us + GAP};
    if (next != NULL && next->start_us < session->end_us) {
        session->end_us = next->start_us;
    }
    session->closed = clock_us >= session->end_us + DELAY;
    add_member(session, t);
}

/* The readings of a device in the order of the log, with the steps between them. */
static void run_device(int device, const char *key, void (*step)(const char *key, int64_t clock_us, bool all),
                       void (*take)(int t, int64_t event_us, int64_t clock_us))
{
    int p = device % SOURCES;
    size_t next_step = 0;
    for (size_t i = 0; i < log_len[p]; i++) {
        for (; next_step < step_count[p] && steps[p][next_step].position <= i; next_step++) {
            if (step != NULL) {
                step(key, steps[p][next_step].after_us, steps[p][next_step].all);
            }
        }
        int t = logs[p][i].truth;
        if (t >= 0 && facts[t].counts && facts[t].position == i && truths[t].device == device) {
            take(t, facts[t].event_us, facts[t].read_us);
        }
    }
}

/* ---- counts */
static struct {
    const char *key;
    int size, panes, open;
    int64_t starts[MAX_TRUTH];
    int member_panes[MAX_TRUTH], members[MAX_TRUTH], count, pane;
    int64_t newest_us; /* behind the newest reading */
} row;

static void tell_count(void)
{
    double sum = 0;
    if (row.pane + 1 < row.panes) {
        return;
    }
    for (int i = 0; i < row.count; i++) {
        sum += row.member_panes[i] > row.pane - row.panes ? row.members[i] + 1 : 0;
    }
    expect(row.key, row.starts[row.pane + 1 - row.panes], 0, (uint64_t)row.size * (uint64_t)row.panes, sum,
           true);
}

static void take_count(int t, int64_t event_us, int64_t clock_us)
{
    if (clock_us >= event_us + 1 + DELAY + LATENESS) {
        return;
    }
    if (row.open < 0) { /* a text opens a pane too */
        row.pane++;
        row.open = 0;
        row.starts[row.pane] =
            row.pane > 0 && event_us <= row.starts[row.pane - 1] ? row.starts[row.pane - 1] + 1 : event_us;
    }
    row.newest_us = event_us + 1 > row.newest_us ? event_us + 1 : row.newest_us;
    if (is_text(t)) {
        return;
    }
    row.member_panes[row.count] = row.pane;
    row.members[row.count++] = t;
    if (++row.open == row.size) {
        tell_count();
        row.open = -1;
    }
}

static void begin_row(const char *key, int size, int panes_)
{
    row.key = key;
    row.size = size;
    row.panes = panes_;
    row.open = -1;
    row.count = 0;
    row.pane = -1;
    row.newest_us = 0;
}

/* A silent device is forgotten: it begins anew. The newest pane's last reading tells. */
static void forget_row(const char *key, int64_t clock_us, bool all)
{
    (void)key;
    (void)all;
    if (row.pane >= 0 && row.newest_us + DELAY + LATENESS <= clock_us) {
        begin_row(row.key, row.size, row.panes);
    }
}

static void sessions_and_counts(void)
{
    for (int device = 0; device < DEVICES; device++) {
        char key[64];
        session_count = 0;
        snprintf(key, sizeof(key), "device_trip|device.net~3Ad%d", device);
        run_device(device, key, step_sessions, take_reading);
        snprintf(key, sizeof(key), "device_last|device.net~3Ad%d", device);
        begin_row(key, 4, 3);
        run_device(device, key, forget_row, take_count);
        snprintf(key, sizeof(key), "device_each|device.net~3Ad%d", device);
        begin_row(key, 1, 1);
        run_device(device, key, forget_row, take_count);
    }
}

static void replays_are_equal_and_right(void **state)
{
    (void)state;
    assert_true(check_logs(1, 8, false) > 1000);
}

static void replays_over_a_reload_are_equal(void **state)
{
    (void)state;
    assert_true(check_logs(101, 104, true) > 500);
}

int main(void)
{
    oracle_more = sessions_and_counts;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays_are_equal_and_right),
        cmocka_unit_test(replays_over_a_reload_are_equal),
    };
    return cmocka_run_group_tests(tests, make_plans, free_plans);
}
