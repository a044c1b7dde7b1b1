/* The topic table: the numbers that the design promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "peers/kafka/kafka.h"

struct wanted {
    const char *name;
    int32_t partitions;
    const char *policy, *retention_ms;
};

static const struct wanted table[BF_TOPIC_COUNT] = {
    [BF_TOPIC_READINGS] = {.name = "readings",
                           .partitions = 12,
                           .policy = "delete",
                           .retention_ms = "86400000"},
    [BF_TOPIC_REJECTS] = {.name = "rejects",
                          .partitions = 4,
                          .policy = "delete",
                          .retention_ms = "604800000"},
    [BF_TOPIC_PARTIALS] = {.name = "partials",
                           .partitions = 4,
                           .policy = "delete",
                           .retention_ms = "86400000"},
    [BF_TOPIC_KPIS] = {.name = "kpis", .partitions = 4, .policy = "delete", .retention_ms = "604800000"},
    [BF_TOPIC_SIGNALS] = {.name = "signals",
                          .partitions = 1,
                          .policy = "delete",
                          .retention_ms = "604800000"},
    [BF_TOPIC_ALERTS] = {.name = "alerts", .partitions = 1, .policy = "delete", .retention_ms = "2592000000"},
    [BF_TOPIC_CONFIG] = {.name = "config", .partitions = 1, .policy = "compact"},
    [BF_TOPIC_CHECKPOINTS] = {.name = "checkpoints", .partitions = 12, .policy = "compact"},
};

static const char *setting(const struct bf_topic_spec *spec, const char *name)
{
    for (const char *const *its = spec->settings; *its; its += 2) {
        assert_non_null(its[1]); /* pairs */
        if (strcmp(its[0], name) == 0) {
            return its[1];
        }
    }
    return NULL;
}

static void the_table_is_the_designs(void **state)
{
    (void)state;
    size_t count;
    const struct bf_topic_spec *specs = bf_topic_specs(&count);
    assert_int_equal(count, BF_TOPIC_COUNT);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(specs[i].topic, i);
        assert_string_equal(specs[i].name, table[i].name);
        assert_int_equal(specs[i].partitions, table[i].partitions);
        assert_string_equal(setting(&specs[i], "cleanup.policy"), table[i].policy);
        if (table[i].retention_ms) {
            assert_string_equal(setting(&specs[i], "retention.ms"), table[i].retention_ms);
        } else {
            assert_null(setting(&specs[i], "retention.ms"));
        }
    }
}

static void no_topic_lets_a_device_choose_its_time(void **state)
{
    (void)state;
    size_t count;
    const struct bf_topic_spec *specs = bf_topic_specs(&count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(setting(&specs[i], "message.timestamp.type"), "LogAppendTime");
        assert_string_equal(setting(&specs[i], "max.message.bytes"), "1048588");
    }
    assert_non_null(setting(&specs[BF_TOPIC_REJECTS], "retention.bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_the_designs),
        cmocka_unit_test(no_topic_lets_a_device_choose_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
