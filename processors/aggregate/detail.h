/* detail.h: the JSON of an aggregate's detail, in a buffer of BF_KPI_DETAIL_MAX bytes. What does not fit is
 * taken back as a whole, so the text stays valid: mark() before an element, cut() after it.
 * Owner: the caller's stack.   Thread: values, any. */
#ifndef BF_PROCESSORS_DETAIL_H
#define BF_PROCESSORS_DETAIL_H

#include "core/result.h"

struct bf_detail {
    char *json;
    size_t len, room; /* room: what is kept for the ends of what is open */
    bool full;
};

/* `ends`: bytes that will close the text. */
struct bf_detail bf_detail_begin(char json[BF_KPI_DETAIL_MAX], size_t ends);
void bf_detail_put(struct bf_detail *detail, const char *literal);
void bf_detail_put_uint(struct bf_detail *detail, uint64_t value);
void bf_detail_put_double(struct bf_detail *detail, double value); /* finite */
/* A string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void bf_detail_put_text(struct bf_detail *detail, struct bf_slice text);
/* Takes back what was put since `mark` (an earlier `len`) if it did not fit; false then. */
bool bf_detail_cut(struct bf_detail *detail, size_t mark);
/* With the closing literal; the text's length. */
size_t bf_detail_end(struct bf_detail *detail, const char *literal);

#endif
