/* definition.h: what one KPI is, as the files in kpis say it: which readings, over which time, by which
 * groups, by which aggregate. Checked and complete; the loader is config/kpi.h.
 * Owner: the city.   Thread: read-only after load. */
#ifndef BF_CONFIG_DEFINITION_H
#define BF_CONFIG_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/expression.h"
#include "core/slice.h"

enum bf_group_kind { BF_GROUP_CITY, BF_GROUP_ZONE, BF_GROUP_DEVICE, BF_GROUP_TAG };
struct bf_group_by { enum bf_group_kind kind; struct bf_slice tag; };

/* ---- what a KPI makes of its readings */

/* The unit of an aggregate's result, against that of the readings it takes. */
enum bf_result_unit {
    BF_RESULT_SAME,
    BF_RESULT_NUMBER,   /* "1" or {things} */
    BF_RESULT_SQUARE,   /* variance */
    BF_RESULT_PER_TIME, /* rate: per second, times `per` */
    BF_RESULT_TIME,     /* seconds, converted to the KPI's unit */
    BF_RESULT_SHARE     /* 0 to 1, or per cent where the KPI's unit is % */
};

enum bf_aggregate_input {
    BF_INPUT_VALUE,  /* readings with a number */
    BF_INPUT_ANY,    /* all readings, of any quantity, texts too: count, distinct */
    BF_INPUT_CHANGE, /* steps from a source's reading to its next, in the window of the latter: counters */
    BF_INPUT_HELD    /* steps, cut at the ends of windows: a value counts as long as it holds (`hold`) */
};

/* What the configuration must know of an aggregate (processors/aggregate/aggregate.h). */
struct bf_aggregate_kind {
    const char *name; /* "mean", as it is written */
    /* Its options: names separated by spaces, `!` behind those that must be there ("p!"). NULL: none. */
    const char *takes;
    enum bf_result_unit unit;
    enum bf_aggregate_input input;
};

#define BF_BOUNDS_MAX 40 /* of a histogram: its detail fits into a record */
#define BF_TOP_MAX 12    /* of top_k */
/* The options of all aggregates, each checked in one place. */
struct bf_value_options {
    double p;             /* quantile: 0 to 1 */
    const double *bounds; /* histogram: ascending upper edges */
    size_t bound_count;
    uint64_t k; /* top_k */
    /* distinct, top_k: what is counted: source, device, zone, profile, value, or a tag */
    struct bf_slice of_text;
    struct bf_slice weight_text, when_text;
    struct bf_expression *weight; /* of each reading; NULL: 1 */
    struct bf_expression *when;   /* the condition of share and time_in_state */
    int64_t every_us;             /* completeness: how often each source ought to send */
    int64_t hold_us;              /* HELD, CHANGE: how long a value holds when no other comes */
    double rollover;              /* counters: where they begin again; 0: a fall is a reset to zero */
    int64_t per_us;               /* rate: per this time */
    bool fraction;                /* time_in_state: of the time that is known, not seconds */
    double scale;                 /* from the result to the KPI's unit; 1 for most */
    const struct bf_formula *formula; /* of a derived KPI, else NULL */
};

/* ---- over which time */

enum bf_window_kind { BF_WINDOW_FIXED, BF_WINDOW_CALENDAR, BF_WINDOW_SESSION, BF_WINDOW_COUNT };
enum bf_calendar_unit {
    BF_CALENDAR_HOUR,
    BF_CALENDAR_DAY,
    BF_CALENDAR_WEEK,
    BF_CALENDAR_MONTH,
    BF_CALENDAR_YEAR
};
/* Of the clock on the wall, in seconds after midnight; to_s > from_s, beyond 86400 on the next day. */
struct bf_day_part { int32_t from_s, to_s; };
#define BF_DAY_PARTS_MAX 8
#define BF_WINDOW_PANES_MAX 4000

/* A window is `panes` panes in a row, and one ends with every pane. Readings go to panes; a window's value is
 * made of theirs. So a year that slides by days costs 365 sub-totals, and a reading is added once.
 * FIXED: panes of pane_us since 1970 (tumbling: one pane; hopping, sliding: several).
 * CALENDAR: a pane is a unit of the city's civil time.   SESSION, COUNT: by device only. */
struct bf_window_shape {
    enum bf_window_kind kind;
    int64_t pane_us; /* FIXED: a pane's length; CALENDAR: its longest */
    uint32_t panes;
    enum bf_calendar_unit unit;
    int32_t day_start_s; /* CALENDAR: where its days begin; 04:30 is 16200 */
    /* `between`: only these hours, ascending, each counted to the day on which it begins. DAY: each is a pane
     * of its own; HOUR, WEEK, MONTH, YEAR: what lies outside is in no pane. */
    struct bf_day_part parts[BF_DAY_PARTS_MAX];
    size_t part_count;
    uint8_t weekdays;            /* `on`: only on these days, bit 0 is Monday; 0: on all */
    int64_t gap_us, longest_us;  /* SESSION: ends after a silence of gap; a longer one is cut */
    uint64_t readings;           /* COUNT: in a pane */
    const struct bf_timezone *timezone; /* CALENDAR: the city's; NULL: UTC */
};

/* ---- derived KPIs: an expression over others, which it carries along */

#define BF_FORMULA_INPUTS_MAX 8

struct bf_formula_place { struct bf_slice scope; double number; }; /* "zone.north" */
struct bf_formula_name {
    enum { BF_FORMULA_KPI, BF_FORMULA_NUMBER, BF_FORMULA_ZONE } kind;
    const struct bf_kpi_definition *kpi; /* derived itself, or an input */
    double number;                       /* of the city */
    const struct bf_formula_place *places; /* by zone, ascending */
    size_t place_count;
};
struct bf_formula {
    struct bf_slice text;
    struct bf_expression *expression;
    struct bf_formula_name *names; /* in the order of bf_expression_name */
    /* All KPIs that read readings, its own and those of derived KPIs it refers to, each once. */
    const struct bf_kpi_definition **inputs;
    size_t input_count;
};

struct bf_band { double upto; struct bf_slice name; }; /* ascending; the last may be infinite */

struct bf_kpi_definition {
    struct bf_slice id, title, unit, file;
    struct bf_slice u4ssc, sdg, iso37120;
    struct bf_slice quantity; /* "*": every one (BF_INPUT_ANY only) */
    struct bf_slice where_text;
    struct bf_expression *where; /* NULL: all. Names: names.def, and tags */
    bool take_suspect;
    struct bf_window_shape window;
    int64_t window_us; /* the longest that a window may be; COUNT: 0 */
    int64_t delay_us, lateness_us;
    struct bf_group_by *group;
    size_t group_count; /* city: none */
    bool by_device;     /* group has device: finished in stage 1 */
    struct bf_slice aggregate; /* name in processors/aggregate/aggregates.def; of a derived KPI: formula */
    struct bf_formula *formula; /* NULL: of readings */
    struct bf_value_options options;
    bool has_target;
    double target;
    struct bf_band *bands;
    size_t band_count;
    bool live;     /* provisional values wanted (default true) */
    uint64_t hash; /* of the definition: all that changes a number, not title or code */
};

#endif
