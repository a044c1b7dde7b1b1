/* wiring.c: a site's settings as the options of its clients. */
#include "config/log/wiring.h"

#include <assert.h>

#include "core/time.h"
#include "peers/mqtt/mqtt.h"
#include "peers/redis/redis.h"

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

struct bf_mqtt_options bf_wiring_mqtt(const struct bf_site *site, const char *client_id)
{
    return (struct bf_mqtt_options){
        .url = site->mqtt.url,
        .version = site->mqtt.version == 5 ? 5 : 3, /* protocol level 4 is version 3.1.1 */
        .client_id = client_id,
        .username = site->mqtt.username,
        .password = site->mqtt.password,
        .ca_file = site->mqtt.ca_file,
        .cert_file = site->mqtt.cert_file,
        .key_file = site->mqtt.key_file,
        .keep_alive_s = (int)(site->mqtt.keep_alive_us / BF_US_PER_S),
    };
}

struct bf_redis_options bf_wiring_redis(const struct bf_site *site)
{
    return (struct bf_redis_options){
        .url = site->redis.url,
        .username = site->redis.username,
        .password = site->redis.password,
        .timeout_ms = (int)(site->redis.timeout_us / BF_US_PER_MS),
    };
}
