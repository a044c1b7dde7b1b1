/* Why: shows to anyone that nothing was lost and nothing counted twice, from the logs themselves (ledger.h).
 * Declined: a tolerance. The identities hold or they do not. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/ledger.h"
#include "cli/pace.h"
#include "cli/setting.h"
#include "config/log/wiring.h"
#include "core/daemon.h"

#define AGAIN_MS 500

struct run {
    const char *config, *kpi;
    int64_t wait_us;
    uint64_t max_messages;
    bool has_published, has_acknowledged, json;
    uint64_t published, acknowledged;
};

static const char usage[] =
    "belfry audit --wait 60s                                    wait until what is under way has arrived\n"
    "belfry audit --published 36000 --acknowledged 36000        hold it against what the devices say\n"
    "\n"
    "  -c, --config FILE      belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -w, --wait DURATION    how long it may take until everything is accounted for (0)\n"
    "  -p, --published N      messages that the devices sent; together with\n"
    "  -a, --acknowledged N   how many of them the broker acknowledged\n"
    "  -k, --kpi ID           the KPI that counts every reading of every device (audit_readings)\n"
    "  -m, --messages N       how many messages and windows may be remembered (4194304)\n"
    "  -j, --json             one line of JSON\n"
    "\n"
    "Reads the logs from their beginning and adds up where every message and every reading went.\n"
    "Exit code: 0 everything is accounted for and every window that is over is final, 1 it is not.\n";

static const struct option long_options[] = {{"config", required_argument, NULL, 'c'},
                                             {"wait", required_argument, NULL, 'w'},
                                             {"published", required_argument, NULL, 'p'},
                                             {"acknowledged", required_argument, NULL, 'a'},
                                             {"kpi", required_argument, NULL, 'k'},
                                             {"messages", required_argument, NULL, 'm'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

struct verdict {
    struct bf_ledger_sums sums;
    uint64_t messages, accounted;
    bool messages_hold, readings_hold, final;
};

static struct verdict judge(const struct run *run, const struct bf_ledger *ledger)
{
    struct verdict verdict = {.sums = bf_ledger_sums(ledger)};
    const struct bf_ledger_sums *sums = &verdict.sums;
    verdict.messages = bf_ledger_messages(sums);
    verdict.accounted = bf_ledger_accounted(sums);
    verdict.messages_hold =
        !run->has_published || (run->published == run->acknowledged && run->acknowledged == verdict.messages);
    verdict.readings_hold = sums->readings == verdict.accounted && sums->seen == sums->readings;
    verdict.final = sums->open_windows == 0;
    return verdict;
}

static bool holds(const struct verdict *verdict)
{
    return verdict->messages_hold && verdict->readings_hold && verdict->final;
}

struct line {
    const char *name, *text;
    uint64_t value;
};

#define LINES 22
static void list(const struct run *run, const struct verdict *verdict, struct line lines[LINES])
{
    const struct bf_ledger_sums *sums = &verdict->sums;
    const struct line all[LINES] = {
        {.name = "published", .text = "messages published", .value = run->published},
        {.name = "acknowledged", .text = "messages acknowledged", .value = run->acknowledged},
        {.name = "messages", .text = "messages in the logs", .value = verdict->messages},
        {.name = "gave_readings", .text = "  that gave readings", .value = sums->gave_readings},
        {.name = "rejected", .text = "  rejected whole", .value = sums->rejected},
        {.name = "by_profile", .text = "  that by their profile give none", .value = sums->by_profile},
        {.name = "readings", .text = "readings in the log", .value = sums->readings},
        {.name = "accounted", .text = "readings accounted for", .value = verdict->accounted},
        {.name = "counted", .text = "  counted in a window's last result", .value = sums->counted},
        {.name = "excluded", .text = "  left out by quality", .value = sums->excluded},
        {.name = "late", .text = "  rejected as late", .value = sums->late},
        {.name = "duplicate", .text = "  dropped, delivered before", .value = sums->duplicate},
        {.name = "older", .text = "  dropped, of an older incarnation", .value = sums->older},
        {.name = "content", .text = "  dropped, same content", .value = sums->content},
        {.name = "malformed", .text = "  dropped, unreadable", .value = sums->malformed},
        {.name = "limit", .text = "  refused, a table was full", .value = sums->limit},
        {.name = "windows", .text = "windows of all KPIs", .value = sums->windows},
        {.name = "open_windows", .text = "  not final yet", .value = sums->open_windows},
        {.name = "running_windows", .text = "  not over yet", .value = sums->running},
        {.name = "finals", .text = "final results, all KPIs", .value = sums->finals},
        {.name = "revisions", .text = "revisions, all KPIs", .value = sums->revisions},
        {.name = "repeats", .text = "outputs written again by a replay", .value = sums->repeats},
    };
    memcpy(lines, all, sizeof all);
}

static void print(const struct run *run, const struct verdict *verdict)
{
    struct line lines[LINES];
    list(run, verdict, lines);
    if (run->json) {
        printf("{");
        for (size_t i = run->has_published ? 0 : 2; i < LINES; i++) {
            printf("\"%s\":%llu,", lines[i].name, (unsigned long long)lines[i].value);
        }
        printf("\"holds\":%s}\n", holds(verdict) ? "true" : "false");
        return;
    }
    for (size_t i = run->has_published ? 0 : 2; i < LINES; i++) {
        printf("%-38s %12llu\n", lines[i].text, (unsigned long long)lines[i].value);
    }
    printf("%s\n",
           holds(verdict) ? "Everything is accounted for, once." : "NOT everything is accounted for:");
    if (!verdict->messages_hold) {
        printf("  messages: published %llu, acknowledged %llu, in the logs %llu\n",
               (unsigned long long)run->published, (unsigned long long)run->acknowledged,
               (unsigned long long)verdict->messages);
    }
    if (!verdict->readings_hold) {
        printf("  readings: in the log %llu, read by the tasks %llu, accounted for %llu\n",
               (unsigned long long)verdict->sums.readings, (unsigned long long)verdict->sums.seen,
               (unsigned long long)verdict->accounted);
    }
    if (!verdict->final) {
        printf("  windows: %llu are not final\n", (unsigned long long)verdict->sums.open_windows);
    }
}

static enum bf_status find_kpi(const struct run *run, const struct bf_city *city,
                               const struct bf_kpi_definition **kpi, struct bf_err *err)
{
    for (size_t i = 0; i < city->kpi_count; i++) {
        if (bf_slice_equal(city->kpis[i].id, bf_slice_of(run->kpi))) {
            *kpi = &city->kpis[i];
            return BF_OK;
        }
    }
    return bf_err_set(err, BF_CONFIG,
                      "the city has no KPI \"%s\"; say with --kpi which one counts every reading "
                      "of every device",
                      run->kpi);
}

static enum bf_status audit(const struct run *run, bool *good, struct bf_err *err)
{
    struct bf_setting setting;
    struct bf_ledger *ledger = NULL;
    const struct bf_kpi_definition *kpi = NULL;
    enum bf_status status = bf_setting_load(run->config, true, &setting, err);
    if (status != BF_OK) {
        return status;
    }
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_kafka_options kafka = bf_wiring_kafka(setting.site, "belfry-audit", properties);
    status = find_kpi(run, setting.city, &kpi, err);
    status =
        status == BF_OK ? bf_ledger_open(&kafka, setting.city, kpi, run->max_messages, &ledger, err) : status;
    int64_t deadline = bf_time_monotonic_us() + run->wait_us;
    struct verdict verdict = {.messages = 0};
    while (status == BF_OK) {
        status = bf_ledger_read(ledger, err);
        if (status != BF_OK) {
            break;
        }
        verdict = judge(run, ledger);
        if (holds(&verdict) || bf_time_monotonic_us() >= deadline || !bf_pace_idle(AGAIN_MS)) {
            print(run, &verdict);
            *good = holds(&verdict);
            break;
        }
    }
    bf_ledger_close(ledger);
    bf_setting_unload(&setting);
    return status;
}

static enum bf_status parse_option(int option, const char *value, struct run *run, struct bf_err *err)
{
    switch (option) {
    case 'c':
        run->config = value;
        return BF_OK;
    case 'k':
        run->kpi = value;
        return BF_OK;
    case 'w':
        return bf_argument_duration("wait", value, &run->wait_us, err);
    case 'm':
        return bf_argument_count("messages", value, 1, 1 << 28, &run->max_messages, err);
    case 'p':
        run->has_published = true;
        return bf_argument_count("published", value, 0, INT64_MAX, &run->published, err);
    case 'a':
        run->has_acknowledged = true;
        return bf_argument_count("acknowledged", value, 0, INT64_MAX, &run->acknowledged, err);
    default:
        run->json = true;
        return BF_OK;
    }
}

static int run_audit(int argc, char **argv)
{
    struct run run = {.kpi = "audit_readings", .max_messages = 4u << 20};
    bool good = false;
    struct bf_err err;
    for (int option; (option = getopt_long(argc, argv, "c:w:p:a:k:m:jh", long_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return BF_EXIT_OK;
        }
        if (option == '?') {
            return bf_argument_help("audit");
        }
        if (parse_option(option, optarg, &run, &err) != BF_OK) {
            return bf_argument_refuse("audit", &err);
        }
    }
    if (optind != argc) {
        return bf_argument_surplus("audit", argv[optind]);
    }
    if (run.has_published != run.has_acknowledged) {
        fputs("belfry audit: --published and --acknowledged belong together\n", stderr);
        return bf_argument_help("audit");
    }
    if (audit(&run, &good, &err) != BF_OK) {
        return bf_setting_fail("audit", &err);
    }
    return good ? BF_EXIT_OK : BF_EXIT_FAILED;
}

const struct bf_command bf_command_audit = {
    .name = "audit",
    .summary = "Account for every message and every reading, from the logs.",
    .usage = usage,
    .run = run_audit,
};
