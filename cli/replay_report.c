/* Why: the loop in replay_log.c is about records; what a person reads has its own shape.
 * Declined: colours: what differs is a table, not an alarm. */
#include "cli/replay_report.h"

#include "cli/json_text.h"
#include "core/time.h"

static const char *const kinds[] = {[BF_COMPARE_VALUE] = "differs",
                                    [BF_COMPARE_MISSING] = "only on record",
                                    [BF_COMPARE_SURPLUS] = "not on record"};

static const char *reason_of(const struct bf_compare_kpi *kpi, const struct bf_compare_difference *difference)
{
    if (difference->redefined || (difference->kind == BF_COMPARE_SURPLUS && kpi->redefined)) {
        return "definition changed";
    }
    if (kpi->on_record == 0) {
        return "new KPI";
    }
    if (difference->kind == BF_COMPARE_VALUE && difference->old.n == difference->new.n &&
        difference->old.has_value == difference->new.has_value &&
        (!difference->old.has_value ||
         memcmp(&difference->old.value, &difference->new.value, sizeof(double)) == 0)) {
        return "same value, other target, band, range or quality";
    }
    return "";
}

/* ---- for a person */

static void print_result(FILE *out, const struct bf_compare_result *result)
{
    if (result->has_value) {
        fprintf(out, "%.10g", result->value);
    } else {
        fputs("none", out);
    }
    fprintf(out, " (n %llu)", (unsigned long long)result->n);
}

static void print_difference(FILE *out, const struct bf_compare_kpi *kpi,
                             const struct bf_compare_difference *difference)
{
    char start[40];
    const char *reason = reason_of(kpi, difference);
    fprintf(out, "  %.*s %s, %s: ", BF_SLICE_ARG(kpi->id), difference->scope,
            bf_time_format(difference->start_us, start, sizeof start));
    if (difference->kind != BF_COMPARE_SURPLUS) {
        print_result(out, &difference->old);
    }
    if (difference->kind == BF_COMPARE_VALUE) {
        fputs(" -> ", out);
    }
    if (difference->kind != BF_COMPARE_MISSING) {
        print_result(out, &difference->new);
    }
    if (difference->kind != BF_COMPARE_VALUE) {
        fprintf(out, " %s", kinds[difference->kind]);
    }
    fprintf(out, "%s%s%s\n", difference->revision ? " in its revision" : "", reason[0] ? "; " : "", reason);
}

static void print_comparison(FILE *out, const struct bf_replay_report *report)
{
    const struct bf_comparison *comparison = report->comparison;
    uint64_t equal = 0, other = 0;
    fprintf(out, "\n%-24s %9s %9s %9s %9s %9s\n", "windows of", "equal", "differ", "missing", "new",
            "left out");
    for (size_t i = 0; i < bf_comparison_kpis(comparison); i++) {
        const struct bf_compare_kpi kpi = bf_comparison_kpi(comparison, i);
        fprintf(out, "%-24.*s %9llu %9llu %9llu %9llu %9llu\n", BF_SLICE_ARG(kpi.id),
                (unsigned long long)kpi.equal, (unsigned long long)kpi.different,
                (unsigned long long)kpi.missing, (unsigned long long)kpi.surplus,
                (unsigned long long)kpi.left_out);
        equal += kpi.equal;
        other += kpi.different + kpi.missing + kpi.surplus;
    }
    for (size_t i = 0; i < bf_comparison_kpis(comparison); i++) {
        const struct bf_compare_kpi kpi = bf_comparison_kpi(comparison, i);
        uint64_t all = kpi.different + kpi.missing + kpi.surplus;
        for (size_t d = 0; d < kpi.shown_count; d++) {
            print_difference(out, &kpi, &kpi.shown[d]);
        }
        if (all > kpi.shown_count && kpi.shown_count > 0) {
            fprintf(out, "  %.*s: and %llu more (--show)\n", BF_SLICE_ARG(kpi.id),
                    (unsigned long long)(all - kpi.shown_count));
        }
    }
    if (bf_comparison_gone(comparison) > 0) {
        fprintf(out, "%llu results on record are of KPIs that the new configuration does not have\n",
                (unsigned long long)bf_comparison_gone(comparison));
    }
    if (report->last_us == BF_TIME_NONE && report->sums.last_us != BF_TIME_NONE) {
        fputs("Not every task of stage 2 has written to belfry.kpis yet: there is nothing to compare with.\n",
              out);
    } else if (bf_comparison_equal(comparison)) {
        fprintf(out, equal > 0 ? "%llu windows, no difference.\n" : "No window lies in this range.\n",
                (unsigned long long)equal);
    } else {
        fprintf(out, "%llu windows are equal, %llu are not.\n", (unsigned long long)equal,
                (unsigned long long)other);
    }
}

static void print_person(const struct bf_replay_report *report, FILE *out)
{
    const struct bf_task_counters *readings = &report->sums.readings;
    char from[40], to[40];
    fprintf(out, "%llu readings in %.1f s: %.0f a second, %.0f a second of CPU time%s\n",
            (unsigned long long)readings->readings, report->seconds,
            report->seconds > 0 ? (double)readings->readings / report->seconds : 0,
            report->cpu_seconds > 0 ? (double)readings->readings / report->cpu_seconds : 0,
            report->stopped ? " (stopped)" : "");
    fprintf(out, "%llu finals, %llu revisions, of windows from %s to %s\n",
            (unsigned long long)report->finals, (unsigned long long)report->revisions,
            report->from_us == BF_TIME_NONE ? "the beginning"
                                            : bf_time_format(report->from_us, from, sizeof from),
            bf_time_format(report->last_us, to, sizeof to));
    fprintf(out,
            "not counted: %llu duplicate, %llu of older connections, %llu content, %llu late, %llu at a "
            "limit\n",
            (unsigned long long)readings->duplicate, (unsigned long long)readings->older,
            (unsigned long long)readings->content, (unsigned long long)readings->late,
            (unsigned long long)(readings->limit + report->sums.refused));
    if (report->last_us == BF_TIME_NONE) {
        fputs("A partition has no tick in this range, so no window of a zone or of the city closes.\n", out);
    }
    if (report->topic_prefix != NULL) {
        fprintf(out, "written to %s.kpis\n", report->topic_prefix);
    }
    if (report->comparison != NULL) {
        print_comparison(out, report);
    }
}

/* ---- for a program */

static void json_time(FILE *out, const char *name, int64_t time_us)
{
    char text[40];
    fprintf(out, "\"%s\":", name);
    if (time_us == BF_TIME_NONE) {
        fputs("null", out);
    } else {
        bf_json_text(out, bf_slice_of(bf_time_format(time_us, text, sizeof text)));
    }
    fputc(',', out);
}

static void json_result(FILE *out, const char *name, const struct bf_compare_result *result)
{
    fprintf(out, ",\"%s\":{\"value\":", name);
    if (result->has_value) {
        fprintf(out, "%.17g", result->value);
    } else {
        fputs("null", out);
    }
    fprintf(out, ",\"n\":%llu}", (unsigned long long)result->n);
}

static void json_difference(FILE *out, const struct bf_compare_kpi *kpi,
                            const struct bf_compare_difference *difference)
{
    fputc('{', out);
    json_time(out, "start", difference->start_us);
    json_time(out, "end", difference->end_us);
    fputs("\"scope\":", out);
    bf_json_text(out, bf_slice_of(difference->scope));
    fprintf(out, ",\"kind\":\"%s\",\"revision\":%s,\"why\":\"%s\"", kinds[difference->kind],
            difference->revision ? "true" : "false", reason_of(kpi, difference));
    if (difference->kind != BF_COMPARE_SURPLUS) {
        json_result(out, "old", &difference->old);
    }
    if (difference->kind != BF_COMPARE_MISSING) {
        json_result(out, "new", &difference->new);
    }
    fputc('}', out);
}

static void json_comparison(FILE *out, const struct bf_comparison *comparison)
{
    fprintf(out, ",\"compared\":{\"same\":%s,\"gone\":%llu,\"kpis\":[",
            bf_comparison_equal(comparison) ? "true" : "false",
            (unsigned long long)bf_comparison_gone(comparison));
    for (size_t i = 0; i < bf_comparison_kpis(comparison); i++) {
        const struct bf_compare_kpi kpi = bf_comparison_kpi(comparison, i);
        fputs(i > 0 ? ",{\"kpi\":" : "{\"kpi\":", out);
        bf_json_text(out, kpi.id);
        fprintf(out,
                ",\"equal\":%llu,\"different\":%llu,\"missing\":%llu,\"new\":%llu,\"left_out\":%llu,"
                "\"differences\":[",
                (unsigned long long)kpi.equal, (unsigned long long)kpi.different,
                (unsigned long long)kpi.missing, (unsigned long long)kpi.surplus,
                (unsigned long long)kpi.left_out);
        for (size_t d = 0; d < kpi.shown_count; d++) {
            fputs(d > 0 ? "," : "", out);
            json_difference(out, &kpi, &kpi.shown[d]);
        }
        fputs("]}", out);
    }
    fputs("]}", out);
}

static void print_json(const struct bf_replay_report *report, FILE *out)
{
    const struct bf_task_counters *readings = &report->sums.readings;
    fprintf(out, "{\"readings\":%llu,\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"stopped\":%s,",
            (unsigned long long)readings->readings, report->seconds, report->cpu_seconds,
            report->stopped ? "true" : "false");
    json_time(out, "from", report->from_us);
    json_time(out, "to", report->last_us);
    fprintf(out,
            "\"finals\":%llu,\"revisions\":%llu,\"duplicate\":%llu,\"older\":%llu,\"content\":%llu,"
            "\"malformed\":%llu,\"late\":%llu,\"limit\":%llu",
            (unsigned long long)report->finals, (unsigned long long)report->revisions,
            (unsigned long long)readings->duplicate, (unsigned long long)readings->older,
            (unsigned long long)readings->content, (unsigned long long)readings->malformed,
            (unsigned long long)readings->late, (unsigned long long)(readings->limit + report->sums.refused));
    if (report->topic_prefix != NULL) {
        fputs(",\"into\":", out);
        bf_json_text(out, bf_slice_of(report->topic_prefix));
    }
    if (report->comparison != NULL) {
        json_comparison(out, report->comparison);
    }
    fputs("}\n", out);
}

void bf_replay_report_print(const struct bf_replay_report *report, FILE *out)
{
    (report->json ? print_json : print_person)(report, out);
}
