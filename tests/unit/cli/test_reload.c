/* belfry reload, up to where it needs Kafka: what is wrong is refused before anything is written. */
#include "tests/unit/cli/command_run.h"

#include <sys/stat.h>

#include "tests/support/tempdir.h"

static const char *folder;

static void write_file(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_a_broken_profile_is_not_reloaded(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s/belfry.yaml", folder);
    write_file("belfry.yaml", "city: .\nkafka: {brokers: \"127.0.0.1:1\"}\n"); /* nobody is asked */
    write_file("city.yaml", "name: town\n");
    snprintf(path, sizeof path, "%s/profiles", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file("profiles/box.yaml", "network: town\ntopic: box/{device}\nreadings:\n"
                                    "  - {path: $.c, quantty: co2, unit: \"[ppm]\"}\n");
    snprintf(path, sizeof path, "%s/belfry.yaml", folder);
    assert_int_equal(RUN("reload", "--config", path), BF_EXIT_CONFIG);
    assert_printed("did you mean \"quantity\"?");
    assert_printed("nothing was written");
}

static void test_words_that_it_does_not_know(void **state)
{
    (void)state;
    assert_int_equal(RUN("reload", "--nonsense"), BF_EXIT_USAGE);
    assert_int_equal(RUN("reload", "surplus"), BF_EXIT_USAGE);
    assert_int_equal(RUN("topics", "surplus"), BF_EXIT_USAGE);
    assert_int_equal(RUN("topics", "-c", "/nowhere/belfry.yaml"), BF_EXIT_CONFIG);
    assert_int_equal(RUN("reload", "--help"), BF_EXIT_OK);
    assert_printed("belfry reload --config belfry.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_broken_profile_is_not_reloaded),
        cmocka_unit_test(test_words_that_it_does_not_know),
    };
    folder = bf_tempdir("reload");
    return folder == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
