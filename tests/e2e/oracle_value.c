/* Why: what a window's parts come to, for each aggregate from the plainest formula there is, with the C
 * library's functions. Sums are added as DESIGN lays down, so they agree to the last bit; what needs
 * powers, angles or time in pieces may be off by rounding.
 * Declined: states. Every value is worked out from the list of all its readings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/oracle_inside.h"

#define PI 3.14159265358979323846
#define BINS_PER_OCTAVE 35
#define DISTINCT_EXACT 384 /* DESIGN: exact while small */

/* What is looked at: the parts of one input of a window. */
struct view {
    const struct oracle_window *window;
    const struct bf_value_options *options;
    uint32_t input;
    bool all; /* not only those in time */
};

static const struct oracle_part *next(const struct view *view, bool steps, size_t *at)
{
    const struct oracle_window *window = view->window;
    while (*at < window->count) {
        const struct oracle_part *part = &window->first[(*at)++];
        if (part->definition == window->index && part->input == view->input &&
            part->share == (steps ? SHARE_STEP : SHARE_COUNTED) &&
            (view->all || oracle_in_time(window, part))) {
            return part;
        }
    }
    return NULL;
}

/* ---- sums */

/* Neumaier's: each partition adds in the order of its log, panes add the partitions in their order, and
 * windows the panes in theirs, so that it is the same to the last bit wherever and however often it is
 * worked out. */
struct sum {
    double sum, lost;
};

static void add_value(struct sum *sum, double value)
{
    double larger = fabs(sum->sum) >= fabs(value) ? sum->sum : value;
    double smaller = fabs(sum->sum) >= fabs(value) ? value : sum->sum;
    double together = sum->sum + value;
    sum->lost += (larger - together) + smaller;
    sum->sum = together;
}

static void add_sum(struct sum *sum, const struct sum *other)
{
    add_value(sum, other->sum);
    sum->lost += other->lost;
}

typedef double measure(const struct oracle_part *part);

static double total(const struct view *view, bool steps, measure *of)
{
    struct sum window = {.sum = 0}, pane = {.sum = 0}, here = {.sum = 0};
    const struct oracle_part *part, *before = NULL;
    for (size_t i = 0; (part = next(view, steps, &i)) != NULL; before = part) {
        bool pane_ends = before != NULL && before->pane.start_us != part->pane.start_us;
        if (pane_ends || (before != NULL && before->partition != part->partition)) {
            add_sum(&pane, &here);
            here = (struct sum){.sum = 0};
        }
        if (pane_ends) {
            add_sum(&window, &pane);
            pane = (struct sum){.sum = 0};
        }
        add_value(&here, of(part));
    }
    add_sum(&pane, &here);
    add_sum(&window, &pane);
    return window.sum + window.lost;
}

static double value_in(const struct oracle_part *part)
{
    return part->value;
}

static double weighted_in(const struct oracle_part *part)
{
    return part->value * part->weight;
}

static double weight_in(const struct oracle_part *part)
{
    return part->weight;
}

static double power_in(const struct oracle_part *part)
{
    return pow(10, part->value / 10) * part->weight;
}

static double north_in(const struct oracle_part *part)
{
    return cos(part->value * PI / 180) * part->weight;
}

static double east_in(const struct oracle_part *part)
{
    return sin(part->value * PI / 180) * part->weight;
}

static double held_in(const struct oracle_part *part)
{
    return part->value * ((double)part->length_us / 1e6);
}

static double seconds_in(const struct oracle_part *part)
{
    return (double)part->length_us / 1e6;
}

static uint64_t count(const struct view *view, bool only_held)
{
    uint64_t n = 0;
    const struct oracle_part *part;
    for (size_t i = 0; (part = next(view, false, &i)) != NULL;) {
        n += !only_held || part->holds;
    }
    return n;
}

/* Microseconds of the steps. */
static uint64_t time_of(const struct view *view, bool only_held)
{
    uint64_t time_us = 0;
    const struct oracle_part *part;
    for (size_t i = 0; (part = next(view, true, &i)) != NULL;) {
        time_us += !only_held || part->holds ? (uint64_t)part->length_us : 0;
    }
    return time_us;
}

/* ---- aggregates: NAN for none */

static double count_all(const struct view *view)
{
    return (double)count(view, false);
}

static double sum(const struct view *view)
{
    return count(view, false) > 0 ? total(view, false, value_in) : NAN;
}

static double mean(const struct view *view)
{
    return total(view, false, value_in) / (double)count(view, false);
}

static double weighted_mean(const struct view *view)
{
    return total(view, false, weighted_in) / total(view, false, weight_in);
}

static double time_weighted_mean(const struct view *view)
{
    return total(view, true, held_in) / total(view, true, seconds_in);
}

static double energy_mean(const struct view *view)
{
    return 10 * log10(total(view, false, power_in) / total(view, false, weight_in));
}

static double circular_mean(const struct view *view)
{
    double weight = total(view, false, weight_in);
    double north = total(view, false, north_in) / weight, east = total(view, false, east_in) / weight;
    double degrees = atan2(east, north) * 180 / PI;
    return hypot(north, east) > 1e-6 ? (degrees < 0 ? degrees + 360 : degrees) : NAN;
}

static double extreme(const struct view *view, double sign)
{
    double best = NAN;
    const struct oracle_part *part;
    for (size_t i = 0; (part = next(view, false, &i)) != NULL;) {
        best = isnan(best) || sign * part->value > sign * best ? part->value : best;
    }
    return best;
}

static double smallest(const struct view *view)
{
    return extreme(view, -1);
}

static double largest(const struct view *view)
{
    return extreme(view, 1);
}

static double range(const struct view *view)
{
    return extreme(view, 1) - extreme(view, -1);
}

/* By event time, then by partition, then by place in its log. */
static double placed(const struct view *view, bool newest)
{
    const struct oracle_part *part, *best = NULL;
    for (size_t i = 0; (part = next(view, false, &i)) != NULL;) {
        bool later = best == NULL || part->event_us > best->event_us;
        if (best != NULL && part->event_us == best->event_us) {
            later = part->partition > best->partition ||
                    (part->partition == best->partition && part->offset > best->offset);
        }
        best = best == NULL || later == newest ? part : best;
    }
    return best == NULL ? NAN : best->value;
}

static double first(const struct view *view)
{
    return placed(view, false);
}

static double last(const struct view *view)
{
    return placed(view, true);
}

static double variance(const struct view *view)
{
    long double middle = 0, squares = 0;
    const struct oracle_part *part;
    uint64_t n = count(view, false);
    for (size_t i = 0; (part = next(view, false, &i)) != NULL;) {
        middle += part->value;
    }
    middle /= (long double)(n > 0 ? n : 1);
    for (size_t i = 0; (part = next(view, false, &i)) != NULL;) {
        squares += ((long double)part->value - middle) * ((long double)part->value - middle);
    }
    return n < 2 ? NAN : (double)(squares / (long double)(n - 1));
}

static double stddev(const struct view *view)
{
    return sqrt(variance(view));
}

static double share(const struct view *view)
{
    return (double)count(view, true) / (double)count(view, false) * view->options->scale;
}

static double increase(const struct view *view)
{
    return time_of(view, false) > 0 ? total(view, true, value_in) : NAN;
}

static double rate(const struct view *view)
{
    return total(view, true, value_in) / (double)time_of(view, false) * (double)view->options->per_us *
           view->options->scale;
}

static double time_in_state(const struct view *view)
{
    double whole = view->options->fraction ? (double)time_of(view, false) : 1e6;
    return time_of(view, false) > 0 ? (double)time_of(view, true) / whole * view->options->scale : NAN;
}

static double completeness(const struct view *view)
{
    double part = count_all(view) * (double)view->options->every_us / (double)time_of(view, false);
    return time_of(view, false) > 0 ? (part < 1 ? part : 1) * view->options->scale : NAN;
}

static int by_value(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double cubic(double s)
{
    return ((6 * s - 21) * s + 50) * s; /* 35 bins in a power of two */
}

/* Where it is so much, by halving. */
static double edge(int bin)
{
    double low = 0, high = 1;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        *(cubic(middle) < bin ? &low : &high) = middle;
    }
    return 1 + high;
}

/* The middle of the bin of that value (harmonic, so that both edges are as far off). */
static double binned(double value)
{
    int octave = 0;
    double s = 2 * frexp(fabs(value), &octave) - 1;
    int bin = (int)cubic(s);
    double low = edge(bin), high = edge(bin + 1);
    double middle = ldexp(2 * low * high / (low + high), octave - 1);
    return value == 0 ? 0 : copysign(middle, value);
}

static double quantile(const struct view *view)
{
    uint64_t n = count(view, false);
    double *values = calloc(n + 1, sizeof *values), value = NAN;
    const struct oracle_part *part;
    size_t used = 0;
    for (size_t i = 0; values != NULL && (part = next(view, false, &i)) != NULL;) {
        values[used++] = part->value;
    }
    if (used > 0) {
        qsort(values, used, sizeof *values, by_value);
        value = binned(values[(size_t)floor(view->options->p * (double)(n - 1))]);
    }
    free(values);
    return value;
}

static int by_label(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (const char *const *)a, right = (uintptr_t) * (const char *const *)b;
    return (left > right) - (left < right);
}

/* How many different labels there are, and how often the most frequent comes. */
static size_t labels(const struct view *view, size_t *most)
{
    const char **list = calloc(count(view, false) + 1, sizeof *list);
    const struct oracle_part *part;
    size_t used = 0, different = 0, row = 0;
    *most = 0;
    for (size_t i = 0; list != NULL && (part = next(view, false, &i)) != NULL;) {
        list[used] = part->label;
        used += part->label != NULL;
    }
    if (used > 0) {
        qsort(list, used, sizeof *list, by_label);
    }
    for (size_t i = 0; i < used; i++) {
        row = i > 0 && list[i] == list[i - 1] ? row + 1 : 1;
        different += row == 1;
        *most = row > *most ? row : *most;
    }
    free(list);
    return different;
}

static double distinct(const struct view *view)
{
    size_t most;
    return (double)labels(view, &most);
}

static double top_k(const struct view *view)
{
    size_t most, different = labels(view, &most);
    return different > 0 ? (double)most : NAN;
}

static const struct {
    double (*value)(const struct view *view);
    double within; /* relative */
} values[KINDS] = {
    [KIND_count] = {.value = count_all},
    [KIND_sum] = {.value = sum},
    [KIND_mean] = {.value = mean},
    [KIND_weighted_mean] = {.value = weighted_mean},
    [KIND_time_weighted_mean] = {.value = time_weighted_mean, .within = 1e-12},
    [KIND_energy_mean] = {.value = energy_mean, .within = 1e-12},
    [KIND_circular_mean] = {.value = circular_mean, .within = 1e-9},
    [KIND_min] = {.value = smallest},
    [KIND_max] = {.value = largest},
    [KIND_range] = {.value = range},
    [KIND_first] = {.value = first},
    [KIND_last] = {.value = last},
    [KIND_variance] = {.value = variance, .within = 1e-9},
    [KIND_stddev] = {.value = stddev, .within = 1e-9},
    [KIND_share] = {.value = share},
    [KIND_increase] = {.value = increase},
    [KIND_rate] = {.value = rate},
    [KIND_time_in_state] = {.value = time_in_state},
    [KIND_completeness] = {.value = completeness},
    [KIND_quantile] = {.value = quantile, .within = 1e-12},
    [KIND_histogram] = {.value = count_all},
    [KIND_distinct] = {.value = distinct},
    [KIND_top_k] = {.value = top_k},
};

/* One KPI that reads readings. */
static bool value_of(const struct oracle_window *window, const struct bf_kpi_definition *input,
                     uint32_t number, bool all, double *value, double *within)
{
    const struct view view = {.window = window, .options = &input->options, .input = number, .all = all};
    enum kind_index kind = oracle_kind(input);
    double off = values[kind].within;
    *value = values[kind].value(&view);
    off = kind == KIND_distinct && *value > DISTINCT_EXACT ? 0.06 : off; /* three standard errors and more */
    *within = off > *within ? off : *within;
    return isfinite(*value);
}

/* ---- derived KPIs */

struct asked {
    const struct oracle_window *window;
    const struct bf_formula *formula; /* being evaluated: of the window's KPI, or of one that it refers to */
    bool all;
    double *within;
};

static bool zone_number(const struct bf_formula_name *name, const char *scope, double *number)
{
    for (size_t i = 0; i < name->place_count; i++) {
        struct bf_slice place = name->places[i].scope;
        if (strlen(scope) == place.len && memcmp(scope, place.data, place.len) == 0) {
            *number = name->places[i].number;
            return true;
        }
    }
    return false;
}

static void resolve(void *context, size_t index, struct bf_operand *operand)
{
    const struct asked *asked = context;
    const struct bf_formula_name *name = &asked->formula->names[index];
    const struct bf_formula *whole = asked->window->definition->formula;
    bool there = true;
    *operand = (struct bf_operand){.number = name->number};
    if (name->kind == BF_FORMULA_KPI && name->kpi->formula != NULL) {
        struct asked inner = *asked;
        inner.formula = name->kpi->formula;
        *operand = bf_expression_eval(inner.formula->expression, resolve, &inner);
        return;
    }
    if (name->kind == BF_FORMULA_ZONE) {
        there = zone_number(name, asked->window->scope, &operand->number);
    }
    for (uint32_t i = 0; name->kind == BF_FORMULA_KPI && i < whole->input_count; i++) {
        if (whole->inputs[i] == name->kpi) {
            there = value_of(asked->window, name->kpi, i, asked->all, &operand->number, asked->within);
        }
    }
    operand->kind = there ? BF_OPERAND_NUMBER : BF_OPERAND_MISSING;
}

bool oracle_value(const struct oracle_window *window, bool all, double *value, double *within)
{
    const struct bf_kpi_definition *definition = window->definition;
    *within = 0;
    if (definition->formula == NULL) {
        return value_of(window, definition, 0, all, value, within);
    }
    struct asked asked = {.window = window, .formula = definition->formula, .all = all, .within = within};
    const struct bf_operand operand = bf_expression_eval(definition->formula->expression, resolve, &asked);
    *value = operand.number;
    *within = *within > 0 ? 1e-6 : 0; /* a difference of two magnifies what both are off */
    return operand.kind == BF_OPERAND_NUMBER && isfinite(*value);
}

struct oracle_total oracle_count(const struct oracle_window *window, bool all)
{
    struct oracle_total total = {.n = 0};
    for (size_t i = 0; i < window->count; i++) {
        const struct oracle_part *part = &window->first[i];
        if (part->definition != window->index || !(all || oracle_in_time(window, part))) {
            continue;
        }
        total.parts++;
        total.share[part->share]++;
        if (part->share == SHARE_COUNTED && part->has_value) {
            bool first_one = total.numbers++ == 0;
            total.min = first_one || part->value < total.min ? part->value : total.min;
            total.max = first_one || part->value > total.max ? part->value : total.max;
        }
    }
    total.n = total.share[SHARE_COUNTED];
    return total;
}
