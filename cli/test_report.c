/* test_report.c: see test_report.h. */
#include "cli/test_report.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/screen.h"

enum bf_status bf_test_report_begin(struct bf_test_report *report, struct bf_err *err)
{
    report->colours = !report->tap && bf_screen_colours(stdout);
    if (report->tap) {
        fputs("TAP version 14\n", stdout);
    }
    if (report->junit != NULL) {
        report->cases = open_memstream(&report->text, &report->size);
        if (report->cases == NULL) {
            return bf_err_set(err, BF_LIMIT, "no memory");
        }
    }
    return BF_OK;
}

/* Calls `line` with each line of the text. */
static void each_line(const char *text, void (*line)(void *context, struct bf_slice line), void *context)
{
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        size_t len = end != NULL ? (size_t)(end - text) : strlen(text);
        line(context, (struct bf_slice){text, len});
        text += end != NULL ? len + 1 : len;
    }
}

static void print_person(void *context, struct bf_slice line)
{
    const struct bf_test_report *report = context;
    enum bf_ink ink = line.data[0] == '-' ? BF_INK_RED : line.data[0] == '+' ? BF_INK_GREEN : BF_INK_FAINT;
    printf("    %s%.*s%s\n", bf_screen_ink(report->colours, ink), BF_SLICE_ARG(line),
           bf_screen_ink(report->colours, BF_INK_PLAIN));
}

static void print_tap(void *context, struct bf_slice line)
{
    (void)context;
    printf("    %.*s\n", BF_SLICE_ARG(line));
}

/* Text of an XML element or attribute; what XML cannot hold becomes '?'. */
static void put_xml(FILE *out, struct bf_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        switch (c) {
        case '<':
            fputs("&lt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\n':
            fputs("&#10;", out);
            break;
        default:
            fputc(c < 0x20 && c != '\t' ? '?' : c, out);
            break;
        }
    }
}

static void put_junit(struct bf_test_report *report, const struct bf_test_case *one)
{
    FILE *out = report->cases;
    fputs("  <testcase classname=\"", out);
    put_xml(out, one->profile);
    fputs("\" name=\"", out);
    put_xml(out, bf_slice_of(one->name));
    fprintf(out, "\" time=\"%.6f\"", (double)one->spent_us / 1e6);
    if (one->difference == NULL) {
        fputs("/>\n", out);
        return;
    }
    fputs(">\n    <failure message=\"", out);
    put_xml(out, bf_slice_of(one->place));
    fputs("\">", out);
    put_xml(out, bf_slice_of(one->difference));
    fputs("</failure>\n  </testcase>\n", out);
}

void bf_test_report_case(struct bf_test_report *report, const struct bf_test_case *one)
{
    bool good = one->difference == NULL;
    report->count++;
    report->failed += !good;
    if (report->tap) {
        printf("%s %llu - %.*s %s\n", good ? "ok" : "not ok", (unsigned long long)report->count,
               BF_SLICE_ARG(one->profile), one->name);
    }
    if (report->tap && !good) {
        printf("  ---\n  at: %s\n  difference: |\n", one->place);
        each_line(one->difference, print_tap, NULL);
        puts("  ...");
    } else if (!good) {
        printf("%snot ok%s  %s\n        %.*s, %s\n", bf_screen_ink(report->colours, BF_INK_RED),
               bf_screen_ink(report->colours, BF_INK_PLAIN), one->place, BF_SLICE_ARG(one->profile),
               one->name);
        each_line(one->difference, print_person, report);
    }
    if (report->cases != NULL) {
        put_junit(report, one);
    }
}

void bf_test_report_profile(struct bf_test_report *report, struct bf_slice profile, uint64_t count,
                            uint64_t failed)
{
    report->profiles++;
    report->empty += count == 0;
    if (report->tap) {
        return;
    }
    enum bf_ink ink = failed > 0 ? BF_INK_RED : count > 0 ? BF_INK_GREEN : BF_INK_YELLOW;
    printf("%s%-6s%s  %-40.*s %llu example%s\n", bf_screen_ink(report->colours, ink),
           failed > 0  ? "not ok"
           : count > 0 ? "ok"
                       : "none",
           bf_screen_ink(report->colours, BF_INK_PLAIN), BF_SLICE_ARG(profile), (unsigned long long)count,
           count == 1 ? "" : "s");
}

static enum bf_status write_junit(struct bf_test_report *report, struct bf_err *err)
{
    FILE *file = fopen(report->junit, "we");
    if (file == NULL) {
        return bf_err_set(err, BF_CONFIG, "could not write %s: %s", report->junit, strerror(errno));
    }
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"belfry test\" tests=\"%llu\" failures=\"%llu\">\n%s</testsuite>\n",
            (unsigned long long)report->count, (unsigned long long)report->failed, report->text);
    bool good = ferror(file) == 0;
    return fclose(file) == 0 && good
               ? BF_OK
               : bf_err_set(err, BF_CONFIG, "could not write %s: %s", report->junit, strerror(errno));
}

enum bf_status bf_test_report_end(struct bf_test_report *report, struct bf_err *err)
{
    enum bf_status status = BF_OK;
    if (report->tap) {
        printf("1..%llu\n", (unsigned long long)report->count);
    } else {
        printf("\n%llu example%s of %llu profile%s: %llu as expected, %llu not\n",
               (unsigned long long)report->count, report->count == 1 ? "" : "s",
               (unsigned long long)report->profiles, report->profiles == 1 ? "" : "s",
               (unsigned long long)(report->count - report->failed), (unsigned long long)report->failed);
    }
    if (report->cases != NULL) {
        fclose(report->cases);
        status = write_junit(report, err);
        free(report->text);
    }
    return status;
}
