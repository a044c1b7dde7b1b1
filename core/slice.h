/* slice.h: borrowed bytes. A slice never owns: whoever made it says how long it lives.
 * Declined: NUL-terminated strings on the hot path (payloads hold NULs, and strlen costs).
 * Thread: values, any. */
#ifndef BF_CORE_SLICE_H
#define BF_CORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct bf_slice {
    const char *data; /* may be NULL only if len is 0 */
    size_t len;
};

#define BF_SLICE(literal) ((struct bf_slice){(literal), sizeof(literal) - 1})
/* The same as an initialiser of a static. */
#define BF_SLICE_INIT(literal) {.data = (literal), .len = sizeof(literal) - 1}
/* For printf: printf("%.*s", BF_SLICE_ARG(slice)). */
#define BF_SLICE_ARG(slice) (int)(slice).len, (slice).data

static inline struct bf_slice bf_slice_of(const char *text)
{
    return (struct bf_slice){text, text ? strlen(text) : 0};
}

static inline bool bf_slice_equal(struct bf_slice a, struct bf_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Byte order, shorter first on a common prefix; as memcmp. */
static inline int bf_slice_compare(struct bf_slice a, struct bf_slice b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

#endif
