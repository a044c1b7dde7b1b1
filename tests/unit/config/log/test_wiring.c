/* A site's Kafka settings reach every client as they stand, and nothing is copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/log/wiring.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_is_passed_on),
                                       cmocka_unit_test(no_properties_are_fine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
