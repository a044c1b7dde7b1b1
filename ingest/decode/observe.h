/* observe.h: from the fields of a message, or of one of its records, to observations: what the
 * formats share whose readings are fields.
 * Thread: the pipeline's.   Errors: bf_message_fail. */
#ifndef BF_DECODE_OBSERVE_H
#define BF_DECODE_OBSERVE_H

#include "ingest/decode/message.h"

/* Time, identity and place, which all readings share; false: there is no reading without them. */
bool bf_observe_head(struct bf_message *message);
/* The readings that are fields themselves. */
void bf_observe_fields(struct bf_message *message);

#endif
