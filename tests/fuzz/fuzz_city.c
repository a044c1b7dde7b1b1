/* One file of a city's configuration: as the core file, as a profile and as a KPI. Broken is fine; every
 * complaint says which file it is about. */
#include <assert.h>
#include <string.h>

#include "config/city.h"
#include "tests/fuzz/target.h"
#include "tests/support/kinds.h"

static void inspect(const char *name, struct bf_slice bytes)
{
    struct bf_bundle_file files[] = {
        {.name = BF_SLICE("city.yaml"), .bytes = BF_SLICE("name: test\ntitle: Test\ntimezone: UTC\n")},
        {.name = bf_slice_of(name), .bytes = bytes},
    };
    struct bf_bundle bundle = {.files = files, .count = 2};
    if (strcmp(name, "city.yaml") == 0) {
        bundle = (struct bf_bundle){.files = files + 1, .count = 1};
    }
    struct bf_city *city = bf_city_inspect(&bundle, aggregates);
    assert(city != NULL);
    for (size_t i = 0; i < city->problem_count; i++) {
        assert(strstr(city->problems[i].text, ": ") != NULL);
    }
    bf_city_destroy(city);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bf_slice bytes = {(const char *)data, size};
    inspect("city.yaml", bytes);
    inspect("profiles/x.yaml", bytes);
    inspect("kpis/x.yaml", bytes);
    inspect("zones/x.geojson", bytes);
    return 0;
}
