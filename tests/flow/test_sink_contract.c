/* config/redis-contract.yaml against a live Redis that belfry-sink has filled: nothing in Redis that the
 * contract does not name, nothing required that is missing, and every type as it says. */
#include "tests/flow/stage.h"

#include <stdlib.h>

#include "config/yaml.h"

#define KEYS_MAX 64
#define CONTRACT TEST_SOURCE_DIR "/config/redis-contract.yaml"

static struct stage stage;
static struct bf__pool *pool;
static struct bf__document contract;
static char text[65536];

static struct bf_slice get(const struct bf__node *map, const char *name)
{
    const struct bf__node *node = bf__node_get(map, name);
    return node ? node->text : (struct bf_slice){"", 0};
}

static bool is_true(const struct bf__node *map, const char *name)
{
    return bf_slice_equal(get(map, name), BF_SLICE("true"));
}

/* "belfry:v1:kpi:<kpi>:<scope>" against a key: a placeholder stands for one or more bytes but no colon. */
static bool matches(struct bf_slice pattern, struct bf_slice key)
{
    size_t at = 0;
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.data[i] == '<') {
            size_t begin = at;
            i = (size_t)((const char *)memchr(pattern.data + i, '>', pattern.len - i) - pattern.data);
            while (at < key.len && key.data[at] != ':') {
                at++;
            }
            if (at == begin) {
                return false;
            }
        } else if (at == key.len || key.data[at++] != pattern.data[i]) {
            return false;
        }
    }
    return at == key.len;
}

/* ---- values and their types */

static bool all_of(struct bf_slice value, const char *set)
{
    for (size_t i = 0; i < value.len; i++) {
        if (!strchr(set, value.data[i]) || !value.data[i]) {
            return false;
        }
    }
    return value.len > 0;
}

static bool has_type(struct bf_slice type, struct bf_slice value, bool json)
{
    char copy[256], *end = copy;
    if (bf_slice_equal(type, BF_SLICE("text"))) {
        return value.len > 0;
    }
    if (bf_slice_equal(type, BF_SLICE("json"))) {
        char end_of = value.len > 1 && value.data[0] == '[' ? ']' : '}';
        return value.len > 1 && (value.data[0] == '[' || value.data[0] == '{') &&
               value.data[value.len - 1] == end_of;
    }
    if (bf_slice_equal(type, BF_SLICE("id"))) {
        return value.len == 16 && all_of(value, "0123456789abcdef");
    }
    if (bf_slice_equal(type, BF_SLICE("boolean"))) {
        return bf_slice_equal(value, json ? BF_SLICE("true") : BF_SLICE("1"))
               || bf_slice_equal(value, json ? BF_SLICE("false") : BF_SLICE("0"));
    }
    if (bf_slice_equal(type, BF_SLICE("number"))) {
        snprintf(copy, sizeof copy, "%.*s", BF_SLICE_ARG(value));
        (void)strtod(copy, &end);
        return value.len > 0 && *end == '\0' && all_of(value, "0123456789+-.e");
    }
    assert_true(bf_slice_equal(type, BF_SLICE("integer")) || bf_slice_equal(type, BF_SLICE("time_ms")));
    struct bf_slice digits = {value.data + (value.len > 0 && value.data[0] == '-'), value.len};
    digits.len -= (size_t)(digits.data - value.data);
    return all_of(digits, "0123456789");
}

static const struct bf__node *field_of(const struct bf__node *entry, struct bf_slice name)
{
    const struct bf__node *fields = bf__node_get(entry, "fields");
    for (const struct bf__node *field = fields ? fields->first : NULL; field; field = field->next) {
        struct bf_slice wanted = get(field, "name");
        if (bf_slice_equal(wanted, name) ||
            (memchr(wanted.data, '<', wanted.len) && (is_true(entry, "private") || matches(wanted, name)))) {
            return field;
        }
    }
    return NULL;
}

/* Names and values in turn; `what` is for the message. */
static void check_fields(const struct bf__node *entry, const struct bf_slice *words, size_t count, bool json,
                         struct bf_slice what)
{
    for (size_t i = 0; i + 1 < count; i += 2) {
        const struct bf__node *field = field_of(entry, words[i]);
        if (!field) {
            fail_msg("%.*s: the contract has no field %.*s", BF_SLICE_ARG(what), BF_SLICE_ARG(words[i]));
        } else if (!has_type(get(field, "type"), words[i + 1], json)) {
            fail_msg("%.*s: %.*s is %.*s, which is no %.*s", BF_SLICE_ARG(what), BF_SLICE_ARG(words[i]),
                     BF_SLICE_ARG(words[i + 1]), BF_SLICE_ARG(get(field, "type")));
        }
    }
    const struct bf__node *fields = bf__node_get(entry, "fields");
    for (const struct bf__node *field = fields->first; field; field = field->next) {
        bool found = !is_true(field, "required");
        for (size_t i = 0; i + 1 < count && !found; i += 2) {
            found = bf_slice_equal(words[i], get(field, "name"));
        }
        if (!found) {
            fail_msg("%.*s: the field %.*s is missing", BF_SLICE_ARG(what), BF_SLICE_ARG(get(field, "name")));
        }
    }
}

/* ---- keys */

static void check_hash(const struct bf__node *entry, struct bf_slice key)
{
    struct bf_slice words[128], command[] = {BF_SLICE("HGETALL"), key};
    struct bf_reply reply;
    assert_int_equal(bf_redis_command(stage.reader, command, 2, &reply, NULL), BF_OK);
    assert_in_range(reply.count, 2, 128);
    for (size_t i = 0; i < reply.count; i++) {
        words[i] = reply.items[i].text;
    }
    check_fields(entry, words, reply.count, false, key);
}

static void check_stream(const struct bf__node *entry, struct bf_slice key)
{
    struct bf_slice words[64], command[] = {BF_SLICE("XRANGE"), key, BF_SLICE("-"), BF_SLICE("+")};
    struct bf_reply reply;
    assert_int_equal(bf_redis_command(stage.reader, command, 4, &reply, NULL), BF_OK);
    assert_true(reply.count > 0);
    for (size_t i = 0; i < reply.count; i++) {
        const struct bf_reply *fields = &reply.items[i].items[1];
        assert_in_range(fields->count, 2, 64);
        for (size_t k = 0; k < fields->count; k++) {
            words[k] = fields->items[k].text;
        }
        check_fields(entry, words, fields->count, false, key);
    }
}

static void check_key(struct bf_slice key, bool *seen)
{
    size_t number = 0;
    for (const struct bf__node *entry = bf__node_get(contract.root, "keys")->first; entry;
         entry = entry->next) {
        if (matches(get(entry, "key"), key)) {
            struct bf_slice command[] = {BF_SLICE("TYPE"), key}, type = get(entry, "type");
            struct bf_reply reply;
            assert_int_equal(bf_redis_command(stage.reader, command, 2, &reply, NULL), BF_OK);
            assert_true(bf_slice_equal(reply.text, type));
            if (bf_slice_equal(type, BF_SLICE("hash"))) {
                check_hash(entry, key);
            } else if (bf_slice_equal(type, BF_SLICE("stream"))) {
                check_stream(entry, key);
            }
            struct bf_slice ttl[] = {BF_SLICE("TTL"), key};
            assert_int_equal(bf_redis_command(stage.reader, ttl, 2, &reply, NULL), BF_OK);
            assert_int_equal(reply.integer, -1);
            seen[number] = true;
            return;
        }
        number++;
    }
    fail_msg("the contract has no key %.*s", BF_SLICE_ARG(key));
}

static void every_key_is_as_the_contract_says(void **state)
{
    static char keys[KEYS_MAX][300];
    bool seen[KEYS_MAX] = {false};
    (void)state;
    struct bf_reply reply = stage_ask(&stage, "KEYS *");
    size_t count = reply.count, number = 0;
    assert_in_range(count, 1, KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "%.*s", BF_SLICE_ARG(reply.items[i].text));
    }
    for (size_t i = 0; i < count; i++) {
        check_key(bf_slice_of(keys[i]), seen);
    }
    for (const struct bf__node *entry = bf__node_get(contract.root, "keys")->first; entry;
         entry = entry->next) {
        if (!seen[number++]) {
            fail_msg("Redis has no key %.*s", BF_SLICE_ARG(get(entry, "key")));
        }
    }
    assert_true(stage_says(&stage, "HGET belfry:v1:meta version", get(contract.root, "version").data));
}

/* ---- messages */

/* A flat JSON object of plain texts, numbers and truths, taken apart into names and values. */
static size_t take_apart(struct bf_slice json, struct bf_slice *words, size_t size)
{
    size_t count = 0, at = 1;
    assert_true(json.len > 2 && json.data[0] == '{' && json.data[json.len - 1] == '}');
    while (at < json.len - 1) {
        bool quoted = json.data[at] == '"';
        size_t begin = at + quoted;
        at = begin;
        int depth = 0; /* of objects and lists within */
        while (at < json.len - 1 &&
               (quoted ? json.data[at] != '"' : depth > 0 || !strchr(",:", json.data[at]))) {
            assert_int_not_equal(json.data[at], '\\');
            depth += !quoted && strchr("{[", json.data[at]) ? 1 : 0;
            depth -= !quoted && strchr("}]", json.data[at]) ? 1 : 0;
            at++;
        }
        assert_true(count < size);
        words[count++] = (struct bf_slice){json.data + begin, at - begin};
        at += quoted;
        assert_true(at == json.len - 1 || json.data[at] == (count % 2 ? ':' : ','));
        at++;
    }
    assert_int_equal(count % 2, 0);
    return count;
}

static void check_message(const struct bf_reply *push)
{
    struct bf_slice words[64], channel = push->items[2].text;
    size_t count = take_apart(push->items[3].text, words, 64);
    for (const struct bf__node *entry = bf__node_get(contract.root, "channels")->first; entry;
         entry = entry->next) {
        if (matches(get(entry, "channel"), channel)) {
            check_fields(entry, words, count, true, channel);
            return;
        }
    }
    fail_msg("the contract has no channel %.*s", BF_SLICE_ARG(channel));
}

static void put_records(void)
{
    struct bf_device device = {
        .device = BF_SLICE("city:A1"),
        .profile = BF_SLICE("airbox@1"),
        .zone = BF_SLICE("mitte"),
        .readings = 5,
        .last_event_us = 6000000,
        .last_ingest_us = 7000000,
        .has_place = true,
        .lat_e7 = 525200000,
        .lon_e7 = 134050000,
        .clock_us = 8000000,
    };
    struct bf_device unknown = {.device = BF_SLICE("city:B\"2"), .last_event_us = 6000000,
                                .last_ingest_us = 7000000, .clock_us = 8000000};
    struct bf_kpi empty = stage_window("zone.nord", 2, 0, BF_KPI_FINAL);
    empty.has_value = empty.has_range = empty.has_target = false;
    empty.n = 0;
    empty.band = (struct bf_slice){0};
    stage_kpi(&stage, stage_window("zone.mitte", 1, 0.1, BF_KPI_PROVISIONAL));
    stage_kpi(&stage, stage_window("zone.mitte", 1, -1e-9, BF_KPI_FINAL));
    struct bf_kpi detailed = stage_window("tag.route.m10+zone.mitte", 1, 1e21, BF_KPI_FINAL);
    detailed.detail = BF_SLICE("{\"bounds\":[10],\"counts\":[3,0]}");
    stage_kpi(&stage, detailed);
    stage_kpi(&stage, empty);
    stage_device(&stage, &device);
    stage_device(&stage, &unknown);
    stage_settle(&stage);
}

static void every_message_is_as_the_contract_says(void **state)
{
    struct bf_redis_options options = {.url = stage.url, .timeout_ms = 5000};
    struct bf_redis *listener = NULL;
    struct bf_slice words[] = {BF_SLICE("PSUBSCRIBE"), BF_SLICE("*")};
    struct bf_reply push;
    (void)state;
    assert_int_equal(bf_redis_open(&options, &listener, NULL), BF_OK);
    assert_int_equal(bf_redis_command(listener, words, 2, &push, NULL), BF_OK);
    put_records();
    stage_sink_start(&stage, &stage.sink);
    int64_t deadline_us = bf_deadline_us(20000);
    for (int seen = 0; seen < 4;) {
        enum bf_status status = bf_redis_listen(listener, 100, &push, NULL);
        assert_true(bf_time_monotonic_us() < deadline_us);
        if (status == BF_OK) {
            check_message(&push);
            seen++;
        }
    }
    bf_redis_close(listener);
    BF_EVENTUALLY(stage_number(&stage, "SCARD belfry:v1:idx:device") == 2, 10000);
    BF_EVENTUALLY(stage_number(&stage, "HEXISTS belfry:v1:meta clock_ms") == 1, 10000);
}

static void the_contract_says_all_that_it_should(void **state)
{
    (void)state;
    for (const struct bf__node *entry = bf__node_get(contract.root, "keys")->first; entry;
         entry = entry->next) {
        assert_true(get(entry, "purpose").len > 0);
        assert_true(get(entry, "cap").len > 0);
        assert_true(strncmp(get(entry, "key").data, "belfry:v1:", 10) == 0);
    }
}

static bool read_contract(void)
{
    FILE *file = fopen(CONTRACT, "r");
    struct bf__problems problems = {0};
    size_t len = file ? fread(text, 1, sizeof text, file) : 0;
    if (file) {
        fclose(file);
    }
    struct bf__yaml_source source = {.name = CONTRACT, .bytes = {text, len}, .variables = BF__YAML_KEEP,
                                     .severity = BF__FATAL};
    pool = bf__pool_create();
    bool read = len > 0 && len < sizeof text && bf__yaml_parse(pool, &source, &contract, &problems);
    if (!read && problems.count) {
        fprintf(stderr, "%s\n", problems.list[0].text);
    }
    bf__problems_deinit(&problems);
    return read;
}

int main(void)
{
    if (!read_contract()) {
        return 1;
    }
    if (!stage_open(&stage)) {
        return 77;
    }
    stage_redis(&stage);
    stage_city(&stage, "  - {name: wall, title: W, kpis: [air]}\n", "kpis:\n" STAGE_KPI("air"));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contract_says_all_that_it_should),
        cmocka_unit_test(every_message_is_as_the_contract_says),
        cmocka_unit_test(every_key_is_as_the_contract_says),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char tail[3000];
    if (failed) {
        fprintf(stderr, "%s\n", bf_file_tail(stage.log, tail, sizeof tail));
    }
    stage_close(&stage);
    bf__pool_destroy(pool);
    return failed;
}
