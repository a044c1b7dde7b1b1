/* Why: ten commands would otherwise each open the same two things in their own words. */
#include "cli/setting.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/daemon.h"
#include "processors/aggregate/aggregate.h"

const char *bf_setting_path(const char *given)
{
    const char *environment = getenv("BELFRY_CONFIG");
    const char *usual = environment && environment[0] ? environment : "/etc/belfry/belfry.yaml";
    return given ? given : usual;
}

enum bf_status bf_setting_load(const char *path, bool with_city, struct bf_setting *setting,
                               struct bf_err *err)
{
    *setting = (struct bf_setting){.site = NULL};
    enum bf_status status = bf_site_load(bf_setting_path(path), &setting->site, err);
    if (status != BF_OK || !with_city) {
        return status;
    }
    struct bf_bundle *bundle = NULL;
    status = bf_bundle_read(setting->site->city_path, &bundle, err);
    if (status == BF_OK) {
        status = bf_city_load(bundle, bf_aggregate_kinds(), &setting->city, err);
        bf_bundle_destroy(bundle);
    }
    if (status != BF_OK) {
        bf_setting_unload(setting);
    }
    return status;
}

void bf_setting_unload(struct bf_setting *setting)
{
    if (setting->city) {
        bf_city_destroy(setting->city);
    }
    if (setting->site) {
        bf_site_destroy(setting->site);
    }
    *setting = (struct bf_setting){.site = NULL};
}

int bf_setting_fail(const char *command, const struct bf_err *err)
{
    char text[1100];
    fprintf(stderr, "belfry %s: %s\n", command, bf_err_format(err, text, sizeof text));
    return bf_exit_code(err->status);
}

int64_t bf_setting_tail(const struct bf_city *city)
{
    int64_t tail = 0;
    for (size_t i = 0; i < city->kpi_count; i++) {
        int64_t span = city->kpis[i].window_us + city->kpis[i].delay_us;
        tail = span > tail ? span : tail;
    }
    return tail + 2 * city->time.emit_every_us;
}
