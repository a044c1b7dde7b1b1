/* document.h: what every format has in common whose payload is a tree of maps, lists and values
 * (reader.h): values at paths, the named items of a list or map (`each`), and lists whose items are
 * messages of their own (`records`).
 *
 * `key` profiles: the payload is {KEY: {...}} (HFP); paths start inside the first key's value.
 * `each`: an item has a name and a value; of a map, the name is the key unless a path says
 * otherwise. Where a text is asked for and the value is missing it is at `sv` or `vs`, as both
 * SenMLs have it.
 * `records`: paths start in the record; what it lacks is looked for at the top.
 * An inner format takes over when the fields are there (`inner`, message.h).
 *
 * Owner: the stage owns its program.   Thread: a program is read-only after prepare.
 * Limits: the arena; max_depth.   Errors: refuses and rejects, as decoder.h says. */
#ifndef BF_DECODE_DOCUMENT_H
#define BF_DECODE_DOCUMENT_H

#include "ingest/decode/decoder.h"
#include "ingest/decode/reader.h"

/* For a decoder's vtable; `prepare` is one line that names the reader. */
enum bf_status bf_document_prepare(struct bf_plan *plan, struct bf_stage *stage,
                                   const struct bf_reader_kind *kind, struct bf_err *err) BF_MUST_CHECK;
void bf_document_release(struct bf_stage *stage);
void bf_document_decode(struct bf_message *message, const struct bf_stage *stage, struct bf_slice payload);

#endif
