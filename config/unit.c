/* unit.c: finding and converting units. The table is units.def; the index over codes and aliases is built
 * once, at the first use, because decoders ask per record (SenML sends its unit with each).
 * Declined: parsing UCUM's grammar: a device sends one of a hundred texts, and a typing error that happens
 * to be a product of units should not pass. */
#include "config/unit.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "config/city.h"

#define UNIT(code_, dimension_, scale_, offset_, aliases_)                                         \
    {.code = (code_), .dimension = (dimension_), .scale = (scale_), .offset = (offset_),           \
     .aliases = (aliases_)},
static const struct bf_unit units[] = {
#include "config/units.def"
};
#undef UNIT

#define UNITS (sizeof units / sizeof units[0])
#define NAMES_MAX 1024

static struct name {
    struct bf_slice text;
    const struct bf_unit *unit;
} names[NAMES_MAX]; /* ascending; constant after build_index */
static size_t name_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int by_text(const void *a, const void *b)
{
    const struct name *left = a, *right = b;
    return bf_slice_compare(left->text, right->text);
}

static void add_name(struct bf_slice text, const struct bf_unit *unit)
{
    assert(name_count < NAMES_MAX);
    names[name_count++] = (struct name){.text = text, .unit = unit};
}

static void build_index(void)
{
    for (size_t i = 0; i < UNITS; i++) {
        add_name(bf_slice_of(units[i].code), &units[i]);
        for (const char *at = units[i].aliases; *at != '\0';) {
            size_t len = strcspn(at, " ");
            if (len > 0) {
                add_name((struct bf_slice){at, len}, &units[i]);
            }
            at += len + (at[len] == ' ' ? 1 : 0);
        }
    }
    qsort(names, name_count, sizeof names[0], by_text);
    for (size_t i = 1; i < name_count; i++) {
        assert(by_text(&names[i - 1], &names[i]) != 0); /* a name with two meanings */
    }
}

const struct bf_unit *bf_unit_find(struct bf_slice text)
{
    struct name wanted = {.text = text};
    pthread_once(&once, build_index);
    const struct name *found = bsearch(&wanted, names, name_count, sizeof names[0], by_text);
    return found != NULL ? found->unit : NULL;
}

bool bf_unit_convert(const struct bf_unit *from, const struct bf_unit *to, double *scale, double *offset)
{
    if (strcmp(from->dimension, to->dimension) != 0) {
        return false;
    }
    *scale = from == to ? 1.0 : from->scale / to->scale;
    *offset = from == to ? 0.0 : (from->offset - to->offset) / to->scale;
    return true;
}

bool bf_unit_same(const struct bf_unit *a, const struct bf_unit *b)
{
    double scale = 0, offset = 0;
    return bf_unit_convert(a, b, &scale, &offset) && fabs(scale - 1.0) < 1e-12 && fabs(offset) < 1e-12;
}

const char *bf_unit_nearest(const char *text)
{
    const char *codes[UNITS + 1];
    for (size_t i = 0; i < UNITS; i++) {
        codes[i] = units[i].code;
        if (strcasecmp(text, codes[i]) == 0) {
            return codes[i]; /* only the case is wrong: "KM/H", "Kwh" */
        }
    }
    codes[UNITS] = NULL;
    return bf_config_nearest(text, codes);
}
