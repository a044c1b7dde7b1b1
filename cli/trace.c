/* Why: "I sent it, where is it?" One device's messages, from MQTT to Redis, with the time that each stage
 * took.
 * Declined: a trace through the daemons (a flag that travels along): see trail.h. */
#include <getopt.h>
#include <stdio.h>

#include "cli/argument.h"
#include "cli/command.h"
#include "cli/ear.h"
#include "cli/pace.h"
#include "cli/screen.h"
#include "cli/setting.h"
#include "cli/trace_say.h"
#include "config/log/config_log.h"
#include "config/log/wiring.h"
#include "core/daemon.h"
#include "core/hash.h"
#include "core/time.h"
#include "core/wire.h"
#include "peers/redis/redis.h"
#include "processors/aggregate/aggregate.h"

#define POLL_MS 5
#define RECORDS 500 /* in one turn */
#define CHANNELS 256
#define SETTLE_US (60 * BF_US_PER_S) /* how long --count waits for the last results */

static const char usage[] =
    "belfry trace office:desk-42               until Ctrl-C\n"
    "belfry trace desk-42 --count 3 --json     three messages; where the city has one network only\n"
    "\n"
    "  -c, --config FILE    belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -f, --for DURATION   end after that time\n"
    "  -n, --count N        end when N messages have come, and their results are in Redis\n"
    "  -j, --json           a line of JSON for each stage\n"
    "\n"
    "Listens to the device's MQTT messages beside belfry (QoS 0, no session) and follows each: what it\n"
    "decodes to, or why not; when its readings are in belfry.readings, when the first result of each of its\n"
    "KPIs is in belfry.kpis, and when Redis says it, open and final. Times are since the message was heard,\n"
    "to about 10 ms.\n";

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'}, {"for", required_argument, NULL, 'f'},
    {"count", required_argument, NULL, 'n'},  {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};

struct trace {
    const char *config, *typed;
    int64_t length_us;
    uint64_t count;
    bool json, colour;
    char device[256];
    struct bf_setting setting;
    struct bf_property properties[BF_WIRING_PROPERTIES];
    struct bf_kafka_options kafka;
    struct bf_config_log *log;
    const struct bf_install *install;
    struct bf_kpi_plan *plan;
    struct bf_ear *ear;
    struct bf_trail *trail;
    struct bf_consumer *consumer;
    struct bf_redis *redis;
    uint64_t channels[CHANNELS]; /* hashes of those that Redis was asked for */
    size_t channel_count;
    uint64_t missed;
};

static void say(void *context, const struct bf_trail_event *event)
{
    const struct trace *trace = context;
    if (trace->json) {
        bf_trace_say_json(event);
    } else {
        bf_trace_say_person(event, trace->colour);
    }
}

/* ---- Kafka and Redis */

static enum bf_status open_consumer(struct trace *trace, struct bf_err *err)
{
    struct bf_position positions[1 + 2 * BF_PARTITIONS_MAX];
    size_t count = 0;
    if (trace->install->rejects > BF_PARTITIONS_MAX || trace->install->kpis > BF_PARTITIONS_MAX) {
        return bf_err_set(err, BF_LIMIT, "more than %d partitions", BF_PARTITIONS_MAX);
    }
    positions[count++] = (struct bf_position){
        .topic = BF_TOPIC_READINGS,
        .partition = bf_hash_partition(bf_slice_of(trace->device), trace->install->readings)};
    for (int32_t i = 0; i < trace->install->rejects; i++) {
        positions[count++] = (struct bf_position){.topic = BF_TOPIC_REJECTS, .partition = i};
    }
    for (int32_t i = 0; i < trace->install->kpis; i++) {
        positions[count++] = (struct bf_position){.topic = BF_TOPIC_KPIS, .partition = i};
    }
    enum bf_status status = bf_consumer_create(&trace->kafka, NULL, false, &trace->consumer, err);
    for (size_t i = 0; status == BF_OK && i < count; i++) {
        int64_t begin;
        status = bf_consumer_range(trace->consumer, positions[i].topic, positions[i].partition, &begin,
                                   &positions[i].offset, err);
    }
    return status == BF_OK ? bf_consumer_assign(trace->consumer, positions, count, err) : status;
}

static void open_redis(struct trace *trace)
{
    const struct bf_redis_options options = bf_wiring_redis(trace->setting.site);
    struct bf_err err;
    if (bf_redis_open(&options, &trace->redis, &err) != BF_OK) {
        fprintf(stderr, "belfry trace: without Redis: %s\n", err.message);
        trace->redis = NULL;
    }
}

static void drop_redis(struct trace *trace, const struct bf_err *err)
{
    fprintf(stderr, "belfry trace: Redis has gone: %s\n", err->message);
    bf_redis_close(trace->redis);
    trace->redis = NULL;
}

/* Asks Redis for the channels of a message's results, each once. */
static void listen_to(struct trace *trace, const struct bf_heard *heard)
{
    for (size_t i = 0; trace->redis != NULL && i < heard->interest_count; i++) {
        const struct bf_interest *interest = &heard->interests[i];
        struct bf_slice id = trace->plan->kpis[interest->kpi].definition->id;
        char channel[600];
        struct bf_err err = {.message = ""};
        (void)snprintf(channel, sizeof channel, "belfry:v1:kpi:%.*s:%s", BF_SLICE_ARG(id), interest->scope);
        uint64_t hash = bf_hash64(bf_slice_of(channel));
        size_t at = 0;
        while (at < trace->channel_count && trace->channels[at] != hash) {
            at++;
        }
        if (at < trace->channel_count || at == CHANNELS) {
            continue;
        }
        const struct bf_slice words[] = {BF_SLICE("SUBSCRIBE"), bf_slice_of(channel)};
        trace->channels[trace->channel_count++] = hash;
        if (bf_redis_append(trace->redis, words, 2, &err) != BF_OK ||
            bf_redis_flush(trace->redis, &err) != BF_OK) {
            drop_redis(trace, &err);
        }
    }
}

static void take_redis(struct trace *trace)
{
    enum bf_status status = BF_OK;
    for (int i = 0; trace->redis != NULL && trace->channel_count > 0 && i < RECORDS; i++) {
        struct bf_reply reply = {.kind = BF_REPLY_NIL};
        struct bf_err err = {.message = ""};
        status = bf_redis_listen(trace->redis, i == 0 ? POLL_MS : 0, &reply, &err);
        if (status == BF_OK && reply.kind == BF_REPLY_ARRAY && reply.count == 3 &&
            bf_slice_equal(reply.items[0].text, BF_SLICE("message"))) {
            bf_trail_redis(trace->trail, bf_time_monotonic_us(), reply.items[1].text, reply.items[2].text);
        } else if (status == BF_AGAIN) {
            return;
        } else if (status != BF_OK) {
            drop_redis(trace, &err);
        }
    }
}

static void take_record(struct trace *trace, const struct bf_incoming *incoming)
{
    int64_t now_us = bf_time_monotonic_us();
    enum bf_record_type type;
    struct bf_reading reading;
    struct bf_reject reject;
    struct bf_kpi kpi;
    if (incoming->topic == BF_TOPIC_READINGS) {
        if (incoming->has_key && bf_slice_equal(incoming->key, bf_slice_of(trace->device)) &&
            bf_reading_unpack(incoming->value, &reading, NULL) == BF_OK) {
            bf_trail_reading(trace->trail, now_us, &reading, incoming->partition, incoming->offset);
        }
    } else if (!bf_incoming_type(incoming, &type)) {
        return;
    } else if (type == BF_RECORD_REJECT && bf_reject_unpack(incoming->value, &reject, NULL) == BF_OK) {
        bf_trail_reject(trace->trail, now_us, &reject);
    } else if (type == BF_RECORD_KPI && bf_kpi_unpack(incoming->value, &kpi, NULL) == BF_OK) {
        bf_trail_kpi(trace->trail, now_us, &kpi);
    }
}

static enum bf_status take_records(struct trace *trace, struct bf_err *err)
{
    for (int i = 0; i < RECORDS; i++) {
        struct bf_incoming incoming;
        enum bf_status status = bf_consumer_poll(trace->consumer, i == 0 ? POLL_MS : 0, &incoming, err);
        if (status != BF_OK) {
            return status == BF_AGAIN ? BF_OK : status;
        }
        if (!incoming.eof) {
            take_record(trace, &incoming);
        }
        bf_incoming_release(&incoming);
    }
    return BF_OK;
}

/* ---- the loop */

static void take_heard(struct trace *trace)
{
    static struct bf_heard heard; /* large */
    bool wanted = true;
    while (bf_ear_next(trace->ear, &heard)) {
        wanted = trace->count == 0 || bf_trail_count(trace->trail) < trace->count;
        if (wanted) {
            listen_to(trace, &heard);
            bf_trail_heard(trace->trail, &heard);
        }
    }
    uint64_t missed = bf_ear_missed(trace->ear);
    if (missed > trace->missed && wanted) {
        fprintf(stderr, "belfry trace: %llu messages came too fast to be followed\n",
                (unsigned long long)(missed - trace->missed));
        trace->missed = missed;
    }
}

static enum bf_status follow(struct trace *trace, struct bf_err *err)
{
    int64_t until_us = trace->length_us > 0 ? bf_time_monotonic_us() + trace->length_us : INT64_MAX;
    int64_t full_us = INT64_MAX; /* when --count was reached */
    enum bf_status status = BF_OK;
    while (status == BF_OK && !bf_pace_stopped() && bf_time_monotonic_us() < until_us) {
        take_heard(trace);
        status = take_records(trace, err);
        take_redis(trace);
        (void)fflush(stdout);
        if (trace->count > 0 && bf_trail_count(trace->trail) >= trace->count) {
            int64_t now_us = bf_time_monotonic_us();
            full_us = now_us < full_us ? now_us : full_us;
            if (bf_trail_settled(trace->trail) || now_us - full_us > SETTLE_US) {
                break;
            }
        }
        status = status == BF_OK ? bf_ear_check(trace->ear, err) : status;
    }
    return status;
}

/* The configuration in force, as ingest and the tasks run it. */
static enum bf_status open_plan(struct trace *trace, struct bf_err *err)
{
    struct bf_generation record;
    const struct bf_city *city;
    enum bf_status status = bf_config_log_open(&trace->kafka, bf_aggregate_kinds(), &trace->log, err);
    if (status != BF_OK) {
        return status;
    }
    trace->install = bf_config_log_install(trace->log);
    int64_t newest = bf_config_log_newest(trace->log);
    status = bf_config_log_generation(trace->log, newest, &record, &city, err);
    if (status == BF_AGAIN) {
        status = bf_err_set(err, BF_CONFIG, "no configuration is in force yet");
        bf_err_hint(err, "belfry reload puts one into force.");
    }
    status = status == BF_OK ? bf_ear_device(city, trace->typed, trace->device, sizeof trace->device, err)
                             : status;
    return status == BF_OK ? bf_kpi_plan_create(city, newest, record.from_us, &trace->plan, err) : status;
}

static enum bf_status run(struct trace *trace, struct bf_err *err)
{
    struct bf_pace signals;
    enum bf_status status = bf_setting_load(trace->config, false, &trace->setting, err);
    if (status != BF_OK) {
        return status;
    }
    bf_pace_start(&signals, 1, 0);
    trace->kafka = bf_wiring_kafka(trace->setting.site, "belfry-trace", trace->properties);
    status = open_plan(trace, err);
    status = status == BF_OK ? open_consumer(trace, err) : status;
    status = status == BF_OK ? bf_trail_create(trace->plan, say, trace, &trace->trail, err) : status;
    if (status == BF_OK) {
        open_redis(trace);
        status = bf_ear_open(trace->setting.site, trace->plan, trace->device, &trace->ear, err);
    }
    if (status == BF_OK) {
        fprintf(stderr, "belfry trace: listening to %s\n", trace->device);
        status = follow(trace, err);
    }
    bf_ear_close(trace->ear);
    bf_redis_close(trace->redis);
    bf_consumer_destroy(trace->consumer);
    bf_trail_destroy(trace->trail);
    if (trace->plan != NULL) {
        bf_kpi_plan_destroy(trace->plan);
    }
    bf_config_log_close(trace->log);
    bf_setting_unload(&trace->setting);
    return status;
}

static int run_trace(int argc, char **argv)
{
    static struct trace trace;
    struct bf_err err = {.message = ""};
    trace = (struct trace){.colour = bf_screen_colours(stdout)};
    for (int option; (option = getopt_long(argc, argv, "c:f:n:jh", long_options, NULL)) != -1;) {
        enum bf_status status = BF_OK;
        switch (option) {
        case 'c':
            trace.config = optarg;
            break;
        case 'f':
            status = bf_argument_duration("for", optarg, &trace.length_us, &err);
            break;
        case 'n':
            status = bf_argument_count("count", optarg, 1, INT64_MAX, &trace.count, &err);
            break;
        case 'j':
            trace.json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return BF_EXIT_OK;
        default:
            return bf_argument_help("trace");
        }
        if (status != BF_OK) {
            return bf_argument_refuse("trace", &err);
        }
    }
    if (optind == argc) {
        fputs("belfry trace: which device?\n", stderr);
        return bf_argument_help("trace");
    }
    if (optind + 1 < argc) {
        return bf_argument_surplus("trace", argv[optind + 1]);
    }
    trace.typed = argv[optind];
    return run(&trace, &err) == BF_OK ? BF_EXIT_OK : bf_setting_fail("trace", &err);
}

const struct bf_command bf_command_trace = {
    .name = "trace",
    .summary = "Follow one device's messages from MQTT to Redis, with the time each stage took.",
    .usage = usage,
    .run = run_trace,
};
