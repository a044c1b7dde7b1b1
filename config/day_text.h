/* day_text.h: times of a day and days of a week as texts of a configuration: "04:30", "22:00-07:00", mon-fri.
 * Thread: constants. */
#ifndef BF_CONFIG_DAY_TEXT_H
#define BF_CONFIG_DAY_TEXT_H

#include "config/option.h"

extern const struct bf__option_type bf__type_clock; /* int32_t, seconds after midnight, below 24:00 */
/* struct bf_day_part[BF_DAY_PARTS_MAX] at offset, size_t at count; as written, so to_s may be below from_s */
extern const struct bf__option_type bf__type_between;
extern const struct bf__option_type bf__type_weekdays; /* uint8_t, bit 0 is Monday */

#endif
