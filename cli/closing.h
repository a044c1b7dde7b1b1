/* closing.h: the end of a capture that carries its own time (`clock: message`). Time then comes from the
 * messages alone, so after the last one somebody must say that it goes on: markers that carry belfry-time,
 * until every window is final.
 * Thread: main. */
#ifndef BF_CLI_CLOSING_H
#define BF_CLI_CLOSING_H

#include "cli/publisher.h"
#include "cli/setting.h"

/* last_us: log time of the last message. Takes about two seconds. */
enum bf_status bf_closing_send(struct bf_publisher *publisher, const struct bf_setting *setting,
                               int64_t last_us, struct bf_err *err) BF_MUST_CHECK;

#endif
