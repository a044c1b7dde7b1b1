/* Why: what `belfry simulate` never sends: hostile payloads, and devices whose clocks are a little off. */
#include "tests/e2e/sender.h"

#include <stdio.h>

static void on_message(void *context, const struct bf_mqtt_message *message)
{
    (void)context;
    (void)message;
}

static void on_connected(void *context, bool kept)
{
    struct sender *sender = context;
    (void)kept;
    atomic_store(&sender->connected, 1);
}

static void on_broken(void *context, const char *reason)
{
    struct sender *sender = context;
    (void)reason;
    atomic_store(&sender->connected, -1);
}

static void on_subscribed(void *context, bool ok, const char *reason)
{
    (void)context;
    (void)ok;
    (void)reason;
}

static void on_published(void *context, int token, bool ok)
{
    struct sender *sender = context;
    (void)token;
    atomic_fetch_add(&sender->acknowledged, ok);
}

void sender_open(struct sender *sender, struct town *town)
{
    char url[100];
    struct bf_err err;
    sender->town = town;
    snprintf(url, sizeof url, "mqtt://%s", town->broker.address);
    const struct bf_mqtt_options options = {.url = url,
                                            .version = 5,
                                            .client_id = "sender",
                                            .keep_alive_s = 60,
                                            .clean = true,
                                            .connect_timeout_s = 5};
    const struct bf_mqtt_callbacks callbacks = {.message = on_message,
                                                .connected = on_connected,
                                                .failed = on_broken,
                                                .lost = on_broken,
                                                .subscribed = on_subscribed,
                                                .published = on_published,
                                                .context = sender};
    assert_int_equal(bf_mqtt_create(&options, &callbacks, &sender->mqtt, &err), BF_OK);
    assert_int_equal(bf_mqtt_connect(sender->mqtt, &err), BF_OK);
    BF_EVENTUALLY(atomic_load(&sender->connected) == 1, 10000);
}

void sender_send(struct sender *sender, const char *topic, struct bf_slice payload)
{
    struct bf_err err;
    if (bf_mqtt_publish(sender->mqtt, bf_slice_of(topic), payload, 1, false, BF_TIME_NONE, NULL, &err) !=
        BF_OK) {
        fail_msg("publish: %s", err.message);
    }
    sender->sent++;
    sender->town->extra++;
}

void sender_say(struct sender *sender, const char *topic, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_in_range(len, 1, sizeof text - 1);
    sender_send(sender, topic, (struct bf_slice){text, (size_t)len});
}

void sender_settle(struct sender *sender)
{
    BF_EVENTUALLY(atomic_load(&sender->acknowledged) == sender->sent, 20000);
}

void sender_close(struct sender *sender)
{
    bf_mqtt_destroy(sender->mqtt);
    sender->mqtt = NULL;
}
