/* wiring.h: from one installation's settings to each peer's options. The options borrow from the site.
 * The options of MQTT and Redis are only named here: who asks for them includes their header, and nobody else
 * is bound to a peer that it does not talk to.
 * Thread: any. */
#ifndef BF_CONFIG_WIRING_H
#define BF_CONFIG_WIRING_H

#include "config/site.h"
#include "peers/kafka/kafka.h"

/* `properties` has room for site->kafka.property_count entries (at most BF_WIRING_PROPERTIES). */
#define BF_WIRING_PROPERTIES 64
struct bf_kafka_options bf_wiring_kafka(const struct bf_site *site, const char *client_id,
                                        struct bf_property properties[BF_WIRING_PROPERTIES]);
struct bf_mqtt_options;
struct bf_redis_options;
/* Address, credentials, version and keep-alive; what kind of session it is, the caller adds. */
struct bf_mqtt_options bf_wiring_mqtt(const struct bf_site *site, const char *client_id);
struct bf_redis_options bf_wiring_redis(const struct bf_site *site);

#endif
