/* scalar.h: texts of a configuration as typed values, and back. Strict: the whole text, one unit, no
 * locale, nothing that wraps around.   Thread: any. */
#ifndef BF_CONFIG_SCALAR_H
#define BF_CONFIG_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/slice.h"

bool bf_scalar_integer(struct bf_slice text, int64_t *value);
/* Decimal, with fraction and exponent; finite. Also .inf and -.inf. */
bool bf_scalar_number(struct bf_slice text, double *value);
bool bf_scalar_bool(struct bf_slice text, bool *value);
/* 500us 250ms 5s 10m 48h 1d; a unit is needed, except for 0. Not negative. */
bool bf_scalar_duration(struct bf_slice text, int64_t *value_us);
/* 100B 64KiB 16MiB 1GiB; a unit is needed, except for 0. */
bool bf_scalar_size(struct bf_slice text, uint64_t *value);

/* In the largest unit that says it exactly. Return text; size >= 32. */
char *bf_scalar_format_number(double value, char *text, size_t size);
char *bf_scalar_format_duration(double value_us, char *text, size_t size);
char *bf_scalar_format_size(double value, char *text, size_t size);

#endif
