/* Names of scopes: joined, escaped, never half written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/scope.h"

static struct bf_slice text_of(const struct bf_scope_text *scope)
{
    return (struct bf_slice){.data = scope->data, .len = scope->len};
}

static void parts_are_joined(void **state)
{
    (void)state;
    struct bf_scope_text scope;
    bf_scope_init(&scope);
    assert_int_equal(scope.len, 0);
    bf_scope_city(&scope);
    assert_true(bf_slice_equal(text_of(&scope), BF_SLICE("city")));
    bf_scope_init(&scope);
    bf_scope_zone(&scope, BF_SLICE("kallio"));
    bf_scope_tag(&scope, BF_SLICE("route"), BF_SLICE("1006"));
    bf_scope_device(&scope, BF_SLICE("hsl:40/1"));
    assert_true(bf_slice_equal(text_of(&scope),
                               BF_SLICE("zone.kallio+tag.route.1006+device.hsl~3A40~2F1")));
    assert_false(scope.cut);
}

static void no_byte_forges_a_separator(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        char byte = (char)i, out[3];
        size_t len = bf_scope_escape((struct bf_slice){.data = &byte, .len = 1}, out, sizeof(out));
        bool plain = (i >= 'a' && i <= 'z') || (i >= '0' && i <= '9') || i == '_' || i == '-';
        assert_int_equal(len, plain ? 1 : 3);
        assert_int_equal(out[0], plain ? byte : '~');
    }
    char out[16];
    assert_int_equal(bf_scope_escape(BF_SLICE("A~\xff"), out, sizeof(out)), 9);
    assert_memory_equal(out, "~41~7E~FF", 9);
}

static void the_limit_cuts_whole_parts(void **state)
{
    (void)state;
    char id[BF_SCOPE_MAX];
    memset(id, 'a', sizeof(id));
    struct bf_scope_text scope;
    bf_scope_init(&scope);
    bf_scope_zone(&scope, (struct bf_slice){.data = id, .len = BF_SCOPE_MAX - 5});
    assert_false(scope.cut);
    assert_int_equal(scope.len, BF_SCOPE_MAX);
    bf_scope_city(&scope);
    assert_true(scope.cut);
    assert_int_equal(scope.len, BF_SCOPE_MAX);

    bf_scope_init(&scope);
    bf_scope_zone(&scope, (struct bf_slice){.data = id, .len = BF_SCOPE_MAX - 4});
    assert_true(scope.cut);
    assert_int_equal(scope.len, 0);
    bf_scope_city(&scope);
    assert_true(scope.cut);
    assert_int_equal(scope.len, 0);
}

static void an_escape_that_does_not_fit_is_nothing(void **state)
{
    (void)state;
    char out[3] = "zz";
    assert_int_equal(bf_scope_escape(BF_SLICE("abcd"), out, sizeof(out)), 0);
    assert_int_equal(bf_scope_escape(BF_SLICE("a/"), out, sizeof(out)), 0);
    assert_int_equal(bf_scope_escape(BF_SLICE("/"), out, sizeof(out)), 3);
    assert_int_equal(bf_scope_escape(BF_SLICE(""), out, sizeof(out)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_joined),
        cmocka_unit_test(no_byte_forges_a_separator),
        cmocka_unit_test(the_limit_cuts_whole_parts),
        cmocka_unit_test(an_escape_that_does_not_fit_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
