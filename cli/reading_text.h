/* reading_text.h: the fields of a reading as text, as examples write them (config/example_fields.def) and
 * `belfry try` shows them.   Thread: any. */
#ifndef BF_CLI_READING_TEXT_H
#define BF_CLI_READING_TEXT_H

#include <stdio.h>

#include "config/example.h"
#include "core/reading.h"

#define BF_READING_TEXT 1024

/* "" where the reading has none. Tags: "class=reference, road=7", cut at the size. */
const char *bf_reading_text(const struct bf_reading *reading, enum bf_example_field field,
                            char text[BF_READING_TEXT]);
/* Empty where there is none of that name. */
struct bf_slice bf_reading_tag(const struct bf_reading *reading, struct bf_slice name);
/* A JSON object of all fields that the reading has: numbers as numbers, reasons as a list, tags as an object.
 * */
void bf_reading_json(FILE *out, const struct bf_reading *reading);

#endif
