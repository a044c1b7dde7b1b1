/* disk.h: a small disk of its own for a server's data, which can run full and be given room again. It is a
 * tmpfs in a mount namespace of the test program, so nothing of it is left when the program ends, however it
 * ends. Full means shrunk to what is used: a filler would take that much memory.
 *
 *     if (bf_disk_possible()) {                     root, or a kernel that lets users make namespaces
 *         bf_disk_mount(path, 64 << 20, &err); ...; bf_disk_fill(path, &err); ...; bf_disk_widen(path, ...)
 *
 * bf_disk_possible comes before the first thread and the first child: both live in the namespace.
 * Owner: the test program.   Thread: main.   Limits: BF_DISKS_MAX.   Errors: PEER, in the kernel's words. */
#ifndef BF_TESTS_DISK_H
#define BF_TESTS_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

#define BF_DISKS_MAX 8

bool bf_disk_possible(void);
/* The folder is made where it is not there; what it held is hidden. */
enum bf_status bf_disk_mount(const char *path, uint64_t bytes, struct bf_err *err) BF_MUST_CHECK;
/* No room from now on, but for `spare` bytes. */
enum bf_status bf_disk_fill(const char *path, uint64_t spare, struct bf_err *err) BF_MUST_CHECK;
enum bf_status bf_disk_widen(const char *path, uint64_t bytes, struct bf_err *err) BF_MUST_CHECK;

#endif
