/* compare.h: two sides' results of the same windows, side by side: what is on record in belfry.kpis, and
 * what a replay made. Both come in about the order of log time, so a window is held only until both sides
 * are past its lateness; what is held is in proportion to the open windows, not to the length of the log.
 *
 * Compared are, of each window, its final and its newest revision: value, n, what was excluded, range,
 * quality, target and band. Where the replay did not begin at the log's beginning, the instants at which a
 * late window was sent may differ, and with them the number of its revisions; then only the newest counts.
 * A window is left out that began before `from_us`, that was not closed before `last_us`, or that has no
 * data and may be known from before the replay's beginning only.
 *
 * Owner: creator.   Thread: any (one lock); `definition` is called by the thread that puts on record.
 * Limits: `windows` held at once; `show` differences of each KPI are kept, the first by window and scope. */
#ifndef BF_CLI_COMPARE_H
#define BF_CLI_COMPARE_H

#include "config/city.h"
#include "core/result.h"

enum bf_compare_side { BF_COMPARE_RECORD, BF_COMPARE_REPLAY };

struct bf_comparison;

struct bf_compare_options {
    const struct bf_city *city; /* of the replay */
    /* The hash of that KPI's definition in a generation on record; 0: it had none. */
    uint64_t (*definition)(void *context, int64_t generation, struct bf_slice kpi);
    void *context;
    int64_t margin_us; /* how far results of one side may be out of order in log time */
    size_t windows, show;
};

enum bf_compare_kind { BF_COMPARE_VALUE, BF_COMPARE_MISSING /* on record only */, BF_COMPARE_SURPLUS };

struct bf_compare_result {
    bool has_value;
    double value;
    uint64_t n;
    uint64_t digest; /* of all that is compared */
};

struct bf_compare_difference {
    int64_t start_us, end_us;
    char scope[64]; /* cut */
    enum bf_compare_kind kind;
    bool redefined; /* on record by another definition */
    bool revision;  /* the finals are equal, the newest revisions are not */
    struct bf_compare_result old, new;
};

struct bf_compare_kpi {
    struct bf_slice id;
    uint64_t equal, different, missing, surplus, left_out; /* windows */
    uint64_t on_record;                                    /* results */
    bool redefined;                                        /* some of them by another definition */
    const struct bf_compare_difference *shown;
    size_t shown_count;
};

enum bf_status bf_comparison_create(const struct bf_compare_options *options,
                                    struct bf_comparison **comparison, struct bf_err *err) BF_MUST_CHECK;
void bf_comparison_destroy(struct bf_comparison *comparison);
/* Before the first `reached`. exact: the replay began at the log's beginning. */
void bf_comparison_from(struct bf_comparison *comparison, int64_t from_us, bool exact);
/* A final or revision; provisional values are passed over. LIMIT where too many windows are open. */
enum bf_status bf_comparison_put(struct bf_comparison *comparison, enum bf_compare_side side,
                                 const struct bf_kpi *kpi, struct bf_err *err) BF_MUST_CHECK;
/* That side is through up to this log time, but for margin_us. */
void bf_comparison_reached(struct bf_comparison *comparison, enum bf_compare_side side, int64_t clock_us);
/* Both sides are complete up to last_us. */
void bf_comparison_end(struct bf_comparison *comparison, int64_t last_us);

/* After the end. KPIs in the order of the city. */
size_t bf_comparison_kpis(const struct bf_comparison *comparison);
struct bf_compare_kpi bf_comparison_kpi(const struct bf_comparison *comparison, size_t index);
/* Results on record of KPIs that the city does not have. */
uint64_t bf_comparison_gone(const struct bf_comparison *comparison);
bool bf_comparison_equal(const struct bf_comparison *comparison);

#endif
