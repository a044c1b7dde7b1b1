/* What most commands begin with: which file is read, what is said when it cannot be, and how long windows
 * take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "cli/setting.h"
#include "core/daemon.h"

#define GOOD TEST_SOURCE_DIR "/tests/vectors/config/good/belfry.yaml"

static void the_file_is_given_or_in_the_environment(void **state)
{
    (void)state;
    unsetenv("BELFRY_CONFIG");
    assert_string_equal(bf_setting_path(NULL), "/etc/belfry/belfry.yaml");
    setenv("BELFRY_CONFIG", "", 1);
    assert_string_equal(bf_setting_path(NULL), "/etc/belfry/belfry.yaml");
    setenv("BELFRY_CONFIG", GOOD, 1);
    assert_string_equal(bf_setting_path(NULL), GOOD);
    assert_string_equal(bf_setting_path("mine.yaml"), "mine.yaml");
}

static void it_is_loaded_with_and_without_the_city(void **state)
{
    (void)state;
    struct bf_setting setting;
    struct bf_err err;
    setenv("BELFRY_CONFIG", GOOD, 1);
    assert_int_equal(bf_setting_load(NULL, false, &setting, &err), BF_OK);
    assert_non_null(setting.site);
    assert_null(setting.city);
    bf_setting_unload(&setting);
    assert_null(setting.site);
    assert_int_equal(bf_setting_load(GOOD, true, &setting, &err), BF_OK);
    assert_int_equal(setting.city->kpi_count, 3);
    /* The longest window is an hour, and waits five seconds more. */
    assert_true(bf_setting_tail(setting.city) == INT64_C(3605000000) + 2 * setting.city->time.emit_every_us);
    bf_setting_unload(&setting);
    bf_setting_unload(&setting); /* harmless */
}

static void what_is_missing_or_wrong_is_a_configuration_error(void **state)
{
    (void)state;
    struct bf_setting setting;
    struct bf_err err;
    assert_int_equal(bf_setting_load("/not/there.yaml", true, &setting, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "/not/there.yaml"));
    assert_null(setting.site);
    assert_int_equal(bf_setting_fail("top", &err), BF_EXIT_CONFIG);
    err.status = BF_PEER;
    assert_int_equal(bf_setting_fail("top", &err), BF_EXIT_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_given_or_in_the_environment),
        cmocka_unit_test(it_is_loaded_with_and_without_the_city),
        cmocka_unit_test(what_is_missing_or_wrong_is_a_configuration_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
