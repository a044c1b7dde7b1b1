/* Why: what one reading gives to which panes of which KPIs: the first time that it is read, by the
 * configuration that decides the pane, and with the part of its quality.
 * Declined: an index of KPIs by quantity: every reading is asked of every KPI. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/scope.h"
#include "core/wire.h"
#include "tests/e2e/oracle_inside.h"

enum kind_index oracle_kind(const struct bf_kpi_definition *definition)
{
    size_t kind = 0;
    while (kind < KINDS && !bf_slice_equal(definition->aggregate, bf_slice_of(aggregates[kind]->name))) {
        kind++;
    }
    return (enum kind_index)kind; /* KINDS: a formula, which takes no readings itself */
}

/* ---- what conditions see */

/* A reading, its event time raised where it was estimated. */
struct seen {
    const struct bf_expression *expression;
    const struct bf_reading *reading;
};

static struct bf_slice tag_of(const struct bf_reading *reading, struct bf_slice name)
{
    struct bf_slice value = {NULL, 0};
    for (uint32_t i = 0; i < reading->tag_count; i++) {
        value = bf_slice_equal(reading->tags[i].name, name) ? reading->tags[i].value : value;
    }
    return value;
}

static struct bf_operand text_operand(struct bf_slice text)
{
    return (struct bf_operand){.kind = text.len ? BF_OPERAND_TEXT : BF_OPERAND_MISSING, .text = text};
}

static struct bf_operand number_operand(double number)
{
    return (struct bf_operand){.kind = BF_OPERAND_NUMBER, .number = number};
}

static struct bf_operand ask(const struct bf_reading *reading, struct bf_slice name)
{
    const struct tm local = oracle_local(reading->event_us);
    const struct {
        const char *name;
        double number;
    } numbers[] = {
        {.name = "quality", .number = (double)reading->quality},
        {.name = "hour", .number = local.tm_hour},
        {.name = "minute", .number = local.tm_min},
        {.name = "weekday", .number = local.tm_wday == 0 ? 7 : local.tm_wday},
    };
    const struct {
        const char *name;
        struct bf_slice text;
    } texts[] = {
        {.name = "zone", .text = reading->zone},
        {.name = "source", .text = reading->source},
        {.name = "device", .text = bf_reading_device(reading->source)},
        {.name = "quantity", .text = reading->quantity},
        {.name = "unit", .text = reading->unit},
        {.name = "profile", .text = reading->profile},
    };
    double value = 0;
    if (bf_slice_equal(name, BF_SLICE("value"))) {
        return bf_value_number(&reading->value, &value) ? number_operand(value)
                                                        : text_operand(reading->value.as.text);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (bf_slice_equal(name, bf_slice_of(numbers[i].name))) {
            return number_operand(numbers[i].number);
        }
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (bf_slice_equal(name, bf_slice_of(texts[i].name))) {
            return text_operand(texts[i].text);
        }
    }
    return text_operand(tag_of(reading, name));
}

static void resolve(void *context, size_t index, struct bf_operand *operand)
{
    const struct seen *seen = context;
    *operand = ask(seen->reading, bf_slice_of(bf_expression_name(seen->expression, index)));
}

static bool holds(const struct bf_expression *expression, const struct bf_reading *reading)
{
    struct seen seen = {.expression = expression, .reading = reading};
    return bf_expression_holds(expression, resolve, &seen);
}

static bool wants(const struct bf_kpi_definition *definition, const struct bf_reading *reading)
{
    bool quantity = bf_slice_equal(definition->quantity, BF_SLICE("*")) ||
                    bf_slice_equal(definition->quantity, reading->quantity);
    return quantity && (definition->where == NULL || holds(definition->where, reading));
}

static const char *scope_of(struct oracle *oracle, const struct bf_kpi_definition *definition,
                            const struct bf_reading *reading)
{
    struct bf_scope_text scope;
    const struct bf_slice unknown = BF_SLICE("unknown");
    bf_scope_init(&scope);
    for (size_t i = 0; i < definition->group_count; i++) {
        struct bf_slice tag = tag_of(reading, definition->group[i].tag);
        switch (definition->group[i].kind) {
        case BF_GROUP_CITY:
            bf_scope_city(&scope);
            break;
        case BF_GROUP_ZONE:
            bf_scope_zone(&scope, reading->zone.len ? reading->zone : unknown);
            break;
        case BF_GROUP_DEVICE:
            bf_scope_device(&scope, bf_reading_device(reading->source));
            break;
        case BF_GROUP_TAG:
            bf_scope_tag(&scope, definition->group[i].tag, tag.len ? tag : unknown);
            break;
        }
    }
    if (definition->group_count == 0) {
        bf_scope_city(&scope);
    }
    return oracle_keep(oracle, (struct bf_slice){scope.data, scope.len});
}

/* ---- what it gives */

/* A positive number, or 1 where none is asked for. */
static bool weigh(const struct bf_kpi_definition *definition, const struct bf_reading *reading,
                  double *weight)
{
    struct seen seen = {.expression = definition->options.weight, .reading = reading};
    *weight = 1;
    if (seen.expression == NULL) {
        return true;
    }
    struct bf_operand operand = bf_expression_eval(seen.expression, resolve, &seen);
    *weight = operand.number;
    return operand.kind == BF_OPERAND_NUMBER && operand.number > 0;
}

/* What is counted: NULL: nothing. */
static const char *label_of(struct oracle *oracle, const struct bf_kpi_definition *definition,
                            const struct bf_reading *reading)
{
    char digits[32];
    if (definition->options.of_text.len == 0) {
        return NULL;
    }
    struct bf_operand operand = ask(reading, definition->options.of_text);
    if (operand.kind == BF_OPERAND_NUMBER) {
        snprintf(digits, sizeof digits, "%.17g", operand.number);
        operand.text = bf_slice_of(digits);
    }
    return operand.kind == BF_OPERAND_MISSING ? NULL : oracle_keep(oracle, operand.text);
}

/* Whether texts are as good as numbers: for counts, and for states that a condition tells. */
static bool takes_texts(const struct bf_kpi_definition *definition)
{
    enum bf_aggregate_input input = kind_table[oracle_kind(definition)].input;
    bool states = definition->options.when != NULL || definition->options.every_us != 0;
    return input == BF_INPUT_ANY || (input == BF_INPUT_HELD && states);
}

static void judge(struct oracle *oracle, const struct bf_kpi_definition *definition,
                  const struct bf_reading *reading, struct oracle_part *part)
{
    part->suspect = reading->quality == BF_QUALITY_SUSPECT;
    part->has_value = bf_value_number(&reading->value, &part->value);
    part->value = part->has_value ? part->value : 0;
    part->label = label_of(oracle, definition, reading);
    part->holds = definition->options.when != NULL && holds(definition->options.when, reading);
    bool weighed = weigh(definition, reading, &part->weight);
    if (reading->quality == BF_QUALITY_MISSING) {
        part->share = SHARE_MISSING;
    } else if (reading->quality == BF_QUALITY_FAIL) {
        part->share = SHARE_FAIL;
    } else if (part->suspect && !definition->take_suspect) {
        part->share = SHARE_SUSPECT;
    } else if (!part->has_value && !takes_texts(definition)) {
        part->share = SHARE_TEXT;
    } else if (part->has_value && !isfinite(part->value)) {
        part->share = SHARE_FAIL;
    } else {
        part->share = weighed ? SHARE_COUNTED : SHARE_MISSING;
    }
}

static bool is_new(struct oracle *oracle, struct oracle_partition *partition, int32_t number,
                   const struct bf_delivery *delivery)
{
    bool created = true;
    struct {
        int64_t place, epoch, serial;
        uint64_t hash, index;
    } key = {.epoch = delivery->epoch,
             .serial = delivery->serial,
             .hash = delivery->payload_hash,
             .index = delivery->index};
    struct oracle_writer *writer = oracle_writer(oracle, partition, delivery->ingest);
    if (!writer || delivery->incarnation < writer->incarnation) {
        oracle->sums.older++;
        return false;
    }
    writer->incarnation = delivery->incarnation;
    key.place = (int64_t)number * ORACLE_INGESTS + (writer - partition->writers);
    if (delivery->packet_id != 0 && bf_table_put(oracle->deliveries, &key, &created) == NULL) {
        oracle_differ(oracle, "more deliveries than records");
    }
    if (!created && delivery->dup) {
        oracle->sums.duplicate++;
        return false;
    }
    return true;
}

/* An unknown time is the clock's; an estimated one is never behind it. */
static int64_t event_time(const struct oracle_partition *partition, const struct bf_reading *reading)
{
    int64_t event_us = reading->event_us, clock_us = partition->clock_us;
    if (!(reading->reasons & BF_REASON_ESTIMATED)) {
        return event_us;
    }
    if (clock_us == BF_TIME_NONE) {
        return event_us == 0 ? reading->ingest_us : event_us;
    }
    return event_us < clock_us ? clock_us : event_us;
}

/* One KPI, or one input of a derived one. False: it came too late. */
static bool take(struct oracle *oracle, const struct oracle_part *place, const struct bf_reading *reading,
                 const struct bf_kpi_definition *input, size_t known)
{
    const struct bf_kpi_definition *definition = oracle->definitions[place->definition];
    const struct oracle_partition *partition = &oracle->partitions[place->partition];
    bool by_reading =
        definition->window.kind == BF_WINDOW_SESSION || definition->window.kind == BF_WINDOW_COUNT;
    struct oracle_part part = *place;
    if (!wants(input, reading)) {
        return true;
    }
    part.pane = by_reading ? (struct oracle_pane){.start_us = part.event_us}
                           : oracle_pane_after(&definition->window, part.event_us);
    if (part.pane.start_us > part.event_us || oracle_generation_at(partition, part.pane.start_us) != known) {
        return true;
    }
    part.scope = scope_of(oracle, definition, reading);
    if (by_reading) {
        part.pane.run = oracle_run_of(oracle, part.definition, part.scope, part.event_us, part.clock_us);
    }
    if (by_reading ? part.pane.run == NULL
                   : part.clock_us >= part.pane.end_us + definition->delay_us + definition->lateness_us) {
        return false;
    }
    judge(oracle, input, reading, &part);
    if (part.pane.run != NULL && part.share == SHARE_COUNTED) {
        part.pane.run->counted++;
    }
    oracle_push(oracle, &part);
    enum bf_aggregate_input kind = kind_table[oracle_kind(input)].input;
    if (part.share == SHARE_COUNTED && (kind == BF_INPUT_CHANGE || kind == BF_INPUT_HELD)) {
        oracle_follow(oracle, &part, reading->source);
    }
    return true;
}

void oracle_reading(struct oracle *oracle, const struct bf_incoming *incoming)
{
    struct bf_reading reading;
    struct oracle_partition *partition = &oracle->partitions[incoming->partition];
    oracle->sums.readings++;
    if (bf_reading_unpack(incoming->value, &reading, NULL) != BF_OK || reading.has_content_hash) {
        oracle_differ(oracle, "partition %d offset %lld: not a reading that the oracle knows",
                      incoming->partition, (long long)incoming->offset);
        return;
    }
    if (!is_new(oracle, partition, incoming->partition, &reading.delivery)) {
        return;
    }
    reading.event_us = event_time(partition, &reading);
    bool in_time = true;
    for (size_t k = 0; k < partition->known_count; k++) {
        const struct oracle_generation *generation = &oracle->generations[partition->known[k].generation];
        for (size_t i = 0; i < generation->city->kpi_count; i++) {
            const struct bf_kpi_definition *definition = &generation->city->kpis[i];
            struct oracle_part place = {.definition = generation->definition[i],
                                        .partition = incoming->partition,
                                        .event_us = reading.event_us,
                                        .offset = incoming->offset,
                                        .clock_us = partition->clock_us};
            uint32_t inputs = definition->formula != NULL ? (uint32_t)definition->formula->input_count : 1;
            for (; place.input < inputs; place.input++) {
                const struct bf_kpi_definition *input =
                    definition->formula != NULL ? definition->formula->inputs[place.input] : definition;
                in_time = take(oracle, &place, &reading, input, k) && in_time;
            }
        }
    }
    oracle->sums.late += !in_time;
}
