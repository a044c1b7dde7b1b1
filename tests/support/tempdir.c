/* tempdir.c: see tempdir.h. */
#include "tests/support/tempdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folders[BF_TEMPDIRS_MAX][256];
static int used;
static pid_t owner;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void bf_tempdir_remove(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_all(void)
{
    for (int i = 0; i < used && getpid() == owner; i++) {
        if (getenv("BELFRY_TEST_KEEP") != NULL) {
            fprintf(stderr, "kept: %s\n", folders[i]);
        } else {
            bf_tempdir_remove(folders[i]);
        }
    }
}

const char *bf_tempdir(const char *name)
{
    const char *base = getenv("TMPDIR");
    if (used == BF_TEMPDIRS_MAX) {
        return NULL;
    }
    char *path = folders[used];
    int len = snprintf(path, sizeof folders[0], "%s/belfry-test-%s-XXXXXX", base ? base : "/tmp", name);
    if (len < 0 || (size_t)len >= sizeof folders[0] || mkdtemp(path) == NULL) {
        return NULL;
    }
    if (used++ == 0) {
        owner = getpid();
        atexit(remove_all);
    }
    return path;
}
