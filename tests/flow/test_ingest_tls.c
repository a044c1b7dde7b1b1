/* belfry-ingest over TLS with user and password: through the gate unseen, the broker's name still
 * checked; and
 * what is said when the broker refuses. */
#include "tests/flow/ingest_town.h"

static struct town town;
static char certificates[300];

static int close_town(void **state)
{
    (void)state;
    town_close(&town);
    return 0;
}

static void run(const char *const *argv)
{
    struct bf_child child = {.pid = 0};
    struct bf_err err;
    const struct bf_child_options options = {.argv = argv, .folder = certificates};
    assert_int_equal(bf_child_start(&child, &options, &err), BF_OK);
    assert_int_equal(bf_child_wait(&child, 30000), 0);
}

static void make_certificates(const char *name)
{
    char subject[100], alternative[100];
    const char *folder = bf_tempdir("certificates");
    assert_non_null(folder);
    snprintf(certificates, sizeof certificates, "%s", folder);
    snprintf(subject, sizeof subject, "/CN=%s", name);
    snprintf(alternative, sizeof alternative, "subjectAltName=DNS:%s", name);
    const char *const authority[] = {"openssl", "req",    "-x509", "-newkey", "rsa:2048",
                                     "-nodes",  "-days",  "2",     "-subj",   "/CN=town authority",
                                     "-keyout", "ca.key", "-out",  "ca.crt",  NULL};
    const char *const request[] = {"openssl",    "req",   "-newkey",    "rsa:2048",  "-nodes",
                                   "-subj",      subject, "-addext",    alternative, "-keyout",
                                   "server.key", "-out",  "server.csr", NULL};
    const char *const sign[] = {
        "openssl",          "x509", "-req",   "-days",      "2",      "-in",
        "server.csr",       "-CA",  "ca.crt", "-CAkey",     "ca.key", "-CAcreateserial",
        "-copy_extensions", "copy", "-out",   "server.crt", NULL};
    run(authority);
    run(request);
    run(sign);
}

/* A second listener with TLS, and a password for whoever names a user; devices come as they are. */
static uint16_t open_broker(char *config, size_t size)
{
    uint16_t port = bf_port_take();
    char path[400];
    snprintf(path, sizeof path, "%s/passwords", certificates);
    const char *const passwords[] = {"mosquitto_passwd", "-b", "-c", path, "belfry", "right", NULL};
    run(passwords);
    snprintf(config, size,
             "password_file %s\nlistener %u 127.0.0.1\ncafile %s/ca.crt\ncertfile %s/server.crt\nkeyfile "
             "%s/server.key\nset_tcp_nodelay true\n",
             path, port, certificates, certificates, certificates);
    return port;
}

static void open_town(const char *name, const char *password)
{
    static char config[2000];
    char text[2000], path[400];
    if (!bf_program_exists("openssl") || !bf_program_exists("mosquitto_passwd")) {
        print_message("skipped: openssl or mosquitto_passwd is not there\n");
        skip();
    }
    make_certificates(name);
    uint16_t port = open_broker(config, sizeof config);
    town_open(&town, "");
    struct bf_err err;
    bf_peer_stop(&town.broker);
    town.broker.config = config;
    if (bf_peer_start(&town.broker, &err) != BF_OK) {
        fail_msg("%s: %s", err.message, err.detail);
    }
    snprintf(path, sizeof path, "%s/password", town.folder);
    town_write(path, password);
    assert_int_equal(chmod(path, 0600), 0);
    snprintf(text, sizeof text,
             "city: city\nmqtt: {url: \"mqtts://localhost:%u\", username: belfry, password: {file: \"%s\"}, "
             "ca_file: \"%s/ca.crt\"}\nkafka: {brokers: \"%s\"}\n"
             "ingest: {id: town-1, filters: [\"town/#\"], http: \"127.0.0.1:%u\", max_payload: 8KiB}\n",
             port, path, certificates, town.kafka.address, town.http);
    town_write(town.config, text);
    town_start_daemon(&town);
}

static void messages_arrive_through_tls(void **state)
{
    (void)state;
    static char large[200000];
    open_town("localhost", "right");
    town_await_daemon(&town);
    town_start_publisher(&town);
    town_send(&town, 0, 1000);
    bf_child_kill(&town.daemon);
    town_send(&town, 1000, 1000); /* a kept session delivers right behind its CONNACK: the callback waits */
    town_start_daemon(&town);
    BF_EVENTUALLY((town_read(&town), town_has_all(&town, 0, 2000)), 20000);
    town_await_daemon(&town);
    assert_int_equal(town.newest_epoch, 1);
    town_publish(&town, "town/d1", (struct bf_slice){large, sizeof large}, 1, false);
    BF_EVENTUALLY((town_read(&town), town.rejects == 1), 10000);
    assert_string_equal(town.last_reason, "oversize");
    assert_int_equal(town.last_len, sizeof large);
    town_profile(&town, "flow");
    assert_int_equal(town_reload(&town), 2);
    BF_EVENTUALLY(town_metric(&town, "belfry_generation") == 2, 20000);
    town_await_daemon(&town);
    BF_EVENTUALLY(town_metric(&town, "belfry_gate_unacknowledged") == 0, 10000);
}

static void another_name_is_refused(void **state)
{
    (void)state;
    open_town("another.example", "right");
    BF_EVENTUALLY(town_says(&town, "\"mqtt\"") && bf_file_contains(town.log, "event=mqtt.failed"), 20000);
    assert_false(town_ready(&town));
    assert_true(bf_child_running(&town.daemon));
}

static void a_wrong_password_is_told_of(void **state)
{
    (void)state;
    open_town("localhost", "wrong");
    BF_EVENTUALLY(town_says(&town, "uthori"), 4000); /* "not authorised", in the words of the version */
    assert_false(town_ready(&town));
    assert_true(bf_child_running(&town.daemon));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(messages_arrive_through_tls, close_town),
        cmocka_unit_test_teardown(another_name_is_refused, close_town),
        cmocka_unit_test_teardown(a_wrong_password_is_told_of, close_town),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
