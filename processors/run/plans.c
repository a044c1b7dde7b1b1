/* plans.c: generations of the configuration, compiled once and kept as long as the process: windows of an
 * older one may be open for as long as their lateness. */
#include <stdlib.h>

#include "processors/run/state.h"

static enum bf_status add_plan(struct bf_process *process, int64_t generation,
                               const struct bf_kpi_plan **plan, struct bf_err *err)
{
    struct bf_generation record;
    const struct bf_city *city;
    enum bf_status status = bf_config_log_generation(process->log, generation, &record, &city, err);
    if (status != BF_OK) {
        return status;
    }
    if (process->plan_count == process->plan_capacity) {
        size_t capacity = 2 * process->plan_capacity + 8;
        struct bf_kpi_plan **plans = realloc(process->plans, capacity * sizeof(struct bf_kpi_plan *));
        if (plans == NULL) {
            return bf_err_set(err, BF_FATAL, "out of memory for generation %lld", (long long)generation);
        }
        process->plans = plans;
        process->plan_capacity = capacity;
    }
    struct bf_kpi_plan **made = &process->plans[process->plan_count];
    status = bf_kpi_plan_create(city, generation, record.from_us, made, err);
    if (status == BF_OK) {
        process->plan_count++;
        *plan = *made;
    }
    return status;
}

enum bf_status bf__process_plan(void *context, int64_t generation, const struct bf_kpi_plan **plan,
                                struct bf_err *err)
{
    struct bf_process *process = context;
    for (size_t i = 0; i < process->plan_count; i++) {
        if (process->plans[i]->generation == generation) {
            *plan = process->plans[i];
            return BF_OK;
        }
    }
    return add_plan(process, generation, plan, err);
}

void bf__process_free_plans(struct bf_process *process)
{
    for (size_t i = 0; i < process->plan_count; i++) {
        bf_kpi_plan_destroy(process->plans[i]);
    }
    free(process->plans);
    process->plans = NULL;
    process->plan_count = 0;
}
