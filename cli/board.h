/* board.h: a board (a wall of KPIs) as any dashboard reads it: one HGETALL of belfry:v1:board:<name>, the
 * hashes of what it shows, and belfry:v1:meta. Nothing but Redis is asked.
 * Owner: the caller (a value).   Thread: one.   Limits: BF_BOARD_ROWS KPIs; further ones are counted. */
#ifndef BF_CLI_BOARD_H
#define BF_CLI_BOARD_H

#include <stdint.h>

#include "core/err.h"
#include "peers/redis/redis.h"

#define BF_BOARD_ROWS 64
#define BF_BOARD_TEXT 48

struct bf_board_end { /* the scope at one end of the range */
    double value;
    char scope[BF_BOARD_TEXT];
};

struct bf_board_row {
    char kpi[BF_BOARD_TEXT], unit[16];
    struct bf_board_end low, high;
    uint64_t scopes;
    int64_t window_end_ms; /* of the scope at the high end; 0: unknown */
    bool final;
};

struct bf_board_view {
    char name[BF_BOARD_TEXT]; /* of the board; empty: there is none yet */
    struct bf_board_row rows[BF_BOARD_ROWS];
    size_t count;
    uint64_t more;                 /* values of KPIs beyond the last row */
    uint64_t kpis, devices, kinds; /* of the whole installation; kinds: profiles with a device */
    int64_t clock_ms, behind_ms, generation;
};

/* board NULL: the first by name. kinds are counted only if asked for: it reads every device's hash. */
enum bf_status bf_board_read(struct bf_redis *redis, const char *board, bool with_kinds,
                             struct bf_board_view *view, struct bf_err *err) BF_MUST_CHECK;

#endif
