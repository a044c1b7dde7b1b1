/* Why: holds the two lists against each other, a window at a time (oracle.h says what must hold).
 * Declined: stopping at the first difference (the pattern of several shows the cause). */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/oracle_state.h"

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

/* By window; within one by definition, partition and place in the log. */
static int compare_parts(const struct oracle *oracle, const struct oracle_part *a,
                         const struct oracle_part *b)
{
    int order = strcmp(oracle->names[a->definition], oracle->names[b->definition]);
    order = order ? order : strcmp(a->scope, b->scope);
    order = order ? order : compare_i64(a->start_us, b->start_us);
    order = order ? order : compare_i64(a->definition, b->definition);
    order = order ? order : compare_i64(a->partition, b->partition);
    return order ? order : compare_i64(a->offset, b->offset);
}

static int order_parts(const void *a, const void *b, void *oracle)
{
    return compare_parts(oracle, a, b);
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

/* A compensated sum (Neumaier): each partition adds in the order of its log, and the partitions are added in
 * their order, so that it is the same to the last bit wherever and however often it is worked out. */
struct sum {
    double sum, lost;
};

struct total {
    uint64_t n, numbers, share[SHARE_TEXT + 1], parts; /* numbers: of n, those that are not texts */
    struct sum all, here;                              /* of the partitions before; of `partition` */
    int32_t partition;
    double last, min, max;
    int64_t last_us;
    bool suspect;
};

static void add_value(struct sum *sum, double value)
{
    double larger = fabs(sum->sum) >= fabs(value) ? sum->sum : value;
    double smaller = fabs(sum->sum) >= fabs(value) ? value : sum->sum;
    double together = sum->sum + value;
    sum->lost += (larger - together) + smaller;
    sum->sum = together;
}

static struct sum merged(const struct total *total)
{
    struct sum all = total->all;
    add_value(&all, total->here.sum);
    all.lost += total->here.lost;
    return all;
}

static void add(struct total *total, const struct oracle_part *part)
{
    total->parts++;
    total->share[part->share]++;
    if (part->share != SHARE_COUNTED) {
        return;
    }
    total->n++;
    total->suspect |= part->suspect;
    if (isnan(part->value)) {
        return;
    }
    bool first = total->numbers++ == 0;
    total->min = first || part->value < total->min ? part->value : total->min;
    total->max = first || part->value > total->max ? part->value : total->max;
    if (part->partition != total->partition) {
        total->all = merged(total);
        total->here = (struct sum){.sum = 0};
        total->partition = part->partition;
    }
    add_value(&total->here, part->value);
    /* ties go to the later partition, then to the later record: the order of the list */
    total->last = first || part->event_us >= total->last_us ? part->value : total->last;
    total->last_us = first || part->event_us > total->last_us ? part->event_us : total->last_us;
}

static bool value_of(const struct total *total, const struct bf_kpi_definition *definition, double *value)
{
    struct sum all = merged(total);
    const struct {
        const char *name;
        double value;
    } values[] = {{.name = "count", .value = (double)total->n},
                  {.name = "sum", .value = all.sum + all.lost},
                  {.name = "mean", .value = (all.sum + all.lost) / (double)total->n},
                  {.name = "min", .value = total->min},
                  {.name = "max", .value = total->max},
                  {.name = "last", .value = total->last}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (bf_slice_equal(definition->aggregate, bf_slice_of(values[i].name))) {
            *value = values[i].value;
        }
    }
    return total->n > 0 || bf_slice_equal(definition->aggregate, BF_SLICE("count"));
}

/* To the last bit: a zero's sign too. */
static bool same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void compare_total(struct oracle *oracle, const struct bf_kpi_definition *definition, const char *what,
                          const struct total *total, const struct oracle_result *result)
{
    const struct bf_kpi *kpi = &result->record;
    const struct bf_excluded *excluded = &kpi->excluded;
    double value = 0;
    bool has_value = value_of(total, definition, &value);
    bool good = kpi->n == total->n && excluded->suspect == total->share[SHARE_SUSPECT] &&
                excluded->fail == total->share[SHARE_FAIL] &&
                excluded->missing == total->share[SHARE_MISSING] &&
                excluded->text == total->share[SHARE_TEXT] && kpi->has_value == has_value &&
                (!has_value || same(kpi->value, value));
    if (good && total->numbers > 0) {
        good = kpi->has_range && same(kpi->min, total->min) && same(kpi->max, total->max);
    }
    if (!good) {
        oracle_differ(
            oracle,
            "%s %s %lld %s (revision %u, generation %lld): n %llu value %.17g, must be n %llu value %.17g",
            result->kpi, result->scope, (long long)kpi->start_us, what, kpi->revision,
            (long long)kpi->generation, (unsigned long long)kpi->n, kpi->value, (unsigned long long)total->n,
            value);
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

static bool is_due(const struct oracle *oracle, const struct bf_kpi_definition *definition, int32_t partition,
                   int64_t start_us)
{
    int64_t clock_us = definition->by_device ? oracle->partitions[partition].clock_us : slowest(oracle);
    return clock_us != BF_TIME_NONE && clock_us >= start_us + definition->window_us + definition->delay_us;
}

/* Whether that very definition decides the windows that begin then. */
static bool in_force(const struct oracle *oracle, uint32_t definition, int32_t partition, int64_t start_us)
{
    const struct oracle_partition *known = &oracle->partitions[partition];
    bool by_device = oracle->definitions[definition]->by_device;
    size_t chosen = 0;
    for (size_t k = 1; k < known->known_count; k++) {
        int64_t from_us =
            by_device ? known->known[k].from_us : oracle->generations[known->known[k].generation].from_us;
        chosen = from_us <= start_us ? k : chosen;
    }
    const struct oracle_generation *generation = &oracle->generations[known->known[chosen].generation];
    for (size_t i = 0; i < generation->city->kpi_count; i++) {
        if (generation->definition[i] == definition) {
            return true;
        }
    }
    return false;
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

struct window {
    const struct bf_kpi_definition *definition;
    uint32_t index;
    const char *kpi, *scope;
    int64_t start_us;
    int32_t partition; /* of its first part */
    struct total in_time, all;
    bool mixed; /* a newer definition has data too */
};

/* The generation that a result names: the one in force when its window began, or the last that had this
 * definition where readings came before a newer one was learned. Unless a partition learned one only after
 * its `from`. */
static void compare_generation(struct oracle *oracle, const struct window *window, const struct bf_kpi *kpi)
{
    const struct oracle_partition *known = &oracle->partitions[window->partition];
    int64_t in_force = oracle->generations[0].number, newest = 0;
    for (size_t k = 0; k < known->known_count; k++) {
        const struct oracle_generation *generation = &oracle->generations[known->known[k].generation];
        if (known->known[k].from_us != generation->from_us) {
            return;
        }
        in_force = generation->from_us <= window->start_us ? generation->number : in_force;
        for (size_t i = 0; i < generation->city->kpi_count; i++) {
            newest = generation->definition[i] == window->index ? generation->number : newest;
        }
    }
    int64_t number = newest < in_force ? newest : in_force;
    if (kpi->generation != number) {
        oracle_differ(oracle, "%s %s %lld: of generation %lld, must be %lld", window->kpi, window->scope,
                      (long long)window->start_us, (long long)kpi->generation, (long long)number);
    }
}

static void compare_closed(struct oracle *oracle, const struct window *window,
                           const struct oracle_result *closed, size_t count)
{
    bool late = window->all.parts > window->in_time.parts;
    oracle->sums.windows++;
    oracle->sums.late_windows += late;
    if (count == 0 || (!late && count > 1) || (late && window->in_time.parts > 0 && count < 2)) {
        oracle_differ(oracle, "%s %s %lld: %zu results for %llu readings, %llu of them late", window->kpi,
                      window->scope, (long long)window->start_us, count,
                      (unsigned long long)window->all.parts,
                      (unsigned long long)(window->all.parts - window->in_time.parts));
        return;
    }
    if (window->in_time.parts > 0) {
        compare_total(oracle, window->definition, "final", &window->in_time, &closed[0]);
    }
    compare_total(oracle, window->definition, "last", &window->all, &closed[count - 1]);
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

/* A known scope has a result for each window that is due, for as long as what it is known by is held. */
static void compare_successors(struct oracle *oracle, const struct window *window)
{
    const struct bf_kpi_definition *definition = window->definition;
    if (window->in_time.parts == 0) {
        return;
    }
    for (int64_t age_us = definition->window_us; age_us < definition->lateness_us;
         age_us += definition->window_us) {
        int64_t start_us = window->start_us + age_us;
        size_t count = 0;
        if (!is_due(oracle, definition, window->partition, start_us)) {
            return;
        }
        const struct oracle_result *results =
            results_of(oracle, window->kpi, window->scope, start_us, &count);
        bool closed = count > 0 && results[count - 1].record.phase == BF_KPI_FINAL;
        if (!closed && in_force(oracle, window->index, window->partition, start_us)) {
            oracle_differ(oracle, "%s %s %lld: no result, though known by the window of %lld", window->kpi,
                          window->scope, (long long)start_us, (long long)window->start_us);
        }
    }
}

static void compare_window(struct oracle *oracle, const struct window *window)
{
    size_t count = 0;
    struct oracle_result *results = results_of(oracle, window->kpi, window->scope, window->start_us, &count);
    size_t open = count ? skip_provisional(oracle, results, count, window->all.n) : 0;
    for (size_t i = 0; i < count; i++) {
        results[i].expected = true;
    }
    if (is_due(oracle, window->definition, window->partition, window->start_us)) {
        compare_closed(oracle, window, results + open, count - open);
    } else if (count > open) {
        oracle_differ(oracle, "%s %s %lld: closed before it was due", window->kpi, window->scope,
                      (long long)window->start_us);
    }
    compare_successors(oracle, window);
}

static bool same_window(const struct oracle *oracle, const struct oracle_part *a, const struct oracle_part *b)
{
    return strcmp(oracle->names[a->definition], oracle->names[b->definition]) == 0 &&
           strcmp(a->scope, b->scope) == 0 && a->start_us == b->start_us;
}

/* Two definitions have data for it where the partitions learned the newer one at different times: the older
 * one is published. */
static void compare_windows(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->part_count;) {
        const struct oracle_part *first = &oracle->parts[i];
        struct window window = {.definition = oracle->definitions[first->definition],
                                .index = first->definition,
                                .kpi = oracle->names[first->definition],
                                .scope = first->scope,
                                .start_us = first->start_us,
                                .partition = first->partition};
        bool mixed = false;
        for (; i < oracle->part_count && same_window(oracle, first, &oracle->parts[i]); i++) {
            if (oracle->parts[i].definition != first->definition) {
                mixed = true;
                continue;
            }
            add(&window.all, &oracle->parts[i]);
            if (oracle->parts[i].in_time) {
                add(&window.in_time, &oracle->parts[i]);
            }
        }
        oracle->sums.mixed += mixed;
        window.mixed = mixed;
        compare_window(oracle, &window);
    }
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
    if (oracle->consumer) {
        bf_consumer_destroy(oracle->consumer);
    }
    bf_config_log_close(oracle->log);
    free_texts(oracle);
    bf_table_destroy(oracle->deliveries);
    bf_table_destroy(oracle->writers);
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
    enum bf_status status = BF_OK;
    if (!oracle->texts || !oracle->writers) {
        status = bf_err_set(err, BF_FATAL, "out of memory");
    }
    status = status == BF_OK ? oracle_read(oracle, kafka, err) : status;
    if (status == BF_OK && oracle->part_count > 0) {
        qsort_r(oracle->parts, oracle->part_count, sizeof *oracle->parts, order_parts, oracle);
    }
    if (status == BF_OK && oracle->result_count > 0) {
        qsort(oracle->results, oracle->result_count, sizeof *oracle->results, order_results);
    }
    if (status == BF_OK) {
        oracle->sums.generations = oracle->generation_count;
        compare_windows(oracle);
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
