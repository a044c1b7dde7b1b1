/* One connection through the gate, step by step, without sockets and threads. */
#include "tests/unit/ingest/relay_world.h"

/* ---- plain */

static void a_message_is_taken_and_its_puback_waits(void **state)
{
    (void)state;
    run();
    assert_true(DOWN(PUBLISH("\x01")));
    assert_int_equal(world.taken, 1);
    assert_true(bf_slice_equal(bf_slice_of(world.payload), BF_SLICE("ab")));
    assert_int_equal(world.last.packet_id, 1);
    PAHO("");
    BROKER("");
    assert_true(bf_relay_is_waiting(world.relay));
    assert_false(bf_relay_is_quiet(world.relay));
    world.handed = 5; /* what comes later does not hold it */
    world.now_us += 1000;
    world.acked = 1;
    BROKER(PUBACK("\x01"));
    assert_true(bf_relay_is_quiet(world.relay));
    assert_false(bf_relay_is_waiting(world.relay));
    assert_int_equal(bf_counter_read(&world.wait_us), 1000);
}

static void pubacks_keep_their_order_and_their_marks(void **state)
{
    (void)state;
    run();
    assert_true(DOWN(PUBLISH("\x01")));
    BROKER("");
    assert_true(UP("\xc0\x00")); /* Paho's PINGREQ between the two */
    assert_true(DOWN(PUBLISH("\x02") PUBLISH("\x03")));
    BROKER("");
    world.acked = 1;
    BROKER(PUBACK("\x01"));
    world.acked = 2; /* of three: one segment, the newest mark */
    BROKER("");
    assert_int_equal(atomic_load(&world.shared.released), 1);
    world.acked = 3;
    BROKER("\xc0\x00" PUBACK("\x02") PUBACK("\x03"));
    assert_int_equal(atomic_load(&world.shared.released), 3);
}

static void packets_may_come_byte_by_byte(void **state)
{
    (void)state;
    static const char bytes[] = CONNACK PUBLISH("\x01") PINGRESP PUBLISH("\x02");
    atomic_store(&world.shared.admitted, true);
    for (size_t i = 0; i + 1 < sizeof bytes; i++) {
        assert_true(down(bytes + i, 1));
        if (bf_relay_to_paho(world.relay).len > 0) {
            struct bf_slice out = bf_relay_to_paho(world.relay);
            bf_relay_gone_down(world.relay, out.len, world.now_us);
        }
    }
    assert_int_equal(world.taken, 2);
    world.acked = 2;
    BROKER(PUBACK("\x01") PUBACK("\x02"));
}

static void nothing_passes_behind_the_connack(void **state)
{
    (void)state;
    assert_true(DOWN(CONNACK PUBLISH("\x01") PINGRESP));
    PAHO(CONNACK);
    assert_false(bf_relay_wants_downlink(world.relay));
    assert_int_equal(world.taken, 0);
    atomic_store(&world.shared.admitted, true);
    assert_true(bf_relay_has_work(world.relay));
    assert_true(bf_relay_work(world.relay, world.now_us));
    assert_int_equal(world.taken, 1);
    PAHO(PINGRESP);
    assert_false(bf_relay_has_work(world.relay));
}

static void the_first_packet_is_a_connack(void **state)
{
    (void)state;
    assert_false(DOWN(PUBLISH("\x01")));
    assert_non_null(world.relay->fault);
    assert_int_equal(world.taken, 0);
    connect();
    assert_null(world.relay->fault);
    assert_false(DOWN(PINGRESP));
}

static void qos_0_is_taken_and_not_acknowledged(void **state)
{
    (void)state;
    run();
    assert_true(DOWN(QOS0 QOS0 "\x39\x04\0\1t\0"));
    assert_int_equal(world.taken, 3);
    assert_true(world.last.retained && world.last.dup);
    world.acked = 3;
    BROKER("");
    assert_true(bf_relay_is_quiet(world.relay));
}

static void dup_is_taken_and_acknowledged_again(void **state)
{
    (void)state;
    run();
    world.acked = 2;
    assert_true(DOWN(PUBLISH("\x01") "\x3a\x08\x00\x01t\x00\x01\x00"
                                     "ab"));
    assert_int_equal(world.taken, 2);
    assert_true(world.last.dup);
    BROKER(PUBACK("\x01") PUBACK("\x01"));
}

static void what_nobody_asked_for_is_a_fault(void **state)
{
    (void)state;
    run();
    assert_false(DOWN("\x34\x06\0\1t\0\1\0")); /* QoS 2 */
    assert_non_null(strstr(world.relay->fault, "QoS 2"));
    connect();
    run();
    assert_false(DOWN("\x32\x09\0\1t\0\1\3\x23\0\1")); /* a topic alias */
    assert_non_null(strstr(world.relay->fault, "alias"));
    connect();
    run();
    assert_false(DOWN("\x32\xff\xff\xff\xff\x01"));
    assert_non_null(world.relay->fault);
    assert_int_equal(world.taken, 0);
    world.acked = UINT64_MAX;
    BROKER("");
}

static void the_window_of_deliveries_closes(void **state)
{
    (void)state;
    run();
    assert_true(DOWN(PUBLISH("\x01") PUBLISH("\x02") PUBLISH("\x03") PUBLISH("\x04") PUBLISH("\x05")));
    assert_int_equal(world.taken, 4);
    assert_false(bf_relay_wants_downlink(world.relay));
    assert_true(bf_relay_is_waiting(world.relay));
    world.acked = 4;
    BROKER(PUBACK("\x01") PUBACK("\x02") PUBACK("\x03") PUBACK("\x04"));
    assert_true(bf_relay_has_work(world.relay)); /* without another byte from the broker */
    assert_true(bf_relay_work(world.relay, world.now_us));
    assert_int_equal(world.taken, 5);
}

static void too_many_bytes_close_it_too(void **state)
{
    (void)state;
    run();
    world.pending = 1000;
    assert_false(bf_relay_wants_downlink(world.relay));
    assert_true(bf_relay_is_waiting(world.relay));
    world.pending = 999;
    assert_true(DOWN(PUBLISH("\x01")));
    assert_int_equal(world.taken, 1);
}

static void a_full_uplink_stops_the_downlink(void **state)
{
    (void)state;
    static char bytes[BF_UPLINK_SEGMENT];
    run();
    world.handed = 1;
    assert_true(up(bytes, sizeof bytes));
    BROKER(""); /* it waits in front */
    assert_true(up(bytes, sizeof bytes));
    assert_false(bf_relay_wants_uplink(world.relay));
    assert_true(DOWN(PUBLISH("\x01")));
    assert_int_equal(world.taken, 0);
}

static void a_refused_message_ends_it_without_puback(void **state)
{
    (void)state;
    run();
    world.refuse = true;
    assert_false(DOWN(PUBLISH("\x01")));
    assert_null(world.relay->fault); /* it is not the broker's */
    world.acked = UINT64_MAX;
    BROKER("");
}

static void a_sever_stops_it_between_two_messages(void **state)
{
    (void)state;
    run();
    world.sever = true;
    assert_false(DOWN(PUBLISH("\x01") PUBLISH("\x02")));
    assert_int_equal(world.taken, 1);
    assert_false(UP("\xe0\x00")); /* nor does anything of Paho's leave */
}

static void a_pause_holds_and_a_probe_is_the_last(void **state)
{
    (void)state;
    run();
    assert_true(DOWN(PUBLISH("\x01")));
    atomic_store(&world.shared.paused, true);
    assert_true(DOWN(PUBLISH("\x02")));
    assert_int_equal(world.taken, 1);
    assert_false(bf_relay_is_quiet(world.relay));
    world.acked = 1;
    BROKER(PUBACK("\x01"));
    assert_true(bf_relay_is_quiet(world.relay)); /* what is not taken will come again */
    atomic_store(&world.shared.probe, true);
    assert_true(UP("\x32\x06probe!"));
    BROKER("\x32\x06probe!");
    assert_true(atomic_load(&world.shared.doomed));
    assert_true(bf_relay_has_work(world.relay));
    assert_true(bf_relay_work(world.relay, world.now_us));
    assert_true(DOWN(PUBLISH("\x03") PUBACK("\x07"))); /* the answer to the probe */
    PAHO(PUBACK("\x07"));
    assert_int_equal(world.taken, 1);
    assert_false(bf_relay_wants_uplink(world.relay));
    BROKER("");
}

static void a_closed_connection_hands_nothing_over_that_comes_again(void **state)
{
    (void)state;
    run();
    assert_true(DOWN(PUBLISH("\x01")));
    bf_relay_closed(world.relay); /* a successor has the session now */
    assert_true(DOWN(PUBLISH("\x02") QOS0 "\xe0\x01\x8e"));
    PAHO("\xe0\x01\x8e"); /* the reason */
    assert_int_equal(world.taken, 2);
    assert_int_equal(world.last.qos, 0);
    assert_int_equal(atomic_load(&world.shared.delivered), 1);
    connect();
    run();
    assert_true(DOWN(PUBLISH("\x02")));
    assert_int_equal(world.taken, 3);
}

static void an_oversize_message_is_taken_cut(void **state)
{
    (void)state;
    size_t payload = MAX_PAYLOAD + BF_DOWNLINK_SLACK + 100000, length = 6 + payload;
    char header[] = {0x32,
                     (char)((length & 127) | 128),
                     (char)((length >> 7 & 127) | 128),
                     (char)(length >> 14),
                     0,
                     1,
                     't',
                     0,
                     9,
                     0};
    run();
    assert_true(down(header, sizeof header));
    for (size_t sent = 0, room; sent < payload; sent += room) {
        char *to = bf_relay_downlink_room(world.relay, &room);
        room = room < payload - sent ? room : payload - sent;
        memset(to, 'x', room);
        bf_relay_came_down(world.relay, room, world.now_us);
        assert_int_equal(world.taken, 0);
        assert_true(bf_relay_work(world.relay, world.now_us));
    }
    assert_int_equal(world.taken, 1);
    assert_true(world.last.is_cut);
    assert_int_equal(world.last.whole_len, payload);
    assert_string_equal(world.payload, "xxxxxxxxxx");
    assert_int_equal(bf_counter_read(&world.oversize), 1);
    world.acked = 1;
    BROKER(PUBACK("\x09"));
}

static void paho_hears_that_the_broker_speaks(void **state)
{
    (void)state;
    run();
    assert_true(DOWN(QOS0));
    PAHO("");
    world.now_us += BF_US_PER_S;
    assert_true(DOWN(QOS0));
    PAHO(PINGRESP);
    assert_true(DOWN(QOS0));
    PAHO("");
    world.now_us += BF_US_PER_S;
    assert_true(DOWN(QOS0));
    PAHO(PINGRESP);
    world.now_us += BF_US_PER_S;
    assert_true(bf_relay_work(world.relay, world.now_us)); /* nothing came: nothing is said */
    PAHO("");
}

static void a_length_that_does_not_come_ends_it(void **state)
{
    (void)state;
    run();
    assert_true(DOWN("\x32\xff\xff\xff\x7f\x00\x04town"));
    assert_true(bf_relay_is_in_time(world.relay, world.now_us));
    world.now_us += BF_US_PER_S / 2;
    assert_true(DOWN("x")); /* it drips */
    assert_true(bf_relay_is_in_time(world.relay, world.now_us));
    world.now_us += BF_US_PER_S / 2 + 1000;
    assert_false(bf_relay_is_in_time(world.relay, world.now_us));
    assert_non_null(world.relay->fault);
}

/* As over a slow line, whose segments end anywhere. */
static void each_packet_has_a_time_of_its_own(void **state)
{
    (void)state;
    run();
    assert_true(DOWN("\xd0"));
    for (int i = 0; i < 20; i++) {
        world.now_us += BF_US_PER_S / 5;
        assert_true(DOWN("\x00\xd0")); /* the end of one and the beginning of the next */
        PAHO(PINGRESP);
        assert_true(bf_relay_is_in_time(world.relay, world.now_us));
    }
    world.now_us += BF_US_PER_S;
    assert_false(bf_relay_is_in_time(world.relay, world.now_us));
}

static void time_in_which_we_do_not_read_is_not_the_brokers(void **state)
{
    (void)state;
    run();
    assert_true(DOWN("\x32\x08\x00\x01t"));
    world.pending = 1000;
    world.now_us += 60 * BF_US_PER_S;
    assert_true(bf_relay_is_in_time(world.relay, world.now_us));
    world.pending = 0;
    assert_true(bf_relay_is_in_time(world.relay, world.now_us));
    assert_true(DOWN("\x00\x01\x00"
                     "ab"));
    assert_int_equal(world.taken, 1);
}

static void the_next_connection_begins_anew(void **state)
{
    (void)state;
    run();
    assert_true(DOWN(PUBLISH("\x01") "\x32\x08\x00"));
    connect();
    assert_true(bf_relay_is_quiet(world.relay));
    world.acked = UINT64_MAX;
    BROKER(""); /* the PUBACK was the old one's */
    assert_true(DOWN(CONNACK PUBLISH("\x02")));
    PAHO(CONNACK);
    assert_int_equal(world.taken, 1); /* not admitted */
}

/* ---- TLS: opaque bytes, and a callback that tells of its deliveries */

static void opaque_bytes_go_down_at_once(void **state)
{
    (void)state;
    assert_true(DOWN("\x16\x03\x01 \xff\xff\xff\xff\xff"));
    PAHO("\x16\x03\x01 \xff\xff\xff\xff\xff");
}

static void uplink_waits_for_what_had_been_handed_over(void **state)
{
    (void)state;
    world.handed = 3;
    atomic_store(&world.shared.delivered, 2);
    assert_true(UP("first"));
    BROKER("");
    world.handed = 5; /* after the first was read */
    assert_true(UP("second"));
    world.acked = 2;
    BROKER("");
    assert_int_equal(atomic_load(&world.shared.released), 0);
    world.acked = 3;
    BROKER("first");
    assert_int_equal(atomic_load(&world.shared.released), 2);
    world.acked = 5;
    BROKER("second");
    assert_true(bf_relay_is_quiet(world.relay));
}

static void deliveries_close_the_window_of_opaque_bytes(void **state)
{
    (void)state;
    atomic_store(&world.shared.delivered, 4);
    assert_false(bf_relay_wants_downlink(world.relay));
    atomic_store(&world.shared.released, 1);
    assert_true(bf_relay_wants_downlink(world.relay));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, begin_plain, end)
#define TLS(name) cmocka_unit_test_setup_teardown(name, begin_tls, end)
        PLAIN(a_message_is_taken_and_its_puback_waits),
        PLAIN(pubacks_keep_their_order_and_their_marks),
        PLAIN(packets_may_come_byte_by_byte),
        PLAIN(nothing_passes_behind_the_connack),
        PLAIN(the_first_packet_is_a_connack),
        PLAIN(qos_0_is_taken_and_not_acknowledged),
        PLAIN(dup_is_taken_and_acknowledged_again),
        PLAIN(what_nobody_asked_for_is_a_fault),
        PLAIN(the_window_of_deliveries_closes),
        PLAIN(too_many_bytes_close_it_too),
        PLAIN(a_full_uplink_stops_the_downlink),
        PLAIN(a_refused_message_ends_it_without_puback),
        PLAIN(a_sever_stops_it_between_two_messages),
        PLAIN(a_pause_holds_and_a_probe_is_the_last),
        PLAIN(a_closed_connection_hands_nothing_over_that_comes_again),
        PLAIN(an_oversize_message_is_taken_cut),
        PLAIN(paho_hears_that_the_broker_speaks),
        PLAIN(a_length_that_does_not_come_ends_it),
        PLAIN(each_packet_has_a_time_of_its_own),
        PLAIN(time_in_which_we_do_not_read_is_not_the_brokers),
        PLAIN(the_next_connection_begins_anew),
        TLS(opaque_bytes_go_down_at_once),
        TLS(uplink_waits_for_what_had_been_handed_over),
        TLS(deliveries_close_the_window_of_opaque_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
