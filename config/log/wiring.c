/* wiring.c: a site's Kafka settings as the options of its clients. */
#include "config/log/wiring.h"

#include <assert.h>

struct bf_kafka_options bf_wiring_kafka(const struct bf_site *site, const char *client_id,
                                        struct bf_property properties[BF_WIRING_PROPERTIES])
{
    assert(site->kafka.property_count <= BF_WIRING_PROPERTIES);
    for (size_t i = 0; i < site->kafka.property_count; i++) {
        properties[i] = (struct bf_property){.name = site->kafka.properties[i].name,
                                             .value = site->kafka.properties[i].value};
    }
    return (struct bf_kafka_options){
        .brokers = site->kafka.brokers,
        .prefix = site->kafka.prefix,
        .client_id = client_id,
        .properties = properties,
        .property_count = site->kafka.property_count,
    };
}
