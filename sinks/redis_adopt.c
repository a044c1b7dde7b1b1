/* redis_adopt.c: a change of configuration reaches Redis. What the configuration no longer has leaves: KPIs
 * with their history and board fields, boards, and devices of profiles that are gone.
 *
 * Redis itself says which generation it was brought to (meta, field `generation`), and says so only when all
 * steps are through: a change cut short, or undone by a rollback, is simply made again. Keys are found
 * through the index sets, never by SCAN, and in small steps, so that no step holds Redis for long. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/scope.h"
#include "sinks/redis_sink.h"

#define CHUNK "200" /* scopes or devices in one step */

static int compare_names(const void *a, const void *b)
{
    const struct bf__kpi_names *left = a, *right = b;
    return bf_slice_compare(left->id, right->id);
}

const struct bf__kpi_names *bf__redis_kpi(const struct bf__redis_sink *sink, struct bf_slice id)
{
    struct bf__kpi_names key = {.id = id};
    return sink->kpi_count ? bsearch(&key, sink->kpis, sink->kpi_count, sizeof key, compare_names) : NULL;
}

/* ---- the names in force */

static bool board_has(const struct bf_board *board, struct bf_slice kpi)
{
    for (size_t i = 0; i < board->count; i++) {
        if (bf_slice_equal(board->kpis[i], kpi)) {
            return true;
        }
    }
    return false;
}

/* "wall air": the boards of one KPI, escaped, at `text`; returns the length. */
static size_t join_boards(const struct bf_city *city, struct bf_slice kpi, char *text)
{
    size_t len = 0;
    for (size_t i = 0; i < city->board_count; i++) {
        if (board_has(&city->boards[i], kpi)) {
            len += len ? (text[len] = ' ', 1u) : 0;
            len += bf_scope_escape(city->boards[i].name, text + len, BF_SCOPE_MAX);
        }
    }
    return len;
}

static enum bf_status take_names(struct bf__redis_sink *sink, const struct bf_city *city, struct bf_err *err)
{
    size_t per_kpi = (BF_SCOPE_MAX + 1) * (city->board_count + 1), used = 0;
    struct bf__kpi_names *kpis = calloc(city->kpi_count + 1, sizeof *kpis);
    char *names = malloc(per_kpi * (city->kpi_count + 1));
    if (!kpis || !names) {
        free(kpis);
        free(names);
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    for (size_t i = 0; i < city->kpi_count; i++) {
        struct bf__kpi_names *kpi = &kpis[i];
        kpi->id = city->kpis[i].id;
        kpi->escaped = (struct bf_slice){names + used, bf_scope_escape(kpi->id, names + used, BF_SCOPE_MAX)};
        used += kpi->escaped.len;
        kpi->boards = (struct bf_slice){names + used, join_boards(city, kpi->id, names + used)};
        used += kpi->boards.len;
    }
    qsort(kpis, city->kpi_count, sizeof *kpis, compare_names);
    free(sink->kpis);
    free(sink->names);
    sink->kpis = kpis;
    sink->kpi_count = city->kpi_count;
    sink->names = names;
    return BF_OK;
}

/* ---- the steps */

static enum bf_status put_boards(struct bf__redis_sink *sink, const struct bf_city *city, struct bf_err *err)
{
    struct bf__words *words = &sink->words;
    char name[BF_SCOPE_MAX];
    bf__words_reset(words);
    for (size_t i = 0; city && i < city->board_count; i++) {
        const struct bf_board *board = &city->boards[i];
        bf__words_put_copy(words, (struct bf_slice){name, bf_scope_escape(board->name, name, sizeof name)});
        size_t begin = words->used;
        char *list = words->text + begin;
        for (size_t k = 0; k < board->count && words->size - words->used > BF_SCOPE_MAX; k++) {
            words->used += bf_scope_escape(board->kpis[k], words->text + words->used, BF_SCOPE_MAX - 1);
            words->text[words->used++] = ' ';
        }
        bf__words_put(words, (struct bf_slice){list, words->used - begin});
    }
    struct bf_reply reply;
    return words->full ? bf_err_set(err, BF_LIMIT, "too many boards")
                       : bf__redis_step(sink, BF_SLICE("boards"), &reply, err);
}

/* KPIs that Redis has and the configuration has not, joined by spaces; malloc'ed. */
static enum bf_status list_gone(struct bf__redis_sink *sink, char **gone, struct bf_err *err)
{
    struct bf_slice command[] = {BF_SLICE("SMEMBERS"), BF_SLICE("belfry:v1:idx:kpi")};
    struct bf_reply reply;
    enum bf_status status = bf__redis_ask(sink, command, 2, &reply, err);
    if (status != BF_OK) {
        return status;
    }
    size_t size = 1;
    for (size_t i = 0; i < reply.count; i++) {
        size += reply.items[i].text.len + 1;
    }
    char *text = malloc(size);
    if (!text) {
        return bf_err_set(err, BF_FATAL, "out of memory");
    }
    size_t used = 0;
    for (size_t i = 0; i < reply.count; i++) {
        struct bf_slice member = reply.items[i].text;
        bool kept = false;
        for (size_t k = 0; k < sink->kpi_count && !kept; k++) {
            kept = bf_slice_equal(sink->kpis[k].escaped, member);
        }
        if (!kept) {
            memcpy(text + used, member.data, member.len);
            used += member.len;
            text[used++] = ' ';
        }
    }
    text[used] = '\0';
    *gone = text;
    return BF_OK;
}

/* Walks a set in chunks; `prepare` puts the step's first words, the members follow. */
static enum bf_status walk(struct bf__redis_sink *sink, struct bf_slice set, struct bf_slice step,
                           void (*prepare)(struct bf__redis_sink *sink, const void *context),
                           const void *context, struct bf_err *err)
{
    char cursor[24] = "0";
    do {
        struct bf_slice command[] = {BF_SLICE("SSCAN"), set, bf_slice_of(cursor), BF_SLICE("COUNT"),
                                     BF_SLICE(CHUNK)};
        struct bf_reply reply;
        enum bf_status status = bf__redis_ask(sink, command, 5, &reply, err);
        if (status != BF_OK) {
            return status;
        }
        if (reply.count != 2 || reply.items[0].text.len >= sizeof cursor) {
            return bf_err_set(err, BF_PEER, "Redis answers SSCAN with something else");
        }
        snprintf(cursor, sizeof cursor, "%.*s", BF_SLICE_ARG(reply.items[0].text));
        bf__words_reset(&sink->words);
        prepare(sink, context);
        for (size_t i = 0; i < reply.items[1].count; i++) {
            bf__words_put_copy(&sink->words, reply.items[1].items[i].text);
        }
        if (sink->words.full) {
            return bf_err_set(err, BF_LIMIT, "too many KPIs and boards for one step");
        }
        status = reply.items[1].count ? bf__redis_step(sink, step, &reply, err) : BF_OK;
        if (status != BF_OK) {
            return status;
        }
    } while (cursor[0] != '0' || cursor[1]);
    return BF_OK;
}

static void prepare_sweep(struct bf__redis_sink *sink, const void *gone)
{
    bf__words_put(&sink->words, bf_slice_of(gone));
    bf__words_put_int(&sink->words, (int64_t)sink->kpi_count);
    for (size_t i = 0; i < sink->kpi_count; i++) {
        bf__words_put(&sink->words, sink->kpis[i].escaped);
        bf__words_put(&sink->words, sink->kpis[i].boards);
    }
}

/* "airbox counter ": the names of the profiles that are in force, without their versions. */
static void prepare_devices(struct bf__redis_sink *sink, const void *context)
{
    const struct bf_city *city = context;
    struct bf__words *words = &sink->words;
    size_t begin = words->used;
    for (size_t i = 0; city && i < city->profile_count; i++) {
        struct bf_slice name = city->profiles[i].name;
        const char *at = name.len ? memchr(name.data, '@', name.len) : NULL;
        size_t len = at ? (size_t)(at - name.data) : name.len;
        if (!city->profiles[i].enabled || words->size - words->used < len + 1) {
            continue;
        }
        memcpy(words->text + words->used, name.data, len);
        words->used += len;
        words->text[words->used++] = ' ';
    }
    bf__words_put(words, (struct bf_slice){words->text + begin, words->used - begin});
}

static enum bf_status sweep(struct bf__redis_sink *sink, const struct bf_city *city, const char *gone,
                            int64_t generation, struct bf_err *err)
{
    struct bf_reply reply;
    enum bf_status status = put_boards(sink, city, err);
    if (status == BF_OK) {
        status = walk(sink, BF_SLICE("belfry:v1:idx:scope"), BF_SLICE("sweep"), prepare_sweep, gone, err);
    }
    if (status == BF_OK) {
        status =
            walk(sink, BF_SLICE("belfry:v1:idx:device"), BF_SLICE("devices"), prepare_devices, city, err);
    }
    if (status == BF_OK) {
        bf__words_reset(&sink->words);
        bf__words_put_int(&sink->words, generation);
        bf__words_put(&sink->words, bf_slice_of(gone));
        status = bf__redis_step(sink, BF_SLICE("adopted"), &reply, err);
    }
    return status;
}

enum bf_status bf__redis_adopt(struct bf__redis_sink *sink, const struct bf_sink_view *view,
                               struct bf_err *err)
{
    if (sink->generation != view->generation) {
        enum bf_status status = take_names(sink, view->city, err);
        if (status != BF_OK) {
            return status;
        }
        sink->generation = view->generation;
    }
    if (sink->swept == view->generation) {
        return BF_OK;
    }
    char *gone = NULL;
    bf_table_clear(sink->known); /* keys go */
    enum bf_status status = list_gone(sink, &gone, err);
    status = status == BF_OK ? sweep(sink, view->city, gone, view->generation, err) : status;
    if (status == BF_OK) {
        bf_log(BF_LOG_INFO, "sink.redis.adopted", "generation=%" PRId64 " removed=%s", view->generation,
               gone[0] ? gone : "none");
        sink->swept = view->generation;
    }
    free(gone);
    return status;
}

enum bf_status bf__redis_clear(struct bf__redis_sink *sink, struct bf_err *err)
{
    size_t kept = sink->kpi_count;
    char *gone = NULL;
    sink->kpi_count = 0; /* nothing stays */
    enum bf_status status = list_gone(sink, &gone, err);
    status = status == BF_OK ? sweep(sink, NULL, gone, 0, err) : status;
    sink->kpi_count = kept;
    free(gone);
    if (status != BF_OK) {
        return status;
    }
    struct bf_reply reply;
    bf__words_reset(&sink->words);
    bf__words_put_int(&sink->words, sink->options.partitions);
    return bf__redis_step(sink, BF_SLICE("anew"), &reply, err);
}
