/* kpi.h: one generation's KPI definitions, compiled for the hot path: which KPIs take a quantity, whether a
 * reading passes `where`, and which scope it falls into.
 *
 * Owner:  creator; borrows the city, which must outlive it.   Thread: read-only after create.
 * Limits: none beyond the city's. */
#ifndef BF_PROCESSORS_KPI_H
#define BF_PROCESSORS_KPI_H

#include "config/city.h"
#include "core/scope.h"
#include "processors/aggregate/aggregate.h"

/* One name that `where`, `weight`, `when` or `of` refers to. */
struct bf_kpi_plan_name {
    enum bf_kpi_plan_name_kind {
#define X(constant, name) BF_NAME_##constant,
#include "config/names.def"
#undef X
        BF_NAME_TAG
    } kind;
    struct bf_slice tag;
};

struct bf_kpi_plan_expression {
    const struct bf_expression *expression; /* NULL: none */
    struct bf_kpi_plan_name *names;         /* in the order of bf_expression_name */
};

/* A KPI; or one input of a derived KPI, whose windows and group are its owner's. */
struct bf_kpi_plan_item {
    const struct bf_kpi_definition *definition;
    const struct bf_aggregate *aggregate;
    const struct bf_kpi_plan_item *owner; /* itself for a KPI */
    uint32_t part;                        /* of the owner's formula */
    struct bf_kpi_plan_expression where, weight, when;
    struct bf_kpi_plan_name of; /* what is counted, where has_of */
    bool has_of;
    const struct bf_timezone *timezone; /* the city's; NULL: UTC */
    uint32_t next;                      /* of the same quantity, + 1; 0: none */
};

struct bf_kpi_plan {
    int64_t generation, from_us;
    const struct bf_city *city;
    struct bf_kpi_plan_item *kpis; /* those of the city; behind them the inputs of derived ones */
    size_t count;                  /* of the city's */
    size_t item_count;
    int64_t longest_pane_us;  /* of all KPIs */
    int64_t longest_reach_us; /* pane + delay + lateness: how long readings may come */
    uint32_t *heads;          /* by hash of the quantity: first KPI + 1 */
    size_t mask;
    uint32_t any; /* first KPI that takes every quantity ("*"), + 1 */
};

/* Which definitions a generation has. AGAIN where they are not there yet; *plan is borrowed and lives at
 * least as long as the task. */
typedef enum bf_status (*bf_definitions)(void *context, int64_t generation, const struct bf_kpi_plan **plan,
                                         struct bf_err *err);

/* CONFIG where an aggregate is unknown (a city that was loaded elsewhere); PEER when memory is out. */
enum bf_status bf_kpi_plan_create(const struct bf_city *city, int64_t generation, int64_t from_us,
                                  struct bf_kpi_plan **plan, struct bf_err *err) BF_MUST_CHECK;
void bf_kpi_plan_destroy(struct bf_kpi_plan *plan);

/* The KPIs that may take this quantity: for (i = first; i != 0; i = kpis[i - 1].next). */
uint32_t bf_kpi_plan_first(const struct bf_kpi_plan *plan, struct bf_slice quantity);
/* Whether the KPI's quantity and `where` take the reading. */
bool bf_kpi_plan_takes(const struct bf_kpi_plan_item *kpi, const struct bf_reading *reading);
/* What the KPI's options make of the reading: weight, condition, label; the label of a number is written into
 * `text`. False where the reading has no usable weight. */
#define BF_KPI_LABEL_MAX 32
bool bf_kpi_plan_sample(const struct bf_kpi_plan_item *kpi, const struct bf_reading *reading,
                        struct bf_sample *sample, char text[BF_KPI_LABEL_MAX]);
/* The reading's scope; a reading without the zone or tag goes to the id `unknown`. */
void bf_kpi_plan_scope(const struct bf_kpi_definition *definition, const struct bf_reading *reading,
                       struct bf_scope_text *scope);

#endif
