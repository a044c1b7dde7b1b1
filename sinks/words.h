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

#define BF_KPI_FIELDS 14
/* Names of the values of a KPI in the order of its words: as in redis.lua. */
extern const struct bf_slice bf__kpi_fields[BF_KPI_FIELDS];

enum bf_status bf__words_init(struct bf__words *words, size_t head, size_t capacity, size_t text,
                              struct bf_err *err) BF_MUST_CHECK;
void bf__words_deinit(struct bf__words *words);
void bf__words_reset(struct bf__words *words);

/* Borrows the word; copies it; formats it. Unknown is the empty word. */
void bf__words_put(struct bf__words *words, struct bf_slice word);
void bf__words_put_copy(struct bf__words *words, struct bf_slice word);
void bf__words_put_int(struct bf__words *words, int64_t value);
void bf__words_put_unless(struct bf__words *words, int64_t value, int64_t unknown);
void bf__words_put_origin(struct bf__words *words, int64_t offset, int64_t index); /* offset:index */

/* The words of a record: of a KPI its offset, kpi:scope, boards, values and the message without its end. */
void bf__words_put_kpi(struct bf__words *words, const struct bf_kpi *kpi, const struct bf__kpi_names *names,
                       int64_t offset);
void bf__words_put_device(struct bf__words *words, const struct bf_device *device);
/* Ends the message, which was put last, with its number; returns the number, for use as a word. */
struct bf_slice bf__words_end_message(struct bf__words *words, int64_t seq);
/* What a record has in common with others, as one text, for few differ in a batch. The text is not yet a
 * word. */
struct bf__shape {
    char kind;        /* as in sinks/redis.lua */
    uint32_t fields;  /* that follow: bits in the order of the names */
    uint32_t changed; /* of these, what the hash does not hold already */
    uint32_t gone;    /* that Redis has and must not have */
    uint32_t created; /* that Redis has not yet */
    struct bf_slice boards;
};
struct bf_slice bf__words_shape(struct bf__words *words, const struct bf__shape *shape);

#endif
