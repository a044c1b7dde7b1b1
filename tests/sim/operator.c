/* operator.c: what `belfry topics` and `belfry reload` write, by belfry's own code; and the seams of the
 * configuration: each file is parsed once per program, not once per simulated process. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/log/config_log.h"
#include "config/log/log_clock.h"
#include "config/site.h"
#include "processors/aggregate/aggregate.h"
#include "tests/sim/world.h"

#define VARIANTS 2
#define CITIES 8

enum bf_status __real_bf_site_load(const char *path, struct bf_site **site, struct bf_err *err);
enum bf_status __wrap_bf_site_load(const char *path, struct bf_site **site, struct bf_err *err);
void __wrap_bf_site_destroy(struct bf_site *site);
enum bf_status __real_bf_city_load(const struct bf_bundle *bundle,
                                   const struct bf_aggregate_kind *const *aggregates, struct bf_city **city,
                                   struct bf_err *err);
enum bf_status __wrap_bf_city_load(const struct bf_bundle *bundle,
                                   const struct bf_aggregate_kind *const *aggregates, struct bf_city **city,
                                   struct bf_err *err);
void __wrap_bf_city_destroy(struct bf_city *city);

static struct bf_site sites[SIM_PROCESSES];
static struct bf_bundle *bundles[VARIANTS];
static struct {
    char hash[65];
    const struct bf_aggregate_kind *const *aggregates;
    struct bf_city *city;
} cities[CITIES];
static size_t city_count;

static void must(enum bf_status status, const struct bf_err *err)
{
    if (status != BF_OK) {
        fprintf(stderr, "sim: %s\n%s\n", err->message, err->detail);
        abort();
    }
}

/* ---- seams */
enum bf_status __wrap_bf_site_load(const char *path, struct bf_site **site, struct bf_err *err)
{
    (void)path;
    (void)err;
    *site = &sites[sim_self() - sim_processes];
    return BF_OK;
}

void __wrap_bf_site_destroy(struct bf_site *site)
{
    (void)site;
}

enum bf_status __wrap_bf_city_load(const struct bf_bundle *bundle,
                                   const struct bf_aggregate_kind *const *aggregates, struct bf_city **city,
                                   struct bf_err *err)
{
    for (size_t i = 0; i < city_count; i++) {
        if (strcmp(cities[i].hash, bundle->hash) == 0 && cities[i].aggregates == aggregates) {
            *city = cities[i].city;
            return BF_OK;
        }
    }
    return bf_err_set(err, BF_CONFIG, "a configuration that nobody has written");
}

void __wrap_bf_city_destroy(struct bf_city *city)
{
    (void)city;
}

/* ---- once */
/* The second variant: other aggregates and another set of KPIs. */
static struct bf_bundle *vary(const struct bf_bundle *bundle)
{
    static const char *const swaps[][2] = {{"value: sum", "value: max"},
                                           {"id: city_mean, ", "id: city_last, "},
                                           {"value: mean", "value: last"},
                                           {"kpis: [zone_sum, city_mean]", "kpis: [zone_sum, city_last]"}};
    struct bf_err err;
    struct bf_slice packed;
    struct bf_bundle *made;
    must(bf_bundle_pack(bundle, &packed, &err), &err);
    char *bytes = malloc(packed.len + 1);
    memcpy(bytes, packed.data, packed.len);
    bytes[packed.len] = '\0';
    for (size_t i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++) {
        char *at = memmem(bytes, packed.len, swaps[i][0], strlen(swaps[i][0]));
        assert(at != NULL && strlen(swaps[i][0]) == strlen(swaps[i][1]));
        memcpy(at, swaps[i][1], strlen(swaps[i][1]));
    }
    must(bf_bundle_unpack((struct bf_slice){bytes, packed.len}, &made, &err), &err);
    return made;
}

static void load_city(const struct bf_bundle *bundle, const struct bf_aggregate_kind *const *aggregates)
{
    struct bf_err err;
    assert(city_count < CITIES);
    memcpy(cities[city_count].hash, bundle->hash, sizeof(cities[city_count].hash));
    cities[city_count].aggregates = aggregates;
    must(__real_bf_city_load(bundle, aggregates, &cities[city_count].city, &err), &err);
    assert(cities[city_count].city->problem_count == 0);
    city_count++;
}

void sim_operator_prepare(void)
{
    static char ids[SIM_PROCESSES][8];
    struct bf_err err;
    struct bf_site *site;
    must(__real_bf_site_load(SIM_FOLDER "/belfry.yaml", &site, &err), &err);
    for (int i = 0; i < SIM_PROCESSES; i++) {
        snprintf(ids[i], sizeof(ids[i]), "id-%d", i % SIM_IDS);
        sites[i] = *site;
        sites[i].ingest.id = sites[i].process.id = ids[i];
    }
    must(bf_bundle_read(SIM_FOLDER "/city", &bundles[0], &err), &err);
    bundles[1] = vary(bundles[0]);
    for (int i = 0; i < VARIANTS; i++) {
        load_city(bundles[i], bf_aggregate_kinds());
        load_city(bundles[i], NULL);
    }
}

const struct bf_city *sim_city(int variant)
{
    return cities[2 * variant].city;
}

/* ---- as a process */
struct order {
    int variant;
    int64_t ahead_us; /* `from` is so far ahead of the newest clock; BF_TIME_NONE: the first generation */
};
static struct order order;
static bool unfinished;

static enum bf_status choose_from(const struct bf_kafka_options *options, int64_t *from_us,
                                  struct bf_err *err)
{
    struct bf_log_clock *clock;
    *from_us = BF_TIME_NONE;
    if (order.ahead_us == BF_TIME_NONE) {
        return BF_OK;
    }
    enum bf_status status = bf_log_clock_open(options, SIM_READINGS, &clock, err);
    if (status == BF_OK) {
        int64_t now_us = bf_log_clock_front(clock);
        *from_us = now_us == BF_TIME_NONE ? BF_TIME_NONE : now_us + order.ahead_us;
        bf_log_clock_close(clock);
    }
    return status;
}

static void body(void *context)
{
    struct sim_process *self = context;
    const struct bf_kafka_options options = {.prefix = "belfry"};
    struct bf_err err = {.message = ""};
    bool made;
    int64_t generation, from_us = BF_TIME_NONE;
    enum bf_status status = BF_OK;
    if (order.ahead_us == BF_TIME_NONE) {
        status = bf_config_log_install_once(&options, &made, &err);
    }
    if (status == BF_OK) {
        status = choose_from(&options, &from_us, &err);
    }
    if (status == BF_OK) {
        status = bf_config_log_reload(&options, bundles[order.variant], from_us, &generation, &err);
    }
    sim_trace("reload of variant %d, from %lld: %s", order.variant, (long long)from_us,
              status == BF_OK ? "done" : err.message);
    unfinished = unfinished && status != BF_OK;
    sim_kill(self, "its end");
}

static void begin(void)
{
    struct sim_process *operator= sim_process(SIM_OPERATOR, 0);
    sim_heap_reset_of(operator);
    operator->state = SIM_UP;
    operator->silent_us = INT64_MAX;
    operator->starts++;
    sim_spawn(operator, body, operator);
}

void sim_operator_begin(void)
{
    order = (struct order){.variant = 0, .ahead_us = BF_TIME_NONE};
    unfinished = false;
    begin();
    while (sim_process(SIM_OPERATOR, 0)->state == SIM_UP && !sim_failed()) {
        sim_run(sim_now() + SECOND);
    }
}

bool sim_operator_is_idle(void)
{
    return sim_process(SIM_OPERATOR, 0)->state == SIM_DOWN;
}

/* how: its low bit the variant, the others how far ahead. One that was cut short is finished by the next. */
void sim_operator_reload(uint32_t how)
{
    if (sim_operator_is_idle()) {
        order = (struct order){.variant = (int)(how % VARIANTS),
                               .ahead_us = (int64_t)(how / VARIANTS % 12) * SECOND - SECOND};
        unfinished = true;
        begin();
    }
}

void sim_operator_finish(void)
{
    if (unfinished && sim_operator_is_idle()) {
        begin();
    }
}

const char *sim_variant_hash(int variant)
{
    return bundles[variant]->hash;
}
