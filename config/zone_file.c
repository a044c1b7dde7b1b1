/* zone_file.c: looks a zone up in the host's tzdata, and for a name that is none the nearest there is.
 * Declined: the variable TZDIR: what a configuration says must not hang on the environment. */
#include "config/zone_file.h"

#include <stdio.h>
#include <string.h>

#include "config/city.h"
#include "config/document.h"
#include "core/timezone.h"

#define FOLDER "/usr/share/zoneinfo"
#define NAMES_MAX 1000u
#define NAME_MAX_BYTES 64u

bool bf__zone_is_utc(struct bf_slice name)
{
    return name.len == 0 || bf_slice_equal(name, BF_SLICE("UTC")) ||
           bf_slice_equal(name, BF_SLICE("Etc/UTC"));
}

/* A name, not a path: no step leads out of the folder. */
static bool is_name(struct bf_slice name)
{
    bool good = name.len > 0 && name.len < NAME_MAX_BYTES && name.data[0] != '/';
    for (size_t i = 0; good && i < name.len; i++) {
        char c = name.data[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
               c == '_' || c == '-' || c == '+';
    }
    return good;
}

/* The nearest name of zone.tab (lines of country, place, name), in the pool; NULL: none is near. */
static const char *nearest_name(struct bf__loader *loader, const char *word, bool *has_table)
{
    const char **names = bf__pool_array(loader->pool, NAMES_MAX + 1, sizeof *names);
    char line[512], name[NAME_MAX_BYTES];
    size_t count = 0;
    FILE *table = fopen(FOLDER "/zone.tab", "re");
    *has_table = table != NULL;
    while (table != NULL && count < NAMES_MAX && fgets(line, sizeof line, table) != NULL) {
        if (line[0] != '#' && sscanf(line, "%*s %*s %63s", name) == 1) {
            names[count++] = bf__pool_copy(loader->pool, bf_slice_of(name)).data;
        }
    }
    if (table != NULL) {
        fclose(table);
    }
    return bf_config_nearest(word, names);
}

bool bf__zone_read(struct bf__loader *loader, const struct bf__node *node, struct bf_slice *bytes)
{
    char path[sizeof FOLDER + NAME_MAX_BYTES + 1];
    const char *why = NULL;
    struct bf_slice name = node->text;
    if (is_name(name)) {
        snprintf(path, sizeof path, FOLDER "/%.*s", BF_SLICE_ARG(name));
        if (bf__file_read(loader->pool, path, BF_TIMEZONE_BYTES_MAX, bytes, &why)) {
            return true;
        }
    }
    bool has_table = false;
    const char *nearest = nearest_name(loader, name.data, &has_table);
    if (nearest != NULL) {
        return bf__loader_problem(loader, node, "timezone: there is no zone \"%.64s\"; did you mean \"%s\"?",
                                  name.data, nearest);
    }
    return has_table ? bf__loader_problem(loader, node,
                                          "timezone: there is no zone \"%.64s\"; use an IANA name such as "
                                          "Europe/Helsinki, or UTC",
                                          name.data)
                     : bf__loader_problem(
                           loader, node,
                           "timezone: could not read %.64s: this host has no time zones in " FOLDER
                           "; install tzdata, or put the city's TZif file beside city.yaml as " BF__ZONE_FILE,
                           name.data);
}
