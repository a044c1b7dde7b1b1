/* rejects.h: the two halves of `belfry rejects`: looking at what was refused, and feeding it back.
 * Thread: main. */
#ifndef BF_CLI_REJECTS_H
#define BF_CLI_REJECTS_H

#include "cli/reject_log.h"
#include "cli/setting.h"
#include "config/log/config_log.h"

struct bf_rejects {
    struct bf_reject_filter filter;
    uint64_t newest;
    bool follow, dry_run, unsure, json;
    const struct bf_setting *setting;
    const struct bf_kafka_options *kafka;
    struct bf_config_log *config;
    struct bf_reject_log *log;
};

enum bf_status bf_rejects_list(const struct bf_rejects *rejects, struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_rejects_replay(const struct bf_rejects *rejects, struct bf_err *err) BF_MUST_CHECK;

#endif
