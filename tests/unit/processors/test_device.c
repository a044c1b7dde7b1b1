/* Device state: what is kept, and when it goes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "processors/device.h"
#include "tests/unit/processors/city.h"

static struct bf_devices devices;
static struct list outputs;
static struct bf_outlet outlet = {.partitions = {1, PARTIALS, KPIS}};

static int fresh(void **state)
{
    (void)state;
    struct bf_err err;
    bf_devices_init(&devices);
    (void)task_options(0, &outputs, "s1");
    outlet.emit = keep;
    outlet.context = &outputs;
    return bf_devices_limit(&devices, 2, &err) == BF_OK ? 0 : -1;
}

static int gone(void **state)
{
    (void)state;
    bf_devices_deinit(&devices);
    list_free(&outputs);
    return 0;
}

static void note(const char *source, const char *zone, int64_t event_us, enum bf_quality quality)
{
    const struct bf_reading reading = {.source = bf_slice_of(source),
                                       .quantity = BF_SLICE("speed"),
                                       .profile = BF_SLICE("p@1"),
                                       .zone = bf_slice_of(zone),
                                       .event_us = event_us,
                                       .ingest_us = event_us + 1,
                                       .quality = quality};
    bf_devices_note(&devices, &reading);
}

static struct bf_device sent(size_t index)
{
    struct bf_device device;
    struct bf_err err;
    assert_true(index < outputs.count);
    assert_int_equal(bf_device_unpack((struct bf_slice){outputs.items[index].bytes, outputs.items[index].len},
                                      &device, &err),
                     BF_OK);
    return device;
}

static void a_new_device_goes_out_at_once_and_then_at_most_every_so_often(void **state)
{
    (void)state;
    note("net:a:x", "north", 10, BF_QUALITY_GOOD);
    note("net:a:y", "south", 9, BF_QUALITY_SUSPECT); /* another channel, an older reading */
    bf_devices_flush(&devices, 100, 30, &outlet);
    assert_int_equal(outputs.count, 1);
    const struct bf_device device = sent(0);
    assert_true(bf_slice_equal(device.device, BF_SLICE("net:a")) &&
                bf_slice_equal(device.zone, BF_SLICE("north")));
    assert_true(device.readings == 2 && device.suspect == 1 && device.last_event_us == 10 &&
                device.clock_us == 100);
    note("net:a:x", "south", 20, BF_QUALITY_FAIL);
    bf_devices_flush(&devices, 129, 30, &outlet);
    assert_int_equal(outputs.count, 1);
    bf_devices_flush(&devices, 130, 30, &outlet);
    assert_int_equal(outputs.count, 2);
    assert_true(sent(1).failed == 1 && bf_slice_equal(sent(1).zone, BF_SLICE("south")));
    bf_devices_flush(&devices, 500, 30, &outlet);
    assert_int_equal(outputs.count, 2); /* nothing has changed */
}

static void one_device_too_many_is_counted(void **state)
{
    (void)state;
    note("net:a", "", 1, BF_QUALITY_GOOD);
    note("net:b", "", 1, BF_QUALITY_GOOD);
    note("net:c", "", 1, BF_QUALITY_GOOD);
    note("net:a", "", 2, BF_QUALITY_GOOD);
    assert_int_equal(devices.refused, 1);
    bf_devices_flush(&devices, 100, 30, &outlet);
    assert_int_equal(outputs.count, 2);
}

static void its_bytes_come_back(void **state)
{
    (void)state;
    char bytes[2048], again[2048];
    struct bf_mp_writer out, second;
    struct bf_mp_reader in;
    struct bf_devices loaded;
    struct bf_err err;
    note("net:b", "north", 1, BF_QUALITY_GOOD);
    bf_devices_flush(&devices, 100, 30, &outlet);
    note("net:a", "north", 1, BF_QUALITY_GOOD);
    note("net:b", "north", 1, BF_QUALITY_GOOD);
    bf_mp_writer_init(&out, bytes, sizeof bytes);
    bf_devices_save(&devices, &out);
    for (size_t cut = 0; cut <= out.len; cut++) {
        bf_devices_init(&loaded);
        bf_mp_reader_init(&in, (struct bf_slice){bytes, cut});
        assert_true((bf_devices_load(&loaded, &in, &err) == BF_OK) == (cut == out.len));
        if (cut == out.len) {
            bf_mp_writer_init(&second, again, sizeof again);
            bf_devices_save(&loaded, &second);
            assert_int_equal(out.len, second.len);
            assert_memory_equal(bytes, again, out.len);
        }
        bf_devices_deinit(&loaded);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, gone)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_device_goes_out_at_once_and_then_at_most_every_so_often),
        TEST(one_device_too_many_is_counted),
        TEST(its_bytes_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
