/* generation.c: which configuration the sink goes by.
 *
 * It comes from the log, never from files: a generation is in force once the log time of the results has
 * reached its `from`, or once a result of it has come. Until then what it removes is still shown. */
#include <inttypes.h>

#include "core/log.h"
#include "sinks/runner_state.h"

/* The newest generation that is due; *next_from_us: when a newer one will be. 0: none. */
static enum bf_status choose(struct bf__runner *runner, int64_t needed, struct bf_sink_view *view,
                             int64_t *next_from_us, struct bf_err *err)
{
    int64_t newest = bf_config_log_newest(runner->log);
    *next_from_us = INT64_MAX;
    for (int64_t number = newest; number > runner->view.generation; number--) {
        struct bf_generation record;
        const struct bf_city *city = NULL;
        enum bf_status status = bf_config_log_generation(runner->log, number, &record, &city, err);
        if (status == BF_AGAIN) {
            continue;
        }
        if (status != BF_OK) {
            return status;
        }
        /* With nothing to go by, the oldest that is there. */
        bool first = runner->view.generation == 0 && runner->clock_us == BF_TIME_NONE;
        if (record.from_us <= runner->clock_us || number <= needed || first) {
            *view = (struct bf_sink_view){.generation = number, .city = city};
        }
        if (record.from_us <= runner->clock_us || number <= needed) {
            return BF_OK;
        }
        *next_from_us = record.from_us;
    }
    return BF_OK;
}

enum bf_status bf__runner_configure(struct bf__runner *runner, int64_t needed, int timeout_ms,
                                    struct bf_err *err)
{
    struct bf_sink_view view = runner->view;
    enum bf_status status = bf_config_log_refresh(runner->log, timeout_ms, err);
    if (status != BF_OK && status != BF_AGAIN && status != BF_PEER) {
        return status;
    }
    status = choose(runner, needed, &view, &runner->next_from_us, err);
    if (status != BF_OK) {
        return status;
    }
    if (view.generation == 0) {
        bf_health_set(runner->context.health, "config", BF_HEALTH_NOT_READY,
                      "no configuration in the log yet");
        return BF_AGAIN;
    }
    if (view.generation != runner->view.generation) {
        status = bf__runner_write(runner, true, err); /* what has come so far goes by the older one */
        if (status != BF_OK) {
            return status;
        }
        bf_log(BF_LOG_INFO, "sink.generation", "generation=%" PRId64 " hash=%s", view.generation,
               view.city->hash);
        runner->view = view;
        bf_gauge(runner->generation, view.generation);
    }
    bf_health_set(runner->context.health, "config", BF_HEALTH_OK, "generation %" PRId64, view.generation);
    return bf__runner_answer(runner, runner->sink->adopt(runner->self, &runner->view, err), err);
}
