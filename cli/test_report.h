/* test_report.h: what `belfry test` says of its cases: for a person, as TAP 14, and beside either as JUnit's
 * XML, which CI servers read.
 * Owner: the caller.   Thread: main.   Errors: CONFIG where the JUnit file cannot be written. */
#ifndef BF_CLI_TEST_REPORT_H
#define BF_CLI_TEST_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/slice.h"

struct bf_test_case {
    struct bf_slice profile;
    const char *place;      /* file:line:column */
    const char *name;       /* "example 2: a winter night" */
    const char *difference; /* NULL: as expected */
    int64_t spent_us;
};

struct bf_test_report {
    bool tap, colours;
    const char *junit; /* path; NULL: none */
    FILE *cases;       /* of JUnit, in memory */
    char *text;
    size_t size;
    uint64_t count, failed, profiles, empty; /* empty: profiles without an example */
};

enum bf_status bf_test_report_begin(struct bf_test_report *report, struct bf_err *err) BF_MUST_CHECK;
void bf_test_report_case(struct bf_test_report *report, const struct bf_test_case *one);
/* A profile is through. */
void bf_test_report_profile(struct bf_test_report *report, struct bf_slice profile, uint64_t count,
                            uint64_t failed);
enum bf_status bf_test_report_end(struct bf_test_report *report, struct bf_err *err) BF_MUST_CHECK;

#endif
