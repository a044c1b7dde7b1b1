/* support.h: what the tests of config share: cmocka, whole files, a city from texts.
 * Owner: the caller frees.   Thread: one. */
#ifndef BF_TESTS_UNIT_CONFIG_SUPPORT_H
#define BF_TESTS_UNIT_CONFIG_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/city.h"
#include "tests/support/kinds.h"

/* NUL-terminated. */
static inline struct bf_slice read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *data = malloc(1 << 20);
    assert_non_null(data);
    size_t len = fread(data, 1, (1 << 20) - 1, file);
    data[len] = '\0';
    fclose(file);
    return (struct bf_slice){data, len};
}

static inline void free_file(struct bf_slice bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

#endif
