/* document.c: reading files whole. See document.h. Declined: mmap, whose faults arrive as signals. */
#include "config/document.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_all(int file, char *data, size_t size, size_t *len)
{
    *len = 0;
    while (*len < size) {
        ssize_t got = read(file, data + *len, size - *len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0;
        }
        *len += (size_t)got;
    }
    return true;
}

bool bf__file_read(struct bf__pool *pool, const char *path, size_t limit, struct bf_slice *bytes,
                   const char **why)
{
    struct stat status;
    bool good = false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0) {
        *why = strerror(errno);
    } else if (!S_ISREG(status.st_mode)) {
        *why = "it is not a plain file";
    } else if (status.st_size < 0 || (size_t)status.st_size > limit) {
        *why = "it is too large";
    } else {
        char *data = bf__pool_alloc(pool, (size_t)status.st_size + 1);
        good = read_all(file, data, (size_t)status.st_size, &bytes->len);
        bytes->data = data;
        *why = good ? NULL : strerror(errno);
    }
    if (file >= 0) {
        close(file);
    }
    return good;
}
