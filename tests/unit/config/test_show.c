/* What the tables print: effective values with their origin, secrets masked; and the reference, which must be
 * the committed page.
 * Covers: config/reference.c, config/site.c, config/secret.c */
#include "tests/unit/config/support.h"

#include <sys/stat.h>
#include <unistd.h>

#include "config/show.h"

struct seen {
    const char *key;
    char value[128], origin[256];
};

static void look(void *context, const struct bf_config_value *value)
{
    struct seen *seen = context;
    assert_null(strstr(value->value, "geheim"));
    for (; seen->key != NULL; seen++) {
        if (strcmp(seen->key, value->key) == 0) {
            snprintf(seen->value, sizeof seen->value, "%s", value->value);
            snprintf(seen->origin, sizeof seen->origin, "%s", value->origin);
        }
    }
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_values_and_origins(void **state)
{
    (void)state;
    char folder[] = "/tmp/belfry-show-XXXXXX", path[64], secret[64];
    struct bf_err err = {0};
    struct bf_site *site = NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/belfry.yaml", folder);
    snprintf(secret, sizeof secret, "%s/secret", folder);
    write_text(secret, "geheim\n");
    assert_int_equal(chmod(secret, 0600), 0);
    write_text(path, "mqtt: {username: u, password: {file: secret}}\n"
                     "kafka: {prefix: \"${BF_TEST_PREFIX:-abc}\", librdkafka: {sasl.password: "
                     "{file: secret}, a: b}}\n"
                     "ingest: {filters: [x/#, y]}\n");
    struct seen seen[] = {{.key = "mqtt.password"},
                          {.key = "kafka.prefix"},
                          {.key = "kafka.librdkafka.sasl.password"},
                          {.key = "kafka.librdkafka.a"},
                          {.key = "ingest.filters"},
                          {.key = "redis.timeout"},
                          {.key = NULL}};
    assert_int_equal(bf_site_show(path, look, seen, &err), BF_OK);
    assert_string_equal(seen[0].value, "***");
    assert_string_equal(seen[1].value, "abc");
    assert_non_null(strstr(seen[1].origin, "environment, "));
    assert_string_equal(seen[2].value, "***");
    assert_string_equal(seen[3].value, "b");
    assert_non_null(strstr(seen[3].origin, "belfry.yaml:2:"));
    assert_string_equal(seen[4].value, "[x/#, y]");
    assert_string_equal(seen[5].value, "5s");
    assert_string_equal(seen[5].origin, "default");
    assert_int_equal(bf_site_load(path, &site, &err), BF_OK);
    assert_string_equal(site->mqtt.password, "geheim");
    assert_string_equal(site->kafka.properties[0].value, "geheim");
    bf_site_destroy(site);
    assert_int_equal(chmod(secret, 0644), 0);
    assert_int_equal(bf_site_load(path, &site, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "can be read by everyone"));
    assert_non_null(strstr(err.detail, "belfry.yaml:2:")); /* the second one too */
    assert_int_equal(chmod(secret, 0600), 0);
    write_text(secret, "\n");
    assert_int_equal(bf_site_load(path, &site, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "is empty"));
    unlink(secret);
    unlink(path);
    rmdir(folder);
}

static void test_messages_of_3_1_1_have_no_time(void **state)
{
    (void)state;
    char folder[] = "/tmp/belfry-show-XXXXXX", path[64];
    struct bf_err err = {0};
    struct bf_site *site = NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/belfry.yaml", folder);
    write_text(path, "mqtt: {version: 4}\ningest: {clock: message}\n");
    assert_int_equal(bf_site_load(path, &site, &err), BF_CONFIG);
    assert_non_null(strstr(err.message, "needs MQTT 5"));
    assert_non_null(strstr(err.message, "belfry.yaml:2:"));
    write_text(path, "mqtt: {version: 5}\ningest: {clock: message}\n");
    assert_int_equal(bf_site_load(path, &site, &err), BF_OK);
    bf_site_destroy(site);
    write_text(path, "mqtt: {version: 4}\n");
    assert_int_equal(bf_site_load(path, &site, &err), BF_OK);
    assert_int_equal(site->mqtt.version, 4);
    bf_site_destroy(site);
    unlink(path);
    rmdir(folder);
}

static void test_the_reference_is_current(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    bf_config_reference(out);
    fclose(out);
    struct bf_slice page = read_file(TEST_SOURCE_DIR "/docs/CONFIGURATION.md");
    if (!bf_slice_equal(page, (struct bf_slice){text, size})) {
        fail_msg("docs/CONFIGURATION.md is out of date: belfry config reference > docs/CONFIGURATION.md");
    }
    free_file(page);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_origins),
        cmocka_unit_test(test_messages_of_3_1_1_have_no_time),
        cmocka_unit_test(test_the_reference_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
