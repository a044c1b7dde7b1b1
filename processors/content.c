/* content.c: a ring of hashes with an index. Declined: forgetting by time (a flood of them would have no
 * bound). */
#include "processors/content.h"

#include <stdlib.h>

struct bf_contents *bf_contents_create(void)
{
    return calloc(1, sizeof(struct bf_contents));
}

void bf_contents_destroy(struct bf_contents *contents)
{
    free(contents);
}

static uint32_t *head_of(struct bf_contents *contents, uint64_t hash)
{
    return &contents->heads[hash % (2 * BF_CONTENTS)];
}

static void forget(struct bf_contents *contents, uint32_t place)
{
    uint32_t *link = head_of(contents, contents->ring[place]);
    while (*link != place + 1) {
        link = &contents->chain[*link - 1];
    }
    *link = contents->chain[place];
}

bool bf_contents_seen(struct bf_contents *contents, uint64_t hash)
{
    for (uint32_t at = *head_of(contents, hash); at != 0; at = contents->chain[at - 1]) {
        if (contents->ring[at - 1] == hash) {
            return true;
        }
    }
    uint32_t place = (uint32_t)(contents->taken % BF_CONTENTS);
    if (contents->taken >= BF_CONTENTS) {
        forget(contents, place);
    }
    contents->ring[place] = hash;
    contents->chain[place] = *head_of(contents, hash);
    *head_of(contents, hash) = place + 1;
    contents->taken++;
    return false;
}

void bf_contents_save(const struct bf_contents *contents, struct bf_mp_writer *out)
{
    uint64_t held = contents->taken < BF_CONTENTS ? contents->taken : BF_CONTENTS;
    bf_mp_put_uint(out, held);
    for (uint64_t i = contents->taken - held; i < contents->taken; i++) {
        bf_mp_put_uint(out, contents->ring[i % BF_CONTENTS]);
    }
}

enum bf_status bf_contents_load(struct bf_contents *contents, struct bf_mp_reader *in)
{
    uint64_t held = bf_mp_get_uint(in);
    for (uint64_t i = 0; bf_mp_ok(in) && i < held; i++) {
        (void)bf_contents_seen(contents, bf_mp_get_uint(in));
    }
    return bf_mp_ok(in) ? BF_OK : BF_MALFORMED;
}
