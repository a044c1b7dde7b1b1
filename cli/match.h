/* match.h: why a profile takes a topic, or what keeps it from it: "level 3 is 'x', the profile wants 'y'".
 * The decision itself is ingest/decode/route.h's; this explains it to a person.
 * Thread: any. */
#ifndef BF_CLI_MATCH_H
#define BF_CLI_MATCH_H

#include "config/city.h"

#define BF_MATCH_NEAR 3

struct bf_match {
    const struct bf_profile *profile;
    bool takes;    /* the topic; the payload's first key may decide otherwise */
    size_t missed; /* what differs: levels, missing ones, `when` */
    char why[240]; /* takes: "room = east, device = desk-42"; else what is in the way */
};

void bf_match_explain(const struct bf_profile *profile, struct bf_slice topic, struct bf_match *match);
/* The profiles that miss the topic by the least, at most half of its levels. Returns how many. */
size_t bf_match_near(const struct bf_city *city, struct bf_slice topic, struct bf_match near[BF_MATCH_NEAR]);
/* "city/{kind}/{device}/telemetry" */
char *bf_match_template(const struct bf_topic_template *topic, char *text, size_t size);
/* A topic that the profile takes: "city/air/device-1/telemetry". */
char *bf_match_topic(const struct bf_profile *profile, char *text, size_t size);

#endif
