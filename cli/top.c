/* Why: the first thing a newcomer sees, and what an operator on a bad line has: the city's values now.
 * Declined: curses. A screen of 80 by 24 is written from its top left corner once a second. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/argument.h"
#include "cli/board.h"
#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/pace.h"
#include "cli/setting.h"
#include "config/log/wiring.h"
#include "core/daemon.h"

#define LINES_DEFAULT 24
#define FRAME_LINES 8 /* what stands around the rows, and the line where the cursor rests */
#define AWAIT_POLL_MS 50
#define TURN_MS 1000
#define PLAIN_TURN_MS 10000 /* where screens scroll by */

struct run {
    const char *config, *board, *note;
    int64_t await_us;
    bool once, json;
    bool over; /* each screen is written over the one before */
};

static const char usage[] =
    "belfry top                    the first board, until Ctrl-C\n"
    "belfry top --once --json      for a program\n"
    "belfry top --await 30s        waits until the first value is in Redis, and shows nothing\n"
    "\n"
    "  -c, --config FILE      belfry.yaml ($BELFRY_CONFIG, else /etc/belfry/belfry.yaml)\n"
    "  -b, --board NAME       another board\n"
    "  -n, --note TEXT        a line below the board\n"
    "  -o, --once             print it once and end, as where standard output is no terminal\n"
    "  -j, --json             a line of JSON each time\n"
    "  -a, --await DURATION   how long to wait at most; exit code 69 if nothing came\n"
    "\n"
    "Shows, from Redis, of every KPI of a board its lowest and highest scope. With NO_COLOR, or TERM=dumb, "
    "the\n"
    "board is printed again and again instead of being written over.\n";

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

static size_t terminal_lines(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : LINES_DEFAULT;
}

/* Four digits, or all of those before the point. */
static const char *number(double value, char *text, size_t size)
{
    snprintf(text, size, fabs(value) >= 1000 && fabs(value) < 1e9 ? "%.0f" : "%.4g", value);
    return text;
}

static void print_row(int64_t now_ms, const struct bf_board_row *row, const char *eol)
{
    char low[80], high[80], digits[32];
    snprintf(low, sizeof low, "%s %s", number(row->low.value, digits, sizeof digits),
             short_scope(row->low.scope));
    snprintf(high, sizeof high, "%s %s", number(row->high.value, digits, sizeof digits),
             short_scope(row->high.scope));
    printf("%-15.15s %-6.6s %6llu  %-20.20s %-20.20s", row->kpi, row->unit, (unsigned long long)row->scopes,
           row->scopes > 1 ? low : "", high);
    print_age(now_ms, row);
    printf("%s\n", eol);
}

static void print_head(const struct bf_board_view *view, const char *eol)
{
    char when[40];
    int64_t now_us = bf_time_wall_us();
    bf_time_format(now_us / BF_US_PER_S * BF_US_PER_S, when, sizeof when);
    printf("belfry  %-20.20s %s%s\n", view->name[0] ? view->name : "(no board yet)", when, eol);
    printf("%llu KPI%s, %llu device%s, configuration %lld, city clock ", (unsigned long long)view->kpis,
           view->kpis == 1 ? "" : "s", (unsigned long long)view->devices, view->devices == 1 ? "" : "s",
           (long long)view->generation);
    if (view->clock_ms) {
        printf("%.1f s ago%s\n", (double)(now_us / 1000 - view->clock_ms) / 1000, eol);
    } else {
        printf("unknown%s\n", eol);
    }
    printf("%s\n%-15s %-6s %6s  %-20s %-20s %5s%s\n", eol, "KPI", "unit", "scopes", "lowest", "highest",
           "age", eol);
}

static void print_screen(const struct run *run, const struct bf_board_view *view, const char *eol)
{
    print_head(view, eol);
    size_t lines = terminal_lines();
    size_t room = lines > FRAME_LINES ? lines - FRAME_LINES : 1;
    size_t shown = view->count < room || !run->over ? view->count : room;
    for (size_t i = 0; i < shown; i++) {
        print_row(bf_time_wall_us() / BF_US_PER_MS, &view->rows[i], eol);
    }
    if (view->count > shown) {
        printf("and %zu more; a taller terminal or --once shows them%s\n", view->count - shown, eol);
    }
    if (run->note) {
        printf("%s\n%s%s\n", eol, run->note, eol);
    }
}

static void print_text(const char *name, const char *text)
{
    printf("\"%s\":", name);
    bf_json_text(stdout, bf_slice_of(text));
    putchar(',');
}

static void print_end(const char *name, const struct bf_board_end *end)
{
    printf("\"%s\":", name);
    if (isfinite(end->value)) {
        printf("%.17g", end->value);
    } else {
        fputs("null", stdout);
    }
    printf(",\"%s_scope\":", name);
    bf_json_text(stdout, bf_slice_of(end->scope));
    putchar(',');
}

static void print_json(const struct bf_board_view *view)
{
    putchar('{');
    print_text("board", view->name);
    printf("\"kpis\":%llu,\"devices\":%llu,\"kinds\":%llu,\"generation\":%lld,\"clock_ms\":%lld,"
           "\"behind_ms\":%lld,\"rows\":[",
           (unsigned long long)view->kpis, (unsigned long long)view->devices, (unsigned long long)view->kinds,
           (long long)view->generation, (long long)view->clock_ms, (long long)view->behind_ms);
    for (size_t i = 0; i < view->count; i++) {
        const struct bf_board_row *row = &view->rows[i];
        fputs(i ? ",{" : "{", stdout);
        print_text("kpi", row->kpi);
        print_text("unit", row->unit);
        printf("\"scopes\":%llu,", (unsigned long long)row->scopes);
        print_end("low", &row->low);
        print_end("high", &row->high);
        printf("\"window_end_ms\":%lld,\"final\":%s}", (long long)row->window_end_ms,
               row->final ? "true" : "false");
    }
    printf("]}\n");
}

/* Whether the terminal understands escape codes and its owner wants to see them. */
static bool can_write_over(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no_color && no_color[0]) && term && term[0] &&
           strcmp(term, "dumb") != 0;
}

/* One turn: what was read, or why nothing was. */
static void print_turn(const struct run *run, const struct bf_board_view *view, enum bf_status status,
                       const struct bf_err *err)
{
    const char *eol = run->over ? "\033[K" : "";
    fputs(run->over ? "\033[H" : "", stdout);
    if (status == BF_OK && run->json) {
        print_json(view);
    } else if (status == BF_OK) {
        print_screen(run, view, eol);
    } else if (!run->once) {
        fprintf(run->over ? stdout : stderr, "%s%s\n", err->message, eol);
    }
    fputs(run->over ? "\033[J" : "", stdout);
    (void)fflush(stdout);
}

/* Until Ctrl-C; a Redis that goes away is said and asked again. */
static enum bf_status show(const struct run *run, const struct bf_redis_options *options, struct bf_err *err)
{
    static struct bf_board_view view;
    struct bf_redis *redis = NULL;
    enum bf_status status = BF_OK;
    do {
        status = redis ? BF_OK : bf_redis_open(options, &redis, err);
        status = status == BF_OK ? bf_board_read(redis, run->board, run->json, &view, err) : status;
        if (status != BF_OK) {
            bf_redis_close(redis);
            redis = NULL;
        }
        print_turn(run, &view, status, err);
    } while (!run->once && bf_pace_idle(run->over || run->json ? TURN_MS : PLAIN_TURN_MS));
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
    const struct bf_redis_options options = bf_wiring_redis(setting.site);
    struct bf_pace signals;
    bf_pace_start(&signals, 1, 0);
    status = run->await_us ? await(run, &options, err) : show(run, &options, err);
    bf_setting_unload(&setting);
    return status;
}

static enum bf_status parse_option(int option, const char *value, struct run *run, struct bf_err *err)
{
    switch (option) {
    case 'c':
        run->config = value;
        return BF_OK;
    case 'b':
        run->board = value;
        return BF_OK;
    case 'n':
        run->note = value;
        return BF_OK;
    case 'a':
        return bf_argument_duration("await", value, &run->await_us, err);
    case 'o':
        run->once = true;
        return BF_OK;
    default:
        run->json = true;
        return BF_OK;
    }
}

static int run_top(int argc, char **argv)
{
    struct run run = {.once = false};
    struct bf_err err;
    for (int option; (option = getopt_long(argc, argv, "c:b:n:a:ojh", long_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return BF_EXIT_OK;
        }
        if (option == '?') {
            return bf_argument_help("top");
        }
        if (parse_option(option, optarg, &run, &err) != BF_OK) {
            return bf_argument_refuse("top", &err);
        }
    }
    if (optind != argc) {
        return bf_argument_surplus("top", argv[optind]);
    }
    run.once = run.once || (!isatty(STDOUT_FILENO) && !run.json);
    run.over = !run.once && !run.json && can_write_over();
    return top(&run, &err) == BF_OK ? BF_EXIT_OK : bf_setting_fail("top", &err);
}

const struct bf_command bf_command_top = {
    .name = "top",
    .summary = "Show the city's values now, from Redis.",
    .usage = usage,
    .run = run_top,
};
