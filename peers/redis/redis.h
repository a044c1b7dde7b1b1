/* redis.h: a connection to Redis, and the only place with hiredis' header.
 * Commands go out as counted words (no printf on the way) and are pipelined: append any number, flush them
 * on their way, take the replies in order. After any PEER error the connection is dead: close it and open a
 * new one. hiredis 0.14 knows no TLS: across hosts use a tunnel (stunnel4) or a private network.
 *
 * Owner:  creator.   Thread: one at a time.
 * Limits: BF_REDIS_QUEUE_MAX bytes queued and not sent.
 * Errors: PEER for the connection, MALFORMED for an error reply, CONFIG for an address that is none. */
#ifndef BF_PEERS_REDIS_H
#define BF_PEERS_REDIS_H

#include <stdint.h>

#include "core/err.h"
#include "core/slice.h"

#define BF_REDIS_QUEUE_MAX (64u * 1024 * 1024)

struct bf_redis_options {
    const char *url; /* redis://host:port/db or unix:///path?db=0 */
    const char *username, *password; /* NULL: none */
    int timeout_ms;  /* connect, send and reply, each */
};

struct bf_redis;

/* Connects, authenticates, selects the database. */
enum bf_status bf_redis_open(const struct bf_redis_options *options, struct bf_redis **redis,
                             struct bf_err *err) BF_MUST_CHECK;
void bf_redis_close(struct bf_redis *redis); /* NULL is fine */

/* Queues one command in the output buffer. The words are copied. */
enum bf_status bf_redis_append(struct bf_redis *redis, const struct bf_slice *words, size_t count,
                               struct bf_err *err) BF_MUST_CHECK;
/* Sends what is queued and waits for no reply: Redis works while the caller prepares the next batch. */
enum bf_status bf_redis_flush(struct bf_redis *redis, struct bf_err *err) BF_MUST_CHECK;

enum bf_reply_kind { BF_REPLY_NIL, BF_REPLY_TEXT, BF_REPLY_INT, BF_REPLY_ARRAY };
struct bf_reply {
    enum bf_reply_kind kind;
    struct bf_slice text;
    int64_t integer;
    struct bf_reply *items; /* count of them */
    size_t count;
};
/* Sends what is queued and waits for the next reply, which lives until the next take, command, listen or
 * close. MALFORMED: Redis answered with an error (err->message holds its words; the connection is fine). */
enum bf_status bf_redis_take(struct bf_redis *redis, struct bf_reply *reply,
                             struct bf_err *err) BF_MUST_CHECK;
/* append and take in one; nothing else may be under way. */
enum bf_status bf_redis_command(struct bf_redis *redis, const struct bf_slice *words, size_t count,
                                struct bf_reply *reply, struct bf_err *err) BF_MUST_CHECK;
/* For a subscriber: waits at most timeout_ms for the next push; AGAIN without one. */
enum bf_status bf_redis_listen(struct bf_redis *redis, int timeout_ms, struct bf_reply *reply,
                               struct bf_err *err) BF_MUST_CHECK;

/* redis://host:port/db -> host, port and db (default 6379, 0); unix:///path?db=0 -> path in host, port 0.
 * CONFIG for anything else. */
enum bf_status bf_redis_parse_url(const char *url, char *host, size_t size, uint16_t *port,
                                  unsigned *database, struct bf_err *err) BF_MUST_CHECK;

#endif
