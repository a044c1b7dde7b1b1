/* Why: the first thing a newcomer sees, and what an operator on a bad line has: the city's values now.
 * Declined: curses. A screen of 80 by 24 is written from its top left corner once a second. */
#include <getopt.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/board.h"
#include "cli/command.h"
#include "cli/pace.h"
#include "cli/setting.h"
#include "config/scalar.h"
#include "core/daemon.h"

#define LINES_DEFAULT 24
#define AWAIT_POLL_MS 50

struct run {
    const char *config, *board, *note;
    int64_t await_us;
    bool once, json;
};

static const char usage[] =
    "usage: belfry top [--config FILE] [--board NAME] [--once] [--json] [--await DURATION]\n"
    "\n"
    "examples:\n"
    "  belfry top\n"
    "  belfry top --once --json\n"
    "  belfry top --await 30s        waits until the first value is in Redis\n"
    "\n"
    "Shows a board from Redis: of every KPI its lowest and highest scope. Ctrl-C ends it.\n";

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'}, {"board", required_argument, NULL, 'b'},
    {"note", required_argument, NULL, 'n'},   {"await", required_argument, NULL, 'a'},
    {"once", no_argument, NULL, 'o'},         {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};

/* "zone.market" -> "market"; joined scopes stay as they are. */
static const char *short_scope(const char *scope)
{
    const char *dot = strchr(scope, '.');
    return dot && !strchr(scope, '+') ? dot + 1 : scope;
}

static void print_age(int64_t now_ms, const struct bf_board_row *row)
{
    int64_t age_s = (now_ms - row->window_end_ms) / 1000;
    if (row->window_end_ms == 0) {
        printf("     -");
    } else if (!row->final) {
        printf("  open");
    } else if (age_s < 600) {
        printf("%4llds ", (long long)(age_s > 0 ? age_s : 0));
    } else {
        printf("%4lldm ", (long long)(age_s / 60));
    }
}

static void print_row(int64_t now_ms, const struct bf_board_row *row, const char *eol)
{
    char low[40], high[40];
    snprintf(low, sizeof low, "%.4g %s", row->low.value, short_scope(row->low.scope));
    snprintf(high, sizeof high, "%.4g %s", row->high.value, short_scope(row->high.scope));
    printf("%-15.15s %-7.7s %5llu  %-21.21s %-21.21s", row->kpi, row->unit, (unsigned long long)row->scopes,
           row->scopes > 1 ? low : "", high);
    print_age(now_ms, row);
    printf("%s\n", eol);
}

static void print_screen(const struct run *run, const struct bf_board_view *view, size_t lines,
                         const char *eol)
{
    char when[40];
    int64_t now_us = bf_time_wall_us();
    bf_time_format(now_us / BF_US_PER_S * BF_US_PER_S, when, sizeof when);
    printf("belfry  %-20.20s %s%s\n", view->name, when, eol);
    printf("%llu KPIs, %llu devices, configuration %lld, city clock %.1f s ago%s\n",
           (unsigned long long)view->kpis, (unsigned long long)view->devices, (long long)view->generation,
           view->clock_ms ? (double)(now_us / 1000 - view->clock_ms) / 1000 : 0.0, eol);
    printf("%s\n%-15s %-7s %5s  %-21s %-21s %5s%s\n", eol, "KPI", "unit", "scopes", "lowest", "highest",
           "age", eol);
    size_t room = lines > 7 ? lines - 7 : 1;
    size_t shown = view->count < room ? view->count : room;
    for (size_t i = 0; i < shown; i++) {
        print_row(now_us / 1000, &view->rows[i], eol);
    }
    if (view->count > shown) {
        printf("and %zu more; --board NAME shows another board%s\n", view->count - shown, eol);
    }
    if (run->note) {
        printf("%s\n%s%s\n", eol, run->note, eol);
    }
}

static void print_json(const struct bf_board_view *view)
{
    printf("{\"board\":\"%s\",\"kpis\":%llu,\"devices\":%llu,\"kinds\":%llu,\"generation\":%lld,\"clock_ms\":"
           "%lld,"
           "\"behind_ms\":%lld,\"rows\":[",
           view->name, (unsigned long long)view->kpis, (unsigned long long)view->devices,
           (unsigned long long)view->kinds, (long long)view->generation, (long long)view->clock_ms,
           (long long)view->behind_ms);
    for (size_t i = 0; i < view->count; i++) {
        const struct bf_board_row *row = &view->rows[i];
        printf("%s{\"kpi\":\"%s\",\"unit\":\"%s\",\"scopes\":%llu,\"low\":%.17g,\"low_scope\":\"%s\","
               "\"high\":%.17g,"
               "\"high_scope\":\"%s\",\"window_end_ms\":%lld,\"final\":%s}",
               i ? "," : "", row->kpi, row->unit, (unsigned long long)row->scopes, row->low.value,
               row->low.scope, row->high.value, row->high.scope, (long long)row->window_end_ms,
               row->final ? "true" : "false");
    }
    printf("]}\n");
}

static size_t terminal_lines(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : LINES_DEFAULT;
}

/* Until Ctrl-C; a Redis that goes away is said and asked again. */
static enum bf_status show(const struct run *run, const struct bf_redis_options *options, struct bf_err *err)
{
    static struct bf_board_view view;
    struct bf_redis *redis = NULL;
    bool live = isatty(STDOUT_FILENO) && !run->once;
    enum bf_status status = BF_OK;
    do {
        status = redis ? BF_OK : bf_redis_open(options, &redis, err);
        status = status == BF_OK ? bf_board_read(redis, run->board, run->json, &view, err) : status;
        if (status != BF_OK) {
            bf_redis_close(redis);
            redis = NULL;
        }
        if (live) {
            printf("\033[H");
        }
        if (status == BF_OK && run->json) {
            print_json(&view);
        } else if (status == BF_OK) {
            print_screen(run, &view, terminal_lines(), live ? "\033[K" : "");
        } else if (live) {
            printf("%s\033[K\n", err->message);
        }
        if (live) {
            printf("\033[J");
        }
        fflush(stdout);
    } while (!run->once && (live || run->json) && bf_pace_idle(1000));
    bf_redis_close(redis);
    return run->once ? status : BF_OK;
}

/* Until the first value is there. */
static enum bf_status await(const struct run *run, const struct bf_redis_options *options, struct bf_err *err)
{
    int64_t deadline = bf_time_monotonic_us() + run->await_us;
    struct bf_redis *redis = NULL;
    struct bf_slice words[] = {BF_SLICE("EXISTS"), BF_SLICE("belfry:v1:idx:kpi")};
    do {
        struct bf_reply reply = {.integer = 0};
        enum bf_status status = redis ? BF_OK : bf_redis_open(options, &redis, err);
        status = status == BF_OK ? bf_redis_command(redis, words, 2, &reply, err) : status;
        if (status == BF_OK && reply.integer > 0) {
            bf_redis_close(redis);
            return BF_OK;
        }
        if (status != BF_OK) {
            bf_redis_close(redis);
            redis = NULL;
        }
    } while (bf_time_monotonic_us() < deadline && bf_pace_idle(AWAIT_POLL_MS));
    bf_redis_close(redis);
    return bf_err_set(err, BF_PEER, "no KPI has a value in Redis yet");
}

static enum bf_status top(const struct run *run, struct bf_err *err)
{
    struct bf_setting setting;
    enum bf_status status = bf_setting_load(run->config, false, &setting, err);
    if (status != BF_OK) {
        return status;
    }
    struct bf_redis_options options = {.url = setting.site->redis.url,
                                       .username = setting.site->redis.username,
                                       .password = setting.site->redis.password,
                                       .timeout_ms = (int)(setting.site->redis.timeout_us / BF_US_PER_MS)};
    struct bf_pace signals;
    bf_pace_start(&signals, 1, 0);
    status = run->await_us ? await(run, &options, err) : show(run, &options, err);
    bf_setting_unload(&setting);
    return status;
}

static int run_top(int argc, char **argv)
{
    struct run run = {.once = false};
    for (int option; (option = getopt_long(argc, argv, "c:b:n:a:ojh", long_options, NULL)) != -1;) {
        bool understood = option != '?';
        switch (option) {
        case 'c':
            run.config = optarg;
            break;
        case 'b':
            run.board = optarg;
            break;
        case 'n':
            run.note = optarg;
            break;
        case 'a':
            understood = bf_scalar_duration(bf_slice_of(optarg), &run.await_us);
            break;
        case 'o':
            run.once = true;
            break;
        case 'j':
            run.json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return BF_EXIT_OK;
        default:
            break;
        }
        if (!understood) {
            fputs(usage, stderr);
            return BF_EXIT_USAGE;
        }
    }
    run.once = run.once || (!isatty(STDOUT_FILENO) && !run.json);
    struct bf_err err;
    return top(&run, &err) == BF_OK ? BF_EXIT_OK : bf_setting_fail("top", &err);
}

const struct bf_command bf_command_top = {
    .name = "top",
    .summary = "Show the city's values now, from Redis.",
    .usage = usage,
    .run = run_top,
};
