/* The error record: set, cut, formatted, and harmless where nobody asked for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/err.h"

static void statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(bf_status_name(BF_OK), "ok");
    assert_string_equal(bf_status_name(BF_FATAL), "fatal");
    assert_string_equal(bf_status_name((enum bf_status)1000), "unknown");
}

static void set_returns_the_status_and_clears_the_rest(void **state)
{
    (void)state;
    struct bf_err err = {.status = BF_OK};
    bf_err_detail(&err, "old detail");
    bf_err_hint(&err, "old hint");
    assert_int_equal(bf_err_set(&err, BF_PEER, "could not connect to %s", "Redis"), BF_PEER);
    assert_int_equal(err.status, BF_PEER);
    assert_string_equal(err.message, "could not connect to Redis");
    assert_string_equal(err.detail, "");
    assert_string_equal(err.hint, "");
}

static void null_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(bf_err_set(NULL, BF_LIMIT, "%d", 1), BF_LIMIT);
    bf_err_detail(NULL, "%d", 1);
    bf_err_hint(NULL, "%d", 1);
}

static void long_texts_are_cut_and_terminated(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct bf_err err;
    bf_err_set(&err, BF_CONFIG, "%s", text);
    bf_err_detail(&err, "%s", text);
    bf_err_hint(&err, "%s", text);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
    assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

static void format_joins_what_is_there(void **state)
{
    (void)state;
    char text[100];
    struct bf_err err;
    bf_err_set(&err, BF_PEER, "no route");
    assert_string_equal(bf_err_format(&err, text, sizeof(text)), "no route");
    bf_err_hint(&err, "Start the broker");
    assert_string_equal(bf_err_format(&err, text, sizeof(text)), "no route. Start the broker");
    bf_err_detail(&err, "127.0.0.1:1");
    assert_string_equal(bf_err_format(&err, text, sizeof(text)),
                        "no route (127.0.0.1:1). Start the broker");
    char small[5] = "????";
    assert_string_equal(bf_err_format(&err, small, sizeof(small)), "no r");
    assert_ptr_equal(bf_err_format(&err, small, 0), small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_have_names),
        cmocka_unit_test(set_returns_the_status_and_clears_the_rest),
        cmocka_unit_test(null_is_allowed),
        cmocka_unit_test(long_texts_are_cut_and_terminated),
        cmocka_unit_test(format_joins_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
