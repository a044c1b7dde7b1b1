/* A message's hash: the same whole and by blocks, and the topic belongs to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/hash.h"
#include "ingest/decode/message_hash.h"

static void the_payload_hash_is_the_same_by_blocks(void **state)
{
    (void)state;
    static char bytes[200000];
    memset(bytes, 'x', sizeof bytes);
    struct bf_slice small = {bytes, 65536}, large = {bytes, 65537};
    assert_true(bf_payload_hash(small) == bf_hash64(small));
    assert_true(bf_payload_hash(large) ==
                bf_hash64_mix(bf_hash64(small), bf_hash64((struct bf_slice){bytes + 65536, 1})));
    assert_true(bf_payload_hash((struct bf_slice){NULL, 0}) == bf_hash64((struct bf_slice){NULL, 0}));
}

static void another_topic_is_another_message(void **state)
{
    (void)state;
    uint64_t payload = bf_payload_hash(BF_SLICE("{}"));
    assert_true(bf_message_hash(BF_SLICE("a"), payload) == bf_message_hash(BF_SLICE("a"), payload));
    assert_true(bf_message_hash(BF_SLICE("a"), payload) != bf_message_hash(BF_SLICE("b"), payload));
    assert_true(bf_message_hash(BF_SLICE("a"), payload) !=
                bf_message_hash(BF_SLICE("a"), bf_payload_hash(BF_SLICE("[]"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_payload_hash_is_the_same_by_blocks),
        cmocka_unit_test(another_topic_is_another_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
