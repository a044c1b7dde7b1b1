/* number.h: numbers as text for other programs.   Thread: any. */
#ifndef BF_CORE_NUMBER_H
#define BF_CORE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define BF_NUMBER_MAX 32

/* The shortest of %.15g, %.16g and %.17g that reads back as the same double; a valid JSON number. Returns
 * the length. The value must be finite; -0 is written 0. */
size_t bf_number_format(double value, char text[BF_NUMBER_MAX]);
/* Decimal digits; returns the length. Not terminated. */
size_t bf_number_format_int(int64_t value, char text[BF_NUMBER_MAX]);

#endif
