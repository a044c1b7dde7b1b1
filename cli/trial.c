/* trial.c: see trial.h. Readings are compared by their order, since a profile's rows and a payload's items
 * have one, and a difference by place is what a person can follow.
 * Declined: the closest match between two lists: it hides that a reading has moved. */
#include "cli/trial.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cli/reading_text.h"
#include "config/scalar.h"

#define FILE_MAX (1u << 20)
#define NEAR 1e-9

enum bf_status bf_trial_read_file(const char *path, size_t limit, char **bytes, size_t *len,
                                  struct bf_err *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    char *data = malloc(limit + 1);
    if (file == NULL || data == NULL) {
        free(data);
        return bf_err_set(err, BF_CONFIG, "could not open %s: %s", path, strerror(errno));
    }
    *len = fread(data, 1, limit + 1, file);
    bool bad = ferror(file) != 0;
    if (file != stdin) {
        fclose(file);
    }
    if (bad || *len > limit) {
        free(data);
        return bad ? bf_err_set(err, BF_CONFIG, "could not read %s: %s", path, strerror(errno))
                   : bf_err_set(err, BF_CONFIG, "%s is longer than %zu bytes", path, limit);
    }
    *bytes = data;
    return BF_OK;
}

/* ---- one field */

static bool number_near(struct bf_slice expected, struct bf_slice came)
{
    double a, b;
    return bf_scalar_number(expected, &a) && bf_scalar_number(came, &b) &&
           fabs(a - b) <= NEAR * fmax(1, fabs(a));
}

static bool same_instant(struct bf_slice expected, struct bf_slice came)
{
    int64_t a, b;
    return bf_time_parse_rfc3339(expected, &a) == BF_OK && bf_time_parse_rfc3339(came, &b) == BF_OK && a == b;
}

static struct bf_slice text_of(const struct bf_reading *reading, const struct bf_expected_field *field,
                               char text[BF_READING_TEXT])
{
    return bf_example_field(field->field)->kind == BF_EXAMPLE_MAP
               ? bf_reading_tag(reading, field->name)
               : bf_slice_of(bf_reading_text(reading, field->field, text));
}

static bool field_holds(const struct bf_reading *reading, const struct bf_expected_field *field)
{
    char text[BF_READING_TEXT];
    struct bf_slice came = text_of(reading, field, text);
    enum bf_example_kind kind = bf_example_field(field->field)->kind;
    return bf_slice_equal(field->text, came) ||
           (kind == BF_EXAMPLE_NUMBER && number_near(field->text, came)) ||
           (kind == BF_EXAMPLE_TIME && same_instant(field->text, came));
}

/* ---- differences */

static void print_name(const struct bf_trial *trial, char mark, const struct bf_expected_field *field)
{
    char name[80];
    (void)snprintf(name, sizeof name, "%s%s%.*s", bf_example_field(field->field)->name,
                   field->name.len > 0 ? "." : "", BF_SLICE_ARG(field->name));
    fprintf(trial->difference, "%c   %-14s ", mark, name);
}

static bool reading_holds(const struct bf_expected_reading *expected, const struct bf_reading *came)
{
    for (size_t i = 0; i < expected->count; i++) {
        if (!field_holds(came, &expected->fields[i])) {
            return false;
        }
    }
    return true;
}

static void print_expected(const struct bf_trial *trial, const struct bf_expected_field *field)
{
    print_name(trial, '-', field);
    fprintf(trial->difference, "%.*s    %s/%.*s:%d:%d\n", BF_SLICE_ARG(field->text), trial->folder,
            BF_SLICE_ARG(trial->profile->file), field->line, field->column);
}

static void compare_reading(const struct bf_trial *trial, size_t number,
                            const struct bf_expected_reading *expected, const struct bf_reading *came)
{
    char text[BF_READING_TEXT];
    fprintf(trial->difference, "  reading %zu\n", number);
    for (size_t i = 0; i < expected->count; i++) {
        const struct bf_expected_field *field = &expected->fields[i];
        bool holds = field_holds(came, field);
        struct bf_slice value = text_of(came, field, text);
        if (!holds) {
            print_expected(trial, field);
        }
        print_name(trial, holds ? ' ' : '+', field);
        fprintf(trial->difference, "%.*s\n", BF_SLICE_ARG(value));
    }
}

static void print_missing(const struct bf_trial *trial, size_t number,
                          const struct bf_expected_reading *expected)
{
    fprintf(trial->difference, "- reading %zu    %s/%.*s:%d:%d\n", number, trial->folder,
            BF_SLICE_ARG(trial->profile->file), expected->line, expected->column);
    for (size_t i = 0; i < expected->count; i++) {
        print_expected(trial, &expected->fields[i]);
    }
}

static void print_surplus(const struct bf_trial *trial, size_t number, const struct bf_reading *came)
{
    static const enum bf_example_field shown[] = {BF_EXAMPLE_FIELD_source, BF_EXAMPLE_FIELD_quantity,
                                                  BF_EXAMPLE_FIELD_value, BF_EXAMPLE_FIELD_unit};
    char text[BF_READING_TEXT];
    fprintf(trial->difference, "+ reading %zu\n", number);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        fprintf(trial->difference, "+   %-14s %s\n", bf_example_field(shown[i])->name,
                bf_reading_text(came, shown[i], text));
    }
}

/* ---- the whole */

static bool readings_hold(const struct bf_trial *trial, const struct bf_caught *caught)
{
    const struct bf_example *example = trial->example;
    if (!example->has_readings) { /* at least one, or none where rejects are expected */
        return example->has_rejects ? caught->reading_count == 0 : caught->reading_count > 0;
    }
    bool hold = example->reading_count == caught->reading_count;
    for (size_t i = 0; hold && i < caught->reading_count; i++) {
        hold = reading_holds(&example->readings[i], &caught->readings[i]);
    }
    return hold;
}

static void print_readings(const struct bf_trial *trial, const struct bf_caught *caught)
{
    const struct bf_example *example = trial->example;
    if (example->has_readings && example->reading_count != caught->reading_count) {
        fprintf(trial->difference, "- readings: %zu\n+ readings: %zu\n", example->reading_count,
                caught->reading_count);
    } else if (!example->has_readings && !example->has_rejects) {
        fputs("- at least one reading\n+ none\n", trial->difference);
    } else if (!example->has_readings) {
        fputs("- no reading\n", trial->difference);
    }
    for (size_t i = 0; i < example->reading_count || i < caught->reading_count; i++) {
        if (i >= caught->reading_count) {
            print_missing(trial, i + 1, &example->readings[i]);
        } else if (i >= example->reading_count) {
            print_surplus(trial, i + 1, &caught->readings[i]);
        } else if (!reading_holds(&example->readings[i], &caught->readings[i])) {
            compare_reading(trial, i + 1, &example->readings[i], &caught->readings[i]);
        }
    }
}

static bool rejects_hold(const struct bf_trial *trial, const struct bf_caught *caught)
{
    bool hold = trial->example->reject_count == caught->reject_count;
    for (size_t i = 0; hold && i < caught->reject_count; i++) {
        hold = bf_slice_equal(trial->example->rejects[i], caught->rejects[i].reason);
    }
    return hold;
}

static void print_rejects(const struct bf_trial *trial, const struct bf_caught *caught)
{
    const struct bf_example *example = trial->example;
    for (size_t i = 0; i < example->reject_count || i < caught->reject_count; i++) {
        const struct bf_slice *expected = i < example->reject_count ? &example->rejects[i] : NULL;
        const struct bf_reject *came = i < caught->reject_count ? &caught->rejects[i] : NULL;
        bool same = expected != NULL && came != NULL && bf_slice_equal(*expected, came->reason);
        if (expected != NULL && !same) {
            fprintf(trial->difference, "- reject %.*s\n", BF_SLICE_ARG(*expected));
        }
        if (came != NULL) {
            fprintf(trial->difference, "%c reject %.*s: %.*s\n", same ? ' ' : '+', BF_SLICE_ARG(came->reason),
                    BF_SLICE_ARG(came->detail));
        }
    }
}

/* The first reading or reject of another profile: the message went elsewhere. */
static const struct bf_slice *taken_by(const struct bf_trial *trial, const struct bf_caught *caught)
{
    const struct bf_slice *profile = caught->reading_count > 0  ? &caught->readings[0].profile
                                     : caught->reject_count > 0 ? &caught->rejects[0].profile
                                                                : NULL;
    return profile != NULL && profile->len > 0 && !bf_slice_equal(*profile, trial->profile->name) ? profile
                                                                                                  : NULL;
}

static enum bf_status read_payload(const struct bf_trial *trial, char **bytes, size_t *len,
                                   struct bf_err *err)
{
    char path[4096];
    const struct bf_slice file = trial->profile->file;
    const char *slash = memrchr(file.data, '/', file.len);
    int used = snprintf(path, sizeof path, "%s/%.*s%.*s", trial->folder,
                        slash != NULL ? (int)(slash + 1 - file.data) : 0, file.data,
                        BF_SLICE_ARG(trial->example->file));
    if (used < 0 || (size_t)used >= sizeof path) {
        return bf_err_set(err, BF_CONFIG, "the file's path is too long");
    }
    return bf_trial_read_file(path, FILE_MAX, bytes, len, err);
}

enum bf_status bf_trial_run(const struct bf_trial *trial, bool *good, struct bf_err *err)
{
    const struct bf_example *example = trial->example;
    struct bf_catch_message message = {.topic = example->topic,
                                       .payload = example->payload,
                                       .at_us = example->has_at ? example->at_us : bf_time_wall_us(),
                                       .retained = example->retained};
    char *bytes = NULL;
    if (example->file.len > 0) {
        size_t len = 0;
        enum bf_status status = read_payload(trial, &bytes, &len, err);
        if (status != BF_OK) {
            return status;
        }
        message.payload = (struct bf_slice){.data = bytes, .len = len};
    }
    const struct bf_caught *caught = bf_catch_run(trial->catch, &message);
    const struct bf_slice *other = taken_by(trial, caught);
    bool readings = readings_hold(trial, caught), rejects = rejects_hold(trial, caught);
    if (other != NULL) {
        fprintf(trial->difference, "- profile %.*s\n+ profile %.*s\n", BF_SLICE_ARG(trial->profile->name),
                BF_SLICE_ARG(*other));
    }
    if (!readings) {
        print_readings(trial, caught);
    }
    if (!rejects) {
        print_rejects(trial, caught);
    }
    free(bytes);
    *good = readings && rejects && other == NULL;
    return BF_OK;
}
