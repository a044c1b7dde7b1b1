/* The same city over a real Apache Kafka, where Java is installed and Maven Central answers. */
#include "tests/e2e/demo_run.h"

#include "tests/support/peers.h"

static void a_simulated_city_accounts_for_every_reading(void **state)
{
    (void)state;
    struct demo demo;
    /* 360 devices; those of the fastest kind alone send this much in 15 s */
    assert_true(demo_accounts(&demo, (const char *const[]){"--kafka", "apache", "--for", "15s", "--json",
                                                           NULL}) > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_simulated_city_accounts_for_every_reading)};
    if (!bf_peer_available(BF_PEER_APACHE_KAFKA)) {
        fprintf(stderr, "skipped: Apache Kafka needs Java 17, Maven and Maven Central\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
