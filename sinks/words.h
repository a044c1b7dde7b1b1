/* words.h: from records to the words of a command: the compact positional form that redis.lua reads.
 * Borrowed slices stand as they are, numbers and messages go into one text buffer.
 *
 * Owner:  creator; buffers are taken once.   Thread: the owner's.
 * Limits: sticky `full` where something did not fit. */
#ifndef BF_SINKS_WORDS_H
#define BF_SINKS_WORDS_H

#include "core/err.h"
#include "core/result.h"

struct bf__words {
    struct bf_slice *at; /* the words; the first `first` are room for a head that is known last */
    size_t first, count, capacity;
    char *text;
    size_t used, size;
    bool full;
};

/* What the configuration says of one KPI, ready for use as words. */
struct bf__kpi_names {
    struct bf_slice id;      /* as in the records */
    struct bf_slice escaped; /* as in keys */
    struct bf_slice boards;  /* "wall air": names joined by a space */
};

enum bf_status bf__words_init(struct bf__words *words, size_t head, size_t capacity, size_t text,
                              struct bf_err *err) BF_MUST_CHECK;
void bf__words_deinit(struct bf__words *words);
void bf__words_reset(struct bf__words *words);

/* Borrows the word; copies it; formats it. Unknown is the empty word. */
void bf__words_put(struct bf__words *words, struct bf_slice word);
void bf__words_put_copy(struct bf__words *words, struct bf_slice word);
void bf__words_put_int(struct bf__words *words, int64_t value);
void bf__words_put_number(struct bf__words *words, double value);

/* The words of a record behind its kind and origin. */
void bf__words_put_kpi(struct bf__words *words, const struct bf_kpi *kpi, const struct bf__kpi_names *names,
                       int64_t offset);
void bf__words_put_device(struct bf__words *words, const struct bf_device *device);

#endif
