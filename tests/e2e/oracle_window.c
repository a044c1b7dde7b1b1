/* Why: panes into windows. Parts are sorted by KPI, scope, pane and place in the log, so that a window is
 * a run of them; each window that has data is told once.
 * Declined: two definitions in one window of several panes; a window of one pane may have two. */
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/oracle_inside.h"

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_parts(const void *left, const void *right, void *context)
{
    const struct oracle *oracle = context;
    const struct oracle_part *a = left, *b = right;
    int order = strcmp(oracle->names[a->definition], oracle->names[b->definition]);
    order = order ? order : strcmp(a->scope, b->scope);
    order = order ? order : compare_i64(a->pane.start_us, b->pane.start_us);
    order = order ? order : compare_i64(a->definition, b->definition);
    order = order ? order : compare_i64(a->partition, b->partition);
    return order ? order : compare_i64(a->offset, b->offset);
}

/* Sessions have moved their starts, and have joined, since parts were given to them. */
static void settle_panes(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->part_count; i++) {
        struct oracle_pane *pane = &oracle->parts[i].pane;
        while (pane->run != NULL && pane->run->joined != NULL) {
            pane->run = pane->run->joined;
        }
        if (pane->run != NULL) {
            pane->start_us = pane->run->start_us;
            pane->end_us = pane->run->end_us;
        }
    }
}

bool oracle_in_time(const struct oracle_window *window, const struct oracle_part *part)
{
    return window->by_count || part->clock_us < window->end_us + window->definition->delay_us;
}

/* ---- the windows of one KPI and scope: parts [0, count) */

struct list {
    struct oracle *oracle;
    const struct oracle_part *parts;
    size_t count;
    void (*take)(struct oracle *, const struct oracle_window *);
};

static struct oracle_window window_of(const struct list *list, const struct oracle_part *part)
{
    return (struct oracle_window){.definition = list->oracle->definitions[part->definition],
                                  .index = part->definition,
                                  .kpi = list->oracle->names[part->definition],
                                  .scope = part->scope,
                                  .start_us = part->pane.start_us,
                                  .end_us = part->pane.end_us,
                                  .pane_us = part->pane.start_us};
}

/* The parts of the panes that start in [window's start, window's end). */
static void gather(const struct list *list, struct oracle_window *window)
{
    for (size_t i = 0; i < list->count; i++) {
        int64_t start_us = list->parts[i].pane.start_us;
        if (start_us >= window->start_us && start_us < window->end_us) {
            window->first = window->count == 0 ? &list->parts[i] : window->first;
            window->count = (size_t)(&list->parts[i] - window->first) + 1;
        }
    }
}

/* Where the pane ends that begins with parts[from]; a second definition's parts are in it. */
static size_t pane_end(const struct list *list, size_t from)
{
    size_t end = from;
    while (end < list->count && list->parts[end].pane.start_us == list->parts[from].pane.start_us) {
        end++;
    }
    return end;
}

/* One pane each. Two definitions have data for it where the partitions learned the newer one at different
 * times: the older one is published. */
static void take_single(const struct list *list, size_t from, size_t end)
{
    struct oracle_window window = window_of(list, &list->parts[from]);
    window.first = &list->parts[from];
    window.count = end - from;
    window.mixed = list->parts[end - 1].definition != window.index;
    list->take(list->oracle, &window);
}

/* All windows that hold this pane and end behind those told before; where the last of them ends. */
static int64_t take_hopping(const struct list *list, size_t from, int64_t told_us)
{
    const struct oracle_part *part = &list->parts[from];
    const struct bf_window_shape *shape = &list->oracle->definitions[part->definition]->window;
    int64_t length_us = (int64_t)shape->panes * shape->pane_us;
    for (int64_t end_us = part->pane.end_us; end_us < part->pane.end_us + length_us;
         end_us += shape->pane_us) {
        if (end_us > told_us) {
            struct oracle_window window = window_of(list, part);
            window.start_us = end_us - length_us;
            window.end_us = end_us;
            window.pane_us = end_us - shape->pane_us;
            gather(list, &window);
            list->take(list->oracle, &window);
        }
    }
    return part->pane.end_us + length_us - shape->pane_us;
}

/* The last so many panes, each full. */
static void take_count(const struct list *list, size_t end)
{
    const struct oracle_part *part = &list->parts[end - 1];
    const struct bf_window_shape *shape = &list->oracle->definitions[part->definition]->window;
    size_t from = end;
    struct oracle_window window = window_of(list, part);
    if (part->pane.run->counted < shape->readings) {
        return;
    }
    for (uint32_t pane = 0; pane < shape->panes; pane++) {
        if (from == 0) {
            return;
        }
        window.start_us = list->parts[from - 1].pane.start_us;
        while (from > 0 && list->parts[from - 1].pane.start_us == window.start_us) {
            from--;
        }
    }
    window.first = &list->parts[from];
    window.count = end - from;
    window.by_count = true;
    list->take(list->oracle, &window);
}

static void take_all(const struct list *list)
{
    int64_t told_us = INT64_MIN;
    for (size_t i = 0; i < list->count;) {
        const struct bf_window_shape *shape = &list->oracle->definitions[list->parts[i].definition]->window;
        size_t end = pane_end(list, i);
        if (shape->kind == BF_WINDOW_COUNT) {
            take_count(list, end);
        } else if (shape->panes == 1) {
            take_single(list, i, end);
        } else {
            told_us = take_hopping(list, i, told_us);
        }
        i = end;
    }
}

/* Weeks, months and years, hours of the day in hours, and rows of calendar panes. */
static void refuse_unknown(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->definition_count; i++) {
        const struct bf_window_shape *shape = &oracle->definitions[i]->window;
        bool holes = shape->part_count > 0 || shape->weekdays != 0;
        bool unknown =
            shape->panes > 1 || shape->unit > BF_CALENDAR_DAY || (shape->unit == BF_CALENDAR_HOUR && holes);
        if (shape->kind == BF_WINDOW_CALENDAR && unknown) {
            oracle_differ(oracle, "%s: a window that the oracle does not know", oracle->names[i]);
        }
    }
}

void oracle_windows(struct oracle *oracle, void (*take)(struct oracle *, const struct oracle_window *))
{
    refuse_unknown(oracle);
    settle_panes(oracle);
    if (oracle->part_count > 0) {
        qsort_r(oracle->parts, oracle->part_count, sizeof *oracle->parts, compare_parts, oracle);
    }
    for (size_t i = 0; i < oracle->part_count;) {
        const struct oracle_part *first = &oracle->parts[i];
        struct list list = {.oracle = oracle, .parts = first, .take = take};
        while (i < oracle->part_count && oracle->parts[i].scope == first->scope &&
               oracle->names[oracle->parts[i].definition] == oracle->names[first->definition]) {
            i++;
        }
        list.count = (size_t)(&oracle->parts[i] - first);
        take_all(&list);
    }
}
