/* decoder.h: the family of decoders: bytes of a payload -> observations of its profile's readings.
 *
 * A decoder reads the whole payload first, so that a fault refuses the message before anything of
 * it went out (bf_message_refuse). Then it fills message->fields by the plan's wants of its stage,
 * and either hands over to the inner format (bf_message_inner) or observes: bf_observe_head and
 * bf_normalise_observe for each value. It does no I/O, asks no clock, and takes memory from
 * message->arena only (a full arena refuses the message, BF_REJECT_arena).
 *
 * To add one: write NAME.c with `const struct bf_decoder bf_decoder_NAME`, add X(NAME) to
 * decoders.def, and name the format in config (enum bf_format) and in decoders.c. Where the payload
 * is a tree of maps, lists and values, a reader is all that is missing: see document.h and cbor.c.
 * Thread: constants, any. */
#ifndef BF_DECODE_DECODER_H
#define BF_DECODE_DECODER_H

#include "ingest/decode/message.h"
#include "ingest/decode/plan.h"

struct bf_decoder {
    const char *name;    /* "json", as written in profiles */
    const char *summary; /* one sentence, shown in the manual */
    /* At start: compiles the plan's wants into stage->program (not NULL afterwards). */
    enum bf_status (*prepare)(struct bf_plan *plan, struct bf_stage *stage, struct bf_err *err);
    void (*release)(struct bf_stage *stage);
    /* One payload; message->plan has this stage. */
    void (*decode)(struct bf_message *message, const struct bf_stage *stage, struct bf_slice payload);
};

/* All of them, in the order of decoders.def; NULL beyond the last. */
const struct bf_decoder *bf_decoder_at(size_t index);
/* Never NULL. */
const struct bf_decoder *bf_decoder_of(enum bf_format format);

#endif
