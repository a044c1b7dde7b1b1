/* Why: ten commands would otherwise each open the same two things in their own words. */
#include "cli/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/daemon.h"
#include "processors/aggregate/aggregate.h"

const char *bf_setting_path(const char *given)
{
    const char *environment = getenv("BELFRY_CONFIG");
    const char *usual = environment && environment[0] ? environment : "/etc/belfry/belfry.yaml";
    return given ? given : usual;
}

static enum bf_status load_city(const char *folder, struct bf_setting *setting, struct bf_err *err)
{
    struct bf_bundle *bundle = NULL;
    int len = snprintf(setting->folder, sizeof setting->folder, "%s", folder);
    if (len < 0 || (size_t)len >= sizeof setting->folder) {
        return bf_err_set(err, BF_CONFIG, "the path of the city's folder is too long");
    }
    enum bf_status status = bf_bundle_read(folder, &bundle, err);
    if (status == BF_OK) {
        status = bf_city_load(bundle, bf_aggregate_kinds(), &setting->city, err);
        bf_bundle_destroy(bundle);
    }
    return status;
}

enum bf_status bf_setting_load(const char *path, bool with_city, struct bf_setting *setting,
                               struct bf_err *err)
{
    *setting = (struct bf_setting){.site = NULL};
    enum bf_status status = bf_site_load(bf_setting_path(path), &setting->site, err);
    if (status != BF_OK || !with_city) {
        return status;
    }
    status = load_city(setting->site->city_path, setting, err);
    if (status != BF_OK) {
        bf_setting_unload(setting);
    }
    return status;
}

static bool has_file(const char *folder, const char *name, char *path, size_t size)
{
    int len = snprintf(path, size, "%s/%s", folder, name);
    return len > 0 && (size_t)len < size && access(path, R_OK) == 0;
}

/* ".../city/profiles/air.yaml" -> ".../city", if that is a city's. */
static bool folder_of_profile(const char *path, char *folder, size_t size)
{
    static const char between[] = "profiles/";
    char city[1024];
    const char *slash = strrchr(path, '/');
    size_t front = slash != NULL ? (size_t)(slash + 1 - path) : 0, len = sizeof between - 1;
    if (front < len || front >= size || memcmp(path + front - len, between, len) != 0 ||
        (front > len && path[front - len - 1] != '/')) {
        return false;
    }
    (void)snprintf(folder, size, "%.*s", front > len ? (int)(front - len - 1) : 1, front > len ? path : ".");
    return has_file(folder, "city.yaml", city, sizeof city);
}

enum bf_status bf_setting_find(const char *path, struct bf_setting *setting, struct bf_err *err)
{
    char file[1024], folder[1024];
    if (path == NULL) {
        return bf_setting_load(path, true, setting, err);
    }
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (size_t len = strlen(folder); len > 1 && folder[len - 1] == '/'; len--) {
        folder[len - 1] = '\0';
    }
    if (has_file(folder, "belfry.yaml", file, sizeof file)) {
        return bf_setting_load(file, true, setting, err);
    }
    *setting = (struct bf_setting){.site = NULL};
    bool of_profile = folder_of_profile(path, folder, sizeof folder);
    if (!of_profile && !has_file(folder, "city.yaml", file, sizeof file)) {
        return bf_setting_load(path, true, setting, err);
    }
    if (of_profile) {
        (void)snprintf(setting->only, sizeof setting->only, "profiles/%s", strrchr(path, '/') + 1);
    }
    enum bf_status status = load_city(folder, setting, err);
    if (status != BF_OK) {
        bf_setting_unload(setting);
    }
    return status;
}

enum bf_status bf_setting_profile(const struct bf_city *city, const char *name,
                                  const struct bf_profile **profile, struct bf_err *err)
{
    char names[256][80];
    const char *list[257] = {NULL};
    size_t count = 0, len = strlen(name);
    for (size_t i = 0; i < city->profile_count; i++) {
        struct bf_slice full = city->profiles[i].name;
        const char *at = memrchr(full.data, '@', full.len);
        size_t plain = at != NULL ? (size_t)(at - full.data) : full.len;
        if (bf_slice_equal(full, bf_slice_of(name)) || (plain == len && memcmp(full.data, name, len) == 0)) {
            *profile = &city->profiles[i];
            return BF_OK;
        }
        if (count < 256) {
            (void)snprintf(names[count], sizeof names[0], "%.*s", (int)plain, full.data);
            list[count] = names[count];
            count++;
        }
    }
    const char *nearest = bf_config_nearest(name, list);
    (void)bf_err_set(err, BF_CONFIG, "there is no profile \"%s\"", name);
    if (nearest != NULL) {
        bf_err_hint(err, "Did you mean \"%s\"?", nearest);
    } else {
        bf_err_hint(err, "belfry profile list shows them.");
    }
    return BF_CONFIG;
}

struct bf_pipeline_limits bf_setting_limits(const struct bf_site *site)
{
    return site != NULL ? bf_pipeline_limits_of(site)
                        : (struct bf_pipeline_limits){.max_topic = 1024, /* the defaults of config/site.c */
                                                      .max_payload = 256u << 10,
                                                      .max_readings = 1000,
                                                      .reject_payload = 64u << 10,
                                                      .decode_memory = 4u << 20,
                                                      .max_depth = 64,
                                                      .max_inflated = 1u << 20};
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
