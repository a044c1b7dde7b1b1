/* golden.c: how records are held against their bytes. Inputs are copied to blocks of just their
 * size, so that a sanitizer sees the first byte read beyond. */
#include "tests/support/golden.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_BYTES 4096

static char problem[512];

size_t bf_hex_load(const char *path, unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        return 0;
    }
    size_t digits = 0;
    unsigned byte = 0;
    for (int c = fgetc(file); c != EOF && digits < 2 * size; c = fgetc(file)) {
        if (!isxdigit(c)) {
            continue;
        }
        byte = byte << 4 | (unsigned)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
        if (++digits % 2 == 0) {
            bytes[digits / 2 - 1] = (unsigned char)byte;
        }
    }
    fclose(file);
    return digits / 2;
}

/* Unpacks from a block of exactly `len` bytes; where that succeeds, what was read must be
 * writable. */
static enum bf_status unpack_exactly(const struct bf_golden *golden, const unsigned char *bytes, size_t len,
                                     char *again, size_t *again_len)
{
    char *block = malloc(len ? len : 1);
    if (!block) {
        abort();
    }
    memcpy(block, bytes, len);
    struct bf_err err = {.status = BF_OK};
    enum bf_status status =
        golden->unpack((struct bf_slice){.data = block, .len = len}, golden->scratch, &err);
    *again_len = 0;
    if (status == BF_OK) {
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, again, MAX_BYTES);
        golden->pack(golden->scratch, &writer);
        *again_len = writer.full ? 0 : writer.len;
    } else if (status != BF_MALFORMED || err.status != BF_MALFORMED || err.message[0] == '\0') {
        status = BF_FATAL;
    }
    free(block);
    return status;
}

static const char *check_round(const struct bf_golden *golden, const unsigned char *bytes, size_t len)
{
    char packed[MAX_BYTES];
    struct bf_mp_writer writer;
    bf_mp_writer_init(&writer, packed, sizeof(packed));
    golden->pack(golden->record, &writer);
    if (writer.full || writer.len != len || memcmp(packed, bytes, len) != 0) {
        return "packs to other bytes";
    }
    size_t again_len;
    enum bf_status status = unpack_exactly(golden, bytes, len, packed, &again_len);
    if (status != BF_OK || again_len != len || memcmp(packed, bytes, len) != 0) {
        return "does not come back as it was";
    }
    for (size_t room = 0; room < len; room++) {
        bf_mp_writer_init(&writer, packed, room);
        golden->pack(golden->record, &writer);
        if (!writer.full || writer.len > room) {
            return "does not say that it did not fit";
        }
    }
    return NULL;
}

/* One more entry than the map or array announces, at its end: key 63 (maps), a nested value. */
static const char *check_unknown(const struct bf_golden *golden, const unsigned char *bytes, size_t len)
{
    static const unsigned char nested[] = {0x3f, 0x93, 0x81, 0xa1, 'x', 0xc0, 0xc4, 0x01, 0x00, 0x07};
    unsigned char more[MAX_BYTES];
    char packed[MAX_BYTES];
    bool array = (bytes[0] & 0xf0) == 0x90;
    bool wide = bytes[0] == 0xde;
    memcpy(more, bytes, len);
    more[wide ? 2 : 0]++;
    if (bytes[0] == 0x8f) {
        return "the vector has 15 keys: its map cannot grow in place";
    }
    size_t extra = sizeof(nested) - (array ? 1 : 0);
    memcpy(more + len, nested + (array ? 1 : 0), extra);
    size_t again_len;
    enum bf_status status = unpack_exactly(golden, more, len + extra, packed, &again_len);
    if (status != BF_OK || again_len != len || memcmp(packed, bytes, len) != 0) {
        return "does not skip what it does not know";
    }
    memcpy(more, bytes, len);
    more[len] = 0xc0;
    if (unpack_exactly(golden, more, len + 1, packed, &again_len) != BF_MALFORMED) {
        return "takes bytes behind its end";
    }
    return NULL;
}

static const char *check_damage(const struct bf_golden *golden, const unsigned char *bytes, size_t len)
{
    unsigned char damaged[MAX_BYTES];
    char packed[MAX_BYTES];
    size_t again_len;
    for (size_t cut = 0; cut < len; cut++) {
        if (unpack_exactly(golden, bytes, cut, packed, &again_len) != BF_MALFORMED) {
            return "takes a part for the whole";
        }
    }
    for (size_t at = 0; at < len; at++) {
        memcpy(damaged, bytes, len);
        for (unsigned change = 1; change < 256; change++) {
            damaged[at] = (unsigned char)(bytes[at] ^ change);
            enum bf_status status = unpack_exactly(golden, damaged, len, packed, &again_len);
            if (status != BF_MALFORMED && (status != BF_OK || again_len == 0)) {
                return "neither takes nor refuses a damaged record";
            }
        }
    }
    return NULL;
}

const char *bf_golden_check(const struct bf_golden *golden)
{
    unsigned char bytes[MAX_BYTES];
    size_t len = bf_hex_load(golden->path, bytes, sizeof(bytes) / 2);
    const char *fault = len == 0 ? "cannot be read" : check_round(golden, bytes, len);
    fault = fault ? fault : check_unknown(golden, bytes, len);
    fault = fault ? fault : check_damage(golden, bytes, len);
    if (!fault) {
        return NULL;
    }
    snprintf(problem, sizeof(problem), "%s: %s", golden->path, fault);
    return problem;
}
