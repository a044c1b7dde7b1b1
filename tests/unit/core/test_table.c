/* The table against a model of parallel arrays, under a seeded mix of puts and removes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/table.h"

struct record {
    uint64_t key;
    uint64_t value;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void finds_what_was_put(void **state)
{
    (void)state;
    struct bf_table *table = bf_table_create(100, sizeof(uint64_t), sizeof(struct record));
    assert_non_null(table);
    for (uint64_t key = 0; key < 100; key++) {
        bool created = false;
        struct record *record = bf_table_put(table, &key, &created);
        assert_non_null(record);
        assert_true(created);
        assert_int_equal(record->key, key);
        assert_int_equal(record->value, 0);
        record->value = key * 7;
    }
    for (uint64_t key = 0; key < 100; key++) {
        bool created = true;
        const struct record *record = bf_table_get(table, &key);
        assert_non_null(record);
        assert_int_equal(record->value, key * 7);
        assert_ptr_equal(bf_table_put(table, &key, &created), record);
        assert_false(created);
    }
    uint64_t missing = 100;
    assert_null(bf_table_get(table, &missing));
    assert_false(bf_table_remove(table, &missing));
    bf_table_destroy(table);
}

static void refuses_when_full_and_takes_again_after_a_remove(void **state)
{
    (void)state;
    struct bf_table *table = bf_table_create(3, sizeof(uint64_t), sizeof(struct record));
    for (uint64_t key = 1; key <= 3; key++) {
        ((struct record *)bf_table_put(table, &key, NULL))->value = 99;
    }
    uint64_t key = 4;
    bool created = true;
    assert_null(bf_table_put(table, &key, &created));
    assert_false(created);
    assert_int_equal(bf_table_count(table), 3);
    uint64_t second = 2;
    assert_true(bf_table_remove(table, &second));
    const struct record *record = bf_table_put(table, &key, &created);
    assert_non_null(record);
    assert_true(created);
    assert_int_equal(record->value, 0); /* nothing of the removed one shines through */
    assert_null(bf_table_get(table, &second));
    bf_table_destroy(table);
}

static void a_table_of_nothing_holds_nothing(void **state)
{
    (void)state;
    struct bf_table *table = bf_table_create(0, 8, 8);
    uint64_t key = 1;
    size_t cursor = 0;
    assert_non_null(table);
    assert_null(bf_table_put(table, &key, NULL));
    assert_null(bf_table_get(table, &key));
    assert_null(bf_table_next(table, &cursor));
    bf_table_destroy(table);
    assert_null(bf_table_create(SIZE_MAX / 2, 8, 8));
    bf_table_destroy(NULL);
}

/* Keys 0 to MODEL-1; the model is an array of values, 0 for absent. */
#define MODEL 600

static void agree(const struct bf_table *table, const uint64_t model[MODEL], size_t key_size)
{
    size_t present = 0;
    for (uint64_t i = 0; i < MODEL; i++) {
        unsigned char key[24] = {0};
        memcpy(key, &i, sizeof i);
        const unsigned char *record = bf_table_get(table, key);
        assert_int_equal(record != NULL, model[i] != 0);
        if (record != NULL) {
            uint64_t value;
            memcpy(&value, record + key_size, sizeof value);
            assert_int_equal(value, model[i]);
            present++;
        }
    }
    assert_int_equal(bf_table_count(table), present);
    size_t walked = 0;
    size_t cursor = 0;
    while (bf_table_next(table, &cursor) != NULL) {
        walked++;
    }
    assert_int_equal(walked, present);
}

static void churn(size_t key_size, uint64_t seed)
{
    static uint64_t model[MODEL];
    memset(model, 0, sizeof model);
    size_t present = 0;
    struct bf_table *table = bf_table_create(MODEL / 2, key_size, key_size + 8);
    for (uint64_t step = 1; step <= 30000; step++) {
        uint64_t i = next_random(&seed) % MODEL;
        unsigned char key[24] = {0};
        memcpy(key, &i, sizeof i);
        if (next_random(&seed) % 2 == 0) {
            unsigned char *record = bf_table_put(table, key, NULL);
            assert_int_equal(record != NULL, model[i] != 0 || present < MODEL / 2);
            if (record != NULL) {
                present += model[i] == 0;
                model[i] = step;
                memcpy(record + key_size, &step, sizeof step);
            }
        } else {
            assert_int_equal(bf_table_remove(table, key), model[i] != 0);
            present -= model[i] != 0;
            model[i] = 0;
        }
        if (step % 1000 == 0) {
            agree(table, model, key_size);
        }
    }
    bf_table_clear(table);
    memset(model, 0, sizeof model);
    agree(table, model, key_size);
    bf_table_destroy(table);
}

static void agrees_with_a_model(void **state)
{
    (void)state;
    churn(8, 11);
    churn(16, 12);
    churn(24, 13);
    churn(9, 14);
}

static void two_tables_of_one_history_walk_alike(void **state)
{
    (void)state;
    struct bf_table *tables[2];
    for (size_t t = 0; t < 2; t++) {
        uint64_t seed = 5;
        tables[t] = bf_table_create(64, sizeof(uint64_t), sizeof(struct record));
        for (int step = 0; step < 2000; step++) {
            uint64_t key = next_random(&seed) % 90;
            if (next_random(&seed) % 3 == 0) {
                bf_table_remove(tables[t], &key);
            } else {
                bf_table_put(tables[t], &key, NULL);
            }
        }
    }
    size_t a = 0;
    size_t b = 0;
    const struct record *record;
    while ((record = bf_table_next(tables[0], &a)) != NULL) {
        const struct record *twin = bf_table_next(tables[1], &b);
        assert_non_null(twin);
        assert_int_equal(record->key, twin->key);
    }
    assert_null(bf_table_next(tables[1], &b));
    bf_table_destroy(tables[0]);
    bf_table_destroy(tables[1]);
}

static void walks_in_the_order_of_puts(void **state)
{
    (void)state;
    struct bf_table *table = bf_table_create(50, sizeof(uint64_t), sizeof(struct record));
    for (uint64_t i = 0; i < 50; i++) {
        uint64_t key = i * 1000003;
        bf_table_put(table, &key, NULL);
    }
    size_t cursor = 0;
    for (uint64_t i = 0; i < 50; i++) {
        assert_int_equal(((struct record *)bf_table_next(table, &cursor))->key, i * 1000003);
    }
    assert_int_equal(bf_table_capacity(table), 50);
    bf_table_destroy(table);
}

static void a_key_may_point_into_the_record_that_it_removes(void **state)
{
    (void)state;
    struct bf_table *table = bf_table_create(8, sizeof(uint64_t), sizeof(struct record));
    for (uint64_t key = 0; key < 8; key++) {
        bf_table_put(table, &key, NULL);
    }
    uint64_t first = 0;
    uint64_t last = 7;
    struct record *record = bf_table_get(table, &first);
    assert_true(bf_table_remove(table, &record->key));
    assert_null(bf_table_get(table, &first));
    assert_non_null(bf_table_get(table, &last));
    bf_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put),
        cmocka_unit_test(refuses_when_full_and_takes_again_after_a_remove),
        cmocka_unit_test(a_table_of_nothing_holds_nothing),
        cmocka_unit_test(agrees_with_a_model),
        cmocka_unit_test(two_tables_of_one_history_walk_alike),
        cmocka_unit_test(walks_in_the_order_of_puts),
        cmocka_unit_test(a_key_may_point_into_the_record_that_it_removes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
