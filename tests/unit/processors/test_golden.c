/* Checkpoints as older engines wrote them (tests/vectors/state: a file is the state of a task of replay.h's
 * city, in the middle of a random log, in the format that its name says). They load whole: what is saved then
 * is what was read, in today's format. */
#include "tests/unit/processors/replay.h"

#define FOLDER TEST_SOURCE_DIR "/tests/vectors/state/"

static char golden[1 << 16];

static struct bf_slice read_golden(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), FOLDER "%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(golden, 1, sizeof(golden), file);
    fclose(file);
    assert_true(len > 1000 && len < sizeof(golden));
    return (struct bf_slice){golden, len};
}

/* Format 2 begins with its number, and appends what format 1 had not: no sources. */
static void assert_holds(struct bf_slice now, struct bf_slice before, size_t appended)
{
    assert_int_equal(now.data[0], BF_STATE_FORMAT);
    assert_int_equal(before.data[0], 1);
    assert_int_equal(now.len, before.len + appended);
    assert_memory_equal(now.data + 1, before.data + 1, before.len - 1);
}

static void format_1_loads(void **state)
{
    (void)state;
    struct list out;
    struct bf_stage1 *first;
    struct bf_stage2 *second;
    struct bf_err err = {.message = ""};
    char *bytes;
    memset(&out, 0, sizeof(out));
    struct bf_task_options options = task_options(0, &out, "s1");
    assert_int_equal(bf_stage1_create(&options, &first, &err), BF_OK);
    if (bf_stage1_load(first, read_golden("stage1.format1"), &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    assert_true(bf_stage1_status(first).windows > 10);
    assert_holds(saved(first, true, &bytes), read_golden("stage1.format1"), 2);
    free(bytes);
    bf_stage1_destroy(first);
    options = task_options(0, &out, "s2");
    assert_int_equal(bf_stage2_create(&options, &second, &err), BF_OK);
    if (bf_stage2_load(second, read_golden("stage2.format1"), &err) != BF_OK) {
        fail_msg("%s", err.message);
    }
    assert_true(bf_stage2_status(second).windows > 4);
    assert_holds(saved(second, false, &bytes), read_golden("stage2.format1"), 0);
    free(bytes);
    bf_stage2_destroy(second);
    list_free(&out);
}

static void other_formats_are_refused(void **state)
{
    (void)state;
    struct list out;
    struct bf_stage1 *task;
    struct bf_err err = {.message = ""};
    memset(&out, 0, sizeof(out));
    const struct bf_task_options options = task_options(0, &out, "s1");
    const char formats[] = {0, BF_STATE_FORMAT + 1};
    for (size_t i = 0; i < sizeof(formats); i++) {
        struct bf_slice bytes = read_golden("stage1.format1");
        golden[0] = formats[i];
        assert_int_equal(bf_stage1_create(&options, &task, &err), BF_OK);
        assert_int_equal(bf_stage1_load(task, bytes, &err), BF_FATAL);
        assert_non_null(strstr(err.message, "format"));
        bf_stage1_destroy(task);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_1_loads),
        cmocka_unit_test(other_formats_are_refused),
    };
    (void)run_stage1;
    (void)run_stage2;
    (void)interleave;
    (void)assert_same;
    (void)put_control;
    (void)truths;
    (void)truth_count;
    return cmocka_run_group_tests(tests, make_plans, free_plans);
}
