/* vector.c: a vector says the seed (shape, devices and chance), how long, and each fault:
 *
 *   seed 379
 *   chaos_us 88000000
 *   TWIN 2657000 332902 881032      kind, when, and two numbers that it makes something of
 */
#include "tests/sim/vector.h"

#include <string.h>

#define RUNS 300

bool sim_vector_read(const char *path, struct sim_plan *plan)
{
    char line[256], word[32];
    long long at_us;
    unsigned long long number;
    struct sim_event event;
    FILE *file = fopen(path, "r");
    memset(plan, 0, sizeof(*plan));
    bool good = file != NULL;
    while (good && fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        if (sscanf(line, "seed %llu", &number) == 1) {
            plan->seed = number;
        } else if (sscanf(line, "chaos_us %lld", &at_us) == 1) {
            plan->chaos_us = at_us;
        } else {
            good = sscanf(line, "%31s %lld %u %u", word, &at_us, &event.a, &event.b) == 4 &&
                   sim_event_parse(word, &event.kind) && plan->count < SIM_EVENTS;
            event.at_us = at_us;
            event.dropped = false;
            if (good) {
                plan->events[plan->count++] = event;
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return good && plan->chaos_us > 0;
}

void sim_vector_write(const struct sim_plan *plan, FILE *file)
{
    fprintf(file, "seed %llu\nchaos_us %lld\n", (unsigned long long)plan->seed, (long long)plan->chaos_us);
    for (size_t i = 0; i < plan->count; i++) {
        const struct sim_event *event = &plan->events[i];
        if (!event->dropped) {
            fprintf(file, "%s %lld %u %u\n", sim_event_name(event->kind), (long long)event->at_us, event->a,
                    event->b);
        }
    }
}

/* Whether it fails, in the way of `kind`. */
static bool still_fails(const struct sim_plan *plan, const char *kind, int *runs)
{
    ++*runs;
    sim_world_run(plan);
    return sim_failed() && strncmp(sim_failure(), kind, strlen(kind)) == 0;
}

void sim_vector_shrink(struct sim_plan *plan)
{
    char kind[32];
    int runs = 0;
    bool progress = true;
    (void)snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(sim_failure(), ":"), sim_failure());
    while (progress && runs < RUNS) {
        progress = false;
        for (size_t i = plan->count; i-- > 0 && runs < RUNS;) {
            if (!plan->events[i].dropped) {
                plan->events[i].dropped = true;
                plan->events[i].dropped = still_fails(plan, kind, &runs);
                progress = progress || plan->events[i].dropped;
            }
        }
        int64_t before_us = plan->chaos_us;
        plan->chaos_us = before_us * 3 / 4;
        if (still_fails(plan, kind, &runs)) {
            progress = true;
        } else {
            plan->chaos_us = before_us;
        }
    }
    (void)still_fails(plan, kind, &runs); /* leaves its words */
}
