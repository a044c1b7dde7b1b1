/* Why: the newest first, since somebody is at a device right now; the sums, since one loud device hides ten
 * quiet ones. Declined: the payload itself: it may be personal, and `--json` says where it lies. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/json_text.h"
#include "cli/pace.h"
#include "cli/rejects.h"
#include "core/time.h"

#define POLL_MS 200
#define REASONS_MAX 64

/* What is kept of one for printing; texts are cut. */
struct row {
    int64_t appended_ms, at_us, offset;
    int32_t partition;
    uint64_t payload_len;
    bool whole, by_profile;
    char reason[40], profile[80], place[200], detail[300]; /* place: topic, else source */
};

struct reason {
    char name[40];
    uint64_t count;
};

struct list {
    const struct bf_rejects *rejects;
    struct row *rows; /* ascending by time; the newest `newest` */
    size_t count;
    struct reason reasons[REASONS_MAX];
    size_t reason_count;
    uint64_t all;
};

static void copy(char *to, size_t size, struct bf_slice from)
{
    (void)snprintf(to, size, "%.*s", BF_SLICE_ARG(from));
    for (char *at = to; *at != '\0'; at++) { /* it comes from outside and goes to a terminal */
        *at = (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at;
    }
}

static struct row row_of(const struct bf_rejected *rejected)
{
    const struct bf_reject *reject = &rejected->reject;
    struct row row = {.appended_ms = rejected->appended_ms,
                      .at_us = reject->at_us,
                      .offset = rejected->offset,
                      .partition = rejected->partition,
                      .payload_len = reject->payload_len,
                      .whole = reject->whole,
                      .by_profile = reject->by_profile};
    copy(row.reason, sizeof row.reason, reject->reason);
    copy(row.profile, sizeof row.profile, reject->profile);
    copy(row.place, sizeof row.place, reject->topic.len > 0 ? reject->topic : reject->source);
    copy(row.detail, sizeof row.detail, reject->detail);
    return row;
}

static void print_person(const struct row *row)
{
    char when[40];
    printf("%s %s %s %s\n", bf_time_format(row->at_us, when, sizeof when), row->reason,
           row->profile[0] != '\0' ? row->profile : "-", row->place);
    if (row->detail[0] != '\0') {
        printf("    %s%s\n", row->detail, row->whole ? "" : " (a part; the rest of its message counts)");
    }
}

static void print_text(const char *name, const char *text)
{
    printf(",\"%s\":", name);
    bf_json_text(stdout, bf_slice_of(text));
}

static void print_json(const struct row *row)
{
    char when[40];
    printf("{\"at\":\"%s\"", bf_time_format(row->at_us, when, sizeof when));
    print_text("reason", row->reason);
    print_text("profile", row->profile);
    print_text("place", row->place);
    print_text("detail", row->detail);
    printf(",\"payload_bytes\":%llu,\"whole\":%s,\"by_profile\":%s,\"partition\":%d,\"offset\":%lld}\n",
           (unsigned long long)row->payload_len, row->whole ? "true" : "false",
           row->by_profile ? "true" : "false", (int)row->partition, (long long)row->offset);
}

static void count(struct list *list, const struct row *row)
{
    size_t i = 0;
    while (i < list->reason_count && strcmp(list->reasons[i].name, row->reason) != 0) {
        i++;
    }
    list->all++;
    if (i == list->reason_count && i < REASONS_MAX) {
        memcpy(list->reasons[list->reason_count++].name, row->reason, sizeof row->reason);
    }
    if (i < REASONS_MAX) {
        list->reasons[i].count++;
    }
}

/* Keeps the newest, in the order of their writing; partitions come interleaved. */
static void keep(struct list *list, const struct row *row)
{
    size_t room = (size_t)list->rejects->newest;
    if (room == 0 || (list->count == room && row->appended_ms < list->rows[0].appended_ms)) {
        return;
    }
    if (list->count == room) {
        memmove(&list->rows[0], &list->rows[1], --list->count * sizeof *list->rows);
    }
    size_t at = list->count++;
    while (at > 0 && list->rows[at - 1].appended_ms > row->appended_ms) {
        list->rows[at] = list->rows[at - 1];
        at--;
    }
    list->rows[at] = *row;
}

static void print_row(const struct list *list, const struct row *row)
{
    (list->rejects->json ? print_json : print_person)(row);
}

static int by_count(const void *left, const void *right)
{
    const struct reason *a = left, *b = right;
    return a->count != b->count ? (a->count < b->count ? 1 : -1) : strcmp(a->name, b->name);
}

static void print_sums(struct list *list)
{
    qsort(list->reasons, list->reason_count, sizeof list->reasons[0], by_count);
    if (list->rejects->json) {
        printf("{\"rejects\":%llu,\"reasons\":{", (unsigned long long)list->all);
    } else {
        printf("%s%llu rejects\n", list->count > 0 ? "\n" : "", (unsigned long long)list->all);
    }
    for (size_t i = 0; i < list->reason_count; i++) {
        const struct reason *reason = &list->reasons[i];
        if (list->rejects->json) {
            fputs(i > 0 ? "," : "", stdout);
            bf_json_text(stdout, bf_slice_of(reason->name));
            printf(":%llu", (unsigned long long)reason->count);
        } else {
            printf("  %-16s %10llu\n", reason->name, (unsigned long long)reason->count);
        }
    }
    fputs(list->rejects->json ? "}}\n" : "", stdout);
}

static enum bf_status follow(struct list *list, struct bf_err *err)
{
    while (!bf_pace_stopped()) {
        struct bf_rejected rejected;
        (void)fflush(stdout);
        enum bf_status status = bf_reject_log_next(list->rejects->log, POLL_MS, &rejected, err);
        if (status == BF_OK && bf_reject_matches(&rejected, &list->rejects->filter)) {
            const struct row row = row_of(&rejected);
            print_row(list, &row);
        } else if (status != BF_OK && status != BF_AGAIN) {
            return status;
        }
    }
    return BF_OK;
}

enum bf_status bf_rejects_list(const struct bf_rejects *rejects, struct bf_err *err)
{
    static struct list list;
    list = (struct list){.rejects = rejects};
    list.rows = calloc((size_t)rejects->newest + 1, sizeof *list.rows);
    enum bf_status status = list.rows == NULL ? bf_err_set(err, BF_LIMIT, "no memory for %llu rejects",
                                                           (unsigned long long)rejects->newest)
                                              : BF_OK;
    while (status == BF_OK && !bf_pace_stopped()) {
        struct bf_rejected rejected;
        status = bf_reject_log_next(rejects->log, 0, &rejected, err);
        if (status == BF_OK && bf_reject_matches(&rejected, &rejects->filter)) {
            const struct row row = row_of(&rejected);
            count(&list, &row);
            keep(&list, &row);
        }
    }
    status = status == BF_AGAIN ? BF_OK : status;
    for (size_t i = 0; status == BF_OK && i < list.count; i++) {
        print_row(&list, &list.rows[i]);
    }
    if (status == BF_OK) {
        print_sums(&list);
    }
    free(list.rows);
    return status == BF_OK && rejects->follow ? follow(&list, err) : status;
}
