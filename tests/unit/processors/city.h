/* city.h: a small city made by hand for the engine's tests, without YAML: three KPIs over one quantity, and
 * a log of outputs. Owner: static, one per test program. */
#ifndef TEST_PROCESSORS_CITY_H
#define TEST_PROCESSORS_CITY_H

#include <stdlib.h>
#include <string.h>

#include "core/wire.h"
#include "processors/stage1.h"
#include "processors/stage2.h"

#ifndef SECOND /* a test may stretch time, and put it where clocks change */
#define SECOND BF_US_PER_S
#define BASE (1000 * SECOND)
#endif
/* Further KPIs of either generation, each with a comma behind it. */
#ifndef MORE_FIRST_KPIS
#define MORE_FIRST_KPIS
#define MORE_SECOND_KPIS
#endif
#define SOURCES 3
#define PARTIALS 2
#define KPIS 2
#define WINDOW (20 * SECOND)
#define DELAY (4 * SECOND)
#define LATENESS (60 * SECOND)

static struct bf_group_by by_zone[] = {{.kind = BF_GROUP_ZONE, .tag = {NULL, 0}}};
static struct bf_group_by by_device[] = {{.kind = BF_GROUP_DEVICE, .tag = {NULL, 0}}};

#define DEFINITION_OVER(text, how, by, count, device, number, ...)                                           \
    {                                                                                                        \
        .id = {text, sizeof(text) - 1}, .unit = {"1", 1}, .quantity = {"speed", 5}, .window = {__VA_ARGS__}, \
        .window_us = WINDOW, .delay_us = DELAY, .lateness_us = LATENESS, .group = by, .group_count = count,  \
        .by_device = device, .aggregate = {how, sizeof(how) - 1}, .live = true, .hash = number               \
    }
#define DEFINITION(name, text, how, by, count, device, number) \
    DEFINITION_OVER(text, how, by, count, device, number, .pane_us = WINDOW, .panes = 1)

static struct bf_kpi_definition first_kpis[] = {
    DEFINITION(zone, "zone_sum", "sum", by_zone, 1, false, 11),
    DEFINITION(device, "device_count", "count", by_device, 1, true, 12),
    DEFINITION(city, "city_mean", "mean", NULL, 0, false, 13), MORE_FIRST_KPIS};
/* The second generation: the zone's sum becomes a maximum, the city's mean goes. */
static struct bf_kpi_definition second_kpis[] = {
    DEFINITION(zone, "zone_sum", "max", by_zone, 1, false, 21),
    DEFINITION(device, "device_count", "count", by_device, 1, true, 12), MORE_SECOND_KPIS};

static struct bf_city cities[] = {
    {.kpis = first_kpis, .kpi_count = sizeof(first_kpis) / sizeof(first_kpis[0])},
    {.kpis = second_kpis, .kpi_count = sizeof(second_kpis) / sizeof(second_kpis[0])},
};
static struct bf_kpi_plan *plans[2];
static int64_t plan_from[2]; /* set with the plans */
static bool plans_there = true;
static const struct bf_install test_install = {.id = {"00000000000000aa", 16},
                                               .readings = SOURCES,
                                               .rejects = 1,
                                               .partials = PARTIALS,
                                               .kpis = KPIS,
                                               .checkpoints = 3};

static inline enum bf_status find_plan(void *context, int64_t generation, const struct bf_kpi_plan **plan,
                                       struct bf_err *err)
{
    (void)context;
    (void)err;
    if (!plans_there || generation < 1 || generation > 2) {
        return BF_AGAIN;
    }
    *plan = plans[generation - 1];
    return BF_OK;
}

static inline int make_plans(void **state)
{
    (void)state;
    plan_from[0] = BF_TIME_NONE;
    plan_from[1] = BASE + 200 * SECOND;
    for (size_t i = 0; i < 2; i++) {
        struct bf_city *city = &cities[i];
        struct bf_err err;
        city->time.tick_every_us = 2 * SECOND;
        city->time.hold_max_us = 16 * SECOND;
        city->time.writer_timeout_us = 16 * SECOND;
        city->time.emit_every_us = 5 * SECOND;
        city->time.device_every_us = 30 * SECOND;
        city->time.live_scopes = 100;
        city->limits.max_windows = 2000;
        city->limits.max_state = 1 << 20;
        city->limits.max_scopes = 500;
        city->limits.max_sources = 60;
        city->limits.max_devices = 100;
        city->limits.max_writers = 4;
        if (bf_kpi_plan_create(city, (int64_t)i + 1, plan_from[i], &plans[i], &err) != BF_OK) {
            return -1;
        }
    }
    return 0;
}

static inline int free_plans(void **state)
{
    (void)state;
    bf_kpi_plan_destroy(plans[0]);
    bf_kpi_plan_destroy(plans[1]);
    return 0;
}

/* ---- records kept in memory */
struct kept {
    enum bf_output_topic topic;
    int32_t partition;
    enum bf_record_type type;
    uint32_t index;
    int64_t offset; /* of the input */
    char *bytes;
    size_t len, key_len;
    char origin[64];
    size_t origin_len;
};

struct list {
    struct kept *items;
    size_t count, capacity;
    int64_t offset; /* set before each apply */
    int32_t partition;
    const char *stage;
};

static inline void list_add(struct list *list, struct kept one, const void *bytes, size_t len)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
        list->items = realloc(list->items, list->capacity * sizeof(*list->items));
    }
    one.bytes = malloc(len + 1);
    memcpy(one.bytes, bytes, len);
    one.len = len;
    list->items[list->count++] = one;
}

static inline void list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].bytes);
    }
    free(list->items);
    memset(list, 0, sizeof(*list));
}

static inline void keep(void *context, const struct bf_output *output)
{
    struct list *list = context;
    struct kept one = {.topic = output->topic,
                       .partition = output->partition,
                       .type = output->type,
                       .index = output->index,
                       .offset = list->offset,
                       .key_len = output->key.len};
    char task[40];
    struct bf_origin origin = {.offset = list->offset, .index = output->index};
    memcpy(task, test_install.id.data, 16);
    task[16] = '/';
    memcpy(task + 17, list->stage, 2);
    task[19] = '/';
    task[20] = (char)('0' + list->partition);
    origin.task = (struct bf_slice){task, 21};
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, one.origin, sizeof(one.origin));
    bf_origin_pack(&origin, &writer);
    one.origin_len = writer.len;
    list_add(list, one, output->value.data, output->value.len);
}

static inline struct bf_task_options task_options(int32_t partition, struct list *list, const char *stage)
{
    list->partition = partition;
    list->stage = stage;
    return (struct bf_task_options){.partition = partition,
                                    .install = &test_install,
                                    .definitions = find_plan,
                                    .emit = keep,
                                    .emit_context = list};
}

#endif
