/* scope.c: names of scopes, built part by part into a fixed text. It exists so that ids which
 * devices choose can stand in Redis keys and channels without meaning anything there.
 * Declined: percent encoding (it leaves '.' and '~' alone, which separate and escape here). */
#include "core/scope.h"

static bool is_plain(unsigned char byte)
{
    bool letter = byte >= 'a' && byte <= 'z';
    bool digit = byte >= '0' && byte <= '9';
    return letter || digit || byte == '_' || byte == '-';
}

/* Appends to *len; false, with *len as it was, where it does not fit. */
static bool escape(struct bf_slice id, char *out, size_t size, size_t *len)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t at = *len;
    for (size_t i = 0; i < id.len; i++) {
        unsigned char byte = (unsigned char)id.data[i];
        size_t need = is_plain(byte) ? 1 : 3;
        if (size - at < need) {
            return false;
        }
        if (need == 1) {
            out[at++] = (char)byte;
            continue;
        }
        out[at++] = '~';
        out[at++] = digits[byte >> 4];
        out[at++] = digits[byte & 15];
    }
    *len = at;
    return true;
}

static bool literal(struct bf_slice text, char *out, size_t size, size_t *len)
{
    if (size - *len < text.len) {
        return false;
    }
    memcpy(out + *len, text.data, text.len);
    *len += text.len;
    return true;
}

/* One part: '+' between parts, what stands before the id, the id, and for tags ".value". A part
 * that does not fit leaves no half of itself behind. */
static void append(struct bf_scope_text *scope, struct bf_slice before, struct bf_slice id,
                   const struct bf_slice *value)
{
    size_t len = scope->len;
    struct bf_slice plus = BF_SLICE("+");
    plus.len = len > 0 ? 1 : 0;
    bool fits = !scope->cut && literal(plus, scope->data, BF_SCOPE_MAX, &len) &&
                literal(before, scope->data, BF_SCOPE_MAX, &len) &&
                escape(id, scope->data, BF_SCOPE_MAX, &len);
    if (fits && value) {
        fits = literal(BF_SLICE("."), scope->data, BF_SCOPE_MAX, &len) &&
               escape(*value, scope->data, BF_SCOPE_MAX, &len);
    }
    if (fits) {
        scope->len = len;
    } else {
        scope->cut = true;
    }
}

void bf_scope_init(struct bf_scope_text *scope)
{
    scope->len = 0;
    scope->cut = false;
}

void bf_scope_city(struct bf_scope_text *scope)
{
    append(scope, BF_SLICE("city"), BF_SLICE(""), NULL);
}

void bf_scope_zone(struct bf_scope_text *scope, struct bf_slice id)
{
    append(scope, BF_SLICE("zone."), id, NULL);
}

void bf_scope_device(struct bf_scope_text *scope, struct bf_slice id)
{
    append(scope, BF_SLICE("device."), id, NULL);
}

void bf_scope_tag(struct bf_scope_text *scope, struct bf_slice name, struct bf_slice value)
{
    append(scope, BF_SLICE("tag."), name, &value);
}

size_t bf_scope_escape(struct bf_slice id, char *out, size_t size)
{
    size_t len = 0;
    return escape(id, out, size, &len) ? len : 0;
}
