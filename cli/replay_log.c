/* Why: see rerun.h. Here the parts are wired: which records, through which city, and what becomes of the
 * results. The city's own generations are left out: one configuration holds for the whole range.
 * Declined: provisional values and devices: nobody watches a replay live. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cli/compare.h"
#include "cli/locate.h"
#include "cli/pace.h"
#include "cli/past.h"
#include "cli/progress.h"
#include "cli/replay.h"
#include "cli/replay_report.h"
#include "cli/rerun.h"
#include "cli/setting.h"
#include "cli/span.h"
#include "config/bundle.h"
#include "config/log/config_log.h"
#include "config/log/wiring.h"
#include "core/daemon.h"
#include "core/wire.h"

#define GENERATION 1
#define LEAD_MAX_US (3600 * BF_US_PER_S)   /* read before FROM, so that what reaches over it is known */
#define NEVER_US INT64_C(1000000000000000) /* devices are not asked for */
#define TURN_MS 20
#define TURN_RECORDS 5000
#define LINGER_MS 20
#define MAX_QUEUE 100000
#define DRAIN_MS 60000
#define REPORTS_EVERY 64                /* results */
#define PAST_WAIT_US (20 * BF_US_PER_S) /* for the live installation's results to be there too */

struct replay_run {
    const struct bf_replay *replay;
    struct bf_span span;
    struct bf_setting setting;
    struct bf_city *city; /* the new one */
    struct bf_kpi_plan *plan;
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_kafka_options kafka, into;
    char into_prefix[128];
    struct bf_config_log *log;
    const struct bf_install *install;
    int64_t *begin, *end;
    int64_t until_us, lead_us, span_us; /* span: how far the sides of a comparison may be apart */
    bool exact;                         /* every partition is read from its log's beginning */
    struct bf_producer *producer;
    struct bf_comparison *comparison;
    struct bf_past *past;
    struct bf_rerun *rerun;
    _Atomic int64_t from_us; /* windows that begin before are none of ours; INT64_MAX: not known yet */
    _Atomic uint64_t finals, revisions;
    atomic_bool failed; /* `failure` is set */
    atomic_flag failing;
    struct bf_err failure;
};

/* ---- configuration */

/* A folder with a city.yaml is the new city; anything else a belfry.yaml that names it. */
static enum bf_status load_city(struct replay_run *run, struct bf_err *err)
{
    const char *config = run->replay->config;
    char path[4200];
    struct stat about;
    struct bf_bundle *bundle = NULL;
    (void)snprintf(path, sizeof path, "%s/city.yaml", config);
    bool folder = stat(path, &about) == 0;
    if (!folder && stat(config, &about) == 0 && S_ISDIR(about.st_mode)) {
        return bf_err_set(err, BF_CONFIG, "the folder %s has no city.yaml", config);
    }
    enum bf_status status = bf_setting_load(folder ? run->replay->site : config, false, &run->setting, err);
    if (status == BF_OK) {
        status = bf_bundle_read(folder ? config : run->setting.site->city_path, &bundle, err);
    }
    if (status != BF_OK) {
        return status;
    }
    status = bf_city_load(bundle, bf_aggregate_kinds(), &run->city, err);
    bf_bundle_destroy(bundle);
    if (status == BF_OK) {
        /* What only live readers want costs time and changes no final. */
        run->city->time.live_scopes = 0;
        run->city->time.device_every_us = NEVER_US;
        status = bf_kpi_plan_create(run->city, GENERATION, BF_TIME_NONE, &run->plan, err);
    }
    return status;
}

static enum bf_status open_log(struct replay_run *run, struct bf_err *err)
{
    char name[256];
    run->kafka = bf_wiring_kafka(run->setting.site, "belfry-replay", run->properties);
    bf_topic_name(&run->kafka, BF_TOPIC_READINGS, name, sizeof name);
    if (!bf_slice_equal(run->span.topic, bf_slice_of(name)) &&
        !bf_slice_equal(run->span.topic, BF_SLICE("readings"))) {
        return bf_err_set(err, BF_CONFIG, "a replay reads %s, not \"%.*s\"", name,
                          BF_SLICE_ARG(run->span.topic));
    }
    enum bf_status status = bf_config_log_open(&run->kafka, bf_aggregate_kinds(), &run->log, err);
    if (status == BF_OK) {
        run->install = bf_config_log_install(run->log);
        run->begin = calloc((size_t)run->install->readings, sizeof *run->begin);
        run->end = calloc((size_t)run->install->readings, sizeof *run->end);
        if (run->begin == NULL || run->end == NULL) {
            status = bf_err_set(err, BF_LIMIT, "no memory");
        }
    }
    return status;
}

/* ---- the range */

/* Enough for late windows and for clocks that are ahead, but not days for a minute. */
static int64_t lead_of(const struct replay_run *run)
{
    int64_t reach_us = run->plan->longest_reach_us;
    int64_t lead_us = reach_us < LEAD_MAX_US ? reach_us : LEAD_MAX_US;
    return lead_us > run->city->time.max_future_us ? lead_us : run->city->time.max_future_us;
}

static enum bf_status find_begin(struct replay_run *run, struct bf_consumer *consumer, int32_t partition,
                                 int64_t first, struct bf_err *err)
{
    const struct bf_span_end *from = &run->span.from;
    int64_t *begin = &run->begin[partition];
    *begin = first;
    if (from->kind == BF_SPAN_OFFSET) {
        *begin = from->value > first ? from->value : first;
        return BF_OK;
    }
    if (from->kind == BF_SPAN_EDGE) {
        return BF_OK;
    }
    return bf_locate_time(consumer, BF_TOPIC_READINGS, partition, from->value - run->lead_us, begin, err);
}

static enum bf_status find_range(struct replay_run *run, struct bf_err *err)
{
    struct bf_consumer *consumer;
    enum bf_status status = bf_consumer_create(&run->kafka, NULL, true, &consumer, err);
    if (status != BF_OK) {
        return status;
    }
    run->until_us = run->span.to.kind == BF_SPAN_TIME ? run->span.to.value : INT64_MAX;
    run->lead_us = lead_of(run);
    run->exact = true;
    for (int32_t i = 0; status == BF_OK && i < run->install->readings; i++) {
        int64_t first;
        status = bf_consumer_range(consumer, BF_TOPIC_READINGS, i, &first, &run->end[i], err);
        status = status == BF_OK ? find_begin(run, consumer, i, first, err) : status;
        if (status == BF_OK && run->span.to.kind == BF_SPAN_OFFSET && run->span.to.value < run->end[i]) {
            run->end[i] = run->span.to.value;
        }
        run->exact = run->exact && run->begin[i] == 0;
    }
    bf_consumer_destroy(consumer);
    int64_t from_us = run->span.from.kind == BF_SPAN_TIME ? run->span.from.value : BF_TIME_NONE;
    atomic_store(&run->from_us, run->exact ? from_us : INT64_MAX);
    return status;
}

/* ---- results */

static void fail(struct replay_run *run, const struct bf_err *err)
{
    if (!atomic_flag_test_and_set(&run->failing)) {
        run->failure = *err;
        atomic_store(&run->failed, true);
    }
}

static enum bf_status write_result(struct replay_run *run, const struct bf_rerun_result *result,
                                   struct bf_err *err)
{
    char bytes[128];
    struct bf_mp_writer writer;
    const struct bf_origin origin = {
        .task = result->task, .offset = result->offset, .index = result->output->index};
    bf_mp_writer_init(&writer, bytes, sizeof bytes);
    bf_origin_pack(&origin, &writer);
    const struct bf_outgoing record = {.topic = BF_TOPIC_KPIS,
                                       .partition = result->output->partition,
                                       .key = result->output->key,
                                       .value = result->output->value,
                                       .type = result->output->type,
                                       .origin = {writer.data, writer.len}};
    return bf_producer_send_wait(run->producer, &record, NULL, err);
}

static enum bf_status take_kpi(struct replay_run *run, const struct bf_rerun_result *result,
                               struct bf_err *err)
{
    const struct bf_kpi *kpi = result->output->kpi;
    enum bf_status status = BF_OK;
    if (kpi->phase != BF_KPI_FINAL || kpi->start_us < atomic_load(&run->from_us)) {
        return BF_OK;
    }
    uint64_t before = atomic_fetch_add(kpi->revision == 0 ? &run->finals : &run->revisions, 1);
    if (run->comparison != NULL) {
        status = bf_comparison_put(run->comparison, BF_COMPARE_REPLAY, kpi, err);
    }
    if (status == BF_OK && run->producer != NULL) {
        status = write_result(run, result, err);
        /* Reports free what librdkafka keeps of a record: cheaper on the thread that allocated it. */
        status =
            status == BF_OK && before % REPORTS_EVERY == 0 ? bf_producer_poll(run->producer, 0, err) : status;
    }
    return status;
}

/* On a worker's thread. */
static void take_result(void *context, const struct bf_rerun_result *result)
{
    struct replay_run *run = context;
    struct bf_err err = {.message = ""};
    enum bf_status status = BF_OK;
    if (atomic_load(&run->failed)) {
        return;
    }
    if (result->output->type == BF_RECORD_KPI) {
        status = take_kpi(run, result, &err);
    } else if (result->output->type == BF_RECORD_TASK_TICK && run->producer != NULL) {
        status = write_result(run, result, &err);
    }
    if (status != BF_OK) {
        fail(run, &err);
    }
}

static uint64_t definition_of(void *context, int64_t generation, struct bf_slice id)
{
    struct replay_run *run = context;
    struct bf_generation record;
    const struct bf_city *city;
    if (bf_config_log_generation(run->log, generation, &record, &city, NULL) != BF_OK) {
        return 0;
    }
    for (size_t i = 0; i < city->kpi_count; i++) {
        if (bf_slice_equal(city->kpis[i].id, id)) {
            return city->kpis[i].hash;
        }
    }
    return 0;
}

static enum bf_status open_into(struct replay_run *run, struct bf_err *err)
{
    const struct bf_replay *replay = run->replay;
    if (replay->name == NULL && replay->into == NULL) {
        return BF_OK;
    }
    int len = replay->into != NULL ? snprintf(run->into_prefix, sizeof run->into_prefix, "%s", replay->into)
                                   : snprintf(run->into_prefix, sizeof run->into_prefix, "%s.replay-%s",
                                              run->kafka.prefix, replay->name);
    if (len <= 0 || (size_t)len >= sizeof run->into_prefix ||
        strspn(run->into_prefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
            (size_t)len) {
        return bf_err_set(err, BF_CONFIG,
                          "\"%s\" cannot be the prefix of a topic: letters, digits, . _ and -",
                          run->into_prefix);
    }
    run->into = run->kafka;
    run->into.prefix = run->into_prefix;
    enum bf_status status =
        bf_topic_make(&run->into, BF_TOPIC_KPIS, (int16_t)run->setting.site->kafka.replication, err);
    if (status == BF_CONFIG) {
        bf_err_hint(err, "Choose another --prefix; a replay is not mixed into what is there.");
    }
    return status == BF_OK ? bf_producer_create(&run->into, LINGER_MS, MAX_QUEUE, &run->producer, err)
                           : status;
}

static enum bf_status open_comparison(struct replay_run *run, struct bf_err *err)
{
    int64_t margin_us = run->city->time.max_ahead_us + 60 * BF_US_PER_S;
    const struct bf_compare_options options = {.city = run->city,
                                               .definition = definition_of,
                                               .context = run,
                                               .margin_us = margin_us,
                                               .windows = run->replay->windows,
                                               .show = run->replay->show};
    int64_t from_us = run->span.from.kind == BF_SPAN_TIME ? run->span.from.value - margin_us : BF_TIME_NONE;
    run->span_us = margin_us;
    if (!run->replay->compare) {
        return BF_OK;
    }
    enum bf_status status = bf_comparison_create(&options, &run->comparison, err);
    if (status == BF_OK) {
        bf_comparison_from(run->comparison, atomic_load(&run->from_us), run->exact);
        status = bf_past_open(&run->kafka, run->install, from_us, run->comparison, &run->past, err);
    }
    return status;
}

/* ---- the loop */

/* From where on windows are whole, once every partition has a clock. */
static void learn_from(struct replay_run *run, const struct bf_rerun_progress *progress)
{
    if (atomic_load(&run->from_us) != INT64_MAX || progress->slowest_us == BF_TIME_NONE) {
        return;
    }
    int64_t from_us = progress->first_us + run->city->time.max_future_us;
    if (run->span.from.kind == BF_SPAN_TIME && run->span.from.value > from_us) {
        from_us = run->span.from.value;
    }
    atomic_store(&run->from_us, from_us);
    if (run->comparison != NULL) {
        bf_comparison_from(run->comparison, from_us, false);
    }
}

/* Each side waits for the other, so that what is held stays small. */
static enum bf_status turn_past(struct replay_run *run, int64_t slowest_us, struct bf_err *err)
{
    if (run->past == NULL) {
        bf_rerun_hold(run->rerun, slowest_us == BF_TIME_NONE ? BF_TIME_NONE : INT64_MAX);
        bf_pace_idle(TURN_MS);
        return BF_OK;
    }
    bool ended = bf_past_ended(run->past);
    int64_t clock_us = bf_past_clock(run->past);
    bool ahead = clock_us != BF_TIME_NONE && slowest_us != INT64_MAX &&
                 (slowest_us == BF_TIME_NONE || clock_us - slowest_us > run->span_us);
    enum bf_status status = BF_OK;
    if (ended || ahead) {
        bf_pace_idle(TURN_MS);
    } else {
        status = bf_past_read(run->past, TURN_MS, TURN_RECORDS, err);
        clock_us = bf_past_clock(run->past);
    }
    if (atomic_load(&run->from_us) != INT64_MAX) {
        bf_comparison_reached(run->comparison, BF_COMPARE_REPLAY, slowest_us);
        bf_rerun_hold(run->rerun, ended ? INT64_MAX : clock_us);
    }
    return status == BF_AGAIN ? BF_OK : status;
}

static enum bf_status play(struct replay_run *run, struct bf_replay_report *report, struct bf_err *err)
{
    struct bf_progress bar;
    struct bf_rerun_progress progress;
    enum bf_status status = BF_OK;
    bf_progress_start(&bar, stderr);
    do {
        progress = bf_rerun_progress(run->rerun);
        learn_from(run, &progress);
        status = turn_past(run, progress.slowest_us, err);
        if (status == BF_OK && run->producer != NULL) {
            status = bf_producer_poll(run->producer, 0, err);
            status = status == BF_AGAIN ? BF_OK : status;
        }
        double share = progress.total > 0 ? (double)progress.records / (double)progress.total : 1;
        bf_progress_show(&bar, share, progress.readings, "readings");
    } while (status == BF_OK && !progress.done && !bf_pace_stopped() && !atomic_load(&run->failed));
    bf_progress_end(&bar);
    report->stopped = bf_pace_stopped();
    report->seconds = (double)(bf_time_monotonic_us() - bar.started_us) / (double)BF_US_PER_S;
    struct bf_err why = {.message = ""};
    enum bf_status ended = bf_rerun_stop(run->rerun, &why);
    if (status == BF_OK && atomic_load(&run->failed)) {
        *err = run->failure;
        status = run->failure.status;
    }
    if (status == BF_OK && ended != BF_OK) {
        *err = why;
        status = ended;
    }
    return status;
}

/* What the live installation has not written yet cannot be compared; it is given a moment. */
static enum bf_status finish_past(struct replay_run *run, struct bf_replay_report *report, struct bf_err *err)
{
    int64_t deadline_us = bf_time_monotonic_us() + PAST_WAIT_US;
    int64_t last_us = report->sums.last_us;
    enum bf_status status = BF_OK;
    while (status == BF_OK && !bf_pace_stopped()) {
        status = bf_past_extend(run->past, err);
        while (status == BF_OK && !bf_past_ended(run->past) && !bf_pace_stopped() &&
               bf_past_clock(run->past) <=
                   last_us + (last_us < INT64_MAX - run->span_us ? run->span_us : 0)) {
            status = bf_past_read(run->past, TURN_MS, TURN_RECORDS, err);
            status = status == BF_AGAIN ? BF_OK : status;
        }
        if (bf_past_clock(run->past) >= last_us || bf_time_monotonic_us() >= deadline_us) {
            break;
        }
        bf_pace_idle(TURN_MS);
    }
    int64_t recorded_us = bf_past_clock(run->past);
    report->last_us = recorded_us < last_us ? recorded_us : last_us;
    bf_comparison_end(run->comparison, report->last_us);
    return status;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static enum bf_status run_all(struct replay_run *run, struct bf_replay_report *report, struct bf_err *err)
{
    const struct bf_rerun_options options = {.kafka = &run->kafka,
                                             .install = run->install,
                                             .plan = run->plan,
                                             .begin = run->begin,
                                             .end = run->end,
                                             .until_us = run->until_us,
                                             .ahead_us = run->city->time.max_ahead_us,
                                             .threads = run->replay->threads,
                                             .result = take_result,
                                             .context = run};
    double before = cpu_seconds();
    enum bf_status status = bf_rerun_start(&options, &run->rerun, err);
    status = status == BF_OK ? play(run, report, err) : status;
    if (status != BF_OK) {
        return status;
    }
    report->cpu_seconds = cpu_seconds() - before;
    report->sums = bf_rerun_sums(run->rerun);
    report->last_us = report->sums.last_us;
    report->finals = atomic_load(&run->finals);
    report->revisions = atomic_load(&run->revisions);
    report->from_us = atomic_load(&run->from_us);
    if (run->producer != NULL) {
        status = bf_producer_wait(run->producer, bf_producer_handed(run->producer), DRAIN_MS, err);
    }
    if (status == BF_OK && run->comparison != NULL && !report->stopped) {
        status = finish_past(run, report, err);
        report->comparison = run->comparison;
    }
    return status;
}

static void close_all(struct replay_run *run)
{
    bf_rerun_destroy(run->rerun);
    bf_past_close(run->past);
    bf_comparison_destroy(run->comparison);
    if (run->producer != NULL) {
        bf_producer_destroy(run->producer, 1000);
    }
    bf_config_log_close(run->log);
    if (run->plan != NULL) {
        bf_kpi_plan_destroy(run->plan);
    }
    if (run->city != NULL) {
        bf_city_destroy(run->city);
    }
    bf_setting_unload(&run->setting);
    free(run->begin);
    free(run->end);
}

enum bf_status bf_replay_log(const struct bf_replay *replay, bool *same, struct bf_err *err)
{
    static struct replay_run run; /* too large for a comfortable stack */
    struct bf_replay_report report = {.json = replay->json};
    struct bf_pace signals;
    run = (struct replay_run){.replay = replay, .failing = ATOMIC_FLAG_INIT};
    enum bf_status status = bf_span_parse(replay->what, bf_time_wall_us(), &run.span, err);
    if (status != BF_OK) {
        return status;
    }
    bf_pace_start(&signals, 1, 0);
    status = load_city(&run, err);
    status = status == BF_OK ? open_log(&run, err) : status;
    status = status == BF_OK ? find_range(&run, err) : status;
    status = status == BF_OK ? open_into(&run, err) : status;
    status = status == BF_OK ? open_comparison(&run, err) : status;
    status = status == BF_OK ? run_all(&run, &report, err) : status;
    if (status == BF_OK) {
        report.topic_prefix = run.producer != NULL ? run.into_prefix : NULL;
        bf_replay_report_print(&report, stdout);
        *same = report.comparison == NULL || bf_comparison_equal(report.comparison);
    }
    close_all(&run);
    return status;
}
