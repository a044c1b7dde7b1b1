/* trace_say.h: one event of a trace on standard output: lines of at most 79 columns, or a line of JSON.
 * Thread: main. */
#ifndef BF_CLI_TRACE_SAY_H
#define BF_CLI_TRACE_SAY_H

#include "cli/trail.h"

void bf_trace_say_person(const struct bf_trail_event *event, bool colour);
void bf_trace_say_json(const struct bf_trail_event *event);

#endif
