/* Why: what sources did between two readings: counters that rose, values that held. One record for each
 * source of each KPI, walked whole at each tick.
 * Declined: forgetting sources; a value that no longer holds gives nothing. */
#include <string.h>

#include "tests/e2e/oracle_inside.h"

struct track {
    struct {
        uint64_t definition, input, source, partition;
    } key;
    struct oracle_part last; /* of its newest reading */
    int64_t upto_us;         /* HELD: its value has been given to panes until then */
};

_Static_assert(sizeof(struct track) <= ORACLE_TRACK, "oracle.c makes the table");

static const struct bf_kpi_definition *input_of(const struct bf_kpi_definition *definition, uint32_t input)
{
    return definition->formula != NULL ? definition->formula->inputs[input] : definition;
}

/* What has closed, or lies in no pane, up to where the first open pane begins. */
static int64_t closed_until(const struct bf_kpi_definition *definition, int64_t clock_us)
{
    return clock_us == BF_TIME_NONE
               ? BF_TIME_NONE
               : oracle_pane_after(&definition->window, clock_us - definition->delay_us).start_us;
}

/* The last value holds until then, in pieces that panes cut. What no pane takes any more is left out. */
static void hold_until(struct oracle *oracle, struct track *track, int64_t to_us, int64_t clock_us,
                       int64_t offset)
{
    const struct oracle_part *last = &track->last;
    const struct bf_kpi_definition *definition = oracle->definitions[last->definition];
    const struct oracle_partition *partition = &oracle->partitions[last->partition];
    int64_t until_us = last->event_us + input_of(definition, last->input)->options.hold_us;
    int64_t end_us = to_us < until_us ? to_us : until_us;
    while (track->upto_us < end_us) {
        struct oracle_pane pane = oracle_pane_after(&definition->window, track->upto_us);
        int64_t from_us = pane.start_us > track->upto_us ? pane.start_us : track->upto_us;
        int64_t piece_end_us = pane.end_us < end_us ? pane.end_us : end_us;
        size_t known = oracle_generation_at(partition, pane.start_us);
        bool refused = clock_us >= pane.end_us + definition->delay_us + definition->lateness_us;
        if (from_us < piece_end_us && !refused &&
            oracle_decides(oracle, partition->known[known].generation, last->definition)) {
            struct oracle_part piece = *last;
            piece.share = SHARE_STEP;
            piece.pane = pane;
            piece.clock_us = clock_us;
            piece.offset = offset;
            piece.length_us = piece_end_us - from_us;
            oracle_push(oracle, &piece);
        }
        track->upto_us = piece_end_us;
    }
}

/* A counter that falls has begun again, at zero or at its rollover. */
static double rise_of(double from, double to, double rollover)
{
    double begun = rollover > 0 && from <= rollover && to >= 0 ? to + rollover - from : to;
    double rise = to < from ? begun : to - from;
    return rise < 0 ? 0 : rise;
}

static void note_change(struct oracle *oracle, const struct track *track, const struct oracle_part *now)
{
    const struct bf_value_options *options =
        &input_of(oracle->definitions[now->definition], now->input)->options;
    struct oracle_part step = *now;
    step.share = SHARE_STEP;
    step.length_us = now->event_us - track->last.event_us;
    step.value = rise_of(track->last.value, now->value, options->rollover);
    if (step.length_us <= options->hold_us) {
        oracle_push(oracle, &step);
    }
}

void oracle_follow(struct oracle *oracle, const struct oracle_part *part, struct bf_slice source)
{
    const struct bf_kpi_definition *definition = oracle->definitions[part->definition];
    struct track key = {.key = {.definition = part->definition,
                                .input = part->input,
                                .source = (uint64_t)(uintptr_t)oracle_keep(oracle, source),
                                .partition = (uint64_t)part->partition}};
    bool held = kind_table[oracle_kind(input_of(definition, part->input))].input == BF_INPUT_HELD,
         created = false;
    struct track *track = bf_table_put(oracle->tracks, &key.key, &created);
    if (track == NULL) {
        oracle_differ(oracle, "more than %u sources", ORACLE_TEXTS);
        return;
    }
    if (!created && part->event_us <= track->last.event_us) {
        return;
    }
    if (!created && held) {
        hold_until(oracle, track, part->event_us, part->clock_us, part->offset);
    } else if (!created) {
        note_change(oracle, track, part);
    }
    track->upto_us = created || track->upto_us < part->event_us ? part->event_us : track->upto_us;
    track->last = *part;
    if (held) {
        hold_until(oracle, track, closed_until(definition, part->clock_us), part->clock_us, part->offset);
    }
}

void oracle_hold(struct oracle *oracle, int32_t partition, int64_t offset, int64_t before_us)
{
    struct track *track;
    for (size_t i = 0; (track = bf_table_next(oracle->tracks, &i)) != NULL;) {
        const struct bf_kpi_definition *definition = oracle->definitions[track->last.definition];
        bool held = kind_table[oracle_kind(input_of(definition, track->last.input))].input == BF_INPUT_HELD;
        if (held && track->last.partition == partition) {
            hold_until(oracle, track, closed_until(definition, oracle->partitions[partition].clock_us),
                       before_us, offset);
        }
    }
}
