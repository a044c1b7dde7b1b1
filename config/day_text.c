/* day_text.c: see day_text.h. */
#include "config/day_text.h"

#include <string.h>

#include "config/definition.h"

#define DAY_S 86400

static bool is_text(const struct bf__node *node)
{
    return node->kind == BF__NODE_SCALAR && node->text.len > 0;
}

static void *field(const struct bf__option *option, void *base)
{
    return (char *)base + option->offset;
}

/* "04:30", at most 24:00. */
static bool read_clock(const char *text, size_t len, int32_t *seconds)
{
    for (size_t i = 0; i < len; i++) {
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    if (len != 5) {
        return false;
    }
    int hours = (text[0] - '0') * 10 + text[1] - '0', minutes = (text[3] - '0') * 10 + text[4] - '0';
    *seconds = hours * 3600 + minutes * 60;
    return minutes < 60 && *seconds <= DAY_S;
}

static bool parse_clock(struct bf__loader *loader, const struct bf__option *option,
                        const struct bf__node *node, void *base)
{
    int32_t *seconds = field(option, base);
    return (is_text(node) && read_clock(node->text.data, node->text.len, seconds) && *seconds < DAY_S) ||
           bf__option_unexpected(loader, option, node);
}
const struct bf__option_type bf__type_clock = {
    .name = "time of day", .expects = "a time of day such as \"04:30\"", .parse = parse_clock};

static const struct bf__node *items_of(const struct bf__node *node)
{
    return node->kind == BF__NODE_LIST ? node->first : node;
}

static bool parse_between(struct bf__loader *loader, const struct bf__option *option,
                          const struct bf__node *node, void *base)
{
    struct bf_day_part *parts = field(option, base);
    size_t *count = (size_t *)(void *)((char *)base + option->count);
    for (const struct bf__node *item = items_of(node); item != NULL; item = item->next) {
        struct bf_day_part part;
        if (!is_text(item) || item->text.len != 11 || item->text.data[5] != '-' ||
            !read_clock(item->text.data, 5, &part.from_s) ||
            !read_clock(item->text.data + 6, 5, &part.to_s) || part.from_s == DAY_S) {
            return bf__option_unexpected(loader, option, item);
        }
        if (*count == BF_DAY_PARTS_MAX) {
            return bf__loader_problem(loader, item, "between: at most %d spans of hours", BF_DAY_PARTS_MAX);
        }
        parts[(*count)++] = part;
        if (node->kind != BF__NODE_LIST) {
            break;
        }
    }
    return true;
}
const struct bf__option_type bf__type_between = {.name = "list of hours",
                                                 .expects =
                                                     "hours such as \"07:00-09:00\", or a list of them",
                                                 .parse = parse_between};

static int weekday_of(const char *text, size_t len)
{
    static const char names[] = "montuewedthufrisatsun";
    for (int i = 0; len == 3 && i < 7; i++) {
        if (memcmp(text, names + 3 * i, 3) == 0) {
            return i;
        }
    }
    return -1;
}

/* "sat", "mon-fri", "fri-mon" */
static bool parse_on(struct bf__loader *loader, const struct bf__option *option, const struct bf__node *node,
                     void *base)
{
    uint8_t *weekdays = field(option, base);
    for (const struct bf__node *item = items_of(node); item != NULL; item = item->next) {
        bool range = is_text(item) && item->text.len == 7 && item->text.data[3] == '-';
        int first = is_text(item) ? weekday_of(item->text.data, range ? 3 : item->text.len) : -1;
        int last = range ? weekday_of(item->text.data + 4, 3) : first;
        if (first < 0 || last < 0) {
            return bf__option_unexpected(loader, option, item);
        }
        for (int day = first;; day = (day + 1) % 7) {
            *weekdays = (uint8_t)(*weekdays | 1u << day);
            if (day == last) {
                break;
            }
        }
        if (node->kind != BF__NODE_LIST) {
            break;
        }
    }
    return true;
}
const struct bf__option_type bf__type_weekdays = {
    .name = "list of days", .expects = "days such as sat or mon-fri, or a list of them", .parse = parse_on};
