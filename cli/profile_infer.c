/* profile_infer.c: `belfry profile infer`: messages from captures or from the broker, the proposal, and
 * the proof: the proposed profile is loaded and run over the same messages. See infer.h. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/catch.h"
#include "cli/infer.h"
#include "cli/listen.h"
#include "cli/pace.h"
#include "cli/profile.h"
#include "core/time.h"

#define SHARE 0.95
#define TURN_MS 100
#define REASONS 8

/* ---- messages */

struct gathering {
    struct bf_sample *sample;
    pthread_mutex_t lock;
    enum bf_status status;
};

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    struct gathering *gathering = context;
    pthread_mutex_lock(&gathering->lock);
    if (gathering->status == BF_OK && !message->retained) {
        gathering->status = bf_sample_add(gathering->sample, message->topic, message->payload,
                                          message->has_time ? message->time_us : bf_time_wall_us(), NULL);
    }
    pthread_mutex_unlock(&gathering->lock);
}

static enum bf_status listen_for(const struct bf_profile_command *command, struct bf_sample *sample,
                                 struct bf_err *err)
{
    struct bf_setting setting;
    struct bf_pace signals;
    struct bf_listen *listen = NULL;
    struct gathering gathering = {.sample = sample};
    const char *filter = command->topic != NULL ? command->topic : "#";
    const struct bf_listen_options options = {.name = "belfry-infer",
                                              .filters = &filter,
                                              .filter_count = 1,
                                              .message = on_message,
                                              .context = &gathering};
    enum bf_status status = bf_setting_load(command->config, false, &setting, err);
    if (status != BF_OK) {
        return status;
    }
    pthread_mutex_init(&gathering.lock, NULL);
    bf_pace_start(&signals, 1, 0);
    status = bf_listen_open(setting.site, &options, &listen, err);
    int64_t until_us = bf_time_monotonic_us() + command->length_us;
    while (status == BF_OK && bf_time_monotonic_us() < until_us && bf_pace_idle(TURN_MS)) {
        status = bf_listen_check(listen, err);
    }
    bf_listen_close(listen);
    pthread_mutex_destroy(&gathering.lock);
    bf_setting_unload(&setting);
    return status == BF_OK && gathering.status != BF_OK ? bf_err_set(err, BF_LIMIT, "no memory") : status;
}

static enum bf_status gather(const struct bf_profile_command *command, struct bf_sample *sample,
                             struct bf_err *err)
{
    enum bf_status status = command->length_us > 0 ? listen_for(command, sample, err) : BF_OK;
    for (size_t i = 0; status == BF_OK && i < command->capture_count; i++) {
        status = bf_sample_read(sample, command->captures[i], command->topic, err);
    }
    return status;
}

/* ---- the proof */

struct proof {
    uint64_t read, reasons_count[REASONS];
    char reasons[REASONS][40];
    size_t reason_count;
};

static void note_reject(struct proof *proof, const struct bf_reject *reject)
{
    char name[40];
    (void)snprintf(name, sizeof name, "%.*s", BF_SLICE_ARG(reject->reason));
    size_t i = 0;
    while (i < proof->reason_count && strcmp(proof->reasons[i], name) != 0) {
        i++;
    }
    if (i == proof->reason_count && i < REASONS) {
        memcpy(proof->reasons[proof->reason_count++], name, sizeof name);
    }
    if (i < REASONS) {
        proof->reasons_count[i]++;
    }
}

static enum bf_status prove(const struct bf_sample *sample, struct bf_slice yaml, struct proof *proof,
                            struct bf_err *err)
{
    struct bf_bundle_file files[] = {
        {.name = BF_SLICE_INIT("city.yaml"), .bytes = BF_SLICE_INIT("name: proposal\n")},
        {.name = BF_SLICE_INIT("profiles/proposal.yaml"), .bytes = yaml}};
    const struct bf_bundle bundle = {.files = files, .count = 2, .hash = "0"};
    const struct bf_pipeline_limits limits = bf_setting_limits(NULL);
    struct bf_city *city = bf_city_inspect(&bundle, NULL);
    struct bf_catch *catch = NULL;
    enum bf_status status = BF_OK;
    if (city->profile_count != 1 || !city->profiles[0].enabled) {
        status = bf_err_set(err, BF_CONFIG, "the proposal cannot be loaded: %s",
                            city->problem_count > 0 ? city->problems[0].text : "");
    }
    status = status == BF_OK ? bf_catch_create(city, &limits, &catch, err) : status;
    for (size_t i = 0; status == BF_OK && i < sample->count; i++) {
        const struct bf_catch_message message = {.topic = sample->messages[i].topic,
                                                 .payload = sample->messages[i].payload,
                                                 .at_us = sample->messages[i].at_us};
        const struct bf_caught *caught = bf_catch_run(catch, &message);
        proof->read += caught->reading_count > 0;
        for (size_t r = 0; r < caught->reject_count; r++) {
            note_reject(proof, &caught->rejects[r]);
        }
    }
    bf_catch_destroy(catch);
    bf_city_destroy(city);
    return status;
}

static enum bf_status tell(const struct bf_sample *sample, const struct proof *proof, struct bf_err *err)
{
    double share = (double)proof->read / (double)sample->count;
    fprintf(stderr, "belfry profile infer: the proposal reads %llu of %zu messages (%.1f %%)\n",
            (unsigned long long)proof->read, sample->count, share * 100);
    for (size_t i = 0; i < proof->reason_count; i++) {
        fprintf(stderr, "  %llu rejects: %s\n", (unsigned long long)proof->reasons_count[i],
                proof->reasons[i]);
    }
    if (sample->unreadable + sample->beyond > 0) {
        fprintf(stderr, "  left out: %llu lines that are no messages, %llu beyond the first %zu\n",
                (unsigned long long)sample->unreadable, (unsigned long long)sample->beyond, sample->count);
    }
    return share >= SHARE ? BF_OK : bf_err_set(err, BF_MALFORMED, "it reads too few of them");
}

static enum bf_status put_out(const struct bf_profile_command *command, struct bf_slice yaml,
                              struct bf_err *err)
{
    bool file = command->output != NULL && strcmp(command->output, "-") != 0;
    FILE *out = file ? fopen(command->output, "wxe") : stdout;
    bool good = out != NULL && fwrite(yaml.data, 1, yaml.len, out) == yaml.len;
    good = (out == NULL || (file ? fclose(out) : fflush(out)) == 0) && good;
    return good ? BF_OK
                : bf_err_set(err, BF_CONFIG, "could not write %s: %s", file ? command->output : "the profile",
                             strerror(errno));
}

enum bf_status bf_profile_infer(const struct bf_profile_command *command, struct bf_err *err)
{
    static struct bf_proposal proposal; /* large */
    struct bf_sample sample = {.count = 0};
    struct proof proof = {.read = 0};
    char *text = NULL;
    size_t size = 0;
    proposal = (struct bf_proposal){.sample = NULL};
    enum bf_status status = gather(command, &sample, err);
    status = status == BF_OK ? bf_infer(&sample, &proposal, err) : status;
    FILE *out = status == BF_OK ? open_memstream(&text, &size) : NULL;
    if (out != NULL) {
        bf_infer_write(&proposal, command->name != NULL ? command->name : "new-device", command->network,
                       out);
        fclose(out);
        const struct bf_slice yaml = {text, size};
        status = prove(&sample, yaml, &proof, err);
        enum bf_status written = put_out(command, yaml, status == BF_OK ? err : NULL);
        status = status == BF_OK ? written : status;
        status = status == BF_OK ? tell(&sample, &proof, err) : status;
    }
    free(text);
    bf_infer_clear(&proposal);
    bf_sample_clear(&sample);
    return status;
}
