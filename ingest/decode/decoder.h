/* decoder.h: the family of decoders: bytes of a payload -> observations of its profile's readings.
 *
 * A decoder reads the whole payload first, so that a fault refuses the message before anything of
 * it went out (bf_message_refuse). Then it fills message->fields by the plan's wants, calls
 * bf_normalise_identity, _time and _place, and bf_normalise_observe for each value. It does no
 * I/O, asks no clock, and takes memory from message->arena only (a full arena refuses the message,
 * BF_REJECT_arena).
 *
 * To add one: write NAME.c with `const struct bf_decoder bf_decoder_NAME`, add X(NAME) to
 * decoders.def, and name the format in config (enum bf_format) and in decoders.c.
 * Thread: constants, any. */
#ifndef BF_DECODE_DECODER_H
#define BF_DECODE_DECODER_H

#include "ingest/decode/message.h"
#include "ingest/decode/plan.h"

struct bf_decoder {
    const char *name;    /* "json", as written in profiles */
    const char *summary; /* one sentence, shown in the manual */
    /* At start: compiles the plan's wants into plan->program (not NULL afterwards). */
    enum bf_status (*prepare)(struct bf_plan *plan, struct bf_err *err);
    void (*release)(struct bf_plan *plan);
    /* One message; message->plan is of this decoder. Never fails: it refuses, rejects and
     * observes. */
    void (*decode)(struct bf_message *message);
};

/* All of them, in the order of decoders.def; NULL beyond the last. */
const struct bf_decoder *bf_decoder_at(size_t index);
/* Never NULL. */
const struct bf_decoder *bf_decoder_of(enum bf_format format);

#endif
