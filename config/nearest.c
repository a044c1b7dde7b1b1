/* nearest.c: "did you mean". Damerau-Levenshtein (a swap of neighbours is one step) with a bound, because
 * swapped letters are what fingers do. */
#include <stdint.h>
#include <string.h>

#include "config/city.h"

#define WORD_MAX 64

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t steps = smaller(last[j] + 1, now[j - 1] + 1);
            steps = smaller(steps, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                steps = smaller(steps, before[j - 2] + 1);
            }
            now[j] = steps;
        }
    }
    return rows[a_len % 3][b_len];
}

const char *bf_config_nearest(const char *word, const char *const *candidates)
{
    size_t len = strlen(word);
    const char *best = NULL;
    size_t best_steps = smaller(2, len / 3) + 1;
    if (len > WORD_MAX) {
        return NULL;
    }
    for (; *candidates != NULL; candidates++) {
        size_t other = strlen(*candidates);
        if (other > WORD_MAX) {
            continue;
        }
        size_t steps = distance(word, len, *candidates, other);
        if (steps < best_steps) {
            best_steps = steps;
            best = *candidates;
        }
    }
    return best;
}
