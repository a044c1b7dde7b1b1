/* delivery.c: the memory behind "counted once". Declined: a set of identities (8 times the memory, and
 * forgetting needs a second structure by age). */
#include "processors/delivery.h"

#include <stdlib.h>

struct slot {
    uint64_t hash;  /* of topic and payload */
    uint32_t round; /* serial / BF_DELIVERIES, cut to 32 bits */
    uint32_t next;  /* highest index seen + 1; 0: empty */
};

struct bf_deliveries {
    int64_t epoch, newest; /* newest serial of this epoch */
    bool any;
    struct slot slots[BF_DELIVERIES];
};

struct bf_deliveries *bf_deliveries_create(void)
{
    return calloc(1, sizeof(struct bf_deliveries));
}

void bf_deliveries_destroy(struct bf_deliveries *deliveries)
{
    free(deliveries);
}

static struct slot *slot_of(struct bf_deliveries *deliveries, int64_t serial)
{
    return &deliveries->slots[(uint64_t)serial % BF_DELIVERIES];
}

static uint32_t round_of(int64_t serial)
{
    return (uint32_t)((uint64_t)serial / BF_DELIVERIES);
}

void bf_deliveries_advance(struct bf_deliveries *deliveries, int64_t epoch, int64_t serial)
{
    if (!deliveries->any || deliveries->epoch != epoch) {
        if (deliveries->any) {
            memset(deliveries->slots, 0, sizeof(deliveries->slots));
        }
        deliveries->any = true;
        deliveries->epoch = epoch;
        deliveries->newest = serial;
    } else if (serial > deliveries->newest) {
        deliveries->newest = serial;
    }
}

/* Serials are non-negative in practice; a hostile one must not overflow. */
static bool forgotten(const struct bf_deliveries *deliveries, int64_t serial)
{
    return serial < deliveries->newest &&
           (uint64_t)deliveries->newest - (uint64_t)serial >= BF_DELIVERIES;
}

bool bf_deliveries_seen(struct bf_deliveries *deliveries, const struct bf_delivery *delivery)
{
    if (delivery->packet_id == 0) {
        return false;
    }
    bf_deliveries_advance(deliveries, delivery->epoch, delivery->serial);
    if (forgotten(deliveries, delivery->serial) || delivery->index == UINT32_MAX) {
        return false;
    }
    struct slot *slot = slot_of(deliveries, delivery->serial);
    bool same = slot->next > 0 && slot->round == round_of(delivery->serial) &&
                slot->hash == delivery->payload_hash;
    if (same && delivery->index < slot->next) {
        return delivery->dup;
    }
    *slot = (struct slot){.hash = delivery->payload_hash,
                          .round = round_of(delivery->serial),
                          .next = delivery->index + 1};
    return false;
}

void bf_deliveries_save(const struct bf_deliveries *deliveries, struct bf_mp_writer *out)
{
    bf_mp_put_bool(out, deliveries->any);
    bf_mp_put_int(out, deliveries->epoch);
    bf_mp_put_int(out, deliveries->newest);
    for (uint64_t back = BF_DELIVERIES; deliveries->any && back-- > 0;) {
        int64_t serial = (int64_t)((uint64_t)deliveries->newest - back);
        const struct slot *slot = &deliveries->slots[(uint64_t)serial % BF_DELIVERIES];
        if (slot->next > 0 && slot->round == round_of(serial)) {
            bf_mp_put_uint(out, back);
            bf_mp_put_uint(out, slot->hash);
            bf_mp_put_uint(out, slot->next);
        }
    }
    bf_mp_put_uint(out, BF_DELIVERIES); /* the end */
}

enum bf_status bf_deliveries_load(struct bf_deliveries *deliveries, struct bf_mp_reader *in)
{
    deliveries->any = bf_mp_get_bool(in);
    deliveries->epoch = bf_mp_get_int(in);
    deliveries->newest = bf_mp_get_int(in);
    while (bf_mp_ok(in)) {
        uint64_t back = bf_mp_get_uint(in);
        if (back >= BF_DELIVERIES) {
            return bf_mp_ok(in) && back == BF_DELIVERIES ? BF_OK : BF_MALFORMED;
        }
        int64_t serial = (int64_t)((uint64_t)deliveries->newest - back);
        struct slot *slot = slot_of(deliveries, serial);
        slot->hash = bf_mp_get_uint(in);
        slot->round = round_of(serial);
        slot->next = (uint32_t)bf_mp_get_uint(in);
    }
    return BF_MALFORMED;
}
