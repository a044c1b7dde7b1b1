/* tap_say.c: a line for each thing that `belfry tap` sees. See tap.h. Lines of MQTT messages, rejects among
 * them, can be read again as a capture (cli/capture.h). */
#include <stdlib.h>

#include "cli/json_text.h"
#include "cli/reading_text.h"
#include "cli/tap.h"
#include "core/byte_text.h"
#include "core/number.h"
#include "core/time.h"
#include "ingest/decode/text.h"

#define SHOWN 300 /* bytes of a payload for a person */

/* What comes from outside and goes to a terminal: no orders for it. */
static void put_safe(struct bf_slice text, size_t most)
{
    for (size_t i = 0; i < text.len && i < most; i++) {
        unsigned char c = (unsigned char)text.data[i];
        putchar(c < 0x20 || c == 0x7f ? '?' : c);
    }
    fputs(text.len > most ? " ..." : "", stdout);
}

static void put(const char *front, struct bf_slice text)
{
    fputs(front, stdout);
    bf_json_text(stdout, text);
}

static void put_head(const struct bf_tap *tap, int64_t at_us)
{
    char when[40];
    bf_time_format(at_us, when, sizeof when);
    if (tap->json) {
        printf("{\"tap\":\"%s\",\"at\":\"%s\"", bf_tap_stages[tap->stage], when);
    } else {
        printf("%s ", when);
    }
}

/* As text where it is that; else in base64. */
static void put_payload(struct bf_slice payload)
{
    if (bf_text_utf8(payload)) {
        put(",\"payload\":", payload);
        return;
    }
    char *text = malloc(payload.len / 3 * 4 + 8);
    if (text != NULL) {
        size_t len = bf_base64_encode(payload, text);
        printf(",\"payload_base64\":\"%.*s\"", (int)len, text);
        free(text);
    }
}

void bf_tap_say_message(const struct bf_tap *tap, const struct bf_tap_message *message)
{
    put_head(tap, message->at_us);
    if (tap->json) {
        put(",\"topic\":", message->topic);
        put_payload(message->payload);
        printf(",\"retained\":%s}\n", message->retained ? "true" : "false");
        return;
    }
    put_safe(message->topic, message->topic.len);
    fputs(message->retained ? " (retained) " : " ", stdout);
    put_safe(message->payload, SHOWN);
    putchar('\n');
}

void bf_tap_say_reading(const struct bf_tap *tap, const struct bf_reading *reading)
{
    char value[BF_READING_TEXT], quality[BF_READING_TEXT], reasons[BF_READING_TEXT], time[BF_READING_TEXT];
    put_head(tap, reading->ingest_us);
    if (tap->json) {
        fputs(",\"reading\":", stdout);
        bf_reading_json(stdout, reading);
        puts("}");
        return;
    }
    put_safe(reading->source, reading->source.len);
    bf_reading_text(reading, BF_EXAMPLE_FIELD_value, value);
    bf_reading_text(reading, BF_EXAMPLE_FIELD_quality, quality);
    bf_reading_text(reading, BF_EXAMPLE_FIELD_reasons, reasons);
    printf(" %.*s ", BF_SLICE_ARG(reading->quantity));
    put_safe(bf_slice_of(value), SHOWN);
    printf(" %.*s %s%s%s", BF_SLICE_ARG(reading->unit), quality, reasons[0] != '\0' ? ": " : "", reasons);
    if (reading->zone.len > 0) {
        fputs(" in ", stdout);
        put_safe(reading->zone, reading->zone.len);
    }
    printf(" of %s\n", bf_reading_text(reading, BF_EXAMPLE_FIELD_time, time));
}

void bf_tap_say_reject(const struct bf_tap *tap, const struct bf_reject *reject)
{
    put_head(tap, reject->at_us);
    if (tap->json) {
        put(",\"reason\":", reject->reason);
        put(",\"detail\":", reject->detail);
        put(",\"profile\":", reject->profile);
        put(",\"source\":", reject->source);
        printf(",\"whole\":%s,\"bytes\":%llu", reject->whole ? "true" : "false",
               (unsigned long long)reject->payload_len);
        if (reject->topic.len > 0 &&
            reject->payload.len == reject->payload_len) { /* it can be played again */
            put(",\"topic\":", reject->topic);
            put_payload(reject->payload);
        } else if (reject->topic.len > 0) {
            put(",\"of_topic\":", reject->topic);
        }
        puts("}");
        return;
    }
    printf("%.*s %.*s ", BF_SLICE_ARG(reject->reason), reject->profile.len > 0 ? (int)reject->profile.len : 1,
           reject->profile.len > 0 ? reject->profile.data : "-");
    put_safe(reject->topic.len > 0 ? reject->topic : reject->source, SHOWN);
    fputs(": ", stdout);
    put_safe(reject->detail, SHOWN);
    fputs(reject->whole ? "\n" : " (a part)\n", stdout);
}

void bf_tap_say_kpi(const struct bf_tap *tap, const struct bf_kpi *kpi)
{
    char value[BF_NUMBER_MAX + 1] = "null", start[40], end[40];
    if (kpi->has_value) {
        value[bf_number_format(kpi->value, value)] = '\0';
    }
    bf_time_format(kpi->start_us, start, sizeof start);
    bf_time_format(kpi->end_us, end, sizeof end);
    put_head(tap, kpi->clock_us);
    if (!tap->json) {
        printf("%.*s %.*s %s %.*s, n %llu, %s to %s, %s", BF_SLICE_ARG(kpi->kpi), BF_SLICE_ARG(kpi->scope),
               kpi->has_value ? value : "none", BF_SLICE_ARG(kpi->unit), (unsigned long long)kpi->n, start,
               end, kpi->phase == BF_KPI_FINAL ? "final" : "open");
        if (kpi->revision > 0) {
            printf(", revision %u", kpi->revision);
        }
        putchar('\n');
        return;
    }
    put(",\"kpi\":", kpi->kpi);
    put(",\"scope\":", kpi->scope);
    printf(",\"value\":%s", value);
    put(",\"unit\":", kpi->unit);
    printf(",\"n\":%llu,\"window_start_ms\":%lld,\"window_end_ms\":%lld,\"final\":%s,\"revision\":%u}\n",
           (unsigned long long)kpi->n, (long long)(kpi->start_us / BF_US_PER_MS),
           (long long)(kpi->end_us / BF_US_PER_MS), kpi->phase == BF_KPI_FINAL ? "true" : "false",
           kpi->revision);
}

void bf_tap_say_record(const struct bf_tap *tap, const struct bf_incoming *incoming)
{
    struct bf_slice key = incoming->has_key ? incoming->key : (struct bf_slice){.data = "", .len = 0};
    put_head(tap, incoming->appended_ms * BF_US_PER_MS);
    if (tap->json) {
        put(",\"key\":", bf_text_utf8(key) ? key : BF_SLICE("?"));
        put_payload(incoming->value);
        puts("}");
        return;
    }
    put_safe(key, SHOWN);
    putchar(' ');
    put_safe(incoming->value, SHOWN);
    putchar('\n');
}
