/* Lines, byte for byte, from a pipe in the place of standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/time.h"

#define WALL_US INT64_C(1707841980005271) /* 2024-02-13T16:33:00.005271Z */

static int capture_fd, saved_fd;
static int64_t now_us;

static void capture_begin(bool json, enum bf_log_level level)
{
    int ends[2];
    bf_log_init(&(struct bf_log_options){.level = level, .json = json, .program = "belfry-test"});
    now_us = 0;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    saved_fd = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    capture_fd = ends[0];
}

static const char *capture_end(void)
{
    static char text[32768];
    dup2(saved_fd, STDERR_FILENO);
    close(saved_fd);
    ssize_t len = read(capture_fd, text, sizeof text - 1);
    close(capture_fd);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static void say(enum bf_log_level level, const char *event, const char *format, ...) BF_PRINTF(3, 4);
static void say(enum bf_log_level level, const char *event, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bf__log_at(WALL_US, now_us, level, event, format, args);
    va_end(args);
}

#define HEAD "ts=2024-02-13T16:33:00.005271Z level=info program=belfry-test event="

static void writes_logfmt(void **state)
{
    (void)state;
    capture_begin(false, BF_LOG_INFO);
    say(BF_LOG_INFO, "mqtt.connected", "url=%s session=%s packets=%d", "tcp://127.0.0.1:1883", "kept", 3);
    assert_string_equal(capture_end(),
                        HEAD "mqtt.connected url=tcp://127.0.0.1:1883 session=kept packets=3\n");
}

static void quotes_values_as_the_format_cuts_them(void **state)
{
    (void)state;
    capture_begin(false, BF_LOG_INFO);
    say(BF_LOG_INFO, "x", "a=%s b=%s c=%s", "two words", "", "say \"hi\"");
    assert_string_equal(capture_end(), HEAD "x a=\"two words\" b=\"\" c=\"say \\\"hi\\\"\"\n");
}

static void a_value_cannot_write_a_key_or_a_line(void **state)
{
    (void)state;
    capture_begin(false, BF_LOG_INFO);
    say(BF_LOG_INFO, "x", "device=%s ok=%d", "d1 ok=0\nts=1 level=error\x1b[31m", 1);
    assert_string_equal(capture_end(), HEAD "x device=\"d1 ok=0\\u000ats=1 level=error\\u001b[31m\" ok=1\n");
}

static void words_without_a_key_are_the_message(void **state)
{
    (void)state;
    capture_begin(false, BF_LOG_INFO);
    say(BF_LOG_INFO, "x", "%d of %d found file=%s", 3, 4, "f");
    say(BF_LOG_WARN, "y", "%s", "");
    const char *text = capture_end();
    assert_non_null(strstr(text, "event=x msg=\"3 of 4 found\" file=f\n"));
    assert_non_null(strstr(text, "event=y msg=\"\"\n"));
}

static void writes_json(void **state)
{
    (void)state;
    capture_begin(true, BF_LOG_INFO);
    say(BF_LOG_INFO, "x", "text=%s n=%d share=%.2f bad=%f id=%s", "a\"b\n", -3, 0.25, 0.0 / 0.0 * 0, "12");
    const char *text = capture_end();
    assert_non_null(strstr(text, "{\"ts\":\"2024-02-13T16:33:00.005271Z\",\"level\":\"info\","
                                 "\"program\":\"belfry-test\",\"event\":\"x\","
                                 "\"text\":\"a\\\"b\\u000a\",\"n\":-3,\"share\":0.25,\"bad\":\""));
    assert_non_null(strstr(text, "nan\",\"id\":\"12\"}\n"));
}

static void repeats_are_counted_and_said(void **state)
{
    (void)state;
    capture_begin(false, BF_LOG_INFO);
    for (now_us = 0; now_us < BF_LOG_REPEAT_US; now_us += BF_US_PER_S) {
        say(BF_LOG_INFO, "x", "n=%d", 1);
    }
    say(BF_LOG_WARN, "x", "n=%d", 2); /* another level is another line */
    say(BF_LOG_INFO, "other", "n=%d", 3);
    say(BF_LOG_INFO, "x", "n=%d", 4);
    now_us += BF_LOG_REPEAT_US;
    say(BF_LOG_INFO, "x", "n=%d", 5);
    const char *text = capture_end();
    const char *warn = "ts=2024-02-13T16:33:00.005271Z level=warn program=belfry-test event=x n=2\n";
    char wanted[1024];
    strncpy(wanted, HEAD "x n=1\n", sizeof wanted - 1);
    wanted[sizeof wanted - 1] = '\0';
    strncat(wanted, warn, sizeof wanted - strlen(wanted) - 1);
    strncat(wanted, HEAD "other n=3\n", sizeof wanted - strlen(wanted) - 1);
    strncat(wanted, HEAD "x n=4 repeated=9\n", sizeof wanted - strlen(wanted) - 1);
    strncat(wanted, HEAD "x n=5\n", sizeof wanted - strlen(wanted) - 1);
    assert_string_equal(text, wanted);
}

static void different_lines_of_an_event_pass_up_to_a_burst(void **state)
{
    (void)state;
    char wanted[64];
    capture_begin(false, BF_LOG_INFO);
    for (int n = 0; n < 3 * BF_LOG_BURST; n++) {
        say(BF_LOG_INFO, "x", "n=%d", n);
    }
    now_us = BF_LOG_REPEAT_US;
    say(BF_LOG_INFO, "x", "n=%d", 0);
    const char *text = capture_end();
    snprintf(wanted, sizeof wanted, "event=x n=%d\n", BF_LOG_BURST - 1);
    assert_non_null(strstr(text, wanted));
    snprintf(wanted, sizeof wanted, "event=x n=%d", BF_LOG_BURST);
    assert_null(strstr(text, wanted));
    snprintf(wanted, sizeof wanted, "event=x n=0 repeated=%d\n", 2 * BF_LOG_BURST);
    assert_non_null(strstr(text, wanted));
}

static void levels_below_are_silent(void **state)
{
    (void)state;
    capture_begin(false, BF_LOG_WARN);
    say(BF_LOG_INFO, "x", "n=%d", 1);
    say(BF_LOG_DEBUG, "x", "n=%d", 1);
    assert_string_equal(capture_end(), "");
    capture_begin(false, BF_LOG_DEBUG);
    say(BF_LOG_DEBUG, "x", "n=%d", 1);
    say(BF_LOG_DEBUG, "x", "n=%d", 2); /* debug is not limited */
    assert_non_null(strstr(capture_end(), "n=2"));
}

static void long_and_many_are_cut(void **state)
{
    (void)state;
    static char longest[4000];
    memset(longest, '\x02', sizeof longest - 1);
    capture_begin(true, BF_LOG_INFO);
    say(BF_LOG_INFO, "x", "a=%s b=%s", longest, "lost");
    const char *text = capture_end();
    assert_true(strlen(text) > 6 * (BF_LOG_MESSAGE_MAX - 10));
    assert_string_equal(text + strlen(text) - 3, "\"}\n");
    capture_begin(false, BF_LOG_INFO);
    say(BF_LOG_INFO, "x", "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12 m=13 n=14 o=15 p=16 q=%d", 17);
    assert_non_null(strstr(capture_end(), "o=15 p=\"16 q=17\"\n"));
}

static void more_events_than_it_remembers_still_pass(void **state)
{
    (void)state;
    capture_begin(false, BF_LOG_INFO);
    for (int i = 0; i < BF_LOG_EVENTS + 2; i++) {
        char event[16] = {(char)('a' + i / 26 / 26), (char)('a' + i / 26 % 26), (char)('a' + i % 26)};
        say(BF_LOG_INFO, event, "n=%d", i);
    }
    assert_non_null(strstr(capture_end(), "n=129\n"));
}

static void an_error_becomes_keys(void **state)
{
    (void)state;
    struct bf_err err = {.status = BF_OK};
    bf_err_set(&err, BF_PEER, "could not connect to Redis: %s", "refused");
    capture_begin(false, BF_LOG_INFO);
    bf_log_err(BF_LOG_ERROR, "start", &err);
    bf_err_detail(&err, "tried %d times", 3);
    bf_err_hint(&err, "is it running?");
    bf_log_err(BF_LOG_WARN, "start", &err);
    const char *text = capture_end();
    assert_non_null(strstr(text, "level=error program=belfry-test event=start status=peer "
                                 "message=\"could not connect to Redis: refused\"\n"));
    assert_non_null(strstr(text, "refused\" detail=\"tried 3 times\" hint=\"is it running?\"\n"));
}

static void knows_its_levels(void **state)
{
    (void)state;
    enum bf_log_level level = BF_LOG_DEBUG;
    assert_true(bf_log_level_parse("warn", &level));
    assert_int_equal(level, BF_LOG_WARN);
    assert_false(bf_log_level_parse("WARN", &level));
    assert_false(bf_log_level_parse("", &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_logfmt),
        cmocka_unit_test(quotes_values_as_the_format_cuts_them),
        cmocka_unit_test(a_value_cannot_write_a_key_or_a_line),
        cmocka_unit_test(words_without_a_key_are_the_message),
        cmocka_unit_test(writes_json),
        cmocka_unit_test(repeats_are_counted_and_said),
        cmocka_unit_test(different_lines_of_an_event_pass_up_to_a_burst),
        cmocka_unit_test(levels_below_are_silent),
        cmocka_unit_test(long_and_many_are_cut),
        cmocka_unit_test(more_events_than_it_remembers_still_pass),
        cmocka_unit_test(an_error_becomes_keys),
        cmocka_unit_test(knows_its_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
