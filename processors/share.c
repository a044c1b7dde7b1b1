/* share.c: pools of shares by size, under one budget. */
#include "processors/share.h"

#define STEP 8u   /* between the small classes */
#define SMALL 64u /* up to here */
#define PARTS 8u  /* classes in a power of two above */

/* What a class has room for behind the cell. */
static size_t state_room(uint32_t class)
{
    if (class < SMALL / STEP) {
        return (class + 1) * STEP;
    }
    uint32_t above = class - SMALL / STEP;
    size_t base = (size_t)SMALL << (above / PARTS);
    return base + (above % PARTS + 1) * (base / PARTS);
}

uint32_t bf_shares_class(size_t state_size)
{
    assert(state_size <= BF_CELL_STATE_MAX);
    uint32_t class = 0;
    while (state_room(class) < state_size) {
        class ++;
    }
    assert(class < BF_SHARE_CLASSES);
    return class;
}

size_t bf_share_size(size_t state_size)
{
    return sizeof(struct bf_share) + state_room(bf_shares_class(state_size));
}

void bf_shares_init(struct bf_shares *shares)
{
    memset(shares, 0, sizeof(*shares));
    for (uint32_t class = 0; class < BF_SHARE_CLASSES; class ++) {
        bf_pool_init(&shares->pools[class], sizeof(struct bf_share) + state_room(class));
    }
}

void bf_shares_deinit(struct bf_shares *shares)
{
    for (uint32_t class = 0; class < BF_SHARE_CLASSES; class ++) {
        bf_pool_deinit(&shares->pools[class]);
    }
}

enum bf_status bf_shares_open(struct bf_shares *shares, uint32_t class, struct bf_err *err)
{
    struct bf_pool *pool = &shares->pools[class];
    shares->open[class] = true;
    uint64_t fit = shares->bytes_limit / pool->size;
    return bf_pool_limit(pool, fit < shares->count_limit ? fit : shares->count_limit, err);
}

enum bf_status bf_shares_limit(struct bf_shares *shares, uint64_t count, uint64_t bytes, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    shares->count_limit = count;
    shares->bytes_limit = bytes;
    for (uint32_t class = 0; status == BF_OK && class < BF_SHARE_CLASSES; class ++) {
        if (shares->open[class]) {
            status = bf_shares_open(shares, class, err);
        }
    }
    return status;
}

bool bf_shares_room(const struct bf_shares *shares, uint32_t class)
{
    const struct bf_pool *pool = &shares->pools[class];
    return pool->live < pool->limit && shares->bytes + pool->size <= shares->bytes_limit;
}

uint32_t bf_share_take(struct bf_shares *shares, uint32_t class)
{
    uint32_t index = bf_shares_room(shares, class) ? bf_pool_take(&shares->pools[class]) : 0;
    if (index != 0) {
        shares->count++;
        shares->bytes += shares->pools[class].size;
    }
    return index;
}

void bf_share_give(struct bf_shares *shares, uint32_t class, uint32_t index)
{
    bf_pool_give(&shares->pools[class], index);
    shares->count--;
    shares->bytes -= shares->pools[class].size;
}
