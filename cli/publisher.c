/* Why: the simulator and the replayer stand in for devices, so what they count must be exact: published,
 * and acknowledged by the broker.
 * Declined: a thread per connection (one caller paces everything), and matching acknowledgements inside
 * Paho's callback: the callback only notes the token, the caller matches it, so no lock of ours is ever
 * held while Paho's is wanted. */
#include "cli/publisher.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/log/wiring.h"
#include "core/time.h"
#include "ingest/decode/message_hash.h"
#include "peers/mqtt/mqtt.h"

#define WINDOW 512 /* unacknowledged messages of one connection */
#define RECONNECT_WAIT_MS 60000
#define FIRST_WAIT_MS 10000

enum link { LINK_DOWN, LINK_CONNECTING, LINK_UP };

struct pending {
    bool used;
    int token;
    int64_t time_us;
    char *bytes; /* topic, then payload */
    size_t topic_len, payload_len;
    unsigned sends;
};

struct connection {
    struct bf_publisher *owner;
    struct bf_mqtt *mqtt;
    char client_id[96];
    struct pending pending[WINDOW];
    size_t open;
    /* Under the owner's lock: written by Paho's thread. */
    enum link link;
    int tokens[WINDOW];
    size_t token_count;
    char reason[256];
};

struct bf_publisher {
    pthread_mutex_t lock; /* guards link, tokens and reason of every connection */
    pthread_cond_t changed;
    struct bf_publisher_counts counts;
    const struct bf_site *site;
    FILE *journal; /* NULL: none */
    bool once;
    size_t count;
    struct connection connections[];
};

/* reason NULL: the last one stays. */
static void set_link(struct connection *connection, enum link link, const char *reason)
{
    struct bf_publisher *publisher = connection->owner;
    pthread_mutex_lock(&publisher->lock);
    connection->link = link;
    if (reason) {
        snprintf(connection->reason, sizeof connection->reason, "%s", reason);
    }
    pthread_cond_signal(&publisher->changed);
    pthread_mutex_unlock(&publisher->lock);
}

static void on_connected(void *context, bool session_present)
{
    (void)session_present;
    set_link(context, LINK_UP, NULL);
}

static void on_down(void *context, const char *reason)
{
    set_link(context, LINK_DOWN, reason ? reason : "connection lost");
}

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    (void)context;
    (void)message; /* subscribes to nothing */
}

static void on_subscribed(void *context, bool ok, const char *reason)
{
    (void)context;
    (void)ok;
    (void)reason;
}

static void on_published(void *context, int token, bool ok)
{
    struct connection *connection = context;
    struct bf_publisher *publisher = connection->owner;
    if (!ok) {
        return; /* stays pending; sent again on the next connection */
    }
    pthread_mutex_lock(&publisher->lock);
    if (connection->token_count < WINDOW) {
        connection->tokens[connection->token_count++] = token;
    }
    pthread_cond_signal(&publisher->changed);
    pthread_mutex_unlock(&publisher->lock);
}

/* Waits for a change that Paho's thread signals, at most until `deadline_us` (monotonic). */
static void wait_change(struct bf_publisher *publisher, int64_t deadline_us)
{
    int64_t left = deadline_us - bf_time_monotonic_us();
    int64_t until = bf_time_wall_us() + (left > 0 ? left : 0);
    struct timespec when = {.tv_sec = until / BF_US_PER_S, .tv_nsec = until % BF_US_PER_S * 1000};
    pthread_cond_timedwait(&publisher->changed, &publisher->lock, &when);
}

static void note_end(struct bf_publisher *publisher, const struct pending *pending, bool acknowledged)
{
    struct bf_slice topic = {pending->bytes, pending->topic_len};
    struct bf_slice payload = {pending->bytes + pending->topic_len, pending->payload_len};
    if (publisher->journal) {
        fprintf(publisher->journal, "%016llx %u %d\n",
                (unsigned long long)bf_message_hash(topic, bf_payload_hash(payload)), pending->sends,
                acknowledged);
    }
}

/* Matches the tokens that came back since the last call. */
static void settle(struct connection *connection)
{
    struct bf_publisher *publisher = connection->owner;
    int tokens[WINDOW];
    pthread_mutex_lock(&publisher->lock);
    size_t count = connection->token_count;
    memcpy(tokens, connection->tokens, count * sizeof tokens[0]);
    connection->token_count = 0;
    pthread_mutex_unlock(&publisher->lock);
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < WINDOW; i++) {
            struct pending *pending = &connection->pending[i];
            if (pending->used && pending->token == tokens[t]) {
                note_end(publisher, pending, true);
                free(pending->bytes);
                *pending = (struct pending){.used = false};
                connection->open--;
                publisher->counts.acknowledged++;
                break;
            }
        }
    }
}

static enum link link_of(struct connection *connection)
{
    pthread_mutex_lock(&connection->owner->lock);
    enum link link = connection->link;
    pthread_mutex_unlock(&connection->owner->lock);
    return link;
}

static enum bf_status transmit(struct connection *connection, struct pending *pending, struct bf_err *err)
{
    struct bf_slice topic = {pending->bytes, pending->topic_len};
    struct bf_slice payload = {pending->bytes + pending->topic_len, pending->payload_len};
    pending->token = -1;
    pending->sends++;
    return bf_mqtt_publish(connection->mqtt, topic, payload, 1, false, pending->time_us, &pending->token,
                           err);
}

static enum bf_status create(struct connection *connection, struct bf_err *err)
{
    struct bf_mqtt_options options = bf_wiring_mqtt(connection->owner->site, connection->client_id);
    options.clean = true;
    options.connect_timeout_s = 5;
    struct bf_mqtt_callbacks callbacks = {
        .message = on_message,
        .connected = on_connected,
        .failed = on_down,
        .lost = on_down,
        .subscribed = on_subscribed,
        .published = on_published,
        .context = connection,
    };
    return bf_mqtt_create(&options, &callbacks, &connection->mqtt, err);
}

static void begin(struct connection *connection)
{
    set_link(connection, LINK_CONNECTING, NULL);
    struct bf_err attempt;
    if (bf_mqtt_connect(connection->mqtt, &attempt) != BF_OK) {
        set_link(connection, LINK_DOWN, attempt.message);
    }
}

/* Paho sends on the next connection what it had not written on the last one. So do we: nothing may be left in
 * Paho. */
static enum bf_status renew(struct connection *connection, struct bf_err *err)
{
    bf_mqtt_destroy(connection->mqtt);
    connection->mqtt = NULL;
    return create(connection, err);
}

/* Connects and waits until it stands; then sends again what was never acknowledged. */
static enum bf_status ensure_up(struct connection *connection, int timeout_ms, struct bf_err *err)
{
    struct bf_publisher *publisher = connection->owner;
    enum link link = link_of(connection);
    if (link == LINK_UP) {
        return BF_OK;
    }
    if (link == LINK_DOWN && renew(connection, err) != BF_OK) {
        return BF_PEER;
    }
    settle(connection);
    if (publisher->once && connection->open > 0) {
        return bf_err_set(err, BF_PEER, "the connection was lost with %zu messages unacknowledged: %s",
                          connection->open, connection->reason);
    }
    int64_t deadline = bf_time_monotonic_us() + timeout_ms * BF_US_PER_MS;
    while (link_of(connection) != LINK_UP) {
        if (bf_time_monotonic_us() > deadline) {
            return bf_err_set(err, BF_PEER, "could not connect to the MQTT broker: %s", connection->reason);
        }
        if (link_of(connection) == LINK_DOWN) {
            begin(connection);
        }
        int64_t retry = bf_time_monotonic_us() + 200 * BF_US_PER_MS;
        pthread_mutex_lock(&publisher->lock);
        while (connection->link == LINK_CONNECTING && bf_time_monotonic_us() < deadline) {
            wait_change(publisher, deadline);
        }
        while (connection->link == LINK_DOWN && bf_time_monotonic_us() < retry) {
            wait_change(publisher, retry);
        }
        pthread_mutex_unlock(&publisher->lock);
    }
    for (size_t i = 0; i < WINDOW; i++) {
        if (connection->pending[i].used) {
            publisher->counts.again++;
            enum bf_status status = transmit(connection, &connection->pending[i], err);
            if (status != BF_OK) {
                return status;
            }
        }
    }
    return BF_OK;
}

static enum bf_status connect_all(struct bf_publisher *publisher, const char *name, size_t count,
                                  struct bf_err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct connection *connection = &publisher->connections[i];
        publisher->count++;
        connection->owner = publisher;
        snprintf(connection->client_id, sizeof connection->client_id, "%s-%zu", name, i);
        enum bf_status status = create(connection, err);
        if (status != BF_OK) {
            return status;
        }
        begin(connection); /* all at once: Paho takes up to a second for each */
    }
    enum bf_status status = BF_OK;
    for (size_t i = 0; i < count && status == BF_OK; i++) {
        status = ensure_up(&publisher->connections[i], FIRST_WAIT_MS, err);
    }
    return status;
}

enum bf_status bf_publisher_open(const struct bf_site *site, const char *name, size_t connections,
                                 struct bf_publisher **out, struct bf_err *err)
{
    size_t most = connections > BF_PUBLISHER_CONNECTIONS ? BF_PUBLISHER_CONNECTIONS : connections;
    size_t count = most > 0 ? most : 1;
    struct bf_publisher *publisher = calloc(1, sizeof *publisher + count * sizeof publisher->connections[0]);
    if (!publisher) {
        return bf_err_set(err, BF_LIMIT, "no memory for %zu connections", count);
    }
    publisher->site = site;
    pthread_mutex_init(&publisher->lock, NULL);
    pthread_cond_init(&publisher->changed, NULL);
    enum bf_status status = connect_all(publisher, name, count, err);
    if (status != BF_OK) {
        bf_publisher_close(publisher);
        publisher = NULL;
    }
    *out = publisher;
    return status;
}

void bf_publisher_close(struct bf_publisher *publisher)
{
    if (!publisher) {
        return;
    }
    for (size_t i = 0; i < publisher->count; i++) {
        struct connection *connection = &publisher->connections[i];
        bf_mqtt_destroy(connection->mqtt);
        settle(connection);
        for (size_t slot = 0; slot < WINDOW; slot++) {
            if (connection->pending[slot].used) {
                note_end(publisher, &connection->pending[slot], false);
            }
            free(connection->pending[slot].bytes);
        }
    }
    pthread_cond_destroy(&publisher->changed);
    pthread_mutex_destroy(&publisher->lock);
    free(publisher);
}

void bf_publisher_journal(struct bf_publisher *publisher, FILE *journal)
{
    publisher->journal = journal;
}

void bf_publisher_once(struct bf_publisher *publisher)
{
    publisher->once = true;
}

/* A free slot of the window, after waiting for one. NULL: err says why. */
static struct pending *make_room(struct connection *connection, struct bf_err *err)
{
    struct bf_publisher *publisher = connection->owner;
    int64_t deadline = bf_time_monotonic_us() + RECONNECT_WAIT_MS * BF_US_PER_MS;
    for (;;) {
        settle(connection);
        if (ensure_up(connection, RECONNECT_WAIT_MS, err) != BF_OK) {
            return NULL;
        }
        for (size_t i = 0; i < WINDOW && connection->open < WINDOW; i++) {
            if (!connection->pending[i].used) {
                return &connection->pending[i];
            }
        }
        if (bf_time_monotonic_us() > deadline) {
            bf_err_set(err, BF_PEER, "the MQTT broker acknowledged nothing for %d s",
                       RECONNECT_WAIT_MS / 1000);
            return NULL;
        }
        pthread_mutex_lock(&publisher->lock);
        if (connection->token_count == 0 && connection->link == LINK_UP) {
            wait_change(publisher, bf_time_monotonic_us() + 100 * BF_US_PER_MS);
        }
        pthread_mutex_unlock(&publisher->lock);
    }
}

enum bf_status bf_publisher_send(struct bf_publisher *publisher, uint64_t device, struct bf_slice topic,
                                 struct bf_slice payload, int64_t time_us, struct bf_err *err)
{
    struct connection *connection = &publisher->connections[device % publisher->count];
    struct pending *pending = make_room(connection, err);
    if (!pending) {
        return BF_PEER;
    }
    char *bytes = malloc(topic.len + payload.len + 1);
    if (!bytes) {
        return bf_err_set(err, BF_LIMIT, "no memory for a message of %zu bytes", payload.len);
    }
    memcpy(bytes, topic.data, topic.len);
    if (payload.len) {
        memcpy(bytes + topic.len, payload.data, payload.len);
    }
    *pending = (struct pending){
        .used = true, .bytes = bytes, .topic_len = topic.len, .payload_len = payload.len, .time_us = time_us};
    connection->open++;
    publisher->counts.published++;
    struct bf_err attempt; /* a connection that fails now is mended by the next call */
    if (transmit(connection, pending, &attempt) != BF_OK) {
        pending->token = -1;
        bf_mqtt_disconnect(connection->mqtt);
        set_link(connection, LINK_DOWN, attempt.message);
    }
    return BF_OK;
}

enum bf_status bf_publisher_drain(struct bf_publisher *publisher, int timeout_ms, struct bf_err *err)
{
    int64_t deadline = bf_time_monotonic_us() + timeout_ms * BF_US_PER_MS;
    for (size_t i = 0; i < publisher->count; i++) {
        struct connection *connection = &publisher->connections[i];
        for (settle(connection); connection->open > 0; settle(connection)) {
            if (bf_time_monotonic_us() > deadline) {
                return bf_err_set(
                    err, BF_PEER, "%llu messages were not acknowledged",
                    (unsigned long long)(publisher->counts.published - publisher->counts.acknowledged));
            }
            enum bf_status status = ensure_up(connection, timeout_ms, err);
            if (status != BF_OK) {
                return status;
            }
            pthread_mutex_lock(&publisher->lock);
            if (connection->token_count == 0 && connection->link == LINK_UP) {
                wait_change(publisher, bf_time_monotonic_us() + 100 * BF_US_PER_MS);
            }
            pthread_mutex_unlock(&publisher->lock);
        }
    }
    return BF_OK;
}

struct bf_publisher_counts bf_publisher_read(struct bf_publisher *publisher)
{
    for (size_t i = 0; i < publisher->count; i++) {
        settle(&publisher->connections[i]);
    }
    return publisher->counts;
}
