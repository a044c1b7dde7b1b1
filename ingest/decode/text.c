/* text.c: UTF-8 checked in one pass over a whole payload, 32 bytes at a time while they are ASCII.
 * Checking per string would cost more: most strings of a payload are three letters long. */
#include "ingest/decode/text.h"

#include <stdint.h>

/* Bytes of the multi-byte sequence at `at`, or 0 where it is ill-formed. */
static size_t sequence(const unsigned char *at, size_t left)
{
    unsigned lead = at[0];
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < length) {
        return 0;
    }
    unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xc0u) != 0x80) {
            return 0;
        }
    }
    return length;
}

bool bf_text_utf8(struct bf_slice text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t left = text.len;
    while (left > 0) {
        uint64_t words[4];
        if (left >= sizeof words) {
            memcpy(words, at, sizeof words);
            if (((words[0] | words[1] | words[2] | words[3]) & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof words;
                left -= sizeof words;
                continue;
            }
        }
        size_t length = at[0] < 0x80 ? 1 : sequence(at, left);
        if (length == 0) {
            return false;
        }
        at += length;
        left -= length;
    }
    return true;
}

bool bf_text_clean(struct bf_slice text)
{
    unsigned char seen = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < 0x20 || byte == 0x7f) {
            return false;
        }
        seen |= byte;
    }
    return seen < 0x80 || bf_text_utf8(text);
}

/* Bytes up to and with the last separator; 0 where there is none. */
static size_t behind_separator(struct bf_slice name)
{
    size_t at = name.len;
    while (at > 0 && name.data[at - 1] != ':' && name.data[at - 1] != '/') {
        at--;
    }
    return at;
}

struct bf_slice bf_text_leaf(struct bf_slice name)
{
    size_t at = behind_separator(name);
    return at == 0 ? name : (struct bf_slice){.data = name.data + at, .len = name.len - at};
}

struct bf_slice bf_text_stem(struct bf_slice name)
{
    size_t at = behind_separator(name);
    return at == 0 ? name : (struct bf_slice){.data = name.data, .len = at - 1};
}
