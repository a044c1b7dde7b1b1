/* The words of /readyz: the worst wins, whatever a peer says stays inside its quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/health.h"
#include "core/log.h"

static int make(void **state)
{
    static struct bf_health health;
    bf_log_init(&(struct bf_log_options){.level = BF_LOG_ERROR, .program = "test"});
    bf_health_init(&health);
    *state = &health;
    return 0;
}

static int unmake(void **state)
{
    bf_health_deinit(*state);
    return 0;
}

static void nothing_said_is_ready(void **state)
{
    char json[BF_HEALTH_JSON_MAX];
    assert_int_equal(bf_health_format(*state, json, sizeof json), BF_HEALTH_OK);
    assert_string_equal(json, "{\"ready\":true,\"state\":\"ok\",\"conditions\":[]}");
    assert_int_equal(bf_health_summary(*state, json, sizeof json), BF_HEALTH_OK);
    assert_string_equal(json, "ready");
}

static void the_worst_wins(void **state)
{
    char json[BF_HEALTH_JSON_MAX];
    bf_health_set(*state, "mqtt", BF_HEALTH_OK, "connected");
    bf_health_set(*state, "redis", BF_HEALTH_DEGRADED, "%d s behind", 7);
    assert_int_equal(bf_health_format(*state, json, sizeof json), BF_HEALTH_DEGRADED);
    assert_non_null(strstr(json, "\"ready\":true,\"state\":\"degraded\""));
    bf_health_set(*state, "kafka", BF_HEALTH_NOT_READY, "no broker answers");
    assert_int_equal(bf_health_format(*state, json, sizeof json), BF_HEALTH_NOT_READY);
    assert_string_equal(json,
                        "{\"ready\":false,\"state\":\"not_ready\",\"conditions\":["
                        "{\"name\":\"mqtt\",\"state\":\"ok\",\"reason\":\"connected\"},"
                        "{\"name\":\"redis\",\"state\":\"degraded\",\"reason\":\"7 s behind\"},"
                        "{\"name\":\"kafka\",\"state\":\"not_ready\",\"reason\":\"no broker answers\"}]}");
    assert_int_equal(bf_health_summary(*state, json, sizeof json), BF_HEALTH_NOT_READY);
    assert_string_equal(json, "redis: 7 s behind; kafka: no broker answers");
    bf_health_set(*state, "kafka", BF_HEALTH_OK, "connected");
    assert_int_equal(bf_health_format(*state, json, sizeof json), BF_HEALTH_DEGRADED);
}

static void a_reason_cannot_leave_its_quotes(void **state)
{
    char json[BF_HEALTH_JSON_MAX];
    bf_health_set(*state, "mqtt", BF_HEALTH_NOT_READY, "%s", "\"},\\\n\x01\xff end");
    bf_health_format(*state, json, sizeof json);
    assert_non_null(strstr(json, "\"reason\":\"\\\"},\\\\\\u000a\\u0001\\u00ff end\"}]}"));
}

static void the_longest_fits_what_the_header_promises(void **state)
{
    char json[BF_HEALTH_JSON_MAX];
    char names[BF_HEALTH_MAX][8];
    char reason[2 * BF_HEALTH_REASON_MAX];
    memset(reason, '\x01', sizeof reason);
    reason[sizeof reason - 1] = '\0';
    for (size_t i = 0; i < BF_HEALTH_MAX; i++) {
        snprintf(names[i], sizeof names[i], "c%zu", i);
        bf_health_set(*state, names[i], BF_HEALTH_NOT_READY, "%s", reason);
    }
    bf_health_format(*state, json, sizeof json);
    assert_non_null(strstr(json, "{\"name\":\"c15\""));
    assert_string_equal(json + strlen(json) - 4, "\"}]}");
    for (size_t size = 64; size < 4096; size++) {
        bf_health_format(*state, json, size);
        assert_true(strlen(json) < size);
        assert_string_equal(json + strlen(json) - 2, "]}");
    }
    bf_health_summary(*state, json, 64);
    assert_true(strlen(json) < 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_said_is_ready, make, unmake),
        cmocka_unit_test_setup_teardown(the_worst_wins, make, unmake),
        cmocka_unit_test_setup_teardown(a_reason_cannot_leave_its_quotes, make, unmake),
        cmocka_unit_test_setup_teardown(the_longest_fits_what_the_header_promises, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
