/* redis_server.c: peers/redis/redis.h over a Redis of Lua tables (redis.lua) that runs belfry's own script in
 * Lua 5.1. A connection's answers may get lost with it, before or after the command was carried out.
 * Declined: hiredis and a socket (the sink sees words and replies either way). */
#include <assert.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "peers/redis/redis.h"
#include "tests/sim/redis_server.h"

#define CONNECTIONS 8
#define WAITING 64
#define REPLY_ITEMS 2048
#define REPLY_TEXT (256u << 10)
#define TRIP_US (6 * BF_US_PER_MS)

struct request {
    struct bf_slice *words;
    size_t count;
};
struct bf_redis {
    bool used, dead;
    struct sim_process *process;
    struct request waiting[WAITING]; /* sent or queued, not answered */
    size_t count;
    struct bf_reply items[REPLY_ITEMS];
    size_t items_used, text_used;
    char text[REPLY_TEXT];
};

static struct bf_redis connections[CONNECTIONS];
static lua_State *lua;
static int script = LUA_NOREF;
int64_t sim_redis_away_us;
const char *sim_redis_script;
uint32_t sim_redis_breaks;

/* Lua's memory: pieces of like size in lists, cut from one region; half of the time went into malloc. */
#define LUA_BYTES ((size_t)64 << 20)
static union lua_piece {
    union lua_piece *next;
} * pieces[24];
static char *lua_region;
static size_t lua_used;

static size_t class_of(size_t size)
{
    size_t class = 4;
    while (((size_t)1 << class) < size) {
        class ++;
    }
    return class;
}

static void *lua_memory(void *context, void *old, size_t old_size, size_t size)
{
    (void)context;
    size_t old_class = old == NULL ? 0 : class_of(old_size), class = size == 0 ? 0 : class_of(size);
    if (old_class == class) {
        return old;
    }
    union lua_piece *made = class == 0 ? NULL : pieces[class];
    if (made != NULL) {
        pieces[class] = made->next;
    } else if (class != 0) {
        assert(lua_used + ((size_t)1 << class) <= LUA_BYTES);
        made = (union lua_piece *)(void *)(lua_region + lua_used);
        lua_used += (size_t)1 << class;
    }
    if (old != NULL) {
        union lua_piece *piece = old;
        if (made != NULL) {
            memcpy(made, old, old_size < size ? old_size : size);
        }
        piece->next = pieces[old_class];
        pieces[old_class] = piece;
    }
    return made;
}

/* A state of its own for each schedule, which goes with its memory: what it throws away is not collected, and
 * no schedule depends on those before. */
static void begin_lua(void)
{
    if (lua_region == NULL) {
        lua_region =
            mmap(NULL, LUA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert(lua_region != MAP_FAILED);
    }
    lua_used = 0;
    memset(pieces, 0, sizeof(pieces));
    script = LUA_NOREF;
    lua = lua_newstate(lua_memory, NULL);
    lua_gc(lua, LUA_GCSTOP, 0);
    luaL_openlibs(lua);
    if (luaL_dofile(lua, SIM_FOLDER "/redis.lua") != 0) {
        fprintf(stderr, "%s\n", lua_tostring(lua, -1));
        assert(!"redis.lua");
    }
}

void sim_redis_reset(void)
{
    begin_lua();
    for (size_t i = 0; i < CONNECTIONS; i++) {
        connections[i].used = false;
    }
    sim_redis_away_us = 0;
    sim_redis_breaks = 0;
}

lua_State *sim_redis_lua(void)
{
    return lua;
}

static void call_with_place(const char *function, int place)
{
    lua_getglobal(lua, function);
    lua_pushinteger(lua, place);
    lua_call(lua, 1, 0);
}

void sim_redis_save(int place)
{
    sim_trace("redis: saved");
    call_with_place("sim_save", place);
}

void sim_redis_restore(int place, bool breaks)
{
    sim_trace("redis: an older save is back%s", breaks ? ", connections broke" : "");
    call_with_place("sim_restore", place);
    for (size_t i = 0; i < CONNECTIONS && breaks; i++) {
        connections[i].dead = true;
    }
}

static bool execute(const struct request *request);

/* Whoever sent it does not listen any more; Redis may carry it out all the same. */
static void linger(struct bf_redis *redis)
{
    for (size_t i = 0; i < redis->count && !redis->dead && sim_draw(SIM_REDIS, 2) == 0; i++) {
        (void)execute(&redis->waiting[i]);
        lua_settop(lua, 0);
    }
    redis->used = false;
}

void sim_redis_forget(struct sim_process *process)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (connections[i].used && connections[i].process == process) {
            linger(&connections[i]);
        }
    }
}

enum bf_status bf_redis_open(const struct bf_redis_options *options, struct bf_redis **result,
                             struct bf_err *err)
{
    (void)options;
    sim_point();
    if (sim_now() < sim_redis_away_us) {
        sim_wait(sim_now() + SECOND);
        return bf_err_set(err, BF_PEER, "Redis is away");
    }
    struct bf_redis *redis = connections;
    while (redis->used) {
        redis++;
        assert(redis < connections + CONNECTIONS);
    }
    redis->used = true;
    redis->dead = false;
    redis->process = sim_self();
    redis->count = 0;
    *result = redis;
    return BF_OK;
}

void bf_redis_close(struct bf_redis *redis)
{
    if (redis != NULL) {
        linger(redis);
    }
}

enum bf_status bf_redis_append(struct bf_redis *redis, const struct bf_slice *words, size_t count,
                               struct bf_err *err)
{
    (void)err;
    assert(redis->count < WAITING);
    struct request *request = &redis->waiting[redis->count++];
    request->count = count;
    request->words = sim_alloc(count * sizeof(*words));
    for (size_t i = 0; i < count; i++) {
        char *data = sim_alloc(words[i].len + 1);
        memcpy(data, words[i].len > 0 ? words[i].data : "", words[i].len);
        request->words[i] = (struct bf_slice){data, words[i].len};
    }
    return BF_OK;
}

enum bf_status bf_redis_flush(struct bf_redis *redis, struct bf_err *err)
{
    (void)redis;
    (void)err;
    sim_point();
    return BF_OK;
}

/* ---- from Lua's value to a reply */
static struct bf_slice keep(struct bf_redis *redis, const char *text, size_t len)
{
    assert(len <= REPLY_TEXT - redis->text_used);
    char *at = redis->text + redis->text_used;
    memcpy(at, text, len);
    redis->text_used += len;
    return (struct bf_slice){at, len};
}

static void convert(struct bf_redis *redis, int index, struct bf_reply *reply)
{
    size_t len;
    *reply = (struct bf_reply){.kind = BF_REPLY_NIL};
    switch (lua_type(lua, index)) {
    case LUA_TNUMBER:
        reply->kind = BF_REPLY_INT;
        reply->integer = (int64_t)lua_tonumber(lua, index);
        break;
    case LUA_TSTRING: {
        const char *text = lua_tolstring(lua, index, &len);
        reply->kind = BF_REPLY_TEXT;
        reply->text = keep(redis, text, len);
        break;
    }
    case LUA_TTABLE:
        reply->kind = BF_REPLY_ARRAY;
        reply->count = lua_objlen(lua, index);
        reply->items = redis->items + redis->items_used;
        redis->items_used += reply->count;
        assert(redis->items_used <= REPLY_ITEMS);
        for (size_t i = 0; i < reply->count; i++) {
            lua_rawgeti(lua, index, (int)i + 1);
            convert(redis, lua_gettop(lua), &reply->items[i]);
            lua_pop(lua, 1);
        }
        break;
    default:
        break;
    }
}

/* ---- commands */
static void push_words(const struct request *request, size_t first)
{
    for (size_t i = first; i < request->count; i++) {
        lua_pushlstring(lua, request->words[i].data, request->words[i].len);
    }
}

static bool is_word(const struct request *request, size_t index, const char *text)
{
    return bf_slice_equal(request->words[index], bf_slice_of(text));
}

/* Leaves the answer on the stack. */
static bool execute(const struct request *request)
{
    if (is_word(request, 0, "SCRIPT")) {
        if (script == LUA_NOREF) {
            const struct bf_slice text = request->words[2];
            int bad = sim_redis_script != NULL
                          ? luaL_loadfile(lua, sim_redis_script)
                          : luaL_loadbuffer(lua, text.data, text.len, "@sinks/redis.lua");
            assert(bad == 0);
            script = luaL_ref(lua, LUA_REGISTRYINDEX);
        }
        lua_pushstring(lua, "0123456789abcdef0123456789abcdef01234567");
        return true;
    }
    if (is_word(request, 0, "EVALSHA")) {
        sim_trace("redis: %.*s, %zu words", BF_SLICE_ARG(request->words[3]), request->count);
        lua_createtable(lua, (int)request->count, 0);
        for (size_t i = 3; i < request->count; i++) {
            lua_pushlstring(lua, request->words[i].data, request->words[i].len);
            lua_rawseti(lua, -2, (int)i - 2);
        }
        lua_setglobal(lua, "ARGV");
        lua_rawgeti(lua, LUA_REGISTRYINDEX, script);
        return lua_pcall(lua, 0, 1, 0) == 0;
    }
    lua_getglobal(lua, "redis");
    lua_getfield(lua, -1, "call");
    lua_remove(lua, -2);
    push_words(request, 0);
    return lua_pcall(lua, (int)request->count, 1, 0) == 0;
}

static enum bf_status broken(struct bf_redis *redis, struct bf_err *err)
{
    redis->dead = true;
    return bf_err_set(err, BF_PEER, "the connection to Redis broke");
}

enum bf_status bf_redis_take(struct bf_redis *redis, struct bf_reply *reply, struct bf_err *err)
{
    assert(redis->count > 0);
    const struct request request = redis->waiting[0];
    memmove(redis->waiting, redis->waiting + 1, --redis->count * sizeof(redis->waiting[0]));
    sim_wait(sim_now() + sim_draw_us(SIM_REDIS, TRIP_US));
    bool breaks = sim_draw(SIM_REDIS, 1000) < sim_redis_breaks;
    if (redis->dead || sim_now() < sim_redis_away_us || (breaks && sim_draw(SIM_REDIS, 2) == 0)) {
        return broken(redis, err);
    }
    redis->items_used = redis->text_used = 0;
    bool good = execute(&request);
    enum bf_status status = BF_OK;
    if (good) {
        convert(redis, lua_gettop(lua), reply);
    } else {
        status = bf_err_set(err, BF_MALFORMED, "%s", lua_isstring(lua, -1) ? lua_tostring(lua, -1) : "error");
        sim_fail("script", "%s", lua_isstring(lua, -1) ? lua_tostring(lua, -1) : "an error that is no text");
    }
    lua_settop(lua, 0);
    sim_point();
    return breaks ? broken(redis, err) : status; /* it was carried out, and nobody hears of it */
}

enum bf_status bf_redis_command(struct bf_redis *redis, const struct bf_slice *words, size_t count,
                                struct bf_reply *reply, struct bf_err *err)
{
    assert(redis->count == 0);
    enum bf_status status = bf_redis_append(redis, words, count, err);
    return status == BF_OK ? bf_redis_take(redis, reply, err) : status;
}
