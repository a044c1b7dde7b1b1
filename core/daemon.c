/* daemon.c: see daemon.h. Signals set flags that the loop looks at between two steps; nothing is done in a
 * handler but to note, so there is nothing to reason about. A step lasts at most about 100 ms, so a
 * self-pipe would gain nothing. */
#include "core/daemon.h"

#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/time.h"

#define DEFAULT_CONFIG "/etc/belfry/belfry.yaml"
#define SECOND_SIGNAL_AFTER_S 1
#define STATUS_MAX 512
#define LARGE_BLOCK (1 << 20)

struct notifier {
    int socket; /* -1: nobody listens */
    struct sockaddr_un address;
    socklen_t address_len;
    int64_t watchdog_us; /* half of what the supervisor allows; 0: no watchdog */
    int64_t next_watchdog_us;
    bool ready;
    char status[STATUS_MAX];
};

struct run {
    const struct bf_daemon *daemon;
    struct bf_counters counters;
    struct bf_health health;
    struct bf_daemon_context context;
    struct bf_log_options log;
    struct notifier notifier;
};

static volatile sig_atomic_t stopping, hung_up, dump_asked;
static volatile time_t stopping_since_s;
static volatile sig_atomic_t stop_code;
static unsigned stop_max_s;

bool bf_daemon_stopping(void)
{
    return stopping != 0;
}

/* A library that waits for a peer that is gone must not keep the process. What was not committed or
 * acknowledged is read again after the next start, as after a kill. */
static void stop_is_over(void)
{
    static const char words[] = "gave up waiting for an orderly end\n";
    (void)!write(STDERR_FILENO, words, sizeof words - 1);
    _exit(stop_code);
}

static void on_signal(int number)
{
    if (number == SIGALRM) {
        stop_is_over();
    } else if (number == SIGHUP) {
        hung_up = 1;
    } else if (number == SIGUSR1) {
        dump_asked = 1;
    } else {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (!stopping) {
            stopping_since_s = now.tv_sec;
            stopping = 1;
            alarm(stop_max_s);
        } else if (now.tv_sec - stopping_since_s > SECOND_SIGNAL_AFTER_S) {
            _exit(BF_EXIT_INTERRUPTED);
        }
    }
}

/* Without SA_RESTART: a call that waits shall return, so that the step ends. */
static void install_signals(void)
{
    static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM};
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    stopping = hung_up = dump_asked = 0;
    stop_code = BF_EXIT_OK;
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        sigaction(caught[i], &action, NULL);
    }
    action.sa_handler = SIG_IGN; /* a peer that goes away is an error of a write, not a death */
    sigaction(SIGPIPE, &action, NULL);
}

/* Paho (and whatever else links an HTTP client) would send the city's telemetry through these. */
static void forget_proxies(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "all_proxy",
                                        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unsetenv(names[i]);
    }
}

/* Tables take address space by their limits and memory as it is needed, and are made anew with every
 * assignment. By default glibc raises its threshold to the largest block that was given back: the next tables
 * then come from its heap, each time from pages that nothing has touched, and these are never given back. */
static void map_large_blocks(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
}

/* NOTIFY_SOCKET and WATCHDOG_USEC as sd_notify(3) and sd_watchdog_enabled(3) define them. */
static void notifier_open(struct notifier *notifier)
{
    const char *path = getenv("NOTIFY_SOCKET");
    const char *watchdog = getenv("WATCHDOG_USEC");
    const char *watchdog_pid = getenv("WATCHDOG_PID");
    *notifier = (struct notifier){.socket = -1};
    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof notifier->address.sun_path) {
        return;
    }
    notifier->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    notifier->address.sun_family = AF_UNIX;
    memcpy(notifier->address.sun_path, path, strlen(path));
    if (path[0] == '@') {
        notifier->address.sun_path[0] = '\0'; /* the abstract namespace */
    }
    notifier->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (watchdog != NULL && (watchdog_pid == NULL || strtoll(watchdog_pid, NULL, 10) == getpid())) {
        notifier->watchdog_us = strtoll(watchdog, NULL, 10) / 2;
    }
    unsetenv("NOTIFY_SOCKET"); /* children shall not speak for us */
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

static void notify(const struct notifier *notifier, const char *state)
{
    if (notifier->socket >= 0) {
        (void)sendto(notifier->socket, state, strlen(state), MSG_NOSIGNAL,
                     (const struct sockaddr *)&notifier->address, notifier->address_len);
    }
}

/* Says what has changed: readiness once, the status line, and that the loop turns. */
static void report(struct run *run, int64_t now_us)
{
    struct notifier *notifier = &run->notifier;
    if (notifier->socket < 0) {
        return;
    }
    char status[STATUS_MAX];
    char message[STATUS_MAX + 16];
    enum bf_health_state state = bf_health_summary(&run->health, status, sizeof status);
    if (!notifier->ready && state != BF_HEALTH_NOT_READY) {
        notifier->ready = true;
        notify(notifier, "READY=1");
    }
    if (strcmp(status, notifier->status) != 0) {
        memcpy(notifier->status, status, sizeof status);
        snprintf(message, sizeof message, "STATUS=%s", status);
        notify(notifier, message);
    }
    if (notifier->watchdog_us > 0 && now_us >= notifier->next_watchdog_us) {
        notifier->next_watchdog_us = now_us + notifier->watchdog_us;
        notify(notifier, "WATCHDOG=1");
    }
}

static void hang_up(struct run *run, void *self)
{
    char message[64];
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, bf_time_monotonic_us());
    notify(&run->notifier, message);
    bf_log(BF_LOG_INFO, "daemon.hangup", "signal=HUP");
    if (run->daemon->hangup != NULL) {
        run->daemon->hangup(self);
    }
    notify(&run->notifier, "READY=1");
}

static void print_help(const struct bf_daemon *daemon)
{
    printf("usage: %s [--config FILE] [--log-level LEVEL] [--log-json]\n\n%s\n\n"
           "  --config FILE      the configuration (default " DEFAULT_CONFIG ")\n"
           "  --log-level LEVEL  debug, info, warn or error (default info)\n"
           "  --log-json         one JSON object per log line\n"
           "  --version          print the version\n"
           "  --help             print this\n\n"
           "signals: TERM and INT stop it, HUP re-reads certificates and secrets, USR1 logs its state\n"
           "exit codes: 0 stopped, 1 failed, 2 usage, 69 a peer cannot be reached, 78 configuration,\n"
           "            130 interrupted\n",
           daemon->name, daemon->summary);
}

/* -1: go on. Anything else is the exit code. */
static int parse_arguments(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {
        {.name = "config", .has_arg = required_argument, .val = 'c'},
        {.name = "log-level", .has_arg = required_argument, .val = 'l'},
        {.name = "log-json", .has_arg = no_argument, .val = 'j'},
        {.name = "version", .has_arg = no_argument, .val = 'v'},
        {.name = "help", .has_arg = no_argument, .val = 'h'},
        {.name = NULL},
    };
    optind = 0; /* GNU: begin anew, also where a test runs several daemons */
    for (;;) {
        int option = getopt_long(argc, argv, "", options, NULL);
        if (option == -1) {
            break;
        } else if (option == 'c') {
            run->context.config_path = optarg;
        } else if (option == 'j') {
            run->log.json = true;
        } else if (option == 'v') {
            printf("%s %s\n", run->daemon->name, BELFRY_VERSION);
            return BF_EXIT_OK;
        } else if (option == 'h') {
            print_help(run->daemon);
            return BF_EXIT_OK;
        } else if (option != 'l' || !bf_log_level_parse(optarg, &run->log.level)) {
            fprintf(stderr, "usage: %s [--config FILE] [--log-level debug|info|warn|error] [--log-json]\n",
                    run->daemon->name);
            return BF_EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected argument '%s'; see --help\n", run->daemon->name, argv[optind]);
        return BF_EXIT_USAGE;
    }
    return -1;
}

int bf_exit_code(enum bf_status status)
{
    static const int codes[] = {
        [BF_OK] = BF_EXIT_OK,        [BF_AGAIN] = BF_EXIT_OK,         [BF_MALFORMED] = BF_EXIT_FAILED,
        [BF_LIMIT] = BF_EXIT_FAILED, [BF_PEER] = BF_EXIT_UNAVAILABLE, [BF_CONFIG] = BF_EXIT_CONFIG,
        [BF_FATAL] = BF_EXIT_FAILED,
    };
    assert((size_t)status < sizeof codes / sizeof *codes);
    return codes[status];
}

/* Until a signal (OK) or a failure. */
static enum bf_status turn(struct run *run, void *self, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    while (!stopping && (status == BF_OK || status == BF_AGAIN)) {
        status = run->daemon->step(self, err);
        report(run, bf_time_monotonic_us());
        if (hung_up) {
            hung_up = 0; /* first, so that a signal that comes meanwhile is not lost */
            hang_up(run, self);
        }
        if (dump_asked) {
            dump_asked = 0;
            if (run->daemon->dump != NULL) {
                run->daemon->dump(self);
            }
        }
    }
    return status == BF_AGAIN ? BF_OK : status;
}

static int serve(struct run *run)
{
    struct bf_err err = {.status = BF_OK};
    void *self = NULL;
    bf_health_set(&run->health, "start", BF_HEALTH_NOT_READY, "starting");
    enum bf_status status = run->daemon->open(&run->context, &self, &err);
    if (status != BF_OK) {
        if (stopping) {
            return BF_EXIT_OK; /* asked to stop while it still waited for a peer */
        }
        bf_log_err(BF_LOG_ERROR, "daemon.refused", &err);
        return bf_exit_code(status);
    }
    bf_health_set(&run->health, "start", BF_HEALTH_OK, "started");
    bf_log(BF_LOG_INFO, "daemon.started", "version=%s config=%s", BELFRY_VERSION, run->context.config_path);

    status = turn(run, self, &err);
    int code = BF_EXIT_OK;
    if (status != BF_OK) {
        bf_log_err(BF_LOG_ERROR, "daemon.failed", &err);
        code = status == BF_CONFIG ? BF_EXIT_CONFIG : BF_EXIT_FAILED;
    }
    notify(&run->notifier, "STOPPING=1");
    stop_code = code;
    if (code != BF_EXIT_OK) {
        alarm(stop_max_s);
    }
    bf_log(BF_LOG_INFO, "daemon.stopping", "reason=%s", code == BF_EXIT_OK ? "signal" : "failure");
    run->daemon->close(self);
    bf_log(BF_LOG_INFO, "daemon.stopped", "code=%d", code);
    return code;
}

int bf_daemon_run(const struct bf_daemon *daemon, int argc, char **argv)
{
    assert(daemon->open != NULL && daemon->step != NULL && daemon->close != NULL);
    static struct run run; /* static: its threads may count until the very end */
    run = (struct run){
        .daemon = daemon,
        .log = {.level = BF_LOG_INFO, .program = daemon->name},
        .context = {.config_path = DEFAULT_CONFIG, .counters = &run.counters, .health = &run.health},
    };
    int code = parse_arguments(&run, argc, argv);
    if (code >= 0) {
        return code;
    }
    bf_log_init(&run.log);
    bf_health_init(&run.health);
    stop_max_s = daemon->stop_max_s ? daemon->stop_max_s : BF_STOP_MAX_S;
    install_signals();
    forget_proxies();
    map_large_blocks();
    notifier_open(&run.notifier);
    code = serve(&run);
    alarm(0);
    if (run.notifier.socket >= 0) {
        close(run.notifier.socket);
    }
    bf_health_deinit(&run.health);
    return code;
}
