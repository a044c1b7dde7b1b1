/* alloc.h: counts allocations that our own code makes, for the law that nothing is allocated per reading
 * after start.
 *
 *     bf_alloc_count_begin();
 *     for (...) bf_pipeline_run(...);
 *     assert_int_equal(bf_alloc_count_end(), 0);
 *
 * The linker's --wrap redirects malloc and its kin in everything that is linked statically into the test,
 * which is exactly our own libraries; librdkafka, Paho and libc itself keep theirs. Declined: replacing
 * malloc for the whole process and judging by the return address (it collides with the sanitizers, and a
 * strdup of ours would count as libc's). What libc allocates on our behalf is counted for the calls named
 * in alloc.c; a FILE's buffer is not.
 * Thread: any; counts all threads. */
#ifndef BF_TESTS_ALLOC_H
#define BF_TESTS_ALLOC_H

#include <stddef.h>

void bf_alloc_count_begin(void);
/* How many calls since begin asked for memory. */
size_t bf_alloc_count_end(void);

#endif
