/* scope.h: the names of scopes: `city`, `zone.<id>`, `device.<id>`, `tag.<name>.<value>`, joined by `+`.
 * Every byte outside [a-z0-9_-] of an id is written ~XX (upper-case hexadecimal), so no topic text can
 * forge a key or a channel.   Thread: any. */
#ifndef BF_CORE_SCOPE_H
#define BF_CORE_SCOPE_H

#include "core/slice.h"

#define BF_SCOPE_MAX 512

struct bf_scope_text {
    char data[BF_SCOPE_MAX];
    size_t len;
    bool cut; /* it did not fit: the scope must not be used */
};

void bf_scope_init(struct bf_scope_text *scope); /* empty; "city" is appended by bf_scope_city */
void bf_scope_city(struct bf_scope_text *scope);
void bf_scope_zone(struct bf_scope_text *scope, struct bf_slice id);
void bf_scope_device(struct bf_scope_text *scope, struct bf_slice id);
void bf_scope_tag(struct bf_scope_text *scope, struct bf_slice name, struct bf_slice value);
/* Writes `id` escaped; returns the length, or 0 where it does not fit. */
size_t bf_scope_escape(struct bf_slice id, char *out, size_t size);

#endif
