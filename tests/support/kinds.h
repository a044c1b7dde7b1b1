/* kinds.h: what the configuration must know of every aggregate, written out, for tests that link no
 * processors: a wrong table of belfry's own cannot agree with itself. The list is aggregates.def's; that
 * both say the same is tests/contract/test_aggregates.c.
 * Owner: static.   Thread: any. */
#ifndef BF_TESTS_SUPPORT_KINDS_H
#define BF_TESTS_SUPPORT_KINDS_H

#include "config/definition.h"

enum kind_index {
#define X(name) KIND_##name,
#include "processors/aggregate/aggregates.def"
#undef X
    KINDS
};

static const struct bf_aggregate_kind kind_table[KINDS] = {
    [KIND_count] = {.name = "count", .unit = BF_RESULT_NUMBER, .input = BF_INPUT_ANY},
    [KIND_sum] = {.name = "sum"},
    [KIND_mean] = {.name = "mean"},
    [KIND_weighted_mean] = {.name = "weighted_mean", .takes = "weight!"},
    [KIND_time_weighted_mean] = {.name = "time_weighted_mean", .takes = "hold", .input = BF_INPUT_HELD},
    [KIND_energy_mean] = {.name = "energy_mean", .takes = "weight"},
    [KIND_circular_mean] = {.name = "circular_mean", .takes = "weight"},
    [KIND_min] = {.name = "min"},
    [KIND_max] = {.name = "max"},
    [KIND_range] = {.name = "range"},
    [KIND_first] = {.name = "first"},
    [KIND_last] = {.name = "last"},
    [KIND_variance] = {.name = "variance", .unit = BF_RESULT_SQUARE},
    [KIND_stddev] = {.name = "stddev"},
    [KIND_share] = {.name = "share", .takes = "when!", .unit = BF_RESULT_SHARE, .input = BF_INPUT_ANY},
    [KIND_increase] = {.name = "increase", .takes = "rollover hold", .input = BF_INPUT_CHANGE},
    [KIND_rate] = {.name = "rate",
                   .takes = "per rollover hold",
                   .unit = BF_RESULT_PER_TIME,
                   .input = BF_INPUT_CHANGE},
    [KIND_time_in_state] = {.name = "time_in_state",
                            .takes = "when! hold fraction",
                            .unit = BF_RESULT_TIME,
                            .input = BF_INPUT_HELD},
    [KIND_completeness] = {.name = "completeness",
                           .takes = "every! hold",
                           .unit = BF_RESULT_SHARE,
                           .input = BF_INPUT_HELD},
    [KIND_quantile] = {.name = "quantile", .takes = "p!"},
    [KIND_histogram] = {.name = "histogram", .takes = "bounds!", .unit = BF_RESULT_NUMBER},
    [KIND_distinct] = {.name = "distinct", .takes = "of!", .unit = BF_RESULT_NUMBER, .input = BF_INPUT_ANY},
    [KIND_top_k] = {.name = "top_k", .takes = "of! k", .unit = BF_RESULT_NUMBER, .input = BF_INPUT_ANY},
};

static const struct bf_aggregate_kind *const aggregates[KINDS + 1] = {
#define X(name) &kind_table[KIND_##name],
#include "processors/aggregate/aggregates.def"
#undef X
    NULL};

#endif
