/* profile_secret.c: UltraLight and its like put the device's key into the topic. Whoever names that level
 * here can be sure that it is written nowhere: no template may use it, and rejects have a * in its place.
 * Declined: a hash of it instead: keys are short, so a hash of one can be turned back. */
#include "config/profile_secret.h"

#include <stdint.h>

#include "config/template.h"

static bool parse_secrets(struct bf__loader *loader, const struct bf__option *option,
                          const struct bf__node *node, void *base)
{
    struct bf_profile *profile = base;
    bool list = node->kind == BF__NODE_LIST;
    size_t count = list ? node->count : 1;
    profile->secrets = bf__pool_array(loader->pool, count + 1, sizeof *profile->secrets);
    for (const struct bf__node *at = list ? node->first : node; profile->secret_count < count;
         at = at->next) {
        if (at->kind != BF__NODE_SCALAR) {
            return bf__option_unexpected(loader, option, at);
        }
        size_t level = loader->topic != NULL ? bf__topic_level(loader->topic, at->text) : SIZE_MAX;
        if (level == SIZE_MAX) {
            return bf__loader_problem(loader, at, "secret: the topic has no level {%.64s}", at->text.data);
        }
        profile->secrets[profile->secret_count++] = level;
    }
    return true;
}
const struct bf__option_type bf__type_secret_levels = {
    .name = "list of texts", .expects = "names of levels of the topic", .parse = parse_secrets};

static bool tells(const struct bf_template *template, const struct bf_profile *profile)
{
    for (size_t i = 0; i < template->count; i++) {
        for (size_t j = 0; j < profile->secret_count; j++) {
            if (template->parts[i].kind == BF_PART_LEVEL && template->parts[i].level == profile->secrets[j]) {
                return true;
            }
        }
    }
    return false;
}

bool bf__profile_secret_check(struct bf__loader *loader, const struct bf__node *map,
                              const struct bf_profile *profile)
{
    bool told = tells(&profile->source, profile) || tells(&profile->zone, profile);
    for (size_t i = 0; i < profile->reading_count; i++) {
        told = told || tells(&profile->readings[i].channel, profile);
    }
    for (size_t i = 0; i < profile->tag_count; i++) {
        told = told || tells(&profile->tags[i].value, profile);
    }
    return !told || bf__loader_problem(loader, bf__node_get(map, "secret"),
                                       "secret: device, zone, channel and tags must not say it");
}
