/* A site's settings reach every client as they stand, and nothing is copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/log/wiring.h"
#include "core/time.h"
#include "peers/mqtt/mqtt.h"
#include "peers/redis/redis.h"

static void everything_is_passed_on(void **state)
{
    (void)state;
    const struct bf_site_property properties[] = {{.name = "security.protocol", .value = "ssl"},
                                                  {.name = "ssl.ca.location", .value = "/etc/ssl/ca.pem"}};
    const struct bf_site site = {
        .kafka = {.brokers = "a:1,b:2", .prefix = "town", .properties = properties, .property_count = 2}};
    struct bf_property room[BF_WIRING_PROPERTIES];
    struct bf_kafka_options options = bf_wiring_kafka(&site, "me", room);
    assert_string_equal(options.brokers, "a:1,b:2");
    assert_string_equal(options.prefix, "town");
    assert_string_equal(options.client_id, "me");
    assert_int_equal(options.property_count, 2);
    assert_ptr_equal(options.properties, room);
    assert_ptr_equal(options.properties[1].value, properties[1].value);
    assert_string_equal(options.properties[0].name, "security.protocol");
}

static void no_properties_are_fine(void **state)
{
    (void)state;
    const struct bf_site site = {.kafka = {.brokers = "a:1", .prefix = "belfry"}};
    struct bf_property room[BF_WIRING_PROPERTIES];
    assert_int_equal(bf_wiring_kafka(&site, "me", room).property_count, 0);
}

static void a_broker_is_told_who_comes_and_what_it_keeps_is_left_to_the_caller(void **state)
{
    (void)state;
    const struct bf_site site = {.mqtt = {.url = "mqtts://b:8883",
                                          .version = 5,
                                          .username = "belfry",
                                          .password = "secret",
                                          .ca_file = "ca.pem",
                                          .cert_file = "cert.pem",
                                          .key_file = "key.pem",
                                          .keep_alive_us = 90 * BF_US_PER_S}};
    const struct bf_mqtt_options options = bf_wiring_mqtt(&site, "me");
    assert_ptr_equal(options.url, site.mqtt.url);
    assert_int_equal(options.version, 5);
    assert_string_equal(options.client_id, "me");
    assert_ptr_equal(options.username, site.mqtt.username);
    assert_ptr_equal(options.password, site.mqtt.password);
    assert_ptr_equal(options.ca_file, site.mqtt.ca_file);
    assert_ptr_equal(options.cert_file, site.mqtt.cert_file);
    assert_ptr_equal(options.key_file, site.mqtt.key_file);
    assert_int_equal(options.keep_alive_s, 90);
    assert_false(options.clean);
    assert_int_equal(options.session_expiry_s, 0);
    assert_int_equal(options.relay_port, 0);
}

static void every_version_but_5_is_3_1_1(void **state)
{
    (void)state;
    const struct bf_site site = {.mqtt = {.url = "mqtt://b", .version = 4}};
    assert_int_equal(bf_wiring_mqtt(&site, "me").version, 3);
}

static void redis_is_asked_with_its_own_patience(void **state)
{
    (void)state;
    const struct bf_site site = {.redis = {.url = "redis://r:6379/2",
                                           .username = "sink",
                                           .password = "secret",
                                           .timeout_us = 1500 * BF_US_PER_MS}};
    const struct bf_redis_options options = bf_wiring_redis(&site);
    assert_ptr_equal(options.url, site.redis.url);
    assert_ptr_equal(options.username, site.redis.username);
    assert_ptr_equal(options.password, site.redis.password);
    assert_int_equal(options.timeout_ms, 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_passed_on),
        cmocka_unit_test(no_properties_are_fine),
        cmocka_unit_test(a_broker_is_told_who_comes_and_what_it_keeps_is_left_to_the_caller),
        cmocka_unit_test(every_version_but_5_is_3_1_1),
        cmocka_unit_test(redis_is_asked_with_its_own_patience),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
