/* packet.c: the scanner of packet.h and the note that stands for an oversize payload.
 * Declined: sending notes to the callback beside the stream (a queue that two threads must keep in step with
 * Paho's packets; a note travels in the packet that it is about). */
#include "ingest/packet.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/hash.h"

#define TYPE_PUBLISH 3
#define FRONT 5 /* room for the fixed header before the variable one */
#define PROPERTIES_MAX 65536

enum state { BETWEEN, IN_BODY, IN_TOPIC_LEN, IN_TOPIC, IN_ID, IN_PROPERTY_LEN, IN_PROPERTIES, IN_PAYLOAD };

struct bf_scanner {
    size_t oversize; /* a PUBLISH above this is replaced */
    size_t head_max;
    bool mqtt5;
    const char *fault;
    enum state state;
    unsigned char first; /* byte of the fixed header */
    size_t length, left; /* of the packet: declared, not yet taken */
    size_t piece;        /* bytes of the present piece of the variable header that are still to come */
    size_t property_len;
    int property_shift;
    bool properties_kept;
    size_t used;       /* bytes in `packet`, from FRONT on */
    size_t begin, end; /* the replacement within `packet` */
    uint64_t payload_len, payload_hash;
    size_t head_at, block_len;
    char *packet, *block;
};

static pthread_once_t secret_once = PTHREAD_ONCE_INIT;
static char secret[BF_NOTE_SECRET];

static void make_secret(void)
{
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret) {
        abort(); /* 16 bytes never fail on a kernel that has booted */
    }
}

struct bf_scanner *bf_scanner_create(size_t max_payload, size_t head_max, bool mqtt5)
{
    pthread_once(&secret_once, make_secret);
    struct bf_scanner *scanner = calloc(1, sizeof *scanner);
    if (scanner == NULL) {
        return NULL;
    }
    scanner->oversize = max_payload + BF_PACKET_SLACK;
    scanner->head_max = head_max < max_payload ? head_max : max_payload;
    scanner->mqtt5 = mqtt5;
    scanner->packet = malloc(FRONT + 2 + 65535 + 2 + 4 + PROPERTIES_MAX + BF_NOTE_HEADER + scanner->head_max);
    scanner->block = malloc(BF_PACKET_BLOCK);
    if (scanner->packet == NULL || scanner->block == NULL) {
        bf_scanner_destroy(scanner);
        return NULL;
    }
    return scanner;
}

void bf_scanner_destroy(struct bf_scanner *scanner)
{
    if (scanner) {
        free(scanner->packet);
        free(scanner->block);
        free(scanner);
    }
}

void bf_scanner_reset(struct bf_scanner *scanner)
{
    scanner->state = BETWEEN;
    scanner->fault = NULL;
    scanner->left = scanner->length = 0;
}

enum bf_packet_type bf_scanner_type(const struct bf_scanner *scanner)
{
    return (enum bf_packet_type)(scanner->first >> 4);
}

int bf_scanner_qos(const struct bf_scanner *scanner)
{
    return scanner->first >> 1 & 3;
}

bool bf_scanner_inside(const struct bf_scanner *scanner)
{
    return scanner->state != BETWEEN;
}

size_t bf_scanner_length(const struct bf_scanner *scanner)
{
    return scanner->length;
}

const char *bf_scanner_fault(const struct bf_scanner *scanner)
{
    return scanner->fault;
}

struct bf_slice bf_scanner_replacement(const struct bf_scanner *scanner)
{
    return (struct bf_slice){scanner->packet + scanner->begin, scanner->end - scanner->begin};
}

static enum bf_scan_event bad(struct bf_scanner *scanner, const char *fault)
{
    scanner->fault = fault;
    return BF_SCAN_BAD;
}

/* ---- the hash, as the bytes come */

static void hash_block(struct bf_scanner *scanner)
{
    uint64_t hash = bf_hash64((struct bf_slice){scanner->block, scanner->block_len});
    scanner->payload_hash =
        scanner->payload_len > scanner->block_len ? bf_hash64_mix(scanner->payload_hash, hash) : hash;
    scanner->block_len = 0;
}

static void take_payload(struct bf_scanner *scanner, const char *data, size_t len)
{
    size_t head_len = scanner->used - scanner->head_at;
    size_t more = scanner->head_max - head_len < len ? scanner->head_max - head_len : len;
    memcpy(scanner->packet + FRONT + scanner->used, data, more);
    scanner->used += more;
    while (len > 0) {
        size_t room = BF_PACKET_BLOCK - scanner->block_len;
        size_t part = len < room ? len : room;
        memcpy(scanner->block + scanner->block_len, data, part);
        scanner->block_len += part;
        scanner->payload_len += part;
        data += part;
        len -= part;
        if (scanner->block_len == BF_PACKET_BLOCK) {
            hash_block(scanner);
        }
    }
}

uint64_t bf_payload_hash(struct bf_slice payload)
{
    uint64_t hash = bf_hash64(
        (struct bf_slice){payload.data, payload.len < BF_PACKET_BLOCK ? payload.len : BF_PACKET_BLOCK});
    for (size_t at = BF_PACKET_BLOCK; at < payload.len; at += BF_PACKET_BLOCK) {
        size_t left = payload.len - at;
        struct bf_slice block = {payload.data + at, left < BF_PACKET_BLOCK ? left : BF_PACKET_BLOCK};
        hash = bf_hash64_mix(hash, bf_hash64(block));
    }
    return hash;
}

/* ---- an oversize PUBLISH */

static void put_u64(char *to, uint64_t value)
{
    memcpy(to, &value, sizeof value); /* host order: it never leaves this process */
}

/* Fixed header, and the note's header in the room that start_payload left. */
static void finish(struct bf_scanner *scanner)
{
    if (scanner->block_len > 0 || scanner->payload_len == 0) {
        hash_block(scanner);
    }
    char *note = scanner->packet + FRONT + scanner->head_at - BF_NOTE_HEADER;
    memcpy(note, secret, BF_NOTE_SECRET);
    put_u64(note + BF_NOTE_SECRET, scanner->payload_len);
    put_u64(note + BF_NOTE_SECRET + 8, scanner->payload_hash);
    unsigned char length[4];
    size_t digits = 0;
    for (size_t rest = scanner->used; rest > 0 || digits == 0; rest >>= 7) {
        length[digits++] = (unsigned char)((rest & 127) | (rest > 127 ? 128 : 0));
    }
    scanner->begin = FRONT - 1 - digits;
    scanner->end = FRONT + scanner->used;
    scanner->packet[scanner->begin] = (char)scanner->first;
    memcpy(scanner->packet + scanner->begin + 1, length, digits);
    scanner->state = BETWEEN;
}

static void start_payload(struct bf_scanner *scanner)
{
    scanner->used += BF_NOTE_HEADER;
    scanner->head_at = scanner->used;
    scanner->payload_len = scanner->payload_hash = scanner->block_len = 0;
    scanner->state = IN_PAYLOAD;
}

static void start_properties(struct bf_scanner *scanner)
{
    if (!scanner->mqtt5) {
        start_payload(scanner);
        return;
    }
    scanner->property_len = 0;
    scanner->property_shift = 0;
    scanner->state = IN_PROPERTY_LEN;
    scanner->piece = 1;
}

static bool end_property_len(struct bf_scanner *scanner)
{
    unsigned char digit = (unsigned char)scanner->packet[FRONT + scanner->used - 1];
    scanner->property_len |= (size_t)(digit & 127) << scanner->property_shift;
    scanner->property_shift += 7;
    if (digit & 128) {
        scanner->piece = 1;
        return scanner->property_shift <= 21;
    }
    scanner->properties_kept = scanner->property_len <= PROPERTIES_MAX;
    if (!scanner->properties_kept) { /* an empty list stands for them */
        scanner->used -= (size_t)scanner->property_shift / 7;
        scanner->packet[FRONT + scanner->used++] = 0;
    }
    scanner->state = IN_PROPERTIES;
    scanner->piece = scanner->property_len;
    return true;
}

/* The present piece of the variable header is whole. False: the packet contradicts itself. */
static bool next_piece(struct bf_scanner *scanner)
{
    const unsigned char *at = (const unsigned char *)scanner->packet + FRONT;
    switch (scanner->state) {
    case IN_TOPIC_LEN:
        scanner->state = IN_TOPIC;
        scanner->piece = (size_t)at[0] << 8 | at[1];
        break;
    case IN_TOPIC:
        if (bf_scanner_qos(scanner) > 0) {
            scanner->state = IN_ID;
            scanner->piece = 2;
        } else {
            start_properties(scanner);
        }
        break;
    case IN_ID:
        start_properties(scanner);
        break;
    case IN_PROPERTY_LEN:
        if (!end_property_len(scanner)) {
            return false;
        }
        break;
    case IN_PROPERTIES:
        start_payload(scanner);
        break;
    case BETWEEN:
    case IN_BODY:
    case IN_PAYLOAD:
        break;
    }
    return scanner->piece <= scanner->left || scanner->state == IN_PAYLOAD;
}

static enum bf_scan_event swallow(struct bf_scanner *scanner, struct bf_slice bytes, size_t *taken)
{
    while (scanner->left > 0) {
        size_t here = bytes.len - *taken < scanner->left ? bytes.len - *taken : scanner->left;
        const char *data = bytes.data + *taken;
        if (scanner->state == IN_PAYLOAD) {
            take_payload(scanner, data, here);
        } else {
            here = here < scanner->piece ? here : scanner->piece;
            if (scanner->state != IN_PROPERTIES || scanner->properties_kept) {
                memcpy(scanner->packet + FRONT + scanner->used, data, here);
                scanner->used += here;
            }
            scanner->piece -= here;
        }
        *taken += here;
        scanner->left -= here;
        while (scanner->state != IN_PAYLOAD && scanner->piece == 0) {
            if (!next_piece(scanner)) {
                return bad(scanner, "a PUBLISH contradicts its own length");
            }
        }
        if (scanner->left > 0 && *taken == bytes.len) {
            return BF_SCAN_MORE;
        }
    }
    if (scanner->state != IN_PAYLOAD) {
        return bad(scanner, "a PUBLISH contradicts its own length");
    }
    finish(scanner);
    return BF_SCAN_OVERSIZE;
}

/* ---- the stream */

/* The fixed header is only taken whole. Returns its length, 0: not there yet; sets fault. */
static size_t take_header(struct bf_scanner *scanner, struct bf_slice bytes)
{
    const unsigned char *data = (const unsigned char *)bytes.data;
    size_t length = 0;
    for (size_t i = 1; i < bytes.len; i++) {
        if (i == 5) {
            break;
        }
        length |= (size_t)(data[i] & 127) << (7 * (i - 1));
        if (!(data[i] & 128)) {
            scanner->first = data[0];
            scanner->length = scanner->left = length;
            return i + 1;
        }
    }
    if (bytes.len >= 5) {
        scanner->fault = "a packet's length has five bytes";
    }
    return 0;
}

static enum bf_scan_event pass_body(struct bf_scanner *scanner, struct bf_slice bytes, size_t *taken)
{
    size_t here = bytes.len - *taken < scanner->left ? bytes.len - *taken : scanner->left;
    *taken += here;
    scanner->left -= here;
    scanner->state = scanner->left > 0 ? IN_BODY : BETWEEN;
    return scanner->left > 0 ? BF_SCAN_MORE : BF_SCAN_PACKET;
}

enum bf_scan_event bf_scanner_feed(struct bf_scanner *scanner, struct bf_slice bytes, size_t *taken,
                                   bool *pass)
{
    *taken = 0;
    *pass = true;
    if (scanner->state == BETWEEN) {
        size_t header = take_header(scanner, bytes);
        if (header == 0) {
            return scanner->fault ? BF_SCAN_BAD : BF_SCAN_MORE;
        }
        *taken = header;
        int type = scanner->first >> 4;
        if (type == TYPE_PUBLISH && scanner->length > scanner->oversize) {
            scanner->state = IN_TOPIC_LEN;
            scanner->piece = 2;
            scanner->used = 0;
        } else if (type == 0 || (type != TYPE_PUBLISH && scanner->length > BF_PACKET_SMALL)) {
            return bad(scanner,
                       type == 0 ? "a packet of type 0" : "a packet that is no PUBLISH is too large");
        } else {
            scanner->state = IN_BODY;
        }
    }
    if (scanner->state == IN_BODY) {
        return pass_body(scanner, bytes, taken);
    }
    *pass = false;
    return swallow(scanner, bytes, taken);
}

bool bf_note_parse(struct bf_slice payload, struct bf_note *note)
{
    if (payload.len < BF_NOTE_HEADER || memcmp(payload.data, secret, BF_NOTE_SECRET) != 0) {
        return false;
    }
    memcpy(&note->payload_len, payload.data + BF_NOTE_SECRET, sizeof note->payload_len);
    memcpy(&note->payload_hash, payload.data + BF_NOTE_SECRET + 8, sizeof note->payload_hash);
    note->head = (struct bf_slice){payload.data + BF_NOTE_HEADER, payload.len - BF_NOTE_HEADER};
    return true;
}
