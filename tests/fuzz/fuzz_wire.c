/* Every unpacker of core/wire.h over the same bytes; what is accepted packs again and is accepted again. */
#include <assert.h>

#include "core/wire.h"
#include "tests/fuzz/target.h"

static char packed[2 * BF_RECORD_MAX];

#define ROUND(type)                                                               \
    do {                                                                          \
        struct bf_##type record;                                                  \
        struct bf_mp_writer writer;                                               \
        struct bf_err err;                                                        \
        if (bf_##type##_unpack(bytes, &record, &err) == BF_OK) {                  \
            bf_mp_writer_init(&writer, packed, sizeof packed);                    \
            bf_##type##_pack(&record, &writer);                                   \
            if (!writer.full) {                                                   \
                struct bf_slice again = {packed, writer.len};                     \
                enum bf_status status = bf_##type##_unpack(again, &record, &err); \
                assert(status == BF_OK);                                          \
            }                                                                     \
        } else {                                                                  \
            assert(err.message[0] != '\0');                                       \
        }                                                                         \
    } while (0)

static void data_records(struct bf_slice bytes)
{
    ROUND(reading);
    ROUND(reject);
    ROUND(partial);
    ROUND(kpi);
    ROUND(device);
    ROUND(chunk);
}

static void other_records(struct bf_slice bytes)
{
    ROUND(tick);
    ROUND(claim);
    ROUND(control);
    ROUND(generation);
    ROUND(install);
    ROUND(task_tick);
    ROUND(origin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_slice bytes = {(const char *)data, size};
    data_records(bytes);
    other_records(bytes);
    return 0;
}
