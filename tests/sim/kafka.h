/* kafka.h: a simulated Kafka: logs with offsets, idempotent producers (what is in a partition from one of
 * them is a prefix of what it handed over), consumers, and one consumer group whose coordinator refuses a
 * lost membership, never a lost partition.
 * Owner: static.   Thread: one.   Limits: SIM_LOG_RECORDS records a partition. */
#ifndef SIM_KAFKA_H
#define SIM_KAFKA_H

#include "peers/kafka/kafka.h"
#include "tests/sim/sim.h"

#define SIM_READINGS 3
#define SIM_PARTIALS 2
#define SIM_KPIS 2
#define SIM_CHECKPOINTS 3
#define SIM_LOGS (SIM_READINGS + 1 + SIM_PARTIALS + SIM_KPIS + 1 + SIM_CHECKPOINTS)
#define SIM_LOG_RECORDS 16384

struct sim_message;
struct sim_record {
    enum bf_record_type type;
    struct bf_slice key, value, origin, last; /* headers bf-origin and `last` */
    bool has_key, tombstone;
    int64_t appended_us;
    int64_t offset;
    const struct sim_message *source; /* of a reading or a reject: which message gave it */
};

struct sim_log {
    enum bf_topic topic;
    int32_t partition;
    size_t count;
    int64_t stands_until_us;     /* takes nothing before */
    int64_t hidden_until_us;     /* gives nothing before */
    int64_t lag_us;              /* each step of a producer takes up to this much longer */
    struct sim_record **records; /* NULL: compacted away */
};
extern struct sim_log sim_logs[SIM_LOGS];
struct sim_log *sim_log(enum bf_topic topic, int32_t partition);
int32_t sim_partitions(enum bf_topic topic);
struct sim_record *sim_log_append(struct sim_log *log, struct sim_record *record);

void sim_kafka_reset(void); /* after the machine's */
void sim_producers_reset(void);
/* What that process hands over from now on comes from this message. */
void sim_producer_source(const struct sim_process *process, const struct sim_message *message);
/* The whole cluster answers nobody until then. */
extern int64_t sim_kafka_away_us;
bool sim_kafka_answers(void);
/* The coordinator: a rebalance whose partitions go to whom chance wills. */
void sim_group_rebalance(const char *why);
void sim_group_reset(void);
/* kafka_group.c for kafka_consumer.c */
struct sim_member;
enum sim_group_turn {
    SIM_GROUP_NOTHING,
    SIM_GROUP_REVOKE,
    SIM_GROUP_LOST,
    SIM_GROUP_ASSIGN,
    SIM_GROUP_FENCED
};
enum sim_group_turn sim_group_turn(struct bf_consumer *consumer, const char *instance, int64_t session_us,
                                   bool was_member);
void sim_group_assigned(struct bf_consumer *consumer, bool *lanes); /* which logs are its own, by index */
void sim_group_close(struct bf_consumer *consumer);
enum sim_answer { SIM_DONE, SIM_REFUSED, SIM_SILENT };
enum sim_answer sim_group_commit(struct bf_consumer *consumer, struct sim_log *log, int64_t offset,
                                 const char *metadata);
bool sim_group_committed(const struct sim_log *log, int64_t *offset, const char **metadata);
/* Chances of a commit, in percent: its answer is lost, and so is the request; ... it comes late. */
extern uint32_t sim_commit_silent, sim_commit_late;
/* kafka_consumer.c: whoever waits for that log */
void sim_consumers_wake(const struct sim_log *log);
void sim_consumers_forget(struct sim_process *process);
void sim_consumers_reset(void);
struct sim_process *sim_consumer_process(const struct bf_consumer *consumer);

#endif
