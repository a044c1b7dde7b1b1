/* watch.c: see watch.h. Declined: polling modification times: a person who saves a file looks at once. */
#include "cli/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOMENT_MS 50 /* an editor writes, renames and changes the mode of one file */
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

struct target {
    int id;
    char name[256]; /* of the file in its folder; empty: all of it */
};

struct bf_watch {
    int fd;
    struct target targets[BF_WATCH_MAX];
    size_t count;
};

static void add(struct bf_watch *watch, const char *path)
{
    char folder[4096];
    struct stat status;
    struct target *target = &watch->targets[watch->count];
    if (watch->count == BF_WATCH_MAX || stat(path, &status) != 0) {
        return;
    }
    (void)snprintf(folder, sizeof folder, "%s", path);
    target->name[0] = '\0';
    if (!S_ISDIR(status.st_mode)) {
        char *slash = strrchr(folder, '/');
        (void)snprintf(target->name, sizeof target->name, "%s", slash != NULL ? slash + 1 : path);
        if (slash != NULL) {
            slash[slash == folder ? 1 : 0] = '\0';
        } else {
            (void)snprintf(folder, sizeof folder, ".");
        }
    }
    target->id = inotify_add_watch(watch->fd, folder, EVENTS);
    watch->count += target->id >= 0;
}

enum bf_status bf_watch_open(const char *const *paths, size_t count, struct bf_watch **watch,
                             struct bf_err *err)
{
    struct bf_watch *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return bf_err_set(err, BF_LIMIT, "no memory");
    }
    made->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (made->fd < 0) {
        free(made);
        return bf_err_set(err, BF_LIMIT, "cannot watch files: %s", strerror(errno));
    }
    for (size_t i = 0; i < count; i++) {
        if (paths[i] != NULL) {
            add(made, paths[i]);
        }
    }
    *watch = made;
    return BF_OK;
}

void bf_watch_close(struct bf_watch *watch)
{
    if (watch != NULL) {
        close(watch->fd);
        free(watch);
    }
}

static bool concerns(const struct bf_watch *watch, const struct inotify_event *event)
{
    for (size_t i = 0; i < watch->count; i++) {
        const struct target *target = &watch->targets[i];
        if (target->id == event->wd &&
            (target->name[0] == '\0' || (event->len > 0 && strcmp(target->name, event->name) == 0))) {
            return true;
        }
    }
    return false;
}

/* Takes all events that are there. */
static bool drain(const struct bf_watch *watch)
{
    _Alignas(struct inotify_event) char bytes[16384];
    bool any = false;
    for (ssize_t len; (len = read(watch->fd, bytes, sizeof bytes)) > 0;) {
        for (size_t at = 0; at < (size_t)len;) {
            struct inotify_event event;
            memcpy(&event, bytes + at, sizeof event);
            any = any || concerns(watch, (const struct inotify_event *)(const void *)(bytes + at));
            at += sizeof event + event.len;
        }
    }
    return any;
}

enum bf_status bf_watch_wait(struct bf_watch *watch, int timeout_ms, struct bf_err *err)
{
    struct pollfd ready = {.fd = watch->fd, .events = POLLIN};
    int count = poll(&ready, 1, timeout_ms);
    if (count < 0 && errno != EINTR) {
        return bf_err_set(err, BF_LIMIT, "cannot watch files: %s", strerror(errno));
    }
    if (count <= 0 || !drain(watch)) {
        return BF_AGAIN;
    }
    while (poll(&ready, 1, MOMENT_MS) > 0) {
        (void)drain(watch);
    }
    return BF_OK;
}
