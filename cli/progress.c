/* Why: a day of log takes minutes; nobody should wonder whether it hangs.
 * Declined: a spinner: it says that something moves, not how long it will take. */
#include "cli/progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/time.h"

#define BAR 20
#define TERMINAL_US (200 * BF_US_PER_MS)
#define PLAIN_US (10 * BF_US_PER_S)

void bf_progress_start(struct bf_progress *progress, FILE *out)
{
    const char *term = getenv("TERM");
    *progress = (struct bf_progress){.out = out,
                                     .terminal = isatty(fileno(out)) != 0 && term != NULL &&
                                                 strcmp(term, "dumb") != 0,
                                     .started_us = bf_time_monotonic_us(),
                                     .said_us = bf_time_monotonic_us()};
}

char *bf_progress_format(double share, uint64_t count, const char *unit, int64_t passed_us, bool bar,
                         char *text, size_t size)
{
    char filled[BAR + 3] = "";
    double seconds = (double)passed_us / (double)BF_US_PER_S;
    double rate = seconds > 0 ? (double)count / seconds : 0;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    for (int i = 0; bar && i < BAR; i++) {
        filled[i] = i < (int)(share * BAR) ? '#' : '.';
        filled[i + 1] = ' ';
    }
    int len = snprintf(text, size, "%s%3d %%  %llu %s, %.0f/s", filled, (int)(share * 100),
                       (unsigned long long)count, unit, rate);
    if (share > 0.01 && seconds > 1 && len > 0 && (size_t)len < size) {
        snprintf(text + len, size - (size_t)len, ", %.0f s left", seconds / share - seconds);
    }
    return text;
}

void bf_progress_show(struct bf_progress *progress, double share, uint64_t count, const char *unit)
{
    char text[80];
    int64_t now_us = bf_time_monotonic_us();
    if (now_us - progress->said_us < (progress->terminal ? TERMINAL_US : PLAIN_US)) {
        return;
    }
    progress->said_us = now_us;
    progress->drawn = true;
    bf_progress_format(share, count, unit, now_us - progress->started_us, progress->terminal, text,
                       sizeof text);
    fprintf(progress->out, progress->terminal ? "\r%s\033[K" : "%s\n", text);
    (void)fflush(progress->out);
}

void bf_progress_end(struct bf_progress *progress)
{
    if (progress->terminal && progress->drawn) {
        fputs("\r\033[K", progress->out);
        (void)fflush(progress->out);
    }
}
