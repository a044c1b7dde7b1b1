/* The JSON of details: valid whatever a label holds and however much does not fit. */
#include "tests/unit/processors/aggregate/feed.h"

#include "processors/aggregate/detail.h"

static void assert_text(struct bf_slice label, const char *wanted)
{
    char json[BF_KPI_DETAIL_MAX];
    struct bf_detail detail = bf_detail_begin(json, 0);
    bf_detail_put_text(&detail, label);
    struct bf_slice got = {json, bf_detail_end(&detail, "")};
    if (!bf_slice_equal(got, bf_slice_of(wanted))) {
        fail_msg("%.*s is not %s", BF_SLICE_ARG(got), wanted);
    }
}

static void labels_are_valid_strings(void **state)
{
    (void)state;
    assert_text(BF_SLICE(""), "\"\"");
    assert_text(BF_SLICE("lab:\xc3\xa4/1"), "\"lab:\xc3\xa4/1\"");
    assert_text(BF_SLICE("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
    assert_text(BF_SLICE("\0"), "\"\\u0000\"");
    assert_text(BF_SLICE("\xf0\x9f\x9a\x8c"), "\"\xf0\x9f\x9a\x8c\"");
    /* Not UTF-8: alone, cut, overlong, a surrogate, beyond the last character. */
    assert_text(BF_SLICE("\x80"), "\"\xef\xbf\xbd\"");
    assert_text(BF_SLICE("x\xc3"), "\"x\xef\xbf\xbd\"");
    assert_text(BF_SLICE("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_text(BF_SLICE("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_text(BF_SLICE("\xf4\x90\x80\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void numbers_are_in_their_shortest_form(void **state)
{
    (void)state;
    char json[BF_KPI_DETAIL_MAX];
    struct bf_detail detail = bf_detail_begin(json, 1);
    bf_detail_put(&detail, "[");
    bf_detail_put_double(&detail, 0.1);
    bf_detail_put(&detail, ",");
    bf_detail_put_uint(&detail, UINT64_MAX);
    struct bf_slice got = {json, bf_detail_end(&detail, "]")};
    assert_true(bf_slice_equal(got, BF_SLICE("[0.1,18446744073709551615]")));
}

static void what_does_not_fit_is_taken_back_whole(void **state)
{
    (void)state;
    char json[BF_KPI_DETAIL_MAX];
    struct bf_detail detail = bf_detail_begin(json, 1);
    bf_detail_put(&detail, "[0");
    size_t taken = 0;
    for (size_t mark = detail.len;; mark = detail.len) {
        bf_detail_put(&detail, ",");
        bf_detail_put_text(&detail, BF_SLICE("1234567890"));
        if (!bf_detail_cut(&detail, mark)) {
            break;
        }
        taken++;
    }
    size_t len = bf_detail_end(&detail, "]");
    assert_int_equal(taken, (BF_KPI_DETAIL_MAX - 3) / 13);
    assert_int_equal(len, 3 + 13 * taken);
    assert_true(json[len - 1] == ']' && json[len - 2] == '"');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_valid_strings),
        cmocka_unit_test(numbers_are_in_their_shortest_form),
        cmocka_unit_test(what_does_not_fit_is_taken_back_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
