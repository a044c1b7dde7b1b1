/* filters.h: what a session subscribes to: the site's filters, or those that the profiles' topics need, and
 * the marker's topic unless one of them brings it anyway (a message that matches two filters may come twice).
 * Owner: creator.   Thread: main.
 * Limits: BF_MQTT_FILTERS_MAX; more is CONFIG. */
#ifndef BF_INGEST_FILTERS_H
#define BF_INGEST_FILTERS_H

#include "config/city.h"
#include "config/site.h"
#include "peers/mqtt/mqtt.h"

struct bf_filters {
    const char *all[BF_MQTT_FILTERS_MAX];
    size_t count;
    char *text; /* of those made from profiles */
};

/* marker: its topic, or NULL. */
enum bf_status bf_filters_make(const struct bf_site *site, const struct bf_city *city, const char *marker,
                               struct bf_filters *filters, struct bf_err *err) BF_MUST_CHECK;
void bf_filters_free(struct bf_filters *filters);
/* Every topic that `narrow` matches, `wide` matches too. */
bool bf_filter_covers(const char *wide, const char *narrow);

#endif
