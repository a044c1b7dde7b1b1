/* observe.c: see observe.h. */
#include "ingest/decode/observe.h"

static const struct bf_field *field_or_item(const struct bf_message *message, int field, int item)
{
    if (field != BF_NO_FIELD && message->fields[field].kind == BF_FIELD_MISSING && item != BF_NO_FIELD) {
        field = item;
    }
    return field == BF_NO_FIELD ? NULL : &message->fields[field];
}

bool bf_observe_head(struct bf_message *message)
{
    const struct bf_plan *plan = message->plan;
    enum bf_reject_reason reason =
        bf_normalise_time(message, field_or_item(message, plan->time, BF_NO_FIELD), plan->profile->time_unit);
    if (reason != BF_REJECT_none) {
        bf_message_fail(message, reason, "the event time");
        return false;
    }
    reason = plan->varies ? BF_REJECT_none : bf_normalise_identity(message);
    if (reason != BF_REJECT_none) {
        bf_message_fail(message, reason, "the source's name");
        return false;
    }
    bf_normalise_place(message, field_or_item(message, plan->lat, plan->item_lat),
                       field_or_item(message, plan->lon, plan->item_lon));
    return true;
}

void bf_observe_fields(struct bf_message *message)
{
    const struct bf_plan *plan = message->plan;
    const uint32_t faults = message->fault_count;
    bool any = false;
    for (size_t i = 0; i < plan->profile->reading_count; i++) {
        const struct bf_field *field = &message->fields[plan->values[i]];
        any = any || field->kind != BF_FIELD_MISSING;
        bf_normalise_observe(message, &(struct bf_observation){.reading = i, .value = field});
    }
    if (!any && !(message->part && message->fault_count > faults)) { /* what is required was rejected above */
        bf_message_fail(message, BF_REJECT_missing_field, "none of the profile's readings is there");
    }
}
