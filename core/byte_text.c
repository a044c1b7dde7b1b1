/* byte_text.c: see byte_text.h.
 * Declined: tables for speed: what is decoded here was pasted or stands in a file, once. */
#include "core/byte_text.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bf_hex_decode(struct bf_slice text, char *bytes, size_t *len)
{
    size_t count = 0;
    unsigned value = 0;
    bool half = false;
    for (size_t i = 0; i < text.len; i++) {
        if (is_space(text.data[i])) {
            continue;
        }
        int digit = hex_digit(text.data[i]);
        if (digit < 0) {
            return false;
        }
        value = value << 4 | (unsigned)digit;
        if (half) {
            bytes[count++] = (char)(value & 0xff);
        }
        half = !half;
    }
    *len = count;
    return !half;
}

static int base64_digit(char c)
{
    c = c == '-' ? '+' : c == '_' ? '/' : c; /* section 5: safe in URLs */
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

bool bf_base64_decode(struct bf_slice text, char *bytes, size_t *len)
{
    size_t count = 0, digits = 0, padding = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (is_space(text.data[i])) {
            continue;
        }
        if (text.data[i] == '=') {
            padding++;
            continue;
        }
        int digit = base64_digit(text.data[i]);
        if (digit < 0 || padding > 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        if (digits++ % 4 > 0) {
            bytes[count++] = (char)(bits >> (6 - (digits - 1) % 4 * 2) & 0xff);
        }
    }
    *len = count;
    size_t rest = digits % 4;
    uint32_t unused = rest == 2 ? bits & 0xf : rest == 3 ? bits & 0x3 : 0;
    return rest != 1 && unused == 0 && (padding == 0 || (digits + padding) % 4 == 0) && padding < 3;
}

size_t bf_base64_encode(struct bf_slice bytes, char *text)
{
    size_t len = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t bits = (uint32_t)(unsigned char)bytes.data[i] << 16;
        bits |= left > 1 ? (uint32_t)(unsigned char)bytes.data[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)(unsigned char)bytes.data[i + 2] : 0;
        text[len++] = alphabet[bits >> 18 & 63];
        text[len++] = alphabet[bits >> 12 & 63];
        text[len++] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        text[len++] = left > 2 ? alphabet[bits & 63] : '=';
    }
    return len;
}
