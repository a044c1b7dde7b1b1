/* convert.c: units that lie are common (a public city feed marks Celsius as `far` and dust as
 * `per`), so a profile's word counts more than a payload's; SenML's counts, because there it is
 * part of the format. */
#include "ingest/decode/convert.h"

#include "config/unit.h"
#include "core/reading.h"
#include "ingest/decode/text.h"

bool bf_conversion_find(const struct bf_profile_reading *what, struct bf_slice sent, bool strict,
                        struct bf_conversion *conversion)
{
    *conversion = (struct bf_conversion){
        .scale = what->scale,
        .offset = what->offset,
        .from = what->from_unit,
        .to = what->unit.len > 0 ? what->unit : BF_SLICE("1"),
    };
    if (sent.len == 0 || what->from_unit.len > 0 || what->scale != 1 || what->offset != 0 ||
        bf_slice_equal(sent, what->unit)) {
        return true;
    }
    const struct bf_unit *from = bf_unit_find(sent);
    const struct bf_unit *to = what->unit.len > 0 ? bf_unit_find(what->unit) : from;
    if (from && to && bf_unit_convert(from, to, &conversion->scale, &conversion->offset)) {
        conversion->from = bf_slice_of(from->code);
        conversion->to = what->unit.len > 0 ? what->unit : conversion->from;
        return true;
    }
    conversion->guessed = true;
    conversion->from = sent;
    return !strict && sent.len <= BF_MAX_TEXT && bf_text_clean(sent);
}
