/* watch.h: waits until one of some files or folders changes (inotify).
 * Owner: creator.   Thread: one.   Limits: BF_WATCH_MAX paths. */
#ifndef BF_CLI_WATCH_H
#define BF_CLI_WATCH_H

#include "core/err.h"

#define BF_WATCH_MAX 16

struct bf_watch;

/* Paths that are not there are passed over; a file is watched through its folder, since editors replace it.
 * */
enum bf_status bf_watch_open(const char *const *paths, size_t count, struct bf_watch **watch,
                             struct bf_err *err) BF_MUST_CHECK;
void bf_watch_close(struct bf_watch *watch);
/* OK: something has changed (several changes within a moment are one). AGAIN: nothing within timeout_ms, or a
 * signal. */
enum bf_status bf_watch_wait(struct bf_watch *watch, int timeout_ms, struct bf_err *err) BF_MUST_CHECK;

#endif
