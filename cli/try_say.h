/* try_say.h: what belfry makes of one message, stage by stage, on standard output: at most 80 columns where
 * what is shown allows it, or one line of JSON.
 * Thread: main. */
#ifndef BF_CLI_TRY_SAY_H
#define BF_CLI_TRY_SAY_H

#include "cli/catch.h"
#include "processors/kpi.h"

struct bf_tried {
    const struct bf_city *city;
    const struct bf_kpi_plan *plan;
    const struct bf_catch_message *message;
    const struct bf_caught *caught;
    const struct bf_profile *asked; /* --profile, or NULL */
    bool topic_made;                /* from its template */
    bool colours;
};

void bf_try_say_person(const struct bf_tried *tried);
void bf_try_say_json(const struct bf_tried *tried);
/* The profile that took the message; NULL: none. */
const struct bf_profile *bf_try_profile(const struct bf_tried *tried);

/* A key of Redis that the message would change. */
struct bf_try_key {
    char key[640];
    const char *what; /* "the value, ..." */
    char field[600];  /* of a board; or "" */
};
/* The keys of all its readings, each once, in the order of the readings; of at most `room`. Returns how many
 * there are. */
size_t bf_try_keys(const struct bf_tried *tried, struct bf_try_key *keys, size_t room);

#endif
