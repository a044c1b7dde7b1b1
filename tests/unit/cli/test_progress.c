/* The progress line of long commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/progress.h"
#include "core/time.h"

static void a_bar_says_how_far_and_how_long(void **state)
{
    (void)state;
    char text[80];
    bf_progress_format(0.5, 3000000, "readings", 10 * BF_US_PER_S, true, text, sizeof text);
    assert_string_equal(text, "##########..........  50 %  3000000 readings, 300000/s, 10 s left");
    bf_progress_format(0, 0, "readings", 0, false, text, sizeof text);
    assert_string_equal(text, "  0 %  0 readings, 0/s");
    bf_progress_format(7, 1, "x", 2 * BF_US_PER_S, true, text, sizeof text); /* an estimate was too small */
    assert_string_equal(text, "#################### 100 %  1 x, 0/s, 0 s left");
}

static void the_largest_numbers_stay_on_one_line(void **state)
{
    (void)state;
    char text[80];
    bf_progress_format(0.011, UINT64_MAX, "readings", BF_US_PER_S * 1000, true, text, sizeof text);
    assert_true(strlen(text) < 80);
}

static void no_terminal_no_escape_codes(void **state)
{
    (void)state;
    char text[256] = "";
    FILE *file = tmpfile();
    struct bf_progress progress;
    assert_non_null(file);
    bf_progress_start(&progress, file);
    progress.said_us -= 60 * BF_US_PER_S; /* it is time */
    bf_progress_show(&progress, 0.25, 10, "readings");
    bf_progress_show(&progress, 0.26, 11, "readings"); /* not yet again */
    bf_progress_end(&progress);
    rewind(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    assert_true(len > 0 && memchr(text, '\033', len) == NULL && memchr(text, '\r', len) == NULL);
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_bar_says_how_far_and_how_long),
                                       cmocka_unit_test(the_largest_numbers_stay_on_one_line),
                                       cmocka_unit_test(no_terminal_no_escape_codes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
