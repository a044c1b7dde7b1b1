/* Golden bytes of every record but the reading, and what their readers refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "core/wire.h"
#include "tests/support/golden.h"

#define T INT64_C(1707841980005271)
#define HASH BF_SLICE("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
#define INSTALL BF_SLICE("0123456789abcdef")

/* One test per type: the file <type>.minimal.hex says the first record, <type>.full.hex the
 * second. */
#define GOLDEN_TEST(type, minimal, full)                                                           \
    BF_GOLDEN(type)                                                                                \
    static void golden_##type(void **state)                                                        \
    {                                                                                              \
        (void)state;                                                                               \
        check(TEST_SOURCE_DIR "/tests/vectors/wire/" #type ".minimal.hex", &(minimal),             \
              &(struct bf_##type){0}, pack_##type, unpack_##type);                                 \
        check(TEST_SOURCE_DIR "/tests/vectors/wire/" #type ".full.hex", &(full),                   \
              &(struct bf_##type){0}, pack_##type, unpack_##type);                                 \
    }

static void check(const char *path, const void *record, void *scratch,
                  void (*pack)(const void *record, struct bf_mp_writer *writer),
                  enum bf_status (*unpack)(struct bf_slice bytes, void *record,
                                           struct bf_err *err))
{
    struct bf_golden golden = {.path = path, .record = record, .scratch = scratch, .pack = pack,
                               .unpack = unpack};
    const char *fault = bf_golden_check(&golden);
    if (fault) {
        fail_msg("%s", fault);
    }
}

static const struct bf_tick tick_minimal = {.ingest = {.data = "i", .len = 1}, .wall_us = T,
                                            .hello = true};
static const struct bf_tick tick_full = {
    .ingest = {.data = "ingest-1", .len = 8}, .incarnation = 1234, .has_epoch = true,
    .epoch = 1000, .serial = 70000, .wall_us = T, .has_clock = true, .clock_us = T - 1,
    .flows = true, .generation = 3, .hello = false};
GOLDEN_TEST(tick, tick_minimal, tick_full)

static const struct bf_claim claim_minimal = {.ingest = {.data = "i", .len = 1}};
static const struct bf_claim claim_full = {.ingest = {.data = "ingest-1", .len = 8},
                                           .nonce = UINT64_MAX};
GOLDEN_TEST(claim, claim_minimal, claim_full)

static const struct bf_replayed replayed_minimal = {.at_us = BF_TIME_NONE};
static const struct bf_replayed replayed_full = {.identity = UINT64_MAX, .at_us = T, .done = true};
GOLDEN_TEST(replayed, replayed_minimal, replayed_full)

static struct bf_control control_minimal, control_full;
GOLDEN_TEST(control, control_minimal, control_full)
static struct bf_generation generation_minimal, generation_full;
GOLDEN_TEST(generation, generation_minimal, generation_full)
static struct bf_install install_minimal, install_full;
GOLDEN_TEST(install, install_minimal, install_full)
static struct bf_reject reject_minimal, reject_full;
GOLDEN_TEST(reject, reject_minimal, reject_full)
static struct bf_partial partial_minimal, partial_full;
GOLDEN_TEST(partial, partial_minimal, partial_full)
static struct bf_kpi kpi_minimal, kpi_full;
GOLDEN_TEST(kpi, kpi_minimal, kpi_full)
static struct bf_device device_minimal, device_full;
GOLDEN_TEST(device, device_minimal, device_full)
static struct bf_chunk chunk_minimal, chunk_full;
GOLDEN_TEST(chunk, chunk_minimal, chunk_full)
static struct bf_origin origin_minimal, origin_full;
GOLDEN_TEST(origin, origin_minimal, origin_full)

static const struct bf_task_tick task_tick_minimal = {.source = 0, .clock_us = BF_TIME_NONE};
static const struct bf_task_tick task_tick_zero = {.source = 0, .clock_us = 0};
static const struct bf_task_tick task_tick_full = {
    .source = 11, .clock_us = T, .generation = 3,
    .counters = {.readings = 1, .accepted = 2, .duplicate = 3, .older = 4, .content = 5,
                 .malformed = 6, .late = 7, .limit = UINT64_C(1) << 40}};
GOLDEN_TEST(task_tick, task_tick_minimal, task_tick_full)

/* The records whose slices need the macros that are no constants. */
static int make_records(void **state)
{
    (void)state;
    control_minimal = (struct bf_control){.hash = HASH, .from_us = BF_TIME_NONE};
    control_full = (struct bf_control){.generation = 7, .hash = HASH, .from_us = T};
    generation_minimal = (struct bf_generation){.hash = HASH, .from_us = BF_TIME_NONE};
    generation_full = (struct bf_generation){.generation = 7, .hash = HASH, .from_us = T,
                                             .complete = true};
    install_minimal = (struct bf_install){.id = INSTALL, .readings = 1, .rejects = 1,
                                          .partials = 1, .kpis = 1, .checkpoints = 1};
    install_full = (struct bf_install){.id = INSTALL, .readings = 12, .rejects = 4, .partials = 4,
                                       .kpis = 4, .checkpoints = 12};
    reject_minimal = (struct bf_reject){.stage = BF_STAGE_DECODE, .reason = BF_SLICE("malformed"),
                                        .at_us = BF_TIME_NONE, .event_us = BF_TIME_NONE};
    reject_full = (struct bf_reject){
        .stage = BF_STAGE_PROFILE, .reason = BF_SLICE("empty"),
        .detail = BF_SLICE("line 1: expected a number"), .topic = BF_SLICE("city/air/1"),
        .source = BF_SLICE("ttn:a1"), .profile = BF_SLICE("sds011@3"),
        .payload = BF_SLICE("{\"a\":\0}"), .payload_len = 300000, .payload_hash = 99,
        .whole = true, .by_profile = true, .at_us = T, .event_us = T - 1, .has_delivery = true,
        .delivery = {.ingest = BF_SLICE("ingest-1"), .incarnation = 1234, .epoch = 1000,
                     .serial = INT64_C(987654321012), .packet_id = 4321, .dup = true,
                     .payload_hash = UINT64_C(0xfedcba9876543210), .index = 7}};
    partial_minimal = (struct bf_partial){.kpi = BF_SLICE("k"), .scope = BF_SLICE("city"),
                                          .end_us = 1, .stamp_us = BF_TIME_NONE};
    partial_full = (struct bf_partial){
        .kpi = BF_SLICE("pm2_5_mean"), .scope = BF_SLICE("zone.kallio"), .start_us = T,
        .end_us = T + 60000000, .source = 11, .stamp_us = T + 5,
        .definition = (UINT64_C(1) << 63) + 1, .generation = 3, .n = 1000,
        .excluded = {.suspect = 1, .fail = 2, .missing = 3, .text = 4}, .min = -1.5, .max = 99.25,
        .state = BF_SLICE("\x00\xff\x01")};
    device_minimal = (struct bf_device){.device = BF_SLICE("ttn:a1"),
                                        .last_event_us = BF_TIME_NONE,
                                        .last_ingest_us = BF_TIME_NONE, .clock_us = BF_TIME_NONE};
    device_full = (struct bf_device){
        .device = BF_SLICE("ttn:a1"), .profile = BF_SLICE("sds011@3"), .zone = BF_SLICE("kallio"),
        .last_event_us = T, .last_ingest_us = T + 1, .readings = 1000, .suspect = 3, .failed = 1,
        .has_place = true, .lat_e7 = -900000000, .lon_e7 = 1800000000, .clock_us = T + 2};
    chunk_minimal = (struct bf_chunk){.task = BF_SLICE("t"), .chunks = 1};
    chunk_full = (struct bf_chunk){.task = BF_SLICE("0123456789abcdef/s1/11"),
                                   .owner = UINT64_MAX, .number = 300, .chunk = 2, .chunks = 3,
                                   .bytes = BF_SLICE("\xde\xad\xbe\xef")};
    origin_minimal = (struct bf_origin){.task = BF_SLICE("t")};
    origin_full = (struct bf_origin){.task = BF_SLICE("0123456789abcdef/s2/3"),
                                     .offset = INT64_C(1) << 40, .index = 70000};
    return 0;
}

static int make_kpis(void **state)
{
    kpi_minimal = (struct bf_kpi){.kpi = BF_SLICE("k"), .scope = BF_SLICE("city"), .end_us = 1,
                                  .quality = BF_QUALITY_MISSING, .clock_us = BF_TIME_NONE,
                                  .stale_after_us = BF_TIME_NONE};
    kpi_full = (struct bf_kpi){
        .kpi = BF_SLICE("pm2_5_mean"), .scope = BF_SLICE("zone.kallio+tag.route.1006"),
        .unit = BF_SLICE("ug/m3"), .start_us = T, .end_us = T + 60000000, .has_value = true,
        .value = 12.25, .n = 1000, .excluded = {.suspect = 1, .fail = 2, .missing = 3, .text = 4},
        .has_range = true, .min = -1.5, .max = 99.25, .phase = BF_KPI_FINAL, .revision = 2,
        .incomplete = true, .quality = BF_QUALITY_SUSPECT, .generation = 3,
        .clock_us = T + 65000000, .stale_after_us = T + 200000000, .has_target = true,
        .target = 10, .band = BF_SLICE("fair"),
        .detail = BF_SLICE("[{\"label\":\"1006\",\"count\":9,\"error\":0}]")};
    return make_records(state);
}

/* No clock and clock 0 are two things. */
static void a_missing_clock_is_none(void **state)
{
    (void)state;
    char bytes[256];
    struct bf_mp_writer writer;
    struct bf_task_tick tick;
    bf_mp_writer_init(&writer, bytes, sizeof(bytes));
    bf_task_tick_pack(&task_tick_minimal, &writer);
    struct bf_slice packed = {.data = bytes, .len = writer.len};
    assert_int_equal(bf_task_tick_unpack(packed, &tick, NULL), BF_OK);
    assert_true(tick.clock_us == BF_TIME_NONE);
    bf_mp_writer_init(&writer, bytes, sizeof(bytes));
    bf_task_tick_pack(&task_tick_zero, &writer);
    packed.len = writer.len;
    assert_int_equal(bf_task_tick_unpack(packed, &tick, NULL), BF_OK);
    assert_int_equal(tick.clock_us, 0);
}

static void a_result_that_is_not_finite_is_left_out(void **state)
{
    (void)state;
    char bytes[512];
    const double odd[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct bf_kpi kpi = kpi_full, got;
        kpi.value = odd[i];
        kpi.target = odd[i];
        struct bf_mp_writer writer;
        bf_mp_writer_init(&writer, bytes, sizeof(bytes));
        bf_kpi_pack(&kpi, &writer);
        struct bf_slice packed = {.data = bytes, .len = writer.len};
        assert_int_equal(bf_kpi_unpack(packed, &got, NULL), BF_OK);
        assert_false(got.has_value || got.has_target);
        assert_true(got.has_range);
    }
}

/* Packs, sets one byte, and expects the reader's words. `at` is where the byte stands. */
#define REFUSES(type, good, at, byte, says)                                                        \
    do {                                                                                           \
        char bytes[512];                                                                           \
        struct bf_##type got;                                                                      \
        struct bf_err err = {.status = BF_OK};                                                     \
        struct bf_mp_writer writer;                                                                \
        bf_mp_writer_init(&writer, bytes, sizeof(bytes));                                          \
        bf_##type##_pack(&(good), &writer);                                                        \
        bytes[at] = (char)(byte);                                                                  \
        struct bf_slice packed = {.data = bytes, .len = writer.len};                               \
        assert_int_equal(bf_##type##_unpack(packed, &got, &err), BF_MALFORMED);                    \
        assert_string_equal(err.message, says);                                                    \
    } while (0)

static void members_must_agree(void **state)
{
    (void)state;
    REFUSES(chunk, chunk_minimal, 11, 0, "chunk: the chunk is not one of its chunks");
    REFUSES(partial, partial_minimal, 13, 0, "partial: the window is empty");
    REFUSES(kpi, kpi_minimal, 15, 0, "kpi: the window is empty");
    REFUSES(partial, partial_minimal, 21, 5, "partial: min: missing");
    REFUSES(install, install_full, 20, 0, "install: readings: out of range");
    REFUSES(origin, origin_minimal, 0, 0x92, "origin: too few elements");
    REFUSES(origin, origin_minimal, 3, 0xff, "origin: offset");
    REFUSES(claim, claim_minimal, 0, 0xc0, "claim: wrong type");
    REFUSES(claim, claim_minimal, 4, 0, "claim: keys not ascending, or one twice");
    REFUSES(claim, claim_minimal, 4, 2, "claim: nonce: missing");
    REFUSES(claim, claim_minimal, 4, 0xa0, "claim: wrong type");
    REFUSES(claim, claim_minimal, 0, 0x81, "claim: nonce: missing");
    REFUSES(claim, claim_minimal, 0, 0x8f, "claim: truncated");
}

static void nothing_is_no_record(void **state)
{
    (void)state;
    struct bf_slice nothing = {.data = NULL, .len = 0};
    struct bf_err err = {.status = BF_OK};
    struct bf_tick tick;
    struct bf_origin origin;
    assert_int_equal(bf_tick_unpack(nothing, &tick, &err), BF_MALFORMED);
    assert_string_equal(err.message, "tick: truncated");
    assert_int_equal(bf_origin_unpack(nothing, &origin, &err), BF_MALFORMED);
    assert_int_equal(bf_tick_unpack(BF_SLICE("\x80"), &tick, &err), BF_MALFORMED);
    assert_string_equal(err.message, "tick: ingest: missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_tick),       cmocka_unit_test(golden_claim),
        cmocka_unit_test(golden_control),    cmocka_unit_test(golden_generation),
        cmocka_unit_test(golden_install),    cmocka_unit_test(golden_reject),
        cmocka_unit_test(golden_replayed),
        cmocka_unit_test(golden_task_tick),  cmocka_unit_test(golden_partial),
        cmocka_unit_test(golden_kpi),        cmocka_unit_test(golden_device),
        cmocka_unit_test(golden_chunk),      cmocka_unit_test(golden_origin),
        cmocka_unit_test(a_missing_clock_is_none),
        cmocka_unit_test(a_result_that_is_not_finite_is_left_out),
        cmocka_unit_test(members_must_agree),
        cmocka_unit_test(nothing_is_no_record),
    };
    return cmocka_run_group_tests(tests, make_kpis, NULL);
}
