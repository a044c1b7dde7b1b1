/* The daemon loop in a process of its own: arguments, signals, exit codes, and what it tells systemd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/daemon.h"
#include "tests/support/child.h"
#include "tests/support/eventually.h"
#include "tests/support/tempdir.h"

/* How the daemon under test behaves; set before the fork. */
static enum bf_status open_status, step_status;
static bool close_hangs, open_waits;
static struct bf_daemon_context *context_seen;
static char log_path[300];

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define OWN_MALLOC 1 /* the sanitizer's, of which mallinfo2 knows nothing */
#else
#define OWN_MALLOC 0
#endif

/* Whether a large block is a mapping of its own, also after a larger one was given back. */
static bool maps_large_blocks(void)
{
    void *volatile larger = malloc(30U << 20);
    free(larger);
    size_t before = mallinfo2().hblkhd;
    void *volatile block = malloc(4U << 20);
    bool mapped = mallinfo2().hblkhd >= before + (4U << 20);
    free(block);
    return mapped;
}

static void say(const char *word)
{
    (void)!write(STDOUT_FILENO, word, strlen(word));
}

static enum bf_status open_it(struct bf_daemon_context *context, void **self, struct bf_err *err)
{
    static int value;
    context_seen = context;
    *self = &value;
    say("open ");
    say(context->config_path);
    say(getenv("http_proxy") || getenv("ALL_PROXY") ? " proxy\n" : " no-proxy\n");
    say(maps_large_blocks() ? "maps large blocks\n" : "has large blocks in its heap\n");
    while (open_waits && !bf_daemon_stopping()) {
        bf_wait_turn(INT64_MAX);
    }
    if (open_waits) {
        return bf_err_set(err, BF_PEER, "gave up");
    }
    bf_health_set(context->health, "mqtt", BF_HEALTH_NOT_READY, "no answer yet");
    return open_status == BF_OK ? BF_OK : bf_err_set(err, open_status, "open says no");
}

static enum bf_status step_it(void *self, struct bf_err *err)
{
    static int turns;
    (void)self;
    bf_wait_turn(INT64_MAX);
    if (++turns == 3) {
        say("third\n");
        bf_health_set(context_seen->health, "mqtt", BF_HEALTH_OK, "connected");
    }
    if (turns > 5 && step_status != BF_OK) {
        return step_status == BF_AGAIN ? BF_AGAIN : bf_err_set(err, step_status, "step says no");
    }
    return BF_OK;
}

static void hang_up_it(void *self)
{
    (void)self;
    say("hangup\n");
}

static void dump_it(void *self)
{
    (void)self;
    say("dump\n");
}

static void close_it(void *self)
{
    (void)self;
    say("close\n");
    while (close_hangs) {
        bf_wait_turn(INT64_MAX);
    }
}

static struct bf_daemon daemon_under_test = {
    .name = "belfry-test",
    .summary = "Does nothing, well.",
    .open = open_it,
    .step = step_it,
    .hangup = hang_up_it,
    .dump = dump_it,
    .close = close_it,
};

static int prepare(void **state)
{
    static int number;
    const char *folder = bf_tempdir("daemon");
    (void)state;
    open_status = step_status = BF_OK;
    close_hangs = open_waits = false;
    snprintf(log_path, sizeof log_path, "%s/log-%d", folder, number++);
    return folder == NULL;
}

static pid_t start(const char *argument, const char *value)
{
    pid_t pid = fork();
    if (pid == 0) {
        char name[] = "belfry-test";
        char *argv[] = {name, argument ? strdup(argument) : NULL, value ? strdup(value) : NULL, NULL};
        int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        int code = bf_daemon_run(&daemon_under_test, 1 + (argument != NULL) + (value != NULL), argv);
        fflush(stdout);
        _exit(code);
    }
    return pid;
}

static bool said(const char *words)
{
    return bf_file_contains(log_path, words);
}

static int end_of(pid_t pid)
{
    int status = 0;
    BF_EVENTUALLY(waitpid(pid, &status, WNOHANG) == pid, 10000);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void runs_until_a_signal(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(prepare(NULL), 0);
        setenv("http_proxy", "http://proxy:3128", 1);
        setenv("ALL_PROXY", "http://proxy:3128", 1);
        pid_t pid = start("--config", "/somewhere/belfry.yaml");
        BF_EVENTUALLY(said("third\n"), 10000);
        kill(pid, SIGPIPE);
        kill(pid, SIGHUP);
        BF_EVENTUALLY(said("hangup\n"), 10000);
        kill(pid, SIGUSR1);
        BF_EVENTUALLY(said("dump\n"), 10000);
        kill(pid, signals[i]);
        assert_int_equal(end_of(pid), BF_EXIT_OK);
        assert_true(said("open /somewhere/belfry.yaml no-proxy\n"));
        assert_true(said("close\n"));
        assert_true(said("event=daemon.stopped"));
        unsetenv("http_proxy");
        unsetenv("ALL_PROXY");
    }
}

static void memory_that_is_given_back_goes_back(void **state)
{
    (void)state;
    if (OWN_MALLOC) {
        skip();
    }
    pid_t pid = start(NULL, NULL);
    BF_EVENTUALLY(said("third\n"), 10000);
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), BF_EXIT_OK);
    assert_true(said("maps large blocks\n"));
}

static void a_failing_open_says_why(void **state)
{
    (void)state;
    static const struct {
        enum bf_status status;
        int code;
    } cases[] = {
        {BF_CONFIG, BF_EXIT_CONFIG},
        {BF_PEER, BF_EXIT_UNAVAILABLE},
        {BF_FATAL, BF_EXIT_FAILED},
        {BF_LIMIT, BF_EXIT_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(prepare(NULL), 0);
        open_status = cases[i].status;
        assert_int_equal(end_of(start(NULL, NULL)), cases[i].code);
        assert_true(said("level=error"));
        assert_true(said("message=\"open says no\""));
        assert_false(said("close\n"));
    }
}

static void a_failing_step_closes(void **state)
{
    (void)state;
    static const struct {
        enum bf_status status;
        int code;
    } cases[] = {{BF_FATAL, BF_EXIT_FAILED}, {BF_PEER, BF_EXIT_FAILED}, {BF_CONFIG, BF_EXIT_CONFIG}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(prepare(NULL), 0);
        step_status = cases[i].status;
        assert_int_equal(end_of(start(NULL, NULL)), cases[i].code);
        assert_true(said("message=\"step says no\""));
        assert_true(said("close\n"));
    }
}

static void again_goes_on(void **state)
{
    (void)state;
    step_status = BF_AGAIN;
    pid_t pid = start(NULL, NULL);
    BF_EVENTUALLY(said("third\n"), 10000);
    kill(pid, SIGHUP);
    BF_EVENTUALLY(said("hangup\n"), 10000);
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), BF_EXIT_OK);
}

static void a_stop_while_open_waits_is_no_failure(void **state)
{
    (void)state;
    open_waits = true;
    pid_t pid = start(NULL, NULL);
    BF_EVENTUALLY(said("open "), 10000);
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), BF_EXIT_OK);
    assert_false(said("gave up"));
}

static void a_second_signal_ends_a_close_that_hangs(void **state)
{
    (void)state;
    close_hangs = true;
    pid_t pid = start(NULL, NULL);
    BF_EVENTUALLY(said("third\n"), 10000);
    kill(pid, SIGINT);
    kill(pid, SIGTERM); /* the supervisor's, at the same moment: the same wish */
    BF_EVENTUALLY(said("close\n"), 10000);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    int status = 0;
    BF_EVENTUALLY(kill(pid, SIGINT) != 0 || waitpid(pid, &status, WNOHANG) == pid, 10000);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), BF_EXIT_INTERRUPTED);
}

static void a_close_that_hangs_ends_by_itself(void **state)
{
    (void)state;
    daemon_under_test.stop_max_s = 1;
    close_hangs = true;
    pid_t pid = start(NULL, NULL);
    BF_EVENTUALLY(said("third\n"), 10000);
    kill(pid, SIGTERM);
    assert_int_equal(end_of(pid), BF_EXIT_OK);
    assert_true(said("gave up waiting for an orderly end"));
    assert_int_equal(prepare(NULL), 0);
    step_status = BF_FATAL;
    close_hangs = true;
    assert_int_equal(end_of(start(NULL, NULL)), BF_EXIT_FAILED);
    daemon_under_test.stop_max_s = 0;
}

static void answers_and_refuses_arguments(void **state)
{
    (void)state;
    assert_int_equal(end_of(start("--version", NULL)), 0);
    assert_true(said("belfry-test " BELFRY_VERSION "\n"));
    assert_int_equal(end_of(start("--help", NULL)), 0);
    assert_true(said("Does nothing, well."));
    assert_int_equal(end_of(start("--nonsense", NULL)), BF_EXIT_USAGE);
    assert_int_equal(end_of(start("--config", NULL)), BF_EXIT_USAGE);
    assert_int_equal(end_of(start("--log-level", "loud")), BF_EXIT_USAGE);
    assert_int_equal(end_of(start("more", NULL)), BF_EXIT_USAGE);
    assert_true(said("unexpected argument 'more'"));
    assert_false(said("open "));
}

static void logs_json_when_asked(void **state)
{
    (void)state;
    open_status = BF_CONFIG;
    assert_int_equal(end_of(start("--log-json", NULL)), BF_EXIT_CONFIG);
    assert_true(said("\"event\":\"daemon.refused\",\"status\":\"config\",\"message\":\"open says no\"}"));
}

/* The whole of what arrives at a socket as systemd's is, joined. */
static void tells_systemd(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", bf_tempdir("notify"));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    setenv("WATCHDOG_USEC", "20000", 1);
    pid_t pid = start(NULL, NULL);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");

    static char heard[65536];
    size_t len = 0;
    bool asked = false;
    bool stopped = false;
    int64_t deadline_us = bf_deadline_us(10000);
    while (strstr(heard, "STOPPING=1") == NULL && bf_wait_turn(deadline_us)) {
        ssize_t got = recv(fd, heard + len, sizeof heard - len - 2, 0);
        len += got > 0 ? (size_t)got : 0;
        heard[len] = '\n';
        len += got > 0;
        if (!asked && strstr(heard, "READY=1") != NULL && strstr(heard, "WATCHDOG=1") != NULL) {
            asked = kill(pid, SIGHUP) == 0;
        }
        if (!stopped && strstr(heard, "RELOADING=1") != NULL) {
            stopped = kill(pid, SIGTERM) == 0;
        }
    }
    assert_int_equal(end_of(pid), BF_EXIT_OK);
    close(fd);
    const char *waiting = strstr(heard, "STATUS=mqtt: no answer yet");
    const char *ready = strstr(heard, "READY=1");
    assert_non_null(waiting);
    assert_non_null(ready);
    assert_true(waiting < ready); /* not before the first healthy report */
    assert_non_null(strstr(heard, "STATUS=ready"));
    assert_non_null(strstr(heard, "MONOTONIC_USEC="));
    assert_non_null(strstr(heard, "STOPPING=1"));
}

static void maps_statuses_to_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(bf_exit_code(BF_OK), 0);
    assert_int_equal(bf_exit_code(BF_MALFORMED), 1);
    assert_int_equal(bf_exit_code(BF_LIMIT), 1);
    assert_int_equal(bf_exit_code(BF_PEER), 69);
    assert_int_equal(bf_exit_code(BF_CONFIG), 78);
    assert_int_equal(bf_exit_code(BF_FATAL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_until_a_signal),
        cmocka_unit_test_setup(memory_that_is_given_back_goes_back, prepare),
        cmocka_unit_test(a_failing_open_says_why),
        cmocka_unit_test(a_failing_step_closes),
        cmocka_unit_test_setup(again_goes_on, prepare),
        cmocka_unit_test_setup(a_stop_while_open_waits_is_no_failure, prepare),
        cmocka_unit_test_setup(a_second_signal_ends_a_close_that_hangs, prepare),
        cmocka_unit_test_setup(a_close_that_hangs_ends_by_itself, prepare),
        cmocka_unit_test_setup(answers_and_refuses_arguments, prepare),
        cmocka_unit_test_setup(logs_json_when_asked, prepare),
        cmocka_unit_test_setup(tells_systemd, prepare),
        cmocka_unit_test(maps_statuses_to_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
