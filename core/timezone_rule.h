/* timezone_rule.h: the POSIX TZ string of a TZif footer (POSIX 8.3, with the extensions of RFC 8536, 3.3.1:
 * "EET-2EEST,M3.5.0/3,M10.5.0/4", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "IST-5:30").
 * Thread: values, any.   Errors: false where it is not one. */
#ifndef BF_CORE_TIMEZONE_RULE_H
#define BF_CORE_TIMEZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/slice.h"

struct bf__timezone_day {
    enum { BF__DAY_JULIAN /* Jn: 1 to 365, without 29 February */, BF__DAY_ZERO, BF__DAY_MONTH } kind;
    int day, week, month; /* MONTH: weekday `day` (0 is Sunday), `week` 5 is the last */
    int32_t time_s;       /* of local time before the change */
};

struct bf__timezone_rule {
    int32_t standard_s, summer_s; /* east of UTC */
    bool has_summer;
    struct bf__timezone_day begin, end; /* of summer */
};

bool bf__timezone_rule_parse(struct bf_slice text, struct bf__timezone_rule *rule);
/* When summer time begins and ends in that year, seconds UTC. */
void bf__timezone_rule_year(const struct bf__timezone_rule *rule, int64_t year, int64_t *begin_s,
                            int64_t *end_s);

#endif
