/* reading_text.c: a row for each field. See reading_text.h. */
#include "cli/reading_text.h"

#include "cli/json_text.h"
#include "core/number.h"

#define SAY(name) static void say_##name(const struct bf_reading *reading, char text[BF_READING_TEXT])

static void put_slice(char text[BF_READING_TEXT], struct bf_slice slice)
{
    size_t len = slice.len < BF_READING_TEXT - 1 ? slice.len : BF_READING_TEXT - 1;
    if (len > 0) {
        memcpy(text, slice.data, len);
    }
    text[len] = '\0';
}

static void put_number(char text[BF_READING_TEXT], double number)
{
    text[bf_number_format(number, text)] = '\0';
}

static void put_value(char text[BF_READING_TEXT], const struct bf_value *value)
{
    switch (value->kind) {
    case BF_VALUE_INT:
        text[bf_number_format_int(value->as.integer, text)] = '\0';
        break;
    case BF_VALUE_BOOL:
        put_slice(text, bf_slice_of(value->as.truth ? "true" : "false"));
        break;
    case BF_VALUE_TEXT:
        put_slice(text, value->as.text);
        break;
    case BF_VALUE_DOUBLE:
    default:
        put_number(text, value->as.number);
        break;
    }
}

SAY(quantity)
{
    put_slice(text, reading->quantity);
}

SAY(value)
{
    put_value(text, &reading->value);
}

SAY(unit)
{
    put_slice(text, reading->unit);
}

SAY(source)
{
    put_slice(text, reading->source);
}

SAY(device)
{
    put_slice(text, bf_reading_device(reading->source));
}

SAY(time)
{
    (void)bf_time_format(reading->event_us, text, BF_READING_TEXT);
}

SAY(time_source)
{
    static const char *const names[] = {[BF_TIME_DEVICE] = "device",
                                        [BF_TIME_GATEWAY] = "gateway",
                                        [BF_TIME_BROKER] = "broker",
                                        [BF_TIME_MARKER] = "marker",
                                        [BF_TIME_INGEST] = "ingest"};
    put_slice(text, bf_slice_of(names[reading->time_source]));
}

SAY(quality)
{
    static const char *const names[] = {[BF_QUALITY_GOOD] = "good",
                                        [BF_QUALITY_NOT_EVALUATED] = "not_evaluated",
                                        [BF_QUALITY_SUSPECT] = "suspect",
                                        [BF_QUALITY_FAIL] = "fail",
                                        [BF_QUALITY_MISSING] = "missing"};
    put_slice(text, bf_slice_of(names[reading->quality]));
}

SAY(reasons)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{BF_REASON_CLOCK, "clock"},         {BF_REASON_ESTIMATED, "estimated"},
                 {BF_REASON_FLAT, "flat"},           {BF_REASON_HISTORICAL, "historical"},
                 {BF_REASON_NEIGHBOUR, "neighbour"}, {BF_REASON_RANGE, "range"},
                 {BF_REASON_RATE, "rate"},           {BF_REASON_SPIKE, "spike"},
                 {BF_REASON_STALE, "stale"},         {BF_REASON_UNIT_GUESS, "unit-guess"}};
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((reading->reasons & names[i].bit) != 0) {
            len += (size_t)snprintf(text + len, BF_READING_TEXT - len, "%s%s", len > 0 ? ", " : "",
                                    names[i].name);
        }
    }
}

SAY(zone)
{
    put_slice(text, reading->zone);
}

SAY(lat)
{
    if (reading->has_place) {
        put_number(text, (double)reading->lat_e7 / 1e7);
    }
}

SAY(lon)
{
    if (reading->has_place) {
        put_number(text, (double)reading->lon_e7 / 1e7);
    }
}

SAY(accuracy)
{
    if (reading->has_accuracy) {
        put_number(text, reading->accuracy_m);
    }
}

SAY(raw)
{
    if (reading->has_raw) {
        put_value(text, &reading->raw_value);
    }
}

SAY(raw_unit)
{
    if (reading->has_raw) {
        put_slice(text, reading->raw_unit);
    }
}

SAY(interval_start)
{
    if (reading->has_interval) {
        (void)bf_time_format(reading->interval_start_us, text, BF_READING_TEXT);
    }
}

SAY(aggregation)
{
    static const char *const names[] = {
        [BF_AGGREGATION_NONE] = "none",      [BF_AGGREGATION_MEAN] = "mean",
        [BF_AGGREGATION_SUM] = "sum",        [BF_AGGREGATION_COUNT] = "count",
        [BF_AGGREGATION_MAX] = "max",        [BF_AGGREGATION_ENERGY_MEAN] = "energy-mean",
        [BF_AGGREGATION_COUNTER] = "counter"};
    put_slice(text, bf_slice_of(names[reading->aggregation]));
}

SAY(profile)
{
    put_slice(text, reading->profile);
}

SAY(privacy)
{
    static const char *const names[] = {[BF_PRIVACY_PUBLIC] = "public",
                                        [BF_PRIVACY_PSEUDONYMOUS] = "pseudonymous",
                                        [BF_PRIVACY_RESTRICTED] = "restricted"};
    put_slice(text, bf_slice_of(names[reading->privacy]));
}

SAY(tags)
{
    size_t len = 0;
    for (uint32_t i = 0; i < reading->tag_count && len < BF_READING_TEXT; i++) {
        const struct bf_tag *tag = &reading->tags[i];
        len += (size_t)snprintf(text + len, BF_READING_TEXT - len, "%s%.*s=%.*s", i > 0 ? ", " : "",
                                BF_SLICE_ARG(tag->name), BF_SLICE_ARG(tag->value));
    }
}

static void (*const says[BF_EXAMPLE_FIELDS])(const struct bf_reading *reading, char text[BF_READING_TEXT]) = {
#define X(id, kind, sentence) [BF_EXAMPLE_FIELD_##id] = say_##id,
#include "config/example_fields.def"
#undef X
};

const char *bf_reading_text(const struct bf_reading *reading, enum bf_example_field field,
                            char text[BF_READING_TEXT])
{
    text[0] = '\0';
    says[field](reading, text);
    return text;
}

struct bf_slice bf_reading_tag(const struct bf_reading *reading, struct bf_slice name)
{
    for (uint32_t i = 0; i < reading->tag_count; i++) {
        if (bf_slice_equal(reading->tags[i].name, name)) {
            return reading->tags[i].value;
        }
    }
    return (struct bf_slice){.len = 0};
}

static bool plain(enum bf_example_field field, const struct bf_reading *reading)
{
    if (field == BF_EXAMPLE_FIELD_value) {
        return reading->value.kind != BF_VALUE_TEXT;
    }
    if (field == BF_EXAMPLE_FIELD_raw) {
        return reading->raw_value.kind != BF_VALUE_TEXT;
    }
    return bf_example_field(field)->kind == BF_EXAMPLE_NUMBER;
}

static void json_list(FILE *out, const char *text)
{
    fputc('[', out);
    for (const char *at = text; *at != '\0';) {
        const char *comma = strstr(at, ", ");
        size_t len = comma != NULL ? (size_t)(comma - at) : strlen(at);
        bf_json_text(out, (struct bf_slice){at, len});
        at += comma != NULL ? len + 2 : len;
        fputs(comma != NULL ? "," : "", out);
    }
    fputc(']', out);
}

static void json_tags(FILE *out, const struct bf_reading *reading)
{
    fputc('{', out);
    for (uint32_t i = 0; i < reading->tag_count; i++) {
        fputs(i > 0 ? "," : "", out);
        bf_json_text(out, reading->tags[i].name);
        fputc(':', out);
        bf_json_text(out, reading->tags[i].value);
    }
    fputc('}', out);
}

void bf_reading_json(FILE *out, const struct bf_reading *reading)
{
    bool any = false;
    for (int i = 0; i < BF_EXAMPLE_FIELDS; i++) {
        enum bf_example_field field = (enum bf_example_field)i;
        const struct bf_example_field_info *info = bf_example_field(field);
        char text[BF_READING_TEXT];
        if (bf_reading_text(reading, field, text)[0] == '\0' && field != BF_EXAMPLE_FIELD_value) {
            continue;
        }
        fprintf(out, "%s\"%s\":", any ? "," : "{", info->name);
        any = true;
        if (info->kind == BF_EXAMPLE_LIST) {
            json_list(out, text);
        } else if (info->kind == BF_EXAMPLE_MAP) {
            json_tags(out, reading);
        } else if (plain(field, reading)) {
            fputs(text, out);
        } else {
            bf_json_text(out, bf_slice_of(text));
        }
    }
    fputc('}', out);
}
