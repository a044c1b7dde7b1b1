/* TOPIC@FROM..TO, and what `belfry replay` makes of its arguments before it asks anybody. Covers:
 * cli/replay.c, cli/replay_capture.c */
#include "tests/unit/cli/command_run.h"

#include "cli/span.h"
#include "core/time.h"

#define NOW (INT64_C(1700000000) * BF_US_PER_S)

static struct bf_span span;
static struct bf_err err;

static enum bf_status parse(const char *text)
{
    return bf_span_parse(text, NOW, &span, &err);
}

static void assert_end(struct bf_span_end end, enum bf_span_kind kind, int64_t value)
{
    assert_int_equal(end.kind, kind);
    assert_true(end.value == value);
}

static void each_end_is_a_time_a_duration_an_offset_or_nothing(void **state)
{
    (void)state;
    assert_int_equal(parse("belfry.readings@-24h.."), BF_OK);
    assert_true(bf_slice_equal(span.topic, BF_SLICE("belfry.readings")));
    assert_end(span.from, BF_SPAN_TIME, NOW - 86400 * BF_US_PER_S);
    assert_end(span.to, BF_SPAN_EDGE, 0);
    assert_int_equal(parse("r@2023-11-14T22:13:20.5Z..2023-11-14T23:13:21+00:00"), BF_OK);
    assert_end(span.from, BF_SPAN_TIME, NOW + BF_US_PER_S / 2);
    assert_end(span.to, BF_SPAN_TIME, NOW + 3601 * BF_US_PER_S);
    assert_int_equal(parse("r@10..20"), BF_OK);
    assert_end(span.from, BF_SPAN_OFFSET, 10);
    assert_end(span.to, BF_SPAN_OFFSET, 20);
    assert_int_equal(parse("r@..-500ms"), BF_OK);
    assert_end(span.from, BF_SPAN_EDGE, 0);
    assert_end(span.to, BF_SPAN_TIME, NOW - BF_US_PER_S / 2);
}

static void what_is_no_range_is_refused_with_what_was_expected(void **state)
{
    (void)state;
    static const char *const wrong[] = {"r@yesterday..",
                                        "r@..2023-11-14",
                                        "r@-24..",
                                        "r@1.5..",
                                        "r@1..2..3",
                                        "r@-1x..",
                                        "r@99999999999999999999..",
                                        "r@2023-11-14T22:13:20..",
                                        "r@--1h..",
                                        "@..",
                                        "r@",
                                        "r"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(parse(wrong[i]), BF_CONFIG);
        assert_non_null(strstr(err.message, "expected"));
    }
    assert_int_equal(parse("r@-1h..-2h"), BF_CONFIG);
    assert_non_null(strstr(err.message, "ends before it begins"));
    assert_int_equal(parse("r@5..5"), BF_CONFIG);
}

static void the_form_tells_a_log_from_a_file(void **state)
{
    (void)state;
    assert_true(bf_span_is("belfry.readings@-24h.."));
    assert_true(bf_span_is("belfry.readings@.."));
    assert_false(bf_span_is("tram.dump"));
    assert_false(bf_span_is("./a@b..c"));
    assert_false(bf_span_is("../captures/tram@night.dump"));
    assert_false(bf_span_is("tram@night.dump"));
    assert_false(bf_span_is("@.."));
}

static void replay_refuses_what_does_not_belong_together(void **state)
{
    (void)state;
    assert_int_equal(RUN("replay"), BF_EXIT_USAGE);
    assert_printed("which file, or which part of a log?");
    assert_int_equal(RUN("replay", "tram.dump", "--compare"), BF_EXIT_USAGE);
    assert_printed("\"tram.dump\" is a file");
    assert_int_equal(RUN("replay", "r@..", "--config", "x", "--speed", "10x"), BF_EXIT_USAGE);
    assert_printed("are for a capture");
    assert_int_equal(RUN("replay", "r@.."), BF_EXIT_USAGE);
    assert_printed("which configuration?");
    assert_int_equal(RUN("replay", "r@..", "--config", "x"), BF_EXIT_USAGE);
    assert_printed("what for?");
    assert_int_equal(RUN("replay", "r@..", "--config", "x", "--prefix", "a", "--into", "b"), BF_EXIT_USAGE);
    assert_printed("not both");
    assert_int_equal(RUN("replay", "r@..", "--config", "x", "--compare", "--threads", "0"), BF_EXIT_USAGE);
    assert_printed("--threads: expected a whole number from 1 to 256");
    assert_int_equal(RUN("replay", "r@noon..", "--config", "x", "--compare"), BF_EXIT_CONFIG);
    assert_printed("expected a time such as");
    assert_int_equal(RUN("replay", "r@..", "--config", "/", "--compare"), BF_EXIT_CONFIG);
    assert_printed("the folder / has no city.yaml");
    assert_int_equal(RUN("replay", "r@..", "--config", "/nowhere/belfry.yaml", "--compare"), BF_EXIT_CONFIG);
    assert_int_equal(RUN("replay", "--help"), BF_EXIT_OK);
    assert_printed("belfry replay belfry.readings@-24h..");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_is_a_time_a_duration_an_offset_or_nothing),
        cmocka_unit_test(what_is_no_range_is_refused_with_what_was_expected),
        cmocka_unit_test(the_form_tells_a_log_from_a_file),
        cmocka_unit_test(replay_refuses_what_does_not_belong_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
