/* disk.c: see disk.h. Declined: a file on a loop device (needs root always), a quota (needs a filesystem that
 * has them), RLIMIT_FSIZE (another error than a full disk's). */
#include "tests/support/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TRIES 20 /* a server writes on while the disk shrinks */

static char mounted[BF_DISKS_MAX][400];
static size_t mount_count;
static pid_t owner;

static void unmount_all(void)
{
    for (size_t i = 0; i < mount_count && getpid() == owner; i++) {
        umount2(mounted[i], MNT_DETACH);
    }
}

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return written;
}

/* Who is not root gets a user namespace too, in which he stays who he is. */
static bool separate(void)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    char map[64];
    if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        return false;
    }
    if (user != 0) {
        snprintf(map, sizeof map, "%u %u 1", (unsigned)user, (unsigned)user);
        bool mapped = write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "%u %u 1", (unsigned)group, (unsigned)group);
        if (!mapped || !write_text("/proc/self/gid_map", map)) {
            return false;
        }
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

bool bf_disk_possible(void)
{
    static int possible = -1;
    if (possible < 0) {
        possible = separate();
    }
    return possible == 1;
}

static enum bf_status set_size(const char *path, unsigned long flags, uint64_t bytes, struct bf_err *err)
{
    char options[64];
    snprintf(options, sizeof options, "size=%llu", (unsigned long long)bytes);
    if (mount("belfry-test", path, "tmpfs", flags, options) != 0) {
        return bf_err_set(err, BF_PEER, "could not mount %s: %s", path, strerror(errno));
    }
    return BF_OK;
}

enum bf_status bf_disk_mount(const char *path, uint64_t bytes, struct bf_err *err)
{
    if (mount_count == BF_DISKS_MAX || strlen(path) >= sizeof mounted[0]) {
        return bf_err_set(err, BF_LIMIT, "more than %d disks", BF_DISKS_MAX);
    }
    if (mount_count == 0) {
        owner = getpid();
        atexit(unmount_all); /* after the folder's own end was arranged, so before it comes */
    }
    mkdir(path, 0700);
    enum bf_status status = set_size(path, 0, bytes, err);
    if (status == BF_OK) {
        snprintf(mounted[mount_count++], sizeof mounted[0], "%s", path);
    }
    return status;
}

enum bf_status bf_disk_fill(const char *path, uint64_t spare, struct bf_err *err)
{
    struct statvfs about;
    enum bf_status status = BF_PEER;
    for (int i = 0; i < TRIES && status != BF_OK; i++) {
        if (statvfs(path, &about) != 0) {
            return bf_err_set(err, BF_PEER, "%s: %s", path, strerror(errno));
        }
        uint64_t used = (uint64_t)(about.f_blocks - about.f_bfree) * about.f_frsize;
        status = set_size(path, MS_REMOUNT, used + spare, err);
    }
    return status;
}

enum bf_status bf_disk_widen(const char *path, uint64_t bytes, struct bf_err *err)
{
    return set_size(path, MS_REMOUNT, bytes, err);
}
