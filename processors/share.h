/* share.h: room for the cells of windows. Aggregates need from 8 bytes to some kilobytes each, so there is a
 * pool for every class of sizes: steps of 8 bytes up to 64, then of an eighth of the power of two below, so
 * at most an eighth is given away. A share is named by its class, which its slot knows, and its index there.
 * Pools take address space when they are opened and memory only as far as they were ever needed.
 *
 * Declined: one size for all (a count would take as much as a sketch); slabs that classes hand back to each
 * other (then whether there is room would depend on history that a checkpoint does not hold).
 *
 * Owner: the window table.   Thread: the task's.
 * Limits: `bytes` for all classes together and `count` shares of each class; take returns 0 when full. */
#ifndef BF_PROCESSORS_SHARE_H
#define BF_PROCESSORS_SHARE_H

#include "processors/cell.h"
#include "processors/pool.h"

#define BF_SHARE_CLASSES 81

struct bf_share { /* ascending by source within a window */
    uint32_t next;
    int32_t source;
    struct bf_cell cell; /* its state stands behind it */
};

struct bf_shares {
    struct bf_pool pools[BF_SHARE_CLASSES];
    bool open[BF_SHARE_CLASSES]; /* wanted by a slot; the others take no room */
    uint64_t count_limit, bytes_limit;
    uint64_t count, bytes; /* in use */
};

void bf_shares_init(struct bf_shares *shares);
void bf_shares_deinit(struct bf_shares *shares);
/* The class for cells with a state of that size, at most BF_CELL_STATE_MAX. */
uint32_t bf_shares_class(size_t state_size);
/* What a share of such a cell takes. */
size_t bf_share_size(size_t state_size);
/* Before the first share of the class is taken. PEER when memory is out. */
enum bf_status bf_shares_open(struct bf_shares *shares, uint32_t class, struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_shares_limit(struct bf_shares *shares, uint64_t count, uint64_t bytes,
                               struct bf_err *err) BF_MUST_CHECK;

/* Whether take will find room. */
bool bf_shares_room(const struct bf_shares *shares, uint32_t class);
/* A zeroed share's index, 0 at the limit. */
uint32_t bf_share_take(struct bf_shares *shares, uint32_t class);
void bf_share_give(struct bf_shares *shares, uint32_t class, uint32_t index);
static inline struct bf_share *bf_share_at(const struct bf_shares *shares, uint32_t class, uint32_t index)
{
    return bf_pool_at(&shares->pools[class], index);
}

#endif
