/* tempdir.h: a private folder that is gone when the test program ends, also when it failed
 * (BELFRY_TEST_KEEP=1 in the environment keeps it, to look at what happened).
 * Owner: the test program.   Thread: main.   Limits: BF_TEMPDIRS_MAX per process. */
#ifndef BF_TESTS_TEMPDIR_H
#define BF_TESTS_TEMPDIR_H

#define BF_TEMPDIRS_MAX 64

/* Its path, without a slash at the end; static. NULL where it cannot be made. */
const char *bf_tempdir(const char *name);
/* Removes it now, with all that is in it. */
void bf_tempdir_remove(const char *path);

#endif
