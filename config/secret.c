/* secret.c: secrets come from files only ({file: path}), so that no configuration in a repository, in the
 * log or in a process list holds one. Declined: the environment, which every child process inherits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/option.h"

#define SECRET_MAX 4096u

const char *bf__path_resolve(struct bf__loader *loader, struct bf_slice path)
{
    if (path.data[0] == '/' || loader->folder == NULL) {
        return bf__pool_copy(loader->pool, path).data;
    }
    size_t size = strlen(loader->folder) + path.len + 2;
    char *whole = bf__pool_alloc(loader->pool, size);
    snprintf(whole, size, "%s/%.*s", loader->folder, BF_SLICE_ARG(path));
    return whole;
}

static const char *read_secret(struct bf__loader *loader, const struct bf__node *node, const char *path,
                               int file)
{
    struct stat status;
    char bytes[SECRET_MAX + 2];
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        bf__loader_problem(loader, node, "the secret's file %.160s is not a plain file", path);
        return NULL;
    }
    if ((status.st_mode & S_IROTH) != 0) {
        bf__loader_problem(loader, node, "the secret's file %.160s can be read by everyone; chmod o-r it",
                           path);
        return NULL;
    }
    ssize_t len = read(file, bytes, sizeof bytes);
    if (len < 0 || (size_t)len > SECRET_MAX) {
        bf__loader_problem(loader, node, "the secret's file %.160s cannot be read: %s", path,
                           len < 0 ? strerror(errno) : "it is longer than 4 KiB");
        return NULL;
    }
    size_t cut = (size_t)len;
    cut -= cut > 0 && bytes[cut - 1] == '\n' ? 1 : 0;
    cut -= cut > 0 && bytes[cut - 1] == '\r' ? 1 : 0;
    if (cut == 0 || memchr(bytes, '\0', cut) != NULL) {
        bf__loader_problem(loader, node, "the secret's file %.160s is empty or holds a NUL byte", path);
        return NULL;
    }
    return bf__pool_copy(loader->pool, (struct bf_slice){bytes, cut}).data;
}

const char *bf__secret_read(struct bf__loader *loader, const struct bf__node *node)
{
    const struct bf__node *name = bf__node_get(node, "file");
    if (name == NULL || node->count != 1 || name->kind != BF__NODE_SCALAR || name->text.len == 0) {
        bf__loader_problem(loader, node, "a secret comes from a file: write {file: path}");
        return NULL;
    }
    const char *path = bf__path_resolve(loader, name->text);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        bf__loader_problem(loader, name, "the secret's file %.160s cannot be opened: %s", path,
                           strerror(errno));
        return NULL;
    }
    const char *secret = read_secret(loader, name, path, file);
    close(file);
    return secret;
}
