/* ledger.h: reads a whole installation's logs and adds up where every message and every reading went. Two
 * identities must hold once everything has been drained:
 *
 *   messages handed over = messages that gave a reading + rejected whole + that by their profile give none
 *   readings in the log  = counted in the last result of every window of the audit KPI + left out by quality
 *                          + rejected as late + dropped (duplicate, older incarnation, content, unreadable)
 *
 * The audit KPI counts every reading of every device. Everything is read from logs, each delivery once, or is
 * state of a task (the counters in its ticks), so nothing that is added up here is lost by a kill.
 *
 * Owner: creator.   Thread: one.
 * Limits: `max_messages` distinct messages and windows; the logs must still have their beginning. */
#ifndef BF_CLI_LEDGER_H
#define BF_CLI_LEDGER_H

#include "config/city.h"
#include "peers/kafka/kafka.h"

struct bf_ledger;

struct bf_ledger_sums {
    /* messages, each once however often it was delivered */
    uint64_t gave_readings, rejected, by_profile;
    /* reading records in belfry.readings */
    uint64_t readings;
    /* where they went */
    uint64_t counted, excluded, late, duplicate, older, content, malformed, limit;
    uint64_t windows;      /* of all KPIs */
    uint64_t open_windows; /* of these: without a final, and due, or of the audit KPI */
    uint64_t running;      /* without a final, and not due yet: a day ends at midnight */
    uint64_t seen;                  /* readings the stage 1 tasks say they have read */
    uint64_t rejects;               /* reject records, of parts too */
    uint64_t revisions;             /* results beyond the first final, all KPIs */
    uint64_t finals;                /* all KPIs */
    uint64_t repeats;               /* task outputs that stood in a log twice (harmless: readers drop them) */
};

/* audit_kpi: the definition of the KPI that counts everything; city (borrowed): by what delay windows are
 * due. */
enum bf_status bf_ledger_open(const struct bf_kafka_options *options, const struct bf_city *city,
                              const struct bf_kpi_definition *audit_kpi, uint64_t max_messages,
                              struct bf_ledger **ledger, struct bf_err *err) BF_MUST_CHECK;
void bf_ledger_close(struct bf_ledger *ledger);
/* Reads to the ends that the logs have now. FATAL where a log has lost its beginning. */
enum bf_status bf_ledger_read(struct bf_ledger *ledger, struct bf_err *err) BF_MUST_CHECK;
struct bf_ledger_sums bf_ledger_sums(const struct bf_ledger *ledger);

static inline uint64_t bf_ledger_messages(const struct bf_ledger_sums *sums)
{
    return sums->gave_readings + sums->rejected + sums->by_profile;
}
static inline uint64_t bf_ledger_accounted(const struct bf_ledger_sums *sums)
{
    return sums->counted + sums->excluded + sums->late + sums->duplicate + sums->older + sums->content +
           sums->malformed + sums->limit;
}

#endif
