/* Recorded traffic, line by line: all forms, topics with spaces, and lines that are neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/capture.h"
#include "tests/support/tempdir.h"

static struct bf_capture *capture_of(const char *text, size_t len, const char *topic)
{
    char path[300];
    struct bf_capture *capture = NULL;
    struct bf_err err;
    snprintf(path, sizeof path, "%s/capture", bf_tempdir("capture"));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
    assert_int_equal(bf_capture_open(path, topic, &capture, &err), BF_OK);
    return capture;
}

static void assert_line(struct bf_capture *capture, int64_t time_us, const char *topic, const char *payload)
{
    struct bf_capture_line line;
    struct bf_err err = {.message = ""};
    if (bf_capture_next(capture, &line, &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    assert_true(line.time_us == time_us);
    assert_true(bf_slice_equal(line.topic, bf_slice_of(topic)));
    assert_true(bf_slice_equal(line.payload, bf_slice_of(payload)));
}

static void assert_refused(struct bf_capture *capture, const char *words)
{
    struct bf_capture_line line;
    struct bf_err err = {.message = ""};
    assert_int_equal(bf_capture_next(capture, &line, &err), BF_MALFORMED);
    if (!strstr(err.message, words)) {
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
    }
}

static void assert_end(struct bf_capture *capture)
{
    struct bf_capture_line line;
    struct bf_err err;
    assert_int_equal(bf_capture_next(capture, &line, &err), BF_AGAIN);
    assert_int_equal(bf_capture_next(capture, &line, &err), BF_AGAIN);
    bf_capture_close(capture);
}

static void lines_with_a_topic(void **state)
{
    (void)state;
    static const char text[] = "2024-02-13T16:33:00.005271Z /hfp/v2/tram/1 {\"VP\": 1}\n"
                               "2024-02-13T16:33:00Z /hfp/Bell Tower/08:15/ {\"VP\": {\"a b\": 1}}\r\n"
                               "\n"
                               "2024-02-13T16:33:01Z plain 21.5 C\n"
                               "2024-02-13T16:33:02Z empty \n"
                               "2024-02-13T16:33:03Z last {}"; /* no newline */
    struct bf_capture *capture = capture_of(text, sizeof text - 1, NULL);
    assert_line(capture, INT64_C(1707841980005271), "/hfp/v2/tram/1", "{\"VP\": 1}");
    assert_line(capture, INT64_C(1707841980000000), "/hfp/Bell Tower/08:15/", "{\"VP\": {\"a b\": 1}}");
    assert_line(capture, INT64_C(1707841981000000), "plain", "21.5 C");
    assert_line(capture, INT64_C(1707841982000000), "empty", "");
    assert_line(capture, INT64_C(1707841983000000), "last", "{}");
    assert_end(capture);
}

static void lines_with_milliseconds(void **state)
{
    (void)state;
    static const char text[] = "1422748800000,{\"e\": [1, 2]}\n0,\n";
    struct bf_capture *capture = capture_of(text, sizeof text - 1, "lab/readings");
    assert_line(capture, INT64_C(1422748800000000), "lab/readings", "{\"e\": [1, 2]}");
    assert_line(capture, 0, "lab/readings", "");
    assert_end(capture);
    capture = capture_of(text, sizeof text - 1, NULL);
    assert_refused(capture, ":1: this line names no topic; say which one it came on with --topic");
    assert_refused(capture, ":2: ");
    assert_end(capture);
}

static void bad_lines_are_named_and_passed_over(void **state)
{
    (void)state;
    static const char text[] = "nonsense\n"
                               "2024-02-30T16:33:00Z a {}\n"
                               "2024-02-13T16:33:00Z onlytopic\n"
                               "2024-02-13T16:33:00Z  {}\n"
                               "99999999999999999,{}\n"
                               "\0\0 \0\n"
                               "2024-02-13T16:33:00Z good {}\n";
    struct bf_capture *capture = capture_of(text, sizeof text - 1, NULL);
    assert_refused(capture, ":1: expected an RFC 3339 time");
    assert_refused(capture, ":2: expected an RFC 3339 time");
    assert_refused(capture, ":3: expected a topic, a space and the payload");
    assert_refused(capture, ":4: expected a topic");
    assert_refused(capture, ":5: "); /* seventeen digits are no milliseconds */
    assert_refused(capture, ":6: ");
    assert_line(capture, INT64_C(1707841980000000), "good", "{}");
    assert_end(capture);
}

static void lines_have_a_bound(void **state)
{
    (void)state;
    size_t len = (4u << 20) + 2;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'x', len);
    text[len - 1] = '\n';
    struct bf_capture *capture = capture_of(text, len, NULL);
    assert_refused(capture, ":1: the line is longer than 4 MiB");
    assert_end(capture);
    free(text);
}

static void lines_that_tap_has_printed(void **state)
{
    (void)state;
    static const char text[] =
        "{\"tap\":\"raw\",\"at\":\"2026-03-01T12:00:00.5Z\",\"topic\":\"a/\\u00e4 "
        "b\",\"payload\":\"{\\\"v\\\": 1}\"}\n"
        "{\"tap\":\"rejects\",\"more\":{\"topic\":\"x\"},\"payload_base64\":\"AP8=\",\"topic\":\"b\","
        "\"at\":\"2026-03-01T12:00:01Z\",\"n\":[1]}\n"
        "{\"tap\":\"raw\",\"at\":\"2026-03-01T12:00:01Z\",\"topic\":\"c\",\"payload\":\"\"}\n"
        "{\"tap\":\"kpis\",\"at\":\"2026-03-01T12:00:01Z\",\"kpi\":\"x\"}\n"
        "{\"tap\":\"raw\",\"at\":\"noon\",\"topic\":\"c\",\"payload\":\"\"}\n"
        "{\"at\":\"2026-03-01T12:00:01Z\",\"topic\":\"c\",\"payload_base64\":\"A\"}\n"
        "{\"tap\":\"raw\"\n{}\n"
        "{\"at\":\"2026-03-01T12:00:02Z\",\"topic\":\"d\",\"payload\":\"x\"}";
    struct bf_capture *capture = capture_of(text, sizeof text - 1, NULL);
    struct bf_capture_line line;
    struct bf_err err;
    assert_line(capture, 1772366400500000, "a/\xc3\xa4 b", "{\"v\": 1}");
    assert_int_equal(bf_capture_next(capture, &line, &err), BF_OK);
    assert_true(bf_slice_equal(line.topic, BF_SLICE("b")));
    assert_true(bf_slice_equal(line.payload, (struct bf_slice){"\0\xff", 2}));
    assert_line(capture, 1772366401000000, "c", "");
    assert_refused(capture, ":4: the line has no \"at\", \"topic\" and \"payload\"");
    assert_refused(capture, ":5: the line has no");
    assert_refused(capture, ":6: payload_base64 is no base64");
    assert_refused(capture, ":7: expected an object as `belfry tap --json` prints it");
    assert_refused(capture, ":8: expected an object");
    assert_line(capture, 1772366402000000, "d", "x");
    assert_end(capture);
    assert_int_equal(bf_capture_open_bytes((struct bf_slice){text, sizeof text - 1}, NULL, &capture, &err),
                     BF_OK);
    assert_line(capture, 1772366400500000, "a/\xc3\xa4 b", "{\"v\": 1}");
    bf_capture_close(capture);
}

static void a_file_that_is_not_there(void **state)
{
    (void)state;
    struct bf_capture *capture = NULL;
    struct bf_err err;
    assert_int_equal(bf_capture_open("/not/there", NULL, &capture, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "could not open /not/there: No such file"));
    bf_capture_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_with_a_topic),
        cmocka_unit_test(lines_with_milliseconds),
        cmocka_unit_test(bad_lines_are_named_and_passed_over),
        cmocka_unit_test(lines_have_a_bound),
        cmocka_unit_test(lines_that_tap_has_printed),
        cmocka_unit_test(a_file_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
