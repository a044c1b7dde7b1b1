/* ear.h: listens to one device's MQTT messages on a subscription of its own (QoS 0, no session), and decodes
 * them as belfry-ingest would. Nothing is acknowledged for anybody else.
 *
 * Owner: creator.   Thread: the owner's; decoding runs on Paho's.
 * Limits: BF_EAR_ROOM messages wait for the owner, more are counted; of a message BF_EAR_INTERESTS results.
 * Errors: PEER, CONFIG. */
#ifndef BF_CLI_EAR_H
#define BF_CLI_EAR_H

#include "config/site.h"
#include "processors/kpi.h"

#define BF_EAR_ROOM 64
#define BF_EAR_INTERESTS 24
#define BF_EAR_FOLLOWED 65536 /* bytes of payload; longer ones are hashed otherwise and not followed */

/* A result that one of the message's readings goes into. */
struct bf_interest {
    uint32_t kpi; /* in the plan */
    char scope[160];
    int64_t event_us;
};

struct bf_heard {
    int64_t at_us, wall_us; /* monotonic, and of day */
    char topic[200];
    size_t payload_len;
    uint64_t hash; /* as in deliveries */
    bool retained;
    size_t readings;
    char text[300]; /* "co2 612 [ppm], temperature 21.5 Cel" */
    int64_t event_us;
    bool estimated;               /* it has no time of its own */
    char reason[40], detail[200]; /* of a reject */
    size_t interest_count, more_interests;
    struct bf_interest interests[BF_EAR_INTERESTS];
};

struct bf_ear;

/* device: "network:device". The plan and its city must outlive it. */
enum bf_status bf_ear_open(const struct bf_site *site, const struct bf_kpi_plan *plan, const char *device,
                           struct bf_ear **ear, struct bf_err *err) BF_MUST_CHECK;
void bf_ear_close(struct bf_ear *ear);
/* False: none is there. */
bool bf_ear_next(struct bf_ear *ear, struct bf_heard *heard);
/* Messages that there was no room for. */
uint64_t bf_ear_missed(struct bf_ear *ear);
/* PEER once the connection is lost. */
enum bf_status bf_ear_check(struct bf_ear *ear, struct bf_err *err) BF_MUST_CHECK;

/* "office:desk-42" from what a person typed: as it is, or with the only network that the city has. CONFIG
 * with the networks where there are several. */
enum bf_status bf_ear_device(const struct bf_city *city, const char *typed, char *device, size_t size,
                             struct bf_err *err) BF_MUST_CHECK;

#endif
