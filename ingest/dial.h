/* dial.h: the two kinds of socket that the ack gate needs: a listener on a free loopback port and a
 * connection to the broker. Both are non-blocking with TCP_NODELAY.
 * Owner: the caller closes.   Thread: any.   Errors: PEER. */
#ifndef BF_INGEST_DIAL_H
#define BF_INGEST_DIAL_H

#include <stdint.h>

#include "core/err.h"

enum bf_status bf_dial_listen(int *listener, uint16_t *port, struct bf_err *err) BF_MUST_CHECK;
/* -1 where nobody waits any more. */
int bf_dial_accept(int listener);
/* Tries the host's addresses in turn, at most timeout_ms each; gives up early when `cancel` (an eventfd)
 * becomes readable. */
enum bf_status bf_dial_connect(const char *host, uint16_t port, int timeout_ms, int cancel, int *fd,
                               struct bf_err *err) BF_MUST_CHECK;

#endif
