/* Why: `belfry top` and the demo show what a dashboard would see, so they read what a dashboard reads.
 * Declined: subscribing; once a second is what an eye takes in. */
#include "cli/board.h"

#include <stdio.h>
#include <stdlib.h>

#define PREFIX "belfry:v1:"
#define KINDS_MAX 256

static enum bf_status ask(struct bf_redis *redis, const char *verb, const char *key, struct bf_reply *reply,
                          struct bf_err *err)
{
    struct bf_slice words[] = {bf_slice_of(verb), bf_slice_of(key)};
    return bf_redis_command(redis, words, 2, reply, err);
}

static void copy_text(char *to, size_t size, struct bf_slice from)
{
    snprintf(to, size, "%.*s", BF_SLICE_ARG(from));
}

static double number_of(struct bf_slice text)
{
    char copy[64];
    copy_text(copy, sizeof copy, text);
    return strtod(copy, NULL);
}

static struct bf_board_row *row_of(struct bf_board_view *view, struct bf_slice kpi)
{
    for (size_t i = 0; i < view->count; i++) {
        if (bf_slice_equal(bf_slice_of(view->rows[i].kpi), kpi)) {
            return &view->rows[i];
        }
    }
    if (view->count == BF_BOARD_ROWS) {
        view->more++;
        return NULL;
    }
    struct bf_board_row *row = &view->rows[view->count++];
    *row = (struct bf_board_row){.scopes = 0};
    copy_text(row->kpi, sizeof row->kpi, kpi);
    return row;
}

/* One field of the board: "pm2_5:zone.market" = "5.8". */
static void take_field(struct bf_board_view *view, struct bf_slice field, struct bf_slice value)
{
    const char *colon = memchr(field.data, ':', field.len);
    if (!colon) {
        return;
    }
    struct bf_slice kpi = {field.data, (size_t)(colon - field.data)};
    struct bf_slice scope = {colon + 1, field.len - kpi.len - 1};
    struct bf_board_row *row = row_of(view, kpi);
    if (!row) {
        return;
    }
    struct bf_board_end end = {.value = number_of(value)};
    copy_text(end.scope, sizeof end.scope, scope);
    row->low = row->scopes == 0 || end.value < row->low.value ? end : row->low;
    row->high = row->scopes == 0 || end.value > row->high.value ? end : row->high;
    row->scopes++;
}

static int by_name(const void *left, const void *right)
{
    const struct bf_board_row *a = left, *b = right;
    return strcmp(a->kpi, b->kpi);
}

static enum bf_status read_rows(struct bf_redis *redis, struct bf_board_view *view, struct bf_err *err)
{
    char key[128];
    snprintf(key, sizeof key, PREFIX "board:%s", view->name);
    struct bf_reply reply;
    enum bf_status status = ask(redis, "HGETALL", key, &reply, err);
    if (status != BF_OK) {
        return status;
    }
    for (size_t i = 0; i + 1 < reply.count; i += 2) {
        take_field(view, reply.items[i].text, reply.items[i + 1].text);
    }
    qsort(view->rows, view->count, sizeof view->rows[0], by_name);
    return BF_OK;
}

/* Unit and age of each row, from the hash of its highest scope. */
static enum bf_status read_details(struct bf_redis *redis, struct bf_board_view *view, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    for (size_t i = 0; status == BF_OK && i < view->count; i++) {
        char key[256];
        snprintf(key, sizeof key, PREFIX "kpi:%s:%s", view->rows[i].kpi, view->rows[i].high.scope);
        struct bf_slice words[] = {BF_SLICE("HMGET"), bf_slice_of(key), BF_SLICE("unit"),
                                   BF_SLICE("window_end_ms"), BF_SLICE("final")};
        status = bf_redis_append(redis, words, 5, err);
    }
    for (size_t i = 0; status == BF_OK && i < view->count; i++) {
        struct bf_reply reply;
        struct bf_board_row *row = &view->rows[i];
        status = bf_redis_take(redis, &reply, err);
        if (status == BF_OK && reply.count == 3) {
            copy_text(row->unit, sizeof row->unit, reply.items[0].text);
            row->window_end_ms = (int64_t)number_of(reply.items[1].text);
            row->final = bf_slice_equal(reply.items[2].text, BF_SLICE("1"));
        }
    }
    return status;
}

static enum bf_status read_meta(struct bf_redis *redis, struct bf_board_view *view, struct bf_err *err)
{
    struct bf_slice words[] = {BF_SLICE("HMGET"), BF_SLICE(PREFIX "meta"), BF_SLICE("clock_ms"),
                               BF_SLICE("behind_ms"), BF_SLICE("generation")};
    struct bf_reply reply;
    enum bf_status status = bf_redis_command(redis, words, 5, &reply, err);
    if (status == BF_OK && reply.count == 3) {
        view->clock_ms = (int64_t)number_of(reply.items[0].text);
        view->behind_ms = (int64_t)number_of(reply.items[1].text);
        view->generation = (int64_t)number_of(reply.items[2].text);
    }
    status = status == BF_OK ? ask(redis, "SCARD", PREFIX "idx:kpi", &reply, err) : status;
    view->kpis = status == BF_OK ? (uint64_t)reply.integer : 0;
    status = status == BF_OK ? ask(redis, "SCARD", PREFIX "idx:device", &reply, err) : status;
    view->devices = status == BF_OK ? (uint64_t)reply.integer : 0;
    return status;
}

static enum bf_status find_board(struct bf_redis *redis, const char *board, struct bf_board_view *view,
                                 struct bf_err *err)
{
    if (board) {
        copy_text(view->name, sizeof view->name, bf_slice_of(board));
        return BF_OK;
    }
    struct bf_reply reply;
    enum bf_status status = ask(redis, "SMEMBERS", PREFIX "idx:board", &reply, err);
    for (size_t i = 0; status == BF_OK && i < reply.count; i++) {
        struct bf_slice name = reply.items[i].text;
        if (view->name[0] == '\0' || bf_slice_compare(name, bf_slice_of(view->name)) < 0) {
            copy_text(view->name, sizeof view->name, name);
        }
    }
    return status;
}

/* "airbox@1" counts once, however many devices there are. */
static enum bf_status count_kinds(struct bf_redis *redis, struct bf_board_view *view, struct bf_err *err)
{
    static char kinds[KINDS_MAX][BF_BOARD_TEXT];
    struct bf_reply reply;
    enum bf_status status = ask(redis, "SMEMBERS", PREFIX "idx:device", &reply, err);
    size_t devices = status == BF_OK ? reply.count : 0;
    for (size_t i = 0; i < devices; i++) {
        char key[300];
        snprintf(key, sizeof key, PREFIX "device:%.*s", BF_SLICE_ARG(reply.items[i].text));
        struct bf_slice words[] = {BF_SLICE("HGET"), bf_slice_of(key), BF_SLICE("profile")};
        status = bf_redis_append(redis, words, 3, err);
        if (status != BF_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < devices && status == BF_OK; i++) {
        status = bf_redis_take(redis, &reply, err);
        size_t known = 0;
        while (status == BF_OK && known < view->kinds &&
               !bf_slice_equal(reply.text, bf_slice_of(kinds[known]))) {
            known++;
        }
        if (status == BF_OK && known == view->kinds && known < KINDS_MAX && reply.text.len > 0) {
            copy_text(kinds[view->kinds++], BF_BOARD_TEXT, reply.text);
        }
    }
    return status;
}

enum bf_status bf_board_read(struct bf_redis *redis, const char *board, bool with_kinds,
                             struct bf_board_view *view, struct bf_err *err)
{
    *view = (struct bf_board_view){.count = 0};
    enum bf_status status = find_board(redis, board, view, err);
    if (status == BF_OK && view->name[0] != '\0') {
        status = read_rows(redis, view, err);
    }
    status = status == BF_OK ? read_details(redis, view, err) : status;
    status = status == BF_OK ? read_meta(redis, view, err) : status;
    return status == BF_OK && with_kinds ? count_kinds(redis, view, err) : status;
}
