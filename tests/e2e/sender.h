/* sender.h: a device in the test's own hand: publishes single messages at QoS 1 to the town's broker.
 * Owner: the test's static struct.   Thread: main; the counters are atomic.
 * Errors: it fails the cmocka test that calls it. */
#ifndef BF_TESTS_E2E_SENDER_H
#define BF_TESTS_E2E_SENDER_H

#include <stdatomic.h>

#include "peers/mqtt/mqtt.h"
#include "tests/e2e/town.h"

struct sender {
    struct town *town; /* every message adds to its `extra` */
    struct bf_mqtt *mqtt;
    _Atomic int connected, acknowledged;
    int sent;
};

void sender_open(struct sender *sender, struct town *town);
void sender_send(struct sender *sender, const char *topic, struct bf_slice payload);
/* As printf does. */
__attribute__((format(printf, 3, 4))) void sender_say(struct sender *sender, const char *topic,
                                                      const char *format, ...);
/* Waits until the broker has them all. */
void sender_settle(struct sender *sender);
void sender_close(struct sender *sender);

#endif
