/* check.c: `belfry check`: reads belfry.yaml and the whole city offline, says all that is wrong with them,
 * and how much state the windows will need. What it calls good, the daemons start with.
 * Declined: asking the peers; that is another question, and the answer changes by the minute. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/need.h"
#include "cli/setting.h"
#include "config/scalar.h"
#include "config/show.h"
#include "core/daemon.h"
#include "processors/aggregate/aggregate.h"

#define COUNT_MAX 1000000000 /* of --devices and --tags */

static const char usage[] =
    "belfry check --config belfry.yaml           all problems, then a summary\n"
    "belfry check --devices 10000                how much state that many devices need\n"
    "belfry check --strict --json                for a pipeline: warnings count, JSON\n"
    "\n"
    "  -c, --config FILE   belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -s, --strict        a warning fails the check too\n"
    "  -j, --json          a JSON object instead of text\n"
    "  -d, --devices N     devices in the city (1000)\n"
    "  -t, --tags N        values of a tag that KPIs group by (50)\n"
    "\n"
    "Exit code: 0 good, 78 something is wrong.\n";

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"strict", no_argument, NULL, 's'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"devices", required_argument, NULL, 'd'},
                                             {"tags", required_argument, NULL, 't'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

struct check {
    const char *path;
    bool strict, json;
    struct bf_need_scale scale;
    size_t errors, warnings;
};

static const char *severity_of(const struct bf_problem *problem)
{
    return problem->warning ? "warning" : problem->fatal ? "error" : "disabled";
}

/* folder: of the city, so that what is printed is a path that an editor can open; "" for belfry.yaml. */
static void report(struct check *check, const char *folder, const struct bf_problem *problem)
{
    char text[1024];
    bool first = check->errors + check->warnings == 0;
    *(problem->warning ? &check->warnings : &check->errors) += 1;
    snprintf(text, sizeof text, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", problem->text);
    if (!check->json) {
        printf("%-8s %s\n", severity_of(problem), text);
        return;
    }
    printf("%s\n    {\"severity\": \"%s\", \"message\": ", first ? "" : ",", severity_of(problem));
    bf_json_text(stdout, bf_slice_of(text));
    printf("}");
}

static void report_err(struct check *check, const struct bf_err *err)
{
    struct bf_problem problem = {.fatal = true};
    snprintf(problem.text, sizeof problem.text, "%s", err->message);
    report(check, "", &problem);
}

static void format_bytes(double bytes, char *text, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    double value = bytes;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++) {
        value /= 1024;
    }
    snprintf(text, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static struct bf_need total_need(const struct check *check, const struct bf_city *city)
{
    struct bf_need total = {0};
    for (size_t i = 0; i < city->kpi_count; i++) {
        struct bf_need need = bf_need_of(city, &city->kpis[i], &check->scale);
        total.scopes = add(total.scopes, need.scopes);
        total.first_windows = add(total.first_windows, need.first_windows);
        total.second_windows = add(total.second_windows, need.second_windows);
        total.sources = add(total.sources, need.sources);
        total.first_bytes = add(total.first_bytes, need.first_bytes);
        total.second_bytes = add(total.second_bytes, need.second_bytes);
    }
    return total;
}

/* More than the tables hold is refused and counted at run time; here it is said before. */
static void check_limits(struct check *check, const struct bf_city *city, const struct bf_need *total)
{
    struct bf_problem problem = {.warning = true};
    const char *stage = total->first_windows > city->limits.max_windows    ? "1"
                        : total->second_windows > city->limits.max_windows ? "2"
                                                                           : NULL;
    if (stage != NULL) {
        snprintf(problem.text, sizeof problem.text,
                 "city.yaml: a task of stage %s needs up to %llu windows, more than limits.max_windows "
                 "(%llu)",
                 stage, (unsigned long long)(stage[0] == '1' ? total->first_windows : total->second_windows),
                 (unsigned long long)city->limits.max_windows);
        report(check, "", &problem);
    }
    uint64_t bytes = total->first_bytes > total->second_bytes ? total->first_bytes : total->second_bytes;
    if (bytes > city->limits.max_state) {
        snprintf(problem.text, sizeof problem.text,
                 "city.yaml: a task needs up to %llu bytes of state, more than limits.max_state (%llu)",
                 (unsigned long long)bytes, (unsigned long long)city->limits.max_state);
        report(check, "", &problem);
    }
    if (total->sources > city->limits.max_sources) {
        snprintf(problem.text, sizeof problem.text,
                 "city.yaml: a task follows %llu sources of KPIs, more than limits.max_sources (%llu)",
                 (unsigned long long)total->sources, (unsigned long long)city->limits.max_sources);
        report(check, "", &problem);
    }
    if (add(check->scale.devices, check->scale.readings - 1) / check->scale.readings >
        city->limits.max_devices) {
        snprintf(problem.text, sizeof problem.text,
                 "city.yaml: %llu devices in %llu partitions are more than limits.max_devices (%llu) each",
                 (unsigned long long)check->scale.devices, (unsigned long long)check->scale.readings,
                 (unsigned long long)city->limits.max_devices);
        report(check, "", &problem);
    }
}

static void print_kpi(const struct check *check, const struct bf_city *city,
                      const struct bf_kpi_definition *kpi)
{
    struct bf_need need = bf_need_of(city, kpi, &check->scale);
    static const char *const units[] = {"hour", "day", "week", "month", "year"};
    char window[32], delay[32], lateness[32], first[32], second[32];
    if (kpi->window.kind == BF_WINDOW_FIXED || kpi->window.kind == BF_WINDOW_SESSION) {
        bf_scalar_format_duration((double)kpi->window_us, window, sizeof window);
    } else if (kpi->window.kind == BF_WINDOW_COUNT) {
        snprintf(window, sizeof window, "n=%llu",
                 (unsigned long long)(kpi->window.readings * kpi->window.panes));
    } else {
        snprintf(window, sizeof window, "%s", units[kpi->window.unit]);
    }
    bf_scalar_format_duration((double)kpi->delay_us, delay, sizeof delay);
    bf_scalar_format_duration((double)kpi->lateness_us, lateness, sizeof lateness);
    format_bytes((double)need.first_bytes, first, sizeof first);
    format_bytes((double)need.second_bytes, second, sizeof second);
    printf("  %-18.18s %6s %5s %8s %7llu %6llu %10s %10s\n", kpi->id.data, window, delay, lateness,
           (unsigned long long)need.scopes, (unsigned long long)need.open, first, second);
}

static void print_summary(const struct check *check, const struct bf_city *city)
{
    struct bf_need total = total_need(check, city);
    size_t enabled = 0;
    char first[32], second[32], all[32];
    for (size_t i = 0; i < city->profile_count; i++) {
        enabled += city->profiles[i].enabled ? 1 : 0;
    }
    printf("\n%s: %zu of %zu profiles, %zu KPIs, %zu boards, %zu zones; configuration %.12s\n",
           city->name.data, enabled, city->profile_count, city->kpi_count, city->board_count,
           bf_zones_count(city->zones), city->hash);
    printf("\nState for %llu devices and %llu values of a tag:\n", (unsigned long long)check->scale.devices,
           (unsigned long long)check->scale.tags);
    printf("  %-18s %6s %5s %8s %7s %6s %10s %10s\n", "kpi", "window", "delay", "lateness", "scopes", "open",
           "stage 1", "stage 2");
    for (size_t i = 0; i < city->kpi_count; i++) {
        print_kpi(check, city, &city->kpis[i]);
    }
    format_bytes((double)total.first_bytes, first, sizeof first);
    format_bytes((double)total.second_bytes, second, sizeof second);
    format_bytes((double)total.first_bytes * (double)check->scale.readings +
                     (double)total.second_bytes * (double)check->scale.partials,
                 all, sizeof all);
    printf("  %-18s %48s %10s\n", "each task", first, second);
    printf("  %llu tasks of stage 1 and %llu of stage 2: at most %s in all\n",
           (unsigned long long)check->scale.readings, (unsigned long long)check->scale.partials, all);
}

static void print_json_summary(const struct check *check, const struct bf_city *city)
{
    struct bf_need total = total_need(check, city);
    printf(",\n  \"city\": ");
    bf_json_text(stdout, city->name);
    printf(", \"hash\": \"%s\", \"zones\": %zu, \"boards\": %zu,\n  \"kpis\": {", city->hash,
           bf_zones_count(city->zones), city->board_count);
    for (size_t i = 0; i < city->kpi_count; i++) {
        struct bf_need need = bf_need_of(city, &city->kpis[i], &check->scale);
        printf("%s\n    ", i > 0 ? "," : "");
        bf_json_text(stdout, city->kpis[i].id);
        printf(": {\"scopes\": %llu, \"open\": %llu, \"stage1_bytes\": %llu, \"stage2_bytes\": %llu}",
               (unsigned long long)need.scopes, (unsigned long long)need.open,
               (unsigned long long)need.first_bytes, (unsigned long long)need.second_bytes);
    }
    printf("\n  },\n  \"stage1_task_bytes\": %llu, \"stage2_task_bytes\": %llu,\n  \"profiles\": {",
           (unsigned long long)total.first_bytes, (unsigned long long)total.second_bytes);
    for (size_t i = 0; i < city->profile_count; i++) {
        printf("%s\n    ", i > 0 ? "," : "");
        bf_json_text(stdout, city->profiles[i].name);
        printf(": %s", city->profiles[i].enabled ? "true" : "false");
    }
    printf("\n  }");
}

/* The city with its problems reported; NULL where it cannot be read at all. */
static struct bf_city *inspect_city(struct check *check, const char *folder)
{
    struct bf_bundle *bundle = NULL;
    struct bf_err err = {0};
    if (bf_bundle_read(folder, &bundle, &err) != BF_OK) {
        report_err(check, &err);
        return NULL;
    }
    struct bf_city *city = bf_city_inspect(bundle, bf_aggregate_kinds());
    bool fatal = false;
    for (size_t i = 0; i < city->problem_count; i++) {
        report(check, folder, &city->problems[i]);
        fatal = fatal || city->problems[i].fatal;
    }
    bf_bundle_destroy(bundle);
    if (fatal) {
        bf_city_destroy(city);
        return NULL;
    }
    return city;
}

static int check_all(struct check *check)
{
    struct bf_site *site = NULL;
    struct bf_problem *problems = NULL;
    struct bf_city *city = NULL;
    size_t count = 0;
    fputs(check->json ? "{\n  \"problems\": [" : "", stdout);
    bf_site_inspect(check->path, &site, &problems, &count);
    for (size_t i = 0; i < count; i++) {
        report(check, "", &problems[i]);
    }
    free(problems);
    if (site != NULL) {
        city = inspect_city(check, site->city_path);
    }
    if (city != NULL) {
        struct bf_need total = total_need(check, city);
        check_limits(check, city, &total);
    }
    bool good = site != NULL && check->errors == 0 && !(check->strict && check->warnings > 0);
    fputs(check->json ? "\n  ]" : "", stdout);
    if (city != NULL) {
        (check->json ? print_json_summary : print_summary)(check, city);
    }
    if (check->json) {
        printf(",\n  \"errors\": %zu, \"warnings\": %zu, \"good\": %s\n}\n", check->errors, check->warnings,
               good ? "true" : "false");
    } else {
        printf("%s%zu errors, %zu warnings\n", city != NULL ? "\n" : "", check->errors, check->warnings);
    }
    bf_city_destroy(city);
    bf_site_destroy(site);
    return good ? BF_EXIT_OK : BF_EXIT_CONFIG;
}

static int run_check(int argc, char **argv)
{
    struct check check = {.path = bf_setting_path(NULL),
                          .scale = {.devices = 1000, .tags = 50, .readings = 12, .partials = 4}};
    struct bf_err err;
    enum bf_status status = BF_OK;
    for (int option; (option = getopt_long(argc, argv, "c:sjd:t:h", long_options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            check.path = optarg;
            break;
        case 's':
            check.strict = true;
            break;
        case 'j':
            check.json = true;
            break;
        case 'd':
            status = bf_argument_count("devices", optarg, 1, COUNT_MAX, &check.scale.devices, &err);
            break;
        case 't':
            status = bf_argument_count("tags", optarg, 1, COUNT_MAX, &check.scale.tags, &err);
            break;
        case 'h':
            fputs(usage, stdout);
            return BF_EXIT_OK;
        default:
            return bf_argument_help("check");
        }
        if (status != BF_OK) {
            return bf_argument_refuse("check", &err);
        }
    }
    return optind == argc ? check_all(&check) : bf_argument_surplus("check", argv[optind]);
}

const struct bf_command bf_command_check = {
    .name = "check",
    .summary = "Read the whole configuration and say what is wrong with it.",
    .usage = usage,
    .run = run_check,
};
