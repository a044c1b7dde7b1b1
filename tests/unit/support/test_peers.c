/* Servers start, answer, keep their port through a kill, and are gone when stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/peers.h"

static void survives_a_kill(struct bf_peer *peer)
{
    struct bf_err err = {.status = BF_OK};
    char text[1024];
    if (!bf_peer_available(peer->kind)) {
        skip();
    }
    if (bf_peer_start(peer, &err) != BF_OK) {
        fail_msg("%s", bf_err_format(&err, text, sizeof text));
    }
    uint16_t port = peer->port;
    assert_int_not_equal(port, 0);
    assert_true(bf_peer_running(peer));
    bf_peer_kill(peer);
    assert_false(bf_peer_running(peer));
    if (bf_peer_start(peer, &err) != BF_OK) {
        fail_msg("%s", bf_err_format(&err, text, sizeof text));
    }
    assert_int_equal(peer->port, port);
    snprintf(text, sizeof text, "127.0.0.1:%u", port);
    assert_string_equal(peer->address, text);
    bf_peer_pause(peer);
    bf_peer_resume(peer);
    bf_peer_stop(peer);
    assert_false(bf_peer_running(peer));
}

static void mosquitto(void **state)
{
    (void)state;
    survives_a_kill(&(struct bf_peer){.kind = BF_PEER_MOSQUITTO});
}

static void redis(void **state)
{
    (void)state;
    survives_a_kill(&(struct bf_peer){.kind = BF_PEER_REDIS, .durable = true});
}

static void embedded_kafka(void **state)
{
    (void)state;
    survives_a_kill(&(struct bf_peer){.kind = BF_PEER_KAFKA});
}

static void a_broken_configuration_is_said(void **state)
{
    (void)state;
    struct bf_err err = {.status = BF_OK};
    struct bf_peer peer = {.kind = BF_PEER_REDIS, .config = "nonsense yes\n"};
    if (!bf_peer_available(peer.kind)) {
        skip();
    }
    assert_int_equal(bf_peer_start(&peer, &err), BF_PEER);
    assert_non_null(strstr(err.detail, "nonsense"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mosquitto),
        cmocka_unit_test(redis),
        cmocka_unit_test(embedded_kafka),
        cmocka_unit_test(a_broken_configuration_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
