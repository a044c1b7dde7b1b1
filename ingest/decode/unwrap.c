/* unwrap.c: base64 and hex by one table each, gzip by zlib, whose memory is the arena's too.
 * Declined: asking the stream how large it will be: gzip's trailer is the sender's word. */
#include "ingest/decode/unwrap.h"

#include <string.h>
#define ZLIB_CONST /* what is unpacked is not written to */
#include <zlib.h>

#define NOT_A_DIGIT 0xff

static bool fail(struct bf_unwrap_fault *fault, enum bf_reject_reason reason, const char *what)
{
    *fault = (struct bf_unwrap_fault){.reason = reason, .what = what};
    return false;
}

/* Both alphabets of RFC 4648: no sender mixes them, and none says which it takes. */
static unsigned sextet(char byte)
{
    return byte >= 'A' && byte <= 'Z'   ? (unsigned)(byte - 'A')
           : byte >= 'a' && byte <= 'z' ? (unsigned)(byte - 'a') + 26
           : byte >= '0' && byte <= '9' ? (unsigned)(byte - '0') + 52
           : byte == '+' || byte == '-' ? 62
           : byte == '/' || byte == '_' ? 63
                                        : NOT_A_DIGIT;
}

static bool take_base64(struct bf_arena *arena, struct bf_slice *bytes, struct bf_unwrap_fault *fault)
{
    size_t len = bytes->len, out = 0;
    while (len > 0 && bytes->len - len < 2 && bytes->data[len - 1] == '=') {
        len--;
    }
    char *to = bf_arena_alloc(arena, len / 4 * 3 + 3);
    if (!to) {
        return fail(fault, BF_REJECT_arena, "no room for what base64 holds");
    }
    uint32_t word = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = sextet(bytes->data[i]);
        if (digit == NOT_A_DIGIT) {
            return fail(fault, BF_REJECT_malformed, "no base64");
        }
        word = word << 6 | digit;
        if (i % 4 == 3) {
            to[out++] = (char)(word >> 16);
            to[out++] = (char)(word >> 8);
            to[out++] = (char)word;
            word = 0;
        }
    }
    bool padded = len != bytes->len;
    if (len % 4 == 1 || (padded && bytes->len % 4 != 0)) {
        return fail(fault, BF_REJECT_malformed, "base64 of no whole bytes");
    }
    if (len % 4 == 3) {
        to[out++] = (char)(word >> 10);
        to[out++] = (char)(word >> 2);
    } else if (len % 4 == 2) {
        to[out++] = (char)(word >> 4);
    }
    *bytes = (struct bf_slice){.data = to, .len = out};
    return true;
}

static unsigned nibble(char byte)
{
    return byte >= '0' && byte <= '9'   ? (unsigned)(byte - '0')
           : byte >= 'a' && byte <= 'f' ? (unsigned)(byte - 'a') + 10
           : byte >= 'A' && byte <= 'F' ? (unsigned)(byte - 'A') + 10
                                        : NOT_A_DIGIT;
}

static bool take_hex(struct bf_arena *arena, struct bf_slice *bytes, struct bf_unwrap_fault *fault)
{
    size_t len = bytes->len / 2;
    char *to = bf_arena_alloc(arena, len + 1);
    if (!to) {
        return fail(fault, BF_REJECT_arena, "no room for what the hex digits say");
    }
    for (size_t i = 0; i < len; i++) {
        unsigned high = nibble(bytes->data[2 * i]), low = nibble(bytes->data[2 * i + 1]);
        if (high == NOT_A_DIGIT || low == NOT_A_DIGIT) {
            return fail(fault, BF_REJECT_malformed, "no hex digits");
        }
        to[i] = (char)(high << 4 | low);
    }
    if (bytes->len % 2 != 0) {
        return fail(fault, BF_REJECT_malformed, "hex digits of no whole bytes");
    }
    *bytes = (struct bf_slice){.data = to, .len = len};
    return true;
}

static void *give(void *arena, unsigned items, unsigned size)
{
    return bf_arena_alloc(arena, (size_t)items * size);
}

static void take_back(void *arena, void *memory)
{
    (void)arena; /* the message's end frees it */
    (void)memory;
}

/* gzip's or zlib's format, by its first bytes; one stream, and nothing behind it. */
static bool take_gzip(struct bf_arena *arena, size_t max_inflated, struct bf_slice *bytes,
                      struct bf_unwrap_fault *fault)
{
    z_stream stream = {.zalloc = give, .zfree = take_back, .opaque = arena};
    char *to = bf_arena_alloc(arena, max_inflated + 1);
    if (!to || inflateInit2(&stream, 15 + 32) != Z_OK) {
        return fail(fault, BF_REJECT_arena, "no room to unpack");
    }
    stream.next_in = (const Bytef *)bytes->data;
    stream.avail_in = (uInt)bytes->len;
    stream.next_out = (Bytef *)to;
    stream.avail_out = (uInt)max_inflated + 1; /* the one byte too many tells */
    int answer = bytes->len > 0 ? inflate(&stream, Z_FINISH) : Z_DATA_ERROR;
    size_t len = max_inflated + 1 - stream.avail_out;
    bool rest = stream.avail_in > 0;
    (void)inflateEnd(&stream);
    if (len > max_inflated) {
        return fail(fault, BF_REJECT_inflated, "it unpacks to more than max_inflated");
    }
    if (answer == Z_MEM_ERROR) {
        return fail(fault, BF_REJECT_arena, "no room to unpack");
    }
    if (answer != Z_STREAM_END || rest) {
        return fail(fault, BF_REJECT_malformed, "no gzip, or not all of it, or more than it");
    }
    *bytes = (struct bf_slice){.data = to, .len = len};
    return true;
}

bool bf_unwrap(const struct bf_wraps *wraps, size_t max_inflated, struct bf_arena *arena,
               struct bf_slice *bytes, struct bf_unwrap_fault *fault)
{
    bool good = true;
    for (size_t i = 0; good && i < wraps->count; i++) {
        switch (wraps->kinds[i]) {
        case BF_WRAP_BASE64:
            good = take_base64(arena, bytes, fault);
            break;
        case BF_WRAP_HEX:
            good = take_hex(arena, bytes, fault);
            break;
        case BF_WRAP_GZIP:
        default:
            good = take_gzip(arena, max_inflated, bytes, fault);
            break;
        }
    }
    return good;
}
