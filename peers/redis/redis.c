/* redis.c: hiredis connects and parses; what goes out is written here.
 *
 * Formatting of our own: a batch is one script call with thousands of words, which hiredis would first
 * format into a string of its own and then copy; and its write() raises SIGPIPE. Both are a dozen lines
 * here. Declined: the asynchronous API (one thread, one batch in flight, nothing else to wait for). */
#include "peers/redis/redis.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_QUEUE 65536
#define FIRST_NODES 64
#define WORD_FRAME 32 /* "$" digits CR LF ... CR LF */

struct bf_redis {
    redisContext *context;
    redisReply *raw;         /* what the last reply borrows from */
    struct bf_reply *nodes;  /* items of the last reply's arrays */
    size_t node_count, node_capacity;
    char *queue;
    size_t queued, capacity;
    bool dead;
};

static enum bf_status dead(struct bf_redis *redis, const char *doing, const char *why, struct bf_err *err)
{
    redis->dead = true;
    return bf_err_set(err, BF_PEER, "could not %s Redis: %s", doing, why);
}

/* hiredis says "Resource temporarily unavailable" where time is up. */
static const char *fault(const redisContext *context)
{
    if (context->err == REDIS_ERR_IO && errno == EAGAIN) {
        return "no answer in time";
    }
    return context->errstr;
}

/* ---- open */

static enum bf_status expect_ok(struct bf_redis *redis, const struct bf_slice *words, size_t count,
                                struct bf_err *err)
{
    struct bf_reply reply;
    struct bf_err why = {0};
    enum bf_status status = bf_redis_command(redis, words, count, &reply, &why);
    if (status == BF_MALFORMED) { /* wrong password, no such database: asking again may help one day */
        bf_err_set(err, BF_PEER, "Redis refuses %.*s: %s", BF_SLICE_ARG(words[0]), why.message);
        return BF_PEER;
    }
    if (status != BF_OK && err) {
        *err = why;
    }
    return status;
}

static enum bf_status introduce(struct bf_redis *redis, const struct bf_redis_options *options,
                                unsigned database, struct bf_err *err)
{
    if (options->password) {
        struct bf_slice words[3] = {BF_SLICE("AUTH")};
        size_t count = 1;
        if (options->username) {
            words[count++] = bf_slice_of(options->username);
        }
        words[count++] = bf_slice_of(options->password);
        enum bf_status status = expect_ok(redis, words, count, err);
        if (status != BF_OK) {
            return status;
        }
    }
    if (database == 0) {
        return BF_OK;
    }
    char digits[16];
    snprintf(digits, sizeof digits, "%u", database);
    struct bf_slice words[] = {BF_SLICE("SELECT"), bf_slice_of(digits)};
    return expect_ok(redis, words, 2, err);
}

enum bf_status bf_redis_open(const struct bf_redis_options *options, struct bf_redis **out,
                             struct bf_err *err)
{
    char host[256];
    uint16_t port = 0;
    unsigned database = 0;
    enum bf_status status = bf_redis_parse_url(options->url, host, sizeof host, &port, &database, err);
    if (status != BF_OK) {
        return status;
    }
    struct bf_redis *redis = calloc(1, sizeof *redis);
    if (!redis) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    struct timeval limit = {.tv_sec = options->timeout_ms / 1000,
                            .tv_usec = options->timeout_ms % 1000 * 1000};
    redis->context =
        port ? redisConnectWithTimeout(host, port, limit) : redisConnectUnixWithTimeout(host, limit);
    redis->nodes = malloc(FIRST_NODES * sizeof *redis->nodes);
    redis->node_capacity = FIRST_NODES;
    redis->queue = malloc(FIRST_QUEUE);
    redis->capacity = FIRST_QUEUE;
    if (!redis->context || !redis->nodes || !redis->queue) {
        status = bf_err_set(err, BF_FATAL, "out of memory");
    } else if (redis->context->err || redisSetTimeout(redis->context, limit) != REDIS_OK) {
        status = dead(redis, "connect to", redis->context->errstr, err);
        bf_err_detail(err, "%s", options->url);
    } else {
        status = introduce(redis, options, database, err);
    }
    if (status != BF_OK) {
        bf_redis_close(redis);
        return status;
    }
    *out = redis;
    return BF_OK;
}

void bf_redis_close(struct bf_redis *redis)
{
    if (!redis) {
        return;
    }
    if (redis->raw) {
        freeReplyObject(redis->raw);
    }
    if (redis->context) {
        redisFree(redis->context);
    }
    free(redis->nodes);
    free(redis->queue);
    free(redis);
}

/* ---- out */

static bool reserve(struct bf_redis *redis, size_t more)
{
    size_t need = redis->queued + more;
    if (need <= redis->capacity) {
        return true;
    }
    size_t capacity = redis->capacity;
    while (capacity < need) {
        capacity *= 2;
    }
    char *queue = need <= BF_REDIS_QUEUE_MAX ? realloc(redis->queue, capacity) : NULL;
    if (!queue) {
        return false;
    }
    redis->queue = queue;
    redis->capacity = capacity;
    return true;
}

/* "*12\r\n" or "$5\r\n". */
static void put_count(struct bf_redis *redis, char mark, size_t count)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + count % 10);
        count /= 10;
    } while (count);
    redis->queue[redis->queued++] = mark;
    memcpy(redis->queue + redis->queued, digits + at, sizeof digits - at);
    redis->queued += sizeof digits - at;
    memcpy(redis->queue + redis->queued, "\r\n", 2);
    redis->queued += 2;
}

enum bf_status bf_redis_append(struct bf_redis *redis, const struct bf_slice *words, size_t count,
                               struct bf_err *err)
{
    assert(count > 0);
    size_t size = WORD_FRAME;
    for (size_t i = 0; i < count; i++) {
        size += words[i].len + WORD_FRAME;
    }
    if (redis->dead || !reserve(redis, size)) {
        return dead(redis, "send to", redis->dead ? "the connection is closed" : "too much is queued", err);
    }
    put_count(redis, '*', count);
    for (size_t i = 0; i < count; i++) {
        put_count(redis, '$', words[i].len);
        if (words[i].len) {
            memcpy(redis->queue + redis->queued, words[i].data, words[i].len);
            redis->queued += words[i].len;
        }
        memcpy(redis->queue + redis->queued, "\r\n", 2);
        redis->queued += 2;
    }
    return BF_OK;
}

enum bf_status bf_redis_flush(struct bf_redis *redis, struct bf_err *err)
{
    size_t sent = 0;
    if (redis->dead) {
        return dead(redis, "send to", "the connection is closed", err);
    }
    while (sent < redis->queued) {
        ssize_t step = send(redis->context->fd, redis->queue + sent, redis->queued - sent, MSG_NOSIGNAL);
        if (step < 0 && errno != EINTR) {
            bool late = errno == EAGAIN;
            return dead(redis, "send to", late ? "it takes nothing in time" : strerror(errno), err);
        }
        sent += step > 0 ? (size_t)step : 0;
    }
    redis->queued = 0;
    return BF_OK;
}

/* ---- in */

static size_t count_nodes(const redisReply *raw)
{
    size_t count = raw->type == REDIS_REPLY_ARRAY ? raw->elements : 0;
    for (size_t i = 0; raw->type == REDIS_REPLY_ARRAY && i < raw->elements; i++) {
        count += count_nodes(raw->element[i]); /* hiredis refuses more than seven levels */
    }
    return count;
}

static void convert(struct bf_redis *redis, const redisReply *raw, struct bf_reply *reply)
{
    *reply = (struct bf_reply){.kind = BF_REPLY_NIL};
    if (raw->type == REDIS_REPLY_INTEGER) {
        reply->kind = BF_REPLY_INT;
        reply->integer = raw->integer;
    } else if (raw->type == REDIS_REPLY_ARRAY) {
        reply->kind = BF_REPLY_ARRAY;
        reply->count = raw->elements;
        reply->items = redis->nodes + redis->node_count;
        redis->node_count += raw->elements;
        for (size_t i = 0; i < raw->elements; i++) {
            convert(redis, raw->element[i], &reply->items[i]);
        }
    } else if (raw->type != REDIS_REPLY_NIL) {
        reply->kind = BF_REPLY_TEXT; /* a string, a status, or an error inside an array */
        reply->text = (struct bf_slice){raw->str, raw->len};
    }
}

static enum bf_status hand_over(struct bf_redis *redis, struct bf_reply *reply, struct bf_err *err)
{
    if (redis->raw->type == REDIS_REPLY_ERROR) {
        return bf_err_set(err, BF_MALFORMED, "%s", redis->raw->str);
    }
    size_t need = count_nodes(redis->raw);
    if (need > redis->node_capacity) {
        struct bf_reply *nodes = realloc(redis->nodes, need * sizeof *nodes);
        if (!nodes) {
            return dead(redis, "read from", "out of memory", err);
        }
        redis->nodes = nodes;
        redis->node_capacity = need;
    }
    redis->node_count = 0;
    convert(redis, redis->raw, reply);
    return BF_OK;
}

static void forget_reply(struct bf_redis *redis)
{
    if (redis->raw) {
        freeReplyObject(redis->raw);
        redis->raw = NULL;
    }
}

enum bf_status bf_redis_take(struct bf_redis *redis, struct bf_reply *reply, struct bf_err *err)
{
    forget_reply(redis);
    enum bf_status status = bf_redis_flush(redis, err);
    if (status != BF_OK) {
        return status;
    }
    void *raw = NULL;
    if (redisGetReply(redis->context, &raw) != REDIS_OK || !raw) {
        return dead(redis, "read from", fault(redis->context), err);
    }
    redis->raw = raw;
    return hand_over(redis, reply, err);
}

enum bf_status bf_redis_command(struct bf_redis *redis, const struct bf_slice *words, size_t count,
                                struct bf_reply *reply, struct bf_err *err)
{
    enum bf_status status = bf_redis_append(redis, words, count, err);
    return status == BF_OK ? bf_redis_take(redis, reply, err) : status;
}

enum bf_status bf_redis_listen(struct bf_redis *redis, int timeout_ms, struct bf_reply *reply,
                               struct bf_err *err)
{
    forget_reply(redis);
    enum bf_status status = bf_redis_flush(redis, err);
    if (status != BF_OK) {
        return status;
    }
    void *raw = NULL;
    if (redisGetReplyFromReader(redis->context, &raw) != REDIS_OK) {
        return dead(redis, "read from", fault(redis->context), err);
    }
    if (!raw) {
        struct pollfd one = {.fd = redis->context->fd, .events = POLLIN};
        int ready = poll(&one, 1, timeout_ms);
        if (ready == 0 || (ready < 0 && errno == EINTR)) {
            return BF_AGAIN;
        }
        return bf_redis_take(redis, reply, err);
    }
    redis->raw = raw;
    return hand_over(redis, reply, err);
}
