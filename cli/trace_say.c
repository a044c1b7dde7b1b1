/* Why: what a person reads and what a program reads of the same events, apart from where they come from.
 * Declined: a table: the lines come over a minute, and each must be there at once. */
#include "cli/trace_say.h"

#include <stdio.h>

#include "cli/json_text.h"
#include "core/time.h"

#define LINE 80

/* ---- for a person: a line of at most 79 columns each */

static void print_line(bool colour, const char *front, const char *rest)
{
    char line[LINE];
    int len = snprintf(line, sizeof line, "%s%s", front, rest);
    size_t end = len < (int)sizeof line ? (size_t)len : sizeof line - 1;
    while (end > 0 && end == sizeof line - 1 && (line[end - 1] & 0x80) != 0) {
        end--; /* a character that was cut */
    }
    for (size_t i = 0; i < end; i++) { /* it comes from outside and goes to a terminal */
        line[i] = (unsigned char)line[i] < 0x20 || line[i] == 0x7f ? '?' : line[i];
    }
    size_t head = strlen(front) < end ? strlen(front) : end;
    printf("%s%.*s%s%.*s\n", colour ? "\033[36m" : "", (int)head, line, colour ? "\033[0m" : "",
           (int)(end - head), line + head);
}

static void print_heard(bool colour, const struct bf_trail_event *event)
{
    const struct bf_heard *heard = event->heard;
    char front[32], rest[600], when[40];
    (void)snprintf(front, sizeof front, "#%llu ", (unsigned long long)event->message);
    (void)snprintf(rest, sizeof rest, "%s %s, %zu bytes%s", bf_time_format(heard->wall_us, when, sizeof when),
                   heard->topic, heard->payload_len, heard->retained ? ", retained" : "");
    print_line(colour, front, rest);
    if (heard->readings > 0) {
        (void)snprintf(rest, sizeof rest, "%s", heard->text);
        print_line(colour, "   ", rest);
        (void)snprintf(rest, sizeof rest, "of %s%s; %zu results of KPIs%s",
                       bf_time_format(heard->event_us, when, sizeof when),
                       heard->estimated ? " (its arrival)" : "", heard->interest_count,
                       heard->more_interests > 0 ? " and more" : "");
        print_line(colour, "   ", rest);
    }
    if (heard->reason[0] != '\0') {
        (void)snprintf(rest, sizeof rest, "%s: %s", heard->reason, heard->detail);
        print_line(colour, heard->readings > 0 ? "   a part is refused: " : "   is refused: ", rest);
    }
    if (heard->payload_len > BF_EAR_FOLLOWED) {
        print_line(colour, "   ", "is too long to be followed into the log");
    }
}

static void print_stage(bool colour, const struct bf_trail_event *event)
{
    char front[40], rest[600];
    (void)snprintf(front, sizeof front, "#%llu %+9.3f s  ", (unsigned long long)event->message,
                   (double)event->after_us / (double)BF_US_PER_S);
    switch (event->stage) {
    case BF_TRAIL_LOG:
        (void)snprintf(rest, sizeof rest, "belfry.readings, partition %d, offset %lld%s",
                       (int)event->partition, (long long)event->offset,
                       event->dup ? " (redelivered by the broker)" : "");
        break;
    case BF_TRAIL_REJECT:
        (void)snprintf(rest, sizeof rest, "belfry.rejects, %.*s: %.*s", BF_SLICE_ARG(event->reason),
                       BF_SLICE_ARG(event->detail));
        break;
    case BF_TRAIL_KPI: {
        char value[40] = "none";
        if (event->has_value) {
            (void)snprintf(value, sizeof value, "%.6g", event->value);
        }
        (void)snprintf(rest, sizeof rest, "%.*s %.*s %s: %s (n %llu)", BF_SLICE_ARG(event->kpi),
                       BF_SLICE_ARG(event->scope), event->final ? "final" : "open", value,
                       (unsigned long long)event->n);
        break;
    }
    case BF_TRAIL_REDIS:
    case BF_TRAIL_MQTT:
    default:
        (void)snprintf(rest, sizeof rest, "Redis: %.*s %.*s %s", BF_SLICE_ARG(event->kpi),
                       BF_SLICE_ARG(event->scope), event->final ? "final" : "open");
        break;
    }
    if (event->others > 0) {
        size_t used = strlen(rest);
        (void)snprintf(rest + used, sizeof rest - used, ", of %llu messages before, too",
                       (unsigned long long)event->others);
    }
    print_line(colour, front, rest);
}

/* ---- for a program */

static void json_text(const char *name, struct bf_slice text)
{
    printf(",\"%s\":", name);
    bf_json_text(stdout, text);
}

static void json_heard(const struct bf_heard *heard)
{
    char when[40];
    printf(",\"at\":\"%s\"", bf_time_format(heard->wall_us, when, sizeof when));
    json_text("topic", bf_slice_of(heard->topic));
    printf(",\"bytes\":%zu,\"retained\":%s,\"readings\":%zu,\"kpis\":%zu", heard->payload_len,
           heard->retained ? "true" : "false", heard->readings, heard->interest_count);
    if (heard->readings > 0) {
        json_text("text", bf_slice_of(heard->text));
        printf(",\"event\":\"%s\",\"estimated\":%s", bf_time_format(heard->event_us, when, sizeof when),
               heard->estimated ? "true" : "false");
    }
    if (heard->reason[0] != '\0') {
        json_text("reason", bf_slice_of(heard->reason));
        json_text("detail", bf_slice_of(heard->detail));
    }
}

void bf_trace_say_json(const struct bf_trail_event *event)
{
    static const char *const stages[] = {[BF_TRAIL_MQTT] = "mqtt",
                                         [BF_TRAIL_LOG] = "log",
                                         [BF_TRAIL_REJECT] = "reject",
                                         [BF_TRAIL_KPI] = "kpi",
                                         [BF_TRAIL_REDIS] = "redis"};
    printf("{\"message\":%llu,\"stage\":\"%s\",\"after_ms\":%.3f", (unsigned long long)event->message,
           stages[event->stage], (double)event->after_us / (double)BF_US_PER_MS);
    if (event->stage == BF_TRAIL_MQTT) {
        json_heard(event->heard);
    } else if (event->stage == BF_TRAIL_LOG) {
        printf(",\"partition\":%d,\"offset\":%lld,\"dup\":%s", (int)event->partition,
               (long long)event->offset, event->dup ? "true" : "false");
    } else if (event->stage == BF_TRAIL_REJECT) {
        json_text("reason", event->reason);
        json_text("detail", event->detail);
    } else {
        json_text("kpi", event->kpi);
        json_text("scope", event->scope);
        printf(",\"window_start_ms\":%lld,\"window_end_ms\":%lld,\"final\":%s,\"others\":%llu",
               (long long)(event->start_us / BF_US_PER_MS), (long long)(event->end_us / BF_US_PER_MS),
               event->final ? "true" : "false", (unsigned long long)event->others);
    }
    if (event->stage == BF_TRAIL_KPI) {
        printf(",\"n\":%llu", (unsigned long long)event->n);
        if (event->has_value) {
            printf(",\"value\":%.17g", event->value);
        }
    }
    puts("}");
}

void bf_trace_say_person(const struct bf_trail_event *event, bool colour)
{
    if (event->stage == BF_TRAIL_MQTT) {
        print_heard(colour, event);
    } else {
        print_stage(colour, event);
    }
}
