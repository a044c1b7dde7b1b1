/* check_redis.c: Redis in the end: each closed window and each revision once in its history, with the values
 * of the log; the newest window's in its hash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "tests/sim/check.h"
#include "tests/sim/redis_server.h"

static bool used[SIM_RESULTS];

/* A field of the entry on top of the stack: {name, id, field, value, ...}. */
static const char *field(lua_State *lua, const char *name)
{
    int count = (int)lua_objlen(lua, -1);
    const char *found = NULL;
    for (int i = 3; i < count && found == NULL; i += 2) {
        lua_rawgeti(lua, -1, i);
        bool its = strcmp(lua_tostring(lua, -1), name) == 0;
        lua_pop(lua, 1);
        if (its) {
            lua_rawgeti(lua, -1, i + 1);
            found = lua_tostring(lua, -1);
            lua_pop(lua, 1); /* the table keeps it */
        }
    }
    return found;
}

static const char *place(lua_State *lua, int index)
{
    lua_rawgeti(lua, -1, index);
    const char *text = lua_tostring(lua, -1);
    lua_pop(lua, 1);
    return text;
}

static bool says(const char *text, bool known, double value)
{
    char want[BF_NUMBER_MAX + 1] = "";
    if (known) {
        want[bf_number_format(value, want)] = '\0';
    }
    return text == NULL ? !known : known && strcmp(text, want) == 0;
}

static void check_entry(lua_State *lua, const struct sim_result *results, size_t count)
{
    struct sim_result wanted = {.n = 0};
    const char *start = field(lua, "window_start_ms"), *revision = field(lua, "revision");
    const char *n = field(lua, "n");
    if (start == NULL || revision == NULL || n == NULL) {
        sim_fail("history", "an entry of %s lacks a field", place(lua, 1));
        return;
    }
    snprintf(wanted.key, sizeof(wanted.key), "%s", place(lua, 1));
    wanted.start_us = strtoll(start, NULL, 10) * BF_US_PER_MS - SIM_EPOCH_US;
    wanted.revision = (uint32_t)strtoul(revision, NULL, 10);
    const struct sim_result *found = bsearch(&wanted, results, count, sizeof(wanted), sim_result_order);
    if (found == NULL) {
        sim_fail("history", "%s window %lld r%s is no result", wanted.key,
                 (long long)(wanted.start_us / SECOND), revision);
    } else if (used[found - results]) {
        sim_fail("history", "%s window %lld r%s stands twice", wanted.key,
                 (long long)(wanted.start_us / SECOND), revision);
    } else if (strtoull(n, NULL, 10) != found->n ||
               !says(field(lua, "value"), found->has_value, found->value) ||
               !says(field(lua, "min"), found->n > 0, found->min) ||
               !says(field(lua, "max"), found->n > 0, found->max)) {
        sim_fail("history", "%s window %lld r%s has n=%s value=%s, the log n=%llu value=%.17g", wanted.key,
                 (long long)(wanted.start_us / SECOND), revision, n,
                 field(lua, "value") ? field(lua, "value") : "none", (unsigned long long)found->n,
                 found->value);
    } else {
        used[found - results] = true;
    }
}

/* KPIs that a reload may have removed have no history to be whole. */
static bool stays(const char *key)
{
    return strncmp(key, "city_", 5) != 0;
}

static void check_hashes(lua_State *lua, const struct sim_result *results, size_t count)
{
    for (size_t i = 0; i < count && !sim_failed(); i++) {
        bool newest = i + 1 == count || strcmp(results[i].key, results[i + 1].key) != 0;
        if (!newest || !stays(results[i].key)) {
            continue;
        }
        lua_getglobal(lua, "sim_newest");
        lua_pushstring(lua, results[i].key);
        lua_call(lua, 1, 2);
        const char *start = lua_tostring(lua, -2), *revision = lua_tostring(lua, -1);
        int64_t start_us = start == NULL ? 0 : strtoll(start, NULL, 10) * BF_US_PER_MS - SIM_EPOCH_US;
        if (start == NULL || start_us < results[i].start_us ||
            (start_us == results[i].start_us && strtoul(revision, NULL, 10) != results[i].revision)) {
            sim_fail("hash", "%s shows window %lld r%s, and %lld r%u is the newest", results[i].key,
                     (long long)(start_us / SECOND), revision == NULL ? "-" : revision,
                     (long long)(results[i].start_us / SECOND), (unsigned)results[i].revision);
        }
        lua_settop(lua, 0);
    }
}

void sim_check_history(const struct sim_result *results, size_t count)
{
    lua_State *lua = sim_redis_lua();
    memset(used, 0, count);
    lua_getglobal(lua, "sim_history");
    lua_call(lua, 0, 1);
    int entries = (int)lua_objlen(lua, -1);
    for (int i = 1; i <= entries && !sim_failed(); i++) {
        lua_rawgeti(lua, -1, i);
        check_entry(lua, results, count);
        lua_pop(lua, 1);
    }
    lua_settop(lua, 0);
    for (size_t i = 0; i < count && !sim_failed(); i++) {
        if (!used[i] && stays(results[i].key)) {
            sim_fail("history", "%s window %lld r%u is missing", results[i].key,
                     (long long)(results[i].start_us / SECOND), (unsigned)results[i].revision);
        }
    }
    check_hashes(lua, results, count);
}
