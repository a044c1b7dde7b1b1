/* Why: holds the two lists against each other, a window at a time (oracle.h says what must hold).
 * Declined: stopping at the first difference (the pattern of several shows the cause). */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/oracle_inside.h"

#define DIFFERENCES_SHOWN 8

void oracle_differ(struct oracle *oracle, const char *format, ...)
{
    size_t room = sizeof oracle->sums.differences - oracle->difference_len;
    va_list arguments;
    if (oracle->difference_count++ >= DIFFERENCES_SHOWN || room < 3) {
        return;
    }
    va_start(arguments, format);
    int written = vsnprintf(oracle->sums.differences + oracle->difference_len, room - 2, format, arguments);
    va_end(arguments);
    oracle->difference_len = strlen(oracle->sums.differences);
    if (written > 0) {
        oracle->sums.differences[oracle->difference_len++] = '\n';
        oracle->sums.differences[oracle->difference_len] = '\0';
    }
}

/* ---- order */

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_key(const struct oracle_result *result, const char *kpi, const char *scope,
                       int64_t start_us)
{
    int order = strcmp(result->kpi, kpi);
    order = order ? order : strcmp(result->scope, scope);
    return order ? order : compare_i64(result->record.start_us, start_us);
}

/* By window; within one in the order of the log (one partition has them all). */
static int order_results(const void *a, const void *b)
{
    const struct oracle_result *left = a, *right = b;
    int order = compare_key(left, right->kpi, right->scope, right->record.start_us);
    return order ? order : compare_i64(left->offset, right->offset);
}

/* ---- what a window must say */

/* To the last bit: a zero's sign too. */
static bool same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool near(double a, double b, double within)
{
    return same(a, b) || fabs(a - b) <= within * fmax(fabs(a), fabs(b));
}

static void compare_total(struct oracle *oracle, const char *what, const struct oracle_window *window,
                          bool all, const struct oracle_result *result)
{
    const struct bf_kpi *kpi = &result->record;
    const struct bf_excluded *excluded = &kpi->excluded;
    const struct oracle_total total = oracle_count(window, all);
    bool ranges = total.numbers > 0 && window->definition->formula == NULL;
    double value = 0, within = 0;
    bool has_value = oracle_value(window, all, &value, &within);
    bool good = kpi->n == total.n && kpi->end_us == window->end_us &&
                excluded->suspect == total.share[SHARE_SUSPECT] &&
                excluded->fail == total.share[SHARE_FAIL] &&
                excluded->missing == total.share[SHARE_MISSING] && excluded->text == total.share[SHARE_TEXT];
    good = good && kpi->has_value == has_value && (!has_value || near(kpi->value, value, within));
    good = good && kpi->has_range == ranges &&
           (!ranges || (same(kpi->min, total.min) && same(kpi->max, total.max)));
    if (!good) {
        oracle_differ(
            oracle,
            "%s %s %lld %s (revision %u, generation %lld): n %llu value %.17g, must be n %llu value %.17g",
            result->kpi, result->scope, (long long)kpi->start_us, what, kpi->revision,
            (long long)kpi->generation, (unsigned long long)kpi->n, kpi->has_value ? kpi->value : NAN,
            (unsigned long long)total.n, has_value ? value : NAN);
    }
}

/* ---- which windows are due */

static int64_t slowest(const struct oracle *oracle)
{
    int64_t clock_us = INT64_MAX;
    for (int32_t p = 0; p < oracle->partition_count; p++) {
        clock_us = oracle->partitions[p].clock_us < clock_us ? oracle->partitions[p].clock_us : clock_us;
    }
    return clock_us;
}

static bool is_due(const struct oracle *oracle, const struct oracle_window *window, int64_t end_us)
{
    const struct bf_kpi_definition *definition = window->definition;
    int32_t partition = window->first->partition;
    int64_t clock_us = definition->by_device ? oracle->partitions[partition].clock_us : slowest(oracle);
    return window->by_count || (clock_us != BF_TIME_NONE && clock_us >= end_us + definition->delay_us);
}

/* Whether that very definition decides the panes that begin then. */
static bool in_force(const struct oracle *oracle, const struct oracle_window *window, int64_t start_us)
{
    const struct oracle_partition *known = &oracle->partitions[window->first->partition];
    size_t chosen = 0;
    for (size_t k = 1; k < known->known_count; k++) {
        int64_t from_us = window->definition->by_device
                              ? known->known[k].from_us
                              : oracle->generations[known->known[k].generation].from_us;
        chosen = from_us <= start_us ? k : chosen;
    }
    return oracle_decides(oracle, known->known[chosen].generation, window->index);
}

/* The results of one window: *count of them from the returned one on. */
static struct oracle_result *results_of(const struct oracle *oracle, const char *kpi, const char *scope,
                                        int64_t start_us, size_t *count)
{
    size_t low = 0, high = oracle->result_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_key(&oracle->results[middle], kpi, scope, start_us) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    size_t end = low;
    while (end < oracle->result_count && compare_key(&oracle->results[end], kpi, scope, start_us) == 0) {
        end++;
    }
    *count = end - low;
    return oracle->results + low;
}

/* ---- one window with data: the parts of one definition */

/* The generation that a result names: the one in force when its window began, or the last that had this
 * definition where readings came before a newer one was learned. Unless a partition learned one only after
 * its `from`. */
static void compare_generation(struct oracle *oracle, const struct oracle_window *window,
                               const struct bf_kpi *kpi)
{
    const struct oracle_partition *known = &oracle->partitions[window->first->partition];
    int64_t decides = oracle->generations[0].number, newest = 0;
    for (size_t k = 0; k < known->known_count; k++) {
        const struct oracle_generation *generation = &oracle->generations[known->known[k].generation];
        if (known->known[k].from_us != generation->from_us) {
            return;
        }
        decides = generation->from_us <= window->pane_us ? generation->number : decides;
        if (oracle_decides(oracle, known->known[k].generation, window->index)) {
            newest = generation->number;
        }
    }
    int64_t number = newest < decides ? newest : decides;
    if (kpi->generation != number) {
        oracle_differ(oracle, "%s %s %lld: of generation %lld, must be %lld", window->kpi, window->scope,
                      (long long)window->start_us, (long long)kpi->generation, (long long)number);
    }
}

static void note_kind(struct oracle *oracle, const struct bf_kpi_definition *definition)
{
    struct bf_oracle_sums *sums = &oracle->sums;
    bool *used = &oracle->used[oracle_kind(definition)]; /* of a formula: the last */
    sums->windows++;
    sums->aggregates += !*used;
    *used = true;
    sums->hops |= definition->window.kind == BF_WINDOW_FIXED && definition->window.panes > 1;
    sums->calendar |= definition->window.kind == BF_WINDOW_CALENDAR;
    sums->sessions |= definition->window.kind == BF_WINDOW_SESSION;
    sums->counts |= definition->window.kind == BF_WINDOW_COUNT;
}

static void compare_closed(struct oracle *oracle, const struct oracle_window *window,
                           const struct oracle_result *closed, size_t count)
{
    const uint64_t all = oracle_count(window, true).parts, in_time = oracle_count(window, false).parts;
    bool late = all > in_time;
    oracle->sums.late_windows += late;
    note_kind(oracle, window->definition);
    if (count == 0 || (!late && count > 1) || (late && in_time > 0 && count < 2)) {
        oracle_differ(oracle, "%s %s %lld: %zu results for %llu readings, %llu of them late", window->kpi,
                      window->scope, (long long)window->start_us, count, (unsigned long long)all,
                      (unsigned long long)(all - in_time));
        return;
    }
    if (in_time > 0) {
        compare_total(oracle, "final", window, false, &closed[0]);
    }
    compare_total(oracle, "last", window, true, &closed[count - 1]);
    for (size_t i = 0; i < count; i++) {
        compare_generation(oracle, window, &closed[i].record);
        if (window->mixed && closed[i].record.quality != BF_QUALITY_SUSPECT) {
            oracle_differ(oracle, "%s %s %lld: of two definitions, and not suspect", window->kpi,
                          window->scope, (long long)window->start_us);
        }
    }
}

/* Splits off what is provisional: it comes first and never counts more than the window has. */
static size_t skip_provisional(struct oracle *oracle, const struct oracle_result *results, size_t count,
                               uint64_t limit)
{
    size_t provisional = 0;
    while (provisional < count && results[provisional].record.phase == BF_KPI_PROVISIONAL) {
        if (results[provisional].record.n > limit) {
            oracle_differ(oracle, "%s %s %lld: provisional n %llu of %llu", results->kpi, results->scope,
                          (long long)results->record.start_us,
                          (unsigned long long)results[provisional].record.n, (unsigned long long)limit);
        }
        provisional++;
    }
    for (size_t i = provisional; i < count; i++) {
        const struct bf_kpi *kpi = &results[i].record;
        if (kpi->phase != BF_KPI_FINAL || kpi->revision != i - provisional) {
            oracle_differ(oracle, "%s %s %lld: closed result %zu is %s, revision %u", results->kpi,
                          results->scope, (long long)kpi->start_us, i - provisional,
                          kpi->phase == BF_KPI_FINAL ? "final" : "provisional", kpi->revision);
        }
    }
    return provisional;
}

/* Whether something of its last pane came in time: by this the scope is known afterwards. */
static bool has_in_time(const struct oracle_window *window)
{
    bool any = false;
    for (size_t i = 0; i < window->count; i++) {
        const struct oracle_part *part = &window->first[i];
        any = any || (part->definition == window->index && part->pane.start_us >= window->pane_us &&
                      oracle_in_time(window, part));
    }
    return any;
}

static bool has_last_pane(const struct oracle_window *window)
{
    return window->first[window->count - 1].pane.start_us >= window->pane_us;
}

/* A known scope has a result for each window that is due, for as long as what it is known by is held. (Of
 * calendar panes and what readings make, the next one is not told.) */
static void compare_successors(struct oracle *oracle, const struct oracle_window *window)
{
    const struct bf_kpi_definition *definition = window->definition;
    int64_t step_us = definition->window.pane_us;
    if (definition->window.kind != BF_WINDOW_FIXED || !has_in_time(window)) {
        return;
    }
    for (int64_t age_us = step_us; age_us < definition->lateness_us; age_us += step_us) {
        int64_t start_us = window->start_us + age_us;
        size_t count = 0;
        if (!is_due(oracle, window, window->end_us + age_us)) {
            return;
        }
        const struct oracle_result *results =
            results_of(oracle, window->kpi, window->scope, start_us, &count);
        bool closed = count > 0 && results[count - 1].record.phase == BF_KPI_FINAL;
        if (!closed && in_force(oracle, window, window->pane_us + age_us)) {
            oracle_differ(oracle, "%s %s %lld: no result, though known by the window of %lld", window->kpi,
                          window->scope, (long long)start_us, (long long)window->start_us);
        }
    }
}

static void compare_window(struct oracle *oracle, const struct oracle_window *window)
{
    size_t count = 0;
    struct oracle_result *results = results_of(oracle, window->kpi, window->scope, window->start_us, &count);
    size_t open = count ? skip_provisional(oracle, results, count, oracle_count(window, true).n) : 0;
    for (size_t i = 0; i < count; i++) {
        results[i].expected = true;
    }
    oracle->sums.mixed += window->mixed;
    bool ends_elsewhere = !has_last_pane(window) && !in_force(oracle, window, window->pane_us);
    if (is_due(oracle, window, window->end_us) && !(ends_elsewhere && count == open)) {
        compare_closed(oracle, window, results + open, count - open);
    } else if (count > open) {
        oracle_differ(oracle, "%s %s %lld: closed before it was due", window->kpi, window->scope,
                      (long long)window->start_us);
    }
    compare_successors(oracle, window);
}

/* ---- what stands there without any reading: empty, closed once, of a scope known by earlier data */
static void compare_unexpected(struct oracle *oracle)
{
    const struct oracle_result *data = NULL; /* the newest result with data of the same scope before */
    const char *kpi = "";
    for (size_t i = 0; i < oracle->result_count; i++) {
        const struct oracle_result *result = &oracle->results[i];
        const struct bf_kpi *record = &result->record;
        bool closed = record->phase == BF_KPI_FINAL;
        oracle->sums.results += closed;
        oracle->sums.revisions += closed && record->revision > 0;
        oracle->sums.kpis += closed && strcmp(result->kpi, kpi) != 0;
        kpi = closed ? result->kpi : kpi;
        if (data && (strcmp(data->kpi, result->kpi) != 0 || strcmp(data->scope, result->scope) != 0)) {
            data = NULL;
        }
        if (result->expected) {
            data = result;
            continue;
        }
        uint64_t left_out = record->excluded.suspect + record->excluded.fail + record->excluded.missing +
                            record->excluded.text;
        oracle->sums.empty++;
        if (!data || !closed || record->revision > 0 || record->n > 0 || left_out > 0) {
            oracle_differ(oracle, "%s %s %lld: a result (phase %d, revision %u, n %llu) without a reading",
                          result->kpi, result->scope, (long long)record->start_us, (int)record->phase,
                          record->revision, (unsigned long long)record->n);
        }
    }
}

static void free_texts(struct oracle *oracle)
{
    struct {
        uint64_t hash;
        char *text;
    } * text;
    size_t cursor = 0;
    while (oracle->texts && (text = bf_table_next(oracle->texts, &cursor)) != NULL) {
        free(text->text);
    }
    bf_table_destroy(oracle->texts);
}

static void close_oracle(struct oracle *oracle)
{
    bf_config_log_close(oracle->log);
    free_texts(oracle);
    bf_table_destroy(oracle->deliveries);
    bf_table_destroy(oracle->writers);
    bf_table_destroy(oracle->rows);
    bf_table_destroy(oracle->tracks);
    while (oracle->runs != NULL) {
        struct oracle_run *run = oracle->runs;
        oracle->runs = run->made_before;
        free(run);
    }
    free(oracle->parts);
    free(oracle->results);
    free(oracle);
}

enum bf_status bf_oracle_check(const struct bf_kafka_options *kafka, const char *redis_url,
                               struct bf_oracle_sums *sums, struct bf_err *err)
{
    struct oracle *oracle = calloc(1, sizeof *oracle);
    if (!oracle) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    oracle->texts = bf_table_create(ORACLE_TEXTS, sizeof(uint64_t), 2 * sizeof(uint64_t));
    oracle->writers = bf_table_create(ORACLE_WRITERS, sizeof(uint64_t), 3 * sizeof(int64_t));
    oracle->rows = bf_table_create(ORACLE_TEXTS, 2 * sizeof(uint64_t), 3 * sizeof(uint64_t));
    oracle->tracks = bf_table_create(ORACLE_TEXTS, 4 * sizeof(uint64_t), ORACLE_TRACK);
    enum bf_status status = BF_OK;
    if (!oracle->texts || !oracle->writers || !oracle->rows || !oracle->tracks) {
        status = bf_err_set(err, BF_FATAL, "out of memory");
    }
    status = status == BF_OK ? oracle_read(oracle, kafka, err) : status;
    if (status == BF_OK && oracle->result_count > 0) {
        qsort(oracle->results, oracle->result_count, sizeof *oracle->results, order_results);
    }
    if (status == BF_OK) {
        oracle->sums.generations = oracle->generation_count;
        oracle_windows(oracle, compare_window);
        compare_unexpected(oracle);
        status = oracle_compare_redis(oracle, redis_url, err);
    }
    if (status == BF_OK && oracle->difference_count > 0) {
        status = bf_err_set(err, BF_FATAL, "%zu differences", oracle->difference_count);
    }
    *sums = oracle->sums;
    close_oracle(oracle);
    return status;
}
