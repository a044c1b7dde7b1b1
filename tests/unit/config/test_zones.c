/* Zones against a naive check: random polygons with holes, random points, points on edges and corners. */
#include "tests/unit/config/support.h"

#include "config/zones.h"

#define SIDE 30
#define ZONES (SIDE * SIDE)

static uint64_t seed = 42;

static int32_t random_between(int32_t low, int32_t high)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (int32_t)((seed >> 33) % (uint64_t)((int64_t)high - low + 1));
}

/* A crooked chess board: the corners of SIDE x SIDE cells are moved at random, so neighbours share edges and
 * tile the plane. */
static struct bf__point corners[SIDE + 1][SIDE + 1];

static struct bf__zone cell_zone(struct bf__pool *pool, int row, int column)
{
    char name[16];
    struct bf__zone zone = {.ring_count = 1};
    snprintf(name, sizeof name, "z%d-%d", row, column);
    zone.id = bf__pool_copy(pool, bf_slice_of(name));
    zone.rings = bf__pool_array(pool, 1, sizeof *zone.rings);
    zone.rings[0].count = 5;
    zone.rings[0].points = bf__pool_array(pool, 5, sizeof *zone.rings[0].points);
    struct bf__point *points = zone.rings[0].points;
    points[0] = points[4] = corners[row][column];
    points[1] = corners[row][column + 1];
    points[2] = corners[row + 1][column + 1];
    points[3] = corners[row + 1][column];
    return zone;
}

static struct bf_zones *crooked_board(struct bf__pool *pool, struct bf__zone *list)
{
    struct bf_zones *zones = bf__zones_create(pool);
    for (int row = 0; row <= SIDE; row++) {
        for (int column = 0; column <= SIDE; column++) {
            bool inner = row > 0 && row < SIDE && column > 0 && column < SIDE;
            corners[row][column] = (struct bf__point){
                .lat = 600000000 + row * 1000 + (inner ? random_between(-300, 300) : 0),
                .lon = -100000000 + column * 1000 + (inner ? random_between(-300, 300) : 0)};
        }
    }
    for (int i = 0; i < ZONES; i++) {
        list[i] = cell_zone(pool, i / SIDE, i % SIDE);
        assert_true(bf__zones_add(zones, &list[i]));
        list[i].low = (struct bf__point){.lat = INT32_MIN, .lon = INT32_MIN};
        list[i].high = (struct bf__point){.lat = INT32_MAX, .lon = INT32_MAX};
    }
    bf__zones_index(zones, pool);
    return zones;
}

/* The same rule without grid and box; *count tells how many zones claim the point. */
static struct bf_slice naive(const struct bf__zone *list, int32_t lat, int32_t lon, size_t *count)
{
    struct bf_slice first = {NULL, 0};
    *count = 0;
    for (int i = 0; i < ZONES; i++) {
        if (bf__zone_contains(&list[i], lat, lon)) {
            first = *count == 0 ? list[i].id : first;
            ++*count;
        }
    }
    return first;
}

static void test_the_grid_says_what_the_naive_check_says(void **state)
{
    (void)state;
    static struct bf__zone list[ZONES];
    struct bf__pool *pool = bf__pool_create();
    struct bf_zones *zones = crooked_board(pool, list);
    assert_int_equal(bf_zones_count(zones), ZONES);
    for (int i = 0; i < 20000; i++) {
        size_t count = 0;
        int32_t lat = random_between(599999000, 600031000), lon = random_between(-100001000, -99969000);
        if (i % 4 == 0) { /* exactly on a corner */
            struct bf__point a = corners[random_between(0, SIDE)][random_between(0, SIDE - 1)];
            lat = a.lat;
            lon = a.lon;
        }
        struct bf_slice expected = naive(list, lat, lon, &count);
        assert_true(bf_slice_equal(bf_zones_find(zones, lat, lon), expected));
        bool inside = lat >= 600000000 && lat < 600030000 && lon >= -100000000 && lon < -99970000;
        assert_int_equal(count, inside ? 1 : 0); /* never both of two neighbours, never none */
    }
    bf__pool_destroy(pool);
}

static struct bf__ring square(struct bf__pool *pool, int32_t low, int32_t high)
{
    struct bf__ring ring = {.count = 5, .points = bf__pool_array(pool, 5, sizeof *ring.points)};
    ring.points[0] = ring.points[4] = (struct bf__point){.lat = low, .lon = low};
    ring.points[1] = (struct bf__point){.lat = low, .lon = high};
    ring.points[2] = (struct bf__point){.lat = high, .lon = high};
    ring.points[3] = (struct bf__point){.lat = high, .lon = low};
    return ring;
}

static void test_holes_overlaps_and_the_ends_of_the_world(void **state)
{
    (void)state;
    struct bf__pool *pool = bf__pool_create();
    struct bf_zones *zones = bf__zones_create(pool);
    struct bf__zone holed = {.id = BF_SLICE("holed"), .ring_count = 2,
                             .rings = bf__pool_array(pool, 2, sizeof(struct bf__ring))};
    struct bf__zone world = {.id = BF_SLICE("world"), .ring_count = 1,
                             .rings = bf__pool_array(pool, 1, sizeof(struct bf__ring))};
    holed.rings[0] = square(pool, -1000, 1000);
    holed.rings[1] = square(pool, -500, 500);
    world.rings[0] = square(pool, -900000000, 900000000);
    world.rings[0].points[1].lon = world.rings[0].points[2].lon = 1800000000;
    world.rings[0].points[0].lon = world.rings[0].points[3].lon = world.rings[0].points[4].lon = -1800000000;
    assert_true(bf__zones_add(zones, &holed));
    assert_true(bf__zones_add(zones, &world));
    bf__zones_index(zones, pool);
    assert_true(bf_slice_equal(bf_zones_find(zones, 700, 700), BF_SLICE("holed")));
    assert_true(bf_slice_equal(bf_zones_find(zones, 0, 0), BF_SLICE("world")));
    assert_true(bf_slice_equal(bf_zones_find(zones, 899999999, -1800000000), BF_SLICE("world")));
    assert_int_equal(bf_zones_find(zones, 900000001, 0).len, 0);
    assert_int_equal(bf_zones_find(zones, INT32_MIN, INT32_MIN).len, 0);
    assert_int_equal(bf_zones_find(zones, INT32_MAX, INT32_MAX).len, 0);
    assert_int_equal(bf_zones_find(NULL, 0, 0).len, 0);
    bf__pool_destroy(pool);
}

static void test_no_zones(void **state)
{
    (void)state;
    struct bf__pool *pool = bf__pool_create();
    struct bf_zones *zones = bf__zones_create(pool);
    bf__zones_index(zones, pool);
    assert_int_equal(bf_zones_find(zones, 0, 0).len, 0);
    bf__pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_grid_says_what_the_naive_check_says),
        cmocka_unit_test(test_holes_overlaps_and_the_ends_of_the_world),
        cmocka_unit_test(test_no_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
