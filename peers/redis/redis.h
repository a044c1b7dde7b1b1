/* redis.h: a connection to Redis, and the only place with hiredis' header.
 * Commands go out in the Argv form (no printf on the way) and are pipelined: append any number, then take
 * the replies in order. After any error the connection is dead: close it and open a new one.
 *
 * Owner: creator.   Thread: one at a time.   Errors: PEER for the connection, MALFORMED for a -ERR reply. */
#ifndef BF_PEERS_REDIS_H
#define BF_PEERS_REDIS_H

#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

struct bf_redis_options {
    const char *url; /* redis://host:port/db or unix:///path?db=0 */
    const char *username, *password; /* NULL: none */
    int timeout_ms;  /* connect and reply */
};

struct bf_redis;

enum bf_status bf_redis_open(const struct bf_redis_options *options, struct bf_redis **redis,
                             struct bf_err *err) BF_MUST_CHECK;
void bf_redis_close(struct bf_redis *redis);

/* Queues one command in the output buffer. */
enum bf_status bf_redis_append(struct bf_redis *redis, const struct bf_slice *words, size_t count,
                               struct bf_err *err) BF_MUST_CHECK;

enum bf_reply_kind { BF_REPLY_NIL, BF_REPLY_TEXT, BF_REPLY_INT, BF_REPLY_ARRAY };
struct bf_reply {
    enum bf_reply_kind kind;
    struct bf_slice text;
    int64_t integer;
    struct bf_reply *items; /* count of them */
    size_t count;
};
/* Sends what is queued and waits for the next reply, which lives until the next take or close.
 * MALFORMED: Redis answered with an error (err holds its words; the connection is fine). */
enum bf_status bf_redis_take(struct bf_redis *redis, struct bf_reply *reply, struct bf_err *err) BF_MUST_CHECK;
/* append and take in one. */
enum bf_status bf_redis_command(struct bf_redis *redis, const struct bf_slice *words, size_t count,
                                struct bf_reply *reply, struct bf_err *err) BF_MUST_CHECK;
/* For a subscriber: waits at most timeout_ms for the next push; AGAIN without one. */
enum bf_status bf_redis_listen(struct bf_redis *redis, int timeout_ms, struct bf_reply *reply,
                               struct bf_err *err) BF_MUST_CHECK;

#endif
