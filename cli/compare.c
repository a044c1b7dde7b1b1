/* Why: whoever changes a KPI wants to know what else has changed. With the same configuration nothing may.
 * Declined: two sorted files and a merge: a day of results is larger than what differs in it. */
#include "cli/compare.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/table.h"
#include "core/time.h"
#include "core/wire.h"
#include "processors/output.h"

#define SWEEP_KEYS 1024

struct side {
    bool any;
    bool first_known; /* revision 0 was seen */
    uint32_t revision;
    int64_t clock_us; /* of the newest */
    struct bf_compare_result first, newest;
};

struct window {
    uint64_t key;
    uint32_t kpi; /* in the city */
    bool redefined;
    int64_t start_us, end_us;
    char scope[64];
    struct side sides[2];
};

struct kpi {
    struct bf_compare_kpi sums;
    struct bf_compare_difference *shown; /* room for options.show */
};

struct bf_comparison {
    struct bf_compare_options options;
    pthread_mutex_t lock;
    struct bf_table *windows;
    struct kpi *kpis;
    uint64_t gone;
    int64_t from_us, last_us, reached_us[2], swept_us;
    bool exact;
};

enum bf_status bf_comparison_create(const struct bf_compare_options *options,
                                    struct bf_comparison **comparison, struct bf_err *err)
{
    struct bf_comparison *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory for a comparison");
    }
    made->options = *options;
    made->from_us = made->swept_us = BF_TIME_NONE;
    made->reached_us[0] = made->reached_us[1] = BF_TIME_NONE;
    made->last_us = INT64_MAX;
    pthread_mutex_init(&made->lock, NULL);
    made->windows = bf_table_create(options->windows, sizeof(uint64_t), sizeof(struct window));
    made->kpis = calloc(options->city->kpi_count + 1, sizeof *made->kpis);
    bool whole = made->windows != NULL && made->kpis != NULL;
    for (size_t i = 0; whole && i < options->city->kpi_count; i++) {
        made->kpis[i].sums.id = options->city->kpis[i].id;
        made->kpis[i].shown = calloc(options->show + 1, sizeof *made->kpis[i].shown);
        whole = made->kpis[i].shown != NULL;
    }
    if (!whole) {
        bf_comparison_destroy(made);
        return bf_err_set(err, BF_LIMIT, "no memory for %zu windows", options->windows);
    }
    *comparison = made;
    return BF_OK;
}

void bf_comparison_destroy(struct bf_comparison *comparison)
{
    if (comparison == NULL) {
        return;
    }
    for (size_t i = 0; comparison->kpis != NULL && i < comparison->options.city->kpi_count; i++) {
        free(comparison->kpis[i].shown);
    }
    free(comparison->kpis);
    bf_table_destroy(comparison->windows);
    pthread_mutex_destroy(&comparison->lock);
    free(comparison);
}

void bf_comparison_from(struct bf_comparison *comparison, int64_t from_us, bool exact)
{
    pthread_mutex_lock(&comparison->lock);
    comparison->from_us = from_us;
    comparison->exact = exact;
    pthread_mutex_unlock(&comparison->lock);
}

/* ---- what differs */

static int compare_places(const struct bf_compare_difference *a, const struct bf_compare_difference *b)
{
    if (a->start_us != b->start_us) {
        return a->start_us < b->start_us ? -1 : 1;
    }
    return strcmp(a->scope, b->scope);
}

/* Keeps the list in order and drops what stands last in a full one. */
static void show(const struct bf_comparison *comparison, struct kpi *kpi,
                 const struct bf_compare_difference *difference)
{
    size_t at = kpi->sums.shown_count;
    while (at > 0 && compare_places(&kpi->shown[at - 1], difference) > 0) {
        kpi->shown[at] = kpi->shown[at - 1]; /* one more than `show` fit */
        at--;
    }
    kpi->shown[at] = *difference;
    if (kpi->sums.shown_count < comparison->options.show) {
        kpi->sums.shown_count++;
    }
}

/* Whether its newest revision is settled: none may be under way at the end of what was replayed. */
static bool settled(const struct bf_comparison *comparison, const struct side *side)
{
    int64_t edge_us = 2 * comparison->options.city->time.emit_every_us;
    return comparison->last_us == INT64_MAX || side->clock_us < comparison->last_us - edge_us;
}

/* Whether what was replayed holds the window's close. A count closes where its last reading stands in the
 * log, whatever time that one has. */
static bool is_closed(const struct bf_comparison *comparison, const struct window *window)
{
    const struct bf_kpi_definition *definition = &comparison->options.city->kpis[window->kpi];
    const struct side *old = &window->sides[BF_COMPARE_RECORD], *new = &window->sides[BF_COMPARE_REPLAY];
    bool over = window->end_us + definition->delay_us < comparison->last_us;
    if (definition->window.kind != BF_WINDOW_COUNT) {
        return over;
    }
    return over && (!old->any || settled(comparison, old)) && (!new->any || settled(comparison, new));
}

/* A scope without data in a window has a final as long as something of it is held from before. */
static bool from_before(const struct bf_comparison *comparison, const struct window *window)
{
    const struct bf_kpi_definition *definition = &comparison->options.city->kpis[window->kpi];
    const struct side *record = &window->sides[BF_COMPARE_RECORD];
    return !comparison->exact && record->newest.n == 0 &&
           window->start_us < comparison->from_us + definition->lateness_us;
}

static bool same(const struct bf_compare_result *a, const struct bf_compare_result *b)
{
    return a->digest == b->digest;
}

static void differ(struct bf_comparison *comparison, const struct window *window, enum bf_compare_kind kind,
                   bool revision)
{
    const struct side *old = &window->sides[BF_COMPARE_RECORD], *new = &window->sides[BF_COMPARE_REPLAY];
    struct kpi *kpi = &comparison->kpis[window->kpi];
    struct bf_compare_difference difference = {.start_us = window->start_us,
                                               .end_us = window->end_us,
                                               .kind = kind,
                                               .redefined = window->redefined,
                                               .revision = revision,
                                               .old = revision ? old->newest : old->first,
                                               .new = revision ? new->newest : new->first};
    memcpy(difference.scope, window->scope, sizeof difference.scope);
    uint64_t *const counts[] = {[BF_COMPARE_VALUE] = &kpi->sums.different,
                                [BF_COMPARE_MISSING] = &kpi->sums.missing,
                                [BF_COMPARE_SURPLUS] = &kpi->sums.surplus};
    ++*counts[kind];
    show(comparison, kpi, &difference);
}

static void judge(struct bf_comparison *comparison, const struct window *window)
{
    const struct side *old = &window->sides[BF_COMPARE_RECORD], *new = &window->sides[BF_COMPARE_REPLAY];
    struct bf_compare_kpi *sums = &comparison->kpis[window->kpi].sums;
    bool known = (!old->any || old->first_known) && (!new->any || new->first_known);
    if (window->start_us < comparison->from_us || !is_closed(comparison, window) || !known) {
        sums->left_out++;
    } else if (!new->any && from_before(comparison, window)) {
        sums->left_out++;
    } else if (!new->any || !old->any) {
        differ(comparison, window, new->any ? BF_COMPARE_SURPLUS : BF_COMPARE_MISSING, false);
    } else if (!same(&old->first, &new->first)) {
        differ(comparison, window, BF_COMPARE_VALUE, false);
    } else if (!same(&old->newest, &new->newest) || (comparison->exact && old->revision != new->revision)) {
        if (settled(comparison, old) && settled(comparison, new)) {
            differ(comparison, window, BF_COMPARE_VALUE, true);
        } else {
            sums->left_out++;
        }
    } else {
        sums->equal++;
    }
}

/* ---- windows */

static struct bf_compare_result result_of(const struct bf_kpi *kpi)
{
    char bytes[BF_OUTPUT_MAX];
    struct bf_mp_writer writer;
    struct bf_kpi bare = *kpi;
    bare.kpi = bare.scope = BF_SLICE("-");
    bare.generation = 0;
    bare.clock_us = bare.stale_after_us = BF_TIME_NONE;
    bare.revision = 0;
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_kpi_pack(&bare, &writer);
    return (struct bf_compare_result){.has_value = kpi->has_value,
                                      .value = kpi->value,
                                      .n = kpi->n,
                                      .digest = bf_hash64((struct bf_slice){bytes, writer.len})};
}

static void take(struct side *side, const struct bf_kpi *kpi)
{
    if (side->any && kpi->revision < side->revision) {
        return; /* written again by a task that replayed */
    }
    side->newest = result_of(kpi);
    if (kpi->revision == 0) {
        side->first = side->newest;
        side->first_known = true;
    }
    side->any = true;
    side->revision = kpi->revision;
    side->clock_us = kpi->clock_us;
}

static size_t kpi_of(const struct bf_city *city, struct bf_slice id)
{
    size_t i = 0;
    while (i < city->kpi_count && !bf_slice_equal(city->kpis[i].id, id)) {
        i++;
    }
    return i;
}

static struct window *window_of(struct bf_comparison *comparison, const struct bf_kpi *kpi, size_t index)
{
    uint64_t key = bf_hash64_mix(bf_hash64(kpi->scope), index);
    key = bf_hash64_mix(bf_hash64_mix(key, (uint64_t)kpi->start_us), (uint64_t)kpi->end_us);
    bool created = false;
    struct window *window = bf_table_put(comparison->windows, &key, &created);
    if (created) {
        size_t len = kpi->scope.len < sizeof window->scope - 1 ? kpi->scope.len : sizeof window->scope - 1;
        window->kpi = (uint32_t)index;
        window->start_us = kpi->start_us;
        window->end_us = kpi->end_us;
        memcpy(window->scope, kpi->scope.data, len);
    }
    return window;
}

static enum bf_status put(struct bf_comparison *comparison, enum bf_compare_side side,
                          const struct bf_kpi *kpi, struct bf_err *err)
{
    const struct bf_city *city = comparison->options.city;
    size_t index = kpi_of(city, kpi->kpi);
    if (index == city->kpi_count) {
        comparison->gone++;
        return BF_OK;
    }
    struct window *window = window_of(comparison, kpi, index);
    if (window == NULL) {
        bf_err_set(err, BF_LIMIT, "more than %zu windows are open at once",
                   bf_table_capacity(comparison->windows));
        bf_err_hint(err, "Raise --windows (240 bytes each), or compare a shorter time.");
        return BF_LIMIT;
    }
    if (side == BF_COMPARE_RECORD) {
        struct bf_compare_kpi *sums = &comparison->kpis[index].sums;
        uint64_t hash =
            comparison->options.definition(comparison->options.context, kpi->generation, kpi->kpi);
        sums->on_record++;
        window->redefined = hash != city->kpis[index].hash;
        sums->redefined = sums->redefined || window->redefined;
    }
    take(&window->sides[side], kpi);
    return BF_OK;
}

enum bf_status bf_comparison_put(struct bf_comparison *comparison, enum bf_compare_side side,
                                 const struct bf_kpi *kpi, struct bf_err *err)
{
    if (kpi->phase != BF_KPI_FINAL) {
        return BF_OK;
    }
    pthread_mutex_lock(&comparison->lock);
    enum bf_status status = put(comparison, side, kpi, err);
    pthread_mutex_unlock(&comparison->lock);
    return status;
}

/* ---- sweeps */

/* Nothing more of it comes on either side. */
static bool through(const struct bf_comparison *comparison, const struct window *window, int64_t reached_us)
{
    const struct bf_kpi_definition *definition = &comparison->options.city->kpis[window->kpi];
    return reached_us == INT64_MAX ||
           window->end_us + definition->delay_us + definition->lateness_us + comparison->options.margin_us <=
               reached_us;
}

/* The table must not change while it is walked: a bite at a time. */
static void sweep(struct bf_comparison *comparison, int64_t reached_us)
{
    uint64_t keys[SWEEP_KEYS];
    size_t found;
    do {
        size_t cursor = 0;
        found = 0;
        for (const struct window *window;
             found < SWEEP_KEYS && (window = bf_table_next(comparison->windows, &cursor)) != NULL;) {
            if (through(comparison, window, reached_us)) {
                judge(comparison, window);
                keys[found++] = window->key;
            }
        }
        for (size_t i = 0; i < found; i++) {
            bf_table_remove(comparison->windows, &keys[i]);
        }
    } while (found == SWEEP_KEYS);
}

void bf_comparison_reached(struct bf_comparison *comparison, enum bf_compare_side side, int64_t clock_us)
{
    pthread_mutex_lock(&comparison->lock);
    int64_t *reached_us = comparison->reached_us;
    reached_us[side] = clock_us > reached_us[side] ? clock_us : reached_us[side];
    int64_t both_us = reached_us[0] < reached_us[1] ? reached_us[0] : reached_us[1];
    bool due = both_us != BF_TIME_NONE && both_us != INT64_MAX &&
               (comparison->swept_us == BF_TIME_NONE ||
                both_us - comparison->swept_us > comparison->options.margin_us / 2);
    if (due) {
        comparison->swept_us = both_us;
        sweep(comparison, both_us);
    }
    pthread_mutex_unlock(&comparison->lock);
}

void bf_comparison_end(struct bf_comparison *comparison, int64_t last_us)
{
    pthread_mutex_lock(&comparison->lock);
    comparison->last_us = last_us;
    sweep(comparison, INT64_MAX);
    pthread_mutex_unlock(&comparison->lock);
}

/* ---- the outcome */

size_t bf_comparison_kpis(const struct bf_comparison *comparison)
{
    return comparison->options.city->kpi_count;
}

struct bf_compare_kpi bf_comparison_kpi(const struct bf_comparison *comparison, size_t index)
{
    struct bf_compare_kpi sums = comparison->kpis[index].sums;
    sums.shown = comparison->kpis[index].shown;
    return sums;
}

uint64_t bf_comparison_gone(const struct bf_comparison *comparison)
{
    return comparison->gone;
}

bool bf_comparison_equal(const struct bf_comparison *comparison)
{
    bool equal = comparison->gone == 0;
    for (size_t i = 0; i < comparison->options.city->kpi_count; i++) {
        const struct bf_compare_kpi *sums = &comparison->kpis[i].sums;
        equal = equal && sums->different + sums->missing + sums->surplus == 0;
    }
    return equal;
}
