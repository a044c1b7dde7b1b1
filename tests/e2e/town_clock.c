/* town_clock.c: KPIs whose windows hang on the clocks of the city, for the minutes in which a test runs:
 * nobody waits for the end of a day. Parts of the day of a minute each, and the aggregates that the shipped
 * city has no use for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/time.h"
#include "tests/e2e/town_inside.h"

#define ZONE "Europe/Helsinki" /* of config/city/city.yaml */
#define PARTS 8                /* as many as a KPI may have */
#define DAY_MINUTES 1440

static struct tm local_now(void)
{
    struct tm local;
    time_t now_s = (time_t)(bf_time_wall_us() / BF_US_PER_S);
    setenv("TZ", ZONE, 1);
    tzset();
    localtime_r(&now_s, &local);
    return local;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* "between": the minutes from this one on, ascending also over midnight. */
static void list_minutes(const struct tm *now, char *text, size_t size)
{
    int minutes[PARTS];
    size_t used = 0;
    for (int i = 0; i < PARTS; i++) {
        minutes[i] = (now->tm_hour * 60 + now->tm_min + i) % DAY_MINUTES;
    }
    qsort(minutes, PARTS, sizeof minutes[0], by_number);
    for (int i = 0; i < PARTS; i++) {
        int end = minutes[i] + 1;
        used += (size_t)snprintf(text + used, size - used, "%s\"%02d:%02d-%02d:%02d\"", i ? ", " : "",
                                 minutes[i] / 60, minutes[i] % 60, end / 60, end % 60);
    }
}

bool town_write_clock(const struct town *town)
{
    const struct tm now = local_now();
    char path[600], minutes[PARTS * 16];
    list_minutes(&now, minutes, sizeof minutes);
    snprintf(path, sizeof path, "%s/kpis/clock.yaml", town->city);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    fprintf(file, "kpis:\n");
    static const struct {
        const char *id, *unit, *quantity, *group, *value;
    } by_minute[] = {
        {"clock_level", "dB", "laeq", "zone", "energy_mean"},
        {"clock_held", "s", "bay_state", "zone", "{time_in_state: {when: 'value == \"free\"', hold: 30s}}"},
        {"clock_risen", "m3", "water_total", "city", "{increase: {hold: 5m}}"},
    };
    for (size_t i = 0; i < sizeof by_minute / sizeof by_minute[0]; i++) {
        fprintf(file,
                "  - {id: %s, unit: %s, from: {quantity: %s}, group: [%s], value: %s,\n"
                "     window: {calendar: day, between: [%s], allowed_lateness: 1h}}\n",
                by_minute[i].id, by_minute[i].unit, by_minute[i].quantity, by_minute[i].group,
                by_minute[i].value, minutes);
    }
    fprintf(
        file,
        "  - {id: asked, unit: km/h, window: {tumbling: 2s}, value: {weighted_mean: {weight: 'value + 1'}},\n"
        "     from: {quantity: speed, where: 'weekday == %d && hour < 24 && minute != %d'}}\n",
        now.tm_wday == 0 ? 7 : now.tm_wday, (now.tm_min + 1) % 60);
    fprintf(file, "%s",
            "  - {id: oldest, unit: km/h, window: {tumbling: 2s}, value: first, from: {quantity: speed}}\n"
            "  - {id: spread, unit: '1', window: {tumbling: 2s}, value: variance, from: {quantity: speed}}\n"
            "  - {id: kept, unit: '%', window: {hopping: 6s, every: 2s}, group: [zone],\n"
            "     value: {formula: '100 - max(water_loss, 0)'}}\n"
            "  - {id: each, unit: m3, window: {hopping: 6s, every: 2s}, group: [zone],\n"
            "     value: {formula: 'water_billed / zone.inhabitants * 1000'}}\n");
    return fclose(file) == 0;
}

int town_minute_left_ms(void)
{
    return (int)(60000 - bf_time_wall_us() / BF_US_PER_MS % 60000);
}
