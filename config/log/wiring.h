/* wiring.h: from one installation's settings to each peer's options. The options borrow from the site.
 * Thread: any. */
#ifndef BF_CONFIG_WIRING_H
#define BF_CONFIG_WIRING_H

#include "config/site.h"
#include "peers/kafka/kafka.h"

/* `properties` has room for site->kafka.property_count entries (at most BF_WIRING_PROPERTIES). */
#define BF_WIRING_PROPERTIES 64
struct bf_kafka_options bf_wiring_kafka(const struct bf_site *site, const char *client_id,
                                        struct bf_property properties[BF_WIRING_PROPERTIES]);

#endif
