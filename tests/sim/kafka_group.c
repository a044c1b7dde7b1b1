/* kafka_group.c: the coordinator of the one consumer group: eager rebalances, static members, session
 * time-outs, commits. It checks membership and generation of a commit, never who owns the partition; what is
 * committed and its metadata change in one step.
 * Declined: cooperative rebalances (belfry does not use them) and Kafka's own assignors: who gets what is
 * chance, so that every distribution is met. */
#include <string.h>

#include "tests/sim/kafka.h"

#define MEMBERS 16
#define ROUND_US (8 * SECOND) /* who has not joined again by then is out */
#define LATE_COMMITS 16

struct sim_member {
    bool used, joined, assigned;
    const char *instance;
    struct bf_consumer *consumer; /* NULL: it is gone, but its session goes on */
    struct sim_process *process;
    unsigned starts;               /* of the process: tells it from its successor */
    int64_t session_us, closed_us; /* closed_us: since when it has no consumer */
    int64_t generation;
};
struct late_commit {
    struct bf_consumer *consumer;
    struct sim_process *process;
    unsigned starts;
    int64_t generation, offset, due_us;
    struct sim_log *log;
    const char *metadata;
};

static struct {
    struct sim_member members[MEMBERS];
    int64_t generation;
    bool preparing;
    int64_t deadline_us;
    struct sim_member *owner[SIM_LOGS];
    int64_t offsets[SIM_LOGS];
    const char *metadata[SIM_LOGS];
    struct late_commit late[LATE_COMMITS];
    size_t late_count;
    struct sim_timer *timer;
} group;
uint32_t sim_commit_silent, sim_commit_late;

static struct sim_member *member_of(const struct bf_consumer *consumer)
{
    const struct sim_process *process = sim_consumer_process(consumer);
    for (size_t i = 0; i < MEMBERS; i++) {
        struct sim_member *member = &group.members[i];
        if (member->used && member->consumer == consumer && member->starts == process->starts) {
            return member;
        }
    }
    return NULL;
}

static bool is_gone(const struct sim_member *member)
{
    return member->process->state == SIM_DOWN || member->process->starts != member->starts;
}

/* The handle is gone; a static member does not say farewell. */
void sim_group_close(struct bf_consumer *consumer)
{
    struct sim_member *member = member_of(consumer);
    if (member != NULL) {
        member->consumer = NULL;
        member->closed_us = sim_now();
    }
}

static void prepare(const char *why)
{
    if (!group.preparing) {
        sim_trace("group: rebalance (%s)", why);
        group.preparing = true;
        group.deadline_us = sim_now() + ROUND_US;
        for (size_t i = 0; i < MEMBERS; i++) {
            group.members[i].joined = false;
            if (group.members[i].used && !is_gone(&group.members[i])) {
                sim_wake(group.members[i].process);
            }
        }
    }
    group.timer->due_us = group.timer->due_us < group.deadline_us ? group.timer->due_us : group.deadline_us;
}

void sim_group_rebalance(const char *why)
{
    prepare(why);
}

static void remove_member(struct sim_member *member, const char *why)
{
    sim_trace("group: %s is out (%s)", member->instance, why);
    member->used = false;
    for (size_t i = 0; i < SIM_LOGS; i++) {
        group.owner[i] = group.owner[i] == member ? NULL : group.owner[i];
    }
    prepare("a member went");
}

/* All have joined: a new generation, and the partitions go to whom chance wills. */
static void complete(void)
{
    struct sim_member *here[MEMBERS];
    size_t count = 0;
    for (size_t i = 0; i < MEMBERS; i++) {
        struct sim_member *member = &group.members[i];
        if (member->used && !member->joined && sim_now() < group.deadline_us) {
            return;
        }
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        struct sim_member *member = &group.members[i];
        if (member->used && !member->joined) {
            remove_member(member, "it did not join again");
        } else if (member->used) {
            here[count++] = member;
        }
    }
    if (count == 0) {
        return;
    }
    group.generation++;
    group.preparing = false;
    for (size_t i = 0; i < SIM_LOGS; i++) {
        bool shared = sim_logs[i].topic == BF_TOPIC_READINGS || sim_logs[i].topic == BF_TOPIC_PARTIALS;
        group.owner[i] = shared ? here[sim_draw(SIM_NET, (uint32_t)count)] : NULL;
    }
    for (size_t i = 0; i < count; i++) {
        here[i]->assigned = false;
        sim_wake(here[i]->process);
    }
    sim_trace("group: generation %lld, %zu members", (long long)group.generation, count);
}

static void join(struct bf_consumer *consumer, const char *instance, int64_t session_us)
{
    struct sim_process *process = sim_consumer_process(consumer);
    struct sim_member *member = NULL, *free_place = NULL;
    for (size_t i = 0; i < MEMBERS; i++) {
        struct sim_member *each = &group.members[i];
        if (each->used && strcmp(each->instance, instance) == 0) {
            member = each;
        } else if (!each->used && free_place == NULL) {
            free_place = each;
        }
    }
    bool known = member != NULL; /* a static member comes back: it takes over, and nobody else notices */
    member = known ? member : free_place;
    bool joined = known && member->joined;
    *member = (struct sim_member){.used = true,
                                  .joined = joined,
                                  .instance = instance,
                                  .consumer = consumer,
                                  .process = process,
                                  .starts = process->starts,
                                  .session_us = session_us,
                                  .generation = group.generation};
    sim_trace("group: %s %s", instance, known ? "is back" : "joins");
    if (!known) {
        prepare("a member came");
    }
}

enum sim_group_turn sim_group_turn(struct bf_consumer *consumer, const char *instance, int64_t session_us,
                                   bool was_member)
{
    struct sim_member *member = member_of(consumer);
    if (member == NULL) {
        for (size_t i = 0; i < MEMBERS && was_member; i++) {
            const struct sim_member *other = &group.members[i];
            if (other->used && strcmp(other->instance, instance) == 0) {
                return SIM_GROUP_FENCED; /* a later handle has its place */
            }
        }
        join(consumer, instance, session_us);
        return SIM_GROUP_LOST;
    }
    if (group.preparing && !member->joined) {
        member->joined = true;
        return SIM_GROUP_REVOKE;
    }
    if (group.preparing) {
        complete();
    }
    if (!group.preparing && !member->assigned) {
        member->assigned = true;
        member->generation = group.generation;
        return SIM_GROUP_ASSIGN;
    }
    return SIM_GROUP_NOTHING;
}

void sim_group_assigned(struct bf_consumer *consumer, bool *lanes)
{
    const struct sim_member *member = member_of(consumer);
    for (size_t i = 0; i < SIM_LOGS; i++) {
        lanes[i] = member != NULL && group.owner[i] == member;
    }
}

/* ---- commits */
static bool apply(const struct late_commit *commit)
{
    const struct sim_member *member = member_of(commit->consumer);
    bool fenced = member == NULL || member->process != commit->process || member->starts != commit->starts ||
                  member->generation != group.generation || commit->generation != group.generation;
    if (!fenced) {
        group.offsets[commit->log - sim_logs] = commit->offset;
        group.metadata[commit->log - sim_logs] = commit->metadata;
    }
    sim_trace("group: commit of %d/%d at %lld %s", (int)commit->log->topic, (int)commit->log->partition,
              (long long)commit->offset, fenced ? "refused" : "taken");
    return !fenced;
}

enum sim_answer sim_group_commit(struct bf_consumer *consumer, struct sim_log *log, int64_t offset,
                                 const char *metadata)
{
    const struct sim_member *member = member_of(consumer);
    size_t len = strlen(metadata);
    char *copy = sim_alloc(len + 1);
    memcpy(copy, metadata, len + 1);
    const struct late_commit commit = {.consumer = consumer,
                                       .process = sim_consumer_process(consumer),
                                       .starts = sim_consumer_process(consumer)->starts,
                                       .generation = member == NULL ? -1 : member->generation,
                                       .offset = offset,
                                       .due_us = sim_now() + sim_draw_us(SIM_NET, 20 * SECOND),
                                       .log = log,
                                       .metadata = copy};
    bool silent = !sim_kafka_answers() || sim_draw(SIM_NET, 100) < sim_commit_silent;
    if (!silent) {
        bool taken = apply(&commit);
        if (!taken && sim_draw(SIM_NET, 2) == 0) {
            prepare("just behind a refused commit"); /* whose task must not have touched what counts */
        }
        return taken ? SIM_DONE : SIM_REFUSED;
    }
    uint32_t fate = sim_draw(SIM_NET, 100);
    if (fate < 50 && sim_kafka_answers()) {
        (void)apply(&commit);
    } else if (fate < 50 + sim_commit_late && group.late_count < LATE_COMMITS) {
        group.late[group.late_count++] = commit;
        group.timer->due_us = group.timer->due_us < commit.due_us ? group.timer->due_us : commit.due_us;
    }
    return SIM_SILENT;
}

bool sim_group_committed(const struct sim_log *log, int64_t *offset, const char **metadata)
{
    *offset = group.offsets[log - sim_logs];
    *metadata = group.metadata[log - sim_logs];
    return *offset >= 0;
}

/* ---- what happens by itself: session time-outs, late commits, the end of a round */
static void fire(void *context)
{
    (void)context;
    for (size_t i = 0; i < group.late_count && sim_kafka_answers(); i++) {
        if (sim_now() >= group.late[i].due_us) {
            if (apply(&group.late[i]) && sim_draw(SIM_NET, 2) == 0) {
                prepare("just behind a late commit"); /* whose checkpoint must be whole now */
            }
            group.late[i--] = group.late[--group.late_count];
        }
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        struct sim_member *member = &group.members[i];
        if (member->used && member->consumer == NULL && sim_now() - member->closed_us > member->session_us) {
            remove_member(member, "its handle was closed");
        } else if (member->used &&
                   (is_gone(member) || sim_now() - member->process->silent_us > member->session_us)) {
            if (is_gone(member) && sim_now() - member->process->silent_us <= member->session_us &&
                member->process->starts == member->starts) {
                continue; /* killed a moment ago: it may come back in time */
            }
            if (member->process->starts != member->starts && member->process->state == SIM_UP &&
                sim_draw(SIM_NET, 8) != 0) {
                continue; /* its successor is about to take its place */
            }
            remove_member(member, "its session is over");
        }
    }
    if (group.preparing) {
        complete();
    }
    group.timer->due_us = sim_now() + SECOND;
}

void sim_group_reset(void)
{
    memset(&group, 0, sizeof(group));
    for (size_t i = 0; i < SIM_LOGS; i++) {
        group.offsets[i] = -1;
    }
    group.timer = sim_timer(fire, NULL);
    group.timer->due_us = SECOND;
}
