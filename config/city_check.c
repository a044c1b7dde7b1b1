/* city_check.c: what can only be said across files: two things of one name, a quantity in two units, a KPI
 * that no profile feeds, two profiles for one topic. Errors name both places; what might be meant so is a
 * warning. */
#include <stdio.h>

#include "config/city_load.h"
#include "config/kpi_formula.h"
#include "config/kpi_value.h"
#include "config/template.h"
#include "config/unit.h"

#define QUANTITIES_MAX 4096u

/* The first place where a quantity got its unit. */
struct quantity {
    struct bf_slice name, unit;
    const struct bf_profile *profile;
};

struct check {
    struct bf__city_load *load;
    struct quantity *quantities;
    size_t count;
};

static struct bf__loader loader_at(const struct check *check, const struct bf__place *place,
                                   enum bf__severity severity)
{
    return (struct bf__loader){.pool = check->load->pool, .problems = &check->load->problems,
                               .severity = severity, .file = place->file,
                               .aggregates = check->load->aggregates};
}

static const struct quantity *find_quantity(const struct check *check, struct bf_slice name)
{
    for (size_t i = 0; i < check->count; i++) {
        if (bf_slice_equal(check->quantities[i].name, name)) {
            return &check->quantities[i];
        }
    }
    return NULL;
}

/* ---- profiles */

static bool check_reading_unit(struct check *check, const struct bf_profile *profile, size_t index,
                               const struct bf__place *place)
{
    const struct bf_profile_reading *reading = &profile->readings[index];
    const struct bf__node *node = bf__node_get(place->node, "readings")->first;
    const struct quantity *known = find_quantity(check, reading->quantity);
    struct bf__loader loader = loader_at(check, place, BF__DISABLED);
    for (size_t i = 0; i < index; i++) {
        node = node->next;
    }
    if (known == NULL) {
        if (check->count < QUANTITIES_MAX) {
            check->quantities[check->count++] =
                (struct quantity){.name = reading->quantity, .unit = reading->unit, .profile = profile};
        }
        return true;
    }
    const struct bf_unit *here = bf_unit_find(reading->unit), *there = bf_unit_find(known->unit);
    if (bf_unit_same(here, there)) {
        return true;
    }
    const struct bf__node *unit = bf__node_get(node, "unit");
    bool same_dimension =
        here->dimension == there->dimension || strcmp(here->dimension, there->dimension) == 0;
    return same_dimension
               ? bf__loader_problem(&loader, unit,
                                    "unit: %.64s is in %s in %.100s; write {from: %s, unit: %s}",
                                    reading->quantity.data, there->code, known->profile->file.data,
                                    here->code, there->code)
               : bf__loader_problem(
                     &loader, unit,
                     "unit: %.64s is a %s (%s) in %.100s and cannot be a %s (%s) here; it needs "
                     "another name",
                     reading->quantity.data, there->dimension, there->code,
                     known->profile->file.data, here->dimension, here->code);
}

static bool check_profile_name(struct check *check, size_t index)
{
    const struct bf_city *city = check->load->city;
    const struct bf__place *place = &check->load->profile_places[index];
    struct bf__loader loader = loader_at(check, place, BF__DISABLED);
    for (size_t i = 0; i < index; i++) {
        if (city->profiles[i].enabled && bf_slice_equal(city->profiles[i].name, city->profiles[index].name)) {
            const struct bf__node *name = bf__node_get(place->node, "name");
            return bf__loader_problem(&loader, name != NULL ? name : place->node,
                                      "the profile %s is in %.100s already; give it another name or version",
                                      city->profiles[index].name.data, city->profiles[i].file.data);
        }
    }
    return true;
}

static void check_profiles(struct check *check)
{
    struct bf_city *city = check->load->city;
    for (size_t i = 0; i < city->profile_count; i++) {
        struct bf_profile *profile = &city->profiles[i];
        bool good = profile->enabled && check_profile_name(check, i);
        for (size_t r = 0; good && r < profile->reading_count; r++) {
            good = check_reading_unit(check, profile, r, &check->load->profile_places[i]);
        }
        profile->enabled = good;
    }
}

static bool share_value(const struct bf_slice *a, size_t a_count, const struct bf_slice *b, size_t b_count)
{
    for (size_t i = 0; i < a_count; i++) {
        for (size_t j = 0; j < b_count; j++) {
            if (bf_slice_equal(a[i], b[j])) {
                return true;
            }
        }
    }
    return false;
}

/* Two conditions on one level exclude each other where they share no value; so does a literal there. */
static bool when_excludes(const struct bf_profile *a, const struct bf_profile *b)
{
    for (size_t i = 0; i < a->match_count; i++) {
        const struct bf_profile_match *match = &a->matches[i];
        for (size_t j = 0; j < b->match_count; j++) {
            if (b->matches[j].level == match->level &&
                !share_value(match->values, match->count, b->matches[j].values, b->matches[j].count)) {
                return true;
            }
        }
        if (match->level < b->topic.count && b->topic.levels[match->level].kind == BF_LEVEL_LITERAL &&
            !share_value(match->values, match->count, &b->topic.levels[match->level].text, 1)) {
            return true;
        }
    }
    return false;
}

static bool may_both_match(const struct bf_profile *a, const struct bf_profile *b)
{
    bool keys_differ = a->key_count > 0 && b->key_count > 0 &&
                       !share_value(a->keys, a->key_count, b->keys, b->key_count);
    return bf__topic_overlaps(&a->topic, &b->topic) && !when_excludes(a, b) && !when_excludes(b, a) &&
           !keys_differ;
}

static void warn_overlaps(struct check *check)
{
    const struct bf_city *city = check->load->city;
    for (size_t b = 0; b < city->profile_count; b++) {
        const struct bf__place *place = &check->load->profile_places[b];
        struct bf__loader loader = loader_at(check, place, BF__WARNING);
        for (size_t a = 0; city->profiles[b].enabled && a < b; a++) {
            if (city->profiles[a].enabled && may_both_match(&city->profiles[a], &city->profiles[b])) {
                bf__loader_warn(&loader, bf__node_get(place->node, "topic"),
                                "topic: %.100s matches some of these topics too, and comes first",
                                city->profiles[a].file.data);
            }
        }
    }
}

/* ---- KPIs */

static bool is_tag(const struct bf_city *city, const char *name)
{
    for (size_t p = 0; p < city->profile_count; p++) {
        const struct bf_profile *profile = &city->profiles[p];
        for (size_t t = 0; profile->enabled && t < profile->tag_count; t++) {
            if (bf_slice_equal(profile->tags[t].name, bf_slice_of(name))) {
                return true;
            }
        }
    }
    return false;
}

static bool is_known_name(const char *name)
{
    static const char *const known[] = {
#define X(constant, name) name,
#include "config/names.def"
#undef X
        NULL};
    for (size_t i = 0; known[i] != NULL; i++) {
        if (strcmp(known[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Does anything say in which zone a reading lies? */
static bool has_zones(const struct bf_city *city)
{
    bool any = bf_zones_count(city->zones) > 0;
    for (size_t p = 0; p < city->profile_count; p++) {
        any = any || (city->profiles[p].enabled && city->profiles[p].zone.count > 0);
    }
    return any;
}

static void warn_unknown_names(const struct check *check, struct bf__loader *loader,
                               const struct bf_expression *expression, const char *option,
                               const struct bf__node *node)
{
    const char *name = NULL;
    for (size_t i = 0; expression != NULL && (name = bf_expression_name(expression, i)) != NULL; i++) {
        if (!is_known_name(name) && !is_tag(check->load->city, name)) {
            bf__loader_warn(loader, node, "%s: \"%.64s\" is no tag of any profile, so it is always missing",
                            option, name);
        }
    }
}

static void warn_missing_tags(const struct check *check, size_t index)
{
    const struct bf_city *city = check->load->city;
    const struct bf_kpi_definition *kpi = &city->kpis[index];
    const struct bf__place *place = &check->load->kpi_places[index];
    struct bf__loader loader = loader_at(check, place, BF__WARNING);
    for (size_t i = 0; i < kpi->group_count; i++) {
        if (kpi->group[i].kind == BF_GROUP_ZONE && !has_zones(city)) {
            bf__loader_warn(&loader, bf__node_get(place->node, "group"),
                            "group: there is no zone: neither a file in zones/ nor a profile with \"zone\"");
        }
        if (kpi->group[i].kind == BF_GROUP_TAG && !is_tag(city, kpi->group[i].tag.data)) {
            bf__loader_warn(&loader, bf__node_get(place->node, "group"),
                            "group: no profile gives readings a tag \"%.64s\"", kpi->group[i].tag.data);
        }
    }
    const struct bf__node *value = bf__node_get(place->node, "value");
    const struct bf__node *options = value->kind == BF__NODE_MAP ? value->first : NULL;
    warn_unknown_names(check, &loader, kpi->where, "where",
                       bf__node_get(bf__node_get(place->node, "from"), "where"));
    warn_unknown_names(check, &loader, kpi->options.weight, "weight", bf__node_get(options, "weight"));
    warn_unknown_names(check, &loader, kpi->options.when, "when", bf__node_get(options, "when"));
    if (kpi->options.of_text.len > 0 && !is_known_name(kpi->options.of_text.data) &&
        !is_tag(city, kpi->options.of_text.data)) {
        bf__loader_warn(&loader, bf__node_get(options, "of"),
                        "of: no profile gives readings a tag \"%.64s\"", kpi->options.of_text.data);
    }
}

static void check_kpi_unit(const struct check *check, size_t index)
{
    const struct bf_kpi_definition *kpi = &check->load->city->kpis[index];
    const struct bf__place *place = &check->load->kpi_places[index];
    const struct quantity *quantity = find_quantity(check, kpi->quantity);
    struct bf__loader loader = loader_at(check, place, BF__FATAL);
    if (kpi->formula != NULL || bf_slice_equal(kpi->quantity, BF_SLICE("*"))) {
        return;
    }
    if (quantity == NULL) {
        const char *names[QUANTITIES_MAX + 1];
        for (size_t i = 0; i < check->count; i++) {
            names[i] = check->quantities[i].name.data;
        }
        names[check->count] = NULL;
        const char *nearest = bf_config_nearest(kpi->quantity.data, names);
        bf__loader_warn(&loader, bf__node_get(bf__node_get(place->node, "from"), "quantity"),
                        "quantity: no profile gives \"%.64s\"%s%s%s", kpi->quantity.data,
                        nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                        nearest != NULL ? "\"?" : "");
    } else {
        bf__kpi_value_check_unit(&loader, bf__node_get(place->node, "unit"), kpi, quantity->unit,
                                 quantity->profile->file.data);
    }
}

static void check_kpis(const struct check *check)
{
    const struct bf_city *city = check->load->city;
    for (size_t i = 0; i < city->kpi_count; i++) {
        const struct bf__place *place = &check->load->kpi_places[i];
        struct bf__loader loader = loader_at(check, place, BF__FATAL);
        for (size_t before = 0; before < i; before++) {
            if (bf_slice_equal(city->kpis[before].id, city->kpis[i].id)) {
                bf__loader_problem(&loader, bf__node_get(place->node, "id"),
                                   "id: the KPI \"%s\" is in %.100s already", city->kpis[i].id.data,
                                   city->kpis[before].file.data);
                break;
            }
        }
        check_kpi_unit(check, i);
        warn_missing_tags(check, i);
    }
}

/* ---- boards */

static void check_board(const struct check *check, size_t index)
{
    struct bf_city *city = check->load->city;
    struct bf_board *board = &city->boards[index];
    const struct bf__place *place = &check->load->board_places[index];
    struct bf__loader loader = loader_at(check, place, BF__FATAL);
    board->title = board->title.len > 0 ? board->title : board->name;
    const char **ids = bf__pool_array(check->load->scratch, city->kpi_count + 1, sizeof *ids);
    for (size_t k = 0; k < city->kpi_count; k++) {
        ids[k] = city->kpis[k].id.data;
    }
    const struct bf__node *list = bf__node_get(place->node, "kpis");
    const struct bf__node *node = list->kind == BF__NODE_LIST ? list->first : list;
    for (size_t i = 0; i < board->count; i++, node = node->next) {
        bool found = false;
        for (size_t k = 0; !found && k < city->kpi_count; k++) {
            found = bf_slice_equal(city->kpis[k].id, board->kpis[i]);
        }
        if (!found) {
            const char *nearest = bf_config_nearest(board->kpis[i].data, ids);
            bf__loader_problem(&loader, node, "kpis: there is no KPI \"%.64s\"%s%s%s", board->kpis[i].data,
                               nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                               nearest != NULL ? "\"?" : "");
        }
    }
    for (size_t before = 0; before < index; before++) {
        if (bf_slice_equal(city->boards[before].name, board->name)) {
            bf__loader_problem(&loader, bf__node_get(place->node, "name"),
                               "name: the board \"%s\" is there twice", board->name.data);
        }
    }
}

void bf__city_check(struct bf__city_load *load)
{
    struct check check = {.load = load};
    check.quantities = bf__pool_array(load->scratch, QUANTITIES_MAX, sizeof *check.quantities);
    check_profiles(&check);
    warn_overlaps(&check);
    check_kpis(&check);
    bf__formulas_link(load);
    for (size_t i = 0; i < load->city->board_count; i++) {
        check_board(&check, i);
    }
}
