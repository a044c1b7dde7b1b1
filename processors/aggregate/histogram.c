/* histogram.c: how many values fall between given bounds: the detail {"bounds":[...],"counts":[...]}, with
 * one count more than bounds: up to and with each bound, and above the last. The value is their sum. */
#include "processors/aggregate/aggregate.h"
#include "processors/aggregate/detail.h"

struct state {
    uint64_t bounds;
    uint64_t counts[]; /* bounds + 1 */
};

static size_t size(const struct bf_value_options *options)
{
    return sizeof(struct state) + (options->bound_count + 1) * sizeof(uint64_t);
}

static void init(void *state, const struct bf_value_options *options)
{
    struct state *histogram = state;
    histogram->bounds = options->bound_count;
    memset(histogram->counts, 0, (options->bound_count + 1) * sizeof *histogram->counts);
}

static void add(void *state, const struct bf_sample *sample, const struct bf_value_options *options)
{
    struct state *histogram = state;
    size_t at = 0;
    while (at < options->bound_count && sample->value > options->bounds[at]) {
        at++;
    }
    histogram->counts[at]++;
}

static void merge(void *state, const void *other)
{
    struct state *histogram = state;
    for (uint64_t i = 0; i <= histogram->bounds; i++) {
        histogram->counts[i] += ((const struct state *)other)->counts[i];
    }
}

static bool result(const void *state, const struct bf_value_options *options, double *value)
{
    (void)options;
    const struct state *histogram = state;
    uint64_t n = 0;
    for (uint64_t i = 0; i <= histogram->bounds; i++) {
        n += histogram->counts[i];
    }
    *value = (double)n;
    return true;
}

static size_t detail(const void *state, const struct bf_value_options *options, char json[BF_KPI_DETAIL_MAX])
{
    const struct state *histogram = state;
    struct bf_detail text = bf_detail_begin(json, 2);
    bf_detail_put(&text, "{\"bounds\":[");
    for (size_t i = 0; i < options->bound_count; i++) {
        bf_detail_put(&text, i > 0 ? "," : "");
        bf_detail_put_double(&text, options->bounds[i]);
    }
    bf_detail_put(&text, "],\"counts\":[");
    for (uint64_t i = 0; i <= histogram->bounds; i++) {
        bf_detail_put(&text, i > 0 ? "," : "");
        bf_detail_put_uint(&text, histogram->counts[i]);
    }
    return bf_detail_end(&text, "]}");
}

static void save(const void *state, struct bf_mp_writer *writer)
{
    const struct state *histogram = state;
    bf_mp_put_array(writer, (uint32_t)histogram->bounds + 1);
    for (uint64_t i = 0; i <= histogram->bounds; i++) {
        bf_mp_put_uint(writer, histogram->counts[i]);
    }
}

static enum bf_status load(void *state, struct bf_mp_reader *reader)
{
    struct state *histogram = state;
    if (bf_mp_get_array(reader) != histogram->bounds + 1) {
        return BF_MALFORMED;
    }
    for (uint64_t i = 0; i <= histogram->bounds; i++) {
        histogram->counts[i] = bf_mp_get_uint(reader);
    }
    return bf_mp_ok(reader) ? BF_OK : BF_MALFORMED;
}

extern const struct bf_aggregate bf_aggregate_histogram;
const struct bf_aggregate bf_aggregate_histogram = {
    .kind = {.name = "histogram", .takes = "bounds!", .unit = BF_RESULT_NUMBER, .input = BF_INPUT_VALUE},
    .summary = "How many values lie between the `bounds`, in the detail; the value is their sum.",
    .exact = true,
    .state_size = sizeof(struct state) + (BF_BOUNDS_MAX + 1) * sizeof(uint64_t),
    .size = size,
    .init = init,
    .add = add,
    .merge = merge,
    .result = result,
    .detail = detail,
    .save = save,
    .load = load,
};
