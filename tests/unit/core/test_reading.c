/* Whose a reading is, and which number its value has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/reading.h"

static void the_device_is_the_source_without_its_channel(void **state)
{
    (void)state;
    static const struct {
        const char *source, *device;
    } known[] = {
        {.source = "ttn:a1", .device = "ttn:a1"},
        {.source = "ttn:a1:2", .device = "ttn:a1"},
        {.source = "ttn:a1:2:3", .device = "ttn:a1"},
        {.source = "ttn::2", .device = "ttn:"},
        {.source = "::", .device = ":"},
        {.source = "plain", .device = "plain"},
        {.source = "", .device = ""},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct bf_slice device = bf_reading_device(bf_slice_of(known[i].source));
        assert_true(bf_slice_equal(device, bf_slice_of(known[i].device)));
        assert_ptr_equal(device.data, known[i].source);
    }
}

static void values_as_numbers(void **state)
{
    (void)state;
    double number = -1;
    struct bf_value value = {.kind = BF_VALUE_DOUBLE, .as.number = 1.5};
    assert_true(bf_value_number(&value, &number));
    assert_true(number >= 1.5 && number <= 1.5);
    value = (struct bf_value){.kind = BF_VALUE_INT, .as.integer = INT64_MIN};
    assert_true(bf_value_number(&value, &number));
    assert_true(number >= -0x1p63 && number <= -0x1p63);
    value = (struct bf_value){.kind = BF_VALUE_BOOL, .as.truth = true};
    assert_true(bf_value_number(&value, &number));
    assert_true(number >= 1 && number <= 1);
    value = (struct bf_value){.kind = BF_VALUE_TEXT, .as.text = BF_SLICE("7")};
    assert_false(bf_value_number(&value, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_is_the_source_without_its_channel),
        cmocka_unit_test(values_as_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
