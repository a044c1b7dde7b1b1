/* template.h: the three small languages of a profile, read into the structs of city.h:
 *   topic    city/{kind}/{device}/telemetry   levels: literal, {name}, + and # as in MQTT
 *   path     $.a.b[0], $["a b"]               child and index steps only
 *   template "{operator}/{$.id}"              literals, topic levels, payload values, {item}
 * `{{` is a plain {.
 * Owner: the pool's.   Thread: any.   Limits: 32 levels, steps and parts. */
#ifndef BF_CONFIG_TEMPLATE_H
#define BF_CONFIG_TEMPLATE_H

#include "config/city.h"
#include "config/option.h"

#define BF__TEMPLATE_MAX 32u

/* False with a sentence in why (in the pool) and the byte where it went wrong. */
struct bf__fault {
    const char *why;
    size_t at;
};
bool bf__topic_parse(struct bf__pool *pool, struct bf_slice text, struct bf_topic_template *topic,
                     struct bf__fault *fault);
bool bf__path_parse(struct bf__pool *pool, struct bf_slice text, struct bf_path *path,
                    struct bf__fault *fault);
bool bf__template_parse(struct bf__pool *pool, struct bf_slice text, const struct bf_topic_template *topic,
                        struct bf_template *template, struct bf__fault *fault);

/* The index of a named level, or SIZE_MAX. */
size_t bf__topic_level(const struct bf_topic_template *topic, struct bf_slice name);
/* Could one topic match both? */
bool bf__topic_overlaps(const struct bf_topic_template *a, const struct bf_topic_template *b);
/* Does this topic match? */
bool bf__topic_matches(const struct bf_topic_template *topic, struct bf_slice text);

extern const struct bf__option_type bf__type_topic;    /* struct bf_topic_template; sets loader->topic */
extern const struct bf__option_type bf__type_path;     /* struct bf_path */
extern const struct bf__option_type bf__type_template; /* struct bf_template */
extern const struct bf__option_type bf__type_unit;     /* struct bf_slice, the canonical code */
extern const struct bf__option_type bf__type_expression; /* struct bf_expression * */

#endif
